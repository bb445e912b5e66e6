/* One run of the program: what was asked for, of whom, and where the answer goes. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/arguments.h"
#include "api/cli/client.h"

#include <stdio.h>

#define DEFAULT_URL     "http://127.0.0.1:7070"
#define DEFAULT_PROFILE "default"

struct session {
    const struct arguments *arguments;
    struct arena *arena;
    FILE *out;             /* what was asked for */
    FILE *log;             /* what a person should know */
    bool json;             /* -o json */
    bool csv;              /* -o csv, which lists and reports give */
    const char *profile;   /* its name; NULL until it is known */
    const char *directory; /* of profiles; NULL where no variable tells */
    const char *url;
    const char *token;     /* NULL until there is one */
    struct client *client; /* NULL until opened */
    json_t *me;            /* GET /v1/me, once it was asked for; else NULL */
    const char *settled;   /* what times from now became: "--starts-at ... and ..."; NULL where there are none */
    json_t *asked;         /* the body that was sent, to compare alternatives with; or NULL */
    json_t *problem;       /* what the API said when it refused; or NULL */
    bool differs;          /* something would change, and that was asked: EXIT_DIFFERS */
    bool problem_is_shown; /* its content stands in an object that was printed */
};

/* The name of the profile that was asked for by --profile or SLUICE_PROFILE, NULL where by neither; and where profiles are. */
MUST_CHECK enum err_kind session_find_directory(struct session *session, struct err *reterr);
/* Reads the environment and, unless told not to, the profile: --url over SLUICE_URL over the profile's, SLUICE_TOKEN
 * over the profile's. ERR_UNAUTHENTICATED where no token is found. */
MUST_CHECK enum err_kind session_find_token(struct session *session, struct err *reterr);
/* The address alone, for login: an old profile's if there is one. */
MUST_CHECK enum err_kind session_find_url(struct session *session, struct err *reterr);
/* Makes the client, with the token if there is one. */
MUST_CHECK enum err_kind session_open(struct session *session, struct err *reterr);
void session_clear(struct session *session);

/* Sends a request; what *ret has is the caller's. A refusal becomes its error, and session->problem. */
MUST_CHECK enum err_kind session_send(struct session *session, const struct client_request *request,
                                      struct client_answer *ret, struct err *reterr);
/* The same of an answer's body alone: NULL of an empty one. */
MUST_CHECK enum err_kind session_call(struct session *session, const struct client_request *request, json_t **ret,
                                      struct err *reterr);
MUST_CHECK enum err_kind session_get(struct session *session, const char *path, json_t **ret, struct err *reterr);

/* Is the token a tenant's, or of the provider (GET /v1/me)? */
MUST_CHECK enum err_kind session_is_tenants(struct session *session, bool *ret, struct err *reterr);

/* The domain's time as GET /v1/me first said it, and whether that stands still until it is moved. */
MUST_CHECK enum err_kind session_domain_time(struct session *session, int64_t *ret_s, bool *ret_virtual,
                                             struct err *reterr);
/* An option as it was settled, for who repeats the command when now is another. */
void session_note_settled(struct session *session, const char *option);

/* The given options that are parameters of a query, "name=x&state=y", or ""; a day is the instant where it begins, but to
 * a command whose times are days. */
const char *session_query(struct session *session);
/* path?a&b, where either may be empty. */
const char *session_path(struct session *session, const char *path, const char *a, const char *b);
/* A JSON document to out. */
void session_print_json(struct session *session, const json_t *value);
