/* Cost rates: what power, colocation, operations, network and storage are charged at, in versions over days. A version
 * is immutable but for its end, which the next one sets; a day that is closed keeps what it was charged at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/money.h"

#include <string.h>

struct rate {
    const char *id, *pool, *basis, *zone;
    struct field_money amount;
    int64_t pue_milli;
    const char *valid_from;
};

static const char *const pools[] = {"power", "colocation", "operations", "network", "storage", NULL};
static const char *const bases[] = {"kwh", "kw_month", "node_month", "gpu_month", NULL};

// clang-format off
static const struct field rate_fields[] = {
    FIELD_ID   ("id",         struct rate, id, .identity = IDENTITY_COST_RATE, .flags = FIELD_READ_ONLY, .help = "The version of the rate"),
    FIELD_ENUM ("pool",       struct rate, pool, .values = pools, .flags = FIELD_REQUIRED, .example = "operations", .help = "Pool of a node's cost; power goes by kwh, the others by month"),
    FIELD_ENUM ("basis",      struct rate, basis, .values = bases, .flags = FIELD_REQUIRED, .example = "node_month", .help = "kwh: energy at the node; kw_month: its full power; node_month; gpu_month. A month is 8766 / 12 hours"),
    FIELD_TEXT ("zone",       struct rate, zone, .flags = FIELD_NULLABLE, .least = 1, .most = 63, .help = "Name of the zone whose own rate it is, which holds before that of all zones; null: of all"),
    FIELD_MONEY("amount",     struct rate, amount, .flags = FIELD_REQUIRED, .help = "Per unit of the basis"),
    FIELD_INT  ("pue_milli",  struct rate, pue_milli, .flags = FIELD_NULLABLE, .least = 1000, .most = 10000, .help = "Power: thousandths of the power usage effectiveness by which energy is multiplied"),
    FIELD_DATE ("valid_from", struct rate, valid_from, .flags = FIELD_NULLABLE, .help = "First UTC day; null: today"),
    FIELD_COLUMN_WITH("valid_until", FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "Day after the last; null: until the next version"),
    FIELDS_END,
};
// clang-format on

static const struct schema rate_schema = {"CostRate", rate_fields, sizeof(struct rate)};

struct rate_query {
    const char *pool, *zone;
};
static const struct field rate_query_fields[] = {
    FIELD_ENUM("pool", struct rate_query, pool, .values = pools, .help = "Only rates of this pool"),
    FIELD_TEXT("zone", struct rate_query, zone, .help = "Only the zone of this name's own rates"),
    FIELDS_END,
};
static const struct schema rate_query_schema = {"CostRateQuery", rate_query_fields, sizeof(struct rate_query)};

#define RATE_SELECT                                                                                                    \
    "SELECT r.id, r.pool, r.basis, z.name AS zone, r.amount_u AS \"amount.amount_u\", r.currency AS"                   \
    " \"amount.currency\", r.pue_milli, lower(r.valid) AS valid_from, upper(r.valid) AS valid_until, r.id AS "         \
    "page_key,"                                                                                                        \
    " CASE WHEN upper_inf(r.valid) THEN 1 ELSE 2 END AS wish_revision"                                                 \
    " FROM cost_rate r LEFT JOIN zone z ON z.id = r.zone_id"

static const struct db_stmt statement_list = {
    .name = "cost_rate_list",
    .sql = RATE_SELECT " WHERE ($1::uuid IS NULL OR r.id > $1::uuid) AND ($3::text IS NULL OR r.pool = $3::text)"
                       " AND ($4::text IS NULL OR z.name = $4::text) ORDER BY r.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "cost_rate_get",
    .sql = RATE_SELECT " WHERE r.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_references = {
    .name = "cost_rate_references",
    .sql = "SELECT (SELECT id FROM zone WHERE name = $1), d.day,"
           " EXISTS (SELECT FROM billing_day b WHERE b.day >= d.day)"
           "  FROM (SELECT coalesce($2::date, (sluice_now() AT TIME ZONE 'UTC')::date) AS day) d",
    .params = 2,
};

static const struct db_stmt statement_close = {
    .name = "cost_rate_close",
    .sql = "UPDATE cost_rate SET valid = daterange(lower(valid), $5::date)"
           " WHERE pool = $1 AND basis = $2 AND currency = $3 AND zone_id IS NOT DISTINCT FROM $4::uuid"
           " AND upper_inf(valid) AND lower(valid) < $5::date",
    .params = 5,
};

static const struct db_stmt statement_create = {
    .name = "cost_rate_create",
    .sql = "INSERT INTO cost_rate (id, pool, basis, currency, zone_id, valid, amount_u, pue_milli, created_by)"
           " VALUES ($1::uuid, $2, $3, $4, $5::uuid, daterange($6::date, NULL), $7::bigint, $8::integer, $9::uuid)",
    .params = 9,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct rate_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->pool, query->zone), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "cost rate", reterr);
}

static void check(struct request *request, const struct rate *wish)
{
    struct err err = {0};
    int exponent = 0;
    bool is_power = strcmp(wish->pool, "power") == 0;
    if (is_power != (strcmp(wish->basis, "kwh") == 0))
        field_problem_add(&request->problems, "/basis", "out_of_range", "power goes by kwh, and nothing else does");
    if (is_power != (wish->pue_milli != FIELD_NULL))
        field_problem_add(&request->problems, "/pue_milli", "out_of_range",
                          "must be given of power, and of nothing else");
    if (money_exponent(wish->amount.currency, &exponent, &err) != ERR_NONE)
        field_problem_add(&request->problems, "/amount/currency", "out_of_range", "%s", err.text);
    if (wish->amount.amount_u < 0)
        field_problem_add(&request->problems, "/amount/amount", "out_of_range", "must not be negative");
}

static enum err_kind insert(struct request *request, const struct rate *wish, const char *zone, const char *from,
                            struct err *reterr)
{
    enum err_kind kind = request_run(
        request, &statement_close, DB_PARAMS(wish->pool, wish->basis, wish->amount.currency, zone, from), NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_create,
                           DB_PARAMS(request->new_id, wish->pool, wish->basis, wish->amount.currency, zone, from,
                                     request_int(request, wish->amount.amount_u), request_int(request, wish->pue_milli),
                                     request->caller.principal_id),
                           NULL, reterr);
    if (kind == ERR_NO_CAPACITY) /* the exclusion constraint, which elsewhere means a double booking */
        return err_set_code(reterr, ERR_CONFLICT, "rate_overlaps", "there is a version at or after that day already");
    return kind;
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct rate *wish = request->body;
    const PGresult *found = NULL;
    check(request, wish);
    enum err_kind kind =
        request_run(request, &statement_references, DB_PARAMS(wish->zone, wish->valid_from), &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (wish->zone != NULL && db_text(found, 0, 0) == NULL)
        field_problem_add(&request->problems, "/zone", "unknown_zone", "there is no zone '%s'", wish->zone);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    if (db_bool(found, 0, 2))
        return err_set_code(reterr, ERR_CONFLICT, "day_closed", "the books of that day are closed");
    kind = insert(request, wish, db_text(found, 0, 0), db_text(found, 0, 1), reterr);
    if (kind == ERR_NONE)
        kind = answer_object(request, response, 201, &statement_get, request->new_id, "cost rate", reterr);
    return kind == ERR_NONE
               ? request_event(request, NULL, NULL, "cost_rate", request->new_id, 1, "cost_rate.created", reterr)
               : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_COST_RATE
static const struct route rate_routes[] = {
    {GET,  "/v1/system/cost-rates",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &rate_query_schema, .answer = &rate_schema, .is_list = true, .run = list, .summary = "List cost rates"},
    {GET,  "/v1/system/cost-rates/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &rate_schema, ONE, .run = get, .summary = "One version of a cost rate"},
    {POST, "/v1/system/cost-rates",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &rate_schema, .answer = &rate_schema, .run = create, .replay = get, .problems = PROBLEMS("unknown_zone", "rate_overlaps", "day_closed"), .summary = "Make a version of a cost rate, which ends the open one"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const rate_statements[] = {&statement_list,  &statement_get,    &statement_references,
                                                        &statement_close, &statement_create, NULL};

const struct resource cost_rate_resource = {"cost-rates", rate_routes, rate_statements,
                                            "What a node's day costs beside its amortization, in versions over time."};
