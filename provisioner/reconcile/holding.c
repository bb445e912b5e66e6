/* A reservation as one holding, or one for each of its instances. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/holding.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/json_text.h"
#include "provisioner/reconcile/verdict.h"

#include "common/calendar.h"
#include "common/least.h"
#include "common/must.h"

#include <inttypes.h>
#include <string.h>

#define ROUNDS_MAX 16 /* quotas and planner in turns, each of them later than the other */

static struct quotas *quotas_of(const struct reservation *reservation)
{
    return reservation->world->quotas;
}

bool holding_is_limited(const struct reservation *reservation)
{
    const struct quotas *quotas = quotas_of(reservation); /* NULL in a world of tests */
    return quotas != NULL && quotas_concern(quotas, reservation->wish.tenant);
}

static struct quota_holding holding_of(const struct reservation *reservation, struct identity subject,
                                       const char *gpu_model)
{
    const struct wish *wish = &reservation->wish;
    return (struct quota_holding){
        .reservation = subject, .tenant = wish->tenant, .project = wish->project, .gpu_model = gpu_model};
}

/* ---- What it holds ---- */

static const char *model_of(const struct reservation *reservation, uint32_t ordinal, int64_t instant_s)
{
    struct planner_key key = {.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
    const struct planner_node *place = planner_node_of(reservation->world->planner, &key, instant_s);
    return place == NULL ? NULL : place->gpu_model;
}

static bool has_place(const struct reservation *reservation)
{
    int state = reservation->is.state;
    return state == RESERVATION_HELD || state == RESERVATION_SCHEDULED || state == RESERVATION_ACTIVATING;
}

static void follow_window(const struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    int64_t now_s = reservation->world->now_s;
    struct quota_holding holding = holding_of(reservation, wish->id, "");
    if (has_place(reservation) && reservation->instance_count == 0) {
        holding.gpu_model = model_of(reservation, 0, greatest_of(reservation->starts_s, now_s));
        holding.from = reservation->starts_s;
        holding.to = reservation->ends_s;
        holding.gpu_milli = wish->count * instance_gpu_milli(wish);
    }
    if (holding.gpu_model != NULL)
        quotas_hold(quotas_of(reservation), &holding);
}

/* Until ends_s. False: between two places it has no model. */
static bool held_until(const struct instance *instance, int64_t ends_s, struct quota_holding *ret)
{
    const struct reservation *reservation = instance->reservation;
    const struct world *world = reservation->world;
    const struct node *node = instance->has_node ? world_node(world, instance->node) : NULL;
    const char *model = node != NULL ? node->spec.gpu_model : model_of(reservation, instance->ordinal, world->now_s);
    if (model == NULL)
        return false;
    *ret = holding_of(reservation, instance->id, model);
    ret->from = instance->starts_s;
    ret->to = ends_s;
    ret->gpu_milli = instance_gpu_milli(&reservation->wish);
    return true;
}

/* Without a model what it held it holds. */
static void follow_instance(const struct instance *instance, int64_t ends_s)
{
    struct quota_holding holding;
    if (held_until(instance, ends_s, &holding))
        quotas_hold(quotas_of(instance->reservation), &holding);
}

void holding_follow_instance(const struct instance *instance)
{
    if (holding_is_limited(instance->reservation))
        follow_instance(instance, instance_end_s(instance));
}

static bool bears(const struct instance *instance, int64_t ends_s)
{
    const struct reservation *reservation = instance->reservation;
    struct quota_holding holding;
    struct quota_refusal refusal;
    return !held_until(instance, ends_s, &holding) ||
           quotas_fit(quotas_of(reservation), &holding, reservation->world->now_s, &refusal);
}

/* What is borne is borne for less, too. */
int64_t holding_borne_until(const struct instance *instance, int64_t until_s, int64_t ends_s)
{
    if (until_s >= ends_s || !holding_is_limited(instance->reservation) || bears(instance, ends_s))
        return ends_s;
    int64_t beyond_s = ends_s == NEVER ? until_s + PLANNER_LATER_LIMIT_S : ends_s;
    while (until_s + 1 < beyond_s) {
        int64_t middle_s = until_s + (beyond_s - until_s) / 2;
        if (bears(instance, middle_s))
            until_s = middle_s;
        else
            beyond_s = middle_s;
    }
    return until_s;
}

void holding_follow(const struct reservation *reservation)
{
    if (!holding_is_limited(reservation))
        return;
    follow_window(reservation);
    for (uint32_t i = 0; i < reservation->instance_count; i++)
        follow_instance(&reservation->instances[i], instance_end_s(&reservation->instances[i]));
}

/* ---- What it asks for ---- */

/* The planner is asked for no more than the horizon of what has no end; granted, it is held for ever. */
static int64_t asked_until(const struct reservation *reservation, const struct planner_request *request)
{
    const struct wish *wish = &reservation->wish;
    return wish_is_open(wish) && request->to == horizon_end(wish, request->from, NEVER) ? NEVER : request->to;
}

static struct quota_holding asked_of(const struct reservation *reservation, const struct planner_request *request,
                                     const char *gpu_model)
{
    struct quota_holding holding = holding_of(reservation, reservation->wish.id, gpu_model);
    holding.from = request->from;
    holding.to = asked_until(reservation, request);
    holding.gpu_milli = request->count * instance_gpu_milli(&reservation->wish);
    return holding;
}

static bool is_among(const char *const *models, uint32_t count, const char *model)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(models[i], model) == 0)
            return true;
    }
    return false;
}

