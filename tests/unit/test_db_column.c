/* What columns promise: PostgreSQL's binary format of an array, byte for byte, and readers that take it back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db_column.h"
#include "tests/unit/suite.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY(type, nulls, count) 0, 0, 0, 1, 0, 0, 0, nulls, 0, 0, (type) >> 8, (type)&0xff, 0, 0, 0, count, 0, 0, 0, 1

static void must_be(struct db_column *column, const uint8_t *bytes, size_t size)
{
    const char *param = db_column_param(column);
    ck_assert_ptr_nonnull(param);
    ck_assert_uint_eq(db_column_length(param), size);
    ck_assert_mem_eq(param, bytes, size);
}
#define MUST_BE(column, ...) must_be(column, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

START_TEST(numbers_have_the_width_of_their_type)
{
    CLEANUP(db_column_clear) struct db_column narrow = {0};
    CLEANUP(db_column_clear) struct db_column wide = {0};
    db_column_int4(&narrow, -2);
    db_column_int4(&narrow, 258);
    db_column_int8(&wide, INT64_MIN);
    MUST_BE(&narrow, ARRAY(23, 0, 2), 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 4, 0, 0, 1, 2);
    MUST_BE(&wide, ARRAY(20, 0, 1), 0, 0, 0, 8, 0x80, 0, 0, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(texts_and_bytes_stand_as_they_are)
{
    CLEANUP(db_column_clear) struct db_column texts = {0};
    CLEANUP(db_column_clear) struct db_column bytes = {0};
    CLEANUP(db_column_clear) struct db_column documents = {0};
    CLEANUP(db_column_clear) struct db_column booleans = {0};
    db_column_text(&texts, "a\"{,");
    db_column_text(&texts, "");
    db_column_bytes(&bytes, (const uint8_t *)"\0x", 2);
    db_column_jsonb(&documents, "{}");
    db_column_bool(&booleans, true);
    db_column_bool(&booleans, false);
    MUST_BE(&texts, ARRAY(25, 0, 2), 0, 0, 0, 4, 'a', '"', '{', ',', 0, 0, 0, 0);
    MUST_BE(&bytes, ARRAY(17, 0, 1), 0, 0, 0, 2, 0, 'x');
    MUST_BE(&documents, ARRAY(3802, 0, 1), 0, 0, 0, 3, 1, '{', '}');
    MUST_BE(&booleans, ARRAY(16, 0, 2), 0, 0, 0, 1, 1, 0, 0, 0, 1, 0);
}
END_TEST

START_TEST(an_identity_and_its_text_are_the_same_uuid)
{
    CLEANUP(db_column_clear) struct db_column ids = {0};
    db_column_identity(&ids, (struct identity){{1, 2, 3}});
    db_column_uuid(&ids, "01020300-0000-0000-0000-000000000000");
    const char *array = db_column_param(&ids);
    ck_assert_uint_eq(db_column_length(array), 20 + 2 * (4 + 16));
    ck_assert_mem_eq(array + 20, array + 20 + 20, 20);
    MUST_BE(&ids, ARRAY(2950, 0, 2), 0, 0, 0, 16, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* the one */
            0, 0, 0, 16, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);                         /* the other */
}
END_TEST

START_TEST(nulls_are_told_and_a_column_of_nulls_is_not_sent)
{
    CLEANUP(db_column_clear) struct db_column empty = {0};
    CLEANUP(db_column_clear) struct db_column nulls = {0};
    CLEANUP(db_column_clear) struct db_column mixed = {0};
    db_column_null(&nulls);
    db_column_text(&nulls, NULL);
    db_column_uuid(&nulls, NULL);
    db_column_jsonb(&nulls, NULL);
    db_column_null(&mixed);
    db_column_int4(&mixed, 7);
    db_column_int4_or_null(&nulls, -1, -1);
    db_column_int8_or_null(&nulls, INT64_MAX, INT64_MAX);
    db_column_identity_or_null(&nulls, NULL);
    ck_assert_uint_eq(nulls.count, 7);
    ck_assert_ptr_null(db_column_param(&empty));
    ck_assert_ptr_null(db_column_param(&nulls));
    MUST_BE(&mixed, ARRAY(23, 1, 2), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4, 0, 0, 0, 7);
}
END_TEST

