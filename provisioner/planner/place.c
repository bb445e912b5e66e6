/* Taking what the search found, and giving it back: place, release, cut, replace. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

/* Whole GPUs as runs of slots in planner->cut. */
static uint32_t whole_slices(struct planner *planner, const struct node *node, const struct question *question)
{
    UNCLEARED struct room room;
    uint32_t fits = fit_room(planner, node, question, &room);
    must(fits > 0);
    gaps_measure(node, question, &room);
    uint64_t gpus = gaps_choose(&room, node->spec.gpus, question->shape.gpus, node->spec.grouping);
    int64_t clean = instant_add(question->to, node->spec.turnaround_s);
    uint32_t count = 0;
    ARRAY_RESERVE(planner->cut, planner->cut_room, PLANNER_NODE_GPUS_MAX);
    for (uint32_t gpu = 0; gpu < node->spec.gpus; gpu++) {
        int32_t slot = (int32_t)(gpu * PLANNER_GPU_MILLI);
        if ((gpus >> gpu & 1) == 0)
            continue;
        if (count == 0 || planner->cut[count - 1].slots_to != slot)
            planner->cut[count++] = (struct slice){question->from, question->to, clean, slot, slot, NONE, 0};
        planner->cut[count - 1].slots_to = slot + PLANNER_GPU_MILLI;
    }
    return count;
}

static uint32_t share_gpu(const struct planner *planner, const struct node *node, const struct question *question)
{
    UNCLEARED struct room room;
    uint32_t count = fit_room(planner, node, question, &room);
    must(count > 0);
    gaps_measure(node, question, &room);
    return fragmentation_gpu(&planner->models[node->model].mix, &room, &question->shape);
}

uint32_t take(struct planner *planner, uint32_t index, const struct question *question, struct planner_key key)
{
    const struct node *node = &planner->nodes[index];
    table_prefetch(planner, index, question->from, question->to);
    uint32_t slice_count = question->shape.gpus > 0
                               ? whole_slices(planner, node, question)
                               : share_slices(planner, node, question, share_gpu(planner, node, question));
    struct allocation allocation = {
        .key = key,
        .tenant = question->tenant,
        .shape = question->shape,
        .turnaround_s = node->spec.turnaround_s,
        .from = question->from,
        .to = question->to,
        .node = index,
        .preemptible = question->preemptible,
    };
    return allocation_add(planner, &allocation, planner->cut, slice_count);
}

void give_begin(struct planner *planner)
{
    planner->given_count = 0;
    planner->rectangle_count = 0;
}

void give(struct planner *planner, uint32_t index)
{
    uint32_t before = planner->rectangle_count;
    rectangles_append(planner, index);
    ARRAY_RESERVE(planner->given, planner->given_room, planner->given_count + 1);
    struct planner_allocation *given = &planner->given[planner->given_count++];
    *given = allocation_told(planner, index);
    given->rectangle_count = planner->rectangle_count - before;
}

void give_end(struct planner *planner)
{
    uint32_t at = 0; /* only now do the rectangles stay where they are */
    for (uint32_t i = 0; i < planner->given_count; i++) {
        planner->given[i].rectangles = planner->rectangles + at;
        at += planner->given[i].rectangle_count;
    }
}

struct planner_verdict give_verdict(struct planner *planner)
{
    give_end(planner);
    return (struct planner_verdict){
        .placed = true,
        .allocations = planner->given,
        .allocation_count = planner->given_count,
        .evictions = planner->evictions,
        .eviction_count = planner->eviction_count,
    };
}

/* planner->ordinals are those of the request. */
static void ordinals_of(struct planner *planner, const struct planner_request *request)
{
    ARRAY_RESERVE(planner->ordinals, planner->ordinal_room, request->count);
    for (uint32_t i = 0; i < request->count; i++)
        planner->ordinals[i] = request->first_ordinal + i;
    planner->ordinal_count = request->count;
}

void take_picks(struct planner *planner, const struct question *question, struct planner_id reservation)
{
    uint32_t at = 0;
    ARRAY_RESERVE(planner->taken, planner->taken_room, planner->ordinal_count);
    for (uint32_t i = 0; i < planner->pick_count; i++) {
        for (uint32_t j = 0; j < planner->picks[i].count; j++, at++) {
            must(at < planner->ordinal_count);
            struct planner_key key = {reservation, planner->ordinals[at]};
            planner->taken[at] = take(planner, planner->picks[i].node, question, key);
        }
    }
    must(at == planner->ordinal_count);
}

/* Takes what the search picked and tells it. */
static void grant(struct planner *planner, const struct question *question, const struct planner_request *request,
                  struct planner_verdict *ret)
{
    ordinals_of(planner, request);
    take_picks(planner, question, request->reservation);
    give_begin(planner);
    for (uint32_t i = 0; i < planner->ordinal_count; i++)
        give(planner, planner->taken[i]);
    *ret = give_verdict(planner);
}

