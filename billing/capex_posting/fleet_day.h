/* A chunk of the fleet on a day, as attribution needs it: nodes with their assets, deliveries and idle times.
 * Read within one transaction; one thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/capex/attribution.h"
#include "billing/capex/depreciation.h"
#include "common/db.h"

#define FLEET_DAY_NODES_MAX 2000 /* per transaction, which stays below a second */

struct fleet_asset {
    struct identity id;
    const char *currency;
    struct depreciation_asset schedule;
};

/* Time of a node delivered to a reservation. */
struct fleet_delivery {
    struct identity reservation, tenant;
    const char *target; /* used or unused */
    int64_t weight;     /* milli-GPU-seconds */
};

struct fleet_node {
    struct identity id;
    int64_t gpu_milli;
    size_t first_asset, asset_count;
    size_t first_delivery, delivery_count; /* in the order of reservation and target: ties are decided by it */
    int64_t idle_weight[IDLE_CAUSE_COUNT]; /* milli-GPU-seconds; IDLE_UNSOLD is what is left */
};

struct fleet_day {
    int64_t day;
    struct fleet_node *nodes; /* sorted by id */
    struct fleet_asset *assets;
    struct fleet_delivery *deliveries;
    struct money_share *shares; /* scratch: room for the node with the most deliveries */
    size_t node_count;
    bool more; /* the chunk is full */
    PGresult *asset_rows, *delivery_rows;
};

/* Nodes that have assets in service on the day and no cost for it yet. */
MUST_CHECK enum err_kind fleet_day_load(struct db *db, int64_t day, struct fleet_day *ret, struct err *reterr);
void fleet_day_release(struct fleet_day *fleet); /* for CLEANUP; starts as {0} */

extern const struct db_stmt *const fleet_day_statements[];
