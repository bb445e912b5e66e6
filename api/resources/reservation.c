/* Reservations: a tenant's claim on instances over a window of time. Creation is in reservation_batch.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation.h"

#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "api/server/server.h"

#include <string.h>

static const char *const scopes[] = {"zone", "fabric", "rack", "node", NULL};
static const char *const modes[] = {"required", "preferred", NULL};
static const char *const nothing[] = {NULL};
static const char *const tiers[] = {"reserved", "on_demand", "preemptible", NULL};
static const char *const unavailables[] = {"reject", "waitlist", "next_window", NULL};
static const char *const states[] = {"pending",    "scheduled", "activating", "active",  "ending", "ended",
                                     "waitlisted", "rejected",  "cancelled",  "expired", NULL};

// clang-format off
static const struct field shape_fields[] = {
    FIELD_LIST("gpu_models", struct reservation_shape, gpu_models, .most = 16, .fallback = "[]", .help = "Models it may land on; empty: any"),
    FIELD_INT ("gpus",       struct reservation_shape, gpus, .flags = FIELD_OPTIONAL, .least = 1, .most = 64, .help = "Whole GPUs of an instance; this or gpu_milli"),
    FIELD_INT ("gpu_milli",  struct reservation_shape, gpu_milli, .flags = FIELD_OPTIONAL, .least = 1, .most = 999, .help = "Share of one GPU, in thousandths"),
    FIELD_INT ("cpu_milli",  struct reservation_shape, cpu_milli, .least = 0, .most = 10000000, .fallback = "0", .help = "CPU in thousandths of a core"),
    FIELD_INT ("memory_mib", struct reservation_shape, memory_mib, .least = 0, .most = 1000000000, .fallback = "0", .help = "Memory in MiB"),
    FIELDS_END,
};

static const struct field placement_fields[] = {
    FIELD_ENUM("within", struct reservation_placement, within, .values = scopes, .fallback = "zone", .help = "The scope that holds all instances"),
    FIELD_ENUM("mode",   struct reservation_placement, mode, .values = modes, .fallback = "required", .help = "Whether the scope must hold, or is preferred"),
    FIELD_ENUM("spread", struct reservation_placement, spread, .flags = FIELD_NULLABLE | FIELD_OPTIONAL, .values = nothing, .help = "Not offered yet: null"),
    FIELDS_END,
};

static const struct field status_fields[] = {
    FIELD_ENUM("state",           struct reservation_verdict, state, .flags = FIELD_READ_ONLY, .values = states, .help = "Where it stands"),
    FIELD_TEXT("health",          struct reservation_verdict, health, .flags = FIELD_READ_ONLY, .help = "ok, degraded or short, from its instances"),
    FIELD_TEXT("reason",          struct reservation_verdict, reason, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Why it was refused or went wrong: a code"),
    FIELD_TIME("starts_at",       struct reservation_verdict, starts_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Granted start; null unless granted"),
    FIELD_TIME("ends_at",         struct reservation_verdict, ends_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Granted end; null: open"),
    FIELD_TIME("decided_at",      struct reservation_verdict, decided_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "When the verdict was reached"),
    FIELD_INT ("delivered_count", struct reservation_verdict, delivered_count, .flags = FIELD_READ_ONLY, .help = "Instances that run now"),
    FIELD_JSON("binding",         struct reservation_verdict, binding, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The constraint that bound, with numbers; null unless refused"),
    FIELD_JSON("alternatives",    struct reservation_verdict, alternatives, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Bodies that can be posted instead; null unless refused"),
    FIELDS_END,
};

static const struct field brief_instance_fields[] = {
    FIELD_COLUMN("id",      FIELD_TYPE_ID, .identity = IDENTITY_INSTANCE, .help = "The instance"),
    FIELD_COLUMN("ordinal", FIELD_TYPE_INT, .help = "Which of the reservation's, from 0"),
    FIELD_COLUMN("state",   FIELD_TYPE_TEXT, .help = "State of the instance"),
    FIELD_COLUMN("address", FIELD_TYPE_TEXT, .help = "Where to connect; null until it runs"),
    FIELDS_END,
};

const struct field reservation_fields[] = {
    FIELD_ID    ("id",                  struct reservation, id, .identity = IDENTITY_RESERVATION, .flags = FIELD_READ_ONLY, .help = "The reservation"),
    FIELD_TEXT  ("tenant",              struct reservation, tenant, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .help = "Whose; for operators"),
    FIELD_TEXT  ("name",                struct reservation, name, .flags = FIELD_NULLABLE, .least = 1, .most = 128, .help = "Unique among the tenant's present ones; null: none"),
    FIELD_TEXT  ("project",             struct reservation, project, .least = 1, .most = 63, .fallback = "default", .help = "The tenant's own grouping"),
    FIELD_TEXT  ("instance_type",       struct reservation, instance_type, .flags = FIELD_NULLABLE, .least = 1, .most = 63, .help = "What each instance is, by name; or give shape"),
    FIELD_OBJECT("shape",               struct reservation, shape, .flags = FIELD_OPTIONAL, .fields = shape_fields, .help = "What each instance is, where the tenant may say so itself"),
    FIELD_INT   ("count",               struct reservation, count, .least = 1, .most = RESERVATION_COUNT_MAX, .fallback = "1", .help = "How many instances, all or none"),
    FIELD_TEXT  ("zone",                struct reservation, zone, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .help = "Where, by name"),
    FIELD_TIME  ("starts_at",           struct reservation, starts_at, .flags = FIELD_NULLABLE, .help = "Start, inclusive; null: the instant of the decision"),
    FIELD_TIME  ("ends_at",             struct reservation, ends_at, .flags = FIELD_NULLABLE, .help = "End, exclusive; null: until cancelled"),
    FIELD_OBJECT("placement",           struct reservation, placement, .fields = placement_fields, .help = "How near to each other the instances are"),
    FIELD_ENUM  ("tier",                struct reservation, tier, .values = tiers, .fallback = "reserved", .help = "What may take its place"),
    FIELD_ENUM  ("if_unavailable",      struct reservation, if_unavailable, .values = unavailables, .fallback = "reject", .help = "What to do where it does not fit"),
    FIELD_TEXT  ("image",               struct reservation, image, .flags = FIELD_NULLABLE, .help = "What the instances boot; null: the type's default"),
    FIELD_MAP   ("labels",              struct reservation, labels, .fallback = "{}", .help = "The tenant's own key and value pairs"),
    FIELD_TIME  ("created_at",          struct reservation, created_at, .flags = FIELD_READ_ONLY, .help = "When it was asked for"),
    FIELD_TIME  ("cancel_requested_at", struct reservation, cancel_requested_at, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "When its end was asked for; null: it was not"),
    FIELD_OBJECT("status",              struct reservation, status, .flags = FIELD_READ_ONLY, .fields = status_fields, .help = "What was decided and found"),
    FIELD_      ("instances", FIELD_TYPE_ROWS, struct reservation, instances, .flags = FIELD_READ_ONLY | FIELD_OPTIONAL, .fields = brief_instance_fields, .help = "Its instances; not in lists"),
    FIELDS_END,
};
// clang-format on

static const struct schema reservation_schema = {"Reservation", reservation_fields, sizeof(struct reservation)};

struct reservation_query {
    const char *state, *name, *tenant, *zone;
};
// clang-format off
static const struct field query_fields[] = {
    FIELD_ENUM("state", struct reservation_query, state, .values = states, .help = "Only those in this state"),
    FIELD_TEXT("name",  struct reservation_query, name, .help = "Only those of this name"),
    FIELD_TEXT("zone",  struct reservation_query, zone, .help = "Only those in the zone of this name"),
    FIELDS_END,
};
static const struct field system_query_fields[] = {
    FIELD_ENUM("state",  struct reservation_query, state, .values = states, .help = "Only those in this state"),
    FIELD_TEXT("name",   struct reservation_query, name, .help = "Only those of this name"),
    FIELD_TEXT("zone",   struct reservation_query, zone, .help = "Only those in the zone of this name"),
    FIELD_TEXT("tenant", struct reservation_query, tenant, .help = "Only those of the tenant of this name"),
    FIELDS_END,
};
// clang-format on
static const struct schema query_schema = {"ReservationQuery", query_fields, sizeof(struct reservation_query)};
static const struct schema system_query_schema = {"SystemReservationQuery", system_query_fields,
                                                  sizeof(struct reservation_query)};

/* ---- Statements ---- */

