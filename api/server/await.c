/* The request is its worker's until it has committed and is parked, then its waiter's and the timer's: whoever answers
 * has the suspension's claim. A verdict that comes before the request is parked is noted, and found then. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/await.h"

#include "api/server/answers.h"
#include "api/server/follower.h"
#include "api/server/server.h"
#include "common/clock.h"

struct awaiting {
    struct answer_waiter waiter;
    struct request_internal *internal;
    const char *id;
    route_handler *finish;
    int64_t wait_ms; /* 0: answered at once */
    atomic_bool is_decided;
    bool counts; /* against suspended_max */
};

static _Atomic int64_t waiting;

/* Level-triggered: the follower looks for what is awaited, so no verdict can be missed. */
const struct db_stmt await_statement = {
    .name = "await_look",
    .sql = "SELECT s.amendment_id FROM amendment_status s WHERE s.amendment_id = ANY ($1::uuid[])",
    .params = 1,
};

const struct db_stmt *const await_statements[] = {&await_statement, NULL};

static struct request_internal *of_job(struct job *job)
{
    return (struct request_internal *)(void *)((char *)job - offsetof(struct request_internal, job));
}

/* ---- Answering, with the claim ---- */

static void answer(struct request_internal *internal, struct worker *worker)
{
    struct request *request = &internal->request;
    struct response before = internal->response;
    struct err err = {0};
    request->db = request->caller.is_tenant ? worker->tenant_db : worker->system_db;
    request->object = internal->awaiting->id;
    internal->reads_only = true;
    internal->response = (struct response){.content_type = "application/json"};
    json_out_init(&internal->response.body, request->arena);
    for (int i = 0; i < before.header_count; i++) /* a repetition says that it is one */
        response_header(&internal->response, before.headers[i].name, before.headers[i].value);
    if (internal->awaiting->finish(request, &internal->response, &err) == ERR_NONE)
        answer_send(internal);
    else
        answer_error(internal, &err);
}

static void run_answer(struct job *job, struct worker *worker)
{
    struct request_internal *internal = of_job(job);
    answer(internal, worker);
    internal_drop(internal);
}

/* The follower: the verdict is there. The waiter's reference goes. */
static void decided(struct answer_waiter *waiter, const PGresult *result, int row)
{
    (void)result;
    (void)row;
    struct awaiting *awaiting = (struct awaiting *)(void *)((char *)waiter - offsetof(struct awaiting, waiter));
    struct request_internal *internal = awaiting->internal;
    atomic_store(&awaiting->is_decided, true);
    if (suspension_claim(&internal->suspension))
        execute_later(internal, run_answer);
    internal_drop(internal);
}

/* The timer, with the claim: the wait is over, or the server stops. */
static void expire(struct suspension *suspension, bool is_shutdown)
{
    (void)is_shutdown; /* it is answered all the same: workers outlive the suspended */
    struct request_internal *internal =
        (struct request_internal *)(void *)((char *)suspension - offsetof(struct request_internal, suspension));
    await_drop(internal);
    execute_later(internal, run_answer);
}

/* ---- What the handler and its worker call ---- */

static void release(struct request_internal *internal)
{
    struct awaiting *awaiting = internal->awaiting;
    if (awaiting != NULL && awaiting->counts)
        (void)atomic_fetch_sub(&waiting, 1);
    if (awaiting != NULL)
        awaiting->counts = false;
}

enum err_kind request_await(struct request *request, const char *id, route_handler *finish)
{
    struct request_internal *internal = request->internal;
    const struct api_settings *settings = internal->server->settings;
    struct awaiting *awaiting = arena_alloc(request->arena, sizeof *awaiting);
    *awaiting = (struct awaiting){.internal = internal, .id = id, .finish = finish};
    int64_t wait_ms = internal->prefer.wait_ms >= 0 ? internal->prefer.wait_ms : settings->verdict_wait_ms;
    if (!internal->prefer.respond_async)
        awaiting->wait_ms = wait_ms;
    internal->awaiting = awaiting;
    return identity_from_uuid(id, &awaiting->waiter.question_id, NULL);
}

void await_watch(struct request_internal *internal)
{
    struct awaiting *awaiting = internal->awaiting;
    if (awaiting->wait_ms == 0)
        return;
    internal->release = release;
    awaiting->counts = true;
    if (atomic_fetch_add(&waiting, 1) >= internal->server->settings->suspended_max) {
        awaiting->wait_ms = 0;
        return;
    }
    awaiting->waiter.answered = decided;
    internal_keep(internal);
    answers_watch(follower_verdicts(internal->server->follower), &awaiting->waiter);
}

void await_drop(struct request_internal *internal)
{
    if (internal->awaiting == NULL)
        return;
    release(internal);
    if (answers_unwatch(follower_verdicts(internal->server->follower), &internal->awaiting->waiter))
        internal_drop(internal); /* not the last: who calls has one */
}

void await_park(struct request_internal *internal, struct worker *worker)
{
    struct awaiting *awaiting = internal->awaiting;
    if (awaiting->wait_ms == 0) {
        answer(internal, worker);
        return;
    }
    internal->suspension.expire = expire;
    suspension_park(&internal->suspension, clock_monotonic_ms() + awaiting->wait_ms);
    if (atomic_load(&awaiting->is_decided) && suspension_claim(&internal->suspension))
        answer(internal, worker);
}
