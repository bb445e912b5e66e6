/* The two clocks: the system's own, and domain time, which only the database knows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include "common/db.h"
#include "common/must.h"

#include <time.h>

static int64_t read_ms(clockid_t clock)
{
    struct timespec now = {0};
    must(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_real_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

const struct db_stmt clock_domain_statement = {
    .name = "clock_domain",
    .sql = "SELECT floor(extract(epoch FROM sluice_now()))::bigint, tick, virtual FROM domain_clock",
    .params = 0,
};

static const struct db_stmt statement_acknowledge = {
    .name = "clock_acknowledge",
    .sql = "SELECT clock_acknowledge($1::text, $2::bigint, to_timestamp($3::bigint)),"
           " set_config('synchronous_commit', 'off', true)",
    .params = 3,
};

const struct db_stmt *const clock_domain_statements[] = {&clock_domain_statement, NULL};
const struct db_stmt *const clock_acknowledge_statements[] = {&statement_acknowledge, NULL};

struct clock_domain clock_domain_of(const PGresult *result)
{
    must(PQntuples(result) == 1); /* the table has one row */
    bool is_virtual = db_bool(result, 0, 2);
    return (struct clock_domain){
        .now_s = db_int(result, 0, 0, 0),
        .tick = is_virtual ? db_int(result, 0, 1, 0) : 0,
        .is_virtual = is_virtual,
    };
}

enum err_kind clock_domain(struct db *db, struct clock_domain *ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &clock_domain_statement, DB_NO_PARAMS, &result, reterr);
    if (kind == ERR_NONE)
        *ret = clock_domain_of(result);
    return kind;
}

enum err_kind clock_acknowledge(struct db *db, const char *component, const struct clock_domain *clock,
                                int64_t next_due_s, struct err *reterr)
{
    if (!clock->is_virtual)
        return ERR_NONE;
    char tick[DB_INT_TEXT_SIZE];
    char due[DB_INT_TEXT_SIZE];
    const char *next_due = next_due_s == INT64_MAX ? NULL : db_int_param(due, next_due_s);
    return db_run(db, &statement_acknowledge, DB_PARAMS(component, db_int_param(tick, clock->tick), next_due), NULL,
                  reterr);
}
