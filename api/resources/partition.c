/* Partitions: how the tables that grow without bound are cut. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field partition_fields[] = {
    FIELD_COLUMN("table",          FIELD_TYPE_TEXT, .help = "The table"),
    FIELD_COLUMN("name",           FIELD_TYPE_TEXT, .help = "The partition"),
    FIELD_COLUMN("bounds",         FIELD_TYPE_TEXT, .help = "What it takes, as PostgreSQL writes it"),
    FIELD_COLUMN("is_default",     FIELD_TYPE_BOOL, .help = "Takes what no other takes: should stay empty"),
    FIELD_COLUMN("rows_estimated", FIELD_TYPE_INT, .help = "As of the last analysis; 0: none yet"),
    FIELD_COLUMN("bytes",          FIELD_TYPE_INT, .help = "With its indexes"),
    FIELDS_END,
};
// clang-format on

static const struct schema partition_schema = {"Partition", partition_fields, 0};

static const struct db_stmt statement_list = {
    .name = "partition_list",
    .sql = "SELECT p.table_name AS \"table\", c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds,"
           " pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' AS is_default,"
           " greatest(c.reltuples, 0)::bigint AS rows_estimated, pg_total_relation_size(c.oid) AS bytes,"
           " c.relname AS page_key"
           " FROM partition_policy p JOIN pg_inherits i ON i.inhparent = to_regclass('sluice.' || "
           "quote_ident(p.table_name))"
           " JOIN pg_class c ON c.oid = i.inhrelid"
           " WHERE ($1::text IS NULL OR c.relname > $1::text) ORDER BY c.relname LIMIT $2::bigint",
    .params = 2,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_NO_PARAMS, reterr);
}

// clang-format off
static const struct route partition_routes[] = {
    {GET, "/v1/system/partitions", ROLES_SYSTEM_READ, RATE_READ, .answer = &partition_schema, .is_list = true, .run = list, .summary = "The partitions of the tables that grow"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const partition_statements[] = {&statement_list, NULL};

const struct resource partition_resource = {"partitions", partition_routes, partition_statements,
                                            "The partitions of the tables that grow."};
