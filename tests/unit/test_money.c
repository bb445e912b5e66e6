/* What money promises: exact rounding, splits that sum, text that comes back byte for byte. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/money.h"
#include "tests/unit/golden.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define CASES      20000
#define SHARES_MAX 40

static int64_t rounded(money_wide numerator, int64_t denominator, enum money_rounding rounding)
{
    int64_t ret = 0;
    ck_assert_int_eq(money_round(numerator, denominator, rounding, &ret, NULL), ERR_NONE);
    return ret;
}

static money_wide absolute(money_wide value)
{
    return value < 0 ? -value : value;
}

START_TEST(halves_go_to_even_in_micro_and_away_from_zero_in_minor)
{
    ck_assert_int_eq(rounded(125, 10, MONEY_HALF_EVEN), 12);
    ck_assert_int_eq(rounded(135, 10, MONEY_HALF_EVEN), 14);
    ck_assert_int_eq(rounded(-125, 10, MONEY_HALF_EVEN), -12);
    ck_assert_int_eq(rounded(-135, 10, MONEY_HALF_EVEN), -14);
    ck_assert_int_eq(rounded(125, 10, MONEY_HALF_AWAY), 13);
    ck_assert_int_eq(rounded(135, 10, MONEY_HALF_AWAY), 14);
    ck_assert_int_eq(rounded(-125, 10, MONEY_HALF_AWAY), -13);
    ck_assert_int_eq(rounded(-5, 10, MONEY_HALF_AWAY), -1);
    ck_assert_int_eq(rounded(-5, 10, MONEY_HALF_EVEN), 0);
    ck_assert_int_eq(rounded(124, 10, MONEY_HALF_AWAY), 12);
    ck_assert_int_eq(rounded(126, 10, MONEY_HALF_EVEN), 13);
}
END_TEST

START_TEST(rounding_is_exact_at_the_extremes_and_says_when_it_does_not_fit)
{
    int64_t ret = 7;
    struct err err = {0};
    ck_assert_int_eq(rounded(INT64_MIN, 1, MONEY_HALF_EVEN), INT64_MIN);
    ck_assert_int_eq(rounded(INT64_MAX, 1, MONEY_HALF_AWAY), INT64_MAX);
    ck_assert_int_eq(rounded(INT64_MAX, INT64_MAX, MONEY_HALF_AWAY), 1);
    ck_assert_int_eq(rounded(INT64_MAX - 1, INT64_MAX, MONEY_HALF_EVEN), 1);
    ck_assert_int_eq(rounded((money_wide)INT64_MIN * INT64_MAX, INT64_MAX, MONEY_HALF_EVEN), INT64_MIN);
    ck_assert_int_eq(money_round((money_wide)INT64_MAX * 2 + 1, 2, MONEY_HALF_AWAY, &ret, &err), ERR_INVALID);
    ck_assert_int_eq(money_round((money_wide)INT64_MIN * INT64_MIN, 3600000, MONEY_HALF_EVEN, &ret, &err), ERR_INVALID);
    ck_assert_str_eq(err.code, "amount_out_of_range");
    ck_assert_int_eq(ret, 7);
}
END_TEST

START_TEST(rounding_is_within_half_a_unit_and_symmetric)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        int64_t a = property_amount(&property);
        int64_t b = property_amount(&property) / 2;
        int64_t denominator = property_between(&property, 1, 1 + (i % 2 ? 3600000 : INT64_MAX - 1));
        money_wide numerator = (money_wide)a * b;
        for (enum money_rounding rounding = MONEY_HALF_EVEN; rounding <= MONEY_HALF_AWAY; rounding++) {
            int64_t plus = 0;
            int64_t minus = 0;
            enum err_kind kind = money_round(numerator, denominator, rounding, &plus, NULL);
            if (kind != ERR_NONE || plus == INT64_MIN)
                continue;
            ck_assert_int_eq(money_round(-numerator, denominator, rounding, &minus, NULL), ERR_NONE);
            ck_assert_int_eq(plus, -minus);
            money_wide error = absolute((money_wide)plus * denominator - numerator);
            ck_assert(error <= denominator - error);
            if (error == denominator - error && rounding == MONEY_HALF_EVEN)
                ck_assert_int_eq(plus % 2, 0);
            if (error == denominator - error && rounding == MONEY_HALF_AWAY)
                ck_assert(absolute((money_wide)plus * denominator) > absolute(numerator));
        }
    }
}
END_TEST

START_TEST(sums_say_when_they_do_not_fit)
{
    int64_t ret = 7;
    ck_assert_int_eq(money_add(INT64_MAX, 1, &ret, NULL), ERR_INVALID);
    ck_assert_int_eq(money_subtract(INT64_MIN, 1, &ret, NULL), ERR_INVALID);
    ck_assert_int_eq(money_micro_of_minor(INT64_MAX / 10000 + 1, 2, &ret, NULL), ERR_INVALID);
    ck_assert_int_eq(ret, 7);
    ck_assert_int_eq(money_add(INT64_MAX, INT64_MIN, &ret, NULL), ERR_NONE);
    ck_assert_int_eq(ret, -1);
}
END_TEST

START_TEST(minor_units_follow_the_currency)
{
    static const struct {
        const char *currency;
        int64_t amount_u;
        int64_t minor;
        int64_t back_u;
    } cases[] = {
        {"USD", 2783191275, 278319, 2783190000},
        {"USD", 2386758225, 238676, 2386760000},
        {"EUR", 5000, 1, 10000},
        {"EUR", -5000, -1, -10000},
        {"EUR", 4999, 0, 0},
        {"JPY", 1499999, 1, 1000000},
        {"JPY", 1500000, 2, 2000000},
        {"KWD", 1234500, 1235, 1235000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int exponent = -1;
        int64_t back_u = 0;
        ck_assert_int_eq(money_exponent(cases[i].currency, &exponent, NULL), ERR_NONE);
        ck_assert_int_eq(money_minor_of_micro(cases[i].amount_u, exponent), cases[i].minor);
        ck_assert_int_eq(money_micro_of_minor(cases[i].minor, exponent, &back_u, NULL), ERR_NONE);
        ck_assert_int_eq(back_u, cases[i].back_u);
    }
    int exponent = -1;
    static const char *const unknown[] = {"", "US", "USDX", "usd", "XXX"};
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        ck_assert_int_eq(money_exponent(unknown[i], &exponent, NULL), ERR_INVALID);
}
END_TEST

START_TEST(a_hundred_by_three_is_33_34_33_33_33_33)
{
    struct money_share shares[3] = {{.weight = 1}, {.weight = 1}, {.weight = 1}};
    ck_assert_int_eq(money_split(10000, shares, 3, NULL), ERR_NONE);
    ck_assert_int_eq(shares[0].amount, 3334);
    ck_assert_int_eq(shares[1].amount, 3333);
    ck_assert_int_eq(shares[2].amount, 3333);
    ck_assert_int_eq(money_split(-10000, shares, 3, NULL), ERR_NONE);
    ck_assert_int_eq(shares[0].amount, -3334);
    ck_assert_int_eq(shares[1].amount, -3333);
    ck_assert_int_eq(shares[2].amount, -3333);
}
END_TEST

/* The split as the rule words it, by repeated search: slow, plain, and independent of the real one. */
static void split_by_the_rule(int64_t total, const struct money_share *shares, size_t count, money_wide weight_sum,
                              money_wide *ret)
{
    money_wide size = absolute(total);
    money_wide remainders[SHARES_MAX];
    money_wide missing = size;
    for (size_t i = 0; i < count; i++) {
        ret[i] = size * shares[i].weight / weight_sum;
        remainders[i] = size * shares[i].weight % weight_sum;
        missing -= ret[i];
    }
    for (; missing > 0; missing--) {
        size_t largest = 0;
        for (size_t i = 1; i < count; i++)
            largest = remainders[i] > remainders[largest] ? i : largest;
        ret[largest]++;
        remainders[largest] = -1;
    }
    for (size_t i = 0; i < count; i++)
        ret[i] = total < 0 ? -ret[i] : ret[i];
}

