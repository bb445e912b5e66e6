/* Explaining usage at a price: quantities at unit prices and discounts, tiers and packages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_explain_terms.h"

#include "common/money.h"
#include "common/must.h"
#include "common/tariff.h"

#include <inttypes.h>
#include <string.h>

/* The price with a row per tier, and what the tenant used at it that no commitment of GPU-hours covers and no fixed
 * discount replaces. */
static const struct db_stmt statement_tariff = {
    .name = "invoice_explain_tariff",
    .sql = "WITH used AS (SELECT coalesce(sum(t.gpu_milli_seconds), 0)::bigint AS quantity"
           "   FROM invoice_line l CROSS JOIN LATERAL invoice_line_told(l.invoice_id, l.line_no) t"
           "   LEFT JOIN commitment k ON k.id = t.commitment_id LEFT JOIN discount d ON d.id = t.discount_id"
           "  WHERE l.invoice_id = $1::uuid AND l.line_no = $2::integer AND t.price_id = l.price_id"
           "    AND k.category IS DISTINCT FROM 'usage' AND d.gpu_hour_u IS NULL)"
           " SELECT p.model, p.gpu_hour_u, coalesce(p.package_gpu_hours, 0), (e.tier->>'up_to_gpu_hours')::bigint,"
           "  (e.tier->>'gpu_hour_u')::bigint, u.quantity"
           "  FROM invoice_line l JOIN price p ON p.id = l.price_id CROSS JOIN used u"
           "  LEFT JOIN LATERAL jsonb_array_elements(p.tiers) WITH ORDINALITY AS e (tier, number) ON true"
           " WHERE l.invoice_id = $1::uuid AND l.line_no = $2::integer ORDER BY e.number",
    .params = 2,
};
enum { TARIFF_MODEL, TARIFF_PRICE, TARIFF_PACKAGE_HOURS, TARIFF_TIER_END, TARIFF_TIER_PRICE, TARIFF_QUANTITY };

const struct db_stmt *const explain_priced_statements[] = {&statement_tariff, NULL};

static bool is_usage_covered(const PGresult *parts, int row)
{
    const char *category = db_text(parts, row, PART_CATEGORY);
    return category != NULL && strcmp(category, "usage") == 0;
}

/* What has a unit price, or what has not, and is not covered by a commitment of GPU-hours. */
static bool is_priced(const PGresult *parts, int row, bool flat)
{
    return db_bool(parts, row, PART_IS_FLAT) == flat && !is_usage_covered(parts, row) &&
           db_int(parts, row, PART_QUANTITY, 0) != 0;
}

static const char *joined(struct arena *arena, const char *before, const char *product)
{
    return before == NULL ? product : arena_format(arena, "%s + %s", before, product);
}

/* ---- Unit prices ---- */

static const char *product_text(struct arena *arena, const PGresult *parts, int row)
{
    const char *price = db_text(parts, row, PART_UNIT_PRICE);
    const char *quantity = db_text(parts, row, PART_QUANTITY);
    int64_t discount_bp = db_int(parts, row, PART_DISCOUNT, 0);
    return discount_bp == 0 ? arena_format(arena, "%s x %s", price, quantity)
                            : arena_format(arena, "%s x %s x %" PRId64 "/%" PRId64, price, quantity,
                                           MONEY_BASIS_POINTS - discount_bp, MONEY_BASIS_POINTS);
}

/* One rounding of the exact sum. It fits, as it did when it was rated. */
static enum err_kind add_flat(struct arena *arena, const PGresult *line, const PGresult *parts,
                              struct explain_terms *terms, struct err *reterr)
{
    const char *products = NULL;
    money_wide exact = 0;
    int64_t amount_u = 0;
    int64_t per_unit = db_int(line, 0, LINE_PER_UNIT, 0);
    for (int row = 0; row < PQntuples(parts); row++) {
        if (!is_priced(parts, row, true))
            continue;
        exact += (money_wide)db_int(parts, row, PART_UNIT_PRICE, 0) * db_int(parts, row, PART_QUANTITY, 0) *
                 (MONEY_BASIS_POINTS - db_int(parts, row, PART_DISCOUNT, 0));
        products = joined(arena, products, product_text(arena, parts, row));
    }
    if (products == NULL)
        return ERR_NONE;
    enum err_kind kind = money_round(exact, per_unit * MONEY_BASIS_POINTS, MONEY_HALF_EVEN, &amount_u, reterr);
    explain_terms_add(terms, "priced, in micro-units",
                      arena_format(arena, "(%s) / %" PRId64 ", half to even", products, per_unit), amount_u);
    return kind;
}

/* ---- Tiers and packages ---- */

