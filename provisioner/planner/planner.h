/* The planner: a fleet and its timelines in memory, questions in, verdicts out.
 *
 * Pure: no database, no clock, no thread, no global. One planner belongs to one thread. The same calls give the same
 * answers. Its user loads fleet and allocations once, then asks; each answer is taken upon the last, in memory, and
 * what changed is read off and written to the database in one transaction:
 *
 *     planner_begin(planner);
 *     planner_place(planner, &request, &verdict);          as often as wanted; also release, cut, replace
 *     changes = planner_changes(planner, &count);          whose rows to delete, then planner_get() what to insert
 *     ... write them ...
 *     planner_commit(planner);  or  planner_rollback(planner);
 *
 * Outside begin and commit each call stands at once. Fleet changes, load and forget are not allowed inside.
 *
 * Instants are int64 seconds UTC, periods half-open [from, to); PLANNER_OPEN as `to` is "until further notice".
 * A node with G GPUs is the range [0, 1000*G) of milli-GPUs (architecture.md, "Capacity as rectangles"). What is
 * taken is a rectangle: slots times period. The rectangles of a node never overlap; CPU and memory are never taken
 * beyond what the node has.
 *
 * Turnaround: behind the last instant of an allocation its slots stay taken for the node's turnaround_s. Whole GPUs
 * owe none to a later window of the same tenant: such a window may begin inside it and then cuts it short. A share's
 * milli are not a place on the chip, so nobody follows "on the same slots": a share keeps its turnaround. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/cleanup.h"
#include "common/gpu_model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLANNER_OPEN          INT64_MAX
#define PLANNER_GPU_MILLI     1000
#define PLANNER_NODE_GPUS_MAX 64                         /* one bit each in a 64-bit mask */
#define PLANNER_MODEL_SIZE    (GPU_MODEL_LENGTH_MAX + 1) /* with its 0 */
#define PLANNER_LATER_LIMIT_S (INT64_C(60) * 86400)
#define PLANNER_KEPT_LEAST_S  3600       /* less is of no use to anybody */
#define PLANNER_COUNT_MAX     (1U << 20) /* instances of one request: more than a zone has GPUs */
/* Instants lie within this distance of 1970 or are PLANNER_OPEN: sums cannot overflow. */
#define PLANNER_INSTANT_MAX (INT64_C(1) << 40)

struct planner;

/* 16 bytes of a UUID; all zero means "none". */
struct planner_id {
    uint8_t bytes[16];
};

/* X(name, text) */
#define PLANNER_GROUPINGS(X)                                                                                           \
    X(PLANNER_ANY, "any")     /* any GPUs may go together */                                                           \
    X(PLANNER_PAIRS, "pairs") /* GPUs 2i and 2i+1 belong together */                                                   \
    X(PLANNER_QUADS, "quads") /* GPUs 4i to 4i+3 belong together */

/* With groups of g GPUs, an instance of k takes k/g whole groups and the rest within one further group. */
enum planner_grouping {
#define X(name, text) name,
    PLANNER_GROUPINGS(X)
#undef X
        PLANNER_GROUPING_COUNT
};

/* From tight to loose. An NVLink domain is a node (HGX) or a rack (NVL72), a leaf the racks behind one leaf switch. */
#define PLANNER_SCOPES(X)                                                                                              \
    X(PLANNER_NODE, "node")                                                                                            \
    X(PLANNER_NVLINK_DOMAIN, "nvlink_domain")                                                                          \
    X(PLANNER_RACK, "rack")                                                                                            \
    X(PLANNER_LEAF, "leaf")                                                                                            \
    X(PLANNER_FABRIC, "fabric")                                                                                        \
    X(PLANNER_ZONE, "zone")                                                                                            \
    X(PLANNER_FLEET, "fleet")

enum planner_scope {
#define X(name, text) name,
    PLANNER_SCOPES(X)
#undef X
        PLANNER_SCOPE_COUNT
};

