/* What a refused tenant is told: the constraint that bound, with numbers, in a sentence and as an object; and what
 * could be posted instead. Every alternative is a whole body, and would be granted as things stand. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/holding.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/json_text.h"
#include "provisioner/reconcile/verdict.h"

#include "common/calendar.h"

#include <inttypes.h>
#include <string.h>

/* ---- Words ---- */

static const char *const nouns[PLANNER_SCOPE_COUNT] = {
    [PLANNER_NODE] = "node",     [PLANNER_NVLINK_DOMAIN] = "NVLink domain",
    [PLANNER_RACK] = "rack",     [PLANNER_LEAF] = "leaf",
    [PLANNER_FABRIC] = "fabric", [PLANNER_ZONE] = "zone",
    [PLANNER_FLEET] = "zone",
};

static const char *plural_of(struct arena *arena, enum planner_scope scope)
{
    return scope == PLANNER_LEAF ? "leaves" : arena_format(arena, "%ss", nouns[scope]);
}

static bool is_midnight(int64_t instant_s)
{
    return instant_s % CALENDAR_DAY_S == 0;
}

static const char *instant_text(struct arena *arena, int64_t instant_s, bool is_date)
{
    char text[CALENDAR_TIME_SIZE];
    calendar_time_print(instant_s, text);
    return is_date ? arena_text_n(arena, text, CALENDAR_DATE_SIZE - 1) : arena_text(arena, text);
}

/* "from 2026-12-01 to 12-08": the second date without the year that both have. */
static const char *window_text(struct arena *arena, const struct planner_request *request)
{
    bool is_open = request->to > CALENDAR_TIME_MAX_S;
    bool is_dates = is_midnight(request->from) && (is_open || is_midnight(request->to));
    const char *from = instant_text(arena, request->from, is_dates);
    if (is_open)
        return arena_format(arena, "from %s on", from);
    const char *to = instant_text(arena, request->to, is_dates);
    size_t year_length = strlen("YYYY-");
    bool shares_year = is_dates && strncmp(from, to, year_length) == 0;
    return arena_format(arena, "from %s to %s", from, shares_year ? to + year_length : to);
}

static bool allows(const struct planner_request *request, const char *gpu_model)
{
    for (uint32_t i = 0; i < request->gpu_model_count; i++) {
        if (strcmp(request->gpu_models[i], gpu_model) == 0)
            return true;
    }
    return request->gpu_model_count == 0;
}

/* By the first node that may be meant: nodes of a model are of one size, as a rule. */
static bool takes_whole_nodes(const struct world *world, const struct planner_request *request)
{
    uint32_t i = 0;
    while (i < world->node_count && !allows(request, world->nodes[i].spec.gpu_model))
        i++;
    return i < world->node_count && world->nodes[i].spec.gpus == request->shape.gpus;
}

static const char *what_text(const struct world *world, const struct planner_request *request)
{
    struct arena *arena = world->arena;
    const char *s = request->count == 1 ? "" : "s";
    if (request->shape.gpus == 0)
        return arena_format(arena, "%" PRIu32 " share%s of 0.%03" PRIu32 " GPU", request->count, s,
                            request->shape.gpu_milli);
    if (takes_whole_nodes(world, request))
        return arena_format(arena, "%" PRIu32 " whole node%s", request->count, s);
    return arena_format(arena, "%" PRIu32 " instance%s of %" PRIu32 " GPU%s", request->count, s, request->shape.gpus,
                        request->shape.gpus == 1 ? "" : "s");
}

/* ---- The constraint ---- */

static bool is_scoped(const struct planner_request *request)
{
    return !request->scope_preferred && request->scope < PLANNER_ZONE;
}

static const char *where_of(const struct world *world, const struct planner_refusal *refusal)
{
    return world->names == NULL ? NULL : names_get(world->names, identity_of(refusal->where));
}

/* "13 free in fabric-b from 2026-12-01 to 12-08, the best of 2 fabrics" */
static const char *best_text(const struct world *world, const struct planner_request *request,
                             const struct planner_refusal *refusal)
{
    struct arena *arena = world->arena;
    const char *window = window_text(arena, request);
    if (!is_scoped(request))
        return arena_format(arena, "%" PRIu32 " free %s", refusal->fleet_count, window);
    const char *groups = refusal->scope_count == 1 ? nouns[request->scope] : plural_of(arena, request->scope);
    if (refusal->best_count == 0)
        return arena_format(arena, "none free %s in any of %" PRIu32 " %s", window, refusal->scope_count, groups);
    const char *where = where_of(world, refusal);
    const char *best = refusal->scope_count < 2
                           ? ""
                           : arena_format(arena, ", the best of %" PRIu32 " %s", refusal->scope_count, groups);
    return arena_format(arena, "%" PRIu32 " free in %s %s%s", refusal->best_count,
                        where == NULL ? arena_format(arena, "one %s", nouns[request->scope]) : where, window, best);
}

