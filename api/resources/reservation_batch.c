/* Creating reservations: many in one transaction, each with an outcome of its own, and the wait for the verdict.
 *
 * A request is answered by whoever claims its suspension first: the batcher (refused, or not to wait), the follower
 * (the verdict is there), or the timer (the wait is over: 202). Each holds a reference while it knows the request. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation.h"
#include "api/server/follower.h"
#include "api/server/server.h"
#include "common/clock.h"
#include "common/hex.h"
#include "common/log.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define TENANT_SLOTS 1024U /* a power of two; tenants that share one share its limit */

struct outcome {
    const char *text; /* as admission_create() says it */
    enum err_kind kind;
    const char *detail;
};

enum { OUTCOME_CREATED, OUTCOME_REPLAYED, OUTCOME_KEY_REUSED };
static const struct outcome outcomes[] = {
    [OUTCOME_CREATED] = {"created", ERR_NONE, NULL},
    [OUTCOME_REPLAYED] = {"replayed", ERR_NONE, NULL},
    [OUTCOME_KEY_REUSED] = {"idempotency_key_reused", ERR_INVALID, "this idempotency key was used for another request"},
    {"tenant_suspended", ERR_FORBIDDEN, "the tenant is suspended"},
    {"unknown_zone", ERR_INVALID, "/zone: there is no zone of this name"},
    {"unknown_instance_type", ERR_INVALID, "/instance_type: there is no instance type of this name"},
    {"unknown_gpu_model", ERR_INVALID, "/shape/gpu_models: the zone has no GPU of this model"},
    {"shape_not_allowed", ERR_FORBIDDEN, "/shape: this tenant may not give one; name an instance type"},
    {"window_in_past", ERR_INVALID, "/starts_at: the window lies in the past"},
    {"window_reversed", ERR_INVALID, "/ends_at: the window must end after it begins"},
    {"name_taken", ERR_CONFLICT, "/name: another reservation of this tenant has this name"},
};

struct admission {
    struct batch_item item; /* first */
    struct waiter waiter;
    struct reservation *wish;
    char id[UUID_TEXT_SIZE]; /* made beforehand */
    char audit_id[UUID_TEXT_SIZE];
    char object[UUID_TEXT_SIZE]; /* what answers: id, or on a replay the first one's */
    const struct outcome *outcome;
    int64_t wait_ms; /* 0: answer at once */
    atomic_bool is_committed;
    bool counts; /* against the limits on waiting */
};

static _Atomic int64_t waiting_of_tenants[TENANT_SLOTS];
static _Atomic int64_t waiting;

static struct admission *of_item(struct batch_item *item)
{
    return (struct admission *)(void *)item;
}

static struct admission *of_waiter(struct waiter *waiter)
{
    return (struct admission *)(void *)((char *)waiter - offsetof(struct admission, waiter));
}

/* ---- Limits on waiting ---- */

static _Atomic int64_t *slot_of(const struct request_internal *internal)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (const char *next = internal->request.caller.tenant_id; *next != '\0'; next++)
        hash = (hash ^ (uint8_t)*next) * 16777619U;
    return &waiting_of_tenants[hash & (TENANT_SLOTS - 1)];
}

static void release(struct request_internal *internal)
{
    struct admission *admission = internal->own;
    if (!admission->counts)
        return;
    (void)atomic_fetch_sub(&waiting, 1);
    (void)atomic_fetch_sub(slot_of(internal), 1);
}

static int64_t wait_of(struct request_internal *internal, struct admission *admission)
{
    const struct api_settings *settings = internal->server->settings;
    int64_t wait_ms = internal->prefer.wait_ms >= 0 ? internal->prefer.wait_ms : settings->verdict_wait_ms;
    if (internal->prefer.respond_async || wait_ms == 0)
        return 0;
    bool fits = atomic_fetch_add(&waiting, 1) < settings->suspended_max;
    bool fits_tenant = atomic_fetch_add(slot_of(internal), 1) < settings->suspended_per_tenant_max;
    admission->counts = true;
    return fits && fits_tenant ? wait_ms : 0;
}

/* ---- Answers ---- */

static void answer_object(struct admission *admission, int status)
{
    struct request_internal *internal = admission->item.internal;
    struct request *request = &internal->request;
    char id[IDENTITY_TEXT_SIZE];
    identity_text_of_uuid(IDENTITY_RESERVATION, admission->object, id);
    response_header(&internal->response, "Location", arena_format(request->arena, "/v1/reservations/%s", id));
    response_struct(&internal->response, status, reservation_fields, admission->wish);
    answer_send(internal);
}

