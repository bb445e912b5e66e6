/* The database module on a real server, with backends terminated before, during and after COMMIT.
 * Argument: the url of a fresh migrated database, whose user may be postgres. test_db.py runs it; each promise is a
 * function, and the process aborts at the first that is broken. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/db.h"
#include "common/lease.h"
#include "common/must.h"
#include "tests/integration/probe.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct db_stmt backend_id = {.name = "probe_backend_id", .sql = "SELECT pg_backend_pid()", .params = 0};
static const struct db_stmt terminate = {
    .name = "probe_terminate", .sql = "SELECT pg_terminate_backend($1::int, 5000)", .params = 1};
static const struct db_stmt insert = {
    .name = "probe_insert", .sql = "INSERT INTO probe (id) VALUES ($1::int)", .params = 1};
static const struct db_stmt count_rows = {.name = "probe_count", .sql = "SELECT count(*) FROM probe", .params = 0};
static const struct db_stmt divide = {.name = "probe_divide", .sql = "SELECT 1 / $1::int", .params = 1};
static const struct db_stmt pause_long = {.name = "probe_pause", .sql = "SELECT pg_sleep(10)", .params = 0};
static const struct db_stmt broken = {.name = "probe_broken", .sql = "SELECT nonsense", .params = 0};
static const struct db_stmt repeat = {.name = "probe_repeat", .sql = "SELECT repeat($1::text, 1000)", .params = 1};
static const struct db_stmt notify = {.name = "probe_notify", .sql = "SELECT pg_notify('probe', '')", .params = 0};
static const struct db_stmt notify_later = {
    .name = "probe_notify_later", .sql = "SELECT pg_notify('probe', 'later')", .params = 0};
static const struct db_stmt elements = {
    .name = "probe_elements",
    .sql = "SELECT count(*), max(t), count(*) FILTER (WHERE t IS NULL) FROM unnest($1::text[]) t",
    .params = 1};

/* The constraint and the slow trigger work at COMMIT, so COMMIT can fail, and can be cut in the middle. */
static const struct db_stmt setup[] = {
    {.name = "probe_setup_1",
     .sql = "CREATE TABLE sluice.probe (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)",
     .params = 0},
    {.name = "probe_setup_2",
     .sql = "CREATE FUNCTION sluice.probe_slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$",
     .params = 0},
    {.name = "probe_setup_3",
     .sql = "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON sluice.probe DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW WHEN (NEW.id < 0) EXECUTE FUNCTION sluice.probe_slow()",
     .params = 0},
};

static const char *url;
static struct db *operator_db; /* the one that terminates */

static struct db *db_as(const char *role)
{
    return db_new(
        &(struct db_options){.url = url, .role = role, .application_name = "db_probe", .statement_timeout_ms = 3000});
}

static int64_t number_of(struct db *db, const struct db_stmt *stmt)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    OK(db_run(db, stmt, DB_NO_PARAMS, &result, &err));
    return db_int(result, 0, 0, 0);
}

static enum err_kind insert_row(struct db *db, int64_t id)
{
    char text[DB_INT_TEXT_SIZE];
    return db_run(db, &insert, DB_PARAMS(db_int_param(text, id)), NULL, &err);
}

static void cut(struct db *through, int64_t backend)
{
    char text[DB_INT_TEXT_SIZE];
    OK(db_run(through, &terminate, DB_PARAMS(db_int_param(text, backend)), NULL, &err));
}

struct delayed_cut {
    int64_t backend;
    int delay_ms;
};

static void *cut_later(void *context)
{
    const struct delayed_cut *delayed = context;
    (void)poll(NULL, 0, delayed->delay_ms);
    cut(operator_db, delayed->backend);
    return NULL;
}

/* ---- Promises ---- */

static void a_statement_error_has_its_kind_and_spares_the_connection(struct db *db)
{
    int64_t backend = number_of(db, &backend_id);
    IS(db_run(db, &broken, DB_NO_PARAMS, NULL, &err), ERR_INTERNAL);
    must(strcmp(err.sqlstate, "42703") == 0);
    IS(db_run(db, &divide, DB_PARAMS("0"), NULL, &err), ERR_INTERNAL);
    IS(db_run(db, &pause_long, DB_NO_PARAMS, NULL, &err), ERR_TIMEOUT);
    must(number_of(db, &backend_id) == backend);
}

static void an_array_arrives_as_it_was_built(struct db *db)
{
    CLEANUP(db_array_clear) struct db_array array = {0};
    CLEANUP(db_result_clear) PGresult *result = NULL;
    db_array_text(&array, "a\"b\\,{}");
    db_array_text(&array, NULL);
    db_array_text(&array, "NULL");
    OK(db_run(db, &elements, DB_PARAMS(db_array_param(&array)), &result, &err));
    must(db_int(result, 0, 0, 0) == 3 && db_int(result, 0, 2, 0) == 1);
    must(strcmp(db_text(result, 0, 1), "a\"b\\,{}") == 0);
}

