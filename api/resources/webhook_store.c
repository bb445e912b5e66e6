/* The table of a webhook's fields, and the statements that read it. Row security shows a tenant its own; the provider's
 * addresses name those that are nobody's. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/webhook_store.h"

#include "api/server/answer.h"
#include "common/must.h"

const char *const webhook_states[] = {"ok", "failing", "disabled", "inactive", NULL};

// clang-format off
const struct field webhook_status_fields[] = {
    FIELD_COLUMN("state",           FIELD_TYPE_ENUM, .values = webhook_states, .help = "ok; failing: the last delivery failed; disabled: it has failed for too long, and any change enables it again; inactive: as wished"),
    FIELD_COLUMN_WITH("failing_since",   FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Real time of the first failure since the last success; null: none"),
    FIELD_COLUMN_WITH("last_success_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Real time; null: never"),
    FIELD_COLUMN_WITH("last_failure_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Real time; null: never"),
    FIELD_COLUMN_WITH("last_error",      FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What was wrong with the last one that failed"),
    FIELDS_END,
};

static const struct field webhook_fields[] = {
    FIELD_ID  ("id",          struct webhook_wish, id, .identity = IDENTITY_WEBHOOK, .flags = FIELD_READ_ONLY, .help = "The webhook"),
    FIELD_TEXT("url",         struct webhook_wish, url, .flags = FIELD_REQUIRED, .least = 1, .most = 2048, .example = "https://hooks.example.com/sluice", .help = "Where events are brought by POST: https, and a public address, unless the server is set up otherwise"),
    FIELD_LIST("events",      struct webhook_wish, events, .flags = FIELD_REQUIRED, .least = 1, .most = 32, .help = "Kinds of events; reservation.* is every kind that begins so, * is all"),
    FIELD_TEXT("object",      struct webhook_wish, object, .flags = FIELD_NULLABLE, .least = 1, .most = 40, .help = "Only events of the object of this id; null: of every one"),
    FIELD_TEXT("description", struct webhook_wish, description, .flags = FIELD_NULLABLE, .least = 1, .most = 255, .help = "For people"),
    FIELD_BOOL("active",      struct webhook_wish, active, .fallback = "true", .help = "Whether events are brought; those of the time in between are not brought later"),
    FIELD_TEXT("secret",      struct webhook_wish, secret, .flags = FIELD_NULLABLE | FIELD_OPTIONAL, .least = 1, .most = 94, .help = "What signs: whsec_ and the base64 of 24 to 64 bytes; null: one is made. Shown only in the answer that sets it"),
    FIELD_TIME("created_at",  struct webhook_wish, created_at, .flags = FIELD_READ_ONLY, .help = "Real time"),
    FIELD_TIME("previous_secret_until", struct webhook_wish, previous_secret_until, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Until when the secret before signs beside the new one; null: it does not"),
    FIELD_COLUMN_WITH("status", FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = webhook_status_fields, .help = "How it fares"),
    FIELDS_END,
};
// clang-format on

const struct schema webhook_schema = {"Webhook", webhook_fields, sizeof(struct webhook_wish)};

// clang-format off
#define WEBHOOK_SELECT                                                                                                 \
    "SELECT w.id, w.url, to_json(w.events) AS events, w.object, w.description, w.active,"                              \
    " " WEBHOOK_EPOCH("w.created_at") " AS created_at,"                                                                        \
    " CASE WHEN w.previous_until > clock_timestamp() THEN " WEBHOOK_EPOCH("w.previous_until") " END AS previous_secret_until," \
    " " WEBHOOK_STATUS_COLUMNS ","                                                                                     \
    " w.id AS page_key, w.revision AS wish_revision,"                           \
    " coalesce(s.revision, 0) AS status_revision, w.secret AS secret_sealed,"                                          \
    " s.disabled_revision IS NOT DISTINCT FROM w.revision AS is_disabled"                                              \
    " FROM webhook w LEFT JOIN webhook_status s ON s.webhook_id = w.id"
// clang-format on
#define LIST                                                                                                           \
    " ($1::uuid IS NULL OR w.id > $1::uuid) AND ($3::text IS NULL OR w.url = $3::text) ORDER BY w.id LIMIT $2::bigint"
#define OF_PROVIDER "w.tenant_id IS NULL"

static const struct db_stmt statement_list = {.name = "webhook_list", .sql = WEBHOOK_SELECT " WHERE" LIST, .params = 3};
static const struct db_stmt statement_list_system = {
    .name = "webhook_list_system", .sql = WEBHOOK_SELECT " WHERE " OF_PROVIDER " AND" LIST, .params = 3};
static const struct db_stmt statement_get = {
    .name = "webhook_get", .sql = WEBHOOK_SELECT " WHERE w.id = $1::uuid", .params = 1};
static const struct db_stmt statement_get_system = {
    .name = "webhook_get_system", .sql = WEBHOOK_SELECT " WHERE w.id = $1::uuid AND " OF_PROVIDER, .params = 1};
static const struct db_stmt statement_lock = {
    .name = "webhook_lock", .sql = WEBHOOK_SELECT " WHERE w.id = $1::uuid FOR UPDATE OF w", .params = 1};
static const struct db_stmt statement_lock_system = {
    .name = "webhook_lock_system",
    .sql = WEBHOOK_SELECT " WHERE w.id = $1::uuid AND " OF_PROVIDER " FOR UPDATE OF w",
    .params = 1,
};

const struct db_stmt *const webhook_store_statements[] = {
    &statement_list, &statement_list_system, &statement_get, &statement_get_system,
    &statement_lock, &statement_lock_system, NULL,
};

const struct object_lock webhook_lock_own = {.stmt = &statement_lock, .noun = "webhook"};
const struct object_lock webhook_lock_system = {.stmt = &statement_lock_system, .noun = "webhook"};

static const struct db_stmt *stmt_get(const struct request *request)
{
    return request->caller.is_tenant ? &statement_get : &statement_get_system;
}

enum err_kind webhook_answer(struct request *request, struct response *response, int status, const char *id,
                             struct err *reterr)
{
    return answer_object(request, response, status, stmt_get(request), id, "webhook", reterr);
}

enum err_kind webhook_find(struct request *request, const char *id, struct err *reterr)
{
    const PGresult *found = NULL;
    return answer_find(request, stmt_get(request), id, "webhook", &found, reterr);
}

enum err_kind webhook_find_any(struct request *request, const char *id, struct err *reterr)
{
    const PGresult *found = NULL;
    return answer_find(request, &statement_get, id, "webhook", &found, reterr);
}

enum err_kind webhook_page(struct request *request, struct response *response, const char *url, struct err *reterr)
{
    const struct db_stmt *stmt = request->caller.is_tenant ? &statement_list : &statement_list_system;
    return answer_page(request, response, stmt, DB_PARAMS(url), reterr);
}

const char *webhook_tenant(const struct request *request)
{
    return request->caller.is_tenant ? request->caller.tenant_id : NULL;
}

enum err_kind webhook_event(struct request *request, const char *id, int64_t revision, const char *kind,
                            struct err *reterr)
{
    return request_event(request, webhook_tenant(request), NULL, "webhook", id, revision, kind, reterr);
}

static int locked_column(const struct request *request, const char *name)
{
    int column = PQfnumber(request->locked, name);
    must(column >= 0);
    return column;
}

int64_t webhook_locked_revision(const struct request *request)
{
    return db_int(request->locked, 0, locked_column(request, "wish_revision"), 0);
}

bool webhook_locked_is_disabled(const struct request *request)
{
    return db_bool(request->locked, 0, locked_column(request, "is_disabled"));
}

const char *webhook_locked_secret(const struct request *request)
{
    return db_text(request->locked, 0, locked_column(request, "secret_sealed"));
}
