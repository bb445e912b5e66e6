/* Commitments: what a tenant has bound itself to take per billing period, and what became of it. An operator makes
 * them; nothing changes them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_floor_check.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/calendar.h"
#include "common/money.h"

#include <string.h>

#define GPU_HOURS_MAX INT64_C(1000000000)
#define TOTAL_MAX     INT64_C(100000000000000) /* minor units: the table's check */

struct commitment {
    const char *id, *tenant, *category, *sku_kind, *sku, *tier;
    int64_t gpu_hours;
    struct field_money unit_price, amount, total;
    const char *first_month;
    int64_t months;
    const char *payment_model;
    int64_t upfront_bp;
    const char *below_floor_reason;
};

static const char *const categories[] = {"usage", "spend", NULL};
static const char *const sku_kinds[] = {"instance_type", "gpu_model", NULL};
static const char *const tiers[] = {"reserved", "on_demand", "preemptible", NULL};
static const char *const payment_models[] = {"no_upfront", "partial_upfront", "all_upfront", NULL};
static const char *const states[] = {"pending", "active", "expired", NULL};

// clang-format off
static const struct field commitment_fields[] = {
    FIELD_ID   ("id",            struct commitment, id, .identity = IDENTITY_COMMITMENT, .flags = FIELD_READ_ONLY, .help = "The commitment"),
    FIELD_TEXT ("tenant",        struct commitment, tenant, .flags = FIELD_REQUIRED, .pattern = FIELD_NAME, .example = "acme", .help = "Whose, by name"),
    FIELD_ENUM ("category",      struct commitment, category, .values = categories, .flags = FIELD_REQUIRED, .example = "spend", .help = "usage: GPU-hours of a sku at a unit price; spend: money, whatever it is spent on"),
    FIELD_ENUM ("sku_kind",      struct commitment, sku_kind, .values = sku_kinds, .flags = FIELD_NULLABLE, .help = "Of usage: what it is of"),
    FIELD_TEXT ("sku",           struct commitment, sku, .flags = FIELD_NULLABLE, .least = 1, .most = 64, .help = "Of usage: name of the instance type or GPU model"),
    FIELD_ENUM ("tier",          struct commitment, tier, .values = tiers, .fallback = "reserved", .help = "Of usage: of which tier of reservations"),
    FIELD_INT  ("gpu_hours",     struct commitment, gpu_hours, .flags = FIELD_NULLABLE, .least = 1, .most = GPU_HOURS_MAX, .help = "Of usage: GPU-hours per billing period"),
    FIELD_MONEY("unit_price",    struct commitment, unit_price, .flags = FIELD_NULLABLE, .help = "Of usage: price of a GPU-hour"),
    FIELD_MONEY("amount",        struct commitment, amount, .flags = FIELD_NULLABLE | FIELD_MINOR, .example = "{\"amount\": \"9250.00\", \"currency\": \"USD\"}", .help = "Of spend: money per billing period; or give total. Null in answers where the total was given"),
    FIELD_MONEY("total",         struct commitment, total, .flags = FIELD_NULLABLE | FIELD_MINOR, .help = "Of spend: money of the whole term. In answers: all fees of the term"),
    FIELD_DATE ("first_month",   struct commitment, first_month, .flags = FIELD_REQUIRED, .example = "2027-01-01", .help = "The first day of its first billing month"),
    FIELD_INT  ("months",        struct commitment, months, .flags = FIELD_REQUIRED, .least = 1, .most = 120, .example = "12", .help = "Billing periods of its term"),
    FIELD_ENUM ("payment_model", struct commitment, payment_model, .values = payment_models, .fallback = "no_upfront", .help = "What of the fees is paid when it begins"),
    FIELD_INT  ("upfront_bp",    struct commitment, upfront_bp, .flags = FIELD_NULLABLE, .least = 0, .most = 10000, .help = "The share that is paid when it begins, in basis points; required for partial_upfront"),
    PRICE_FLOOR_REASON(struct commitment, below_floor_reason),
    FIELD_COLUMN("starts_at",    FIELD_TYPE_TIME, .help = "Domain time, inclusive"),
    FIELD_COLUMN("ends_at",      FIELD_TYPE_TIME, .help = "Domain time, exclusive"),
    FIELD_COLUMN("status",       FIELD_TYPE_ENUM, .values = states, .help = "By domain time"),
    FIELD_COLUMN_WITH("break_even_utilisation_ppm", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Of usage: the share of its GPU-hours that must be used for it to cost no more than they do without it, in millionths: its unit price over the base price that holds for the tenant now, or when it begins or ended; null: there is none"),
    FIELDS_END,
};

static const struct field period_fields[] = {
    FIELD_COLUMN("starts_at",         FIELD_TYPE_TIME, .help = "The billing period, inclusive"),
    FIELD_COLUMN("ends_at",           FIELD_TYPE_TIME, .help = "Exclusive"),
    FIELD_COLUMN("used_gpu_hours",    FIELD_TYPE_AMOUNT, .help = "GPU-hours that it covers, to the millionth, cut off"),
    FIELD_COLUMN("overage_gpu_hours", FIELD_TYPE_AMOUNT, .help = "GPU-hours of the same kind beyond it; 0 for spend"),
    FIELD_COLUMN("billed",            FIELD_TYPE_MONEY, .help = "Fees billed in the period"),
    FIELD_COLUMN("cost",              FIELD_TYPE_MONEY, .help = "What the period of it costs: its own fee and its part of what was paid upfront"),
    FIELD_COLUMN("used",              FIELD_TYPE_MONEY, .help = "Effective cost of what it covers"),
    FIELD_COLUMN("unused",            FIELD_TYPE_MONEY, .help = "What is left of the cost: once the period is over, the true-up that the fee contains"),
    FIELD_COLUMN("overage",           FIELD_TYPE_MONEY, .help = "What the usage beyond it is billed"),
    FIELD_COLUMN("rated_until",       FIELD_TYPE_TIME, .help = "As of"),
    FIELDS_END,
};
// clang-format on

static const struct schema commitment_schema = {"Commitment", commitment_fields, sizeof(struct commitment)};
static const struct schema period_schema = {"CommitmentPeriod", period_fields, 0};

struct commitment_query {
    const char *tenant;
};
static const struct field query_fields[] = {
    FIELD_TEXT("tenant", struct commitment_query, tenant, .help = "Only those of the tenant of this name"),
    FIELDS_END,
};
static const struct schema query_schema = {"CommitmentQuery", query_fields, sizeof(struct commitment_query)};

#define COMMITMENT_SELECT                                                                                              \
    "SELECT c.id, t.name AS tenant, c.category, c.sku_kind, c.sku, c.tier, c.gpu_hours,"                               \
    " c.unit_price_u AS \"unit_price.amount_u\", CASE WHEN c.category = 'usage' THEN c.currency END"                   \
    "  AS \"unit_price.currency\", c.amount_minor AS \"amount.amount_minor\","                                         \
    " CASE WHEN c.amount_minor IS NOT NULL THEN c.currency END AS \"amount.currency\","                                \
    " c.total_minor AS \"total.amount_minor\", c.currency AS \"total.currency\","                                      \
    " (c.starts_at AT TIME ZONE t.billing_timezone)::date AS first_month, c.months, c.payment_model, c.upfront_bp,"    \
    " extract(epoch FROM c.starts_at)::bigint AS starts_at, extract(epoch FROM c.ends_at)::bigint AS ends_at,"         \
    " CASE WHEN sluice_now() < c.starts_at THEN 'pending' WHEN sluice_now() < c.ends_at THEN 'active'"                 \
    "      ELSE 'expired' END AS status,"                                                                              \
    " (SELECT round(c.unit_price_u * 1000000.0 / nullif(p.gpu_hour_u, 0))::bigint FROM price p"                        \
    "   WHERE p.sku_kind = c.sku_kind AND p.sku = c.sku AND p.tier = c.tier AND p.currency = c.currency"               \
    "    AND (p.tenant_id IS NULL OR p.tenant_id = c.tenant_id) AND p.project IS NULL AND p.withdrawn_at IS NULL"      \
    "    AND p.valid @> least(greatest(sluice_now(), c.starts_at), c.ends_at - interval '1 second')"                   \
    "   ORDER BY p.tenant_id IS NULL LIMIT 1) AS break_even_utilisation_ppm, c.id AS page_key"                         \
    " FROM commitment c JOIN tenant t ON t.id = c.tenant_id"

static const struct db_stmt statement_list = {
    .name = "commitment_list",
    .sql = COMMITMENT_SELECT " WHERE ($1::uuid IS NULL OR c.id > $1::uuid) AND ($3::text IS NULL OR t.name = $3::text)"
                             " ORDER BY c.id LIMIT $2::bigint",
    .params = 3,
};

static const struct db_stmt statement_get = {
    .name = "commitment_get",
    .sql = COMMITMENT_SELECT " WHERE c.id = $1::uuid",
    .params = 1,
};

#define GPU_HOURS_U(column) " floor(" column " * 1000000 / 3600000)::bigint"
// clang-format off
static const struct db_stmt statement_periods = {
    .name = "commitment_periods",
    .sql = "SELECT extract(epoch FROM p.period_start)::bigint AS starts_at,"
           " extract(epoch FROM p.period_end)::bigint AS ends_at,"
           GPU_HOURS_U("p.used_gpu_milli_seconds::numeric") " AS used_gpu_hours,"
           GPU_HOURS_U("p.overage_gpu_milli_seconds::numeric") " AS overage_gpu_hours,"
           " p.billed_u AS \"billed.amount_u\", c.currency AS \"billed.currency\","
           " p.cost_u AS \"cost.amount_u\", c.currency AS \"cost.currency\","
           " p.used_u AS \"used.amount_u\", c.currency AS \"used.currency\","
           " p.cost_u - p.used_u AS \"unused.amount_u\", c.currency AS \"unused.currency\","
           " p.overage_u AS \"overage.amount_u\", c.currency AS \"overage.currency\","
           " extract(epoch FROM p.rated_until)::bigint AS rated_until,"
           " extract(epoch FROM p.period_start)::bigint AS page_key"
           " FROM commitment_period p JOIN commitment c ON c.id = p.commitment_id"
           " WHERE p.commitment_id = $3::uuid AND ($1::bigint IS NULL OR p.period_start > to_timestamp($1::bigint))"
           " ORDER BY p.period_start LIMIT $2::bigint",
    .params = 3,
};
// clang-format on

/* What the wish names, and its term; no row: there is no such tenant. */
static const struct db_stmt statement_references = {
    .name = "commitment_references",
    .sql = "SELECT t.id, t.currency, extract(day FROM $2::date) = 1,"
           " extract(epoch FROM $2::date::timestamp AT TIME ZONE t.billing_timezone)::bigint,"
           " extract(epoch FROM ($2::date::timestamp + $3::bigint * interval '1 month') AT TIME ZONE"
           "  t.billing_timezone)::bigint,"
           " ($2::date::timestamp AT TIME ZONE t.billing_timezone)"
           "  >= date_trunc('month', sluice_now() AT TIME ZONE t.billing_timezone) AT TIME ZONE t.billing_timezone,"
           " $4::text IS DISTINCT FROM 'instance_type' OR EXISTS (SELECT FROM instance_type i WHERE i.name = $5)"
           " FROM tenant t WHERE t.name = $1",
    .params = 5,
};
enum { REF_TENANT, REF_CURRENCY, REF_IS_FIRST, REF_STARTS, REF_ENDS, REF_IS_NOT_PAST, REF_SKU };

static const struct db_stmt statement_create = {
    .name = "commitment_create",
    .sql = "INSERT INTO commitment (id, tenant_id, category, sku_kind, sku, tier, gpu_hours, unit_price_u, currency,"
           "  total_minor, starts_at, ends_at, months, payment_model, upfront_bp, created_by, amount_minor)"
           " VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, $7::bigint, $8::bigint, $9, $10::bigint,"
           "  to_timestamp($11::bigint), to_timestamp($12::bigint), $13::integer, $14, $15::integer, $16::uuid,"
           "  $17::bigint)",
    .params = 17,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct commitment_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query != NULL ? query->tenant : NULL), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "commitment", reterr);
}

