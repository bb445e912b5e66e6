/* A chunk of the fleet on a day, or a part of one, as attribution needs it: nodes with their assets, deliveries, idle
 * times, energy, and the rates of their zones. Read within one transaction; one thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/capex/attribution.h"
#include "billing/capex/pools.h"
#include "billing/capex_posting/asset_history.h"
#include "billing/day_part.h"

#define FLEET_DAY_NODES_MAX 8000 /* per transaction: the day's usage is read once for each */

/* Time of a node delivered to a reservation. */
struct fleet_delivery {
    struct identity reservation, tenant;
    const char *target; /* used or unused */
    int64_t weight;     /* milli-GPU-seconds */
};

/* A zone's rate in a currency. */
struct fleet_rate {
    const char *currency;
    struct pool_rate rate;
};

struct fleet_node {
    struct identity id;
    int64_t gpu_milli;
    struct pool_day pool_day; /* its energy and power profile; on_s and busy_milli_s are the poster's */
    size_t first_asset, asset_count;
    size_t first_delivery, delivery_count; /* in the order of reservation and target: ties are decided by it */
    size_t first_rate, rate_count;
    int64_t idle_weight[IDLE_CAUSE_COUNT]; /* milli-GPU-seconds; IDLE_UNSOLD is what is left */
};

struct fleet_day {
    struct day_part part;
    struct fleet_node *nodes; /* sorted by id */
    struct asset_row *assets;
    struct asset_history history;
    struct fleet_delivery *deliveries;
    struct fleet_rate *rates;
    struct money_share *shares; /* scratch: room for the node with the most deliveries */
    int64_t *parts;             /* scratch: a row of pools per share */
    size_t node_count;
    bool more; /* the chunk is full */
    PGresult *node_rows, *asset_rows, *delivery_rows, *rate_rows;
};

/* Nodes that follow `after` (an id as text; NULL: from the first on). */
MUST_CHECK enum err_kind fleet_day_load(struct db *db, const struct day_part *part, const char *after,
                                        struct fleet_day *ret, struct err *reterr);
void fleet_day_release(struct fleet_day *fleet); /* for CLEANUP; starts as {0} */

extern const struct db_stmt *const fleet_day_statements[];