/* The models that the request allows: those it names, else those of the zone. */
static uint32_t models_of(const struct reservation *reservation, const struct planner_request *request,
                          const char *const **ret)
{
    const struct world *world = reservation->world;
    *ret = request->gpu_models;
    if (request->gpu_model_count > 0)
        return request->gpu_model_count;
    const char **models = arena_alloc(world->arena, (world->node_count + 1) * sizeof *models);
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (!is_among(models, count, world->nodes[i].spec.gpu_model))
            models[count++] = world->nodes[i].spec.gpu_model;
    }
    *ret = models;
    return count;
}

bool holding_narrow(const struct reservation *reservation, struct planner_request *request,
                    struct quota_refusal *ret_refusal)
{
    struct world *world = reservation->world;
    if (!holding_is_limited(reservation))
        return true;
    const char *const *models = NULL;
    uint32_t count = models_of(reservation, request, &models);
    const char **borne = arena_alloc(world->arena, (count + 1) * sizeof *borne);
    uint32_t borne_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct quota_holding asked = asked_of(reservation, request, models[i]);
        struct quota_refusal refusal;
        if (quotas_fit(world->quotas, &asked, world->now_s, &refusal))
            borne[borne_count++] = models[i];
        else if (i == 0)
            *ret_refusal = refusal;
    }
    if (borne_count > 0 && borne_count < count) { /* none named would mean any */
        request->gpu_models = borne;
        request->gpu_model_count = borne_count;
    }
    return borne_count > 0 || count == 0; /* no model at all: the planner says so */
}

/* By the quotas alone, with whichever model may begin first. */
static bool earliest_borne(const struct reservation *reservation, const struct planner_request *request,
                           int64_t latest_s, int64_t *ret_from_s)
{
    const char *const *models = NULL;
    uint32_t count = models_of(reservation, request, &models);
    bool is_found = false;
    for (uint32_t i = 0; i < count; i++) {
        struct quota_holding asked = asked_of(reservation, request, models[i]);
        int64_t from_s = 0;
        if (!quotas_earliest(quotas_of(reservation), &asked, latest_s, &from_s))
            continue;
        *ret_from_s = is_found && *ret_from_s < from_s ? *ret_from_s : from_s;
        is_found = true;
    }
    return is_found;
}

