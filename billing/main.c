/* sluice-billing: reads facts, writes money. Waits for a notification or the timer, and lets the leader keep the books;
 * a standby tries for the lease. All of it is one thread; the admin listener has its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/books.h"
#include "billing/capex_posting/asset_change_day.h"
#include "billing/capex_posting/asset_history.h"
#include "billing/capex_posting/asset_purchase.h"
#include "billing/capex_posting/capex_day.h"
#include "billing/capex_posting/cohort_day.h"
#include "billing/capex_posting/cost_summary.h"
#include "billing/capex_posting/depreciation_rows.h"
#include "billing/capex_posting/fleet_day.h"
#include "billing/capex_posting/node_day.h"
#include "billing/invoice/credit_note.h"
#include "billing/invoice/invoice_issue.h"
#include "billing/invoice/invoice_request.h"
#include "billing/invoice/invoice_store.h"
#include "billing/invoice/month_close.h"
#include "billing/ledger/commitments.h"
#include "billing/ledger/credit_grants.h"
#include "billing/ledger/credit_keep.h"
#include "billing/ledger/give_back.h"
#include "billing/ledger/held_days.h"
#include "billing/ledger/journal.h"
#include "billing/ledger/meter_lines.h"
#include "billing/ledger/payments.h"
#include "billing/ledger/rate_alone.h"
#include "billing/ledger/rate_day.h"
#include "billing/ledger/rate_facts.h"
#include "billing/ledger/rate_minimum.h"
#include "billing/ledger/rate_rules.h"
#include "billing/ledger/rate_so_far.h"
#include "billing/ledger/rate_tenant.h"
#include "billing/ledger/rated_line.h"
#include "billing/ledger/refusals.h"
#include "billing/ledger/settlement.h"
#include "billing/meter/event_batch.h"
#include "billing/meter/meter.h"
#include "billing/meter/meter_store.h"
#include "billing/meter/readings.h"
#include "billing/provisional.h"
#include "common/admin.h"
#include "common/config_check.h"
#include "common/db_check.h"
#include "common/events.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/price_book.h"
#include "common/shutdown.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define PROGRAM         "sluice-billing"
#define ROLE            "sluice_billing"
#define TIMER_MS        1000 /* a notification may be lost with its connection */
#define HIDDEN_MS       2    /* for a transaction that keeps events from view; it is short */
#define REST_MS         250  /* under a real clock: nobody waits for the books, and one look may take in many events */
#define PAUSE_MS        500  /* after an error */
#define TIMEOUTS_OF_TTL 2    /* a transaction dies well before the lease does */

static const struct setting billing_settings[] = {
    // clang-format off
    {"lease_ttl_ms", SETTING_INT, offsetof(struct books_settings, lease_ttl_ms), "10000", 500, 600000, "ms", false,
     "how long the leader may be silent before another process takes over"},
    {"close_delay_s", SETTING_INT, offsetof(struct books_settings, close_delay_s), "300", 0, 86400, "s", false,
     "how long after midnight UTC a day is closed (a virtual clock needs no delay)"},
    {"reading_grace_s", SETTING_INT, offsetof(struct books_settings, reading_grace_s), "7200", 0, 604800, "s", false,
     "how long after the end of a billing period in which meters are billed agents may report the last of it: its invoice waits for the close of the day that ends after that"},
    SETTINGS_END,
    // clang-format on
};

