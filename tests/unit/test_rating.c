/* What rating promises: golden amounts, exactness, symmetry, and that how usage is cut up does not matter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/calendar.h"
#include "common/invoice_amounts.h"
#include "common/rating.h"
#include "common/tariff.h"
#include "tests/unit/golden.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define CASES        20000
#define USD_EXPONENT 2
#define U_PER_CENT   10000

static int64_t at(const char *text)
{
    int64_t time_s = 0;
    ck_assert_int_eq(calendar_time_parse(text, &time_s, NULL), ERR_NONE);
    return time_s;
}

static int64_t amount(int64_t unit_price_u, int64_t gpu_milli_s)
{
    int64_t ret = 0;
    ck_assert_int_eq(tariff_amount(&(struct tariff){.gpu_hour_u = unit_price_u}, gpu_milli_s, &ret, NULL), ERR_NONE);
    return ret;
}

/* Prices of June 2026: 2.49 until the cut, 2.29 from then on. */
static void measure_june(const char *cut, int64_t gpus, int64_t ret_gpu_milli_s[2])
{
    struct rating_price prices[2] = {
        {.valid = {at("2026-01-01T00:00:00Z"), at(cut)}},
        {.valid = {at(cut), RATING_OPEN_END_S}},
    };
    struct rating_span june = {at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z")};
    struct rating_usage usage = {{at("2026-05-20T00:00:00Z"), at("2026-07-03T00:00:00Z")}, gpus * 1000};
    ret_gpu_milli_s[0] = ret_gpu_milli_s[1] = 0;
    ck_assert_int_eq(rating_measure(june, &usage, 1, prices, 2, ret_gpu_milli_s, NULL), ERR_NONE);
}

START_TEST(g13_a_price_change_cuts_the_month)
{
    json_t *golden = golden_load();
    json_t *g13 = golden_member(golden, "G13");
    int64_t used[2];
    measure_june("2026-06-16T12:00:00Z", 8, used);
    static const int64_t prices_u[2] = {2490000, 2290000};
    struct invoice_line_amount lines[2] = {0};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(used[i], 8000 * golden_at(golden_member(g13, "secs"), i));
        lines[i].amount_u = amount(prices_u[i], used[i]);
    }

    struct money_share tax[2];
    struct invoice_amounts amounts;
    ck_assert_int_eq(invoice_amounts_round(lines, 2, USD_EXPONENT, NULL), ERR_NONE);
    ck_assert_int_eq(invoice_amounts_tax(lines, 2, 1900, tax, &amounts, NULL), ERR_NONE);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(lines[i].net_minor, golden_at(golden_member(g13, "lines"), i));
    ck_assert_int_eq(amounts.net_minor, 1378560);
    ck_assert_int_eq(amounts.tax_minor, golden_integer(g13, "tax"));
    ck_assert_int_eq(amounts.total_minor, golden_integer(g13, "total"));
    json_decref(golden);
}
END_TEST

START_TEST(g13_an_odd_cut_is_exact_to_the_micro_unit)
{
    json_t *golden = golden_load();
    json_t *odd = golden_member(golden, "G13_odd");
    static const int64_t prices_u[2] = {2490000, 2290000};
    static const int64_t minor[2] = {278319, 238676};
    int64_t used[2];
    measure_june("2026-06-16T12:34:57Z", 3, used);
    for (size_t i = 0; i < 2; i++) {
        struct invoice_line_amount line = {.amount_u = amount(prices_u[i], used[i])};
        ck_assert_int_eq(used[i], 3000 * golden_at(golden_member(odd, "secs"), i));
        ck_assert_int_eq(line.amount_u, golden_at(golden_member(odd, "lines_u"), i));
        ck_assert_int_eq(invoice_amounts_round(&line, 1, USD_EXPONENT, NULL), ERR_NONE);
        ck_assert_int_eq(line.net_minor, minor[i]);
        ck_assert_int_eq(line.amount_u + line.rounding_u, minor[i] * U_PER_CENT);
    }
    json_decref(golden);
}
END_TEST

START_TEST(g16_tax_is_rounded_once_and_its_column_adds_up)
{
    json_t *golden = golden_load();
    json_t *g16 = golden_member(golden, "G16");
    struct invoice_line_amount lines[3];
    struct money_share tax[3];
    struct invoice_amounts amounts;
    for (size_t i = 0; i < 3; i++)
        lines[i].amount_u = golden_at(golden_member(g16, "lines"), i) * U_PER_CENT;
    ck_assert_int_eq(invoice_amounts_round(lines, 3, USD_EXPONENT, NULL), ERR_NONE);
    ck_assert_int_eq(invoice_amounts_tax(lines, 3, golden_integer(g16, "rate_bp"), tax, &amounts, NULL), ERR_NONE);
    ck_assert_int_eq(amounts.tax_minor, golden_integer(g16, "tax_invoice"));
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(tax[i].amount, golden_at(golden_member(g16, "tax_shown"), i));
    json_decref(golden);
}
END_TEST