/* No two instances of a gang within one of these. */
#define PLANNER_SPREADS(X)                                                                                             \
    X(PLANNER_SPREAD_NONE, "none")                                                                                     \
    X(PLANNER_SPREAD_NODE, "node")                                                                                     \
    X(PLANNER_SPREAD_RACK, "rack")                                                                                     \
    X(PLANNER_SPREAD_LEAF, "leaf")

enum planner_spread {
#define X(name, text) name,
    PLANNER_SPREADS(X)
#undef X
        PLANNER_SPREAD_COUNT
};

enum planner_kind { PLANNER_HELD, PLANNER_TURNAROUND, PLANNER_KIND_COUNT };

/* What made the answer no. */
#define PLANNER_BINDINGS(X)                                                                                            \
    X(PLANNER_BINDS_NOTHING, "none")                      /* it was placed */                                          \
    X(PLANNER_BINDS_MODEL, "model")                       /* no node (of that zone) has an allowed GPU model */        \
    X(PLANNER_BINDS_COUNT_OVER_FLEET, "count_over_fleet") /* not even an empty fleet holds it */                       \
    X(PLANNER_BINDS_UNPLANNABLE, "unplannable")           /* it would fit but for cordons and plannable windows */     \
    X(PLANNER_BINDS_CAPACITY, "capacity")                 /* GPUs are taken */                                         \
    X(PLANNER_BINDS_CPU, "cpu")                           /* GPUs are free, CPU beside them is not */                  \
    X(PLANNER_BINDS_MEMORY, "memory")                     /* GPUs are free, memory beside them is not */               \
    X(PLANNER_BINDS_SCOPE, "scope")                       /* it fits the fleet, but not within one such scope */

enum planner_binding {
#define X(name, text) name,
    PLANNER_BINDINGS(X)
#undef X
        PLANNER_BINDING_COUNT
};

const char *planner_scope_text(enum planner_scope scope);
const char *planner_binding_text(enum planner_binding binding);
/* The value of a text, or -1. */
int planner_grouping_of_text(const char *text);
int planner_scope_of_text(const char *text);
int planner_spread_of_text(const char *text);
const char *planner_spread_text(enum planner_spread spread);

/* A node as it is now. A group (rack, leaf, fabric, zone) of all zero is unknown: it then is taken to hold no more than
 * the next tighter one that is known, in the end the node alone. Groups lie within one another. */
struct planner_node {
    struct planner_id id;
    struct planner_id zone;
    struct planner_id fabric;
    struct planner_id leaf;
    struct planner_id rack;
    struct planner_id nvlink_domain;
    char gpu_model[PLANNER_MODEL_SIZE];
    uint32_t gpus; /* 0 to PLANNER_NODE_GPUS_MAX */
    enum planner_grouping grouping;
    int64_t cpu_milli;
    int64_t memory_mib;
    int64_t turnaround_s;    /* behind allocations placed from now on */
    int64_t plannable_from;  /* a window lies within [plannable_from, plannable_until) */
    int64_t plannable_until; /* PLANNER_OPEN: no end known */
    bool cordoned;           /* takes nothing new, whatever the window */
};

/* What one instance is: `gpus` whole GPUs, or (gpus = 0) a share of one GPU, gpu_milli from 1 to 999; not both. */
struct planner_shape {
    uint32_t gpus;
    uint32_t gpu_milli;
    int64_t cpu_milli;
    int64_t memory_mib;
};

/* Slots [slots_from, slots_to) in milli-GPUs of the node, for [from, to). */
struct planner_rectangle {
    int32_t slots_from;
    int32_t slots_to;
    int64_t from;
    int64_t to;
    enum planner_kind kind;
};

/* Which instance: the reservation and its ordinal in it. After a replacement, parts of one instance may lie on more
 * than one node: the place it has now, and the turnaround it left behind. */
struct planner_key {
    struct planner_id reservation;
    uint32_t ordinal;
};

