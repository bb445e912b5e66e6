/* Offers: the earliest window for what is sought, and what lies around it, each with its price and as a body that can
 * be posted as it stands. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/planning_wish.h"
#include "api/resources/price_estimate.h"
#include "api/resources/registry.h"
#include "api/server/field_value.h"
#include "common/calendar.h"
#include "common/money.h"
#include "common/must.h"

#include <string.h>

#define START_RANGE_DEFAULT_S (60 * CALENDAR_DAY_S)
#define GPU_MILLI_S_PER_GPU_H 3600000

/* What is sought: a wish whose window is left open. */
struct offer_search {
    struct reservation wish;
    struct offer_duration {
        int64_t least, most;
    } duration_s;
    int64_t count_least;
    struct field_money budget;
};

#define AT(member) struct offer_search, member

// clang-format off
static const struct field duration_fields[] = {
    FIELD_INT("least", struct offer_duration, least, .flags = FIELD_REQUIRED, .least = 1, .most = RESERVATION_DURATION_MAX_S, .example = "86400", .help = "No shorter than this, in seconds"),
    FIELD_INT("most",  struct offer_duration, most, .flags = FIELD_NULLABLE, .least = 1, .most = RESERVATION_DURATION_MAX_S, .example = "172800", .help = "No longer than this, in seconds; null: least"),
    FIELDS_END,
};

enum { FIELD_SHAPE = 2 };
static const struct field search_fields[] = {
    FIELD_TEXT  ("zone",          AT(wish.zone), .flags = FIELD_REQUIRED, .least = 1, .most = 63, .example = "us-east-1a", .help = "Where, by name"),
    FIELD_TEXT  ("instance_type", AT(wish.instance_type), .flags = FIELD_NULLABLE, .least = 1, .most = 63, .example = "h100.8x", .help = "What each instance is, by name; or give shape"),
    FIELD_OBJECT("shape",         AT(wish.shape), .fields = reservation_shape_fields, .help = "What each instance is, where the tenant may say so itself"),
    FIELD_INT   ("count",         AT(wish.count), .least = 1, .most = RESERVATION_COUNT_MAX, .fallback = "1", .help = "How many instances, all or none"),
    FIELD_INT   ("count_least",   AT(count_least), .flags = FIELD_NULLABLE, .least = 1, .most = RESERVATION_COUNT_MAX, .help = "Smaller offers go down to it; null: half of count"),
    FIELD_OBJECT("duration_s",    AT(duration_s), .flags = FIELD_REQUIRED, .fields = duration_fields, .help = "How long"),
    FIELD_SPAN  ("start_range",   AT(wish.start_range), .flags = FIELD_NULLABLE, .help = "The earliest start and the latest; the first may be null: now, as null for all: within 60 days. No offer begins within a minute, unless the range ends then: that is the time to post it"),
    FIELD_OBJECT("placement",     AT(wish.placement), .fields = reservation_placement_fields, .help = "How near to each other the instances are"),
    FIELD_ENUM  ("tier",          AT(wish.tier), .values = reservation_tiers, .fallback = "reserved", .help = "What may take its place"),
    FIELD_TEXT  ("project",       AT(wish.project), .least = 1, .most = 63, .fallback = "default", .help = "The project that it is for, by name: by its prices, and within its quotas"),
    FIELD_MONEY ("budget",        AT(budget), .flags = FIELD_NULLABLE, .help = "What it may cost, in the tenant's currency; counted at the highest price that holds within the range, and with what lacks to a minimum duration"),
    FIELDS_END,
};

static const char *const kinds[] = {"earliest", "longer", "cheaper", "smaller", "looser", NULL};
static const struct field item_fields[] = {
    FIELD_COLUMN("kind",        FIELD_TYPE_ENUM, .values = kinds, .help = "What it has over the others; the earliest comes first"),
    FIELD_COLUMN("starts_at",   FIELD_TYPE_TIME, .help = "Start"),
    FIELD_COLUMN("ends_at",     FIELD_TYPE_TIME, .help = "End"),
    FIELD_COLUMN("count",       FIELD_TYPE_INT, .help = "How many instances"),
    FIELD_COLUMN("placement",   FIELD_TYPE_OBJECT, .fields = reservation_placement_fields, .help = "How near to each other they are"),
    FIELD_COLUMN("tier",        FIELD_TYPE_ENUM, .values = reservation_tiers, .help = "What may take its place"),
    FIELD_COLUMN_WITH("price",  FIELD_TYPE_OBJECT, FIELD_NULLABLE, .fields = reservation_price_fields, .help = "What it costs; null where there is no price"),
    FIELD_COLUMN("reservation", FIELD_TYPE_JSON, .fields = reservation_fields, .is_body = true, .help = "The body to post to /v1/reservations, or to /v1/quotes"),
    FIELDS_END,
};