START_TEST(g18_a_month_costs_what_its_seconds_cost)
{
    json_t *golden = golden_load();
    json_t *g18 = golden_member(golden, "G18");
    json_t *amounts = golden_member(g18, "amount");
    const char *month;
    json_t *seconds;
    size_t months = 0;
    json_object_foreach(golden_member(g18, "seconds"), month, seconds)
    {
        int64_t gpu_milli_s = golden_integer(g18, "gpus") * 1000 * json_integer_value(seconds);
        int64_t total_u = amount(golden_integer(g18, "price") * U_PER_CENT, gpu_milli_s);
        ck_assert_int_eq(total_u, golden_integer(amounts, month) * U_PER_CENT);
        months++;
    }
    ck_assert_int_eq(months, 4);
    json_decref(golden);
}
END_TEST

START_TEST(g19_a_preempted_instance_pays_its_seconds)
{
    json_t *golden = golden_load();
    int64_t seconds = 2 * 3600 + 17 * 60 + 43;
    ck_assert_int_eq(amount(1100000, 8000 * seconds), golden_integer(golden, "G19"));
    ck_assert_int_eq(money_minor_of_micro(20198444, USD_EXPONENT), 2020);
    json_decref(golden);
}
END_TEST

START_TEST(g23_minutes_are_added_up_before_they_are_rounded)
{
    json_t *golden = golden_load();
    json_t *g23 = golden_member(golden, "G23");
    struct rating_price price = {.valid = {0, RATING_OPEN_END_S}};
    struct rating_span month = {0, 43200 * 60};
    static struct rating_usage minutes[43200];
    int64_t used = 0;
    for (size_t i = 0; i < COUNT_OF(minutes); i++)
        minutes[i] = (struct rating_usage){{(int64_t)i * 60, (int64_t)i * 60 + 60}, 1000};
    ck_assert_int_eq(rating_measure(month, minutes, COUNT_OF(minutes), &price, 1, &used, NULL), ERR_NONE);
    int64_t minor = money_minor_of_micro(amount(10000, used), USD_EXPONENT);
    ck_assert_int_eq(minor, golden_integer(g23, "aggregate"));
    ck_assert_int_eq(money_minor_of_micro(amount(10000, 60000), USD_EXPONENT), golden_integer(g23, "per_window"));
    json_decref(golden);
}
END_TEST

START_TEST(half_a_micro_unit_goes_to_even_and_half_a_cent_of_tax_away_from_zero)
{
    ck_assert_int_eq(amount(1, 1800000), 0);
    ck_assert_int_eq(amount(3, 1800000), 2);
    ck_assert_int_eq(amount(5, 1800000), 2);
    ck_assert_int_eq(amount(-5, 1800000), -2);
    struct invoice_line_amount line = {.amount_u = 250 * U_PER_CENT};
    struct money_share tax;
    struct invoice_amounts amounts;
    ck_assert_int_eq(invoice_amounts_round(&line, 1, USD_EXPONENT, NULL), ERR_NONE);
    ck_assert_int_eq(invoice_amounts_tax(&line, 1, 100, &tax, &amounts, NULL), ERR_NONE);
    ck_assert_int_eq(amounts.tax_minor, 3);
    ck_assert_int_eq(invoice_amounts_tax(&line, 1, 10001, &tax, &amounts, NULL), ERR_INVALID);
    ck_assert_int_eq(invoice_amounts_tax(&line, 1, -1, &tax, &amounts, NULL), ERR_INVALID);
}
END_TEST

