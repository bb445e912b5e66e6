/* Handlers: one that reads is a step (reading.h); a change runs on a worker's thread, in one transaction with its
 * idempotency key, its audit row and its notifications. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/refusals.h"
#include "api/server/server.h"
#include "common/hex.h"
#include "common/log.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define ATTEMPTS_MAX 3 /* a deadlock or serialization failure costs the loser one more try */

static const struct db_stmt statement_tenant = {
    .name = "execute_tenant",
    .sql = "SELECT set_config('sluice.tenant', $1, true)",
    .params = 1,
};

static const struct db_stmt statement_remember = {
    .name = "execute_remember",
    .sql = "INSERT INTO idempotency (tenant_id, principal_id, key, request_sha256, object_id)"
           " VALUES ($1::uuid, $2::uuid, $3, decode($4, 'hex'), $5::uuid) ON CONFLICT DO NOTHING RETURNING 1",
    .params = 5,
};

static const struct db_stmt statement_remembered = {
    .name = "execute_remembered",
    .sql = "SELECT object_id, request_sha256 = decode($4, 'hex') FROM idempotency"
           " WHERE tenant_id = $1::uuid AND principal_id = $2::uuid AND key = $3",
    .params = 4,
};

static const struct db_stmt statement_audit = {
    .name = "execute_audit",
    .sql = "SELECT audit_append($1::uuid, $2::uuid, $3::uuid, $4, $5, $6, $7::uuid, $8)"
           " FROM set_config('sluice.tenant', coalesce($2::text, ''), true)", /* of a refusal: no transaction set it */
    .params = 8,
};

static const struct db_stmt statement_notify = {
    .name = "execute_notify",
    .sql = "SELECT pg_notify($1, '')",
    .params = 1,
};

const struct db_stmt *const execute_statements[] = {&statement_tenant, &statement_remember, &statement_remembered,
                                                    &statement_audit,  &statement_notify,   NULL};

static const char *null_if_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static const char *object_of(const struct request *request)
{
    return request->object != NULL ? request->object : null_if_empty(request->new_id);
}

/* Method and route: "POST /v1/reservations". */
static const char *action_of(struct request_internal *internal)
{
    return arena_format(internal->request.arena, "%s %s", internal->request.method, internal->request.route->path);
}

/* What belongs into the audit: whoever may not, and every change that was refused. A preview is no change, and that the
 * server could not is no refusal. */
static bool is_refusal(const struct request *request, const struct err *err)
{
    switch ((int)err->kind) {
    case ERR_UNAUTHENTICATED:
    case ERR_FORBIDDEN:
        return true;
    case ERR_INVALID:
    case ERR_MALFORMED:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_NO_CAPACITY:
    case ERR_PRECONDITION:
    case ERR_TOO_LARGE:
        return request->route->method != GET && !request->validates_only;
    default:
        return false;
    }
}

static enum err_kind audit(struct request_internal *internal, const char *result, struct err *reterr)
{
    struct request *request = &internal->request;
    const struct caller *caller = &request->caller;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(identity_new(), id);
    const char *object = strcmp(result, "ok") == 0 || request->object != NULL ? object_of(request) : NULL;
    return db_run(request->db, &statement_audit,
                  DB_PARAMS(id, null_if_empty(caller->tenant_id), null_if_empty(caller->principal_id), request->id,
                            request->remote, action_of(internal), object, result),
                  NULL, reterr);
}

static enum err_kind notify(struct request *request, const char *channel, struct err *reterr)
{
    return db_run(request->db, &statement_notify, DB_PARAMS(channel), NULL, reterr);
}

/* ---- Idempotency ---- */

/* *ret_known becomes the object's id where this request was made before. */
static enum err_kind remember(struct request_internal *internal, const char **ret_known, struct err *reterr)
{
    struct request *request = &internal->request;
    char hash[HEX_TEXT_SIZE(SHA256_SIZE)];
    hex_print(internal->request_sha256, SHA256_SIZE, hash);
    const char *tenant = request->caller.is_tenant ? request->caller.tenant_id : NIL_UUID;
    const char *made = request->route->replay != NULL ? request->new_id : object_of(request);
    const char *const params[] = {tenant, request->caller.principal_id, internal->idempotency_key, hash, made};
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(request->db, &statement_remember, params, &result, reterr);
    if (kind != ERR_NONE) {
        bool is_locked = reterr != NULL && strcmp(reterr->sqlstate, "55P03") == 0;
        return is_locked ? err_set_code(reterr, ERR_CONFLICT, "in_flight",
                                        "the first request under this key is still running")
                         : kind;
    }
    if (PQntuples(result) > 0)
        return ERR_NONE;
    db_result_clear(&result);
    kind = db_run(request->db, &statement_remembered, params, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0) /* expired between the two: as if it had never been */
        return err_set(reterr, ERR_RETRY, "the idempotency key has just expired");
    if (!db_bool(result, 0, 1))
        return err_set_code(reterr, ERR_INVALID, "idempotency_key_reused",
                            "this idempotency key was used for another request");
    *ret_known = arena_text(request->arena, db_text(result, 0, 0));
    return ERR_NONE;
}