static const struct field offers_fields[] = {
    FIELD_COLUMN("items", FIELD_TYPE_ROWS, .fields = item_fields, .help = "At most ten, none worse than another in everything; none where nothing fits. One of them can be had, not all"),
    FIELDS_END,
};
// clang-format on

static const struct schema search_schema = {"OfferSearch", search_fields, sizeof(struct offer_search)};
static const struct schema offers_schema = {"Offers", offers_fields, 0};

static const struct db_stmt statement_tenant = {
    .name = "offer_tenant",
    .sql = "SELECT t.may_shape, t.currency,"
           "   EXISTS (SELECT FROM project p WHERE p.tenant_id = t.id AND p.name = $2)"
           " FROM tenant t WHERE t.id = $1::uuid",
    .params = 2,
};

/* What finish needs beside the body. */
struct offer_terms {
    struct planning_shape shape;
    const char *project, *currency;
};

/* ---- Asking ---- */

static struct price_terms price_of(const struct request *request, const struct offer_terms *terms, const char *tier,
                                   int64_t count, int64_t starts_s, int64_t ends_s)
{
    return (struct price_terms){
        .sku_kind = terms->shape.sku_kind,
        .sku = terms->shape.sku,
        .tier = tier,
        .currency = terms->currency,
        .tenant_id = request->caller.tenant_id,
        .project = terms->project,
        .starts_s = starts_s,
        .ends_s = ends_s,
        .gpu_milli = count * planning_gpu_milli(&terms->shape),
        .count = count,
    };
}

