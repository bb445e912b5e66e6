/* The rest of a reservation, rated as the invoice would. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation_charge.h"

#include "api/resources/price_estimate.h"

/* From now on, or from its start; no start: it holds nothing, or gives it back already. */
static const struct db_stmt statement_rest = {
    .name = "reservation_rest",
    .sql = "SELECT CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"
           " CASE WHEN r.instance_type_id IS NOT NULL THEN t.name"
           "      WHEN cardinality(r.gpu_models) = 1 THEN r.gpu_models[1] END,"
           " r.tier, w.currency, r.tenant_id,"
           " CASE WHEN r.state IN ('scheduled', 'activating', 'active') AND r.cancel_requested_at IS NULL"
           "      THEN extract(epoch FROM greatest(r.granted_starts_at, sluice_now()))::bigint END,"
           " extract(epoch FROM r.granted_ends_at)::bigint, r.count * (r.gpu_count::bigint * 1000 + r.gpu_milli)"
           " FROM reservation_view r JOIN tenant w ON w.id = r.tenant_id"
           " LEFT JOIN instance_type t ON t.id = r.instance_type_id WHERE r.id = $1::uuid",
    .params = 1,
};
enum { REST_KIND, REST_SKU, REST_TIER, REST_CURRENCY, REST_TENANT, REST_STARTS, REST_ENDS, REST_GPU_MILLI };

const struct db_stmt *const reservation_charge_statements[] = {&statement_rest, NULL};

enum err_kind reservation_tell_spared(struct request *request, struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind = request_run(request, &statement_rest, DB_PARAMS(request->object), &row, reterr);
    if (kind != ERR_NONE || PQntuples(row) == 0)
        return kind;
    const struct price_terms terms = {
        .sku_kind = db_text(row, 0, REST_KIND),
        .sku = db_text(row, 0, REST_SKU),
        .tier = db_text(row, 0, REST_TIER),
        .currency = db_text(row, 0, REST_CURRENCY),
        .tenant_id = db_text(row, 0, REST_TENANT),
        .starts_s = db_int(row, 0, REST_STARTS, FIELD_NULL),
        .ends_s = db_int(row, 0, REST_ENDS, FIELD_NULL),
        .gpu_milli = db_int(row, 0, REST_GPU_MILLI, 0),
    };
    bool holds_nothing = terms.starts_s == FIELD_NULL;
    bool is_rateable = !holds_nothing && terms.ends_s != FIELD_NULL && terms.sku != NULL;
    struct price_estimate estimate = {.is_known = holds_nothing};
    if (is_rateable)
        kind = price_estimate(request, &terms, &estimate, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct json_out out;
    json_out_init(&out, request->arena);
    if (estimate.is_known)
        price_money_out(&out, -estimate.total_u, terms.currency);
    else
        json_out_null(&out);
    request_cost_delta(request, json_out_finish(&out));
    return ERR_NONE;
}
