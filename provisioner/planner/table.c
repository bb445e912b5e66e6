/* Upper bounds of what each node has free, by buckets of time, so that a search looks closely only at nodes that can
 * fit: a GPU that is held for the whole bucket is of no use to any window that touches the bucket.
 *
 * Rows are buckets (a ring of them from table_base on), columns are the nodes of one GPU model; a window's bound is
 * the least of its rows, byte by byte. Coarse rows are the least of the BUCKETS_PER_COARSE rows under them. What lies
 * before or beyond the ring, and what is shorter than a bucket, is simply not bounded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

#define BUCKET_S           INT64_C(21600) /* six hours */
#define BUCKETS            512            /* 128 days: twice the horizon of book-ahead searches */
#define BUCKETS_PER_COARSE 8
#define COARSE             (BUCKETS / BUCKETS_PER_COARSE)

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
    free(table->whole);
    free(table->share);
    free(table->whole_coarse);
    free(table->share_coarse);
    free(table->gpus);
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
    table->whole = rows_widen(table->whole, BUCKETS, old_room, room);
    table->share = rows_widen(table->share, BUCKETS, old_room, room);
    table->whole_coarse = rows_widen(table->whole_coarse, COARSE, old_room, room);
    table->share_coarse = rows_widen(table->share_coarse, COARSE, old_room, room);
    table->gpus = rows_widen(table->gpus, 1, old_room, room);
    table->bound_whole = rows_widen(table->bound_whole, 1, old_room, room);
    table->bound_share = rows_widen(table->bound_share, 1, old_room, room);
    table->column_room = room;
}

/* What is not held during all of [from, to). */
static void cell_count(const struct node *node, int64_t from, int64_t to, uint8_t *ret_whole, uint8_t *ret_share)
{
    uint64_t taken_gpus = 0;
    uint16_t taken_milli[PLANNER_NODE_GPUS_MAX] = {0};
    for (uint32_t i = 0; i < node->slice_count && node->slices[i].from <= from; i++) {
        const struct slice *slice = &node->slices[i];
        if (slice->to < to)
            continue;
        taken_gpus |= slice_gpus(slice);
        uint32_t first = (uint32_t)slice->slots_from / PLANNER_GPU_MILLI;
        if (slice_is_share(slice))
            taken_milli[first] = (uint16_t)(taken_milli[first] + (slice->slots_to - slice->slots_from));
        else
            for (uint32_t gpu = first; gpu < (uint32_t)slice->slots_to / PLANNER_GPU_MILLI; gpu++)
                taken_milli[gpu] = PLANNER_GPU_MILLI;
    }
    uint32_t free_gpus = node->spec.gpus - (uint32_t)__builtin_popcountll(taken_gpus);
    uint32_t most_milli = free_gpus > 0 ? PLANNER_GPU_MILLI : 0;
    for (uint32_t gpu = 0; gpu < node->spec.gpus && most_milli < PLANNER_GPU_MILLI; gpu++) {
        if ((uint32_t)PLANNER_GPU_MILLI - taken_milli[gpu] > most_milli)
            most_milli = (uint32_t)PLANNER_GPU_MILLI - taken_milli[gpu];
    }
    *ret_whole = (uint8_t)free_gpus;
    *ret_share = (uint8_t)((most_milli + SHARE_UNIT_MILLI - 1) / SHARE_UNIT_MILLI);
}

