/* The price of a quote: its window cut at the versions of the price and at the tenant's billing months, each piece
 * rounded as a line of the invoice is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/quote_price.h"

#include "api/server/json_out.h"
#include "common/money.h"
#include "common/price_list.h"

#include <string.h>

#define HOUR_S 3600

/* Nothing is told of a window that nobody holds. */
static const struct db_stmt statement_terms = {
    .name = "quote_price_terms",
    .sql = "SELECT CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"
           " CASE WHEN r.instance_type_id IS NOT NULL THEN t.name"
           "      WHEN cardinality(r.gpu_models) = 1 THEN r.gpu_models[1] END,"
           " r.tier, w.currency, r.tenant_id, extract(epoch FROM r.granted_starts_at)::bigint,"
           " extract(epoch FROM r.granted_ends_at)::bigint, r.count * (r.gpu_count::bigint * 1000 + r.gpu_milli)"
           " FROM reservation_view r JOIN tenant w ON w.id = r.tenant_id"
           " LEFT JOIN instance_type t ON t.id = r.instance_type_id"
           " WHERE r.id = $1::uuid AND r.hold_until IS NOT NULL AND r.granted_starts_at IS NOT NULL"
           "   AND r.state NOT IN ('expired', 'cancelled')",
    .params = 1,
};
enum { TERM_KIND, TERM_SKU, TERM_TIER, TERM_CURRENCY, TERM_TENANT, TERM_STARTS, TERM_ENDS, TERM_GPU_MILLI };

/* The tenant's own versions first; each list in order of time. */
static const struct db_stmt statement_versions = {
    .name = "quote_price_versions",
    .sql = "SELECT tenant_id IS NOT NULL, gpu_hour_u, extract(epoch FROM lower(valid))::bigint,"
           " CASE WHEN upper(valid) < 'infinity' THEN extract(epoch FROM upper(valid))::bigint END"
           " FROM price WHERE sku_kind = $1 AND sku = $2 AND tier = $3 AND currency = $4"
           " AND (tenant_id IS NULL OR tenant_id = $5::uuid)"
           " AND valid && tstzrange(to_timestamp($6::bigint), to_timestamp($7::bigint))"
           " ORDER BY tenant_id IS NULL, lower(valid)",
    .params = 7,
};

/* The billing months that a window touches: their first instants, and the end of the last. */
static const struct db_stmt statement_months = {
    .name = "quote_price_months",
    .sql = "SELECT extract(epoch FROM m AT TIME ZONE w.billing_timezone)::bigint FROM tenant w CROSS JOIN LATERAL"
           " generate_series(date_trunc('month', to_timestamp($2::bigint) AT TIME ZONE w.billing_timezone),"
           "  date_trunc('month', to_timestamp($3::bigint) AT TIME ZONE w.billing_timezone) + interval '1 month',"
           "  interval '1 month') m WHERE w.id = $1::uuid ORDER BY m",
    .params = 3,
};

const struct db_stmt *const quote_price_statements[] = {&statement_terms, &statement_versions, &statement_months, NULL};

/* The prices that hold one after the other. */
struct prices {
    struct rating_price *items;
    size_t count;
};

static enum err_kind read_prices(struct request *request, const PGresult *terms, struct prices *ret, struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_versions,
                    DB_PARAMS(db_text(terms, 0, TERM_KIND), db_text(terms, 0, TERM_SKU), db_text(terms, 0, TERM_TIER),
                              db_text(terms, 0, TERM_CURRENCY), db_text(terms, 0, TERM_TENANT),
                              db_text(terms, 0, TERM_STARTS), db_text(terms, 0, TERM_ENDS)),
                    &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t count = (size_t)PQntuples(rows);
    size_t own_count = 0;
    struct rating_price *versions = arena_alloc(request->arena, (count + 1) * sizeof *versions);
    for (size_t i = 0; i < count; i++) {
        own_count += db_bool(rows, (int)i, 0);
        versions[i] = (struct rating_price){
            .unit_price_u = db_int(rows, (int)i, 1, 0),
            .valid = {.from_s = db_int(rows, (int)i, 2, 0), .to_s = db_int(rows, (int)i, 3, RATING_OPEN_END_S)}};
    }
    size_t most = PRICE_LIST_PIECES_MAX(own_count, count - own_count);
    size_t *version = arena_alloc(request->arena, (most + 1) * sizeof *version);
    ret->items = arena_alloc(request->arena, (most + 1) * sizeof *ret->items);
    ret->count = price_list_overlay(versions, own_count, versions + own_count, count - own_count, ret->items, version);
    return ERR_NONE;
}

