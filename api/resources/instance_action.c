/* What is asked of an instance: stop, start, reboot. A wish; the zone's reconciler carries it out, and says what became
 * of it. The instance keeps its place, whatever is asked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

#include <string.h>

static const char *const actions[] = {"stop", "start", "reboot", NULL};
static const char *const states[] = {"pending", "done", "refused", "failed", NULL};

struct instance_action {
    const char *action;
};

// clang-format off
static const struct field action_fields[] = {
    FIELD_COLUMN("id",               FIELD_TYPE_ID, .identity = IDENTITY_ACTION, .help = "The action"),
    FIELD_COLUMN("instance",         FIELD_TYPE_ID, .identity = IDENTITY_INSTANCE, .help = "Of which instance"),
    FIELD_COLUMN("action",           FIELD_TYPE_ENUM, .values = actions, .help = "What was asked: stop keeps its place, which is paid; reboot is down and up again"),
    FIELD_COLUMN("state",            FIELD_TYPE_ENUM, .values = states, .help = "pending until it is done; refused: it was not begun; failed: it was begun"),
    FIELD_COLUMN_WITH("reason",      FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it was refused or failed: a code; null: it was not"),
    FIELD_COLUMN("requested_at",     FIELD_TYPE_TIME, .help = "When it was asked for"),
    FIELD_COLUMN("requested_by",     FIELD_TYPE_ID, .identity = IDENTITY_PRINCIPAL, .help = "Who asked"),
    FIELD_COLUMN_WITH("finished_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When it was done, refused or failed; null: it is pending"),
    FIELDS_END,
};

static const struct field wish_fields[] = {
    FIELD_ENUM("action", struct instance_action, action, .flags = FIELD_REQUIRED, .values = actions, .example = "stop", .help = "What is asked"),
    FIELDS_END,
};
// clang-format on

static const struct schema action_schema = {"InstanceAction", action_fields, 0};
static const struct schema wish_schema = {"InstanceActionWish", wish_fields, sizeof(struct instance_action)};

// clang-format off
#define ACTION_SELECT                                                                                                  \
    "SELECT a.id, a.instance_id AS instance, a.action, coalesce(s.state, 'pending') AS state, s.reason,"              \
    " extract(epoch FROM a.requested_at)::bigint AS requested_at, a.principal_id AS requested_by,"                    \
    " extract(epoch FROM s.finished_at)::bigint AS finished_at, a.id AS page_key, 1 AS wish_revision,"                \
    " (s.action_id IS NOT NULL)::integer AS status_revision"                                                          \
    " FROM instance_action a LEFT JOIN instance_action_status s ON s.action_id = a.id"
// clang-format on

static const struct db_stmt statement_list = {
    .name = "instance_action_list",
    .sql = ACTION_SELECT " WHERE a.instance_id = $3::uuid AND ($1::uuid IS NULL OR a.id > $1::uuid)"
                         " ORDER BY a.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "instance_action_get",
    .sql = ACTION_SELECT " WHERE a.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_exists = {
    .name = "instance_action_instance_exists",
    .sql = "SELECT FROM instance i WHERE i.id = $1::uuid",
    .params = 1,
};

/* The lock is the reservation's, which sluice-api writes: one action of an instance at a time is open. */
static const struct db_stmt statement_lock = {
    .name = "instance_action_lock",
    .sql = "SELECT 1 AS wish_revision, i.state, r.id AS reservation, r.tenant_id, r.zone_id,"
           " r.cancel_requested_at IS NOT NULL AS is_cancelled, i.ends_by IS NOT NULL AS gives_way"
           " FROM instance i JOIN reservation r ON r.id = i.reservation_id WHERE i.id = $1::uuid FOR UPDATE OF r",
    .params = 1,
};
static const struct object_lock instance_lock = {.stmt = &statement_lock, .noun = "instance"};

/* No row: another one is open. A statement of its own, after the lock, for what was committed while it waited. */
static const struct db_stmt statement_ask = {
    .name = "instance_action_ask",
    .sql = "INSERT INTO instance_action (id, instance_id, reservation_id, tenant_id, zone_id, principal_id, action)"
           " SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::uuid, $7"
           "  WHERE NOT EXISTS (SELECT FROM (SELECT a.id FROM instance_action a WHERE a.instance_id = $2::uuid"
           "                                  ORDER BY a.sequence DESC LIMIT 1) newest"
           "           WHERE NOT EXISTS (SELECT FROM instance_action_status s WHERE s.action_id = newest.id))"
           " RETURNING id",
    .params = 7,
};

