/* New terms for a reservation, all or nothing. Each try changes the state under an attempt; the first that works
 * stands, otherwise the last one tells why not and nothing has changed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

struct amending {
    struct planner *planner;
    const struct planner_request *terms;
    int64_t now;
    int64_t from;   /* when what has not begun begins */
    bool anew;      /* what has not begun is placed anew, otherwise it stays on its GPUs */
    bool preempts;  /* evictions are allowed */
    bool explains;  /* why not */
    uint32_t stay;  /* instances that have their new terms without the gang search */
    uint32_t moved; /* that have not begun */
    uint32_t stuck; /* that cannot have the new end where they are */
    struct planner_refusal refusal;
};

static void preemptible_set(struct planner *planner, uint32_t index, bool preemptible)
{
    struct allocation body = planner->allocations[index];
    if (body.preemptible == preemptible)
        return;
    uint32_t count = allocation_slices(planner, index);
    allocation_remove(planner, index);
    body.preemptible = preemptible;
    (void)allocation_add(planner, &body, planner->cut, count); /* known by its key */
}

/* Instances beyond the new count: cut now, or taken away if they have not begun. */
static void give_up_excess(struct amending *amending)
{
    struct planner *planner = amending->planner;
    uint32_t at = NONE;
    planner->ordinal_count = 0;
    while ((at = allocation_sibling(planner, amending->terms->reservation, at)) != NONE) {
        if (planner->allocations[at].key.ordinal < amending->terms->count)
            continue;
        ARRAY_RESERVE(planner->ordinals, planner->ordinal_room, planner->ordinal_count + 1);
        planner->ordinals[planner->ordinal_count++] = planner->allocations[at].key.ordinal;
    }
    for (uint32_t i = 0; i < planner->ordinal_count; i++) {
        struct planner_key key = {amending->terms->reservation, planner->ordinals[i]};
        (void)planner_cut(planner, &key, amending->now); /* false: it is over already */
    }
    planner->ordinal_count = 0;
}

/* The first that is stuck names what binds; of all, since when the first of them is. */
static bool stuck_on(struct amending *amending, const struct question *question, uint32_t node)
{
    struct planner *planner = amending->planner;
    struct planner_refusal *refusal = &amending->refusal;
    bool is_first = amending->stuck++ == 0;
    if (!amending->explains)
        return false;
    struct question onward = *question;
    int64_t free_until = onward_latest(planner, &planner->nodes[node], &onward, question->to);
    if (is_first)
        refusal->binding = binding_on(planner, question, node);
    if (is_first || free_until < refusal->stuck_from)
        refusal->stuck_from = free_until;
    refusal->stuck_count = amending->stuck;
    return false;
}

/* Has room, if need be after evictions. */
static bool made_room(const struct amending *amending, const struct question *question, uint32_t index)
{
    struct planner *planner = amending->planner;
    const struct node *node = &planner->nodes[index];
    if (fit_eligible(planner, node, question) && fit_node(planner, node, question).count > 0)
        return true;
    return amending->preempts && preempt_node(planner, question, index);
}

/* An instance that has begun stays and only ends at another time. */
static bool amend_begun(struct amending *amending, uint32_t index)
{
    struct planner *planner = amending->planner;
    struct allocation body = planner->allocations[index];
    if (amending->terms->to < body.to)
        cut_allocation(planner, index, amending->terms->to);
    if (amending->terms->to > body.to) {
        struct question onward = onward_begin(planner, index);
        onward.to = amending->terms->to;
        onward.evict_from = amending->terms->evict_from;
        if (!made_room(amending, &onward, body.node))
            return stuck_on(amending, &onward, body.node);
        onward_end(planner, &body, &onward);
    }
    preemptible_set(planner, held_after(planner, &body.key, amending->now), amending->terms->preemptible);
    return true;
}

/* An instance that has not begun keeps its GPUs in the new window, if it may. */
static bool amend_staying(struct amending *amending, uint32_t index)
{
    struct planner *planner = amending->planner;
    struct allocation body = planner->allocations[index];
    struct question question = question_of(planner, amending->terms);
    question.from = amending->from;
    question.only_gpus = allocation_gpus(planner, index);
    question.ignore_plannable = body.from <= question.from && question.to <= body.to; /* it has all of that already */
    allocation_remove(planner, index);
    if (!made_room(amending, &question, body.node))
        return false;
    (void)take(planner, body.node, &question, body.key); /* known by its key */
    return true;
}

