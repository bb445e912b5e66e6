/* Between libmicrohttpd and the rest: collects a request, dispatches it, sends its answer.
 *
 * libmicrohttpd 0.9.75 calls the handler for a request at least twice. An answer queued in the first call closes the
 * connection (measured: six times slower), so only a request that the screen refuses is answered there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/batcher.h"
#include "api/server/collect.h"
#include "api/server/form.h"
#include "api/server/headers.h"
#include "api/server/loop.h"
#include "api/server/screen.h"
#include "api/server/server.h"
#include "api/server/stream_feed.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"

#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNECTION_MEMORY    (32U * 1024U)
#define ENTRIES_MAX          4
#define DRAIN_LIMIT_MS       10000
#define SEND_LIMIT_MS        3000
#define SEND_PERIOD_MS       5
#define POINT_TIMEOUT_MS     5000
#define READ_LOCK_TIMEOUT_MS 1000

static struct metric answers[] = {
    {.name = "sluice_api_requests_total",
     .type = METRIC_COUNTER,
     .labels = "status=\"1xx\"",
     .help = "Requests answered"},
    {.name = "sluice_api_requests_total",
     .type = METRIC_COUNTER,
     .labels = "status=\"2xx\"",
     .help = "Requests answered"},
    {.name = "sluice_api_requests_total",
     .type = METRIC_COUNTER,
     .labels = "status=\"3xx\"",
     .help = "Requests answered"},
    {.name = "sluice_api_requests_total",
     .type = METRIC_COUNTER,
     .labels = "status=\"4xx\"",
     .help = "Requests answered"},
    {.name = "sluice_api_requests_total",
     .type = METRIC_COUNTER,
     .labels = "status=\"5xx\"",
     .help = "Requests answered"},
};
static struct metric duration = {.name = "sluice_api_request_duration_seconds",
                                 .type = METRIC_HISTOGRAM,
                                 .help = "From the request line to the answer, waiting for a verdict included"};
static struct metric *const metrics[] = {&answers[0], &answers[1], &answers[2], &answers[3], &answers[4], &duration};

/* An address that is listened at, by as many loops as there are HTTP threads. */
struct entry {
    struct connection_entry *connections; /* one per loop */
    int loop_count;
    int socket;
};

struct listener {
    struct server *server;
    struct connections *connections;
    struct entry entries[ENTRIES_MAX];
    int entry_count;
    _Atomic int64_t requests; /* begun and not completed */
};

/* ---- Sending ---- */

static void account(const struct request_internal *internal, int status)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t took_us = now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000 - internal->arrived_us;
    metric_add(&answers[status / 100 - 1], 1);
    metric_observe_us(&duration, took_us);
    bool is_ours = status >= 500;
    log_event(is_ours ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "request", LOG_TEXT("request_id", internal->request.id),
              LOG_TEXT("trace_id", internal->trace_id), LOG_TEXT("method", internal->request.method),
              LOG_TEXT("path", internal->request.path), LOG_INT("status", status), LOG_TEXT("code", internal->code),
              LOG_INT("duration_us", took_us), LOG_TEXT("principal", internal->request.caller.principal),
              LOG_TEXT("tenant", internal->request.caller.tenant), LOG_TEXT("remote", internal->peer.address),
              LOG_TEXT("certificate", internal->peer.subject));
}

