/* Answers of errors: RFC 9457, with the code that programs go by and every error of a body. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"

#include <string.h>

// clang-format off
const struct problem_code problem_codes[] = {
    {"malformed_json",          ERR_MALFORMED,       "The body is not JSON, or has a name twice"},
    {"too_deep",                ERR_MALFORMED,       "The body nests deeper than 32"},
    {"bad_framing",             ERR_MALFORMED,       "Content-Length, Transfer-Encoding, Host or a header's name is not as HTTP wants it; the connection is closed"},
    {"duplicate_header",        ERR_MALFORMED,       "A header that may stand once stands twice; the connection is closed"},
    {"bad_page",                ERR_INVALID,         "The cursor in ?page= was not made for this list and filter"},
    {"unknown_field",           ERR_INVALID,         "A field or query parameter is not known here"},
    {"wrong_type",              ERR_INVALID,         "A field has a value of the wrong type or form"},
    {"out_of_range",            ERR_INVALID,         "A field's value is outside its range"},
    {"missing_field",           ERR_INVALID,         "A required field is missing"},
    {"immutable_field",         ERR_INVALID,         "The field is set once, when the object is made"},
    {"unexpected_body",         ERR_INVALID,         "This address takes no body"},
    {"unknown_instance_type",   ERR_INVALID,         "There is no instance type of that name"},
    {"unknown_zone",            ERR_INVALID,         "There is no zone of that name"},
    {"unknown_tenant",          ERR_INVALID,         "There is no tenant of that name"},
    {"unknown_node",            ERR_INVALID,         "There is no such node"},
    {"unknown_gpu_model",       ERR_INVALID,         "The zone has no GPU of that model"},
    {"shape_not_allowed",       ERR_FORBIDDEN,       "The tenant may not give a shape of its own: name an instance type"},
    {"window_in_past",          ERR_INVALID,         "The window begins or ends in the past"},
    {"window_reversed",         ERR_INVALID,         "The window ends before it begins"},
    {"start_range_in_past",     ERR_INVALID,         "The latest start lies in the past"},
    {"unknown_quote",           ERR_INVALID,         "The tenant has no such quote"},
    {"quote_limit",             ERR_CONFLICT,        "The tenant holds as many quotes as it may"},
    {"quote_used",              ERR_CONFLICT,        "The quote is a reservation already"},
    {"quote_expired",           ERR_CONFLICT,        "The quote's time to live is over, or its start has passed"},
    {"quote_not_held",          ERR_CONFLICT,        "The quote holds nothing: it was refused, or waits for its verdict"},
    {"not_amendable",           ERR_CONFLICT,        "Only a reservation that has its place and goes on can be amended"},
    {"start_is_past",           ERR_CONFLICT,        "The start cannot be moved: the instances are being made ready, or run"},
    {"amendments_open",         ERR_CONFLICT,        "As many amendments of the reservation as there may be wait for their verdict"},
    {"nothing_to_amend",        ERR_INVALID,         "The reservation has these terms already"},
    {"mixed_patch",             ERR_INVALID,         "Terms wait for a verdict and other fields do not: change them by requests of their own"},
    {"project_has_quota",       ERR_CONFLICT,        "The project has a quota of its own: a reservation cannot be moved into it"},
    {"quota_exceeded",          ERR_CONFLICT,        "The tenant or its project may not hold as much: binding says which limit, what is held and asked, and when it would fit"},
    {"name_taken",              ERR_CONFLICT,        "Another object has that name"},
    {"price_overlaps",          ERR_CONFLICT,        "The price has a version at or after that start already, or the start is past"},
    {"invalid_cursor",          ERR_INVALID,         "The position in ?after= is none of this event log, or of it before a restore"},
    {"too_much_asked",          ERR_INVALID,         "The zone is too big for so many steps at once: the detail says how many can be asked for"},
    {"price_missing",           ERR_INVALID,         "There is no price that the budget could be counted by"},
    {"cannot_simulate",         ERR_INVALID,         "The simulation asks for what no planner can be: the detail says what"},
    {"clock_in_past",           ERR_INVALID,         "The virtual clock cannot go back"},
    {"idempotency_key_reused",  ERR_INVALID,         "The idempotency key was used for another request"},
    {"idempotency_keys_differ", ERR_INVALID,         "Idempotency-Key and client_token are both there and differ"},
    {"in_flight",               ERR_CONFLICT,        "The first request under this idempotency key is still running: repeat this one"},
    {"capacity_unavailable",    ERR_NO_CAPACITY,     "There is no room: binding says what bound, alternatives what would fit"},
    {"maintenance_conflict",    ERR_CONFLICT,        "Reservations have begun on the nodes: hits names them"},
    {"expired",                 ERR_CONFLICT,        "No verdict was reached in time, and the reservation has expired"},
    {"cancelled",               ERR_CONFLICT,        "The reservation was cancelled before its verdict"},
    {"tenant_suspended",        ERR_FORBIDDEN,       "The tenant is suspended: it may read and cancel, not create or amend"},
    {"not_found",               ERR_NOT_FOUND,       "There is no such address, or no such object that the caller may see"},
    {"method_not_allowed",      ERR_METHOD,          "The address does not take that method: see Allow"},
    {"unauthenticated",         ERR_UNAUTHENTICATED, "There is no token, or it is not a good one"},
    {"token_expired",           ERR_UNAUTHENTICATED, "The token has expired"},
    {"token_revoked",           ERR_UNAUTHENTICATED, "The token was revoked"},
    {"forbidden",               ERR_FORBIDDEN,       "The token's role does not allow this"},
    {"body_too_large",          ERR_TOO_LARGE,       "The body is larger than 1 MiB"},
    {"uri_too_long",            ERR_TOO_LARGE,       "The address is longer than 8 KiB"},
    {"not_acceptable",          ERR_INVALID,         "The answer cannot be given in the form that Accept asks for"},
    {"precondition_failed",     ERR_PRECONDITION,    "The object has changed since the version in If-Match"},
    {"conflict",                ERR_CONFLICT,        "The object's state does not allow this"},
    {"invalid_id",              ERR_INVALID,         "An id is not one of the kind that belongs here"},
    {"invalid",                 ERR_INVALID,         "The request is not valid"},
    {"database_unavailable",    ERR_UNAVAILABLE,     "The database cannot be reached: repeat after Retry-After"},
    {"planner_unavailable",     ERR_UNAVAILABLE,     "The zone's planner did not answer in time: repeat after Retry-After"},
    {"storage_full",            ERR_OUT_OF_SPACE,    "The database has no space left: nothing was changed"},
    {"overloaded",              ERR_OVERLOADED,      "More requests are waiting than the server holds: repeat after Retry-After"},
    {"shutting_down",           ERR_OVERLOADED,      "The server is stopping: repeat after Retry-After"},
    {"outcome_unknown",         ERR_UNKNOWN_OUTCOME, "Whether the change took effect could not be found out: repeat under the same idempotency key"},
    {"clock_stalled",           ERR_UNAVAILABLE,     "A component did not follow the virtual clock within a minute"},
    {"malformed",               ERR_MALFORMED,       "The request cannot be read"},
    {"rate_limited",            ERR_THROTTLED,       "Too many requests: repeat after Retry-After"},
    {"too_many_questions",      ERR_THROTTLED,       "As many questions to planners as a tenant may have open wait already: repeat after Retry-After"},
    {"fenced",                  ERR_FENCED,          "Another process leads now: repeat"},
    {"serialization_failure",   ERR_RETRY,           "A concurrent change got in the way: repeat"},
    {"timeout",                 ERR_TIMEOUT,         "The work took longer than its limit"},
    {"internal",                ERR_INTERNAL,        "Something is wrong on our side; the log has the request's id"},
    {NULL, ERR_NONE, NULL},
};
// clang-format on

const struct problem_code *problem_find(const char *code)
{
    const struct problem_code *each = problem_codes;
    while (each->code != NULL && strcmp(each->code, code) != 0)
        each++;
    return each->code == NULL ? NULL : each;
}

int problem_status(enum err_kind kind, const char *code)
{
    if (strcmp(code, "not_acceptable") == 0)
        return 406;
    if (strcmp(code, "uri_too_long") == 0)
        return 414;
    return err_http_status(kind);
}

static void write_problems(const struct field_problems *problems, struct json_out *out)
{
    size_t count = problems->count < FIELD_PROBLEMS_MAX ? problems->count : FIELD_PROBLEMS_MAX;
    if (count == 0)
        return;
    json_out_key(out, "errors");
    json_out_open(out, '[');
    for (size_t i = 0; i < count; i++) {
        json_out_open(out, '{');
        json_out_key(out, "pointer");
        json_out_text(out, problems->items[i].pointer);
        json_out_key(out, "code");
        json_out_text(out, problems->items[i].code);
        json_out_key(out, "detail");
        json_out_text(out, problems->items[i].detail);
        json_out_close(out, '}');
    }
    json_out_close(out, ']');
}

void problem_write(struct request_internal *internal, const struct err *err)
{
    struct request *request = &internal->request;
    const char *code = err->code[0] == '\0' ? err_slug(err->kind) : err->code;
    /* What the database says of itself or of our mistakes is for the log, not for clients. */
    bool is_private = err->kind == ERR_INTERNAL || (err->code[0] == '\0' && err_http_status(err->kind) >= 500);
    const char *detail =
        is_private ? "nothing more is known here; the server's log has it under this request's id" : err->text;
    struct response *response = &internal->response;
    *response =
        (struct response){.status = problem_status(err->kind, code), .content_type = "application/problem+json"};
    json_out_init(&response->body, request->arena);
    struct json_out *out = &response->body;
    json_out_open(out, '{');
    json_out_key(out, "type");
    json_out_text(out, arena_format(request->arena, "/docs/errors#%s", code));
    json_out_key(out, "title");
    json_out_text(out, err_title(err->kind));
    json_out_key(out, "status");
    json_out_int(out, response->status);
    json_out_key(out, "detail");
    json_out_text(out, is_private || err->hint[0] == '\0' ? detail
                                                          : arena_format(request->arena, "%s. %s", detail, err->hint));
    json_out_key(out, "instance");
    json_out_text(out, request->path == NULL ? "/" : request->path);
    json_out_key(out, "code");
    json_out_text(out, code);
    json_out_key(out, "request_id");
    json_out_text(out, request->id);
    json_out_key(out, "retryable");
    json_out_bool(out, err_retryable(err->kind));
    write_problems(&request->problems, out);
    if (internal->problem_members != NULL)
        json_out_raw(out, internal->problem_members);
    json_out_close(out, '}');
    if (response->status == 503 || response->status == 429 || response->status == 507)
        response_header(response, "Retry-After", RETRY_AFTER_S);
    if (response->status == 401)
        response_header(response, "WWW-Authenticate", "Bearer realm=\"sluice\"");
    internal->outcome = err->kind;
    (void)memcpy(internal->code, code, strnlen(code, sizeof internal->code - 1) + 1);
}