START_TEST(a_split_sums_exactly_and_follows_the_rule)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct money_share shares[SHARES_MAX] = {0};
        money_wide expected[SHARES_MAX];
        size_t count = (size_t)property_between(&property, 1, SHARES_MAX);
        int64_t total = property_amount(&property);
        int64_t weight_most = INT64_C(1) << property_between(&property, 1, 57);
        money_wide weight_sum = 0;
        for (size_t j = 0; j < count; j++) {
            shares[j].weight = property_between(&property, 0, weight_most);
            weight_sum += shares[j].weight;
        }
        if (weight_sum == 0)
            continue;
        ck_assert_int_eq(money_split(total, shares, count, NULL), ERR_NONE);
        split_by_the_rule(total, shares, count, weight_sum, expected);
        money_wide sum = 0;
        for (size_t j = 0; j < count; j++) {
            money_wide exact = (money_wide)total * shares[j].weight;
            ck_assert(absolute((money_wide)shares[j].amount * weight_sum - exact) < weight_sum);
            ck_assert(shares[j].amount == expected[j]);
            sum += shares[j].amount;
        }
        ck_assert(sum == total);
    }
}
END_TEST

START_TEST(a_split_refuses_what_it_cannot_split)
{
    struct money_share shares[3] = {0};
    ck_assert_int_eq(money_split(0, shares, 3, NULL), ERR_NONE);
    ck_assert_int_eq(money_split(0, shares, 0, NULL), ERR_NONE);
    ck_assert_int_eq(money_split(1, shares, 3, NULL), ERR_INVALID);
    ck_assert_int_eq(money_split(1, shares, 0, NULL), ERR_INVALID);
    shares[1].weight = -1;
    ck_assert_int_eq(money_split(1, shares, 3, NULL), ERR_INVALID);
    shares[0].weight = INT64_MAX;
    shares[1].weight = 1;
    ck_assert_int_eq(money_split(1, shares, 3, NULL), ERR_INVALID);
    shares[1].weight = 0;
    ck_assert_int_eq(money_split(INT64_MIN, shares, 3, NULL), ERR_NONE);
    ck_assert_int_eq(shares[0].amount, INT64_MIN);
    shares[1].weight = 2;
    ck_assert_int_eq(money_apportion(INT64_MAX, INT64_MAX, 1, shares + 1, 1, NULL), ERR_INVALID);
    ck_assert_int_eq(money_apportion(10, 1, 10, shares + 1, 1, NULL), ERR_INVALID); /* nothing has a part in it */
}
END_TEST