static enum MHD_Result send_answer(struct request_internal *internal)
{
    struct response *answer = &internal->response;
    bool is_stream = answer->stream != NULL && answer->status == 200;
    struct MHD_Response *response =
        is_stream ? stream_response(answer->stream)
                  : MHD_create_response_from_buffer(answer->body.length, answer->body.text,
                                                    MHD_RESPMEM_PERSISTENT); /* lives as the request does */
    must(response != NULL);
    internal->stream = answer->stream;
    internal->wants_close |= connection_is_used_up(connection_of(internal->connection));
    headers_add(internal, response);
    connection_enter(connection_of(internal->connection), is_stream ? CONNECTION_WORK : CONNECTION_ANSWER);
    enum MHD_Result queued = MHD_queue_response(internal->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    account(internal, answer->status);
    return queued;
}

/* What is not the client's doing. */
static void log_failure(const struct request_internal *internal, const struct err *err)
{
    if (err_http_status(err->kind) < 500)
        return;
    log_event(LOG_LEVEL_ERROR, "request_failed", LOG_TEXT("request_id", internal->request.id),
              LOG_TEXT("trace_id", internal->trace_id), LOG_TEXT("kind", err_slug(err->kind)),
              LOG_TEXT("sqlstate", err->sqlstate), LOG_TEXT("text", err->text));
}

static enum MHD_Result send_problem(struct request_internal *internal, const struct err *err)
{
    log_failure(internal, err);
    problem_write(internal, err);
    return send_answer(internal);
}

/* It is refused. */
static enum MHD_Result send_error(struct request_internal *internal, const struct err *err)
{
    execute_refuse(internal, err);
    return send_problem(internal, err);
}

void answer_send(struct request_internal *internal)
{
    form_apply(internal);
    internal->is_answer_ready = true;
    suspension_end(internal->server->suspensions, &internal->suspension);
}

void answer_error(struct request_internal *internal, const struct err *err)
{
    log_failure(internal, err);
    problem_write(internal, err);
    answer_send(internal);
}

/* ---- Suspending ---- */

static struct request_internal *of_suspension(struct suspension *suspension)
{
    return (struct request_internal *)(void *)((char *)suspension - offsetof(struct request_internal, suspension));
}

static void resume(struct suspension *suspension)
{
    connection_resume(of_suspension(suspension)->connection);
}

static void expire_in_queue(struct suspension *suspension, bool is_shutdown)
{
    struct err err = {0};
    (void)err_set_code(&err, ERR_OVERLOADED, is_shutdown ? "shutting_down" : "overloaded",
                       is_shutdown ? "the server is stopping" : "no thread came free in time");
    answer_error(of_suspension(suspension), &err);
}

bool request_suspend(struct request_internal *internal)
{
    internal->suspension.expire = internal->expire == NULL ? expire_in_queue : internal->expire;
    internal->suspension.resume = resume;
    atomic_store(&internal->suspension.deadline_ms, clock_monotonic_ms() + REQUEST_WAIT_MS);
    MHD_suspend_connection(internal->connection);
    if (suspension_begin(internal->server->suspensions, &internal->suspension))
        return true;
    struct err err = {0};
    (void)err_set_code(&err, ERR_OVERLOADED, "shutting_down", "the server is stopping");
    problem_write(internal, &err);
    internal->is_answer_ready = true;
    connection_resume(internal->connection);
    return false;
}

static enum err_kind authorize(const struct request *request, struct err *reterr)
{
    const struct route *route = request->route;
    const struct caller *caller = &request->caller;
    if ((route->roles & (unsigned)caller->role) == 0)
        return err_set(reterr, ERR_FORBIDDEN, "the role '%s' may not %s %s", role_text(caller->role), request->method,
                       route->path);
    const char *tag = request->resource->name;
    bool is_write = route->method != GET;
    if (route->needs_no_scope || scopes_allow(&caller->scopes, request->internal->server->resources, tag, is_write))
        return ERR_NONE;
    return err_set_code(reterr, ERR_FORBIDDEN, "scope_missing", "the token has no scope '%s:%s'", tag,
                        is_write ? "write" : "read");
}

/* ---- Dispatching ---- */

static enum err_kind read_object(struct request *request, struct err *reterr)
{
    if (!request->route->has_id)
        return ERR_NONE;
    struct identity id;
    struct err ignored = {0};
    if (identity_from_text(request->route->id, request->params[0], &id, &ignored) != ERR_NONE)
        return err_set(reterr, ERR_NOT_FOUND, "'%.100s' does not exist", request->params[0]);
    char *uuid = arena_alloc(request->arena, UUID_TEXT_SIZE);
    identity_to_uuid(id, uuid);
    request->object = uuid;
    return ERR_NONE;
}

static enum MHD_Result run_direct(struct request_internal *internal)
{
    struct err err = {0};
    if (internal->request.route->direct(&internal->request, &internal->response, &err) != ERR_NONE)
        return send_error(internal, &err);
    return send_answer(internal);
}

static bool goes_to_batcher(const struct request *request)
{
    return request->route->is_batched && !request->validates_only;
}

static enum MHD_Result ask_planners(struct request_internal *internal)
{
    if (request_suspend(internal) && suspension_claim(&internal->suspension))
        question_submit(internal);
    return MHD_YES;
}

/* Runs what reads as far as it comes: to its answer, to a question, or to a statement that the request then waits for.
 */
static enum MHD_Result read_on(struct request_internal *internal)
{
    struct err err = {0};
    enum err_kind kind = ERR_NONE;
    if (!reading_run(internal, &kind, &err))
        return MHD_YES;
    if (kind != ERR_NONE) /* of a change: what came of it */
        return internal->request.route->method == GET ? send_error(internal, &err) : send_problem(internal, &err);
    if (question_is_new(internal))
        return ask_planners(internal);
    if (hold_suspend(internal))
        return MHD_YES;
    form_apply(internal);
    return send_answer(internal);
}

static enum MHD_Result hand_over(struct request_internal *internal)
{
    const struct route *route = internal->request.route;
    struct err err = {0};
    if (route->direct != NULL)
        return run_direct(internal);
    if (route->fetch != NULL)
        return route->fetch(&internal->request, &err) == ERR_NONE ? MHD_YES : send_error(internal, &err);
    if (route->method == GET && !route->without_transaction) {
        reading_begin(internal, execute_read);
        return read_on(internal);
    }
    struct batch_item *item = NULL;
    if (goes_to_batcher(&internal->request) &&
        batcher_prepare(internal->server->batcher, internal, &item, &err) != ERR_NONE)
        return send_error(internal, &err);
    if (!request_suspend(internal))
        return MHD_YES;
    enum err_kind kind =
        item != NULL ? batcher_submit(internal->server->batcher, item, &err) : execute_submit(internal, &err);
    if (kind != ERR_NONE && suspension_claim(&internal->suspension))
        answer_error(internal, &err);
    return MHD_YES;
}

/* Nothing is there, or nothing of that method. */
static enum MHD_Result answer_without_route(struct request_internal *internal, const char *allow, const struct err *err)
{
    if (allow != NULL && strcmp(internal->request.method, MHD_HTTP_METHOD_OPTIONS) == 0) {
        headers_options(internal, allow);
        return send_answer(internal);
    }
    problem_write(internal, err);
    if (allow != NULL)
        response_header(&internal->response, MHD_HTTP_HEADER_ALLOW, allow);
    return send_answer(internal);
}

/* Of a GET the wait alone: it has no verdict that could be told of later. */
static struct preference read_preference(const struct request *request)
{
    const struct route *route = request->route;
    if (request->validates_only || !prefer_is_offered(route))
        return PREFERENCE_NONE;
    struct preference preference = preference_parse(request_header_list(request, "Prefer"));
    preference.respond_async = preference.respond_async && route->waits;
    return preference;
}

static enum MHD_Result dispatch(struct request_internal *internal)
{
    struct request *request = &internal->request;
    struct err err = {0};
    if (console_serves(internal->server, request->path)) {
        connection_enter(connection_of(internal->connection), CONNECTION_ANSWER);
        return console_answer(internal);
    }
    const char *allow = NULL;
    if (router_find(internal->server->router, request, &allow, &err) != ERR_NONE)
        return answer_without_route(internal, allow, &err);
    bool waits = false;
    enum err_kind kind = authenticate(internal, &waits, &err);
    if (waits)
        return MHD_YES;
    if (kind == ERR_NONE && request->route->roles != ROLES_NONE)
        kind = authorize(request, &err);
    if (kind == ERR_NONE && internal->is_body_too_large)
        kind = err_set(&err, ERR_TOO_LARGE, "the body is larger than %u bytes", BODY_BYTES_MAX);
    if (kind == ERR_NONE && internal->is_body_without_room)
        kind = err_set(&err, ERR_OVERLOADED, "there is no room for the bodies of so many requests");
    if (kind == ERR_NONE)
        kind = form_read(internal, &err);
    if (kind == ERR_NONE)
        kind = read_object(request, &err);
    if (kind == ERR_NONE)
        kind = query_read(internal, &err);
    if (kind == ERR_NONE)
        kind = body_read(internal, &err);
    if (kind != ERR_NONE)
        return send_error(internal, &err);
    internal->prefer = read_preference(request);
    if (request->route->method == POST || request->route->fetch != NULL)
        identity_to_uuid(identity_new(), request->new_id);
    return hand_over(internal);
}

/* What waits, when its caller is in doubt: refused, or where it is held its handler runs again. */
static enum MHD_Result look_again(struct request_internal *internal)
{
    struct err err = {0};
    bool waits = false;
    enum err_kind kind = caller_find(internal, &waits, &err);
    if (waits)
        return MHD_YES;
    internal->is_in_doubt = false;
    if (kind == ERR_NONE)
        kind = authorize(&internal->request, &err);
    if (kind == ERR_NONE && internal->hold == NULL)
        kind = err_set(&err, ERR_RETRY, "what the caller may do changed while a planner was asked");
    if (kind != ERR_NONE)
        return send_error(internal, &err);
    reading_begin(internal, execute_read);
    return read_on(internal);
}

/* ---- Collecting ---- */

static enum MHD_Result begin(struct request_internal *internal, const char *path, const char *method,
                             const char *version)
{
    struct err err = {0};
    if (collect_head(internal, path, method, version, &err) == ERR_NONE) {
        connection_enter(connection_of(internal->connection), CONNECTION_BODY);
        return MHD_YES;
    }
    internal->wants_close = true; /* what follows on this connection cannot be told apart */
    return send_error(internal, &err);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request_state)
{
    (void)context;
    struct request_internal *internal = *request_state;
    if (!internal->is_screened)
        return begin(internal, path, method, version);
    if (*upload_size > 0) {
        bool goes_on = collect_upload(internal, upload, *upload_size);
        *upload_size = 0;
        return goes_on ? MHD_YES : MHD_NO; /* MHD_NO: the connection is closed */
    }
    if (internal->is_answer_ready)
        return send_answer(internal);
    if (internal->reading.step != NULL)
        return read_on(internal);
    connection_enter(connection_of(connection), CONNECTION_WORK);
    return internal->is_in_doubt ? look_again(internal) : dispatch(internal);
}

/* The connection's reference. NULL is fine. */
static void let_go(struct request_internal *internal)
{
    if (internal == NULL)
        return;
    struct listener *listener = internal->server->listener;
    internal_drop(internal);
    (void)atomic_fetch_sub(&listener->requests, 1);
}

/* More parameters than may be are not shown to libmicrohttpd, which has no room for them and would not say so; the screen
 * refuses them. The address stands in a buffer of the connection's, of which what follows is parsed. */
static void hide_parameters(const struct request_internal *internal, const char *uri)
{
    if (screen_parameters(internal->query_text) > PARAMETERS_MAX)
        strchr(uri, '?')[1] = '\0';
}

static void *begin_request(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct listener *listener = context;
    struct request_internal *internal = internal_new(listener->server, connection, uri);
    hide_parameters(internal, uri);
    (void)atomic_fetch_add(&listener->requests, 1);
    connection_begin_request(connection_of(connection));
    let_go(connection_take_request(connection_of(connection), internal));
    return internal;
}

static void complete(void *context, struct MHD_Connection *connection, void **request_state,
                     enum MHD_RequestTerminationCode why)
{
    (void)context, (void)why;
    if (*request_state == NULL)
        return;
    connection_enter(connection_of(connection), CONNECTION_IDLE);
    *request_state = NULL;
    let_go(connection_take_request(connection_of(connection), NULL));
}

static void notify(void *entry, struct MHD_Connection *of, void **socket_context,
                   enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_CLOSED && *socket_context != NULL)
        let_go(connection_take_request(*socket_context, NULL));
    connection_notify(entry, of, socket_context, what);
}

