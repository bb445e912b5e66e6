/* What an operation has because of what its route is: parameters, headers, problems. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/openapi.h"

#include "api/server/server.h"

#include <string.h>

static bool always(const struct route *route)
{
    return route != NULL;
}

static bool has_token(const struct route *route)
{
    return route->roles != ROLES_NONE;
}

static bool is_post(const struct route *route)
{
    return route->method == POST;
}

static bool is_change(const struct route *route)
{
    return route->method != GET;
}

static bool is_callers_change(const struct route *route)
{
    return is_change(route) && has_token(route);
}

static bool changes_object(const struct route *route)
{
    return route->method == PUT || route->method == PATCH;
}

static bool has_lock(const struct route *route)
{
    return route->lock != NULL;
}

/* Of one object, which may have versions. */
static bool shows_version(const struct route *route)
{
    return openapi_has_etag(route) || has_lock(route) || route->replay != NULL;
}

static bool has_conditions(const struct route *route)
{
    return has_lock(route) || openapi_has_etag(route);
}

bool openapi_has_preview(const struct route *route)
{
    return is_change(route) && query_general(route) != NULL;
}

/* Any POST may send client_token. */
static bool takes_body(const struct route *route)
{
    return route->body != NULL || route->method == POST;
}

static bool takes_query(const struct route *route)
{
    return route->query != NULL || route->is_list || query_general(route) != NULL;
}

static bool is_list(const struct route *route)
{
    return route->is_list;
}

static bool is_stream(const struct route *route)
{
    return (route_forms(route) & FORM_MASK(FORM_EVENTS)) != 0;
}

static bool names_object(const struct route *route)
{
    return strchr(route->path, '{') != NULL;
}

/* A repetition, too, whose object is gone by now. */
static bool finds_object(const struct route *route)
{
    return names_object(route) || route->replay != NULL;
}

static bool is_document(const struct route *route)
{
    return route->roles == ROLES_NONE && route->answer == NULL && route->status == 0 &&
           route_forms(route) == FORM_MASK(FORM_JSON);
}

bool openapi_has_etag(const struct route *route)
{
    return is_document(route) || (route->method == GET && route->has_id && !route->is_list);
}

static bool needs_scope(const struct route *route)
{
    return has_token(route) && !route->needs_no_scope;
}

static bool asks(const struct route *route)
{
    return route->asks;
}

static bool makes_object(const struct route *route)
{
    return route->replay != NULL;
}

/* A repetition under its key is told so. */
static bool is_repeatable(const struct route *route)
{
    return route->method == POST && has_token(route) && !route->is_question && !route->without_transaction;
}

static bool leads_on(const struct route *route)
{
    return makes_object(route) || route_status(route) == 303;
}

/* Runs on a listener's thread: neither queue nor database. */
static bool uses_database(const struct route *route)
{
    return route->direct == NULL || has_token(route);
}

static bool changes_within_transaction(const struct route *route)
{
    return is_change(route) && !route->without_transaction;
}

/* A question to a planner is a row, too. */
static bool writes(const struct route *route)
{
    return changes_within_transaction(route) || asks(route);
}

#define TEXT_SCHEMA "{\"type\":\"string\"}"

