/* What is due, in its order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/books.h"

#include "billing/capex_posting/capex_day.h"
#include "billing/capex_posting/cohort_day.h"
#include "billing/capex_posting/cost_summary.h"
#include "billing/capex_posting/node_day.h"
#include "billing/invoice/invoice_request.h"
#include "billing/invoice/month_close.h"
#include "billing/ledger/credit_grants.h"
#include "billing/ledger/credit_keep.h"
#include "billing/ledger/payments.h"
#include "billing/ledger/rate_day.h"
#include "billing/meter/meter.h"
#include "billing/meter/readings.h"
#include "common/calendar.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/shutdown.h"

#define US_PER_MS        1000
#define MANY_EVENTS_TEXT "1000"

static struct metric metric_days = {
    .name = "sluice_billing_days_closed_total", .type = METRIC_COUNTER, .help = "Days closed"};
static struct metric metric_close = {
    .name = "sluice_billing_day_close_seconds", .type = METRIC_HISTOGRAM, .help = "How long the close of a day takes"};
static struct metric metric_lag = {.name = "sluice_billing_books_lag_seconds",
                                   .type = METRIC_GAUGE,
                                   .help = "Domain time since the start of the first day that is not closed"};

void books_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_days, &metric_close, &metric_lag};
    metric_register(metrics, COUNT_OF(metrics));
    meter_register_metrics();
    readings_register_metrics();
    rate_day_register_metrics();
    node_day_register_metrics();
    cohort_day_register_metrics();
    month_close_register_metrics();
    invoice_request_register_metrics();
    payments_register_metrics();
    provisional_register_metrics();
}

/* The books begin on the day of the first node. Whether the first open day's close has begun. */
static const struct db_stmt statement_first_open = {
    .name = "books_first_open",
    .sql = "SELECT o.day - date '1970-01-01', EXISTS (SELECT FROM billing_cut c WHERE c.day = o.day)"
           "  FROM (SELECT coalesce((SELECT max(day) + 1 FROM billing_day),"
           "                        (SELECT (min(enrolled_at) AT TIME ZONE 'UTC')::date FROM node)) AS day) o",
    .params = 0,
};
enum { FIRST_OPEN_DAY, FIRST_OPEN_IS_CUT };

static const struct db_stmt statement_cut = {
    .name = "books_cut_day",
    .sql = "INSERT INTO billing_cut (day) VALUES ($1::date)",
    .params = 1,
};

static const struct db_stmt statement_close = {
    .name = "books_close_day",
    .sql = "INSERT INTO billing_day (day) VALUES ($1::date) ON CONFLICT (day) DO NOTHING",
    .params = 1,
};

/* A virtual clock is a rehearsal that can be run again from its events: its commits need not wait for the disk. */
static const struct db_stmt statement_relax = {
    .name = "books_relax",
    .sql = "SELECT set_config('synchronous_commit', 'off', false)",
    .params = 0,
};

/* One look at everything that may have woken the leader: domain time; whether all zones have done what is due in this
 * tick; whether committed events are kept from view by a transaction that still runs; whether an operator asks for
 * something, or has granted credit; how many market prices are in force on the first open day (they are never changed);
 * and whether the meter has something to read. Events of other objects wait until there are many: they only move the
 * cursor. */
static const struct db_stmt statement_look = {
    .name = "books_look",
    .sql = "WITH fresh AS MATERIALIZED ("
           "  SELECT e.object_type FROM event e"
           "   WHERE (e.xid, e.seq) > (coalesce((SELECT c.xid FROM event_cursor c WHERE c.consumer = $1::text), "
           "'0'::xid8),"
           "                           coalesce((SELECT c.seq FROM event_cursor c WHERE c.consumer = $1::text), 0))"
           "     AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY e.xid, e.seq LIMIT " MANY_EVENTS_TEXT
           ") SELECT floor(extract(epoch FROM sluice_now()))::bigint, d.tick, d.virtual,"
           "         NOT EXISTS (SELECT FROM zone z LEFT JOIN clock_acknowledgement a ON a.component = 'zone:' || z.id"
           "                      WHERE a.tick IS NULL OR a.tick < d.tick),"
           "         EXISTS (SELECT FROM event h WHERE h.xid >= pg_snapshot_xmin(pg_current_snapshot())),"
           "         (SELECT count(*) = " MANY_EVENTS_TEXT
           " OR coalesce(bool_or(object_type IN ('instance', 'node', 'node_wish')), false)"
           "            FROM fresh),"
           "         EXISTS (SELECT FROM invoice_request q WHERE q.is_open),"
           "         (SELECT count(*) FROM market_price m WHERE m.valid_from <= $2::date),"
           "         EXISTS (SELECT FROM credit_grant g WHERE NOT EXISTS ("
           "                  SELECT FROM credit_grant_status s WHERE s.grant_id = g.id))"
           "    FROM domain_clock d",
    .params = 2,
};
enum {
    LOOK_NOW,
    LOOK_TICK,
    LOOK_IS_VIRTUAL,
    LOOK_ZONES_ARE_DONE,
    LOOK_HAS_HIDDEN,
    LOOK_HAS_EVENTS,
    LOOK_HAS_REQUESTS,
    LOOK_MARKET_PRICES,
    LOOK_HAS_GRANTS,
};