/* An instance's place on one node. A share may have several HELD rectangles at a time and other ones later. */
struct planner_allocation {
    struct planner_key key;
    struct planner_id tenant;
    struct planner_id node;
    struct planner_shape shape;
    int64_t turnaround_s; /* in: of the allocation; negative: the node's */
    bool preemptible;     /* gives way to requests that preempt */
    bool maintenance;     /* blocks the node (planner_block): nobody's instance, never moved or evicted */
    const struct planner_rectangle *rectangles;
    uint32_t rectangle_count;
};

/* `count` instances of a shape, all or none, with ordinals first_ordinal, first_ordinal + 1, ... All get one GPU
 * model. Nothing may be held under these keys from the window's start on. */
struct planner_request {
    struct planner_id reservation;
    struct planner_id tenant;
    uint32_t first_ordinal;
    uint32_t count; /* at least 1 */
    struct planner_shape shape;
    int64_t from;
    int64_t to;
    const char *const *gpu_models; /* any of these; equally good ones in this order */
    uint32_t gpu_model_count;      /* 0: any model */
    struct planner_id zone;        /* nodes of this zone only; all zero: any */
    enum planner_scope scope;      /* the gang stays within one of these; PLANNER_FLEET: anywhere */
    bool scope_preferred;          /* the scope is a wish, not a condition */
    struct planner_id avoid_node;  /* not this one; all zero: none */
    enum planner_spread spread;    /* also from what the reservation holds already */
    bool preemptible;              /* what it gets gives way to requests that preempt */
    /* It may take what is preemptible, where nothing free does: from the first instant at which an instance told now
     * to go is gone. Least loss first, never more than needed. */
    bool preempts;
    int64_t evict_from; /* if preempts: now + notice; the node's turnaround follows before this window may begin */
    /* Who would keep less than PLANNER_KEPT_LEAST_S of its place stays: whoever is evicted keeps so much of it, and can
     * have the rest back (planner_extend). */
    bool spares_unbegun;
};

/* A preemptible instance that must go, because a request took its place. It is cut at `ends` already. */
struct planner_eviction {
    struct planner_key key;
    struct planner_id node;
    /* When it ends: evict_from, or later, just in time for the turnaround before the window; its own start, where that is
     * later still: it then never begins. */
    int64_t ends;
    int64_t lost_gpu_milli_s; /* what it held until then: the work that is thrown away */
};

/* Why not, with numbers. */
struct planner_refusal {
    enum planner_binding binding;
    enum planner_scope scope; /* the scope asked for */
    uint32_t asked;           /* instances asked for */
    uint32_t best_count;      /* the most that fit together within one scope, in this window */
    uint32_t fleet_count;     /* the most that fit anywhere, all of one GPU model */
    struct planner_id where;  /* the node, rack, ... or zone that holds best_count; all zero: none or the fleet */
    uint32_t scope_count;     /* how many such scopes have a node of an allowed model */
    bool preempts_later;      /* the window would fit by preemption, if it began at preempts_from */
    int64_t preempts_from;
    uint32_t stuck_count; /* of an amendment: instances that cannot have it where they are, and go nowhere else */
    int64_t stuck_from;   /* since when the first of their places is not theirs to have; PLANNER_OPEN: not looked for */
};

/* allocations belong to the planner and hold until the next call that changes it. */
struct planner_verdict {
    bool placed;
    const struct planner_allocation *allocations; /* if placed, in order of ordinals */
    uint32_t allocation_count;
    const struct planner_eviction *evictions; /* if placed by preemption */
    uint32_t eviction_count;
    struct planner_refusal refusal; /* if not placed */
};

/* A new instance for [now or `begins`, end of the present place) elsewhere than on the present node. */
struct planner_replacement {
    struct planner_key key;
    int64_t now;
    int64_t begins; /* the new place need not begin before: the present one may have been held early */
    const char *const *gpu_models;
    uint32_t gpu_model_count;   /* 0: the present node's model */
    enum planner_scope scope;   /* how far it may go from the present node: PLANNER_FLEET: anywhere */
    enum planner_spread spread; /* not into a group of this kind that holds another instance of the reservation */
    /* Where nothing is free it may take what is preemptible, as a request that preempts: the new place then begins when
     * those are gone who were told at evict_from, and their places are clean. */
    bool preempts;
    int64_t evict_from;
    bool sooner; /* the present place lies ahead: one that begins now, that node's too, or none */
};