/* Walks the ordinals: who stays, stays with the new terms; who needs a place is listed in planner->ordinals. */
static bool amend_present(struct amending *amending)
{
    struct planner *planner = amending->planner;
    for (uint32_t ordinal = 0; ordinal < amending->terms->count; ordinal++) {
        struct planner_key key = {amending->terms->reservation, ordinal};
        uint32_t index = held_after(planner, &key, amending->now);
        if (index != NONE && planner->allocations[index].from <= amending->now) {
            amending->stay += amend_begun(amending, index);
            continue;
        }
        amending->moved += index != NONE;
        if (index != NONE && !amending->anew) {
            if (!amend_staying(amending, index))
                return false;
            amending->stay++;
            continue;
        }
        if (index != NONE)
            allocation_remove(planner, index);
        ARRAY_RESERVE(planner->ordinals, planner->ordinal_room, planner->ordinal_count + 1);
        planner->ordinals[planner->ordinal_count++] = ordinal;
    }
    return amending->stuck == 0;
}

/* -- those who stay, and those who are placed beside them ------------------------------------------------------- */

static bool still_holds(const struct amending *amending, const struct allocation *allocation)
{
    return allocation->from < allocation->to && allocation->to > amending->now;
}

/* The group in which all who stay are, or NONE if they are not in one. */
static uint32_t group_of_all(const struct amending *amending, enum planner_scope scope)
{
    const struct planner *planner = amending->planner;
    uint32_t group = NONE;
    uint32_t at = NONE;
    while ((at = allocation_sibling(planner, amending->terms->reservation, at)) != NONE) {
        const struct allocation *allocation = &planner->allocations[at];
        if (!still_holds(amending, allocation))
            continue;
        uint32_t here = group_of(planner, scope, allocation->node);
        if (group != NONE && here != group)
            return NONE;
        group = here;
    }
    return group;
}

/* The GPU model of those who stay; NULL if it is not one. */
static const char *model_of_all(const struct amending *amending)
{
    const struct planner *planner = amending->planner;
    const struct model *model = NULL;
    uint32_t at = NONE;
    while ((at = allocation_sibling(planner, amending->terms->reservation, at)) != NONE) {
        const struct allocation *allocation = &planner->allocations[at];
        if (!still_holds(amending, allocation))
            continue;
        const struct model *here = &planner->models[planner->nodes[allocation->node].model];
        if (model != NULL && model != here)
            return NULL;
        model = here;
    }
    return model == NULL ? NULL : model->name;
}

static bool model_allowed(const struct planner *planner, const struct planner_request *terms, const char *name)
{
    for (uint32_t i = 0; i < request_models(planner, terms); i++) {
        if (terms->gpu_model_count == 0 || model_find(planner, terms->gpu_models[i]) == model_find(planner, name))
            return true;
    }
    return false;
}

/* Whether no two of those who stay are in one group of the spread. */
static bool all_apart(const struct amending *amending)
{
    struct planner *planner = amending->planner;
    enum planner_scope level = spread_level(amending->terms->spread);
    bool apart = true;
    uint32_t at = NONE;
    if (level == PLANNER_FLEET)
        return true;
    spread_reserve(planner, level);
    while ((at = allocation_sibling(planner, amending->terms->reservation, at)) != NONE) {
        const struct allocation *allocation = &planner->allocations[at];
        if (!still_holds(amending, allocation))
            continue;
        bool *here = &planner->apart[group_of(planner, level, allocation->node)];
        apart = apart && !*here;
        *here = true;
    }
    spread_mark(planner, amending->terms->reservation, NONE, amending->now, level, false);
    return apart;
}

/* Those who could have been placed elsewhere keep the terms as a gang: one allowed model, scope, spread. */
static bool stayed_in_order(const struct amending *amending)
{
    const char *model = model_of_all(amending);
    enum planner_scope limit = scope_limit(amending->terms);
    return model != NULL && model_allowed(amending->planner, amending->terms, model) &&
           group_of_all(amending, limit) != NONE && all_apart(amending);
}

/* Within the group of the scope in which all are who stay. */
static void keep_near(const struct amending *amending, struct question *question, enum planner_scope scope)
{
    enum planner_scope near_scope = scope == PLANNER_NODE ? PLANNER_NVLINK_DOMAIN : scope;
    question->only_node = scope == PLANNER_NODE ? group_of_all(amending, PLANNER_NODE) : NONE;
    question->near_scope = near_scope;
    question->near_group = scope == PLANNER_FLEET ? NONE : group_of_all(amending, near_scope);
}

/* Finds places for planner->ordinals near those who stay, the tightest scope first. */
static bool search_beside(const struct amending *amending, struct question *question,
                          const struct planner_request *rest)
{
    struct planner *planner = amending->planner;
    enum planner_scope limit = scope_limit(rest);
    for (uint32_t scope = PLANNER_NODE; scope <= (uint32_t)limit; scope++) {
        uint32_t group = group_of_all(amending, (enum planner_scope)scope);
        keep_near(amending, question, (enum planner_scope)scope);
        if (group != NONE && search_gang(planner, question, rest, (enum planner_scope)scope))
            return true;
    }
    return amending->preempts && group_of_all(amending, limit) != NONE && preempt_gang(planner, question, rest, limit);
}

