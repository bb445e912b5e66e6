/* Rules: a statement each that says to what they apply, and the amount. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_rules.h"

#include "billing/ledger/rated_line.h"
#include "common/calendar.h"
#include "common/money.h"

#include <string.h>

#define WRITTEN(category, period)                                                                                      \
    " coalesce((SELECT sum(l.amount_u) FROM rated_line l WHERE l.reservation_id = x.reservation_id"                    \
    "   AND l.charge_category = '" category "' AND l.reason = x.reason AND l.period_start = " period "), 0)::bigint"

/* Rows: reservation, tenant, currency, period, its end, reason, base, share of it in basis points, what was written. */

/* A cancellation is charged in the billing period in which it was asked for. */
// clang-format off
static const struct db_stmt statement_cancellations = {
    .name = "rate_rules_cancellations",
    .sql = "SELECT x.reservation_id, x.tenant_id, x.currency, extract(epoch FROM p.starts)::bigint,"
           "  extract(epoch FROM p.ends)::bigint, x.reason, x.remaining_u, x.charge_bp,"
           WRITTEN("adjustment", "p.starts")
           "  FROM (SELECT c.*, c.kind AS reason, t.billing_timezone AS zone FROM cancellation c"
           "          JOIN tenant t ON t.id = c.tenant_id"
           "         WHERE c.requested_at >= ($1::date - 7)::timestamp AT TIME ZONE 'UTC'"
           "           AND c.requested_at < ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AND c.charge_bp > 0) x"
           "  CROSS JOIN LATERAL (SELECT date_trunc('month', x.requested_at AT TIME ZONE x.zone) AS month) m"
           "  CROSS JOIN LATERAL (SELECT m.month AT TIME ZONE x.zone AS starts,"
           "    (m.month + interval '1 month') AT TIME ZONE x.zone AS ends) p"
           " ORDER BY x.reservation_id",
    .params = 1,
};
// clang-format on

/* What a reservation's usage of a period that is over costs, and the share of it that its undelivered seconds give
 * back: the last step whose least is reached, exactly. Of the promised time, what was preempted is not a part.
 *   until: an instant; usage: intervals up to it; cost, credit: what their usage costs and what was credited of it
 *   beside what was rated, by joining beside; or nothing. */
// clang-format off
#define CREDITS(until, usage, cost, credit, beside)                                                                    \
    "WITH due AS ("                                                                                                    \
    "  SELECT p.tenant_id, p.starts_at, p.ends_at, t.currency"                                                         \
    "    FROM billing_period p JOIN tenant t ON t.id = p.tenant_id"                                                    \
    "   WHERE p.status = 'open' AND p.ends_at <= " until                                                               \
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
    "  extract(epoch FROM x.ends_at)::bigint, x.reason,"                                                               \
    "  coalesce((SELECT sum(l.effective_u) FROM rated_line l WHERE l.reservation_id = x.reservation_id"                \
    "    AND l.period_start = x.starts_at AND l.charge_category = 'usage' AND l.corrects IS NULL"                   \
    "    AND l.meter_id IS NULL), 0)::bigint" cost "," \
    "  -coalesce(s.share_bp, 0)," WRITTEN("credit", "x.starts_at") credit                                              \
    "  FROM (SELECT *, 'sla_credit' AS reason FROM promised WHERE undelivered > 0) x" beside                           \
    "  LEFT JOIN LATERAL (SELECT c.steps FROM charge_policy c WHERE c.kind = 'sla_credit' AND c.tier = x.tier"         \
    "    AND c.valid @> x.starts_at AND (c.tenant_id IS NULL OR c.tenant_id = x.tenant_id)"                            \
    "    ORDER BY c.tenant_id IS NULL LIMIT 1) p ON true"                                                              \
    "  LEFT JOIN LATERAL (SELECT (e->>'share_bp')::bigint AS share_bp FROM jsonb_array_elements(p.steps) e"            \
    "    WHERE (e->>'least')::bigint * x.promised <= x.undelivered * 10000"                                            \
    "    ORDER BY (e->>'least')::bigint DESC LIMIT 1) s ON true"                                                       \
    " ORDER BY x.reservation_id"