bool planner_release(struct planner *planner, const struct planner_key *key)
{
    bool found = false;
    uint32_t at;
    while ((at = allocation_find(planner, key, NONE)) != NONE) {
        allocation_remove(planner, at);
        found = true;
    }
    return found;
}

/* A share's slices in planner->cut: what it held or kept clean until `clean` goes on, as turnaround after `instant`. */
static uint32_t cut_share(struct planner *planner, uint32_t count, int64_t instant, int64_t clean)
{
    uint32_t kept = 0;
    ARRAY_RESERVE(planner->cut, planner->cut_room, 3 * count); /* old, then up to two pieces of each */
    struct slice *pieces = planner->cut + count;
    for (uint32_t i = 0; i < count; i++) {
        struct slice held = planner->cut[i];
        struct slice after = planner->cut[i];
        if (held.from < instant) {
            held.to = held.to < instant ? held.to : instant;
            held.clean = held.to;
            pieces[kept++] = held;
        }
        after.from = after.from > instant ? after.from : instant;
        after.clean = after.clean < clean ? after.clean : clean;
        after.to = after.from;
        if (after.from < after.clean)
            pieces[kept++] = after;
    }
    for (uint32_t i = 0; i < kept; i++)
        planner->cut[i] = pieces[i];
    return kept;
}

void cut_allocation(struct planner *planner, uint32_t index, int64_t instant)
{
    struct allocation allocation = planner->allocations[index];
    must(allocation.to > instant);
    uint32_t count = allocation_slices(planner, index);
    allocation_remove(planner, index);
    if (allocation.from >= instant)
        return;
    int64_t clean = instant_add(instant, allocation.turnaround_s);
    if (allocation.shape.gpus == 0) {
        count = cut_share(planner, count, instant, clean);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            if (planner->cut[i].to <= instant)
                continue; /* turnaround of an earlier stay */
            planner->cut[i].to = instant;
            planner->cut[i].clean = clean;
        }
    }
    allocation.to = instant;
    (void)allocation_add(planner, &allocation, planner->cut, count); /* known by its key */
}

uint32_t held_after(const struct planner *planner, const struct planner_key *key, int64_t instant)
{
    uint32_t best = NONE;
    for (uint32_t at = allocation_find(planner, key, NONE); at != NONE; at = allocation_find(planner, key, at)) {
        const struct allocation *allocation = &planner->allocations[at];
        if (allocation->from < allocation->to && allocation->to > instant &&
            (best == NONE || allocation->from < planner->allocations[best].from))
            best = at;
    }
    return best;
}

static void keys_prefetch(const struct planner *planner, const struct planner_request *request)
{
    struct planner_key key = {request->reservation, request->first_ordinal};
    for (uint32_t i = 0; i < request->count; i++, key.ordinal++)
        allocation_prefetch(planner, &key);
}

/* None of the instances may be held yet. */
static void none_held(const struct planner *planner, const struct planner_request *request)
{
    struct planner_key key = {request->reservation, request->first_ordinal};
    if (allocation_sibling(planner, request->reservation, NONE) == NONE)
        return;
    for (uint32_t i = 0; i < request->count; i++, key.ordinal++)
        must(held_after(planner, &key, request->from) == NONE);
}

void planner_place(struct planner *planner, const struct planner_request *request, struct planner_verdict *ret)
{
    must(planner_request_wrong(request) == NULL);
    keys_prefetch(planner, request);
    struct question question = question_of(planner, request);
    enum planner_scope limit = scope_limit(request);
    planner->eviction_count = 0;
    question.apart_level = spread_level(request->spread);
    spread_mark(planner, request->reservation, NONE, request->from, question.apart_level, true);
    bool found = search_gang(planner, &question, request, limit);
    none_held(planner, request);
    if (found || (preempt_any(planner, request) && preempt_gang(planner, &question, request, limit)))
        grant(planner, &question, request, ret);
    else
        *ret = (struct planner_verdict){.refusal = refuse(planner, &question, request)};
    spread_mark(planner, request->reservation, NONE, request->from, question.apart_level, false);
}

bool planner_cut(struct planner *planner, const struct planner_key *key, int64_t instant)
{
    bool found = false;
    uint32_t at;
    while ((at = held_after(planner, key, instant)) != NONE) {
        cut_allocation(planner, at, instant);
        found = true;
    }
    return found;
}

/* What is replaced, and by what it asks for. */
struct replacing {
    struct planner *planner;
    const struct planner_replacement *replacement;
    uint32_t old;
    uint32_t node; /* where it is */
    struct planner_request request;
};

/* Tightest scope around the present node first. Somebody goes only where all of them have nothing free: with the least
 * loss, and of several the nearest. */