/* ---- One attempt ---- */

static void reset_answer(struct request_internal *internal)
{
    internal->response = (struct response){.content_type = "application/json"};
    json_out_init(&internal->response.body, internal->request.arena);
    internal->request.wakes_planner = false;
    internal->request.wakes_billing = false;
    internal->request.revokes_token = false;
    internal->request.locked = NULL;
    internal->preview = NULL;
    internal->asking = NULL;
    internal->awaiting = NULL;
}

static enum err_kind show(struct request_internal *internal, const char *object_id, struct err *reterr)
{
    struct request *request = &internal->request;
    request->object = object_id;
    route_handler *handler = request->route->replay == NULL ? request->route->run : request->route->replay;
    return handler(request, &internal->response, reterr);
}

/* A repetition: it does nothing, whatever was done since. */
static enum err_kind replay(struct request_internal *internal, const char *known, struct err *reterr)
{
    const struct route *route = internal->request.route;
    enum err_kind kind = ERR_NONE;
    internal->is_repetition = true;
    if (route->replay != NULL)
        kind = show(internal, known, reterr);
    else if (route->again != NULL)
        kind = route->again(&internal->request, &internal->response, reterr);
    else
        internal->response.status = route_status(route);
    must(route->replay != NULL || route->again != NULL || route_status(route) == 204);
    return kind;
}

/* Who asks changes nothing, nor does who validates. */
static bool is_rolled_back(const struct request_internal *internal)
{
    return internal->asking != NULL || internal->request.validates_only;
}

static enum err_kind change_within(struct request_internal *internal, struct err *reterr)
{
    struct request *request = &internal->request;
    enum err_kind kind = ERR_NONE;
    if (request->caller.is_tenant)
        kind = db_run(request->db, &statement_tenant, DB_PARAMS(request->caller.tenant_id), NULL, reterr);
    const char *known = NULL;
    if (kind == ERR_NONE && internal->idempotency_key != NULL && !request->validates_only)
        kind = remember(internal, &known, reterr);
    if (kind == ERR_NONE && known == NULL)
        kind = change_prepare(request, reterr);
    if (kind == ERR_NONE)
        kind =
            known == NULL ? request->route->run(request, &internal->response, reterr) : replay(internal, known, reterr);
    if (kind != ERR_NONE || is_rolled_back(internal))
        return kind;
    if (known == NULL)
        kind = audit(internal, "ok", reterr);
    if (kind == ERR_NONE && request->wakes_planner)
        kind = notify(request, "sluice_wish", reterr);
    if (kind == ERR_NONE && request->wakes_billing)
        kind = notify(request, "sluice_event", reterr);
    if (kind == ERR_NONE && request->revokes_token)
        kind = notify(request, "sluice_token", reterr);
    return kind;
}

/* The connection died during COMMIT: what became of it is asked before anybody is answered. */
static enum err_kind look_up(struct request_internal *internal, uint64_t transaction_id, struct err *reterr)
{
    bool committed = false;
    enum err_kind kind = db_transaction_committed(internal->request.db, transaction_id, &committed, reterr);
    if (kind != ERR_NONE)
        return err_set(reterr, ERR_UNKNOWN_OUTCOME, "the connection was lost during COMMIT");
    return committed ? ERR_NONE : err_set(reterr, ERR_UNAVAILABLE, "the connection was lost; nothing was changed");
}

static enum err_kind change_once(struct request_internal *internal, struct err *reterr)
{
    struct db *db = internal->request.db;
    reset_answer(internal);
    internal->is_repetition = false;
    enum err_kind kind = db_begin(db, reterr);
    if (kind != ERR_NONE)
        return kind;
    uint64_t transaction_id = 0;
    kind = db_transaction_id(db, &transaction_id, reterr);
    if (kind == ERR_NONE)
        kind = change_within(internal, reterr);
    if (kind != ERR_NONE || is_rolled_back(internal)) {
        db_rollback(db);
        return kind;
    }
    if (internal->awaiting != NULL)
        await_watch(internal);
    kind = db_commit(db, reterr);
    if (kind == ERR_UNKNOWN_OUTCOME)
        kind = look_up(internal, transaction_id, reterr);
    if (kind != ERR_NONE)
        await_drop(internal);
    return kind;
}

