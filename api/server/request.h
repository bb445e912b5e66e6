/* A request as a handler sees it: screened, routed, authenticated, its body and query read by their tables. It lives
 * from its first header to its last answered byte; one thread at a time has it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/role.h"
#include "api/auth/scope.h"
#include "api/server/field.h"
#include "api/server/negotiate.h"
#include "api/server/trace.h"
#include "common/arena.h"
#include "common/db.h"
#include "common/identity.h"

#include <stdbool.h>
#include <stdint.h>

struct resource;
struct route;
struct server;

/* Who asks, by the token shown. */
struct caller {
    enum role role;
    bool is_tenant; /* acts for a tenant; else for the provider */
    bool tenant_suspended;
    char principal_id[UUID_TEXT_SIZE];
    char principal[129];            /* name */
    char tenant_id[UUID_TEXT_SIZE]; /* "" for the provider's own */
    char tenant[65];                /* name; "" for the provider's own */
    bool is_service_account;
    char token_id[UUID_TEXT_SIZE];   /* shown, or what the session was exchanged for; "": none */
    char session_id[UUID_TEXT_SIZE]; /* "": no session, a token */
    int64_t token_expires_at;        /* real time, seconds, of what was shown; FIELD_NULL: never */
    struct scopes scopes;
};

#define REQUEST_PARAMS_MAX 3

struct request {
    struct arena *arena;             /* everything of this request; released when it is answered */
    char id[REQUEST_ID_SIZE];        /* Request-Id: the client's, else "req_..." */
    const struct resource *resource; /* whose route it is */
    const struct route *route;
    const char *method;      /* "POST" */
    const char *path;        /* decoded, without the query */
    const char *remote;      /* where it came from: an address, or "unix" */
    const char *certificate; /* SHA-256 of the client certificate that the proxy verified; NULL: none */
    struct caller caller;
    enum form form;                         /* of the answer, by Accept */
    const char *params[REQUEST_PARAMS_MAX]; /* texts of {…} in the route's path, in order */
    const char *object; /* UUID of {id} where the route names its kind of identity; NULL otherwise */

    void *body;            /* the struct of route->body, defaults filled; NULL where the route has none */
    const char *text;      /* of a route with .takes_csv: the body as it came, terminated; it has no 0 within */
    uint64_t body_present; /* a bit per field given: FIELD_PRESENT */
    void *query;           /* the struct of route->query; NULL where it has none */
    uint64_t query_present;
    struct field_problems problems; /* add to it, return request_invalid(): 422 with all of them */
    bool validates_only;            /* ?validate_only=true: all is rolled back. A handler that would wait for a verdict
                                     * asks (question.h) instead; others need not look at it */
    bool includes_deleted;          /* ?include=deleted */
    const PGresult *locked;         /* the row of route->lock; NULL where it has none */

    /* While a handler that changes something runs: a connection in a transaction that the framework began and ends
     * (commit where the handler returns ERR_NONE, else rollback). Of role sluice_api with sluice.tenant set where the
     * caller acts for a tenant, of role sluice_api_system otherwise. Handlers neither begin nor commit. One that only
     * reads has none (reading.h): request_run is the same for both. */
    struct db *db;
    char new_id[UUID_TEXT_SIZE]; /* on POST: the id for what is made, known beforehand, so that a repetition finds it */
    bool wakes_planner;          /* set by a handler: NOTIFY sluice_wish in this transaction */
    bool wakes_billing;          /* set by a handler: NOTIFY sluice_event in this transaction */
    bool revokes_token;          /* set by a handler: NOTIFY sluice_token in this transaction */

    void *asked; /* set by a handler that asks a planner (question.h): for its finish; in the arena */

    struct request_internal *internal; /* the server's own part */
};

/* A request header's value, the first of that name; NULL if absent. */
const char *request_header(const struct request *request, const char *name);
/* Of a header that is a list, which may be cut into several (RFC 9110, 5.3): all of them as one. */
const char *request_header_list(const struct request *request, const char *name);
/* Text of a number for db_run, in the arena; NULL for FIELD_NULL. Times: to_timestamp($n::bigint). */
const char *request_int(struct request *request, int64_t value);
const char *request_bool(bool value); /* "true" or "false" */

/* Returns ERR_INVALID with the code of the first of request->problems: `return request_invalid(request, reterr)`. */
enum err_kind request_invalid(struct request *request, struct err *reterr);
/* Of a PUT or PATCH with route->lock: does what was sent speak of the field, whether it differs or not? */
bool request_mentions(const struct request *request, const char *field);
/* Of such a request: does it change the field? */
bool request_changes(const struct request *request, const char *field);
/* Writes the row with all that was wished in place of what it has: the object as it would be. */
void request_write_wished(struct request *request, const PGresult *row, struct json_out *out);
/* For ?validate_only: what the change would cost more, or less, as JSON (an object of money, or null: not known); and
 * what the caller should know beforehand. Ignored where it is no preview. */
void request_cost_delta(struct request *request, const char *json);
void request_warn(struct request *request, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);
/* ERR_NOT_FOUND for the object that the address names, or that an earlier request under the idempotency key made. */
enum err_kind request_not_found(const struct request *request, const char *noun, struct err *reterr);
/* Runs a statement; the result is released with the request, so handlers never clear it. In a handler that only reads
 * the answer may not be there yet (ERR_RETRY): the handler returns that, and is run again from its start (reading.h).
 */
MUST_CHECK enum err_kind request_run(struct request *request, const struct db_stmt *stmt, const char *const *params,
                                     const PGresult **ret, struct err *reterr);
/* Appends to the event log: an object of ours changed (revision 1 for created). tenant and zone may be NULL. */
MUST_CHECK enum err_kind request_event(struct request *request, const char *tenant_id, const char *zone_id,
                                       const char *object_type, const char *object_id, int64_t revision,
                                       const char *kind, struct err *reterr);

extern const struct db_stmt *const request_statements[];