static enum err_kind read_tariff(const PGresult *rows, int64_t per_unit, struct tariff *ret, struct err *reterr)
{
    *ret = (struct tariff){.gpu_hour_u = db_int(rows, 0, TARIFF_PRICE, 0),
                           .per_unit = per_unit,
                           .package_gpu_milli_s = db_int(rows, 0, TARIFF_PACKAGE_HOURS, 0) * per_unit};
    for (int row = 0; row < PQntuples(rows) && db_text(rows, row, TARIFF_TIER_PRICE) != NULL; row++) {
        must(ret->tier_count < TARIFF_TIERS_MAX); /* the table's check */
        int64_t end = 0;
        bool is_open = db_text(rows, row, TARIFF_TIER_END) == NULL ||
                       __builtin_mul_overflow(db_int(rows, row, TARIFF_TIER_END, 0), per_unit, &end);
        ret->tiers[ret->tier_count++] =
            (struct tariff_tier){is_open ? TARIFF_OPEN_TIER : end, db_int(rows, row, TARIFF_TIER_PRICE, 0)};
    }
    return tariff_model_from_text(db_text(rows, 0, TARIFF_MODEL), &ret->model, reterr);
}

static const char *graduated_text(struct arena *arena, const struct tariff *tariff, int64_t quantity)
{
    const char *products = NULL;
    int64_t below = 0;
    for (size_t i = 0; i < tariff->tier_count && below < quantity; i++) {
        int64_t upto = tariff->tiers[i].up_to_gpu_milli_s;
        int64_t end = upto < quantity ? upto : quantity;
        products = joined(arena, products,
                          arena_format(arena, "%" PRId64 " x %" PRId64, tariff->tiers[i].gpu_hour_u, end - below));
        below = end;
    }
    return products != NULL ? products : "0";
}

static const char *volume_text(struct arena *arena, const struct tariff *tariff, int64_t quantity)
{
    size_t i = 0;
    while (i + 1 < tariff->tier_count && tariff->tiers[i].up_to_gpu_milli_s < quantity)
        i++;
    return arena_format(arena, "%" PRId64 " x %" PRId64, tariff->tiers[i].gpu_hour_u, quantity);
}

static const char *package_text(struct arena *arena, const struct tariff *tariff, int64_t quantity)
{
    int64_t size = tariff->package_gpu_milli_s;
    return arena_format(arena, "%" PRId64 " x %" PRId64 " x %" PRId64 " begun packages", tariff->gpu_hour_u, size,
                        quantity / size + (quantity % size != 0));
}

static const char *(*const texts[TARIFF_MODEL_COUNT])(struct arena *, const struct tariff *, int64_t) = {
    [TARIFF_GRADUATED] = graduated_text,
    [TARIFF_VOLUME] = volume_text,
    [TARIFF_PACKAGE] = package_text,
};

/* The line's part of what all that the tenant used at the price comes to. */
static enum err_kind add_pooled(struct request *request, const PGresult *line, const PGresult *parts,
                                struct explain_terms *terms, struct err *reterr)
{
    const PGresult *rows = NULL;
    struct tariff tariff;
    struct arena *arena = request->arena;
    int64_t quantity = 0;
    int64_t share_u = 0;
    int64_t amount_u = 0;
    const char *discount = "";
    for (int row = 0; row < PQntuples(parts); row++) {
        if (!is_priced(parts, row, false))
            continue;
        quantity += db_int(parts, row, PART_QUANTITY, 0);
        share_u += db_int(parts, row, PART_CONTRACTED, 0);
        if (db_int(parts, row, PART_DISCOUNT, 0) > 0)
            discount = ", less discounts";
    }
    if (quantity == 0)
        return ERR_NONE;
    enum err_kind kind =
        request_run(request, &statement_tariff, DB_PARAMS(db_text(line, 0, LINE_INVOICE), db_text(line, 0, LINE_NO)),
                    &rows, reterr);
    if (kind == ERR_NONE)
        kind = read_tariff(rows, db_int(line, 0, LINE_PER_UNIT, 0), &tariff, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t all = db_int(rows, 0, TARIFF_QUANTITY, 0);
    must(texts[tariff.model] != NULL); /* what is flat has a unit price */
    kind = tariff_amount(&tariff, all, &amount_u, reterr);
    const char *how = arena_format(arena,
                                   "(%s) / %" PRId64 ", half to even: %" PRId64 " for the tenant's %" PRId64
                                   " %s at this price; of it %" PRId64 " / %" PRId64 ", by largest remainder%s",
                                   texts[tariff.model](arena, &tariff, all < 0 ? -all : all), tariff.per_unit, amount_u,
                                   all, db_text(line, 0, LINE_MEASURE), quantity, all, discount);
    explain_terms_add(terms, "share of the tariff, in micro-units", how, share_u);
    return kind;
}

/* ---- The line ---- */

static int64_t covered_by_money(const PGresult *parts)
{
    int64_t covered_u = 0;
    for (int row = 0; row < PQntuples(parts); row++) {
        const char *category = db_text(parts, row, PART_CATEGORY);
        if (category != NULL && strcmp(category, "spend") == 0)
            covered_u += db_int(parts, row, PART_CONTRACTED, 0);
    }
    return covered_u;
}

enum err_kind explain_priced(struct request *request, const PGresult *line, const PGresult *parts,
                             struct explain_terms *ret, struct err *reterr)
{
    enum err_kind kind = add_flat(request->arena, line, parts, ret, reterr);
    if (kind == ERR_NONE)
        kind = add_pooled(request, line, parts, ret, reterr);
    int64_t covered_u = covered_by_money(parts);
    if (covered_u != 0)
        explain_terms_add(ret, "what commitments of money cover of it, in micro-units",
                          "a commitment covers what is left to pay, split by largest remainder", -covered_u);
    return kind;
}
