/* What filters of events promise: patterns are read or refused, and match what they say. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/event_filter.h"
#include "tests/unit/suite.h"

#include <string.h>

START_TEST(only_kinds_and_their_beginnings_are_patterns)
{
    static const char *const good[] = {"*", "reservation.created", "reservation.*", "node", "a.b_c.d0.*"};
    static const char *const bad[] = {"",      ".", ".*",  "*.*", "**",           "a.",   ".a", "a..b",
                                      "a.*.b", "A", "a b", "a,b", "reservation*", "a..*", "-",  "a%"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        ck_assert_msg(event_pattern_is_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        ck_assert_msg(!event_pattern_is_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_filter_passes_what_one_of_its_patterns_names)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct event_filter filter = {0};
    struct err err = {0};
    ck_assert(event_filter_matches(&filter, "node.ready", "n1"));
    ck_assert_int_eq(event_patterns_parse(arena, "reservation.*,node.ready", &filter, &err), ERR_NONE);
    ck_assert(event_filter_matches(&filter, "reservation.created", "r1"));
    ck_assert(event_filter_matches(&filter, "node.ready", "n1"));
    ck_assert(!event_filter_matches(&filter, "node.readyish", "n1"));
    ck_assert(!event_filter_matches(&filter, "reservations.created", "r1"));
    ck_assert(!event_filter_matches(&filter, "reservation", "r1"));
    filter.object_id = "r1";
    struct event_filter copy = event_filter_copy(arena, &filter);
    ck_assert(event_filter_matches(&copy, "reservation.created", "r1"));
    ck_assert(!event_filter_matches(&copy, "reservation.created", "r2"));
}
END_TEST

START_TEST(a_list_that_is_none_is_refused)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    static const char *const bad[] = {"", ",", "a,", ",a", "a,,b", "a, b"};
    struct event_filter filter = {0};
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        ck_assert_int_eq(event_patterns_parse(arena, bad[i], &filter, &err), ERR_INVALID);
    char many[2 * EVENT_PATTERNS_MAX + 2];
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = i % 2 == 0 ? 'a' : ',';
    many[2 * EVENT_PATTERNS_MAX + 1] = '\0';
    ck_assert_int_eq(event_patterns_parse(arena, many, &filter, &err), ERR_INVALID);
    many[2 * EVENT_PATTERNS_MAX - 1] = '\0';
    ck_assert_int_eq(event_patterns_parse(arena, many, &filter, &err), ERR_NONE);
    ck_assert_uint_eq(filter.count, EVENT_PATTERNS_MAX);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("event_filter");
    TCase *promises = tcase_create("promises");
    tcase_add_test(promises, only_kinds_and_their_beginnings_are_patterns);
    tcase_add_test(promises, a_filter_passes_what_one_of_its_patterns_names);
    tcase_add_test(promises, a_list_that_is_none_is_refused);
    suite_add_tcase(suite, promises);
    return suite;
}
