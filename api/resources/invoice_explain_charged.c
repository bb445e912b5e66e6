/* Explaining what has no price per GPU-hour: fees of commitments and what they contain, charges and credits by rule. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_explain_terms.h"

#include "common/money.h"

#include <inttypes.h>
#include <string.h>

/* The commitment of a line, and which period of its term the line is of. */
static const struct db_stmt statement_commitment = {
    .name = "invoice_explain_commitment",
    .sql = "SELECT k.total_minor, k.upfront_bp, k.months, micro_per_minor(k.currency), c.cost_u,"
           "  k.gpu_hours * 3600000,"
           "  (SELECT extract(year FROM a.age) * 12 + extract(month FROM a.age) FROM"
           "    (SELECT age(coalesce(l.corrects, i.period_start) AT TIME ZONE t.billing_timezone,"
           "      k.starts_at AT TIME ZONE t.billing_timezone) AS age) a)::bigint"
           "  FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id JOIN commitment k ON k.id = l.commitment_id"
           "  JOIN tenant t ON t.id = l.tenant_id LEFT JOIN commitment_period c ON c.commitment_id = k.id"
           "   AND c.period_start = coalesce(l.corrects, i.period_start)"
           " WHERE l.invoice_id = $1::uuid AND l.line_no = $2::integer",
    .params = 2,
};
enum {
    COMMITMENT_TOTAL,
    COMMITMENT_UPFRONT,
    COMMITMENT_MONTHS,
    COMMITMENT_MICRO,
    COMMITMENT_COST,
    COMMITMENT_QUANTITY,
    COMMITMENT_NUMBER
};

static const struct db_stmt statement_cancellation = {
    .name = "invoice_explain_cancellation",
    .sql = "SELECT remaining_u, charge_bp FROM cancellation WHERE reservation_id = $1::uuid",
    .params = 1,
};

/* What was promised in the period and not delivered, the step of the rule that it reaches, and the cost of the usage:
 * as far as the line knew it. */
static const struct db_stmt statement_undelivered = {
    .name = "invoice_explain_undelivered",
    .sql =
        "WITH scope AS MATERIALIZED (SELECT * FROM invoice_line_scope($1::uuid, $2::integer)), promised AS ("
        "  SELECT sum(w.weight) AS promised,"
        "   coalesce(sum(w.weight) FILTER (WHERE u.class IN ('unready', 'failed')), 0) AS undelivered"
        "   FROM scope n JOIN usage_interval u ON u.reservation_id = n.reservation_id"
        "    AND u.period_start < upper(n.within) AND u.period_start > lower(n.within) - interval '1 day'"
        "    AND u.period_end > lower(n.within) AND u.class <> 'preempted'"
        "    AND NOT EXISTS (SELECT FROM late_usage w WHERE w.period_start = u.period_start"
        "     AND w.instance_id = u.instance_id AND w.seq = u.seq AND w.rated_with >= (n.known AT TIME ZONE "
        "'UTC')::date)"
        "  CROSS JOIN LATERAL (SELECT u.gpu_milli * extract(epoch FROM least(u.period_end, upper(n.within))"
        "    - greatest(u.period_start, lower(n.within))) AS weight) w)"
        " SELECT x.promised::bigint, x.undelivered::bigint, s.share_bp, (SELECT coalesce(sum(r.effective_u), 0)::bigint"
        "   FROM rated_line r WHERE r.tenant_id = n.tenant_id AND r.reservation_id = n.reservation_id"
        "    AND (r.period_start = lower(n.within) AND r.corrects IS NULL"
        "         OR r.corrects = lower(n.within) AND r.day < (n.known AT TIME ZONE 'UTC')::date)"
        "    AND r.charge_category = 'usage' AND r.meter_id IS NULL)"
        "  FROM scope n CROSS JOIN promised x JOIN reservation v ON v.id = n.reservation_id"
        "  LEFT JOIN LATERAL (SELECT c.steps FROM charge_policy c WHERE c.kind = 'sla_credit' AND c.tier = v.tier"
        "    AND c.valid @> lower(n.within) AND (c.tenant_id IS NULL OR c.tenant_id = n.tenant_id)"
        "    ORDER BY c.tenant_id IS NULL LIMIT 1) p ON true"
        "  LEFT JOIN LATERAL (SELECT (e->>'share_bp')::bigint AS share_bp FROM jsonb_array_elements(p.steps) e"
        "    WHERE (e->>'least')::bigint * x.promised <= x.undelivered * 10000"
        "    ORDER BY (e->>'least')::bigint DESC LIMIT 1) s ON true",
    .params = 2,
};
enum { UNDELIVERED_PROMISED, UNDELIVERED_LOST, UNDELIVERED_SHARE, UNDELIVERED_BASE };