/* From the listener's copy of the request: the wish as it was sent, still without a verdict. */
static void answer_pending(struct admission *admission)
{
    answer_object(admission, 202);
}

static void answer_refused(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    struct err err = {0};
    (void)reservation_refusal(&internal->request, admission->object, &admission->wish->status, &err);
    answer_error(internal, &err);
}

/* ---- Repetitions: answered from the object, on a worker's thread ---- */

static struct request_internal *of_job(struct job *job)
{
    return (struct request_internal *)(void *)((char *)job - offsetof(struct request_internal, job));
}

static void run_replay(struct job *job, struct worker *worker)
{
    struct request_internal *internal = of_job(job);
    const struct admission *admission = internal->own;
    execute_replay(internal, worker, admission->object);
    internal_drop(internal);
}

/* The caller has the claim. */
static void submit_replay(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    internal->job = (struct job){.run = run_replay};
    internal_keep(internal);
    if (workers_submit(internal->server->workers, &internal->job))
        return;
    struct err err = {0};
    (void)err_set(&err, ERR_OVERLOADED, "too many requests are waiting");
    answer_error(internal, &err);
    internal_drop(internal);
}

static const struct db_stmt statement_decided = {
    .name = "reservation_decided",
    .sql = "SELECT state <> 'waitlisted' FROM reservation_status WHERE reservation_id = $1::uuid",
    .params = 1,
};

const struct db_stmt *const reservation_decided_statements[] = {&statement_decided, NULL};

/* A repetition of something that may still be pending: it has joined the wait already, so a verdict that comes
 * between is not missed; one that came before is found here. */
static void run_peek(struct job *job, struct worker *worker)
{
    struct request_internal *internal = of_job(job);
    struct admission *admission = internal->own;
    struct err err = {0};
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(worker->system_db, &statement_decided, DB_PARAMS(admission->object), &result, &err);
    bool is_settled = kind != ERR_NONE || PQntuples(result) > 0;
    if (!is_settled)
        atomic_store(&internal->suspension.deadline_ms, clock_monotonic_ms() + admission->wait_ms);
    else if (suspension_claim(&internal->suspension)) {
        if (follower_unwatch(internal->server->follower, &admission->waiter))
            internal_drop(internal);
        execute_replay(internal, worker, admission->object);
    }
    internal_drop(internal);
}

static void join_wait(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    internal_keep(internal); /* the waiter's */
    internal_keep(internal); /* the job's */
    follower_watch(internal->server->follower, &admission->waiter);
    internal->job = (struct job){.run = run_peek};
    if (workers_submit(internal->server->workers, &internal->job))
        return;
    atomic_store(&internal->suspension.deadline_ms, clock_monotonic_ms() + admission->wait_ms); /* joins unseen */
    internal_drop(internal);
}

/* A batch that is tried again begins anew: what the attempt before registered is for an id that may change. */
static void unwatch(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    if (follower_unwatch(internal->server->follower, &admission->waiter))
        internal_drop(internal); /* not the last: the batcher has one */
}

/* ---- The three who answer ---- */

static void read_verdict(struct admission *admission, const PGresult *result, int row)
{
    struct arena *arena = admission->item.internal->request.arena;
    const char *reason = db_text(result, row, VERDICT_REASON);
    const char *binding = db_text(result, row, VERDICT_BINDING);
    const char *alternatives = db_text(result, row, VERDICT_ALTERNATIVES);
    admission->wish->status = (struct reservation_verdict){
        .state = arena_text(arena, db_text(result, row, VERDICT_STATE)),
        .health = arena_text(arena, db_text(result, row, VERDICT_HEALTH)),
        .reason = reason == NULL ? NULL : arena_text(arena, reason),
        .starts_at = db_int(result, row, VERDICT_STARTS_AT, FIELD_NULL),
        .ends_at = db_int(result, row, VERDICT_ENDS_AT, FIELD_NULL),
        .decided_at = db_int(result, row, VERDICT_DECIDED_AT, FIELD_NULL),
        .delivered_count = db_int(result, row, VERDICT_DELIVERED_COUNT, 0),
        .binding = binding == NULL ? NULL : arena_text(arena, binding),
        .alternatives = alternatives == NULL ? NULL : arena_text(arena, alternatives),
    };
}