/* In a transaction of its own; one that fails is only logged. */
static void audit_apart(struct request_internal *internal, const char *result)
{
    struct err failed = {0};
    if (audit(internal, result, &failed) != ERR_NONE)
        log_error("audit_failed", &failed);
}

/* A refusal has changed nothing, so nothing holds its audit row. */
static void audit_refusal(struct request_internal *internal, const struct err *err)
{
    if (is_refusal(&internal->request, err))
        audit_apart(internal, problem_code_of(err));
}

static enum err_kind change(struct request_internal *internal, struct err *reterr)
{
    enum err_kind kind = ERR_RETRY;
    for (int attempt = 0; attempt < ATTEMPTS_MAX && kind == ERR_RETRY; attempt++)
        kind = change_once(internal, reterr);
    if (kind != ERR_NONE)
        audit_refusal(internal, reterr);
    return kind;
}

static enum err_kind run_handler(struct request_internal *internal, struct worker *worker, struct err *reterr)
{
    struct request *request = &internal->request;
    const struct route *route = request->route;
    bool as_tenant = request->caller.is_tenant && !route->without_transaction;
    request->db = as_tenant ? worker->tenant_db : worker->system_db;
    reset_answer(internal);
    if (!route->without_transaction)
        return change(internal, reterr);
    enum err_kind kind = route->run(request, &internal->response, reterr);
    if (kind != ERR_NONE)
        audit_refusal(internal, reterr);
    else if (route->method != GET && !request->validates_only)
        audit_apart(internal, "ok");
    return kind;
}

/* ---- The job ---- */

static void answer_preview(struct request_internal *internal)
{
    must(internal->awaiting == NULL); /* nothing was wished: there is no verdict to come */
    preview_finish(internal);
    answer_send(internal);
}

static void run_job(struct job *job, struct worker *worker)
{
    struct request_internal *internal = internal_of_job(job);
    if (suspension_claim(&internal->suspension)) { /* else its time was up while it waited */
        struct err err = {0};
        enum err_kind kind = run_handler(internal, worker, &err);
        if (kind != ERR_NONE)
            answer_error(internal, &err);
        else if (internal->asking != NULL)
            question_send(internal);
        else if (internal->request.validates_only)
            answer_preview(internal);
        else if (internal->awaiting != NULL)
            await_park(internal);
        else
            answer_send(internal);
    }
    internal_drop(internal);
}

/* ---- Refusals before any handler ---- */

void execute_refuse(struct request_internal *internal, const struct err *err)
{
    const struct request *request = &internal->request;
    const struct caller *caller = &request->caller;
    if (request->route == NULL || !is_refusal(request, err))
        return;
    audit_refusals_add(internal->server->refusals,
                       &(struct audit_refusal){.tenant_id = null_if_empty(caller->tenant_id),
                                               .principal_id = null_if_empty(caller->principal_id),
                                               .request_id = request->id,
                                               .remote = request->remote,
                                               .action = action_of(internal),
                                               .object_id = request->object,
                                               .result = problem_code_of(err)});
}

enum err_kind execute_submit(struct request_internal *internal, struct err *reterr)
{
    internal->job = (struct job){.run = run_job};
    internal_keep(internal);
    if (workers_submit(internal->server->workers, &internal->job))
        return ERR_NONE;
    internal_drop(internal);
    return err_set(reterr, ERR_OVERLOADED, "too many requests are waiting");
}

/* ---- Reading ---- */

enum err_kind execute_read(struct request_internal *internal, struct err *reterr)
{
    reset_answer(internal);
    enum err_kind kind = internal->request.route->run(&internal->request, &internal->response, reterr);
    if (kind == ERR_NONE)
        response_version(&internal->request, &internal->response);
    return kind;
}

static enum err_kind show_step(struct request_internal *internal, struct err *reterr)
{
    reset_answer(internal);
    return show(internal, internal->request.object, reterr);
}

static enum err_kind replay_step(struct request_internal *internal, struct err *reterr)
{
    reset_answer(internal);
    return replay(internal, internal->request.object, reterr);
}

void execute_show(struct request_internal *internal, const char *object_id, bool is_repetition)
{
    internal->request.object = arena_text(internal->request.arena, object_id);
    reading_resume(internal, is_repetition ? replay_step : show_step);
}