// clang-format off
const struct openapi_parameter openapi_parameters[] = {
    {is_list,      "Limit",          "limit",           "query",  "Items per page", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}"},
    {is_list,      "Page",           "page",            "query",  "next_page of the page before; with the same filters", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":1024}"},
    {is_post,      "IdempotencyKey", "Idempotency-Key", "header", "The same key and request make one object; also the body's client_token", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}"},
    {prefer_is_offered, "Prefer",    "Prefer",          "header", "respond-async: answer at once; wait=N: wait up to N seconds (60 at most) for the verdict; of a GET: with If-None-Match for another version (else 304), without until the object is not in a passing state", TEXT_SCHEMA},
    {has_lock,     "IfMatch",        "If-Match",        "header", "412 unless it has the wish's part of the object's ETag, or *; a PUT of operators needs it (428)", TEXT_SCHEMA},
    {has_conditions, "IfNoneMatch",    "If-None-Match",   "header", "304, or of a change 412, where it has the object's ETag", TEXT_SCHEMA},
    {is_stream,    "LastEventId",    "Last-Event-ID",   "header", "Of a stream: only events behind this one, by its id", TEXT_SCHEMA},
    {always,       "RequestId",      "Request-Id",      "header", "What the client calls the request: 1 to 64 letters, digits and ._:-; anything else is ignored", TEXT_SCHEMA},
    {always,       "Traceparent",    "traceparent",     "header", "W3C Trace Context; what is none is ignored", TEXT_SCHEMA},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct openapi_header openapi_headers[] = {
    {always,       "Request-Id",          "What the request is called: in the log, the audit and each problem", TEXT_SCHEMA},
    {shows_version,    "ETag",                "The version of the object: \"<wish revision>-<status revision>\", a digest stands for a revision that it lacks", TEXT_SCHEMA},
    {leads_on,     "Location",            "Where to go on: what was made can be read there, or the browser is led there", "{\"type\":\"string\",\"format\":\"uri-reference\"}"},
    {is_repeatable, "Idempotent-Replayed", "true: the answer to a repetition, made from the object", "{\"type\":\"string\",\"enum\":[\"true\"]}"},
    {prefer_is_offered, "Preference-Applied", "What was done of Prefer: respond-async, wait=N; absent where nothing was, as where too many wait", TEXT_SCHEMA},
    {is_list,      "Link",                "Of CSV: the next page, as <address>; rel=\"next\"", TEXT_SCHEMA},
    {has_token,    "RateLimit",           "What is left of the quota, and when it is whole again", TEXT_SCHEMA},
    {has_token,    "RateLimit-Policy",    "The quota that counts", TEXT_SCHEMA},
    {NULL,         "Retry-After",         "Seconds until a repetition makes sense", "{\"type\":\"integer\",\"minimum\":0}"},
    {NULL,         "WWW-Authenticate",    "How to authenticate", TEXT_SCHEMA},
    {NULL, NULL, NULL, NULL},
};

/* A problem that an operation may have by what it is; those of its own are the route's. Ends with a NULL code. */
struct problem_row {
    openapi_aspect *when;
    const char *code;
};

static const struct problem_row problem_rows[] = {
    {always,        "bad_framing"},
    {always,        "duplicate_header"},
    {always,        "bad_forwarding"},
    {takes_body,    "malformed_json"},
    {takes_body,    "too_deep"},
    {has_token,     "unauthenticated"},
    {has_token,     "token_expired"},
    {has_token,     "token_revoked"},
    {has_token,     "principal_disabled"},
    {has_token,     "jwt_refused"},
    {has_token,     "issuer_unavailable"},
    {has_token,     "forbidden"},
    {is_callers_change, "csrf_failed"},
    {needs_scope,   "scope_missing"},
    {change_is_new, "tenant_suspended"},
    {finds_object,  "not_found"},
    {always,        "not_acceptable"},
    {has_lock,      "precondition_failed"},
    {change_needs_if_match, "precondition_required"},
    {is_repeatable, "in_flight"},
    {always,        "body_too_large"},
    {always,        "uri_too_long"},
    {always,        "unsupported_media_type"},
    {always,        "unknown_field"},
    {always,        "unexpected_body"},
    {takes_query,   "wrong_type"},
    {takes_query,   "out_of_range"},
    {takes_query,   "missing_field"},
    {takes_body,    "wrong_type"},
    {takes_body,    "out_of_range"},
    {takes_body,    "missing_field"},
    {changes_object, "immutable_field"},
    {is_list,       "bad_page"},
    {is_post,       "idempotency_key_reused"},
    {is_post,       "idempotency_keys_differ"},
    {always,        "rate_limited"},
    {asks,          "too_many_questions"},
    {asks,          "planner_unavailable"},
    {always,        "headers_too_large"},
    {uses_database, "internal"},
    {uses_database, "database_unavailable"},
    {uses_database, "overloaded"},
    {uses_database, "shutting_down"},
    {uses_database, "timeout"},
    {writes,        "serialization_failure"},
    {changes_within_transaction, "outcome_unknown"},
    {writes,        "storage_full"},
    {NULL, NULL},
};
// clang-format on

bool openapi_may_answer(const struct route *route, const char *code)
{
    for (const struct problem_row *row = problem_rows; row->code != NULL; row++) {
        if (strcmp(row->code, code) == 0 && row->when(route))
            return true;
    }
    for (const char *const *own = route->problems; own != NULL && *own != NULL; own++) {
        if (strcmp(*own, code) == 0)
            return true;
    }
    return false;
}
