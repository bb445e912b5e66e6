/* Connections: how they are opened, what is said to the server first, and how a broken one is noticed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/db_internal.h"
#include "common/must.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_S    "3"  /* where neither the url nor PGCONNECT_TIMEOUT says one */
#define CONNECT_LEAST_S      2    /* libpq's own */
#define KEEPALIVE_IDLE_S     "10" /* a dead peer is noticed after 10 + 3 * 5 s */
#define KEEPALIVE_INTERVAL_S "5"
#define KEEPALIVE_COUNT      "3"
#define TCP_USER_TIMEOUT_MS  "15000" /* the same for data that nobody acknowledges */
#define SESSION_OPTIONS_SIZE 768
#define STALE_READS_MAX      16 /* of messages that came while the connection was idle */

static const char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : alloc_text(text);
}

static void free_copy(const char *text)
{
    free((void *)(uintptr_t)text); /* ours, though the options say const */
}

struct db_options db_options_copy(const struct db_options *options)
{
    must(options->url != NULL);
    struct db_options copy = *options;
    copy.url = alloc_text(options->url);
    copy.role = copy_or_null(options->role);
    copy.application_name = copy_or_null(options->application_name);
    return copy;
}

void db_options_clear(struct db_options *options)
{
    OPENSSL_cleanse((void *)(uintptr_t)options->url, strlen(options->url));
    free_copy(options->url);
    free_copy(options->role);
    free_copy(options->application_name);
    *options = (struct db_options){0};
}

struct db *db_new(const struct db_options *options)
{
    struct db *db = alloc_zero(1, sizeof *db);
    db->options = db_options_copy(options);
    return db;
}

void db_free(struct db *db)
{
    if (db == NULL)
        return;
    db_disconnect(db);
    for (size_t i = 0; i < db->channel_count; i++)
        free(db->channels[i]);
    free(db->channels);
    free(db->pending);
    free(db->prepared.slots);
    db_options_clear(&db->options);
    free(db);
}

void db_freep(struct db **db)
{
    db_free(*db);
    *db = NULL;
}

void db_disconnect(struct db *db)
{
    if (db->connection != NULL)
        PQfinish(db->connection);
    db->connection = NULL;
    db->in_pipeline = false;
    db->needs_flush = false;
    db->pending_first = 0;
    db->pending_end = 0;
    db_prepared_clear(&db->prepared);
}

/* Notices would land on stderr between the log's lines. */
static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

#define BY_KEY                                                                                                         \
    " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"

/* The settings of the session, behind those of the url. */
static void session_options(const struct db_options *options, const char *from_url,
                            char ret[static SESSION_OPTIONS_SIZE])
{
    int length = snprintf(
        ret, SESSION_OPTIONS_SIZE,
        "%.200s -c search_path=sluice,pg_temp -c TimeZone=UTC -c DateStyle=ISO -c statement_timeout=%d"
        " -c idle_in_transaction_session_timeout=%d -c lock_timeout=%d%s",
        from_url == NULL ? "" : from_url, options->statement_timeout_ms,
        options->idle_in_transaction_session_timeout_ms, options->lock_timeout_ms, options->by_key ? BY_KEY : "");
    must(length > 0 && length < SESSION_OPTIONS_SIZE);
}

/* What we say about a parameter of libpq: always, or only where the url is silent. */
struct parameter {
    const char *keyword, *value;
    bool always;
};

static const char *parameter_value(const struct parameter *parameters, size_t count, const PQconninfoOption *given)
{
    for (size_t i = 0; i < count; i++) {
        bool ours = strcmp(parameters[i].keyword, given->keyword) == 0 && parameters[i].value != NULL;
        if (ours && (parameters[i].always || given->val == NULL))
            return parameters[i].value;
    }
    return given->val;
}

static const char *given_value(const PQconninfoOption *given, const char *keyword)
{
    while (given->keyword != NULL && strcmp(given->keyword, keyword) != 0)
        given++;
    return given->val;
}

/* Ours would go before the environment's, which is libpq's own default. */
static const char *connect_timeout(void)
{
    const char *environment = getenv("PGCONNECT_TIMEOUT"); /* NOLINT(concurrency-mt-unsafe): nobody changes it */
    return environment == NULL ? CONNECT_TIMEOUT_S : NULL;
}

/* PQconnectdbParams, which waits, or PQconnectStartParams, which does not. */
typedef PGconn *connect_function(const char *const *keywords, const char *const *values, int expand_dbname);

