/* The text of errors, and the tables by kind and by SQLSTATE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"

#include "common/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
    const char *slug, *title;
    int http_status;
    bool retryable;
};

static const struct err_row err_rows[ERR_KIND_COUNT] = {
#define X(kind, status, slug, retryable, title) [kind] = {slug, title, status, retryable},
    ERR_KINDS(X)
#undef X
};

/* The first row whose prefix fits; so an exact code stands before its class. */
static const struct {
    const char *prefix;
    enum err_kind kind;
} sqlstate_rows[] = {
    {"08007", ERR_UNKNOWN_OUTCOME}, /* transaction resolution unknown */
    {"08", ERR_UNAVAILABLE},        /* connection exceptions */
    {"22003", ERR_INVALID},         /* a number that does not fit its type */
    {"23505", ERR_CONFLICT},        /* unique violation */
    {"23P01", ERR_NO_CAPACITY},     /* exclusion violation: a rectangle is taken */
    {"25006", ERR_UNAVAILABLE},     /* read-only transaction: a standby, in the middle of a failover */
    {"25P03", ERR_UNAVAILABLE},     /* idle in transaction for too long: the server hung up */
    {"40001", ERR_RETRY},           /* serialization failure */
    {"40003", ERR_UNKNOWN_OUTCOME}, /* statement completion unknown */
    {"40P01", ERR_RETRY},           /* deadlock */
    {"53100", ERR_OUT_OF_SPACE},    /* disk full */
    {"53300", ERR_UNAVAILABLE},     /* too many connections */
    {"53", ERR_OVERLOADED},         /* other resources: memory, locks */
    {"55P03", ERR_RETRY},           /* lock not available within lock_timeout */
    {"57014", ERR_TIMEOUT},         /* cancelled, statement_timeout */
    {"57P", ERR_UNAVAILABLE},       /* shutting down, crashed, starting */
};

enum err_kind err_kind_of_sqlstate(const char *sqlstate)
{
    for (size_t i = 0; i < COUNT_OF(sqlstate_rows); i++) {
        if (strncmp(sqlstate, sqlstate_rows[i].prefix, strlen(sqlstate_rows[i].prefix)) == 0)
            return sqlstate_rows[i].kind;
    }
    return ERR_INTERNAL;
}

static void fill(struct err *err, enum err_kind kind, const char *code, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

/* The text is made before err is cleared, because an argument may be err's own text. */
static void fill(struct err *err, enum err_kind kind, const char *code, const char *format, va_list arguments)
{
    if (err == NULL)
        return;
    struct err made = {.kind = kind};
    (void)vsnprintf(made.text, sizeof made.text, format, arguments); /* a long text is cut */
    (void)snprintf(made.code, sizeof made.code, "%s", code);
    *err = made;
}

enum err_kind err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    must(kind > ERR_NONE && kind < ERR_KIND_COUNT);
    va_list arguments;
    va_start(arguments, format);
    fill(err, kind, "", format, arguments);
    va_end(arguments);
    return kind;
}

enum err_kind err_set_code(struct err *err, enum err_kind kind, const char *code, const char *format, ...)
{
    must(kind > ERR_NONE && kind < ERR_KIND_COUNT);
    must(strlen(code) < ERR_CODE_SIZE);
    va_list arguments;
    va_start(arguments, format);
    fill(err, kind, code, format, arguments);
    va_end(arguments);
    return kind;
}

enum err_kind err_context(struct err *err, const char *format, ...)
{
    must(err != NULL && err->kind != ERR_NONE);
    char context[ERR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(context, sizeof context, format, arguments); /* a long text is cut */
    va_end(arguments);

    char joined[2 * ERR_TEXT_SIZE + 2];
    (void)snprintf(joined, sizeof joined, "%s: %s", context, err->text); /* always fits */
    (void)snprintf(err->text, sizeof err->text, "%.*s", ERR_TEXT_SIZE - 1, joined);
    return err->kind;
}

static const struct err_row *row_of(enum err_kind kind)
{
    must(kind >= ERR_NONE && kind < ERR_KIND_COUNT);
    return &err_rows[kind];
}

int err_http_status(enum err_kind kind)
{
    return row_of(kind)->http_status;
}

const char *err_slug(enum err_kind kind)
{
    return row_of(kind)->slug;
}

const char *err_title(enum err_kind kind)
{
    return row_of(kind)->title;
}

bool err_retryable(enum err_kind kind)
{
    return row_of(kind)->retryable;
}
