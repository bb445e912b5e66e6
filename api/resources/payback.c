/* Payback: what a cohort of hardware brings back month by month, as a scenario has it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/economics/payback.h"
#include "api/resources/node_kind.h"
#include "api/resources/price_estimate.h"
#include "api/resources/registry.h"
#include "api/server/response.h"
#include "common/money.h"

#define PPM_PER_BP          100
#define MILLI_S_PER_GPU_H   INT64_C(3600000)
#define MILLI_S_PER_GPU_DAY (24 * MILLI_S_PER_GPU_H)

struct payback_query {
    const char *cohort;
    const char *currency;
    int64_t months;
    int64_t gpu_hour;
    int64_t utilisation_bp;
    int64_t decline_bp;
    int64_t discount_bp;
    bool continued;
};

/* What is asked for, its gaps filled by what was observed. */
struct payback_answer {
    const char *cohort;
    int64_t nodes, gpus;
    struct field_money capex, gpu_hour;
    int64_t utilisation_bp;
    const char *since;
    int64_t actual_months;
    struct field_money brought_back;
    int64_t paid_back_month, peak_month;
    struct field_money peak;
    const char *curve;
};

// clang-format off
#define SCENARIO_FIELDS \
    FIELD_TEXT  ("currency",       struct payback_query, currency, .least = 3, .most = 3, .fallback = "USD", .help = "Assets, rates and prices of this currency only"), \
    FIELD_INT   ("months",         struct payback_query, months, .least = 1, .most = PAYBACK_MONTHS_MOST, .fallback = "60", .help = "The life to look at; usual are 48, 60, 66 and 72"), \
    FIELD_AMOUNT("gpu_hour",       struct payback_query, gpu_hour, .flags = FIELD_NULLABLE, .help = "Price of a GPU-hour in the first month; what one brought in the last 30 closed days where it is left out"), \
    FIELD_INT   ("utilisation_bp", struct payback_query, utilisation_bp, .flags = FIELD_NULLABLE, .least = 1, .most = 10000, .help = "Share of all GPU-hours that is sold, in basis points; that of the last 30 closed days where it is left out"), \
    FIELD_INT   ("decline_bp",     struct payback_query, decline_bp, .least = 0, .most = 9999, .fallback = "0", .help = "How much the price falls each month, in basis points"), \
    FIELD_INT   ("discount_bp",    struct payback_query, discount_bp, .least = 0, .most = 10000, .fallback = "0", .help = "Discount rate per month, in basis points"), \
    FIELD_BOOL  ("continued",      struct payback_query, continued, .fallback = "true", .help = "Whether the curve begins with the months that were, and the scenario goes on from there; false: the scenario alone, as if it were new")

static const struct field query_fields[] = {
    FIELD_TEXT  ("cohort",         struct payback_query, cohort, .flags = FIELD_REQUIRED, .least = 1, .most = 63, .help = "The cohort of assets"),
    SCENARIO_FIELDS,
    FIELDS_END,
};

/* Where the address names the cohort. */
static const struct field of_cohort_fields[] = {
    SCENARIO_FIELDS,
    FIELDS_END,
};

static const struct field month_fields[] = {
    FIELD_COLUMN("month",      FIELD_TYPE_INT, .help = "From 1; of 8766 / 12 hours"),
    FIELD_COLUMN("actual",     FIELD_TYPE_BOOL, .help = "Whether it was, all of it on closed days; false: the scenario has it so"),
    FIELD_COLUMN("cumulative", FIELD_TYPE_MONEY, .help = "What came back by its end: revenue less what was paid in cash, discounted"),
    FIELDS_END,
};

