/* The inside of the API's server: what its files share and resources do not see. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/session_cookie.h"
#include "api/auth/token_cache.h"
#include "api/issuer/issuer.h"
#include "api/outgoing/target.h"
#include "api/server/connection.h"
#include "api/server/peer.h"
#include "api/server/preference.h"
#include "api/server/rate.h"
#include "api/server/reader.h"
#include "api/server/reading.h"
#include "api/server/response.h"
#include "api/server/route.h"
#include "api/server/settings.h"
#include "api/server/suspension.h"
#include "api/server/trust.h"
#include "api/server/workers.h"

#include <microhttpd.h>
#include <stdatomic.h>

#define BODY_BYTES_MAX  (1024U * 1024U)
#define URI_BYTES_MAX   8192U
#define PARAMETERS_MAX  200U /* in a query; libmicrohttpd leaves requests with 420 and more unanswered (measured) */
#define JSON_DEPTH_MAX  32
#define CURSOR_KEY_SIZE 32
#define IDEMPOTENCY_MAX 255
#define SHA256_SIZE     32
#define REQUEST_WAIT_MS 30000 /* limit on a request in a queue: answered 503 thereafter */
#define WAIT_MAX_S      60    /* that Prefer may ask for */
#define RETRY_AFTER_S   "1"

struct asking;
struct audit_key;
struct audit_refusals;
struct awaiting;
struct batcher;
struct follower;
struct secret_keys;
struct preview;
struct signin_throttle;
struct contract;

struct server {
    const struct config_common *common;
    const struct api_settings *settings;
    const struct resource *const *resources;
    struct contract *contract;
    struct router *router;
    struct token_cache *tokens;
    struct rate_limits *rates;
    struct signin_throttle *signins;
    struct trust people, workloads; /* issuers that are believed, of id tokens and of bearers */
    struct workers *workers;
    struct reader_load point_load, list_load;
    struct suspensions *suspensions;
    struct batcher *batcher;
    struct follower *follower;
    struct audit_refusals *refusals;
    struct listener *listener;
    uint8_t cursor_key[CURSOR_KEY_SIZE];
    const struct audit_key *audit_key;      /* NULL: no checkpoints are written */
    const struct secret_keys *webhook_keys; /* NULL: there are no webhooks */
    struct target_rules webhook_rules;
    atomic_bool is_stopping; /* no connection is kept beyond its next answer */
};

/* A request as the server has it. Counted: the connection has one reference, each queue it stands in another. */
struct request_internal {
    struct request request;
    struct response response;
    struct server *server;
    struct MHD_Connection *connection;
    _Atomic int references;
    const char *uri;        /* as sent, with the query */
    const char *query_text; /* behind '?'; "" for none */
    int64_t arrived_us;     /* monotonic */
    bool is_screened;       /* the first call was made */
    bool is_answer_ready;   /* the second: response is to be sent */
    bool wants_close;
    bool is_in_doubt;   /* what the caller may has changed while it waited: they are asked for anew */
    bool is_repetition; /* under an idempotency key: whatever is decided was decided before */
    char trace_id[TRACE_ID_SIZE], traceparent[TRACEPARENT_SIZE]; /* W3C Trace Context; empty: the client said none */
    struct token_proof shown;            /* of a token or session; kind 0: none that could be read */
    const struct token_finding *finding; /* what the database has just said of it; NULL: it was not asked */
    const char *bearer;                  /* a JSON Web Token that was shown; NULL: none */
    const struct err *refusal;           /* of it; NULL: none yet */
    struct issuer_waiter keys;           /* for which its issuer was asked once more */
    bool has_wanted_keys;
    char *exchanged;           /* the id token of a sign-in (exchange.h); NULL: none */
    char csrf[CSRF_TEXT_SIZE]; /* what a change under a session must show beside; "": it is a token */
    int64_t retry_after_s;     /* of a problem, where it is more than RETRY_AFTER_S; 0: it is not */
    struct peer peer;
    struct rate_left rate; /* what the answer says of it */
    char *body;
    size_t body_length, body_capacity;
    bool is_body_too_large, is_body_without_room;
    int64_t uploaded;            /* bytes, those thrown away included */
    struct preference prefer;    /* what is done of it: none where nothing is waited for, or too many wait */
    const char *idempotency_key; /* NULL: none */
    uint8_t request_sha256[SHA256_SIZE];
    struct suspension suspension; /* for a worker, the batcher, a verdict, answers of planners: one after the other */
    struct suspension pause;      /* for one statement of a handler that reads: as often as it asks */
    struct reading reading;
    struct job job;
    json_t *patch;               /* of a PATCH that change.c applies; NULL: none */
    struct preview *preview;     /* what ?validate_only=true tells beside the object; NULL: nothing yet */
    struct result_list *results; /* released with the request */
    enum err_kind outcome;       /* for metrics and the log */
    char code[ERR_CODE_SIZE];
    /* Of the resource that takes the request over (reservation_batch.c). */
    void *own;
    void (*expire)(struct suspension *suspension, bool is_shutdown); /* NULL: 503 */
    void (*release)(struct request_internal *internal);              /* when the request goes; may be NULL */
    const char *problem_members; /* JSON members that a problem document adds; may be NULL */
    struct stream *stream;
    struct asking *asking; /* the handler asked a planner: question.c answers; NULL: it did not */
    struct hold *hold;     /* a GET that waits for a change: hold.c; NULL: it does not */
    struct awaiting
        *awaiting; /* what the handler wished is decided by somebody else: await.c answers; NULL: it is not */
};

