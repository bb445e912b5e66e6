/* Rules: a statement each that says to what they apply, and the amount. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_rules.h"

#include "billing/ledger/rate_minimum.h"
#include "billing/ledger/refusals.h"
#include "common/calendar.h"
#include "common/money.h"

#include <string.h>

#define WRITTEN(category, period)                                                                                      \
    " coalesce((SELECT sum(l.amount_u) FROM rated_line l WHERE l.reservation_id = x.reservation_id"                    \
    "   AND l.charge_category = '" category "' AND l.reason = x.reason"                                                \
    "   AND coalesce(l.corrects, l.period_start) = " period "), 0)::bigint"

/* Rows: reservation, tenant, currency, period, its end, reason, base, share of it in basis points, what was written. */

/* A cancellation is charged in the billing period in which it was asked for. Looked at are those of the last days, and,
 * since one that fits no number waits, all of periods that are over and still open. */
// clang-format off
static const struct db_stmt statement_cancellations = {
    .name = "rate_rules_cancellations",
    .sql = "SELECT x.reservation_id, x.tenant_id, x.currency, extract(epoch FROM p.starts)::bigint,"
           "  extract(epoch FROM p.ends)::bigint, x.reason, x.remaining_u, x.charge_bp,"
           WRITTEN("adjustment", "p.starts")
           "  FROM (SELECT c.*, c.kind AS reason, t.billing_timezone AS zone FROM cancellation c"
           "          JOIN tenant t ON t.id = c.tenant_id"
           "         WHERE c.requested_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AND c.charge_bp > 0"
           "           AND (c.requested_at >= ($1::date - 7)::timestamp AT TIME ZONE 'UTC' OR EXISTS ("
           "             SELECT FROM billing_period o WHERE o.tenant_id = c.tenant_id AND o.status = 'open'"
           "                AND o.starts_at <= c.requested_at AND o.ends_at > c.requested_at"
           "                AND o.ends_at <= ($1::date + 1)::timestamp AT TIME ZONE 'UTC'))) x"
           "  CROSS JOIN LATERAL (SELECT date_trunc('month', x.requested_at AT TIME ZONE x.zone) AS month) m"
           "  CROSS JOIN LATERAL (SELECT m.month AT TIME ZONE x.zone AS starts,"
           "    (m.month + interval '1 month') AT TIME ZONE x.zone AS ends) p"
           " ORDER BY x.reservation_id",
    .params = 1,
};
// clang-format on

#define NUMBER_MOST "9223372036854775807" /* what is more is told so, and refused */

/* What a reservation's usage of a period that is over costs, and the share of it that its undelivered seconds give
 * back: the last step whose least is reached, exactly. Of the promised time, what was preempted is not a part. A period
 * that is closed is looked at again where its usage changed: what differs is a correction.
 *   until: an instant; changed: tenants and starts of such periods; usage: intervals up to it; cost, credit: what their
 *   usage costs and what was credited of it beside what was rated, by joining beside; or nothing. */