static enum err_kind list_periods(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_get, request->object, "commitment", &found, reterr);
    return kind == ERR_NONE ? answer_page(request, response, &statement_periods, DB_PARAMS(request->object), reterr)
                            : kind;
}

/* ---- Making one ---- */

static bool has_money(const struct field_money *money)
{
    return money->currency != NULL;
}

static void check_category(struct request *request, const struct commitment *wish)
{
    bool is_usage = strcmp(wish->category, "usage") == 0;
    bool has_usage =
        wish->sku != NULL && wish->sku_kind != NULL && wish->gpu_hours != FIELD_NULL && has_money(&wish->unit_price);
    bool has_any_usage =
        wish->sku != NULL || wish->sku_kind != NULL || wish->gpu_hours != FIELD_NULL || has_money(&wish->unit_price);
    bool has_one_sum = has_money(&wish->amount) != has_money(&wish->total);
    bool has_any_sum = has_money(&wish->amount) || has_money(&wish->total);
    if (is_usage ? !has_usage || has_any_sum : has_any_usage || !has_one_sum)
        field_problem_add(
            &request->problems, "/category", "out_of_range",
            "usage has sku_kind, sku, gpu_hours and unit_price; spend has amount or total, and none of these");
}

/* The share paid upfront; FIELD_NULL where it does not fit the model. */
static int64_t upfront_of(const struct commitment *wish)
{
    if (strcmp(wish->payment_model, "no_upfront") == 0)
        return wish->upfront_bp == FIELD_NULL || wish->upfront_bp == 0 ? 0 : FIELD_NULL;
    if (strcmp(wish->payment_model, "all_upfront") == 0)
        return wish->upfront_bp == FIELD_NULL || wish->upfront_bp == MONEY_BASIS_POINTS ? MONEY_BASIS_POINTS
                                                                                        : FIELD_NULL;
    return wish->upfront_bp > 0 && wish->upfront_bp < MONEY_BASIS_POINTS ? wish->upfront_bp : FIELD_NULL;
}

