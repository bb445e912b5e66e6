/* A tenant's commitments in a billing period: what they cost, what of it is billed, and what became of them.
 * One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rate_lines.h"

struct committed {
    PGresult *rows;
    struct identity tenant;
    int64_t starts_s, ends_s;     /* the billing period */
    struct rate_commitment *list; /* in the order in which they cover: by start and id */
    int64_t *billed_u;            /* of each: fees of the period */
    size_t count;
};
void committed_release(struct committed *committed); /* for CLEANUP; starts as {0} */

/* Those of the tenant that the period lies in. */
MUST_CHECK enum err_kind committed_load(struct db *db, const char *tenant, int64_t starts_s, int64_t ends_s,
                                        struct committed *ret, struct err *reterr);
/* Adds the fees, and, once the period is over, what of them was not used. */
MUST_CHECK enum err_kind committed_add_fees(const struct committed *committed, bool is_over, struct rated_lines *lines,
                                            struct err *reterr);
/* Notes what became of them until then. */
MUST_CHECK enum err_kind committed_write(const struct committed *committed, struct db *db, int64_t until_s,
                                         struct err *reterr);

extern const struct db_stmt *const commitments_statements[];
