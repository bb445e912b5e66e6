/* What the planner's files share: its state, and the doors between timeline, table, search and undo log. Nobody
 * outside this folder includes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/alloc.h"
#include "common/must.h"
#include "provisioner/planner/planner.h"
#include "provisioner/planner/table.h"

#define NONE UINT32_MAX
/* The levels below PLANNER_FLEET, which is one group and needs no number. */
#define LEVELS PLANNER_FLEET
/* Builds clear what is not initialized. These arrays have room for the largest node, of which most need an eighth: it
 * would be two kilobytes for each node looked at. */
#define UNCLEARED __attribute__((uninitialized))

/* Makes room for `need` elements in a growable array. */
#define ARRAY_RESERVE(array, room, need)                                                                               \
    ((need) <= (room) ? (void)0 : (void)((array) = array_grow((array), sizeof((array)[0]), &(room), (need))))

/* One piece of an allocation on its node: held for [from, to), and not to be sold to others before `clean`. Pure
 * turnaround (of a share, or left over from what is history) has from = to. */
struct slice {
    int64_t from;
    int64_t to;
    int64_t clean;
    int32_t slots_from;
    int32_t slots_to;
    uint32_t allocation;
    uint32_t tenant; /* tenant_tag of the allocation's: another one is another tenant */
};

/* CPU and memory of one allocation while it is held. */
struct hold {
    int64_t from;
    int64_t to;
    int64_t cpu_milli;
    int64_t memory_mib;
    uint32_t allocation;
};

struct node {
    struct planner_node spec;
    uint32_t model;
    uint32_t preemptibles;   /* allocations that give way */
    uint32_t column;         /* its seat in the model's table; NONE: it has none yet */
    uint32_t groups[LEVELS]; /* dense numbers of itself, its rack, fabric, zone */
    struct slice *slices;    /* sorted by slice_before */
    uint32_t slice_count;
    uint32_t slice_room;
    int64_t slice_longest_s; /* no slice was ever longer, turnaround included */
    struct hold *holds;      /* sorted by from */
    uint32_t hold_count;
    uint32_t hold_room;
    int64_t hold_longest_s;
};

struct allocation {
    struct planner_key key;
    struct planner_id tenant;
    struct planner_shape shape;
    int64_t turnaround_s;
    int64_t from; /* held for [from, to); from = to: only turnaround is left */
    int64_t to;
    int64_t slices_first; /* its slices begin in [slices_first, slices_last] */
    int64_t slices_last;
    uint32_t node;         /* NONE: the record is free */
    uint32_t next;         /* in its hash chain, or in the free list */
    uint32_t sibling_next; /* in the chain of its reservation's hash */
    uint32_t sibling_before;
    bool preemptible;
    bool maintenance;
};

/* id -> dense number, open addressing, nothing is ever taken out. */
struct id_map {
    struct id_slot {
        struct planner_id id;
        uint32_t value; /* NONE: free */
    } * slots;
    uint32_t room; /* a power of two, or 0 */
    uint32_t count;
};

/* Shapes of one kind that are held, or one that is asked for. See mix.c. */
struct mix_class {
    int64_t weight;
    uint32_t gpus;
    uint32_t gpu_milli;
    int64_t cpu_milli;
    int64_t memory_mib;
    int64_t milli_per_cpu; /* GPU milli for a unit of CPU, times 1 << MIX_RATIO_BITS */
    int64_t milli_per_memory;
    uint32_t cell;
};

#define MIX_CELLS      136
#define MIX_RATIO_BITS 10
/* Of CPU and memory no more than this counts, so that products stay in 64 bits. */
#define MIX_NEED_MAX INT64_C(0x7fffffff)

/* What is held on nodes of one GPU model. */
struct mix {
    struct mix_cell {
        int64_t count;
        int64_t gpus;
        int64_t gpu_milli;
        int64_t cpu_milli;
        int64_t memory_mib;
        uint32_t class; /* if count > 0: which of classes stands for the cell */
    } cells[MIX_CELLS];
    int64_t weight; /* of all classes */
    int64_t held_milli;
    uint32_t class_count;
    struct mix_class classes[MIX_CELLS]; /* in no order */
};