PRINTF_LIKE(2, 0) static void log_library(void *context, const char *format, va_list arguments)
{
    (void)context;
    char text[256];
    (void)vsnprintf(text, sizeof text, format, arguments); /* a long text is cut */
    log_event(LOG_LEVEL_DEBUG, "libmicrohttpd", LOG_TEXT("text", text));
}

/* ---- Starting and stopping ---- */

static struct connections *start_connections(const struct api_settings *settings)
{
    /* When the first byte of a request comes is not to be seen: so an idle connection has the time of its headers too.
     */
    return connections_start(&(struct connection_limits){
        .phase_ms =
            {
                [CONNECTION_IDLE] = 1000 * (settings->idle_timeout_s + settings->header_timeout_s),
                [CONNECTION_HEADERS] = 1000 * settings->header_timeout_s,
                [CONNECTION_BODY] = 1000 * settings->body_timeout_s,
                [CONNECTION_ANSWER] = 1000 * settings->answer_timeout_s,
            },
        .requests_max = settings->requests_per_connection_max,
    });
}

/* A point read that takes seconds waits for a lock. */
static struct loop *new_loop(struct server *server)
{
    const struct api_settings *settings = server->settings;
    int timeout_ms = (int)settings->statement_timeout_ms;
    struct reader_options point = {.database_url = server->common->database_url,
                                   .name = "point",
                                   .connections = (int)settings->read_connections,
                                   .load = &server->point_load,
                                   .statement_timeout_ms =
                                       timeout_ms < POINT_TIMEOUT_MS ? timeout_ms : POINT_TIMEOUT_MS,
                                   .lock_timeout_ms = READ_LOCK_TIMEOUT_MS};
    struct reader_options list = point;
    list.name = "list";
    list.load = &server->list_load;
    list.statement_timeout_ms = timeout_ms;
    return loop_new(&point, &list);
}