static const struct field answer_fields[] = {
    FIELD_TEXT ("cohort",          struct payback_answer, cohort, .help = "The cohort"),
    FIELD_INT  ("nodes",           struct payback_answer, nodes, .help = "Nodes that have an asset of it"),
    FIELD_INT  ("gpus",            struct payback_answer, gpus, .help = "Their GPUs"),
    FIELD_MONEY("capex",           struct payback_answer, capex, .help = "What its assets cost"),
    FIELD_MONEY("gpu_hour",        struct payback_answer, gpu_hour, .help = "Price of a GPU-hour in the first month"),
    FIELD_INT  ("utilisation_bp",  struct payback_answer, utilisation_bp, .help = "Share of all GPU-hours that is sold, in basis points"),
    FIELD_DATE ("since",           struct payback_answer, since, .flags = FIELD_NULLABLE, .help = "First closed day on which the cohort was in the books: the first of month 1; null: none was, or the scenario stands alone"),
    FIELD_INT  ("actual_months",   struct payback_answer, actual_months, .help = "So many months are over and in the curve as they were"),
    FIELD_MONEY("brought_back",    struct payback_answer, brought_back, .help = "What came back on closed days so far, not discounted: revenue less power, colocation, operations, network and storage, the month that is not over included"),
    FIELD_INT  ("paid_back_month", struct payback_answer, paid_back_month, .flags = FIELD_NULLABLE, .help = "First month by whose end what came back reaches the capex; null: not within these months"),
    FIELD_INT  ("peak_month",      struct payback_answer, peak_month, .flags = FIELD_NULLABLE, .help = "Last month before one that leaves nothing: where it would retire; null: no month leaves anything"),
    FIELD_MONEY("peak",            struct payback_answer, peak, .help = "What came back by then"),
    FIELD_JSON ("curve",           struct payback_answer, curve, .flags = FIELD_READ_ONLY, .is_list = true, .fields = month_fields, .help = "Month by month"),
    FIELDS_END,
};
// clang-format on

static const struct schema query_schema = {"PaybackQuery", query_fields, sizeof(struct payback_query)};
static const struct schema of_cohort_schema = {"CohortPaybackQuery", of_cohort_fields, sizeof(struct payback_query)};
static const struct schema answer_schema = {"Payback", answer_fields, sizeof(struct payback_answer)};

static const struct db_stmt statement_kinds = {
    .name = "payback_kinds",
    .sql = "SELECT k.nodes, k.capex_minor, " NODE_KIND_COLUMNS " FROM node_kind_costs($1::text, $2::text) k",
    .params = 2,
};

/* What the cohort's nodes brought and delivered in the last 30 closed days, and the days that there were. */
static const struct db_stmt statement_observed = {
    .name = "payback_observed",
    .sql = "WITH last AS (SELECT max(day) + 1 AS day FROM billing_day)"
           " SELECT coalesce(sum(f.revenue_u), 0)::bigint, coalesce(sum(f.gpu_milli_seconds), 0)::bigint,"
           "  (SELECT count(*) FROM billing_day b, last WHERE b.day >= last.day - 30)"
           "  FROM last JOIN cohort_result f ON f.day >= last.day - 30 AND f.day < last.day"
           "   AND f.currency = $1::text AND f.cohort = $2::text",
    .params = 2,
};

/* What each month since the first day left in cash, in their order; and how many of them are over. A day is of the
 * month in which it begins. */
static const struct db_stmt statement_actual = {
    .name = "payback_actual",
    .sql = "SELECT floor((r.day - f.first) * 288 / 8766.0)::bigint, sum(r.revenue_u - r.cash_u)::bigint, f.first,"
           "  floor((f.until - f.first) * 288 / 8766.0)::bigint"
           "  FROM cohort_result r CROSS JOIN (SELECT min(day) AS first, max(day) + 1 AS until FROM cohort_result"
           "    WHERE currency = $1::text AND cohort = $2::text) f"
           " WHERE r.currency = $1::text AND r.cohort = $2::text GROUP BY 1, 3, 4 ORDER BY 1",
    .params = 2,
};

/* All nodes of the cohort as if they were one. */
struct cohort {
    struct unit_cost cost;
    int64_t nodes, capex_u;
};

