/* Delivered usage as lines without amounts yet: quantities by reservation, price, billing period and whatever else
 * their price depends on. Memory only; one thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/ledger/rated_line.h"
#include "common/price_book.h"

/* The columns of rows of usage: one row per reservation, UTC day, sku, capacity status and span. The statement sorts
 * them by reservation, day, kind, sku and capacity. */
enum usage_column {
    USAGE_COLUMN_RESERVATION,
    USAGE_COLUMN_DAY, /* days since 1970-01-01 */
    USAGE_COLUMN_KIND,
    USAGE_COLUMN_SKU,
    USAGE_COLUMN_CAPACITY, /* text or null */
    USAGE_COLUMN_TENANT,
    USAGE_COLUMN_PROJECT,
    USAGE_COLUMN_TIER,
    USAGE_COLUMN_CURRENCY,
    USAGE_COLUMN_ZONE,
    USAGE_COLUMN_FROM,
    USAGE_COLUMN_TO,
    USAGE_COLUMN_GPU_MILLI, /* of all instances; negative takes back */
    USAGE_COLUMN_INSTANCES,
    USAGE_COLUMN_BILLED, /* whether these seconds cost anything */
    USAGE_COLUMN_PERIOD, /* the billing month that holds the day's start, the next, and the one after: three bounds */
};

/* Selects them from a `usage` of a WITH before it: reservation_id, day, node_id, period_start, period_end, gpu_milli,
 * class. */
#define USAGE_LINES_SELECT                                                                                             \
    " SELECT u.reservation_id, u.day - date '1970-01-01',"                                                             \
    "   CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END AS kind,"                       \
    "   CASE WHEN r.instance_type_id IS NULL THEN n.gpu_model ELSE i.name END AS sku,"                                 \
    "   CASE WHEN r.tier <> 'preemptible' THEN u.class END AS capacity, r.tenant_id, r.project, r.tier, t.currency,"   \
    "   t.billing_timezone, extract(epoch FROM u.period_start)::bigint, extract(epoch FROM u.period_end)::bigint,"     \
    "   sum(u.gpu_milli), count(*), u.class = 'used' OR r.tier <> 'preemptible' AS billed,"                            \
    "   extract(epoch FROM b.month AT TIME ZONE t.billing_timezone)::bigint,"                                          \
    "   extract(epoch FROM (b.month + interval '1 month') AT TIME ZONE t.billing_timezone)::bigint,"                   \
    "   extract(epoch FROM (b.month + interval '2 months') AT TIME ZONE t.billing_timezone)::bigint"                   \
    "  FROM usage u JOIN reservation r ON r.id = u.reservation_id JOIN tenant t ON t.id = r.tenant_id"                 \
    "  LEFT JOIN instance_type i ON i.id = r.instance_type_id LEFT JOIN node n ON n.id = u.node_id"                    \
    "  CROSS JOIN LATERAL (SELECT date_trunc('month',"                                                                 \
    "    u.day::timestamp AT TIME ZONE 'UTC' AT TIME ZONE t.billing_timezone) AS month) b"                             \
    " GROUP BY u.reservation_id, u.day, kind, sku, capacity, r.project, r.tier, t.currency, u.period_start,"           \
    "   u.period_end, billed, r.tenant_id, b.month, t.billing_timezone"                                                \
    " ORDER BY u.reservation_id, u.day, kind, sku, capacity, u.period_start, u.period_end"

/* The end of the run of rows from first on that are alike in the columns up to last_column. */
int usage_run_end(const PGresult *rows, int first, int last_column);

/* Adds a reservation's day, rows [first, end). ERR_NOT_FOUND if a second has no price: then nothing was added, and
 * *ret_unpriced is the row that has none. */
MUST_CHECK enum err_kind usage_lines_add_day(struct rated_lines *lines, const struct price_book *book,
                                             const PGresult *rows, int first, int end, int *ret_unpriced,
                                             struct err *reterr);