const struct db_stmt *const books_statements[] = {
    &statement_first_open, &statement_cut, &statement_close, &statement_relax, &statement_look, NULL,
};

void books_init(struct books *books, struct db *db, const struct books_settings *settings)
{
    *books = (struct books){.leader = {.db = db}, .settings = *settings};
    lease_init(&books->leader.lease, BOOKS_COMPONENT, settings->lease_ttl_ms);
}

static int64_t open_from_s(const struct books *books)
{
    return books->begun ? calendar_time_of_day(books->first_open_day) : 0;
}

static enum err_kind find_first_open(struct books *books, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(books->leader.db, &statement_first_open, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    books->begun = db_text(result, 0, FIRST_OPEN_DAY) != NULL;
    books->first_open_day = db_int(result, 0, FIRST_OPEN_DAY, 0);
    books->is_cut = db_bool(result, 0, FIRST_OPEN_IS_CUT);
    return ERR_NONE;
}

static enum err_kind close_months(struct books *books, int64_t now_s, struct err *reterr)
{
    const struct month_close_terms terms = {
        .closed_until_s = open_from_s(books), .reading_grace_s = books->settings.reading_grace_s, .now_s = now_s};
    return month_close(&books->leader, &terms, reterr);
}

static enum err_kind load(struct books *books, const struct clock_domain *clock, struct err *reterr)
{
    enum err_kind kind = find_first_open(books, reterr);
    if (kind == ERR_NONE && clock->is_virtual)
        kind = db_run(books->leader.db, &statement_relax, DB_NO_PARAMS, NULL, reterr);
    books->acknowledged = -1;
    books->provisional = (struct provisional){.is_stale = true};
    books->market_prices = -1;
    if (kind == ERR_NONE)
        kind = cost_summary_catch_up(&books->leader, reterr);
    if (kind == ERR_NONE)
        kind = cohort_day_count_warnings(books->leader.db, reterr);
    /* A crash may have come between a day's close and the month's. */
    if (kind == ERR_NONE && books->begun)
        kind = close_months(books, clock->now_s, reterr);
    books->loaded = kind == ERR_NONE;
    return kind;
}

static enum err_kind note_cut(struct db *db, void *context, struct err *reterr)
{
    const int64_t *day = context;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(*day, date);
    return db_run(db, &statement_cut, DB_PARAMS(date), NULL, reterr);
}

/* Takes in the last facts of a day. From then on its close is carried on whatever comes in between, and before anything
 * else is taken in: what comes counts with the next day. Not where a shutdown came before all was counted. */
static enum err_kind cut_day(struct books *books, struct err *reterr)
{
    int64_t day = books->first_open_day;
    enum err_kind kind = meter_cut(&books->leader, calendar_time_of_day(day), calendar_time_of_day(day + 1), reterr);
    if (kind == ERR_NONE)
        kind = readings_count(&books->leader, day, reterr);
    if (kind == ERR_NONE)
        kind = capex_day_take_in(&books->leader, day, reterr);
    if (kind != ERR_NONE || shutdown_requested())
        return kind;
    kind = leader_transact(&books->leader, note_cut, &day, reterr);
    books->is_cut = kind == ERR_NONE;
    return kind;
}

/* What the ledger has of a day it has of a day that is noted: a sum that is posted can't grow any more. */
static enum err_kind note_day(struct db *db, void *context, struct err *reterr)
{
    const int64_t *day = context;
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(*day, date);
    enum err_kind kind = provisional_forget(db, *day, reterr);
    if (kind == ERR_NONE)
        kind = cost_summary_post(db, *day, reterr);
    if (kind == ERR_NONE)
        kind = cohort_day_post(db, *day, reterr);
    if (kind == ERR_NONE)
        kind = capex_day_journals(db, *day, reterr);
    if (kind == ERR_NONE)
        kind = rate_day_journals(db, *day, reterr);
    return kind == ERR_NONE ? db_run(db, &statement_close, DB_PARAMS(date), NULL, reterr) : kind;
}

/* From the cut to the day's row. */
static enum err_kind post_day(struct books *books, struct err *reterr)
{
    int64_t day = books->first_open_day;
    enum err_kind kind = rate_day(&books->leader, day, reterr);
    if (kind == ERR_NONE)
        kind = capex_day_post(&books->leader, day, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(&books->leader, note_day, &day, reterr);
    if (kind != ERR_NONE)
        return kind;
    books->first_open_day = day + 1;
    books->is_cut = false;
    books->provisional.is_stale = true;
    return ERR_NONE;
}

static enum err_kind close_day(struct books *books, int64_t now_s, struct err *reterr)
{
    int64_t started_ms = clock_monotonic_ms();
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(books->first_open_day, date);
    enum err_kind kind = books->is_cut ? ERR_NONE : cut_day(books, reterr);
    if (kind == ERR_NONE && !books->is_cut)
        return ERR_NONE; /* a shutdown */
    if (kind == ERR_NONE)
        kind = post_day(books, reterr);
    if (kind == ERR_NONE)
        kind = close_months(books, now_s, reterr);
    if (kind != ERR_NONE)
        return err_context(reterr, "closing the day '%s'", date);
    int64_t took_ms = clock_monotonic_ms() - started_ms;
    metric_add(&metric_days, 1);
    metric_observe_us(&metric_close, took_ms * US_PER_MS);
    log_event(LOG_LEVEL_DEBUG, "day_closed", LOG_TEXT("day", date), LOG_INT("took_ms", took_ms));
    return ERR_NONE;
}

struct look {
    struct clock_domain clock;
    bool zones_are_done; /* in this tick of a virtual clock, and their events are in view */
    bool has_hidden;
    bool has_events;
    bool has_requests;
    bool has_grants;
    int64_t market_prices; /* in force */
};

static enum err_kind look_around(struct books *books, struct look *ret, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    if (books->begun)
        calendar_date_print(books->first_open_day, date);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(books->leader.db, &statement_look,
                                DB_PARAMS(METER_CONSUMER, books->begun ? date : NULL), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool is_virtual = db_bool(result, 0, LOOK_IS_VIRTUAL);
    *ret = (struct look){
        .clock = {.now_s = db_int(result, 0, LOOK_NOW, 0),
                  .tick = is_virtual ? db_int(result, 0, LOOK_TICK, 0) : 0,
                  .is_virtual = is_virtual},
        .has_hidden = db_bool(result, 0, LOOK_HAS_HIDDEN),
        .zones_are_done = db_bool(result, 0, LOOK_ZONES_ARE_DONE) && !db_bool(result, 0, LOOK_HAS_HIDDEN),
        .has_events = db_bool(result, 0, LOOK_HAS_EVENTS),
        .has_requests = db_bool(result, 0, LOOK_HAS_REQUESTS),
        .market_prices = db_int(result, 0, LOOK_MARKET_PRICES, 0),
        .has_grants = db_bool(result, 0, LOOK_HAS_GRANTS),
    };
    return ERR_NONE;
}

/* Up to when nothing can happen any more. Under a virtual clock that is known once every zone has acknowledged the
 * tick. */
static int64_t final_until_s(const struct books *books, const struct look *look)
{
    if (!look->clock.is_virtual)
        return look->clock.now_s - books->settings.close_delay_s;
    return look->zones_are_done ? look->clock.now_s : INT64_MIN;
}

static bool day_is_due(const struct books *books, const struct look *look)
{
    return books->begun && calendar_time_of_day(books->first_open_day + 1) <= final_until_s(books, look);
}

static enum err_kind close_days(struct books *books, const struct look *look, struct err *reterr)
{
    if (!day_is_due(books, look))
        return ERR_NONE;
    enum err_kind kind = meter_catch_up(&books->leader, open_from_s(books), reterr);
    while (kind == ERR_NONE && day_is_due(books, look) && !shutdown_requested())
        kind = close_day(books, look->clock.now_s, reterr);
    return kind;
}

static enum err_kind warn(struct db *db, void *context, struct err *reterr)
{
    const int64_t *day = context;
    return cohort_day_warn(db, *day, reterr);
}

/* A market price warns when it comes into force: its day's close would be late. */
static enum err_kind look_at_market(struct books *books, const struct look *look, struct err *reterr)
{
    if (!books->begun || look->market_prices == books->market_prices)
        return ERR_NONE;
    enum err_kind kind = leader_transact(&books->leader, warn, &books->first_open_day, reterr);
    if (kind == ERR_NONE)
        books->market_prices = look->market_prices;
    return kind == ERR_NONE ? kind : err_context(reterr, "looking at market prices");
}

/* After the days, whose closes they may be about. */
static enum err_kind carry_out_requests(struct books *books, const struct look *look, struct err *reterr)
{
    bool closes_again = false;
    if (!look->has_requests)
        return ERR_NONE;
    enum err_kind kind = invoice_requests_carry_out(&books->leader, look->clock.now_s, &closes_again, reterr);
    if (kind == ERR_NONE && closes_again && books->begun)
        kind = close_months(books, look->clock.now_s, reterr);
    return kind;
}

/* After all zones, so that everything they wrote in this tick is in the books. */
static enum err_kind acknowledge(struct books *books, const struct look *look, struct err *reterr)
{
    const struct clock_domain *clock = &look->clock;
    if (!clock->is_virtual || !look->zones_are_done || clock->tick == books->acknowledged || shutdown_requested())
        return ERR_NONE;
    int64_t next_midnight_s = calendar_time_of_day(calendar_day_of_time(clock->now_s) + 1);
    enum err_kind kind =
        clock_acknowledge(books->leader.db, BOOKS_COMPONENT, clock, books->begun ? next_midnight_s : INT64_MAX, reterr);
    if (kind == ERR_NONE)
        books->acknowledged = clock->tick;
    return kind;
}

/* After all else, and for nobody to wait for. Of a virtual clock's tick, once all of its facts are there. */
static enum err_kind keep_provisional(struct books *books, const struct look *look, struct err *reterr)
{
    bool is_settled = !look->clock.is_virtual || look->zones_are_done;
    if (!books->begun || !is_settled || shutdown_requested() ||
        !provisional_is_due(&books->provisional, look->clock.now_s, clock_monotonic_ms()))
        return ERR_NONE;
    return provisional_refresh(&books->leader, &books->provisional, books->first_open_day, look->clock.now_s, reterr);
}

/* Before anything is issued: grants pay for it, and so do payments that were asked for before; what a refund that was
 * asked for before takes is not there any more. */
static enum err_kind post_credit(struct books *books, const struct look *look, struct err *reterr)
{
    bool may_issue = !books->loaded || books->is_cut || look->has_requests || day_is_due(books, look);
    enum err_kind kind = look->has_grants ? credit_grants_post(&books->leader, reterr) : ERR_NONE;
    return kind == ERR_NONE && may_issue ? payments_post(&books->leader, reterr) : kind;
}

static enum err_kind keep(struct books *books, struct err *reterr)
{
    struct look look = {0};
    enum err_kind kind = look_around(books, &look, reterr);
    if (kind == ERR_NONE)
        kind = post_credit(books, &look, reterr);
    if (kind == ERR_NONE && !books->loaded)
        kind = load(books, &look.clock, reterr);
    if (kind == ERR_NONE && books->is_cut) /* a close that broke off */
        kind = close_day(books, look.clock.now_s, reterr);
    if (kind == ERR_NONE && look.has_events)
        kind = meter_consume(&books->leader, open_from_s(books), reterr);
    if (kind == ERR_NONE && look.has_events && !books->begun)
        kind = find_first_open(books, reterr);
    if (kind == ERR_NONE && books->begun)
        kind = readings_count(&books->leader, books->first_open_day, reterr);
    if (kind == ERR_NONE)
        kind = close_days(books, &look, reterr);
    if (kind == ERR_NONE)
        kind = look_at_market(books, &look, reterr);
    if (kind == ERR_NONE)
        kind = carry_out_requests(books, &look, reterr);
    if (kind == ERR_NONE)
        kind = credit_keep(&books->leader, open_from_s(books), look.clock.now_s, reterr);
    if (kind == ERR_NONE)
        kind = acknowledge(books, &look, reterr);
    books->provisional.is_stale |= look.has_events;
    if (kind == ERR_NONE)
        kind = keep_provisional(books, &look, reterr);
    if (kind == ERR_NONE)
        metric_set(&metric_lag, books->begun ? look.clock.now_s - open_from_s(books) : 0);
    books->is_virtual = look.clock.is_virtual;
    books->has_hidden = look.has_hidden;
    return kind;
}

enum err_kind books_keep(struct books *books, struct err *reterr)
{
    enum err_kind kind = keep(books, reterr);
    if (kind != ERR_NONE)
        books->loaded = false;
    return kind;
}
