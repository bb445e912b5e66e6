/* Own prices before the list's: against an oracle that asks of each second. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/price_list.h"
#include "tests/unit/property.h"

#include <check.h>

#define ROUNDS       20000
#define VERSIONS_MAX 6
#define SECONDS      200

static size_t make_versions(struct property *property, struct rating_price versions[VERSIONS_MAX])
{
    size_t count = (size_t)property_between(property, 0, VERSIONS_MAX);
    int64_t at_s = property_between(property, 0, 20);
    for (size_t i = 0; i < count; i++) {
        int64_t length_s = property_between(property, 1, 40);
        versions[i] =
            (struct rating_price){.valid = {at_s, at_s + length_s}, .unit_price_u = property_between(property, 0, 9)};
        at_s += length_s + property_between(property, 0, 1) * property_between(property, 0, 20);
    }
    if (count > 0 && property_between(property, 0, 1) == 1)
        versions[count - 1].valid.to_s = RATING_OPEN_END_S;
    return count;
}

/* The version that holds at a second; count if none. */
static size_t version_at(const struct rating_price *versions, size_t count, int64_t second)
{
    for (size_t i = 0; i < count; i++) {
        if (versions[i].valid.from_s <= second && second < versions[i].valid.to_s)
            return i;
    }
    return count;
}

START_TEST(each_second_has_the_own_price_or_else_the_lists)
{
    struct property property = property_begin("each_second_has_the_own_price_or_else_the_lists");
    for (int round = 0; round < ROUNDS; round++) {
        struct rating_price own[VERSIONS_MAX];
        struct rating_price list[VERSIONS_MAX];
        struct rating_price pieces[PRICE_LIST_PIECES_MAX(VERSIONS_MAX, VERSIONS_MAX)];
        size_t version[PRICE_LIST_PIECES_MAX(VERSIONS_MAX, VERSIONS_MAX)];
        size_t own_count = make_versions(&property, own);
        size_t list_count = make_versions(&property, list);
        size_t count = price_list_overlay(own, own_count, list, list_count, pieces, version);
        ck_assert_uint_le(count, PRICE_LIST_PIECES_MAX(own_count, list_count));
        for (size_t i = 1; i < count; i++)
            ck_assert_int_le(pieces[i - 1].valid.to_s, pieces[i].valid.from_s);
        for (int64_t second = 0; second < SECONDS; second++) {
            size_t expected = version_at(own, own_count, second);
            if (expected == own_count)
                expected = own_count + version_at(list, list_count, second);
            size_t piece = version_at(pieces, count, second);
            size_t found = piece == count ? own_count + list_count : version[piece];
            ck_assert_uint_eq(found, expected);
            if (piece < count)
                ck_assert_int_eq(pieces[piece].unit_price_u,
                                 found < own_count ? own[found].unit_price_u : list[found - own_count].unit_price_u);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("price_list");
    TCase *cases = tcase_create("promises");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, each_second_has_the_own_price_or_else_the_lists);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
