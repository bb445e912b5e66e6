/* From a wish to the planner's question, and from its answer to what the tenant is told: a refusal names the
 * constraint that bound, with numbers and in a sentence, and what can be posted instead. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/world.h"

#include "common/calendar.h"
#include "common/must.h"

#include <inttypes.h>
#include <string.h>

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    int64_t raised = value < least ? least : value;
    return raised > most ? most : raised;
}

/* The first start that is asked for. What is left open begins now; of a quote when it holds no longer, so that it can
 * be confirmed until then. */
static int64_t first_start(const struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    int64_t now_s = reservation->world->now_s;
    int64_t open_s = wish_is_quote(wish) ? wish->hold_until_s : now_s;
    bool waits = reservation->is.state == RESERVATION_WAITLISTED;
    if (wish->duration_s > 0)
        return within(wish->start_from_s == NEVER ? open_s : wish->start_from_s, open_s, wish->start_to_s);
    if (wish->starts_s == NEVER)
        return open_s;
    return waits && wish->starts_s < now_s ? now_s : wish->starts_s;
}

/* As the planner's ids differ from ours in type only, a wish is nearly a request. */
static struct planner_request request_of(const struct reservation *reservation)
{
    const struct wish *wish = &reservation->wish;
    int64_t from_s = first_start(reservation);
    return (struct planner_request){
        .reservation = planner_id_of(wish->id),
        .tenant = planner_id_of(wish->tenant),
        .count = (uint32_t)wish->count,
        .shape = wish->shape,
        .from = from_s,
        .to = wish->duration_s > 0 ? from_s + wish->duration_s : wish->ends_s,
        .gpu_models = wish->gpu_models,
        .gpu_model_count = wish->gpu_model_count,
        .zone = planner_id_of(reservation->world->zone->id),
        .scope = wish->scope,
        .scope_preferred = !wish->scope_required,
        .spread = wish->spread,
    };
}

static void grant(struct reservation *reservation, const struct planner_request *request)
{
    reservation->granted = true;
    reservation->starts_s = request->from;
    reservation->ends_s = request->to;
    reservation->world->granted_count++;
}

/* ---- Refusals ---- */

static const char *sentence_of(struct arena *arena, const struct planner_refusal *refusal)
{
    unsigned asked = refusal->asked;
    unsigned fleet = refusal->fleet_count;
    const char *scope = planner_scope_text(refusal->scope);
    switch (refusal->binding) {
    case PLANNER_BINDS_MODEL:
        return "No node of this zone has a GPU model that the request allows.";
    case PLANNER_BINDS_COUNT_OVER_FLEET:
        return arena_format(arena, "%u instances are asked for; not even the empty fleet holds as many.", asked);
    case PLANNER_BINDS_UNPLANNABLE:
        return arena_format(arena, "Nodes that are cordoned or out of service would be needed for %u instances.", asked);
    case PLANNER_BINDS_CPU:
        return arena_format(arena, "GPUs are free, the CPU beside them is not: %u of %u instances fit.", fleet, asked);
    case PLANNER_BINDS_MEMORY:
        return arena_format(arena, "GPUs are free, the memory beside them is not: %u of %u instances fit.", fleet, asked);
    case PLANNER_BINDS_SCOPE:
        return arena_format(arena, "%u instances fit the zone, but at most %u within one %s.", asked,
                            refusal->best_count, scope);
    case PLANNER_BINDS_NOTHING:
    case PLANNER_BINDS_CAPACITY:
    case PLANNER_BINDING_COUNT:
        break;
    }
    return arena_format(arena, "The GPUs are taken in this window: %u of %u instances fit.", fleet, asked);
}

const char *verdict_binding(struct arena *arena, const struct planner_refusal *refusal)
{
    return arena_format(arena,
                        "{\"constraint\":\"%s\",\"message\":\"%s\",\"scope\":\"%s\",\"asked\":%" PRIu32
                        ",\"best_count\":%" PRIu32 ",\"fleet_count\":%" PRIu32 "}",
                        planner_binding_text(refusal->binding), sentence_of(arena, refusal),
                        planner_scope_text(refusal->scope), refusal->asked, refusal->best_count, refusal->fleet_count);
}

static const char *time_text(struct arena *arena, int64_t instant_s)
{
    if (instant_s == NEVER || instant_s > CALENDAR_TIME_MAX_S)
        return "null";
    char text[CALENDAR_TIME_SIZE];
    calendar_time_print(instant_s, text);
    return arena_format(arena, "\"%s\"", text);
}

static const char *placement_of(const struct wish *wish, struct arena *arena)
{
    bool is_spread = wish->spread != PLANNER_SPREAD_NONE;
    return arena_format(arena, "{\"within\":\"%s\",\"mode\":\"%s\",\"spread\":%s%s%s}",
                        planner_scope_text(wish->scope), wish->scope_required ? "required" : "preferred",
                        is_spread ? "\"" : "", is_spread ? planner_spread_text(wish->spread) : "null",
                        is_spread ? "\"" : "");
}

/* The wish's body with other numbers; the body is a JSON object that is not empty. */
static const char *body_with(const struct reservation *reservation, uint32_t count, int64_t starts_s, int64_t ends_s)
{
    struct arena *arena = reservation->world->arena;
    const char *body = reservation->wish.body;
    int open_length = (int)strlen(body) - 1;
    must(open_length > 1 && body[open_length] == '}');
    return arena_format(arena, "%.*s,\"placement\":%s,\"count\":%" PRIu32 ",\"starts_at\":%s,\"ends_at\":%s}",
                        open_length, body, placement_of(&reservation->wish, arena), count, time_text(arena, starts_s),
                        time_text(arena, ends_s));
}