static const struct db_stmt *const action_statements[] = {&statement_list, &statement_get, &statement_exists,
                                                          &statement_lock, &statement_ask, NULL};

static const char *locked_text(const struct request *request, const char *column)
{
    return db_text(request->locked, 0, PQfnumber(request->locked, column));
}

static bool locked_bool(const struct request *request, const char *column)
{
    return db_bool(request->locked, 0, PQfnumber(request->locked, column));
}

static bool is_over(const char *state)
{
    return strcmp(state, "stopping") == 0 || strcmp(state, "terminated") == 0 || strcmp(state, "failed") == 0;
}

/* What the reconciler would say, too, where it can be said at once. It has the last word: time goes on. */
static enum err_kind check(const struct request *request, const char *action, struct err *reterr)
{
    const char *state = locked_text(request, "state");
    if (is_over(state) && locked_bool(request, "gives_way"))
        return err_set_code(reterr, ERR_CONFLICT, "instance_preempted", "the instance gave its place to others");
    if (is_over(state) || locked_bool(request, "is_cancelled"))
        return err_set_code(reterr, ERR_CONFLICT, "instance_ended", "the instance or its reservation is over, or ends");
    if (strcmp(state, "halting") == 0 || strcmp(state, "starting") == 0)
        return err_set_code(reterr, ERR_CONFLICT, "action_under_way", "the instance is %s", state);
    if (strcmp(action, "start") == 0 && strcmp(state, "stopped") != 0)
        return err_set_code(reterr, ERR_CONFLICT, "instance_not_stopped",
                            "only what is stopped can be started; this instance is %s", state);
    if (strcmp(action, "start") != 0 && strcmp(state, "running") != 0)
        return err_set_code(reterr, ERR_CONFLICT, "instance_not_running",
                            "only what runs can be stopped or rebooted; this instance is %s", state);
    return ERR_NONE;
}

static enum err_kind ask(struct request *request, const char *action, struct err *reterr)
{
    const char *tenant = locked_text(request, "tenant_id");
    const char *zone = locked_text(request, "zone_id");
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_ask,
                                     DB_PARAMS(request->new_id, request->object, locked_text(request, "reservation"),
                                               tenant, zone, request->caller.principal_id, action),
                                     &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "action_under_way", "another action of the instance is pending");
    request->wakes_planner = true;
    const char *event = arena_format(request->arena, "instance.%s_requested", action);
    return request_event(request, tenant, zone, "instance_wish", request->new_id, 1, event, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct instance_action *wish = request->body;
    enum err_kind kind = check(request, wish->action, reterr);
    if (kind == ERR_NONE)
        kind = ask(request, wish->action, reterr);
    return kind == ERR_NONE ? answer_object(request, response, 202, &statement_get, request->new_id, "action", reterr)
                            : kind;
}

static enum err_kind replay(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 202, &statement_get, request->object, "action", reterr);
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_exists, request->object, "instance", &found, reterr);
    return kind == ERR_NONE ? answer_page(request, response, &statement_list, DB_PARAMS(request->object), reterr)
                            : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_INSTANCE, .answer = &action_schema
#define ASKS ONE, .body = &wish_schema, .lock = &instance_lock, .status = 202, .run = create, .replay = replay, .problems = PROBLEMS("instance_ended", "instance_preempted", "instance_not_running", "instance_not_stopped", "action_under_way")
static const struct route action_routes[] = {
    {POST, "/v1/instances/{id}/actions",        ROLES_TENANT_WRITE,   RATE_WRITE, ASKS, .summary = "Stop, start or reboot an instance; it keeps its place"},
    {GET,  "/v1/instances/{id}/actions",        ROLES_TENANT_READ,    RATE_READ,  ONE, .is_list = true, .run = list, .summary = "What was asked of an instance, oldest first"},
    {POST, "/v1/system/instances/{id}/actions", ROLES_SYSTEM_OPERATE, RATE_WRITE, ASKS, .summary = "Stop, start or reboot an instance in the tenant's place; it keeps its place"},
    {GET,  "/v1/system/instances/{id}/actions", ROLES_SYSTEM_READ,    RATE_READ,  ONE, .is_list = true, .run = list, .summary = "What was asked of an instance, oldest first"},
    ROUTES_END,
};
// clang-format on

const struct resource instance_action_resource = {"instances", action_routes, action_statements, NULL};
