/* What the leader of a zone keeps in memory: the planner with fleet and allocations, the nodes, the zone's terms. It is
 * rebuilt from the database on taking leadership and whenever it may differ from it; only its leader writes those
 * tables, so between commits they agree. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "common/events.h"
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/world.h"
#include "provisioner/zone_isolation.h"

struct zone_memory {
    struct zone_terms terms;
    struct planner *planner;
    struct quotas *quotas; /* those of the zone's tenants, with what they hold */
    const struct driver_ops *driver_ops;
    struct driver *driver;
    struct node *nodes;
    uint32_t node_count, node_capacity;
    struct idmap node_by_id;
    struct names names; /* of nodes, racks, leaves and fabrics */
    struct event_cursor cursor;
    struct event_cursor stored_cursor; /* as others see it (zone_cursor.h) */
    /* Found on the rebuild, to be looked at first: what is to be held longer (so many of them are only held, before anything
     * is decided), what runs, then what is pending, in admission order. */
    struct identity *backlog;
    size_t backlog_count, backlog_next, backlog_held;
    int64_t held_s;     /* what was due until then and would not have been read was put among what is to be held */
    int64_t all_held_s; /* the same, of all that was due (zone_hold.h) */
    bool all_nodes;     /* each node is to be looked at */
    struct zone_isolation *isolation; /* the zone's: outlives this memory */
    int64_t waiting_count;            /* on the waitlist */
    int64_t replacing_count;          /* instances that wait for another place */
    struct withdrawal withdrawal;
    bool capacity_returned;    /* since the waitlist was last tried */
    int64_t overstays_from_s;  /* when the first of those told to leave is there for too long (zone_overstay.h) */
    int64_t overstays_until_s; /* when the nodes are clean that somebody left too late */
    int64_t next_due_s;        /* of rows with due_at */
    int64_t worked_s;          /* when the last piece of work was done; INT64_MIN: none was */
    int64_t maintenance_due_s; /* of them, of maintenance windows */
    int64_t lines_until_s;     /* the partitions of what consoles say are there until then; 0: it is not known */
    int64_t acknowledged_tick; /* of a virtual clock */
    bool fleet_changed;        /* in the present piece of work: a rollback cannot undo it in memory */
};

/* Reads everything at the instant now_s. On failure *ret is not set. */
MUST_CHECK enum err_kind zone_memory_load(struct db *db, struct identity zone, int64_t now_s, struct zone_memory **ret,
                                          struct err *reterr);
/* The same in two steps, for who reads more in the same snapshot: zone_memory_begin opens a transaction that reads only,
 * whose first statement takes the snapshot; the caller rolls it back. */
MUST_CHECK enum err_kind zone_memory_begin(struct db *db, struct err *reterr);
MUST_CHECK enum err_kind zone_memory_read(struct db *db, struct identity zone, int64_t now_s, struct zone_memory **ret,
                                          struct err *reterr);
void zone_memory_free(struct zone_memory *memory); /* NULL is fine */
void zone_memory_freep(struct zone_memory **memory);

/* A world upon this memory. The arena is the caller's. */
void zone_memory_world(struct zone_memory *memory, struct arena *arena, int64_t now_s, struct world *ret);

/* Nobody worked for so long, though something was due, that holds may be over of what runs: to be read anew, for then these
 * are held first. */
bool zone_memory_stood_still(const struct zone_memory *memory, int64_t now_s);

/* Puts wishes in front of the backlog. If this process dies, the next leader finds them: they have no verdict. */
void zone_memory_defer(struct zone_memory *memory, const struct identity *wishes, size_t count);

/* Puts reservations (ids in the first column) in front of the backlog, to be held only. Nothing there is any more. */
void zone_memory_hold(struct zone_memory *memory, const PGresult *reservations);

/* The transaction committed, or was rolled back for certain: nodes keep what they have become, or are as they were. */
void zone_memory_commit(struct zone_memory *memory, struct world *world);
void zone_memory_rollback(struct zone_memory *memory, struct world *world);

extern const struct db_stmt *const zone_memory_statements[];
