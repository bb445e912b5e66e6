/* Specific prices before general ones: against an oracle that paints each second, the general first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/price_list.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <string.h>

#define ROUNDS       4000
#define VERSIONS_MAX 6
#define SECONDS      200

static size_t make_versions(struct property *property, struct rating_price versions[VERSIONS_MAX], uint32_t first)
{
    size_t count = (size_t)property_between(property, 0, VERSIONS_MAX);
    int64_t at_s = property_between(property, 0, 20);
    for (size_t i = 0; i < count; i++) {
        int64_t length_s = property_between(property, 1, 40);
        versions[i] = (struct rating_price){.valid = {at_s, at_s + length_s},
                                            .unit_price_u = property_between(property, 0, 9),
                                            .version = first + (uint32_t)i};
        at_s += length_s + property_between(property, 0, 1) * property_between(property, 0, 20);
    }
    if (count > 0 && property_between(property, 0, 1) == 1)
        versions[count - 1].valid.to_s = RATING_OPEN_END_S;
    return count;
}

/* Which version holds at each second; 0: none. */
static void paint_one(const struct rating_price *price, uint32_t ret[SECONDS])
{
    for (int64_t s = price->valid.from_s; s < price->valid.to_s && s < SECONDS; s++)
        ret[s] = price->version;
}

static void paint(const struct rating_price *prices, size_t count, uint32_t ret[SECONDS])
{
    memset(ret, 0, SECONDS * sizeof *ret);
    for (size_t i = 0; i < count; i++)
        paint_one(&prices[i], ret);
}

START_TEST(each_second_has_the_upper_price_or_else_the_lower)
{
    struct property property = property_begin(__func__);
    for (int round = 0; round < ROUNDS; round++) {
        struct rating_price upper[VERSIONS_MAX];
        struct rating_price lower[VERSIONS_MAX];
        struct rating_price pieces[PRICE_LIST_PIECES_MAX(VERSIONS_MAX, VERSIONS_MAX)];
        uint32_t at[SECONDS];
        uint32_t expected[SECONDS];
        size_t upper_count = make_versions(&property, upper, 1);
        size_t lower_count = make_versions(&property, lower, 101);
        size_t count = price_list_overlay(upper, upper_count, lower, lower_count, pieces);
        ck_assert_uint_le(count, PRICE_LIST_PIECES_MAX(upper_count, lower_count));
        paint(pieces, count, at);
        paint(lower, lower_count, expected);
        for (size_t i = 0; i < upper_count; i++)
            paint_one(&upper[i], expected);
        ck_assert_mem_eq(at, expected, sizeof at);
        bool is_sound = true; /* an assertion of the library costs more than what it asks here */
        for (size_t i = 0; i < count; i++) {
            const struct rating_price *of =
                pieces[i].version > 100 ? &lower[pieces[i].version - 101] : &upper[pieces[i].version - 1];
            is_sound = is_sound && pieces[i].unit_price_u == of->unit_price_u &&
                       (i == 0 || pieces[i - 1].valid.to_s <= pieces[i].valid.from_s);
        }
        ck_assert(is_sound);
    }
}
END_TEST

START_TEST(a_cut_changes_no_price_and_tells_what_else_holds)
{
    struct property property = property_begin(__func__);
    for (int round = 0; round < ROUNDS; round++) {
        struct rating_price prices[VERSIONS_MAX];
        struct rating_price by[VERSIONS_MAX];
        struct price_list_piece pieces[PRICE_LIST_PIECES_MAX(VERSIONS_MAX, VERSIONS_MAX)];
        uint32_t at[SECONDS];
        uint32_t expected[SECONDS];
        uint32_t expected_by[SECONDS];
        size_t count = make_versions(&property, prices, 1);
        size_t by_count = make_versions(&property, by, 101);
        size_t piece_count = price_list_cut(prices, count, by, by_count, pieces);
        ck_assert_uint_le(piece_count, PRICE_LIST_PIECES_MAX(by_count, count));
        paint(prices, count, expected);
        paint(by, by_count, expected_by);
        memset(at, 0, sizeof at);
        bool is_told = true;
        for (size_t i = 0; i < piece_count; i++) {
            uint32_t other = pieces[i].by == PRICE_LIST_NONE ? 0 : by[pieces[i].by].version;
            for (int64_t s = pieces[i].valid.from_s; s < pieces[i].valid.to_s && s < SECONDS; s++) {
                at[s] = prices[pieces[i].price].version;
                is_told = is_told && other == expected_by[s];
            }
        }
        ck_assert(is_told);
        ck_assert_mem_eq(at, expected, sizeof at);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("price_list");
    TCase *cases = tcase_create("promises");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, each_second_has_the_upper_price_or_else_the_lower);
    tcase_add_test(cases, a_cut_changes_no_price_and_tells_what_else_holds);
    suite_add_tcase(suite, cases);
    return suite;
}
