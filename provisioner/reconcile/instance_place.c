/* Where an instance may be: asking the planner for another place when its node has failed, and settling there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/instance.h"

#include "common/least.h"

/* Searches for whom to evict in one piece of work: each may look at every node, some 10 ms with 12,500 of them. */
#define EVICTING_MAX 32

struct planner_key instance_key(const struct instance *instance)
{
    return (struct planner_key){.reservation = planner_id_of(instance->reservation->wish.id),
                                .ordinal = instance->ordinal};
}

bool instance_state_is_on_node(int state)
{
    static const bool on_node[INSTANCE_STATE_COUNT] = {
        [INSTANCE_PROVISIONING] = true, [INSTANCE_RUNNING] = true, [INSTANCE_STOPPING] = true,
        [INSTANCE_HALTING] = true,      [INSTANCE_STOPPED] = true, [INSTANCE_STARTING] = true};
    return on_node[state];
}

bool instance_is_delivered(const struct instance *instance)
{
    int state = instance->is.state;
    return state == INSTANCE_RUNNING || state == INSTANCE_HALTING || state == INSTANCE_STOPPED ||
           state == INSTANCE_STARTING;
}

/* Whether a place can be asked for from nothing. Members of a gang that must stay together, or that share one of
 * several GPU models, cannot: the place they hold says where they may go. */
static bool may_ask_anew(const struct wish *wish)
{
    return wish->count == 1 || (!wish->scope_required && wish->gpu_model_count == 1);
}

/* Whether the planner may see who would go for it. If there is no time left for that, it asks again soon. */
static bool may_evict(struct instance *instance)
{
    const struct world *world = instance->reservation->world;
    bool has_time = world->evicting_count == 0 || (world->has_time && world->evicting_count < EVICTING_MAX);
    bool would = !instance->reservation->wish.preemptible && planner_preemptible_count(world->planner) > 0;
    instance->is_out_of_time = would && !has_time;
    return would && has_time;
}

/* Whether another place is clean is not known: the database was asked about the one that it had. */
static void forget_clean(struct instance *instance)
{
    instance->is_unseen = true;
    instance->is_clean = false;
}

static void take_place(struct instance *instance, struct identity node)
{
    if (!identity_equal(instance->node, node))
        forget_clean(instance);
    instance->node = node;
}

/* What the planner told: who goes for it is told so, too. */
static bool take_answer(struct instance *instance, const struct planner_verdict *verdict, bool evicts)
{
    struct world *world = instance->reservation->world;
    world->evicting_count += evicts && (!verdict->placed || verdict->eviction_count > 0);
    evictions_note(world, verdict);
    if (verdict->placed) {
        take_place(instance, identity_of(verdict->allocations[0].node));
        forget_clean(instance); /* on the same node these may be other slots */
    }
    return verdict->placed;
}

static bool ask_anew(struct instance *instance, bool evicts)
{
    struct world *world = instance->reservation->world;
    const struct wish *wish = &instance->reservation->wish;
    int64_t from_s = instance->starts_s > world->now_s ? instance->starts_s : world->now_s;
    struct planner_request request = {
        .reservation = planner_id_of(wish->id),
        .tenant = planner_id_of(wish->tenant),
        .first_ordinal = instance->ordinal,
        .count = 1,
        .shape = wish->shape,
        .from = from_s,
        .to = horizon_end(wish, from_s, instance_end_s(instance)),
        .gpu_models = wish->gpu_models,
        .gpu_model_count = wish->gpu_model_count,
        .zone = planner_id_of(world->zone->id),
        .scope = PLANNER_FLEET,
        .spread = wish->spread,
        .preemptible = wish->preemptible,
        .preempts = evicts,
        .evict_from = world_free_s(world) + world->zone->preemption_notice_s,
    };
    struct planner_verdict verdict = {0};
    if (!may_ask_anew(wish) || planner_request_wrong(&request) != NULL)
        return false;
    planner_place(world->planner, &request, &verdict);
    if (!verdict.placed && verdict.refusal.preempts_later && verdict.refusal.preempts_from < request.to) {
        request.from = verdict.refusal.preempts_from; /* when those who are told now are gone */
        planner_place(world->planner, &request, &verdict);
    }
    return take_answer(instance, &verdict, evicts);
}

/* It stays where it has its place, if that node works again. */
static bool may_stay(struct instance *instance)
{
    struct world *world = instance->reservation->world;
    struct planner_key key = instance_key(instance);
    const struct planner_node *place = planner_node_of(world->planner, &key, world->now_s);
    if (place == NULL)
        return false;
    if (node_is_in_service(world_node(world, identity_of(place->id)))) {
        take_place(instance, identity_of(place->id));
        return !instance->is_broken_there;
    }
    if (may_ask_anew(&instance->reservation->wish))
        (void)planner_cut(world->planner, &key, world->now_s); /* the failed node holds nothing from here on */
    return false;
}

