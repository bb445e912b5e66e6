/* Rows of unpriced_usage, and what is told of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/held_days.h"

#include "billing/ledger/usage_lines.h"
#include "common/log.h"
#include "common/metrics.h"

static struct metric metric_unpriced = {.name = "sluice_billing_unpriced_reservation_days_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Reservation-days found without a price; they wait in unpriced_usage"};
static struct metric metric_unfit = {
    .name = "sluice_billing_unfit_reservation_days_total",
    .type = METRIC_COUNTER,
    .help =
        "Reservation-days found to cost more than an amount can tell; they wait in unpriced_usage, with the reason"};

void held_days_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_unpriced, &metric_unfit};
    metric_register(metrics, COUNT_OF(metrics));
}

/* The event's revision rises with the days of a reservation, and from being held to being rated: this is of the first,
 * one more of the other. */
#define EVENT_REVISION(row) "2 * (" row ".day - date '1970-01-01')"

// clang-format off
/* Of a day that waits there may be more by now: what came late. What is told of is what did not wait so before the
 * statement began, for each day is tried again with each close; the reason stays while the price that was a slip is
 * withdrawn and the right one is not set yet, so that it is told of once, and told that it was rated. */
static const struct db_stmt statement_hold = {
    .name = "held_days_hold",
    .sql = "WITH held AS ("
           "  INSERT INTO unpriced_usage AS w (day, reservation_id, tenant_id, sku, gpu_milli_seconds, reason)"
           "  SELECT date '1970-01-01' + x.day::integer, x.reservation_id, x.tenant_id, x.sku, x.amount, x.reason"
           "    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])"
           "      AS x (reservation_id, tenant_id, day, sku, amount, reason)"
           "  ON CONFLICT (day, reservation_id) DO UPDATE"
           "   SET sku = excluded.sku, gpu_milli_seconds = excluded.gpu_milli_seconds,"
           "    reason = coalesce(excluded.reason, w.reason)"
           "   WHERE (w.sku, w.gpu_milli_seconds, w.reason)"
           "     IS DISTINCT FROM (excluded.sku, excluded.gpu_milli_seconds, coalesce(excluded.reason, w.reason))"
           "  RETURNING w.*"
           ") SELECT h.reservation_id, h.sku, h.reason, CASE WHEN h.reason IS NOT NULL THEN"
           "   event_append(NULL, NULL, 'usage_waiting', h.reservation_id, " EVENT_REVISION("h") ","
           "    'usage_waiting.raised', NULL, jsonb_build_object('day', h.day, 'tenant_id', h.tenant_id,"
           "     'sku', h.sku, 'reason', h.reason), NULL) END"
           "  FROM held h WHERE NOT EXISTS (SELECT FROM unpriced_usage u WHERE u.day = h.day"
           "    AND u.reservation_id = h.reservation_id AND (u.reason IS NOT NULL OR h.reason IS NULL))",
    .params = 6,
};
enum {
    HELD_RESERVATION,
    HELD_SKU,
    HELD_REASON,
};

static const struct db_stmt statement_free = {
    .name = "held_days_free",
    .sql = "WITH freed AS ("
           "  DELETE FROM unpriced_usage w USING unnest($1::uuid[], $2::bigint[]) AS x (reservation_id, day)"
           "   WHERE w.reservation_id = x.reservation_id AND w.day = date '1970-01-01' + x.day::integer RETURNING w.*"
           ") SELECT event_append(NULL, NULL, 'usage_waiting', f.reservation_id, " EVENT_REVISION("f") " + 1,"
           "   'usage_waiting.cleared', NULL, jsonb_build_object('day', f.day, 'tenant_id', f.tenant_id), NULL)"
           "  FROM freed f WHERE f.reason IS NOT NULL",
    .params = 2,
};
// clang-format on

const struct db_stmt *const held_days_statements[] = {&statement_hold, &statement_free, NULL};

void held_days_release(struct held_days *days)
{
    struct db_array *const arrays[] = {&days->reservation, &days->tenant, &days->day,
                                       &days->sku,         &days->amount, &days->reason};
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        db_array_clear(arrays[i]);
}

void held_days_add(struct held_days *days, const PGresult *rows, int first, int end, int sku_row, const char *unfit)
{
    char sku[USAGE_SKU_SIZE];
    usage_sku_print(rows, sku_row, sku);
    db_array_text(&days->reservation, db_text(rows, first, USAGE_COLUMN_RESERVATION));
    db_array_text(&days->tenant, db_text(rows, first, USAGE_COLUMN_TENANT));
    db_array_text(&days->day, db_text(rows, first, USAGE_COLUMN_DAY));
    db_array_text(&days->sku, sku);
    db_array_int(&days->amount, usage_billable(rows, first, end));
    db_array_text(&days->reason, unfit);
}

static void tell(const PGresult *rows, int row)
{
    const char *unfit = db_text(rows, row, HELD_REASON);
    metric_add(unfit == NULL ? &metric_unpriced : &metric_unfit, 1);
    log_event(LOG_LEVEL_ERROR, unfit == NULL ? "usage_without_price" : "usage_fits_no_amount",
              LOG_TEXT("reservation", db_text(rows, row, HELD_RESERVATION)),
              LOG_TEXT("sku", db_text(rows, row, HELD_SKU)), LOG_TEXT("why", unfit == NULL ? "no price" : unfit));
}

enum err_kind held_days_write(struct held_days *days, struct db *db, struct err *reterr)
{
    if (days->reservation.count == 0)
        return ERR_NONE;
    CLEANUP(db_result_clear) PGresult *told = NULL;
    enum err_kind kind =
        db_run(db, &statement_hold,
               DB_PARAMS(db_array_param(&days->reservation), db_array_param(&days->tenant), db_array_param(&days->day),
                         db_array_param(&days->sku), db_array_param(&days->amount), db_array_param(&days->reason)),
               &told, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(told); row++)
        tell(told, row);
    return kind;
}

enum err_kind held_days_free(struct db *db, struct db_array *reservations, struct db_array *days, struct err *reterr)
{
    if (reservations->count == 0)
        return ERR_NONE;
    return db_run(db, &statement_free, DB_PARAMS(db_array_param(reservations), db_array_param(days)), NULL, reterr);
}
