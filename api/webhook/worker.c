/* One loop: look at the log, start what is due, wait for the network, note what has ended. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook/worker.h"

#include "api/outgoing/sender.h"
#include "api/webhook/backoff.h"
#include "api/webhook/queue.h"
#include "api/webhook/reseal.h"
#include "api/webhook/secret.h"
#include "common/alloc.h"
#include "common/calendar.h"
#include "common/clock.h"
#include "common/lease.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_MS            200
#define STANDBY_MS           1000
#define RETRY_MS             500
#define LEASE_TTL_MS         15000
#define STATEMENT_TIMEOUT_MS 5000 /* below the lease's */
#define CHORES_PERIOD_MS     60000
#define STOP_WITHIN_MS       2000
#define ERROR_TEXT_MAX       255
#define SNIPPET_MAX          1024 /* bytes of an answer that are kept */

static struct metric delivered = {
    .name = "sluice_webhook_delivered_total", .type = METRIC_COUNTER, .help = "Events that a webhook has taken"};
static struct metric attempts_failed = {.name = "sluice_webhook_attempts_failed_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Attempts to deliver an event that failed"};
static struct metric given_up = {.name = "sluice_webhook_given_up_total",
                                 .type = METRIC_COUNTER,
                                 .help = "Deliveries that failed as often as they were tried"};
static struct metric under_way = {
    .name = "sluice_webhook_under_way", .type = METRIC_GAUGE, .help = "Deliveries that wait for an answer"};
static struct metric *const metrics[] = {&delivered, &attempts_failed, &given_up, &under_way};

/* An attempt: under way, then ended until it is noted. */
struct attempt {
    struct attempt *previous, *next;
    struct webhook_worker *worker;
    char id[UUID_TEXT_SIZE], webhook_id[UUID_TEXT_SIZE], owner[UUID_TEXT_SIZE], object_id[UUID_TEXT_SIZE];
    int64_t number; /* from 1 */
    bool is_ended;
    int status;
    char error[ERROR_TEXT_MAX + 1]; /* "": none */
    char snippet[SNIPPET_MAX + 1];
};

struct webhook_worker {
    struct webhook_worker_options options;
    struct db *db;
    struct lease lease;
    struct sender *sender;
    pthread_t thread;
    struct attempt *first;
    int64_t count, ended_count;
    char turn[UUID_TEXT_SIZE]; /* the webhook served last, where there were more than a round takes */
    struct event_cursor cursor;
    bool has_cursor;
    bool has_more; /* events behind the cursor, for the next transaction */
    bool has_more_chores;
    int64_t look_at_ms, chores_at_ms;
};

/* ---- Attempts ---- */

static void forget(struct attempt *attempt)
{
    struct webhook_worker *worker = attempt->worker;
    if (attempt->previous == NULL)
        worker->first = attempt->next;
    else
        attempt->previous->next = attempt->next;
    if (attempt->next != NULL)
        attempt->next->previous = attempt->previous;
    worker->count--;
    worker->ended_count -= attempt->is_ended;
    metric_set(&under_way, worker->count - worker->ended_count);
    free(attempt);
}

static void forget_all(struct webhook_worker *worker)
{
    sender_abort(worker->sender);
    while (worker->first != NULL)
        forget(worker->first);
    worker->has_cursor = false;
}

/* What is shown of a text from outside: printable ASCII of it. */
static void copy_printable(const char *text, char *ret, size_t size)
{
    size_t length = 0;
    for (; text[length] != '\0' && length + 1 < size; length++)
        ret[length] = text[length] >= ' ' && text[length] <= '~' ? text[length] : '?';
    ret[length] = '\0';
}

static void end(void *context, int status, const char *error, const char *snippet)
{
    struct attempt *attempt = context;
    attempt->is_ended = true;
    attempt->worker->ended_count++;
    attempt->status = status;
    bool is_fine = status >= 200 && status < 300;
    if (error != NULL)
        copy_printable(error, attempt->error, sizeof attempt->error);
    else if (!is_fine)
        (void)snprintf(attempt->error, sizeof attempt->error, "answered with status %d", status);
    copy_printable(snippet, attempt->snippet, sizeof attempt->snippet);
    metric_add(is_fine ? &delivered : &attempts_failed, 1);
}