static bool find_near(const struct replacing *replacing, struct question *question, bool preempts)
{
    struct planner *planner = replacing->planner;
    const struct node *node = &planner->nodes[replacing->node];
    for (uint32_t scope = PLANNER_NODE + 1; scope <= (uint32_t)replacing->replacement->scope; scope++) {
        question->near_scope = (enum planner_scope)scope;
        question->near_group = scope == PLANNER_FLEET ? NONE : node->groups[scope];
        if (search_gang(planner, question, &replacing->request, PLANNER_FLEET))
            return true;
    }
    enum planner_scope widest = replacing->replacement->scope; /* the node itself: nobody makes room for it there */
    question->near_scope = widest;
    question->near_group = widest == PLANNER_FLEET ? NONE : node->groups[widest];
    question->beside = replacing->node;
    return preempts && widest != PLANNER_NODE && preempt_gang(planner, question, &replacing->request, PLANNER_FLEET);
}

/* What it gets is cut off the present place. */
static bool replace_near(const struct replacing *replacing, struct question *question, bool preempts,
                         struct planner_verdict *ret)
{
    struct planner *planner = replacing->planner;
    if (!find_near(replacing, question, preempts))
        return false;
    cut_allocation(planner, replacing->old, replacing->replacement->now);
    grant(planner, question, &replacing->request, ret);
    return true;
}

/* As soon as those who give way are gone. */
static bool replace_by_preemption(struct replacing *replacing, enum planner_scope apart_level,
                                  struct planner_verdict *ret)
{
    struct planner *planner = replacing->planner;
    const struct planner_replacement *replacement = replacing->replacement;
    struct planner_request *request = &replacing->request;
    if (!replacement->preempts || request->preemptible || planner->preemptible_live == 0)
        return false;
    request->preempts = true;
    request->evict_from = replacement->evict_from;
    preempt_instants(planner, replacement->evict_from, request->from - 1);
    for (uint32_t i = 0; i < planner->instant_count && planner->instants[i] < request->to; i++) {
        request->from = planner->instants[i];
        struct question question = question_of(planner, request);
        question.apart_level = apart_level;
        if (replace_near(replacing, &question, true, ret))
            return true;
    }
    return false;
}

/* The present place, which lies ahead, makes room: where it is may be free before. */
static void replace_sooner(const struct replacing *replacing, struct question *question, struct planner_verdict *ret)
{
    struct planner *planner = replacing->planner;
    struct attempt attempt = attempt_begin(planner);
    cut_allocation(planner, replacing->old, replacing->replacement->now);
    if (find_near(replacing, question, false)) {
        grant(planner, question, &replacing->request, ret);
    } else {
        attempt_undo(planner, attempt);
        *ret = (struct planner_verdict){0};
    }
    attempt_keep(planner, attempt);
}

static struct planner_request request_in_place(const struct planner *planner, uint32_t old,
                                               const struct planner_replacement *replacement)
{
    const struct allocation *present = &planner->allocations[old];
    int64_t begins = present->from > replacement->begins ? present->from : replacement->begins;
    bool keeps_start = begins > replacement->now && begins < present->to && !replacement->sooner;
    return (struct planner_request){
        .reservation = replacement->key.reservation,
        .tenant = present->tenant,
        .first_ordinal = replacement->key.ordinal,
        .count = 1,
        .shape = present->shape,
        .from = keeps_start ? begins : replacement->now,
        .to = present->to,
        .gpu_models = replacement->gpu_models,
        .gpu_model_count = replacement->gpu_model_count,
        .scope = replacement->scope,
        .avoid_node = replacement->sooner ? (struct planner_id){{0}} : planner->nodes[present->node].spec.id,
        .preemptible = present->preemptible,
    };
}

bool planner_replace(struct planner *planner, const struct planner_replacement *replacement,
                     struct planner_verdict *ret)
{
    uint32_t old = held_after(planner, &replacement->key, replacement->now);
    if (old == NONE)
        return false;
    struct replacing replacing = {.planner = planner,
                                  .replacement = replacement,
                                  .old = old,
                                  .node = planner->allocations[old].node,
                                  .request = request_in_place(planner, old, replacement)};
    const char *const present_model[] = {planner->models[planner->nodes[replacing.node].model].name};
    if (replacement->gpu_model_count == 0) {
        replacing.request.gpu_models = present_model;
        replacing.request.gpu_model_count = 1;
    }
    const struct planner_request asked = replacing.request;
    must(planner_request_wrong(&asked) == NULL);
    must(!replacement->sooner || planner->allocations[old].from > replacement->now);
    struct question question = question_of(planner, &asked);
    question.apart_level = spread_level(replacement->spread);
    planner->eviction_count = 0;
    spread_mark(planner, asked.reservation, asked.first_ordinal, replacement->now, question.apart_level, true);
    if (replacement->sooner)
        replace_sooner(&replacing, &question, ret);
    else if (!replace_near(&replacing, &question, false, ret) &&
             !replace_by_preemption(&replacing, question.apart_level, ret))
        *ret = (struct planner_verdict){.refusal = refuse(planner, &question, &asked)};
    spread_mark(planner, asked.reservation, asked.first_ordinal, replacement->now, question.apart_level, false);
    return true;
}
