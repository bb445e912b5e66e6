/* The audit as lists: a tenant's admins read its own rows, the provider's auditors all. In the order of the log, with
 * every column that is hashed, so that an export of the list is what the offline verifier reads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/store.h"
#include "api/resources/object_param.h"
#include "api/resources/registry.h"
#include "api/server/page_cursor.h"
#include "api/server/server.h"

#include <stdlib.h>
#include <string.h>

struct audit_item {
    const char *id;
    int64_t recorded_at, recorded_us;
    const char *transaction;
    const char *tenant, *principal, *request_id, *remote, *action, *object, *result;
    const char *tenant_name, *principal_name;
};

// clang-format off
static const struct field audit_fields[] = {
    FIELD_ID  ("id",          struct audit_item, id, .identity = IDENTITY_AUDIT, .flags = FIELD_READ_ONLY, .help = "The row"),
    FIELD_TIME("recorded_at", struct audit_item, recorded_at, .flags = FIELD_READ_ONLY, .help = "Real time"),
    FIELD_INT ("recorded_us", struct audit_item, recorded_us, .flags = FIELD_READ_ONLY, .help = "The same in microseconds since 1970, as it is hashed"),
    FIELD_TEXT("transaction", struct audit_item, transaction, .flags = FIELD_READ_ONLY, .help = "The transaction that wrote it: with the id, its place in the log"),
    FIELD_ID  ("tenant",      struct audit_item, tenant, .identity = IDENTITY_TENANT, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Acted for; null: the provider, or nobody was recognised"),
    FIELD_ID  ("principal",   struct audit_item, principal, .identity = IDENTITY_PRINCIPAL, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Who; null: nobody was recognised"),
    FIELD_TEXT("request_id",  struct audit_item, request_id, .flags = FIELD_READ_ONLY, .help = "Request-Id of the answer"),
    FIELD_TEXT("remote",      struct audit_item, remote, .flags = FIELD_READ_ONLY, .help = "From where: an address, or unix"),
    FIELD_TEXT("action",      struct audit_item, action, .flags = FIELD_READ_ONLY, .help = "Method and route, e.g. POST /v1/reservations"),
    FIELD_TEXT("object",      struct audit_item, object, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "On what: its id; null: nothing in particular"),
    FIELD_TEXT("result",      struct audit_item, result, .flags = FIELD_READ_ONLY, .help = "ok, or the code of the problem it was refused with"),
    FIELD_TEXT("tenant_name",    struct audit_item, tenant_name, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What the tenant is called now; not hashed"),
    FIELD_TEXT("principal_name", struct audit_item, principal_name, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What the principal is called now; null: it is gone, or not the tenant's; not hashed"),
    FIELDS_END,
};

struct audit_query {
    const char *tenant, *principal, *action, *object, *result;
    int64_t from, until;
};
#define COMMON_FILTERS \
    FIELD_ID  ("principal", struct audit_query, principal, .identity = IDENTITY_PRINCIPAL, .help = "Only what this principal did"), \
    FIELD_TEXT("action",    struct audit_query, action, .help = "Only this method and route"), \
    FIELD_TEXT("object",    struct audit_query, object, .help = "Only what was done to the object of this id"), \
    FIELD_TEXT("result",    struct audit_query, result, .help = "Only with this result; refused: everything but ok"), \
    FIELD_TIME("from",      struct audit_query, from, .help = "Only rows recorded at or after this"), \
    FIELD_TIME("until",     struct audit_query, until, .from = "from", .help = "Only rows recorded before this")

static const struct field own_query_fields[] = {
    COMMON_FILTERS,
    FIELDS_END,
};
static const struct field all_query_fields[] = {
    FIELD_TEXT("tenant", struct audit_query, tenant, .help = "Only rows of the tenant of this name"),
    COMMON_FILTERS,
    FIELDS_END,
};
// clang-format on

static const struct schema audit_schema = {"AuditRow", audit_fields, sizeof(struct audit_item)};
static const struct schema own_query_schema = {"OwnAuditQuery", own_query_fields, sizeof(struct audit_query)};
static const struct schema all_query_schema = {"AuditQuery", all_query_fields, sizeof(struct audit_query)};

/* Behind the columns that are hashed: what people call whom they name. */
enum { TENANT_NAME = AUDIT_COLUMN_COUNT, PRINCIPAL_NAME };
#define NAME_COLUMNS                                                                                                   \
    ", (SELECT n.name FROM tenant n WHERE n.id = a.tenant_id), (SELECT n.name FROM principal n WHERE n.id = "          \
    "a.principal_id AND (n.removed_at IS NULL OR n.kind = 'service_account'))"

/* Rows below the oldest running transaction: as with events, a reader by position skips none. */
#define LIST_OF(condition)                                                                                             \
    "SELECT " AUDIT_ROW_COLUMNS NAME_COLUMNS " FROM audit a WHERE a.xid < pg_snapshot_xmin(pg_current_snapshot())"     \
    " AND (a.xid, a.id) > ($1::text::xid8, $2::uuid) AND " condition                                                   \
    " AND ($5::uuid IS NULL OR a.principal_id = $5::uuid) AND ($6::text IS NULL OR a.action = $6::text)"               \
    " AND ($7::uuid IS NULL OR a.object_id = $7::uuid)"                                                                \
    " AND ($8::text IS NULL OR a.result = $8::text OR ($8::text = 'refused' AND a.result <> 'ok'))"                    \
    " AND ($9::bigint IS NULL OR a.recorded_at >= to_timestamp($9::bigint))"                                           \
    " AND ($10::bigint IS NULL OR a.recorded_at < to_timestamp($10::bigint))"                                          \
    " ORDER BY a.xid, a.id LIMIT $3::bigint"

