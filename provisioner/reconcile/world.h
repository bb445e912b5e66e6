/* What one piece of work sees and changes: the world of a zone at one instant.
 *
 * Observing fills it, deciding changes it (pure: planner and driver are in memory), applying writes what changed. The
 * nodes belong to the zone's memory and live on; everything else belongs to the arena of this piece of work. Instants
 * are domain time in seconds; NEVER stands for "none" and for "until further notice". */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"
#include "provisioner/driver/driver.h"
#include "provisioner/names.h"
#include "provisioner/reconcile/fsm.h"
#include "provisioner/reconcile/pause.h"
#include "provisioner/reconcile/states.h"
#include "provisioner/reconcile/wish.h"

/* ---- Objects ---- */

struct world;
struct maintenance;
struct quotas;

/* The part of each object that its machine moves. */
struct lifecycle {
    int state;
    int64_t revision; /* 0: no row yet */
    int64_t due_s;    /* when to look again */
    int64_t deadline_s;
    int64_t attempts;
    const char *last_error; /* NULL: as it was */
};

struct node {
    struct identity id;
    struct planner_node spec; /* as the planner has it */
    bool answers;             /* sim: sim_powered */
    bool is_cordoned;         /* operators want nothing new on it */
    bool is_unwanted;         /* operators have taken it out of the fleet for good */
    bool is_draining;         /* operators want it empty */
    int64_t turnaround_s;     /* the node's own, without the driver's stop */
    int64_t live_count;       /* instances on it */
    int64_t leaving_count;    /* of them, those that were told to leave, since their window is over */
    int64_t maintained;       /* maintenance windows of it that are active */
    int64_t since_s;
    struct lifecycle is;
    struct lifecycle was; /* as in the database */
    int64_t live_count_was, leaving_count_was, maintained_was, since_was_s;
    bool touched;        /* is in world->touched */
    struct world *world; /* while a piece of work is done */
};

/* What a tenant asks of its instance. */
enum action_kind { ACTION_STOP, ACTION_START, ACTION_REBOOT, ACTION_KIND_COUNT };
enum action_state { ACTION_PENDING, ACTION_DONE, ACTION_REFUSED, ACTION_FAILED };
struct action {
    struct identity id;
    enum action_kind kind;
    bool begun; /* else it waits to be looked at */
    enum action_state state;
    const char *reason; /* a code; NULL: none */
};
const char *action_kind_text(enum action_kind kind);
const char *action_state_text(enum action_state state);

struct instance {
    struct reservation *reservation;
    struct identity id;
    uint32_t ordinal;
    bool has_node; /* while it is being replaced: its place there lies ahead */
    bool on_node;  /* it is counted there, and a stay is open */
    struct identity node;
    int64_t incarnation;
    int64_t starts_s, ends_s;
    int64_t ends_by_s;     /* told to be gone by then, though its window may be longer; NEVER: it is not told to */
    bool told;             /* just now; its event is still to come */
    const char *address;   /* NULL: none */
    bool window_changed;   /* by an amendment, just now */
    bool is_given_up;      /* other terms took its ordinal away: another may have it, though it is there still */
    bool stop_wished;      /* its tenant wants it down */
    struct action *action; /* the one that is open; NULL: none */
    bool has_begun;
    struct identity begun; /* the action that was begun last: it has gone down or comes up for it */
    bool is_clean;         /* nobody else holds its slots now, nor is there */
    bool is_unseen;        /* its node is another than the database was asked about; at this instant, not kept */
    bool granted;          /* the planner has found it another place */
    bool is_out_of_time;   /* it has none, and nobody has looked who could go for it; at this instant, not kept */
    bool is_held; /* something is to be done with it, and waits for the end of a pause; at this instant, not kept */
    bool is_broken_there; /* it did not start on the node that it still has a claim on; at this instant, not kept */
    bool changed;
    struct lifecycle is, was;
};

