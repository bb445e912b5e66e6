/* Simulation: what would come of a proposed deal, or of a change of the fleet, by the zone's own planner. Nothing
 * changes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/planning_wish.h"
#include "api/resources/price_estimate.h"
#include "api/resources/registry.h"
#include "api/server/field_value.h"
#include "common/gpu_model.h"
#include "common/money.h"
#include "common/must.h"

#include <string.h>

#define WISHES_MAX 64 /* as the planner's kind has it */
#define LINES_MAX  1000
#define NODES_MAX  10000

struct simulate_nodes {
    const char *gpu_model, *gpu_grouping, *fabric;
    int64_t gpu_count, count, nodes_per_rack, cpu_milli, memory_mib, turnaround_s;
};

struct simulation {
    const char *zone;
    const char *tenant;
    const char *currency;
    struct field_rows reservations; /* struct reservation */
    struct field_rows add_nodes;    /* struct simulate_nodes */
    struct field_list remove_nodes; /* names */
};

static const char *const groupings[] = {"any", "pairs", "quads", NULL};

// clang-format off
static const struct field node_fields[] = {
    FIELD_TEXT("gpu_model",      struct simulate_nodes, gpu_model, .flags = FIELD_REQUIRED, .least = 1, .most = GPU_MODEL_LENGTH_MAX, .example = "H100", .help = "GPU model"),
    FIELD_INT ("gpu_count",      struct simulate_nodes, gpu_count, .least = 1, .most = 64, .fallback = "8", .help = "GPUs of each"),
    FIELD_ENUM("gpu_grouping",   struct simulate_nodes, gpu_grouping, .values = groupings, .fallback = "any", .help = "Which GPUs may go together"),
    FIELD_INT ("count",          struct simulate_nodes, count, .least = 1, .most = NODES_MAX, .fallback = "1", .help = "How many such nodes"),
    FIELD_INT ("nodes_per_rack", struct simulate_nodes, nodes_per_rack, .least = 1, .most = NODES_MAX, .fallback = "8", .help = "They stand in racks of their own, so many in each"),
    FIELD_TEXT("fabric",         struct simulate_nodes, fabric, .flags = FIELD_NULLABLE, .least = 1, .most = 63, .help = "The fabric that their racks join, by name; null: one of their own"),
    FIELD_INT ("cpu_milli",      struct simulate_nodes, cpu_milli, .flags = FIELD_REQUIRED, .least = 0, .most = INT32_MAX, .help = "CPU of each in thousandths of a core"),
    FIELD_INT ("memory_mib",     struct simulate_nodes, memory_mib, .flags = FIELD_REQUIRED, .least = 0, .most = INT32_MAX, .help = "Memory of each in MiB"),
    FIELD_INT ("turnaround_s",   struct simulate_nodes, turnaround_s, .least = 0, .most = 86400, .fallback = "0", .help = "Cleaning between two tenants, in seconds"),
    FIELDS_END,
};

static const struct field simulation_fields[] = {
    FIELD_TEXT("zone",         struct simulation, zone, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .example = "us-east-1a", .help = "Whose planner, by name"),
    FIELD_TEXT("tenant",       struct simulation, tenant, .flags = FIELD_NULLABLE, .pattern = FIELD_NAME, .help = "Whose deal it is: its prices, its quotas, and it need not wait for its own turnaround; null: nobody's, list prices and no quotas"),
    FIELD_TEXT("currency",     struct simulation, currency, .least = 3, .most = 3, .fallback = "USD", .help = "Of the list prices, where no tenant is named"),
    FIELD_ROWS("reservations", struct simulation, reservations, .most = WISHES_MAX, .fields = reservation_fields, .size = sizeof(struct reservation), .help = "Bodies as POST /v1/reservations takes them, decided in their order, each upon the last"),
    FIELD_ROWS("add_nodes",    struct simulation, add_nodes, .most = LINES_MAX, .fields = node_fields, .size = sizeof(struct simulate_nodes), .help = "Nodes that come first"),
    FIELD_LIST("remove_nodes", struct simulation, remove_nodes, .most = LINES_MAX, .fallback = "[]", .help = "Names of nodes that go before the reservations are decided; what is on them moves if it can"),
    FIELDS_END,
};