/* PQconninfoParse lists every parameter libpq knows, so one pass over its list finds room for ours too. */
static PGconn *connect_with(const struct db_options *options, const PQconninfoOption *given, connect_function *connect)
{
    char session[SESSION_OPTIONS_SIZE];
    session_options(options, given_value(given, "options"), session);
    // clang-format off
    const struct parameter parameters[] = {
        {"user",                options->role,        true},
        {"options",             session,              true},
        {"application_name",    options->application_name, true},
        {"client_encoding",     "UTF8",               true},
        {"connect_timeout",     connect_timeout(),    false},
        {"keepalives",          "1",                  false},
        {"keepalives_idle",     KEEPALIVE_IDLE_S,     false},
        {"keepalives_interval", KEEPALIVE_INTERVAL_S, false},
        {"keepalives_count",    KEEPALIVE_COUNT,      false},
        {"tcp_user_timeout",    TCP_USER_TIMEOUT_MS,  false},
    };
    // clang-format on
    size_t count = 0;
    while (given[count].keyword != NULL)
        count++;
    const char **keywords = alloc_zero(count + 1, sizeof *keywords);
    const char **values = alloc_zero(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        keywords[i] = given[i].keyword;
        values[i] = parameter_value(parameters, COUNT_OF(parameters), &given[i]);
    }
    PGconn *connection = connect(keywords, values, 0);
    free(keywords);
    free(values);
    return connection;
}

static enum err_kind listen_again(struct db *db, struct err *reterr)
{
    for (size_t i = 0; i < db->channel_count; i++) {
        char *quoted = PQescapeIdentifier(db->connection, db->channels[i], strlen(db->channels[i]));
        if (quoted == NULL)
            return db_call_failed(db, "PQescapeIdentifier", reterr);
        char sql[128];
        int length = snprintf(sql, sizeof sql, "LISTEN %s", quoted);
        PQfreemem(quoted);
        must(length > 0 && (size_t)length < sizeof sql);
        enum err_kind kind = db_command(db, sql, NULL, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}

static enum err_kind connect_to(const struct db_options *options, connect_function *connect, PGconn **ret,
                                struct err *reterr)
{
    PQconninfoOption *given = PQconninfoParse(options->url, NULL); /* its message may quote the url: not asked for */
    if (given == NULL)
        return err_set(reterr, ERR_UNAVAILABLE, "the database url is not a libpq connection string or URI");
    *ret = connect_with(options, given, connect);
    PQconninfoFree(given);
    must(*ret != NULL);
    PQsetNoticeReceiver(*ret, ignore_notice, NULL);
    return ERR_NONE;
}

enum err_kind db_connect_start(const struct db_options *options, PGconn **ret, struct err *reterr)
{
    return connect_to(options, PQconnectStartParams, ret, reterr);
}

/* libpq keeps to connect_timeout only where it waits itself. */
int64_t db_connect_timeout_ms(PGconn *connection)
{
    PQconninfoOption *options = PQconninfo(connection);
    must(options != NULL);                                      /* else there is no memory */
    const char *text = given_value(options, "connect_timeout"); /* NULL: the url could not even be taken */
    long timeout_s = text == NULL ? 0 : strtol(text, NULL, 10);
    PQconninfoFree(options);
    if (timeout_s <= 0)
        return 0;
    return 1000 * (timeout_s < CONNECT_LEAST_S ? CONNECT_LEAST_S : (int64_t)timeout_s);
}

static enum err_kind open_connection(struct db *db, struct err *reterr)
{
    enum err_kind connected = connect_to(&db->options, PQconnectdbParams, &db->connection, reterr);
    if (connected != ERR_NONE)
        return connected;
    if (PQstatus(db->connection) != CONNECTION_OK || PQsetnonblocking(db->connection, 1) != 0) {
        char message[ERR_TEXT_SIZE];
        db_one_line(PQerrorMessage(db->connection), message, sizeof message);
        db_disconnect(db);
        return err_set(reterr, ERR_UNAVAILABLE, "%s", message);
    }
    db->reconnected = true;
    enum err_kind kind = listen_again(db, reterr);
    if (kind != ERR_NONE)
        db_disconnect(db);
    return kind;
}

/* A server that hung up while the connection was idle left its message and an end of file on the socket: asking for
 * them before the next statement is cheaper than failing it. */
static bool is_stale(const struct db *db)
{
    for (int i = 0; i < STALE_READS_MAX; i++) {
        struct pollfd readable = {.fd = PQsocket(db->connection), .events = POLLIN};
        if (poll(&readable, 1, 0) <= 0)
            return false;
        if (PQconsumeInput(db->connection) == 0)
            return true;
        (void)PQisBusy(db->connection); /* parses what was read: notifications and notices */
    }
    return false;
}

enum err_kind db_ready(struct db *db, struct err *reterr)
{
    if (db->in_transaction) {
        if (db->connection == NULL)
            return err_set(reterr, ERR_UNAVAILABLE, "the transaction has lost its connection");
        return ERR_NONE;
    }
    if (db->connection != NULL && !db->in_pipeline && is_stale(db))
        db_disconnect(db);
    return db->connection != NULL ? ERR_NONE : open_connection(db, reterr);
}

enum err_kind db_connect(struct db *db, struct err *reterr)
{
    return db_ready(db, reterr);
}
