/* Exact money: the rounding and the splitting that estimate, quote, invoice and depreciation all call. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/money.h"

#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define DECIMAL_BASE 10

static const int64_t powers_of_ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000};

/* ISO 4217, the currencies we bill in. */
static const struct currency {
    char code[4];
    int exponent;
} currencies[] = {
    {"AED", 2}, {"ARS", 2}, {"AUD", 2}, {"BGN", 2}, {"BHD", 3}, {"BRL", 2}, {"CAD", 2}, {"CHF", 2}, {"CLP", 0},
    {"CNY", 2}, {"COP", 2}, {"CZK", 2}, {"DKK", 2}, {"EGP", 2}, {"EUR", 2}, {"GBP", 2}, {"HKD", 2}, {"HUF", 2},
    {"IDR", 2}, {"ILS", 2}, {"INR", 2}, {"IQD", 3}, {"ISK", 0}, {"JOD", 3}, {"JPY", 0}, {"KES", 2}, {"KRW", 0},
    {"KWD", 3}, {"KZT", 2}, {"LYD", 3}, {"MAD", 2}, {"MXN", 2}, {"MYR", 2}, {"NGN", 2}, {"NOK", 2}, {"NZD", 2},
    {"OMR", 3}, {"PEN", 2}, {"PHP", 2}, {"PKR", 2}, {"PLN", 2}, {"PYG", 0}, {"QAR", 2}, {"RON", 2}, {"RSD", 2},
    {"RWF", 0}, {"SAR", 2}, {"SEK", 2}, {"SGD", 2}, {"THB", 2}, {"TND", 3}, {"TRY", 2}, {"TWD", 2}, {"UAH", 2},
    {"UGX", 0}, {"USD", 2}, {"UYU", 2}, {"VND", 0}, {"XAF", 0}, {"XOF", 0}, {"XPF", 0}, {"ZAR", 2},
};

static enum err_kind does_not_fit(struct err *reterr)
{
    return err_set_code(reterr, ERR_INVALID, "amount_out_of_range", "amount does not fit in 64 bits");
}

/* The unit, 0 or 1 away from zero, that rounding adds to a quotient cut toward zero.
 * Compares without doubling the remainder, which may need all 63 bits. */
static bool rounds_up(bool quotient_is_odd, int64_t remainder, int64_t denominator, enum money_rounding rounding)
{
    int64_t distance = remainder < 0 ? -remainder : remainder;
    int64_t other_distance = denominator - distance;
    if (distance != other_distance)
        return distance > other_distance;
    return rounding == MONEY_HALF_AWAY || quotient_is_odd;
}

static money_wide divide(money_wide numerator, int64_t denominator, enum money_rounding rounding)
{
    must(denominator > 0);
    /* Most amounts fit 64 bits, where a division is several times faster. */
    if (numerator == (int64_t)numerator) {
        int64_t quotient = (int64_t)numerator / denominator;
        int64_t remainder = (int64_t)numerator % denominator;
        bool up = rounds_up((quotient & 1) != 0, remainder, denominator, rounding);
        return (money_wide)quotient + (up ? (remainder < 0 ? -1 : 1) : 0);
    }
    money_wide quotient = numerator / denominator;
    int64_t remainder = (int64_t)(numerator % denominator);
    bool up = rounds_up((quotient & 1) != 0, remainder, denominator, rounding);
    return quotient + (up ? (remainder < 0 ? -1 : 1) : 0);
}

enum err_kind money_round(money_wide numerator, int64_t denominator, enum money_rounding rounding, int64_t *ret,
                          struct err *reterr)
{
    money_wide rounded = divide(numerator, denominator, rounding);
    if (rounded < INT64_MIN || rounded > INT64_MAX)
        return does_not_fit(reterr);
    *ret = (int64_t)rounded;
    return ERR_NONE;
}

enum err_kind money_add(int64_t a, int64_t b, int64_t *ret, struct err *reterr)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return does_not_fit(reterr);
    *ret = sum;
    return ERR_NONE;
}

enum err_kind money_subtract(int64_t a, int64_t b, int64_t *ret, struct err *reterr)
{
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference))
        return does_not_fit(reterr);
    *ret = difference;
    return ERR_NONE;
}

enum err_kind money_exponent(const char *currency, int *ret, struct err *reterr)
{
    for (size_t i = 0; i < COUNT_OF(currencies); i++) {
        if (strcmp(currencies[i].code, currency) == 0) {
            *ret = currencies[i].exponent;
            return ERR_NONE;
        }
    }
    return err_set_code(reterr, ERR_INVALID, "unknown_currency", "currency '%.8s' is not one we bill in", currency);
}

static int64_t micro_per_minor(int exponent)
{
    must(exponent >= 0 && exponent <= MONEY_MICRO_EXPONENT);
    return powers_of_ten[MONEY_MICRO_EXPONENT - exponent];
}

int64_t money_minor_of_micro(int64_t amount_u, int exponent)
{
    return (int64_t)divide(amount_u, micro_per_minor(exponent), MONEY_HALF_AWAY);
}

enum err_kind money_micro_of_minor(int64_t amount_minor, int exponent, int64_t *ret_u, struct err *reterr)
{
    int64_t amount_u;
    if (__builtin_mul_overflow(amount_minor, micro_per_minor(exponent), &amount_u))
        return does_not_fit(reterr);
    *ret_u = amount_u;
    return ERR_NONE;
}

static size_t count_remainders_from(const struct money_share *shares, size_t count, int sign, int64_t least)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += shares[i].remainder * sign >= least;
    return found;
}

