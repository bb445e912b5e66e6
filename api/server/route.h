/* Routes: a static table per resource. From it come routing, role check, reading of body and query, idempotency,
 * audit, the OpenAPI document and Allow on 405. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/field.h"
#include "api/server/negotiate.h"
#include "api/server/rate.h"
#include "api/server/request.h"
#include "api/server/response.h"

enum method { GET, POST, PUT, PATCH, DELETE, METHOD_COUNT };

/* Fills response and returns ERR_NONE, or returns an error, which becomes a problem document. Of a GET: runs on a
 * listener's thread, again from its start with each statement that was answered (reading.h). Of all else: on a worker's
 * thread with request->db in a transaction (request.h); again from the start after a serialization failure. */
typedef enum err_kind route_handler(struct request *request, struct response *response, struct err *reterr);

/* Runs on a listener's thread and must not block: it has no database. Answers at once, or suspends (batcher). */
typedef enum err_kind route_direct(struct request *request, struct response *response, struct err *reterr);

/* Runs on a listener's thread, before run(), and takes the request over (exchange.h): another server is asked first. */
typedef enum err_kind route_fetch(struct request *request, struct err *reterr);

/* What a change of one object begins with. Both statements take its id ($1). */
struct object_lock {
    const struct db_stmt *stmt; /* locks its row and selects wish_revision, which If-Match is compared with */
    const char *noun;           /* for its 404 */
    const struct db_stmt *read; /* for PUT and PATCH: the fields of the route's body as the object has them, read under
                                 * the lock; NULL: they are in the locked row */
};

struct route {
    enum method method;
    const char *path; /* "/v1/system/zones/{id}" */
    unsigned roles;   /* mask of enum role; 0: no token needed */
    enum rate_class rate;

    const struct schema *body;   /* what a request sends; NULL: none (a body is then refused) */
    const struct schema *query;  /* its fields are the query parameters; NULL: none */
    const struct schema *answer; /* what it answers; NULL: nothing, or see .help */
    bool takes_csv;              /* a POST whose body is text/csv, a row per object of .body: request->text */
    bool is_list;                /* answers {"items": [answer...], "next_page"}, takes limit and page */
    bool has_items;              /* answers a report, whose member "items" is the rows of its CSV */
    unsigned forms;              /* FORM_MASK of what it answers with, by Accept; 0: JSON, and of items CSV too */
    int status;                  /* of success, for the document; 0: 200, of a POST that makes something 201 */
    const char *const
        *problems; /* codes of its own, PROBLEMS("name_taken", ...); those of all its like need not be said */
    bool has_id;   /* {id} is an identity of kind .id: request->object; 404 where it cannot be one */
    enum identity_kind id;

    route_handler *run;         /* one of run, direct and is_batched */
    bool waits;                 /* for a verdict, within Prefer; 202 where its time is up */
    const char *const *passing; /* a GET of one object: states that Prefer: wait waits to be left; NULL: none */
    bool asks;                  /* a planner (question.h) */
    bool is_batched; /* goes to the write batcher: the creation of reservations; run is what ?validate_only=true does */
    route_direct *direct;
    /* POST under an idempotency key: answers a repetition, which never runs: what was done since stays. One of: replay,
     * of what makes an object, from that object alone (request->object is its id); again, of what changes the object
     * {id}, from that one as it is now. Both NULL: a question, or a status without a body (204). */
    route_handler *replay;
    route_handler *again;
    /* A change of the object {id}: the row is in request->locked when the handler runs; 404, 412 and 428 (a PUT of
     * operators without If-Match) are answered before. PUT and PATCH share one handler then: request->body is the whole
     * object as it is to be, a merge patch (RFC 7396) applied to what it was, and request->body_present the fields that
     * differ from it. */
    const struct object_lock *lock;
    bool signs_in;            /* a failure is held against address and account, which then wait (signin_throttle.h) */
    bool needs_no_scope;      /* a token limited to any scopes may call it */
    bool is_question;         /* a POST that changes nothing at any rate: takes no validate_only */
    route_fetch *fetch;       /* of a GET that changes something: run() is in a transaction as that of a POST */
    bool takes_any_query;     /* parameters that are not in .query are ignored: another server makes them */
    bool leads_to_console;    /* a browser is led there with a problem, which the console shows; without one it is given
                               * a page */
    bool has_deleted;         /* a GET that takes ?include=deleted: request->includes_deleted */
    bool without_transaction; /* the handler runs transactions of its own on request->db, on a worker's thread that it
                               * may keep for long (sluice_api_system only: advancing the clock waits for others to
                               * commit; the audit's chain is computed again); of a GET, too */
    const char *summary;      /* for the document: a sentence without full stop */
};
static inline unsigned route_forms(const struct route *route)
{
    unsigned of_items = FORM_MASK(FORM_JSON) | FORM_MASK(FORM_CSV);
    return route->forms != 0 ? route->forms : route->is_list || route->has_items ? of_items : FORM_MASK(FORM_JSON);
}
static inline int route_status(const struct route *route)
{
    return route->status != 0 ? route->status : route->replay != NULL ? 201 : 200;
}

// clang-format off
#define PROBLEMS(...) (const char *const[]){__VA_ARGS__, NULL}
#define ROUTES_END {.path = NULL}
// clang-format on

/* A resource: one file, one of these, listed in api/resources/registry.c. */
struct resource {
    const char *name; /* "zones": the tag in the document; several may share it, the first has the help */
    const struct route *routes;
    const struct db_stmt *const *statements; /* NULL-terminated: a test prepares each on the migrated schema */
    const char *help; /* what it is, for the document: sentences; NULL: another before it has the name */
};
