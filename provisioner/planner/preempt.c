/* Who must go so that a firm request has its place: preemptible instances, least loss first, never more than needed.
 *
 * A loss is a pair: GPU-milli times seconds of work thrown away, then the number of instances that go. On one node the
 * least loss is found exactly, by branch and bound over its preemptible instances: the dearest is kept wherever the
 * rest still makes room. A gang takes what is free first and then, instance by instance, the node that adds the least
 * loss. That is the least for the gang too where each instance adds its loss independently of the others (one
 * instance, instances of more than half a node, spread gangs); otherwise it may be more than the least, but at the end
 * whoever need not go after all is kept. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

#include <string.h>

/* Nodes of the search tree that are visited beyond the first solution. Reached only where dozens of instances of like
 * loss share a node; the solution then is irredundant, but there may be a better one. */
#define BRANCH_STEPS_MAX 20000

struct loss {
    int64_t gpu_milli_s;
    uint32_t count;
};

struct victim {
    uint32_t allocation;
    int64_t cut; /* where it must end */
    int64_t lost_gpu_milli_s;
    bool kept;
    bool kept_at_best;
};

/* A node that may take part of the gang. */
struct host {
    uint32_t node;
    uint32_t group; /* of the scope */
    uint32_t far;   /* the tightest scope that it shares with the node which the question is beside */
    uint32_t apart; /* group of the spread */
    uint32_t free;  /* instances that fit without loss */
    uint32_t most;  /* instances that fit if everybody goes who can */
    uint32_t taken;
    bool next_known;
    struct loss now;  /* of what is taken */
    struct loss next; /* of one more */
};

/* -- who may go ------------------------------------------------------------------------------------------------- */

/* Where an instance must end so that the question's window can begin. */
static int64_t cut_of(const struct allocation *allocation, const struct question *question)
{
    bool owes =
        allocation->shape.gpus == 0 || question->shape.gpus == 0 || !id_equal(allocation->tenant, question->tenant);
    return question->from - (owes ? allocation->turnaround_s : 0);
}

bool preempt_may(const struct planner *planner, uint32_t index, const struct question *question)
{
    const struct allocation *allocation = &planner->allocations[index];
    if (!allocation->preemptible || allocation->maintenance || allocation->from >= allocation->to)
        return false;
    int64_t cut = cut_of(allocation, question);
    int64_t ends = cut > allocation->from ? cut : allocation->from;
    if (question->spares_unbegun && allocation->from + PLANNER_KEPT_LEAST_S > cut)
        return false;
    return allocation->to > cut && ends >= question->evict_from;
}

bool preempt_any(const struct planner *planner, const struct planner_request *request)
{
    return request->preempts && planner->preemptible_live > 0;
}

static struct question question_of_all_gone(const struct question *question)
{
    struct question gone = *question;
    gone.preempts = true;
    return gone;
}

static struct victim victim_of(const struct planner *planner, uint32_t index, const struct question *question)
{
    const struct allocation *allocation = &planner->allocations[index];
    int64_t milli = allocation->shape.gpus > 0 ? (int64_t)allocation->shape.gpus * PLANNER_GPU_MILLI
                                               : (int64_t)allocation->shape.gpu_milli;
    struct victim victim = {.allocation = index, .cut = cut_of(allocation, question)};
    if (allocation->from < victim.cut)
        victim.lost_gpu_milli_s = milli * (victim.cut - allocation->from);
    return victim;
}

static struct loss loss_plus(struct loss loss, int64_t gpu_milli_s, uint32_t count)
{
    if (__builtin_add_overflow(loss.gpu_milli_s, gpu_milli_s, &loss.gpu_milli_s))
        loss.gpu_milli_s = INT64_MAX;
    loss.count += count;
    return loss;
}

static bool loss_less(struct loss a, struct loss b)
{
    return a.gpu_milli_s != b.gpu_milli_s ? a.gpu_milli_s < b.gpu_milli_s : a.count < b.count;
}

/* -- one node --------------------------------------------------------------------------------------------------- */

static bool goes(const struct victim *victims, uint32_t count, uint32_t allocation)
{
    for (uint32_t i = 0; i < count; i++) {
        if (victims[i].allocation == allocation)
            return !victims[i].kept;
    }
    return false;
}

