/* Readings of meters: agents report them in batches, tenants see what counts. A reading is a fact: what comes again
 * with its id counts once, what says something else under it is refused. sluice-billing counts and rates. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

#define READINGS_MAX       1000
#define AGE_MAX_DAYS       "62"         /* billing knows the prices of so long ago */
#define QUANTITY_MAX_SUM   "1000000000" /* of the unit: a month of such readings fits 64 bits many times over */
#define QUANTITY_MAX_LEVEL "10000000"

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
    FIELD_TIME("to",          struct reading_query, to, .help = "Only those that end at this instant or before")
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

/* In the order in which they came. Row-level security keeps a tenant to its own. */
static const struct db_stmt statement_list = {
    .name = "meter_reading_list",
    .sql =
        "SELECT r.event_id AS event, r.reservation_id AS reservation, m.name AS meter,"
        " extract(epoch FROM r.from_at)::bigint AS \"from\", extract(epoch FROM r.to_at)::bigint AS \"to\","
        " r.quantity_milli * 1000 AS quantity, m.unit, meter_micro_units(m.aggregation, r.quantity_milli *"
        "  CASE m.aggregation WHEN 'level' THEN extract(epoch FROM r.to_at - r.from_at)::bigint ELSE 1 END) AS counts,"
        " meter_priced_unit(m.aggregation, m.unit) AS priced_unit,"
        " extract(epoch FROM r.received_at)::bigint AS received_at, u.counted_with, t.name AS tenant,"
        " r.seq AS page_key"
        " FROM meter_reading r JOIN meter m ON m.id = r.meter_id JOIN tenant t ON t.id = r.tenant_id"
        " LEFT JOIN meter_usage u ON u.tenant_id = r.tenant_id AND u.event_id = r.event_id"
        " WHERE r.seq > coalesce($1::bigint, 0) AND ($3::uuid IS NULL OR r.reservation_id = $3::uuid)"
        " AND ($4::text IS NULL OR m.name = $4::text) AND ($5::bigint IS NULL OR r.to_at > to_timestamp($5::bigint))"
        " AND ($6::bigint IS NULL OR r.to_at <= to_timestamp($6::bigint)) AND ($7::text IS NULL OR t.name = $7::text)"
        " ORDER BY r.seq LIMIT $2::bigint",
    .params = 7,
};

/* What a batch says, as arrays. */
#define ITEMS                                                                                                          \
    "unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) WITH ORDINALITY"             \
    " AS x (event, reservation, meter, from_s, to_s, quantity_u, position)"

/* What is wrong with an item: (position, field, code, detail). A window that is not granted yet is none. */
static const struct db_stmt statement_check = {
    .name = "meter_reading_check",
    .sql = "SELECT x.position - 1, w.field, w.code, w.detail FROM " ITEMS
           " LEFT JOIN meter m ON m.name = x.meter LEFT JOIN reservation_view r ON r.id = x.reservation"
           " CROSS JOIN LATERAL (SELECT coalesce(x.from_s, x.to_s - 1) AS from_s, sluice_now() AS now) s"
           " CROSS JOIN LATERAL (VALUES"
           "  ('meter', 'unknown_meter', 'there is no such meter', m.id IS NULL),"
           "  ('meter', 'unknown_meter', 'the meter is retired', m.retired_at IS NOT NULL),"
           "  ('reservation', 'unknown_reservation', 'there is no such reservation', r.id IS NULL),"
           "  ('to', 'out_of_range', 'must not be in the future', to_timestamp(x.to_s) > s.now),"
           "  ('to', 'out_of_range', 'is more than " AGE_MAX_DAYS " days ago',"
           "   to_timestamp(x.to_s) <= s.now - interval '" AGE_MAX_DAYS " days'),"
           "  ('from', 'out_of_range', 'must be before to, by at most a day',"
           "   x.from_s >= x.to_s OR x.to_s - x.from_s > 86400),"
           "  ('from', 'missing_field', 'what was held needs a span', m.aggregation = 'level' AND x.from_s IS NULL),"
           "  ('to', 'outside_reservation', 'is not within the window that the reservation was granted', r.id IS NOT "
           "NULL AND"
           "   NOT coalesce(to_timestamp(s.from_s) >= r.granted_starts_at"
           "    AND to_timestamp(x.to_s) <= coalesce(r.granted_ends_at, 'infinity'), false)),"
           "  ('quantity', 'out_of_range', 'must not be negative', x.quantity_u < 0),"
           "  ('quantity', 'out_of_range', 'has more decimals than the meter', x.quantity_u % (10 ^ (6 - "
           "m.decimals))::bigint <> 0),"
           "  ('quantity', 'out_of_range', 'is more than a reading may say', x.quantity_u / 1000000 >="
           "   CASE m.aggregation WHEN 'level' THEN " QUANTITY_MAX_LEVEL " ELSE " QUANTITY_MAX_SUM " END)"
           " ) AS w (field, code, detail, holds) WHERE w.holds ORDER BY x.position LIMIT 100",
    .params = 6,
};

