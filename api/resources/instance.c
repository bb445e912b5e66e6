/* Instances: what runs. A tenant sees its own; operators see all, and on which node. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

/* Those that it leaves by itself, soon. */
static const char *const passing[] = {"provisioning", "replacing", "stopping", "halting", "starting", NULL};
static const char *const states[] = {"planned",   "provisioning", "running", "stopping", "terminated", "stopped",
                                     "replacing", "failed",       "halting", "starting", NULL};

// clang-format off
#define INSTANCE_FIELDS                                                                                                                          \
    FIELD_COLUMN("id",          FIELD_TYPE_ID, .identity = IDENTITY_INSTANCE, .help = "The instance; stays when it moves to another node"),      \
    FIELD_COLUMN("reservation", FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "Of which reservation"),                                \
    FIELD_COLUMN("ordinal",     FIELD_TYPE_INT, .help = "Which instance of the reservation, from 0"),                                            \
    FIELD_COLUMN("zone",        FIELD_TYPE_TEXT, .help = "Name of its zone"),                                                                    \
    FIELD_COLUMN("state",       FIELD_TYPE_ENUM, .values = states, .help = "Where it is in its life"),                                           \
    FIELD_COLUMN("incarnation", FIELD_TYPE_INT, .help = "Rises with each node it is put on"),                                                    \
    FIELD_COLUMN("gpu_milli",   FIELD_TYPE_INT, .help = "Its size in milli-GPUs"),                                                               \
    FIELD_COLUMN("cpu_milli",   FIELD_TYPE_INT, .help = "CPU in thousandths of a core"),                                                         \
    FIELD_COLUMN("memory_mib",  FIELD_TYPE_INT, .help = "Memory in MiB"),                                                                        \
    FIELD_COLUMN("starts_at",   FIELD_TYPE_TIME, .help = "Start of its window"),                                                                 \
    FIELD_COLUMN_WITH("ends_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "End of its window; null: open-ended"),                                \
    FIELD_COLUMN_WITH("ends_by", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When it is gone because it gives way or cannot be held for the horizon; null: not in sight"), \
    FIELD_COLUMN_WITH("address", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Where to connect; null until it runs")

static const struct field instance_fields[] = {
    INSTANCE_FIELDS,
    FIELDS_END,
};

static const struct field system_instance_fields[] = {
    INSTANCE_FIELDS,
    FIELD_COLUMN("tenant",          FIELD_TYPE_TEXT, .help = "Name of its tenant"),
    FIELD_COLUMN_WITH("node",       FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_NODE, .help = "The node it is on; null: none now"),
    FIELD_COLUMN_WITH("last_error", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The last thing that went wrong; null: nothing"),
    FIELDS_END,
};
// clang-format on

static const struct schema instance_schema = {"Instance", instance_fields, 0};
static const struct schema system_instance_schema = {"SystemInstance", system_instance_fields, 0};

/* The tenant's query is the first part of the operators'. */
struct instance_query {
    const char *reservation;
    const char *state;
    const char *tenant;
    const char *node;
};

// clang-format off
#define INSTANCE_QUERY_FIELDS                                                                                                                    \
    FIELD_ID  ("reservation", struct instance_query, reservation, .identity = IDENTITY_RESERVATION, .help = "Only instances of this reservation"), \
    FIELD_ENUM("state",       struct instance_query, state, .values = states, .help = "Only instances in this state")

static const struct field instance_query_fields[] = {
    INSTANCE_QUERY_FIELDS,
    FIELDS_END,
};
static const struct field system_instance_query_fields[] = {
    INSTANCE_QUERY_FIELDS,
    FIELD_TEXT("tenant", struct instance_query, tenant, .help = "Only instances of the tenant of this name"),
    FIELD_ID  ("node",   struct instance_query, node, .identity = IDENTITY_NODE, .help = "Only instances on this node"),
    FIELDS_END,
};
// clang-format on

static const struct schema instance_query_schema = {"InstanceQuery", instance_query_fields,
                                                    sizeof(struct instance_query)};
static const struct schema system_instance_query_schema = {"SystemInstanceQuery", system_instance_query_fields,
                                                           sizeof(struct instance_query)};

#define INSTANCE_SELECT                                                                                                \
    "SELECT i.id, i.reservation_id AS reservation, i.ordinal, z.name AS zone, i.state, i.incarnation, i.gpu_milli,"    \
    " i.cpu_milli, i.memory_mib, extract(epoch FROM i.starts_at)::bigint AS starts_at,"                                \
    " extract(epoch FROM i.ends_at)::bigint AS ends_at, extract(epoch FROM i.ends_by)::bigint AS ends_by, i.address, " \
    "t.name AS tenant, i.node_id AS node, i.last_error,"                                                               \
    " i.id AS page_key, 1 AS wish_revision, i.revision AS status_revision FROM instance i JOIN zone z ON z.id = "      \
    "i.zone_id JOIN tenant t ON t.id = i.tenant_id"

/* Row-level security keeps a tenant to its own. */
// clang-format off
static const struct db_stmt statement_list = {
    .name = "instance_list",
    .sql = INSTANCE_SELECT " WHERE i.id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')"
           " AND ($3::uuid IS NULL OR i.reservation_id = $3::uuid)"
           " AND ($4::text IS NULL OR i.state = $4::text) AND ($5::text IS NULL OR t.name = $5::text)"
           " AND ($6::uuid IS NULL OR i.node_id = $6::uuid) ORDER BY i.id LIMIT $2::bigint",
    .params = 6,
};
// clang-format on

static const struct db_stmt statement_get = {
    .name = "instance_get",
    .sql = INSTANCE_SELECT " WHERE i.id = $1::uuid",
    .params = 1,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct instance_query *query = request->query;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->reservation, query->state, query->tenant, query->node), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "instance", reterr);
}

// clang-format off
static const struct route instance_routes[] = {
    {GET, "/v1/instances",             ROLES_TENANT_READ, RATE_READ, .query = &instance_query_schema, .answer = &instance_schema, .is_list = true, .run = list, .summary = "List instances"},
    {GET, "/v1/instances/{id}",        ROLES_TENANT_READ, RATE_READ, .answer = &instance_schema, .has_id = true, .id = IDENTITY_INSTANCE, .passing = passing, .run = get, .summary = "One instance"},
    {GET, "/v1/system/instances",      ROLES_SYSTEM_READ, RATE_READ, .query = &system_instance_query_schema, .answer = &system_instance_schema, .is_list = true, .run = list, .summary = "List instances of all tenants"},
    {GET, "/v1/system/instances/{id}", ROLES_SYSTEM_READ, RATE_READ, .answer = &system_instance_schema, .has_id = true, .id = IDENTITY_INSTANCE, .passing = passing, .run = get, .summary = "One instance"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const instance_statements[] = {&statement_list, &statement_get, NULL};

const struct resource instance_resource = {"instances", instance_routes, instance_statements,
                                           "What runs, or is to run, on a node for a reservation."};
