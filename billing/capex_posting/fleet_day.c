/* Reading a day of the fleet. Statements take the chunk's nodes as an array and the day; all rows come sorted by node.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/fleet_day.h"

#include "common/alloc.h"
#include "common/calendar.h"
#include "common/must.h"

#include <string.h>

static const struct db_stmt statement_nodes = {
    .name = "fleet_day_nodes",
    .sql = "SELECT n.id, n.gpu_count FROM node n"
           " WHERE EXISTS (SELECT FROM asset a WHERE a.node_id = n.id AND a.in_service <= $1::date)"
           "   AND NOT EXISTS (SELECT FROM node_cost c WHERE c.node_id = n.id AND c.day = $1::date)"
           " ORDER BY n.id LIMIT $2::bigint",
    .params = 2,
};

static const struct db_stmt statement_assets = {
    .name = "fleet_day_assets",
    .sql = "SELECT node_id, id, currency, cost_minor, salvage_minor, in_service - date '1970-01-01', life_months"
           "  FROM asset WHERE node_id = ANY ($1::uuid[]) AND in_service <= $2::date"
           " ORDER BY node_id, currency, id",
    .params = 2,
};

/* What the day's intervals say of each node, by reservation where delivered, by cause where not. */
static const struct db_stmt statement_deliveries = {
    .name = "fleet_day_deliveries",
    .sql = "SELECT node_id, class, CASE WHEN class IN ('used', 'unused') THEN reservation_id END AS reservation,"
           "       CASE WHEN class IN ('used', 'unused') THEN tenant_id END AS tenant,"
           "       sum(gpu_milli * extract(epoch FROM period_end - period_start)::bigint)"
           "  FROM usage_interval"
           " WHERE period_start >= $2::date::timestamp AT TIME ZONE 'UTC'"
           "   AND period_start < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'"
           "   AND node_id = ANY ($1::uuid[]) AND class <> 'preempted'"
           " GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 2",
    .params = 2,
};

/* Stretches other than for sale, less what instances had meanwhile; a node that never reported was not in service. */
static const struct db_stmt statement_idle = {
    .name = "fleet_day_idle",
    .sql = "WITH day AS (SELECT $2::date::timestamp AT TIME ZONE 'UTC' AS starts_at,"
           "                    ($2::date + 1)::timestamp AT TIME ZONE 'UTC' AS ends_at"
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
           "    FROM stretch s JOIN usage_interval u ON u.node_id = s.node_id AND u.class <> 'preempted'"
           "     AND u.period_start < s.ends_at AND u.period_end > s.starts_at"
           "   WHERE u.period_start >= $2::date::timestamp AT TIME ZONE 'UTC'"
           "     AND u.period_start < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'"
           "   GROUP BY 1, 2"
           ")"
           " SELECT s.node_id, s.cause, sum(n.gpu_count * 1000 * extract(epoch FROM s.ends_at - s.starts_at)::bigint"
           "        - coalesce(b.weight, 0))::bigint"
           "   FROM stretch s JOIN node n ON n.id = s.node_id"
           "   LEFT JOIN busy b ON b.node_id = s.node_id AND b.starts_at = s.starts_at"
           "  GROUP BY 1, 2",
    .params = 2,
};

const struct db_stmt *const fleet_day_statements[] = {
    &statement_nodes, &statement_assets, &statement_deliveries, &statement_idle, NULL,
};

static int by_id(const void *a, const void *b)
{
    const struct fleet_node *one = a;
    const struct fleet_node *other = b;
    return memcmp(&one->id, &other->id, sizeof one->id);
}

static struct fleet_node *find_node(const struct fleet_day *fleet, struct identity id)
{
    struct fleet_node key = {.id = id};
    struct fleet_node *found = bsearch(&key, fleet->nodes, fleet->node_count, sizeof key, by_id);
    must(found != NULL); /* the statements ask for these nodes only */
    return found;
}

static enum idle_cause cause_of(const char *text)
{
    int cause = 0;
    while (cause < IDLE_CAUSE_COUNT && strcmp(idle_cause_text((enum idle_cause)cause), text) != 0)
        cause++;
    must(cause < IDLE_CAUSE_COUNT); /* the table's check */
    return (enum idle_cause)cause;
}

