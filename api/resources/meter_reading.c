/* Readings of meters: agents report them in batches, tenants see what counts. A reading is a fact: what comes again
 * with its id counts once, what says something else under it is refused. sluice-billing counts and rates. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

#define READINGS_MAX       1000
#define PROBLEMS_MAX       (READINGS_MAX * 13) /* an agent leaves out what is named, so all are */
#define AGE_MAX_DAYS       "62"                /* billing knows the prices of so long ago */
#define QUANTITY_MAX_SUM   "1000000000"        /* of the unit: a month of such readings fits 64 bits many times over */
#define QUANTITY_MAX_LEVEL "10000000"
#define AMOUNT_MAX_U       "100000000000000000" /* at the highest price that holds: a hundred billion of the currency */
#define QUANTITY_ANY_U     "40000000" /* so much, held for a day, stays below it at any price (PRICE_MOST_U) */

struct reading {
    const char *event, *reservation, *meter;
    int64_t from, to, quantity_u;
};
struct readings {
    struct field_rows items;
};

// clang-format off
static const struct field reading_wish_fields[] = {
    FIELD_TEXT  ("event",       struct reading, event, .flags = FIELD_REQUIRED, .least = 1, .most = 64, .example = "n0001-egress-2026-01-01T01", .help = "Chosen by the agent, unique for the tenant: what comes again counts once, with another content it is refused"),
    FIELD_ID    ("reservation", struct reading, reservation, .identity = IDENTITY_RESERVATION, .flags = FIELD_REQUIRED, .help = "Of which reservation"),
    FIELD_TEXT  ("meter",       struct reading, meter, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .example = "egress", .help = "Name of the meter"),
    FIELD_TIME  ("from",        struct reading, from, .flags = FIELD_NULLABLE, .help = "Domain time, inclusive, at most a day before to; null, not of a level: the amount is of an instant"),
    FIELD_TIME  ("to",          struct reading, to, .flags = FIELD_REQUIRED, .help = "Domain time, exclusive, not in the future, at most " AGE_MAX_DAYS " days ago: its last second decides the day, the billing period and the price"),
    FIELD_AMOUNT("quantity",    struct reading, quantity_u, .flags = FIELD_REQUIRED, .example = "12.500000", .help = "In the meter's unit, with no more decimals than it has that are not 0; not negative"),
    FIELDS_END,
};
static const struct field readings_fields[] = {
    FIELD_ROWS("items", struct readings, items, .flags = FIELD_REQUIRED, .fields = reading_wish_fields, .size = sizeof(struct reading), .least = 0, .most = READINGS_MAX, .help = "All are taken, or none"),
    FIELDS_END,
};
static const struct schema readings_schema = {"MeterReadings", readings_fields, sizeof(struct readings)};

