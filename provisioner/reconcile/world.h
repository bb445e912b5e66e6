/* What one piece of work sees and changes: the world of a zone at one instant.
 *
 * Observing fills it, deciding changes it (pure: planner and driver are in memory), applying writes what changed. The
 * nodes belong to the zone's memory and live on; everything else belongs to the arena of this piece of work. Instants
 * are domain time in seconds; NEVER stands for "none" and for "until further notice". */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"
#include "common/identity.h"
#include "provisioner/driver/driver.h"
#include "provisioner/names.h"
#include "provisioner/planner/planner.h"
#include "provisioner/reconcile/fsm.h"
#include "provisioner/reconcile/pause.h"

#define NEVER PLANNER_OPEN

/* ---- Bounds of transitional states, in domain seconds ---- */

#define START_LIMIT_S      900 /* beyond what the driver says it takes: a node that boots */
#define STOP_LIMIT_S       600
#define CLEAN_LIMIT_S      3600 /* how long past its start an instance waits for its node to be clean */
#define CLEAN_LOOK_S       5
#define ATTEMPTS_MAX       3
#define PLACE_AGAIN_S      300  /* a replacement that was refused asks again */
#define PLACE_TURN_S       5    /* and one for which there was no time */
#define WAITLIST_AGAIN_S   3600 /* a waiting wish asks again, beside when capacity returns */
#define ACTIVATION_LIMIT_S 3600 /* past its start a reservation is active, however few run */
#define ENDING_LIMIT_S     7200
#define VALIDATION_LIMIT_S 900
#define SANITIZE_LIMIT_S   3600 /* beyond the node's turnaround */

/* ---- States and events; texts are in the machines' tables ---- */

enum node_state {
    NODE_ENROLLED,
    NODE_VALIDATING,
    NODE_READY,
    NODE_ALLOCATED,
    NODE_SANITIZING,
    NODE_QUARANTINED,
    NODE_REPAIR,
    NODE_MAINTENANCE,
    NODE_RETIRED,
    NODE_STATE_COUNT
};

enum instance_state {
    INSTANCE_PLANNED,
    INSTANCE_PROVISIONING,
    INSTANCE_RUNNING,
    INSTANCE_REPLACING,
    INSTANCE_STOPPING,
    INSTANCE_TERMINATED,
    INSTANCE_FAILED,
    INSTANCE_HALTING, /* going down, as its tenant wishes */
    INSTANCE_STOPPED,
    INSTANCE_STARTING, /* coming up again, as its tenant wishes */
    INSTANCE_STATE_COUNT
};

enum reservation_state {
    RESERVATION_PENDING,
    RESERVATION_WAITLISTED,
    RESERVATION_HELD,
    RESERVATION_SCHEDULED,
    RESERVATION_ACTIVATING,
    RESERVATION_ACTIVE,
    RESERVATION_ENDING,
    RESERVATION_ENDED,
    RESERVATION_CANCELLED,
    RESERVATION_REJECTED,
    RESERVATION_EXPIRED,
    RESERVATION_STATE_COUNT
};

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

/* What is to become of a wish that does not fit when it is decided. X(value, text) */
#define WISH_IF_UNAVAILABLE(X)                                                                                         \
    X(UNAVAILABLE_REJECT, "reject")                                                                                    \
    X(UNAVAILABLE_WAITLIST, "waitlist")                                                                                \
    X(UNAVAILABLE_NEXT_WINDOW, "next_window")

enum wish_if_unavailable {
#define X(value, text) value,
    WISH_IF_UNAVAILABLE(X)
#undef X
        UNAVAILABLE_COUNT
};
/* UNAVAILABLE_COUNT for a text that is none. */
enum wish_if_unavailable wish_if_unavailable_of(const char *text);

/* What of a wish only who posts it again needs. */
struct wish_posted {
    const char *name, *instance_type, *image; /* NULL: none, as below */
    const char *if_unavailable;
    const char *labels;   /* JSON */
    const char *ssh_keys; /* JSON: their names; NULL: none */
    const char *user_data;
    int64_t quote_ttl_s; /* 0: this is no quote */
};

