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
    USAGE_COLUMN_LATE =
        USAGE_COLUMN_PERIOD + 3, /* of facts: the day in whose books it is, where it came late, or null */
};

/* What has no price, for people and for rows of what waits. */
#define USAGE_SKU_SIZE 256
void usage_sku_print(const PGresult *rows, int row, char *ret);

/* Parts of the statement that selects them, after "WITH ...": "chosen", what is the same for all usage of a
 * reservation, found once, of the ids of a FROM item x; then "usage", chosen's columns with day, node_id, period_start,
 * period_end, gpu_milli and class, which is the caller's to say; then the sums over a reservation's instances. */
// clang-format off
#define USAGE_CHOSEN(ids)                                                                                              \
    "chosen AS MATERIALIZED ("                                                                                         \
    "  SELECT r.id, r.tenant_id, r.project, r.tier, r.tier <> 'preemptible' AS is_firm, i.name AS type_name,"          \
    "         t.currency, t.billing_timezone"                                                                          \
    "    FROM " ids " JOIN reservation r ON r.id = x.id JOIN tenant t ON t.id = r.tenant_id"                           \
    "    LEFT JOIN instance_type i ON i.id = r.instance_type_id"                                                       \
    "), usage AS ("

#define USAGE_SUMMED                                                                                                   \
    "), summed AS ("                                                                                                   \
    "  SELECT u.id, u.day, CASE WHEN u.type_name IS NULL THEN 'gpu_model' ELSE 'instance_type' END AS kind,"           \
    "    coalesce(u.type_name, (SELECT n.gpu_model FROM node n WHERE n.id = u.node_id)) AS sku,"                       \
    "    CASE WHEN u.is_firm THEN u.class END AS capacity, u.tenant_id, u.project, u.tier, u.currency,"                \
    "    u.billing_timezone, u.period_start, u.period_end, sum(u.gpu_milli) AS gpu_milli, count(*) AS instances,"      \
    "    u.class = 'used' OR u.is_firm AS billed"                                                                      \
    "    FROM usage u"                                                                                                 \
    "   GROUP BY u.id, u.day, kind, sku, capacity, u.tenant_id, u.project, u.tier, u.currency, u.billing_timezone,"    \
    "    u.period_start, u.period_end, billed"                                                                         \
    "), month AS MATERIALIZED ("                                                                                       \
    "  SELECT d.day, d.billing_timezone,"                                                                              \
    "    extract(epoch FROM d.month AT TIME ZONE d.billing_timezone)::bigint AS starts_s,"                             \
    "    extract(epoch FROM (d.month + interval '1 month') AT TIME ZONE d.billing_timezone)::bigint AS next_s,"        \
    "    extract(epoch FROM (d.month + interval '2 months') AT TIME ZONE d.billing_timezone)::bigint AS after_s"       \
    "    FROM (SELECT DISTINCT z.day, z.billing_timezone, date_trunc('month',"                                         \
    "                 z.day::timestamp AT TIME ZONE 'UTC' AT TIME ZONE z.billing_timezone) AS month"                   \
    "            FROM (SELECT DISTINCT day, billing_timezone FROM summed) z) d"                                        \
    ")"                                                                                                                \
    " SELECT s.id, s.day - date '1970-01-01', s.kind, s.sku, s.capacity, s.tenant_id, s.project, s.tier, s.currency,"  \
    "   s.billing_timezone, extract(epoch FROM s.period_start)::bigint, extract(epoch FROM s.period_end)::bigint,"     \
    "   s.gpu_milli, s.instances, s.billed, m.starts_s, m.next_s, m.after_s"                                           \
    "  FROM summed s JOIN month m ON m.day = s.day AND m.billing_timezone = s.billing_timezone"                        \
    " ORDER BY s.id, s.day, s.kind, s.sku, s.capacity, s.period_start, s.period_end"
// clang-format on

/* Adds a reservation's day, rows [first, end) but those that are left out (by number; NULL: none). ERR_NOT_FOUND if a
 * second has no price: then nothing was added, and *ret_unpriced is the first row of those that have none. */
MUST_CHECK enum err_kind usage_lines_add_day(struct rated_lines *lines, const struct price_book *book,
                                             const PGresult *rows, int first, int end, const bool *left_out,
                                             int *ret_unpriced, struct err *reterr);

/* The prices of a stretch of the choice, told in a key: the list price where it is another one. */
void usage_lines_price(const struct price_book *book, const struct price_choice *choice, size_t stretch,
                       struct rated_key *key);

/* Billable milli-GPU-seconds of rows [first, end): what waits where a second of them has no price. */
int64_t usage_billable(const PGresult *rows, int first, int end);