START_TEST(cumulative_rounding_tiles_the_whole)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        int64_t total = property_amount(&property);
        int64_t whole = property_between(&property, 1, i % 2 ? 100 : INT64_MAX);
        int64_t cut = property_between(&property, 0, whole);
        int64_t second_cut = property_between(&property, cut, whole);
        enum money_rounding rounding = i % 3 ? MONEY_HALF_AWAY : MONEY_HALF_EVEN;
        int64_t first = money_over_time(total, 0, cut, whole, rounding);
        int64_t middle = money_over_time(total, cut, second_cut, whole, rounding);
        int64_t last = money_over_time(total, second_cut, whole, whole, rounding);
        ck_assert((money_wide)first + middle + last == total);
        ck_assert(total >= 0 ? first >= 0 && middle >= 0 && last >= 0 : first <= 0 && middle <= 0 && last <= 0);
        money_wide exact = (money_wide)total * (second_cut - cut);
        ck_assert(absolute((money_wide)middle * whole - exact) <= whole);
    }
}
END_TEST

START_TEST(g22_an_upfront_payment_is_spread_by_days_to_the_cent)
{
    static const int days[12] = {30, 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31};
    json_t *golden = golden_load();
    json_t *months = golden_member(golden, "G22");
    int64_t day = 0;
    for (size_t i = 0; i < COUNT_OF(days); i++) {
        int64_t amount = money_over_time(10000000, day, day + days[i], 366, MONEY_HALF_AWAY);
        ck_assert_int_eq(amount, golden_at(months, i));
        day += days[i];
    }
    json_decref(golden);
}
END_TEST

