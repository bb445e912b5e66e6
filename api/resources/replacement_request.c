/* Hardware that is to be replaced. A request is opened, ordered, and ends replaced or cancelled; each step names what
 * it learned, and what was said of it can be put right until then. The books follow an asset's change of their own,
 * which the last step may name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

#include <string.h>

static const char *const states[] = {"open", "ordered", "replaced", "cancelled", NULL};

struct replacement {
    const char *id, *node, *part, *serial, *reason;
    int64_t gpu, created_at;
};

/* What a step is told. */
struct step {
    const char *reference, *new_serial, *asset_change, *cancel_reason;
};

// clang-format off
static const struct field status_fields[] = {
    FIELD_COLUMN("state",              FIELD_TYPE_ENUM, .values = states, .help = "Where it stands; replaced and cancelled are for good"),
    FIELD_COLUMN_WITH("reference",     FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The vendor's number of the return or order; null: not said"),
    FIELD_COLUMN_WITH("new_serial",    FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Serial number of what came; null: not said"),
    FIELD_COLUMN_WITH("asset_change",  FIELD_TYPE_ID, FIELD_NULLABLE, .identity = IDENTITY_ASSET_CHANGE, .help = "The change by which the part left the books; null: none"),
    FIELD_COLUMN_WITH("cancel_reason", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it was cancelled; null: it was not"),
    FIELD_COLUMN_WITH("ordered_at",    FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When it was ordered; null: it was not"),
    FIELD_COLUMN_WITH("ended_at",      FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When it was replaced or cancelled; null: neither"),
    FIELDS_END,
};

static const struct field replacement_fields[] = {
    FIELD_ID  ("id",         struct replacement, id, .identity = IDENTITY_REPLACEMENT, .flags = FIELD_READ_ONLY, .help = "The request"),
    FIELD_ID  ("node",       struct replacement, node, .identity = IDENTITY_NODE, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .help = "The node"),
    FIELD_INT ("gpu",        struct replacement, gpu, .flags = FIELD_NULLABLE | FIELD_CREATE_ONLY, .least = 0, .most = 1000, .example = "3", .help = "Number of the GPU in the node, from 0; null: it is about no GPU"),
    FIELD_TEXT("part",       struct replacement, part, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 128, .example = "H100 SXM5", .help = "What is to be replaced"),
    FIELD_TEXT("serial",     struct replacement, serial, .flags = FIELD_NULLABLE, .least = 1, .most = 128, .example = "1654922003118", .help = "Serial number of what goes; null: not said"),
    FIELD_TEXT("reason",     struct replacement, reason, .flags = FIELD_REQUIRED, .least = 1, .most = 255, .example = "XID 79 three times", .help = "Why"),
    FIELD_TIME("created_at", struct replacement, created_at, .flags = FIELD_READ_ONLY, .help = "Domain time, as all instants here"),
    FIELD_COLUMN("status",   FIELD_TYPE_OBJECT, .fields = status_fields, .help = "What became of it"),
    FIELDS_END,
};

struct replacement_query {
    const char *node, *state;
};
static const struct field query_fields[] = {
    FIELD_ID  ("node",  struct replacement_query, node, .identity = IDENTITY_NODE, .help = "Only of this node"),
    FIELD_ENUM("state", struct replacement_query, state, .values = states, .help = "Only those in this state"),
    FIELDS_END,
};

static const struct field order_fields[] = {
    FIELD_TEXT("reference", struct step, reference, .flags = FIELD_NULLABLE, .least = 1, .most = 128, .example = "RMA-20771", .help = "The vendor's number of the return or order"),
    FIELDS_END,
};
static const struct field complete_fields[] = {
    FIELD_TEXT("new_serial",   struct step, new_serial, .flags = FIELD_NULLABLE, .least = 1, .most = 128, .example = "1654922007741", .help = "Serial number of what came"),
    FIELD_ID  ("asset_change", struct step, asset_change, .identity = IDENTITY_ASSET_CHANGE, .flags = FIELD_NULLABLE, .help = "The change (replace_part) of an asset of the node by which the part left the books"),
    FIELDS_END,
};
static const struct field cancel_fields[] = {
    FIELD_TEXT("reason", struct step, cancel_reason, .flags = FIELD_REQUIRED, .least = 1, .most = 255, .example = "a reset mended it", .help = "Why"),
    FIELDS_END,
};
// clang-format on

static const struct schema replacement_schema = {"ReplacementRequest", replacement_fields, sizeof(struct replacement)};
static const struct schema query_schema = {"ReplacementRequestQuery", query_fields, sizeof(struct replacement_query)};
static const struct schema order_schema = {"ReplacementOrder", order_fields, sizeof(struct step)};
static const struct schema complete_schema = {"ReplacementCompletion", complete_fields, sizeof(struct step)};
static const struct schema cancel_schema = {"ReplacementCancellation", cancel_fields, sizeof(struct step)};

#define EPOCH(column) "extract(epoch FROM " column ")::bigint"
// clang-format off
#define REPLACEMENT_SELECT                                                                                             \
    "SELECT r.id, r.node_id AS node, r.gpu, r.part, r.serial, r.reason, " EPOCH("r.created_at") " AS created_at,"      \
    " r.state AS \"status.state\", r.reference AS \"status.reference\", r.new_serial AS \"status.new_serial\","        \
    " r.asset_change_id AS \"status.asset_change\", r.cancel_reason AS \"status.cancel_reason\","                      \
    " " EPOCH("r.ordered_at") " AS \"status.ordered_at\", " EPOCH("r.ended_at") " AS \"status.ended_at\","             \
    " r.revision AS wish_revision, r.id AS page_key FROM replacement_request r"
// clang-format on

static const struct db_stmt statement_list = {
    .name = "replacement_list",
    .sql =
        REPLACEMENT_SELECT " WHERE ($1::uuid IS NULL OR r.id > $1::uuid) AND ($3::uuid IS NULL OR r.node_id = $3::uuid)"
                           " AND ($4::text IS NULL OR r.state = $4::text) ORDER BY r.id LIMIT $2::bigint",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "replacement_get",
    .sql = REPLACEMENT_SELECT " WHERE r.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "replacement_lock",
    .sql = "SELECT r.revision AS wish_revision, r.state, r.node_id, n.zone_id FROM replacement_request r"
           " JOIN node n ON n.id = r.node_id WHERE r.id = $1::uuid FOR UPDATE OF r",
    .params = 1,
};
static const struct object_lock replacement_lock = {
    .stmt = &statement_lock, .noun = "replacement request", .read = &statement_get};

static const struct db_stmt statement_replace = {
    .name = "replacement_replace",
    .sql = "UPDATE replacement_request SET serial = $2, reason = $3, revision = revision + 1 WHERE id = $1::uuid"
           " RETURNING revision",
    .params = 3,
};

static const struct db_stmt statement_node = {
    .name = "replacement_node",
    .sql = "SELECT zone_id, coalesce($2::integer, 0) < gpu_count FROM node WHERE id = $1::uuid AND retired_at IS NULL",
    .params = 2,
};

/* No row: one for the same part is not over. */
static const struct db_stmt statement_create = {
    .name = "replacement_create",
    .sql =
        "INSERT INTO replacement_request (id, node_id, gpu, part, serial, reason, created_by)"
        " VALUES ($1::uuid, $2::uuid, $3::integer, $4, $5, $6, $7::uuid)"
        " ON CONFLICT (node_id, coalesce(gpu, -1), part) WHERE state IN ('open', 'ordered') DO NOTHING RETURNING revision",
    .params = 7,
};

static const struct db_stmt statement_step = {
    .name = "replacement_step",
    .sql = "UPDATE replacement_request SET state = $2, reference = coalesce($3, reference), new_serial = $4,"
           "  asset_change_id = $5::uuid, cancel_reason = $6, revision = revision + 1,"
           "  ordered_at = CASE WHEN $2 = 'ordered' THEN sluice_now() ELSE ordered_at END,"
           "  ended_at = CASE WHEN $2 <> 'ordered' THEN sluice_now() END"
           " WHERE id = $1::uuid RETURNING revision",
    .params = 6,
};

/* A row where the change replaces a part of what is in the node. */
static const struct db_stmt statement_asset_change = {
    .name = "replacement_asset_change",
    .sql = "SELECT FROM asset_change c JOIN asset a ON a.id = c.asset_id LEFT JOIN asset w ON w.id = a.component_of"
           " WHERE c.id = $1::uuid AND c.kind = 'replace_part' AND coalesce(a.node_id, w.node_id) = $2::uuid",
    .params = 2,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct replacement_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->node, query->state), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "replacement request", reterr);
}

static enum err_kind check_node(struct request *request, const char **ret_zone_id, struct err *reterr)
{
    const struct replacement *wish = request->body;
    const PGresult *node = NULL;
    enum err_kind kind =
        request_run(request, &statement_node, DB_PARAMS(wish->node, request_int(request, wish->gpu)), &node, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(node) == 0)
        field_problem_add(&request->problems, "/node", "unknown_node", "there is no such node");
    else if (!db_bool(node, 0, 1))
        field_problem_add(&request->problems, "/gpu", "out_of_range", "the node has fewer GPUs");
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    *ret_zone_id = db_text(node, 0, 0);
    return ERR_NONE;
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct replacement *wish = request->body;
    const PGresult *made = NULL;
    const char *zone_id = NULL;
    enum err_kind kind = check_node(request, &zone_id, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_create,
                           DB_PARAMS(request->new_id, wish->node, request_int(request, wish->gpu), wish->part,
                                     wish->serial, wish->reason, request->caller.principal_id),
                           &made, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(made) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "replacement_asked_for",
                            "the replacement of that part of the node is asked for already");
    kind = answer_object(request, response, 201, &statement_get, request->new_id, "replacement request", reterr);
    return kind == ERR_NONE ? request_event(request, NULL, zone_id, "replacement_request", request->new_id, 1,
                                            "replacement_request.opened", reterr)
                            : kind;
}

static const char *locked(const struct request *request, const char *column)
{
    return db_text(request->locked, 0, PQfnumber(request->locked, column));
}

static enum err_kind check_open(const struct request *request, struct err *reterr)
{
    const char *now = locked(request, "state");
    if (strcmp(now, "open") == 0 || strcmp(now, "ordered") == 0)
        return ERR_NONE;
    return err_set_code(reterr, ERR_CONFLICT, "replacement_is_over", "the request is %s", now);
}

static enum err_kind tell(struct request *request, const PGresult *changed, const char *event, struct err *reterr)
{
    return request_event(request, NULL, locked(request, "zone_id"), "replacement_request", request->object,
                         db_int(changed, 0, 0, 0), event, reterr);
}

/* What is to be replaced stays: another part is another request. */
static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct replacement *wish = request->body;
    const PGresult *changed = NULL;
    if (request->body_present == 0)
        return get(request, response, reterr);
    enum err_kind kind = check_open(request, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_replace, DB_PARAMS(request->object, wish->serial, wish->reason),
                           &changed, reterr);
    if (kind == ERR_NONE)
        kind = tell(request, changed, "replacement_request.changed", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

/* To a state that a request may reach from those that are not over. Where it is so already nothing changes. */
static enum err_kind advance(struct request *request, struct response *response, const char *state, const char *event,
                             struct err *reterr)
{
    const struct step *step = request->body;
    if (strcmp(locked(request, "state"), state) == 0)
        return get(request, response, reterr);
    const PGresult *changed = NULL;
    enum err_kind kind = check_open(request, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_step,
                           DB_PARAMS(request->object, state, step->reference, step->new_serial, step->asset_change,
                                     step->cancel_reason),
                           &changed, reterr);
    if (kind == ERR_NONE)
        kind = tell(request, changed, event, reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

static enum err_kind order(struct request *request, struct response *response, struct err *reterr)
{
    return advance(request, response, "ordered", "replacement_request.ordered", reterr);
}

static enum err_kind complete(struct request *request, struct response *response, struct err *reterr)
{
    const struct step *step = request->body;
    const PGresult *found = NULL;
    enum err_kind kind = ERR_NONE;
    if (step->asset_change != NULL)
        kind = request_run(request, &statement_asset_change, DB_PARAMS(step->asset_change, locked(request, "node_id")),
                           &found, reterr);
    if (kind == ERR_NONE && found != NULL && PQntuples(found) == 0) {
        field_problem_add(&request->problems, "/asset_change", "out_of_range",
                          "must replace a part of an asset of the node");
        return request_invalid(request, reterr);
    }
    return kind == ERR_NONE ? advance(request, response, "replaced", "replacement_request.replaced", reterr) : kind;
}

static enum err_kind cancel(struct request *request, struct response *response, struct err *reterr)
{
    return advance(request, response, "cancelled", "replacement_request.cancelled", reterr);
}

// clang-format off
#define ONE .answer = &replacement_schema, .has_id = true, .id = IDENTITY_REPLACEMENT
#define CHANGE ONE, .lock = &replacement_lock, .problems = PROBLEMS("replacement_is_over")
#define STEP CHANGE, .status = 200, .again = get
static const struct route replacement_routes[] = {
    {GET,  "/v1/system/replacement-requests",               ROLES_SYSTEM_READ,    RATE_READ,  .query = &query_schema, .answer = &replacement_schema, .is_list = true, .run = list, .summary = "List what is to be replaced, and what was"},
    {GET,  "/v1/system/replacement-requests/{id}",          ROLES_SYSTEM_READ,    RATE_READ,  ONE, .run = get, .summary = "One replacement request"},
    {POST, "/v1/system/replacement-requests",               ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &replacement_schema, .answer = &replacement_schema, .run = create, .replay = get, .problems = PROBLEMS("unknown_node", "replacement_asked_for"), .summary = "Ask for the replacement of a part of a node"},
    {PUT,  "/v1/system/replacement-requests/{id}",          ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &replacement_schema, CHANGE, .run = replace, .summary = "Change a replacement request: all of it"},
    {PATCH, "/v1/system/replacement-requests/{id}",         ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &replacement_schema, CHANGE, .run = replace, .summary = "Change a replacement request: what is given"},
    {POST, "/v1/system/replacement-requests/{id}/order",    ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &order_schema, STEP, .run = order, .summary = "Note that the new part is ordered"},
    {POST, "/v1/system/replacement-requests/{id}/complete", ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &complete_schema, STEP, .run = complete, .summary = "Note that the part is replaced"},
    {POST, "/v1/system/replacement-requests/{id}/cancel",   ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &cancel_schema, STEP, .run = cancel, .summary = "Take a replacement request back"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const replacement_statements[] = {
    &statement_list, &statement_get,          &statement_lock,
    &statement_node, &statement_create,       &statement_replace,
    &statement_step, &statement_asset_change, NULL};

const struct resource replacement_resource = {"replacement-requests", replacement_routes, replacement_statements,
                                              "Hardware that is to be replaced."};