#define READING_FIELDS                                                                                                           \
    FIELD_COLUMN("event",       FIELD_TYPE_TEXT, .help = "The agent's id of it"),                                                \
    FIELD_COLUMN("reservation", FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "The reservation"),                     \
    FIELD_COLUMN("meter",       FIELD_TYPE_TEXT, .help = "Name of the meter"),                                                   \
    FIELD_COLUMN_WITH("from",   FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Inclusive; null: of an instant"),                      \
    FIELD_COLUMN("to",          FIELD_TYPE_TIME, .help = "Exclusive"),                                                           \
    FIELD_COLUMN("quantity",    FIELD_TYPE_AMOUNT, .help = "As reported, in the meter's unit"),                                  \
    FIELD_COLUMN("unit",        FIELD_TYPE_TEXT, .help = "The meter's unit"),                                                    \
    FIELD_COLUMN("counts",      FIELD_TYPE_AMOUNT, .help = "What counts, in the unit that is priced, to the millionth"),         \
    FIELD_COLUMN("priced_unit", FIELD_TYPE_TEXT, .help = "The unit that is priced"),                                             \
    FIELD_COLUMN("received_at", FIELD_TYPE_TIME, .help = "Domain time"),                                                         \
    FIELD_COLUMN_WITH("counted_with", FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "UTC day whose close rates it: its own, or, if that was closed, the first that was open; null: it is counted in a moment")

static const struct field reading_fields[] = {
    READING_FIELDS,
    FIELDS_END,
};
static const struct field system_reading_fields[] = {
    READING_FIELDS,
    FIELD_COLUMN("tenant", FIELD_TYPE_TEXT, .help = "Name of the tenant"),
    FIELDS_END,
};
static const struct schema reading_schema = {"MeterReading", reading_fields, 0};
static const struct schema system_reading_schema = {"SystemMeterReading", system_reading_fields, 0};

struct reading_query {
    const char *reservation, *meter;
    int64_t from, to;
    const char *tenant;
};
#define READING_QUERY_FIELDS                                                                                                                  \
    FIELD_ID  ("reservation", struct reading_query, reservation, .identity = IDENTITY_RESERVATION, .help = "Only of this reservation"),       \
    FIELD_TEXT("meter",       struct reading_query, meter, .help = "Only of the meter of this name"),                                         \
    FIELD_TIME("from",        struct reading_query, from, .help = "Only those that end after this instant"),                                  \
    FIELD_TIME("to",          struct reading_query, to, .from = "from", .help = "Only those that end at this instant or before")
static const struct field reading_query_fields[] = {
    READING_QUERY_FIELDS,
    FIELDS_END,
};
static const struct field system_reading_query_fields[] = {
    READING_QUERY_FIELDS,
    FIELD_TEXT("tenant", struct reading_query, tenant, .help = "Only of the tenant of this name"),
    FIELDS_END,
};
// clang-format on
static const struct schema reading_query_schema = {"MeterReadingQuery", reading_query_fields,
                                                   sizeof(struct reading_query)};
static const struct schema system_reading_query_schema = {"SystemMeterReadingQuery", system_reading_query_fields,
                                                          sizeof(struct reading_query)};

/* In the order in which they came, each by an index of its own. */
// clang-format off
#define LIST(of)                                                                                                                   \
    "SELECT r.event_id AS event, r.reservation_id AS reservation, m.name AS meter,"                                                \
    " extract(epoch FROM r.from_at)::bigint AS \"from\", extract(epoch FROM r.to_at)::bigint AS \"to\","                           \
    " r.quantity_milli * 1000 AS quantity, m.unit, meter_micro_units(m.aggregation, r.quantity_milli *"                            \
    "  CASE m.aggregation WHEN 'level' THEN extract(epoch FROM r.to_at - r.from_at)::bigint ELSE 1 END) AS counts,"                \
    " meter_priced_unit(m.aggregation, m.unit) AS priced_unit,"                                                                    \
    " extract(epoch FROM r.received_at)::bigint AS received_at, meter_counted_with(r.to_at, r.xid, r.seq) AS counted_with,"        \
    " t.name AS tenant, r.seq AS page_key"                                                                                         \
    " FROM meter_reading r JOIN meter m ON m.id = r.meter_id JOIN tenant t ON t.id = r.tenant_id"                                  \
    " WHERE r.seq > coalesce($1::bigint, 0) AND ($3::text IS NULL OR m.name = $3::text)"                                           \
    " AND r.to_at > coalesce(to_timestamp($4::bigint), '-infinity')"                                                               \
    " AND r.to_at <= coalesce(to_timestamp($5::bigint), 'infinity')" of                                                            \
    " ORDER BY r.seq LIMIT $2::bigint"
// clang-format on
static const struct db_stmt statement_list = {.name = "meter_reading_list", .sql = LIST(""), .params = 5};
static const struct db_stmt statement_list_tenant = {
    .name = "meter_reading_list_tenant", .sql = LIST(" AND r.tenant_id = $6::uuid"), .params = 6};
static const struct db_stmt statement_list_reservation = {
    .name = "meter_reading_list_reservation",
    .sql = LIST(" AND r.reservation_id = $6::uuid AND ($7::uuid IS NULL OR r.tenant_id = $7::uuid)"),
    .params = 7};

/* Nobody's id stands for a tenant that is not there. */
static const struct db_stmt statement_tenant = {
    .name = "meter_reading_tenant",
    .sql = "SELECT coalesce((SELECT id FROM tenant WHERE name = $1), '00000000-0000-0000-0000-000000000000')",
    .params = 1,
};

/* What a batch says, as arrays. */
#define ITEMS                                                                                                          \
    "unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) WITH ORDINALITY"             \
    " AS x (event, reservation, meter, from_s, to_s, quantity_u, position)"

/* What is known under an item's event, and whether it says the same. */
#define KNOWN                                                                                                          \
    " LEFT JOIN meter_event e ON e.tenant_id = r.tenant_id AND e.event_id = x.event"                                   \
    " LEFT JOIN meter_reading k ON k.tenant_id = e.tenant_id AND k.event_id = e.event_id AND k.to_at = e.to_at"
#define IS_SAME                                                                                                        \
    "coalesce((k.reservation_id, k.meter_id, k.to_at, k.quantity_milli * 1000) = (x.reservation, m.id,"                \
    "  to_timestamp(x.to_s), x.quantity_u) AND k.from_at IS NOT DISTINCT FROM to_timestamp(x.from_s), false)"

/* What is wrong with an item: (position, field, code, detail). A window that is not granted yet is none; what is known
 * already is right, however old it is by now and whether its meter is still there. */
// clang-format off
static const struct db_stmt statement_check = {
    .name = "meter_reading_check",
    .sql = "SELECT x.position - 1, w.field, w.code, w.detail FROM " ITEMS
           " LEFT JOIN meter m ON m.name = x.meter LEFT JOIN reservation_view r ON r.id = x.reservation"
           KNOWN
           " CROSS JOIN LATERAL (SELECT coalesce(x.from_s, x.to_s - 1) AS from_s, sluice_now() AS now) s"
           " CROSS JOIN LATERAL (VALUES"
           "  ('meter', 'unknown_meter', 'there is no such meter', m.id IS NULL),"
           "  ('meter', 'unknown_meter', 'the meter was retired before', m.retired_at < to_timestamp(x.to_s)),"
           "  ('reservation', 'unknown_reservation', 'there is no such reservation', r.id IS NULL),"
           "  ('to', 'out_of_range', 'must not be in the future', to_timestamp(x.to_s) > s.now),"
           "  ('to', 'out_of_range', 'is more than " AGE_MAX_DAYS " days ago',"
           "   to_timestamp(x.to_s) <= s.now - interval '" AGE_MAX_DAYS " days'),"
           "  ('from', 'out_of_range', 'must be before to, by at most a day',"
           "   x.from_s >= x.to_s OR x.to_s - x.from_s > 86400),"
           "  ('from', 'missing_field', 'what was held needs a span', m.aggregation = 'level' AND x.from_s IS NULL),"
           "  ('to', 'outside_reservation', 'is not within the window that the reservation was granted', r.id IS NOT NULL AND"
           "   NOT coalesce(to_timestamp(s.from_s) >= r.granted_starts_at"
           "    AND to_timestamp(x.to_s) <= coalesce(r.granted_ends_at, 'infinity'), false)),"
           "  ('quantity', 'out_of_range', 'must not be negative', x.quantity_u < 0),"
           "  ('quantity', 'out_of_range', 'has more decimals than the meter', x.quantity_u % (10 ^ (6 - m.decimals))::bigint <> 0),"
           "  ('quantity', 'out_of_range', 'is more than a reading may say', x.quantity_u / 1000000 >="
           "   CASE m.aggregation WHEN 'level' THEN " QUANTITY_MAX_LEVEL " ELSE " QUANTITY_MAX_SUM " END),"
           "  ('quantity', 'out_of_range', 'comes to more than a reading may, at the price that holds',"
           "   CASE WHEN x.quantity_u > " QUANTITY_ANY_U " THEN EXISTS (SELECT FROM price p JOIN tenant t ON t.currency = p.currency"
           "     WHERE p.sku_kind = 'meter' AND p.sku = m.name AND t.id = r.tenant_id AND p.withdrawn_at IS NULL"
           "      AND (p.tenant_id IS NULL OR p.tenant_id = r.tenant_id) AND p.valid @> to_timestamp(x.to_s - 1)"
           "      AND greatest(p.gpu_hour_u, (SELECT max((i->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.tiers) i))::numeric"
           "       * (x.quantity_u / 1000) * CASE m.aggregation WHEN 'level' THEN x.to_s - s.from_s ELSE 1 END"
           "       / meter_per_unit(m.aggregation) > " AMOUNT_MAX_U ") ELSE false END)"
           " ) AS w (field, code, detail, holds) WHERE w.holds AND NOT " IS_SAME " ORDER BY x.position",
    .params = 6,
};
// clang-format on

static const struct db_stmt statement_partitions = {
    .name = "meter_reading_partitions",
    .sql = "SELECT partition_ensure('meter_reading', sluice_now() - interval '" AGE_MAX_DAYS " days', sluice_now())",
    .params = 0,
};

/* Sorted by their key, so that two batches at once cannot lock each other out. */
static const struct db_stmt statement_put = {
    .name = "meter_reading_put",
    .sql = "WITH item AS MATERIALIZED ("
           "  SELECT r.tenant_id, x.event, x.reservation, m.id AS meter, to_timestamp(x.from_s) AS from_at,"
           "    to_timestamp(x.to_s) AS to_at, x.quantity_u / 1000 AS quantity_milli FROM " ITEMS
           "    JOIN meter m ON m.name = x.meter JOIN reservation r ON r.id = x.reservation"
           "), fresh AS ("
           "  INSERT INTO meter_event (tenant_id, event_id, to_at) SELECT tenant_id, event, to_at FROM item"
           "   ORDER BY 1, 2 ON CONFLICT (tenant_id, event_id) DO NOTHING RETURNING tenant_id, event_id, to_at"
           ") INSERT INTO meter_reading (tenant_id, event_id, reservation_id, meter_id, from_at, to_at, quantity_milli,"
           "  reported_by)"
           " SELECT i.tenant_id, i.event, i.reservation, i.meter, i.from_at, i.to_at, i.quantity_milli, $7::uuid"
           "   FROM fresh f JOIN item i ON i.tenant_id = f.tenant_id AND i.event = f.event_id AND i.to_at = f.to_at"
           " ON CONFLICT (tenant_id, event_id, to_at) DO NOTHING",
    .params = 7,
};

/* After all are there, whoever was first: items whose id stands for something else. */
static const struct db_stmt statement_differing = {
    .name = "meter_reading_differing",
    .sql = "SELECT x.position - 1 FROM " ITEMS
           " JOIN meter m ON m.name = x.meter JOIN reservation r ON r.id = x.reservation" KNOWN " WHERE NOT " IS_SAME
           " ORDER BY x.position",
    .params = 6,
};

static enum err_kind list_all(struct request *request, struct response *response, struct err *reterr)
{
    const struct reading_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->meter, request_int(request, query->from), request_int(request, query->to)),
                       reterr);
}

