/* Two threads, each with a connection of its own, that wake by a signal or a timer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/background.h"

#include "api/server/vitals.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/lease.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <pthread.h>

#define TOKEN_PERIOD_MS        5000
#define RETRY_MS               1000
#define LEASE_TTL_MS           30000
#define HOUSEKEEPING_PERIOD_MS 5000
#define CHORES_PERIOD_MS       600000 /* partitions are made days ahead */
#define EXPIRED_MAX            5000   /* of a statement: a long transaction stops the event log's readers */
#define EXPIRED_TEXT           SQL_NUMBER(EXPIRED_MAX)
#define EXPIRING_MS            5000 /* in a row, well below the lease */

static struct metric default_rows = {.name = "sluice_default_partition_used",
                                     .type = METRIC_GAUGE,
                                     .help = "Tables whose default partition holds rows: should be 0"};
static struct metric *const metrics[] = {&default_rows};

struct background {
    struct token_cache *tokens;
    struct db *token_db, *house_db;
    pthread_t token_thread, house_thread;
};

static const struct db_stmt statement_partitions = {
    .name = "background_partitions",
    .sql = "SELECT count(*) FILTER (WHERE rows_in_default) FROM partition_maintain()",
    .params = 0,
};

static const struct db_stmt statement_expire_keys = {
    .name = "background_expire_keys",
    .sql = "DELETE FROM idempotency WHERE (tenant_id, principal_id, key) IN (SELECT tenant_id, principal_id, key"
           " FROM idempotency WHERE recorded_at < clock_timestamp() - interval '48 hours' ORDER BY recorded_at"
           " LIMIT " EXPIRED_TEXT ")",
    .params = 0,
};

/* The audit keeps who was signed in; a day later nobody asks the list. */
static const struct db_stmt statement_expire_sessions = {
    .name = "background_expire_sessions",
    .sql = "DELETE FROM session WHERE id IN (SELECT id FROM session"
           " WHERE expires_at < clock_timestamp() - interval '1 day' ORDER BY expires_at LIMIT " EXPIRED_TEXT ")",
    .params = 0,
};

/* A month longer than readings may be old. */
static const struct db_stmt statement_expire_events = {
    .name = "background_expire_meter_events",
    .sql = "DELETE FROM meter_event WHERE (tenant_id, event_id) IN (SELECT tenant_id, event_id"
           " FROM meter_event WHERE to_at < sluice_now() - interval '93 days' ORDER BY to_at LIMIT " EXPIRED_TEXT ")",
    .params = 0,
};

const struct db_stmt *const background_statements[] = {&statement_partitions, &statement_expire_keys,
                                                       &statement_expire_sessions, &statement_expire_events, NULL};

static void *watch_tokens(void *context)
{
    struct background *background = context;
    bool notified = true; /* what was revoked while we did not listen */
    while (!shutdown_requested()) {
        struct err err = {0};
        if (notified)
            token_cache_flush(background->tokens);
        enum err_kind kind = db_listen(background->token_db, "sluice_token", &err);
        if (kind == ERR_NONE)
            kind = db_wait(background->token_db, -1, TOKEN_PERIOD_MS, &notified, &err);
        if (kind == ERR_NONE)
            continue;
        log_error("token_watch_failed", &err); /* what is remembered grows old by itself within a second */
        notified = true;
        (void)shutdown_wait(RETRY_MS);
    }
    return NULL;
}

/* As many as came in since, for callers and agents do not rest. *ret_more: that takes longer than a round may. */
static enum err_kind expire(struct db *db, bool *ret_more, struct err *reterr)
{
    static const struct db_stmt *const expiring[] = {&statement_expire_keys, &statement_expire_sessions,
                                                     &statement_expire_events};
    int64_t until_ms = clock_monotonic_ms() + EXPIRING_MS;
    *ret_more = true;
    while (*ret_more && clock_monotonic_ms() < until_ms && !shutdown_requested()) {
        *ret_more = false;
        for (size_t i = 0; i < COUNT_OF(expiring); i++) {
            int64_t rows = 0;
            enum err_kind kind = db_change(db, expiring[i], DB_NO_PARAMS, &rows, reterr);
            if (kind != ERR_NONE)
                return kind;
            *ret_more |= rows == EXPIRED_MAX;
        }
    }
    return ERR_NONE;
}

static enum err_kind do_chores(struct db *db, bool *ret_more, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_partitions, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    metric_set(&default_rows, db_int(result, 0, 0, 0));
    return expire(db, ret_more, reterr);
}

static void *keep_house(void *context)
{
    struct background *background = context;
    struct lease lease;
    lease_init(&lease, "housekeeping", LEASE_TTL_MS);
    int64_t next_ms = clock_monotonic_ms();
    while (!shutdown_requested()) {
        struct err err = {0};
        enum err_kind kind = lease_keep(&lease, background->house_db, &err);
        if (kind == ERR_NONE && lease.held && clock_monotonic_ms() >= next_ms) {
            bool has_more = false;
            kind = do_chores(background->house_db, &has_more, &err);
            next_ms = clock_monotonic_ms() + (has_more ? 0 : CHORES_PERIOD_MS);
        }
        if (kind == ERR_NONE)
            kind = vitals_look(background->house_db, &err);
        if (kind != ERR_NONE)
            log_error("housekeeping_failed", &err);
        (void)shutdown_wait(HOUSEKEEPING_PERIOD_MS);
    }
    lease_release(&lease, background->house_db);
    return NULL;
}

static struct db *connection_of(const char *url, const char *application_name)
{
    return db_new(&(struct db_options){
        .url = url, .role = "sluice_api_system", .application_name = application_name, .statement_timeout_ms = 30000});
}

struct background *background_start(const char *database_url, struct token_cache *tokens)
{
    metric_register(metrics, COUNT_OF(metrics));
    vitals_register();
    struct background *background = alloc_zero(1, sizeof *background);
    background->tokens = tokens;
    background->token_db = connection_of(database_url, "sluice-api tokens");
    background->house_db = connection_of(database_url, "sluice-api housekeeping");
    must(pthread_create(&background->token_thread, NULL, watch_tokens, background) == 0);
    must(pthread_create(&background->house_thread, NULL, keep_house, background) == 0);
    return background;
}

void background_stop(struct background *background)
{
    if (background == NULL)
        return;
    must(shutdown_requested());
    (void)pthread_join(background->token_thread, NULL);
    (void)pthread_join(background->house_thread, NULL);
    db_free(background->token_db);
    db_free(background->house_db);
    free(background);
}
