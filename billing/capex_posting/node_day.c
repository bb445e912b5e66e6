/* A day of the fleet, a chunk of nodes per transaction; then the journal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex_posting/node_day.h"

#include "billing/capex_posting/fleet_day.h"
#include "billing/ledger/journal.h"
#include "common/calendar.h"
#include "common/log.h"
#include "common/metrics.h"

#include <string.h>

static struct metric metric_nodes = {.name = "sluice_billing_node_days_total",
                                     .type = METRIC_COUNTER,
                                     .help = "Node-days attributed, per currency of their assets"};
static struct metric metric_overlaps = {.name = "sluice_billing_overlapping_node_days_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Node-days whose metered time exceeds their capacity"};

void node_day_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_nodes, &metric_overlaps};
    metric_register(metrics, COUNT_OF(metrics));
}

static const struct db_stmt statement_depreciation = {
    .name = "node_day_depreciation",
    .sql = "INSERT INTO depreciation (asset_id, day, amount_minor, accumulated_minor)"
           " SELECT x.asset_id, date '1970-01-01' + x.day::integer, x.amount_minor, x.accumulated_minor"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])"
           "     AS x (asset_id, day, amount_minor, accumulated_minor)",
    .params = 4,
};

static const struct db_stmt statement_cost = {
    .name = "node_day_cost",
    .sql = "INSERT INTO node_cost (node_id, day, currency, depreciation_u)"
           " SELECT x.node_id, date '1970-01-01' + x.day::integer, x.currency, x.depreciation_u"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[])"
           "     AS x (node_id, day, currency, depreciation_u)",
    .params = 4,
};

static const struct db_stmt statement_allocation = {
    .name = "node_day_allocation",
    .sql = "INSERT INTO cost_allocation (node_id, day, currency, target, reservation_id, tenant_id, weight,"
           "  depreciation_u)"
           " SELECT x.node_id, date '1970-01-01' + x.day::integer, x.currency, x.target, x.reservation_id, x.tenant_id,"
           "  x.weight, x.amount_u"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::bigint[],"
           "    $8::bigint[]) AS x (node_id, day, currency, target, reservation_id, tenant_id, weight, amount_u)",
    .params = 8,
};

const struct db_stmt *const node_day_statements[] = {
    &statement_depreciation,
    &statement_cost,
    &statement_allocation,
    NULL,
};

struct chunk {
    int64_t day;
    bool more; /* out */
};

/* The rows of a chunk. */
struct rows {
    struct bulk_rows depreciation, cost, allocation;
};

static void rows_release(struct rows *rows)
{
    bulk_rows_release(&rows->depreciation);
    bulk_rows_release(&rows->cost);
    bulk_rows_release(&rows->allocation);
}

static enum err_kind rows_send(struct rows *rows, struct db *db, struct err *reterr)
{
    enum err_kind kind = bulk_rows_send(&rows->depreciation, db, &statement_depreciation, reterr);
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&rows->cost, db, &statement_cost, reterr);
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&rows->allocation, db, &statement_allocation, reterr);
    return kind;
}