/* All fees, in minor units: a month of usage is rounded once. False where they do not fit. */
static bool total_of(const struct commitment *wish, int exponent, int64_t *ret_minor)
{
    if (has_money(&wish->total)) {
        *ret_minor = money_minor_of_micro(wish->total.amount_u, exponent);
        return *ret_minor <= TOTAL_MAX;
    }
    int64_t month_u = wish->amount.amount_u;
    return (has_money(&wish->amount) ||
            !__builtin_mul_overflow(wish->unit_price.amount_u, wish->gpu_hours, &month_u)) &&
           !__builtin_mul_overflow(money_minor_of_micro(month_u, exponent), wish->months, ret_minor) &&
           *ret_minor <= TOTAL_MAX;
}

static void check_money(struct request *request, const struct commitment *wish, const char *currency)
{
    const struct field_money *const sums[] = {&wish->unit_price, &wish->amount, &wish->total};
    for (size_t i = 0; i < COUNT_OF(sums); i++) {
        if (has_money(sums[i]) && strcmp(sums[i]->currency, currency) != 0)
            field_problem_add(&request->problems, "", "out_of_range", "the tenant is billed in %s", currency);
        if (has_money(sums[i]) && sums[i]->amount_u < 0)
            field_problem_add(&request->problems, "", "out_of_range", "no amount is negative");
    }
}

