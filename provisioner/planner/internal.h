/* The planner's state, and the doors between its parts: fleet, allocations, timelines, undo log. What searches in it
 * shares search.h. Nobody outside this folder includes either. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/alloc.h"
#include "common/must.h"
#include "provisioner/idmap.h"
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
    uint32_t groups[LEVELS]; /* by scope: dense numbers of itself and of the groups that it is in */
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
    struct idmap node_ids; /* to their dense numbers, as groups */
    struct idmap groups[LEVELS];
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
    struct host *hosts;
    uint32_t host_count;
    uint32_t host_room;
    struct node bare; /* a node without some of its allocations */
};

/* A change of several steps that stands as a whole or leaves no trace, inside a batch or outside. */
struct attempt {
    bool own; /* the batch is the attempt's own */
    uint32_t savepoint;
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
/* The number of id, or NONE. */
uint32_t id_find(const struct idmap *map, struct planner_id id);
/* The number of id; a new one gets the next number. */
uint32_t id_put(struct idmap *map, struct planner_id id);
struct planner_id id_of_slot(const struct idmap_slot *slot);

/* planner.c */
const char *planner_shape_wrong(const struct planner_shape *shape);

/* fleet.c */
uint32_t model_find(const struct planner *planner, const char *name);

/* allocations.c: records and their keys. `after` NONE: the first under this key, otherwise the next after it. */
uint32_t allocation_find(const struct planner *planner, const struct planner_key *key, uint32_t after);
/* The key will be looked for soon: where it would be comes into the cache meanwhile. */
void allocation_prefetch(const struct planner *planner, const struct planner_key *key);
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
/* The most CPU and memory held at one instant of [from, to). */
void timeline_peak(const struct node *node, int64_t from, int64_t to, int64_t *ret_cpu_milli, int64_t *ret_memory_mib);

/* mix.c */
/* An allocation came or went. */
void mix_count(struct planner *planner, const struct allocation *allocation, bool added);
/* Instances of a shape, of which there are `count`. */
struct mix_class mix_class_of(const struct planner_shape *shape, int64_t count);
/* must() that the mixes are what a recount makes of the allocations. */
void mix_verify(struct planner *planner);

/* usage.c, read.c */
/* When the turnaround that a whole slice owes behind one of its GPUs is over, or cut short by who follows. */
int64_t turnaround_end(const struct node *node, const struct slice *slice, uint32_t gpu);
/* An allocation without its rectangles. */
struct planner_allocation allocation_told(const struct planner *planner, uint32_t allocation);
/* Appends the rectangles of an allocation to planner->rectangles. */
void rectangles_append(struct planner *planner, uint32_t allocation);
