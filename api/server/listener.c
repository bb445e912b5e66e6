/* Between libmicrohttpd and the rest: collects a request, dispatches it, sends its answer.
 *
 * libmicrohttpd 0.9.75 calls the handler for a request at least twice. An answer queued in the first call closes the
 * connection (measured: six times slower), so only a request that the screen refuses is answered there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/batcher.h"
#include "api/server/form.h"
#include "api/server/headers.h"
#include "api/server/server.h"
#include "api/server/stream_feed.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEADERS_MAX       100U
#define CONNECTION_MEMORY (32U * 1024U)
#define IDLE_TIMEOUT_S    60U
#define AUTH_ATTEMPTS_MAX 3
#define UPLOAD_BYTES_MAX  INT64_C(8388608) /* of a body beyond its limit: read, to be able to answer */
#define DRAIN_LIMIT_MS    10000
#define SEND_LIMIT_MS     3000
#define SEND_PERIOD_MS    5

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

struct listener {
    struct server *server;
    struct MHD_Daemon *daemon;
    int socket;
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
              LOG_TEXT("tenant", internal->request.caller.tenant));
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
    headers_add(internal, response);
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

static enum MHD_Result send_error(struct request_internal *internal, const struct err *err)
{
    log_failure(internal, err);
    problem_write(internal, err);
    return send_answer(internal);
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
    MHD_resume_connection(of_suspension(suspension)->connection);
}

static void expire_in_queue(struct suspension *suspension, bool is_shutdown)
{
    struct err err = {0};
    (void)err_set_code(&err, ERR_OVERLOADED, is_shutdown ? "shutting_down" : "overloaded",
                       is_shutdown ? "the server is stopping" : "no thread came free in time");
    answer_error(of_suspension(suspension), &err);
}

/* False while the server stops: the answer then is 503. */
static bool suspend(struct request_internal *internal)
{
    internal->suspension =
        (struct suspension){.expire = internal->expire == NULL ? expire_in_queue : internal->expire, .resume = resume};
    atomic_store(&internal->suspension.deadline_ms, clock_monotonic_ms() + REQUEST_WAIT_MS);
    MHD_suspend_connection(internal->connection);
    if (suspension_begin(internal->server->suspensions, &internal->suspension))
        return true;
    struct err err = {0};
    (void)err_set_code(&err, ERR_OVERLOADED, "shutting_down", "the server is stopping");
    problem_write(internal, &err);
    internal->is_answer_ready = true;
    MHD_resume_connection(internal->connection);
    return false;
}

/* ---- Authentication ---- */

static struct request_internal *of_job(struct job *job)
{
    return (struct request_internal *)(void *)((char *)job - offsetof(struct request_internal, job));
}

static void load_token(struct job *job, struct worker *worker)
{
    struct request_internal *internal = of_job(job);
    if (suspension_claim(&internal->suspension)) {
        struct err err = {0};
        struct identity id = {0};
        enum err_kind kind = identity_from_uuid(internal->request.caller.token_id, &id, &err);
        if (kind == ERR_NONE)
            kind = token_cache_load(internal->server->tokens, worker->system_db, id, &err);
        if (kind == ERR_NONE)
            suspension_end(internal->server->suspensions, &internal->suspension); /* dispatched again */
        else
            answer_error(internal, &err);
    }
    internal_drop(internal);
}

/* A look-up that no request waits for: what is remembered is about to grow old. */
struct refresh {
    struct job job;
    struct token_cache *cache;
    struct identity token_id;
};

static void refresh_token(struct job *job, struct worker *worker)
{
    struct refresh *refresh = (struct refresh *)(void *)((char *)job - offsetof(struct refresh, job));
    struct err err = {0};
    if (token_cache_load(refresh->cache, worker->system_db, refresh->token_id, &err) != ERR_NONE)
        log_error("token_refresh_failed", &err); /* the next request asks itself */
    free(refresh);
}

static void submit_refresh(struct server *server, struct identity token_id)
{
    struct refresh *refresh = alloc_zero(1, sizeof *refresh);
    *refresh = (struct refresh){.job.run = refresh_token, .cache = server->tokens, .token_id = token_id};
    if (!workers_submit(server->workers, &refresh->job))
        free(refresh);
}