static void a_connection_cut_while_idle_costs_nobody_a_statement(struct db *db)
{
    cut(operator_db, number_of(db, &backend_id));
    must(number_of(db, &count_rows) == 0);
}

static void a_connection_cut_before_commit_is_a_known_rollback(struct db *db)
{
    OK(db_begin(db, &err));
    OK(insert_row(db, 1));
    cut(operator_db, number_of(db, &backend_id));
    IS(insert_row(db, 2), ERR_UNAVAILABLE);
    IS(insert_row(db, 3), ERR_UNAVAILABLE);
    IS(db_commit(db, &err), ERR_UNAVAILABLE);
    must(number_of(db, &count_rows) == 0);
}

static void a_connection_cut_during_commit_is_asked_after(struct db *db)
{
    bool committed = true;
    uint64_t id = 0;
    pthread_t thread;
    OK(db_begin(db, &err));
    OK(insert_row(db, -1)); /* COMMIT takes a second */
    OK(db_transaction_id(db, &id, &err));
    struct delayed_cut delayed = {number_of(db, &backend_id), 200};
    must(pthread_create(&thread, NULL, cut_later, &delayed) == 0);
    IS(db_commit(db, &err), ERR_UNKNOWN_OUTCOME);
    must(pthread_join(thread, NULL) == 0);
    OK(db_transaction_committed(db, id, &committed, &err));
    must(!committed);
}

static void a_commit_that_came_through_is_found(struct db *db)
{
    bool committed = false;
    uint64_t id = 0;
    OK(db_begin(db, &err));
    OK(insert_row(db, 10));
    OK(db_transaction_id(db, &id, &err));
    OK(db_commit(db, &err));
    OK(db_transaction_committed(operator_db, id, &committed, &err));
    must(committed);
    OK(db_transaction_committed(operator_db, id + 1000000, &committed, &err)); /* never given out */
    must(!committed);
}

static void a_commit_that_fails_says_so(struct db *db)
{
    OK(db_begin(db, &err));
    OK(insert_row(db, 11));
    OK(insert_row(db, 11));
    IS(db_commit(db, &err), ERR_CONFLICT);
    OK(db_begin(db, &err));
    IS(db_run(db, &divide, DB_PARAMS("0"), NULL, &err), ERR_INTERNAL);
    IS(db_commit(db, &err), ERR_INTERNAL); /* the server answered ROLLBACK */
}

static void a_pipeline_answers_in_order_and_blocks_nobody(struct db *db)
{
    static char large[8001]; /* 100 of them are more than the socket holds, and so are the answers */
    memset(large, 'x', sizeof large - 1);
    OK(db_pipeline_enter(db, &err));
    for (int i = 0; i < 100; i++)
        OK(db_send(db, i % 2 == 0 ? &repeat : &divide, DB_PARAMS(i % 2 == 0 ? large : "1"), &err));
    for (int i = 0; i < 100; i++) {
        CLEANUP(db_result_clear) PGresult *result = NULL;
        OK(db_receive(db, &result, &err));
        must(strlen(db_text(result, 0, 0)) == (i % 2 == 0 ? 8000000 : 1));
    }
    OK(db_pipeline_leave(db, &err));
}

static void an_error_in_a_pipeline_ends_at_its_sync(struct db *db)
{
    OK(db_pipeline_enter(db, &err));
    OK(db_send(db, &divide, DB_PARAMS("1"), &err));
    OK(db_send(db, &broken, DB_NO_PARAMS, &err));
    OK(db_send(db, &count_rows, DB_NO_PARAMS, &err));
    OK(db_receive(db, NULL, &err));
    IS(db_receive(db, NULL, &err), ERR_INTERNAL);
    IS(db_receive(db, NULL, &err), ERR_INTERNAL);
    OK(db_pipeline_leave(db, &err));
    OK(db_pipeline_enter(db, &err));
    OK(db_send(db, &divide, DB_PARAMS("0"), &err));
    IS(db_pipeline_leave(db, &err), ERR_INTERNAL); /* what nobody received is not lost */
    OK(db_begin(db, &err));
    OK(db_pipeline_enter(db, &err));
    OK(db_send(db, &divide, DB_PARAMS("0"), &err));
    db_rollback(db);
    must(number_of(db, &count_rows) == 1);
}

