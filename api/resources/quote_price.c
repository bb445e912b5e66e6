/* The terms of a quote, their estimate, and what is metered besides. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/quote_price.h"

struct metered {
    const char *meter, *unit, *price, *model;
    struct field_money unit_price;
};

// clang-format off
static const struct field metered_fields[] = {
    FIELD_TEXT ("meter",      struct metered, meter, .flags = FIELD_READ_ONLY, .help = "Name of the meter"),
    FIELD_TEXT ("unit",       struct metered, unit, .flags = FIELD_READ_ONLY, .help = "The unit that is priced"),
    FIELD_ID   ("price",      struct metered, price, .identity = IDENTITY_PRICE, .flags = FIELD_READ_ONLY, .help = "The version that holds at its start, with all its terms: GET /v1/prices/{id}"),
    FIELD_TEXT ("model",      struct metered, model, .flags = FIELD_READ_ONLY, .help = "How it counts: flat, graduated, volume or package"),
    FIELD_MONEY("unit_price", struct metered, unit_price, .flags = FIELD_READ_ONLY, .help = "Of a unit, before discounts; with tiers that of the first"),
    FIELDS_END,
};

const struct field quote_price_fields[] = {
    FIELD_COLUMN_WITH("hourly",   FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "An hour of all its instances, at the price of its start"),
    FIELD_COLUMN_WITH("estimate", FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "All of it, as the invoice would rate it if everything is delivered and nothing is metered, before tax; null: open-ended"),
    FIELD_COLUMN("metered", FIELD_TYPE_ROWS, .fields = metered_fields, .help = "What is charged besides where its use is reported: the meters, 100 at most, that have a price for it. Estimated: no usage assumed"),
    FIELDS_END,
};
// clang-format on

/* Of each meter the price that holds at an instant: the project's own before its tenant's, and that before the list's.
 */
static const struct db_stmt statement_metered = {
    .name = "quote_price_metered",
    .sql = "SELECT DISTINCT ON (m.name) m.name, meter_priced_unit(m.aggregation, m.unit), p.id, p.model, p.gpu_hour_u"
           "  FROM meter m JOIN price p ON p.sku_kind = 'meter' AND p.sku = m.name AND p.currency = $2::text"
           "   AND p.withdrawn_at IS NULL AND p.valid @> to_timestamp($4::bigint)"
           "   AND (p.tenant_id IS NULL"
           "    OR p.tenant_id = $1::uuid AND (p.project IS NULL OR p.project = $3::text))"
           " WHERE m.retired_at IS NULL OR m.retired_at > to_timestamp($4::bigint)"
           " ORDER BY m.name, p.tenant_id NULLS LAST, p.project NULLS LAST LIMIT 100",
    .params = 4,
};
enum { METERED_METER, METERED_UNIT, METERED_PRICE, METERED_MODEL, METERED_UNIT_PRICE };

/* Nothing is told of a window that nobody holds. */
static const struct db_stmt statement_terms = {
    .name = "quote_price_terms",
    .sql = "SELECT CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"
           " CASE WHEN r.instance_type_id IS NOT NULL THEN t.name"
           "      WHEN cardinality(r.gpu_models) = 1 THEN r.gpu_models[1] END,"
           " r.tier, w.currency, r.tenant_id, extract(epoch FROM r.granted_starts_at)::bigint,"
           " extract(epoch FROM r.granted_ends_at)::bigint, r.count * (r.gpu_count::bigint * 1000 + r.gpu_milli),"
           " r.project, r.count"
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
    TERM_PROJECT,
    TERM_COUNT
};

const struct db_stmt *const quote_price_statements[] = {&statement_metered, &statement_terms, NULL};

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
        .count = db_int(row, 0, TERM_COUNT, 0),
    };
    return price_estimate(request, ret_terms, ret, reterr);
}

static void write_metered(struct json_out *out, const PGresult *rows, const char *currency)
{
    json_out_key(out, "metered");
    json_out_open(out, '[');
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct metered metered = {
            .meter = db_text(rows, row, METERED_METER),
            .unit = db_text(rows, row, METERED_UNIT),
            .price = db_text(rows, row, METERED_PRICE),
            .model = db_text(rows, row, METERED_MODEL),
            .unit_price = {db_int(rows, row, METERED_UNIT_PRICE, 0), currency},
        };
        field_write_struct(metered_fields, &metered, out);
    }
    json_out_close(out, ']');
}

enum err_kind quote_price_json(struct request *request, const struct price_terms *terms,
                               const struct price_estimate *estimate, const char **ret, struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_metered,
                    DB_PARAMS(terms->tenant_id, terms->currency, terms->project, request_int(request, terms->starts_s)),
                    &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct json_out out;
    json_out_init(&out, request->arena);
    json_out_open(&out, '{');
    price_estimate_members(&out, estimate, terms->currency);
    write_metered(&out, rows, terms->currency);
    json_out_close(&out, '}');
    *ret = json_out_finish(&out);
    return ERR_NONE;
}

enum err_kind quote_price(struct request *request, const char *quote_id, const char **ret, struct err *reterr)
{
    struct price_estimate estimate;
    struct price_terms terms;
    *ret = NULL;
    enum err_kind kind = quote_estimate(request, quote_id, &terms, &estimate, reterr);
    return kind == ERR_NONE && estimate.is_known ? quote_price_json(request, &terms, &estimate, ret, reterr) : kind;
}
