/* Observe: the first step of a reconciler's piece of work. Reads everything that is due at one instant, and what was
 * pointed at by events, in two round trips. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/world.h"

#define OBSERVE_DUE_MAX 512 /* reservations of one kind in one piece of work: bounds transaction and memory */

/* What to look at beside what is due. */
struct observe_request {
    struct db_array *reservations; /* by id, decided in this order */
    struct db_array *lost_nodes;   /* whose live instances must move */
    bool waitlist;                 /* capacity has returned: what waits may fit */
    bool only_these;               /* not what is due */
    bool as_if_changed;            /* with what is read only of those whose wish has changed */
};

/* An instant in seconds; NEVER where it is null. */
#define SQL_INSTANT(column) "coalesce(extract(epoch FROM " column ")::bigint, 9223372036854775807)"

/* GPU-milli of a type that are sold without an end in a zone; NULL: none. */
#define SQL_SOLD_OPEN(zone, type)                                                                                      \
    "SELECT sum(coalesce(p.granted_count, o.count) * (o.gpu_count::bigint * 1000 + o.gpu_milli))::bigint"              \
    " FROM reservation_status p JOIN reservation o ON o.id = p.reservation_id"                                         \
    " WHERE p.zone_id = " zone " AND p.state IN ('held', 'scheduled', 'activating', 'active')"                         \
    " AND p.ends_at IS NULL AND o.instance_type_id = " type

/* Queues the question in a pipeline of the leader's transaction. */
MUST_CHECK enum err_kind observe_send(const struct world *world, struct db *db, const struct observe_request *request,
                                      struct err *reterr);
/* Takes the answer, leaves the pipeline and fills world->reservations with their instances; the driver has loaded what
 * they run. The order: what ends, what is pending in the order asked, what waits, the rest. */
MUST_CHECK enum err_kind observe_receive(struct world *world, struct db *db, struct err *reterr);

/* Reads these reservations (a uuid[] parameter; none of them may have been read yet) behind the others. Within the
 * transaction, outside a pipeline. */
MUST_CHECK enum err_kind observe_more(struct world *world, struct db *db, struct db_array *ids, struct err *reterr);
/* The same of one, with all that a verdict upon other terms of it needs, though nobody has asked for them yet. *ret: it is
 * the world's last; NULL: the zone has none such. */
MUST_CHECK enum err_kind observe_as_if_changed(struct world *world, struct db *db, struct identity id,
                                               struct reservation **ret, struct err *reterr);
/* Reads whom the verdicts of this piece of work evict, where they have not been read yet. */
MUST_CHECK enum err_kind observe_evicted(struct world *world, struct db *db, struct err *reterr);

/* Reads who was told to give way and is not gone, likewise: *ret. Of many the first behind `after`. */
MUST_CHECK enum err_kind observe_told(struct world *world, struct db *db, struct identity after, struct told *ret,
                                      struct err *reterr);

/* Reads whose instances wait for another place, likewise; of many the first whose turn it is to ask. */
MUST_CHECK enum err_kind observe_replacing(struct world *world, struct db *db, struct err *reterr);

/* Reads who is on the nodes that are to be drained, likewise. */
MUST_CHECK enum err_kind observe_drained(struct world *world, struct db *db, struct err *reterr);

/* Queues the question for what is open of what was asked of the instances of these reservations (a uuid[] parameter);
 * takes its answer, once the instances were read. */
MUST_CHECK enum err_kind actions_send(struct db *db, const char *reservations, struct err *reterr);
MUST_CHECK enum err_kind actions_receive(struct world *world, struct db *db, struct err *reterr);

#define OBSERVE_WINDOWS_MAX 64
/* Reads the maintenance windows that are undecided or due, and the reservations that undecided ones hit,
 * behind the others. *ret_due_s: when others of them are due. */
MUST_CHECK enum err_kind observe_maintenance(struct world *world, struct db *db, int64_t *ret_due_s,
                                             struct err *reterr);

/* A text of a row in the arena; NULL where it is null. */
const char *observe_text(struct arena *arena, const PGresult *result, int row, int column);

extern const struct db_stmt *const action_statements[]; /* of apply_actions, too */
extern const struct db_stmt *const observe_statements[], *const observe_more_statements[];
extern const struct db_stmt *const observe_maintenance_statements[];