struct reservation {
    struct world *world;
    struct wish wish;
    struct lifecycle is, was;
    int64_t starts_s, ends_s; /* granted; NEVER as start: not granted */
    int64_t ends_by_s;        /* when the first was told to be gone of its instances that are there; NEVER: none was */
    bool told;                /* just now; its event is still to come */
    const char *health;       /* "ok", "degraded", "short" */
    int64_t delivered;
    const char *reason;       /* NULL: none */
    const char *binding;      /* JSON or NULL */
    const char *alternatives; /* JSON or NULL */
    int64_t estimated_s;      /* while it waits: when it would start as things stand; NEVER: not in sight */
    int64_t estimate_s;       /* the same, found just now and not yet told */
    bool is_its_turn;         /* of those that wait */
    bool is_limited;          /* it waits for a verdict, and its tenant has a credit limit */
    bool is_asked;            /* for credit, so that what is held for it must be settled */
    const char *uncovered;    /* what that limit lacks for it: JSON; NULL: nothing */
    int64_t taken_milli_was;  /* horizon_taken_milli() as it was read */
    int64_t horizon_due_s;    /* when its guarantee rolls on; NEVER: it has an end, or none at all */
    bool granted;             /* by the planner, just now */
    bool refused;
    bool amended; /* an amendment was granted, just now */
    bool changed;
    int64_t decided_revision;     /* of the wish, when it was last decided upon */
    struct amendment *amendments; /* those that were open, in the order in which they were asked */
    uint32_t amendment_count;
    /* By ordinal; none before activation. An ordinal that was given up and asked for again has one more. */
    struct instance *instances;
    uint32_t instance_count;
};

/* A row of the event log to be. */
struct event_record {
    const struct identity *tenant; /* NULL: the provider's own */
    const char *object_type;
    struct identity object;
    int64_t revision;
    const char *kind;
    int64_t transition; /* 0: none */
    const char *payload;
    int64_t occurred_at_s;
};

/* An instance that must go, because a verdict gave its place to another. The planner has cut it already. */
struct eviction {
    struct identity reservation;
    uint32_t ordinal;
    struct identity node;
    int64_t ends_s;
};

/* A stay of an instance on a node that began or ended. */
struct stay {
    struct identity instance;
    int64_t incarnation;
    struct identity tenant;
    struct identity node;
    bool began; /* else it ended */
    const char *end_reason;
};

struct zone_terms {
    struct identity id;
    char name[64];
    int64_t revision; /* of the zone, as an operator wished it */
    int64_t lead_s;
    int64_t preemption_notice_s;
    struct driver_settings driver;
    struct pause pause;
};

struct world {
    struct arena *arena;
    int64_t now_s;
    const struct zone_terms *zone;
    struct planner *planner;
    struct quotas *quotas; /* in step with the planner's batches */
    const struct driver_ops *driver_ops;
    struct driver *driver;

    struct node *nodes;
    uint32_t node_count;
    const struct idmap *node_by_id;
    const struct names *names; /* of nodes, racks, leaves and fabrics; NULL: nobody knows any */

    struct reservation *reservations; /* in the order in which they are to be decided */
    uint32_t reservation_count;

    struct identity *draining; /* nodes that are to be emptied, whose wish has just changed */
    uint32_t draining_count;
    struct maintenance *windows; /* of maintenance, that are to be looked at */
    uint32_t window_count;
    bool holds_only;     /* nothing is decided: places are held longer */
    bool fleet_is_stale; /* the planner must be built anew after this piece of work */
    bool has_overstays;  /* somebody is on a node too long, or left one too late: a place is not clean by plan alone */
    int64_t overstays_from_s; /* when the first of those told to leave is there for longer than the plan has room for */
    int64_t overstays_until_s; /* when the nodes are clean that somebody left later than that */

    struct node **touched;
    uint32_t touched_count, touched_capacity;
    struct event_record *events;
    uint32_t event_count, event_capacity;
    struct stay *stays;
    uint32_t stay_count, stay_capacity;
    struct eviction *evictions;
    uint32_t eviction_count, eviction_capacity;
    bool capacity_returned; /* waiting wishes may fit now */
    bool waitlist_stirred;  /* somebody came to wait or is due: serve them, in the next piece of work */
    int64_t waiting_count;  /* before this piece of work */
    int64_t granted_count, refused_count;
    const struct identity *given_up; /* a wish not to be put to the planner again, or NULL */
    bool has_given_up;               /* and it was refused now */
    bool has_time; /* for more searches for alternatives in this piece of work; the first refusal has them anyway */
    int64_t relaxed_count;  /* refusals that had them */
    int64_t evicting_count; /* searches for whom to evict for what lost its node; likewise */
    int64_t overdue_count;  /* deadlines that were missed */
    int64_t lines_until_s;  /* the partitions of what consoles say are there until then; applying extends it */
};