/* New terms for a reservation as a whole: planner_amend. */
struct planner_amendment {
    struct planner_request terms; /* all of it as it shall be; first_ordinal 0, the shape it has */
    int64_t now;                  /* what lies before stays as it was */
    bool unexplained;             /* a refusal need not say why: it is all zero, and much cheaper */
};

/* The smallest change of each kind with which a refused request would be placed; each by itself. */
struct planner_relaxations {
    bool has_later; /* the same length, begun later, within PLANNER_LATER_LIMIT_S */
    int64_t later_from;
    bool has_shorter; /* the same start, ending earlier */
    int64_t shorter_to;
    bool has_smaller; /* fewer instances */
    uint32_t smaller_count;
    bool has_looser; /* the tightest scope that is looser, or preferred instead of required */
    enum planner_scope looser_scope;
};

/* What offers are sought for: the request's from and to are not read. */
struct planner_search {
    struct planner_request request;
    int64_t start_from; /* the start lies within [start_from, start_to] */
    int64_t start_to;
    int64_t duration_least_s;
    int64_t duration_most_s;
    uint32_t count_least;    /* smaller offers go down to it; 0: half of the request's count, at least 1 */
    int64_t gpu_milli_s_max; /* budget, in what it buys: GPU-milli times seconds of all instances; 0: none */
};

#define PLANNER_OFFERS_MAX 10
#define PLANNER_OFFER_KINDS(X)                                                                                         \
    X(PLANNER_OFFER_EARLIEST, "earliest")                                                                              \
    X(PLANNER_OFFER_LONGER, "longer")                                                                                  \
    X(PLANNER_OFFER_CHEAPER, "cheaper") /* fewer GPU-hours, or preemptible */                                          \
    X(PLANNER_OFFER_SMALLER, "smaller")                                                                                \
    X(PLANNER_OFFER_LOOSER, "looser")

enum planner_offer_kind {
#define X(name, text) name,
    PLANNER_OFFER_KINDS(X)
#undef X
        PLANNER_OFFER_KIND_COUNT
};

/* A request that planner_place grants in the present state: the search's request with these terms. */
struct planner_offer {
    enum planner_offer_kind kind;
    int64_t from;
    int64_t to;
    uint32_t count;
    enum planner_scope scope;
    bool scope_preferred;
    bool preemptible;
};

const char *planner_offer_kind_text(enum planner_offer_kind kind);

/* GPU-milli times seconds within one step of time, by what they do; together all there is. */
struct planner_usage {
    int64_t held;
    int64_t preemptible; /* held, but gives way */
    int64_t turnaround;
    int64_t maintenance;
    int64_t unplannable; /* cordoned, or outside the node's plannable window, and not held */
    int64_t free;
};

/* One allocation whose rectangles are not what they were at planner_begin. */
struct planner_change {
    struct planner_key key;
    struct planner_id node;
    bool exists; /* false: it is gone, delete its rows and insert none */
};

struct planner *planner_new(void);
void planner_free(struct planner *planner);
void planner_freep(struct planner **planner); /* of CLEANUP, for tests */

/* -- fleet: never inside a batch -------------------------------------------------------------------------------- */

/* Adds a node or changes it. NULL on success, otherwise why not (a static text), and nothing has changed: a node's
 * GPUs and model stay what they are, and its CPU and memory cannot fall below what is held. */
MUST_CHECK const char *planner_node_put(struct planner *planner, const struct planner_node *node);
/* The node as it was put; NULL if unknown. Belongs to the planner, holds until the next planner_node_put. */
const struct planner_node *planner_node_get(const struct planner *planner, struct planner_id id);
uint32_t planner_node_count(const struct planner *planner);
uint32_t planner_allocation_count(const struct planner *planner);
uint32_t planner_preemptible_count(const struct planner *planner); /* of them */