static void refuse_rest(struct amending *amending, const struct question *question, const struct planner_request *rest)
{
    struct planner_refusal *refusal = &amending->refusal;
    bool broken = amending->stay > 0 && group_of_all(amending, scope_limit(rest)) == NONE;
    if (broken) { /* by a replacement: nobody can join a gang that is not together */
        *refusal = (struct planner_refusal){
            .binding = PLANNER_BINDS_SCOPE, .best_count = amending->stay, .fleet_count = amending->stay};
        return;
    }
    *refusal = refuse(amending->planner, question, rest);
    refusal->best_count += amending->stay;
    refusal->fleet_count += amending->stay;
    refusal->preempts_later = refusal->preempts_later && amending->stay == 0;
}

/* Places planner->ordinals as a gang, together with those who stay. */
static bool amend_rest(struct amending *amending)
{
    struct planner *planner = amending->planner;
    struct planner_request rest = *amending->terms;
    const char *model = model_of_all(amending);
    rest.from = amending->from;
    rest.count = planner->ordinal_count;
    rest.preempts = amending->preempts;
    if (amending->stay > 0 && model != NULL) {
        rest.gpu_models = &model;
        rest.gpu_model_count = 1;
    }
    struct question question = question_of(planner, &rest);
    bool placed;
    if (amending->stay == 0) {
        enum planner_scope limit = scope_limit(&rest);
        placed = search_gang(planner, &question, &rest, limit) ||
                 (amending->preempts && preempt_gang(planner, &question, &rest, limit));
    } else {
        question.apart_level = spread_level(rest.spread);
        spread_mark(planner, rest.reservation, NONE, amending->now, question.apart_level, true);
        placed = search_beside(amending, &question, &rest);
    }
    if (!placed && amending->explains)
        refuse_rest(amending, &question, &rest);
    spread_mark(planner, rest.reservation, NONE, amending->now, question.apart_level, false);
    if (placed)
        take_picks(planner, &question, rest.reservation);
    return placed;
}

/* -- the whole -------------------------------------------------------------------------------------------------- */

static bool amend_try(struct amending *amending, bool anew, bool preempts)
{
    struct planner *planner = amending->planner;
    amending->anew = anew;
    amending->preempts = preempts;
    amending->stay = amending->moved = amending->stuck = 0;
    amending->refusal = (struct planner_refusal){0};
    planner->eviction_count = 0;
    give_up_excess(amending);
    if (!amend_present(amending)) {
        amending->refusal.best_count = amending->refusal.fleet_count = amending->stay;
        return false;
    }
    if (!anew && amending->moved > 0 && !stayed_in_order(amending))
        return false;
    return planner->ordinal_count == 0 || amend_rest(amending);
}

static void tell_all(struct amending *amending, struct planner_verdict *ret)
{
    struct planner *planner = amending->planner;
    give_begin(planner);
    for (uint32_t ordinal = 0; ordinal < amending->terms->count; ordinal++) {
        struct planner_key key = {amending->terms->reservation, ordinal};
        give(planner, held_after(planner, &key, amending->now));
    }
    *ret = give_verdict(planner);
}

/* Whoever has not begun stays where it can; else all who have not begun are placed anew; then both with evictions. */
static bool amend_somehow(struct amending *amending, struct attempt attempt)
{
    static const struct {
        bool anew, preempts;
    } tries[] = {{false, false}, {true, false}, {false, true}, {true, true}};
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        bool same = tries[i].anew && amending->moved == 0; /* as the one before: there is nobody to place anew */
        if (same || (tries[i].preempts && !preempt_any(amending->planner, amending->terms)))
            continue;
        attempt_undo(amending->planner, attempt);
        if (amend_try(amending, tries[i].anew, tries[i].preempts))
            return true;
    }
    return false;
}

void planner_amend(struct planner *planner, const struct planner_amendment *amendment, struct planner_verdict *ret)
{
    const struct planner_request *terms = &amendment->terms;
    must(planner_request_wrong(terms) == NULL && terms->first_ordinal == 0 && terms->to > amendment->now);
    struct amending amending = {.planner = planner,
                                .terms = terms,
                                .now = amendment->now,
                                .from = terms->from > amendment->now ? terms->from : amendment->now};
    struct attempt attempt = attempt_begin(planner);
    if (amend_somehow(&amending, attempt)) {
        tell_all(&amending, ret);
    } else if (amendment->unexplained) {
        attempt_undo(planner, attempt);
        *ret = (struct planner_verdict){0};
    } else {
        amending.explains = true;
        attempt_undo(planner, attempt);
        bool granted = amend_try(&amending, true, terms->preempts);
        must(!granted);
        attempt_undo(planner, attempt);
        amending.refusal.asked = terms->count;
        amending.refusal.scope = terms->scope;
        *ret = (struct planner_verdict){.refusal = amending.refusal};
    }
    attempt_keep(planner, attempt);
}
