/* The closes of months: how far each has come, and trying again what is parked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_request.h"
#include "api/resources/month_param.h"
#include "api/resources/registry.h"
#include "api/resources/tenant_named.h"
#include "api/server/answer.h"

struct wish {
    const char *month, *tenant;
};

// clang-format off
static const struct field close_fields[] = {
    FIELD_COLUMN("month",   FIELD_TYPE_DATE, .help = "The month, by its first day"),
    FIELD_COLUMN("total",   FIELD_TYPE_INT, .help = "Tenants with something in it"),
    FIELD_COLUMN("done",    FIELD_TYPE_INT, .help = "Of them closed"),
    FIELD_COLUMN("parked",  FIELD_TYPE_INT, .help = "Of them failed: the next day's close tries again, or POST"),
    FIELD_COLUMN_WITH("started_at",  FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time at which the first was due; null: none is"),
    FIELD_COLUMN_WITH("finished_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time at which the last was closed; null: some are open"),
    FIELDS_END,
};

static const struct field wish_fields[] = {
    FIELD_TEXT("month",  struct wish, month, .flags = FIELD_REQUIRED, .least = 10, .most = 10, .example = "2026-01-01", .help = "The month, by its first day"),
    FIELD_TEXT("tenant", struct wish, tenant, .flags = FIELD_NULLABLE, .pattern = FIELD_NAME, .help = "Only the tenant of this name; null: all that are parked"),
    FIELDS_END,
};
// clang-format on

static const struct schema close_schema = {"MonthClose", close_fields, 0};
static const struct schema wish_schema = {"MonthCloseAgain", wish_fields, sizeof(struct wish)};

static const struct db_stmt statement_list = {
    .name = "month_close_list",
    .sql = "SELECT p.month, p.total, p.done, p.parked, extract(epoch FROM p.started_at)::bigint AS started_at,"
           " extract(epoch FROM p.finished_at)::bigint AS finished_at, p.month AS page_key"
           " FROM month_close_progress p WHERE ($1::date IS NULL OR p.month > $1::date)"
           " ORDER BY p.month LIMIT $2::bigint",
    .params = 2,
};

static const struct db_stmt statement_insert = {
    .name = "month_close_again",
    .sql = "INSERT INTO invoice_request (id, kind, tenant_id, month, principal_id)"
           " VALUES ($1::uuid, 'close', $2::uuid, $3::date, $4::uuid)",
    .params = 4,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_NO_PARAMS, reterr);
}

static enum err_kind again(struct request *request, struct response *response, struct err *reterr)
{
    const struct wish *wish = request->body;
    const char *tenant = NULL;
    enum err_kind kind = month_param_check(request, "/month", wish->month, reterr);
    if (kind == ERR_NONE && wish->tenant != NULL)
        kind = tenant_named(request, wish->tenant, &tenant, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_insert,
                           DB_PARAMS(request->new_id, tenant, wish->month, request->caller.principal_id), NULL, reterr);
    return kind == ERR_NONE ? invoice_request_ask(request, response, reterr) : kind;
}

// clang-format off
static const struct route close_routes[] = {
    {GET,  "/v1/system/month-closes",         ROLES_SYSTEM_READ,    RATE_READ,  .answer = &close_schema, .is_list = true, .run = list, .summary = "How far the close of each month has come, oldest first"},
    {POST, "/v1/system/month-closes",         ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &wish_schema, .answer = &invoice_request_schema, .run = again, .replay = invoice_request_replay, .waits = true, .problems = PROBLEMS("unknown_tenant", "conflict"), .summary = "Try the parked closes of a month again"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const close_statements[] = {&statement_list, &statement_insert, NULL};

const struct resource month_close_resource = {
    "month-closes", close_routes, close_statements,
    "A job that goes on where it stopped: one tenant's fault parks that tenant only."};