/* How many instances fit on the node once the victims that are not kept are gone. */
static uint32_t fit_without(struct planner *planner, const struct node *node, const struct question *question,
                            const struct victim *victims, uint32_t count)
{
    struct node *bare = &planner->bare;
    struct node was = *bare;
    *bare = *node;
    bare->slices = was.slices;
    bare->slice_room = was.slice_room;
    bare->slice_count = 0;
    bare->holds = was.holds;
    bare->hold_room = was.hold_room;
    bare->hold_count = 0;
    ARRAY_RESERVE(bare->slices, bare->slice_room, node->slice_count);
    ARRAY_RESERVE(bare->holds, bare->hold_room, node->hold_count);
    for (uint32_t i = 0; i < node->slice_count; i++) {
        if (!goes(victims, count, node->slices[i].allocation))
            bare->slices[bare->slice_count++] = node->slices[i];
    }
    for (uint32_t i = 0; i < node->hold_count; i++) {
        if (!goes(victims, count, node->holds[i].allocation))
            bare->holds[bare->hold_count++] = node->holds[i];
    }
    return fit_node(planner, bare, question).count;
}

/* The dearest first; whoever holds the same then in an order of its own. */
static int victim_compare(const struct planner *planner, const struct victim *a, const struct victim *b)
{
    const struct planner_key *left = &planner->allocations[a->allocation].key;
    const struct planner_key *right = &planner->allocations[b->allocation].key;
    if (a->lost_gpu_milli_s != b->lost_gpu_milli_s)
        return a->lost_gpu_milli_s > b->lost_gpu_milli_s ? -1 : 1;
    int order = memcmp(&left->reservation, &right->reservation, sizeof left->reservation);
    return order != 0 ? order : (left->ordinal > right->ordinal) - (left->ordinal < right->ordinal);
}

static void victims_sort(const struct planner *planner, struct victim *victims, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct victim moved = victims[i];
        uint32_t at = i;
        for (; at > 0 && victim_compare(planner, &moved, &victims[at - 1]) < 0; at--)
            victims[at] = victims[at - 1];
        victims[at] = moved;
    }
}

/* Everybody on the node who is in the question's way and may go, into planner->victims. */
static void victims_gather(struct planner *planner, const struct node *node, const struct question *question)
{
    int64_t clean = instant_add(question->to, node->spec.turnaround_s);
    planner->victim_count = 0;
    ARRAY_RESERVE(planner->victims, planner->victim_room, node->slice_count);
    for (uint32_t i = timeline_first(node, question->from); i < node->slice_count && node->slices[i].from < clean;
         i++) {
        const struct slice *slice = &node->slices[i];
        bool known = false;
        for (uint32_t j = 0; j < planner->victim_count && !known; j++)
            known = planner->victims[j].allocation == slice->allocation;
        if (!known && timeline_blocks(planner, slice, question, clean) &&
            preempt_may(planner, slice->allocation, question))
            planner->victims[planner->victim_count++] = victim_of(planner, slice->allocation, question);
    }
    victims_sort(planner, planner->victims, planner->victim_count);
}

struct branching {
    struct planner *planner;
    const struct node *node;
    const struct question *question;
    uint32_t need;
    uint32_t steps;
    bool found;
    struct loss best;
};

/* Decides the victims from `depth` on; those before are decided and cost `loss`. That all of the rest may go is enough
 * is known. Recursion is as deep as the node has victims. */
static void branch_from(struct branching *branching, uint32_t depth, struct loss loss)
{
    struct planner *planner = branching->planner;
    if (branching->found && (++branching->steps > BRANCH_STEPS_MAX || !loss_less(loss, branching->best)))
        return;
    if (depth == planner->victim_count) {
        branching->found = true;
        branching->best = loss;
        for (uint32_t i = 0; i < depth; i++)
            planner->victims[i].kept_at_best = planner->victims[i].kept;
        return;
    }
    struct victim *victim = &planner->victims[depth];
    victim->kept = true;
    if (fit_without(planner, branching->node, branching->question, planner->victims, planner->victim_count) >=
        branching->need)
        branch_from(branching, depth + 1, loss);
    victim->kept = false;
    branch_from(branching, depth + 1, loss_plus(loss, victim->lost_gpu_milli_s, 1));
}

