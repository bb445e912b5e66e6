/* A generation of provisional figures: begin, revenue and costs day by day, end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/provisional.h"

#include "billing/capex_posting/node_day.h"
#include "billing/day_part.h"
#include "billing/ledger/rate_so_far.h"
#include "common/clock.h"
#include "common/least.h"
#include "common/metrics.h"

#define PERIOD_S      30    /* of domain time: half a minute for what takes long */
#define REST_TIMES    20    /* a twentieth of the leader's time at most, ... */
#define REST_MS_LEAST 500   /* ... also where a virtual clock runs fast, ... */
#define REST_MS_MOST  30000 /* ... but within the minute */
#define US_PER_MS     1000

static struct metric metric_seconds = {.name = "sluice_billing_provisional_seconds",
                                       .type = METRIC_HISTOGRAM,
                                       .help = "How long it takes to compute what the open days come to so far"};
static struct metric metric_as_of = {
    .name = "sluice_billing_provisional_as_of_seconds",
    .type = METRIC_GAUGE,
    .help = "Domain time, seconds since 1970, up to which the open days are in the reports"};

void provisional_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_seconds, &metric_as_of};
    metric_register(metrics, COUNT_OF(metrics));
}

/* What a crash left unfinished goes first: its number is given out again. */
static const struct db_stmt statement_sweep_revenue = {
    .name = "provisional_sweep_revenue",
    .sql = "DELETE FROM provisional_revenue WHERE generation NOT IN (SELECT generation FROM provisional_day)",
    .params = 0,
};
static const struct db_stmt statement_sweep_cost = {
    .name = "provisional_sweep_cost",
    .sql = "DELETE FROM provisional_cost WHERE generation NOT IN (SELECT generation FROM provisional_day)",
    .params = 0,
};
static const struct db_stmt statement_next = {
    .name = "provisional_next",
    .sql = "SELECT coalesce(max(generation), 0) + 1 FROM provisional_day",
    .params = 0,
};
static const struct db_stmt statement_show = {
    .name = "provisional_show",
    .sql = "INSERT INTO provisional_day AS p (day, generation, as_of)"
           " SELECT d.day::date, $3::bigint,"
           "  least((d.day::date + 1)::timestamp AT TIME ZONE 'UTC', to_timestamp($2::bigint))"
           "   FROM generate_series($1::date::timestamp, (to_timestamp($2::bigint - 1) AT TIME ZONE 'UTC')::date,"
           "    interval '1 day') AS d (day)"
           " ON CONFLICT (day) DO UPDATE SET generation = excluded.generation, as_of = excluded.as_of",
    .params = 3,
};
static const struct db_stmt statement_forget = {
    .name = "provisional_forget",
    .sql = "DELETE FROM provisional_day WHERE day <= $1::date",
    .params = 1,
};

const struct db_stmt *const provisional_statements[] = {
    &statement_sweep_revenue, &statement_sweep_cost, &statement_next, &statement_show, &statement_forget, NULL,
};

bool provisional_is_due(const struct provisional *provisional, int64_t now_s, int64_t monotonic_ms)
{
    int64_t rest_ms = least_of(greatest_of(provisional->took_ms * REST_TIMES, REST_MS_LEAST), REST_MS_MOST);
    bool has_rested = provisional->as_of_s == 0 || monotonic_ms - provisional->finished_ms >= rest_ms;
    return has_rested && (provisional->is_stale || now_s - provisional->as_of_s >= PERIOD_S);
}

static enum err_kind sweep(struct db *db, void *context, struct err *reterr)
{
    (void)context;
    enum err_kind kind = db_run(db, &statement_sweep_revenue, DB_NO_PARAMS, NULL, reterr);
    return kind == ERR_NONE ? db_run(db, &statement_sweep_cost, DB_NO_PARAMS, NULL, reterr) : kind;
}

static enum err_kind begin(struct leader *leader, int64_t *ret_generation, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *next = NULL;
    enum err_kind kind = leader_transact(leader, sweep, NULL, reterr);
    if (kind == ERR_NONE)
        kind = db_run(leader->db, &statement_next, DB_NO_PARAMS, &next, reterr);
    if (kind == ERR_NONE)
        *ret_generation = db_int(next, 0, 0, 0);
    return kind;
}

/* The generation and its days. */
struct finished {
    int64_t first_day, now_s, generation;
};

static enum err_kind show(struct db *db, void *context, struct err *reterr)
{
    const struct finished *finished = context;
    char date[CALENDAR_DATE_SIZE];
    char now[DB_INT_TEXT_SIZE];
    char generation[DB_INT_TEXT_SIZE];
    calendar_date_print(finished->first_day, date);
    enum err_kind kind =
        db_run(db, &statement_show,
               DB_PARAMS(date, db_int_param(now, finished->now_s), db_int_param(generation, finished->generation)),
               NULL, reterr);
    return kind == ERR_NONE ? sweep(db, NULL, reterr) : kind;
}

enum err_kind provisional_refresh(struct leader *leader, struct provisional *provisional, int64_t first_open_day,
                                  int64_t now_s, struct err *reterr)
{
    int64_t started_ms = clock_monotonic_ms();
    struct finished finished = {.first_day = first_open_day, .now_s = now_s};
    int64_t open_from_s = calendar_time_of_day(first_open_day);
    enum err_kind kind = begin(leader, &finished.generation, reterr);
    for (int64_t day = first_open_day; calendar_time_of_day(day) < now_s && kind == ERR_NONE; day++) {
        int64_t ends_s = calendar_time_of_day(day + 1);
        struct day_part part = {.day = day, .until_s = least_of(ends_s, now_s), .open_from_s = open_from_s};
        kind = rate_so_far(leader, &part, finished.generation, reterr);
        if (kind == ERR_NONE)
            kind = node_day_so_far(leader, &part, finished.generation, reterr);
    }
    if (kind == ERR_NONE)
        kind = leader_transact(leader, show, &finished, reterr);
    if (kind != ERR_NONE)
        return err_context(reterr, "computing the open days");
    provisional->finished_ms = clock_monotonic_ms();
    provisional->took_ms = provisional->finished_ms - started_ms;
    provisional->as_of_s = now_s;
    provisional->is_stale = false;
    metric_observe_us(&metric_seconds, provisional->took_ms * US_PER_MS);
    metric_set(&metric_as_of, now_s);
    return ERR_NONE;
}

enum err_kind provisional_forget(struct db *db, int64_t day, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    return db_run(db, &statement_forget, DB_PARAMS(date), NULL, reterr);
}