static const char *why_text(enum planner_binding binding)
{
    switch (binding) {
    case PLANNER_BINDS_UNPLANNABLE:
        return "; nodes that are cordoned or out of service would be needed";
    case PLANNER_BINDS_CPU:
        return "; there are more GPUs, but no CPU beside them";
    case PLANNER_BINDS_MEMORY:
        return "; there are more GPUs, but no memory beside them";
    case PLANNER_BINDS_NOTHING:
    case PLANNER_BINDS_MODEL:
    case PLANNER_BINDS_COUNT_OVER_FLEET:
    case PLANNER_BINDS_CAPACITY:
    case PLANNER_BINDS_SCOPE:
    case PLANNER_BINDING_COUNT:
        break;
    }
    return "";
}

/* "2 whole nodes from 2026-12-01 to 12-05: what runs or starts stays where it is, and others hold the place of 1
 * from 2026-12-04 on" */
static const char *stuck_text(const struct world *world, const struct planner_request *request,
                              const struct planner_refusal *refusal)
{
    static const char *const holds[PLANNER_BINDING_COUNT] = {
        [PLANNER_BINDS_UNPLANNABLE] = "nothing is planned (cordoned or out of service) in",
        [PLANNER_BINDS_CPU] = "others hold the CPU of",
        [PLANNER_BINDS_MEMORY] = "others hold the memory of",
    };
    struct arena *arena = world->arena;
    const char *hold = holds[refusal->binding] == NULL ? "others hold" : holds[refusal->binding];
    const char *from = "";
    if (refusal->stuck_from <= CALENDAR_TIME_MAX_S)
        from = arena_format(arena, " from %s on",
                            instant_text(arena, refusal->stuck_from, is_midnight(refusal->stuck_from)));
    return arena_format(arena, "%s %s: what runs or starts stays where it is, and %s the place%s of %" PRIu32 "%s",
                        what_text(world, request), window_text(arena, request), hold,
                        refusal->stuck_count == 1 ? "" : "s", refusal->stuck_count, from);
}

static const char *sentence_of(const struct world *world, const struct planner_request *request,
                               const struct planner_refusal *refusal)
{
    struct arena *arena = world->arena;
    if (refusal->binding == PLANNER_BINDS_MODEL)
        return arena_format(arena, "no node of zone %s has a GPU model that the request allows", world->zone->name);
    if (refusal->stuck_count > 0)
        return stuck_text(world, request, refusal);
    const char *place = is_scoped(request) ? arena_format(arena, "one %s", nouns[request->scope])
                                           : arena_format(arena, "zone %s", world->zone->name);
    const char *spread = request->spread == PLANNER_SPREAD_NONE
                             ? ""
                             : arena_format(arena, ", no two in one %s", planner_spread_text(request->spread));
    const char *what = arena_format(arena, "%s in %s%s", what_text(world, request), place, spread);
    if (refusal->binding == PLANNER_BINDS_COUNT_OVER_FLEET)
        return arena_format(arena, "%s: not even the empty zone holds as many", what);
    return arena_format(arena, "%s: %s%s", what, best_text(world, request, refusal), why_text(refusal->binding));
}

const char *refusal_binding(const struct world *world, const struct planner_request *request,
                            const struct planner_refusal *refusal)
{
    struct arena *arena = world->arena;
    return arena_format(arena,
                        "{\"constraint\":\"%s\",\"message\":%s,\"scope\":\"%s\",\"asked\":%" PRIu32
                        ",\"best_count\":%" PRIu32 ",\"fleet_count\":%" PRIu32 ",\"where\":%s,\"scope_count\":%" PRIu32
                        ",\"starts_at\":%s,\"ends_at\":%s}",
                        planner_binding_text(refusal->binding), json_text(arena, sentence_of(world, request, refusal)),
                        planner_scope_text(refusal->scope), refusal->asked, refusal->best_count, refusal->fleet_count,
                        json_text_or_null(arena, is_scoped(request) ? where_of(world, refusal) : NULL),
                        refusal->scope_count, json_time(arena, request->from), json_time(arena, request->to));
}

/* ---- Alternatives ---- */

/* The wish with one thing changed. */
struct alternative {
    const char *window; /* the members that say when */
    uint32_t count;
    enum planner_scope scope;
    enum planner_spread spread;
};

static const char *fixed_window(struct arena *arena, int64_t starts_s, int64_t ends_s)
{
    return arena_format(arena, "\"starts_at\":%s,\"ends_at\":%s", json_time(arena, starts_s), json_time(arena, ends_s));
}

