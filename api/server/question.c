/* From a handler that asks to the answer: one short transaction for the questions, then the request is parked until the
 * follower has found all answers, or the timer says that the time is over. Whoever answers has the suspension's claim.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/question.h"

#include "api/server/answers.h"
#include "api/server/follower.h"
#include "api/server/holder_watch.h"
#include "api/server/server.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>

static struct metric asked_total = {
    .name = "sluice_api_questions_total", .type = METRIC_COUNTER, .help = "Questions put to planners"};
static struct metric unanswered_total = {.name = "sluice_api_questions_unanswered_total",
                                         .type = METRIC_COUNTER,
                                         .help = "Requests whose planner did not answer in time"};
static struct metric *const metrics[] = {&asked_total, &unanswered_total};

/* One question, from the moment it is asked. */
struct asked {
    struct answer_waiter waiter;
    struct asking *asking;
    const struct question *question;
    char id[UUID_TEXT_SIZE];
    char *answer, *problem, *detail; /* malloc: written by the follower, who has no claim to the arena */
    atomic_bool is_there;            /* they are written */
};

struct asking {
    struct asking *before; /* what the request had asked before that; NULL: nothing */
    struct request_internal *internal;
    question_finish *finish;
    int64_t wait_ms;
    uint64_t turn; /* of internal->suspension, in which the answers are waited for */
    struct holder_watch watch;
    size_t count;
    _Atomic size_t missing;
    bool is_sent;     /* counts against questions_max */
    bool is_optional; /* it is finished with those answers that there are */
    struct asked each[];
};

static _Atomic int64_t open_questions;

/* No question waits for ten minutes. The count of what is open is per tenant and approximate: two
 * who ask at once may both pass. */
static const struct db_stmt statement_ask = {
    .name = "question_ask",
    .sql = "WITH woken AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS setting,"
           "   pg_notify('sluice_wish', '')),"
           " unanswered AS MATERIALIZED (SELECT count(*) AS count FROM planner_question q"
           "   WHERE (q.tenant_id = $1::uuid OR ($1::uuid IS NULL AND q.tenant_id IS NULL))"
           "     AND q.asked_at > statement_timestamp() - interval '10 minutes' AND q.answer_by > clock_timestamp()"
           "     AND NOT EXISTS (SELECT FROM planner_answer a WHERE a.question_id = q.id))"
           " INSERT INTO planner_question (id, tenant_id, zone_id, kind, body, answer_by)"
           " SELECT n.id, $1::uuid, n.zone_id, n.kind, n.body::json,"
           "        clock_timestamp() + $6::bigint * interval '1 millisecond'"
           "   FROM woken, unanswered, unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[])"
           "        AS n (id, zone_id, kind, body)"
           "  WHERE unanswered.count + cardinality($2::uuid[]) <= $7::bigint RETURNING 1",
    .params = 7,
};

static const struct db_stmt statement_tenant = {
    .name = "question_tenant",
    .sql = "SELECT set_config('sluice.tenant', $1, true)",
    .params = 1,
};

const struct db_stmt *const question_statements[] = {&statement_ask, &statement_tenant, NULL};

void questions_register(void)
{
    metric_register(metrics, COUNT_OF(metrics));
}

/* ---- What a handler calls ---- */

static struct asking *ask(struct request *request, const struct question *questions, size_t count, int64_t wait_ms,
                          question_finish *finish)
{
    must(count >= 1 && count <= QUESTIONS_PER_REQUEST_MAX);
    struct request_internal *internal = request->internal;
    struct asking *asking = arena_alloc(request->arena, sizeof *asking + count * sizeof asking->each[0]);
    asking->before = internal->asking;
    asking->internal = internal;
    asking->finish = finish;
    asking->wait_ms = wait_ms;
    asking->count = count;
    atomic_init(&asking->missing, count);
    for (size_t i = 0; i < count; i++) {
        asking->each[i].asking = asking;
        asking->each[i].question = &questions[i];
    }
    internal->asking = asking;
    return asking;
}

enum err_kind request_ask(struct request *request, const struct question *questions, size_t count, int64_t patience,
                          question_finish *finish)
{
    must(patience >= 1 && patience <= QUESTION_PATIENCE_MAX);
    (void)ask(request, questions, count, patience * request->internal->server->settings->question_wait_ms, finish);
    return ERR_NONE;
}

enum err_kind request_ask_if_possible(struct request *request, const struct question *questions, size_t count,
                                      int64_t wait_ms, question_finish *finish)
{
    ask(request, questions, count, wait_ms, finish)->is_optional = true;
    return ERR_NONE;
}

