/* What identifiers promise: they rise, they are UUIDv7, and their text comes back and sorts as they do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/identity.h"
#include "tests/unit/suite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define IDS     20000
#define THREADS 4

static struct identity ids[THREADS][IDS];

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct identity));
}

START_TEST(ids_rise_within_a_process)
{
    for (int i = 0; i < IDS; i++)
        ids[0][i] = identity_new();
    for (int i = 1; i < IDS; i++)
        ck_assert_int_lt(compare(&ids[0][i - 1], &ids[0][i]), 0);
}
END_TEST

static void *make_ids(void *context)
{
    struct identity *made = context;
    for (int i = 0; i < IDS; i++)
        made[i] = identity_new();
    return NULL;
}

START_TEST(threads_never_make_the_same_id)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_ids, ids[i]), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    struct identity *all = &ids[0][0];
    qsort(all, (size_t)THREADS * IDS, sizeof *all, compare);
    for (int i = 1; i < THREADS * IDS; i++)
        ck_assert_int_lt(compare(&all[i - 1], &all[i]), 0);
}
END_TEST

START_TEST(an_id_is_a_uuid_of_version_7_with_the_time_in_front)
{
    int64_t before_ms = clock_real_ms();
    struct identity id = identity_new();
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id.bytes[i];
    ck_assert_int_eq(identity_made_ms(id), ms);
    ck_assert_int_ge(ms, before_ms);
    ck_assert_int_lt(ms, before_ms + 60000); /* ids of a burst may run ahead of the clock, a little */
    ck_assert_uint_eq(id.bytes[6] >> 4, 7);
    ck_assert_uint_eq(id.bytes[8] >> 6, 2);
}
END_TEST

START_TEST(the_text_comes_back_and_sorts_as_the_id_does)
{
    char before[IDENTITY_TEXT_SIZE] = "";
    for (int i = 0; i < 2000; i++) {
        struct identity id = identity_new();
        struct identity again = {0};
        char text[IDENTITY_TEXT_SIZE];
        char uuid[UUID_TEXT_SIZE];
        identity_to_text(IDENTITY_RESERVATION, id, text);
        ck_assert_uint_eq(strlen(text), IDENTITY_TEXT_SIZE - 1);
        ck_assert_int_lt(strcmp(before, text), 0);
        memcpy(before, text, sizeof before);
        ck_assert_int_eq(identity_from_text(IDENTITY_RESERVATION, text, &again, NULL), ERR_NONE);
        ck_assert_mem_eq(&id, &again, sizeof id);

        identity_to_uuid(id, uuid);
        again = (struct identity){0};
        ck_assert_int_eq(identity_from_uuid(uuid, &again, NULL), ERR_NONE);
        ck_assert_mem_eq(&id, &again, sizeof id);
        char same[IDENTITY_TEXT_SIZE];
        identity_text_of_uuid(IDENTITY_RESERVATION, uuid, same);
        ck_assert_str_eq(text, same);
    }
}
END_TEST

START_TEST(known_ids_have_known_texts)
{
    static const struct {
        const char *uuid, *text;
    } rows[] = {
        {"00000000-0000-0000-0000-000000000000", "nod_00000000000000000000000000"},
        {"ffffffff-ffff-ffff-ffff-ffffffffffff", "nod_7zzzzzzzzzzzzzzzzzzzzzzzzz"},
        {"00000000-0000-0000-0000-000000000021", "nod_00000000000000000000000011"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[IDENTITY_TEXT_SIZE];
        identity_text_of_uuid(IDENTITY_NODE, rows[i].uuid, text);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

START_TEST(either_case_is_read_and_lower_is_written)
{
    struct identity id = {0};
    char text[IDENTITY_TEXT_SIZE];
    ck_assert_int_eq(identity_from_text(IDENTITY_TENANT, "TEN_01JDABCDEFGHJKMNPQRSTVWXYZ", &id, NULL), ERR_NONE);
    identity_to_text(IDENTITY_TENANT, id, text);
    ck_assert_str_eq(text, "ten_01jdabcdefghjkmnpqrstvwxyz");
    ck_assert_int_eq(identity_from_uuid("018F0000-ABCD-7000-8000-00000000000A", &id, NULL), ERR_NONE);
}
END_TEST

START_TEST(what_is_not_exactly_an_identifier_is_refused)
{
    static const char *const texts[] = {
        "",
        "r",
        "rsv",
        "rsv_",
        "rsv_0",
        "ten_01jdabcdefghjkmnpqrstvwxyz", /* another kind */
        "rsv-01jdabcdefghjkmnpqrstvwxyz",
        "rsv_01jdabcdefghjkmnpqrstvwxy",   /* too short */
        "rsv_01jdabcdefghjkmnpqrstvwxyz0", /* too long */
        "rsv_81jdabcdefghjkmnpqrstvwxyz",  /* more than 128 bits */
        "rsv_01jdabcdefghjkmnpqrstvwxyu",
        "rsv_01jdabcdefghjkmnpqrstvwxyl", /* not in the alphabet */
        "rsv_01jdabcdefghjkmnpqrstvwxy ",
        " rsv_01jdabcdefghjkmnpqrstvwxyz",
    };
    struct err err = {0};
    struct identity id = {0};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        ck_assert_int_eq(identity_from_text(IDENTITY_RESERVATION, texts[i], &id, &err), ERR_INVALID);
        ck_assert_str_eq(err.code, "invalid_id");
    }
    static const char *const uuids[] = {
        "",
        "018f0000-abcd-7000-8000-00000000000",
        "018f0000-abcd-7000-8000-0000000000000",
        "018f0000+abcd-7000-8000-000000000000",
        "018f0000-abcd-7000-8000-00000000000g",
        "018f0000abcd-7000-8000-0000000000000",
    };
    for (size_t i = 0; i < COUNT_OF(uuids); i++)
        ck_assert_int_eq(identity_from_uuid(uuids[i], &id, &err), ERR_INVALID);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("identity");
    tcase_add_test(tests, ids_rise_within_a_process);
    tcase_add_test(tests, threads_never_make_the_same_id);
    tcase_add_test(tests, an_id_is_a_uuid_of_version_7_with_the_time_in_front);
    tcase_add_test(tests, the_text_comes_back_and_sorts_as_the_id_does);
    tcase_add_test(tests, known_ids_have_known_texts);
    tcase_add_test(tests, either_case_is_read_and_lower_is_written);
    tcase_add_test(tests, what_is_not_exactly_an_identifier_is_refused);
    Suite *suite = suite_create("identity");
    suite_add_tcase(suite, tests);
    return suite;
}
