/* The table of a wish's fields, and the question of what would be decided of it: by the verdict's own code. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/wish.h"
#include "provisioner/reconcile/verdict.h"

#define AT(member) offsetof(struct question_posted, member)

// clang-format off
static const struct question_field posted_fields[] = {
    {"name",          .type = QUESTION_TEXT, AT(name)},
    {"instance_type", .type = QUESTION_TEXT, AT(instance_type)},
    {"image",         .type = QUESTION_TEXT, AT(image)},
    {"tier",          .type = QUESTION_TEXT, AT(tier)},
    {"user_data",     .type = QUESTION_TEXT, AT(user_data)},
    {"labels",        .type = QUESTION_TEXT, AT(labels)},
    {"ssh_keys",      .type = QUESTION_TEXT, AT(ssh_keys)},
    {"ttl_s",         .type = QUESTION_INT,  AT(ttl_s)},
    {.name = NULL},
};
#undef AT

#define AT(member) offsetof(struct question_wish, member)
const struct question_field question_wish_fields[] = {
    {"terms",            .type = QUESTION_OBJECT, AT(terms), .required = true, .fields = question_terms_fields},
    {"project",          .type = QUESTION_TEXT,   AT(project)},
    {"if_unavailable",   .type = QUESTION_TEXT,   AT(if_unavailable)},
    {"from_s",           .type = QUESTION_INT,    AT(from_s), .if_absent = NEVER},
    {"to_s",             .type = QUESTION_INT,    AT(to_s), .if_absent = NEVER},
    {"duration_s",       .type = QUESTION_INT,    AT(duration_s), .least = 0, .most = PLANNER_INSTANT_MAX / 2},
    {"start_to_s",       .type = QUESTION_INT,    AT(start_to_s), .if_absent = NEVER},
    {"hold_until_s",     .type = QUESTION_INT,    AT(hold_until_s)},
    {"horizon_s",        .type = QUESTION_INT,    AT(horizon_s), .least = 0, .most = INT32_MAX},
    {"type",             .type = QUESTION_ID,     AT(type)},
    {"open_max_percent", .type = QUESTION_INT,    AT(open_max_percent), .if_absent = -1},
    {"posted",           .type = QUESTION_OBJECT, AT(posted), .fields = posted_fields},
    {.name = NULL},
};
// clang-format on

static struct wish_posted posted_of(const struct question_wish *wish)
{
    const struct question_posted *posted = &wish->posted;
    return (struct wish_posted){
        .name = posted->name,
        .instance_type = posted->instance_type,
        .image = posted->image,
        .if_unavailable = wish->if_unavailable,
        .labels = posted->labels,
        .ssh_keys = posted->ssh_keys,
        .user_data = posted->user_data,
        .quote_ttl_s = posted->ttl_s,
    };
}

static struct wish wish_of(const struct question_wish *wish, const struct planner_request *request)
{
    bool is_flexible = wish->duration_s > 0;
    return (struct wish){
        .id = wish->terms.reservation,
        .tenant = wish->terms.tenant,
        .shape = request->shape,
        .count = wish->terms.count,
        .starts_s = is_flexible ? NEVER : wish->from_s,
        .ends_s = is_flexible ? NEVER : wish->to_s,
        .duration_s = wish->duration_s,
        .start_from_s = is_flexible ? wish->from_s : NEVER,
        .start_to_s = is_flexible ? wish->start_to_s : NEVER,
        .gpu_models = request->gpu_models,
        .gpu_model_count = request->gpu_model_count,
        .scope = request->scope,
        .scope_required = !request->scope_preferred,
        .spread = request->spread,
        .decide_by_s = NEVER,
        .project = wish->project == NULL ? "default" : wish->project,
        .hold_until_s = wish->hold_until_s,
        .preemptible = wish->terms.preemptible,
        .horizon_s = wish->horizon_s,
        .type = wish->type,
        .open_max_percent = wish->open_max_percent,
        .tier = wish->posted.tier,
    };
}

const char *question_wish_read(const struct question_wish *wish, const struct question_view *view, struct world *world,
                               struct wish_posted *posted, struct reservation *ret)
{
    struct planner_request request;
    enum wish_if_unavailable unavailable =
        wish->if_unavailable == NULL ? UNAVAILABLE_REJECT : wish_if_unavailable_of(wish->if_unavailable);
    const char *wrong = question_terms_read(&wish->terms, view, &request);
    if (wrong != NULL || unavailable == UNAVAILABLE_COUNT)
        return wrong != NULL ? wrong : "unknown if_unavailable";
    *posted = posted_of(wish);
    *ret = (struct reservation){
        .world = world,
        .wish = wish_of(wish, &request),
        .is = {.state = RESERVATION_PENDING, .due_s = NEVER, .deadline_s = NEVER},
        .health = "ok",
        .starts_s = NEVER,
        .ends_s = NEVER,
        .ends_by_s = NEVER,
        .estimated_s = NEVER,
        .estimate_s = NEVER,
    };
    ret->wish.if_unavailable = unavailable;
    ret->wish.posted = posted->labels == NULL ? NULL : posted;
    return NULL;
}

static json_t *instant_json(int64_t instant_s)
{
    return instant_s == NEVER ? json_null() : json_integer(instant_s);
}

/* What the verdict upon it says: {"granted", "from_s", "to_s", "waits", "reason", "binding", "alternatives"}. */
static json_t *question_wish_verdict(const struct reservation *reservation)
{
    bool is_waiting = !reservation->granted && reservation->wish.if_unavailable == UNAVAILABLE_WAITLIST;
    return json_pack("{s:b, s:o, s:o, s:b, s:s?, s:o, s:o}", "granted", (int)reservation->granted, "from_s",
                     instant_json(reservation->starts_s), "to_s", instant_json(reservation->ends_s), "waits",
                     (int)is_waiting, "reason", reservation->reason, "binding", question_json(reservation->binding),
                     "alternatives", question_json(reservation->alternatives));
}