/* What is granted ends within the calendar. */
static int64_t last_start(const struct planner_request *request, int64_t latest_s)
{
    return request->to == NEVER ? latest_s : least_of(latest_s, CALENDAR_TIME_MAX_S - (request->to - request->from));
}

bool holding_earliest(const struct reservation *reservation, struct planner_request *request, int64_t latest_s)
{
    struct planner *planner = reservation->world->planner;
    latest_s = last_start(request, latest_s);
    if (!holding_is_limited(reservation)) {
        int64_t from_s = 0;
        bool is_found = planner_earliest(planner, request, latest_s, &from_s);
        if (is_found)
            *request = request_moved(request, from_s);
        return is_found;
    }
    struct planner_request tried = *request;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int64_t from_s = 0;
        if (!earliest_borne(reservation, &tried, latest_s, &from_s))
            return false;
        tried = request_moved(&tried, from_s);
        struct planner_request narrow = tried;
        struct quota_refusal refusal;
        must(holding_narrow(reservation, &narrow, &refusal)); /* so it was found */
        if (!planner_earliest(planner, &narrow, latest_s, &from_s))
            return false;
        if (from_s == tried.from) {
            *request = narrow;
            return true;
        }
        tried = request_moved(&tried, from_s);
    }
    return false;
}

void holding_drop(const struct reservation *reservation)
{
    struct quota_holding nothing = holding_of(reservation, reservation->wish.id, "");
    if (holding_is_limited(reservation))
        quotas_hold(quotas_of(reservation), &nothing);
}

/* ---- Other terms ---- */

/* What an instance gives back by other terms: those beyond the count end now. */
static void follow_reduced(const struct instance *instance, int64_t ends_s, int64_t count)
{
    int64_t now_s = instance->reservation->world->now_s;
    int64_t last_s = instance->ordinal < count ? ends_s : greatest_of(instance->starts_s, now_s);
    follow_instance(instance, instance->ends_s < last_s ? instance->ends_s : last_s);
}

/* More of them until the present end, then all of them longer: each upon the other. */
static bool may_grow(const struct reservation *reservation, int64_t ends_s, int64_t count,
                     struct quota_refusal *ret_refusal)
{
    struct quotas *quotas = quotas_of(reservation);
    int64_t now_s = reservation->world->now_s;
    if (!holding_is_limited(reservation))
        return true;
    const char *model = model_of(reservation, 0, greatest_of(reservation->starts_s, now_s));
    if (model == NULL)
        return true; /* it has no place to amend: the planner says so */
    int64_t milli = instance_gpu_milli(&reservation->wish);
    /* Its own key is free: its instances hold for it. The other stands for nothing that is ever held. */
    struct identity other = reservation->wish.id;
    other.bytes[0] ^= UINT8_MAX;
    struct quota_holding more = holding_of(reservation, reservation->wish.id, model);
    more.from = greatest_of(reservation->starts_s, now_s);
    more.to = ends_s < reservation->ends_s ? ends_s : reservation->ends_s;
    more.gpu_milli = (count - reservation->wish.count) * milli;
    struct quota_holding longer = holding_of(reservation, other, model);
    longer.from = reservation->ends_s;
    longer.to = ends_s;
    longer.gpu_milli = count * milli;
    if (count > reservation->wish.count && !quotas_fit(quotas, &more, now_s, ret_refusal))
        return false;
    if (count > reservation->wish.count)
        quotas_hold(quotas, &more);
    bool fits = reservation->ends_s >= ends_s || quotas_fit(quotas, &longer, now_s, ret_refusal);
    more.gpu_milli = 0;
    quotas_hold(quotas, &more);
    return fits;
}

