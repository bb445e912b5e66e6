/* Time that a window would leave unsold on a GPU. A gap of g seconds between two holdings is worth less than g, as not
 * every window fits into it; the shorter, the less. With w(g) = g T / (g + T) of it taken to be wasted, T a typical
 * window, a window in a gap adds w(before it) + w(behind it) - w(the gap): least where it fits the gap closely, most in
 * the middle of an empty timeline. Nothing known on a side is a gap without end, which wastes T. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

/* Measured on mixes from an hour to ten days: docs/planner.md, "How good". */
#define TYPICAL_S INT64_C(86400)
/* So many slices are looked at on either side of a window; whatever lies beyond counts as nothing known. */
#define NEIGHBOURS_MAX 64

static int64_t wasted(int64_t gap_s)
{
    if (gap_s > PLANNER_INSTANT_MAX) /* a product of this and TYPICAL_S stays in 64 bits */
        return TYPICAL_S;
    return gap_s * TYPICAL_S / (gap_s + TYPICAL_S);
}

/* From when each of these GPUs was clean before the window, found backwards from slice `middle`, the first that does
 * not begin before it. What held a GPU whole was its last: of shares an earlier one may have ended later. */
static void look_back(const struct node *node, const struct question *question, uint32_t middle, uint64_t gpus,
                      int64_t clean_since[PLANNER_NODE_GPUS_MAX])
{
    uint32_t first = middle > NEIGHBOURS_MAX ? middle - NEIGHBOURS_MAX : 0;
    int64_t seen_from = INT64_MIN; /* slices that begin together have no order */
    for (uint32_t i = middle; i-- > first && (gpus != 0 || node->slices[i].from == seen_from);) {
        const struct slice *slice = &node->slices[i];
        uint64_t here = slice->to <= question->from ? slice_gpus(slice) : 0;
        int64_t since = slice->clean < question->from ? slice->clean : question->from;
        for (uint64_t left = here; left != 0; left &= left - 1) {
            int64_t *known = &clean_since[__builtin_ctzll(left)];
            *known = since > *known ? since : *known;
        }
        if (!slice_is_share(slice) || since == question->from)
            gpus &= ~here;
        seen_from = slice->from;
    }
}

/* When each of these GPUs is taken next after the window. */
static void look_ahead(const struct node *node, const struct question *question, uint32_t middle, uint64_t gpus,
                       int64_t clean, int64_t taken_next[PLANNER_NODE_GPUS_MAX])
{
    uint32_t end = node->slice_count - middle < NEIGHBOURS_MAX ? node->slice_count : middle + NEIGHBOURS_MAX;
    for (uint32_t i = middle; i < end && gpus != 0; i++) {
        const struct slice *slice = &node->slices[i];
        uint64_t here = slice->from >= question->to ? slice_gpus(slice) & gpus : 0;
        for (uint64_t left = here; left != 0; left &= left - 1)
            taken_next[__builtin_ctzll(left)] = slice->from > clean ? slice->from : clean;
        gpus &= ~here;
    }
}

static int64_t gap_between(int64_t from, int64_t to)
{
    return from == INT64_MIN || to == PLANNER_OPEN ? PLANNER_OPEN : to - from;
}

void gaps_measure(const struct node *node, const struct question *question, struct room *room)
{
    UNCLEARED int64_t clean_since[PLANNER_NODE_GPUS_MAX];
    UNCLEARED int64_t taken_next[PLANNER_NODE_GPUS_MAX];
    int64_t clean = instant_add(question->to, node->spec.turnaround_s);
    room->length_s = question->to == PLANNER_OPEN ? PLANNER_OPEN : question->to - question->from;
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++) {
        room->wasted_s[gpu] = 0; /* held for good it takes all time there is */
        clean_since[gpu] = INT64_MIN;
        taken_next[gpu] = PLANNER_OPEN;
    }
    if (room->length_s == PLANNER_OPEN)
        return;
    uint32_t middle = timeline_from(node, question->from);
    look_back(node, question, middle, room->whole, clean_since);
    look_ahead(node, question, middle, room->whole, clean, taken_next);
    for (uint64_t left = room->whole; left != 0; left &= left - 1) {
        uint32_t gpu = (uint32_t)__builtin_ctzll(left);
        int64_t wasted_s = wasted(gap_between(clean_since[gpu], question->from)) +
                           wasted(gap_between(clean, taken_next[gpu])) -
                           wasted(gap_between(clean_since[gpu], taken_next[gpu]));
        room->wasted_s[gpu] = (int32_t)wasted_s; /* within two TYPICAL_S */
    }
}

/* Those of these GPUs that waste the least, and how much. */
static uint64_t cheapest_of(const struct room *room, uint64_t among, int64_t *ret_wasted_s)
{
    uint64_t cheapest = 0;
    int64_t least = INT64_MAX;
    for (uint64_t left = among; left != 0; left &= left - 1) {
        int64_t wasted_s = room->wasted_s[__builtin_ctzll(left)];
        if (wasted_s < least)
            cheapest = 0;
        least = wasted_s < least ? wasted_s : least;
        cheapest |= wasted_s == least ? left & -left : 0;
    }
    *ret_wasted_s = least;
    return cheapest;
}

int64_t gaps_wasted(const struct room *room, uint32_t count)
{
    int64_t sum = 0;
    uint64_t among = room->whole;
    while (count > 0) {
        int64_t each;
        uint64_t cheapest = cheapest_of(room, among, &each);
        uint32_t taken = bits_of(cheapest);
        must(taken > 0);
        taken = taken < count ? taken : count;
        sum += each * taken;
        count -= taken;
        among &= ~cheapest;
    }
    return sum;
}

uint64_t gaps_choose(const struct room *room, uint32_t gpus, uint32_t k, enum planner_grouping grouping)
{
    uint64_t among = 0;
    while (slots_instances(among, gpus, k, grouping) == 0) {
        int64_t each;
        uint64_t cheapest = cheapest_of(room, room->whole & ~among, &each);
        must(cheapest != 0);
        among |= cheapest;
    }
    /* The node was counted upon for as many more of these instances as fit beside this one; where GPUs go in groups,
     * the closest gaps may break a group that one of them needs. */
    uint64_t closest = slots_choose(among, gpus, k, grouping);
    uint32_t beside = slots_instances(room->whole, gpus, k, grouping) - 1;
    bool keeps_all = slots_instances(room->whole & ~closest, gpus, k, grouping) >= beside;
    return keeps_all ? closest : slots_choose(room->whole, gpus, k, grouping);
}