/* ---- The machines ---- */

extern const struct fsm node_fsm;
extern const struct fsm instance_fsm;
extern const struct fsm reservation_fsm;

/* Let each object go as far as it can at this instant. */
void node_drive(struct world *world, struct node *node);
void instance_drive(struct instance *instance);
void reservation_drive(struct reservation *reservation);

/* Operators have stopped the zone's automation: rows that order anything wait. */
static inline bool world_is_paused(const struct world *world)
{
    return pause_is_on(&world->zone->pause, world->now_s);
}
/* From when on anything may be ordered: now, or the end of the pause. What is begun until then counts from there. */
static inline int64_t world_free_s(const struct world *world)
{
    return pause_free_s(&world->zone->pause, world->now_s);
}

/* The plan has room for a stop of stop_s behind a window's end: who is there any later is there for too long. */
static inline int64_t world_overstays_from_s(int64_t end_s, int64_t stop_s)
{
    return end_s + stop_s + 1; /* a second, in which it is seen to be gone */
}

/* The node of an id, or NULL. */
struct node *world_node(const struct world *world, struct identity id);
/* Instances come onto nodes, are told to leave them or need not any more, and leave them. */
void node_count_leaving(struct world *world, struct identity node, int64_t change);
void node_instance_arrives(struct world *world, struct identity node);
void node_instance_leaves(struct world *world, struct identity node);
/* The node answers, and its state lets instances be on it. */
bool node_is_in_service(const struct node *node);
/* What the planner must know of the node now; planner_node_put outside a batch. */
void node_plannable(const struct world *world, const struct node *node, struct planner_node *ret);

/* Its event at this revision; transition 0: it was made. */
void instance_record(struct instance *instance, const char *kind, int64_t transition, int64_t occurred_at_s);
/* When it is over for it: the end of its window, or before, where it was told so. */
int64_t instance_end_s(const struct instance *instance);
/* It is gone because it was told to be. */
bool instance_gave_way(const struct instance *instance);
/* In that state it is counted on its node, and a stay is open. */
bool instance_state_is_on_node(int state);
/* Its tenant has it: it runs, or is down by the tenant's own wish. */
bool instance_is_delivered(const struct instance *instance);
struct planner_key instance_key(const struct instance *instance);
/* The planner has its place on that node, perhaps another than it had, on the same node too: one that is being replaced goes
 * there, now or when that place begins. */
void instance_settle(struct instance *instance, struct identity node);
/* Whether it is over for this instance, one way or the other. */
bool instance_is_gone(const struct instance *instance);
/* It is neither gone nor going. */
bool instance_goes_on(const struct instance *instance);
/* It is, or is on its way to be, one of those that its reservation's terms ask for: its time is not over either, though in a
 * pause it may still run. */
bool instance_lasts(const struct instance *instance);

/* A new instance in *ret, where the planner has put it. */
void instance_make(struct reservation *reservation, struct instance *ret, uint32_t ordinal, int64_t starts_s);

/* Makes its instances, each planned where the planner has its place. */
void reservation_make_instances(struct reservation *reservation);

/* ---- Recording ---- */

/* Moves the lifecycle along the row: state, revision, attempts. The caller records the event. */
void lifecycle_move(struct lifecycle *is, const struct fsm_transition *row);
void world_record(struct world *world, const struct event_record *event);
/* Whether a wish was decided: an answer of the API may follow, so this must survive. */
bool world_has_verdict(const struct world *world);
void world_touch(struct world *world, struct node *node);
void world_stay(struct world *world, const struct stay *stay);
void world_evict(struct world *world, const struct eviction *eviction);
/* The reservation of an id if this piece of work has read it, or NULL. */
struct reservation *world_reservation(const struct world *world, struct identity id);
/* Whether the planner holds anything for the instance at `instant` or later, and until when (NEVER: open). */
bool world_held_until(const struct world *world, const struct planner_key *key, int64_t instant, int64_t *ret_until_s);
/* Whether it has a place at `instant` or later, and from when on. */
bool world_held_from(const struct world *world, const struct planner_key *key, int64_t instant, int64_t *ret_from_s);