struct model {
    char name[PLANNER_MODEL_SIZE];
    uint32_t *nodes;
    uint32_t node_count;
    uint32_t node_room;
    uint32_t gpus_max; /* of one node */
    int64_t gpu_milli; /* of all nodes that are not cordoned */
    struct table table;
    struct mix mix;
};

/* Somebody whose rectangles may have changed, and how far the undo log was then. */
struct note {
    struct planner_change change;
    uint32_t undo_at;
};

struct undo {
    bool added; /* otherwise removed */
    uint32_t index;
    struct allocation allocation; /* if removed: what it was */
    uint32_t slices_at;
    uint32_t slice_count;
};

struct planner {
    struct node *nodes;
    uint32_t node_count;
    uint32_t node_room;
    struct id_map node_ids;
    struct id_map groups[LEVELS];
    int64_t *over_next; /* by node: nothing on it is over before this instant */
    uint32_t over_room;
    struct model *models;
    uint32_t model_count;
    uint32_t model_room;
    bool table_stale; /* some node has no seat, or some block wrong counts */
    bool table_based;
    int64_t table_base; /* first bucket of time that the tables cover */
    struct sweep *sweep;

    struct allocation *allocations;
    uint32_t allocation_top;
    uint32_t allocation_room;
    uint32_t allocation_live;
    uint32_t preemptible_live; /* of these, who gives way */
    uint32_t allocation_free;  /* head of the free list */
    uint32_t *chains;          /* heads, by hash of the key */
    uint32_t *siblings;        /* heads, by hash of the reservation */
    uint32_t chain_count;      /* of each, a power of two, or 0 */

    bool batch;
    struct undo *undo;
    uint32_t undo_count;
    uint32_t undo_room;
    struct slice *undo_slices;
    uint32_t undo_slice_count;
    uint32_t undo_slice_room;
    struct note *notes;
    uint32_t note_count;
    uint32_t note_room;
    struct planner_change *changes; /* what planner_changes told */
    uint32_t change_room;

    /* scratch */
    struct slice *cut;
    uint32_t cut_room;
    struct slice *kept; /* of an allocation that is held longer */
    uint32_t kept_count;
    uint32_t kept_room;
    uint32_t *sums; /* by block, by group */
    uint32_t sum_room;
    uint32_t *stamps; /* by group of the spread: who saw it last */
    uint32_t stamp_room;
    uint32_t stamp;
    struct ranked *ranked; /* a heap of groups, the tightest first */
    uint32_t ranked_count;
    uint32_t ranked_room;
    struct tried *tried; /* nodes looked at closely for a gang */
    uint32_t tried_count;
    uint32_t tried_room;
    int64_t *breaks; /* starts at which a node may take more or less, sorted */
    uint32_t break_count;
    uint32_t break_room;
    int64_t *full_last; /* by place of a gang: the last bucket that has too little */
    uint32_t full_room;
    bool *may_take; /* by place of a gang: may take a window that begins in the present bucket */
    uint32_t may_room;
    struct event *events;
    uint32_t event_count;
    uint32_t event_room;
    uint32_t *present; /* by group of the spread: nodes that take an instance */
    uint32_t present_room;
    struct pick *picks;
    uint32_t pick_count;
    uint32_t pick_room;
    struct planner_allocation *given;
    uint32_t given_count;
    uint32_t given_room;
    struct planner_rectangle *rectangles;
    uint32_t rectangle_count;
    uint32_t rectangle_room;
    struct wanted *wanted; /* models, in the order in which they are tried */
    uint32_t wanted_room;
    int64_t *instants;
    uint32_t instant_count;
    uint32_t instant_room;
    uint32_t *ordinals; /* whose places a search is for */
    uint32_t ordinal_count;
    uint32_t ordinal_room;
    uint32_t *taken; /* what take_picks took for each of them */
    uint32_t taken_room;
    bool *apart; /* by group of the spread's level: holds an instance of the gang; all false between calls */
    uint32_t apart_room;
    struct planner_eviction *evictions;
    uint32_t eviction_count;
    uint32_t eviction_room;
    struct victim *victims;
    uint32_t victim_count;
    uint32_t victim_room;
    struct victim *chosen; /* who must go, of all nodes */
    uint32_t chosen_count;
    uint32_t chosen_room;
    struct stand *stands;
    uint32_t stand_count;
    uint32_t stand_room;
    struct node bare; /* a node without some of its allocations */
};

