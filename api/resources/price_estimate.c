/* A window's price: what holds second by second, a line per price version and billing month, each rated as the invoice
 * would. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_estimate.h"

#include "api/server/json_out.h"
#include "common/money.h"

#include <string.h>

#define HOUR_S 3600

/* The billing months that a window touches: their first instants, and the end of the last; and the zone they are of. */
static const struct db_stmt statement_months = {
    .name = "price_estimate_months",
    .sql = "SELECT extract(epoch FROM m AT TIME ZONE w.zone)::bigint, w.zone FROM"
           " (SELECT coalesce((SELECT billing_timezone FROM tenant WHERE id = $1::uuid), 'UTC') AS zone) w"
           " CROSS JOIN LATERAL generate_series(date_trunc('month', to_timestamp($2::bigint) AT TIME ZONE w.zone),"
           "  date_trunc('month', to_timestamp($3::bigint) AT TIME ZONE w.zone) + interval '1 month',"
           "  interval '1 month') m ORDER BY m",
    .params = 3,
};

const struct db_stmt *const price_estimate_statements[] = {&statement_months, NULL};

/* What holds within a window, and the billing months it touches. */
struct pricing {
    struct price_book book;
    struct price_choice choice;
    const PGresult *months;
};

static void pricing_release(struct pricing *pricing)
{
    price_choice_release(&pricing->choice);
    price_book_release(&pricing->book);
}

enum err_kind price_ask(void *request, const struct db_stmt *stmt, const char *const *params, const PGresult **ret,
                        struct err *reterr)
{
    return request_run(request, stmt, params, ret, reterr);
}