static inline struct request_internal *internal_of(struct request *request)
{
    return request->internal;
}

/* ---- request.c ---- */
struct request_internal *internal_new(struct server *server, struct MHD_Connection *connection, const char *uri);
void internal_keep(struct request_internal *internal);
void internal_drop(struct request_internal *internal);
struct request_internal *internal_of_job(struct job *job); /* whose `job` it is */

/* ---- problem.c: answers of errors (RFC 9457) ---- */
/* Replaces whatever the response had. */
void problem_write(struct request_internal *internal, const struct err *err);

/* ---- problem_codes.c ---- */
struct problem_code {
    const char *code;
    enum err_kind kind;
    const char *meaning;
    const char *remedy; /* what a caller does about it */
    int status;         /* where it is not the kind's; else 0 */
};
extern const struct problem_code problem_codes[]; /* ends with a NULL code; docs/errors.md is made of it */
/* NULL where there is no such code. */
const struct problem_code *problem_find(const char *code);
/* The code that clients see: the error's own, else its kind's. */
const char *problem_code_of(const struct err *err);
/* The HTTP status: that of the code, else of the kind. */
int problem_status(enum err_kind kind, const char *code);
/* What every problem of the code is (RFC 9457: the title is of the type). */
const char *problem_title(enum err_kind kind, const char *code);
/* The codes of a status, one after the other; NULL first, NULL at the end. */
const struct problem_code *problem_next(const struct problem_code *after, int status);
bool problem_has_retry_after(int status);

/* ---- authenticate.c: who asks, and whether they may ask that much ---- */
/* Finds the caller by the token shown and takes the request from their limit; without a token, or with a bad one, from
 * that of the address. *ret_waits: suspended until the database has said who this is; it is dispatched again then. */
MUST_CHECK enum err_kind authenticate(struct request_internal *internal, bool *ret_waits, struct err *reterr);
/* Only who it is: of a request that was let in before, and has paid. */
MUST_CHECK enum err_kind caller_find(struct request_internal *internal, bool *ret_waits, struct err *reterr);
/* By who has the claim: resumes the request, which is asked who it is as at first. The request may be gone afterwards.
 */
void caller_doubt(struct request_internal *internal);

/* Of a sign-in that shows no token: ERR_THROTTLED (sign_in_throttled) while its address waits; and that it has failed.
 */
MUST_CHECK enum err_kind signin_hear_address(struct request_internal *internal, struct err *reterr);
void signin_failed_address(struct request_internal *internal);

/* ---- workload.c: bearers of another issuer ---- */
/* What was shown is such a token, and one would be taken: remembers it in internal->shown and ->bearer. */
bool workload_is_shown(struct request_internal *internal, const char *text);
/* The job that says who it stands for; the request is dispatched again then, with a refusal where it was refused. */
void workload_load(struct job *job, struct worker *worker);

/* ---- router.c ---- */
struct router *router_new(const struct resource *const *resources); /* whose tables stay */
void router_free(struct router *router);                            /* NULL is fine */
/* ERR_NOT_FOUND, or ERR_METHOD with the methods that are allowed in ret_allow. Fills route and params. */
MUST_CHECK enum err_kind router_find(const struct router *router, struct request *request, const char **ret_allow,
                                     struct err *reterr);