static const struct db_check checks[] = {
    // clang-format off
    {books_statements,             ROLE, NULL},
    {meter_statements,             ROLE, NULL},
    {meter_store_statements,       ROLE, NULL},
    {event_batch_statements,       ROLE, NULL},
    {price_book_statements,        ROLE, NULL},
    {rate_day_statements,          ROLE, NULL},
    {held_days_statements,         ROLE, NULL},
    {refusals_statements,          ROLE, NULL},
    {rate_alone_statements,        ROLE, NULL},
    {rate_tenant_statements,       ROLE, NULL},
    {rate_facts_statements,        ROLE, NULL},
    {meter_lines_statements,       ROLE, NULL},
    {readings_statements,          ROLE, NULL},
    {rate_rules_statements,        ROLE, NULL},
    {rate_minimum_statements,      ROLE, NULL},
    {rate_so_far_statements,       ROLE, NULL},
    {so_far_usage_statements,      ROLE, NULL},
    {so_far_period_statements,     ROLE, NULL},
    {provisional_statements,       ROLE, NULL},
    {rated_line_statements,        ROLE, NULL},
    {commitments_statements,       ROLE, NULL},
    {journal_statements,           ROLE, NULL},
    {asset_history_statements,     ROLE, NULL},
    {asset_purchase_statements,    ROLE, NULL},
    {asset_change_day_statements,  ROLE, NULL},
    {depreciation_rows_statements, ROLE, NULL},
    {capex_day_statements,         ROLE, NULL},
    {cohort_day_statements,        ROLE, NULL},
    {cost_summary_statements,      ROLE, NULL},
    {settlement_statements,        ROLE, NULL},
    {give_back_statements,         ROLE, NULL},
    {credit_keep_statements,       ROLE, NULL},
    {credit_grants_statements,     ROLE, NULL},
    {payments_statements,          ROLE, NULL},
    {fleet_day_statements,         ROLE, NULL},
    {node_day_statements,          ROLE, NULL},
    {month_close_statements,       ROLE, NULL},
    {invoice_store_statements,     ROLE, NULL},
    {invoice_issue_statements,     ROLE, NULL},
    {invoice_request_statements,   ROLE, NULL},
    {credit_note_statements,       ROLE, NULL},
    {clock_domain_statements,      ROLE, NULL},
    {clock_acknowledge_statements, ROLE, NULL},
    {lease_statements,             ROLE, NULL},
    {event_cursor_statements,      ROLE, NULL},
    {db_transaction_statements,    ROLE, NULL},
    {db_schema_statements,         ROLE, NULL},
    {0},
    // clang-format on
};

static const char *const channels[] = {"sluice_event", "sluice_clock", "sluice_clock_ack"};

static struct metric metric_leader = {.name = "sluice_billing_leader",
                                      .type = METRIC_GAUGE,
                                      .help = "1 while this process keeps the books, 0 while it stands by"};
static struct metric metric_errors = {.name = "sluice_billing_errors_total",
                                      .type = METRIC_COUNTER,
                                      .help = "Rounds of work that failed and were tried again"};

static atomic_bool round_succeeded;

static bool is_ready(void *context, FILE *out)
{
    (void)context;
    bool ready = atomic_load(&round_succeeded);
    fprintf(out, "database %s\nrole %s\n", ready ? "ok" : "unavailable or refused: see the log",
            atomic_load(&metric_leader.value) == 1 ? "leader" : "standby");
    return ready;
}

/* The schema is looked at each round: nothing is booked upon one that was migrated beyond this program. */
static enum err_kind connect_and_listen(struct db *db, bool listening, struct err *reterr)
{
    enum err_kind kind = db_check_schema(db, reterr);
    for (size_t i = 0; i < COUNT_OF(channels) && kind == ERR_NONE && !listening; i++)
        kind = db_listen(db, channels[i], reterr);
    return kind;
}

static enum err_kind work(struct books *books, struct err *reterr)
{
    struct lease *lease = &books->leader.lease;
    bool led = lease->held;
    int64_t epoch = lease->epoch;
    enum err_kind kind = lease_keep(lease, books->leader.db, reterr);
    if (lease->epoch != epoch)
        books->loaded = false; /* another may have led meanwhile */
    if (kind == ERR_NONE && lease->held)
        kind = books_keep(books, reterr);
    if (kind == ERR_FENCED)
        lease->held = false;
    if (led != lease->held) {
        metric_set(&metric_leader, lease->held);
        log_event(LOG_LEVEL_INFO, lease->held ? "leading" : "standing_by", LOG_INT("epoch", lease->epoch));
    }
    return kind;
}