static struct MHD_Daemon *start_daemon(struct listener *listener, int socket, struct connection_entry *connections)
{
    const struct api_settings *settings = listener->server->settings;
    int64_t connections_max = (settings->connections_max + settings->http_threads - 1) / settings->http_threads;
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle,
                            listener, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_LISTEN_SOCKET, socket,
                            MHD_OPTION_URI_LOG_CALLBACK, begin_request, listener, MHD_OPTION_NOTIFY_COMPLETED, complete,
                            listener, MHD_OPTION_NOTIFY_CONNECTION, notify, connections, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)settings->idle_timeout_s,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

static enum err_kind open_loop(struct listener *listener, struct entry *entry, const char *address, struct err *reterr)
{
    struct connection_entry *connections = &entry->connections[entry->loop_count];
    *connections =
        (struct connection_entry){listener->connections, new_loop(listener->server), listen_unix_path(address) != NULL};
    entry->loop_count++;
    struct MHD_Daemon *daemon = start_daemon(listener, entry->socket, connections);
    if (daemon == NULL)
        return err_set(reterr, ERR_UNAVAILABLE, "the HTTP server cannot be started on '%s'", address);
    loop_run(connections->loop, daemon);
    return ERR_NONE;
}

static enum err_kind open_entry(struct listener *listener, const char *address, struct err *reterr)
{
    const struct api_settings *settings = listener->server->settings;
    if (listener->entry_count == ENTRIES_MAX)
        return err_set(reterr, ERR_INVALID, "there are more than %d addresses to listen at", ENTRIES_MAX);
    struct entry *entry = &listener->entries[listener->entry_count];
    enum err_kind kind = listen_open(address, LISTEN_LOCAL, &entry->socket, reterr);
    if (kind != ERR_NONE)
        return kind;
    listener->entry_count++;
    entry->connections = alloc_zero((size_t)settings->http_threads, sizeof *entry->connections);
    for (int64_t i = 0; i < settings->http_threads && kind == ERR_NONE; i++)
        kind = open_loop(listener, entry, address, reterr);
    return kind;
}

