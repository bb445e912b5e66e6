/* The planner's life, the texts of its enums, and what a request must look like. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/text_find.h"
#include "provisioner/planner/internal.h"

#define X(name, text) [name] = (text),
static const char *const grouping_texts[] = {PLANNER_GROUPINGS(X)};
static const char *const scope_texts[] = {PLANNER_SCOPES(X)};
static const char *const spread_texts[] = {PLANNER_SPREADS(X)};
static const char *const binding_texts[] = {PLANNER_BINDINGS(X)};
static const char *const offer_kind_texts[] = {PLANNER_OFFER_KINDS(X)};
#undef X

const char *planner_scope_text(enum planner_scope scope)
{
    must((unsigned)scope < PLANNER_SCOPE_COUNT);
    return scope_texts[scope];
}

const char *planner_spread_text(enum planner_spread spread)
{
    must((unsigned)spread < PLANNER_SPREAD_COUNT);
    return spread_texts[spread];
}

const char *planner_binding_text(enum planner_binding binding)
{
    must((unsigned)binding < PLANNER_BINDING_COUNT);
    return binding_texts[binding];
}

const char *planner_offer_kind_text(enum planner_offer_kind kind)
{
    must((unsigned)kind < PLANNER_OFFER_KIND_COUNT);
    return offer_kind_texts[kind];
}

static int of_text(const char *const texts[], size_t count, const char *text)
{
    size_t found = text_find(texts, count, text);
    return found < count ? (int)found : -1;
}

int planner_grouping_of_text(const char *text)
{
    return of_text(grouping_texts, COUNT_OF(grouping_texts), text);
}

int planner_scope_of_text(const char *text)
{
    return of_text(scope_texts, COUNT_OF(scope_texts), text);
}

int planner_spread_of_text(const char *text)
{
    return of_text(spread_texts, COUNT_OF(spread_texts), text);
}

const char *planner_shape_wrong(const struct planner_shape *shape)
{
    if ((shape->gpus == 0) == (shape->gpu_milli == 0))
        return "an instance is whole GPUs or a share of one, not both and not neither";
    if (shape->gpus > PLANNER_NODE_GPUS_MAX)
        return "more GPUs than a node can have";
    if (shape->gpu_milli >= PLANNER_GPU_MILLI)
        return "a share is less than a whole GPU";
    if (shape->cpu_milli < 0 || shape->memory_mib < 0 || shape->cpu_milli > PLANNER_INSTANT_MAX ||
        shape->memory_mib > PLANNER_INSTANT_MAX)
        return "CPU or memory out of range";
    return NULL;
}

const char *planner_request_wrong(const struct planner_request *request)
{
    if (request->count == 0 || request->count > PLANNER_COUNT_MAX)
        return "count out of range";
    if (request->first_ordinal > UINT32_MAX - request->count)
        return "ordinals out of range";
    if (request->from >= request->to)
        return "the window is empty";
    if (request->from < -PLANNER_INSTANT_MAX || request->from > PLANNER_INSTANT_MAX ||
        (request->to > PLANNER_INSTANT_MAX && request->to != PLANNER_OPEN))
        return "the window is out of range";
    if ((unsigned)request->scope >= PLANNER_SCOPE_COUNT)
        return "unknown scope";
    if ((unsigned)request->spread >= PLANNER_SPREAD_COUNT)
        return "unknown spread";
    if (request->preemptible && request->preempts)
        return "what gives way does not take from others that do";
    return planner_shape_wrong(&request->shape);
}

struct planner *planner_new(void)
{
    struct planner *planner = alloc_zero(1, sizeof *planner);
    planner->allocation_free = NONE;
    planner->sweep = sweep_new();
    return planner;
}

static void models_free(struct planner *planner)
{
    for (uint32_t i = 0; i < planner->model_count; i++) {
        free(planner->models[i].nodes);
        table_free(&planner->models[i].table);
    }
    free(planner->models);
}

void planner_free(struct planner *planner)
{
    if (planner == NULL)
        return;
    for (uint32_t i = 0; i < planner->node_count; i++) {
        free(planner->nodes[i].slices);
        free(planner->nodes[i].holds);
    }
    for (uint32_t level = 0; level < LEVELS; level++)
        idmap_clear(&planner->groups[level]);
    idmap_clear(&planner->node_ids);
    models_free(planner);
    void *const arrays[] = {
        planner->nodes,    planner->allocations, planner->chains,      planner->undo,       planner->undo_slices,
        planner->changes,  planner->cut,         planner->over_next,   planner->sweep,      planner->stamps,
        planner->ranked,   planner->tried,       planner->sums,        planner->picks,      planner->given,
        planner->instants, planner->rectangles,  planner->siblings,    planner->notes,      planner->breaks,
        planner->events,   planner->present,     planner->full_last,   planner->may_take,   planner->kept,
        planner->ordinals, planner->taken,       planner->apart,       planner->evictions,  planner->victims,
        planner->chosen,   planner->hosts,       planner->bare.slices, planner->bare.holds, planner->wanted,
    };
    for (size_t i = 0; i < COUNT_OF(arrays); i++)
        free(arrays[i]);
    free(planner);
}

void planner_freep(struct planner **planner)
{
    planner_free(*planner);
    *planner = NULL;
}