// clang-format off
#define CREDITS(until, changed, usage, cost, credit, beside)                                                           \
    "WITH due AS ("                                                                                                    \
    "  SELECT p.tenant_id, p.starts_at, p.ends_at, t.currency"                                                         \
    "    FROM billing_period p JOIN tenant t ON t.id = p.tenant_id"                                                    \
    "   WHERE (p.status = 'open' AND p.ends_at <= " until                                                              \
    "          OR p.status = 'closed' AND (p.tenant_id, p.starts_at) IN (" changed "))"                                \
    "     AND EXISTS (SELECT FROM charge_policy c WHERE c.kind = 'sla_credit' AND c.valid @> p.starts_at"              \
    "                    AND (c.tenant_id IS NULL OR c.tenant_id = p.tenant_id))"                                      \
    "), promised AS ("                                                                                                 \
    "  SELECT d.tenant_id, d.starts_at, d.ends_at, d.currency, u.reservation_id, r.tier, sum(w.weight) AS promised,"   \
    "         sum(w.weight) FILTER (WHERE u.class IN ('unready', 'failed')) AS undelivered"                            \
    "    FROM due d JOIN " usage " u ON u.tenant_id = d.tenant_id AND u.period_start < d.ends_at"                      \
    "     AND u.period_start > d.starts_at - interval '1 day' AND u.period_end > d.starts_at"                          \
    "     AND u.class <> 'preempted' JOIN reservation r ON r.id = u.reservation_id"                                    \
    "    CROSS JOIN LATERAL (SELECT u.gpu_milli * extract(epoch FROM least(u.period_end, d.ends_at)"                   \
    "                                                       - greatest(u.period_start, d.starts_at)) AS weight) w"     \
    "   GROUP BY 1, 2, 3, 4, 5, 6"                                                                                     \
    ")"                                                                                                                \
    " SELECT x.reservation_id, x.tenant_id, x.currency, extract(epoch FROM x.starts_at)::bigint,"                      \
    "  extract(epoch FROM x.ends_at)::bigint, x.reason, l.cost_u" cost ", -coalesce(s.share_bp, 0), -l.credit_u" credit \
    "  FROM (SELECT *, 'sla_credit' AS reason FROM promised WHERE undelivered > 0) x"                                  \
    "  CROSS JOIN LATERAL (SELECT"                                                                                     \
    "     greatest(least(coalesce(sum(l.effective_u)"                                                                  \
    "       FILTER (WHERE l.charge_category = 'usage' AND l.meter_id IS NULL), 0), " NUMBER_MOST "), -" NUMBER_MOST ")::bigint" \
    "      AS cost_u,"                                                                                                 \
    "     -coalesce(sum(l.amount_u) FILTER (WHERE l.reason = 'sla_credit'), 0)::bigint AS credit_u"                    \
    "     FROM rated_line l WHERE l.reservation_id = x.reservation_id"                                                 \
    "      AND coalesce(l.corrects, l.period_start) = x.starts_at) l" beside                                           \
    "  LEFT JOIN LATERAL (SELECT c.steps FROM charge_policy c WHERE c.kind = 'sla_credit' AND c.tier = x.tier"         \
    "    AND c.valid @> x.starts_at AND (c.tenant_id IS NULL OR c.tenant_id = x.tenant_id)"                            \
    "    ORDER BY c.tenant_id IS NULL LIMIT 1) p ON true"                                                              \
    "  LEFT JOIN LATERAL (SELECT (e->>'share_bp')::bigint AS share_bp FROM jsonb_array_elements(p.steps) e"            \
    "    WHERE (e->>'least')::bigint * x.promised <= x.undelivered * 10000"                                            \
    "    ORDER BY (e->>'least')::bigint DESC LIMIT 1) s ON true"                                                       \
    " ORDER BY x.reservation_id, x.starts_at"

/* Closed periods that what came late touches, of days that the condition names. */
#define LATE_PERIODS(days)                                                                                             \
    " SELECT p.tenant_id, p.starts_at FROM late_usage u JOIN billing_period p ON p.tenant_id = u.tenant_id"            \
    "    AND p.starts_at < u.period_end AND p.ends_at > u.period_start WHERE u.rated_with " days
// clang-format on

static const struct db_stmt statement_credits = {
    .name = "rate_rules_credits",
    .sql = CREDITS("($1::date + 1)::timestamp AT TIME ZONE 'UTC'",
                   "SELECT l.tenant_id, l.corrects FROM rated_line l WHERE l.day = $1::date AND l.corrects IS NOT NULL"
                   " UNION" LATE_PERIODS("= $1::date"),
                   "usage_interval", "", "", ""),
    .params = 1,
};

/* Asked first: most days end no period, and the planner need not know it. */
static const struct db_stmt statement_is_over = {
    .name = "rate_rules_is_over",
    .sql = "SELECT EXISTS (SELECT FROM billing_period WHERE status = 'open' AND ends_at <= to_timestamp($1::bigint))",
    .params = 1,
};

