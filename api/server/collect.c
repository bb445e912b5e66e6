/* Collecting a request: its head, screened, and its body. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/collect.h"

#include "api/server/screen.h"
#include "api/server/trace.h"
#include "common/alloc.h"
#include "common/least.h"
#include "common/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define HEADERS_MAX      100U
#define BODY_BYTES_FIRST 1024
#define UPLOAD_BYTES_MAX INT64_C(8388608) /* of a body beyond its limit: read, to be able to answer */

static struct metric metric_held = {.name = "sluice_api_body_bytes",
                                    .type = METRIC_GAUGE,
                                    .help = "Memory for bodies of requests that come, or wait for their turn"};

void collect_register(void)
{
    metric_register((struct metric *const[]){&metric_held}, 1);
}

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

static enum err_kind collect_headers(struct request_internal *internal, struct header_list *ret, struct err *reterr)
{
    ret->count = 0;
    (void)MHD_get_connection_values(internal->connection, MHD_HEADER_KIND, collect_header, ret);
    if (ret->count > HEADERS_MAX)
        return err_set_code(reterr, ERR_TOO_LARGE, "headers_too_large", "there are more than %u headers", HEADERS_MAX);
    return ERR_NONE;
}

static enum err_kind screen(struct request_internal *internal, const struct header_list *list, const char *version,
                            struct err *reterr)
{
    if (strlen(internal->uri) > URI_BYTES_MAX)
        return err_set_code(reterr, ERR_TOO_LARGE, "uri_too_long", "the address is longer than %u bytes",
                            URI_BYTES_MAX);
    if (screen_parameters(internal->query_text) > PARAMETERS_MAX)
        return err_set_code(reterr, ERR_TOO_LARGE, "uri_too_long", "the query has more than %u parameters",
                            PARAMETERS_MAX);
    int64_t content_length = -1;
    enum err_kind kind = screen_line(internal->request.method, internal->uri, version, reterr);
    if (kind == ERR_NONE)
        kind = screen_headers(list->items, list->count, version, &content_length, reterr);
    if (kind == ERR_TOO_LARGE && content_length <= UPLOAD_BYTES_MAX) {
        internal->is_body_too_large = true; /* a client in the middle of sending would not see the answer */
        return ERR_NONE;
    }
    return kind;
}

static enum err_kind find_peer(struct request_internal *internal, const struct header_list *list, struct err *reterr)
{
    if (connection_is_proxys(connection_of(internal->connection)))
        return peer_of_proxy(list->items, list->count, &internal->peer, reterr);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(internal->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    peer_of_socket(info == NULL ? NULL : info->client_addr, &internal->peer);
    return ERR_NONE;
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

enum err_kind collect_head(struct request_internal *internal, const char *path, const char *method, const char *version,
                           struct err *reterr)
{
    struct request *request = &internal->request;
    internal->is_screened = true;
    internal->response.content_type = "application/json";
    request->method = arena_text_n(request->arena, method, strnlen(method, 16));
    request->path = arena_text_n(request->arena, path, strnlen(path, URI_BYTES_MAX));
    request->remote = internal->peer.address;
    read_names(internal);
    struct header_list list;
    enum err_kind kind = collect_headers(internal, &list, reterr);
    if (kind == ERR_NONE)
        kind = screen(internal, &list, version, reterr);
    if (kind == ERR_NONE)
        kind = find_peer(internal, &list, reterr);
    if (kind == ERR_NONE)
        request->certificate = internal->peer.certificate[0] == '\0' ? NULL : internal->peer.certificate;
    return kind;
}

/* ---- The body ---- */

static _Atomic int64_t held; /* bytes of all bodies */

static void hold(int64_t bytes)
{
    (void)atomic_fetch_add(&held, bytes);
    metric_add(&metric_held, bytes);
}

void collect_release(struct request_internal *internal)
{
    if (internal->body_capacity == 0)
        return;
    hold(-(int64_t)internal->body_capacity);
    free(internal->body);
    internal->body = NULL;
    internal->body_length = internal->body_capacity = 0;
}

/* Memory for what has come, not for what is announced, and for all requests together only so much: whoever sends a body
 * need not have shown who it is. */
static bool make_room(struct request_internal *internal, size_t size)
{
    size_t needed = internal->body_length + size;
    if (needed <= internal->body_capacity)
        return true;
    size_t capacity = (size_t)least_of(greatest_of((int64_t)(2 * needed), BODY_BYTES_FIRST), BODY_BYTES_MAX);
    int64_t more = (int64_t)(capacity - internal->body_capacity);
    hold(more);
    if (atomic_load(&held) > internal->server->settings->body_memory_mib * INT64_C(1048576)) {
        hold(-more);
        return false;
    }
    internal->body = alloc_resize(internal->body, capacity, 1);
    internal->body_capacity = capacity;
    return true;
}

/* What is refused is read to its end and thrown away: libmicrohttpd answers only then. */
static void take(struct request_internal *internal, const char *data, size_t size)
{
    if (internal->is_body_too_large || internal->is_body_without_room)
        return;
    internal->is_body_too_large = internal->body_length + size > BODY_BYTES_MAX;
    internal->is_body_without_room = !internal->is_body_too_large && !make_room(internal, size);
    if (internal->is_body_too_large || internal->is_body_without_room) {
        collect_release(internal);
        return;
    }
    memcpy(internal->body + internal->body_length, data, size);
    internal->body_length += size;
}

bool collect_upload(struct request_internal *internal, const char *data, size_t size)
{
    internal->uploaded += (int64_t)size;
    take(internal, data, size);
    return internal->uploaded <= UPLOAD_BYTES_MAX;
}
