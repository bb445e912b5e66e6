/* Lines to items, rating_period, and back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_lines.h"

#include "common/alloc.h"
#include "common/must.h"

#include <string.h>

bool rate_lines_knows(const struct price_book *book, const struct rated_line *line)
{
    return price_book_find(book, line->key.price) != NULL &&
           (identity_is_nil(line->key.list_price) || price_book_find(book, line->key.list_price) != NULL);
}

void rate_lines_drop_unknown(const struct price_book *book, struct rated_lines *lines)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (identity_is_nil(lines->list[i].key.price) || rate_lines_knows(book, &lines->list[i]))
            lines->list[kept++] = lines->list[i];
    }
    lines->count = kept;
}

bool rate_lines_is_pooled(const struct price_book *book, const struct rated_line *line)
{
    const struct price_version *version = price_book_find(book, line->key.price);
    return version != NULL && version->pool != RATING_FLAT;
}

enum err_kind rate_lines_fold(const struct rated_lines *written, struct rated_lines *ret, struct err *reterr)
{
    for (size_t i = 0; i < written->count; i++) {
        struct rated_line line = written->list[i];
        if (line.key.category != CHARGE_USAGE || identity_is_nil(line.key.reservation) || rated_line_is_metered(&line))
            continue;
        line.key.commitment = (struct identity){0};
        line.key.commitment_status = CAPACITY_NONE;
        line.list_u = line.contracted_u = line.effective_u = line.billed_u = 0;
        rated_lines_push(ret, &line);
    }
    return rated_lines_merge(ret, reterr);
}

static bool is_same_group(const struct rated_line *one, const struct rated_line *other)
{
    return identity_equal(one->key.reservation, other->key.reservation) &&
           identity_equal(one->key.price, other->key.price) && one->key.period_start_s == other->key.period_start_s;
}

static size_t sku_of(const struct price_version *version, const struct rate_commitment *commitments, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!commitments[i].terms.is_spend && strcmp(commitments[i].sku, version->sku.name) == 0 &&
            strcmp(commitments[i].sku_kind, version->sku.kind) == 0 &&
            strcmp(commitments[i].tier, version->sku.tier) == 0)
            return i; /* commitments of one sku know it by the first of them */
    }
    return SIZE_MAX;
}

static struct rating_item item_of(const struct price_book *book, const struct rated_line *line)
{
    const struct price_version *version = price_book_find(book, line->key.price);
    const struct price_version *list =
        identity_is_nil(line->key.list_price) ? NULL : price_book_find(book, line->key.list_price);
    must(version != NULL);
    struct rating_item item = {
        .pool = version->pool,
        .unit_price_u = price_book_unit_price(book, version, line->key.window),
        .seconds = line->seconds,
        .gpu_milli_s = rated_line_is_metered(line) ? line->meter_quantity : line->gpu_milli_s,
        .per_unit = version->tariff.per_unit,
    };
    item.list_price_u = list == NULL ? item.unit_price_u : price_book_unit_price(book, list, line->key.list_window);
    const struct price_discount *discount =
        identity_is_nil(line->key.discount) ? NULL : price_book_find_discount(book, line->key.discount);
    if (discount != NULL)
        price_discount_apply(discount, &item);
    return item;
}

/* The commitments as rating knows them, and what came of them. */
static void take_outcome(struct rate_commitment *commitments, const struct rating_commitment *rated, size_t count)
{
    for (size_t i = 0; i < count; i++)
        commitments[i].terms = rated[i];
}

static void give_amounts(struct rated_line *line, const struct rating_charge *charge)
{
    line->seconds = charge->seconds;
    *(rated_line_is_metered(line) ? &line->meter_quantity : &line->gpu_milli_s) = charge->gpu_milli_s;
    line->list_u = charge->list_u;
    line->contracted_u = charge->contracted_u;
    line->effective_u = charge->effective_u;
    line->billed_u = charge->billed_u;
}

enum err_kind rate_lines(struct rated_lines *lines, const struct price_book *book, struct rate_commitment *commitments,
                         size_t commitment_count, struct err *reterr)
{
    size_t count = lines->count;
    struct rating_item *items = alloc_zero(count + 1, sizeof *items);
    struct money_share *scratch = alloc_zero(count + 1, sizeof *scratch);
    struct rating_charge *charges = alloc_zero(RATING_CHARGES_MAX(count, commitment_count) + 1, sizeof *charges);
    struct rating_commitment *terms = alloc_zero(commitment_count + 1, sizeof *terms);
    for (size_t i = 0; i < commitment_count; i++) {
        struct price_version of = {
            .sku = {.kind = commitments[i].sku_kind, .name = commitments[i].sku, .tier = commitments[i].tier}};
        terms[i] = commitments[i].terms;
        terms[i].sku = terms[i].is_spend ? SIZE_MAX : sku_of(&of, commitments, commitment_count);
    }
    size_t group = 0;
    for (size_t i = 0; i < count; i++) {
        group += i > 0 && !is_same_group(&lines->list[i - 1], &lines->list[i]);
        items[i] = item_of(book, &lines->list[i]);
        items[i].group = group;
        items[i].sku = sku_of(price_book_find(book, lines->list[i].key.price), commitments, commitment_count);
    }
    struct rating_input input = {.items = items,
                                 .item_count = count,
                                 .tariffs = book->tariffs,
                                 .tariff_count = book->tariff_count,
                                 .commitments = terms,
                                 .commitment_count = commitment_count};
    size_t charge_count = 0;
    enum err_kind kind = rating_period(&input, scratch, charges, &charge_count, reterr);
    for (size_t i = count; i < charge_count && kind == ERR_NONE; i++) { /* what is covered, as lines besides */
        struct rated_line covered = lines->list[charges[i].item];
        covered.key.commitment = commitments[charges[i].commitment].id;
        covered.key.commitment_status = CAPACITY_USED;
        give_amounts(&covered, &charges[i]);
        rated_lines_push(lines, &covered);
    }
    for (size_t i = 0; i < count && kind == ERR_NONE; i++)
        give_amounts(&lines->list[i], &charges[i]);
    if (kind == ERR_NONE)
        take_outcome(commitments, terms, commitment_count);
    free(items);
    free(scratch);
    free(charges);
    free(terms);
    if (kind == ERR_NONE)
        kind = rated_lines_merge(lines, reterr);
    return kind == ERR_NONE ? rated_lines_check(lines, reterr) : kind;
}
