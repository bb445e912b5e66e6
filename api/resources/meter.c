/* Meters: what agents may report of reservations beside GPU-time. One is made and may be retired; nothing else changes
 * it, since prices, readings and invoices mean what it says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

struct meter {
    const char *id, *name, *unit, *aggregation, *description;
    int64_t decimals;
};

static const char *const aggregations[] = {"sum", "level", NULL};

// clang-format off
static const struct field meter_fields[] = {
    FIELD_ID  ("id",          struct meter, id, .identity = IDENTITY_METER, .flags = FIELD_READ_ONLY, .help = "The meter"),
    FIELD_TEXT("name",        struct meter, name, .flags = FIELD_REQUIRED, .pattern = FIELD_NAME, .example = "egress", .help = "Unique; prices have it as their sku"),
    FIELD_TEXT("unit",        struct meter, unit, .flags = FIELD_REQUIRED, .least = 1, .most = 24, .example = "GB", .help = "Of what is reported, in SI or UCUM: GB, kW.h, licences"),
    FIELD_ENUM("aggregation", struct meter, aggregation, .values = aggregations, .fallback = "sum", .help = "sum: readings are amounts and add up, priced per unit; level: a reading is what was held for its span, priced per unit and hour"),
    FIELD_INT ("decimals",    struct meter, decimals, .fallback = "3", .least = 0, .most = 3, .help = "Decimals that a reading may have"),
    FIELD_TEXT("description", struct meter, description, .flags = FIELD_NULLABLE, .least = 1, .most = 255, .example = "Traffic to the internet", .help = "For people"),
    FIELD_COLUMN("priced_unit", FIELD_TYPE_TEXT, .help = "What prices are per and invoices count in: the unit, of a level with -Hours"),
    FIELD_COLUMN("created_at", FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN_WITH("retired_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Since when it takes no readings and no prices; null: it does"),
    FIELDS_END,
};
// clang-format on

static const struct schema meter_schema = {"Meter", meter_fields, sizeof(struct meter)};

struct meter_query {
    const char *name;
};
static const struct field meter_query_fields[] = {
    FIELD_TEXT("name", struct meter_query, name, .help = "Only the meter of this name"),
    FIELDS_END,
};
static const struct schema meter_query_schema = {"MeterQuery", meter_query_fields, sizeof(struct meter_query)};

#define REVISION "CASE WHEN m.retired_at IS NULL THEN 1 ELSE 2 END AS wish_revision"
#define METER_COLUMNS                                                                                                  \
    " m.id, m.name, m.unit, m.aggregation, m.decimals, m.description,"                                                 \
    " meter_priced_unit(m.aggregation, m.unit) AS priced_unit, extract(epoch FROM m.created_at)::bigint AS "           \
    "created_at,"                                                                                                      \
    " extract(epoch FROM m.retired_at)::bigint AS retired_at, m.id AS page_key,"                                       \
    " " REVISION

static const struct db_stmt statement_list = {
    .name = "meter_list",
    .sql = "SELECT" METER_COLUMNS " FROM meter m WHERE ($1::uuid IS NULL OR m.id > $1::uuid)"
           " AND ($3::text IS NULL OR m.name = $3::text) ORDER BY m.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "meter_get",
    .sql = "SELECT" METER_COLUMNS " FROM meter m WHERE m.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "meter_create",
    .sql = "INSERT INTO meter AS m (id, name, unit, aggregation, decimals, description, created_by)"
           " VALUES ($1::uuid, $2, $3, $4, $5::smallint, $6, $7::uuid) ON CONFLICT (name) DO NOTHING "
           "RETURNING" METER_COLUMNS,
    .params = 7,
};

static const struct db_stmt statement_lock = {
    .name = "meter_lock",
    .sql = "SELECT " REVISION " FROM meter m WHERE m.id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock meter_lock = {.stmt = &statement_lock, .noun = "meter"};

static const struct db_stmt statement_retire = {
    .name = "meter_retire",
    .sql = "UPDATE meter SET retired_at = sluice_now() WHERE id = $1::uuid AND retired_at IS NULL RETURNING id",
    .params = 1,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct meter_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->name), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "meter", reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct meter *wish = request->body;
    const PGresult *result = NULL;
    enum err_kind kind =
        request_run(request, &statement_create,
                    DB_PARAMS(request->new_id, wish->name, wish->unit, wish->aggregation,
                              request_int(request, wish->decimals), wish->description, request->caller.principal_id),
                    &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "a meter named '%s' exists already", wish->name);
    response_object(request, response, 201, meter_fields, result, 0);
    return request_event(request, NULL, NULL, "meter", request->new_id, 1, "meter.created", reterr);
}

/* Again changes nothing. */
static enum err_kind retire(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *retired = NULL;
    enum err_kind kind = request_run(request, &statement_retire, DB_PARAMS(request->object), &retired, reterr);
    if (kind == ERR_NONE && PQntuples(retired) > 0)
        kind = request_event(request, NULL, NULL, "meter", request->object, 2, "meter.retired", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_METER
static const struct route meter_routes[] = {
    {GET,  "/v1/meters",                    ROLES_TENANT_MONEY,   RATE_READ,  .query = &meter_query_schema, .answer = &meter_schema, .is_list = true, .run = list, .summary = "List meters"},
    {GET,  "/v1/meters/{id}",               ROLES_TENANT_MONEY,   RATE_READ,  .answer = &meter_schema, ONE, .run = get, .summary = "One meter"},
    {GET,  "/v1/system/meters",             ROLES_SYSTEM_REPORT | ROLES_SYSTEM_READ, RATE_READ, .query = &meter_query_schema, .answer = &meter_schema, .is_list = true, .run = list, .summary = "List meters"},
    {GET,  "/v1/system/meters/{id}",        ROLES_SYSTEM_READ,    RATE_READ,  .answer = &meter_schema, ONE, .run = get, .summary = "One meter"},
    {POST, "/v1/system/meters",             ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &meter_schema, .answer = &meter_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken"), .summary = "Make a meter"},
    {POST, "/v1/system/meters/{id}/retire", ROLES_SYSTEM_FINANCE, RATE_WRITE, .answer = &meter_schema, ONE, .lock = &meter_lock, .run = retire, .again = get, .summary = "Retire a meter: it takes no more readings and prices; what was reported is billed"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const meter_statements[] = {&statement_list, &statement_get,    &statement_create,
                                                         &statement_lock, &statement_retire, NULL};

const struct resource meter_resource = {
    "meters", meter_routes, meter_statements,
    "What agents report of reservations beside GPU-time, and in which unit it is priced."};