/* What lacked of the minimum, of instances that ended within the period, undelivered time counted as held. */
static const struct db_stmt statement_minimum = {
    .name = "invoice_explain_minimum",
    .sql = "WITH held AS ("
           "  SELECT u.instance_id, max(u.gpu_milli) AS gpu_milli, max(u.period_end) AS ended,"
           "   extract(epoch FROM sum(u.period_end - u.period_start))::bigint AS seconds"
           "   FROM invoice_line l JOIN usage_interval u ON u.reservation_id = l.reservation_id"
           "  WHERE l.invoice_id = $1::uuid AND l.line_no = $2::integer GROUP BY u.instance_id"
           "  HAVING bool_or(u.class IN ('used', 'unused'))"
           "   AND (array_agg(u.class ORDER BY u.period_end DESC))[1] NOT IN ('failed', 'preempted'))"
           " SELECT max(p.minimum_s), count(*), coalesce(sum((p.minimum_s - h.seconds) * h.gpu_milli), 0)::bigint"
           "  FROM invoice_line l JOIN price p ON p.id = l.price_id"
           " CROSS JOIN LATERAL (SELECT s.within FROM invoice_line_scope(l.invoice_id, l.line_no) s) n"
           "  JOIN held h ON h.ended > lower(n.within) AND h.ended <= upper(n.within) AND h.seconds < p.minimum_s"
           " WHERE l.invoice_id = $1::uuid AND l.line_no = $2::integer",
    .params = 2,
};
enum { MINIMUM_SECONDS, MINIMUM_INSTANCES, MINIMUM_LACKS };

const struct db_stmt *const explain_charged_statements[] = {&statement_commitment, &statement_cancellation,
                                                            &statement_undelivered, &statement_minimum, NULL};

static enum err_kind ask_of_line(struct request *request, const struct db_stmt *stmt, const PGresult *line,
                                 const PGresult **ret, struct err *reterr)
{
    return request_run(request, stmt, DB_PARAMS(db_text(line, 0, LINE_INVOICE), db_text(line, 0, LINE_NO)), ret,
                       reterr);
}

/* ---- Commitments ---- */

