/* Which GPUs are busy when, roughly, so that a search looks closely only at nodes that can fit. Roughly, but never
 * wrong to a request's harm: a bit is set only if no question of its tier can have that GPU.
 *
 * Rows are buckets of time (a ring of them from table_base on), columns the nodes of one GPU model. A window's busy
 * GPUs are the OR of its rows, byte by byte: what is busy at some instant of the buckets that lie wholly within the
 * window (coarse rows are eight of those together), and what is busy all across the two buckets at its ends. What
 * lies before or beyond the ring is not known to be busy.
 *
 * A bit is a GPU; on nodes of more than eight it stands for every eighth and is set when all of those are busy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

#define BUCKET_S           INT64_C(10800) /* three hours */
#define BUCKETS            512            /* 64 days: what is booked ahead */
#define BUCKETS_PER_COARSE 8
#define COARSE             (BUCKETS / BUCKETS_PER_COARSE)

/* A GPU is busy for a tier if it has less than this free. A share asks the highest tier that is not above it. */
static const uint32_t tier_milli[TIERS] = {PLANNER_GPU_MILLI, 500, 200};

static int64_t bucket_of(int64_t instant)
{
    return instant / BUCKET_S - (instant % BUCKET_S < 0);
}

static size_t ring(int64_t bucket, int64_t buckets)
{
    int64_t rest = bucket % buckets;
    return (size_t)(rest < 0 ? rest + buckets : rest);
}

void table_free(struct table *table)
{
    for (uint32_t tier = 0; tier < TIERS; tier++) {
        free(table->within[tier]);
        free(table->coarse[tier]);
        free(table->across[tier]);
    }
    free(table->absent);
    free(table->gpus);
    free(table->busy);
    free(table->bound_whole);
    free(table->bound_share);
}

static uint8_t *rows_widen(uint8_t *old, size_t rows, uint32_t old_room, uint32_t room)
{
    uint8_t *wide = alloc_zero(rows * room, 1);
    for (size_t row = 0; row < rows && old_room > 0; row++)
        memcpy(wide + row * room, old + row * old_room, old_room);
    free(old);
    return wide;
}

static void table_widen(struct table *table, uint32_t room)
{
    uint32_t old_room = table->column_room;
    for (uint32_t tier = 0; tier < TIERS; tier++) {
        table->within[tier] = rows_widen(table->within[tier], BUCKETS, old_room, room);
        table->coarse[tier] = rows_widen(table->coarse[tier], COARSE, old_room, room);
        table->across[tier] = rows_widen(table->across[tier], BUCKETS, old_room, room);
    }
    table->absent = rows_widen(table->absent, 1, old_room, room);
    table->gpus = rows_widen(table->gpus, 1, old_room, room);
    table->busy = rows_widen(table->busy, 1, old_room, room);
    table->bound_whole = rows_widen(table->bound_whole, 1, old_room, room);
    table->bound_share = rows_widen(table->bound_share, 1, old_room, room);
    table->column_room = room;
}

/* A bit stays clear as long as one of its GPUs is free. */
static uint8_t fold(uint64_t free_gpus)
{
    free_gpus |= free_gpus >> 32;
    free_gpus |= free_gpus >> 16;
    free_gpus |= free_gpus >> 8;
    return (uint8_t)~free_gpus;
}

struct cell {
    uint8_t within[TIERS];
    uint8_t across[TIERS];
};

/* Milli of each GPU that are surely taken: at some instant of [from, to), and all across it. */
static void milli_taken(const struct node *node, int64_t from, int64_t to, uint32_t within[PLANNER_NODE_GPUS_MAX],
                        uint32_t across[PLANNER_NODE_GPUS_MAX])
{
    uint32_t at_start[PLANNER_NODE_GPUS_MAX];
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++)
        at_start[gpu] = within[gpu] = across[gpu] = 0;
    for (uint32_t i = timeline_first(node, from); i < node->slice_count && node->slices[i].from < to; i++) {
        const struct slice *slice = &node->slices[i];
        if (slice->to <= from || slice->from == slice->to)
            continue;
        uint32_t last = (uint32_t)(slice->slots_to - 1) / PLANNER_GPU_MILLI;
        uint32_t milli = slice_is_share(slice) ? (uint32_t)(slice->slots_to - slice->slots_from) : PLANNER_GPU_MILLI;
        for (uint32_t gpu = (uint32_t)slice->slots_from / PLANNER_GPU_MILLI; gpu <= last; gpu++) {
            at_start[gpu] += slice->from <= from ? milli : 0;
            across[gpu] += slice->from <= from && slice->to >= to ? milli : 0;
            within[gpu] = milli > within[gpu] ? milli : within[gpu];
        }
    }
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++)
        within[gpu] = at_start[gpu] > within[gpu] ? at_start[gpu] : within[gpu];
}