static const struct field item_fields[] = {
    FIELD_COLUMN("admitted", FIELD_TYPE_BOOL, .help = "Whether it would be granted"),
    FIELD_COLUMN_WITH("starts_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Its start then"),
    FIELD_COLUMN_WITH("ends_at",   FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Its end then; null: open"),
    FIELD_COLUMN_WITH("earned",    FIELD_TYPE_OBJECT, FIELD_NULLABLE, .fields = reservation_price_fields, .help = "What it would be charged; null where it is refused, or has no price"),
    FIELD_COLUMN_WITH("binding",   FIELD_TYPE_JSON, FIELD_NULLABLE, .help = "What bound, where it is refused"),
    FIELDS_END,
};

static const char *const causes[] = {"preempted", "node_removed", NULL};
static const struct field displaced_fields[] = {
    FIELD_COLUMN("reservation", FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "Whose instance it is"),
    FIELD_COLUMN("ordinal",     FIELD_TYPE_INT, .help = "Which of the reservation's, from 0"),
    FIELD_COLUMN("node",        FIELD_TYPE_ID, .identity = IDENTITY_NODE, .help = "Where it is"),
    FIELD_COLUMN("cause",       FIELD_TYPE_ENUM, .values = causes, .help = "Why it goes"),
    FIELD_COLUMN("ends_at",     FIELD_TYPE_TIME, .help = "When it ends"),
    FIELDS_END,
};

static const struct field outcome_fields[] = {
    FIELD_COLUMN("items",     FIELD_TYPE_ROWS, .fields = item_fields, .help = "What became of each reservation, in their order"),
    FIELD_COLUMN("displaced", FIELD_TYPE_ROWS, .fields = displaced_fields, .help = "Instances that lose their place"),
    FIELD_COLUMN("moved",     FIELD_TYPE_INT, .help = "Instances of removed nodes that find another place"),
    FIELD_COLUMN("admitted",  FIELD_TYPE_INT, .help = "Reservations that are granted"),
    FIELD_COLUMN("refused",   FIELD_TYPE_INT, .help = "Reservations that are not"),
    FIELD_COLUMN("earned",    FIELD_TYPE_MONEY, .help = "What those granted would be charged in sum, but for open-ended ones and those without a price"),
    FIELDS_END,
};
// clang-format on

static const struct schema simulation_schema = {"Simulation", simulation_fields, sizeof(struct simulation)};
static const struct schema outcome_schema = {"SimulationOutcome", outcome_fields, 0};

static const struct db_stmt statement_tenant = {
    .name = "simulate_tenant",
    .sql = "SELECT id, currency, on_demand_horizon_s FROM tenant WHERE name = $1",
    .params = 1,
};

/* Rows in the order of the names; id null where the zone has none of that name. */
static const struct db_stmt statement_nodes = {
    .name = "simulate_nodes",
    .sql = "SELECT a.name, n.id FROM unnest($2::text[]) WITH ORDINALITY AS a (name, place)"
           " LEFT JOIN node n ON n.zone_id = $1::uuid AND n.name = a.name ORDER BY a.place",
    .params = 2,
};

static const struct db_stmt statement_fabric = {
    .name = "simulate_fabric",
    .sql = "SELECT id FROM fabric WHERE zone_id = $1::uuid AND name = $2",
    .params = 2,
};

/* What finish needs beside the body. */
struct simulate_terms {
    const char *tenant_id; /* NULL: nobody's */
    const char *currency;
    int64_t horizon_s;             /* of its open-ended ones; FIELD_NULL: none */
    struct planning_shape *shapes; /* of each reservation */
};

/* ---- Asking ---- */

static enum err_kind find_tenant(struct request *request, struct simulate_terms *terms, struct err *reterr)
{
    const struct simulation *simulation = request->body;
    terms->currency = simulation->currency;
    terms->horizon_s = FIELD_NULL;
    if (simulation->tenant == NULL)
        return ERR_NONE;
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_tenant, DB_PARAMS(simulation->tenant), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0) {
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'",
                          simulation->tenant);
        return ERR_NONE;
    }
    terms->tenant_id = db_text(result, 0, 0);
    terms->currency = db_text(result, 0, 1);
    terms->horizon_s = db_int(result, 0, 2, FIELD_NULL);
    return ERR_NONE;
}