START_TEST(rating_is_exact_and_symmetric_at_every_size)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        int64_t price_u = property_amount(&property);
        int64_t used = property_amount(&property);
        __int128 product = (__int128)price_u * used;
        int64_t plus = 0;
        int64_t minus = 0;
        struct tariff flat = {.gpu_hour_u = price_u};
        enum err_kind kind = tariff_amount(&flat, used, &plus, NULL);
        __int128 size = product < 0 ? -product : product;
        if (size <= (__int128)3600000 * (INT64_MAX - 1) && used != INT64_MIN)
            ck_assert_int_eq(kind, ERR_NONE);
        if (size > (__int128)3600000 * INT64_MAX + 3600000)
            ck_assert_int_eq(kind, ERR_INVALID);
        if (kind != ERR_NONE || used == INT64_MIN || plus == INT64_MIN)
            continue;
        __int128 error = (__int128)plus * 3600000 - product;
        ck_assert(error <= 1800000 && error >= -1800000);
        ck_assert_int_eq(tariff_amount(&flat, -used, &minus, NULL), ERR_NONE);
        ck_assert_int_eq(minus, -plus);
    }
}
END_TEST

START_TEST(cutting_an_interval_moves_at_most_a_micro_unit)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        int64_t price_u = property_between(&property, 0, 1000000000);
        int64_t seconds = property_between(&property, 1, 100000000);
        int64_t cut = property_between(&property, 0, seconds);
        int64_t gpu_milli = property_between(&property, 1, 100000);
        int64_t whole = amount(price_u, seconds * gpu_milli);
        int64_t parts = amount(price_u, cut * gpu_milli) + amount(price_u, (seconds - cut) * gpu_milli);
        ck_assert(parts - whole <= 1 && parts - whole >= -1);

        /* The line is rated from the sum, so it does not move at all. */
        struct rating_price price = {.valid = {0, RATING_OPEN_END_S}};
        struct rating_usage pieces[2] = {{{0, cut}, gpu_milli}, {{cut, seconds}, gpu_milli}};
        int64_t used = 0;
        ck_assert_int_eq(rating_measure((struct rating_span){0, seconds}, pieces, 2, &price, 1, &used, NULL), ERR_NONE);
        ck_assert_int_eq(amount(price_u, used), whole);
    }
}
END_TEST

START_TEST(k_times_the_gpus_cost_k_times_as_much)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        int64_t price_u = property_between(&property, 0, 1000000000);
        int64_t used = property_between(&property, 0, 100000000) * 1000;
        int64_t k = property_between(&property, 1, 10000);
        int64_t difference = amount(price_u, used * k) - k * amount(price_u, used);
        ck_assert(2 * difference <= k + 1 && 2 * difference >= -(k + 1));
    }
}
END_TEST

START_TEST(measured_usage_tiles_the_period_under_any_prices)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct rating_price prices[6];
        int64_t used[6] = {0};
        size_t count = (size_t)property_between(&property, 1, 6);
        int64_t boundary = 0;
        for (size_t j = 0; j < count; j++) {
            int64_t next = j + 1 == count ? 1000000 : boundary + property_between(&property, 1, 1000);
            prices[j] = (struct rating_price){.valid = {boundary, next}};
            boundary = next;
        }
        struct rating_span period = {property_between(&property, 0, 3000), property_between(&property, 3000, 6000)};
        int64_t from = property_between(&property, 0, 6000);
        int64_t to = property_between(&property, from, 6000);
        struct rating_usage usage = {{from, to}, 470};
        ck_assert_int_eq(rating_measure(period, &usage, 1, prices, count, used, NULL), ERR_NONE);
        int64_t sum = 0;
        for (size_t j = 0; j < count; j++)
            sum += used[j];
        int64_t inside = (to < period.to_s ? to : period.to_s) - (from > period.from_s ? from : period.from_s);
        ck_assert_int_eq(sum, inside > 0 ? inside * 470 : 0);
    }
}
END_TEST

