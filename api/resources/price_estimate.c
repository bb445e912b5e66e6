/* A window's price: cut at the versions of the price and at the tenant's billing months, each piece rounded as a line
 * of the invoice is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_estimate.h"

#include "api/server/json_out.h"
#include "common/money.h"
#include "common/price_list.h"

#include <string.h>

#define HOUR_S 3600

/* The tenant's own versions first; each list in order of time. */
static const struct db_stmt statement_versions = {
    .name = "price_estimate_versions",
    .sql = "SELECT tenant_id IS NOT NULL, gpu_hour_u, extract(epoch FROM lower(valid))::bigint,"
           " CASE WHEN upper(valid) < 'infinity' THEN extract(epoch FROM upper(valid))::bigint END"
           " FROM price WHERE sku_kind = $1 AND sku = $2 AND tier = $3 AND currency = $4"
           " AND (tenant_id IS NULL OR tenant_id = $5::uuid) AND withdrawn_at IS NULL"
           " AND valid && tstzrange(to_timestamp($6::bigint), to_timestamp($7::bigint))"
           " ORDER BY tenant_id IS NULL, lower(valid)",
    .params = 7,
};

/* The billing months that a window touches: their first instants, and the end of the last. */
static const struct db_stmt statement_months = {
    .name = "price_estimate_months",
    .sql = "SELECT extract(epoch FROM m AT TIME ZONE w.zone)::bigint FROM"
           " (SELECT coalesce((SELECT billing_timezone FROM tenant WHERE id = $1::uuid), 'UTC') AS zone) w"
           " CROSS JOIN LATERAL generate_series(date_trunc('month', to_timestamp($2::bigint) AT TIME ZONE w.zone),"
           "  date_trunc('month', to_timestamp($3::bigint) AT TIME ZONE w.zone) + interval '1 month',"
           "  interval '1 month') m ORDER BY m",
    .params = 3,
};

const struct db_stmt *const price_estimate_statements[] = {&statement_versions, &statement_months, NULL};

/* The prices that hold one after the other. */
struct prices {
    struct rating_price *items;
    size_t count;
};

static enum err_kind read_prices(struct request *request, const struct price_terms *terms, struct prices *ret,
                                 struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_versions,
                    DB_PARAMS(terms->sku_kind, terms->sku, terms->tier, terms->currency, terms->tenant_id,
                              request_int(request, terms->starts_s), request_int(request, terms->ends_s)),
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

static enum err_kind sum_months(struct request *request, const struct price_terms *terms, const struct prices *prices,
                                const struct rating_usage *usage, int64_t *ret_u, struct err *reterr)
{
    const PGresult *months = NULL;
    enum err_kind kind = request_run(
        request, &statement_months,
        DB_PARAMS(terms->tenant_id, request_int(request, terms->starts_s), request_int(request, terms->ends_s)),
        &months, reterr);
    *ret_u = 0;
    for (int i = 0; kind == ERR_NONE && i + 1 < PQntuples(months); i++) {
        struct rating_span month = {.from_s = db_int(months, i, 0, 0), .to_s = db_int(months, i + 1, 0, 0)};
        kind = add_month(request->arena, prices, month, usage, ret_u, reterr);
    }
    return kind;
}

/* ERR_NOT_FOUND where a second has no price, ERR_INVALID where the amount does not fit. */
static enum err_kind rate(struct request *request, const struct price_terms *terms, struct price_estimate *ret,
                          struct err *reterr)
{
    struct prices prices = {0};
    enum err_kind kind = read_prices(request, terms, &prices, reterr);
    if (kind != ERR_NONE)
        return kind;
    for (size_t i = 0; i < prices.count; i++) {
        if (prices.items[i].unit_price_u > ret->highest_price_u)
            ret->highest_price_u = prices.items[i].unit_price_u;
    }
    if (prices.count == 0 || prices.items[0].valid.from_s > terms->starts_s)
        return err_set(reterr, ERR_NOT_FOUND, "no price is valid at the start");
    bool is_open = terms->ends_s == FIELD_NULL;
    struct rating_usage usage = {
        .gpu_milli = terms->gpu_milli,
        .span = {.from_s = terms->starts_s, .to_s = is_open ? terms->starts_s : terms->ends_s}};
    kind = rating_amount(prices.items[0].unit_price_u, usage.gpu_milli * HOUR_S, &ret->hourly_u, reterr);
    ret->total_u = FIELD_NULL;
    if (kind == ERR_NONE && !is_open)
        kind = sum_months(request, terms, &prices, &usage, &ret->total_u, reterr);
    return kind;
}

enum err_kind price_estimate(struct request *request, const struct price_terms *terms, struct price_estimate *ret,
                             struct err *reterr)
{
    *ret = (struct price_estimate){0};
    if (terms->sku == NULL)
        return ERR_NONE;
    struct err err = {0};
    enum err_kind kind = rate(request, terms, ret, &err);
    ret->is_known = kind == ERR_NONE;
    if (kind == ERR_NONE || kind == ERR_NOT_FOUND || kind == ERR_INVALID)
        return ERR_NONE; /* no price, or more than can be said */
    *reterr = err;
    return kind;
}

void price_money_out(struct json_out *out, int64_t amount_u, const char *currency)
{
    char text[MONEY_TEXT_SIZE];
    money_print(amount_u, text);
    json_out_open(out, '{');
    json_out_key(out, "amount");
    json_out_text(out, text);
    json_out_key(out, "currency");
    json_out_text(out, currency);
    json_out_close(out, '}');
}

void price_estimate_out(struct json_out *out, const struct price_estimate *estimate, const char *currency)
{
    if (!estimate->is_known) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    json_out_key(out, "hourly");
    price_money_out(out, estimate->hourly_u, currency);
    json_out_key(out, "estimate");
    if (estimate->total_u == FIELD_NULL)
        json_out_null(out);
    else
        price_money_out(out, estimate->total_u, currency);
    json_out_close(out, '}');
}