START_TEST(only_canonical_decimals_are_read)
{
    static const struct {
        const char *text;
        int64_t amount_u;
    } good[] = {
        {"2490.000000", 2490000000},
        {"0.000000", 0},
        {"0.000001", 1},
        {"-0.000001", -1},
        {"-12.340000", -12340000},
        {"9223372036854.775807", INT64_MAX},
        {"-9223372036854.775808", INT64_MIN},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int64_t amount_u = 7;
        char text[MONEY_TEXT_SIZE];
        ck_assert_int_eq(money_parse(good[i].text, &amount_u, NULL), ERR_NONE);
        ck_assert_int_eq(amount_u, good[i].amount_u);
        money_print(amount_u, text);
        ck_assert_str_eq(text, good[i].text);
    }
    static const char *const bad[] = {
        "",
        "-",
        ".",
        "0",
        "0.",
        "1.0",
        "1.00000",
        "1.0000000",
        "1000000",
        ".000000",
        "-.000000",
        "+1.000000",
        "01.000000",
        "00.000000",
        "-0.000000",
        "--1.000000",
        " 1.000000",
        "1.000000 ",
        "1.000000\n",
        "1,000000",
        "1e3.000000",
        "0x1.000000",
        "1.00000a",
        "1..000000",
        "1.-00000",
        "NaN",
        "inf",
        "1_000.000000",
        "1.000000.000000",
        "9223372036854.775808",
        "-9223372036854.775809",
        "9999999999999.999999",
        "10000000000000.000000",
        "99999999999999999999999999999999999999999999.000000",
        "\xd9\xa1.000000",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t amount_u = 7;
        struct err err = {0};
        ck_assert_msg(money_parse(bad[i], &amount_u, &err) == ERR_INVALID, "accepted '%s'", bad[i]);
        ck_assert_int_eq(amount_u, 7);
        ck_assert_str_ne(err.code, "");
    }
}
END_TEST

START_TEST(text_and_amount_are_one_to_one)
{
    struct property property = property_begin(__func__);
    static const char alphabet[] = "0123456789.-";
    for (int i = 0; i < CASES; i++) {
        int64_t amount_u = property_amount(&property);
        int64_t read_u = 0;
        char text[MONEY_TEXT_SIZE];
        money_print(amount_u, text);
        ck_assert_int_eq(money_parse(text, &read_u, NULL), ERR_NONE);
        ck_assert_int_eq(read_u, amount_u);

        /* Change one character: refused, or the canonical text of another amount. */
        char changed[MONEY_TEXT_SIZE];
        size_t place = (size_t)property_between(&property, 0, (int64_t)strlen(text) - 1);
        memcpy(changed, text, sizeof changed);
        changed[place] = alphabet[property_between(&property, 0, sizeof alphabet - 2)];
        if (money_parse(changed, &read_u, NULL) != ERR_NONE)
            continue;
        money_print(read_u, text);
        ck_assert_str_eq(text, changed);
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("money");
    tcase_add_test(tests, halves_go_to_even_in_micro_and_away_from_zero_in_minor);
    tcase_add_test(tests, rounding_is_exact_at_the_extremes_and_says_when_it_does_not_fit);
    tcase_add_test(tests, rounding_is_within_half_a_unit_and_symmetric);
    tcase_add_test(tests, sums_say_when_they_do_not_fit);
    tcase_add_test(tests, minor_units_follow_the_currency);
    tcase_add_test(tests, a_hundred_by_three_is_33_34_33_33_33_33);
    tcase_add_test(tests, a_split_sums_exactly_and_follows_the_rule);
    tcase_add_test(tests, a_split_refuses_what_it_cannot_split);
    tcase_add_test(tests, cumulative_rounding_tiles_the_whole);
    tcase_add_test(tests, g22_an_upfront_payment_is_spread_by_days_to_the_cent);
    tcase_add_test(tests, only_canonical_decimals_are_read);
    tcase_add_test(tests, text_and_amount_are_one_to_one);
    Suite *suite = suite_create("money");
    suite_add_tcase(suite, tests);
    return suite;
}
