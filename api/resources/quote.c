/* Quotes: priced holds with a time to live. A quote is a row of reservation that is not firm yet; POST /v1/reservations
 * {"quote": ...} makes it firm under the same UUID. Creation is in reservation_batch.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/quote_price.h"
#include "api/resources/registry.h"
#include "api/resources/reservation.h"
#include "api/resources/reservation_columns.h"
#include "api/server/answer.h"

#include <string.h>

struct quote_query {
    const char *state, *name, *zone, *tenant, *order;
};
// clang-format off
#define QUERY_FIELDS                                                                                                   \
    FIELD_ENUM("state",  struct quote_query, state, .values = quote_states, .help = "Only those in this state"),       \
    FIELD_TEXT("name",   struct quote_query, name, .help = "Only those of this name"),                                 \
    FIELD_TEXT("zone",   struct quote_query, zone, .help = "Only those in the zone of this name"),                     \
    FIELD_ENUM("order",  struct quote_query, order, .values = list_orders, .fallback = "oldest", .help = "By when they were asked for")

static const struct field query_fields[] = {
    QUERY_FIELDS,
    FIELDS_END,
};
static const struct field system_query_fields[] = {
    QUERY_FIELDS,
    FIELD_TEXT("tenant", struct quote_query, tenant, .help = "Only those of the tenant of this name"),
    FIELDS_END,
};
// clang-format on
static const struct schema query_schema = {"QuoteQuery", query_fields, sizeof(struct quote_query)};
static const struct schema system_query_schema = {"SystemQuoteQuery", system_query_fields, sizeof(struct quote_query)};

/* ---- Statements ---- */

#define QUOTE_STATE "CASE WHEN r.confirmed_at IS NOT NULL THEN 'confirmed' ELSE r.state END"
// clang-format off
#define QUOTE_COLUMNS                                                                                                  \
    RESERVATION_COLUMNS(QUOTE_STATE)                                                                                   \
    ", r.quote_ttl_s AS ttl_s, " RESERVATION_EPOCH("hold_until") " AS hold_until,"                                     \
    " CASE WHEN r.confirmed_at IS NOT NULL THEN r.id END AS reservation"

#define LIST(after, order)                                                                                             \
    QUOTE_COLUMNS ", r.id AS page_key" RESERVATION_FROM " WHERE r.hold_until IS NOT NULL"                              \
    " AND ($7::boolean OR r.hidden_at IS NULL)"                                                                        \
    " AND ($1::uuid IS NULL OR r.id " after " $1::uuid)"                                                               \
    " AND ($3::text IS NULL OR " QUOTE_STATE " = $3::text)"                                                            \
    " AND ($4::text IS NULL OR r.name = $4::text)"                                                                     \
    " AND ($5::text IS NULL OR z.name = $5::text)"                                                                     \
    " AND ($6::text IS NULL OR w.name = $6::text)"                                                                     \
    " ORDER BY r.id" order " LIMIT $2::bigint"

static const struct db_stmt statement_list = {.name = "quote_list", .sql = LIST(">", ""), .params = 7};
static const struct db_stmt statement_list_newest = {.name = "quote_list_newest", .sql = LIST("<", " DESC"), .params = 7};
// clang-format on

/* The price ($3) is found out beforehand, and shown as a column. */
static const struct db_stmt statement_get = {
    .name = "quote_get",
    .sql = QUOTE_COLUMNS ", $3::json AS price" RESERVATION_FROM
                         " WHERE r.id = $1::uuid AND r.hold_until IS NOT NULL AND ($2::boolean OR r.hidden_at IS NULL)",
    .params = 3,
};

static const struct db_stmt statement_lock = {
    .name = "quote_lock",
    .sql = "SELECT r.revision AS wish_revision, r.zone_id, r.tenant_id, r.confirmed_at IS NOT NULL FROM reservation r"
           " WHERE r.id = $1::uuid AND r.hold_until IS NOT NULL AND r.hidden_at IS NULL FOR UPDATE OF r",
    .params = 1,
};

static const struct object_lock quote_lock = {.stmt = &statement_lock, .noun = "quote"};