enum err_kind listener_start(struct server *server, struct err *reterr)
{
    metric_register(metrics, COUNT_OF(metrics));
    rate_metrics_register();
    struct listener *listener = alloc_zero(1, sizeof *listener);
    listener->server = server;
    listener->connections = start_connections(server->settings);
    server->point_load.waiting_max = server->list_load.waiting_max = server->settings->reads_max;
    server->listener = listener;
    CLEANUP(text_freep) char *addresses = alloc_text(server->settings->listen);
    char *rest = addresses;
    enum err_kind kind = ERR_NONE;
    while (kind == ERR_NONE && rest != NULL)
        kind = open_entry(listener, strsep(&rest, ","), reterr);
    return kind;
}

/* What was answered is also to be sent: libmicrohttpd closes connections when it stops, whatever they have queued. */
static void wait_until_sent(struct listener *listener)
{
    int64_t deadline_ms = clock_monotonic_ms() + SEND_LIMIT_MS;
    while (atomic_load(&listener->requests) > 0 && clock_monotonic_ms() < deadline_ms)
        (void)poll(NULL, 0, SEND_PERIOD_MS);
}

static void close_entry(struct entry *entry)
{
    for (int i = 0; i < entry->loop_count; i++)
        loop_free(entry->connections[i].loop);
    free(entry->connections);
    (void)close(entry->socket);
}

/* Sends what was queued and closes. */
static void close_entries(struct listener *listener)
{
    for (int i = 0; i < listener->entry_count; i++)
        close_entry(&listener->entries[i]);
    connections_stop(listener->connections);
    free(listener);
}

/* No new connections from now on. */
static void quiesce(const struct entry *entry)
{
    for (int i = 0; i < entry->loop_count; i++) {
        struct MHD_Daemon *daemon = loop_daemon(entry->connections[i].loop);
        if (daemon != NULL)
            (void)MHD_quiesce_daemon(daemon);
    }
}

void listener_stop(struct listener *listener)
{
    if (listener == NULL)
        return;
    atomic_store(&listener->server->is_stopping, true);
    for (int i = 0; i < listener->entry_count; i++)
        quiesce(&listener->entries[i]);
    stream_feed_stop(listener->server->follower);
    batcher_stop(listener->server->batcher); /* what was queued is committed before anybody is sent away */
    int64_t left = suspensions_drain(listener->server->suspensions, DRAIN_LIMIT_MS);
    wait_until_sent(listener);
    if (left > 0) /* stopping now would abort the process: leave the memory to the system instead */
        log_event(LOG_LEVEL_ERROR, "requests_left_suspended", LOG_INT("count", left));
    else
        close_entries(listener);
}
