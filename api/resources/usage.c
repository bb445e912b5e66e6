/* Usage: the class of every second of every instance's window, as metered. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const classes[] = {"used", "unused", "unready", "failed", "preempted", NULL};

// clang-format off
#define USAGE_FIELDS                                                                                                              \
    FIELD_COLUMN("instance",     FIELD_TYPE_ID, .identity = IDENTITY_INSTANCE, .help = "The instance"),                           \
    FIELD_COLUMN("reservation",  FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "Its reservation"),                     \
    FIELD_COLUMN("period_start", FIELD_TYPE_TIME, .help = "Inclusive"),                                                           \
    FIELD_COLUMN("period_end",   FIELD_TYPE_TIME, .help = "Exclusive"),                                                           \
    FIELD_COLUMN("class",        FIELD_TYPE_ENUM, .values = classes, .help = "What these seconds were; used and unused are billed"), \
    FIELD_COLUMN("gpu_milli",    FIELD_TYPE_INT, .help = "The instance's size in milli-GPUs"),                                    \
    FIELD_COLUMN("seconds",      FIELD_TYPE_INT, .help = "Length of the period")

static const struct field usage_fields[] = {
    USAGE_FIELDS,
    FIELDS_END,
};
static const struct field system_usage_fields[] = {
    USAGE_FIELDS,
    FIELD_COLUMN("tenant",    FIELD_TYPE_TEXT, .help = "Name of the tenant"),
    FIELD_COLUMN_WITH("node", FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_NODE, .help = "The node that held it; null: none"),
    FIELDS_END,
};
// clang-format on

static const struct schema usage_schema = {"Usage", usage_fields, 0};
static const struct schema system_usage_schema = {"SystemUsage", system_usage_fields, 0};

struct usage_query {
    const char *reservation;
    int64_t from;
    int64_t to;
    const char *tenant;
};

// clang-format off
#define USAGE_QUERY_FIELDS                                                                                                                  \
    FIELD_ID  ("reservation", struct usage_query, reservation, .identity = IDENTITY_RESERVATION, .help = "Only usage of this reservation"), \
    FIELD_TIME("from",        struct usage_query, from, .help = "Only periods that end after this instant"),                                \
    FIELD_TIME("to",          struct usage_query, to, .from = "from", .help = "Only periods that start before this instant")

static const struct field usage_query_fields[] = {
    USAGE_QUERY_FIELDS,
    FIELDS_END,
};
static const struct field system_usage_query_fields[] = {
    USAGE_QUERY_FIELDS,
    FIELD_TEXT("tenant", struct usage_query, tenant, .help = "Only usage of the tenant of this name"),
    FIELDS_END,
};
// clang-format on

static const struct schema usage_query_schema = {"UsageQuery", usage_query_fields, sizeof(struct usage_query)};
static const struct schema system_usage_query_schema = {"SystemUsageQuery", system_usage_query_fields,
                                                        sizeof(struct usage_query)};

/* The key of a page is "start instance seq": the order, and unique. Row-level security keeps a tenant to its own. */
static const struct db_stmt statement_list = {
    .name = "usage_list",
    .sql = "SELECT u.instance_id AS instance, u.reservation_id AS reservation,"
           " extract(epoch FROM u.period_start)::bigint AS period_start,"
           " extract(epoch FROM u.period_end)::bigint AS period_end, u.class, u.gpu_milli,"
           " extract(epoch FROM u.period_end - u.period_start)::bigint AS seconds, t.name AS tenant, u.node_id AS node,"
           " concat_ws(' ', extract(epoch FROM u.period_start)::bigint, u.instance_id, u.seq) AS page_key"
           " FROM usage_interval u JOIN tenant t ON t.id = u.tenant_id"
           " WHERE ($1::text IS NULL OR (u.period_start, u.instance_id, u.seq)"
           "   > (to_timestamp(split_part($1, ' ', 1)::bigint), split_part($1, ' ', 2)::uuid, split_part($1, ' ', "
           "3)::integer))"
           " AND u.period_start >= coalesce(to_timestamp(split_part($1, ' ', 1)::bigint), '-infinity')"
           " AND ($3::uuid IS NULL OR u.reservation_id = $3::uuid)"
           " AND ($4::bigint IS NULL OR u.period_end > to_timestamp($4::bigint))"
           " AND ($5::bigint IS NULL OR u.period_start < to_timestamp($5::bigint))"
           " AND ($6::text IS NULL OR t.name = $6::text)"
           " ORDER BY u.period_start, u.instance_id, u.seq LIMIT $2::bigint",
    .params = 6,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct usage_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->reservation, request_int(request, query->from), request_int(request, query->to),
                                 query->tenant),
                       reterr);
}

// clang-format off
static const struct route usage_routes[] = {
    {GET, "/v1/usage",        ROLES_TENANT_MONEY, RATE_READ, .query = &usage_query_schema, .answer = &usage_schema, .is_list = true, .run = list, .summary = "List usage, in the order of time"},
    {GET, "/v1/system/usage", ROLES_SYSTEM_READ,  RATE_READ, .query = &system_usage_query_schema, .answer = &system_usage_schema, .is_list = true, .run = list, .summary = "List usage of all tenants, in the order of time"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const usage_statements[] = {&statement_list, NULL};

const struct resource usage_resource = {"usage", usage_routes, usage_statements,
                                        "What was delivered, as it is metered."};
