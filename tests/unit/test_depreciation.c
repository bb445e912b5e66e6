/* What depreciation promises: the golden schedules, and periods that stand alone and sum exactly. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex/depreciation.h"
#include "common/calendar.h"
#include "tests/unit/golden.h"
#include "tests/unit/property.h"

#include <check.h>

#define CASES 20000

static int64_t day_of(const char *text)
{
    int64_t day = 0;
    ck_assert_int_eq(calendar_date_parse(text, &day, NULL), ERR_NONE);
    return day;
}

static int64_t first_of(int year, int month)
{
    return calendar_day_of_date((struct calendar_date){year, month, 1});
}

START_TEST(g1_months_of_equal_weight)
{
    json_t *golden = golden_load();
    json_t *g1 = golden_member(golden, "G1");
    int64_t months = golden_integer(g1, "months");
    int64_t cost = golden_integer(g1, "cost");
    int64_t salvage = golden_integer(g1, "salvage");
    int64_t sum = 0;
    int rows_99 = 0;
    int rows_98 = 0;
    for (int64_t month = 0; month < months; month++) {
        int64_t row = depreciation_monthly(months, cost, salvage, month, month + 1);
        if (month < 6)
            ck_assert_int_eq(row, golden_at(golden_member(g1, "first6"), (size_t)month));
        rows_99 += row == 362499;
        rows_98 += row == 362498;
        sum += row;
    }
    ck_assert_int_eq(rows_99, 44);
    ck_assert_int_eq(rows_98, 28);
    ck_assert_int_eq(sum, cost - salvage);
    ck_assert_int_eq(depreciation_monthly(months, cost, salvage, 0, 12), golden_integer(g1, "year1"));
    ck_assert_int_eq(cost - depreciation_monthly(months, cost, salvage, 0, 36), golden_integer(g1, "nbv36"));
    json_decref(golden);
}
END_TEST

static struct depreciation_asset asset_of(json_t *g2)
{
    return (struct depreciation_asset){
        .life.day_from = day_of(json_string_value(golden_member(g2, "start"))),
        .life.day_to = day_of(json_string_value(golden_member(g2, "end"))),
        .cost_minor = golden_integer(g2, "cost"),
        .salvage_minor = golden_integer(g2, "salvage"),
    };
}

START_TEST(g2_days_are_actual_days)
{
    json_t *golden = golden_load();
    json_t *g2 = golden_member(golden, "G2");
    struct depreciation_asset asset = asset_of(g2);
    ck_assert_int_eq(asset.life.day_to - asset.life.day_from, golden_integer(g2, "days"));

    const char *year;
    json_t *charge;
    json_object_foreach(golden_member(g2, "per_year"), year, charge)
    {
        int number = (int)strtol(year, NULL, 10);
        int64_t row = depreciation_daily(&asset, first_of(number, 1), first_of(number + 1, 1));
        ck_assert_int_eq(row, json_integer_value(charge));
    }
    ck_assert_int_eq(depreciation_daily(&asset, first_of(2026, 3), first_of(2026, 4)), golden_integer(g2, "mar26"));
    ck_assert_int_eq(depreciation_daily(&asset, first_of(2026, 4), first_of(2026, 5)), 384923);
    ck_assert_int_eq(depreciation_daily(&asset, first_of(2027, 2), first_of(2027, 3)), 359261);
    ck_assert_int_eq(depreciation_daily(&asset, first_of(2028, 2), first_of(2028, 3)), golden_integer(g2, "feb28"));
    ck_assert_int_eq(depreciation_daily(&asset, first_of(2032, 3), first_of(2032, 4)), golden_integer(g2, "mar32"));

    int postings = 0;
    int64_t sum = 0;
    for (int64_t month = first_of(2026, 1); month < first_of(2033, 1); month = calendar_add_months(month, 1)) {
        int64_t row = depreciation_daily(&asset, month, calendar_add_months(month, 1));
        postings += row != 0;
        sum += row;
    }
    ck_assert_int_eq(postings, 73);
    ck_assert_int_eq(sum, 28125000);
    json_decref(golden);
}
END_TEST

START_TEST(g9_the_book_value_on_the_day_of_disposal)
{
    json_t *golden = golden_load();
    json_t *g9 = golden_member(golden, "G9");
    struct depreciation_asset asset = asset_of(golden_member(golden, "G2"));
    int64_t day = asset.life.day_from + golden_integer(g9, "days");
    ck_assert_int_eq(day, day_of("2029-08-10"));
    ck_assert_int_eq(depreciation_daily(&asset, asset.life.day_from, day), golden_integer(g9, "accum"));
    ck_assert_int_eq(depreciation_carrying_amount(&asset, day), golden_integer(g9, "nbv"));
    json_decref(golden);
}
END_TEST

START_TEST(nothing_is_charged_outside_the_life)
{
    struct depreciation_asset asset = {{100, 200}, 1000, 100};
    ck_assert_int_eq(depreciation_daily(&asset, 0, 100), 0);
    ck_assert_int_eq(depreciation_daily(&asset, 200, 300), 0);
    ck_assert_int_eq(depreciation_daily(&asset, 150, 150), 0);
    ck_assert_int_eq(depreciation_daily(&asset, INT64_MIN, INT64_MAX), 900);
    ck_assert_int_eq(depreciation_carrying_amount(&asset, INT64_MIN), 1000);
    ck_assert_int_eq(depreciation_carrying_amount(&asset, INT64_MAX), 100);
    ck_assert_int_eq(depreciation_monthly(10, 1000, 100, -5, 1), 90);
    ck_assert_int_eq(depreciation_monthly(10, 1000, 100, 9, 99), 90);
}
END_TEST

START_TEST(half_a_cent_goes_away_from_zero)
{
    ck_assert_int_eq(depreciation_monthly(2, 1, 0, 0, 1), 1);
    ck_assert_int_eq(depreciation_monthly(2, 1, 0, 1, 2), 0);
    ck_assert_int_eq(depreciation_monthly(2, 5, 0, 0, 1), 3);
}
END_TEST

START_TEST(any_period_alone_is_the_row_of_the_schedule)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES / 20; i++) {
        struct depreciation_asset asset;
        asset.life.day_from = property_between(&property, -10000, 30000);
        asset.life.day_to = asset.life.day_from + property_between(&property, 1, 4000);
        asset.cost_minor = i % 10 == 0 ? INT64_MAX : property_between(&property, 0, INT64_C(1) << (i % 61));
        asset.salvage_minor = property_between(&property, 0, asset.cost_minor);

        int64_t accumulated = 0;
        int64_t carrying = asset.cost_minor;
        for (int64_t day = asset.life.day_from; day < asset.life.day_to;) {
            int64_t next = day + property_between(&property, 1, 40);
            int64_t row = depreciation_daily(&asset, day, next);
            int64_t batch = -1;
            depreciation_daily_batch(&asset, 1, day, next, &batch);
            ck_assert_int_eq(batch, row);
            ck_assert(row >= 0);
            accumulated += row;
            carrying -= row;
            ck_assert_int_eq(depreciation_carrying_amount(&asset, next), carrying);
            ck_assert(carrying >= asset.salvage_minor);
            day = next;
        }
        ck_assert_int_eq(accumulated, asset.cost_minor - asset.salvage_minor);
        ck_assert_int_eq(carrying, asset.salvage_minor);
    }
}
END_TEST

START_TEST(each_day_is_within_one_unit_of_the_exact_charge)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        int64_t length = property_between(&property, 1, 4000);
        struct depreciation_asset asset = {{0, length}, property_between(&property, 0, INT64_MAX), 0};
        int64_t day = property_between(&property, 0, length - 1);
        __int128 error = (__int128)depreciation_daily(&asset, day, day + 1) * length - asset.cost_minor;
        ck_assert(error <= length && error >= -length);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("depreciation");
    tcase_add_test(tests, g1_months_of_equal_weight);
    tcase_add_test(tests, g2_days_are_actual_days);
    tcase_add_test(tests, g9_the_book_value_on_the_day_of_disposal);
    tcase_add_test(tests, nothing_is_charged_outside_the_life);
    tcase_add_test(tests, half_a_cent_goes_away_from_zero);
    tcase_add_test(tests, any_period_alone_is_the_row_of_the_schedule);
    tcase_add_test(tests, each_day_is_within_one_unit_of_the_exact_charge);
    Suite *suite = suite_create("depreciation");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