enum err_kind question_pass_on(struct request *request, struct response *response, const char *const *answers,
                               size_t count, struct err *reterr)
{
    (void)request;
    (void)reterr; /* it cannot fail */
    must(count == 1);
    response->status = 200;
    json_out_raw(&response->body, answers[0]);
    return ERR_NONE;
}

/* ---- Answering ---- */

/* The kind of a problem is that of its code. */
static enum err_kind problem_of(const struct asking *asking, struct err *reterr)
{
    for (size_t i = 0; i < asking->count; i++) {
        const struct asked *asked = &asking->each[i];
        if (asked->problem == NULL)
            continue;
        const struct problem_code *code = problem_find(asked->problem);
        if (code == NULL) /* none that clients know: we asked wrongly */
            return err_set(reterr, ERR_INTERNAL, "the planner says '%s': %s", asked->problem, asked->detail);
        return err_set_code(reterr, code->kind, code->code, "%s", asked->detail);
    }
    return ERR_NONE;
}

static enum err_kind finish_step(struct request_internal *internal, struct err *reterr)
{
    const struct asking *asking = internal->asking;
    struct request *request = &internal->request;
    enum err_kind kind = asking->is_optional ? ERR_NONE : problem_of(asking, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *answers[QUESTIONS_PER_REQUEST_MAX];
    for (size_t i = 0; i < asking->count; i++) /* one that comes too late may be written even now */
        answers[i] = atomic_load(&asking->each[i].is_there) ? asking->each[i].answer : NULL;
    internal->response = (struct response){.content_type = "application/json"};
    json_out_init(&internal->response.body, request->arena);
    kind = asking->finish(request, &internal->response, answers, asking->count, reterr);
    if (kind == ERR_NONE && request->validates_only && !question_is_new(internal))
        preview_finish(internal);
    return kind;
}

/* With the claim: there will be no (further) answer. */
static void go_without(struct request_internal *internal, const struct err *err)
{
    if (internal->asking->is_optional)
        reading_resume(internal, finish_step);
    else
        answer_error(internal, err);
}

static char *copied(const PGresult *result, int row, int column)
{
    const char *text = db_text(result, row, column);
    return text == NULL ? NULL : alloc_text(text);
}

/* The follower: one answer is there. The waiter's reference goes. */
static void answered(struct answer_waiter *waiter, const PGresult *result, int row)
{
    struct asked *asked = (struct asked *)(void *)((char *)waiter - offsetof(struct asked, waiter));
    struct asking *asking = asked->asking;
    struct request_internal *internal = asking->internal;
    asked->problem = copied(result, row, ANSWER_PROBLEM);
    asked->detail = copied(result, row, ANSWER_DETAIL);
    asked->answer = copied(result, row, ANSWER_ANSWER);
    atomic_store(&asked->is_there, true);
    bool is_last = atomic_fetch_sub(&asking->missing, 1) == 1;
    if (is_last && suspension_claim_turn(&internal->suspension, asking->turn))
        reading_resume(internal, finish_step);
    internal_drop(internal);
}

static void release(struct request_internal *internal)
{
    struct holder_watches *holders = follower_holders(internal->server->follower);
    for (struct asking *asking = internal->asking; asking != NULL; asking = asking->before) {
        holder_watch_end(holders, &asking->watch);
        for (size_t i = 0; i < asking->count; i++) {
            free(asking->each[i].answer);
            free(asking->each[i].problem);
            free(asking->each[i].detail);
        }
        if (asking->is_sent)
            (void)atomic_fetch_sub(&open_questions, (int64_t)asking->count);
    }
}

static void unwatch(struct asking *asking)
{
    struct request_internal *internal = asking->internal;
    struct answers *answers = follower_answers(internal->server->follower);
    for (size_t i = 0; i < asking->count; i++) {
        if (answers_unwatch(answers, &asking->each[i].waiter))
            internal_drop(internal); /* not the last: who calls has one */
    }
}

/* The timer, with the claim: the time is over, the server stops, or whoever asked may do less than when they did. */
static void expire(struct suspension *suspension, bool is_shutdown)
{
    struct request_internal *internal =
        (struct request_internal *)(void *)((char *)suspension - offsetof(struct request_internal, suspension));
    struct asking *asking = internal->asking;
    struct err err = {0};
    if (!is_shutdown && !asking->is_optional && atomic_load(&asking->watch.is_doubted)) {
        unwatch(asking);
        caller_doubt(internal);
        return;
    }
    if (is_shutdown)
        (void)err_set_code(&err, ERR_OVERLOADED, "shutting_down", "the server is stopping");
    else
        (void)err_set_code(&err, ERR_UNAVAILABLE, "planner_unavailable", "the zone's planner did not answer in time");
    metric_add(&unanswered_total, is_shutdown ? 0 : 1);
    unwatch(asking); /* the connection has its reference until it is answered */
    go_without(internal, &err);
}

/* ---- Asking ---- */

static enum err_kind insert(struct asking *asking, struct db *db, struct err *reterr)
{
    const struct request_internal *internal = asking->internal;
    const struct caller *caller = &internal->request.caller;
    CLEANUP(db_array_clear) struct db_array ids = {0};
    CLEANUP(db_array_clear) struct db_array zones = {0};
    CLEANUP(db_array_clear) struct db_array kinds = {0};
    CLEANUP(db_array_clear) struct db_array bodies = {0};
    for (size_t i = 0; i < asking->count; i++) {
        const struct asked *asked = &asking->each[i];
        db_array_text(&ids, asked->id);
        db_array_text(&zones, asked->question->zone_id);
        db_array_text(&kinds, asked->question->kind);
        db_array_text(&bodies, asked->question->body);
    }
    char wait[DB_INT_TEXT_SIZE], most[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_ask,
               DB_PARAMS(caller->is_tenant ? caller->tenant_id : NULL, db_array_param(&ids), db_array_param(&zones),
                         db_array_param(&kinds), db_array_param(&bodies), db_int_param(wait, asking->wait_ms),
                         db_int_param(most, internal->server->settings->questions_per_tenant_max)),
               &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) == 0)
        return err_set_code(reterr, ERR_THROTTLED, "too_many_questions",
                            "as many questions as a tenant may have open wait for their answers already");
    return kind;
}