static struct cell cell_of(const struct node *node, int64_t from, int64_t to)
{
    uint32_t within[PLANNER_NODE_GPUS_MAX];
    uint32_t across[PLANNER_NODE_GPUS_MAX];
    struct cell cell = {{0}, {0}};
    milli_taken(node, from, to, within, across);
    for (uint32_t tier = 0; tier < TIERS; tier++) {
        uint64_t free_within = 0;
        uint64_t free_across = 0;
        for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++) {
            free_within |= (uint64_t)(within[gpu] + tier_milli[tier] <= PLANNER_GPU_MILLI) << gpu;
            free_across |= (uint64_t)(across[gpu] + tier_milli[tier] <= PLANNER_GPU_MILLI) << gpu;
        }
        cell.within[tier] = fold(free_within);
        cell.across[tier] = fold(free_across);
    }
    return cell;
}

/* Buckets [first, last), clipped to the ring. */
static void cells_refresh(struct planner *planner, const struct node *node, int64_t first, int64_t last)
{
    struct table *table = &planner->models[node->model].table;
    uint32_t room = table->column_room;
    if (first < planner->table_base)
        first = planner->table_base;
    if (last > planner->table_base + BUCKETS)
        last = planner->table_base + BUCKETS;
    for (int64_t bucket = first; bucket < last; bucket++) {
        struct cell cell = cell_of(node, bucket * BUCKET_S, (bucket + 1) * BUCKET_S);
        size_t at = ring(bucket, BUCKETS) * room + node->column;
        for (uint32_t tier = 0; tier < TIERS; tier++) {
            table->within[tier][at] = cell.within[tier];
            table->across[tier][at] = cell.across[tier];
        }
    }
    int64_t step = BUCKETS_PER_COARSE;
    for (int64_t bucket = first; bucket < last; bucket += step - (int64_t)ring(bucket, BUCKETS_PER_COARSE)) {
        size_t coarse = ring(bucket, BUCKETS) / BUCKETS_PER_COARSE;
        for (uint32_t tier = 0; tier < TIERS; tier++) {
            uint8_t busy = 0;
            for (size_t row = coarse * BUCKETS_PER_COARSE; row < (coarse + 1) * BUCKETS_PER_COARSE; row++)
                busy |= table->within[tier][row * room + node->column];
            table->coarse[tier][coarse * room + node->column] = busy;
        }
    }
}

void table_add_column(struct planner *planner, uint32_t index)
{
    struct node *node = &planner->nodes[index];
    struct table *table = &planner->models[node->model].table;
    if (node->column >= table->column_room)
        table_widen(table, table->column_room == 0 ? 64 : table->column_room * 2);
    table->gpus[node->column] = (uint8_t)node->spec.gpus;
    table->absent[node->column] = fold(gpu_mask(0, node->spec.gpus));
    cells_refresh(planner, node, planner->table_base, planner->table_base + BUCKETS);
}

void table_refresh(struct planner *planner, uint32_t index, int64_t from, int64_t to)
{
    if (!planner->table_based)
        table_move(planner, from);
    int64_t last = to == PLANNER_OPEN ? planner->table_base + BUCKETS : bucket_of(to - 1) + 1;
    cells_refresh(planner, &planner->nodes[index], bucket_of(from), last);
}

void table_move(struct planner *planner, int64_t instant)
{
    int64_t bucket = bucket_of(instant);
    int64_t base = bucket - (int64_t)ring(bucket, BUCKETS_PER_COARSE);
    if (planner->table_based && base <= planner->table_base)
        return;
    int64_t covered = planner->table_based ? planner->table_base + BUCKETS : base;
    planner->table_based = true;
    planner->table_base = base;
    for (uint32_t i = 0; i < planner->node_count; i++)
        cells_refresh(planner, &planner->nodes[i], covered, base + BUCKETS);
}