/* Adds what [window] comes to within one billing month, line by line. */
static enum err_kind add_month(struct arena *arena, const struct prices *prices, struct rating_span month,
                               const struct rating_usage *usage, int64_t *amount_u, struct err *reterr)
{
    int64_t *gpu_milli_s = arena_alloc(arena, (prices->count + 1) * sizeof *gpu_milli_s);
    enum err_kind kind = rating_measure(month, usage, 1, prices->items, prices->count, gpu_milli_s, reterr);
    for (size_t i = 0; kind == ERR_NONE && i < prices->count; i++) {
        int64_t line_u = 0;
        kind = rating_amount(prices->items[i].unit_price_u, gpu_milli_s[i], &line_u, reterr);
        if (kind == ERR_NONE)
            kind = money_add(*amount_u, line_u, amount_u, reterr);
    }
    return kind;
}

static enum err_kind estimate(struct request *request, const PGresult *terms, const struct prices *prices,
                              const struct rating_usage *usage, int64_t *ret_u, struct err *reterr)
{
    const PGresult *months = NULL;
    enum err_kind kind = request_run(
        request, &statement_months,
        DB_PARAMS(db_text(terms, 0, TERM_TENANT), db_text(terms, 0, TERM_STARTS), db_text(terms, 0, TERM_ENDS)),
        &months, reterr);
    *ret_u = 0;
    for (int i = 0; kind == ERR_NONE && i + 1 < PQntuples(months); i++) {
        struct rating_span month = {.from_s = db_int(months, i, 0, 0), .to_s = db_int(months, i + 1, 0, 0)};
        kind = add_month(request->arena, prices, month, usage, ret_u, reterr);
    }
    return kind;
}

static void write_money(struct json_out *out, const char *key, int64_t amount_u, const char *currency)
{
    char text[MONEY_TEXT_SIZE];
    money_print(amount_u, text);
    json_out_key(out, key);
    json_out_open(out, '{');
    json_out_key(out, "amount");
    json_out_text(out, text);
    json_out_key(out, "currency");
    json_out_text(out, currency);
    json_out_close(out, '}');
}

static enum err_kind rate(struct request *request, const PGresult *terms, const char **ret, struct err *reterr)
{
    struct prices prices = {0};
    enum err_kind kind = read_prices(request, terms, &prices, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *currency = db_text(terms, 0, TERM_CURRENCY);
    bool is_open = db_text(terms, 0, TERM_ENDS) == NULL;
    struct rating_usage usage = {.gpu_milli = db_int(terms, 0, TERM_GPU_MILLI, 0),
                                 .span = {.from_s = db_int(terms, 0, TERM_STARTS, 0), .to_s = 0}};
    usage.span.to_s = db_int(terms, 0, TERM_ENDS, usage.span.from_s);
    if (prices.count == 0 || prices.items[0].valid.from_s > usage.span.from_s)
        return err_set(reterr, ERR_NOT_FOUND, "no price is valid at the start");
    int64_t hourly_u = 0;
    int64_t total_u = 0;
    kind = rating_amount(prices.items[0].unit_price_u, usage.gpu_milli * HOUR_S, &hourly_u, reterr);
    if (kind == ERR_NONE && !is_open)
        kind = estimate(request, terms, &prices, &usage, &total_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct json_out out;
    json_out_init(&out, request->arena);
    json_out_open(&out, '{');
    write_money(&out, "hourly", hourly_u, currency);
    if (is_open) {
        json_out_key(&out, "estimate");
        json_out_null(&out);
    } else {
        write_money(&out, "estimate", total_u, currency);
    }
    json_out_close(&out, '}');
    *ret = json_out_finish(&out);
    return ERR_NONE;
}

enum err_kind quote_price(struct request *request, const char *quote_id, const char **ret, struct err *reterr)
{
    *ret = NULL;
    const PGresult *terms = NULL;
    enum err_kind kind = request_run(request, &statement_terms, DB_PARAMS(quote_id), &terms, reterr);
    if (kind != ERR_NONE || PQntuples(terms) == 0 || db_text(terms, 0, TERM_SKU) == NULL)
        return kind;
    struct err err = {0};
    kind = rate(request, terms, ret, &err);
    if (kind == ERR_NOT_FOUND || kind == ERR_INVALID)
        return ERR_NONE; /* no price, or more than can be said: a quote holds all the same */
    *reterr = err;
    return kind;
}