static void int_out(struct json_out *out, const char *key, int64_t value)
{
    json_out_key(out, key);
    json_out_int(out, value);
}

/* A number that may be left out. */
static void instant_out(struct json_out *out, const char *key, int64_t instant_s)
{
    if (instant_s != FIELD_NULL)
        int_out(out, key, instant_s);
}

static void ask_wish(struct json_out *body, const struct reservation *wish, const struct planning_shape *shape,
                     const struct simulate_terms *terms)
{
    bool is_open = wish->ends_at == FIELD_NULL && wish->duration_s == FIELD_NULL;
    bool is_flexible = wish->duration_s != FIELD_NULL;
    int64_t from_s = is_flexible ? wish->start_range.from : wish->starts_at;
    json_out_open(body, '{');
    planning_terms_ask(body, wish, shape, terms->tenant_id);
    json_out_key(body, "project");
    json_out_text(body, wish->project);
    json_out_key(body, "if_unavailable");
    json_out_text(body, wish->if_unavailable);
    if (is_open && strcmp(wish->tier, "preemptible") != 0)
        instant_out(body, "horizon_s", terms->horizon_s);
    instant_out(body, "from_s", from_s);
    instant_out(body, "to_s", wish->ends_at);
    if (is_flexible) {
        int_out(body, "duration_s", wish->duration_s);
        instant_out(body, "start_to_s", wish->start_range.to);
    }
    json_out_close(body, '}');
}

static enum err_kind ask_wishes(struct request *request, struct simulate_terms *terms, struct json_out *body,
                                struct err *reterr)
{
    const struct simulation *simulation = request->body;
    const struct reservation *wishes = simulation->reservations.items;
    size_t count = simulation->reservations.count;
    terms->shapes = arena_alloc(request->arena, (count + 1) * sizeof *terms->shapes);
    json_out_key(body, "wishes");
    json_out_open(body, '[');
    for (size_t i = 0; i < count; i++) {
        const char *below = arena_format(request->arena, "/reservations/%zu", i);
        bool has_shape = FIELD_PRESENT(simulation->reservations.present[i], RESERVATION_FIELD_SHAPE);
        enum err_kind kind = planning_shape_find(request, below, &wishes[i], has_shape, &terms->shapes[i], reterr);
        if (kind != ERR_NONE)
            return kind;
        if (request->problems.count == 0)
            ask_wish(body, &wishes[i], &terms->shapes[i], terms);
    }
    json_out_close(body, ']');
    return ERR_NONE;
}

static void ask_nodes(struct json_out *body, const struct simulate_nodes *nodes, const char *fabric_id)
{
    json_out_open(body, '{');
    json_out_key(body, "gpu_model");
    json_out_text(body, nodes->gpu_model);
    json_out_key(body, "grouping");
    json_out_text(body, nodes->gpu_grouping);
    json_out_key(body, "fabric");
    json_out_text(body, fabric_id);
    int_out(body, "gpus", nodes->gpu_count);
    int_out(body, "count", nodes->count);
    int_out(body, "nodes_per_rack", nodes->nodes_per_rack);
    int_out(body, "cpu_milli", nodes->cpu_milli);
    int_out(body, "memory_mib", nodes->memory_mib);
    int_out(body, "turnaround_s", nodes->turnaround_s);
    json_out_close(body, '}');
}

static enum err_kind find_fabric(struct request *request, const char *zone_id, const char *name, size_t line,
                                 const char **ret, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_fabric, DB_PARAMS(zone_id, name), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) == 0)
        field_problem_add(&request->problems, arena_format(request->arena, "/add_nodes/%zu/fabric", line),
                          "out_of_range", "the zone has no fabric '%s'", name);
    else if (kind == ERR_NONE)
        *ret = db_text(result, 0, 0);
    return kind;
}

static enum err_kind ask_additions(struct request *request, const char *zone_id, struct json_out *body,
                                   struct err *reterr)
{
    const struct simulation *simulation = request->body;
    const struct simulate_nodes *nodes = simulation->add_nodes.items;
    enum err_kind kind = ERR_NONE;
    json_out_key(body, "additions");
    json_out_open(body, '[');
    for (size_t i = 0; i < simulation->add_nodes.count && kind == ERR_NONE; i++) {
        const char *fabric_id = NULL;
        if (nodes[i].fabric != NULL)
            kind = find_fabric(request, zone_id, nodes[i].fabric, i, &fabric_id, reterr);
        ask_nodes(body, &nodes[i], fabric_id);
    }
    json_out_close(body, ']');
    return kind;
}

