/* The amounts of an invoice: lines in minor units, what their rounding leaves, and the tax.
 *
 * A line's minor amount is rounded from the line's micro total and never from finer amounts. Tax is computed once,
 * on the net of all lines; the tax shown beside each line is a split of it, so the column adds up.
 * Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/money.h"

struct invoice_line_amount {
    int64_t amount_u;   /* in: the line's rated total */
    int64_t net_minor;  /* out: what is asked for, amount_u rounded half away from zero */
    int64_t rounding_u; /* out: net_minor - amount_u, in micro-units: goes to the account `rounding` */
};

struct invoice_amounts {
    int64_t net_minor;   /* sum of the lines */
    int64_t tax_minor;   /* of the net */
    int64_t total_minor; /* net + tax */
};

/* Fills the lines from their amount_u. exponent is the currency's (money_exponent); ERR_INVALID if net_minor, put
 * back into micro-units, does not fit. */
MUST_CHECK enum err_kind invoice_amounts_round(struct invoice_line_amount *lines, size_t count, int exponent,
                                               struct err *reterr);

/* Adds up the lines and taxes their sum at a rate in basis points (1900 is 19 %, at most 10,000), half away from
 * zero. ret_tax[i].weight becomes line i's net and ret_tax[i].amount the tax to show beside it, within one unit of
 * the line's own; they sum to tax_minor. All lines bear the same rate: call once per tax code. */
MUST_CHECK enum err_kind invoice_amounts_tax(const struct invoice_line_amount *lines, size_t count, int64_t rate_bp,
                                             struct money_share *ret_tax, struct invoice_amounts *ret,
                                             struct err *reterr);