static void answer_verdict(struct admission *admission)
{
    const char *state = admission->wish->status.state;
    bool is_refused =
        strcmp(state, "rejected") == 0 || strcmp(state, "expired") == 0 || strcmp(state, "cancelled") == 0;
    if (is_refused)
        answer_refused(admission);
    else
        answer_object(admission, strcmp(state, "waitlisted") == 0 ? 202 : 201);
}

/* The follower: the verdict is there. Its reference goes. */
static void decided(struct waiter *waiter, const PGresult *result, int row)
{
    struct admission *admission = of_waiter(waiter);
    struct request_internal *internal = admission->item.internal;
    if (suspension_claim(&internal->suspension)) {
        if (admission->outcome == &outcomes[OUTCOME_REPLAYED]) {
            submit_replay(admission);
        } else {
            read_verdict(admission, result, row);
            answer_verdict(admission);
        }
    }
    internal_drop(internal);
}

/* The timer, with the claim: the wait is over, or the server stops. */
static void expire(struct suspension *suspension, bool is_shutdown)
{
    struct request_internal *internal =
        (struct request_internal *)(void *)((char *)suspension - offsetof(struct request_internal, suspension));
    struct admission *admission = internal->own;
    bool is_committed = atomic_load(&admission->is_committed);
    bool was_watching = is_committed && follower_unwatch(internal->server->follower, &admission->waiter);
    if (!is_committed) {
        struct err err = {0};
        (void)err_set(&err, ERR_UNKNOWN_OUTCOME,
                      is_shutdown ? "the server stops before the commit was answered"
                                  : "the commit was not answered in time");
        answer_error(internal, &err);
    } else if (admission->outcome == &outcomes[OUTCOME_REPLAYED] && !is_shutdown) {
        submit_replay(admission);
    } else {
        answer_pending(admission);
    }
    if (was_watching)
        internal_drop(internal);
}

/* The batcher: committed. */
static void committed(struct batch_item *item)
{
    struct admission *admission = of_item(item);
    struct request_internal *internal = item->internal;
    const struct outcome *outcome = admission->outcome;
    atomic_store(&admission->is_committed, true);
    if (outcome == &outcomes[OUTCOME_CREATED] && admission->wait_ms > 0) {
        atomic_store(&internal->suspension.deadline_ms, clock_monotonic_ms() + admission->wait_ms);
    } else if (outcome == &outcomes[OUTCOME_REPLAYED] && admission->wait_ms > 0) {
        join_wait(admission);
    } else if (!suspension_claim(&internal->suspension)) {
        return; /* its time was up */
    } else if (outcome == &outcomes[OUTCOME_CREATED]) {
        answer_pending(admission);
    } else if (outcome == &outcomes[OUTCOME_REPLAYED]) {
        submit_replay(admission);
    } else {
        struct err err = {0};
        (void)err_set_code(&err, outcome->kind, outcome->text, "%s", outcome->detail);
        answer_error(internal, &err);
    }
}

/* The batcher: nothing was committed. */
static void failed(struct batch_item *item, const struct err *err)
{
    struct request_internal *internal = item->internal;
    struct admission *admission = of_item(item);
    unwatch(admission);
    if (suspension_claim(&internal->suspension))
        answer_error(internal, err);
}

/* ---- Making the item ---- */

static void check_shape(struct request *request, struct reservation *wish)
{
    bool has_shape = FIELD_PRESENT(request->body_present, RESERVATION_FIELD_SHAPE);
    const struct reservation_shape *shape = &wish->shape;
    if (has_shape == (wish->instance_type != NULL))
        field_problem_add(&request->problems, "/instance_type", has_shape ? "out_of_range" : "missing_field",
                          "give either instance_type or shape");
    if (has_shape && (shape->gpus == FIELD_NULL) == (shape->gpu_milli == FIELD_NULL))
        field_problem_add(&request->problems, "/shape/gpus", "missing_field", "give either gpus or gpu_milli");
    if (!has_shape)
        wish->shape = (struct reservation_shape){.gpus = FIELD_NULL, .gpu_milli = FIELD_NULL};
}

