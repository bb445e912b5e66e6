/* When: the earliest window, exactly.
 *
 * Starts are taken bucket by bucket. Every window that starts in one bucket covers the time between the latest start
 * and the earliest end, so the index's bounds for that time hold for all of them: most buckets end there. Where a node
 * or a group may do, what it takes is followed from start to start. It can change only where something ends, or where
 * the window, begun one second later, would run into what begins. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/gang.h"

#define NEVER INT64_MAX

/* The search among the starts [first, last]. */
struct starts {
    struct planner *planner;
    const struct planner_request *request;
    const struct question *question; /* as asked; it starts anywhere */
    bool by_block;                   /* see struct places */
    bool blind;
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
    core.ignore_plannable = true; /* the window of a start may be plannable where this time is not */
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
            break_add(starts, allocation->from + PLANNER_KEPT_LEAST_S); /* spares_unbegun */
            break_add(starts, allocation->from + PLANNER_KEPT_LEAST_S + allocation->turnaround_s);
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
    for (uint32_t block = 0; block < table->block_count; block++) {
        if ((!starts.blind && !starts.planner->may_take[block]) ||
            probe_instances(starts.planner, model, core, block)[block] == 0)
            continue;
        probe_fits(model, core, block);
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
static int64_t event_gain(const struct gang *gang, const struct event *event)
{
    if (!gang->spread)
        return (int64_t)event->after - event->before;
    uint32_t *present = &gang->planner->present[gang->planner->nodes[event->node].groups[gang->apart]];
    if (event->before == 0 && event->after > 0)
        return (*present)++ == 0 ? 1 : 0;
    if (event->before > 0 && event->after == 0)
        return --*present == 0 ? -1 : 0;
    return 0;
}

static void present_clear(const struct gang *gang)
{
    struct planner *planner = gang->planner;
    if (!gang->spread)
        return;
    uint32_t old_room = planner->present_room;
    ARRAY_RESERVE(planner->present, planner->present_room, planner->groups[gang->apart].count);
    for (uint32_t i = old_room; i < planner->present_room; i++)
        planner->present[i] = 0;
    for (uint32_t i = 0; i < planner->event_count; i++)
        planner->present[planner->nodes[planner->events[i].node].groups[gang->apart]] = 0;
}

static int64_t events_first(const struct gang *gang)
{
    struct planner *planner = gang->planner;
    int64_t sum = 0;
    present_clear(gang);
    if (planner->event_count > 1)
        qsort(planner->events, planner->event_count, sizeof planner->events[0], event_compare);
    for (uint32_t i = 0; i < planner->event_count; i++) {
        sum += event_gain(gang, &planner->events[i]);
        bool last = i + 1 == planner->event_count || planner->events[i + 1].instant != planner->events[i].instant;
        if (last && sum >= gang->count)
            return planner->events[i].instant;
    }
    return NEVER;
}

/* The first start at which the group takes all. */
static int64_t group_first(const struct starts *starts, const struct gang *gang, uint32_t place)
{
    const struct table *table = &gang->model->table;
    uint64_t at_first = 0;
    starts->planner->event_count = 0;
    gang_apart_begin(gang);
    for (uint32_t i = gang->level->groups[place].first; i < parts_end(gang->level, place); i++) {
        const struct part *part = &gang->level->parts[i];
        for (uint32_t left = probe_has_fits(table, part->block) ? part->lanes : 0; left != 0; left &= left - 1) {
            uint32_t column = part->block * LANES + (uint32_t)__builtin_ctz(left);
            if (table->fits[column] == 0)
                continue;
            uint32_t takes = events_of_node(starts, table->columns[column]);
            at_first += gang_apart_add(gang, table->columns[column], takes);
            if (at_first >= gang->count)
                return starts->first;
        }
    }
    return events_first(gang);
}

static int64_t groups_first(struct starts starts, const struct gang *gang)
{
    int64_t found = NEVER;
    for (uint32_t place = 0; place < gang->level->group_count && found > starts.first; place++) {
        uint32_t unit = starts.by_block ? gang->level->parts[gang->level->groups[place].first].block : place;
        if ((!starts.blind && !starts.planner->may_take[unit]) || gang_bound(gang, place) < gang->count)
            continue;
        gang_probe(gang, place);
        if (gang_bound(gang, place) < gang->count)
            continue;
        int64_t first = group_first(&starts, gang, place);
        if (first == NEVER)
            continue;
        found = first;
        starts.last = first - 1;
    }
    return found;
}

/* -- which buckets ---------------------------------------------------------------------------------------------- */

/* Places of one kind that may take all: the groups of a level, or, where each lies within one block or one node shall
 * do, the blocks. A bucket is full for a place if it has too little there for any window that holds all of the bucket,
 * or of a longer piece of time that begins with it. So a window may begin in a bucket only if the last full one lies no
 * later; that is kept while the end of the windows moves on, bucket by bucket. */
struct places {
    struct planner *planner;
    const struct model *model;
    const struct question *question;
    const struct level *level; /* NULL: blocks */
    uint32_t count;
    uint32_t need;
    int64_t first; /* buckets from this one */
    int64_t seen;  /* to this one are in planner->full_last */
};

static struct places places_of(struct planner *planner, struct model *model, const struct question *question,
                               const struct planner_request *request, enum planner_scope limit)
{
    const struct level *level = &model->table.levels[limit];
    struct places places = {.planner = planner, .model = model, .question = question, .need = request->count};
    bool by_block = level->nodes_most <= 1 || request->count == 1 || level->part_count == level->group_count;
    places.level = by_block ? NULL : level;
    places.count = by_block ? model->table.block_count : level->group_count;
    places.seen = bucket_of(question->from) + 1;
    places.seen = places.seen < planner->table_base ? planner->table_base : places.seen;
    places.first = places.seen;
    ARRAY_RESERVE(planner->full_last, planner->full_room, places.count);
    for (uint32_t place = 0; place < places.count; place++)
        planner->full_last[place] = INT64_MIN;
    ARRAY_RESERVE(planner->may_take, planner->may_room, places.count);
    ARRAY_RESERVE(planner->sums, planner->sum_room, model->table.block_room); /* whole stretches */
    return places;
}

static uint64_t place_sum(const struct places *places, uint32_t place)
{
    const uint32_t *instances = places->planner->sums;
    uint64_t sum = 0;
    if (places->level == NULL)
        return instances[place];
    for (uint32_t i = places->level->groups[place].first; i < parts_end(places->level, place); i++)
        sum += instances[places->level->parts[i].block];
    return sum;
}

/* Whoever cannot take what a row promises can take no window that holds all of its time, which begins with `bucket`. */
static void places_row(const struct places *places, size_t row, int64_t bucket)
{
    int64_t *full_last = places->planner->full_last;
    probe_row(places->model, places->question, row, places->planner->sums);
    for (uint32_t place = 0; place < places->count; place++) {
        if (full_last[place] < bucket && place_sum(places, place) < places->need)
            full_last[place] = bucket;
    }
}

/* Takes in the buckets before `end`, and the longer pieces of time that end with them. */
static void places_see(struct places *places, int64_t end)
{
    int64_t ring_end = places->planner->table_base + BUCKETS;
    for (end = end < ring_end ? end : ring_end; places->seen < end; places->seen++) {
        for (uint32_t depth = 0; depth < DEPTHS; depth++) {
            uint32_t size = table_piece_buckets[depth];
            int64_t first = places->seen + 1 - size;
            if (ring_of(first) % size == 0 && first >= places->first)
                places_row(places, table_piece_row[depth] + ring_of(first) / size, first);
        }
    }
}

/* Leaves out who has too little for windows that only begin or end in the bucket; returns whether anybody is left. */
static bool places_edge(const struct places *places, int64_t bucket)
{
    struct planner *planner = places->planner;
    bool any = false;
    if (bucket < planner->table_base || bucket >= planner->table_base + BUCKETS)
        return true;
    probe_row(places->model, places->question, ROW_ACROSS + ring_of(bucket), planner->sums);
    for (uint32_t place = 0; place < places->count; place++) {
        planner->may_take[place] = planner->may_take[place] && place_sum(places, place) >= places->need;
        any |= planner->may_take[place];
    }
    return any;
}

/* Finds in planner->may_take which places may take a window that begins among these starts; false if none. */
static bool places_any(struct places *places, const struct starts *starts)
{
    struct planner *planner = places->planner;
    int64_t to = question_at(starts->question, starts->first).to;
    bool any = false;
    places_see(places, to == PLANNER_OPEN ? INT64_MAX : bucket_of(to));
    for (uint32_t place = 0; place < places->count; place++) {
        planner->may_take[place] = planner->full_last[place] <= bucket_of(starts->first);
        any |= planner->may_take[place];
    }
    any = any && places_edge(places, bucket_of(starts->last));
    bool shared = to != PLANNER_OPEN && to > starts->last; /* all windows see the instant before `to` */
    return any && (!shared || places_edge(places, bucket_of(to - 1)));
}

/* -- all of them ------------------------------------------------------------------------------------------------ */

static int64_t stretch_first(const struct starts *starts, struct model *model, enum planner_scope limit)
{
    struct question core = question_core(starts);
    struct gang gang = gang_of(starts->planner, model, &core, limit, starts->request->count);
    probe_begin(starts->planner, model, &core);
    if (starts->request->count == 1 || gang.level->nodes_most <= 1) /* as for PLANNER_NODE */
        return nodes_first(*starts, model, &core);
    return gang_may_hold(&gang) ? groups_first(*starts, &gang) : NEVER;
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

/* The earliest start up to start_to on the model's nodes. */
static int64_t model_first(struct starts starts, struct model *model, enum planner_scope limit, int64_t start_to)
{
    struct planner *planner = starts.planner;
    const struct question *question = starts.question;
    probe_begin(planner, model, question); /* for the tier */
    struct places places = places_of(planner, model, question, starts.request, limit);
    starts.blind = question->preempts || question->ignore_taken;
    starts.by_block = places.level == NULL;
    for (starts.first = question->from; starts.first <= start_to; starts.first = starts.last + 1) {
        int64_t end = stretch_last(planner, question, starts.first);
        starts.last = end < start_to ? end : start_to;
        if (!starts.blind && !places_any(&places, &starts))
            continue;
        int64_t found = stretch_first(&starts, model, limit);
        if (found != NEVER)
            return found;
    }
    return NEVER;
}

bool earliest_start(struct planner *planner, const struct question *question, const struct planner_request *request,
                    enum planner_scope limit, int64_t start_to, int64_t *ret_from)
{
    struct starts starts = {.planner = planner, .request = request, .question = question};
    int64_t found = NEVER;
    table_ready(planner, question->from);
    for (uint32_t i = 0; i < request_models(planner, request) && found > question->from; i++) {
        struct model *model = request_model(planner, request, i);
        int64_t first =
            model == NULL ? NEVER : model_first(starts, model, limit, found == NEVER ? start_to : found - 1);
        found = first < found ? first : found;
    }
    if (found != NEVER)
        *ret_from = found;
    return found != NEVER;
}