/* ---- Starting ---- */

/* Whoever has as many places as are free gets no more: so there is one left for the next, however many are slow. */
static bool is_sated(const struct webhook_worker *worker, const char *owner)
{
    int64_t places = 0;
    for (const struct attempt *each = worker->first; each != NULL; each = each->next)
        places += strcmp(each->owner, owner) == 0;
    return places >= QUEUE_UNDER_WAY_MAX - worker->count;
}

/* One after the other for each object, as far as they are not waiting for another try; one at a time where the last one
 * failed, so that a receiver that is gone takes one place. */
static bool may_start(const struct webhook_worker *worker, const PGresult *due, int row)
{
    int64_t most = db_bool(due, row, DUE_IS_FAILING) ? 1 : QUEUE_PER_WEBHOOK_MAX;
    int64_t same = 0;
    for (const struct attempt *each = worker->first; each != NULL; each = each->next) {
        if (strcmp(each->webhook_id, db_text(due, row, DUE_WEBHOOK_ID)) != 0)
            continue;
        if (strcmp(each->object_id, db_text(due, row, DUE_OBJECT_ID)) == 0)
            return false;
        same++;
    }
    return same < most && !is_sated(worker, db_text(due, row, DUE_OWNER));
}

static struct attempt *attempt_of_row(struct webhook_worker *worker, const PGresult *due, int row)
{
    struct attempt *attempt = alloc_zero(1, sizeof *attempt);
    attempt->worker = worker;
    memcpy(attempt->id, db_text(due, row, DUE_ID), UUID_TEXT_SIZE);
    memcpy(attempt->webhook_id, db_text(due, row, DUE_WEBHOOK_ID), UUID_TEXT_SIZE);
    memcpy(attempt->owner, db_text(due, row, DUE_OWNER), UUID_TEXT_SIZE);
    memcpy(attempt->object_id, db_text(due, row, DUE_OBJECT_ID), UUID_TEXT_SIZE);
    attempt->number = db_int(due, row, DUE_ATTEMPTS, 0) + 1;
    attempt->next = worker->first;
    if (worker->first != NULL)
        worker->first->previous = attempt;
    worker->first = attempt;
    worker->count++;
    metric_set(&under_way, worker->count - worker->ended_count);
    return attempt;
}

static const char *write_body(const struct webhook_worker *worker, struct arena *arena,
                              const struct stream_event *event)
{
    struct json_out out;
    char time[CALENDAR_TIME_SIZE];
    calendar_time_print(event->occurred_at_s, time);
    json_out_init(&out, arena);
    json_out_open(&out, '{');
    json_out_key(&out, "type");
    json_out_text(&out, event->kind);
    json_out_key(&out, "timestamp");
    json_out_text(&out, time);
    json_out_key(&out, "data");
    worker->options.show(event, &out);
    json_out_close(&out, '}');
    return json_out_finish(&out);
}

/* Both secrets sign while one replaces the other. */
static enum err_kind sign(const struct webhook_worker *worker, struct arena *arena, const PGresult *due, int row,
                          const char *message_id, int64_t now_s, const char *body, const char **ret, struct err *reterr)
{
    const char *signatures = "";
    enum err_kind kind = ERR_NONE;
    for (int column = DUE_SECRET; column <= DUE_PREVIOUS_SECRET && kind == ERR_NONE; column++) {
        char secret[SECRET_TEXT_SIZE], signature[SIGNATURE_TEXT_SIZE];
        const char *sealed = db_text(due, row, column);
        if (sealed == NULL)
            continue;
        kind = secret_open(worker->options.keys, db_text(due, row, DUE_WEBHOOK_ID), sealed, secret, reterr);
        if (kind != ERR_NONE)
            continue;
        secret_sign(secret, message_id, now_s, body, signature);
        OPENSSL_cleanse(secret, sizeof secret);
        signatures = arena_format(arena, "%s%s%s", signatures, signatures[0] == '\0' ? "" : " ", signature);
    }
    *ret = signatures;
    return kind;
}

