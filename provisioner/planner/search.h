/* What the files that look for places share: the question, what a node has for it, and the doors from the single node to
 * the gang, from the window to its alternatives. Nobody outside this folder includes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/internal.h"

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

/* timeline.c */
/* Whether a slice is in the way of a question put to its node, whose window with turnaround ends at `clean`. */
bool timeline_blocks(const struct planner *planner, const struct slice *slice, const struct question *question,
                     int64_t clean);
/* Milli free on each GPU at every instant of the question's window and turnaround. */
void timeline_free_milli(const struct planner *planner, const struct node *node, const struct question *question,
                         uint32_t free_milli[PLANNER_NODE_GPUS_MAX]);
/* The most CPU and memory held at one instant of the question's window, without what it may evict. */
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
/* Ends it, as the verdict of what was placed. */
struct planner_verdict give_verdict(struct planner *planner);

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
/* The latest end up to `to` that is free on the node; the start of `onward` if none is. */
int64_t onward_latest(const struct planner *planner, const struct node *node, struct question *onward, int64_t to);
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
