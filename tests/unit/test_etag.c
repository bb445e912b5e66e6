/* Entity tags: which of a list is ours. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/etag.h"
#include "tests/unit/suite.h"

START_TEST(if_none_match_compares_the_whole_tag_weakly)
{
    ck_assert(etag_is_known("\"3-7\"", "\"3-7\""));
    ck_assert(etag_is_known("W/\"3-7\"", "\"3-7\""));
    ck_assert(etag_is_known("\"1-1\" , \"3-7\"", "\"3-7\""));
    ck_assert(etag_is_known("*", "\"3-7\""));
    ck_assert(!etag_is_known("\"3-8\"", "\"3-7\""));
    ck_assert(!etag_is_known("\"3-70\"", "\"3-7\""));
    ck_assert(!etag_is_known("\"13-7\"", "\"3-7\""));
    ck_assert(!etag_is_known("", "\"3-7\""));
    ck_assert(!etag_is_known("3-7", "\"3-7\""));
    ck_assert(!etag_is_known("\"3-7", "\"3-7\""));
}
END_TEST

START_TEST(if_match_compares_the_part_of_the_wish_strongly)
{
    ck_assert(etag_is_of_wish("\"3-7\"", 3));
    ck_assert(etag_is_of_wish("\"3-999\"", 3));
    ck_assert(etag_is_of_wish("\"2-7\",\"3-0\"", 3));
    ck_assert(etag_is_of_wish("*", 3));
    ck_assert(!etag_is_of_wish("W/\"3-7\"", 3));
    ck_assert(!etag_is_of_wish("\"33-7\"", 3));
    ck_assert(!etag_is_of_wish("\"3\"", 3));
    ck_assert(!etag_is_of_wish("3-7", 3));
    ck_assert(!etag_is_of_wish("\"3-7", 3));
    ck_assert(!etag_is_of_wish("", 3));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("etag");
    TCase *tests = tcase_create("lists");
    tcase_add_test(tests, if_none_match_compares_the_whole_tag_weakly);
    tcase_add_test(tests, if_match_compares_the_part_of_the_wish_strongly);
    suite_add_tcase(suite, tests);
    return suite;
}
