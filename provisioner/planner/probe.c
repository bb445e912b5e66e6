/* Reading the index: what is free for all of a window, at most, first by block and then by node. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

#include <string.h>

/* The longest piece that begins at this bucket and ends by `last`. */
static uint32_t depth_at(int64_t bucket, int64_t last)
{
    uint32_t depth = DEPTHS - 1;
    while (ring_of(bucket) % table_piece_buckets[depth] != 0 || bucket + table_piece_buckets[depth] > last)
        depth--;
    return depth;
}

/* Rows for a window. What lies before or beyond the ring is not known to be busy. A bucket that the window does not
 * fill tells only what is busy during all of it. The longest pieces come first: they rule out the most. */
static struct rows rows_of(const struct planner *planner, const struct question *question)
{
    struct rows rows = {0};
    uint16_t edges[4];
    uint32_t edge_count = 0;
    int64_t end = planner->table_base + BUCKETS;
    int64_t bucket = bucket_of(question->from);
    int64_t last = question->to == PLANNER_OPEN ? end : bucket_of(question->to - 1) + 1;
    int64_t full_last = question->to == PLANNER_OPEN ? end : bucket_of(question->to);
    if (question->ignore_taken || question->preempts) /* who may be evicted, the index cannot tell */
        last = INT64_MIN;
    bucket = bucket < planner->table_base ? planner->table_base : bucket;
    last = last > end ? end : last;
    full_last = full_last > end ? end : full_last;
    while (bucket < last) {
        must(rows.count + 1 < COUNT_OF(rows.at));
        if (bucket * BUCKET_S < question->from || bucket >= full_last) {
            must(edge_count < COUNT_OF(edges));
            edges[edge_count++] = (uint16_t)(ROW_ACROSS + ring_of(bucket));
            bucket++;
            continue;
        }
        uint32_t depth = depth_at(bucket, full_last);
        uint32_t size = table_piece_buckets[depth];
        uint16_t row = (uint16_t)(table_piece_row[depth] + ring_of(bucket) / size);
        uint32_t at = rows.count++;
        for (; at > 0 && rows.at[at - 1] < row; at--)
            rows.at[at] = rows.at[at - 1];
        rows.at[at] = row;
        bucket += size;
    }
    for (uint32_t i = 0; i < edge_count; i++)
        rows.at[rows.count++] = edges[i];
    if (rows.count == 0) /* all others know which GPUs are not there, too */
        rows.at[rows.count++] = ROW_ALWAYS;
    return rows;
}

void probe_begin(struct planner *planner, struct model *model, const struct question *question)
{
    struct table *table = &model->table;
    table->probe++;
    table->rows = rows_of(planner, question);
    table->tier = 0;
    if (question->shape.gpus == 0) {
        table->tier = 1;
        while (table->tier < TIERS && table_tier_milli[table->tier] > question->shape.gpu_milli)
            table->tier++;
    }
}

/* Lowers what is more than the row's counts; false if nothing is left. */
static bool least_lower(uint8_t *restrict least, const uint8_t *restrict counts)
{
    uint64_t words[STRETCH / sizeof(uint64_t)];
    uint64_t any = 0;
    for (uint32_t i = 0; i < STRETCH; i++)
        least[i] = counts[i] < least[i] ? counts[i] : least[i];
    memcpy(words, least, sizeof words);
    for (uint32_t i = 0; i < COUNT_OF(words); i++)
        any |= words[i];
    return any != 0;
}

void probe_least_fill(struct table *table, uint32_t step, uint32_t stretch)
{
    uint8_t *least = table->least[step] + stretch * STRETCH;
    bool any = step > 0 || table->tier < TIERS; /* smaller shares may fit on any GPU */
    uint32_t count = step > 0 ? step - 1 : STEPS + table->tier - 1;
    for (uint32_t i = 0; i < table->rows.count && any; i++)
        __builtin_prefetch(counts_at(table, table->rows.at[i], count, stretch * STRETCH));
    memset(least, LANES, STRETCH);
    for (uint32_t i = 0; i < table->rows.count && any; i++)
        any = least_lower(least, counts_at(table, table->rows.at[i], count, stretch * STRETCH));
    table->least_probe[step][stretch] = table->probe;
}