/* Takes in an allocation that exists, on rebuild: the rows of one instance on one node, HELD and TURNAROUND alike.
 * NULL on success, otherwise why not (a static text), and nothing has changed: unknown node, bad slots or period,
 * overlap, CPU or memory beyond the node. Cordons and plannable windows do not matter here. */
MUST_CHECK const char *planner_load(struct planner *planner, const struct planner_allocation *allocation);
/* Forgets what ended at or before `instant`, so that memory stays as small as the future is. */
void planner_forget(struct planner *planner, int64_t instant);

/* -- questions -------------------------------------------------------------------------------------------------- */

/* NULL if the request can be put to planner_place, otherwise what is wrong with it (a static text). */
const char *planner_request_wrong(const struct planner_request *request);

/* All or nothing. Tightest scope that holds the gang first; in it, the nodes where the least is lost to the mix that
 * the fleet serves (docs/planner.md, "How good"). Takes what it grants and cuts whom it evicts at once (undone by
 * planner_rollback). The request is in order (planner_request_wrong) and its keys are not allocated: must() says so. */
void planner_place(struct planner *planner, const struct planner_request *request, struct planner_verdict *ret);

/* Whether it would be placed: planner_place that changes nothing and says no more. */
bool planner_fits(struct planner *planner, const struct planner_request *request);
/* The earliest start within [request->from, start_to], begun at the same length, at which it fits; exact. */
bool planner_earliest(struct planner *planner, const struct planner_request *request, int64_t start_to,
                      int64_t *ret_from);
/* What would make a refused request fit; exact for each kind. Changes nothing. Costs what several searches cost. */
void planner_relax(struct planner *planner, const struct planner_request *request, struct planner_relaxations *ret);
/* NULL if the search can be put to planner_offers, otherwise what is wrong with it (a static text). */
const char *planner_search_wrong(const struct planner_search *search);
/* The request that an offer stands for. */
struct planner_request planner_offer_request(const struct planner_search *search, const struct planner_offer *offer);
/* The earliest offer and what lies around it, none of them worse than another in everything. Each can be placed as it
 * stands, one of them, not all. Returns how many. Changes nothing. */
uint32_t planner_offers(struct planner *planner, const struct planner_search *search,
                        struct planner_offer ret[PLANNER_OFFERS_MAX]);
/* How many instances of the request's shape (models, zone; its count and window are not read) fit together anywhere, on
 * one GPU model, for all of each step [from + i * step_s, from + (i + 1) * step_s). */
void planner_free_instances(struct planner *planner, const struct planner_request *request, int64_t from,
                            int64_t step_s, uint32_t steps, uint32_t ret[]);
/* What the GPUs of one group (PLANNER_FLEET: of all; model NULL: of any) do in each step. */
void planner_usage_of(const struct planner *planner, enum planner_scope level, struct planner_id group,
                      const char *gpu_model, int64_t from, int64_t step_s, uint32_t steps, struct planner_usage ret[]);

/* Takes an instance away, all of it, as if it had never been (before its start). False: there is none. */
bool planner_release(struct planner *planner, const struct planner_key *key);
/* Ends an instance at `instant`: what it holds after that is free again once the turnaround, which now begins there,
 * is over. Parts that ended before stay as they are; an instance that begins at `instant` or later is released.
 * False: there is none that holds anything then or later. */
bool planner_cut(struct planner *planner, const struct planner_key *key, int64_t instant);
/* Holds an instance longer, where it stands: as far towards `to` as its GPUs, CPU and memory are free, not on a
 * cordoned node nor beyond its plannable window. Returns until when it is held now (its present end where nothing more
 * is free). The key holds something. */
int64_t planner_extend(struct planner *planner, const struct planner_key *key, int64_t to);
/* Holds an instance again whose place ended at or before `from`, though it never left: where it was last, from `from`
 * on, as far towards `to` as it is free; on a cordoned node and beyond its plannable window, too, since it is there.
 * Returns until when it is held now: `from` where nothing is free, or nothing is known of where it was. */
