/* Reading a day of the fleet. Statements take the chunk's nodes and the day; all rows come sorted by node. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/fleet_day.h"

#include "common/alloc.h"
#include "common/calendar.h"
#include "common/least.h"
#include "common/must.h"

#include <string.h>

/* A node is kept from the day it was enrolled through the day it was retired. */
static const struct db_stmt statement_nodes = {
    .name = "fleet_day_nodes",
    .sql = "SELECT n.id, n.gpu_count, n.zone_id, p.idle_w, p.full_w, coalesce(e.watt_hours, -1),"
           "       (n.enrolled_at AT TIME ZONE 'UTC')::date <= $1::date"
           "         AND coalesce((n.retired_at AT TIME ZONE 'UTC')::date >= $1::date, true)"
           "  FROM node n LEFT JOIN power_profile p ON p.gpu_model = n.gpu_model AND p.gpu_count = n.gpu_count"
           "  LEFT JOIN node_energy e ON e.node_id = n.id AND e.day = $1::date"
           " WHERE $3::uuid IS NULL OR n.id > $3::uuid ORDER BY n.id LIMIT $2::bigint",
    .params = 3,
};
enum {
    NODE_ID,
    NODE_GPUS,
    NODE_ZONE,
    NODE_IDLE_W,
    NODE_FULL_W,
    NODE_METERED_WH,
    NODE_IS_KEPT,
};

/* A zone's own rate holds before the one of all zones. */
static const struct db_stmt statement_rates = {
    .name = "fleet_day_rates",
    .sql = "SELECT z.id, r.currency, r.pool, r.basis, r.amount_u, r.pue_milli"
           "  FROM zone z JOIN cost_rate r ON r.valid @> $1::date AND (r.zone_id = z.id OR r.zone_id IS NULL"
           "   AND NOT EXISTS (SELECT FROM cost_rate own WHERE own.zone_id = z.id AND own.valid @> $1::date"
           "     AND own.pool = r.pool AND own.basis = r.basis AND own.currency = r.currency))"
           " ORDER BY z.id, r.currency, r.pool, r.basis",
    .params = 1,
};
enum {
    RATE_ZONE,
    RATE_CURRENCY,
    RATE_POOL,
    RATE_BASIS,
    RATE_AMOUNT,
    RATE_PUE,
};

/* Components without a node of their own are where that is which they are a part of. What is not in the books yet is
 * there as its close will take it in (asset_purchase.h); once that has, what comes is of the next day. Joins, not ANY:
 * once the plan is generic, an array is searched from its beginning for every row. */
// clang-format off
static const struct db_stmt statement_assets = {
    .name = "fleet_day_assets",
    .sql = "WITH located AS ("
           "  SELECT a.id FROM unnest($1::uuid[]) AS n (id) JOIN asset a ON a.node_id = n.id"
           "  UNION ALL SELECT c.id FROM unnest($1::uuid[]) AS n (id) JOIN asset o ON o.node_id = n.id"
           "    JOIN asset c ON c.component_of = o.id AND c.node_id IS NULL)"
           " SELECT " ASSET_ROW_COLUMNS("$2::date") "  FROM located l"
           " JOIN (" ASSET_ROW_TABLES ") ON a.id = l.id LEFT JOIN asset_book k ON k.asset_id = a.id"
           " CROSS JOIN (SELECT EXISTS (SELECT FROM billing_cut WHERE day = $2::date) AS is_cut) t"
           " CROSS JOIN LATERAL (SELECT k.disposed_on, CASE WHEN t.is_cut THEN k.in_service WHEN k.asset_id IS NOT NULL"
           "    THEN coalesce(k.in_service, greatest(a.in_service, $2::date))"
           "    WHEN coalesce(a.acquired_on, a.in_service) <= $2::date THEN a.in_service END AS in_service) b"
           " WHERE b.in_service <= $2::date AND (b.disposed_on IS NULL OR b.disposed_on > $2::date)"
           " ORDER BY 2, a.currency, a.id",
    .params = 2,
};
// clang-format on

/* What the intervals of the day, as far as it has come, say of each node between two (both included), by reservation
 * where delivered, by cause where not. */