static enum err_kind open_transaction(struct asking *asking, struct db *db, struct err *reterr)
{
    const struct request_internal *internal = asking->internal;
    for (size_t i = 0; i < asking->count; i++) {
        struct asked *asked = &asking->each[i];
        asked->waiter.answered = answered;
        asked->waiter.question_id = identity_new();
        identity_to_uuid(asked->waiter.question_id, asked->id);
    }
    asking->is_sent = true;
    if (atomic_fetch_add(&open_questions, (int64_t)asking->count) >= internal->server->settings->questions_max)
        return err_set(reterr, ERR_OVERLOADED, "too many questions are open");
    enum err_kind kind = db_begin(db, reterr);
    if (kind == ERR_NONE && internal->request.caller.is_tenant)
        kind = db_run(db, &statement_tenant, DB_PARAMS(internal->request.caller.tenant_id), NULL, reterr);
    return kind == ERR_NONE ? insert(asking, db, reterr) : kind;
}

/* From here on the request is its waiters' and the timer's: before COMMIT, so that no answer comes too early. */
static void park(struct asking *asking)
{
    struct request_internal *internal = asking->internal;
    struct answers *answers = follower_answers(internal->server->follower);
    internal->suspension.expire = expire;
    asking->turn = suspension_turn(&internal->suspension);
    for (size_t i = 0; i < asking->count; i++) {
        internal_keep(internal);
        answers_watch(answers, &asking->each[i].waiter);
    }
    holder_watch_begin(follower_holders(internal->server->follower), &asking->watch, &internal->request, asking->turn);
    suspension_park(&internal->suspension, clock_monotonic_ms() + asking->wait_ms);
}

void question_send(struct request_internal *internal)
{
    struct asking *asking = internal->asking;
    struct db *db = internal->request.db;
    struct err err = {0};
    must(internal->release == NULL || internal->release == release); /* who had one has given it up */
    internal->release = release;
    enum err_kind kind = open_transaction(asking, db, &err);
    if (kind != ERR_NONE) {
        db_rollback(db);
        go_without(internal, &err);
        return;
    }
    metric_add(&asked_total, (int64_t)asking->count);
    park(asking);
    kind = db_commit(db, &err);
    if (kind == ERR_NONE)
        return;
    unwatch(asking);
    if (suspension_claim_turn(&internal->suspension, asking->turn))
        go_without(internal, &err); /* if it was committed after all, nobody waits for the answer */
}

static void run_send(struct job *job, struct worker *worker)
{
    struct request_internal *internal = internal_of_job(job);
    internal->request.db = internal->request.caller.is_tenant ? worker->tenant_db : worker->system_db;
    question_send(internal);
    internal_drop(internal);
}

void question_submit(struct request_internal *internal)
{
    internal->job = (struct job){.run = run_send};
    internal_keep(internal);
    if (workers_submit(internal->server->workers, &internal->job))
        return;
    struct err err = {0};
    (void)err_set(&err, ERR_OVERLOADED, "too many requests are waiting");
    go_without(internal, &err);
    internal_drop(internal);
}

bool question_is_new(const struct request_internal *internal)
{
    return internal->asking != NULL && !internal->asking->is_sent;
}