static const char *flexible_window(struct arena *arena, int64_t duration_s, int64_t from_s, int64_t to_s)
{
    return arena_format(arena, "\"duration_s\":%" PRId64 ",\"start_range\":[%s,%s]", duration_s,
                        json_time(arena, from_s), json_time(arena, to_s));
}

/* As it was wished, but for the length: what was left open stays open. */
static const char *window_with(struct arena *arena, const struct wish *wish, int64_t ends_s, int64_t duration_s)
{
    if (wish->duration_s > 0)
        return flexible_window(arena, duration_s, wish->start_from_s, wish->start_to_s);
    return fixed_window(arena, wish->starts_s, ends_s);
}

static struct alternative same(struct arena *arena, const struct wish *wish)
{
    return (struct alternative){
        .window = window_with(arena, wish, wish->ends_s, wish->duration_s),
        .count = (uint32_t)wish->count,
        .scope = wish->scope,
        .spread = wish->spread,
    };
}

/* Bodies, as the members of a JSON array. */
struct bodies {
    const struct reservation *reservation;
    const char *text;
};

static void add(struct bodies *bodies, const struct alternative *alternative)
{
    const struct wish *wish = &bodies->reservation->wish;
    struct arena *arena = bodies->reservation->world->arena;
    const char *spread = alternative->spread == PLANNER_SPREAD_NONE
                             ? ""
                             : arena_format(arena, ",\"spread\":\"%s\"", planner_spread_text(alternative->spread));
    bodies->text =
        arena_format(arena, "%s%s%s,\"count\":%" PRIu32 ",%s,\"placement\":{\"within\":\"%s\",\"mode\":\"%s\"%s}}",
                     bodies->text, bodies->text[0] == '\0' ? "" : ",",
                     wish_body(arena, bodies->reservation->world->zone, wish), alternative->count, alternative->window,
                     planner_scope_text(alternative->scope), wish->scope_required ? "required" : "preferred", spread);
}

/* A start that is still to come when the body is posted, and that the tenant's quotas bear. */
static bool find_later(const struct reservation *reservation, const struct planner_request *request,
                       const struct planner_relaxations *relaxed, struct planner_request *ret)
{
    int64_t least_s = reservation->world->now_s + TIME_TO_POST_S;
    bool is_ready = relaxed->later_from >= least_s && !holding_is_limited(reservation);
    if (!relaxed->has_later)
        return false;
    *ret = request_moved(request, relaxed->later_from < least_s ? least_s : relaxed->later_from);
    if (ret->to != NEVER && ret->to > CALENDAR_TIME_MAX_S)
        return false; /* an end that no body can tell */
    return is_ready || holding_earliest(reservation, ret, request->from + PLANNER_LATER_LIMIT_S);
}

static void add_at(struct bodies *bodies, const struct planner_request *later)
{
    struct arena *arena = bodies->reservation->world->arena;
    const struct wish *wish = &bodies->reservation->wish;
    struct alternative alternative = same(arena, wish);
    alternative.window = wish->duration_s > 0
                             ? flexible_window(arena, wish->duration_s, later->from, later->from)
                             : fixed_window(arena, later->from, wish_is_open(wish) ? NEVER : later->to);
    add(bodies, &alternative);
}

const char *refusal_body_at(const struct reservation *reservation, const struct planner_request *later)
{
    struct bodies bodies = {.reservation = reservation, .text = ""};
    add_at(&bodies, later);
    return arena_format(reservation->world->arena, "[%s]", bodies.text);
}

/* Its window has not begun by the time that it is posted. NEVER as start: at once. */
static bool is_postable(const struct wish *wish, int64_t now_s)
{
    int64_t starts_s = wish->duration_s > 0 ? wish->start_to_s : wish->starts_s;
    return starts_s >= now_s + TIME_TO_POST_S && wish->ends_s > now_s + TIME_TO_POST_S;
}

const char *refusal_body_here(const struct reservation *reservation)
{
    if (!is_postable(&reservation->wish, reservation->world->now_s))
        return NULL;
    struct bodies bodies = {.reservation = reservation, .text = ""};
    const struct alternative alternative = same(reservation->world->arena, &reservation->wish);
    add(&bodies, &alternative);
    return bodies.text;
}

