/* A day of the fleet, a chunk of nodes per transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/node_day.h"

#include "billing/capex_posting/depreciation_rows.h"
#include "billing/capex_posting/fleet_day.h"
#include "common/calendar.h"
#include "common/log.h"
#include "common/metrics.h"

#include <string.h>

static struct metric metric_nodes = {.name = "sluice_billing_node_days_total",
                                     .type = METRIC_COUNTER,
                                     .help = "Node-days attributed, per currency of their costs"};
static struct metric metric_overlaps = {.name = "sluice_billing_overlapping_node_days_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Node-days whose metered time exceeds their capacity"};

void node_day_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_nodes, &metric_overlaps};
    metric_register(metrics, COUNT_OF(metrics));
}

/* Nodes are posted in the order of their ids, and the rows of a chunk commit together. */
static const struct db_stmt statement_reached = {
    .name = "node_day_reached",
    .sql = "SELECT node_id FROM node_cost WHERE day = $1::date ORDER BY node_id DESC LIMIT 1",
    .params = 1,
};

#define POOL_COLUMNS "depreciation_u, power_u, colocation_u, operations_u, network_u, storage_u"
#define POOL_VALUES  "x.depreciation_u, x.power_u, x.colocation_u, x.operations_u, x.network_u, x.storage_u"
#define POOL_ARRAYS(first, second, third, fourth, fifth, sixth)                                                        \
    first "::bigint[], " second "::bigint[], " third "::bigint[], " fourth "::bigint[], " fifth "::bigint[], " sixth   \
          "::bigint[]"

// clang-format off
static const struct db_stmt statement_cost = {
    .name = "node_day_cost",
    .sql = "INSERT INTO node_cost (node_id, day, currency, " POOL_COLUMNS ", energy_wh, energy_is_metered)"
           " SELECT x.node_id, date '1970-01-01' + x.day::integer, x.currency, " POOL_VALUES
           ", nullif(x.energy_wh, -1), CASE WHEN x.energy_wh >= 0 THEN x.is_metered END"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::text[], "
           POOL_ARRAYS("$4", "$5", "$6", "$7", "$8", "$9") ", $10::bigint[], $11::boolean[])"
           "     AS x (node_id, day, currency, " POOL_COLUMNS ", energy_wh, is_metered)",
    .params = 11,
    .columns = 11,
};

static const struct db_stmt statement_allocation = {
    .name = "node_day_allocation",
    .sql = "INSERT INTO cost_allocation (node_id, day, currency, target, reservation_id, tenant_id, weight,"
           "  " POOL_COLUMNS ")"
           " SELECT x.node_id, date '1970-01-01' + x.day::integer, x.currency, x.target, x.reservation_id, x.tenant_id,"
           "  x.weight, " POOL_VALUES
           "   FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::bigint[],"
           "    " POOL_ARRAYS("$8", "$9", "$10", "$11", "$12", "$13") ")"
           "     AS x (node_id, day, currency, target, reservation_id, tenant_id, weight, " POOL_COLUMNS ")",
    .params = 13,
    .columns = 13,
};

static const struct db_stmt statement_so_far = {
    .name = "node_day_so_far",
    .sql = "INSERT INTO provisional_cost (node_id, day, currency, target, reservation_id, tenant_id, weight,"
           "  " POOL_COLUMNS ", generation)"
           " SELECT x.node_id, date '1970-01-01' + x.day::integer, x.currency, x.target, x.reservation_id, x.tenant_id,"
           "  x.weight, " POOL_VALUES ", x.generation"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::bigint[],"
           "    " POOL_ARRAYS("$8", "$9", "$10", "$11", "$12", "$13") ", $14::bigint[])"
           "     AS x (node_id, day, currency, target, reservation_id, tenant_id, weight, " POOL_COLUMNS ", generation)",
    .params = 14,
    .columns = 14,
};
// clang-format on

const struct db_stmt *const node_day_statements[] = {
    &statement_reached, &statement_cost, &statement_allocation, &statement_so_far, NULL,
};

