/* From quantities to amounts: what the usage lines of a period come to by the book and by commitments.
 * Memory only; one thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rated_line.h"
#include "common/price_book.h"

/* A commitment that covers usage of the lines. */
struct rate_commitment {
    struct identity id;
    const char *sku_kind, *sku, *tier; /* of usage */
    struct rating_commitment terms;    /* sku is set here */
};

/* Is the line's price known to the book? One that was withdrawn is not: what was rated by it stays until it is rated
 * anew. */
bool rate_lines_knows(const struct price_book *book, const struct rated_line *line);
/* Drops usage whose price is not known: nothing can be said before it is measured anew. Lines without a price stay. */
void rate_lines_drop_unknown(const struct price_book *book, struct rated_lines *lines);
/* Does what the line comes to depend on what else its tenant uses? */
bool rate_lines_is_pooled(const struct price_book *book, const struct rated_line *line);

/* Folds written usage lines to what was measured: commitments forgotten, amounts 0. Other lines are left out, and those
 * of meters, which are measured anew: meter_lines.h. */
MUST_CHECK enum err_kind rate_lines_fold(const struct rated_lines *written, struct rated_lines *ret,
                                         struct err *reterr);

/* Gives the measured lines (merged; every price known; none pooled, or all of one tenant's period) their amounts; what
 * commitments cover become lines of their own. */
MUST_CHECK enum err_kind rate_lines(struct rated_lines *lines, const struct price_book *book,
                                    struct rate_commitment *commitments, size_t commitment_count, struct err *reterr);