static enum err_kind add_kind(struct cohort *cohort, const PGresult *rows, int row, const char *currency,
                              struct err *reterr)
{
    struct unit_cost one;
    int exponent = 0;
    int64_t nodes = db_int(rows, row, 0, 0), capex_u = 0;
    enum err_kind kind = node_kind_cost(rows, row, currency, &one, reterr);
    if (kind == ERR_NONE)
        kind = money_exponent(currency, &exponent, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(db_int(rows, row, 1, 0), exponent, &capex_u, reterr);
    if (kind == ERR_NONE)
        kind = money_add(cohort->capex_u, capex_u, &cohort->capex_u, reterr);
    if (kind == ERR_NONE)
        kind = unit_cost_add(&cohort->cost, &one, nodes, reterr);
    cohort->nodes += nodes;
    return kind;
}

static bool is_of_address(const struct request *request)
{
    return request->params[0] != NULL;
}

static enum err_kind read_cohort(struct request *request, const struct payback_query *query, struct cohort *ret,
                                 struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_kinds, DB_PARAMS(query->currency, query->cohort), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++)
        kind = add_kind(ret, rows, row, query->currency, reterr);
    if (kind == ERR_NONE && ret->nodes == 0) {
        if (is_of_address(request))
            return request_not_found(request, "cohort", reterr);
        field_problem_add(&request->problems, "?cohort", "unknown_cohort",
                          "no node has an asset of the cohort '%s' in %s", query->cohort, query->currency);
        return request_invalid(request, reterr);
    }
    return kind;
}

/* Fills what the query leaves out. */
static enum err_kind observe(struct request *request, const struct cohort *cohort, struct payback_query *query,
                             struct err *reterr)
{
    if (query->gpu_hour != FIELD_NULL && query->utilisation_bp != FIELD_NULL)
        return ERR_NONE;
    const PGresult *row = NULL;
    enum err_kind kind =
        request_run(request, &statement_observed, DB_PARAMS(query->currency, query->cohort), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t sold_milli_s = db_int(row, 0, 1, 0);
    int64_t days = db_int(row, 0, 2, 0);
    if (sold_milli_s <= 0 || days == 0) {
        field_problem_add(
            &request->problems, query->gpu_hour == FIELD_NULL ? "?gpu_hour" : "?utilisation_bp", "missing_field",
            "nothing of the cohort was sold in the last 30 closed days: say the price and the utilisation");
        return request_invalid(request, reterr);
    }
    if (query->gpu_hour == FIELD_NULL)
        kind = money_round((money_wide)db_int(row, 0, 0, 0) * MILLI_S_PER_GPU_H, sold_milli_s, MONEY_HALF_EVEN,
                           &query->gpu_hour, reterr);
    if (kind == ERR_NONE && query->utilisation_bp == FIELD_NULL)
        kind =
            money_round((money_wide)sold_milli_s * MONEY_BASIS_POINTS, cohort->cost.gpus * MILLI_S_PER_GPU_DAY * days,
                        MONEY_HALF_EVEN, &query->utilisation_bp, reterr);
    return kind;
}

/* The months that were. */
struct actual {
    const char *since;
    int64_t left_u[PAYBACK_MONTHS_MOST];
    int64_t months;
    int64_t sum_u; /* of all closed days */
};

static enum err_kind look_back(struct request *request, const struct payback_query *query, struct actual *ret,
                               struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_actual, DB_PARAMS(query->currency, query->cohort), &rows, reterr);
    if (kind != ERR_NONE || PQntuples(rows) == 0)
        return kind;
    ret->since = db_text(rows, 0, 2);
    ret->months = db_int(rows, 0, 3, 0) < PAYBACK_MONTHS_MOST ? db_int(rows, 0, 3, 0) : PAYBACK_MONTHS_MOST;
    for (int row = 0; row < PQntuples(rows) && kind == ERR_NONE; row++) {
        int64_t month = db_int(rows, row, 0, 0);
        int64_t left_u = db_int(rows, row, 1, 0);
        if (month < ret->months)
            ret->left_u[month] = left_u;
        kind = money_add(ret->sum_u, left_u, &ret->sum_u, reterr);
    }
    return kind;
}

