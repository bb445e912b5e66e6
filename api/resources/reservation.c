/* Reservations: a tenant's claim on instances over a window of time. Creation is in reservation_batch.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation.h"

#include "api/resources/elsewhere.h"
#include "api/resources/registry.h"
#include "api/resources/reservation_charge.h"
#include "api/resources/reservation_columns.h"
#include "api/resources/reservation_cost.h"
#include "api/server/answer.h"
#include "api/server/server.h"

#include <string.h>

/* ---- Statements ---- */

// clang-format off
/* An array of a subquery: an aggregate with an order of its own costs three times as much where there are none. */
#define INSTANCES \
    ", to_json(ARRAY(SELECT json_build_object('id', i.id, 'ordinal', i.ordinal, 'state', i.state, 'address', i.address)" \
    "                  FROM instance i WHERE i.reservation_id = r.id ORDER BY i.ordinal)) AS instances"
static const struct db_stmt statement_get = {
    .name = "reservation_get",
    .sql = RESERVATION_COLUMNS_WITH(" to_json(r.authorized_keys) AS authorized_keys,", "r.state") INSTANCES RESERVATION_FROM
           " WHERE r.id = $1::uuid AND ($2::boolean OR r.hidden_at IS NULL) AND " IS_RESERVATION("r"),
    .params = 2,
};
// clang-format on

static const struct db_stmt statement_revisions = {
    .name = "reservation_revisions",
    .sql = "SELECT r.revision AS wish_revision, coalesce(s.revision, 0) AS status_revision FROM reservation r"
           " LEFT JOIN reservation_status s ON s.reservation_id = r.id"
           " WHERE r.id = $1::uuid AND r.hidden_at IS NULL AND " IS_RESERVATION("r"),
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "reservation_lock",
    .sql = "SELECT r.revision AS wish_revision, r.zone_id, r.tenant_id, r.cancel_requested_at IS NOT NULL,"
           " coalesce(s.state IN ('ended', 'rejected', 'cancelled', 'expired'), false)"
           " FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id"
           " WHERE r.id = $1::uuid AND r.hidden_at IS NULL AND " IS_RESERVATION("r") " FOR UPDATE OF r",
    .params = 1,
};

static const struct object_lock reservation_lock = {.stmt = &statement_lock, .noun = "reservation"};

static const struct db_stmt statement_cancel = {
    .name = "reservation_cancel",
    .sql = "UPDATE reservation SET cancel_requested_at = sluice_now(), revision = revision + 1 WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_hide = {
    .name = "reservation_hide",
    .sql = "UPDATE reservation SET hidden_at = sluice_now(), name_held = false, revision = revision + 1"
           " WHERE id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_exists = {
    .name = "reservation_exists",
    .sql = "SELECT FROM reservation r WHERE r.id = $1::uuid AND ($2::boolean OR r.hidden_at IS NULL)"
           " AND " IS_RESERVATION("r"),
    .params = 2,
};

static const struct db_stmt statement_instances = {
    .name = "reservation_instances",
    .sql = "SELECT i.id, i.ordinal, i.state, i.address, i.ordinal AS page_key FROM instance i"
           " WHERE i.reservation_id = $3::uuid AND ($1::integer IS NULL OR i.ordinal > "
           "$1::integer)"
           " ORDER BY i.ordinal LIMIT $2::bigint",
    .params = 3,
};

/* ---- Reads ---- */

static enum err_kind not_found(const struct request *request, struct err *reterr)
{
    return request_not_found(request, "reservation", reterr);
}

enum err_kind reservation_find(struct request *request, const char *id, const PGresult **ret, struct err *reterr)
{
    enum err_kind kind =
        request_run(request, &statement_get, DB_PARAMS(id, request_bool(request->includes_deleted)), ret, reterr);
    return kind == ERR_NONE && PQntuples(*ret) == 0 ? not_found(request, reterr) : kind;
}

enum err_kind reservation_show(struct request *request, struct response *response, int status, const char *id,
                               struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = reservation_find(request, id, &result, reterr);
    if (kind == ERR_NONE)
        response_object(request, response, status, reservation_fields, result, 0);
    return kind;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    bool is_answered = false;
    enum err_kind kind =
        answer_unchanged(request, response, &statement_revisions, request->object, &is_answered, reterr);
    if (kind != ERR_NONE || is_answered)
        return kind;
    return reservation_show(request, response, 200, request->object, reterr);
}

/* The code of a refusal that capacity does not cure, or NULL. */
static const char *limit_code(const char *reason)
{
    static const char *const codes[] = {"quota_exceeded", "credit_exhausted"};
    for (size_t i = 0; reason != NULL && i < COUNT_OF(codes); i++) {
        if (strcmp(reason, codes[i]) == 0)
            return codes[i];
    }
    return NULL;
}