static void a_wait_ends_by_notification_descriptor_time_and_reconnection(struct db *db)
{
    bool notified = false;
    int pipe_fds[2];
    OK(db_listen(db, "probe", &err));
    OK(db_wait(db, -1, 0, &notified, &err));
    must(notified); /* something may have been missed before */
    OK(db_wait(db, -1, 100, &notified, &err));
    must(!notified);
    OK(db_run(operator_db, &notify, DB_NO_PARAMS, NULL, &err));
    OK(db_wait(db, -1, 5000, &notified, &err));
    must(notified);
    must(pipe(pipe_fds) == 0 && write(pipe_fds[1], "x", 1) == 1);
    OK(db_wait(db, pipe_fds[0], 5000, &notified, &err));
    must(!notified);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);

    cut(operator_db, number_of(db, &backend_id));
    OK(db_wait(db, -1, 5000, &notified, &err));
    must(notified);
    OK(db_run(operator_db, &notify, DB_NO_PARAMS, NULL, &err));
    OK(db_wait(db, -1, 5000, &notified, &err));
    must(notified); /* it listens again */
}

static void a_rest_goes_on_where_nobody_is_in_a_hurry(struct db *db)
{
    bool notified = false;
    OK(db_listen(db, "probe", &err));
    OK(db_rest(db, "later", 5000, &notified, &err));
    must(notified); /* something may have been missed before */
    OK(db_rest(db, "later", 0, &notified, &err));
    must(!notified);
    OK(db_run(operator_db, &notify_later, DB_NO_PARAMS, NULL, &err));
    int64_t began_ms = clock_monotonic_ms();
    OK(db_rest(db, "later", 200, &notified, &err));
    must(notified && clock_monotonic_ms() - began_ms >= 200);
    OK(db_run(operator_db, &notify_later, DB_NO_PARAMS, NULL, &err));
    OK(db_run(operator_db, &notify, DB_NO_PARAMS, NULL, &err));
    began_ms = clock_monotonic_ms();
    OK(db_rest(db, "later", 600000, &notified, &err));
    must(notified && clock_monotonic_ms() - began_ms < 600000);
}

static void a_leader_is_fenced_once_another_took_over(struct db *db)
{
    (void)db;
    CLEANUP(db_freep) struct db *first_db = db_as("sluice_billing");
    CLEANUP(db_freep) struct db *second_db = db_as("sluice_billing");
    struct lease first;
    struct lease second;
    lease_init(&first, "probe", 500);
    lease_init(&second, "probe", 500);
    OK(lease_keep(&first, first_db, &err));
    OK(lease_keep(&second, second_db, &err));
    must(first.held && !second.held);
    while (!second.held) { /* until the first's lease has run out */
        (void)poll(NULL, 0, 50);
        OK(lease_keep(&second, second_db, &err));
    }
    must(second.epoch > first.epoch);
    OK(db_begin(first_db, &err));
    IS(lease_fence(&first, first_db, &err), ERR_FENCED);
    db_rollback(first_db);
    OK(db_begin(second_db, &err));
    OK(lease_fence(&second, second_db, &err));
    OK(db_commit(second_db, &err));
    lease_release(&second, second_db);
}

static void no_secret_stands_in_an_error(struct db *db)
{
    (void)db;
    static const char *const urls[] = {"host=/nowhere dbname=x password=hunter2", "postgresql://u:hunter2@[bad"};
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        CLEANUP(db_freep) struct db *away = db_new(&(struct db_options){.url = urls[i], .role = "sluice_api"});
        IS(db_connect(away, &err), ERR_UNAVAILABLE);
        must(strstr(err.text, "hunter2") == NULL);
    }
}

static const struct promise {
    const char *name;
    void (*check)(struct db *db);
} promises[] = {
#define PROMISE(function)                                                                                              \
    {                                                                                                                  \
#function, function                                                                                            \
    }
    PROMISE(a_statement_error_has_its_kind_and_spares_the_connection),
    PROMISE(an_array_arrives_as_it_was_built),
    PROMISE(a_connection_cut_while_idle_costs_nobody_a_statement),
    PROMISE(a_connection_cut_before_commit_is_a_known_rollback),
    PROMISE(a_connection_cut_during_commit_is_asked_after),
    PROMISE(a_commit_that_came_through_is_found),
    PROMISE(a_commit_that_fails_says_so),
    PROMISE(a_pipeline_answers_in_order_and_blocks_nobody),
    PROMISE(an_error_in_a_pipeline_ends_at_its_sync),
    PROMISE(a_wait_ends_by_notification_descriptor_time_and_reconnection),
    PROMISE(a_rest_goes_on_where_nobody_is_in_a_hurry),
    PROMISE(a_leader_is_fenced_once_another_took_over),
    PROMISE(no_secret_stands_in_an_error),
#undef PROMISE
};

int main(int argc, char **argv)
{
    must(argc == 2);
    url = argv[1];
    operator_db = db_as("postgres");
    for (size_t i = 0; i < COUNT_OF(setup); i++)
        OK(db_run(operator_db, &setup[i], DB_NO_PARAMS, NULL, &err));
    for (size_t i = 0; i < COUNT_OF(promises); i++) {
        CLEANUP(db_freep) struct db *db = db_as("postgres");
        promises[i].check(db);
        printf("ok %s\n", promises[i].name);
        (void)fflush(stdout);
    }
    db_freep(&operator_db);
    return 0;
}