static void check_references(struct request *request, const struct commitment *wish, const PGresult *row)
{
    if (!db_bool(row, 0, REF_IS_FIRST) || !db_bool(row, 0, REF_IS_NOT_PAST))
        field_problem_add(&request->problems, "/first_month", "out_of_range",
                          "must be the first day of this month or a later one");
    else if (db_int(row, 0, REF_ENDS, 0) > CALENDAR_TIME_MAX_S)
        field_problem_add(&request->problems, "/months", "out_of_range", "its term would end beyond the year 9999");
    if (!db_bool(row, 0, REF_SKU))
        field_problem_add(&request->problems, "/sku", "unknown_instance_type", "there is no instance type '%s'",
                          wish->sku != NULL ? wish->sku : "");
    if (upfront_of(wish) == FIELD_NULL)
        field_problem_add(&request->problems, "/upfront_bp", "out_of_range", "does not fit the payment_model");
    check_category(request, wish);
    check_money(request, wish, db_text(row, 0, REF_CURRENCY));
}

static enum err_kind insert(struct request *request, const struct commitment *wish, const PGresult *row, int64_t total,
                            int exponent, struct err *reterr)
{
    bool is_usage = strcmp(wish->category, "usage") == 0;
    return request_run(
        request, &statement_create,
        DB_PARAMS(request->new_id, db_text(row, 0, REF_TENANT), wish->category, wish->sku_kind, wish->sku, wish->tier,
                  request_int(request, wish->gpu_hours),
                  is_usage ? request_int(request, wish->unit_price.amount_u) : NULL, db_text(row, 0, REF_CURRENCY),
                  request_int(request, total), db_text(row, 0, REF_STARTS), db_text(row, 0, REF_ENDS),
                  request_int(request, wish->months), wish->payment_model, request_int(request, upfront_of(wish)),
                  request->caller.principal_id,
                  has_money(&wish->amount) ? request_int(request, money_minor_of_micro(wish->amount.amount_u, exponent))
                                           : NULL),
        NULL, reterr);
}

