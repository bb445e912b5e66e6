/* Counting readings, a batch per transaction. */
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

static const struct db_stmt statement_count = {
    .name = "readings_count",
    .sql = "WITH fresh AS MATERIALIZED ("
           "  SELECT r.* FROM meter_reading r"
           "   WHERE (r.xid, r.seq) > ($1::text::xid8, $2::bigint) AND r.xid < pg_snapshot_xmin(pg_current_snapshot())"
           "   ORDER BY r.xid, r.seq LIMIT $3::bigint"
           "), counted AS ("
           "  INSERT INTO meter_usage (tenant_id, event_id, reservation_id, meter_id, at, quantity, counted_with)"
           "  SELECT f.tenant_id, f.event_id, f.reservation_id, f.meter_id, f.to_at - interval '1 second',"
           "    f.quantity_milli * CASE m.aggregation WHEN 'level'"
           "     THEN extract(epoch FROM f.to_at - f.from_at)::bigint ELSE 1 END,"
           "    greatest(((f.to_at - interval '1 second') AT TIME ZONE 'UTC')::date, $4::date)"
           "    FROM fresh f JOIN meter m ON m.id = f.meter_id"
           "  ON CONFLICT (tenant_id, event_id) DO NOTHING RETURNING at, counted_with"
           ") SELECT l.xid::text, l.seq, (SELECT count(*) FROM fresh), (SELECT count(*) FROM counted),"
           "   (SELECT count(*) FROM counted c WHERE c.counted_with > (c.at AT TIME ZONE 'UTC')::date)"
           "    FROM fresh l ORDER BY l.xid DESC, l.seq DESC LIMIT 1",
    .params = 4,
};
enum { LAST_XID, LAST_SEQ, READ, COUNTED, COUNTED_LATE };

const struct db_stmt *const readings_statements[] = {&statement_any, &statement_count, NULL};

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
    kind =
        db_run(db, &statement_count, DB_PARAMS(params.xid, params.seq, db_int_param(limit, BATCH), day), &rows, reterr);
    if (kind != ERR_NONE || PQntuples(rows) == 0)
        return kind;
    cursor.xid = strtoull(db_text(rows, 0, LAST_XID), NULL, 10);
    cursor.seq = db_int(rows, 0, LAST_SEQ, 0);
    counting->more = db_int(rows, 0, READ, 0) == BATCH;
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