#define EPOCH(column) "extract(epoch FROM r." column ")::bigint"
#define RESERVATION_COLUMNS                                                                                                                                                                                                                                 \
    "SELECT r.id, w.name AS tenant, r.name, r.project, t.name AS instance_type,"                                                                                                                                                                            \
    " CASE WHEN r.instance_type_id IS NULL THEN to_json(r.gpu_models) END AS \"shape.gpu_models\","                                                                                                                                                         \
    " nullif(r.gpu_count, 0) AS \"shape.gpus\", nullif(r.gpu_milli, 0) AS \"shape.gpu_milli\","                                                                                                                                                             \
    " r.cpu_milli AS \"shape.cpu_milli\", r.memory_mib AS \"shape.memory_mib\", r.count, z.name AS zone, " EPOCH(                                                                                                                                           \
        "sta"                                                                                                                                                                                                                                               \
        "rts"                                                                                                                                                                                                                                               \
        "_a"                                                                                                                                                                                                                                                \
        "t") " AS starts_at, " EPOCH("ends_at") " AS ends_at,"                                                                                                                                                                                              \
                                                " r.within AS \"placement.within\","                                                                                                                                                                        \
                                                " CASE WHEN r.within_required THEN 'required' ELSE 'preferred' END "                                                                                                                                        \
                                                "AS \"placement.mode\", r.tier,"                                                                                                                                                                            \
                                                " r.if_unavailable, r.image, r.labels, " EPOCH(                                                                                                                                                             \
                                                    "created_at") " AS created_at, " EPOCH("cancel_requested_at") " A"                                                                                                                                      \
                                                                                                                  "S "                                                                                                                                      \
                                                                                                                  "ca"                                                                                                                                      \
                                                                                                                  "nc"                                                                                                                                      \
                                                                                                                  "el"                                                                                                                                      \
                                                                                                                  "_r"                                                                                                                                      \
                                                                                                                  "eq"                                                                                                                                      \
                                                                                                                  "ue"                                                                                                                                      \
                                                                                                                  "st"                                                                                                                                      \
                                                                                                                  "ed"                                                                                                                                      \
                                                                                                                  "_a"                                                                                                                                      \
                                                                                                                  "t,"                                                                                                                                      \
                                                                                                                  " r"                                                                                                                                      \
                                                                                                                  ".s"                                                                                                                                      \
                                                                                                                  "ta"                                                                                                                                      \
                                                                                                                  "te"                                                                                                                                      \
                                                                                                                  " A"                                                                                                                                      \
                                                                                                                  "S "                                                                                                                                      \
                                                                                                                  "\""                                                                                                                                      \
                                                                                                                  "st"                                                                                                                                      \
                                                                                                                  "at"                                                                                                                                      \
                                                                                                                  "us"                                                                                                                                      \
                                                                                                                  ".s"                                                                                                                                      \
                                                                                                                  "ta"                                                                                                                                      \
                                                                                                                  "te"                                                                                                                                      \
                                                                                                                  "\""                                                                                                                                      \
                                                                                                                  ", "                                                                                                                                      \
                                                                                                                  "r."                                                                                                                                      \
                                                                                                                  "he"                                                                                                                                      \
                                                                                                                  "al"                                                                                                                                      \
                                                                                                                  "th"                                                                                                                                      \
                                                                                                                  " A"                                                                                                                                      \
                                                                                                                  "S "                                                                                                                                      \
                                                                                                                  "\""                                                                                                                                      \
                                                                                                                  "st"                                                                                                                                      \
                                                                                                                  "at"                                                                                                                                      \
                                                                                                                  "us"                                                                                                                                      \
                                                                                                                  ".h"                                                                                                                                      \
                                                                                                                  "ea"                                                                                                                                      \
                                                                                                                  "lt"                                                                                                                                      \
                                                                                                                  "h"                                                                                                                                       \
                                                                                                                  "\""                                                                                                                                      \
                                                                                                                  ", "                                                                                                                                      \
                                                                                                                  "r."                                                                                                                                      \
                                                                                                                  "re"                                                                                                                                      \
                                                                                                                  "as"                                                                                                                                      \
                                                                                                                  "on"                                                                                                                                      \
                                                                                                                  " "                                                                                                                                       \
                                                                                                                  "AS"                                                                                                                                      \
                                                                                                                  " "                                                                                                                                       \
                                                                                                                  "\""                                                                                                                                      \
                                                                                                                  "st"                                                                                                                                      \
                                                                                                                  "at"                                                                                                                                      \
                                                                                                                  "us"                                                                                                                                      \
                                                                                                                  ".r"                                                                                                                                      \
                                                                                                                  "ea"                                                                                                                                      \
                                                                                                                  "so"                                                                                                                                      \
                                                                                                                  "n"                                                                                                                                       \
                                                                                                                  "\""                                                                                                                                      \
                                                                                                                  ","                                                                                                                                       \
                                                                                                                  " " EPOCH(                                                                                                                                \
                                                                                                                      "granted_starts_at") " AS "                                                                                                           \
                                                                                                                                           "\"status.starts_"                                                                                               \
                                                                                                                                           "at\", " EPOCH(                                                                                                  \
                                                                                                                                               "granted_ends_"                                                                                              \
                                                                                                                                               "at") " AS "                                                                                                 \
                                                                                                                                                     "\"status"                                                                                             \
                                                                                                                                                     ".ends_"                                                                                               \
                                                                                                                                                     "at\","                                                                                                \
                                                                                                                                                     " " EPOCH(                                                                                             \
                                                                                                                                                         "decided_at") " AS \"status.decided_at\","                                                         \
                                                                                                                                                                       " r.delivered_count AS \"status.delivered_count\", r.binding AS \"status.binding\"," \
                                                                                                                                                                       " r.alternatives AS \"status.alternatives\", r.wish_revision, r.status_revision"
