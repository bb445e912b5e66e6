/* What was delivered and cannot be rated yet: whose, of which day, and why. Setting the right price mends it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field waiting_fields[] = {
    FIELD_COLUMN("day",    FIELD_TYPE_DATE, .help = "Of its books: the UTC day that it was delivered on or came late with; of a whole period, whose close could not rate it last"),
    FIELD_COLUMN("tenant", FIELD_TYPE_TEXT, .help = "Name of the tenant whose month stays open"),
    FIELD_COLUMN_WITH("reservation", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_RESERVATION, .help = "Of which reservation; null: the tenant's whole period is not rated"),
    FIELD_COLUMN_WITH("sku",    FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "What has no price, or one that fits no amount: kind, name, tier and currency; null: the whole period"),
    FIELD_COLUMN("gpu_seconds", FIELD_TYPE_INT, .help = "Billable GPU-seconds that wait; negative: to be taken back"),
    FIELD_COLUMN_WITH("reason", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it fitted no amount when it was last rated; null: a second of it has no price"),
    FIELDS_END,
};

struct query {
    const char *tenant;
};
static const struct field query_fields[] = {
    FIELD_TEXT("tenant", struct query, tenant, .help = "Only of the tenant of this name"),
    FIELDS_END,
};
// clang-format on

static const struct schema waiting_schema = {"WaitingUsage", waiting_fields, 0};
static const struct schema query_schema = {"WaitingUsageQuery", query_fields, sizeof(struct query)};

#define NIL_ID "'00000000-0000-0000-0000-000000000000'"

/* The key of a page is "day tenant-id reservation-id start"; the nil id stands for a whole period. */
static const struct db_stmt statement_list = {
    .name = "waiting_usage_list",
    .sql = "WITH told AS ("
           "  SELECT w.day, w.tenant_id, coalesce(w.reservation_id, " NIL_ID ") AS part, w.reservation_id,"
           "   extract(epoch FROM w.starts_at)::bigint AS starts, t.name AS tenant,"
           "   CASE WHEN w.reservation_id IS NOT NULL THEN w.sku END AS sku,"
           "   round(w.gpu_milli_seconds / 1000.0)::bigint AS gpu_seconds, w.reason"
           "  FROM usage_waiting w JOIN tenant t ON t.id = w.tenant_id WHERE $3::text IS NULL OR t.name = $3::text)"
           " SELECT day, tenant, reservation_id AS reservation, sku, gpu_seconds, reason,"
           "  concat_ws(' ', day, tenant_id, part, starts) AS page_key FROM told"
           "  WHERE (day, tenant_id, part, starts) > (coalesce(split_part($1::text, ' ', 1)::date, '-infinity'),"
           "    coalesce(split_part($1::text, ' ', 2)::uuid, " NIL_ID "),"
           "    coalesce(split_part($1::text, ' ', 3)::uuid, " NIL_ID "),"
           "    coalesce(split_part($1::text, ' ', 4)::bigint, 0))"
           "  ORDER BY told.day, told.tenant_id, told.part, told.starts LIMIT $2::bigint",
    .params = 3,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->tenant), reterr);
}

// clang-format off
static const struct route routes[] = {
    {GET, "/v1/system/waiting-usage", ROLES_SYSTEM_READ, RATE_READ, .query = &query_schema, .answer = &waiting_schema, .is_list = true, .run = list, .summary = "What was delivered and cannot be rated yet, and why"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const statements[] = {&statement_list, NULL};

const struct resource waiting_usage_resource = {
    "waiting-usage", routes, statements,
    "Delivered usage without a price, or that fits no amount: it keeps its tenant's month open, and nobody else's, and is "
    "rated with the next day's close once the right price is set."};