/* *ret_waits: suspended until the database has said who this is. */
static enum err_kind authenticate(struct request_internal *internal, bool *ret_waits, struct err *reterr)
{
    struct request *request = &internal->request;
    const char *header = request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    if (header == NULL || strncasecmp(header, "Bearer ", strlen("Bearer ")) != 0)
        return err_set(reterr, ERR_UNAUTHENTICATED, "send a token: Authorization: Bearer slu_...");
    struct token token;
    enum err_kind kind = token_parse(header + strlen("Bearer "), &token, reterr);
    if (kind != ERR_NONE)
        return kind;
    enum token_known known = TOKEN_UNKNOWN;
    kind = token_cache_find(internal->server->tokens, &token, &request->caller, &known, reterr);
    token_forget(&token);
    if (known == TOKEN_STALE)
        submit_refresh(internal->server, token.id);
    if (known != TOKEN_UNKNOWN)
        return kind;
    if (internal->auth_attempts++ >= AUTH_ATTEMPTS_MAX)
        return err_set(reterr, ERR_UNAVAILABLE, "the token could not be looked up");
    identity_to_uuid(token.id, request->caller.token_id);
    *ret_waits = true;
    if (!suspend(internal))
        return ERR_NONE;
    internal->job = (struct job){.run = load_token};
    internal_keep(internal);
    if (workers_submit(internal->server->workers, &internal->job))
        return ERR_NONE;
    internal_drop(internal);
    struct err err = {0};
    (void)err_set(&err, ERR_OVERLOADED, "too many requests are waiting");
    if (suspension_claim(&internal->suspension))
        answer_error(internal, &err);
    return ERR_NONE;
}