#define RESERVATION_FROM                                                                                               \
    " FROM reservation_view r JOIN zone z ON z.id = r.zone_id LEFT JOIN tenant w ON w.id = r.tenant_id"                \
    " LEFT JOIN instance_type t ON t.id = r.instance_type_id"

static const struct db_stmt statement_list = {
    .name = "reservation_list",
    .sql = RESERVATION_COLUMNS ", r.id AS page_key" RESERVATION_FROM
                               " WHERE r.hidden_at IS NULL AND ($1::uuid IS NULL OR r.id > $1::uuid)"
                               " AND ($3::text IS NULL OR r.state = $3::text)"
                               " AND ($4::text IS NULL OR r.name = $4::text)"
                               " AND ($5::text IS NULL OR z.name = $5::text)"
                               " AND ($6::text IS NULL OR w.name = $6::text)"
                               " ORDER BY r.id LIMIT $2::bigint",
    .params = 6,
};

static const struct db_stmt statement_get = {
    .name = "reservation_get",
    .sql = RESERVATION_COLUMNS
    ", (SELECT coalesce(json_agg(json_build_object('id', i.id, 'ordinal', i.ordinal, 'state', i.state, 'address',"
    " i.address) ORDER BY i.ordinal), '[]') FROM instance i WHERE i.reservation_id = r.id) AS "
    "instances" RESERVATION_FROM " WHERE r.id = $1::uuid AND r.hidden_at IS NULL",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "reservation_lock",
    .sql = "SELECT r.revision, r.zone_id, r.tenant_id, r.cancel_requested_at IS NOT NULL,"
           " coalesce(s.state IN ('ended', 'rejected', 'cancelled', 'expired'), false)"
           " FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id"
           " WHERE r.id = $1::uuid AND r.hidden_at IS NULL FOR UPDATE OF r",
    .params = 1,
};

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
    .sql = "SELECT FROM reservation WHERE id = $1::uuid AND hidden_at IS NULL",
    .params = 1,
};