static const char *alternatives_of(const struct reservation *reservation, const struct planner_request *request)
{
    struct arena *arena = reservation->world->arena;
    struct planner *planner = reservation->world->planner;
    const struct wish *wish = &reservation->wish;
    struct bodies bodies = {.reservation = reservation, .text = ""};
    struct planner_relaxations relaxed = {0};
    planner_relax(planner, request, &relaxed);
    struct planner_request later;
    if (find_later(reservation, request, &relaxed, &later))
        add_at(&bodies, &later);
    struct alternative alternative = same(arena, wish);
    bool is_postable = wish->duration_s > 0 || relaxed.shorter_to > reservation->world->now_s + TIME_TO_POST_S;
    if (relaxed.has_shorter && is_postable) {
        alternative.window = window_with(arena, wish, relaxed.shorter_to, relaxed.shorter_to - request->from);
        add(&bodies, &alternative);
    }
    alternative = same(arena, wish);
    if (relaxed.has_smaller) {
        alternative.count = relaxed.smaller_count;
        add(&bodies, &alternative);
    }
    alternative = same(arena, wish);
    if (relaxed.has_looser) {
        alternative.scope = relaxed.looser_scope < PLANNER_ZONE ? relaxed.looser_scope : PLANNER_ZONE;
        add(&bodies, &alternative);
    }
    struct planner_request together = *request;
    together.spread = PLANNER_SPREAD_NONE;
    alternative = same(arena, wish);
    if (request->spread != PLANNER_SPREAD_NONE && planner_fits(planner, &together)) {
        alternative.spread = PLANNER_SPREAD_NONE;
        add(&bodies, &alternative);
    }
    return arena_format(arena, "[%s]", bodies.text);
}

/* ---- Where no more is sold without an end ---- */

/* Quotas and planner have room. */
static bool is_borne(const struct reservation *reservation, const struct planner_request *request)
{
    struct planner_request tried = *request;
    struct quota_refusal none;
    return holding_narrow(reservation, &tried, &none) && planner_fits(reservation->world->planner, &tried);
}

static void set_end(struct planner_request *request, int64_t ends_s)
{
    request->to = ends_s;
}

static void set_count(struct planner_request *request, int64_t count)
{
    request->count = (uint32_t)count;
}

/* The most of something with which it is borne, within the bounds; below them: with none. What is borne with some of it is
 * with less. */
static int64_t most_borne(const struct reservation *reservation, const struct planner_request *request,
                          void (*set)(struct planner_request *, int64_t), int64_t least, int64_t most)
{
    int64_t borne = least - 1;
    int64_t fails = most + 1;
    for (int64_t tried = most; fails - borne > 1; tried = borne + (fails - borne) / 2) {
        struct planner_request changed = *request;
        set(&changed, tried);
        if (is_borne(reservation, &changed))
            borne = tried;
        else
            fails = tried;
    }
    return borne;
}

static const char *instead_of_open(const struct reservation *reservation, const struct planner_request *request)
{
    struct arena *arena = reservation->world->arena;
    const struct wish *wish = &reservation->wish;
    struct bodies bodies = {.reservation = reservation, .text = ""};
    int64_t postable_s = reservation->world->now_s + TIME_TO_POST_S;
    int64_t least_s = (request->from > postable_s ? request->from : postable_s) + 1;
    int64_t most_s = request->from + horizon_closed_most_s(reservation);
    int64_t ends_s = most_borne(reservation, request, set_end, least_s, most_s);
    int64_t count = most_borne(reservation, request, set_count, 1, horizon_share_left(reservation));
    struct alternative alternative = same(arena, wish);
    if (ends_s >= least_s) {
        alternative.window = window_with(arena, wish, ends_s, 0);
        add(&bodies, &alternative);
    }
    alternative = same(arena, wish);
    if (count > 0) {
        alternative.count = (uint32_t)count;
        add(&bodies, &alternative);
    }
    return arena_format(arena, "[%s]", bodies.text);
}

/* Within the bounds on such searches; quotes of one that waits are told already. */
static bool may_search(const struct reservation *reservation)
{
    const struct world *world = reservation->world;
    return reservation->wish.posted != NULL && (world->relaxed_count == 0 || world->has_time);
}

void refusal_tell_open(struct reservation *reservation, const struct planner_request *request)
{
    reservation->alternatives = "[]";
    if (!may_search(reservation))
        return;
    reservation->world->relaxed_count++;
    struct planner_request postable = *request;
    postable.evict_from += TIME_TO_POST_S; /* the notice begins when it is posted */
    reservation->alternatives = instead_of_open(reservation, &postable);
}

void refusal_tell(struct reservation *reservation, const struct planner_request *request,
                  const struct planner_refusal *refusal)
{
    struct world *world = reservation->world;
    reservation->reason = "capacity_unavailable";
    reservation->binding = refusal_binding(world, request, refusal);
    bool is_hopeless = refusal->binding == PLANNER_BINDS_MODEL;
    reservation->alternatives = "[]";
    if (is_hopeless || !may_search(reservation))
        return;
    world->relaxed_count++;
    struct planner_request postable = *request;
    struct quota_refusal none; /* quotas bear the wish, or they had refused it; perhaps not with every model */
    (void)holding_narrow(reservation, &postable, &none);
    postable.evict_from += TIME_TO_POST_S; /* the notice begins when it is posted */
    reservation->alternatives = alternatives_of(reservation, &postable);
}