static enum err_kind prepare(struct request_internal *internal, struct batch_item **ret, struct err *reterr)
{
    struct request *request = &internal->request;
    struct reservation *wish = request->body;
    check_shape(request, wish);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    struct admission *admission = arena_alloc(request->arena, sizeof *admission);
    admission->item.internal = internal;
    admission->wish = wish;
    admission->waiter.decided = decided;
    memcpy(admission->id, request->new_id, sizeof admission->id);
    memcpy(admission->object, request->new_id, sizeof admission->object);
    identity_to_uuid(identity_new(), admission->audit_id);
    wish->id = admission->id;
    wish->cancel_requested_at = FIELD_NULL;
    wish->status = (struct reservation_verdict){
        .state = "pending", .health = "ok", .starts_at = FIELD_NULL, .ends_at = FIELD_NULL, .decided_at = FIELD_NULL};
    internal->own = admission;
    internal->expire = expire;
    internal->release = release;
    admission->wait_ms = wait_of(internal, admission);
    *ret = &admission->item;
    return ERR_NONE;
}

/* ---- The statement ---- */

/* The columns of the batch, in the order of admission_create()'s parameters. */
enum column {
    COLUMN_ID,
    COLUMN_TENANT,
    COLUMN_PRINCIPAL,
    COLUMN_KEY,
    COLUMN_HASH,
    COLUMN_NAME,
    COLUMN_PROJECT,
    COLUMN_ZONE,
    COLUMN_TYPE,
    COLUMN_GPU_COUNT,
    COLUMN_GPU_MILLI,
    COLUMN_MODELS,
    COLUMN_CPU,
    COLUMN_MEMORY,
    COLUMN_COUNT,
    COLUMN_STARTS,
    COLUMN_ENDS,
    COLUMN_WITHIN,
    COLUMN_REQUIRED,
    COLUMN_TIER,
    COLUMN_UNAVAILABLE,
    COLUMN_LABELS,
    COLUMN_IMAGE,
    COLUMN_AUDIT,
    COLUMN_REQUEST,
    COLUMN_REMOTE,
    COLUMNS
};

static const struct db_stmt statement_admit = {
    .name = "admission_create",
    .sql = "WITH batch AS MATERIALIZED (SELECT pg_current_xact_id()::text AS xid, pg_notify('sluice_wish', ''))"
           " SELECT ordinal, outcome, object_id, created_at_s, batch.xid FROM batch, admission_create($1::uuid[],"
           " $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::text[], $9::text[],"
           " $10::integer[], $11::integer[], $12::text[], $13::bigint[], $14::bigint[], $15::integer[], $16::bigint[],"
           " $17::bigint[], $18::text[], $19::boolean[], $20::text[], $21::text[], $22::jsonb[], $23::text[],"
           " $24::uuid[], $25::text[], $26::text[])",
    .params = COLUMNS,
};

const struct db_stmt *const reservation_batch_statements[] = {&statement_admit, NULL};

static void add_int(struct db_array *array, int64_t value)
{
    if (value == FIELD_NULL)
        db_array_text(array, NULL);
    else
        db_array_int(array, value);
}

#define HASH_PARAM_SIZE (2 + HEX_TEXT_SIZE(SHA256_SIZE))

/* bytea as PostgreSQL reads it. */
static const char *hash_param(const struct request_internal *internal, char ret[static HASH_PARAM_SIZE])
{
    if (internal->idempotency_key == NULL)
        return NULL;
    ret[0] = '\\';
    ret[1] = 'x';
    hex_print(internal->request_sha256, SHA256_SIZE, ret + 2);
    return ret;
}

static void add_shape(struct db_array *columns, const struct reservation *wish)
{
    const struct reservation_shape *shape = &wish->shape;
    bool has_type = wish->instance_type != NULL;
    add_int(&columns[COLUMN_GPU_COUNT], has_type ? FIELD_NULL : shape->gpus == FIELD_NULL ? 0 : shape->gpus);
    add_int(&columns[COLUMN_GPU_MILLI], has_type ? FIELD_NULL : shape->gpu_milli == FIELD_NULL ? 0 : shape->gpu_milli);
    db_array_text(&columns[COLUMN_MODELS], has_type ? NULL : shape->gpu_models.array);
    add_int(&columns[COLUMN_CPU], has_type ? FIELD_NULL : shape->cpu_milli);
    add_int(&columns[COLUMN_MEMORY], has_type ? FIELD_NULL : shape->memory_mib);
}