static enum err_kind ask_removals(struct request *request, const char *zone_id, struct json_out *body,
                                  struct err *reterr)
{
    const struct simulation *simulation = request->body;
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_nodes, DB_PARAMS(zone_id, simulation->remove_nodes.array), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    json_out_key(body, "removals");
    json_out_open(body, '[');
    for (int row = 0; row < PQntuples(result); row++) {
        if (db_text(result, row, 1) == NULL)
            field_problem_add(&request->problems, arena_format(request->arena, "/remove_nodes/%d", row), "unknown_node",
                              "the zone has no node '%.63s'", db_text(result, row, 0));
        json_out_open(body, '{');
        json_out_key(body, "node");
        json_out_text(body, db_text(result, row, 1));
        json_out_close(body, '}');
    }
    json_out_close(body, ']');
    return ERR_NONE;
}

static enum err_kind body_of(struct request *request, const char *zone_id, struct simulate_terms *terms,
                             const char **ret, struct err *reterr)
{
    struct json_out body;
    json_out_init(&body, request->arena);
    json_out_open(&body, '{');
    enum err_kind kind = find_tenant(request, terms, reterr);
    if (kind == ERR_NONE)
        kind = ask_wishes(request, terms, &body, reterr);
    if (kind == ERR_NONE)
        kind = ask_additions(request, zone_id, &body, reterr);
    if (kind == ERR_NONE)
        kind = ask_removals(request, zone_id, &body, reterr);
    if (kind == ERR_NONE && request->problems.count > 0)
        return request_invalid(request, reterr);
    json_out_close(&body, '}');
    *ret = json_out_finish(&body);
    return kind;
}

/* ---- Answering ---- */

struct outcome_sums {
    int64_t admitted, refused, earned_u;
};

static void time_or_null(struct json_out *out, const char *key, const json_t *instant)
{
    json_out_key(out, key);
    if (json_is_integer(instant))
        field_value_time(json_integer_value(instant), out);
    else
        json_out_null(out);
}