static enum err_kind list_of(struct request *request, struct response *response, const char *tenant, struct err *reterr)
{
    const struct reading_query *query = request->query;
    const char *from = request_int(request, query->from);
    const char *to = request_int(request, query->to);
    if (query->reservation != NULL)
        return answer_page(request, response, &statement_list_reservation,
                           DB_PARAMS(query->meter, from, to, query->reservation, tenant), reterr);
    return answer_page(request, response, &statement_list_tenant, DB_PARAMS(query->meter, from, to, tenant), reterr);
}

/* Row-level security keeps a tenant to its own besides. */
static enum err_kind list_own(struct request *request, struct response *response, struct err *reterr)
{
    return list_of(request, response, request->caller.tenant_id, reterr);
}

static enum err_kind list_system(struct request *request, struct response *response, struct err *reterr)
{
    const struct reading_query *query = request->query;
    const PGresult *tenant = NULL;
    if (query->tenant == NULL && query->reservation == NULL)
        return list_all(request, response, reterr);
    enum err_kind kind = query->tenant == NULL
                             ? ERR_NONE
                             : request_run(request, &statement_tenant, DB_PARAMS(query->tenant), &tenant, reterr);
    return kind == ERR_NONE ? list_of(request, response, tenant == NULL ? NULL : db_text(tenant, 0, 0), reterr) : kind;
}

