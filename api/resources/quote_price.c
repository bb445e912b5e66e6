/* The terms of a quote, and their estimate. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/quote_price.h"

/* Nothing is told of a window that nobody holds. */
static const struct db_stmt statement_terms = {
    .name = "quote_price_terms",
    .sql = "SELECT CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"
           " CASE WHEN r.instance_type_id IS NOT NULL THEN t.name"
           "      WHEN cardinality(r.gpu_models) = 1 THEN r.gpu_models[1] END,"
           " r.tier, w.currency, r.tenant_id, extract(epoch FROM r.granted_starts_at)::bigint,"
           " extract(epoch FROM r.granted_ends_at)::bigint, r.count * (r.gpu_count::bigint * 1000 + r.gpu_milli),"
           " r.project"
           " FROM reservation_view r JOIN tenant w ON w.id = r.tenant_id"
           " LEFT JOIN instance_type t ON t.id = r.instance_type_id"
           " WHERE r.id = $1::uuid AND r.hold_until IS NOT NULL AND r.granted_starts_at IS NOT NULL"
           "   AND r.state NOT IN ('expired', 'cancelled')",
    .params = 1,
};
enum {
    TERM_KIND,
    TERM_SKU,
    TERM_TIER,
    TERM_CURRENCY,
    TERM_TENANT,
    TERM_STARTS,
    TERM_ENDS,
    TERM_GPU_MILLI,
    TERM_PROJECT
};

const struct db_stmt *const quote_price_statements[] = {&statement_terms, NULL};

enum err_kind quote_estimate(struct request *request, const char *quote_id, struct price_terms *ret_terms,
                             struct price_estimate *ret, struct err *reterr)
{
    *ret = (struct price_estimate){0};
    *ret_terms = (struct price_terms){0};
    const PGresult *row = NULL;
    enum err_kind kind = request_run(request, &statement_terms, DB_PARAMS(quote_id), &row, reterr);
    if (kind != ERR_NONE || PQntuples(row) == 0)
        return kind;
    *ret_terms = (struct price_terms){
        .sku_kind = db_text(row, 0, TERM_KIND),
        .sku = db_text(row, 0, TERM_SKU),
        .tier = db_text(row, 0, TERM_TIER),
        .currency = db_text(row, 0, TERM_CURRENCY),
        .tenant_id = db_text(row, 0, TERM_TENANT),
        .project = db_text(row, 0, TERM_PROJECT),
        .starts_s = db_int(row, 0, TERM_STARTS, 0),
        .ends_s = db_int(row, 0, TERM_ENDS, FIELD_NULL),
        .gpu_milli = db_int(row, 0, TERM_GPU_MILLI, 0),
    };
    return price_estimate(request, ret_terms, ret, reterr);
}

enum err_kind quote_price(struct request *request, const char *quote_id, const char **ret, struct err *reterr)
{
    struct price_estimate estimate;
    struct price_terms terms;
    *ret = NULL;
    enum err_kind kind = quote_estimate(request, quote_id, &terms, &estimate, reterr);
    if (kind != ERR_NONE || !estimate.is_known)
        return kind;
    struct json_out out;
    json_out_init(&out, request->arena);
    price_estimate_out(&out, &estimate, terms.currency);
    *ret = json_out_finish(&out);
    return ERR_NONE;
}