/* Sorted by their key, so that two batches at once cannot lock each other out. */
static const struct db_stmt statement_put = {
    .name = "meter_reading_put",
    .sql = "INSERT INTO meter_reading (tenant_id, event_id, reservation_id, meter_id, from_at, to_at, quantity_milli,"
           "  reported_by)"
           " SELECT r.tenant_id, x.event, x.reservation, m.id, to_timestamp(x.from_s), to_timestamp(x.to_s),"
           "  x.quantity_u / 1000, $7::uuid FROM " ITEMS
           " JOIN meter m ON m.name = x.meter JOIN reservation r ON r.id = x.reservation ORDER BY 1, 2"
           " ON CONFLICT (tenant_id, event_id) DO NOTHING",
    .params = 7,
};

/* After all are there, whoever was first: items whose id stands for something else. */
static const struct db_stmt statement_differing = {
    .name = "meter_reading_differing",
    .sql = "SELECT x.position - 1 FROM " ITEMS
           " JOIN meter m ON m.name = x.meter JOIN reservation r ON r.id = x.reservation"
           " JOIN meter_reading k ON k.tenant_id = r.tenant_id AND k.event_id = x.event"
           " WHERE (k.reservation_id, k.meter_id, k.to_at, k.quantity_milli)"
           "   <> (x.reservation, m.id, to_timestamp(x.to_s), x.quantity_u / 1000)"
           "  OR k.from_at IS DISTINCT FROM to_timestamp(x.from_s) ORDER BY x.position LIMIT 100",
    .params = 6,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct reading_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->reservation, query->meter, request_int(request, query->from),
                                 request_int(request, query->to), query->tenant),
                       reterr);
}

enum { EVENT, RESERVATION, METER, FROM, TO, QUANTITY, COLUMNS };

static void add_items(const struct readings *wish, struct db_array columns[COLUMNS])
{
    const struct reading *items = wish->items.items;
    for (size_t i = 0; i < wish->items.count; i++) {
        db_array_text(&columns[EVENT], items[i].event);
        db_array_text(&columns[RESERVATION], items[i].reservation);
        db_array_text(&columns[METER], items[i].meter);
        if (items[i].from == FIELD_NULL)
            db_array_text(&columns[FROM], NULL);
        else
            db_array_int(&columns[FROM], items[i].from);
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
    enum err_kind kind = refuse(request, &statement_check, params, reterr);
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
    {GET,  "/v1/meter-readings",        ROLES_TENANT_MONEY,  RATE_READ,  .query = &reading_query_schema, .answer = &reading_schema, .is_list = true, .run = list, .summary = "List readings of meters, in the order in which they came"},
    {GET,  "/v1/system/meter-readings", ROLES_SYSTEM_READ,   RATE_READ,  .query = &system_reading_query_schema, .answer = &system_reading_schema, .is_list = true, .run = list, .summary = "List readings of meters of all tenants"},
    {POST, "/v1/system/meter-readings", ROLES_SYSTEM_REPORT, RATE_WRITE, .body = &readings_schema, .status = 204, .run = put, .problems = PROBLEMS("unknown_meter", "unknown_reservation", "outside_reservation", "reading_differs"), .summary = "Report readings of meters"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const reading_statements[] = {&statement_list, &statement_check, &statement_put,
                                                           &statement_differing, NULL};

const struct resource meter_reading_resource = {"meters", reading_routes, reading_statements, NULL};