static struct stream_event event_of_row(const PGresult *due, int row)
{
    return (struct stream_event){
        .cursor = {.generation = db_int(due, row, DUE_GENERATION, 0),
                   .xid = db_xid(due, row, DUE_XID),
                   .seq = db_int(due, row, DUE_SEQ, 0)},
        .tenant_id = db_text(due, row, DUE_TENANT_ID),
        .zone_id = db_text(due, row, DUE_ZONE_ID),
        .object_type = db_text(due, row, DUE_OBJECT_TYPE),
        .object_id = db_text(due, row, DUE_OBJECT_ID),
        .object_revision = db_int(due, row, DUE_REVISION, 0),
        .kind = db_text(due, row, DUE_KIND),
        .occurred_at_s = db_int(due, row, DUE_OCCURRED_S, 0),
        .payload = db_text(due, row, DUE_PAYLOAD),
    };
}

static void start(struct webhook_worker *worker, const PGresult *due, int row)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct attempt *attempt = attempt_of_row(worker, due, row);
    if (db_text(due, row, DUE_OBJECT_TYPE) == NULL) {
        attempt->number = worker->options.attempts_max;
        end(attempt, 0, "the event is not kept any more", "");
        return;
    }
    char message_id[EVENT_CURSOR_TEXT_SIZE];
    const struct stream_event event = event_of_row(due, row);
    event_cursor_print(&event.cursor, message_id);
    const char *body = write_body(worker, arena, &event);
    const char *signatures = NULL;
    int64_t now_s = clock_real_ms() / 1000;
    struct err err = {0};
    if (sign(worker, arena, due, row, message_id, now_s, body, &signatures, &err) != ERR_NONE) {
        log_error("webhook_secret_failed", &err);
        end(attempt, 0, "its secret cannot be read", "");
        return;
    }
    const char *const headers[] = {arena_format(arena, "webhook-id: %s", message_id),
                                   arena_format(arena, "webhook-timestamp: %lld", (long long)now_s),
                                   arena_format(arena, "webhook-signature: %s", signatures), NULL};
    const struct sender_request request = {
        .url = db_text(due, row, DUE_URL), .headers = headers, .content_type = "application/json", .body = body};
    sender_start(worker->sender, &request, attempt);
}

static enum err_kind start_due(struct webhook_worker *worker, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array known = {0};
    CLEANUP(db_array_clear) struct db_array sated = {0};
    CLEANUP(db_result_clear) PGresult *due = NULL;
    if (worker->count >= QUEUE_UNDER_WAY_MAX)
        return ERR_NONE;
    for (const struct attempt *each = worker->first; each != NULL; each = each->next) {
        db_array_text(&known, each->id);
        if (is_sated(worker, each->owner))
            db_array_text(&sated, each->owner);
    }
    enum err_kind kind = queue_due(worker->db, &known, &sated, worker->turn, &due, reterr);
    if (kind != ERR_NONE)
        return kind;
    int rows = PQntuples(due);
    for (int row = 0; row < rows; row++) {
        if (may_start(worker, due, row))
            start(worker, due, row);
    }
    bool is_full = rows == QUEUE_UNDER_WAY_MAX;
    memcpy(worker->turn, is_full ? db_text(due, rows - 1, DUE_WEBHOOK_ID) : NIL_UUID, UUID_TEXT_SIZE);
    return ERR_NONE;
}

/* ---- Transactions of the leader ---- */

static enum err_kind make_within(struct db *db, void *context, struct err *reterr)
{
    struct webhook_worker *worker = context;
    struct queue_view view = {0};
    enum err_kind kind = lease_fence(&worker->lease, db, reterr);
    if (kind == ERR_NONE)
        kind = queue_look(db, &worker->cursor, &view, reterr);
    if (kind == ERR_NONE && view.lost_xid != 0)
        kind = queue_reset(db, &worker->cursor, &view, reterr);
    if (kind == ERR_NONE)
        kind = queue_make(db, &worker->cursor, &view.bound, &worker->has_more, reterr);
    return kind;
}

