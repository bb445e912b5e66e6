/* Errors: what kind (for programs), and a text (for people).
 *
 * A function that can fail returns enum err_kind (0 is ERR_NONE), is MUST_CHECK, and fills *reterr, its last
 * parameter. Library code never logs; whoever adds knowledge adds context on the way up, once; the dispatcher or
 * main loop logs once. Texts as PostgreSQL writes them: lower case, no full stop, values quoted. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>

/* X(kind, http status, slug that clients see, may the same request succeed later?, title) */
#define ERR_KINDS(X)                                                                                                   \
    X(ERR_NONE, 200, "none", false, "No error")                                                                        \
    X(ERR_INVALID, 422, "invalid", false, "The request is not valid")                                                  \
    X(ERR_MALFORMED, 400, "malformed", false, "The request cannot be read")                                            \
    X(ERR_UNAUTHENTICATED, 401, "unauthenticated", false, "A valid token is needed")                                   \
    X(ERR_FORBIDDEN, 403, "forbidden", false, "The caller's role does not allow this")                                 \
    X(ERR_NOT_FOUND, 404, "not_found", false, "There is no such object")                                               \
    X(ERR_METHOD, 405, "method_not_allowed", false, "This address does not take that method")                          \
    X(ERR_CONFLICT, 409, "conflict", false, "The request conflicts with the object's state")                           \
    X(ERR_NO_CAPACITY, 409, "capacity_unavailable", false, "There is no capacity for this")                            \
    X(ERR_PRECONDITION, 412, "precondition_failed", false, "The object has changed since it was read")                 \
    X(ERR_TOO_LARGE, 413, "body_too_large", false, "The body is larger than the limit")                                \
    X(ERR_THROTTLED, 429, "rate_limited", true, "Too many requests")                                                   \
    X(ERR_RETRY, 503, "serialization_failure", true, "A concurrent change got in the way")                             \
    X(ERR_UNAVAILABLE, 503, "database_unavailable", true, "The database cannot be reached")                            \
    X(ERR_OUT_OF_SPACE, 507, "storage_full", true, "The database has no space left")                                   \
    X(ERR_OVERLOADED, 503, "overloaded", true, "The server has more work than it can hold")                            \
    X(ERR_TIMEOUT, 504, "timeout", true, "The work took longer than its limit")                                        \
    X(ERR_UNKNOWN_OUTCOME, 503, "outcome_unknown", true, "Whether the change took effect is not known yet")            \
    X(ERR_FENCED, 503, "fenced", true, "Another process leads now")                                                    \
    X(ERR_INTERNAL, 500, "internal", false, "Something is wrong on our side")

enum err_kind {
#define X(kind, status, slug, retryable, title) kind,
    ERR_KINDS(X)
#undef X
        ERR_KIND_COUNT
};

#define ERR_TEXT_SIZE 512
#define ERR_CODE_SIZE 64

struct err {
    enum err_kind kind;
    char code[ERR_CODE_SIZE]; /* a more exact slug than the kind's, e.g. "unknown_instance_type"; may be empty */
    char text[ERR_TEXT_SIZE];
    char hint[ERR_TEXT_SIZE]; /* a sentence that says what to do; may be empty */
    char sqlstate[6];         /* PostgreSQL's own code where the error came from there; may be empty */
};

/* Fills *err (which may be NULL) and returns kind, so that `return err_set(...)` is one line. */
enum err_kind err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with an exact code. */
enum err_kind err_set_code(struct err *err, enum err_kind kind, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Puts "what was being done: " in front of the text. Returns err's kind. */
enum err_kind err_context(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

int err_http_status(enum err_kind kind);
const char *err_slug(enum err_kind kind);
const char *err_title(enum err_kind kind);
bool err_retryable(enum err_kind kind);
/* The one place where an SQLSTATE becomes a kind, by a table (err.c); ERR_INTERNAL for what is not in it. */
enum err_kind err_kind_of_sqlstate(const char *sqlstate);