static enum err_kind pricing_load(struct request *request, const struct price_terms *terms, struct pricing *ret,
                                  struct err *reterr)
{
    int64_t ends_s = terms->ends_s == FIELD_NULL ? terms->starts_s + 1 : terms->ends_s;
    enum err_kind kind =
        request_run(request, &statement_months,
                    DB_PARAMS(terms->tenant_id, request_int(request, terms->starts_s), request_int(request, ends_s)),
                    &ret->months, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct price_scope scope = {.from_s = terms->starts_s,
                                .to_s = ends_s,
                                .sku_kind = terms->sku_kind,
                                .sku = terms->sku,
                                .tenant = terms->tenant_id};
    struct price_customer customer = {.project = terms->project, .zone = db_text(ret->months, 0, 1)};
    if (terms->tenant_id != NULL)
        kind = identity_from_uuid(terms->tenant_id, &customer.tenant, reterr);
    if (kind == ERR_NONE)
        kind = price_book_read(price_ask, request, &scope, &ret->book, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct sku sku = {.kind = terms->sku_kind, .name = terms->sku, .tier = terms->tier, .currency = terms->currency};
    price_book_choose(&ret->book, &sku, &customer, &ret->choice);
    return ERR_NONE;
}

static int by_version(const void *a, const void *b)
{
    const struct rating_item *one = a;
    const struct rating_item *other = b;
    return (one->group > other->group) - (one->group < other->group);
}

enum err_kind price_month_add(struct request *request, const struct price_book *book, const struct price_choice *choice,
                              struct rating_span month, const struct rating_usage *usage, size_t usage_count,
                              int64_t *amount_u, struct err *reterr)
{
    size_t most = choice->count + 1;
    int64_t *gpu_milli_s = arena_alloc(request->arena, most * sizeof *gpu_milli_s);
    struct rating_item *items = arena_alloc(request->arena, most * sizeof *items);
    enum err_kind kind = rating_measure(month, usage, usage_count, choice->prices, choice->count, gpu_milli_s, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct rating_input input = {.items = items, .tariffs = book->tariffs, .tariff_count = book->tariff_count};
    for (size_t i = 0; i < choice->count; i++) {
        if (gpu_milli_s[i] == 0)
            continue;
        items[input.item_count] = price_choice_item(book, choice, i, 0, gpu_milli_s[i]);
        items[input.item_count++].group = choice->prices[i].version;
    }
    qsort(items, input.item_count, sizeof *items, by_version);
    size_t count = 0;
    struct rating_charge *charges = arena_alloc(request->arena, RATING_CHARGES_MAX(most, 0) * sizeof *charges);
    struct money_share *scratch = arena_alloc(request->arena, most * sizeof *scratch);
    kind = rating_period(&input, scratch, charges, &count, reterr);
    for (size_t i = 0; i < count && kind == ERR_NONE; i++)
        kind = money_add(*amount_u, charges[i].billed_u, amount_u, reterr);
    return kind;
}

static enum err_kind sum_months(struct request *request, const struct pricing *pricing,
                                const struct rating_usage *usage, size_t count, int64_t *ret_u, struct err *reterr)
{
    *ret_u = 0;
    enum err_kind kind = ERR_NONE;
    for (int i = 0; kind == ERR_NONE && i + 1 < PQntuples(pricing->months); i++) {
        struct rating_span month = {.from_s = db_int(pricing->months, i, 0, 0),
                                    .to_s = db_int(pricing->months, i + 1, 0, 0)};
        kind = price_month_add(request, &pricing->book, &pricing->choice, month, usage, count, ret_u, reterr);
    }
    return kind;
}

/* The dearest GPU-hour that a stretch can cost. */
static int64_t highest_of(const struct pricing *pricing, size_t stretch)
{
    struct rating_item item = price_choice_item(&pricing->book, &pricing->choice, stretch, 0, 0);
    int64_t highest_u = item.unit_price_u;
    const struct tariff *tariff = item.pool == RATING_FLAT ? NULL : pricing->book.tariffs[item.pool];
    for (size_t i = 0; tariff != NULL && i < tariff->tier_count; i++)
        highest_u = tariff->tiers[i].gpu_hour_u > highest_u ? tariff->tiers[i].gpu_hour_u : highest_u;
    return highest_u;
}

/* What lacks to the minimum duration of the price that holds at the end: of each instance alone, as it is billed
 * (billing/ledger/rate_minimum.c). */
static enum err_kind add_minimum(const struct pricing *pricing, const struct price_terms *terms, int64_t *amount_u,
                                 struct err *reterr)
{
    const struct price_choice *choice = &pricing->choice;
    size_t last = choice->count - 1; /* a price holds for every second */
    while (last > 0 && choice->prices[last].valid.from_s >= terms->ends_s)
        last--;
    int64_t missing_s =
        pricing->book.versions[choice->prices[last].version].minimum_s - (terms->ends_s - terms->starts_s);
    if (missing_s <= 0)
        return ERR_NONE;
    struct rating_item item =
        price_choice_item(&pricing->book, choice, last, missing_s, missing_s * (terms->gpu_milli / terms->count));
    int64_t lacks_u = 0;
    enum err_kind kind = rating_alone(&item, NULL, &lacks_u, reterr);
    if (kind == ERR_NONE)
        kind = money_round((money_wide)lacks_u * terms->count, 1, MONEY_HALF_EVEN, &lacks_u, reterr);
    return kind == ERR_NONE ? money_add(*amount_u, lacks_u, amount_u, reterr) : kind;
}

/* ERR_NOT_FOUND where a second has no price, ERR_INVALID where the amount does not fit. */
static enum err_kind rate(struct request *request, const struct price_terms *terms, struct price_estimate *ret,
                          struct err *reterr)
{
    CLEANUP(pricing_release) struct pricing pricing = {0};
    enum err_kind kind = pricing_load(request, terms, &pricing, reterr);
    if (kind != ERR_NONE)
        return kind;
    const struct price_choice *choice = &pricing.choice;
    for (size_t i = 0; i < choice->count; i++) {
        int64_t highest_u = highest_of(&pricing, i);
        ret->highest_price_u = highest_u > ret->highest_price_u ? highest_u : ret->highest_price_u;
    }
    size_t first = 0;
    while (first < choice->count && choice->prices[first].valid.to_s <= terms->starts_s)
        first++;
    if (first == choice->count || choice->prices[first].valid.from_s > terms->starts_s)
        return err_set(reterr, ERR_NOT_FOUND, "no price is valid at the start");
    bool is_open = terms->ends_s == FIELD_NULL;
    struct rating_usage usage = {
        .gpu_milli = terms->gpu_milli,
        .span = {.from_s = terms->starts_s, .to_s = is_open ? terms->starts_s : terms->ends_s}};
    struct rating_item hour = price_choice_item(&pricing.book, choice, first, 0, usage.gpu_milli * HOUR_S);
    kind = rating_alone(&hour, NULL, &ret->hourly_u, reterr);
    ret->total_u = FIELD_NULL;
    if (kind == ERR_NONE && !is_open)
        kind = sum_months(request, &pricing, &usage, 1, &ret->total_u, reterr);
    if (kind == ERR_NONE && !is_open && terms->count > 0)
        kind = add_minimum(&pricing, terms, &ret->total_u, reterr);
    return kind;
}

enum err_kind price_usage(struct request *request, const struct price_terms *terms, const struct rating_usage *usage,
                          size_t count, int64_t *ret_u, struct err *reterr)
{
    CLEANUP(pricing_release) struct pricing pricing = {0};
    enum err_kind kind = pricing_load(request, terms, &pricing, reterr);
    if (kind == ERR_NONE)
        kind = sum_months(request, &pricing, usage, count, ret_u, reterr);
    return kind == ERR_NONE && terms->count > 0 ? add_minimum(&pricing, terms, ret_u, reterr) : kind;
}

/* Does a price hold for all of it? */
static bool is_priced(const struct price_choice *choice, const struct rating_span *span)
{
    int64_t from_s = span->from_s;
    for (size_t i = 0; i < choice->count && from_s < span->to_s; i++) {
        if (choice->prices[i].valid.from_s <= from_s && choice->prices[i].valid.to_s > from_s)
            from_s = choice->prices[i].valid.to_s;
    }
    return from_s >= span->to_s;
}

enum err_kind price_priced_usage(struct request *request, const struct price_terms *terms, struct rating_usage *usage,
                                 size_t count, size_t *ret_count, int64_t *ret_u, struct err *reterr)
{
    CLEANUP(pricing_release) struct pricing pricing = {0};
    enum err_kind kind = pricing_load(request, terms, &pricing, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_priced(&pricing.choice, &usage[i].span))
            usage[(*ret_count)++] = usage[i];
    }
    return sum_months(request, &pricing, usage, *ret_count, ret_u, reterr);
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

void price_estimate_members(struct json_out *out, const struct price_estimate *estimate, const char *currency)
{
    json_out_key(out, "hourly");
    price_money_out(out, estimate->hourly_u, currency);
    json_out_key(out, "estimate");
    if (estimate->total_u == FIELD_NULL)
        json_out_null(out);
    else
        price_money_out(out, estimate->total_u, currency);
}

void price_estimate_out(struct json_out *out, const struct price_estimate *estimate, const char *currency)
{
    if (!estimate->is_known) {
        json_out_null(out);
        return;
    }
    json_out_open(out, '{');
    price_estimate_members(out, estimate, currency);
    json_out_close(out, '}');
}
