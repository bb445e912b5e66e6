/* What reading CSV promises: RFC 4180's rows, and no other text taken for one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/csv_read.h"
#include "tests/unit/suite.h"

#include <string.h>

static struct arena *arena;

static void make_arena(void)
{
    arena = arena_new();
}

static void drop_arena(void)
{
    arena_free(arena);
}

static struct csv_cells row(struct csv_reader *reader)
{
    struct csv_cells cells;
    struct err err = {0};
    ck_assert_msg(csv_read_row(reader, arena, &cells, &err) == ERR_NONE, "%s", err.text);
    return cells;
}

START_TEST(cells_hold_what_stands_between_commas_or_quotes)
{
    struct csv_reader reader = {"a,\"b, \"\"c\"\"\",\r\n\r\n\"two\nlines\",,x\nlast", 1};
    struct csv_cells first = row(&reader);
    ck_assert_uint_eq(first.count, 3);
    ck_assert_str_eq(first.items[0], "a");
    ck_assert_str_eq(first.items[1], "b, \"c\"");
    ck_assert_str_eq(first.items[2], "");
    struct csv_cells second = row(&reader);
    ck_assert_int_eq(second.line, 3);
    ck_assert_str_eq(second.items[0], "two\nlines");
    ck_assert_str_eq(second.items[2], "x");
    struct csv_cells third = row(&reader);
    ck_assert_int_eq(third.line, 5);
    ck_assert_str_eq(third.items[0], "last");
    ck_assert_uint_eq(row(&reader).count, 0);
    ck_assert_uint_eq(row(&reader).count, 0);
}
END_TEST

START_TEST(what_is_no_row_is_refused_with_its_line)
{
    static const char *const wrong[] = {"\"", "\"a", "\"a\"b", "\"a\"\"",
                                        ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct csv_reader reader = {wrong[i], 7};
        struct csv_cells cells;
        struct err err = {0};
        ck_assert_int_eq(csv_read_row(&reader, arena, &cells, &err), ERR_MALFORMED);
        ck_assert_ptr_nonnull(strstr(err.text, "line 7"));
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("csv_read");
    tcase_add_checked_fixture(tests, make_arena, drop_arena);
    tcase_add_test(tests, cells_hold_what_stands_between_commas_or_quotes);
    tcase_add_test(tests, what_is_no_row_is_refused_with_its_line);
    Suite *suite = suite_create("csv_read");
    suite_add_tcase(suite, tests);
    return suite;
}