enum err_kind explain_fee(struct request *request, const PGresult *line, const PGresult *parts,
                          struct explain_terms *ret, struct err *reterr)
{
    (void)parts;
    const PGresult *row = NULL;
    enum err_kind kind = ask_of_line(request, &statement_commitment, line, &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t upfront = 0;
    int64_t total = db_int(row, 0, COMMITMENT_TOTAL, 0);
    int64_t upfront_bp = db_int(row, 0, COMMITMENT_UPFRONT, 0);
    int64_t months = db_int(row, 0, COMMITMENT_MONTHS, 0);
    int64_t number = db_int(row, 0, COMMITMENT_NUMBER, 0);
    int64_t micro = db_int(row, 0, COMMITMENT_MICRO, 0);
    kind = money_round((money_wide)total * upfront_bp, MONEY_BASIS_POINTS, MONEY_HALF_AWAY, &upfront, reterr);
    if (kind == ERR_NONE && number == 0 && upfront != 0)
        explain_terms_add(ret, "paid upfront, in micro-units",
                          arena_format(request->arena,
                                       "%" PRId64 " x %" PRId64 " / %" PRId64
                                       " minor units, half away from zero, of %" PRId64 " micro-units",
                                       total, upfront_bp, MONEY_BASIS_POINTS, micro),
                          upfront * micro);
    int64_t part = money_over_time(total - upfront, number, number + 1, months, MONEY_HALF_AWAY);
    const char *how = arena_format(request->arena,
                                   "%" PRId64 " x %" PRId64 " / %" PRId64 " less %" PRId64 " x %" PRId64 " / %" PRId64
                                   " minor units, each half away from zero, of %" PRId64 " micro-units",
                                   total - upfront, number + 1, months, total - upfront, number, months, micro);
    explain_terms_add(ret, "part of this period, in micro-units", how, part * micro);
    return kind;
}

enum err_kind explain_contained(struct request *request, const PGresult *line, const PGresult *parts,
                                struct explain_terms *ret, struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind = ask_of_line(request, &statement_commitment, line, &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *what = db_text(line, 0, LINE_RESERVATION) == NULL ? "nobody used" : "it covers here";
    const char *committed = db_text(row, 0, COMMITMENT_QUANTITY);
    const char *how = arena_format(request->arena,
                                   "nothing: the commitment's fee is a line of its own; its cost of the period is "
                                   "%s%s%s, of which what %s costs %" PRId64,
                                   db_text(row, 0, COMMITMENT_COST), committed != NULL ? " for milli-GPU-seconds " : "",
                                   committed != NULL ? committed : "", what, explain_sum(parts, true, PART_EFFECTIVE));
    explain_terms_add(ret, "billed, in micro-units", how, 0);
    return ERR_NONE;
}

/* ---- Rules ---- */

typedef enum err_kind explain_how(struct request *request, const PGresult *line, const char **ret, struct err *reterr);

static enum err_kind cancellation(struct request *request, const PGresult *line, const char **ret, struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind =
        request_run(request, &statement_cancellation, DB_PARAMS(db_text(line, 0, LINE_RESERVATION)), &row, reterr);
    if (kind == ERR_NONE && PQntuples(row) > 0)
        *ret = arena_format(request->arena, "%s / 10000 of the %s that was left of its window, half to even",
                            db_text(row, 0, 1), db_text(row, 0, 0));
    return kind;
}

static enum err_kind undelivered(struct request *request, const PGresult *line, const char **ret, struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind = ask_of_line(request, &statement_undelivered, line, &row, reterr);
    if (kind == ERR_NONE && PQntuples(row) > 0)
        *ret = arena_format(request->arena,
                            "%" PRId64 " / 10000 of the %" PRId64 " that its usage of the period costs, half to even,"
                            " given back for %" PRId64 " of %" PRId64 " promised milli-GPU-seconds",
                            db_int(row, 0, UNDELIVERED_SHARE, 0), db_int(row, 0, UNDELIVERED_BASE, 0),
                            db_int(row, 0, UNDELIVERED_LOST, 0), db_int(row, 0, UNDELIVERED_PROMISED, 0));
    return kind;
}

static enum err_kind minimum(struct request *request, const PGresult *line, const char **ret, struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind = ask_of_line(request, &statement_minimum, line, &row, reterr);
    if (kind == ERR_NONE && PQntuples(row) > 0)
        *ret = arena_format(request->arena,
                            "%" PRId64 " milli-GPU-seconds that lacked to the minimum of %" PRId64 " s of %" PRId64
                            " instances, at the price that held at the end of each",
                            db_int(row, 0, MINIMUM_LACKS, 0), db_int(row, 0, MINIMUM_SECONDS, 0),
                            db_int(row, 0, MINIMUM_INSTANCES, 0));
    return kind;
}

static const struct {
    const char *reason, *what;
    explain_how *how;
} rules[] = {
    {"cancellation", "charged for cancelling, in micro-units", cancellation},
    {"early_release", "charged for releasing early, in micro-units", cancellation},
    {"sla_credit", "credited for what was not delivered, in micro-units", undelivered},
    {"minimum", "charged up to the minimum duration, in micro-units", minimum},
};

enum err_kind explain_rule(struct request *request, const PGresult *line, const PGresult *parts,
                           struct explain_terms *ret, struct err *reterr)
{
    const char *reason = db_text(line, 0, LINE_REASON);
    int64_t then_u = db_int(line, 0, LINE_AMOUNT, 0) + explain_sum(parts, true, PART_AMOUNT_BEFORE);
    for (size_t i = 0; i < COUNT_OF(rules) && reason != NULL; i++) {
        const char *how = "by its rule";
        if (strcmp(reason, rules[i].reason) != 0)
            continue;
        enum err_kind kind = rules[i].how(request, line, &how, reterr);
        explain_terms_add(ret, rules[i].what, how, then_u);
        return kind;
    }
    explain_terms_add(ret, "charged by rule, in micro-units", "sum of the rated lines' amounts", then_u);
    return ERR_NONE;
}
