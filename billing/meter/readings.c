/* Counting readings, a batch per transaction: added to the sums of their days (meter_usage), so that rating reads a row
 * per reservation, meter and day however often agents report. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/meter/readings.h"

#include "common/calendar.h"
#include "common/events.h"
#include "common/metrics.h"
#include "common/shutdown.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CONSUMER "billing:readings"
#define BATCH    20000 /* a transaction stays below a second */

static struct metric metric_readings = {.name = "sluice_billing_meter_readings_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Readings of meters that were counted"};
static struct metric metric_late = {.name = "sluice_billing_late_meter_readings_total",
                                    .type = METRIC_COUNTER,
                                    .help = "Of them: of days that were closed when they came"};

void readings_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_readings, &metric_late};
    metric_register(metrics, COUNT_OF(metrics));
}

static const struct db_stmt statement_any = {
    .name = "readings_any",
    .sql = "SELECT EXISTS (SELECT FROM meter_reading r WHERE (r.xid, r.seq) > ($1::text::xid8, $2::bigint)"
           "  AND r.xid < pg_snapshot_xmin(pg_current_snapshot()))",
    .params = 2,
};

/* The days of readings that may come, and of those that wait since a while. */
static const struct db_stmt statement_partitions = {
    .name = "readings_partitions",
    .sql = "SELECT partition_ensure('meter_usage', sluice_now() - interval '124 days', sluice_now())",
    .params = 0,
};

/* A stretch of a day ends where a price or a discount that is known does, or the billing period of the tenant. What is
 * made later within a stretch does no harm: then the readings themselves are asked (meter_lines.c). */
// clang-format off
static const struct db_stmt statement_count = {
    .name = "readings_count",
    .sql = "WITH fresh AS MATERIALIZED ("
           "  SELECT r.xid, r.seq, r.tenant_id, r.reservation_id, r.meter_id, r.at, date_trunc('day', r.at, 'UTC') AS day,"
           "    r.quantity_milli * CASE m.aggregation WHEN 'level' THEN extract(epoch FROM r.to_at - r.from_at) ELSE 1 END"
           "     AS quantity,"
           "    date_trunc('month', r.at AT TIME ZONE t.billing_timezone) AS month, t.billing_timezone AS zone"
           "    FROM (SELECT n.*, n.to_at - interval '1 second' AS at FROM meter_reading n"
           "           WHERE (n.xid, n.seq) > ($1::text::xid8, $2::bigint)"
           "             AND n.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY n.xid, n.seq LIMIT $3::bigint) r"
           "    JOIN meter m ON m.id = r.meter_id JOIN tenant t ON t.id = r.tenant_id"
           "), span AS ("
           "  SELECT min(day) AS starts_at, max(day) + interval '24 hours' AS ends_at FROM fresh"
           "), cut AS MATERIALIZED ("
           "  SELECT DISTINCT c.at FROM span s, (SELECT valid FROM price WHERE sku_kind = 'meter'"
           "    UNION ALL SELECT valid FROM discount WHERE sku_kind IS NULL OR sku_kind = 'meter') v"
           "   CROSS JOIN LATERAL (VALUES (lower(v.valid)), (upper(v.valid))) AS c (at)"
           "   WHERE c.at > s.starts_at AND c.at < s.ends_at AND c.at > date_trunc('day', c.at, 'UTC')"
           "), placed AS MATERIALIZED ("
           "  SELECT f.tenant_id, f.reservation_id, f.meter_id, f.quantity, f.day,"
           "    greatest((f.day AT TIME ZONE 'UTC')::date, $4::date) AS counted_with,"
           "    greatest(f.day, f.month AT TIME ZONE f.zone,"
           "     (SELECT max(c.at) FROM cut c WHERE c.at <= f.at AND c.at > f.day)) AS starts_at,"
           "    least(f.day + interval '24 hours', (f.month + interval '1 month') AT TIME ZONE f.zone,"
           "     (SELECT min(c.at) FROM cut c WHERE c.at > f.at AND c.at < f.day + interval '24 hours')) AS ends_at"
           "    FROM fresh f"
           "), summed AS ("
           "  INSERT INTO meter_usage AS u (tenant_id, reservation_id, meter_id, starts_at, ends_at, counted_with, quantity)"
           "  SELECT tenant_id, reservation_id, meter_id, starts_at, ends_at, counted_with, sum(quantity)"
           "    FROM placed GROUP BY 1, 2, 3, 4, 5, 6"
           "  ON CONFLICT (tenant_id, starts_at, reservation_id, meter_id, ends_at, counted_with)"
           "   DO UPDATE SET quantity = u.quantity + excluded.quantity"
           "), touched AS ("
           "  INSERT INTO meter_touch (counted_with, tenant_id, meter_id, day)"
           "  SELECT DISTINCT counted_with, tenant_id, meter_id, (day AT TIME ZONE 'UTC')::date FROM placed"
           "  ON CONFLICT DO NOTHING"
           "), last AS (SELECT xid, seq FROM fresh ORDER BY xid DESC, seq DESC LIMIT 1"
           "), noted AS ("
           "  INSERT INTO meter_counted (day, xid, seq) SELECT $4::date, xid, seq FROM last"
           "  ON CONFLICT (day) DO UPDATE SET xid = excluded.xid, seq = excluded.seq"
           ") SELECT l.xid::text, l.seq, (SELECT count(*) FROM placed),"
           "   (SELECT count(*) FROM placed p WHERE p.counted_with > (p.day AT TIME ZONE 'UTC')::date) FROM last l",
    .params = 4,
};
// clang-format on
enum { LAST_XID, LAST_SEQ, COUNTED, COUNTED_LATE };