static const char *curve_out(struct request *request, const int64_t *cumulative_u, int64_t months,
                             int64_t actual_months, const char *currency)
{
    struct json_out out;
    json_out_init(&out, request->arena);
    json_out_open(&out, '[');
    for (int64_t i = 0; i < months; i++) {
        json_out_open(&out, '{');
        json_out_key(&out, "month");
        json_out_int(&out, i + 1);
        json_out_key(&out, "actual");
        json_out_bool(&out, i < actual_months);
        json_out_key(&out, "cumulative");
        price_money_out(&out, cumulative_u[i], currency);
        json_out_close(&out, '}');
    }
    json_out_close(&out, ']');
    return json_out_finish(&out);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    struct payback_query *query = request->query;
    struct cohort cohort = {0};
    struct payback payback;
    if (is_of_address(request))
        query->cohort = request->params[0];
    if (!node_kind_currency_is_known(request, query->currency))
        return request_invalid(request, reterr);
    struct actual *actual = arena_alloc(request->arena, sizeof *actual);
    *actual = (struct actual){0};
    enum err_kind kind = read_cohort(request, query, &cohort, reterr);
    if (kind == ERR_NONE && query->continued)
        kind = look_back(request, query, actual, reterr);
    if (kind ==
        ERR_NONE) /* last of all that is read: it fills the query, and a reading handler begins anew with each answer */
        kind = observe(request, &cohort, query, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t actual_months = actual->months < query->months ? actual->months : query->months;
    int64_t *cumulative_u = arena_alloc(request->arena, (size_t)query->months * sizeof *cumulative_u);
    struct payback_scenario scenario = {
        .capex_u = cohort.capex_u,
        .price_u = query->gpu_hour,
        .utilisation_ppm = query->utilisation_bp * PPM_PER_BP,
        .decline_ppm = query->decline_bp * PPM_PER_BP,
        .discount_ppm = query->discount_bp * PPM_PER_BP,
        .actual_u = actual->left_u,
        .actual_months = (size_t)actual_months,
    };
    kind = payback_curve(&cohort.cost, &scenario, cumulative_u, (size_t)query->months, &payback, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct payback_answer answer = {
        .cohort = query->cohort,
        .nodes = cohort.nodes,
        .gpus = cohort.cost.gpus,
        .capex = {cohort.capex_u, query->currency},
        .gpu_hour = {query->gpu_hour, query->currency},
        .utilisation_bp = query->utilisation_bp,
        .since = actual->since,
        .actual_months = actual_months,
        .brought_back = {actual->sum_u, query->currency},
        .paid_back_month = payback.paid_back_month == 0 ? FIELD_NULL : payback.paid_back_month,
        .peak_month = payback.peak_month == 0 ? FIELD_NULL : payback.peak_month,
        .peak = {payback.peak_u, query->currency},
        .curve = curve_out(request, cumulative_u, query->months, actual_months, query->currency),
    };
    response_struct(response, 200, answer_fields, &answer);
    return ERR_NONE;
}

// clang-format off
static const struct route payback_routes[] = {
    {GET, "/v1/system/payback", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &answer_schema, .run = get, .problems = PROBLEMS("unknown_cohort"), .summary = "What a cohort's hardware brings back month by month, under a scenario of price, utilisation and life"},
    {GET, "/v1/system/cohorts/{cohort}/payback", ROLES_SYSTEM_READ, RATE_REPORT, .query = &of_cohort_schema, .answer = &answer_schema, .run = get, .summary = "What the hardware of this cohort brings back month by month, under a scenario of price, utilisation and life"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const payback_statements[] = {&statement_kinds, &statement_observed, &statement_actual,
                                                           NULL};

const struct resource payback_resource = {"payback", payback_routes, payback_statements,
                                          "When hardware has paid for itself."};
