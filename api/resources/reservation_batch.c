/* Creating reservations and quotes, and confirming quotes: from the request to its answer, which may wait for the
 * verdict.
 *
 * A request is answered by whoever claims its suspension first: the batcher (refused, or not to wait), the follower
 * (the verdict is there), or the timer (the wait is over: 202). Each holds a reference while it knows the request. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/elsewhere.h"
#include "api/resources/reservation_admission.h"
#include "api/server/waiting.h"
#include "common/clock.h"

#include <stdio.h>
#include <string.h>

static _Atomic int64_t undecided; /* those of ours that wait */

static struct admission *of_waiter(struct waiter *waiter)
{
    return (struct admission *)(void *)((char *)waiter - offsetof(struct admission, waiter));
}

/* The batcher, the follower or a worker may come so late that what was shown has asked other zones, and waits for
 * them. */
static bool admission_claim(struct admission *admission)
{
    return suspension_claim_turn(&admission->item.internal->suspension, admission->item.turn);
}

/* From now on the verdict is waited for, by who may be told of it. */
static void begin_wait(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    struct holder_watches *holders = follower_holders(internal->server->follower);
    uint64_t turn = admission->item.turn;
    suspension_wait_until(&internal->suspension, turn, clock_monotonic_ms() + admission->wait_ms);
    holder_watch_begin(holders, &admission->watch, &internal->request, turn);
    if (!suspension_is_open(&internal->suspension, turn)) /* answered before it was watched: nobody else would end it */
        holder_watch_end(holders, &admission->watch);
}

/* ---- Limits on waiting ---- */

static void release(struct request_internal *internal)
{
    struct admission *admission = internal->own;
    holder_watch_end(follower_holders(internal->server->follower), &admission->watch);
    if (!admission->counts)
        return;
    (void)atomic_fetch_sub(&undecided, 1);
    waiting_leave(internal);
}

static int64_t under_way(void)
{
    return atomic_load(&undecided);
}

static int64_t wait_of(struct request_internal *internal, struct admission *admission)
{
    const struct api_settings *settings = internal->server->settings;
    int64_t wait_ms = preference_wait_ms(&internal->prefer, settings->verdict_wait_ms);
    if (wait_ms == 0)
        return 0;
    admission->counts = true;
    (void)atomic_fetch_add(&undecided, 1);
    if (waiting_enter(internal))
        return wait_ms;
    internal->prefer = PREFERENCE_NONE;
    return 0;
}

/* ---- Answers ---- */

/* Of a quote, and of one that was confirmed, more is told than the request said: they are read from the database. */
static bool is_read(const struct admission *admission)
{
    return admission->is_quote || admission->wish->quote != NULL;
}

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

/* The verdict is there, or not waited for any longer: what is still to be asked does not count as waiting for one. */
static void end_wait(struct request_internal *internal)
{
    struct admission *admission = internal->own;
    release(internal);
    admission->counts = false;
    internal->release = NULL;
    internal->expire = NULL;
}

static enum err_kind refuse_step(struct request_internal *internal, struct err *reterr)
{
    const struct admission *admission = internal->own;
    return elsewhere_refusal(&internal->request, admission->is_quote ? IDENTITY_QUOTE : IDENTITY_RESERVATION,
                             admission->object, &admission->wish->status, NULL, NULL, reterr);
}

static void answer_refused(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    const struct reservation_verdict *verdict = &admission->wish->status;
    if (admission->wish->quote != NULL && strcmp(verdict->state, "expired") == 0) {
        struct err err = {0};
        (void)err_set_code(&err, ERR_CONFLICT, "quote_expired", "the quote expired while it was being confirmed");
        answer_error(internal, &err);
        return;
    }
    end_wait(internal);
    reading_resume(internal, refuse_step);
}

/* ---- Answers from the object ---- */

static struct admission *of_peek(struct job *job)
{
    return (struct admission *)(void *)((char *)job - offsetof(struct admission, peek));
}

/* The caller has the claim. */
static void show(struct admission *admission)
{
    end_wait(admission->item.internal);
    execute_show(admission->item.internal, admission->object, admission_is(admission, OUTCOME_REPLAYED));
}

/* Still without a verdict: from the listener's copy of the request, the wish as it was sent. The caller has the claim.
 */
static void answer_pending(struct admission *admission)
{
    if (is_read(admission))
        show(admission);
    else
        answer_object(admission, 202);
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
    struct admission *admission = of_peek(job);
    struct request_internal *internal = admission->item.internal;
    struct err err = {0};
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(worker->system_db, &statement_decided, DB_PARAMS(admission->object), &result, &err);
    bool is_settled = kind != ERR_NONE || PQntuples(result) > 0;
    if (!is_settled)
        begin_wait(admission);
    else if (admission_claim(admission)) {
        if (follower_unwatch(internal->server->follower, &admission->waiter))
            internal_drop(internal);
        show(admission);
    }
    internal_drop(internal);
}

static void join_wait(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    internal_keep(internal); /* the waiter's */
    internal_keep(internal); /* the job's */
    follower_watch(internal->server->follower, &admission->waiter);
    admission->peek = (struct job){.run = run_peek};
    if (workers_submit(internal->server->workers, &admission->peek))
        return;
    begin_wait(admission); /* joins unseen */
    internal_drop(internal);
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
        .ends_by = FIELD_NULL,
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
    else if (is_read(admission))
        show(admission);
    else
        answer_object(admission, strcmp(state, "waitlisted") == 0 ? 202 : 201);
}