static const struct db_stmt statement_deliveries = {
    .name = "fleet_day_deliveries",
    .sql =
        "WITH day AS (SELECT $1::date::timestamp AT TIME ZONE 'UTC' AS starts_at, to_timestamp($4::bigint) AS ends_at)"
        " SELECT u.node_id, u.class, CASE WHEN u.class IN ('used', 'unused') THEN u.reservation_id END AS reservation,"
        "       CASE WHEN u.class IN ('used', 'unused') THEN u.tenant_id END AS tenant,"
        "       sum(u.gpu_milli * extract(epoch FROM least(u.period_end, d.ends_at)"
        "                                          - greatest(u.period_start, d.starts_at))::bigint)::bigint"
        "  FROM day d, usage_so_far u"
        " WHERE u.period_start >= to_timestamp($5::bigint) AND u.period_start < to_timestamp($4::bigint)"
        "   AND u.period_end > $1::date::timestamp AT TIME ZONE 'UTC'"
        "   AND u.node_id >= $2::uuid AND u.node_id <= $3::uuid AND u.class <> 'preempted'"
        " GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 2",
    .params = 5,
};
enum { DELIVERY_NODE, DELIVERY_CLASS, DELIVERY_RESERVATION, DELIVERY_TENANT, DELIVERY_WEIGHT };

/* Stretches other than for sale, less what instances had meanwhile; a node that never reported was not in service. */
static const struct db_stmt statement_idle = {
    .name = "fleet_day_idle",
    .sql =
        "WITH day AS (SELECT $2::date::timestamp AT TIME ZONE 'UTC' AS starts_at, to_timestamp($3::bigint) AS ends_at"
        "), stretch AS ("
        "  SELECT m.node_id, m.cause, greatest(m.starts_at, d.starts_at) AS starts_at,"
        "         least(m.ends_at, d.ends_at) AS ends_at"
        "    FROM meter_node m, day d"
        "   WHERE m.node_id = ANY ($1::uuid[]) AND m.cause <> 'unsold' AND m.starts_at < d.ends_at"
        "     AND (m.ends_at IS NULL OR m.ends_at > d.starts_at)"
        "  UNION ALL SELECT n.id, 'not_in_service', d.starts_at, d.ends_at FROM node n, day d"
        "   WHERE n.id = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM meter_node m WHERE m.node_id = n.id)"
        "), busy AS ("
        "  SELECT s.node_id, s.starts_at, sum(u.gpu_milli * extract(epoch FROM least(u.period_end, s.ends_at)"
        "           - greatest(u.period_start, s.starts_at))::bigint) AS weight"
        "    FROM stretch s JOIN usage_so_far u ON u.node_id = s.node_id AND u.class <> 'preempted'"
        "     AND u.period_start < s.ends_at AND u.period_end > s.starts_at"
        "   WHERE u.period_start >= to_timestamp($4::bigint) AND u.period_start < to_timestamp($3::bigint)"
        "   GROUP BY 1, 2"
        ")"
        " SELECT s.node_id, s.cause, sum(n.gpu_count * 1000 * extract(epoch FROM s.ends_at - s.starts_at)::bigint"
        "        - coalesce(b.weight, 0))::bigint"
        "   FROM stretch s JOIN node n ON n.id = s.node_id"
        "   LEFT JOIN busy b ON b.node_id = s.node_id AND b.starts_at = s.starts_at"
        "  GROUP BY 1, 2",
    .params = 4,
};
enum { IDLE_ROW_NODE, IDLE_ROW_CAUSE, IDLE_ROW_WEIGHT };

const struct db_stmt *const fleet_day_statements[] = {
    &statement_nodes, &statement_rates, &statement_assets, &statement_deliveries, &statement_idle, NULL,
};

static int by_id(const void *a, const void *b)
{
    const struct fleet_node *one = a;
    const struct fleet_node *other = b;
    return identity_compare(one->id, other->id);
}

static struct fleet_node *find_node(const struct fleet_day *fleet, struct identity id)
{
    struct fleet_node key = {.id = id};
    struct fleet_node *found = bsearch(&key, fleet->nodes, fleet->node_count, sizeof key, by_id);
    must(found != NULL); /* the statements ask for these nodes only */
    return found;
}

