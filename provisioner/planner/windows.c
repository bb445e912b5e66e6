/* When: the earliest window, exactly.
 *
 * Starts are taken bucket by bucket. Every window that starts in one bucket covers the time between the latest start
 * and the earliest end, so the index's bounds for that time hold for all of them: most buckets end there. Where a node
 * or a group may do, what it takes is followed from start to start. It can change only where something ends, or where
 * the window, begun one second later, would run into what begins. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/muster.h"

#define NEVER INT64_MAX

/* The search among the starts [first, last]. */
struct starts {
    struct planner *planner;
    const struct planner_request *request;
    const struct question *question; /* as asked; it starts anywhere */
    int64_t first;
    int64_t last;
};

static struct question question_at(const struct question *question, int64_t from)
{
    struct question moved = *question;
    moved.to = instant_add(question->to, from - question->from);
    moved.from = from;
    return moved;
}

/* The time that all windows share; if they share none, the latest start's first second: what is busy during all of its
 * bucket is in every window's way. */
static struct question question_core(const struct starts *starts)
{
    struct question core = question_at(starts->question, starts->first);
    core.from = starts->last;
    core.to = core.to > core.from ? core.to : core.from + 1;
    return core;
}

/* -- one node --------------------------------------------------------------------------------------------------- */

static void break_add(const struct starts *starts, int64_t instant)
{
    struct planner *planner = starts->planner;
    if (instant <= starts->first || instant > starts->last)
        return;
    ARRAY_RESERVE(planner->breaks, planner->break_room, planner->break_count + 1);
    uint32_t at = planner->break_count++;
    for (; at > 0 && planner->breaks[at - 1] > instant; at--)
        planner->breaks[at] = planner->breaks[at - 1];
    planner->breaks[at] = instant;
}

/* The starts, sorted, at which the node may begin to take more or less than just before. */
static void breaks_gather(const struct starts *starts, const struct node *node)
{
    bool open = starts->question->to == PLANNER_OPEN; /* then any start runs into all that follows */
    int64_t length_s = open ? 0 : starts->question->to - starts->question->from;
    int64_t turnaround_s = node->spec.turnaround_s;
    int64_t reach = open ? starts->last : starts->last + length_s + turnaround_s;
    starts->planner->break_count = 0;
    break_add(starts, node->spec.plannable_from);
    if (!open && node->spec.plannable_until != PLANNER_OPEN)
        break_add(starts, node->spec.plannable_until - length_s + 1);
    for (uint32_t i = timeline_first(node, starts->first); i < node->slice_count && node->slices[i].from <= reach;
         i++) {
        const struct slice *slice = &node->slices[i];
        const struct allocation *allocation = &starts->planner->allocations[slice->allocation];
        break_add(starts, slice->to);
        break_add(starts, slice->clean);
        if (starts->question->preempts && allocation->preemptible) {
            break_add(starts, starts->question->evict_from);
            break_add(starts, starts->question->evict_from + allocation->turnaround_s);
        }
        if (open)
            continue;
        break_add(starts, slice->from - length_s + 1);
        break_add(starts, slice->from - length_s - turnaround_s + 1);
    }
    for (uint32_t i = timeline_hold_first(node, starts->first); i < node->hold_count && node->holds[i].from <= reach;
         i++) {
        break_add(starts, node->holds[i].to);
        if (!open)
            break_add(starts, node->holds[i].from - length_s + 1);
    }
}

static uint32_t takes_at(const struct starts *starts, const struct node *node, int64_t from)
{
    struct question question = question_at(starts->question, from);
    if (!fit_eligible(starts->planner, node, &question))
        return 0;
    uint32_t count = fit_node(starts->planner, node, &question).count;
    return count > 1 && question.spread != PLANNER_SPREAD_NONE ? 1 : count;
}