/* Money as the GPU-time that it buys at the dearest; at least one unit, since none means no budget. */
static enum err_kind spend(struct request *request, const struct offer_search *search, const struct offer_terms *terms,
                           int64_t now_s, int64_t *ret_gpu_milli_s, struct err *reterr)
{
    *ret_gpu_milli_s = 0;
    if (search->budget.currency == NULL)
        return ERR_NONE;
    int64_t from_s = search->wish.start_range.from == FIELD_NULL ? now_s : search->wish.start_range.from;
    struct price_terms whole = price_of(request, terms, search->wish.tier, search->wish.count, from_s,
                                        search->wish.start_range.to + search->duration_s.most);
    struct price_estimate estimate;
    enum err_kind kind = price_estimate(request, &whole, &estimate, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (strcmp(search->budget.currency, terms->currency) != 0)
        field_problem_add(&request->problems, "/budget/currency", "out_of_range", "the tenant is billed in %s",
                          terms->currency);
    else if (estimate.highest_price_u == 0)
        field_problem_add(&request->problems, "/budget", "price_missing", "nothing of this has a price");
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    must(estimate.highest_price_u > 0);
    money_wide buys = (money_wide)search->budget.amount_u * GPU_MILLI_S_PER_GPU_H / estimate.highest_price_u;
    *ret_gpu_milli_s = buys < 1 ? 1 : buys > INT64_MAX ? INT64_MAX : (int64_t)buys;
    return ERR_NONE;
}

static void check(struct request *request, struct offer_search *search, int64_t now_s)
{
    if (search->duration_s.most == FIELD_NULL)
        search->duration_s.most = search->duration_s.least;
    if (search->wish.start_range.to == FIELD_NULL)
        search->wish.start_range.to = now_s + START_RANGE_DEFAULT_S;
    if (search->duration_s.most < search->duration_s.least)
        field_problem_add(&request->problems, "/duration_s/most", "out_of_range", "is below least");
    if (search->wish.start_range.to < now_s)
        field_problem_add(&request->problems, "/start_range", "window_in_past", "the latest start lies in the past");
    reservation_check_latest(request, &search->wish.start_range, search->duration_s.most);
    if (search->count_least != FIELD_NULL && search->count_least > search->wish.count)
        field_problem_add(&request->problems, "/count_least", "out_of_range", "is above count");
    if (search->budget.currency != NULL && search->budget.amount_u <= 0)
        field_problem_add(&request->problems, "/budget/amount", "out_of_range", "must be above zero");
}

static enum err_kind read(struct request *request, struct offer_search *search, struct offer_terms *terms,
                          int64_t *ret_now_s, struct err *reterr)
{
    must(strcmp(search_fields[FIELD_SHAPE].name, "shape") == 0);
    const PGresult *tenant = NULL;
    bool has_shape = FIELD_PRESENT(request->body_present, FIELD_SHAPE);
    enum err_kind kind = planning_now(request, ret_now_s, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_tenant, DB_PARAMS(request->caller.tenant_id, search->wish.project),
                           &tenant, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (!db_bool(tenant, 0, 2))
        field_problem_add(&request->problems, "/project", "unknown_project", "the tenant has no project '%.63s'",
                          search->wish.project);
    terms->project = search->wish.project;
    terms->currency = db_text(tenant, 0, 1);
    if (has_shape && !db_bool(tenant, 0, 0))
        return err_set_code(reterr, ERR_FORBIDDEN, "shape_not_allowed",
                            "/shape: this tenant may not give one; name an instance type");
    check(request, search, *ret_now_s);
    kind = planning_shape_find(request, "", &search->wish, has_shape, &terms->shape, reterr);
    if (kind == ERR_NONE && request->problems.count > 0)
        return request_invalid(request, reterr);
    return kind;
}

static void int_out(struct json_out *out, const char *key, int64_t value)
{
    json_out_key(out, key);
    json_out_int(out, value);
}

static const char *body_of(struct request *request, const struct offer_search *search, const struct offer_terms *terms,
                           int64_t gpu_milli_s_max)
{
    struct json_out body;
    json_out_init(&body, request->arena);
    json_out_open(&body, '{');
    planning_terms_ask(&body, &search->wish, &terms->shape, request->caller.tenant_id);
    json_out_key(&body, "project");
    json_out_text(&body, terms->project);
    if (search->wish.start_range.from != FIELD_NULL)
        int_out(&body, "start_from_s", search->wish.start_range.from);
    int_out(&body, "start_to_s", search->wish.start_range.to);
    int_out(&body, "duration_least_s", search->duration_s.least);
    int_out(&body, "duration_most_s", search->duration_s.most);
    int_out(&body, "count_least", search->count_least == FIELD_NULL ? 0 : search->count_least);
    int_out(&body, "gpu_milli_s_max", gpu_milli_s_max);
    json_out_close(&body, '}');
    return json_out_finish(&body);
}

/* ---- Answering ---- */

struct offer {
    const char *kind;
    int64_t starts_s, ends_s, count;
    struct reservation_placement placement;
    const char *tier;
};

static struct offer offer_of(const struct offer_search *search, const json_t *item)
{
    const char *scope = json_string_value(json_object_get(item, "scope"));
    bool is_preemptible = json_is_true(json_object_get(item, "preemptible"));
    return (struct offer){
        .kind = json_string_value(json_object_get(item, "kind")),
        .starts_s = json_integer_value(json_object_get(item, "from_s")),
        .ends_s = json_integer_value(json_object_get(item, "to_s")),
        .count = json_integer_value(json_object_get(item, "count")),
        .placement = {.within = strcmp(scope, "fleet") == 0 ? "zone" : scope, /* one zone is all there is to it */
                      .mode = json_is_true(json_object_get(item, "scope_preferred")) ? "preferred" : "required",
                      .spread = search->wish.placement.spread},
        .tier = is_preemptible ? "preemptible" : search->wish.tier,
    };
}

/* Members that an offer and its body share. */
static void write_terms(struct json_out *out, const struct offer *offer)
{
    json_out_key(out, "starts_at");
    field_value_time(offer->starts_s, out);
    json_out_key(out, "ends_at");
    field_value_time(offer->ends_s, out);
    int_out(out, "count", offer->count);
    json_out_key(out, "placement");
    field_write_struct(reservation_placement_fields, &offer->placement, out);
    json_out_key(out, "tier");
    json_out_text(out, offer->tier);
}

static void write_body(struct json_out *out, const struct offer_search *search, const struct offer *offer)
{
    json_out_open(out, '{');
    json_out_key(out, "zone");
    json_out_text(out, search->wish.zone);
    json_out_key(out, "project");
    json_out_text(out, search->wish.project);
    json_out_key(out, search->wish.instance_type == NULL ? "shape" : "instance_type");
    if (search->wish.instance_type == NULL)
        field_write_struct(reservation_shape_fields, &search->wish.shape, out);
    else
        json_out_text(out, search->wish.instance_type);
    write_terms(out, offer);
    json_out_close(out, '}');
}

/* The search counts GPU-time alone; what lacks to a minimum duration comes on top of it. */
static bool is_within_budget(const struct request *request, const struct price_estimate *estimate)
{
    const struct offer_search *search = request->body;
    return search->budget.currency == NULL || !estimate->is_known || estimate->total_u <= search->budget.amount_u;
}

/* Nothing where it is dearer than the budget. */
static enum err_kind write_offer(struct request *request, struct json_out *out, const struct offer *offer,
                                 struct err *reterr)
{
    const struct offer_terms *terms = request->asked;
    struct price_terms priced = price_of(request, terms, offer->tier, offer->count, offer->starts_s, offer->ends_s);
    struct price_estimate estimate;
    enum err_kind kind = price_estimate(request, &priced, &estimate, reterr);
    if (kind != ERR_NONE || !is_within_budget(request, &estimate))
        return kind;
    json_out_open(out, '{');
    json_out_key(out, "kind");
    json_out_text(out, offer->kind);
    write_terms(out, offer);
    json_out_key(out, "price");
    price_estimate_out(out, &estimate, terms->currency);
    json_out_key(out, "reservation");
    write_body(out, request->body, offer);
    json_out_close(out, '}');
    return ERR_NONE;
}

static enum err_kind finish(struct request *request, struct response *response, const char *const *answers,
                            size_t count, struct err *reterr)
{
    must(count == 1);
    CLEANUP(planning_json_freep) json_t *answer = json_loads(answers[0], 0, NULL);
    struct json_out *out = &response->body;
    response->status = 200;
    json_out_open(out, '{');
    json_out_key(out, "items");
    json_out_open(out, '[');
    enum err_kind kind = ERR_NONE;
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(answer, "items"), i, item)
    {
        struct offer offer = offer_of(request->body, item);
        kind = write_offer(request, out, &offer, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    json_out_close(out, ']');
    json_out_close(out, '}');
    return ERR_NONE;
}

static enum err_kind ask(struct request *request, struct response *response, struct err *reterr)
{
    (void)response; /* finish's */
    struct offer_search *search = request->body;
    struct offer_terms *terms = arena_alloc(request->arena, sizeof *terms);
    struct question *question = arena_alloc(request->arena, sizeof *question);
    int64_t now_s = 0;
    int64_t gpu_milli_s_max = 0;
    request->asked = terms;
    enum err_kind kind = read(request, search, terms, &now_s, reterr);
    if (kind == ERR_NONE)
        kind = planning_zone(request, search->wish.zone, "/zone", &question->zone_id, reterr);
    if (kind == ERR_NONE)
        kind = spend(request, search, terms, now_s, &gpu_milli_s_max, reterr);
    if (kind != ERR_NONE)
        return kind;
    question->kind = "offers";
    question->body = body_of(request, search, terms, gpu_milli_s_max);
    return request_ask(request, question, 1, 1, finish);
}

// clang-format off
static const struct route offer_routes[] = {
    {POST, "/v1/offers", ROLES_TENANT_READ, RATE_REPORT, .body = &search_schema, .answer = &offers_schema, .status = 200, .is_question = true, .run = ask, .asks = true, .problems = PROBLEMS("unknown_zone", "unknown_project", "unknown_instance_type", "instance_type_retired", "price_missing", "window_in_past", "shape_not_allowed"), .summary = "Find the windows that fit"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const offer_statements[] = {&statement_tenant, NULL};

const struct resource offer_resource = {"offers", offer_routes, offer_statements, "Windows that fit a wish."};