static struct pool_day pool_day_of(const PGresult *rows, int row, int64_t elapsed_s)
{
    return (struct pool_day){
        .elapsed_s = elapsed_s,
        .gpu_count = db_int(rows, row, NODE_GPUS, 0),
        .has_profile = db_text(rows, row, NODE_IDLE_W) != NULL,
        .idle_w = db_int(rows, row, NODE_IDLE_W, 0),
        .full_w = db_int(rows, row, NODE_FULL_W, 0),
        .metered_wh = db_int(rows, row, NODE_METERED_WH, 0),
        .is_kept = db_bool(rows, row, NODE_IS_KEPT),
    };
}

static enum err_kind load_nodes(struct db *db, const char *date, const char *after, struct fleet_day *fleet,
                                struct db_array *ids, struct err *reterr)
{
    char limit[DB_INT_TEXT_SIZE];
    enum err_kind kind = db_run(db, &statement_nodes, DB_PARAMS(date, db_int_param(limit, FLEET_DAY_NODES_MAX), after),
                                &fleet->node_rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *rows = fleet->node_rows;
    fleet->node_count = (size_t)PQntuples(rows);
    fleet->more = fleet->node_count == FLEET_DAY_NODES_MAX;
    fleet->nodes = alloc_zero(fleet->node_count + 1, sizeof *fleet->nodes);
    for (int row = 0; row < PQntuples(rows); row++) {
        struct pool_day pool_day = pool_day_of(rows, row, day_part_elapsed_s(&fleet->part));
        fleet->nodes[row] = (struct fleet_node){
            .id = db_identity(rows, row, NODE_ID), .gpu_milli = pool_day.gpu_count * 1000, .pool_day = pool_day};
        db_array_identity(ids, fleet->nodes[row].id);
    }
    return ERR_NONE;
}

/* Rates come by zone: each node takes those of its own. */
static void give_rates(struct fleet_day *fleet)
{
    const PGresult *rates = fleet->rate_rows;
    for (size_t i = 0; i < fleet->node_count; i++) {
        const char *zone = db_text(fleet->node_rows, (int)i, NODE_ZONE);
        int row = 0;
        while (row < PQntuples(rates) && strcmp(db_text(rates, row, RATE_ZONE), zone) != 0)
            row++;
        fleet->nodes[i].first_rate = (size_t)row;
        while (row < PQntuples(rates) && strcmp(db_text(rates, row, RATE_ZONE), zone) == 0)
            row++;
        fleet->nodes[i].rate_count = (size_t)row - fleet->nodes[i].first_rate;
    }
}

static enum err_kind load_rates(struct db *db, const char *date, struct fleet_day *fleet, struct err *reterr)
{
    enum err_kind kind = db_run(db, &statement_rates, DB_PARAMS(date), &fleet->rate_rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *rows = fleet->rate_rows;
    fleet->rates = alloc_zero((size_t)PQntuples(rows) + 1, sizeof *fleet->rates);
    for (int row = 0; row < PQntuples(rows); row++) {
        struct fleet_rate *rate = &fleet->rates[row];
        *rate = (struct fleet_rate){
            .currency = db_text(rows, row, RATE_CURRENCY),
            .rate = {.pool = cost_pool_of(db_text(rows, row, RATE_POOL)),
                     .basis = rate_basis_of(db_text(rows, row, RATE_BASIS)),
                     .amount_u = db_int(rows, row, RATE_AMOUNT, 0),
                     .pue_milli = db_int(rows, row, RATE_PUE, 0)},
        };
        must(rate->rate.pool != COST_POOL_COUNT && rate->rate.basis != RATE_BASIS_COUNT); /* the table's checks */
    }
    give_rates(fleet);
    return ERR_NONE;
}

static enum err_kind load_assets(struct db *db, const char *nodes, const char *date, struct fleet_day *fleet,
                                 struct err *reterr)
{
    enum err_kind kind = db_run(db, &statement_assets, DB_PARAMS(nodes, date), &fleet->asset_rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *rows = fleet->asset_rows;
    CLEANUP(db_array_clear) struct db_array ids = {0};
    fleet->assets = alloc_zero((size_t)PQntuples(rows) + 1, sizeof *fleet->assets);
    for (int row = 0; row < PQntuples(rows); row++) {
        kind = asset_row_read(rows, row, &fleet->assets[row], reterr);
        if (kind != ERR_NONE)
            return kind;
        struct fleet_node *node = find_node(fleet, fleet->assets[row].node);
        if (node->asset_count++ == 0)
            node->first_asset = (size_t)row;
        db_array_identity(&ids, fleet->assets[row].id);
    }
    return asset_history_load(db, ids.count == 0 ? "{}" : db_array_param(&ids), date, &fleet->history, reterr);
}

static enum err_kind load_deliveries(struct db *db, const char *date, struct fleet_day *fleet, struct err *reterr)
{
    const char *first = db_text(fleet->node_rows, 0, NODE_ID);
    const char *last = db_text(fleet->node_rows, (int)fleet->node_count - 1, NODE_ID);
    char until[DB_INT_TEXT_SIZE];
    char from[DB_INT_TEXT_SIZE];
    enum err_kind kind = db_run(db, &statement_deliveries,
                                DB_PARAMS(date, first, last, db_int_param(until, fleet->part.until_s),
                                          db_int_param(from, fleet->part.open_from_s)),
                                &fleet->delivery_rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *rows = fleet->delivery_rows;
    fleet->deliveries = alloc_zero((size_t)PQntuples(rows) + 1, sizeof *fleet->deliveries);
    size_t count = 0;
    size_t most = 0;
    for (int row = 0; row < PQntuples(rows); row++) {
        struct fleet_node *node = find_node(fleet, db_identity(rows, row, DELIVERY_NODE));
        const char *class = db_text(rows, row, DELIVERY_CLASS);
        if (db_text(rows, row, DELIVERY_RESERVATION) == NULL) {
            node->idle_weight[idle_cause_of_text(class)] += db_int(rows, row, DELIVERY_WEIGHT, 0);
            continue;
        }
        if (node->delivery_count++ == 0)
            node->first_delivery = count;
        most = node->delivery_count > most ? node->delivery_count : most;
        fleet->deliveries[count++] = (struct fleet_delivery){
            .reservation = db_identity(rows, row, DELIVERY_RESERVATION),
            .tenant = db_identity(rows, row, DELIVERY_TENANT),
            .target = class,
            .weight = db_int(rows, row, DELIVERY_WEIGHT, 0),
        };
    }
    fleet->shares = alloc_zero(most + IDLE_CAUSE_COUNT, sizeof *fleet->shares);
    fleet->parts = alloc_zero((most + IDLE_CAUSE_COUNT) * COST_POOL_COUNT, sizeof *fleet->parts);
    return ERR_NONE;
}

static enum err_kind load_idle(struct db *db, const char *ids, const char *date, struct fleet_day *fleet,
                               struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    char until[DB_INT_TEXT_SIZE];
    char from[DB_INT_TEXT_SIZE];
    enum err_kind kind = db_run(
        db, &statement_idle,
        DB_PARAMS(ids, date, db_int_param(until, fleet->part.until_s), db_int_param(from, fleet->part.open_from_s)),
        &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct fleet_node *node = find_node(fleet, db_identity(rows, row, IDLE_ROW_NODE));
        enum idle_cause cause = idle_cause_of_text(db_text(rows, row, IDLE_ROW_CAUSE));
        node->idle_weight[cause] += greatest_of(db_int(rows, row, IDLE_ROW_WEIGHT, 0), 0); /* facts that overlap */
    }
    return kind;
}

enum err_kind fleet_day_load(struct db *db, const struct day_part *part, const char *after, struct fleet_day *ret,
                             struct err *reterr)
{
    ret->part = *part;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(part->day, date);
    CLEANUP(db_array_clear) struct db_array array = {0};
    enum err_kind kind = load_nodes(db, date, after, ret, &array, reterr);
    if (kind != ERR_NONE || ret->node_count == 0)
        return kind;
    const char *ids = db_array_param(&array);
    kind = load_rates(db, date, ret, reterr);
    if (kind == ERR_NONE)
        kind = load_assets(db, ids, date, ret, reterr);
    if (kind == ERR_NONE)
        kind = load_deliveries(db, date, ret, reterr);
    if (kind == ERR_NONE)
        kind = load_idle(db, ids, date, ret, reterr);
    return kind;
}

void fleet_day_release(struct fleet_day *fleet)
{
    PQclear(fleet->node_rows);
    PQclear(fleet->asset_rows);
    PQclear(fleet->delivery_rows);
    PQclear(fleet->rate_rows);
    asset_history_release(&fleet->history);
    free(fleet->nodes);
    free(fleet->assets);
    free(fleet->deliveries);
    free(fleet->rates);
    free(fleet->shares);
    free(fleet->parts);
    *fleet = (struct fleet_day){0};
}