START_TEST(what_is_not_the_null_is_a_value)
{
    CLEANUP(db_column_clear) struct db_column narrow = {0};
    CLEANUP(db_column_clear) struct db_column wide = {0};
    CLEANUP(db_column_clear) struct db_column ids = {0};
    const struct identity id = {{1}};
    db_column_int4_or_null(&narrow, 0, -1);
    db_column_int8_or_null(&wide, 7, INT64_MAX);
    db_column_identity_or_null(&ids, &id);
    MUST_BE(&narrow, ARRAY(23, 0, 1), 0, 0, 0, 4, 0, 0, 0, 0);
    MUST_BE(&wide, ARRAY(20, 0, 1), 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7);
    MUST_BE(&ids, ARRAY(2950, 0, 1), 0, 0, 0, 16, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(a_copy_knows_its_length_too)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    CLEANUP(db_column_clear) struct db_column column = {0};
    for (int i = 0; i < 10000; i++)
        db_column_int8(&column, i);
    const char *param = db_column_param(&column);
    const char *copy = db_column_copy(param, arena);
    ck_assert_uint_eq(db_column_length(copy), 20 + 10000 * 12);
    ck_assert_mem_eq(copy, param, db_column_length(param));
}
END_TEST

/* A row in the binary format without a server. */
static PGresult *row_of(const char *const *values, const int *sizes, int count)
{
    char name[] = "column";
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc *columns = calloc((size_t)count, sizeof *columns);
    for (int i = 0; i < count; i++)
        columns[i] = (PGresAttDesc){.name = name, .format = 1};
    ck_assert_int_ne(PQsetResultAttrs(result, count, columns), 0);
    free(columns);
    for (int i = 0; i < count; i++) {
        char value[16];
        memcpy(value, values[i], (size_t)sizes[i]);
        ck_assert_int_ne(PQsetvalue(result, 0, i, value, sizes[i]), 0);
    }
    return result;
}

START_TEST(readers_take_rows_in_the_binary_format)
{
    static const char *const values[] = {
        "\xff\xff\xff\xfe", "\0\0\0\0\0\0\1\0", "\1", "\0", "0123456789abcdef", "text"};
    static const int sizes[] = {4, 8, 1, 1, 16, 4};
    CLEANUP(db_result_clear) PGresult *result = row_of(values, sizes, COUNT_OF(sizes));
    struct identity id = db_identity(result, 0, 4);
    ck_assert_int_eq(db_int(result, 0, 0, 0), -2);
    ck_assert_int_eq(db_int(result, 0, 1, 0), 256);
    ck_assert_uint_eq(db_xid(result, 0, 1), 256);
    ck_assert(db_bool(result, 0, 2));
    ck_assert(!db_bool(result, 0, 3));
    ck_assert_mem_eq(id.bytes, "0123456789abcdef", 16);
    ck_assert_str_eq(db_text(result, 0, 5), "text");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("db_column");
    TCase *cases = tcase_create("columns");
    tcase_add_test(cases, numbers_have_the_width_of_their_type);
    tcase_add_test(cases, texts_and_bytes_stand_as_they_are);
    tcase_add_test(cases, an_identity_and_its_text_are_the_same_uuid);
    tcase_add_test(cases, nulls_are_told_and_a_column_of_nulls_is_not_sent);
    tcase_add_test(cases, what_is_not_the_null_is_a_value);
    tcase_add_test(cases, a_copy_knows_its_length_too);
    tcase_add_test(cases, readers_take_rows_in_the_binary_format);
    suite_add_tcase(suite, cases);
    return suite;
}