const struct db_stmt *const readings_statements[] = {&statement_any, &statement_partitions, &statement_count, NULL};

struct counting {
    int64_t first_open_day;
    bool more; /* out */
};

static enum err_kind count_batch(struct db *db, void *context, struct err *reterr)
{
    struct counting *counting = context;
    struct event_cursor cursor = {0};
    struct event_cursor_params params;
    char limit[DB_INT_TEXT_SIZE];
    char day[CALENDAR_DATE_SIZE];
    calendar_date_print(counting->first_open_day, day);
    counting->more = false;
    enum err_kind kind = event_cursor_load(db, CONSUMER, &cursor, reterr);
    if (kind != ERR_NONE)
        return kind;
    (void)event_cursor_params(CONSUMER, &cursor, &params);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    kind = db_run(db, &statement_partitions, DB_NO_PARAMS, NULL, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_count, DB_PARAMS(params.xid, params.seq, db_int_param(limit, BATCH), day), &rows,
                      reterr);
    if (kind != ERR_NONE || PQntuples(rows) == 0)
        return kind;
    cursor.xid = strtoull(db_text(rows, 0, LAST_XID), NULL, 10);
    cursor.seq = db_int(rows, 0, LAST_SEQ, 0);
    counting->more = db_int(rows, 0, COUNTED, 0) == BATCH;
    metric_add(&metric_readings, db_int(rows, 0, COUNTED, 0));
    metric_add(&metric_late, db_int(rows, 0, COUNTED_LATE, 0));
    return event_cursor_save(db, CONSUMER, &cursor, reterr);
}

/* Most looks find nothing, and write nothing. */
static enum err_kind is_any(struct db *db, bool *ret, struct err *reterr)
{
    struct event_cursor cursor = {0};
    struct event_cursor_params params;
    enum err_kind kind = event_cursor_load(db, CONSUMER, &cursor, reterr);
    if (kind != ERR_NONE)
        return kind;
    (void)event_cursor_params(CONSUMER, &cursor, &params);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    kind = db_run(db, &statement_any, DB_PARAMS(params.xid, params.seq), &rows, reterr);
    if (kind == ERR_NONE)
        *ret = db_bool(rows, 0, 0);
    return kind;
}

enum err_kind readings_count(struct leader *leader, int64_t first_open_day, struct err *reterr)
{
    struct counting counting = {.first_open_day = first_open_day};
    enum err_kind kind = is_any(leader->db, &counting.more, reterr);
    while (kind == ERR_NONE && counting.more && !shutdown_requested())
        kind = leader_transact(leader, count_batch, &counting, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "counting readings of meters");
}