static void add(struct queue_ended *ended, const struct webhook_worker *worker, const struct attempt *attempt)
{
    uint64_t random = 0;
    must(RAND_bytes((unsigned char *)&random, sizeof random) == 1);
    bool is_fine = attempt->error[0] == '\0';
    bool is_last = !is_fine && attempt->number >= worker->options.attempts_max;
    db_array_text(&ended->ids, attempt->id);
    db_array_text(&ended->states, is_fine ? "delivered" : is_last ? "failed" : "pending");
    if (attempt->status > 0)
        db_array_int(&ended->statuses, attempt->status);
    else
        db_array_text(&ended->statuses, NULL);
    db_array_text(&ended->snippets, attempt->status > 0 ? attempt->snippet : NULL);
    db_array_text(&ended->errors, is_fine ? NULL : attempt->error);
    db_array_int(&ended->waits_ms, backoff_ms(attempt->number, worker->options.retry_base_ms, random));
    if (is_last)
        metric_add(&given_up, 1);
}

static enum err_kind record_within(struct db *db, void *context, struct err *reterr)
{
    struct webhook_worker *worker = context;
    CLEANUP(queue_ended_clear) struct queue_ended ended = {0};
    for (const struct attempt *each = worker->first; each != NULL; each = each->next) {
        if (each->is_ended)
            add(&ended, worker, each);
    }
    enum err_kind kind = lease_fence(&worker->lease, db, reterr);
    return kind == ERR_NONE ? queue_record(db, &ended, worker->options.disable_after_s, reterr) : kind;
}

static enum err_kind clean_within(struct db *db, void *context, struct err *reterr)
{
    struct webhook_worker *worker = context;
    enum err_kind kind = lease_fence(&worker->lease, db, reterr);
    if (kind == ERR_NONE)
        kind = queue_clean(db, &worker->has_more_chores, reterr);
    if (kind == ERR_NONE && worker->has_cursor) /* also where there was nobody to bring what it passed */
        kind = event_cursor_save(db, QUEUE_CONSUMER, &worker->cursor, reterr);
    return kind == ERR_NONE ? reseal(db, worker->options.keys, reterr) : kind;
}

/* ---- The loop ---- */

/* Where there is no webhook the log is passed over without a transaction. */
static enum err_kind make_deliveries(struct webhook_worker *worker, struct err *reterr)
{
    struct queue_view view = {0};
    enum err_kind kind = ERR_NONE;
    worker->has_more = false;
    if (!worker->has_cursor)
        kind = event_cursor_load(worker->db, QUEUE_CONSUMER, &worker->cursor, reterr);
    worker->has_cursor = kind == ERR_NONE;
    if (kind == ERR_NONE)
        kind = queue_look(worker->db, &worker->cursor, &view, reterr);
    if (kind != ERR_NONE || (!view.has_events && view.lost_xid == 0))
        return kind;
    if (!view.has_webhooks) {
        worker->cursor = view.bound;
        return ERR_NONE;
    }
    kind = db_transact(worker->db, 1, make_within, worker, reterr);
    worker->has_cursor = kind == ERR_NONE; /* else it is what the database says */
    if (kind == ERR_NONE && view.lost_xid != 0)
        log_event(LOG_LEVEL_WARNING, "webhooks_reset", LOG_TEXT("next", "receivers read the objects anew"));
    return kind;
}

static enum err_kind record_ended(struct webhook_worker *worker, struct err *reterr)
{
    if (worker->ended_count == 0)
        return ERR_NONE;
    enum err_kind kind = db_transact(worker->db, 1, record_within, worker, reterr);
    if (kind != ERR_NONE)
        return kind; /* they are noted in the next round: twice is once, but for the count of attempts */
    for (struct attempt *each = worker->first; each != NULL;) {
        struct attempt *next = each->next;
        if (each->is_ended)
            forget(each);
        each = next;
    }
    return ERR_NONE;
}

