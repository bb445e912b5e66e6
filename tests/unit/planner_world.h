/* A small fleet, what a database would know of it, and an oracle over just that, for property tests of the planner.
 *
 * The oracle is naive: it counts by hours and tries every subset of GPUs. All of its world happens at full hours. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tests/unit/planner_fleet.h"
#include "tests/unit/property.h"

#define NODES_MAX      6
#define GPUS_MAX       8
#define ROWS_MAX       512
#define RECTANGLES_MAX 64
#define END_H          400 /* nothing finite reaches here */

/* One allocation on one node, as the database keeps it. */
struct row {
    struct planner_allocation allocation; /* its rectangles are those below */
    struct planner_rectangle rectangles[RECTANGLES_MAX];
};

/* How often something happened, so that a property can tell that it was tried. */
#define TALLIES(X)                                                                                                     \
    X(PLACED)                                                                                                          \
    X(REFUSED)                                                                                                         \
    X(SPREAD)                                                                                                          \
    X(EVICTED)                                                                                                         \
    X(GANG_EVICTED)                                                                                                    \
    X(LEAST_LOSS)                                                                                                      \
    X(EARLIEST)                                                                                                        \
    X(RELAXED)                                                                                                         \
    X(OFFERED)                                                                                                         \
    X(OFFERED_SHARES)                                                                                                  \
    X(OFFERED_SPREAD)                                                                                                  \
    X(OFFERED_MODELS)                                                                                                  \
    X(OFFERED_LESS)                                                                                                    \
    X(OFFERED_SEVERAL)                                                                                                 \
    X(AMENDED)                                                                                                         \
    X(UNAMENDED)                                                                                                       \
    X(EXTENDED)                                                                                                        \
    X(REPLACED)                                                                                                        \
    X(BLOCKED)                                                                                                         \
    X(HIT)

enum tally {
#define X(name) TALLY_##name,
    TALLIES(X)
#undef X
        TALLY_COUNT
};

struct world {
    struct property random;
    struct planner *planner;
    struct planner_node nodes[NODES_MAX];
    uint32_t node_count;
    uint32_t reservations;
    int64_t now_h;
    uint32_t *tally; /* [TALLY_COUNT] */
    uint32_t row_count;
    struct row rows[ROWS_MAX];
};

static inline int64_t between(struct world *world, int64_t least, int64_t most)
{
    return property_between(&world->random, least, most);
}

static inline bool chance(struct world *world, int64_t percent)
{
    return between(world, 1, 100) <= percent;
}

static inline bool same_id(struct planner_id a, struct planner_id b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static inline bool same_key(const struct planner_key *a, const struct planner_key *b)
{
    return a->ordinal == b->ordinal && same_id(a->reservation, b->reservation);
}

/* -- planner_world.c -------------------------------------------------------------------------------------------- */

struct world *world_new(struct property random, uint32_t *tally);
void world_free(struct world *world);
/* A request that nobody made yet; about half of them fit. */
struct planner_request request_any(struct world *world);
/* The same as a question: half of the firm ones may evict. */
struct planner_request question_any(struct world *world);
/* A key that may hold something. */
struct planner_key key_any(struct world *world);
/* Deletes and inserts the rows that changed, as the planner's user does. */
void store(struct world *world);
/* The exclusion constraint, and a planner that is rebuilt from the rows. */
void world_check(const struct world *world);
/* Cordons come and go, time passes and the past is forgotten. */
void between_batches(struct world *world);
/* One to four steps in a batch, which is kept or taken back, in part or as a whole. */
void batch(struct world *world, void (*step)(struct world *));
/* What was placed is what was asked for: its amount at every hour, its groups, its model, its scope and its spread. */
void assert_as_asked(const struct world *world, const struct planner_request *request,
                     const struct planner_allocation *allocations);
void step_place(struct world *world);
/* Releases, cuts, replaces. */
void step_lose(struct world *world);

/* -- planner_oracle.c ------------------------------------------------------------------------------------------- */

int64_t row_start(const struct row *row);
int64_t row_end(const struct row *row);
/* The row of an instance that holds something after `instant`, or NULL. */
const struct row *row_held(const struct world *world, const struct planner_key *key, int64_t instant);
struct planner_id group_of(const struct planner_node *node, enum planner_scope scope);
/* Milli of a GPU that are not to be had by the request at an instant. */
int32_t taken_milli(const struct world *world, const struct planner_request *request, const struct planner_node *node,
                    uint32_t gpu, int64_t instant);
/* How many instances a node can take. */
uint32_t node_takes(const struct world *world, const struct planner_request *request, const struct planner_node *node);
/* How many of `count` instances have their CPU and memory on the node. */
uint32_t cpu_and_memory(const struct world *world, const struct planner_request *request,
                        const struct planner_node *node, uint32_t count);
bool groups_keep(uint32_t subset, uint32_t gpus, uint32_t k, enum planner_grouping grouping);
/* The most instances of one model within one group of the scope. */
uint32_t most_within(const struct world *world, const struct planner_request *request, enum planner_scope scope);
enum planner_scope scope_allowed(const struct planner_request *request);
/* Whether it fits, with evictions if it may. */
bool fits(struct world *world, const struct planner_request *request);
/* The first start, so many full hours behind the request's own, at which as long a window fits; -1: none. */
int64_t first_start(struct world *world, const struct planner_request *request, int64_t least_h, int64_t most_h);
/* Rows that may be evicted for the request and hold a GPU or CPU that it might use; at most `room`. */
uint32_t victims_of(const struct world *world, const struct planner_request *request, uint32_t room, uint32_t ret[]);
/* Another world of the same rows, about the same planner; the caller frees it with free. */
struct world *world_copy(const struct world *world);
/* When a row must end so that the request may begin. */
int64_t cut_for(const struct planner_request *request, const struct row *row);
/* Ends a row; false: it is gone. */
bool row_cut(struct row *row, int64_t instant);
/* The world without those of the rows whose bit is set; the caller frees it with free. */
struct world *world_without(const struct world *world, const struct planner_request *request, const uint32_t rows[],
                            uint32_t count, uint32_t set);
int64_t row_loss(const struct planner_request *request, const struct row *row);

static inline int64_t plus(int64_t instant, int64_t seconds)
{
    return instant == PLANNER_OPEN ? PLANNER_OPEN : instant + seconds;
}

static inline int64_t hours_end(int64_t to)
{
    return to == PLANNER_OPEN ? END_H * HOUR : to;
}
