/* Money: 64-bit integers, 128-bit between, one way to round and one way to split.
 *
 * An amount is a count of micro-units (suffix _u: 1e-6 of the currency's major unit) in rating and ledger, and a count
 * of minor units (suffix _minor: 10^-exponent of the major unit, ISO 4217) on invoices and in depreciation. No
 * floating point touches money. Everything here is pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

#define MONEY_MICRO_EXPONENT  6
#define MONEY_MICRO_PER_MAJOR INT64_C(1000000)
#define MONEY_BASIS_POINTS    INT64_C(10000) /* one hundred per cent */
/* What is entered by hand is a trillion of the currency at most, so that a slip of the pen leaves sums that fit. */
#define MONEY_ENTERED_MOST_U INT64_C(1000000000000000000)
/* What a line of the books may come to in its period, in micro-units: an eighth of what a number can tell, so that what is
 * added up of a reservation (its prices, meters and minimum durations) still fits one. More is nobody's real price. */
#define MONEY_LINE_MOST_U (INT64_MAX / 8)
/* "-9223372036854.775808" and its terminating zero */
#define MONEY_TEXT_SIZE 22

/* Holds the product of any two 64-bit amounts. */
__extension__ typedef __int128 money_wide;

/* What becomes of an exact half. Micro-units go to the even neighbour, so that many small lines do not drift; minor
 * units go away from zero, as people round an invoice. Both treat plus and minus alike. */
enum money_rounding {
    MONEY_HALF_EVEN,
    MONEY_HALF_AWAY,
};

/* The one rounding function: numerator / denominator (> 0) to an integer. ERR_INVALID if it does not fit. */
MUST_CHECK enum err_kind money_round(money_wide numerator, int64_t denominator, enum money_rounding rounding,
                                     int64_t *ret, struct err *reterr);

/* Checked sums: ERR_INVALID if the result does not fit. */
MUST_CHECK enum err_kind money_add(int64_t a, int64_t b, int64_t *ret, struct err *reterr);
MUST_CHECK enum err_kind money_subtract(int64_t a, int64_t b, int64_t *ret, struct err *reterr);

/* Sets *ret to the number of decimals of the currency's minor unit (ISO 4217: 0, 2 or 3).
 * ERR_INVALID for a code we do not bill in. */
MUST_CHECK enum err_kind money_exponent(const char *currency, int *ret, struct err *reterr);

/* Micro-units to the nearest minor unit, half away from zero. exponent is 0 to 6. */
int64_t money_minor_of_micro(int64_t amount_u, int exponent);

/* Minor units to micro-units, exactly. ERR_INVALID if the result does not fit. */
MUST_CHECK enum err_kind money_micro_of_minor(int64_t amount_minor, int exponent, int64_t *ret_u, struct err *reterr);

/* One part of a total that is split. The position in the array is its key. */
struct money_share {
    int64_t weight;    /* in */
    int64_t amount;    /* out */
    int64_t remainder; /* scratch of the split */
};

/* The one splitting function, largest remainder (Hamilton): each share's exact part is weight * factor / denominator
 * (> 0), cut toward zero; the units of total that are then missing go one each to the largest remainders, ties to the
 * lower position. The parts must add up to total when rounded, else ERR_INVALID. The amounts sum to total, each lies
 * within one unit of its exact part, and negating total and factor negates every amount. */
MUST_CHECK enum err_kind money_apportion(int64_t total, int64_t factor, int64_t denominator, struct money_share *shares,
                                         size_t count, struct err *reterr);

/* Splits total by weights (>= 0): 100.00 by 1, 1, 1 is 33.34, 33.33, 33.33. Without any weight only 0 can be split;
 * anything else is ERR_INVALID, as is a negative weight or a sum of weights beyond 63 bits. */
MUST_CHECK enum err_kind money_split(int64_t total, struct money_share *shares, size_t count, struct err *reterr);

/* The part of total that falls into [from, to) of a whole, by cumulative rounding:
 * round(total * to / whole) - round(total * from / whole), 0 <= from <= to <= whole, whole > 0.
 * Parts that tile the whole sum to total, each lies within one unit of its exact value, and each stands alone. */
int64_t money_over_time(int64_t total, int64_t from, int64_t to, int64_t whole, enum money_rounding rounding);

/* Reads a canonical decimal, "2490.000000": an optional minus, no superfluous zero in front, six decimals, no minus
 * zero, nothing else. ERR_INVALID for any other text and for what does not fit. */
MUST_CHECK enum err_kind money_parse(const char *text, int64_t *ret_u, struct err *reterr);

/* Writes the canonical decimal that money_parse reads. */
void money_print(int64_t amount_u, char ret_text[MONEY_TEXT_SIZE]);
