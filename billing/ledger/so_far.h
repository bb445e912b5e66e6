/* What the parts of rating a day so far share: its rows, its usage, and the periods that are rated as a whole. Nobody
 * else includes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/bulk_rows.h"
#include "billing/day_part.h"
#include "billing/leader.h"
#include "billing/ledger/rate_alone.h"
#include "billing/ledger/rated_line.h"

/* A tenant's billing period that is rated as a whole. */
struct so_far_period {
    struct identity tenant;
    int64_t starts_s, ends_s;
    bool is_metered_only;
};

struct so_far {
    const struct day_part *part;
    int64_t generation;
    struct rate_scope scope;
    PGresult *due;        /* periods that the day touches as a whole: enum rate_tenant_column */
    int64_t chunk;        /* so many reservations are next */
    struct identity last; /* of the reservations before */
    bool more;            /* out */
    struct so_far_period *periods;
    size_t period_count, period_capacity;
    size_t next_period;
};

/* rate_so_far.c */
/* unpriced_gpu_milli_s: what of it waits for a price. */
void so_far_add_row(struct bulk_rows *rows, const struct so_far *so_far, const struct rated_line *line,
                    int64_t unpriced_gpu_milli_s);
MUST_CHECK enum err_kind so_far_send(struct bulk_rows *rows, struct db *db, struct err *reterr);
/* Those of the lines that come to something. */
MUST_CHECK enum err_kind so_far_write(struct db *db, const struct so_far *so_far, const struct rated_lines *lines,
                                      struct err *reterr);

/* so_far_usage.c */
/* Rates the day's usage, reservation by reservation; periods that are rated as a whole are noted. */
MUST_CHECK enum err_kind so_far_rate_usage(struct leader *leader, struct so_far *so_far, struct err *reterr);
/* Rows of enum usage_column, of a tenant's reservations, or of those behind the last one (NULL). */
MUST_CHECK enum err_kind so_far_load_usage(struct db *db, const struct so_far *so_far, const char *tenant,
                                           int64_t limit, PGresult **ret, struct err *reterr);
/* A reservation with a second that has no price is left out, as its close would have it wait, and counted. */
MUST_CHECK enum err_kind so_far_measure(const struct so_far *so_far, const struct price_book *book,
                                        const PGresult *rows, struct rated_lines *lines, struct bulk_rows *unpriced,
                                        int64_t *ret_reservations, struct err *reterr);
/* Of usage without a price: whose it is. */
struct rated_line so_far_unpriced_line(const PGresult *rows, int row);

/* so_far_periods.c */
/* Notes a period that is to be rated as a whole, once however often: for its meters only if each note says so. */
void so_far_add_period(struct so_far *so_far, const struct so_far_period *period);
/* After all usage. */
MUST_CHECK enum err_kind so_far_rate_periods(struct leader *leader, struct so_far *so_far, struct err *reterr);