static void row_or(uint8_t *restrict busy, const uint8_t *restrict row, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        busy[i] |= row[i];
}

/* Free bits times the GPUs that a bit stands for. */
static void row_free(uint8_t *restrict bound, const uint8_t *restrict busy, const uint8_t *restrict gpus,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bits = (uint8_t)~busy[i];
        bits = (uint8_t)(bits - (bits >> 1 & 0x55)); /* Hacker's Delight, 5-1: counting bits */
        bits = (uint8_t)((bits & 0x33) + (bits >> 2 & 0x33));
        bits = (uint8_t)((bits + (bits >> 4)) & 0x0f);
        uint8_t most = (uint8_t)(bits * ((gpus[i] + 7) / 8));
        bound[i] = most < gpus[i] ? most : gpus[i];
    }
}

/* ORs all that is known of the window into table->busy. */
static void busy_gather(const struct planner *planner, const struct model *model, const struct question *question,
                        uint32_t tier)
{
    const struct table *table = &model->table;
    size_t room = table->column_room;
    uint32_t count = model->node_count;
    int64_t end = planner->table_base + BUCKETS;
    int64_t bucket = bucket_of(question->from);
    int64_t last = question->to == PLANNER_OPEN ? end : bucket_of(question->to - 1) + 1;
    bucket = bucket < planner->table_base ? planner->table_base : bucket;
    last = last > end ? end : last;
    memcpy(table->busy, table->absent, count);
    while (planner->table_based && bucket < last) {
        size_t row = ring(bucket, BUCKETS);
        bool inside = question->from <= bucket * BUCKET_S && (bucket + 1) * BUCKET_S <= question->to;
        if (!inside) {
            row_or(table->busy, table->across[tier] + row * room, count);
            bucket++;
        } else if (row % BUCKETS_PER_COARSE == 0 && (bucket + BUCKETS_PER_COARSE) * BUCKET_S <= question->to &&
                   bucket + BUCKETS_PER_COARSE <= last) {
            row_or(table->busy, table->coarse[tier] + row / BUCKETS_PER_COARSE * room, count);
            bucket += BUCKETS_PER_COARSE;
        } else {
            row_or(table->busy, table->within[tier] + row * room, count);
            bucket++;
        }
    }
}

void table_bound(struct planner *planner, struct model *model, const struct question *question)
{
    struct table *table = &model->table;
    if (model->node_count == 0)
        return;
    busy_gather(planner, model, question, 0);
    row_free(table->bound_whole, table->busy, table->gpus, model->node_count);
    if (question->shape.gpus > 0)
        return;
    uint32_t tier = 1;
    while (tier < TIERS && tier_milli[tier] > question->shape.gpu_milli)
        tier++;
    if (tier < TIERS)
        busy_gather(planner, model, question, tier);
    else /* too small for any tier: every GPU may do */
        memcpy(table->busy, table->absent, model->node_count);
    row_free(table->bound_share, table->busy, table->gpus, model->node_count);
}

void table_verify(struct planner *planner)
{
    for (uint32_t i = 0; i < planner->node_count && planner->table_based; i++) {
        const struct node *node = &planner->nodes[i];
        const struct table *table = &planner->models[node->model].table;
        for (int64_t bucket = planner->table_base; bucket < planner->table_base + BUCKETS; bucket++) {
            size_t row = ring(bucket, BUCKETS);
            size_t at = row * table->column_room + node->column;
            size_t coarse = row / BUCKETS_PER_COARSE * table->column_room + node->column;
            struct cell cell = cell_of(node, bucket * BUCKET_S, (bucket + 1) * BUCKET_S);
            for (uint32_t tier = 0; tier < TIERS; tier++) {
                must(table->within[tier][at] == cell.within[tier]);
                must(table->across[tier][at] == cell.across[tier]);
                must((table->coarse[tier][coarse] & cell.within[tier]) == cell.within[tier]);
            }
        }
    }
}
