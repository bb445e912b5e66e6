/* The request is its worker's until it has committed and is parked, then its waiter's and the timer's: whoever answers
 * has the suspension's claim. A verdict that comes before the request is parked is noted, and found then. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/await.h"

#include "api/server/answers.h"
#include "api/server/follower.h"
#include "api/server/holder_watch.h"
#include "api/server/server.h"
#include "common/clock.h"

#include <string.h>

struct awaiting {
    struct answer_waiter waiter;
    struct holder_watch watch;
    struct request_internal *internal;
    uint64_t turn; /* of internal->suspension */
    const char *id;
    route_handler *finish;
    int64_t wait_ms; /* 0: answered at once */
    atomic_bool is_decided;
    bool counts;                                          /* against suspended_max */
    struct response_header headers[RESPONSE_HEADERS_MAX]; /* that the handler wrote */
    int header_count;
};

static _Atomic int64_t waiting;

/* Level-triggered: the follower looks for what is awaited, so no verdict can be missed. */
const struct db_stmt await_statement = {
    .name = "await_look",
    .sql = "SELECT s.amendment_id FROM amendment_status s WHERE s.amendment_id = ANY ($1::uuid[])"
           " UNION ALL SELECT s.request_id FROM invoice_request_status s WHERE s.request_id = ANY ($1::uuid[])",
    .params = 1,
};

const struct db_stmt *const await_statements[] = {&await_statement, NULL};

/* ---- Answering, with the claim ---- */

static enum err_kind answer_step(struct request_internal *internal, struct err *reterr)
{
    const struct awaiting *awaiting = internal->awaiting;
    struct request *request = &internal->request;
    request->object = awaiting->id;
    internal->response = (struct response){.content_type = "application/json"};
    json_out_init(&internal->response.body, request->arena);
    for (int i = 0; i < awaiting->header_count; i++) /* a repetition says that it is one */
        response_header(&internal->response, awaiting->headers[i].name, awaiting->headers[i].value);
    return awaiting->finish(request, &internal->response, reterr);
}

static void answer(struct request_internal *internal)
{
    reading_resume(internal, answer_step);
}

/* The follower: the verdict is there. The waiter's reference goes. */
static void decided(struct answer_waiter *waiter, const PGresult *result, int row)
{
    (void)result;
    (void)row;
    struct awaiting *awaiting = (struct awaiting *)(void *)((char *)waiter - offsetof(struct awaiting, waiter));
    struct request_internal *internal = awaiting->internal;
    atomic_store(&awaiting->is_decided, true);
    if (suspension_claim_turn(&internal->suspension, awaiting->turn))
        answer(internal);
    internal_drop(internal);
}

/* The timer, with the claim: the wait is over, or the server stops. */
static void expire(struct suspension *suspension, bool is_shutdown)
{
    (void)is_shutdown; /* it is answered all the same: shutdown waits for reads */
    struct request_internal *internal =
        (struct request_internal *)(void *)((char *)suspension - offsetof(struct request_internal, suspension));
    await_drop(internal);
    answer(internal);
}

/* ---- What the handler and its worker call ---- */

static void release(struct request_internal *internal)
{
    struct awaiting *awaiting = internal->awaiting;
    if (awaiting == NULL)
        return;
    holder_watch_end(follower_holders(internal->server->follower), &awaiting->watch);
    if (awaiting->counts)
        (void)atomic_fetch_sub(&waiting, 1);
    awaiting->counts = false;
}

enum err_kind request_await(struct request *request, const char *id, route_handler *finish)
{
    struct request_internal *internal = request->internal;
    const struct api_settings *settings = internal->server->settings;
    struct awaiting *awaiting = arena_alloc(request->arena, sizeof *awaiting);
    *awaiting = (struct awaiting){.internal = internal, .id = id, .finish = finish};
    awaiting->wait_ms = preference_wait_ms(&internal->prefer, settings->verdict_wait_ms);
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
        internal->prefer = PREFERENCE_NONE;
        return;
    }
    awaiting->waiter.answered = decided;
    awaiting->turn = suspension_turn(&internal->suspension);
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

void await_park(struct request_internal *internal)
{
    struct awaiting *awaiting = internal->awaiting;
    awaiting->header_count = internal->response.header_count;
    memcpy(awaiting->headers, internal->response.headers, sizeof awaiting->headers);
    if (awaiting->wait_ms == 0) {
        answer(internal);
        return;
    }
    internal->suspension.expire = expire;
    holder_watch_begin(follower_holders(internal->server->follower), &awaiting->watch, &internal->request,
                       awaiting->turn);
    suspension_park(&internal->suspension, clock_monotonic_ms() + awaiting->wait_ms);
    if (atomic_load(&awaiting->is_decided) && suspension_claim(&internal->suspension))
        answer(internal);
}
