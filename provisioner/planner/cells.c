/* Writing the index: a node's cells from its timeline, the cells of longer times from those, and the counts over a
 * block's nodes. A change touches the buckets of its own window, the GPUs of its own slots, and nothing else. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

/* A GPU is busy for a tier if it has less than this free. A share asks the highest tier that is not above it. */
const uint32_t table_tier_milli[TIERS] = {PLANNER_GPU_MILLI, 500, 200};
/* Pieces of time by how long they are: where their rows begin, and how many buckets one has. */
const uint32_t table_piece_row[DEPTHS] = {0, BUCKETS, BUCKETS + BUCKETS / 4, BUCKETS + BUCKETS / 4 + BUCKETS / 16};
const uint32_t table_piece_buckets[DEPTHS] = {1, 4, 16, 64};

/* What is busy in each bucket of a stretch of time, a bit per GPU. */
struct sweep {
    uint64_t within[TIERS][BUCKETS];
    uint64_t across[TIERS][BUCKETS];
    /* milli of one GPU that shares take: at the bucket's start, all across it, and the largest one in it */
    uint16_t at_start[BUCKETS];
    uint16_t always[BUCKETS];
    uint16_t single[BUCKETS];
    /* what the counts must follow */
    uint32_t move_count;
    struct move {
        uint16_t row;
        uint8_t from_step;
        uint8_t to_step;
    } moves[ROWS];
};

struct sweep *sweep_new(void)
{
    return alloc_zero(1, sizeof(struct sweep));
}

int64_t bucket_of(int64_t instant)
{
    return instant / BUCKET_S - (instant % BUCKET_S < 0);
}

uint32_t ring_of(int64_t bucket)
{
    return (uint32_t)((uint64_t)bucket % BUCKETS); /* a power of two, so right for negative ones, too */
}

/* Buckets of a slice, counted from the stretch's first and clipped to it: those it touches, [touched, end), and those
 * whose start (full) and whose end (full_end) lie in it. */
struct span {
    int64_t touched;
    int64_t end;
    int64_t full;
    int64_t full_end;
};

