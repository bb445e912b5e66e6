/* The planner itself, for operators: whether its memory is what the database has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/planning.h"
#include "api/resources/registry.h"

#define VERIFY_PATIENCE 12 /* a big zone takes long to rebuild */

struct verify_query {
    const char *zone;
};
// clang-format off
static const struct field verify_query_fields[] = {
    FIELD_TEXT("zone", struct verify_query, zone, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .help = "The zone, by name"),
    FIELDS_END,
};

static const struct field side_fields[] = {
    FIELD_COLUMN("nodes",       FIELD_TYPE_INT,  .help = "Nodes it knows"),
    FIELD_COLUMN("allocations", FIELD_TYPE_INT,  .help = "Instances' places that are not over yet"),
    FIELD_COLUMN("fingerprint", FIELD_TYPE_TEXT, .help = "One number, in hexadecimal, over nodes, allocations and rectangles: equal states have equal ones"),
    FIELDS_END,
};

static const struct field verify_fields[] = {
    FIELD_COLUMN("equal",           FIELD_TYPE_BOOL,   .help = "Whether both are the same"),
    FIELD_COLUMN("memory",          FIELD_TYPE_OBJECT, .fields = side_fields, .help = "What the leader's planner has in memory"),
    FIELD_COLUMN("database",        FIELD_TYPE_OBJECT, .fields = side_fields, .help = "What a planner has that is rebuilt from the database, of the same instant"),
    FIELD_COLUMN("rebuild_ms",      FIELD_TYPE_INT,    .help = "What the rebuild took, beside the leader's work"),
    FIELD_COLUMN("compare_ms",      FIELD_TYPE_INT,    .help = "What comparing and checking every invariant took"),
    FIELDS_END,
};
// clang-format on

static const struct schema verify_query_schema = {"PlannerVerifyQuery", verify_query_fields,
                                                  sizeof(struct verify_query)};
static const struct schema verify_schema = {"PlannerVerify", verify_fields, 0};

static enum err_kind verify(struct request *request, struct response *response, struct err *reterr)
{
    (void)response; /* question_pass_on's */
    const struct verify_query *query = request->query;
    struct question *question = arena_alloc(request->arena, sizeof *question);
    *question = (struct question){.kind = "verify", .body = "{}"};
    enum err_kind kind = planning_zone(request, query->zone, "?zone", &question->zone_id, reterr);
    return kind == ERR_NONE ? request_ask(request, question, 1, VERIFY_PATIENCE, question_pass_on) : kind;
}

// clang-format off
static const struct route planner_routes[] = {
    {GET, "/v1/system/planner/verify", ROLES_SYSTEM_READ, RATE_REPORT, .query = &verify_query_schema, .answer = &verify_schema, .run = verify, .asks = true, .problems = PROBLEMS("unknown_zone"), .summary = "Compare the planner's memory with a rebuild from the database"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const planner_statements[] = {NULL};

const struct resource planner_resource = {"planner", planner_routes, planner_statements,
                                          "Checks on the planner's memory."};