/* The route that reads one object of the list at the path; NULL where there is none. */
const struct route *router_find_below(const struct router *router, const char *path);
extern const char *const method_texts[METHOD_COUNT];

/* ---- body.c: reading what was sent ---- */
/* Body, query and idempotency key by the route's tables; ERR_MALFORMED, ERR_INVALID with request->problems. */
MUST_CHECK enum err_kind body_read(struct request_internal *internal, struct err *reterr);
MUST_CHECK enum err_kind query_read(struct request_internal *internal, struct err *reterr);
/* The query parameters that a route takes by what it is (one, at present); NULL: none. */
const struct field *query_general(const struct route *route);
bool json_depth_fits(const char *text, size_t length);

/* ---- execute.c: handlers; those that change something on a worker's thread ---- */
/* The handler of a GET. */
reading_step execute_read;
/* Suspends the request and queues its handler; ERR_OVERLOADED otherwise. From the listener's thread. */
MUST_CHECK enum err_kind execute_submit(struct request_internal *internal, struct err *reterr);
/* Answers with what replay (or run) says of an object that is there already, by whoever has the claim; a repetition is
 * told so. */
void execute_show(struct request_internal *internal, const char *object_id, bool is_repetition);
/* Before an error is answered that no handler made: a refusal is left to the audit. */
void execute_refuse(struct request_internal *internal, const struct err *err);
extern const struct db_stmt *const execute_statements[];

/* ---- change.c: what comes before the handler of a change of one object ---- */
/* Locks the object, compares If-Match and If-None-Match, and makes request->body whole. ERR_NOT_FOUND,
 * ERR_PRECONDITION, ERR_INVALID; ERR_FORBIDDEN where it makes what a suspended tenant may not. */
MUST_CHECK enum err_kind change_prepare(struct request *request, struct err *reterr);
/* Its body is read in change_prepare, upon what the object is. */
bool change_is_whole(const struct route *route);
bool change_needs_if_match(const struct route *route);
bool change_is_new(const struct route *route); /* makes an object of a tenant's */

/* ---- preview.c ---- */
/* Turns the answer of a change that was rolled back into that of ?validate_only=true. */
void preview_finish(struct request_internal *internal);

/* ---- await.c ---- */
/* Before COMMIT: what the handler awaits is looked for from now on. */
void await_watch(struct request_internal *internal);
/* It is not awaited any more: nothing was committed, or the wait is over. */
void await_drop(struct request_internal *internal);
/* After COMMIT: takes the caller's claim over. */
void await_park(struct request_internal *internal);

/* ---- hold.c ---- */
/* From the listener's thread, with the answer of a GET ready. True: it is held, and its handler is run again (or the
 * server stops, and it is answered). */
bool hold_suspend(struct request_internal *internal);
bool prefer_is_offered(const struct route *route); /* a change that has a verdict, or a GET that can be held */

/* ---- question.c ---- */
/* Sends what the handler asked, over request->db and outside of any transaction, and takes the caller's claim over. */
void question_send(struct request_internal *internal);
/* The same for a handler that only reads: the request is suspended, and the claim is the caller's. */
void question_submit(struct request_internal *internal);
/* The handler has asked, and nothing is sent yet. */
bool question_is_new(const struct request_internal *internal);
void questions_register(void); /* metrics */

/* ---- answering a suspended request ---- */
/* The claimant's last act: with the response filled, or with an error. The request may be gone afterwards. */
void answer_send(struct request_internal *internal);
void answer_error(struct request_internal *internal, const struct err *err);

/* ---- openapi.c ---- */
/* As 3.0.3 for generators that lag, else 3.1. The caller frees. */
char *openapi_write(const struct resource *const *resources, bool as_30);

/* ---- console.c ---- */
/* Where a browser that has signed in goes. */
const char *console_start(const struct server *server);
bool console_serves(const struct server *server, const char *path);
enum MHD_Result console_answer(struct request_internal *internal);

/* ---- listener.c ---- */
/* Suspends the request with its deadline. False while the server stops: the answer then is 503. */
bool request_suspend(struct request_internal *internal);
MUST_CHECK enum err_kind listener_start(struct server *server, struct err *reterr);
/* No new connections; suspended requests are answered; then all are closed. */
void listener_stop(struct listener *listener); /* NULL is fine */

/* ---- stream.c ---- */
struct MHD_Response *stream_response(struct stream *stream);
