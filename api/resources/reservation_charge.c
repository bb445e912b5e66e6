/* The rest of a reservation, rated as the invoice would, and the policy's share of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation_charge.h"

#include "api/resources/price_estimate.h"
#include "api/server/json_out.h"
#include "common/money.h"

/* From now on, or from its start; no start: it holds nothing, or gives it back already. Notice is what is left until
 * its start, or, once it has begun, until its end. */
static const struct db_stmt statement_rest = {
    .name = "reservation_rest",
    .sql = "SELECT CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"
           " CASE WHEN r.instance_type_id IS NOT NULL THEN t.name"
           "      WHEN cardinality(r.gpu_models) = 1 THEN r.gpu_models[1] END,"
           " r.tier, w.currency, r.tenant_id,"
           " CASE WHEN r.state IN ('scheduled', 'activating', 'active') AND r.cancel_requested_at IS NULL"
           "      THEN extract(epoch FROM greatest(r.granted_starts_at, sluice_now()))::bigint END,"
           " extract(epoch FROM r.granted_ends_at)::bigint, r.count * (r.gpu_count::bigint * 1000 + r.gpu_milli),"
           " r.project, n.kind, p.id, p.share_bp"
           " FROM reservation_view r JOIN tenant w ON w.id = r.tenant_id"
           " LEFT JOIN instance_type t ON t.id = r.instance_type_id"
           " CROSS JOIN LATERAL (SELECT CASE WHEN r.granted_starts_at > sluice_now() THEN 'cancellation'"
           "   ELSE 'early_release' END AS kind, extract(epoch FROM CASE WHEN r.granted_starts_at > sluice_now()"
           "   THEN r.granted_starts_at ELSE r.granted_ends_at END - sluice_now()) AS notice_s) n"
           " LEFT JOIN LATERAL (SELECT c.id, (SELECT (e->>'share_bp')::bigint FROM jsonb_array_elements(c.steps) e"
           "    WHERE (e->>'least')::bigint <= n.notice_s ORDER BY (e->>'least')::bigint DESC LIMIT 1) AS share_bp"
           "   FROM charge_policy c WHERE c.kind = n.kind AND c.tier = r.tier AND c.valid @> sluice_now()"
           "    AND (c.tenant_id IS NULL OR c.tenant_id = r.tenant_id) ORDER BY c.tenant_id IS NULL LIMIT 1) p ON true"
           " WHERE r.id = $1::uuid",
    .params = 1,
};
enum {
    REST_SKU_KIND,
    REST_SKU,
    REST_TIER,
    REST_CURRENCY,
    REST_TENANT,
    REST_STARTS,
    REST_ENDS,
    REST_GPU_MILLI,
    REST_PROJECT,
    REST_KIND,
    REST_POLICY,
    REST_SHARE,
};

static const struct db_stmt statement_wish = {
    .name = "reservation_charge_wish",
    .sql = "INSERT INTO cancellation (reservation_id, tenant_id, kind, policy_id, requested_at, currency, remaining_u,"
           "  charge_bp) VALUES ($1::uuid, $2::uuid, $3, $4::uuid, sluice_now(), $5, $6::bigint, $7::integer)"
           " ON CONFLICT (reservation_id) DO NOTHING",
    .params = 7,
};

const struct db_stmt *const reservation_charge_statements[] = {&statement_rest, &statement_wish, NULL};

enum err_kind reservation_charge_find(struct request *request, struct reservation_charge *ret, struct err *reterr)
{
    *ret = (struct reservation_charge){0};
    const PGresult *row = NULL;
    enum err_kind kind = request_run(request, &statement_rest, DB_PARAMS(request->object), &row, reterr);
    if (kind != ERR_NONE || PQntuples(row) == 0)
        return kind;
    const struct price_terms terms = {
        .sku_kind = db_text(row, 0, REST_SKU_KIND),
        .sku = db_text(row, 0, REST_SKU),
        .tier = db_text(row, 0, REST_TIER),
        .currency = db_text(row, 0, REST_CURRENCY),
        .tenant_id = db_text(row, 0, REST_TENANT),
        .project = db_text(row, 0, REST_PROJECT),
        .starts_s = db_int(row, 0, REST_STARTS, FIELD_NULL),
        .ends_s = db_int(row, 0, REST_ENDS, FIELD_NULL),
        .gpu_milli = db_int(row, 0, REST_GPU_MILLI, 0),
    };
    *ret = (struct reservation_charge){
        .is_known = terms.starts_s == FIELD_NULL,
        .holds_something = terms.starts_s != FIELD_NULL,
        .kind = db_text(row, 0, REST_KIND),
        .policy_id = db_text(row, 0, REST_POLICY),
        .tenant_id = terms.tenant_id,
        .currency = terms.currency,
        .share_bp = db_int(row, 0, REST_SHARE, 0),
    };
    if (!ret->holds_something || terms.ends_s == FIELD_NULL || terms.sku == NULL)
        return ERR_NONE;
    struct price_estimate estimate = {0};
    kind = price_estimate(request, &terms, &estimate, reterr);
    if (kind != ERR_NONE || !estimate.is_known)
        return kind;
    ret->is_known = true;
    ret->remaining_u = estimate.total_u;
    return money_round((money_wide)ret->remaining_u * ret->share_bp, MONEY_BASIS_POINTS, MONEY_HALF_EVEN,
                       &ret->charge_u, reterr);
}

const char *reservation_charge_delta(struct request *request, const struct reservation_charge *charge)
{
    struct json_out out;
    json_out_init(&out, request->arena);
    if (charge->is_known)
        price_money_out(&out, charge->charge_u - charge->remaining_u, charge->currency);
    else
        json_out_null(&out);
    return json_out_finish(&out);
}

enum err_kind reservation_charge_wish(struct request *request, const struct reservation_charge *charge,
                                      struct err *reterr)
{
    if (!charge->is_known || !charge->holds_something || charge->policy_id == NULL)
        return ERR_NONE;                      /* nothing is charged by no rule, nor of what has no end */
    if (charge->charge_u > MONEY_LINE_MOST_U) /* what is asked for here stands: the price is to be mended first */
        return err_set_code(reterr, ERR_INVALID, "amount_out_of_range", "the charge is more than the books can add up");
    return request_run(request, &statement_wish,
                       DB_PARAMS(request->object, charge->tenant_id, charge->kind, charge->policy_id, charge->currency,
                                 request_int(request, charge->remaining_u), request_int(request, charge->share_bp)),
                       NULL, reterr);
}