static enum err_kind authorize(const struct request *request, struct err *reterr)
{
    if ((request->route->roles & (unsigned)request->caller.role) != 0)
        return ERR_NONE;
    return err_set(reterr, ERR_FORBIDDEN, "the role '%s' may not %s %s", role_text(request->caller.role),
                   request->method, request->route->path);
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

static enum MHD_Result hand_over(struct request_internal *internal)
{
    const struct route *route = internal->request.route;
    struct err err = {0};
    if (route->direct != NULL)
        return run_direct(internal);
    struct batch_item *item = NULL;
    if (route->is_batched && batcher_prepare(internal->server->batcher, internal, &item, &err) != ERR_NONE)
        return send_error(internal, &err);
    if (!suspend(internal))
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

static enum MHD_Result dispatch(struct request_internal *internal)
{
    struct request *request = &internal->request;
    struct err err = {0};
    if (console_serves(internal->server, request->path))
        return console_answer(internal);
    const char *allow = NULL;
    if (router_find(internal->server->resources, request, &allow, &err) != ERR_NONE)
        return answer_without_route(internal, allow, &err);
    bool waits = false;
    enum err_kind kind = request->route->roles == ROLES_NONE ? ERR_NONE : authenticate(internal, &waits, &err);
    if (waits)
        return MHD_YES;
    if (kind == ERR_NONE && request->route->roles != ROLES_NONE)
        kind = authorize(request, &err);
    if (kind == ERR_NONE && internal->is_body_too_large)
        kind = err_set(&err, ERR_TOO_LARGE, "the body is larger than %u bytes", BODY_BYTES_MAX);
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
    internal->prefer = preference_parse(request_header(request, "Prefer"));
    if (request->route->method == POST)
        identity_to_uuid(identity_new(), request->new_id);
    return hand_over(internal);
}

/* ---- Collecting ---- */

struct header_list {
    struct screen_header items[HEADERS_MAX];
    size_t count; /* may be more than were kept */
};

static enum MHD_Result collect_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct header_list *list = context;
    if (list->count < HEADERS_MAX)
        list->items[list->count] = (struct screen_header){name, value};
    list->count++;
    return MHD_YES;
}

static enum err_kind screen(struct request_internal *internal, const char *version, struct err *reterr)
{
    struct header_list list;
    list.count = 0;
    (void)MHD_get_connection_values(internal->connection, MHD_HEADER_KIND, collect_header, &list);
    if (list.count > HEADERS_MAX)
        return err_set_code(reterr, ERR_TOO_LARGE, "headers_too_large", "there are more than %u headers", HEADERS_MAX);
    if (strlen(internal->uri) > URI_BYTES_MAX)
        return err_set_code(reterr, ERR_TOO_LARGE, "uri_too_long", "the address is longer than %u bytes",
                            URI_BYTES_MAX);
    int64_t content_length = -1;
    enum err_kind kind = screen_headers(list.items, list.count, version, &content_length, reterr);
    if (kind == ERR_TOO_LARGE && content_length <= UPLOAD_BYTES_MAX) {
        internal->is_body_too_large = true; /* a client in the middle of sending would not see the answer */
        return ERR_NONE;
    }
    if (kind == ERR_NONE && content_length > 0) {
        internal->body_capacity = (size_t)content_length;
        internal->body = alloc_zero(internal->body_capacity, 1);
    }
    return kind;
}

static const char *remote_of(struct request_internal *internal)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(internal->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";
    if (info == NULL || info->client_addr == NULL)
        return "unix";
    const void *address = NULL;
    if (info->client_addr->sa_family == AF_INET)
        address = &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr;
    else if (info->client_addr->sa_family == AF_INET6)
        address = &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr;
    if (address == NULL || inet_ntop(info->client_addr->sa_family, address, text, sizeof text) == NULL)
        return "unix";
    return arena_text(internal->request.arena, text);
}

/* What the client calls its request, and the work that it belongs to. */
static void read_names(struct request_internal *internal)
{
    struct request *request = &internal->request;
    const char *id = request_header(request, "Request-Id");
    if (id != NULL && request_id_is_sane(id))
        (void)snprintf(request->id, sizeof request->id, "%s", id);
    const char *parent = request_header(request, "traceparent");
    if (parent != NULL)
        (void)trace_read(parent, internal->trace_id, internal->traceparent);
}

static enum MHD_Result begin(struct request_internal *internal, const char *path, const char *method,
                             const char *version)
{
    struct request *request = &internal->request;
    internal->is_screened = true;
    internal->response.content_type = "application/json";
    request->method = arena_text_n(request->arena, method, strnlen(method, 16));
    request->path = arena_text_n(request->arena, path, strnlen(path, URI_BYTES_MAX));
    request->remote = remote_of(internal);
    read_names(internal);
    struct err err = {0};
    if (screen(internal, version, &err) == ERR_NONE)
        return MHD_YES;
    internal->wants_close = true; /* what follows on this connection cannot be told apart */
    return send_error(internal, &err);
}

static void take_upload(struct request_internal *internal, const char *data, size_t size)
{
    internal->uploaded += (int64_t)size;
    if (internal->is_body_too_large || internal->body_length + size > BODY_BYTES_MAX) {
        internal->is_body_too_large = true; /* read to its end and thrown away; libmicrohttpd answers only then */
        return;
    }
    if (internal->body_length + size > internal->body_capacity) {
        internal->body_capacity = 2 * (internal->body_length + size);
        internal->body = alloc_resize(internal->body, internal->body_capacity, 1);
    }
    memcpy(internal->body + internal->body_length, data, size);
    internal->body_length += size;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request_state)
{
    (void)context;
    (void)connection;
    struct request_internal *internal = *request_state;
    if (!internal->is_screened)
        return begin(internal, path, method, version);
    if (*upload_size > 0) {
        take_upload(internal, upload, *upload_size);
        *upload_size = 0;
        return internal->uploaded > UPLOAD_BYTES_MAX ? MHD_NO : MHD_YES; /* MHD_NO: the connection is closed */
    }
    return internal->is_answer_ready ? send_answer(internal) : dispatch(internal);
}

static void *begin_request(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct listener *listener = context;
    (void)atomic_fetch_add(&listener->requests, 1);
    return internal_new(listener->server, connection, uri);
}

static void complete(void *context, struct MHD_Connection *connection, void **request_state,
                     enum MHD_RequestTerminationCode why)
{
    (void)connection;
    (void)why;
    struct listener *listener = context;
    struct request_internal *internal = *request_state;
    if (internal == NULL)
        return;
    *request_state = NULL;
    internal_drop(internal);
    (void)atomic_fetch_sub(&listener->requests, 1);
}

PRINTF_LIKE(2, 0) static void log_library(void *context, const char *format, va_list arguments)
{
    (void)context;
    char text[256];
    (void)vsnprintf(text, sizeof text, format, arguments); /* a long text is cut */
    log_event(LOG_LEVEL_DEBUG, "libmicrohttpd", LOG_TEXT("text", text));
}

/* ---- Starting and stopping ---- */

enum err_kind listener_start(struct server *server, struct err *reterr)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct listener *listener = alloc_zero(1, sizeof *listener);
    listener->server = server;
    listener->socket = -1;
    server->listener = listener;
    enum err_kind kind = listen_open(server->settings->listen, LISTEN_LOCAL, &listener->socket, reterr);
    if (kind != ERR_NONE)
        return kind;
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, listener,
        MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_LISTEN_SOCKET, listener->socket,
        MHD_OPTION_URI_LOG_CALLBACK, begin_request, listener, MHD_OPTION_NOTIFY_COMPLETED, complete, listener,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)server->settings->http_threads, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)server->settings->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (listener->daemon == NULL)
        return err_set(reterr, ERR_UNAVAILABLE, "the HTTP server cannot be started on '%s'", server->settings->listen);
    return ERR_NONE;
}

/* What was answered is also to be sent: libmicrohttpd closes connections when it stops, whatever they have queued. */
static void wait_until_sent(struct listener *listener)
{
    int64_t deadline_ms = clock_monotonic_ms() + SEND_LIMIT_MS;
    while (atomic_load(&listener->requests) > 0 && clock_monotonic_ms() < deadline_ms)
        (void)poll(NULL, 0, SEND_PERIOD_MS);
}

void listener_stop(struct listener *listener)
{
    if (listener == NULL)
        return;
    if (listener->daemon != NULL) {
        (void)MHD_quiesce_daemon(listener->daemon);
        stream_feed_stop(listener->server->follower);
        batcher_stop(listener->server->batcher); /* what was queued is committed before anybody is sent away */
        int64_t left = suspensions_drain(listener->server->suspensions, DRAIN_LIMIT_MS);
        wait_until_sent(listener);
        if (left > 0) /* stopping now would abort the process: leave the memory to the system instead */
            log_event(LOG_LEVEL_ERROR, "requests_left_suspended", LOG_INT("count", left));
        else
            MHD_stop_daemon(listener->daemon); /* sends what was queued */
    }
    if (listener->socket >= 0)
        (void)close(listener->socket);
    free(listener);
}