struct chunk {
    struct day_part part;
    int64_t generation;           /* 0: it is posted */
    char after[UUID_TEXT_SIZE];   /* the last node posted; "": none */
    char reached[UUID_TEXT_SIZE]; /* out: the last of the chunk */
    bool more;                    /* out */
};

/* The rows of a chunk. */
struct rows {
    int64_t generation; /* 0: they are posted; else they are provisional, and allocations alone */
    struct depreciation_rows depreciation;
    struct bulk_rows cost, allocation;
};

static void rows_release(struct rows *rows)
{
    depreciation_rows_release(&rows->depreciation);
    bulk_rows_release(&rows->cost);
    bulk_rows_release(&rows->allocation);
}

static enum err_kind rows_send(struct rows *rows, struct db *db, struct err *reterr)
{
    if (rows->generation != 0)
        return bulk_rows_send(&rows->allocation, db, &statement_so_far, reterr);
    enum err_kind kind = depreciation_rows_send(&rows->depreciation, db, reterr);
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&rows->cost, db, &statement_cost, reterr);
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&rows->allocation, db, &statement_allocation, reterr);
    return kind;
}

/* ---- Who had the node ---- */

/* Metered time beyond the node's capacity means facts that overlap: said loudly, and attributed by what there is, so
 * that one wrong node does not stop the books. */
static int64_t capacity_of(const struct fleet_node *node, int64_t elapsed_s, const struct money_share *shares,
                           size_t count)
{
    int64_t capacity = node->gpu_milli * elapsed_s;
    int64_t metered = 0;
    for (size_t i = 0; i < count; i++)
        metered += shares[i].weight;
    if (metered <= capacity)
        return capacity;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(node->id, id);
    metric_add(&metric_overlaps, 1);
    log_event(LOG_LEVEL_ERROR, "node_day_overlaps", LOG_TEXT("node", id), LOG_INT("capacity", capacity),
              LOG_INT("metered", metered));
    return metered;
}

/* The node's deliveries, then the idle causes. Returns its capacity. */
static int64_t fill_shares(const struct fleet_day *fleet, const struct fleet_node *node)
{
    size_t count = node->delivery_count;
    for (size_t i = 0; i < count; i++)
        fleet->shares[i] = (struct money_share){.weight = fleet->deliveries[node->first_delivery + i].weight};
    for (size_t i = 0; i < IDLE_CAUSE_COUNT; i++)
        fleet->shares[count + i] = (struct money_share){.weight = node->idle_weight[i]};
    return capacity_of(node, day_part_elapsed_s(&fleet->part), fleet->shares, count + IDLE_CAUSE_COUNT);
}

static int64_t delivered_units(const struct fleet_day *fleet, const struct fleet_node *node)
{
    int64_t units = 0;
    for (size_t i = 0; i < node->delivery_count; i++)
        units += fleet->deliveries[node->first_delivery + i].weight;
    return units;
}

/* ---- What the day costs ---- */

#define CURRENCIES_MAX 16 /* of one node's costs */

struct node_costs {
    struct {
        const char *currency;
        int64_t costs_u[COST_POOL_COUNT];
    } of[CURRENCIES_MAX];
    size_t count;
};

static enum err_kind costs_in(struct node_costs *costs, const char *currency, int64_t **ret, struct err *reterr)
{
    size_t i = 0;
    while (i < costs->count && strcmp(costs->of[i].currency, currency) != 0)
        i++;
    if (i == CURRENCIES_MAX)
        return err_set(reterr, ERR_INVALID, "a node's costs are in more than %d currencies", CURRENCIES_MAX);
    if (i == costs->count) {
        costs->count++;
        costs->of[i].currency = currency;
        memset(costs->of[i].costs_u, 0, sizeof costs->of[i].costs_u);
    }
    *ret = costs->of[i].costs_u;
    return ERR_NONE;
}

static enum err_kind depreciate(const struct fleet_day *fleet, const struct asset_row *asset, int64_t units,
                                struct rows *rows, int64_t *ret_u, struct err *reterr)
{
    if (rows->generation != 0)
        return depreciation_so_far(&fleet->history, asset, &fleet->part, units, ret_u, reterr);
    return depreciation_rows_add(&rows->depreciation, &fleet->history, asset, fleet->part.day, units, ret_u, reterr);
}

