/* What the meter keeps in the database: the state of each instance and node, and what was made of it.
 * Set-based: a batch's states are read at once and written at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/bulk_rows.h"
#include "billing/meter/node_idle.h"
#include "billing/meter/tiling.h"

struct metered_instance {
    struct identity id, tenant, reservation;
    struct tiling tiling;
    bool stored; /* it has a row: to be updated, not inserted */
};

struct metered_node {
    struct identity id;
    struct node_idle idle;
    bool stored; /* its open stretch is a row: to be updated, not inserted */
};

/* What a transaction of the meter will write. */
struct meter_output {
    int64_t floor_s; /* up to here the days are closed */
    struct bulk_rows intervals;
    struct bulk_rows late;           /* of the intervals, those of closed days */
    struct bulk_rows stretches;      /* new ones of nodes */
    int64_t least_from_s, most_to_s; /* of the intervals */
    struct bulk_rows ended;          /* stored open stretches: their new end (or null) and revision */
};
void meter_output_begin(struct meter_output *output, int64_t floor_s);
void meter_output_release(struct meter_output *output); /* for CLEANUP */

/* Adds the pieces of a stretch of the instance. */
void meter_output_stretch(struct meter_output *output, struct metered_instance *instance,
                          struct tiling_interval *stretch);
/* Its window is over. Where that came to be known after its last day was closed, it is noted: what depends on the end
 * is rated with an open day. */
void meter_output_end(struct meter_output *output, const struct metered_instance *instance);
/* Adds a stretch of a node: its row is updated where stored, and is a new one where not. */
void meter_output_idle(struct meter_output *output, const struct metered_node *node, int64_t ends_at_s);

/* Sends it all. */
MUST_CHECK enum err_kind meter_output_send(struct meter_output *output, struct db *db, struct err *reterr);

/* Fills tiling (and owners) of those of the instances that are known; the others keep what the caller set.
 * Sorted by id, without duplicates. */
MUST_CHECK enum err_kind meter_load_instances(struct db *db, struct metered_instance *instances, size_t count,
                                              struct err *reterr);
/* At most count open instances behind the id `after` whose intervals end before at_s, sorted by id. */
MUST_CHECK enum err_kind meter_load_open(struct db *db, int64_t at_s, struct identity after,
                                         struct metered_instance *ret, size_t count, size_t *ret_count,
                                         struct err *reterr);
MUST_CHECK enum err_kind meter_save_instances(struct db *db, const struct metered_instance *instances, size_t count,
                                              struct err *reterr);
MUST_CHECK enum err_kind meter_load_nodes(struct db *db, struct metered_node *nodes, size_t count, struct err *reterr);

extern const struct db_stmt *const meter_store_statements[];