static const struct db_stmt statement_list = {
    .name = "audit_list",
    .sql = LIST_OF("$4::text IS NULL"),
    .params = 10,
};

static const struct db_stmt statement_list_of_tenant = {
    .name = "audit_list_of_tenant",
    .sql = LIST_OF("a.tenant_id = (SELECT t.id FROM tenant t WHERE t.name = $4::text)"),
    .params = 10,
};

/* ---- Showing ---- */

static bool is_of_action(const struct route *route, const char *action)
{
    size_t length = strlen(method_texts[route->method]);
    return strncmp(action, method_texts[route->method], length) == 0 && action[length] == ' ' &&
           strcmp(action + length + 1, route->path) == 0;
}

/* What an action's object is: that of the address, else what is answered. */
static const enum identity_kind *identity_of(const struct route *route)
{
    if (route->has_id)
        return &route->id;
    const struct field *first = route->answer == NULL ? NULL : &route->answer->fields[0];
    return first != NULL && first->type == FIELD_TYPE_ID ? &first->identity : NULL;
}

/* The id as clients know it; a UUID where the route is none of ours any more. */
static const char *object_text(struct request *request, const char *action, const char *uuid)
{
    const enum identity_kind *kind = NULL;
    for (const struct resource *const *resource = registry; uuid != NULL && *resource != NULL; resource++) {
        for (const struct route *route = (*resource)->routes; route->path != NULL && kind == NULL; route++)
            kind = is_of_action(route, action) ? identity_of(route) : NULL;
    }
    if (kind == NULL)
        return uuid;
    char *text = arena_alloc(request->arena, IDENTITY_TEXT_SIZE);
    identity_text_of_uuid(*kind, uuid, text);
    return text;
}

static void show(struct request *request, const struct audit_row *row, const PGresult *result, int at,
                 struct json_out *out)
{
    const char *const *columns = row->columns;
    int64_t recorded_us = strtoll(columns[AUDIT_RECORDED_US], NULL, 10);
    const struct audit_item item = {
        .id = columns[AUDIT_ID],
        .recorded_at = recorded_us / 1000000,
        .recorded_us = recorded_us,
        .transaction = columns[AUDIT_XID],
        .tenant = columns[AUDIT_TENANT_ID],
        .principal = columns[AUDIT_PRINCIPAL_ID],
        .request_id = columns[AUDIT_REQUEST_ID],
        .remote = columns[AUDIT_REMOTE],
        .action = columns[AUDIT_ACTION],
        .object = object_text(request, columns[AUDIT_ACTION], columns[AUDIT_OBJECT_ID]),
        .result = columns[AUDIT_RESULT],
        .tenant_name = db_text(result, at, TENANT_NAME),
        .principal_name = db_text(result, at, PRINCIPAL_NAME),
    };
    field_write_struct(audit_fields, &item, out);
}

static void write_page(struct request *request, struct response *response, const PGresult *result,
                       const struct page *page)
{
    int found = PQntuples(result);
    int shown = found > page->limit ? page->limit : found;
    const struct audit_row *rows = audit_store_rows(request->arena, result);
    struct json_out *out = &response->body;
    response->status = 200;
    json_out_open(out, '{');
    json_out_key(out, "items");
    json_out_open(out, '[');
    for (int i = 0; i < shown; i++)
        show(request, &rows[i], result, i, out);
    json_out_close(out, ']');
    json_out_key(out, "next_page");
    const char *const *last = shown > 0 ? rows[shown - 1].columns : NULL;
    json_out_text(out, found > shown ? page_cursor_make(request, arena_format(request->arena, "%s-%s", last[AUDIT_XID],
                                                                              last[AUDIT_ID]))
                                     : NULL);
    json_out_close(out, '}');
}

/* ---- The addresses ---- */

/* "transaction-id", as write_page made it: the cursor is signed. */
static void split_key(struct request *request, const char *key, const char **ret_xid, const char **ret_id)
{
    size_t length = strcspn(key, "-");
    *ret_xid = arena_text_n(request->arena, key, length);
    *ret_id = key + length + 1;
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct audit_query *query = request->query;
    struct page page;
    const char *object = NULL;
    enum err_kind kind = page_read(request, &page, reterr);
    if (kind == ERR_NONE)
        kind = object_param_read(request, query->object, &object, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *xid = "0", *id = NIL_UUID;
    if (page.after != NULL)
        split_key(request, page.after, &xid, &id);
    const struct db_stmt *stmt = query->tenant == NULL ? &statement_list : &statement_list_of_tenant;
    const PGresult *result = NULL;
    kind = request_run(request, stmt,
                       DB_PARAMS(xid, id, page.limit_sql, query->tenant, query->principal, query->action, object,
                                 query->result, request_int(request, query->from), request_int(request, query->until)),
                       &result, reterr);
    if (kind == ERR_NONE)
        write_page(request, response, result, &page);
    return kind;
}

// clang-format off
static const struct route audit_routes[] = {
    {GET, "/v1/audit",        (unsigned)ROLE_ADMIN, RATE_REPORT, .query = &own_query_schema, .answer = &audit_schema, .is_list = true, .run = list, .summary = "Who did what in this tenant, and what was refused"},
    {GET, "/v1/system/audit", (unsigned)(ROLE_AUDITOR | ROLE_SYSTEM_ADMIN), RATE_REPORT, .query = &all_query_schema, .answer = &audit_schema, .is_list = true, .run = list, .summary = "Who did what, and what was refused"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const audit_statements[] = {&statement_list, &statement_list_of_tenant, NULL};

const struct resource audit_resource = {
    "audit", audit_routes, audit_statements,
    "Who did what, and what was refused: append-only, sealed into a chain of hashes."};