/* The least loss with which the node takes `need` instances, which it can; planner->victims then are not `kept` who
 * must go for that. */
static struct loss node_loss(struct planner *planner, const struct question *question, const struct node *node,
                             uint32_t need)
{
    struct branching branching = {.planner = planner, .node = node, .question = question, .need = need};
    victims_gather(planner, node, question);
    branch_from(&branching, 0, (struct loss){0});
    must(branching.found);
    for (uint32_t i = 0; i < planner->victim_count; i++)
        planner->victims[i].kept = planner->victims[i].kept_at_best;
    return branching.best;
}

/* Ends a victim and tells it. */
static void evict(struct planner *planner, const struct victim *victim)
{
    const struct allocation *allocation = &planner->allocations[victim->allocation];
    ARRAY_RESERVE(planner->evictions, planner->eviction_room, planner->eviction_count + 1);
    planner->evictions[planner->eviction_count++] = (struct planner_eviction){
        .key = allocation->key,
        .node = planner->nodes[allocation->node].spec.id,
        .ends = victim->cut > allocation->from ? victim->cut : allocation->from,
        .lost_gpu_milli_s = victim->lost_gpu_milli_s,
    };
    cut_allocation(planner, victim->allocation, victim->cut);
}

bool preempt_node(struct planner *planner, const struct question *question, uint32_t index)
{
    const struct node *node = &planner->nodes[index];
    struct question gone = question_of_all_gone(question);
    if (!fit_eligible(planner, node, question) || fit_node(planner, node, &gone).count == 0)
        return false;
    (void)node_loss(planner, question, node, 1); /* it is told by evict */
    for (uint32_t i = 0; i < planner->victim_count; i++) {
        if (!planner->victims[i].kept)
            evict(planner, &planner->victims[i]);
    }
    return true;
}

/* -- gangs ------------------------------------------------------------------------------------------------------ */

static int host_compare(const void *left, const void *right)
{
    const struct host *a = left;
    const struct host *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->far != b->far)
        return a->far < b->far ? -1 : 1;
    return (a->node > b->node) - (a->node < b->node);
}

static uint32_t far_from(const struct planner *planner, uint32_t beside, const struct node *node)
{
    uint32_t scope = PLANNER_NODE;
    while (beside != NONE && scope < PLANNER_FLEET && planner->nodes[beside].groups[scope] != node->groups[scope])
        scope++;
    return scope;
}

/* The model's nodes that could take part, sorted by group of the scope, the nearest first. */
static void hosts_gather(struct planner *planner, const struct question *question, const struct model *model,
                         enum planner_scope level, enum planner_scope scope)
{
    struct question gone = question_of_all_gone(question);
    uint32_t each = level == PLANNER_FLEET ? UINT32_MAX : 1;
    planner->host_count = 0;
    ARRAY_RESERVE(planner->hosts, planner->host_room, model->node_count);
    for (uint32_t column = 0; column < model->node_count; column++) {
        uint32_t index = model->nodes[column];
        const struct node *node = &planner->nodes[index];
        if (!fit_eligible(planner, node, question))
            continue;
        uint32_t without_loss = fit_node(planner, node, question).count;
        uint32_t most = node->preemptibles == 0 ? without_loss : fit_node(planner, node, &gone).count;
        if (most == 0)
            continue;
        planner->hosts[planner->host_count++] = (struct host){
            .node = index,
            .group = group_of(planner, scope, index),
            .far = far_from(planner, question->beside, node),
            .apart = level == PLANNER_FLEET ? 0 : node->groups[level],
            .free = without_loss < each ? without_loss : each,
            .most = most < each ? most : each,
        };
    }
    if (planner->host_count > 1)
        qsort(planner->hosts, planner->host_count, sizeof planner->hosts[0], host_compare);
}

static uint32_t hosts_together(const struct planner *planner, uint32_t first)
{
    uint32_t end = first;
    while (end < planner->host_count && planner->hosts[end].group == planner->hosts[first].group)
        end++;
    return end - first;
}

