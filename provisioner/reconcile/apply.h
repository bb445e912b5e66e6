/* Apply: the last step of a reconciler's piece of work. Writes what deciding changed, set-based and in one pipeline:
 * each row guarded by the state and revision it was read with, each move with its event in the same transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/clock.h"
#include "common/db_column.h"
#include "common/events.h"
#include "provisioner/reconcile/world.h"

/* What is written beside the changes, in the same pipeline. */
struct apply_end {
    const char *consumer;              /* the zone as a reader of events and as a component of the virtual clock */
    const struct event_cursor *cursor; /* to be saved, or NULL */
    const struct clock_domain *clock;  /* a virtual one's tick is acknowledged once all is done */
    bool is_last;                      /* nothing is left that is known of, but what may be due even now */
    bool may_relax;                    /* the commit need not wait for the disk, unless there are verdicts */
};

struct apply_outcome {
    int64_t next_due_s; /* when something of the zone is due next, after these changes */
    bool is_settled;    /* it was the last piece, and nothing is due now */
};

/* Within the leader's transaction and the planner's batch. ERR_RETRY where a row is no longer what was read: memory is
 * stale then. */
MUST_CHECK enum err_kind apply_changes(struct world *world, struct db *db, const struct apply_end *end,
                                       struct apply_outcome *ret, struct err *reterr);

/* The parts, each of which queues its statements. `expected` is how many rows its answer must count; -1: any. */
#define APPLY_STATEMENTS_MAX 32
struct apply_queue {
    struct db *db;
    int64_t expected[APPLY_STATEMENTS_MAX];
    int count;
};
MUST_CHECK enum err_kind apply_send(struct apply_queue *queue, const struct db_stmt *stmt, const char *const *params,
                                    int64_t expected, struct err *reterr);
/* An instant of an array parameter; NEVER is SQL null. */
void apply_instant(struct db_array *array, int64_t instant_s);
void apply_column_instant(struct db_column *column, int64_t instant_s);
MUST_CHECK enum err_kind apply_reservations(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_amendments(struct world *world, struct apply_queue *queue, struct err *reterr);
/* What became of what was asked of instances. */
MUST_CHECK enum err_kind apply_actions(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_instances(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_allocations(struct world *world, struct apply_queue *queue, struct err *reterr);
MUST_CHECK enum err_kind apply_maintenance(struct world *world, struct apply_queue *queue, struct err *reterr);
/* What the driver has to say of the consoles. */
MUST_CHECK enum err_kind apply_lines(struct world *world, struct apply_queue *queue, struct err *reterr);

extern const struct db_stmt *const apply_maintenance_statements[];
extern const struct db_stmt *const apply_line_statements[];
extern const struct db_stmt *const apply_statements[];
extern const struct db_stmt *const apply_object_statements[];
extern const struct db_stmt *const apply_allocation_statements[];