struct wish {
    struct identity id;
    struct identity tenant;
    struct planner_shape shape;
    int64_t count;      /* as granted last, else as wished */
    int64_t starts_s;   /* NEVER: at the decision */
    int64_t ends_s;     /* NEVER: until cancelled */
    int64_t duration_s; /* where the start is flexible, instead of the two; 0: it is not */
    int64_t start_from_s,
        start_to_s; /* then: the start lies in [from, to]; from NEVER: at the decision at the earliest */
    const char *const *gpu_models;
    uint32_t gpu_model_count;
    enum planner_scope scope;
    bool scope_required;
    enum planner_spread spread;
    enum wish_if_unavailable if_unavailable;
    int64_t decide_by_s;
    bool cancel_requested;
    int64_t revision;
    const char *project;
    int64_t hold_until_s; /* a quote: until then it may be confirmed; 0: it is none */
    bool is_confirmed;
    const struct wish_posted *posted; /* NULL where it is decided already */
    const char *tier;
    bool preemptible;         /* its instances give way to those of other tiers */
    int64_t horizon_s;        /* how long it is guaranteed from now on, if it is open-ended; 0: without an end */
    struct identity type;     /* all zero: a shape of the tenant's own */
    int64_t open_max_percent; /* of the type's GPUs, sold without an end; negative: no cap */
    int64_t open_sold_milli;
};

/* A hold that is not firm (yet). */
static inline bool wish_is_quote(const struct wish *wish)
{
    return wish->hold_until_s != 0 && !wish->is_confirmed;
}

/* A wish for other terms of a reservation, and what was decided of it. */
enum amendment_state {
    AMENDMENT_REQUESTED,
    AMENDMENT_GRANTED,
    AMENDMENT_REFUSED,
    AMENDMENT_CANCELLED, /* with its reservation */
    AMENDMENT_STATE_COUNT
};

struct amendment {
    struct identity id;
    bool changes_start, changes_end;
    int64_t starts_s; /* if it changes: NEVER is at the decision */
    int64_t ends_s;   /* if it changes: NEVER is until cancelled */
    int64_t count;    /* 0: as it is */
    enum amendment_state state;
    int64_t granted_starts_s, granted_ends_s, granted_count;
    const char *reason;       /* NULL: none */
    const char *binding;      /* JSON or NULL */
    const char *alternatives; /* JSON or NULL */
    const char *uncovered;    /* what its tenant's credit limit lacks for it: JSON; NULL: nothing */
};

/* Asked for without an end. */
static inline bool wish_is_open(const struct wish *wish)
{
    return wish->ends_s == NEVER && wish->duration_s == 0;
}

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
static inline int64_t instance_gpu_milli(const struct wish *wish)
{
    return wish->shape.gpus > 0 ? (int64_t)wish->shape.gpus * PLANNER_GPU_MILLI : (int64_t)wish->shape.gpu_milli;
}
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
/* It is, or is on its way to be, one of those that its reservation's terms ask for: its time is not over either, though in a
 * pause it may still run. */
bool instance_lasts(const struct instance *instance);

/* A new instance in *ret, where the planner has put it. */
void instance_make(struct reservation *reservation, struct instance *ret, uint32_t ordinal, int64_t starts_s);

/* The wish as it is put to the planner at this instant. */
struct planner_request verdict_request(const struct reservation *reservation);
/* Makes them, each planned where the planner has its place. */
void reservation_make_instances(struct reservation *reservation);

/* Puts the wish to the planner: sets granted and the window, or refused, reason, binding and alternatives. */
void verdict_decide(struct reservation *reservation);
/* The wish as it could be posted again, but for count, times and placement: a JSON object without its closing brace. */
const char *wish_body(struct arena *arena, const struct zone_terms *zone, const struct wish *wish);
/* The wish's body with that window, as the only member of a JSON array. */
const char *refusal_body_at(const struct reservation *reservation, const struct planner_request *later);
/* The wish's body as it stands, in the world's zone; NULL: its window would be past when it is posted. */
const char *refusal_body_here(const struct reservation *reservation);
/* What bound, with numbers and in a sentence: JSON, the arena's. */
const char *refusal_binding(const struct world *world, const struct planner_request *request,
                            const struct planner_refusal *refusal);