static int64_t node_first(const struct starts *starts, const struct node *node)
{
    uint32_t need = starts->request->count;
    if (takes_at(starts, node, starts->first) >= need)
        return starts->first;
    breaks_gather(starts, node);
    for (uint32_t i = 0; i < starts->planner->break_count; i++) {
        if (takes_at(starts, node, starts->planner->breaks[i]) >= need)
            return starts->planner->breaks[i];
    }
    return NEVER;
}

/* The first start at which one node takes all. */
static int64_t nodes_first(struct starts starts, struct model *model, const struct question *core)
{
    struct table *table = &model->table;
    uint32_t need = starts.request->count;
    int64_t found = NEVER;
    const uint32_t *instances = sight_instances(starts.planner, model, core);
    for (uint32_t block = 0; block < table->block_count; block++) {
        if (instances[block] < need)
            continue;
        sight_fits(model, core, block);
        for (uint32_t column = block * LANES; column < (block + 1) * LANES; column++) {
            if (table->fits[column] < need)
                continue;
            int64_t first = node_first(&starts, &starts.planner->nodes[table->columns[column]]);
            if (first == starts.first)
                return first;
            if (first == NEVER)
                continue;
            found = first;
            starts.last = first - 1; /* only earlier ones are of interest */
        }
    }
    return found;
}

/* -- a group of nodes ------------------------------------------------------------------------------------------- */

static void event_add(struct planner *planner, int64_t instant, uint32_t node, uint32_t before, uint32_t after)
{
    ARRAY_RESERVE(planner->events, planner->event_room, planner->event_count + 1);
    planner->events[planner->event_count++] = (struct event){instant, node, before, after};
}