/* A spend commitment buys at the prices that hold, which were checked when they were made. */
static enum err_kind check_floor(struct request *request, const struct commitment *wish, const PGresult *row,
                                 struct err *reterr)
{
    if (wish->sku_kind == NULL)
        return ERR_NONE;
    const struct price_sale sale = {.sold_by = "commitment",
                                    .subject = {.sku_kind = wish->sku_kind,
                                                .sku = wish->sku,
                                                .currency = wish->unit_price.currency,
                                                .at_s = NULL}, /* as of now: it may begin years ahead */
                                    .tier = wish->tier,
                                    .tenant_id = db_text(row, 0, REF_TENANT),
                                    .least_u = wish->unit_price.amount_u,
                                    .reason = wish->below_floor_reason};
    return price_floor_check(request, &sale, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct commitment *wish = request->body;
    const PGresult *row = NULL;
    enum err_kind kind = request_run(
        request, &statement_references,
        DB_PARAMS(wish->tenant, wish->first_month, request_int(request, wish->months), wish->sku_kind, wish->sku), &row,
        reterr);
    if (kind != ERR_NONE)
        return kind;
    int exponent = 0;
    int64_t total = 0;
    if (PQntuples(row) == 0)
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", wish->tenant);
    else
        check_references(request, wish, row);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    kind = money_exponent(db_text(row, 0, REF_CURRENCY), &exponent, reterr);
    if (kind == ERR_NONE && !total_of(wish, exponent, &total)) {
        field_problem_add(&request->problems, "/months", "out_of_range", "the fees of the term do not fit");
        return request_invalid(request, reterr);
    }
    if (kind == ERR_NONE)
        kind = check_floor(request, wish, row, reterr);
    if (kind == ERR_NONE)
        kind = insert(request, wish, row, total, exponent, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, db_text(row, 0, REF_TENANT), NULL, "commitment", request->new_id, 1,
                             "commitment.created", reterr);
    return kind == ERR_NONE
               ? answer_object(request, response, 201, &statement_get, request->new_id, "commitment", reterr)
               : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_COMMITMENT
static const struct route commitment_routes[] = {
    {GET,  "/v1/commitments",                     ROLES_TENANT_MONEY,   RATE_READ,  .answer = &commitment_schema, .is_list = true, .run = list, .summary = "List commitments"},
    {GET,  "/v1/commitments/{id}",                ROLES_TENANT_MONEY,   RATE_READ,  .answer = &commitment_schema, ONE, .run = get, .summary = "One commitment"},
    {GET,  "/v1/commitments/{id}/periods",        ROLES_TENANT_MONEY,   RATE_READ,  .answer = &period_schema, .is_list = true, ONE, .run = list_periods, .summary = "What became of it, by billing period"},
    {GET,  "/v1/system/commitments",              ROLES_SYSTEM_READ,    RATE_READ,  .query = &query_schema, .answer = &commitment_schema, .is_list = true, .run = list, .summary = "List commitments"},
    {GET,  "/v1/system/commitments/{id}",         ROLES_SYSTEM_READ,    RATE_READ,  .answer = &commitment_schema, ONE, .run = get, .summary = "One commitment"},
    {GET,  "/v1/system/commitments/{id}/periods", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &period_schema, .is_list = true, ONE, .run = list_periods, .summary = "What became of it, by billing period"},
    {POST, "/v1/system/commitments",              ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &commitment_schema, .answer = &commitment_schema, .run = create, .replay = get, .problems = PROBLEMS("price_below_floor", "unknown_tenant", "unknown_instance_type"), .summary = "Make a commitment of a tenant"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const commitment_statements[] = {
    &statement_list, &statement_get, &statement_periods, &statement_references, &statement_create, NULL};

const struct resource commitment_resource = {
    "commitments", commitment_routes, commitment_statements,
    "What tenants have bound themselves to take per billing period, and what they used of it."};
