/* Observe: the first step of a reconciler's piece of work. Reads everything that is due at one instant, and what was
 * pointed at by events, in two round trips. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "provisioner/reconcile/world.h"

#define OBSERVE_DUE_MAX 512 /* reservations of one kind in one piece of work: bounds transaction and memory */

/* What to look at beside what is due. */
struct observe_request {
    struct db_array *reservations; /* by id, decided in this order */
    struct db_array *lost_nodes;   /* whose live instances must move */
    bool waitlist;                 /* capacity has returned: what waits may fit */
};

/* Queues the question in a pipeline of the leader's transaction. */
MUST_CHECK enum err_kind observe_send(const struct world *world, struct db *db, const struct observe_request *request,
                                      struct err *reterr);
/* Takes the answer, leaves the pipeline and fills world->reservations with their instances; the driver has loaded what
 * they run. The order: what ends, what is pending in the order asked, what waits, the rest. */
MUST_CHECK enum err_kind observe_receive(struct world *world, struct db *db, struct err *reterr);

extern const struct db_stmt *const observe_statements[];