enum err_kind reservation_refusal(struct request *request, enum identity_kind identity, const char *id,
                                  const struct reservation_verdict *verdict, struct err *reterr)
{
    bool is_rejected = strcmp(verdict->state, "rejected") == 0;
    const char *limit = is_rejected ? limit_code(verdict->reason) : NULL;
    const char *noun = identity == IDENTITY_QUOTE ? "quote" : "reservation";
    struct json_out members;
    json_out_init(&members, request->arena);
    if (id != NULL) {
        char text[IDENTITY_TEXT_SIZE];
        identity_text_of_uuid(identity, id, text);
        json_out_key(&members, noun);
        json_out_text(&members, text);
    }
    json_out_key(&members, "reason");
    json_out_text(&members, verdict->reason);
    json_out_key(&members, "binding");
    json_out_raw(&members, verdict->binding);
    json_out_key(&members, "alternatives");
    json_out_raw(&members, verdict->alternatives == NULL ? "[]" : verdict->alternatives);
    request->internal->problem_members = json_out_finish(&members);
    bool lacks_capacity = is_rejected && limit == NULL;
    const char *code = limit != NULL ? limit : is_rejected ? "capacity_unavailable" : verdict->state;
    return err_set_code(reterr, lacks_capacity ? ERR_NO_CAPACITY : ERR_CONFLICT, code, "the %s %s %s%s%s", noun,
                        id == NULL ? "would be" : "was", verdict->state, verdict->reason == NULL ? "" : ": ",
                        verdict->reason == NULL ? "" : verdict->reason);
}

enum err_kind reservation_answer(struct request *request, struct response *response, enum identity_kind identity,
                                 const PGresult *result, struct err *reterr)
{
    static const char *const open_states[] = {"pending", "waitlisted", NULL};
    bool is_quote = identity == IDENTITY_QUOTE;
    const char *state = db_text(result, 0, PQfnumber(result, "\"status.state\""));
    const struct reservation_verdict verdict = {
        .state = state,
        .reason = db_text(result, 0, PQfnumber(result, "\"status.reason\"")),
        .binding = db_text(result, 0, PQfnumber(result, "\"status.binding\"")),
        .alternatives = db_text(result, 0, PQfnumber(result, "\"status.alternatives\"")),
    };
    if (strcmp(state, "rejected") == 0 || strcmp(state, "expired") == 0)
        return elsewhere_refusal(request, identity, request->object, &verdict, NULL, NULL, reterr);
    bool is_open = !is_quote && strcmp(state, "held") == 0; /* confirmed, but not scheduled yet */
    for (const char *const *open = open_states; *open != NULL; open++)
        is_open = is_open || strcmp(state, *open) == 0;
    char id[IDENTITY_TEXT_SIZE];
    identity_text_of_uuid(identity, request->object, id);
    response_object(request, response, is_open ? 202 : 201, is_quote ? quote_fields : reservation_fields, result, 0);
    response_header(response, "Location",
                    arena_format(request->arena, "/v1/%s/%s", is_quote ? "quotes" : "reservations", id));
    return ERR_NONE;
}

/* What a repetition of the POST is answered with. */
static enum err_kind replay(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = reservation_find(request, request->object, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    return reservation_answer(request, response, IDENTITY_RESERVATION, result, reterr);
}

static enum err_kind list_instances(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_exists, request->object, "reservation", &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &statement_instances, DB_PARAMS(request->object), reterr);
}

/* ---- Changes ---- */

struct locked {
    int64_t revision;
    const char *zone_id, *tenant_id;
    bool is_cancelled, is_over;
};

static struct locked locked_of(const struct request *request)
{
    const PGresult *row = request->locked;
    return (struct locked){.revision = db_int(row, 0, 0, 0),
                           .zone_id = db_text(row, 0, 1),
                           .tenant_id = db_text(row, 0, 2),
                           .is_cancelled = db_bool(row, 0, 3),
                           .is_over = db_bool(row, 0, 4)};
}