static enum err_kind write_admitted(struct request *request, size_t place, const json_t *item, struct json_out *out,
                                    struct outcome_sums *sums, struct err *reterr)
{
    const struct simulation *simulation = request->body;
    const struct simulate_terms *terms = request->asked;
    const struct reservation *wish = &((const struct reservation *)simulation->reservations.items)[place];
    const json_t *to = json_object_get(item, "to_s");
    struct price_terms priced = {
        .sku_kind = terms->shapes[place].sku_kind,
        .sku = terms->shapes[place].sku,
        .tier = wish->tier,
        .currency = terms->currency,
        .tenant_id = terms->tenant_id,
        .project = wish->project,
        .starts_s = json_integer_value(json_object_get(item, "from_s")),
        .ends_s = json_is_integer(to) ? json_integer_value(to) : FIELD_NULL,
        .gpu_milli = wish->count * planning_gpu_milli(&terms->shapes[place]),
        .count = wish->count,
    };
    struct price_estimate estimate;
    enum err_kind kind = price_estimate(request, &priced, &estimate, reterr);
    if (kind == ERR_NONE && estimate.is_known && estimate.total_u != FIELD_NULL)
        kind = money_add(sums->earned_u, estimate.total_u, &sums->earned_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    sums->admitted++;
    time_or_null(out, "starts_at", json_object_get(item, "from_s"));
    time_or_null(out, "ends_at", to);
    json_out_key(out, "earned");
    price_estimate_out(out, &estimate, terms->currency);
    json_out_key(out, "binding");
    json_out_null(out);
    return ERR_NONE;
}

static void write_refused(const json_t *item, struct json_out *out, struct outcome_sums *sums)
{
    sums->refused++;
    time_or_null(out, "starts_at", NULL);
    time_or_null(out, "ends_at", NULL);
    json_out_key(out, "earned");
    json_out_null(out);
    json_out_key(out, "binding");
    planning_json_out(out, json_object_get(item, "binding"));
}

static enum err_kind write_items(struct request *request, const json_t *items, struct json_out *out,
                                 struct outcome_sums *sums, struct err *reterr)
{
    json_out_key(out, "items");
    json_out_open(out, '[');
    size_t place;
    const json_t *item;
    json_array_foreach(items, place, item)
    {
        bool is_admitted = json_is_true(json_object_get(item, "admitted"));
        enum err_kind kind = ERR_NONE;
        json_out_open(out, '{');
        json_out_key(out, "admitted");
        json_out_bool(out, is_admitted);
        if (is_admitted)
            kind = write_admitted(request, place, item, out, sums, reterr);
        else
            write_refused(item, out, sums);
        if (kind != ERR_NONE)
            return kind;
        json_out_close(out, '}');
    }
    json_out_close(out, ']');
    return ERR_NONE;
}

static void id_out(struct json_out *out, const char *key, enum identity_kind identity, const json_t *uuid)
{
    char text[IDENTITY_TEXT_SIZE];
    identity_text_of_uuid(identity, json_string_value(uuid), text);
    json_out_key(out, key);
    json_out_text(out, text);
}

static void write_displaced(const json_t *displaced, struct json_out *out)
{
    json_out_key(out, "displaced");
    json_out_open(out, '[');
    size_t i;
    const json_t *each;
    json_array_foreach(displaced, i, each)
    {
        json_out_open(out, '{');
        id_out(out, "reservation", IDENTITY_RESERVATION, json_object_get(each, "reservation"));
        int_out(out, "ordinal", json_integer_value(json_object_get(each, "ordinal")));
        id_out(out, "node", IDENTITY_NODE, json_object_get(each, "node"));
        json_out_key(out, "cause");
        json_out_text(out, json_string_value(json_object_get(each, "cause")));
        time_or_null(out, "ends_at", json_object_get(each, "ends_s"));
        json_out_close(out, '}');
    }
    json_out_close(out, ']');
}

static enum err_kind finish(struct request *request, struct response *response, const char *const *answers,
                            size_t count, struct err *reterr)
{
    must(count == 1);
    const struct simulate_terms *terms = request->asked;
    CLEANUP(planning_json_freep) json_t *answer = json_loads(answers[0], 0, NULL);
    struct json_out *out = &response->body;
    struct outcome_sums sums = {0};
    response->status = 200;
    json_out_open(out, '{');
    enum err_kind kind = write_items(request, json_object_get(answer, "items"), out, &sums, reterr);
    if (kind != ERR_NONE)
        return kind;
    write_displaced(json_object_get(answer, "displaced"), out);
    int_out(out, "moved", json_integer_value(json_object_get(answer, "moved")));
    int_out(out, "admitted", sums.admitted);
    int_out(out, "refused", sums.refused);
    json_out_key(out, "earned");
    price_money_out(out, sums.earned_u, terms->currency);
    json_out_close(out, '}');
    return ERR_NONE;
}

static enum err_kind ask(struct request *request, struct response *response, struct err *reterr)
{
    (void)response; /* finish's */
    const struct simulation *simulation = request->body;
    struct simulate_terms *terms = arena_alloc(request->arena, sizeof *terms);
    struct question *question = arena_alloc(request->arena, sizeof *question);
    request->asked = terms;
    question->kind = "simulate";
    enum err_kind kind = planning_zone(request, simulation->zone, "/zone", &question->zone_id, reterr);
    if (kind == ERR_NONE)
        kind = body_of(request, question->zone_id, terms, &question->body, reterr);
    return kind == ERR_NONE ? request_ask(request, question, 1, 2, finish) : kind;
}

// clang-format off
static const struct route simulate_routes[] = {
    {POST, "/v1/system/simulate", ROLES_SYSTEM_READ, RATE_REPORT, .body = &simulation_schema, .answer = &outcome_schema, .status = 200, .is_question = true, .run = ask, .asks = true, .problems = PROBLEMS("unknown_zone", "unknown_instance_type", "instance_type_retired", "unknown_tenant", "unknown_node", "cannot_simulate", "too_much_asked"), .summary = "Run a deal or a change of the fleet through the planner, on a copy"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const simulate_statements[] = {&statement_tenant, &statement_nodes, &statement_fabric,
                                                            NULL};

const struct resource simulate_resource = {"simulate", simulate_routes, simulate_statements,
                                           "Deals and changes of the fleet, tried on a copy."};
