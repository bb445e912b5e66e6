/* The headers that every answer has. An answer is for one caller, and depends on what it accepts: no shared cache may
 * keep it but where the answer says so itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/headers.h"

#include <string.h>

#define PREFLIGHT_LIFE_S "600"

/* What a script of another origin may send, and see. */
#define CORS_SENDS                                                                                                     \
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, Request-Id, "       \
    "traceparent"
#define CORS_SEES                                                                                                      \
    "Content-Disposition, ETag, Idempotent-Replayed, Link, Location, Preference-Applied, RateLimit, "                  \
    "RateLimit-Policy, Request-Id, Retry-After, traceparent"

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value); /* fails for illegal characters only */
}

bool cors_allows(const char *list, const char *origin)
{
    size_t length = strlen(origin);
    while (length > 0 && *list != '\0') {
        list += strspn(list, ", ");
        size_t each = strcspn(list, ", ");
        if (each == length && strncmp(list, origin, length) == 0)
            return true;
        list += each;
    }
    return false;
}

static const char *allowed_origin(const struct request_internal *internal)
{
    const char *list = internal->server->settings->cors_origins;
    const char *origin = list[0] == '\0' ? NULL : request_header(&internal->request, MHD_HTTP_HEADER_ORIGIN);
    return origin != NULL && cors_allows(list, origin) ? origin : NULL;
}

/* An object with an ETag may be kept by its reader, who asks each time whether it is still the same. */
static const char *cache_control(const struct response *answer)
{
    return response_has_header(answer, "ETag") ? "private, no-cache" : "private, no-store";
}

/* Where what was made can be read: a POST to a list makes an object that has its address below it. */
static const char *location_of(const struct request_internal *internal)
{
    const struct request *request = &internal->request;
    const struct route *route = request->route;
    if (internal->response.status != 201 || route == NULL || route->replay == NULL)
        return NULL;
    const struct route *one = router_find_below(internal->server->router, route->path);
    if (one == NULL)
        return NULL;
    char id[IDENTITY_TEXT_SIZE];
    identity_text_of_uuid(one->id, request->new_id, id);
    return arena_format(request->arena, "%s/%s", request->path, id);
}

void headers_add(const struct request_internal *internal, struct MHD_Response *response)
{
    const struct response *answer = &internal->response;
    const char *origin = allowed_origin(internal);
    const char *policy = internal->rate.policy; /* NULL: nothing limits this caller */
    char left[RATE_FIELD_SIZE];
    rate_print(&internal->rate, left);
    char applied[PREFERENCE_TEXT_SIZE];
    preference_print(&internal->prefer, applied);
    bool closes = internal->wants_close || atomic_load(&internal->server->is_stopping);
    bool has_cors = internal->server->settings->cors_origins[0] != '\0';
    const struct response_header defaults[] = {
        {"Request-Id", internal->request.id},
        {"traceparent", internal->traceparent[0] == '\0' ? NULL : internal->traceparent},
        {"Content-Type", answer->stream != NULL || answer->body.length > 0 ? answer->content_type : NULL},
        {"Location", location_of(internal)},
        {"Idempotent-Replayed", internal->is_repetition && answer->status < 500 ? "true" : NULL},
        {"Preference-Applied", applied[0] == '\0' ? NULL : applied},
        {"Cache-Control", cache_control(answer)},
        {"Vary", has_cors ? "Accept, Authorization, Cookie, Origin" : "Accept, Authorization, Cookie"},
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Referrer-Policy", "no-referrer"},
        {"RateLimit-Policy", policy},
        {"RateLimit", policy == NULL ? NULL : left},
        {"Access-Control-Allow-Origin", origin},
        {"Access-Control-Expose-Headers", origin == NULL ? NULL : CORS_SEES},
        {"Connection", closes ? "close" : NULL},
    };
    for (size_t i = 0; i < COUNT_OF(defaults); i++) {
        if (defaults[i].value != NULL && !response_has_header(answer, defaults[i].name))
            add(response, defaults[i].name, defaults[i].value);
    }
    for (int i = 0; i < answer->header_count; i++)
        add(response, answer->headers[i].name, answer->headers[i].value);
}

void headers_options(struct request_internal *internal, const char *allow)
{
    struct response *response = &internal->response;
    response->status = 204;
    response_header(response, "Allow", allow);
    bool is_preflight = request_header(&internal->request, "Access-Control-Request-Method") != NULL;
    if (!is_preflight || allowed_origin(internal) == NULL)
        return;
    response_header(response, "Access-Control-Allow-Methods", allow);
    response_header(response, "Access-Control-Allow-Headers", CORS_SENDS);
    response_header(response, "Access-Control-Max-Age", PREFLIGHT_LIFE_S);
}