/* Cancels what is not over, and tells what that is charged (NULL: nothing changes). */
static enum err_kind cancel_locked(struct request *request, struct locked *locked, const char **ret_delta,
                                   struct err *reterr)
{
    struct reservation_charge charge = {0};
    enum err_kind kind = reservation_charge_find(request, &charge, reterr);
    *ret_delta = kind == ERR_NONE ? reservation_charge_delta(request, &charge) : NULL;
    if (kind == ERR_NONE && request->validates_only)
        request_cost_delta(request, *ret_delta);
    if (kind != ERR_NONE || locked->is_cancelled || locked->is_over)
        return kind;
    request->wakes_planner = true;
    kind = reservation_charge_wish(request, &charge, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_cancel, DB_PARAMS(request->object), NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    return request_event(request, locked->tenant_id, locked->zone_id, "reservation_wish", request->object,
                         ++locked->revision, "reservation.cancel_requested", reterr);
}

static enum err_kind cancel(struct request *request, struct response *response, struct err *reterr)
{
    struct locked locked = locked_of(request);
    const char *delta = NULL;
    enum err_kind kind = cancel_locked(request, &locked, &delta, reterr);
    if (kind == ERR_NONE)
        kind = get(request, response, reterr);
    if (kind == ERR_NONE && !request->validates_only && delta != NULL)
        response_member(response, "cost_delta", delta);
    return kind;
}

static enum err_kind hide(struct request *request, struct response *response, struct err *reterr)
{
    struct locked locked = locked_of(request);
    const char *delta = NULL;
    enum err_kind kind = cancel_locked(request, &locked, &delta, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_hide, DB_PARAMS(request->object), NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, locked.tenant_id, locked.zone_id, "reservation_wish", request->object,
                             locked.revision + 1, "reservation.hidden", reterr);
    response->status = 204;
    return kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_RESERVATION
static const struct route reservation_routes[] = {
    {POST,   "/v1/reservations",                       ROLES_TENANT_WRITE,   RATE_WRITE, .body = &reservation_schema, .answer = &reservation_schema, .is_batched = true, .run = reservation_preview, .replay = replay, .waits = true, .asks = true, .problems = PROBLEMS("unknown_zone", "unknown_instance_type", "instance_type_retired", "unknown_gpu_model", "unknown_project", "unknown_image", "unknown_ssh_key", "shape_not_allowed", "window_in_past", "window_reversed", "start_range_in_past", "capacity_unavailable", "quota_exceeded", "credit_exhausted", "expired", "cancelled", "name_taken", "unknown_quote", "quote_used", "quote_expired", "quote_not_held"), .summary = "Reserve instances for a window"},
    {GET,    "/v1/reservations",                       ROLES_TENANT_READ,    RATE_READ,  .query = &reservation_query_schema, .answer = &reservation_schema, .is_list = true, .has_deleted = true, .run = reservation_list, .summary = "List reservations"},
    {GET,    "/v1/reservations/{id}",                  ROLES_TENANT_READ,    RATE_READ,  .answer = &reservation_schema, ONE, .has_deleted = true, .passing = reservation_passing, .run = get, .summary = "One reservation"},
    {POST,   "/v1/reservations/{id}/cancel",           ROLES_TENANT_WRITE,   RATE_WRITE, .answer = &reservation_schema, ONE, .lock = &reservation_lock, .run = cancel, .again = get, .problems = PROBLEMS("amount_out_of_range"), .summary = "End it now, or before it begins"},
    {DELETE, "/v1/reservations/{id}",                  ROLES_TENANT_WRITE,   RATE_WRITE, ONE, .lock = &reservation_lock, .status = 204, .run = hide, .problems = PROBLEMS("amount_out_of_range"), .summary = "Cancel and hide"},
    {GET,    "/v1/reservations/{id}/instances",        ROLES_TENANT_READ,    RATE_READ,  .answer = &reservation_instance_schema, .is_list = true, ONE, .has_deleted = true, .run = list_instances, .summary = "Instances of a reservation"},
    {GET,    "/v1/reservations/{id}/cost",             ROLES_TENANT_MONEY,   RATE_READ,  .answer = &reservation_cost_schema, ONE, .has_deleted = true, .run = reservation_cost, .summary = "What it costs so far and to its end"},
    {GET,    "/v1/system/reservations",                ROLES_SYSTEM_READ,    RATE_READ,  .query = &system_reservation_query_schema, .answer = &reservation_schema, .is_list = true, .has_deleted = true, .run = reservation_list, .summary = "List all tenants' reservations"},
    {GET,    "/v1/system/reservations/{id}",           ROLES_SYSTEM_READ,    RATE_READ,  .answer = &reservation_schema, ONE, .has_deleted = true, .passing = reservation_passing, .run = get, .summary = "One reservation"},
    {POST,   "/v1/system/reservations/{id}/cancel",    ROLES_SYSTEM_OPERATE, RATE_WRITE, .answer = &reservation_schema, ONE, .lock = &reservation_lock, .run = cancel, .again = get, .problems = PROBLEMS("amount_out_of_range"), .summary = "End it now, or before it begins"},
    {GET,    "/v1/system/reservations/{id}/cost",      ROLES_SYSTEM_READ,    RATE_READ,  .answer = &reservation_cost_schema, ONE, .has_deleted = true, .run = reservation_cost, .summary = "What it costs so far and to its end"},
    {GET,    "/v1/system/reservations/{id}/instances", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &reservation_instance_schema, .is_list = true, ONE, .has_deleted = true, .run = list_instances, .summary = "Instances of a reservation"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const reservation_statements[] = {
    &statement_get,  &statement_lock,      &statement_cancel,    &statement_exists,
    &statement_hide, &statement_instances, &statement_revisions, NULL};

const struct resource reservation_resource = {"reservations", reservation_routes, reservation_statements,
                                              "A tenant's claim on instances for a window of time, its terms and their "
                                              "amendments, and the instances that deliver it."};