/* Depreciates one asset for the day; *total_u grows by its charge. */
static enum err_kind depreciate(const struct fleet_asset *asset, int64_t day, struct rows *rows, int64_t *total_u,
                                struct err *reterr)
{
    if (day >= asset->schedule.life.day_to)
        return ERR_NONE; /* written off: it costs nothing any more */
    int exponent = 0;
    int64_t amount_u = 0;
    int64_t amount_minor = depreciation_daily(&asset->schedule, day, day + 1);
    enum err_kind kind = money_exponent(asset->currency, &exponent, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(amount_minor, exponent, &amount_u, reterr);
    if (kind == ERR_NONE)
        kind = money_add(*total_u, amount_u, total_u, reterr);
    int64_t left_minor = depreciation_carrying_amount(&asset->schedule, day + 1);
    db_array_identity(&rows->depreciation.columns[0], asset->id);
    db_array_int(&rows->depreciation.columns[1], day);
    db_array_int(&rows->depreciation.columns[2], amount_minor);
    db_array_int(&rows->depreciation.columns[3], asset->schedule.cost_minor - left_minor);
    return kind;
}

static void add_share(struct bulk_rows *rows, const struct fleet_node *node, int64_t day, const char *currency,
                      const struct fleet_delivery *delivery, const char *target, const struct money_share *share)
{
    if (share->weight == 0 && share->amount == 0)
        return;
    db_array_identity(&rows->columns[0], node->id);
    db_array_int(&rows->columns[1], day);
    db_array_text(&rows->columns[2], currency);
    db_array_text(&rows->columns[3], target);
    bulk_rows_identity(rows, 4, delivery != NULL ? &delivery->reservation : NULL);
    bulk_rows_identity(rows, 5, delivery != NULL ? &delivery->tenant : NULL);
    db_array_int(&rows->columns[6], share->weight);
    db_array_int(&rows->columns[7], share->amount);
}

/* Metered time beyond the node's capacity means facts that overlap: said loudly, and attributed by what there is, so
 * that one wrong node does not stop the books. */
static int64_t capacity_of(const struct fleet_node *node, const struct money_share *shares, size_t count)
{
    int64_t capacity = node->gpu_milli * CALENDAR_DAY_S;
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

/* Splits a node's cost in one currency. The shares are the node's deliveries, then the idle causes. */
static enum err_kind attribute(const struct fleet_day *fleet, const struct fleet_node *node, const char *currency,
                               int64_t cost_u, struct rows *rows, struct err *reterr)
{
    struct money_share *shares = fleet->shares;
    size_t count = node->delivery_count;
    for (size_t i = 0; i < count; i++)
        shares[i] = (struct money_share){.weight = fleet->deliveries[node->first_delivery + i].weight};
    for (size_t i = 0; i < IDLE_CAUSE_COUNT; i++)
        shares[count + i] = (struct money_share){.weight = node->idle_weight[i]};
    int64_t capacity = capacity_of(node, shares, count + IDLE_CAUSE_COUNT);
    enum err_kind kind = attribution_of_day(cost_u, capacity, shares, count, reterr);
    if (kind != ERR_NONE) {
        char id[UUID_TEXT_SIZE];
        identity_to_uuid(node->id, id);
        return err_context(reterr, "node '%s'", id);
    }
    db_array_identity(&rows->cost.columns[0], node->id);
    db_array_int(&rows->cost.columns[1], fleet->day);
    db_array_text(&rows->cost.columns[2], currency);
    db_array_int(&rows->cost.columns[3], cost_u);
    for (size_t i = 0; i < count; i++) {
        const struct fleet_delivery *delivery = &fleet->deliveries[node->first_delivery + i];
        add_share(&rows->allocation, node, fleet->day, currency, delivery, delivery->target, &shares[i]);
    }
    for (size_t i = 0; i < IDLE_CAUSE_COUNT; i++)
        add_share(&rows->allocation, node, fleet->day, currency, NULL, idle_cause_text((enum idle_cause)i),
                  &shares[count + i]);
    metric_add(&metric_nodes, 1);
    return ERR_NONE;
}

/* A node's assets are sorted by currency: each currency is a cost of its own. */
static enum err_kind post_node(const struct fleet_day *fleet, const struct fleet_node *node, struct rows *rows,
                               struct err *reterr)
{
    const struct fleet_asset *assets = &fleet->assets[node->first_asset];
    for (size_t i = 0; i < node->asset_count;) {
        const char *currency = assets[i].currency;
        int64_t cost_u = 0;
        enum err_kind kind = ERR_NONE;
        for (; kind == ERR_NONE && i < node->asset_count && strcmp(assets[i].currency, currency) == 0; i++)
            kind = depreciate(&assets[i], fleet->day, rows, &cost_u, reterr);
        if (kind == ERR_NONE)
            kind = attribute(fleet, node, currency, cost_u, rows, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}

static enum err_kind post_chunk(struct db *db, void *context, struct err *reterr)
{
    struct chunk *chunk = context;
    CLEANUP(fleet_day_release) struct fleet_day fleet = {0};
    enum err_kind kind = fleet_day_load(db, chunk->day, &fleet, reterr);
    if (kind != ERR_NONE)
        return kind;
    chunk->more = fleet.more;
    CLEANUP(rows_release) struct rows rows = {0};
    for (size_t i = 0; i < fleet.node_count && kind == ERR_NONE; i++)
        kind = post_node(&fleet, &fleet.nodes[i], &rows, reterr);
    return kind == ERR_NONE ? rows_send(&rows, db, reterr) : kind;
}

static enum err_kind post_journal(struct db *db, void *context, struct err *reterr)
{
    const int64_t *day = context;
    return journal_post_depreciation(db, *day, reterr);
}

enum err_kind node_day_post(struct leader *leader, int64_t day, struct err *reterr)
{
    struct chunk chunk = {.day = day, .more = true};
    enum err_kind kind = ERR_NONE;
    while (kind == ERR_NONE && chunk.more)
        kind = leader_transact(leader, post_chunk, &chunk, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, post_journal, &day, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "attributing the fleet's cost");
}