/* $2: the generation of provisional figures. */
static const struct db_stmt statement_credits_so_far = {
    .name = "rate_rules_credits_so_far",
    .sql = CREDITS("to_timestamp($1::bigint)",
                   "SELECT r.tenant_id, r.period_start FROM provisional_revenue r WHERE r.generation = $2::bigint"
                   " UNION" LATE_PERIODS("> (SELECT coalesce(max(day), '-infinity') FROM billing_day)"),
                   "usage_so_far", " + coalesce(q.cost_u, 0)", " + coalesce(q.credit_u, 0)",
                   "  LEFT JOIN (SELECT r.reservation_id, r.period_start,"
                   "     (sum(r.effective_u) FILTER (WHERE r.charge_category = 'usage'))::bigint AS cost_u,"
                   "     (sum(r.effective_u) FILTER (WHERE r.charge_category = 'credit'))::bigint AS credit_u"
                   "     FROM provisional_revenue r WHERE r.generation = $2::bigint GROUP BY 1, 2) q"
                   "    ON q.reservation_id = x.reservation_id AND q.period_start = x.starts_at"),
    .params = 2,
};

enum {
    RULE_RESERVATION,
    RULE_TENANT,
    RULE_CURRENCY,
    RULE_PERIOD,
    RULE_PERIOD_END,
    RULE_REASON,
    RULE_BASE,
    RULE_SHARE,
    RULE_WRITTEN
};

const struct db_stmt *const rate_rules_statements[] = {&statement_cancellations, &statement_credits, &statement_is_over,
                                                       &statement_credits_so_far, NULL};

static const struct rule {
    const char *reason; /* in the rows */
    enum charge_category category;
    enum charge_reason value;
} rules[] = {
    {"cancellation", CHARGE_ADJUSTMENT, REASON_CANCELLATION},
    {"early_release", CHARGE_ADJUSTMENT, REASON_EARLY_RELEASE},
    {"sla_credit", CHARGE_CREDIT, REASON_SLA_CREDIT},
};

static const struct rule *rule_of(const char *reason)
{
    size_t i = 0;
    while (i + 1 < COUNT_OF(rules) && strcmp(rules[i].reason, reason) != 0)
        i++;
    return &rules[i];
}

/* What is still to be written of a row. */
static enum err_kind amount_of_row(const PGresult *rows, int row, int64_t *ret_amount_u, struct err *reterr)
{
    int64_t base_u = db_int(rows, row, RULE_BASE, 0);
    enum err_kind kind = money_round((money_wide)base_u * db_int(rows, row, RULE_SHARE, 0), MONEY_BASIS_POINTS,
                                     MONEY_HALF_EVEN, ret_amount_u, reterr);
    if (kind == ERR_NONE && (base_u == INT64_MAX || *ret_amount_u > MONEY_LINE_MOST_U))
        kind = err_set(reterr, ERR_INVALID, "a charge by the rule '%s' is more than the books can add up",
                       db_text(rows, row, RULE_REASON));
    return kind == ERR_NONE ? money_subtract(*ret_amount_u, db_int(rows, row, RULE_WRITTEN, 0), ret_amount_u, reterr)
                            : kind;
}

static void add_row(struct rated_lines *lines, const PGresult *rows, int row, int64_t amount_u)
{
    const struct rule *rule = rule_of(db_text(rows, row, RULE_REASON));
    struct rated_line line = {
        .key = {.reservation = db_identity(rows, row, RULE_RESERVATION),
                .period_start_s = db_int(rows, row, RULE_PERIOD, 0),
                .category = (uint8_t)rule->category,
                .reason = (uint8_t)rule->value},
        .tenant = db_identity(rows, row, RULE_TENANT),
        .period_end_s = db_int(rows, row, RULE_PERIOD_END, 0),
        .currency = db_text(rows, row, RULE_CURRENCY),
    };
    rated_line_give(&line, amount_u);
    rated_lines_push(lines, &line);
}

/* What a rule is applied with. */
struct applied {
    int64_t day;
    const struct db_stmt *stmt;    /* of shares */
    const struct price_book *book; /* of minimum durations */
};

static enum err_kind add_rows(struct rated_lines *lines, const PGresult *rows, struct refusals *refusals,
                              struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct err err = {0};
        int64_t amount_u = 0;
        const struct refused_period period = {.tenant = db_identity(rows, row, RULE_TENANT),
                                              .starts_s = db_int(rows, row, RULE_PERIOD, 0),
                                              .ends_s = db_int(rows, row, RULE_PERIOD_END, 0)};
        kind = amount_of_row(rows, row, &amount_u, &err);
        if (kind == ERR_NONE && amount_u != 0)
            add_row(lines, rows, row, amount_u);
        if (kind == ERR_INVALID) {
            refusals_add(refusals, &period, err.text);
            kind = ERR_NONE;
        } else if (kind != ERR_NONE) {
            *reterr = err;
        }
    }
    return kind;
}