static int64_t clip(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

static struct span span_of(const struct slice *slice, int64_t first, int64_t count)
{
    bool open = slice->to == PLANNER_OPEN;
    return (struct span){
        .touched = clip(bucket_of(slice->from) - first, count),
        .end = open ? count : clip(bucket_of(slice->to - 1) + 1 - first, count),
        .full = clip(bucket_of(slice->from - 1) + 1 - first, count),
        .full_end = open ? count : clip(bucket_of(slice->to) - first, count),
    };
}

/* Whether it is held for some of the time from `first` on; pure turnaround never is. */
static bool is_held(const struct slice *slice, int64_t first)
{
    return slice->from < slice->to && slice->to > first * BUCKET_S;
}

/* Fills tier 0 with what is held whole; returns the GPUs that shares are on. */
static uint64_t sweep_whole(struct sweep *sweep, const struct node *node, uint64_t gpus, int64_t first, int64_t count)
{
    uint64_t shared = 0;
    memset(sweep->within[0], 0, (size_t)count * sizeof sweep->within[0][0]);
    memset(sweep->across[0], 0, (size_t)count * sizeof sweep->across[0][0]);
    int64_t end = (first + count) * BUCKET_S;
    for (uint32_t i = timeline_first(node, first * BUCKET_S); i < node->slice_count && node->slices[i].from < end;
         i++) {
        const struct slice *slice = &node->slices[i];
        uint64_t mask = slice_gpus(slice) & gpus;
        if (mask == 0 || !is_held(slice, first))
            continue;
        if (slice_is_share(slice)) {
            shared |= mask;
            continue;
        }
        struct span span = span_of(slice, first, count);
        for (int64_t at = span.touched; at < span.end; at++)
            sweep->within[0][at] |= mask;
        for (int64_t at = span.full; at < span.full_end; at++)
            sweep->across[0][at] |= mask;
    }
    return shared;
}

/* Milli that shares take of one GPU. Slots taken at one instant are disjoint, so they add up. */
static void sweep_milli(struct sweep *sweep, const struct node *node, uint32_t gpu, int64_t first, int64_t count)
{
    memset(sweep->at_start, 0, (size_t)count * sizeof sweep->at_start[0]);
    memset(sweep->always, 0, (size_t)count * sizeof sweep->always[0]);
    memset(sweep->single, 0, (size_t)count * sizeof sweep->single[0]);
    int64_t end = (first + count) * BUCKET_S;
    for (uint32_t i = timeline_first(node, first * BUCKET_S); i < node->slice_count && node->slices[i].from < end;
         i++) {
        const struct slice *slice = &node->slices[i];
        if (!slice_is_share(slice) || (slice_gpus(slice) >> gpu & 1) == 0 || !is_held(slice, first))
            continue;
        struct span span = span_of(slice, first, count);
        uint16_t milli = (uint16_t)(slice->slots_to - slice->slots_from);
        for (int64_t at = span.touched; at < span.end; at++)
            sweep->single[at] = milli > sweep->single[at] ? milli : sweep->single[at];
        for (int64_t at = span.full; at < span.end; at++)
            sweep->at_start[at] = (uint16_t)(sweep->at_start[at] + milli);
        for (int64_t at = span.full; at < span.full_end; at++)
            sweep->always[at] = (uint16_t)(sweep->always[at] + milli);
    }
}

/* Adds what shares make busy. The peak within a bucket is not known: it is at least what is held at its start, and the
 * largest share in it. */
static void sweep_shares(struct sweep *sweep, const struct node *node, uint64_t shared, int64_t first, int64_t count)
{
    for (uint32_t tier = 1; tier < TIERS; tier++) {
        memcpy(sweep->within[tier], sweep->within[0], (size_t)count * sizeof sweep->within[0][0]);
        memcpy(sweep->across[tier], sweep->across[0], (size_t)count * sizeof sweep->across[0][0]);
    }
    for (; shared != 0; shared &= shared - 1) {
        uint32_t gpu = (uint32_t)__builtin_ctzll(shared);
        sweep_milli(sweep, node, gpu, first, count);
        for (uint32_t tier = 0; tier < TIERS; tier++) {
            uint32_t most = PLANNER_GPU_MILLI - table_tier_milli[tier];
            for (int64_t at = 0; at < count; at++) {
                bool busy = sweep->at_start[at] > most || sweep->single[at] > most;
                sweep->within[tier][at] |= (uint64_t)busy << gpu;
                sweep->across[tier][at] |= (uint64_t)(sweep->always[at] > most) << gpu;
            }
        }
    }
}

/* -- cells and counts ------------------------------------------------------------------------------------------- */

/* Eight bits of 64: one stays clear as long as one of the GPUs that it stands for is free. */
static uint8_t fold(uint64_t busy, uint32_t gpus)
{
    uint64_t free_gpus = ~busy & gpu_mask(0, gpus);
    free_gpus |= free_gpus >> 32;
    free_gpus |= free_gpus >> 16;
    free_gpus |= free_gpus >> 8;
    return (uint8_t)~free_gpus;
}

static uint32_t step_of(uint8_t cell, uint8_t scale)
{
    uint32_t free_gpus = bits_of((uint8_t)~cell) * scale;
    return free_gpus < STEPS ? free_gpus : STEPS;
}

/* One seat's place in the index. */
struct seat {
    struct table *table;
    struct block *block;
    struct sweep *sweep;
    uint32_t number; /* of the block */
    uint32_t lane;
    uint8_t bits; /* the bits that may change */
};

static struct seat seat_of(struct planner *planner, const struct node *node, uint64_t gpus)
{
    struct table *table = &planner->models[node->model].table;
    uint32_t number = node->column / LANES;
    gpus |= gpus >> 32;
    gpus |= gpus >> 16;
    gpus |= gpus >> 8;
    planner->sweep->move_count = 0;
    return (struct seat){table, &table->blocks[number], planner->sweep, number, node->column % LANES, (uint8_t)gpus};
}

/* The counts of a row shall follow; their lines, all over the index, come into the cache meanwhile. */
static void counts_prefetch(const struct seat *seat, uint32_t row, uint32_t old, uint32_t new)
{
    struct sweep *sweep = seat->sweep;
    uint8_t *counts = counts_at(seat->table, row, 0, seat->number);
    must(sweep->move_count < COUNT_OF(sweep->moves));
    sweep->moves[sweep->move_count++] = (struct move){(uint16_t)row, (uint8_t)old, (uint8_t) new};
    for (uint32_t step = old < new ? old : new; step < old || step < new; step++)
        __builtin_prefetch(counts + step * STRETCH, 1);
}

static void counts_move(const struct seat *seat)
{
    for (uint32_t i = 0; i < seat->sweep->move_count; i++) {
        struct move move = seat->sweep->moves[i];
        uint8_t *counts = counts_at(seat->table, move.row, 0, seat->number);
        for (uint32_t step = move.from_step; step < move.to_step; step++)
            counts[step * STRETCH]++;
        for (uint32_t step = move.to_step; step < move.from_step; step++)
            counts[step * STRETCH]--;
    }
    seat->sweep->move_count = 0;
}

/* A cell's bytes of all tiers become `busy` in the seat's bits. */
static void cell_put(const struct seat *seat, uint32_t row, const uint8_t busy[TIERS])
{
    const struct block *block = seat->block;
    size_t at = (size_t)row * LANES + seat->lane;
    uint8_t whole = block->cells[0][at];
    uint8_t changed = (uint8_t)((whole & ~seat->bits) | (busy[0] & seat->bits));
    if (changed == whole && block->cells[1] == NULL)
        return;
    for (uint32_t tier = 1; tier < TIERS; tier++) {
        uint8_t old = whole;
        uint8_t new = changed;
        if (block->cells[tier] != NULL) {
            old = block->cells[tier][at];
            new = (uint8_t)((old & ~seat->bits) | (busy[tier] & seat->bits));
            block->cells[tier][at] = new;
        }
        if (!block->stale && (old == UINT8_MAX) != (new == UINT8_MAX)) {
            uint8_t *any = counts_at(seat->table, row, STEPS + tier - 1, seat->number);
            *any = (uint8_t)(new == UINT8_MAX ? *any - 1 : *any + 1);
        }
    }
    if (changed == whole)
        return;
    block->cells[0][at] = changed;
    uint8_t scale = block->scale[seat->lane];
    if (!block->stale)
        counts_prefetch(seat, row, step_of(whole, scale), step_of(changed, scale));
}

/* The pieces of `depth` over buckets [first, last) from those a fourth as long. */
static void pieces_put(const struct seat *seat, uint32_t depth, int64_t first, int64_t last)
{
    uint32_t size = table_piece_buckets[depth];
    for (int64_t bucket = first; bucket < last; bucket += size - ring_of(bucket) % size) {
        uint32_t piece = ring_of(bucket) / size;
        uint8_t busy[TIERS] = {0};
        for (uint32_t tier = 0; tier < TIERS; tier++) {
            if (seat->block->cells[tier] == NULL)
                continue;
            const uint8_t *fourths =
                seat->block->cells[tier] + (size_t)(table_piece_row[depth - 1] + piece * 4) * LANES + seat->lane;
            busy[tier] = fourths[0] | fourths[LANES] | fourths[2 * LANES] | fourths[3 * LANES];
        }
        cell_put(seat, table_piece_row[depth] + piece, busy);
    }
}

static void share_cells_open(struct block *block)
{
    for (uint32_t tier = 1; tier < TIERS; tier++) {
        block->cells[tier] = alloc_resize(NULL, (size_t)ROWS * LANES, 1);
        memcpy(block->cells[tier], block->cells[0], (size_t)ROWS * LANES);
    }
}

/* Buckets [first, last), within the ring. */
static void cells_refresh(struct planner *planner, const struct node *node, uint64_t gpus, int64_t first, int64_t last)
{
    struct seat seat = seat_of(planner, node, gpus);
    struct sweep *sweep = planner->sweep;
    uint64_t all = seat.bits * UINT64_C(0x0101010101010101) & gpu_mask(0, node->spec.gpus);
    uint64_t shared = sweep_whole(sweep, node, all, first, last - first);
    if (shared != 0 && seat.block->cells[1] == NULL)
        share_cells_open(seat.block);
    uint32_t tiers = seat.block->cells[1] == NULL ? 1 : TIERS;
    if (tiers > 1)
        sweep_shares(sweep, node, shared, first, last - first);
    for (int64_t bucket = first; bucket < last; bucket++) {
        uint8_t within[TIERS] = {0};
        uint8_t across[TIERS] = {0};
        for (uint32_t tier = 0; tier < tiers; tier++) {
            within[tier] = fold(sweep->within[tier][bucket - first], node->spec.gpus);
            across[tier] = fold(sweep->across[tier][bucket - first], node->spec.gpus);
        }
        cell_put(&seat, ring_of(bucket), within);
        cell_put(&seat, ROW_ACROSS + ring_of(bucket), across);
    }
    for (uint32_t depth = 1; depth < DEPTHS; depth++)
        pieces_put(&seat, depth, first, last);
    counts_move(&seat);
}

void cells_fill(struct planner *planner, const struct node *node)
{
    struct seat seat = seat_of(planner, node, UINT64_MAX);
    uint8_t absent[TIERS];
    memset(absent, fold(0, node->spec.gpus), sizeof absent);
    cell_put(&seat, ROW_ALWAYS, absent);
    counts_move(&seat);
    cells_refresh(planner, node, UINT64_MAX, planner->table_base, planner->table_base + BUCKETS);
}

void cells_clear(struct planner *planner, const struct node *node)
{
    struct seat seat = seat_of(planner, node, UINT64_MAX);
    uint8_t absent[TIERS];
    memset(absent, UINT8_MAX, sizeof absent);
    for (uint32_t row = 0; row < ROWS; row++)
        cell_put(&seat, row, absent);
    counts_move(&seat);
}

void counts_make(struct table *table, uint32_t number)
{
    struct block *block = &table->blocks[number];
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t exactly[STEPS + 1] = {0};
        for (uint32_t lane = 0; lane < LANES; lane++)
            exactly[step_of(block->cells[0][row * LANES + lane], block->scale[lane])]++;
        uint32_t count = 0;
        for (uint32_t step = STEPS; step > 0; step--) {
            count += exactly[step];
            *counts_at(table, row, step - 1, number) = (uint8_t)count;
        }
        for (uint32_t tier = 1; tier < TIERS; tier++) {
            const uint8_t *cells = block->cells[tier] == NULL ? block->cells[0] : block->cells[tier];
            count = 0;
            for (uint32_t lane = 0; lane < LANES; lane++)
                count += cells[row * LANES + lane] != UINT8_MAX;
            *counts_at(table, row, STEPS + tier - 1, number) = (uint8_t)count;
        }
    }
    block->stale = false;
}