/* The same trouble is said once, not with every round. */
static void report(const struct err *err, struct err *last)
{
    metric_add(&metric_errors, 1);
    if (strcmp(err->text, last->text) != 0)
        log_error("round_failed", err);
    *last = *err;
}

/* No notification comes when events come into view. */
static int pause_ms(const struct books *books)
{
    return books->leader.lease.held && books->has_hidden ? HIDDEN_MS : TIMER_MS;
}

static void run(struct books *books)
{
    struct db *db = books->leader.db;
    struct err last = {0};
    bool listening = false;
    while (!shutdown_requested()) {
        struct err err = {0};
        enum err_kind kind = connect_and_listen(db, listening, &err);
        listening = kind == ERR_NONE;
        if (kind == ERR_NONE)
            kind = work(books, &err);
        bool notified = false;
        if (kind == ERR_NONE && !books->is_virtual)
            (void)shutdown_wait(REST_MS); /* the loop looks itself */
        if (kind == ERR_NONE)
            kind = db_wait(db, -1, pause_ms(books), &notified, &err);
        atomic_store(&round_succeeded, kind == ERR_NONE);
        if (kind != ERR_NONE) {
            report(&err, &last);
            (void)shutdown_wait(PAUSE_MS); /* the loop looks itself */
        } else {
            last = (struct err){0};
        }
    }
}

static int start(const struct config_common *common, const struct books_settings *settings)
{
    struct err err = {0};
    CLEANUP(db_freep)
    struct db *db = db_new(&(struct db_options){
        .url = common->database_url,
        .role = ROLE,
        .application_name = PROGRAM,
        .statement_timeout_ms = (int)(settings->lease_ttl_ms / TIMEOUTS_OF_TTL),
        .idle_in_transaction_session_timeout_ms = (int)(settings->lease_ttl_ms / TIMEOUTS_OF_TTL),
        .lock_timeout_ms = (int)(settings->lease_ttl_ms / TIMEOUTS_OF_TTL),
    });
    if (db_check_schema(db, &err) == ERR_PRECONDITION) { /* a database that is away comes back */
        log_error("start_refused", &err);
        return EXIT_FAILURE;
    }
    struct books books;
    books_init(&books, db, settings);
    struct metric *const metrics[] = {&metric_leader, &metric_errors};
    metric_register(metrics, COUNT_OF(metrics));
    books_register_metrics();

    struct admin *admin = NULL;
    if (admin_start(common->admin_listen, is_ready, NULL, &admin, &err) != ERR_NONE) {
        log_error("start_failed", &err);
        return EXIT_FAILURE;
    }
    log_event(LOG_LEVEL_INFO, "started", LOG_TEXT("admin_listen", common->admin_listen));
    run(&books);
    lease_release(&books.leader.lease, db);
    admin_stop(admin);
    log_event(LOG_LEVEL_INFO, "stopped");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct config_common common = {0};
    struct books_settings settings = {0};
    const struct config_part parts[] = {
        {config_common_settings, &common},
        {billing_settings, &settings},
        {NULL, NULL},
    };
    struct err err = {0};
    bool done = false;
    int status = EXIT_SUCCESS;
    log_start(PROGRAM, LOG_LEVEL_INFO);
    const struct config_check *const weaknesses[] = {config_common_checks, NULL};
    if (config_load_checked(PROGRAM, "meters what was delivered, keeps the books and issues invoices", parts,
                            weaknesses, argc, argv, &done, &status, &err) != ERR_NONE) {
        log_error("configuration_refused", &err);
        return EXIT_FAILURE;
    }
    if (!done) {
        log_start(PROGRAM, log_level_from_text(common.log_level));
        shutdown_install();
        status = common.check_statements ? db_check_statements(common.database_url, checks) : start(&common, &settings);
    }
    config_release(parts);
    return status;
}