/* The name is given back with the place: nobody asks for it under a quote that is gone. */
static const struct db_stmt statement_give_back = {
    .name = "quote_give_back",
    .sql = "UPDATE reservation SET cancel_requested_at = coalesce(cancel_requested_at, sluice_now()),"
           " hidden_at = sluice_now(), name_held = false, revision = revision + 1 WHERE id = $1::uuid",
    .params = 1,
};

/* ---- Handlers ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct quote_query *query = request->query;
    bool is_falling = strcmp(query->order, "newest") == 0;
    return answer_page(
        request, response, is_falling ? &statement_list_newest : &statement_list,
        DB_PARAMS(query->state, query->name, query->zone, query->tenant, request_bool(request->includes_deleted)),
        reterr);
}

static enum err_kind find(struct request *request, const PGresult **ret, struct err *reterr)
{
    const char *price = NULL;
    enum err_kind kind = quote_price(request, request->object, &price, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_get,
                           DB_PARAMS(request->object, request_bool(request->includes_deleted), price), ret, reterr);
    if (kind == ERR_NONE && PQntuples(*ret) == 0)
        return request_not_found(request, "quote", reterr);
    return kind;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = find(request, &result, reterr);
    if (kind == ERR_NONE)
        response_object(request, response, 200, quote_fields, result, 0);
    return kind;
}

/* What a POST is answered with, the first as its repetitions. */
static enum err_kind replay(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = find(request, &result, reterr);
    return kind == ERR_NONE ? reservation_answer(request, response, IDENTITY_QUOTE, result, reterr) : kind;
}

static enum err_kind give_back(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = request->locked;
    if (db_bool(result, 0, 3))
        return err_set_code(reterr, ERR_CONFLICT, "quote_used", "the quote is a reservation now: cancel that");
    request->wakes_planner = true;
    enum err_kind kind = request_run(request, &statement_give_back, DB_PARAMS(request->object), NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, db_text(result, 0, 2), db_text(result, 0, 1), "reservation_wish", request->object,
                             db_int(result, 0, 0, 0) + 1, "reservation.cancel_requested", reterr);
    response->status = 204;
    return kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_QUOTE
static const struct route quote_routes[] = {
    {POST,   "/v1/quotes",      ROLES_TENANT_WRITE, RATE_WRITE, .body = &quote_schema, .answer = &quote_schema, .is_batched = true, .run = reservation_preview, .replay = replay, .waits = true, .asks = true, .problems = PROBLEMS("unknown_zone", "unknown_instance_type", "instance_type_retired", "unknown_gpu_model", "unknown_project", "unknown_image", "unknown_ssh_key", "shape_not_allowed", "window_in_past", "window_reversed", "start_range_in_past", "capacity_unavailable", "quota_exceeded", "credit_exhausted", "expired", "cancelled", "quote_limit", "name_taken"), .summary = "Hold instances for a while, with their price"},
    {GET,    "/v1/quotes",      ROLES_TENANT_READ,  RATE_READ,  .query = &query_schema, .answer = &quote_schema, .is_list = true, .has_deleted = true, .run = list, .summary = "List quotes"},
    {GET,    "/v1/quotes/{id}", ROLES_TENANT_READ,  RATE_READ,  .answer = &quote_schema, ONE, .has_deleted = true, .passing = reservation_passing, .run = get, .summary = "One quote"},
    {DELETE, "/v1/quotes/{id}", ROLES_TENANT_WRITE, RATE_WRITE, ONE, .lock = &quote_lock, .status = 204, .run = give_back, .problems = PROBLEMS("quote_used"), .summary = "Give what it holds back"},
    {GET,    "/v1/system/quotes",      ROLES_SYSTEM_READ, RATE_READ, .query = &system_query_schema, .answer = &quote_schema, .is_list = true, .has_deleted = true, .run = list, .summary = "List all tenants' quotes"},
    {GET,    "/v1/system/quotes/{id}", ROLES_SYSTEM_READ, RATE_READ, .answer = &quote_schema, ONE, .has_deleted = true, .passing = reservation_passing, .run = get, .summary = "One quote"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const quote_statements[] = {&statement_list, &statement_list_newest, &statement_get,
                                                         &statement_lock, &statement_give_back,   NULL};

const struct resource quote_resource = {"quotes", quote_routes, quote_statements, "A priced hold with a time to live."};
