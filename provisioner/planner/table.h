/* The index over the timelines: which GPUs are busy when, roughly, and how many nodes have how many of them free, so
 * that a search looks closely only at nodes that can fit. Roughly, but never wrong to a request's harm: a GPU is busy
 * in here only if no question of its tier can have it. docs/planner.md draws it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/planner.h"

struct question;

/* Nodes are seated by 32 in blocks, those of one fabric together. Each has a lane there: its byte in every row of the
 * block's cells, so that one vector operation is about all 32. */
#define LANES 32

/* Time: a ring of buckets from planner->table_base on. Rows of the index stand for a bucket, or for 4, 16 or 64. */
#define BUCKET_S INT64_C(10800) /* three hours */
#define BUCKETS  512            /* 64 days: what is booked ahead */
#define DEPTHS   4              /* 1, 4, 16, 64 buckets */
#define PIECES   (BUCKETS + BUCKETS / 4 + BUCKETS / 16 + BUCKETS / 64)
/* The ring begins at a multiple of so many buckets: two days. */
#define BASE_STEP 16

/* Rows: at some instant of a piece of time; during all of a bucket; and always (GPUs that are not there). */
#define ROW_ACROSS PIECES
#define ROW_ALWAYS (PIECES + BUCKETS)
#define ROWS       (ROW_ALWAYS + 1)

/* Questions by what they need of one GPU: all of it, or a share of at least so much. */
#define TIERS 3

/* How many GPUs a node has free is counted up to here. */
#define STEPS 8
/* What is counted of a block's nodes: those with at least 1, 2, ... GPUs free, and those with any free for the tiers of
 * shares. */
#define COUNTS (STEPS + TIERS - 1)

/* Counts of so many blocks lie together, all of their rows, so that a change writes to neighbouring lines; they are
 * read stretch by stretch, and no further than a search gets. A count of a stretch fills a cache line. */
#define STRETCH 64

struct block {
    /* [ROWS][LANES]: a byte of eight bits, set: busy. Tiers of shares: NULL while no share is here. */
    uint8_t *cells[TIERS];
    uint8_t scale[LANES]; /* GPUs that a bit stands for: more than one on nodes of more than eight */
    uint32_t seated;      /* lanes in use */
    uint32_t cordoned;    /* lanes of nodes that take nothing new */
    uint32_t fabric;      /* whose nodes sit here */
    bool stale;           /* its counts must be made anew */
};

/* The nodes of a group that sit in one block. */
struct part {
    uint32_t block;
    uint32_t lanes;
    uint32_t count; /* of lanes */
};

/* A group of a level. */
struct level_group {
    uint32_t group; /* its number among all models' */
    uint32_t first; /* of its parts; they end where the next group's begin */
};

/* One level of groups (racks, leaves, ...) of one model's nodes. */
struct level {
    struct part *parts; /* group by group */
    uint32_t part_count;
    uint32_t part_room;
    struct level_group *groups;
    uint32_t group_count;
    uint32_t group_room;
    uint32_t nodes_most; /* of one group */
};

/* The rows whose OR tells what is busy in a window. */
struct rows {
    uint32_t count;
    uint16_t at[2 + 2 * 3 * DEPTHS + BUCKETS / 64];
};

/* One GPU model's index. */
struct table {
    struct block *blocks;
    uint32_t block_count;
    uint32_t block_room;
    uint32_t *columns;  /* [block][lane]: the node there, or NONE */
    uint8_t *cells;     /* [block][ROWS][LANES]: those of tier 0 */
    uint8_t *counts;    /* [stretch][ROWS][COUNTS][block of the stretch] */
    int64_t *open_from; /* by block: outside these no node takes anything new */
    int64_t *open_until;
    bool levels_stale;
    struct level levels[PLANNER_SCOPE_COUNT];

    /* The index as one question reads it, for its window (probe.c): bounds from above, filled as far as the search
     * gets. What was filled for the present probe bears its number. */
    uint64_t probe;
    struct rows rows;
    uint32_t tier;                    /* of the question's share; TIERS if it is a very small one, 0 for whole GPUs */
    uint64_t *least_probe[STEPS + 1]; /* by stretch */
    uint8_t *least[STEPS + 1]; /* by block: nodes with at least so many GPUs free; [0]: with room for the share */
    uint64_t *instances_probe; /* by stretch */
    uint32_t *instances;       /* by block: how many fit at most */
    uint64_t *fits_probe;      /* by block */
    uint16_t *fits;            /* by column: how many instances at most */
};