int64_t planner_resume(struct planner *planner, const struct planner_key *key, int64_t from, int64_t to);
/* From when on, `from` at the earliest, the place that an instance holds next is free until it begins: its slots, and CPU
 * and memory beside them. The key holds something after `from`. */
int64_t planner_free_since(struct planner *planner, const struct planner_key *key, int64_t from);
/* Holds it from `from` on instead, since when its place is free. */
void planner_begin_early(struct planner *planner, const struct planner_key *key, int64_t from);
/* Gives a reservation new terms, all or nothing. Instances that have begun stay where they are; others stay if they
 * can, else the whole of those that have not begun is placed anew; more are placed with the gang, fewer give up the
 * highest ordinals. Scope, spread and preemption hold for the whole. Refused: nothing has changed. The verdict's
 * allocations are all that the reservation has now. */
void planner_amend(struct planner *planner, const struct planner_amendment *amendment, struct planner_verdict *ret);
/* Takes the whole node for maintenance under a key of its own. False, and nothing has changed: somebody holds part of
 * it then (planner_hits), or it is unknown. Turnaround may lie in the window; that of shares then ends where it begins.
 * Ended by planner_cut or planner_release. */
bool planner_block(struct planner *planner, const struct planner_key *key, struct planner_id node, int64_t from,
                   int64_t to);
/* The instances that hold slots of the node at some time of [from, to), by start. Belongs to the planner, holds until
 * its next call. */
const struct planner_allocation *planner_hits(struct planner *planner, struct planner_id node, int64_t from, int64_t to,
                                              uint32_t *ret_count);
/* Places the instance anew for [now, its end) on another node, same NVLink domain first, then same rack, leaf, fabric,
 * zone, fleet, as far as `scope` lets it; and cuts the present place at now. By eviction only where none of these has
 * anything free: the least loss within `scope`, and of several the nearest. A place that lies ahead is replaced from its
 * own start on. If it is refused nothing has changed (the caller may cut). False: no instance under this key holds
 * anything after now; *ret is not set. */
bool planner_replace(struct planner *planner, const struct planner_replacement *replacement,
                     struct planner_verdict *ret);

/* -- batches ---------------------------------------------------------------------------------------------------- */

void planner_begin(struct planner *planner);
/* Whose rectangles may differ from those at planner_begin: sorted by key and node, each once. Neighbours whose
 * turnaround was cut short or given back are among them. Belongs to the planner, holds until its next change. */
const struct planner_change *planner_changes(struct planner *planner, size_t *ret_count);
void planner_commit(struct planner *planner);
/* Everything is again as it was at planner_begin, exactly. */
void planner_rollback(struct planner *planner);
/* Within a batch: a point to go back to. Going back keeps the batch open, and earlier savepoints. */
uint32_t planner_savepoint(const struct planner *planner);
void planner_rollback_to(struct planner *planner, uint32_t savepoint);
/* A planner of its own in the same state, outside any batch: for simulations. The caller frees it. */
struct planner *planner_copy(const struct planner *planner);

/* -- reading ---------------------------------------------------------------------------------------------------- */

/* The allocation of an instance on a node with its rectangles, sorted by (from, slots_from). False: there is none.
 * Rectangles belong to the planner and hold until its next call. */
bool planner_get(struct planner *planner, const struct planner_key *key, struct planner_id node,
                 struct planner_allocation *ret);
/* The node on which an instance holds slots at `instant` or later (the earliest such), or NULL. */
const struct planner_node *planner_node_of(const struct planner *planner, const struct planner_key *key,
                                           int64_t instant);
/* A number over fleet, allocations and rectangles that end after `from`: equal states have equal numbers, whatever
 * order they came about in. A planner rebuilt from the database at `from` has the number of the one it replaces. */
uint64_t planner_fingerprint(struct planner *planner, int64_t from);
/* must() for every invariant of the whole state: no two rectangles overlap, CPU and memory within the node, indexes
 * equal to a recount. Slow; for tests and for after a rebuild. */
void planner_verify(struct planner *planner);