static const struct db_stmt statement_instances = {
    .name = "reservation_instances",
    .sql = "SELECT i.id, i.ordinal, i.state, i.address, i.ordinal AS page_key FROM instance i"
           " JOIN reservation r ON r.id = i.reservation_id"
           " WHERE i.reservation_id = $3::uuid AND r.hidden_at IS NULL AND ($1::integer IS NULL OR i.ordinal > "
           "$1::integer)"
           " ORDER BY i.ordinal LIMIT $2::bigint",
    .params = 3,
};

/* ---- Reads ---- */

static enum err_kind not_found(const struct request *request, struct err *reterr)
{
    return err_set(reterr, ERR_NOT_FOUND, "reservation '%.40s' does not exist", request->params[0]);
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct reservation_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->state, query->name, query->zone, query->tenant), reterr);
}

static enum err_kind show(struct request *request, struct response *response, bool with_etag, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_get, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return not_found(request, reterr);
    int64_t wish = db_int(result, 0, PQfnumber(result, "wish_revision"), 0);
    int64_t status = db_int(result, 0, PQfnumber(result, "status_revision"), 0);
    if (with_etag && response_etag(request, response, wish, status))
        return ERR_NONE;
    response_row(response, 200, reservation_fields, result, 0);
    return ERR_NONE;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return show(request, response, true, reterr);
}