static enum err_kind collect_shares(struct db *db, const struct applied *applied, PGresult **ret_rows,
                                    struct rated_lines *lines, struct refusals *refusals, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(applied->day, date);
    enum err_kind kind = db_run(db, applied->stmt, DB_PARAMS(date), ret_rows, reterr);
    return kind == ERR_NONE ? add_rows(lines, *ret_rows, refusals, reterr) : kind;
}

static enum err_kind apply_shares(struct db *db, void *context, struct err *reterr)
{
    const struct applied *applied = context;
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(rated_lines_release) struct rated_lines lines = {0};
    CLEANUP(refusals_release) struct refusals refusals = {0};
    enum err_kind kind = collect_shares(db, applied, &rows, &lines, &refusals, reterr);
    if (kind == ERR_NONE)
        kind = refusals_write(&refusals, applied->day, db, reterr);
    return kind == ERR_NONE ? rated_lines_write_late(&lines, applied->day, db, reterr) : kind;
}

static enum err_kind apply_minimum(struct db *db, void *context, struct err *reterr)
{
    const struct applied *applied = context;
    CLEANUP(minimum_rows_release) struct minimum_rows rows = {0};
    CLEANUP(rated_lines_release) struct rated_lines lines = {0};
    CLEANUP(refusals_release) struct refusals refusals = {0};
    enum err_kind kind = rate_minimum_of_day(db, applied->day, applied->book, &rows, &lines, &refusals, reterr);
    if (kind == ERR_NONE)
        kind = refusals_write(&refusals, applied->day, db, reterr);
    return kind == ERR_NONE ? rated_lines_write_late(&lines, applied->day, db, reterr) : kind;
}

enum err_kind rate_rules_charges(struct db *db, int64_t day, const struct price_book *book, struct rule_charges *ret,
                                 struct err *reterr)
{
    const struct applied cancellations = {.day = day, .stmt = &statement_cancellations};
    CLEANUP(rated_lines_release) struct rated_lines minimum = {0};
    enum err_kind kind = collect_shares(db, &cancellations, &ret->shares, &ret->lines, NULL, reterr);
    if (kind == ERR_NONE)
        kind = rate_minimum_of_day(db, day, book, &ret->minimum, &minimum, NULL, reterr);
    for (size_t i = 0; i < minimum.count; i++)
        rated_lines_push(&ret->lines, &minimum.list[i]);
    return kind;
}

enum err_kind rate_rules_credits(struct db *db, int64_t until_s, int64_t generation, bool is_corrected,
                                 struct rule_charges *ret, struct err *reterr)
{
    char texts[2][DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *over = NULL;
    enum err_kind kind = db_run(db, &statement_is_over, DB_PARAMS(db_int_param(texts[0], until_s)), &over, reterr);
    if (kind != ERR_NONE || !(is_corrected || db_bool(over, 0, 0)))
        return kind;
    kind = db_run(db, &statement_credits_so_far,
                  DB_PARAMS(db_int_param(texts[0], until_s), db_int_param(texts[1], generation)), &ret->shares, reterr);
    return kind == ERR_NONE ? add_rows(&ret->lines, ret->shares, NULL, reterr) : kind;
}

void rule_charges_release(struct rule_charges *charges)
{
    PQclear(charges->shares);
    minimum_rows_release(&charges->minimum);
    rated_lines_release(&charges->lines);
}

enum err_kind rate_rules(struct leader *leader, int64_t day, const struct price_book *book, struct err *reterr)
{
    struct applied cancellations = {.day = day, .stmt = &statement_cancellations};
    struct applied minimum = {.day = day, .book = book};
    struct applied credits = {.day = day, .stmt = &statement_credits};
    enum err_kind kind = leader_transact(leader, apply_shares, &cancellations, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, apply_minimum, &minimum, reterr);
    if (kind == ERR_NONE)
        kind = leader_transact(leader, apply_shares, &credits, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "charging by rule");
}