bool probe_plannable(const struct table *table, uint32_t block, const struct question *question)
{
    return question->ignore_plannable ||
           (table->open_from[block] <= question->from && question->to <= table->open_until[block]);
}

/* Free bits of each lane, times the GPUs that a bit stands for. */
static void bits_count(uint8_t *restrict count, const uint8_t *restrict busy, const uint8_t *restrict scale)
{
    for (uint32_t i = 0; i < LANES; i++) {
        uint8_t bits = (uint8_t)~busy[i];
        bits = (uint8_t)(bits - (bits >> 1 & 0x55));
        bits = (uint8_t)((bits & 0x33) + (bits >> 2 & 0x33));
        bits = (uint8_t)((bits + (bits >> 4)) & 0x0f);
        count[i] = (uint8_t)(bits * scale[i]);
    }
}

static void busy_gather(uint8_t busy[restrict LANES], const uint8_t *restrict cells, const struct rows *rows)
{
    memset(busy, 0, LANES);
    for (uint32_t i = 0; i < rows->count; i++) {
        const uint8_t *row = cells + (size_t)rows->at[i] * LANES;
        for (uint32_t lane = 0; lane < LANES; lane++)
            busy[lane] |= row[lane];
    }
}

void probe_prefetch(const struct table *table, uint32_t number)
{
    const struct block *block = &table->blocks[number];
    const uint8_t *cells = table->tier > 0 && table->tier < TIERS && block->cells[table->tier] != NULL
                               ? block->cells[table->tier]
                               : block->cells[0];
    for (uint32_t i = 0; i < table->rows.count; i++)
        __builtin_prefetch(cells + (size_t)table->rows.at[i] * LANES);
}

void probe_block(const struct table *table, uint32_t number, struct block_bounds *ret)
{
    const struct block *block = &table->blocks[number];
    uint8_t busy[LANES];
    busy_gather(busy, block->cells[0], &table->rows);
    bits_count(ret->whole, busy, block->scale);
    if (table->tier == 0)
        return;
    if (table->tier == TIERS)
        memcpy(busy, block->cells[0] + (size_t)ROW_ALWAYS * LANES, LANES);
    else if (block->cells[table->tier] != NULL)
        busy_gather(busy, block->cells[table->tier], &table->rows);
    bits_count(ret->share, busy, block->scale);
}

/* -- instances -------------------------------------------------------------------------------------------------- */

static uint32_t shares_of_gpu(const struct question *question)
{
    return PLANNER_GPU_MILLI / question->shape.gpu_milli;
}

uint32_t probe_node_most(const struct model *model, const struct question *question)
{
    if (question->spread != PLANNER_SPREAD_NONE)
        return 1;
    if (question->shape.gpus > 0)
        return model->gpus_max / question->shape.gpus;
    return model->gpus_max * shares_of_gpu(question);
}

/* Nodes with k, 2k, 3k ... GPUs free take one more instance each time: where steps are GPUs, counts add up to that. */
static bool instances_by_steps(const struct model *model, const struct question *question)
{
    return question->shape.gpus > 0 && model->gpus_max <= STEPS && question->spread == PLANNER_SPREAD_NONE;
}

static void instances_fill(struct model *model, const struct question *question, uint32_t first, uint32_t end)
{
    struct table *table = &model->table;
    uint32_t k = question->shape.gpus;
    uint32_t most = probe_node_most(model, question);
    bool by_steps = instances_by_steps(model, question);
    for (uint32_t block = first; block < end; block++) {
        uint32_t sum = 0;
        for (uint32_t step = k < STEPS ? k : STEPS; step <= STEPS; step += k) {
            sum += probe_least(table, step, block)[block] * (by_steps ? 1 : most);
            if (!by_steps)
                break;
        }
        table->instances[block] = probe_plannable(table, block, question) ? sum : 0;
    }
}

static void stretch_add(uint32_t *restrict sums, const uint8_t *restrict counts, uint32_t times)
{
    for (uint32_t i = 0; i < STRETCH; i++)
        sums[i] += counts[i] * times;
}