/* Bounds of a block's nodes: GPUs free for all of the window, and GPUs that the share may fit on. */
struct block_bounds {
    uint8_t whole[LANES];
    uint8_t share[LANES];
};

extern const uint32_t table_tier_milli[TIERS];
extern const uint32_t table_piece_row[DEPTHS];
extern const uint32_t table_piece_buckets[DEPTHS];

/* cells.c */
struct sweep *sweep_new(void);
int64_t bucket_of(int64_t instant);
uint32_t ring_of(int64_t bucket);
struct node;
/* All cells of a node that was just seated, or that leaves its seat. Its block is stale. */
void cells_fill(struct planner *planner, const struct node *node);
void cells_clear(struct planner *planner, const struct node *node);
/* Counts a block anew. */
void counts_make(struct table *table, uint32_t block);
/* Slices on some of a node's GPUs came or went within [from, to). */
void table_refresh(struct planner *planner, uint32_t node, uint64_t gpus, int64_t from, int64_t to);
/* The same will be told soon: the cells come into the cache meanwhile. */
void table_prefetch(const struct planner *planner, uint32_t node, int64_t from, int64_t to);
/* The index shall cover the time from `instant` on. */
void table_move(struct planner *planner, int64_t instant);
/* The same time as another planner's. */
void table_follow(struct planner *planner, const struct planner *other);

/* seats.c */
void table_free(struct table *table);
/* Before a question about `asked` or later: seats who has no seat. */
void table_ready(struct planner *planner, int64_t asked);
/* The node is new, or its groups changed: it sits where it belongs from the next question on. */
void unseat(struct planner *planner, struct node *node);
/* Its cordon may have changed. */
void seat_mark(struct planner *planner, const struct node *node);
/* The place of a group in level->groups, or NONE. */
uint32_t level_find(const struct level *level, uint32_t group);

/* probe.c */
struct model;
/* Sets out to answer a question from the model's index; what was seen for the last one is forgotten. */
void probe_begin(struct planner *planner, struct model *model, const struct question *question);
/* Fills table->least for a step and a stretch. */
void probe_least_fill(struct table *table, uint32_t step, uint32_t stretch);

/* Where the row's counts of the stretch of `block` are, from `block` on. */
static inline uint8_t *counts_at(const struct table *table, size_t row, uint32_t count, uint32_t block)
{
    return table->counts + ((block / STRETCH * ROWS + row) * COUNTS + count) * STRETCH + block % STRETCH;
}

/* By block: at most so many nodes have `step` GPUs free for all of the window (0: have room for the share). Filled for
 * the stretch that `block` lies in. */
static inline const uint8_t *probe_least(struct table *table, uint32_t step, uint32_t block)
{
    if (table->least_probe[step][block / STRETCH] != table->probe)
        probe_least_fill(table, step, block / STRETCH);
    return table->least[step];
}
/* Whether some node of the block may be plannable for the window. */
bool probe_plannable(const struct table *table, uint32_t block, const struct question *question);
/* Whether table->fits has the block's nodes. */
static inline bool probe_has_fits(const struct table *table, uint32_t block)
{
    return table->fits_probe[block] == table->probe;
}
/* The block will be looked at soon: its cells come into the cache meanwhile. */
void probe_prefetch(const struct table *table, uint32_t block);
void probe_block(const struct table *table, uint32_t block, struct block_bounds *ret);
/* By block: at most so many instances fit, each within its node. Filled for the stretch that `block` lies in. */
const uint32_t *probe_instances(struct planner *planner, struct model *model, const struct question *question,
                                uint32_t block);
/* The same for all blocks. */
const uint32_t *probe_instances_all(struct planner *planner, struct model *model, const struct question *question);
/* By block: how many instances fit at most in a window that holds all of a row's time. After probe_begin. */
void probe_row(const struct model *model, const struct question *question, size_t row, uint32_t *ret_instances);
/* The most instances that one node of the model can take. */
uint32_t probe_node_most(const struct model *model, const struct question *question);
/* Fills table->fits for a block's nodes with bounds. */
void probe_fits(struct model *model, const struct question *question, uint32_t block);