enum { EVENT, RESERVATION, METER, FROM, TO, QUANTITY, COLUMNS };

static void add_items(const struct readings *wish, struct db_array columns[COLUMNS])
{
    const struct reading *items = wish->items.items;
    for (size_t i = 0; i < wish->items.count; i++) {
        db_array_text(&columns[EVENT], items[i].event);
        db_array_text(&columns[RESERVATION], items[i].reservation);
        db_array_text(&columns[METER], items[i].meter);
        db_array_int_or_null(&columns[FROM], items[i].from, FIELD_NULL);
        db_array_int(&columns[TO], items[i].to);
        db_array_int(&columns[QUANTITY], items[i].quantity_u);
    }
}

/* Rows of (position, field, code, detail), or of a position alone: the event says something else. */
static enum err_kind refuse(struct request *request, const struct db_stmt *stmt, const char *const *params,
                            struct err *reterr)
{
    const PGresult *wrong = NULL;
    enum err_kind kind = request_run(request, stmt, params, &wrong, reterr);
    bool is_told = kind == ERR_NONE && PQnfields(wrong) > 1;
    for (int row = 0; kind == ERR_NONE && row < PQntuples(wrong); row++)
        field_problem_add(&request->problems,
                          arena_format(request->arena, "/items/%s/%s", db_text(wrong, row, 0),
                                       is_told ? db_text(wrong, row, 1) : "event"),
                          is_told ? db_text(wrong, row, 2) : "reading_differs", "%s",
                          is_told ? db_text(wrong, row, 3) : "the event was reported before, with another content");
    return kind != ERR_NONE || request->problems.count == 0 ? kind : request_invalid(request, reterr);
}

