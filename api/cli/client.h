/* Requests to the API over HTTP, on libcurl. Everything is bounded: time, the size of an answer, and attempts.
 *
 * A request that met a lost connection or a server that says "retryable" is sent again, at most three times. A POST
 * carries its Idempotency-Key in every attempt, so that it takes effect once. One thread uses a client. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <jansson.h>
#include <stdint.h>

#define CLIENT_ANSWER_BYTES_MAX 8388608 /* 8 MiB */
#define ETAG_SIZE               80      /* of any of the API's */
#define CLIENT_WAIT_S_MAX       60      /* what one request may ask the server to wait for */

struct arena;
struct client;

/* url: http://, https:// (redirects are not followed), or unix:/path for a socket. ERR_INVALID for anything else.
 * token may be NULL. ca_file: certificates (PEM) of the authorities that are trusted; NULL: the system's. The texts are
 * copied. */
MUST_CHECK enum err_kind client_new(const char *url, const char *token, const char *ca_file, struct client **ret,
                                    struct err *reterr);
void client_free(struct client *client); /* NULL is fine; the token is cleansed */

/* Would the token travel in the open over a network? */
bool client_is_exposed(const struct client *client);

struct client_request {
    const char *method;
    const char *path;            /* with its query: "/v1/zones?limit=10" */
    const json_t *body;          /* NULL: none */
    const char *idempotency_key; /* NULL: none */
    const char *if_match;        /* an ETag; NULL: none */
    int64_t wait_s;              /* Prefer: wait=N, at most CLIENT_WAIT_S_MAX; 0: not said */
    bool wants_csv;              /* Accept: text/csv */
};

struct client_answer {
    int status;           /* 200 to 599 */
    json_t *body;         /* the caller's; NULL where the answer has none */
    char etag[ETAG_SIZE]; /* "" where the answer has none */
    char *csv;            /* the caller's: what was answered as text/csv; else NULL */
    char *next; /* the caller's: the next page's mark, percent-encoded, as the header Link says it; else NULL */
};

/* ERR_NONE for every answer of the server, refusals too. ERR_UNAVAILABLE where it cannot be reached or the connection
 * broke, ERR_TIMEOUT where it did not answer in time, ERR_INTERNAL where the answer is none of this API. */
MUST_CHECK enum err_kind client_send(struct client *client, const struct client_request *request,
                                     struct client_answer *ret, struct err *reterr);

/* Text for a path or query, percent-encoded. */
const char *client_escape(struct client *client, struct arena *arena, const char *text);

/* Time as it passes, for deadlines and pauses. Not common/clock.h: that one brings the database with it. */
int64_t client_monotonic_ms(void);
void client_pause_ms(int64_t pause_ms);