static int event_compare(const void *left, const void *right)
{
    const struct event *a = left;
    const struct event *b = right;
    if (a->instant != b->instant)
        return a->instant < b->instant ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

/* What the node takes from start to start, as events. Returns what it takes at the first. */
static uint32_t events_of_node(const struct starts *starts, uint32_t index)
{
    struct planner *planner = starts->planner;
    const struct node *node = &planner->nodes[index];
    uint32_t at_first = takes_at(starts, node, starts->first);
    uint32_t takes = at_first;
    if (takes > 0)
        event_add(planner, starts->first, index, 0, takes);
    breaks_gather(starts, node);
    for (uint32_t i = 0; i < planner->break_count; i++) {
        uint32_t before = takes;
        takes = takes_at(starts, node, planner->breaks[i]);
        if (takes != before)
            event_add(planner, planner->breaks[i], index, before, takes);
    }
    return at_first;
}

/* Of a spread gang a rack (leaf) takes one as long as any of its nodes does. */
static int64_t event_gain(const struct muster *muster, const struct event *event)
{
    if (!muster->spread)
        return (int64_t)event->after - event->before;
    uint32_t *present = &muster->planner->present[muster->planner->nodes[event->node].groups[muster->apart]];
    if (event->before == 0 && event->after > 0)
        return (*present)++ == 0 ? 1 : 0;
    if (event->before > 0 && event->after == 0)
        return --*present == 0 ? -1 : 0;
    return 0;
}

static void present_clear(const struct muster *muster)
{
    struct planner *planner = muster->planner;
    if (!muster->spread)
        return;
    uint32_t old_room = planner->present_room;
    ARRAY_RESERVE(planner->present, planner->present_room, planner->groups[muster->apart].count);
    for (uint32_t i = old_room; i < planner->present_room; i++)
        planner->present[i] = 0;
    for (uint32_t i = 0; i < planner->event_count; i++)
        planner->present[planner->nodes[planner->events[i].node].groups[muster->apart]] = 0;
}

static int64_t events_first(const struct muster *muster)
{
    struct planner *planner = muster->planner;
    int64_t sum = 0;
    present_clear(muster);
    if (planner->event_count > 1)
        qsort(planner->events, planner->event_count, sizeof planner->events[0], event_compare);
    for (uint32_t i = 0; i < planner->event_count; i++) {
        sum += event_gain(muster, &planner->events[i]);
        bool last = i + 1 == planner->event_count || planner->events[i + 1].instant != planner->events[i].instant;
        if (last && sum >= muster->count)
            return planner->events[i].instant;
    }
    return NEVER;
}

/* The first start at which the group takes all. */
static int64_t group_first(const struct starts *starts, const struct muster *muster, uint32_t place)
{
    const struct table *table = &muster->model->table;
    uint64_t at_first = 0;
    starts->planner->event_count = 0;
    muster_apart_begin(muster);
    for (uint32_t i = muster->level->groups[place].first; i < parts_end(muster->level, place); i++) {
        const struct part *part = &muster->level->parts[i];
        for (uint32_t left = table->looked[part->block] ? part->lanes : 0; left != 0; left &= left - 1) {
            uint32_t column = part->block * LANES + (uint32_t)__builtin_ctz(left);
            if (table->fits[column] == 0)
                continue;
            uint32_t takes = events_of_node(starts, table->columns[column]);
            at_first += muster_apart_add(muster, table->columns[column], takes);
            if (at_first >= muster->count)
                return starts->first;
        }
    }
    return events_first(muster);
}

static int64_t groups_first(struct starts starts, const struct muster *muster)
{
    int64_t found = NEVER;
    (void)sight_instances(starts.planner, muster->model, muster->question); /* for the bounds */
    for (uint32_t place = 0; place < muster->level->group_count && found > starts.first; place++) {
        if (muster_bound(muster, place) < muster->count)
            continue;
        muster_look(muster, place);
        if (muster_bound(muster, place) < muster->count)
            continue;
        int64_t first = group_first(&starts, muster, place);
        if (first == NEVER)
            continue;
        found = first;
        starts.last = first - 1;
    }
    return found;
}

/* -- all of them ------------------------------------------------------------------------------------------------ */

static int64_t model_first(const struct starts *starts, struct model *model, enum planner_scope limit)
{
    struct question core = question_core(starts);
    struct muster muster = muster_of(starts->planner, model, &core, limit, starts->request->count);
    sight_begin(starts->planner, model, &core);
    if (starts->request->count == 1 || muster.level->nodes_most <= 1) /* as for PLANNER_NODE */
        return nodes_first(*starts, model, &core);
    return muster_may_hold(&muster) ? groups_first(*starts, &muster) : NEVER;
}

/* The last start of the stretch that begins with `first`: to the end of its bucket. All that the index does not cover
 * is one stretch, and so is everything where it does not know what is in the way. */
static int64_t stretch_last(const struct planner *planner, const struct question *question, int64_t first)
{
    int64_t bucket = bucket_of(first);
    if (question->preempts)
        return NEVER;
    if (bucket < planner->table_base)
        return planner->table_base * BUCKET_S - 1;
    return bucket < planner->table_base + BUCKETS ? (bucket + 1) * BUCKET_S - 1 : NEVER;
}

bool earliest_start(struct planner *planner, const struct question *question, const struct planner_request *request,
                    enum planner_scope limit, int64_t start_to, int64_t *ret_from)
{
    struct starts starts = {.planner = planner, .request = request, .question = question, .first = question->from};
    table_ready(planner, question->from);
    for (; starts.first <= start_to; starts.first = starts.last + 1) {
        int64_t end = stretch_last(planner, question, starts.first);
        int64_t found = NEVER;
        starts.last = end < start_to ? end : start_to;
        for (uint32_t i = 0; i < request_models(planner, request) && found > starts.first; i++) {
            struct model *model = request_model(planner, request, i);
            struct starts earlier = starts;
            earlier.last = found == NEVER ? starts.last : found - 1;
            int64_t first = model == NULL ? NEVER : model_first(&earlier, model, limit);
            found = first < found ? first : found;
        }
        if (found != NEVER) {
            *ret_from = found;
            return true;
        }
    }
    return false;
}
