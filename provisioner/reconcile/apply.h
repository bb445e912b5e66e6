/* Apply: the last step of a reconciler's piece of work. Writes what deciding changed, set-based and in one pipeline:
 * each row guarded by the state and revision it was read with, each move with its event in the same transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "provisioner/reconcile/world.h"

/* Within the leader's transaction and the planner's batch. Sets *ret_next_due_s to the next instant at which something
 * of the zone is due, after these changes. ERR_RETRY where a row is no longer what was read: memory is stale then. */
MUST_CHECK enum err_kind apply_changes(struct world *world, struct db *db, int64_t *ret_next_due_s,
                                       struct err *reterr);

/* The parts, each of which queues its statements. `expected` is how many rows its answer must count; -1: any. */
#define APPLY_STATEMENTS_MAX 20
struct apply_queue {
    struct db *db;
    int64_t expected[APPLY_STATEMENTS_MAX];
    int count;
};
MUST_CHECK enum err_kind apply_send(struct apply_queue *queue, const struct db_stmt *stmt, const char *const *params,
                                    int64_t expected, struct err *reterr);
/* An instant of an array parameter; NEVER is SQL null. */
void apply_instant(struct db_array *array, int64_t instant_s);
MUST_CHECK enum err_kind apply_reservations(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_instances(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_stays(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_nodes(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_allocations(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_events(struct world *world, struct apply_queue *queue, struct err *reterr);

extern const struct db_stmt *const apply_statements[];
extern const struct db_stmt *const apply_object_statements[];
extern const struct db_stmt *const apply_allocation_statements[];