/* Adds `times` each block's count, in whole stretches. */
static void counts_add(const struct table *table, size_t row, uint32_t count, uint32_t times, uint32_t *sums)
{
    for (uint32_t block = 0; block < table->block_count; block += STRETCH)
        __builtin_prefetch(counts_at(table, row, count, block));
    for (uint32_t block = 0; block < table->block_count; block += STRETCH)
        stretch_add(sums + block, counts_at(table, row, count, block), times);
}

void probe_row(const struct model *model, const struct question *question, size_t row, uint32_t *ret_instances)
{
    const struct table *table = &model->table;
    uint32_t k = question->shape.gpus;
    uint32_t most = probe_node_most(model, question);
    memset(ret_instances, 0, table->block_room * sizeof ret_instances[0]);
    if (k == 0 && table->tier < TIERS) {
        counts_add(table, row, STEPS + table->tier - 1, most, ret_instances);
        return;
    }
    if (k == 0) {
        for (uint32_t block = 0; block < table->block_count; block++)
            ret_instances[block] = LANES * most;
        return;
    }
    bool by_steps = instances_by_steps(model, question);
    for (uint32_t step = k < STEPS ? k : STEPS; step <= STEPS; step += k) {
        counts_add(table, row, step - 1, by_steps ? 1 : most, ret_instances);
        if (!by_steps)
            return;
    }
}

/* Only the nodes of one group may answer. */
static void instances_within(struct planner *planner, struct model *model, const struct question *question,
                             enum planner_scope scope, uint32_t group)
{
    struct table *table = &model->table;
    const struct level *level = &table->levels[scope];
    uint32_t most = probe_node_most(model, question);
    uint32_t found = level_find(level, group);
    if (found != NONE && level->group_count == 1)
        return; /* all are of it */
    ARRAY_RESERVE(planner->sums, planner->sum_room, table->block_count);
    memset(planner->sums, 0, table->block_count * sizeof planner->sums[0]);
    for (uint32_t i = found == NONE ? 0 : level->groups[found].first;
         found != NONE && i < level->groups[found + 1].first; i++) {
        const struct part *part = &level->parts[i];
        uint32_t here = part->count * most;
        uint32_t known = table->instances[part->block];
        planner->sums[part->block] = here < known ? here : known;
    }
    memcpy(table->instances, planner->sums, table->block_count * sizeof planner->sums[0]);
}

const uint32_t *probe_instances_all(struct planner *planner, struct model *model, const struct question *question)
{
    struct table *table = &model->table;
    for (uint32_t block = 0; block < table->block_count; block += STRETCH)
        table->instances_probe[block / STRETCH] = table->probe;
    instances_fill(model, question, 0, table->block_count);
    if (question->in_zone)
        instances_within(planner, model, question, PLANNER_ZONE, question->zone);
    if (question->near_group != NONE)
        instances_within(planner, model, question, question->near_scope, question->near_group);
    return table->instances;
}

const uint32_t *probe_instances(struct planner *planner, struct model *model, const struct question *question,
                                uint32_t block)
{
    struct table *table = &model->table;
    uint32_t first = block / STRETCH * STRETCH;
    if (table->instances_probe[block / STRETCH] == table->probe)
        return table->instances;
    if (question->in_zone || question->near_group != NONE)
        return probe_instances_all(planner, model, question);
    table->instances_probe[block / STRETCH] = table->probe;
    instances_fill(model, question, first, table->block_count - first < STRETCH ? table->block_count : first + STRETCH);
    return table->instances;
}

void probe_fits(struct model *model, const struct question *question, uint32_t number)
{
    struct table *table = &model->table;
    const struct block *block = &table->blocks[number];
    uint16_t *fits = table->fits + (size_t)number * LANES;
    uint32_t open = block->seated & (question->ignore_plannable ? UINT32_MAX : ~block->cordoned);
    uint32_t most = probe_node_most(model, question);
    struct block_bounds bounds;
    if (probe_has_fits(table, number))
        return;
    table->fits_probe[number] = table->probe;
    probe_block(table, number, &bounds);
    for (uint32_t lane = 0; lane < LANES; lane++) {
        uint32_t fit = question->shape.gpus > 0 ? bounds.whole[lane] / question->shape.gpus
                                                : bounds.share[lane] * shares_of_gpu(question);
        fits[lane] = (uint16_t)((open >> lane & 1) == 0 ? 0 : fit < most ? fit : most);
    }
}
