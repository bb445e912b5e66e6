/* What array parameters promise: PostgreSQL reads back exactly what was put in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/db.h"
#include "tests/unit/suite.h"

#include <stdlib.h>
#include <string.h>

START_TEST(an_empty_array_is_a_pair_of_braces)
{
    CLEANUP(db_array_clear) struct db_array array = {0};
    ck_assert_str_eq(db_array_param(&array), "{}");
    ck_assert_str_eq(db_array_param(&array), "{}"); /* closing twice is closing once */
}
END_TEST

START_TEST(texts_are_quoted_so_that_none_is_a_null_or_a_comma)
{
    CLEANUP(db_array_clear) struct db_array array = {0};
    db_array_text(&array, "plain");
    db_array_text(&array, "NULL");
    db_array_text(&array, NULL);
    db_array_text(&array, "");
    db_array_text(&array, "say \"a,b\" {c} \\d");
    ck_assert_uint_eq(array.count, 5);
    ck_assert_str_eq(db_array_param(&array), "{\"plain\",\"NULL\",NULL,\"\",\"say \\\"a,b\\\" {c} \\\\d\"}");
}
END_TEST

START_TEST(numbers_booleans_and_identifiers_stand_bare)
{
    CLEANUP(db_array_clear) struct db_array array = {0};
    db_array_int(&array, INT64_MIN);
    db_array_bool(&array, true);
    db_array_bool(&array, false);
    db_array_identity(&array, (struct identity){{0x01, 0x8f}});
    ck_assert_str_eq(db_array_param(&array), "{-9223372036854775808,t,f,018f0000-0000-0000-0000-000000000000}");
}
END_TEST

START_TEST(one_number_and_no_identifier_are_null)
{
    CLEANUP(db_array_clear) struct db_array array = {0};
    const struct identity id = {{0x01, 0x8f}};
    db_array_int_or_null(&array, -1, -1);
    db_array_int_or_null(&array, 0, -1);
    db_array_identity_or_null(&array, NULL);
    db_array_identity_or_null(&array, &id);
    ck_assert_uint_eq(array.nulls, 2);
    ck_assert_str_eq(db_array_param(&array), "{NULL,0,NULL,018f0000-0000-0000-0000-000000000000}");
}
END_TEST

START_TEST(a_column_without_values_is_not_sent)
{
    CLEANUP(db_array_clear) struct db_array empty = {0};
    CLEANUP(db_array_clear) struct db_array nulls = {0};
    CLEANUP(db_array_clear) struct db_array mixed = {0};
    db_array_text(&nulls, NULL);
    db_array_text(&nulls, NULL);
    db_array_text(&mixed, NULL);
    db_array_int(&mixed, 7);
    ck_assert_ptr_null(db_array_column(&empty));
    ck_assert_ptr_null(db_array_column(&nulls));
    ck_assert_str_eq(db_array_column(&mixed), "{NULL,7}");
}
END_TEST

START_TEST(an_array_grows_as_far_as_it_must)
{
    CLEANUP(db_array_clear) struct db_array array = {0};
    char value[1001];
    memset(value, '\\', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 1000; i++)
        db_array_text(&array, value);
    ck_assert_uint_eq(strlen(db_array_param(&array)), 1000 * 2002 + 1001);
}
END_TEST

/* A row without a server. libpq copies what it is given, though it does not say const. */
static PGresult *row_of(const char *const *values, int count)
{
    char name[] = "column";
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc *columns = calloc((size_t)count, sizeof *columns);
    for (int i = 0; i < count; i++)
        columns[i].name = name;
    ck_assert_int_ne(PQsetResultAttrs(result, count, columns), 0);
    free(columns);
    for (int i = 0; i < count; i++) {
        char *value = values[i] == NULL ? NULL : alloc_text(values[i]);
        ck_assert_int_ne(PQsetvalue(result, 0, i, value, value == NULL ? -1 : (int)strlen(value)), 0);
        free(value);
    }
    return result;
}

START_TEST(columns_are_read_as_what_they_are)
{
    static const char *const values[] = {"-9223372036854775808", NULL, "t", "f",
                                         "018f0000-0000-0000-0000-000000000001"};
    CLEANUP(db_result_clear) PGresult *row = row_of(values, 5);
    ck_assert_int_eq(db_int(row, 0, 0, 0), INT64_MIN);
    ck_assert_int_eq(db_int(row, 0, 1, 7), 7);
    ck_assert_ptr_null(db_text(row, 0, 1));
    ck_assert(db_bool(row, 0, 2));
    ck_assert(!db_bool(row, 0, 3));
    ck_assert(!db_bool(row, 0, 1));
    ck_assert_uint_eq(db_identity(row, 0, 4).bytes[15], 1);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("db_array");
    tcase_add_test(tests, an_empty_array_is_a_pair_of_braces);
    tcase_add_test(tests, texts_are_quoted_so_that_none_is_a_null_or_a_comma);
    tcase_add_test(tests, numbers_booleans_and_identifiers_stand_bare);
    tcase_add_test(tests, one_number_and_no_identifier_are_null);
    tcase_add_test(tests, a_column_without_values_is_not_sent);
    tcase_add_test(tests, an_array_grows_as_far_as_it_must);
    tcase_add_test(tests, columns_are_read_as_what_they_are);
    Suite *suite = suite_create("db_array");
    suite_add_tcase(suite, tests);
    return suite;
}