// clang-format on

static const struct db_stmt statement_credits = {
    .name = "rate_rules_credits",
    .sql = CREDITS("($1::date + 1)::timestamp AT TIME ZONE 'UTC'", "usage_interval", "", "", ""),
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
    .sql = CREDITS("to_timestamp($1::bigint)", "usage_so_far", " + coalesce(q.cost_u, 0)", " + coalesce(q.credit_u, 0)",
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

/* Instances of all tenants or of one that ended in the span and neither failed nor gave way: how long they were held,
 * undelivered time included, so that what the provider owes is not charged for. Nothing to look at where no price has a
 * minimum; nor, of a day ($4), where it was written with it. */
static const struct db_stmt statement_short = {
    .name = "rate_rules_short",
    .sql = "SELECT m.reservation_id, m.tenant_id, r.project, t.currency, t.billing_timezone, r.tier,"
           "  CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"
           "  CASE WHEN r.instance_type_id IS NULL THEN max(n.gpu_model) ELSE i.name END,"
           "  extract(epoch FROM max(u.period_end))::bigint, max(u.gpu_milli),"
           "  extract(epoch FROM sum(u.period_end - u.period_start))::bigint,"
           "  extract(epoch FROM b.month AT TIME ZONE t.billing_timezone)::bigint,"
           "  extract(epoch FROM (b.month + interval '1 month') AT TIME ZONE t.billing_timezone)::bigint"
           "  FROM (SELECT DISTINCT instance_id FROM usage_interval"
           "         WHERE period_start > to_timestamp($1::bigint) - interval '1 day'"
           "           AND period_start < to_timestamp($2::bigint) AND ($3::uuid IS NULL OR tenant_id = $3::uuid)"
           "           AND EXISTS (SELECT FROM price WHERE minimum_s > 0)) d"
           "  JOIN meter_instance m ON m.instance_id = d.instance_id AND m.closed AND m.class NOT IN ('failed', "
           "'preempted')"
           "   AND m.open_since > to_timestamp($1::bigint) AND m.open_since <= to_timestamp($2::bigint)"
           "  JOIN usage_interval u ON u.reservation_id = m.reservation_id AND u.instance_id = m.instance_id"
           "  JOIN reservation r ON r.id = m.reservation_id JOIN tenant t ON t.id = m.tenant_id"
           "  LEFT JOIN instance_type i ON i.id = r.instance_type_id LEFT JOIN node n ON n.id = u.node_id"
           "  CROSS JOIN LATERAL (SELECT date_trunc('month', (m.open_since - interval '1 second')"
           "    AT TIME ZONE t.billing_timezone) AS month) b"
           " WHERE NOT EXISTS (SELECT FROM rated_line l WHERE l.day = $4::date AND l.reservation_id = m.reservation_id"
           "                      AND l.reason = 'minimum' AND l.corrects IS NULL"
           "                      AND l.period_start = b.month AT TIME ZONE t.billing_timezone)"
           " GROUP BY m.instance_id, r.id, t.id, i.name, b.month HAVING bool_or(u.class IN ('used', 'unused'))"
           " ORDER BY m.reservation_id, m.instance_id",
    .params = 4,
};

enum {
    SHORT_RESERVATION,
    SHORT_TENANT,
    SHORT_PROJECT,
    SHORT_CURRENCY,
    SHORT_ZONE,
    SHORT_TIER,
    SHORT_KIND,
    SHORT_SKU,
    SHORT_END,
    SHORT_GPU_MILLI,
    SHORT_SECONDS,
    SHORT_PERIOD,
    SHORT_PERIOD_END,
};

const struct db_stmt *const rate_rules_statements[] = {&statement_cancellations, &statement_credits,
                                                       &statement_is_over,       &statement_credits_so_far,
                                                       &statement_short,         NULL};

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

static void give_amount(struct rated_line *line, int64_t amount_u)
{
    line->list_u = line->contracted_u = line->effective_u = line->billed_u = amount_u;
}

/* What is still to be written of a row. */
static enum err_kind add_row(struct rated_lines *lines, const PGresult *rows, int row, struct err *reterr)
{
    const struct rule *rule = rule_of(db_text(rows, row, RULE_REASON));
    int64_t amount_u = 0;
    enum err_kind kind = money_round((money_wide)db_int(rows, row, RULE_BASE, 0) * db_int(rows, row, RULE_SHARE, 0),
                                     MONEY_BASIS_POINTS, MONEY_HALF_EVEN, &amount_u, reterr);
    if (kind == ERR_NONE)
        kind = money_subtract(amount_u, db_int(rows, row, RULE_WRITTEN, 0), &amount_u, reterr);
    if (kind != ERR_NONE || amount_u == 0)
        return kind;
    struct rated_line line = {
        .key = {.reservation = db_identity(rows, row, RULE_RESERVATION),
                .period_start_s = db_int(rows, row, RULE_PERIOD, 0),
                .category = (uint8_t)rule->category,
                .reason = (uint8_t)rule->value},
        .tenant = db_identity(rows, row, RULE_TENANT),
        .period_end_s = db_int(rows, row, RULE_PERIOD_END, 0),
        .currency = db_text(rows, row, RULE_CURRENCY),
    };
    give_amount(&line, amount_u);
    rated_lines_push(lines, &line);
    return ERR_NONE;
}

/* What a rule is applied with. */
struct applied {
    int64_t day;
    const struct db_stmt *stmt;    /* of shares */
    const struct price_book *book; /* of minimum durations */
};

static enum err_kind add_rows(struct rated_lines *lines, const PGresult *rows, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++)
        kind = add_row(lines, rows, row, reterr);
    return kind;
}

static enum err_kind collect_shares(struct db *db, const struct applied *applied, PGresult **ret_rows,
                                    struct rated_lines *lines, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(applied->day, date);
    enum err_kind kind = db_run(db, applied->stmt, DB_PARAMS(date), ret_rows, reterr);
    return kind == ERR_NONE ? add_rows(lines, *ret_rows, reterr) : kind;
}

static enum err_kind apply_shares(struct db *db, void *context, struct err *reterr)
{
    const struct applied *applied = context;
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(rated_lines_release) struct rated_lines lines = {0};
    enum err_kind kind = collect_shares(db, applied, &rows, &lines, reterr);
    return kind == ERR_NONE ? rated_lines_write(&lines, &(struct rated_place){.day = applied->day}, db, reterr) : kind;
}

/* ---- Minimum duration ---- */

/* The stretch of the choice that holds at an instant; its count where none does. */
static size_t stretch_at(const struct price_choice *choice, int64_t at_s)
{
    size_t i = 0;
    while (i < choice->count && (choice->prices[i].valid.from_s > at_s || choice->prices[i].valid.to_s <= at_s))
        i++;
    return i;
}

/* What lacks to the minimum of the price that held at the end, at that price. */
static enum err_kind add_short(struct rated_lines *lines, const struct price_book *book, const PGresult *rows, int row,
                               struct err *reterr)
{
    const char *name = db_text(rows, row, SHORT_SKU);
    struct sku sku = {.kind = db_text(rows, row, SHORT_KIND),
                      .name = name != NULL ? name : "",
                      .tier = db_text(rows, row, SHORT_TIER),
                      .currency = db_text(rows, row, SHORT_CURRENCY)};
    struct price_customer customer = {.tenant = db_identity(rows, row, SHORT_TENANT),
                                      .project = db_text(rows, row, SHORT_PROJECT),
                                      .zone = db_text(rows, row, SHORT_ZONE)};
    CLEANUP(price_choice_release) struct price_choice choice = {0};
    price_book_choose(book, &sku, &customer, &choice);
    size_t stretch = stretch_at(&choice, db_int(rows, row, SHORT_END, 0) - 1);
    if (stretch == choice.count)
        return ERR_NONE; /* its usage waits for a price */
    const struct price_version *version = &book->versions[choice.prices[stretch].version];
    int64_t missing_s = version->minimum_s - db_int(rows, row, SHORT_SECONDS, 0);
    if (missing_s <= 0)
        return ERR_NONE;
    struct rating_item item =
        price_choice_item(book, &choice, stretch, missing_s, missing_s * db_int(rows, row, SHORT_GPU_MILLI, 0));
    struct rated_line line = {
        .key = {.reservation = db_identity(rows, row, SHORT_RESERVATION),
                .price = version->id,
                .period_start_s = db_int(rows, row, SHORT_PERIOD, 0),
                .category = CHARGE_ADJUSTMENT,
                .reason = REASON_MINIMUM},
        .tenant = customer.tenant,
        .period_end_s = db_int(rows, row, SHORT_PERIOD_END, 0),
        .currency = sku.currency,
    };
    int64_t amount_u = 0;
    enum err_kind kind = rating_alone(&item, NULL, &amount_u, reterr);
    give_amount(&line, amount_u);
    rated_lines_push(lines, &line);
    return kind;
}

/* tenant, date: NULL for all, and for whether written or not. */
static enum err_kind collect_short(struct db *db, const char *tenant, struct rating_span span, const char *date,
                                   const struct price_book *book, PGresult **ret_rows, struct rated_lines *lines,
                                   struct err *reterr)
{
    char texts[2][DB_INT_TEXT_SIZE];
    enum err_kind kind =
        db_run(db, &statement_short,
               DB_PARAMS(db_int_param(texts[0], span.from_s), db_int_param(texts[1], span.to_s), tenant, date),
               ret_rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(*ret_rows); row++)
        kind = add_short(lines, book, *ret_rows, row, reterr);
    return kind == ERR_NONE ? rated_lines_merge(lines, reterr) : kind;
}

enum err_kind rate_rules_minimum(struct db *db, const char *tenant, struct rating_span span,
                                 const struct price_book *book, PGresult **ret_rows, struct rated_lines *lines,
                                 struct err *reterr)
{
    return collect_short(db, tenant, span, NULL, book, ret_rows, lines, reterr);
}

static enum err_kind collect_minimum(struct db *db, const struct applied *applied, PGresult **ret_rows,
                                     struct rated_lines *lines, struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(applied->day, date);
    struct rating_span day = {.from_s = calendar_time_of_day(applied->day),
                              .to_s = calendar_time_of_day(applied->day + 1)};
    return collect_short(db, NULL, day, date, applied->book, ret_rows, lines, reterr);
}

static enum err_kind apply_minimum(struct db *db, void *context, struct err *reterr)
{
    const struct applied *applied = context;
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    CLEANUP(rated_lines_release) struct rated_lines lines = {0};
    enum err_kind kind = collect_minimum(db, applied, &rows, &lines, reterr);
    return kind == ERR_NONE ? rated_lines_write(&lines, &(struct rated_place){.day = applied->day}, db, reterr) : kind;
}

enum err_kind rate_rules_charges(struct db *db, int64_t day, const struct price_book *book, struct rule_charges *ret,
                                 struct err *reterr)
{
    const struct applied cancellations = {.day = day, .stmt = &statement_cancellations};
    const struct applied minimum = {.day = day, .book = book};
    enum err_kind kind = collect_shares(db, &cancellations, &ret->rows[0], &ret->lines, reterr);
    return kind == ERR_NONE ? collect_minimum(db, &minimum, &ret->rows[1], &ret->lines, reterr) : kind;
}

enum err_kind rate_rules_credits(struct db *db, int64_t until_s, int64_t generation, struct rule_charges *ret,
                                 struct err *reterr)
{
    char texts[2][DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *over = NULL;
    enum err_kind kind = db_run(db, &statement_is_over, DB_PARAMS(db_int_param(texts[0], until_s)), &over, reterr);
    if (kind != ERR_NONE || !db_bool(over, 0, 0))
        return kind;
    kind =
        db_run(db, &statement_credits_so_far,
               DB_PARAMS(db_int_param(texts[0], until_s), db_int_param(texts[1], generation)), &ret->rows[0], reterr);
    return kind == ERR_NONE ? add_rows(&ret->lines, ret->rows[0], reterr) : kind;
}

void rule_charges_release(struct rule_charges *charges)
{
    PQclear(charges->rows[0]);
    PQclear(charges->rows[1]);
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