START_TEST(a_second_without_a_price_is_an_error_that_names_it)
{
    struct rating_price prices[2] = {{.valid = {100, 200}}, {.valid = {300, RATING_OPEN_END_S}}};
    struct rating_span period = {0, 1000};
    static const struct {
        struct rating_span span;
        enum err_kind kind;
        const char *text;
    } cases[] = {
        {{50, 150}, ERR_NOT_FOUND, "no price is valid at '1970-01-01T00:00:50Z'"},
        {{150, 350}, ERR_NOT_FOUND, "no price is valid at '1970-01-01T00:03:20Z'"},
        {{250, 260}, ERR_NOT_FOUND, "no price is valid at '1970-01-01T00:04:10Z'"},
        {{160, 150}, ERR_INVALID, "usage interval 0 ends before it starts"},
        {{1000, 2000}, ERR_NONE, ""},
        {{100, 200}, ERR_NONE, ""},
        {{300, 2000}, ERR_NONE, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rating_usage usage = {cases[i].span, 1000};
        struct err err = {0};
        int64_t used[2] = {0};
        ck_assert_int_eq(rating_measure(period, &usage, 1, prices, 2, used, &err), cases[i].kind);
        ck_assert_str_eq(err.text, cases[i].text);
    }
}
END_TEST

START_TEST(usage_and_amounts_that_do_not_fit_are_refused)
{
    struct rating_price price = {.valid = {INT64_MIN, RATING_OPEN_END_S}};
    struct rating_span for_ever = {INT64_MIN, INT64_MAX};
    struct rating_usage usage = {for_ever, 1};
    int64_t used = 0;
    ck_assert_int_eq(rating_measure(for_ever, &usage, 1, &price, 1, &used, NULL), ERR_INVALID);
    usage.span.from_s = 0;
    usage.gpu_milli = 2;
    ck_assert_int_eq(rating_measure(for_ever, &usage, 1, &price, 1, &used, NULL), ERR_INVALID);

    struct err err = {0};
    struct invoice_line_amount line = {.amount_u = INT64_MAX};
    ck_assert_int_eq(invoice_amounts_round(&line, 1, 0, &err), ERR_INVALID); /* half a yen up no longer fits */
}
END_TEST

START_TEST(an_invoice_with_credits_adds_up_and_its_mirror_is_its_negative)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        enum { LINES = 12 };
        struct invoice_line_amount lines[LINES];
        struct invoice_line_amount mirror[LINES];
        struct money_share tax[LINES];
        struct money_share mirror_tax[LINES];
        struct invoice_amounts amounts;
        struct invoice_amounts mirrored;
        size_t count = (size_t)property_between(&property, 0, LINES);
        int64_t rate_bp = property_between(&property, 0, 10000);
        int exponent = (int)property_between(&property, 0, 3);
        for (size_t j = 0; j < count; j++) {
            lines[j].amount_u = property_between(&property, -100000000000, 100000000000);
            mirror[j].amount_u = -lines[j].amount_u;
        }
        ck_assert_int_eq(invoice_amounts_round(lines, count, exponent, NULL), ERR_NONE);
        ck_assert_int_eq(invoice_amounts_round(mirror, count, exponent, NULL), ERR_NONE);
        ck_assert_int_eq(invoice_amounts_tax(lines, count, rate_bp, tax, &amounts, NULL), ERR_NONE);
        ck_assert_int_eq(invoice_amounts_tax(mirror, count, rate_bp, mirror_tax, &mirrored, NULL), ERR_NONE);
        int64_t net = 0;
        int64_t shown = 0;
        for (size_t j = 0; j < count; j++) {
            net += lines[j].net_minor;
            shown += tax[j].amount;
            int64_t error = tax[j].amount * 10000 - lines[j].net_minor * rate_bp;
            ck_assert(error > -10000 && error < 10000);
            ck_assert_int_eq(mirror[j].net_minor, -lines[j].net_minor);
            ck_assert_int_eq(mirror_tax[j].amount, -tax[j].amount);
        }
        ck_assert_int_eq(net, amounts.net_minor);
        ck_assert_int_eq(shown, amounts.tax_minor);
        ck_assert_int_eq(amounts.total_minor, net + shown);
        ck_assert_int_eq(mirrored.total_minor, -amounts.total_minor);
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("rating");
    tcase_add_test(tests, g13_a_price_change_cuts_the_month);
    tcase_add_test(tests, g13_an_odd_cut_is_exact_to_the_micro_unit);
    tcase_add_test(tests, g16_tax_is_rounded_once_and_its_column_adds_up);
    tcase_add_test(tests, g18_a_month_costs_what_its_seconds_cost);
    tcase_add_test(tests, g19_a_preempted_instance_pays_its_seconds);
    tcase_add_test(tests, g23_minutes_are_added_up_before_they_are_rounded);
    tcase_add_test(tests, half_a_micro_unit_goes_to_even_and_half_a_cent_of_tax_away_from_zero);
    tcase_add_test(tests, rating_is_exact_and_symmetric_at_every_size);
    tcase_add_test(tests, cutting_an_interval_moves_at_most_a_micro_unit);
    tcase_add_test(tests, k_times_the_gpus_cost_k_times_as_much);
    tcase_add_test(tests, measured_usage_tiles_the_period_under_any_prices);
    tcase_add_test(tests, a_second_without_a_price_is_an_error_that_names_it);
    tcase_add_test(tests, usage_and_amounts_that_do_not_fit_are_refused);
    tcase_add_test(tests, an_invoice_with_credits_adds_up_and_its_mirror_is_its_negative);
    Suite *suite = suite_create("rating");
    suite_add_tcase(suite, tests);
    return suite;
}