static enum err_kind load_nodes(struct db *db, const char *date, struct fleet_day *fleet, struct db_array *ids,
                                struct err *reterr)
{
    char limit[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind =
        db_run(db, &statement_nodes, DB_PARAMS(date, db_int_param(limit, FLEET_DAY_NODES_MAX)), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    fleet->node_count = (size_t)PQntuples(rows);
    fleet->more = fleet->node_count == FLEET_DAY_NODES_MAX;
    fleet->nodes = alloc_zero(fleet->node_count + 1, sizeof *fleet->nodes);
    for (int row = 0; row < PQntuples(rows); row++) {
        fleet->nodes[row] =
            (struct fleet_node){.id = db_identity(rows, row, 0), .gpu_milli = db_int(rows, row, 1, 0) * 1000};
        db_array_identity(ids, fleet->nodes[row].id);
    }
    return ERR_NONE;
}

static enum err_kind load_assets(struct db *db, const char *ids, const char *date, struct fleet_day *fleet,
                                 struct err *reterr)
{
    enum err_kind kind = db_run(db, &statement_assets, DB_PARAMS(ids, date), &fleet->asset_rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *rows = fleet->asset_rows;
    fleet->assets = alloc_zero((size_t)PQntuples(rows) + 1, sizeof *fleet->assets);
    for (int row = 0; row < PQntuples(rows); row++) {
        struct fleet_node *node = find_node(fleet, db_identity(rows, row, 0));
        int64_t in_service = db_int(rows, row, 5, 0);
        fleet->assets[row] = (struct fleet_asset){
            .id = db_identity(rows, row, 1),
            .currency = db_text(rows, row, 2),
            .schedule = {.cost_minor = db_int(rows, row, 3, 0),
                         .salvage_minor = db_int(rows, row, 4, 0),
                         .life = {.day_from = in_service,
                                  .day_to = calendar_add_months(in_service, db_int(rows, row, 6, 0))}},
        };
        if (node->asset_count++ == 0)
            node->first_asset = (size_t)row;
    }
    return ERR_NONE;
}

static enum err_kind load_deliveries(struct db *db, const char *ids, const char *date, struct fleet_day *fleet,
                                     struct err *reterr)
{
    enum err_kind kind = db_run(db, &statement_deliveries, DB_PARAMS(ids, date), &fleet->delivery_rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *rows = fleet->delivery_rows;
    fleet->deliveries = alloc_zero((size_t)PQntuples(rows) + 1, sizeof *fleet->deliveries);
    size_t count = 0;
    size_t most = 0;
    for (int row = 0; row < PQntuples(rows); row++) {
        struct fleet_node *node = find_node(fleet, db_identity(rows, row, 0));
        const char *class = db_text(rows, row, 1);
        if (db_text(rows, row, 2) == NULL) {
            node->idle_weight[cause_of(class)] += db_int(rows, row, 4, 0);
            continue;
        }
        if (node->delivery_count++ == 0)
            node->first_delivery = count;
        most = node->delivery_count > most ? node->delivery_count : most;
        fleet->deliveries[count++] = (struct fleet_delivery){
            .reservation = db_identity(rows, row, 2),
            .tenant = db_identity(rows, row, 3),
            .target = class,
            .weight = db_int(rows, row, 4, 0),
        };
    }
    fleet->shares = alloc_zero(most + IDLE_CAUSE_COUNT, sizeof *fleet->shares);
    return ERR_NONE;
}

static enum err_kind load_idle(struct db *db, const char *ids, const char *date, struct fleet_day *fleet,
                               struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_idle, DB_PARAMS(ids, date), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct fleet_node *node = find_node(fleet, db_identity(rows, row, 0));
        int64_t weight = db_int(rows, row, 2, 0);
        node->idle_weight[cause_of(db_text(rows, row, 1))] += weight > 0 ? weight : 0; /* facts that overlap */
    }
    return kind;
}

enum err_kind fleet_day_load(struct db *db, int64_t day, struct fleet_day *ret, struct err *reterr)
{
    ret->day = day;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    CLEANUP(db_array_clear) struct db_array array = {0};
    enum err_kind kind = load_nodes(db, date, ret, &array, reterr);
    if (kind != ERR_NONE || ret->node_count == 0)
        return kind;
    const char *ids = db_array_param(&array);
    kind = load_assets(db, ids, date, ret, reterr);
    if (kind == ERR_NONE)
        kind = load_deliveries(db, ids, date, ret, reterr);
    if (kind == ERR_NONE)
        kind = load_idle(db, ids, date, ret, reterr);
    return kind;
}

void fleet_day_release(struct fleet_day *fleet)
{
    PQclear(fleet->asset_rows);
    PQclear(fleet->delivery_rows);
    free(fleet->nodes);
    free(fleet->assets);
    free(fleet->deliveries);
    free(fleet->shares);
    *fleet = (struct fleet_day){0};
}