enum err_kind reservation_refusal(struct request *request, const char *id, const struct reservation_verdict *verdict,
                                  struct err *reterr)
{
    bool is_rejected = strcmp(verdict->state, "rejected") == 0;
    struct json_out members;
    json_out_init(&members, request->arena);
    char text[IDENTITY_TEXT_SIZE];
    identity_text_of_uuid(IDENTITY_RESERVATION, id, text);
    json_out_key(&members, "reservation");
    json_out_text(&members, text);
    json_out_key(&members, "reason");
    json_out_text(&members, verdict->reason);
    json_out_key(&members, "binding");
    json_out_raw(&members, verdict->binding);
    json_out_key(&members, "alternatives");
    json_out_raw(&members, verdict->alternatives == NULL ? "[]" : verdict->alternatives);
    request->internal->problem_members = json_out_finish(&members);
    return err_set_code(reterr, is_rejected ? ERR_NO_CAPACITY : ERR_CONFLICT,
                        is_rejected ? "capacity_unavailable" : verdict->state, "the reservation was %s%s%s",
                        verdict->state, verdict->reason == NULL ? "" : ": ",
                        verdict->reason == NULL ? "" : verdict->reason);
}

/* What a repetition of the POST is answered with: 202 while there is no verdict. */
static enum err_kind replay(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_get, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return not_found(request, reterr);
    const char *state = db_text(result, 0, PQfnumber(result, "\"status.state\""));
    const struct reservation_verdict verdict = {
        .state = state,
        .reason = db_text(result, 0, PQfnumber(result, "\"status.reason\"")),
        .binding = db_text(result, 0, PQfnumber(result, "\"status.binding\"")),
        .alternatives = db_text(result, 0, PQfnumber(result, "\"status.alternatives\"")),
    };
    if (strcmp(state, "rejected") == 0 || strcmp(state, "expired") == 0)
        return reservation_refusal(request, request->object, &verdict, reterr);
    bool is_open = strcmp(state, "pending") == 0 || strcmp(state, "waitlisted") == 0;
    response_row(response, is_open ? 202 : 201, reservation_fields, result, 0);
    return ERR_NONE;
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

static enum err_kind lock(struct request *request, struct locked *ret, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_lock, DB_PARAMS(request->object), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return not_found(request, reterr);
    *ret = (struct locked){.revision = db_int(result, 0, 0, 0),
                           .zone_id = db_text(result, 0, 1),
                           .tenant_id = db_text(result, 0, 2),
                           .is_cancelled = db_bool(result, 0, 3),
                           .is_over = db_bool(result, 0, 4)};
    if (!request_if_match(request, ret->revision))
        return err_set(reterr, ERR_PRECONDITION, "the reservation has changed since: its wish is at revision %lld",
                       (long long)ret->revision);
    return ERR_NONE;
}

static enum err_kind cancel_locked(struct request *request, struct locked *locked, struct err *reterr)
{
    if (locked->is_cancelled || locked->is_over)
        return ERR_NONE;
    request->wakes_planner = true;
    enum err_kind kind = request_run(request, &statement_cancel, DB_PARAMS(request->object), NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    return request_event(request, locked->tenant_id, locked->zone_id, "reservation_wish", request->object,
                         ++locked->revision, "reservation.cancel_requested", reterr);
}

static enum err_kind cancel(struct request *request, struct response *response, struct err *reterr)
{
    struct locked locked = {0};
    enum err_kind kind = lock(request, &locked, reterr);
    if (kind == ERR_NONE)
        kind = cancel_locked(request, &locked, reterr);
    return kind == ERR_NONE ? show(request, response, false, reterr) : kind;
}

static enum err_kind hide(struct request *request, struct response *response, struct err *reterr)
{
    struct locked locked = {0};
    enum err_kind kind = lock(request, &locked, reterr);
    if (kind == ERR_NONE)
        kind = cancel_locked(request, &locked, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_hide, DB_PARAMS(request->object), NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, locked.tenant_id, locked.zone_id, "reservation_wish", request->object,
                             locked.revision + 1, "reservation.hidden", reterr);
    response->status = 204;
    return kind;
}

static const struct schema brief_instance_schema = {"ReservationInstance", brief_instance_fields, 0};

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_RESERVATION
static const struct route reservation_routes[] = {
    {POST,   "/v1/reservations",                       ROLES_TENANT_WRITE,   RATE_WRITE, .body = &reservation_schema, .answer = &reservation_schema, .is_batched = true, .replay = replay, .summary = "Reserve instances for a window"},
    {GET,    "/v1/reservations",                       ROLES_TENANT_READ,    RATE_READ,  .query = &query_schema, .answer = &reservation_schema, .is_list = true, .run = list, .summary = "List reservations"},
    {GET,    "/v1/reservations/{id}",                  ROLES_TENANT_READ,    RATE_READ,  .answer = &reservation_schema, ONE, .run = get, .summary = "One reservation"},
    {POST,   "/v1/reservations/{id}/cancel",           ROLES_TENANT_WRITE,   RATE_WRITE, .answer = &reservation_schema, ONE, .run = cancel, .summary = "End it now, or before it begins"},
    {DELETE, "/v1/reservations/{id}",                  ROLES_TENANT_WRITE,   RATE_WRITE, ONE, .status = 204, .run = hide, .summary = "Cancel and hide"},
    {GET,    "/v1/reservations/{id}/instances",        ROLES_TENANT_READ,    RATE_READ,  .answer = &brief_instance_schema, .is_list = true, ONE, .run = list_instances, .summary = "Instances of a reservation"},
    {GET,    "/v1/system/reservations",                ROLES_SYSTEM_READ,    RATE_READ,  .query = &system_query_schema, .answer = &reservation_schema, .is_list = true, .run = list, .summary = "List all tenants' reservations"},
    {GET,    "/v1/system/reservations/{id}",           ROLES_SYSTEM_READ,    RATE_READ,  .answer = &reservation_schema, ONE, .run = get, .summary = "One reservation"},
    {POST,   "/v1/system/reservations/{id}/cancel",    ROLES_SYSTEM_OPERATE, RATE_WRITE, .answer = &reservation_schema, ONE, .run = cancel, .summary = "End it now, or before it begins"},
    {GET,    "/v1/system/reservations/{id}/instances", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &brief_instance_schema, .is_list = true, ONE, .run = list_instances, .summary = "Instances of a reservation"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const reservation_statements[] = {
    &statement_list,   &statement_get,  &statement_lock,      &statement_cancel,
    &statement_exists, &statement_hide, &statement_instances, NULL};

const struct resource reservation_resource = {"reservations", reservation_routes, reservation_statements};