/* What one more instance adds to the host's loss. */
static struct loss host_adds(struct planner *planner, const struct question *question, struct host *host)
{
    if (!host->next_known) {
        host->next = node_loss(planner, question, &planner->nodes[host->node], host->taken + 1);
        host->next_known = true;
    }
    int64_t more_s = host->next.gpu_milli_s - host->now.gpu_milli_s;
    return (struct loss){more_s, host->next.count - host->now.count};
}

static void host_take(struct planner *planner, enum planner_scope level, struct host *host)
{
    host->taken++;
    if (host->taken > host->free)
        host->now = host->next;
    host->next_known = false;
    if (level != PLANNER_FLEET)
        planner->apart[host->apart] = true;
}

static bool host_may(const struct planner *planner, enum planner_scope level, const struct host *host, uint32_t limit)
{
    return host->taken < limit && (level == PLANNER_FLEET || !planner->apart[host->apart]);
}

static void hosts_unmark(struct planner *planner, enum planner_scope level, const struct host *hosts, uint32_t count)
{
    for (uint32_t i = 0; i < count && level != PLANNER_FLEET; i++) {
        if (hosts[i].taken > 0)
            planner->apart[hosts[i].apart] = false;
    }
}

/* How many instances fit on the hosts, each of which takes `taken`. */
static uint32_t hosts_room(struct planner *planner, enum planner_scope level, struct host *hosts, uint32_t count)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (level == PLANNER_FLEET || hosts[i].taken == 0) {
            room += hosts[i].taken;
        } else if (!planner->apart[hosts[i].apart]) {
            planner->apart[hosts[i].apart] = true;
            room++;
        }
    }
    hosts_unmark(planner, level, hosts, count);
    return room;
}

/* Chooses how many instances each host takes: what is free, then what adds the least. False: there is no room, or it
 * costs `limit` or more. */
static bool hosts_choose(struct planner *planner, const struct question *question, enum planner_scope level,
                         struct host *hosts, uint32_t count, uint32_t need, struct loss limit, struct loss *ret)
{
    struct loss total = {0};
    for (uint32_t i = 0; i < count; i++)
        hosts[i].taken = hosts[i].most;
    if (hosts_room(planner, level, hosts, count) < need)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        hosts[i].taken = 0;
        hosts[i].now = (struct loss){0};
        hosts[i].next_known = false;
        for (; need > 0 && host_may(planner, level, &hosts[i], hosts[i].free); need--)
            host_take(planner, level, &hosts[i]);
    }
    for (; need > 0 && loss_less(total, limit); need--) {
        struct host *best = NULL;
        struct loss least = {0};
        for (uint32_t i = 0; i < count; i++) {
            if (!host_may(planner, level, &hosts[i], hosts[i].most))
                continue;
            struct loss adds = host_adds(planner, question, &hosts[i]);
            if (best == NULL || loss_less(adds, least)) {
                best = &hosts[i];
                least = adds;
            }
        }
        must(best != NULL);
        host_take(planner, level, best);
        total = loss_plus(total, least.gpu_milli_s, least.count);
    }
    hosts_unmark(planner, level, hosts, count);
    *ret = total;
    return need == 0 && loss_less(total, limit);
}

/* The hosts' victims into planner->chosen. */
static void chosen_gather(struct planner *planner, const struct question *question, struct host *hosts, uint32_t count)
{
    planner->chosen_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (hosts[i].taken <= hosts[i].free)
            continue;
        (void)node_loss(planner, question, &planner->nodes[hosts[i].node], hosts[i].taken); /* known already */
        ARRAY_RESERVE(planner->chosen, planner->chosen_room, planner->chosen_count + planner->victim_count);
        for (uint32_t j = 0; j < planner->victim_count; j++) {
            if (!planner->victims[j].kept)
                planner->chosen[planner->chosen_count++] = planner->victims[j];
        }
    }
    victims_sort(planner, planner->chosen, planner->chosen_count);
}