/* What is sold of its type without an end, where that matters. */
static void read_share(const struct question_view *view, struct reservation *reservation)
{
    if (wish_is_open(&reservation->wish) && reservation->wish.open_max_percent >= 0)
        reservation->wish.open_sold_milli = view->source->sold_open(view->source, reservation);
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    struct world world = *view->world;
    struct wish_posted posted;
    struct reservation reservation;
    world.arena = view->arena;
    const char *wrong = question_wish_read(asked, view, &world, &posted, &reservation);
    if (wrong != NULL) {
        question_refuse(view, ret, "malformed_question", "%s", wrong);
        return;
    }
    read_share(view, &reservation);
    reservation.uncovered = view->source->uncovered(view->source, &reservation, NULL);
    verdict_decide(&reservation);
    ret->answer = question_wish_verdict(&reservation);
}

const struct question_kind question_wish = {"verdict", question_wish_fields, sizeof(struct question_wish), answer,
                                            true};

/* ---- Of a wish that was refused ---- */

const char *question_wish_try(const struct question_wish *wish, const struct question_view *view,
                              struct question_trial *ret)
{
    ret->world = *view->world;
    ret->zone = *view->world->zone;
    ret->world.arena = view->arena;
    ret->world.zone = &ret->zone;
    ret->zone.preemption_notice_s += TIME_TO_POST_S;
    ret->body = NULL;
    const char *wrong = question_wish_read(wish, view, &ret->world, &ret->posted, &ret->reservation);
    if (wrong != NULL)
        return wrong;
    struct reservation *reservation = &ret->reservation;
    read_share(view, reservation);
    reservation->wish.posted = NULL; /* what would fit instead is not asked for here */
    verdict_decide(reservation);
    reservation->wish.posted = &ret->posted;
    if (reservation->granted && ret->posted.labels != NULL &&
        view->source->uncovered(view->source, reservation, NULL) == NULL)
        ret->body = refusal_body_here(reservation);
    return NULL;
}

static void answer_elsewhere(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    struct question_trial trial;
    const char *wrong = question_wish_try(asked, view, &trial);
    if (wrong != NULL) {
        question_refuse(view, ret, "malformed_question", "%s", wrong);
        return;
    }
    json_t *bodies = json_array();
    if (trial.body != NULL)
        json_array_append_new(bodies, json_loads(trial.body, 0, NULL));
    ret->answer = json_pack("{s:o}", "alternatives", bodies);
}

const struct question_kind question_elsewhere = {"elsewhere", question_wish_fields, sizeof(struct question_wish),
                                                 answer_elsewhere, true};