static enum err_kind do_chores(struct webhook_worker *worker, struct err *reterr)
{
    if (clock_monotonic_ms() < worker->chores_at_ms)
        return ERR_NONE;
    enum err_kind kind = db_transact(worker->db, 1, clean_within, worker, reterr);
    worker->chores_at_ms = clock_monotonic_ms() + (kind == ERR_NONE && worker->has_more_chores ? 0 : CHORES_PERIOD_MS);
    return kind;
}

/* The network wakes us more often than there is something to ask the database. */
static enum err_kind ask_database(struct webhook_worker *worker, struct err *reterr)
{
    if (worker->ended_count == 0 && clock_monotonic_ms() < worker->look_at_ms)
        return ERR_NONE;
    enum err_kind kind = record_ended(worker, reterr);
    if (kind == ERR_NONE)
        kind = make_deliveries(worker, reterr);
    if (kind == ERR_NONE)
        kind = start_due(worker, reterr);
    if (kind == ERR_NONE)
        kind = do_chores(worker, reterr);
    worker->look_at_ms = clock_monotonic_ms() + (worker->has_more ? 0 : PERIOD_MS);
    return kind;
}

static enum err_kind work(struct webhook_worker *worker, struct err *reterr)
{
    enum err_kind kind = ask_database(worker, reterr);
    if (kind == ERR_NONE)
        sender_poll(worker->sender, shutdown_fd(), worker->has_more ? 0 : PERIOD_MS);
    return kind;
}

/* What was sent and is answered in a moment would be sent again by the next leader. */
static void await_answers(struct webhook_worker *worker)
{
    int64_t until_ms = clock_monotonic_ms() + STOP_WITHIN_MS;
    int64_t left_ms = STOP_WITHIN_MS;
    while (worker->count > worker->ended_count && left_ms > 0) {
        sender_poll(worker->sender, -1, (int)left_ms);
        left_ms = until_ms - clock_monotonic_ms();
    }
}

static void *run(void *context)
{
    struct webhook_worker *worker = context;
    while (!shutdown_requested()) {
        struct err err = {0};
        enum err_kind kind = lease_keep(&worker->lease, worker->db, &err);
        if (kind == ERR_NONE && worker->lease.held)
            kind = work(worker, &err);
        if (kind == ERR_FENCED)
            worker->lease.held = false;
        else if (kind != ERR_NONE)
            log_error("webhooks_failed", &err);
        if (!worker->lease.held)
            forget_all(worker); /* the next leader sends it again */
        if (kind != ERR_NONE || !worker->lease.held)
            (void)shutdown_wait(kind != ERR_NONE ? RETRY_MS : STANDBY_MS);
    }
    struct err err = {0};
    if (worker->lease.held)
        await_answers(worker);
    if (worker->lease.held && record_ended(worker, &err) != ERR_NONE)
        log_error("webhooks_failed", &err);
    forget_all(worker);
    lease_release(&worker->lease, worker->db);
    return NULL;
}

struct webhook_worker *webhook_worker_start(const struct webhook_worker_options *options)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct webhook_worker *worker = alloc_zero(1, sizeof *worker);
    worker->options = *options;
    memcpy(worker->turn, NIL_UUID, UUID_TEXT_SIZE);
    worker->sender = sender_new(&(struct sender_options){.rules = options->rules,
                                                         .user_agent = "Sluice-Webhooks/1",
                                                         .timeout_ms = options->timeout_ms,
                                                         .body_max = SNIPPET_MAX,
                                                         .ended = end});
    worker->db = db_new(&(struct db_options){.url = options->database_url,
                                             .role = "sluice_api_system",
                                             .application_name = "sluice-api webhooks",
                                             .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                             .idle_in_transaction_session_timeout_ms = STATEMENT_TIMEOUT_MS});
    lease_init(&worker->lease, "webhooks", LEASE_TTL_MS);
    must(pthread_create(&worker->thread, NULL, run, worker) == 0);
    return worker;
}

void webhook_worker_stop(struct webhook_worker *worker)
{
    if (worker == NULL)
        return;
    must(shutdown_requested());
    (void)pthread_join(worker->thread, NULL);
    sender_free(worker->sender);
    db_free(worker->db);
    free(worker);
}
