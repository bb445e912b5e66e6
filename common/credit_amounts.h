/* The amounts of a credit note: what is taken back of an invoice's lines and of its tax.
 *
 * Both by cumulative rounding: a line's credits are rounded together with what was credited of it before, and the tax
 * follows the credited net, round(tax x credited net / net). So no sequence of credits takes back more than there was,
 * and full credit leaves exactly nothing. Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/money.h"

enum credit_measure {
    CREDIT_REST,     /* all that is left of the line */
    CREDIT_QUANTITY, /* numerator: milli-GPU-seconds of it */
    CREDIT_SHARE,    /* numerator / denominator of the whole line */
    CREDIT_AMOUNT,   /* numerator: net, in minor units, with the line's sign */
};

struct credit_line {
    /* in: the invoice's line, and what was credited of it before */
    int64_t amount_u, net_minor, gpu_milli_s;
    int64_t credits, credited_u, credited_minor;
    /* in: the wish */
    enum credit_measure measure;
    int64_t numerator, denominator;
    /* out */
    int64_t credit_u, credit_minor;
};

/* Fills what is taken back of a line; it may come to 0. ERR_CONFLICT credit_exceeds_line: more than is left of it.
 * ERR_INVALID: a quantity of a line that has none, an amount of the other sign. exponent is the currency's. */
MUST_CHECK enum err_kind credit_amounts_line(struct credit_line *line, int exponent, struct err *reterr);

struct credit_tax {
    int64_t net_minor, tax_minor;                   /* in: the invoice's */
    int64_t credited_net_minor, credited_tax_minor; /* in: by earlier credit notes */
    int64_t credit_net_minor;                       /* out: sum of the lines */
    int64_t credit_tax_minor;                       /* out */
};

/* Adds up the lines and finds their tax. ret_tax[i].amount is what to show beside line i; they sum to the tax.
 * ERR_CONFLICT credit_exceeds_invoice: the credited net would pass the invoice's. */
MUST_CHECK enum err_kind credit_amounts_tax(const struct credit_line *lines, size_t count, struct credit_tax *tax,
                                            struct money_share *ret_tax, struct err *reterr);