/* When its place begins, its own start at the earliest; NEVER: it has none. */
int64_t instance_place_begins_s(const struct instance *instance)
{
    const struct world *world = instance->reservation->world;
    struct planner_key key = instance_key(instance);
    int64_t from_s = 0;
    if (!world_held_from(world, &key, world->now_s, &from_s))
        return NEVER;
    return from_s > instance->starts_s ? from_s : instance->starts_s;
}

/* As long as everybody keeps to the plan; but the next window of a tenant begins by plan while its last one is told to
 * leave. */
bool instance_place_is_clean(const struct world *world, struct identity node)
{
    const struct node *place = world_node(world, node);
    return !world->has_overstays && place != NULL && place->leaving_count == 0;
}

int64_t instance_place_free_s(const struct instance *instance)
{
    const struct world *world = instance->reservation->world;
    struct planner_key key = instance_key(instance);
    const struct planner_node *place = planner_node_of(world->planner, &key, world->now_s);
    if (place == NULL || !identity_equal(identity_of(place->id), instance->node))
        return NEVER;
    return planner_free_since(world->planner, &key, world->now_s);
}

void instance_hold_place(const struct instance *instance)
{
    const struct world *world = instance->reservation->world;
    struct planner_key key = instance_key(instance);
    planner_begin_early(world->planner, &key, world->now_s);
}

static void settle(struct instance *instance, struct identity node)
{
    const struct world *world = instance->reservation->world;
    bool is_in_service = node_is_in_service(world_node(world, node));
    int64_t begins_s = instance_place_begins_s(instance);
    /* Before its start it goes where its place will be, if nobody is there. */
    bool has_begun = begins_s <= (instance->starts_s > world->now_s ? instance->starts_s : world->now_s);
    take_place(instance, node);
    /* A place that has begun is clean by plan; of no other does it say so. */
    instance->is_clean |=
        instance->is_unseen && begins_s <= world->now_s && instance_place_is_clean(world, instance->node);
    bool may_start = has_begun && instance->is_clean && instance_place_free_s(instance) <= world->now_s;
    instance->granted = instance->is.state == INSTANCE_REPLACING && is_in_service && may_start;
    instance->has_node = instance->is.state == INSTANCE_PLANNED || is_in_service;
}

void instance_settle(struct instance *instance, struct identity node)
{
    forget_clean(instance);
    settle(instance, node);
}

/* The planner's answer to where else it may be. False: nowhere for now. */
static bool find_place(struct instance *instance, const struct planner_replacement *replacement)
{
    struct world *world = instance->reservation->world;
    struct planner_verdict verdict = {0};
    if (!planner_replace(world->planner, replacement, &verdict))
        return ask_anew(instance, replacement->preempts);
    world->capacity_returned |= replacement->sooner && verdict.placed; /* what it would have had is free */
    return take_answer(instance, &verdict, replacement->preempts) || (!replacement->sooner && may_stay(instance));
}

/* Asks the planner for a place from now on. What it held on a node that failed ends now, found another place or not;
 * it asks again, and that node itself will do once it is back. A place that others must leave first lies ahead, past its
 * own start: it goes there then, or before that to one that is free. */
void instance_ask_planner(struct instance *instance)
{
    struct world *world = instance->reservation->world;
    const struct wish *wish = &instance->reservation->wish;
    bool is_free_to_roam = wish->count == 1 || !wish->scope_required;
    int64_t begins_s = instance->has_node ? instance_place_begins_s(instance) : NEVER;
    bool has_place = begins_s != NEVER && node_is_in_service(world_node(world, instance->node));
    struct planner_replacement replacement = {
        .key = instance_key(instance),
        .now = world->now_s,
        .begins = instance->starts_s,
        .scope = is_free_to_roam ? PLANNER_FLEET : wish->scope,
        .spread = wish->spread,
        .preempts = !has_place && may_evict(instance),
        .evict_from = world_free_s(world) + world->zone->preemption_notice_s,
        .sooner = has_place,
    };
    bool is_due = has_place && begins_s <= greatest_of(instance->starts_s, world->now_s);
    bool is_placed = is_due || find_place(instance, &replacement);
    instance->granted = instance->has_node = false;
    if (is_placed || has_place)
        settle(instance, instance->node);
    if (!instance->has_node)
        instance->is.last_error = "no other node has room for it";
    else if (!instance->granted)
        instance->is.last_error = "others must leave its place first";
    instance->changed = true;
}
