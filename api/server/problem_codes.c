/* The problem codes: what each means, and what to do about it. A code never changes its meaning. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"

#include <string.h>

// clang-format off
const struct problem_code problem_codes[] = {
    {"malformed_json",           ERR_MALFORMED,        "The body is not JSON, or has a name twice",
     "Send one JSON object, each name once; the detail says the line and column", 0},
    {"too_deep",                 ERR_MALFORMED,        "The body nests deeper than 32",
     "Send a flatter body: no resource needs more than a few levels", 0},
    {"bad_framing",              ERR_MALFORMED,        "Content-Length, Transfer-Encoding, Host or a header's name is not as HTTP wants it; the connection is closed",
     "Let a common HTTP client write the request, and look for a proxy in between that rewrites it", 0},
    {"duplicate_header",         ERR_MALFORMED,        "A header that may stand once stands twice; the connection is closed",
     "Send the header once", 0},
    {"bad_forwarding",           ERR_MALFORMED,        "What the proxy says of its client is not as ours says it; the connection is closed",
     "Let nothing stand between HAProxy, as deploy/haproxy.cfg has it, and the API", 0},
    {"bad_page",                 ERR_INVALID,          "The cursor in ?page= was not made for this list and filter",
     "Start again without page; keep the other parameters the same from page to page", 0},
    {"unknown_field",            ERR_INVALID,          "A field or query parameter is not known here",
     "Leave it out, or correct its name: errors has the pointer, /docs has the names", 0},
    {"wrong_type",               ERR_INVALID,          "A field has a value of the wrong type or form",
     "Send the type and form that the document says; times are YYYY-MM-DDTHH:MM:SSZ, amounts have six decimals", 0},
    {"out_of_range",             ERR_INVALID,          "A field's value is outside its range",
     "Send a value within the bounds that the detail names", 0},
    {"missing_field",            ERR_INVALID,          "A required field is missing",
     "Send the field at the pointer in errors", 0},
    {"immutable_field",          ERR_INVALID,          "The field is set once, when the object is made",
     "Send it as it is, or leave it out of a PATCH; make a new object for another value", 0},
    {"unexpected_body",          ERR_INVALID,          "This address takes no body",
     "Send the request without a body", 0},
    {"unknown_instance_type",    ERR_INVALID,          "There is no instance type of that name",
     "GET /v1/instance-types lists the names", 0},
    {"unknown_zone",             ERR_INVALID,          "There is no zone of that name",
     "GET /v1/zones lists the names", 0},
    {"unknown_tenant",           ERR_INVALID,          "There is no tenant of that name",
     "GET /v1/system/tenants lists the names", 0},
    {"unknown_node",             ERR_INVALID,          "There is no such node",
     "GET /v1/system/nodes lists the zone's nodes", 0},
    {"unknown_gpu_model",        ERR_INVALID,          "The zone has no GPU of that model",
     "GET /v1/system/nodes?zone= shows the models of the zone's GPUs", 0},
    {"unknown_project",          ERR_INVALID,          "The tenant has no project of that name",
     "GET /v1/projects lists the names; POST /v1/projects makes one", 0},
    {"unknown_image",            ERR_INVALID,          "There is no image of that name, or it is retired",
     "GET /v1/images lists the names", 0},
    {"unknown_ssh_key",          ERR_INVALID,          "The tenant has no SSH key of that name",
     "GET /v1/ssh-keys lists the names; POST /v1/ssh-keys adds one", 0},
    {"invalid_public_key",       ERR_INVALID,          "The text is not one SSH public key that OpenSSH takes",
     "Send the one line of an id_ed25519.pub; the detail says what is wrong", 0},
    {"project_in_use",           ERR_CONFLICT,         "The project is the default, has a quota, or has reservations that are not over",
     "Wait for its reservations to end, or cancel them; operators lift quotas", 0},
    {"image_in_use",             ERR_CONFLICT,         "Reservations that are not over boot the image",
     "Retire it: PATCH with retired true keeps it from new reservations", 0},
    {"unknown_principal",        ERR_INVALID,          "The principal is not one that the caller may make a token for",
     "Name a service account of GET /v1/service-accounts as an admin, or leave principal out for yourself", 0},
    {"unknown_scope",            ERR_INVALID,          "There is no such scope",
     "Scopes are a resource's tag in the document with :read or :write, e.g. reservations:write", 0},
    {"role_beyond_principal",    ERR_INVALID,          "The token's role may do what its principal's role may not",
     "Ask for the principal's role or a lesser one, or have an admin change the principal's", 0},
    {"last_admin",               ERR_CONFLICT,         "Nobody else who is an admin would be left",
     "Make another member an admin first", 0},
    {"shape_not_allowed",        ERR_FORBIDDEN,        "The tenant may not give a shape of its own: name an instance type",
     "Name an instance type, or ask an operator to allow the tenant shapes", 0},
    {"window_in_past",           ERR_INVALID,          "The window begins or ends in the past",
     "Send a window that ends later than now; starts_at null is now", 0},
    {"window_reversed",          ERR_INVALID,          "The window ends before it begins",
     "Send an ends_at behind starts_at", 0},
    {"start_range_in_past",      ERR_INVALID,          "The latest start lies in the past",
     "Send a range whose latest start is still to come", 0},
    {"unknown_quote",            ERR_INVALID,          "The tenant has no such quote",
     "Ask for a new quote; GET /v1/quotes lists those that the tenant holds", 0},
    {"quote_limit",              ERR_CONFLICT,         "The tenant holds as many quotes as it may",
     "Confirm or DELETE one of GET /v1/quotes, or wait until one expires", 0},
    {"quote_used",               ERR_CONFLICT,         "The quote is a reservation already",
     "GET the reservation: it has the quote's UUID", 0},
    {"quote_expired",            ERR_CONFLICT,         "The quote's time to live is over, or its start has passed",
     "Ask for a new quote, and confirm it before hold_until", 0},
    {"quote_not_held",           ERR_CONFLICT,         "The quote holds nothing: it was refused, or waits for its verdict",
     "Wait for its verdict, or ask for another quote", 0},
    {"not_amendable",            ERR_CONFLICT,         "Only a reservation that has its place and goes on can be amended",
     "Look at its status; make a new reservation where this one waits or has ended", 0},
    {"start_is_past",            ERR_CONFLICT,         "The start cannot be moved: the instances are being made ready, or run",
     "Amend ends_at or count instead, or make another reservation", 0},
    {"amendments_open",          ERR_CONFLICT,         "As many amendments of the reservation as there may be wait for their verdict",
     "Wait for their verdicts: GET .../amendments", 0},
    {"nothing_to_amend",         ERR_INVALID,          "The reservation has these terms already",
     "Nothing is to be done", 0},
    {"project_has_quota",        ERR_CONFLICT,         "The project has a quota of its own: a reservation cannot be moved into it",
     "Make a new reservation in that project", 0},
    {"quota_exceeded",           ERR_CONFLICT,         "The tenant or its project may not hold as much: binding says which limit, what is held and asked, and when it would fit",
     "Ask for less, take the alternative or the start in fits_at, or ask an operator for a higher quota", 0},
    {"node_in_use",              ERR_CONFLICT,         "The node is held or promised: where it stands and what it has cannot change, nor can it be retired",
     "Cordon it, and wait until what is on it has ended or moved; GET /v1/system/allocations?node= tells what", 0},
    {"webhook_url_refused",      ERR_INVALID,          "A webhook cannot lead there: the URL is none, not https, or of an address that is not public",
     "Give the https URL of a public host, without user, password or fragment", 0},
    {"webhooks_off",             ERR_CONFLICT,         "This server has no key that webhooks' secrets could be kept with",
     "Ask the operator for webhook_key_file", 0},
    {"webhook_limit",            ERR_CONFLICT,         "There are as many webhooks as there may be",
     "Delete one that is not needed any more", 0},
    {"webhook_inactive",         ERR_CONFLICT,         "Nothing is brought to the webhook: it is not active, or was disabled",
     "Set active; any change enables a webhook that was disabled", 0},
    {"name_taken",               ERR_CONFLICT,         "Another object has that name",
     "Choose another name, or GET the object that has it by ?name=", 0},
    {"price_overlaps",           ERR_CONFLICT,         "The price has a version at or after that start already, or the start is past",
     "Begin the version later than the last one and than now", 0},
    {"invalid_cursor",           ERR_INVALID,          "The position in ?after= is none of this event log, or of it before a restore",
     "Begin anew: without after, or after a reset from now", 0},
    {"too_much_asked",           ERR_INVALID,          "The zone is too big for so many steps at once: the detail says how many can be asked for",
     "Ask for fewer steps, a shorter range or longer steps", 0},
    {"price_missing",            ERR_INVALID,          "There is no price that the budget could be counted by",
     "Make a price, or ask without a budget", 0},
    {"cannot_simulate",          ERR_INVALID,          "The simulation asks for what no planner can be: the detail says what",
     "Correct what the detail names", 0},
    {"clock_in_past",            ERR_INVALID,          "The virtual clock cannot go back",
     "Advance to a later instant", 0},
    {"idempotency_key_reused",   ERR_INVALID,          "The idempotency key was used for another request",
     "Use a new key for a new request; repeat the old one unchanged", 0},
    {"idempotency_keys_differ",  ERR_INVALID,          "Idempotency-Key and client_token are both there and differ",
     "Send one of them", 0},
    {"in_flight",                ERR_CONFLICT,         "The first request under this idempotency key is still running",
     "Repeat the request under the same key after a moment", 0},
    {"capacity_unavailable",     ERR_NO_CAPACITY,      "There is no room: binding says what bound, alternatives what would fit",
     "POST one of alternatives as it stands, or wish with if_unavailable waitlist or next_window", 0},
    {"maintenance_conflict",     ERR_CONFLICT,         "Reservations have begun on the nodes: hits names them",
     "Choose another time: validate_only proposes the cheapest; or cancel or wait for the reservations in hits", 0},
    {"expired",                  ERR_CONFLICT,         "No verdict was reached in time, and the reservation has expired",
     "Make the reservation anew", 0},
    {"cancelled",                ERR_CONFLICT,         "The reservation was cancelled before its verdict",
     "Make the reservation anew", 0},
    {"tenant_suspended",         ERR_FORBIDDEN,        "The tenant is suspended: it may read and cancel, not create or amend",
     "Settle what is open, or ask the operator to resume the tenant", 0},
    {"not_found",                ERR_NOT_FOUND,        "There is no such address, or no such object that the caller may see",
     "Check the address and the id, and that the token is of the tenant that owns it", 0},
    {"method_not_allowed",       ERR_METHOD,           "The address does not take that method: see Allow",
     "Use one of the methods in Allow", 0},
    {"unauthenticated",          ERR_UNAUTHENTICATED,  "There is no token, or it is not a good one",
     "Send Authorization: Bearer with a token as it was given; a mistyped one is told from an unknown one in detail", 0},
    {"token_expired",            ERR_UNAUTHENTICATED,  "The token has expired",
     "Make a new token, and rotate before the old one expires", 0},
    {"token_revoked",            ERR_UNAUTHENTICATED,  "The token was revoked",
     "Make a new token", 0},
    {"principal_disabled",       ERR_UNAUTHENTICATED,  "Whose token it is is disabled or was removed",
     "Ask an admin of the tenant", 0},
    {"scope_missing",            ERR_FORBIDDEN,        "The token's scopes do not allow this",
     "Use a token with the scope that the detail names; GET /v1/me shows the scopes of the one shown", 0},
    {"forbidden",                ERR_FORBIDDEN,        "The token's role does not allow this",
     "Use a token of a role that may: x-sluice-roles in the document", 0},
    {"body_too_large",           ERR_TOO_LARGE,        "The body is larger than 1 MiB",
     "Send less at once", 0},
    {"uri_too_long",             ERR_TOO_LARGE,        "The address is longer than 8 KiB",
     "Shorten the query", 414},
    {"headers_too_large",        ERR_TOO_LARGE,        "The headers are more than 100, or larger than 32 KiB",
     "Send fewer or shorter headers", 431},
    {"not_acceptable",           ERR_INVALID,          "The answer cannot be given in the form that Accept asks for",
     "Accept application/json; lists also come as text/csv, events as text/event-stream", 406},
    {"unsupported_media_type",   ERR_INVALID,          "The body is of a type, or has an encoding, that is not read here",
     "Send Content-Type: application/json (PATCH also application/merge-patch+json), not compressed", 415},
    {"precondition_required",    ERR_PRECONDITION,     "An operator's PUT says what it replaces, and this one does not",
     "Send If-Match with the ETag that you saw, or * for any", 428},
    {"precondition_failed",      ERR_PRECONDITION,     "The object has changed since the version in If-Match, or is the one in If-None-Match",
     "GET the object anew, look at what changed, and send its ETag", 0},
    {"conflict",                 ERR_CONFLICT,         "The object's state does not allow this",
     "GET the object: its state says what may be done", 0},
    {"invalid_id",               ERR_INVALID,          "An id is not one of the kind that belongs here",
     "Send an id as an answer of this API had it, of the kind that the detail names", 0},
    {"invalid",                  ERR_INVALID,          "The request is not valid",
     "Correct what errors names", 0},
    {"database_unavailable",     ERR_UNAVAILABLE,      "The database cannot be reached",
     "Repeat after Retry-After under the same idempotency key", 0},
    {"planner_unavailable",      ERR_UNAVAILABLE,      "The zone's planner did not answer in time",
     "Repeat after Retry-After", 0},
    {"storage_full",             ERR_OUT_OF_SPACE,     "The database has no space left: nothing was changed",
     "Repeat later; operators make room", 0},
    {"overloaded",               ERR_OVERLOADED,       "More requests are waiting than the server holds",
     "Repeat after Retry-After, with growing pauses", 0},
    {"shutting_down",            ERR_OVERLOADED,       "The server is stopping",
     "Repeat after Retry-After: another replica or the restarted one answers", 0},
    {"outcome_unknown",          ERR_UNKNOWN_OUTCOME,  "Whether the change took effect could not be found out",
     "Repeat under the same idempotency key: what was done is not done twice", 0},
    {"clock_stalled",            ERR_UNAVAILABLE,      "A component did not follow the virtual clock within a minute",
     "See which component stands still (/readyz, the log), then advance again", 0},
    {"malformed",                ERR_MALFORMED,        "The request cannot be read",
     "Correct the request", 0},
    {"rate_limited",             ERR_THROTTLED,        "Too many requests",
     "Wait for Retry-After; RateLimit tells what is left", 0},
    {"too_many_questions",       ERR_THROTTLED,        "As many questions to planners as a tenant may have open wait already",
     "Wait for the answers of those that are open", 0},
    {"fenced",                   ERR_FENCED,           "Another process leads now: repeat",
     "Repeat", 0},
    {"serialization_failure",    ERR_RETRY,            "A concurrent change got in the way: repeat",
     "Repeat under the same idempotency key", 0},
    {"timeout",                  ERR_TIMEOUT,          "The work took longer than its limit",
     "Ask for less at once, or repeat later", 0},
    {"internal",                 ERR_INTERNAL,         "Something is wrong on our side; the log has the request's id",
     "Report request_id to the operator", 0},
    {NULL, ERR_NONE, NULL, NULL, 0},
};
// clang-format on

const struct problem_code *problem_find(const char *code)
{
    const struct problem_code *each = problem_codes;
    while (each->code != NULL && strcmp(each->code, code) != 0)
        each++;
    return each->code == NULL ? NULL : each;
}

static int status_of_row(const struct problem_code *row)
{
    return row->status != 0 ? row->status : err_http_status(row->kind);
}

int problem_status(enum err_kind kind, const char *code)
{
    const struct problem_code *row = problem_find(code);
    return row == NULL ? err_http_status(kind) : status_of_row(row);
}

const struct problem_code *problem_next(const struct problem_code *after, int status)
{
    const struct problem_code *each = after == NULL ? problem_codes : after + 1;
    while (each->code != NULL && status_of_row(each) != status)
        each++;
    return each->code == NULL ? NULL : each;
}

const char *problem_code_of(const struct err *err)
{
    return err->code[0] == '\0' ? err_slug(err->kind) : err->code;
}

bool problem_has_retry_after(int status)
{
    return status == 429 || status == 503 || status == 507;
}