static enum err_kind put(struct request *request, struct response *response, struct err *reterr)
{
    const struct readings *wish = request->body;
    struct db_array columns[COLUMNS] = {0};
    add_items(wish, columns);
    const char *params[COLUMNS + 1];
    for (int i = 0; i < COLUMNS; i++)
        params[i] = db_array_param(&columns[i]);
    params[COLUMNS] = request->caller.principal_id;
    request->problems.most = PROBLEMS_MAX;
    enum err_kind kind = refuse(request, &statement_check, params, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_partitions, DB_NO_PARAMS, NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_put, params, NULL, reterr);
    if (kind == ERR_NONE)
        kind = refuse(request, &statement_differing, params, reterr);
    response->status = 204;
    for (int i = 0; i < COLUMNS; i++)
        db_array_clear(&columns[i]);
    return kind;
}

// clang-format off
static const struct route reading_routes[] = {
    {GET,  "/v1/meter-readings",        ROLES_TENANT_MONEY,  RATE_READ,  .query = &reading_query_schema, .answer = &reading_schema, .is_list = true, .run = list_own, .summary = "List readings of meters, in the order in which they came"},
    {GET,  "/v1/system/meter-readings", ROLES_SYSTEM_READ,   RATE_READ,  .query = &system_reading_query_schema, .answer = &system_reading_schema, .is_list = true, .run = list_system, .summary = "List readings of meters of all tenants"},
    {POST, "/v1/system/meter-readings", ROLES_SYSTEM_REPORT, RATE_WRITE, .body = &readings_schema, .status = 204, .run = put, .problems = PROBLEMS("unknown_meter", "unknown_reservation", "outside_reservation", "reading_differs"), .summary = "Report readings of meters"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const reading_statements[] = {
    &statement_list,   &statement_list_tenant, &statement_list_reservation,
    &statement_tenant, &statement_check,       &statement_partitions,
    &statement_put,    &statement_differing,   NULL,
};

const struct resource meter_reading_resource = {"meters", reading_routes, reading_statements, NULL};