static int64_t shifted_end(const struct planner_request *request, int64_t from_s)
{
    return request->to == NEVER ? NEVER : request->to + (from_s - request->from);
}

/* A search for a later start looks at each node of the fleet, some of them many times. One piece of work does so
 * many looks at most, about 100 ms; beyond, a refusal comes without that alternative, rather than everybody later. */
#define LATER_LOOKS_MAX 400000

static bool find_later(struct world *world, const struct planner_request *request, int64_t *ret_from_s)
{
    int64_t looks = planner_node_count(world->planner);
    bool is_first = world->later_looks == 0;
    if (!is_first && world->later_looks + looks > LATER_LOOKS_MAX)
        return false;
    world->later_looks += looks;
    return planner_later_start(world->planner, request, ret_from_s);
}

static bool may_fit_later(const struct planner_refusal *refusal)
{
    return refusal->binding != PLANNER_BINDS_MODEL && refusal->binding != PLANNER_BINDS_COUNT_OVER_FLEET &&
           refusal->binding != PLANNER_BINDS_UNPLANNABLE;
}

static void refuse(struct reservation *reservation, const struct planner_request *request,
                   const struct planner_refusal *refusal)
{
    struct world *world = reservation->world;
    reservation->refused = true;
    if (reservation->is.state != RESERVATION_PENDING || reservation->wish.body == NULL)
        return; /* it waits already, and was told why */
    world->refused_count++;
    reservation->reason = "capacity_unavailable";
    reservation->binding = verdict_binding(world->arena, refusal);
    const char *later = "";
    const char *smaller = "";
    int64_t later_s = 0;
    if (may_fit_later(refusal) && find_later(world, request, &later_s))
        later = body_with(reservation, request->count, later_s, shifted_end(request, later_s));
    bool is_scoped = reservation->wish.scope_required && reservation->wish.scope < PLANNER_ZONE;
    uint32_t count = is_scoped ? refusal->best_count : refusal->fleet_count;
    if (count > 0 && count < request->count)
        smaller = body_with(reservation, count, reservation->wish.starts_s, request->to);
    const char *comma = later[0] != '\0' && smaller[0] != '\0' ? "," : "";
    reservation->alternatives = arena_format(world->arena, "[%s%s%s]", later, comma, smaller);
}

static bool is_given_up(const struct reservation *reservation)
{
    const struct identity *given_up = reservation->world->given_up;
    return given_up != NULL && memcmp(given_up, &reservation->wish.id, sizeof *given_up) == 0;
}

static void give_up(struct reservation *reservation)
{
    reservation->refused = true;
    reservation->wish.if_unavailable = UNAVAILABLE_REJECT; /* waiting would only fail again */
    reservation->reason = "internal";
    reservation->binding = "{\"constraint\":\"internal\",\"message\":\"It could not be decided; this is our fault.\"}";
    reservation->world->refused_count++;
    reservation->world->has_given_up = true;
}

/* A later start that the wish allows: within its range, or else the next window if it takes that. */
static bool find_allowed(const struct reservation *reservation, const struct planner_request *request,
                         int64_t *ret_from_s)
{
    const struct wish *wish = &reservation->wish;
    struct planner *planner = reservation->world->planner;
    struct planner_request last = *request;
    if (wish->duration_s > 0) {
        if (planner_later_start(planner, request, ret_from_s) && *ret_from_s <= wish->start_to_s)
            return true;
        last.from = wish->start_to_s;
        last.to = shifted_end(request, last.from);
    }
    return wish->if_unavailable == UNAVAILABLE_NEXT_WINDOW && planner_later_start(planner, &last, ret_from_s);
}

/* *request becomes the window that was granted; refused, it is as it was, with the refusal of its first start. */
static bool place(const struct reservation *reservation, struct planner_request *request,
                  struct planner_refusal *ret_refusal)
{
    struct planner *planner = reservation->world->planner;
    struct planner_verdict verdict = {0};
    planner_place(planner, request, &verdict);
    if (verdict.placed)
        return true;
    *ret_refusal = verdict.refusal;
    struct planner_request later = *request;
    if (!may_fit_later(ret_refusal) || !find_allowed(reservation, request, &later.from))
        return false;
    later.to = shifted_end(request, later.from);
    planner_place(planner, &later, &verdict);
    if (verdict.placed)
        *request = later;
    return verdict.placed;
}

void verdict_decide(struct reservation *reservation)
{
    struct world *world = reservation->world;
    if (is_given_up(reservation)) {
        give_up(reservation);
        return;
    }
    struct planner_request request = request_of(reservation);
    const char *wrong = planner_request_wrong(&request);
    if (wrong != NULL) { /* admission lets none through; a wish that cannot be asked is refused, not a crash */
        reservation->refused = true;
        reservation->reason = "invalid_request";
        reservation->binding =
            arena_format(world->arena, "{\"constraint\":\"request\",\"message\":\"%s\"}", wrong);
        world->refused_count++;
        return;
    }
    struct planner_refusal refusal = {0};
    if (place(reservation, &request, &refusal))
        grant(reservation, &request);
    else
        refuse(reservation, &request, &refusal);
}