/* What could be posted where the share of its type that is sold without an end binds: sets alternatives. */
void refusal_tell_open(struct reservation *reservation, const struct planner_request *request);
/* Says why, and what would fit instead: sets reason, binding and alternatives. */
void refusal_tell(struct reservation *reservation, const struct planner_request *request,
                  const struct planner_refusal *refusal);
/* Puts those who wait to the planner, in the order in which the world has them, within its batch. */
#define WAITLIST_DEPTH 64
void waitlist_serve(struct world *world);
/* One came to wait, left, or is due: nobody is asked for out of turn, so the list is to be served. */
void waitlist_stir(struct reservation *reservation);

/* ---- Open-ended ---- */

/* Until when what begins at from_s and ends at ends_s is held: to its end, or for the horizon where it has none. */
int64_t horizon_end(const struct wish *wish, int64_t from_s, int64_t ends_s);
/* Holds what is open-ended for its horizon, wherever it still is: first of all in each piece of work, so that nobody who
 * runs loses his place to what is decided in it, however long nobody led. */
void horizon_hold(const struct reservation *reservation);
/* Holds it, and tells where that cannot be. Sets horizon_due_s. */
void horizon_keep(struct reservation *reservation);
/* Whether as much of its type may still be sold without an end; else sets reason and binding. */
bool horizon_has_share(struct reservation *reservation);
/* GPU-milli of its type's share that it takes, having a place without an end (SQL_SOLD_OPEN). */
int64_t horizon_taken_milli(const struct reservation *reservation);
/* How many instances of it may; only of one that is capped (open_max_percent), and then 0 at least. */
int64_t horizon_share_left(const struct reservation *reservation);
/* How long a window may be offered in place of one without an end: a year; or as long as its tenant's credit limit was asked
 * for, where it has one. */
int64_t horizon_closed_most_s(const struct reservation *reservation);

/* ---- Giving way ---- */

/* Takes over whom a verdict evicts. */
void evictions_note(struct world *world, const struct planner_verdict *verdict);
/* Tells the evicted, and lets their reservations go as far as they can; each of those is in the world. */
void evictions_settle(struct world *world);

/* Who was told to go, in an order of their own. */
struct told {
    struct identity *ids; /* the arena's */
    uint32_t count;
    bool has_more; /* behind them */
};
/* Notices are withdrawn bit by bit, over several pieces of work. */
struct withdrawal {
    bool is_under_way;
    bool begins_again;     /* thereafter: capacity has returned meanwhile */
    struct identity after; /* whom it has come to; all zero: it begins */
};
/* Capacity has returned, and nobody else comes before. */
void withdrawal_want(struct withdrawal *withdrawal);
/* So many of those were looked at, one at least if there are any. */
void withdrawal_go_on(struct withdrawal *withdrawal, const struct told *told, uint32_t looked);
/* Gives the preemptible reservations of these, which the world has, their places back, as far as these are free now and
 * their tenants' quotas bear it, and tells them; until it has looked at as many as one piece of work may. Returns how
 * many of `told` it has looked at. */
uint32_t notices_withdraw(struct world *world, const struct identity *told, uint32_t count);
/* Its ends_by_s is when the next goes of those who are still there; it stays past where no other is to go. */
void notice_follow(struct reservation *reservation);

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
/* JSON of an instant: seconds, or null for NEVER. */
const char *json_instant(struct arena *arena, int64_t instant_s);
/* JSON of an instant as the API writes it: a text; null beyond what can be written, as NEVER and PLANNER_OPEN are. */
const char *json_time(struct arena *arena, int64_t instant_s);
/* JSON of a text that is UTF-8: in quotes, escaped. */
const char *json_text(struct arena *arena, const char *text);

static inline struct planner_id planner_id_of(struct identity id)
{
    struct planner_id ret;
    _Static_assert(sizeof ret == sizeof id, "both are the 16 bytes of a UUID");
    __builtin_memcpy(&ret, &id, sizeof ret);
    return ret;
}

static inline struct identity identity_of(struct planner_id id)
{
    struct identity ret;
    __builtin_memcpy(&ret, &id, sizeof ret);
    return ret;
}