/* An event of the quote from before its confirmation: the one that follows it is waited for. */
static bool is_early(const struct admission *admission, const PGresult *result, int row)
{
    return admission_is(admission, OUTCOME_CONFIRMED) && strcmp(db_text(result, row, VERDICT_STATE), "held") == 0;
}

static void wait_on(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    follower_watch(internal->server->follower, &admission->waiter);
    bool was_answered = !suspension_is_open(&internal->suspension, admission->item.turn); /* before it was registered */
    if (was_answered && follower_unwatch(internal->server->follower, &admission->waiter))
        internal_drop(internal);
}

/* The follower: the verdict is there. Its reference goes. */
static void decided(struct waiter *waiter, const PGresult *result, int row)
{
    struct admission *admission = of_waiter(waiter);
    struct request_internal *internal = admission->item.internal;
    if (is_early(admission, result, row)) {
        wait_on(admission);
        return;
    }
    if (admission_claim(admission)) {
        if (admission_is(admission, OUTCOME_REPLAYED)) {
            show(admission);
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
    } else if (admission_is(admission, OUTCOME_REPLAYED)) {
        show(admission);
    } else {
        answer_pending(admission);
    }
    if (was_watching)
        internal_drop(internal);
}

/* The batcher: committed. */
static void committed(struct batch_item *item)
{
    struct admission *admission = admission_of(item);
    struct request_internal *internal = item->internal;
    const struct outcome *outcome = admission->outcome;
    atomic_store(&admission->is_committed, true);
    bool is_undecided = admission_is(admission, OUTCOME_CREATED) || admission_is(admission, OUTCOME_CONFIRMED);
    if (is_undecided && admission->wait_ms > 0) {
        begin_wait(admission);
    } else if (admission_is(admission, OUTCOME_REPLAYED) && admission->wait_ms > 0) {
        join_wait(admission);
    } else if (!admission_claim(admission)) {
        return; /* its time was up */
    } else if (is_undecided) {
        answer_pending(admission);
    } else if (admission_is(admission, OUTCOME_REPLAYED)) {
        show(admission);
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
    struct admission *admission = admission_of(item);
    admission_unwatch(admission);
    if (admission_claim(admission))
        answer_error(internal, err);
}

/* ---- Making the item ---- */

static void check_shape(struct request *request, const struct reservation *wish)
{
    bool has_shape = FIELD_PRESENT(request->body_present, RESERVATION_FIELD_SHAPE);
    const struct reservation_shape *shape = &wish->shape;
    if (has_shape == (wish->instance_type != NULL))
        field_problem_add(&request->problems, "/instance_type", has_shape ? "out_of_range" : "missing_field",
                          "give either instance_type or shape");
    if (has_shape && (shape->gpus == FIELD_NULL) == (shape->gpu_milli == FIELD_NULL))
        field_problem_add(&request->problems, "/shape/gpus", "missing_field", "give either gpus or gpu_milli");
}

static bool is_quote(const struct request *request)
{
    return request->route->body == &quote_schema;
}

/* What the table of fields cannot say. */
static void check_wish(struct request *request, const struct reservation *wish)
{
    check_shape(request, wish);
    reservation_check_window(request, wish);
    if (is_quote(request) && strcmp(wish->if_unavailable, "waitlist") == 0)
        field_problem_add(&request->problems, "/if_unavailable", "out_of_range", "a quote does not wait");
}

static void check_confirmation(struct request *request)
{
    if (request->body_present != UINT64_C(1) << RESERVATION_FIELD_QUOTE)
        field_problem_add(&request->problems, "/quote", "out_of_range",
                          "a quote is confirmed as it stands: nothing else is given with it");
}

enum err_kind admission_check(struct request *request, struct err *reterr)
{
    struct reservation *wish = request->body;
    if (wish->quote != NULL)
        check_confirmation(request);
    else
        check_wish(request, wish);
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

void admission_begin(struct admission *admission, struct request_internal *internal)
{
    struct request *request = &internal->request;
    struct reservation *wish = request->body;
    *admission = (struct admission){.item.internal = internal, .wish = wish, .is_quote = is_quote(request)};
    memcpy(admission->id, request->new_id, sizeof admission->id);
    memcpy(admission->object, request->new_id, sizeof admission->object);
    identity_to_uuid(identity_new(), admission->audit_id);
    wish->id = admission->id;
    wish->hold_until = FIELD_NULL;
    wish->cancel_requested_at = FIELD_NULL;
    wish->deleted_at = FIELD_NULL;
    wish->status = (struct reservation_verdict){.state = "pending",
                                                .health = "ok",
                                                .starts_at = FIELD_NULL,
                                                .ends_at = FIELD_NULL,
                                                .ends_by = FIELD_NULL,
                                                .decided_at = FIELD_NULL};
}

static enum err_kind prepare(struct request_internal *internal, struct batch_item **ret, struct err *reterr)
{
    enum err_kind kind = admission_check(&internal->request, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct admission *admission = arena_alloc(internal->request.arena, sizeof *admission);
    admission_begin(admission, internal);
    admission->waiter.decided = decided;
    internal->own = admission;
    internal->expire = expire;
    internal->release = release;
    admission->wait_ms = wait_of(internal, admission);
    admission->item.is_waited_for = admission->wait_ms > 0;
    *ret = &admission->item;
    return ERR_NONE;
}

const struct batch_work reservation_batch = {
    .prepare = prepare,
    .admit = admission_admit,
    .notify = &admission_notify,
    .committed = committed,
    .under_way = under_way,
    .failed = failed,
};