/* The buckets of the ring that [from, to) touches. */
static void buckets_within(const struct planner *planner, int64_t from, int64_t to, int64_t *ret_first,
                           int64_t *ret_last)
{
    int64_t first = bucket_of(from);
    int64_t last = to == PLANNER_OPEN ? INT64_MAX : bucket_of(to - 1) + 1;
    *ret_first = first < planner->table_base ? planner->table_base : first;
    *ret_last = last > planner->table_base + BUCKETS ? planner->table_base + BUCKETS : last;
}

void table_refresh(struct planner *planner, uint32_t index, uint64_t gpus, int64_t from, int64_t to)
{
    const struct node *node = &planner->nodes[index];
    int64_t first;
    int64_t last;
    buckets_within(planner, from, to, &first, &last);
    if (node->column != NONE && first < last)
        cells_refresh(planner, node, gpus, first, last);
}

void table_prefetch(const struct planner *planner, uint32_t index, int64_t from, int64_t to)
{
    const struct node *node = &planner->nodes[index];
    int64_t first;
    int64_t last;
    buckets_within(planner, from, to, &first, &last);
    if (node->column == NONE)
        return;
    const uint8_t *cells = planner->models[node->model].table.blocks[node->column / LANES].cells[0];
    for (int64_t bucket = first; bucket < last; bucket += 2) { /* two rows fill a line */
        __builtin_prefetch(cells + (size_t)ring_of(bucket) * LANES, 1);
        __builtin_prefetch(cells + (size_t)(ROW_ACROSS + ring_of(bucket)) * LANES, 1);
    }
}

void table_follow(struct planner *planner, const struct planner *other)
{
    if (other->table_based)
        table_move(planner, other->table_base * BUCKET_S);
}

void table_move(struct planner *planner, int64_t instant)
{
    int64_t bucket = bucket_of(instant);
    int64_t base = bucket - ring_of(bucket) % BASE_STEP;
    if (planner->table_based && base <= planner->table_base)
        return;
    int64_t covered = planner->table_based ? planner->table_base + BUCKETS : base;
    covered = covered < base ? base : covered;
    planner->table_based = true;
    planner->table_base = base;
    for (uint32_t i = 0; i < planner->node_count; i++) {
        const struct node *node = &planner->nodes[i];
        if (node->column != NONE)
            cells_refresh(planner, node, UINT64_MAX, covered, base + BUCKETS);
    }
}
