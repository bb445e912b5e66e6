/* A request's life, and what handlers ask of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/collect.h"
#include "api/server/server.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/must.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct result_list {
    struct result_list *next;
    PGresult *result;
};

static int64_t monotonic_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

struct request_internal *internal_new(struct server *server, struct MHD_Connection *connection, const char *uri)
{
    struct arena *arena = arena_new();
    struct request_internal *internal = arena_alloc(arena, sizeof *internal);
    atomic_init(&internal->references, 1);
    internal->server = server;
    internal->connection = connection;
    internal->arrived_us = monotonic_us();
    internal->prefer = PREFERENCE_NONE;
    internal->uri = arena_text(arena, uri);
    const char *query = strchr(internal->uri, '?');
    internal->query_text = query == NULL ? "" : query + 1;
    struct request *request = &internal->request;
    request->arena = arena;
    request->problems.arena = arena;
    request->internal = internal;
    identity_to_text(IDENTITY_REQUEST, identity_new(), request->id);
    json_out_init(&internal->response.body, arena);
    return internal;
}

void internal_keep(struct request_internal *internal)
{
    (void)atomic_fetch_add(&internal->references, 1);
}

void internal_drop(struct request_internal *internal)
{
    if (atomic_fetch_sub(&internal->references, 1) > 1)
        return;
    if (internal->release != NULL)
        internal->release(internal);
    for (struct result_list *each = internal->results; each != NULL; each = each->next)
        PQclear(each->result);
    reading_release(internal);
    if (internal->exchanged != NULL)
        OPENSSL_cleanse(internal->exchanged, strlen(internal->exchanged));
    free(internal->exchanged);
    collect_release(internal);
    json_decref(internal->patch);
    arena_free(internal->request.arena); /* internal itself lives in it */
}

struct request_internal *internal_of_job(struct job *job)
{
    return (struct request_internal *)(void *)((char *)job - offsetof(struct request_internal, job));
}

/* libmicrohttpd leaves white space behind a value, which is no part of it (RFC 9110, 5.5). What frames a request it reads
 * with that, so the screen does too. */
static const char *without_space_behind(struct arena *arena, const char *value)
{
    size_t length = strlen(value);
    size_t kept = length;
    while (kept > 0 && (value[kept - 1] == ' ' || value[kept - 1] == '\t'))
        kept--;
    return kept == length ? value : arena_text_n(arena, value, kept);
}

const char *request_header(const struct request *request, const char *name)
{
    const char *value = MHD_lookup_connection_value(request->internal->connection, MHD_HEADER_KIND, name);
    return value == NULL ? NULL : without_space_behind(request->arena, value);
}

struct header_lines {
    struct arena *arena;
    const char *name, *joined;
};

static enum MHD_Result join_line(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct header_lines *lines = context;
    if (value == NULL || strcasecmp(name, lines->name) != 0)
        return MHD_YES;
    const char *line = without_space_behind(lines->arena, value);
    lines->joined = lines->joined == NULL ? line : arena_format(lines->arena, "%s, %s", lines->joined, line);
    return MHD_YES;
}

const char *request_header_list(const struct request *request, const char *name)
{
    struct header_lines lines = {.arena = request->arena, .name = name};
    (void)MHD_get_connection_values(request->internal->connection, MHD_HEADER_KIND, join_line, &lines);
    return lines.joined;
}

const char *request_int(struct request *request, int64_t value)
{
    return value == FIELD_NULL ? NULL : arena_format(request->arena, "%" PRId64, value);
}

const char *request_bool(bool value)
{
    return value ? "true" : "false";
}

enum err_kind request_invalid(struct request *request, struct err *reterr)
{
    must(request->problems.count > 0);
    const struct field_problem *first = &request->problems.items[0];
    size_t more = request->problems.count - 1;
    const char *where = first->pointer[0] == '\0' ? "the request" : first->pointer;
    if (more == 0)
        return err_set_code(reterr, ERR_INVALID, first->code, "%s: %s", where, first->detail);
    return err_set_code(reterr, ERR_INVALID, first->code, "%s: %s (and %zu more)", where, first->detail, more);
}

static const struct db_stmt statement_event = {
    .name = "request_event",
    .sql = "SELECT event_append($1::uuid, $2::uuid, $3, $4::uuid, $5::bigint, $6, NULL, '{}')",
    .params = 6,
};

const struct db_stmt *const request_statements[] = {&statement_event, NULL};

enum err_kind request_run(struct request *request, const struct db_stmt *stmt, const char *const *params,
                          const PGresult **ret, struct err *reterr)
{
    if (request->internal->reading.is_running)
        return reading_ask(request, stmt, params, ret, reterr);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(request->db, stmt, params, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct result_list *kept = arena_alloc(request->arena, sizeof *kept);
    kept->next = request->internal->results;
    kept->result = result;
    request->internal->results = kept;
    if (ret != NULL)
        *ret = result;
    result = NULL;
    return ERR_NONE;
}

enum err_kind request_event(struct request *request, const char *tenant_id, const char *zone_id,
                            const char *object_type, const char *object_id, int64_t revision, const char *kind,
                            struct err *reterr)
{
    return request_run(request, &statement_event,
                       DB_PARAMS(tenant_id, zone_id, object_type, object_id, request_int(request, revision), kind),
                       NULL, reterr);
}

enum err_kind request_not_found(const struct request *request, const char *noun, struct err *reterr)
{
    if (request->params[0] == NULL)
        return err_set(reterr, ERR_NOT_FOUND, "the %s made under this idempotency key does not exist any more", noun);
    return err_set(reterr, ERR_NOT_FOUND, "%s '%.40s' does not exist", noun, request->params[0]);
}