/* Gives one unit of the sign to each of the `wanted` largest remainders of that sign. Searches the smallest
 * remainder that is served rather than sort: no scratch memory, and the order of the shares stays. */
static void give_units(struct money_share *shares, size_t count, size_t wanted, int sign, int64_t denominator)
{
    int64_t least = 0; /* at least `wanted` remainders reach it */
    int64_t above = denominator;
    while (above - least > 1) {
        int64_t middle = least + (above - least) / 2;
        if (count_remainders_from(shares, count, sign, middle) >= wanted)
            least = middle;
        else
            above = middle;
    }
    size_t larger = count_remainders_from(shares, count, sign, above);
    size_t equal = wanted - larger; /* of the shares that stand exactly at `least`, the first so many */
    for (size_t i = 0; i < count; i++) {
        int64_t remainder = shares[i].remainder * sign;
        bool tie_wins = remainder == least && equal > 0;
        if (tie_wins)
            equal--;
        if (tie_wins || remainder > least)
            shares[i].amount += sign;
    }
}

enum err_kind money_apportion(int64_t total, int64_t factor, int64_t denominator, struct money_share *shares,
                              size_t count, struct err *reterr)
{
    must(denominator > 0);
    money_wide missing = total;
    for (size_t i = 0; i < count; i++) {
        money_wide exact = (money_wide)shares[i].weight * factor;
        money_wide part = exact / denominator;
        int64_t remainder = (int64_t)(exact % denominator);
        money_wide farthest = part + (remainder > 0) - (remainder < 0); /* with the unit that may be given below */
        if (farthest < INT64_MIN || farthest > INT64_MAX)
            return does_not_fit(reterr);
        shares[i].amount = (int64_t)part;
        shares[i].remainder = remainder;
        missing -= part;
    }
    if (missing == 0)
        return ERR_NONE;
    int sign = missing < 0 ? -1 : 1;
    missing *= sign;
    if (missing > (money_wide)count || count_remainders_from(shares, count, sign, 1) < (size_t)missing)
        return err_set(reterr, ERR_INVALID, "the parts do not add up to the total that is split");
    give_units(shares, count, (size_t)missing, sign, denominator);
    return ERR_NONE;
}

enum err_kind money_split(int64_t total, struct money_share *shares, size_t count, struct err *reterr)
{
    int64_t weight_sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (shares[i].weight < 0)
            return err_set(reterr, ERR_INVALID, "weight %zu of a split is negative", i);
        if (__builtin_add_overflow(weight_sum, shares[i].weight, &weight_sum))
            return err_set(reterr, ERR_INVALID, "the weights of a split do not fit in 64 bits");
    }
    if (weight_sum > 0)
        return money_apportion(total, total, weight_sum, shares, count, reterr);
    if (total != 0)
        return err_set(reterr, ERR_INVALID, "an amount cannot be split without any weight");
    for (size_t i = 0; i < count; i++)
        shares[i].amount = 0;
    return ERR_NONE;
}

int64_t money_over_time(int64_t total, int64_t from, int64_t to, int64_t whole, enum money_rounding rounding)
{
    must(from >= 0 && from <= to && to <= whole);
    money_wide through_to = divide((money_wide)total * to, whole, rounding);
    money_wide through_from = divide((money_wide)total * from, whole, rounding);
    return (int64_t)(through_to - through_from);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The shape of a canonical decimal; its size is then bounded, its sign and digits known. */
static bool is_canonical(const char *text)
{
    size_t size = strnlen(text, MONEY_TEXT_SIZE);
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t digits_size = size - (size_t)(digits - text);
    if (size == MONEY_TEXT_SIZE || digits_size < sizeof "0.000000" - 1)
        return false;
    size_t point = digits_size - MONEY_MICRO_EXPONENT - 1;
    for (size_t i = 0; i < digits_size; i++) {
        if (i == point ? digits[i] != '.' : !is_digit(digits[i]))
            return false;
    }
    bool superfluous_zero = digits[0] == '0' && point > 1;
    bool minus_zero = digits != text && strcmp(digits, "0.000000") == 0;
    return !superfluous_zero && !minus_zero;
}

enum err_kind money_parse(const char *text, int64_t *ret_u, struct err *reterr)
{
    if (!is_canonical(text))
        return err_set_code(reterr, ERR_INVALID, "amount_not_canonical",
                            "amount '%.40s' is not a canonical decimal such as '2490.000000'", text);
    int64_t sign = text[0] == '-' ? -1 : 1;
    int64_t amount_u = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (!is_digit(*c))
            continue;
        /* Built with its sign: the least amount has no positive counterpart. */
        if (__builtin_mul_overflow(amount_u, DECIMAL_BASE, &amount_u) ||
            __builtin_add_overflow(amount_u, sign * (*c - '0'), &amount_u))
            return does_not_fit(reterr);
    }
    *ret_u = amount_u;
    return ERR_NONE;
}

void money_print(int64_t amount_u, char ret_text[MONEY_TEXT_SIZE])
{
    int64_t major = amount_u / MONEY_MICRO_PER_MAJOR;
    int64_t micro = amount_u % MONEY_MICRO_PER_MAJOR;
    /* Each half is small enough to be negated. */
    snprintf(ret_text, MONEY_TEXT_SIZE, "%s%lld.%06lld", amount_u < 0 ? "-" : "",
             (long long)(major < 0 ? -major : major), (long long)(micro < 0 ? -micro : micro));
}