bool holding_may_become(const struct reservation *reservation, int64_t starts_s, int64_t ends_s, int64_t count,
                        struct quota_refusal *ret_refusal)
{
    struct quotas *quotas = quotas_of(reservation);
    const struct world *world = reservation->world;
    if (!holding_is_limited(reservation))
        return true;
    const char *model = model_of(reservation, 0, greatest_of(reservation->starts_s, world->now_s));
    if (model == NULL)
        return true; /* it has no place to amend: the planner says so */
    if (reservation->instance_count == 0 && !has_place(reservation))
        return may_grow(reservation, ends_s, count, ret_refusal); /* its instances are not known: a preview */
    if (reservation->instance_count == 0) {
        struct quota_holding asked = holding_of(reservation, reservation->wish.id, model);
        asked.from = starts_s;
        asked.to = ends_s;
        asked.gpu_milli = count * instance_gpu_milli(&reservation->wish);
        return quotas_fit(quotas, &asked, world->now_s, ret_refusal);
    }
    for (uint32_t i = 0; i < reservation->instance_count; i++)
        follow_reduced(&reservation->instances[i], ends_s, count);
    bool fits = may_grow(reservation, ends_s, count, ret_refusal);
    holding_follow(reservation); /* as it was */
    return fits;
}

/* ---- What is told ---- */

/* GPUs, or GPU-hours, with what is behind the point. */
static const char *amount_text(struct arena *arena, const struct quota_refusal *refusal, int64_t amount)
{
    int64_t thousandths = refusal->kind == QUOTA_MONTH ? amount / 3600 : amount;
    return thousandths % 1000 == 0
               ? arena_format(arena, "%" PRId64, thousandths / 1000)
               : arena_format(arena, "%" PRId64 ".%03d", thousandths / 1000, (int)(thousandths % 1000));
}

static const char *sentence_of(struct arena *arena, const struct quota_refusal *refusal)
{
    char when[CALENDAR_TIME_SIZE];
    calendar_time_print(refusal->from, when);
    const char *whose = refusal->project == NULL ? "the tenant" : arena_format(arena, "project %s", refusal->project);
    const char *what = refusal->gpu_model == NULL ? "GPU" : arena_format(arena, "%s GPU", refusal->gpu_model);
    const char *limit = amount_text(arena, refusal, refusal->limit);
    const char *held = amount_text(arena, refusal, refusal->held);
    const char *asked = amount_text(arena, refusal, refusal->asked);
    if (refusal->kind == QUOTA_MONTH)
        return arena_format(arena, "%s may hold %s %s-hours in the month of %.7s: %s are held, %s are asked for", whose,
                            limit, what, when, held, asked);
    return arena_format(arena, "%s may hold %s %ss at a time: from %s on %s are held, %s are asked for", whose, limit,
                        what, when, held, asked);
}

const char *holding_binding(struct arena *arena, const struct quota_refusal *refusal, int64_t fits_at_s)
{
    return arena_format(arena,
                        "{\"constraint\":\"quota\",\"message\":%s,\"quota\":\"%s\",\"project\":%s,\"gpu_model\":%s,"
                        "\"limit\":%s,\"held\":%s,\"asked\":%s,\"from\":%s,\"fits_at\":%s}",
                        json_text(arena, sentence_of(arena, refusal)), quota_kind_text(refusal->kind),
                        json_text_or_null(arena, refusal->project), json_text_or_null(arena, refusal->gpu_model),
                        amount_text(arena, refusal, refusal->limit), amount_text(arena, refusal, refusal->held),
                        amount_text(arena, refusal, refusal->asked), json_time(arena, refusal->from),
                        json_time(arena, fits_at_s));
}

void holding_tell(struct reservation *reservation, const struct planner_request *request,
                  const struct quota_refusal *refusal)
{
    struct world *world = reservation->world;
    struct planner_request later = *request;
    int64_t least_s = world->now_s + TIME_TO_POST_S;
    if (later.from < least_s)
        later = request_moved(request, least_s);
    bool fits = holding_earliest(reservation, &later, request->from + PLANNER_LATER_LIMIT_S);
    reservation->reason = "quota_exceeded";
    reservation->binding = holding_binding(world->arena, refusal, fits ? later.from : NEVER);
    reservation->alternatives = fits && reservation->wish.posted != NULL ? refusal_body_at(reservation, &later) : "[]";
}