/* What is asked of a node: one instance's shape and window, and which nodes may answer. */
struct question {
    struct planner_id tenant;
    uint32_t tenant_tag;
    struct planner_shape shape;
    int64_t from;
    int64_t to;
    uint32_t avoid; /* node, or NONE */
    bool in_zone;
    uint32_t zone; /* if in_zone: group number, or NONE if there is no such zone */
    enum planner_scope near_scope;
    uint32_t near_group; /* NONE: anywhere */
    uint32_t only_node;  /* of those; NONE: any */
    uint32_t beside;     /* of evictions that lose the same the one nearest to this node; NONE: to none */
    enum planner_spread spread;
    uint64_t only_gpus;             /* on these GPUs; 0: on any */
    enum planner_scope apart_level; /* PLANNER_FLEET: no spread; else not in groups that planner->apart marks */
    bool preemptible;
    bool preempts; /* what preempt_may lets go is not in the way */
    bool spares_unbegun;
    int64_t evict_from;
    /* for explanations: how many would fit if this did not matter */
    bool ignore_plannable;
    bool ignore_taken;
    bool ignore_cpu;
    bool ignore_memory;
};

/* A group and how many instances it takes, at most. */
struct ranked {
    uint32_t bound;
    uint32_t place; /* in level->groups */
};

/* A node that takes some instances of a gang. */
struct tried {
    uint32_t node;
    uint32_t count;
    int64_t score;
    uint32_t order; /* in which it was tried */
};

/* Some instances of a gang on one node. */
struct pick {
    uint32_t node;
    uint32_t count;
};

/* A change of several steps that stands as a whole or leaves no trace, inside a batch or outside. */
struct attempt {
    bool own; /* the batch is the attempt's own */
    uint32_t savepoint;
};

/* What is free on a node for all of a window. */
struct room {
    uint64_t whole; /* GPUs that are free as a whole, a bit each */
    uint64_t parts; /* and those of which a part is free */
    int64_t cpu_milli;
    int64_t memory_mib;
    uint32_t free_milli[PLANNER_NODE_GPUS_MAX]; /* of each GPU that the node has */
    /* once gaps_measure was asked */
    int64_t length_s;                        /* of the window; PLANNER_OPEN: for good */
    int32_t wasted_s[PLANNER_NODE_GPUS_MAX]; /* of the time of each whole one, if it is taken */
};

struct fit {
    uint32_t count; /* instances that fit together */
    uint32_t score; /* what placing one leaves behind; less is better */
};

/* From this start on a node takes another number of instances. */
struct event {
    int64_t instant;
    uint32_t node;
    uint32_t before;
    uint32_t after;
};

struct counted {
    uint32_t best;     /* the most within one group */
    uint32_t group;    /* that group, or NONE */
    uint32_t fleet;    /* the most anywhere */
    bool model_exists; /* some node has an allowed model and stands in the zone */
};

static inline int64_t instant_add(int64_t instant, int64_t seconds)
{
    return instant == PLANNER_OPEN ? PLANNER_OPEN : instant + seconds;
}

