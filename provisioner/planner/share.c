/* Which milli of a GPU a share takes. Milli are not places on the chip: a share fits when every instant of its window
 * has enough free, and if no slots stay free for all of it, it moves to others on the way. Sets of milli
 * are bitmaps. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

#define WORDS ((PLANNER_GPU_MILLI + 63) / 64)

struct milli_set {
    uint64_t words[WORDS];
};

static void set_range(struct milli_set *set, uint32_t from, uint32_t to, bool value)
{
    for (uint32_t at = from; at < to;) {
        uint32_t bit = at % 64;
        uint32_t run = to - at < 64 - bit ? to - at : 64 - bit;
        uint64_t mask = gpu_mask(bit, run);
        set->words[at / 64] = value ? set->words[at / 64] | mask : set->words[at / 64] & ~mask;
        at += run;
    }
}

static uint32_t set_count(const struct milli_set *set)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < WORDS; i++)
        count += (uint32_t)__builtin_popcountll(set->words[i]);
    return count;
}

/* The next run [*from, *to) of the set at or after *to; false at the end. */
static bool set_next_run(const struct milli_set *set, uint32_t *from, uint32_t *to)
{
    uint32_t at = *to;
    while (at < PLANNER_GPU_MILLI && (set->words[at / 64] >> at % 64 & 1) == 0)
        at++;
    *from = at;
    while (at < PLANNER_GPU_MILLI && (set->words[at / 64] >> at % 64 & 1) != 0)
        at++;
    *to = at;
    return *from < *to;
}

/* What is free on the GPU during all of [from, to). */
static struct milli_set milli_free(const struct planner *planner, const struct node *node,
                                   const struct question *question, uint32_t gpu, int64_t from, int64_t to)
{
    struct milli_set free_set = {{0}};
    int64_t clean = instant_add(question->to, node->spec.turnaround_s);
    int32_t base = (int32_t)(gpu * PLANNER_GPU_MILLI);
    set_range(&free_set, 0, PLANNER_GPU_MILLI, true);
    for (uint32_t i = timeline_first(node, from); i < node->slice_count && node->slices[i].from < to; i++) {
        const struct slice *slice = &node->slices[i];
        if (slice->clean <= from || !timeline_blocks(planner, slice, question, clean))
            continue;
        int32_t first = slice->slots_from > base ? slice->slots_from - base : 0;
        int32_t last = slice->slots_to - base < PLANNER_GPU_MILLI ? slice->slots_to - base : PLANNER_GPU_MILLI;
        if (first < last)
            set_range(&free_set, (uint32_t)first, (uint32_t)last, false);
    }
    return free_set;
}

/* Takes `need` milli out of what is free: as much as can stay of `previous`; else the smallest run that holds all the
 * rest, if there is one; else the lowest. */
static struct milli_set milli_choose(struct milli_set free_set, const struct milli_set *previous, uint32_t need)
{
    struct milli_set chosen = {{0}};
    for (uint32_t i = 0; i < WORDS; i++) {
        chosen.words[i] = free_set.words[i] & previous->words[i];
        free_set.words[i] &= ~chosen.words[i];
    }
    must(set_count(&chosen) <= need);
    need -= set_count(&chosen);

    uint32_t best_from = 0;
    uint32_t best_size = UINT32_MAX;
    uint32_t from = 0;
    for (uint32_t to = 0; need > 0 && set_next_run(&free_set, &from, &to);) {
        if (to - from >= need && to - from < best_size) {
            best_from = from;
            best_size = to - from;
        }
    }
    if (best_size != UINT32_MAX) {
        set_range(&chosen, best_from, best_from + need, true);
        return chosen;
    }
    for (uint32_t to = 0; need > 0; need -= to - from) {
        bool more = set_next_run(&free_set, &from, &to);
        must(more);
        if (to - from > need)
            to = from + need;
        set_range(&chosen, from, to, true);
    }
    return chosen;
}

/* Appends the set's runs for [from, to); a run that goes on from the piece before only makes that one longer. */
static uint32_t slices_append(struct planner *planner, uint32_t count, const struct milli_set *set, uint32_t gpu,
                              int64_t from, int64_t to, int64_t held_until)
{
    bool held = from < held_until;
    int32_t base = (int32_t)(gpu * PLANNER_GPU_MILLI);
    uint32_t known = count;
    uint32_t first = 0;
    for (uint32_t last = 0; set_next_run(set, &first, &last);) {
        struct slice piece = {from, held ? to : from, to, base + (int32_t)first, base + (int32_t)last, NONE, 0};
        bool merged = false;
        for (uint32_t i = 0; i < known && !merged; i++) {
            struct slice *before = &planner->cut[i];
            merged = before->clean == from && before->slots_from == piece.slots_from &&
                     before->slots_to == piece.slots_to && (before->to > before->from) == held;
            if (merged) {
                before->clean = to;
                before->to = held ? to : before->to;
            }
        }
        if (merged)
            continue;
        ARRAY_RESERVE(planner->cut, planner->cut_room, count + 1);
        planner->cut[count++] = piece;
    }
    return count;
}

/* The first instant after `instant` at which something on the GPU begins or ends, or the window or its turnaround. */
static int64_t next_change(const struct node *node, const struct question *question, uint32_t gpu, int64_t instant,
                           int64_t clean)
{
    int64_t next = instant < question->to ? question->to : clean;
    for (uint32_t i = timeline_first(node, instant); i < node->slice_count && node->slices[i].from < next; i++) {
        const struct slice *slice = &node->slices[i];
        if ((slice_gpus(slice) >> gpu & 1) == 0)
            continue;
        if (slice->from > instant)
            next = slice->from;
        else if (slice->clean > instant && slice->clean < next)
            next = slice->clean;
    }
    return next;
}

uint32_t share_slices(struct planner *planner, const struct node *node, const struct question *question, uint32_t gpu)
{
    int64_t clean = instant_add(question->to, node->spec.turnaround_s);
    uint32_t milli = question->shape.gpu_milli;
    struct milli_set chosen = {{0}};
    struct milli_set always = milli_free(planner, node, question, gpu, question->from, clean);
    uint32_t count = 0;
    if (set_count(&always) >= milli) { /* the common case: one place for all of the window */
        chosen = milli_choose(always, &chosen, milli);
        count = slices_append(planner, 0, &chosen, gpu, question->from, question->to, question->to);
        return clean == question->to ? count
                                     : slices_append(planner, count, &chosen, gpu, question->to, clean, question->to);
    }
    for (int64_t at = question->from; at < clean;) {
        int64_t next = next_change(node, question, gpu, at, clean);
        chosen = milli_choose(milli_free(planner, node, question, gpu, at, next), &chosen, milli);
        count = slices_append(planner, count, &chosen, gpu, at, next, question->to);
        at = next;
    }
    return count;
}
