/* Who leads what, for operators who look after the system. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field leader_fields[] = {
    FIELD_COLUMN("name",       FIELD_TYPE_TEXT, .help = "What is led: zone:<uuid>, billing, housekeeping"),
    FIELD_COLUMN("holder",     FIELD_TYPE_TEXT, .help = "The process that leads: host, process id, random"),
    FIELD_COLUMN("epoch",      FIELD_TYPE_INT, .help = "Rises with each takeover"),
    FIELD_COLUMN_WITH("led_since", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Real time since which it leads; null: since before this was kept"),
    FIELD_COLUMN("renewed_at", FIELD_TYPE_TIME, .help = "Real time of the last renewal"),
    FIELD_COLUMN("expires_at", FIELD_TYPE_TIME, .help = "Real time after which another may take over"),
    FIELD_COLUMN("is_current", FIELD_TYPE_BOOL, .help = "Whether the lease still runs"),
    FIELDS_END,
};
// clang-format on

static const struct schema leader_schema = {"Leader", leader_fields, 0};

static const struct db_stmt statement_list = {
    .name = "leader_list",
    .sql = "SELECT name, holder, epoch, extract(epoch FROM led_since)::bigint AS led_since,"
           " extract(epoch FROM renewed_at)::bigint AS renewed_at,"
           " extract(epoch FROM expires_at)::bigint AS expires_at, expires_at > clock_timestamp() AS is_current,"
           " name AS page_key FROM leader_lease WHERE ($1::text IS NULL OR name > $1::text)"
           " ORDER BY name LIMIT $2::bigint",
    .params = 2,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_NO_PARAMS, reterr);
}

// clang-format off
static const struct route leader_routes[] = {
    {GET, "/v1/system/leaders", ROLES_SYSTEM_READ, RATE_READ, .answer = &leader_schema, .is_list = true, .run = list, .summary = "Who leads what"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const leader_statements[] = {&statement_list, NULL};

const struct resource leader_resource = {"leaders", leader_routes, leader_statements,
                                         "Which process leads which part of the work."};
