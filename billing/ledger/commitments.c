/* Fees, their parts, and outcomes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/commitments.h"

#include "common/alloc.h"

static const struct db_stmt statement_load = {
    .name = "commitments_load",
    .sql = "SELECT id, category = 'spend', coalesce(sku_kind, ''), coalesce(sku, ''), tier,"
           "  coalesce(gpu_hours, 0), currency, total_minor, upfront_bp, months,"
           "  extract(epoch FROM starts_at)::bigint, extract(epoch FROM ends_at)::bigint,"
           "  tenant_id, (SELECT extract(year FROM a.age) * 12 + extract(month FROM a.age)"
           "   FROM tenant t CROSS JOIN LATERAL (SELECT age(to_timestamp($2::bigint) AT TIME ZONE t.billing_timezone,"
           "               c.starts_at AT TIME ZONE t.billing_timezone) AS age) a WHERE t.id = c.tenant_id)::bigint"
           "  FROM commitment c WHERE tenant_id = $1::uuid AND starts_at <= to_timestamp($2::bigint)"
           "   AND ends_at >= to_timestamp($3::bigint) ORDER BY starts_at, id",
    .params = 3,
};
enum { ID, IS_SPEND, KIND, SKU, TIER, GPU_HOURS, CURRENCY, TOTAL, UPFRONT, MONTHS, STARTS, ENDS, TENANT, NUMBER };

static const struct db_stmt statement_write = {
    .name = "commitments_write",
    .sql = "INSERT INTO commitment_period (commitment_id, period_start, tenant_id, period_end, used_gpu_milli_seconds,"
           "  overage_gpu_milli_seconds, cost_u, used_u, overage_u, billed_u, rated_until)"
           " SELECT x.id, to_timestamp($2::bigint), $3::uuid, to_timestamp($4::bigint), x.used, x.overage, x.cost_u,"
           "  x.used_u, x.overage_u, x.billed_u, to_timestamp($5::bigint)"
           "   FROM unnest($1::uuid[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],"
           "    $11::bigint[]) AS x (id, used, overage, cost_u, used_u, overage_u, billed_u)"
           " ON CONFLICT (commitment_id, period_start) DO UPDATE SET"
           "  used_gpu_milli_seconds = excluded.used_gpu_milli_seconds,"
           "  overage_gpu_milli_seconds = excluded.overage_gpu_milli_seconds, cost_u = excluded.cost_u,"
           "  used_u = excluded.used_u, overage_u = excluded.overage_u, billed_u = excluded.billed_u,"
           "  rated_until = greatest(commitment_period.rated_until, excluded.rated_until)",
    .params = 11,
};

const struct db_stmt *const commitments_statements[] = {&statement_load, &statement_write, NULL};

void committed_release(struct committed *committed)
{
    PQclear(committed->rows);
    free(committed->list);
    free(committed->billed_u);
    *committed = (struct committed){0};
}

static enum err_kind read_one(struct committed *committed, int row, struct err *reterr)
{
    const PGresult *rows = committed->rows;
    struct rate_commitment *one = &committed->list[row];
    *one = (struct rate_commitment){
        .id = db_identity(rows, row, ID),
        .sku_kind = db_text(rows, row, KIND),
        .sku = db_text(rows, row, SKU),
        .tier = db_text(rows, row, TIER),
        .terms = {.is_spend = db_bool(rows, row, IS_SPEND),
                  .gpu_milli_s = db_int(rows, row, GPU_HOURS, 0) * TARIFF_GPU_MILLI_S_PER_GPU_H},
    };
    struct commitment_term term = {
        .total_minor = db_int(rows, row, TOTAL, 0),
        .upfront_bp = db_int(rows, row, UPFRONT, 0),
        .periods = db_int(rows, row, MONTHS, 0),
        .from_s = db_int(rows, row, STARTS, 0),
        .to_s = db_int(rows, row, ENDS, 0),
    };
    struct commitment_cost cost = {0};
    int exponent = 0;
    enum err_kind kind = money_exponent(db_text(rows, row, CURRENCY), &exponent, reterr);
    if (kind == ERR_NONE)
        kind = commitment_cost_of_period(&term, db_int(rows, row, NUMBER, 0), committed->starts_s, committed->ends_s,
                                         &cost, reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(cost.billed_minor, exponent, &committed->billed_u[row], reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(cost.cost_minor, exponent, &one->terms.cost_u, reterr);
    return kind;
}

enum err_kind committed_load(struct db *db, const char *tenant, int64_t starts_s, int64_t ends_s, struct committed *ret,
                             struct err *reterr)
{
    char starts[DB_INT_TEXT_SIZE];
    char ends[DB_INT_TEXT_SIZE];
    *ret = (struct committed){.starts_s = starts_s, .ends_s = ends_s};
    enum err_kind kind =
        db_run(db, &statement_load, DB_PARAMS(tenant, db_int_param(starts, starts_s), db_int_param(ends, ends_s)),
               &ret->rows, reterr);
    if (kind != ERR_NONE || PQntuples(ret->rows) == 0)
        return kind;
    ret->count = (size_t)PQntuples(ret->rows);
    ret->tenant = db_identity(ret->rows, 0, TENANT);
    ret->list = alloc_zero(ret->count, sizeof *ret->list);
    ret->billed_u = alloc_zero(ret->count, sizeof *ret->billed_u);
    for (int row = 0; row < PQntuples(ret->rows) && kind == ERR_NONE; row++)
        kind = read_one(ret, row, reterr);
    return kind;
}

enum err_kind committed_add_fees(const struct committed *committed, bool is_over, struct rated_lines *lines,
                                 struct err *reterr)
{
    for (size_t i = 0; i < committed->count; i++) {
        const struct rating_commitment *terms = &committed->list[i].terms;
        struct rated_line fee = {
            .key = {.period_start_s = committed->starts_s,
                    .commitment = committed->list[i].id,
                    .category = CHARGE_PURCHASE},
            .tenant = committed->tenant,
            .period_end_s = committed->ends_s,
            .currency = db_text(committed->rows, (int)i, CURRENCY),
            .list_u = committed->billed_u[i],
            .contracted_u = committed->billed_u[i],
            .billed_u = committed->billed_u[i],
        };
        rated_lines_push(lines, &fee);
        if (!is_over)
            continue;
        struct rated_line unused = fee;
        unused.key.category = CHARGE_USAGE;
        unused.key.commitment_status = CAPACITY_UNUSED;
        unused.list_u = unused.contracted_u = unused.billed_u = 0;
        unused.gpu_milli_s = terms->is_spend ? 0 : terms->gpu_milli_s - terms->used_gpu_milli_s;
        unused.effective_u = terms->cost_u - terms->used_u;
        rated_lines_push(lines, &unused);
    }
    return rated_lines_merge(lines, reterr);
}

enum err_kind committed_write(const struct committed *committed, struct db *db, int64_t until_s, struct err *reterr)
{
    if (committed->count == 0)
        return ERR_NONE;
    enum { ARRAY_ID, ARRAY_USED, ARRAY_OVERAGE, ARRAY_COST, ARRAY_USED_U, ARRAY_OVERAGE_U, ARRAY_BILLED, ARRAYS };
    struct db_array arrays[ARRAYS] = {0};
    for (size_t i = 0; i < committed->count; i++) {
        const struct rating_commitment *terms = &committed->list[i].terms;
        db_array_identity(&arrays[ARRAY_ID], committed->list[i].id);
        db_array_int(&arrays[ARRAY_USED], terms->used_gpu_milli_s);
        db_array_int(&arrays[ARRAY_OVERAGE], terms->overage_gpu_milli_s);
        db_array_int(&arrays[ARRAY_COST], terms->cost_u);
        db_array_int(&arrays[ARRAY_USED_U], terms->used_u);
        db_array_int(&arrays[ARRAY_OVERAGE_U], terms->overage_u);
        db_array_int(&arrays[ARRAY_BILLED], committed->billed_u[i]);
    }
    char tenant[UUID_TEXT_SIZE];
    char texts[3][DB_INT_TEXT_SIZE];
    identity_to_uuid(committed->tenant, tenant);
    enum err_kind kind =
        db_run(db, &statement_write,
               DB_PARAMS(db_array_param(&arrays[ARRAY_ID]), db_int_param(texts[0], committed->starts_s), tenant,
                         db_int_param(texts[1], committed->ends_s), db_int_param(texts[2], until_s),
                         db_array_param(&arrays[ARRAY_USED]), db_array_param(&arrays[ARRAY_OVERAGE]),
                         db_array_param(&arrays[ARRAY_COST]), db_array_param(&arrays[ARRAY_USED_U]),
                         db_array_param(&arrays[ARRAY_OVERAGE_U]), db_array_param(&arrays[ARRAY_BILLED])),
               NULL, reterr);
    for (int i = 0; i < ARRAYS; i++)
        db_array_clear(&arrays[i]);
    return kind;
}
