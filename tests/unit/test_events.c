/* What cursors promise: one position has one text, and nothing else is read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/events.h"
#include "tests/unit/suite.h"

#include <string.h>

START_TEST(a_cursor_comes_back_from_its_text)
{
    static const struct event_cursor cursors[] = {
        {0, 0, 0}, {1, 2, 3}, {INT64_MAX, UINT64_MAX, INT64_MAX}, {10, 1000, 100}};
    for (size_t i = 0; i < COUNT_OF(cursors); i++) {
        char text[EVENT_CURSOR_TEXT_SIZE];
        struct event_cursor again = {0};
        event_cursor_print(&cursors[i], text);
        ck_assert_int_eq(event_cursor_parse(text, &again, NULL), ERR_NONE);
        ck_assert_int_eq(again.generation, cursors[i].generation);
        ck_assert_uint_eq(again.xid, cursors[i].xid);
        ck_assert_int_eq(again.seq, cursors[i].seq);
    }
}
END_TEST

START_TEST(any_other_text_is_refused)
{
    static const char *const texts[] = {
        "",
        "-",
        "--",
        "1-2",
        "1-2-",
        "-1-2-3",
        "1-2-3-",
        "1-2-3-4",
        "1-2-3 ",
        " 1-2-3",
        "01-2-3",
        "1-02-3",
        "1--2-3",
        "+1-2-3",
        "a-2-3",
        "9223372036854775808-0-0",
        "0-18446744073709551616-0",
        "0-0-9223372036854775808",
        "1_2_3",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct event_cursor cursor = {7, 7, 7};
        struct err err = {0};
        ck_assert_msg(event_cursor_parse(texts[i], &cursor, &err) == ERR_INVALID, "'%s' was read", texts[i]);
        ck_assert_str_eq(err.code, "invalid_cursor");
        ck_assert_int_eq(cursor.generation, 7); /* set on success only */
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("events");
    tcase_add_test(tests, a_cursor_comes_back_from_its_text);
    tcase_add_test(tests, any_other_text_is_refused);
    Suite *suite = suite_create("events");
    suite_add_tcase(suite, tests);
    return suite;
}