static void add_row(struct db_array *columns, const struct admission *admission)
{
    const struct request_internal *internal = admission->item.internal;
    const struct request *request = &internal->request;
    const struct reservation *wish = admission->wish;
    char hash[HASH_PARAM_SIZE];
    db_array_text(&columns[COLUMN_ID], admission->id);
    db_array_text(&columns[COLUMN_TENANT], request->caller.tenant_id);
    db_array_text(&columns[COLUMN_PRINCIPAL], request->caller.principal_id);
    db_array_text(&columns[COLUMN_KEY], internal->idempotency_key);
    db_array_text(&columns[COLUMN_HASH], hash_param(internal, hash));
    db_array_text(&columns[COLUMN_NAME], wish->name);
    db_array_text(&columns[COLUMN_PROJECT], wish->project);
    db_array_text(&columns[COLUMN_ZONE], wish->zone);
    db_array_text(&columns[COLUMN_TYPE], wish->instance_type);
    add_shape(columns, wish);
    add_int(&columns[COLUMN_COUNT], wish->count);
    add_int(&columns[COLUMN_STARTS], wish->starts_at);
    add_int(&columns[COLUMN_ENDS], wish->ends_at);
    db_array_text(&columns[COLUMN_WITHIN], wish->placement.within);
    db_array_bool(&columns[COLUMN_REQUIRED], strcmp(wish->placement.mode, "required") == 0);
    db_array_text(&columns[COLUMN_TIER], wish->tier);
    db_array_text(&columns[COLUMN_UNAVAILABLE], wish->if_unavailable);
    db_array_text(&columns[COLUMN_LABELS], wish->labels);
    db_array_text(&columns[COLUMN_IMAGE], wish->image);
    db_array_text(&columns[COLUMN_AUDIT], admission->audit_id);
    db_array_text(&columns[COLUMN_REQUEST], request->id);
    db_array_text(&columns[COLUMN_REMOTE], request->remote);
}

static const struct outcome *outcome_of(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
        if (strcmp(outcomes[i].text, text) == 0)
            return &outcomes[i];
    }
    must_failed("the outcome is one of the table", __FILE__, __LINE__, __func__);
}

static void set_outcome(struct admission *admission, const struct outcome *outcome, const char *object,
                        int64_t created_at)
{
    admission->outcome = outcome;
    admission->wish->created_at = created_at;
    if (object != NULL)
        (void)snprintf(admission->object, sizeof admission->object, "%s", object); /* a UUID */
    struct err err = {0};
    must(identity_from_uuid(admission->object, &admission->waiter.reservation_id, &err) == ERR_NONE);
}

/* Those merged to the first of their key: its repetitions, or misuses of the key. */
static void set_merged(struct admission *first)
{
    bool exists = first->outcome == &outcomes[OUTCOME_CREATED] || first->outcome == &outcomes[OUTCOME_REPLAYED];
    for (struct batch_item *item = first->item.merged; item != NULL; item = item->merged) {
        bool is_same = memcmp(item->internal->request_sha256, first->item.internal->request_sha256, SHA256_SIZE) == 0;
        const struct outcome *outcome = !is_same ? &outcomes[OUTCOME_KEY_REUSED]
                                        : exists ? &outcomes[OUTCOME_REPLAYED]
                                                 : first->outcome;
        set_outcome(of_item(item), outcome, first->object, first->wish->created_at);
    }
}

/* Before COMMIT, so that no verdict can come earlier than its waiter. */
static void watch(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    bool waits = admission->outcome == &outcomes[OUTCOME_CREATED] && admission->wait_ms > 0;
    if (!waits)
        return;
    internal_keep(internal);
    follower_watch(internal->server->follower, &admission->waiter);
}

static void clear_columns(struct db_array (*columns)[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++)
        db_array_clear(&(*columns)[i]);
}

static enum err_kind admit(struct db *db, struct batch_item *const *items, size_t count, uint64_t *ret_transaction_id,
                           struct err *reterr)
{
    CLEANUP(clear_columns) struct db_array columns[COLUMNS] = {0};
    for (size_t i = 0; i < count; i++)
        add_row(columns, of_item(items[i]));
    const char *params[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        params[i] = db_array_param(&columns[i]);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_admit, params, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    must((size_t)PQntuples(result) == count);
    *ret_transaction_id = db_xid(result, 0, 4);
    for (int row = 0; row < PQntuples(result); row++) {
        struct admission *admission = of_item(items[db_int(result, row, 0, 0) - 1]);
        unwatch(admission);
        set_outcome(admission, outcome_of(db_text(result, row, 1)), db_text(result, row, 2), db_int(result, row, 3, 0));
        set_merged(admission);
        watch(admission);
    }
    return ERR_NONE;
}

const struct batch_work reservation_batch = {
    .prepare = prepare, .admit = admit, .committed = committed, .failed = failed};
