/* How every webhook fares, the tenants' too, those that fail first: whoever runs the fleet sees whether a receiver is at
 * fault or the way to all of them. To read only: a tenant's webhook is changed by the tenant. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/resources/webhook_store.h"
#include "api/server/answer.h"

struct health_query {
    const char *state, *tenant;
};

// clang-format off
static const struct field health_fields[] = {
    FIELD_COLUMN("webhook", FIELD_TYPE_ID, .identity = IDENTITY_WEBHOOK, .help = "The webhook"),
    FIELD_COLUMN_WITH("tenant", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the tenant that made it; null: the provider"),
    FIELD_COLUMN("url",     FIELD_TYPE_TEXT, .help = "Where events are brought"),
    FIELD_COLUMN("deliveries_pending", FIELD_TYPE_INT, .help = "Events that are on their way to it or wait for another try"),
    FIELD_COLUMN("deliveries_failed", FIELD_TYPE_INT, .help = "Events of the last 30 days that were given up"),
    FIELD_COLUMN("status",  FIELD_TYPE_OBJECT, .fields = webhook_status_fields, .help = "How it fares"),
    FIELDS_END,
};
static const struct field query_fields[] = {
    FIELD_ENUM("state",  struct health_query, state, .values = webhook_states, .help = "Only those in this state"),
    FIELD_TEXT("tenant", struct health_query, tenant, .help = "Only those of the tenant of this name"),
    FIELDS_END,
};

/* The key of a page is "rank id", which is the order. Only what is shown is counted. */
static const struct db_stmt statement_list = {
    .name = "webhook_health",
    .sql =
        "WITH fares AS ("
        "  SELECT w.id AS webhook, t.name AS tenant, w.url, " WEBHOOK_STATUS_COLUMNS ","
        "         " WEBHOOK_STATE " AS state"
        "    FROM webhook w LEFT JOIN webhook_status s ON s.webhook_id = w.id LEFT JOIN tenant t ON t.id = w.tenant_id"
        "   WHERE $4::text IS NULL OR t.name = $4::text"
        "), ranked AS ("
        "  SELECT f.*, array_position('{disabled,failing,ok,inactive}', f.state) || ' ' || f.webhook AS page_key FROM fares f"
        "   WHERE $3::text IS NULL OR f.state = $3::text"
        "), page AS ("
        "  SELECT * FROM ranked WHERE $1::text IS NULL OR page_key > $1::text ORDER BY page_key LIMIT $2::bigint"
        ") SELECT p.*,"
        "  (SELECT count(*) FROM webhook_delivery d WHERE d.webhook_id = p.webhook AND d.state = 'pending') AS deliveries_pending,"
        "  (SELECT count(*) FROM webhook_delivery d WHERE d.webhook_id = p.webhook AND d.state = 'failed') AS deliveries_failed"
        "  FROM page p ORDER BY p.page_key",
    .params = 4,
};
// clang-format on

static const struct schema health_schema = {"WebhookHealth", health_fields, 0};
static const struct schema query_schema = {"WebhookHealthQuery", query_fields, sizeof(struct health_query)};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct health_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->state, query->tenant), reterr);
}

// clang-format off
static const struct route webhook_health_routes[] = {
    {GET, "/v1/system/webhook-health", ROLES_SYSTEM_READ, RATE_READ, .query = &query_schema, .answer = &health_schema, .is_list = true, .run = list, .summary = "How every webhook fares, the tenants' too, those that fail first"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const webhook_health_statements[] = {&statement_list, NULL};

const struct resource webhook_health_resource = {"webhooks", webhook_health_routes, webhook_health_statements,
                                                 "Events brought to an address of one's own: signed, retried, listed"};