static enum err_kind add_depreciation(const struct fleet_day *fleet, const struct fleet_node *node, struct rows *rows,
                                      struct node_costs *costs, struct err *reterr)
{
    int64_t units = delivered_units(fleet, node);
    for (size_t i = 0; i < node->asset_count; i++) {
        const struct asset_row *asset = &fleet->assets[node->first_asset + i];
        int64_t *costs_u = NULL;
        int64_t amount_u = 0;
        enum err_kind kind = depreciate(fleet, asset, units, rows, &amount_u, reterr);
        if (kind == ERR_NONE)
            kind = costs_in(costs, asset->currency, &costs_u, reterr);
        if (kind == ERR_NONE)
            kind = money_add(costs_u[POOL_DEPRECIATION], amount_u, &costs_u[POOL_DEPRECIATION], reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}

/* A node takes power while it is in service, and more while it is used. */
static struct pool_day pool_day_of(const struct fleet_day *fleet, const struct fleet_node *node)
{
    struct pool_day day = node->pool_day;
    int64_t off = node->idle_weight[IDLE_NOT_IN_SERVICE];
    day.on_s = node->gpu_milli == 0 ? day.elapsed_s : day.elapsed_s - off / node->gpu_milli;
    for (size_t i = 0; i < node->delivery_count; i++) {
        const struct fleet_delivery *delivery = &fleet->deliveries[node->first_delivery + i];
        day.busy_milli_s += strcmp(delivery->target, "used") == 0 ? delivery->weight : 0;
    }
    return day;
}

static enum err_kind add_pools(const struct fleet_day *fleet, const struct fleet_node *node, const struct pool_day *day,
                               struct node_costs *costs, struct err *reterr)
{
    for (size_t i = 0; i < node->rate_count; i++) {
        const struct fleet_rate *rate = &fleet->rates[node->first_rate + i];
        int64_t *costs_u = NULL;
        enum err_kind kind = costs_in(costs, rate->currency, &costs_u, reterr);
        if (kind == ERR_NONE)
            kind = pool_costs(day, &rate->rate, 1, costs_u, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}

/* ---- Rows ---- */

/* Columns in the order of the statements' parameters. */
static struct db_column *add_pools_to(struct db_column *next, const int64_t *amounts_u)
{
    for (int pool = 0; pool < COST_POOL_COUNT; pool++)
        db_column_int8(next++, amounts_u[pool]);
    return next;
}

static void add_cost(struct bulk_rows *rows, const struct fleet_node *node, int64_t day, const char *currency,
                     const struct pool_day *pool_day, const int64_t *costs_u)
{
    struct db_column *next = rows->columns;
    db_column_identity(next++, node->id);
    db_column_int8(next++, day);
    db_column_text(next++, currency);
    next = add_pools_to(next, costs_u);
    db_column_int8(next++, pool_energy_wh(pool_day));
    db_column_bool(next, pool_day->metered_wh >= 0);
}

static bool bears_nothing(const struct money_share *share, const int64_t *parts_u)
{
    int64_t any = share->weight;
    for (int pool = 0; pool < COST_POOL_COUNT; pool++)
        any |= parts_u[pool];
    return any == 0;
}

static void add_share(struct rows *all, const struct fleet_node *node, int64_t day, const char *currency,
                      const struct fleet_delivery *delivery, const char *target, const struct money_share *share,
                      const int64_t *parts_u)
{
    if (bears_nothing(share, parts_u))
        return;
    struct db_column *next = all->allocation.columns;
    db_column_identity(next++, node->id);
    db_column_int8(next++, day);
    db_column_text(next++, currency);
    db_column_text(next++, target);
    db_column_identity_or_null(next++, delivery != NULL ? &delivery->reservation : NULL);
    db_column_identity_or_null(next++, delivery != NULL ? &delivery->tenant : NULL);
    db_column_int8(next++, share->weight);
    next = add_pools_to(next, parts_u);
    if (all->generation != 0)
        db_column_int8(next, all->generation);
}

static void add_shares(const struct fleet_day *fleet, const struct fleet_node *node, const char *currency,
                       struct rows *rows)
{
    size_t count = node->delivery_count;
    for (size_t i = 0; i < count; i++) {
        const struct fleet_delivery *delivery = &fleet->deliveries[node->first_delivery + i];
        add_share(rows, node, fleet->part.day, currency, delivery, delivery->target, &fleet->shares[i],
                  &fleet->parts[i * COST_POOL_COUNT]);
    }
    for (size_t i = 0; i < IDLE_CAUSE_COUNT; i++)
        add_share(rows, node, fleet->part.day, currency, NULL, idle_cause_text((enum idle_cause)i),
                  &fleet->shares[count + i], &fleet->parts[(count + i) * COST_POOL_COUNT]);
}

/* Each currency is a cost of its own. */
static enum err_kind post_node(const struct fleet_day *fleet, const struct fleet_node *node, struct rows *rows,
                               struct err *reterr)
{
    struct node_costs costs = {.count = 0};
    int64_t capacity = fill_shares(fleet, node);
    struct pool_day pool_day = pool_day_of(fleet, node);
    enum err_kind kind = add_depreciation(fleet, node, rows, &costs, reterr);
    if (kind == ERR_NONE)
        kind = add_pools(fleet, node, &pool_day, &costs, reterr);
    for (size_t i = 0; i < costs.count && kind == ERR_NONE; i++) {
        kind = attribution_of_pools(costs.of[i].costs_u, COST_POOL_COUNT, capacity, fleet->shares, node->delivery_count,
                                    fleet->parts, reterr);
        if (rows->generation == 0)
            add_cost(&rows->cost, node, fleet->part.day, costs.of[i].currency, &pool_day, costs.of[i].costs_u);
        if (kind == ERR_NONE)
            add_shares(fleet, node, costs.of[i].currency, rows);
        metric_add(&metric_nodes, rows->generation == 0);
    }
    if (kind == ERR_NONE)
        return kind;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(node->id, id);
    return err_context(reterr, "node '%s'", id);
}

static enum err_kind post_chunk(struct db *db, void *context, struct err *reterr)
{
    struct chunk *chunk = context;
    CLEANUP(fleet_day_release) struct fleet_day fleet = {0};
    enum err_kind kind =
        fleet_day_load(db, &chunk->part, chunk->after[0] == '\0' ? NULL : chunk->after, &fleet, reterr);
    if (kind != ERR_NONE)
        return kind;
    chunk->more = fleet.more;
    if (fleet.node_count > 0)
        identity_to_uuid(fleet.nodes[fleet.node_count - 1].id, chunk->reached);
    CLEANUP(rows_release) struct rows rows = {.generation = chunk->generation};
    for (size_t i = 0; i < fleet.node_count && kind == ERR_NONE; i++)
        kind = post_node(&fleet, &fleet.nodes[i], &rows, reterr);
    return kind == ERR_NONE ? rows_send(&rows, db, reterr) : kind;
}

static enum err_kind find_reached(struct db *db, struct chunk *chunk, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(chunk->part.day, date);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_reached, DB_PARAMS(date), &rows, reterr);
    if (kind == ERR_NONE && PQntuples(rows) > 0)
        identity_to_uuid(db_identity(rows, 0, 0), chunk->after);
    return kind;
}

static enum err_kind run_chunks(struct leader *leader, struct chunk *chunk, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    while (kind == ERR_NONE && chunk->more) {
        kind = leader_transact(leader, post_chunk, chunk, reterr);
        memcpy(chunk->after, chunk->reached, sizeof chunk->after);
    }
    return kind == ERR_NONE ? kind : err_context(reterr, "attributing the fleet's cost");
}

enum err_kind node_day_post(struct leader *leader, int64_t day, struct err *reterr)
{
    struct chunk chunk = {.part = day_part_whole(day), .more = true};
    enum err_kind kind = find_reached(leader->db, &chunk, reterr);
    return kind == ERR_NONE ? run_chunks(leader, &chunk, reterr) : kind;
}

enum err_kind node_day_so_far(struct leader *leader, const struct day_part *part, int64_t generation,
                              struct err *reterr)
{
    struct chunk chunk = {.part = *part, .generation = generation, .more = true};
    return run_chunks(leader, &chunk, reterr);
}