static inline bool id_equal(struct planner_id a, struct planner_id b)
{
    return __builtin_memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static inline bool id_is_none(struct planner_id id)
{
    return id_equal(id, (struct planner_id){{0}});
}

static inline bool key_equal(const struct planner_key *a, const struct planner_key *b)
{
    return a->ordinal == b->ordinal && id_equal(a->reservation, b->reservation);
}

/* A share's pieces are smaller than a GPU, whole GPUs are never. */
static inline bool slice_is_share(const struct slice *slice)
{
    return slice->slots_to - slice->slots_from < PLANNER_GPU_MILLI;
}

/* How many bits are set. The compiler's own is a call where the processor's instruction may not be relied on. */
static inline uint32_t bits_of(uint64_t mask)
{
    mask -= mask >> 1 & UINT64_C(0x5555555555555555);
    mask = (mask & UINT64_C(0x3333333333333333)) + (mask >> 2 & UINT64_C(0x3333333333333333));
    mask = (mask + (mask >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(mask * UINT64_C(0x0101010101010101) >> 56);
}

static inline uint64_t gpu_mask(uint32_t first, uint32_t count)
{
    return count == 0 ? 0 : (UINT64_MAX >> (64 - count)) << first;
}

static inline uint64_t slice_gpus(const struct slice *slice)
{
    uint32_t first = (uint32_t)slice->slots_from / PLANNER_GPU_MILLI;
    return gpu_mask(first, (uint32_t)(slice->slots_to - 1) / PLANNER_GPU_MILLI - first + 1);
}

static inline bool slots_overlap(const struct slice *a, const struct slice *b)
{
    return a->slots_from < b->slots_to && b->slots_from < a->slots_to;
}

static inline uint32_t group_of(const struct planner *planner, enum planner_scope scope, uint32_t node)
{
    return scope == PLANNER_FLEET ? 0 : planner->nodes[node].groups[scope];
}

/* ids.c */
void *array_grow(void *array, size_t element_size, uint32_t *room, uint32_t need);
uint64_t hash_mix(uint64_t value);
uint64_t id_hash(struct planner_id id);
/* Stands beside slices, so that most tenants are told apart without their allocations' records. */
uint32_t tenant_tag(struct planner_id tenant);
uint32_t id_map_get(const struct id_map *map, struct planner_id id);
/* The number of id; a new one gets the next number. */
uint32_t id_map_put(struct id_map *map, struct planner_id id);

/* planner.c */
const char *planner_shape_wrong(const struct planner_shape *shape);

/* fleet.c */
uint32_t model_find(const struct planner *planner, const char *name);

/* allocations.c: records and their keys. `after` NONE: the first under this key, otherwise the next after it. */
uint32_t allocation_find(const struct planner *planner, const struct planner_key *key, uint32_t after);
/* The key will be looked for soon: where it would be comes into the cache meanwhile. */
void allocation_expect(const struct planner *planner, const struct planner_key *key);
/* The same for all instances of a reservation, in no order. */
uint32_t allocation_sibling(const struct planner *planner, struct planner_id reservation, uint32_t after);
/* Puts an allocation with its slices on its node; allocation->node says where. Logged if a batch is open. */
uint32_t allocation_add(struct planner *planner, const struct allocation *allocation, const struct slice *slices,
                        uint32_t slice_count);
void allocation_remove(struct planner *planner, uint32_t index);
/* Walks an allocation's slices in the order of their node's: *at is 0 before the first. NULL behind the last. */
const struct slice *allocation_slice_next(const struct planner *planner, uint32_t index, uint32_t *at);
/* Copies an allocation's slices into planner->cut and returns how many. */
uint32_t allocation_slices(struct planner *planner, uint32_t index);
/* When nothing of it is left, turnaround included. */
int64_t allocation_over(const struct planner *planner, uint32_t index);

/* undo.c */
void undo_added(struct planner *planner, uint32_t index);
void undo_removed(struct planner *planner, uint32_t index);
void change_note(struct planner *planner, uint32_t allocation);
struct attempt attempt_begin(struct planner *planner);
void attempt_keep(struct planner *planner, struct attempt attempt);
/* Takes everything back since attempt_begin; the attempt goes on. */
void attempt_undo(struct planner *planner, struct attempt attempt);

/* timeline.c */
void timeline_insert(struct node *node, const struct slice *slice);
/* Takes all of an allocation off its node; returns the GPUs it was on. */
uint64_t timeline_remove(struct node *node, uint32_t allocation);
void timeline_hold(struct node *node, const struct hold *hold);
/* The first slice that begins at or after `instant`. */
uint32_t timeline_from(const struct node *node, int64_t instant);
/* The first hold that may reach beyond `instant`. */
uint32_t timeline_hold_first(const struct node *node, int64_t instant);
/* The first slice that may reach beyond `instant`: no earlier one does. */
uint32_t timeline_first(const struct node *node, int64_t instant);
/* Whether a slice is in the way of a question put to its node, whose window with turnaround ends at `clean`. */
bool timeline_blocks(const struct planner *planner, const struct slice *slice, const struct question *question,
                     int64_t clean);
uint64_t timeline_free_gpus(const struct planner *planner, const struct node *node, const struct question *question);
/* Milli free on each GPU at every instant of the question's window and turnaround. */
void timeline_free_milli(const struct planner *planner, const struct node *node, const struct question *question,
                         uint32_t free_milli[PLANNER_NODE_GPUS_MAX]);
/* The most CPU and memory held at one instant of [from, to). */
void timeline_peak(const struct node *node, int64_t from, int64_t to, int64_t *ret_cpu_milli, int64_t *ret_memory_mib);
/* The same for a question's window, without what it may evict. */
void timeline_peak_for(const struct planner *planner, const struct node *node, const struct question *question,
                       int64_t *ret_cpu_milli, int64_t *ret_memory_mib);

/* slots.c: which GPUs */
uint32_t slots_instances(uint64_t free_gpus, uint32_t gpus, uint32_t k, enum planner_grouping grouping);
/* k of the free GPUs by the grouping rule, which must be possible, neighbours first. */
uint64_t slots_choose(uint64_t free_gpus, uint32_t gpus, uint32_t k, enum planner_grouping grouping);

/* share.c: which milli of a GPU. Appends slices (without their allocation) to planner->cut; returns how many. */
uint32_t share_slices(struct planner *planner, const struct node *node, const struct question *question, uint32_t gpu);

/* fit.c */
bool fit_eligible(const struct planner *planner, const struct node *node, const struct question *question);
struct fit fit_node(const struct planner *planner, const struct node *node, const struct question *question);
/* How many instances fit together, and, if any, in what room. */
uint32_t fit_room(const struct planner *planner, const struct node *node, const struct question *question,
                  struct room *ret);

/* mix.c */
/* An allocation came or went. */
void mix_count(struct planner *planner, const struct allocation *allocation, bool added);
/* Instances of a shape, of which there are `count`. */
struct mix_class mix_class_of(const struct planner_shape *shape, int64_t count);
/* must() that the mixes are what a recount makes of the allocations. */
void mix_verify(struct planner *planner);

/* gaps.c: what taking a GPU for the window wastes of its time around the window */
void gaps_measure(const struct node *node, const struct question *question, struct room *room);
/* The time wasted on the `count` wholly free GPUs that waste the least. */
int64_t gaps_wasted(const struct room *room, uint32_t count);
/* k of the wholly free GPUs by the grouping rule, which must be possible, where they waste the least; but such that as
 * many more of these instances fit beside them as the node was counted to take. */
uint64_t gaps_choose(const struct room *room, uint32_t gpus, uint32_t k, enum planner_grouping grouping);

/* fragmentation.c; the room's gaps are measured */
/* What is lost if `count` instances are taken out of the room, on a node that serves this mix; less is better. */
int64_t fragmentation_score(const struct mix *mix, const struct room *room, const struct planner_shape *shape,
                            uint32_t count);
/* What others lose, to be added to that where a request may have several models: the more, the more of the model is held. */
int64_t fragmentation_demand(const struct model *model, const struct planner_shape *shape, uint32_t count);
/* On which GPU of the room the share loses least. */
uint32_t fragmentation_gpu(const struct mix *mix, const struct room *room, const struct planner_shape *shape);

/* search.c */
/* A node for `need` instances: the one that is left with the least, fullest nodes first; NONE if no node can. */
uint32_t search_node(struct planner *planner, const struct question *question, const struct planner_request *request,
                     uint32_t need);
struct question question_of(const struct planner *planner, const struct planner_request *request);
/* The i-th model that the request allows, or NULL if the fleet has no such model; i < request_models. */
uint32_t request_models(const struct planner *planner, const struct planner_request *request);
struct model *request_model(struct planner *planner, const struct planner_request *request, uint32_t i);

/* groups.c */
/* Fills planner->picks with places for `count` instances within `limit`, tightest scope first, or returns false. */
bool search_gang(struct planner *planner, const struct question *question, const struct planner_request *request,
                 enum planner_scope limit);
/* How many instances fit, all of one model: within one group of the scope, and anywhere. Looks closely at every node
 * that may take one. */
struct counted search_count(struct planner *planner, const struct question *question,
                            const struct planner_request *request, enum planner_scope scope);

/* windows.c */
/* The earliest start from the question's to start_to at which the request fits within `limit`. */
bool earliest_start(struct planner *planner, const struct question *question, const struct planner_request *request,
                    enum planner_scope limit, int64_t start_to, int64_t *ret_from);

/* place.c */
/* The first allocation under the key that is held after `instant`, or NONE. */
uint32_t held_after(const struct planner *planner, const struct planner_key *key, int64_t instant);
/* Takes a place on the node, which must have it, and returns the allocation. */
uint32_t take(struct planner *planner, uint32_t node, const struct question *question, struct planner_key key);
/* Takes what the search picked, for planner->ordinals in their order: planner->taken. */
void take_picks(struct planner *planner, const struct question *question, struct planner_id reservation);
void cut_allocation(struct planner *planner, uint32_t allocation, int64_t instant);
/* Begins and ends a list of allocations in planner->given. */
void give_begin(struct planner *planner);
void give(struct planner *planner, uint32_t allocation);
void give_end(struct planner *planner);
/* planner->ordinals are those of the request. */
void ordinals_of(struct planner *planner, const struct planner_request *request);

/* spread.c */
/* Makes room in planner->apart for the level's groups. */
void spread_reserve(struct planner *planner, enum planner_scope level);
/* Marks in planner->apart, or unmarks, where the reservation holds something after `instant`; not of `but`. */
void spread_mark(struct planner *planner, struct planner_id reservation, uint32_t but, int64_t instant,
                 enum planner_scope level, bool value);
/* The level of a spread; PLANNER_FLEET for none. */
enum planner_scope spread_level(enum planner_spread spread);

/* preempt.c */
/* Whether the allocation may be evicted to make room for the question. */
bool preempt_may(const struct planner *planner, uint32_t allocation, const struct question *question);
/* Whether the request may evict anybody at all. */
bool preempt_any(const struct planner *planner, const struct planner_request *request);
/* Cuts what must go so that the request has a place within `limit`, and tells it in planner->evictions. False: there
 * is no place even so, and nothing has changed. */
bool preempt_gang(struct planner *planner, const struct question *question, const struct planner_request *request,
                  enum planner_scope limit);
/* Into planner->instants: those after `after` at which those are gone and clean who are told to go at evict_from. */
void preempt_instants(struct planner *planner, int64_t evict_from, int64_t after);
/* The first start after the request's, soon after evict_from, at which it fits if it evicts. */
bool preempt_later(struct planner *planner, const struct planner_request *request, int64_t *ret_from);
/* The same as preempt_gang for one instance on one node, which adds to planner->evictions. */
bool preempt_node(struct planner *planner, const struct question *question, uint32_t node);

/* extend.c */
/* The GPUs that an allocation holds last. */
uint64_t allocation_gpus(struct planner *planner, uint32_t allocation);
/* Takes an allocation off its node to put it back with a later end: the question, but for its end, is whether its GPUs
 * are free from its present end on. */
struct question onward_begin(struct planner *planner, uint32_t allocation);
/* Puts it back, held until the question's end, which must be free. */
void onward_end(struct planner *planner, struct allocation *body, const struct question *onward);

/* earliest.c */
/* The request begun at another time, the same length. */
struct planner_request request_at(const struct planner_request *request, int64_t from);
/* Sorts planner->instants, each once. */
void instants_sort(struct planner *planner);

/* relax.c */
/* The latest end from least_to on, before the request's, with which it fits; the request itself does not. */
bool relax_shorter(struct planner *planner, const struct planner_request *request, int64_t least_to, int64_t *ret_to);
/* The most instances from `least` on, less than the request's, of which it fits. */
bool relax_smaller(struct planner *planner, const struct planner_request *request, uint32_t least, uint32_t *ret_count);

/* refuse.c */
enum planner_scope scope_limit(const struct planner_request *request);
/* The first thing that, if it did not matter, would let `asked` instances fit on the node. */
enum planner_binding binding_on(const struct planner *planner, const struct question *question, uint32_t node);
struct planner_refusal refuse(struct planner *planner, const struct question *asked,
                              const struct planner_request *request);

/* usage.c, read.c */
/* When the turnaround that a whole slice owes behind one of its GPUs is over, or cut short by who follows. */
int64_t turnaround_end(const struct node *node, const struct slice *slice, uint32_t gpu);
/* An allocation without its rectangles. */
struct planner_allocation allocation_told(const struct planner *planner, uint32_t allocation);
/* Appends the rectangles of an allocation to planner->rectangles. */
void rectangles_append(struct planner *planner, uint32_t allocation);
void rectangles_sort(struct planner_rectangle *rectangles, uint32_t count);