static uint8_t column_least(const uint8_t *rows, size_t row, size_t count, uint32_t room, uint32_t column)
{
    uint8_t least = UINT8_MAX;
    for (size_t i = row; i < row + count; i++) {
        uint8_t value = rows[i * room + column];
        least = value < least ? value : least;
    }
    return least;
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
        size_t at = ring(bucket, BUCKETS) * room + node->column;
        cell_count(node, bucket * BUCKET_S, (bucket + 1) * BUCKET_S, &table->whole[at], &table->share[at]);
    }
    for (int64_t bucket = first; bucket < last;
         bucket += BUCKETS_PER_COARSE - (int64_t)ring(bucket, BUCKETS_PER_COARSE)) {
        size_t coarse = ring(bucket, BUCKETS) / BUCKETS_PER_COARSE;
        size_t row = coarse * BUCKETS_PER_COARSE;
        size_t at = coarse * room + node->column;
        table->whole_coarse[at] = column_least(table->whole, row, BUCKETS_PER_COARSE, room, node->column);
        table->share_coarse[at] = column_least(table->share, row, BUCKETS_PER_COARSE, room, node->column);
    }
}

void table_add_column(struct planner *planner, uint32_t index)
{
    struct node *node = &planner->nodes[index];
    struct table *table = &planner->models[node->model].table;
    if (node->column >= table->column_room)
        table_widen(table, table->column_room == 0 ? 64 : table->column_room * 2);
    table->gpus[node->column] = (uint8_t)node->spec.gpus;
    cells_refresh(planner, node, planner->table_base, planner->table_base + BUCKETS);
}

void table_refresh(struct planner *planner, uint32_t index, int64_t from, int64_t to)
{
    if (!planner->table_based)
        table_move(planner, from);
    int64_t first = bucket_of(from + BUCKET_S - 1);
    int64_t last = to == PLANNER_OPEN ? planner->table_base + BUCKETS : bucket_of(to);
    cells_refresh(planner, &planner->nodes[index], first, last);
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

static void row_least(uint8_t *restrict bound, const uint8_t *restrict row, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        bound[i] = row[i] < bound[i] ? row[i] : bound[i];
}

void table_bound(struct planner *planner, struct model *model, int64_t from, int64_t to)
{
    struct table *table = &model->table;
    uint32_t count = model->node_count;
    if (count == 0)
        return;
    memcpy(table->bound_whole, table->gpus, count);
    memset(table->bound_share, PLANNER_GPU_MILLI / SHARE_UNIT_MILLI, count);
    int64_t end = planner->table_base + BUCKETS;
    int64_t bucket = bucket_of(from);
    int64_t last = to == PLANNER_OPEN ? end : bucket_of(to - 1) + 1;
    bucket = bucket < planner->table_base ? planner->table_base : bucket;
    last = last > end ? end : last;
    while (planner->table_based && bucket < last) {
        size_t row = ring(bucket, BUCKETS);
        if (row % BUCKETS_PER_COARSE == 0 && bucket + BUCKETS_PER_COARSE <= last) {
            row_least(table->bound_whole, table->whole_coarse + row / BUCKETS_PER_COARSE * table->column_room, count);
            row_least(table->bound_share, table->share_coarse + row / BUCKETS_PER_COARSE * table->column_room, count);
            bucket += BUCKETS_PER_COARSE;
        } else {
            row_least(table->bound_whole, table->whole + row * table->column_room, count);
            row_least(table->bound_share, table->share + row * table->column_room, count);
            bucket++;
        }
    }
}

void table_verify(struct planner *planner)
{
    for (uint32_t i = 0; i < planner->node_count && planner->table_based; i++) {
        const struct node *node = &planner->nodes[i];
        const struct table *table = &planner->models[node->model].table;
        for (int64_t bucket = planner->table_base; bucket < planner->table_base + BUCKETS; bucket++) {
            uint8_t whole;
            uint8_t share;
            size_t row = ring(bucket, BUCKETS);
            size_t coarse = row / BUCKETS_PER_COARSE * table->column_room + node->column;
            cell_count(node, bucket * BUCKET_S, (bucket + 1) * BUCKET_S, &whole, &share);
            must(table->whole[row * table->column_room + node->column] == whole);
            must(table->share[row * table->column_room + node->column] == share);
            must(table->whole_coarse[coarse] <= whole && table->share_coarse[coarse] <= share);
        }
    }
}