/* Keeps whoever need not go after all, the dearest first. */
static void chosen_reduce(struct planner *planner, const struct question *question, enum planner_scope level,
                          struct host *hosts, uint32_t count, uint32_t need)
{
    for (uint32_t i = 0; i < count; i++)
        hosts[i].taken =
            fit_without(planner, &planner->nodes[hosts[i].node], question, planner->chosen, planner->chosen_count);
    for (uint32_t i = 0; i < planner->chosen_count; i++) {
        struct victim *victim = &planner->chosen[i];
        struct host *host = hosts;
        while (host->node != planner->allocations[victim->allocation].node)
            host++;
        uint32_t taken = host->taken;
        victim->kept = true;
        host->taken =
            fit_without(planner, &planner->nodes[host->node], question, planner->chosen, planner->chosen_count);
        if (hosts_room(planner, level, hosts, count) >= need)
            continue;
        victim->kept = false;
        host->taken = taken;
    }
}

static const struct loss loss_most = {INT64_MAX, UINT32_MAX};

struct gang_choice {
    const struct model *model; /* NULL: none */
    uint32_t group;
    struct loss loss;
    const struct model *gathered; /* whose hosts are in planner->hosts */
};

/* The model and group of the scope where the gang loses the least. */
static struct gang_choice choose_group(struct planner *planner, const struct question *question,
                                       const struct planner_request *request, enum planner_scope level,
                                       enum planner_scope scope)
{
    struct gang_choice best = {.loss = loss_most};
    for (uint32_t i = 0; i < request_models(planner, request); i++) {
        const struct model *model = request_model(planner, request, i);
        if (model == NULL)
            continue;
        best.gathered = model;
        hosts_gather(planner, question, model, level, scope);
        for (uint32_t first = 0, together = 0; first < planner->host_count; first += together) {
            struct loss loss;
            together = hosts_together(planner, first);
            if (hosts_choose(planner, question, level, &planner->hosts[first], together, request->count, best.loss,
                             &loss))
                best = (struct gang_choice){model, planner->hosts[first].group, loss, model};
        }
    }
    return best;
}

bool preempt_gang(struct planner *planner, const struct question *question, const struct planner_request *request,
                  enum planner_scope limit)
{
    enum planner_scope scope = request->count == 1 ? PLANNER_FLEET : limit;
    enum planner_scope level = request->count == 1 ? PLANNER_FLEET : spread_level(request->spread);
    struct question gone = question_of_all_gone(question);
    if (!search_gang(planner, &gone, request, limit))
        return false;
    if (level != PLANNER_FLEET)
        spread_reserve(planner, level);
    struct gang_choice choice = choose_group(planner, question, request, level, scope);
    must(choice.model != NULL);
    struct loss loss;
    if (choice.gathered != choice.model)
        hosts_gather(planner, question, choice.model, level, scope);
    uint32_t first = 0;
    while (planner->hosts[first].group != choice.group)
        first++;
    struct host *hosts = &planner->hosts[first];
    uint32_t together = hosts_together(planner, first);
    bool chosen = hosts_choose(planner, question, level, hosts, together, request->count, loss_most, &loss);
    must(chosen);
    chosen_gather(planner, question, hosts, together);
    chosen_reduce(planner, question, level, hosts, together, request->count);
    for (uint32_t i = 0; i < planner->chosen_count; i++) {
        if (!planner->chosen[i].kept)
            evict(planner, &planner->chosen[i]);
    }
    bool found = search_gang(planner, question, request, limit);
    must(found);
    return true;
}

static void later_append(struct planner *planner, int64_t instant, int64_t after)
{
    ARRAY_RESERVE(planner->instants, planner->instant_room, planner->instant_count + 1);
    if (instant > after)
        planner->instants[planner->instant_count++] = instant;
}

void preempt_instants(struct planner *planner, int64_t evict_from, int64_t after)
{
    planner->instant_count = 0;
    later_append(planner, evict_from, after);
    for (uint32_t i = 0; i < planner->node_count; i++) {
        if (planner->nodes[i].preemptibles > 0)
            later_append(planner, evict_from + planner->nodes[i].spec.turnaround_s, after);
    }
    instants_sort(planner);
}

bool preempt_later(struct planner *planner, const struct planner_request *request, int64_t *ret_from)
{
    preempt_instants(planner, request->evict_from, request->from);
    for (uint32_t i = 0; i < planner->instant_count; i++) {
        struct planner_request later = request_at(request, planner->instants[i]);
        if (planner_request_wrong(&later) == NULL && planner_fits(planner, &later)) {
            *ret_from = later.from;
            return true;
        }
    }
    return false;
}
