/* Covering, pricing, covering. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rating_period.h"

#include "common/least.h"
#include "common/must.h"

/* What is being worked on. The first item_count charges are the uncovered parts, one per item, in order. */
struct work {
    const struct rating_input *input;
    struct money_share *shares; /* one per item */
    struct rating_charge *charges;
    size_t count;
};

/* total as split over shares by weights of any sign that sum to whole; nothing is split where whole is 0. */
static enum err_kind split(int64_t total, int64_t whole, struct money_share *shares, size_t count, struct err *reterr)
{
    if (whole == 0) {
        for (size_t i = 0; i < count; i++)
            shares[i].amount = 0;
        return ERR_NONE;
    }
    if (whole == INT64_MIN || total == INT64_MIN)
        return err_set_code(reterr, ERR_INVALID, "amount_out_of_range", "amount does not fit in 64 bits");
    bool is_negative = whole < 0;
    return money_apportion(total, is_negative ? -total : total, is_negative ? -whole : whole, shares, count, reterr);
}

static struct rating_charge *cover(struct work *work, size_t item, size_t commitment)
{
    struct rating_charge *covered = &work->charges[work->count++];
    *covered = (struct rating_charge){.item = item, .commitment = commitment};
    return covered;
}

/* The part of what tags along that goes with a part of a whole, cut off. */
static int64_t part_of(int64_t amount, int64_t part, int64_t whole)
{
    return whole == 0 ? 0 : (int64_t)((money_wide)amount * part / whole);
}

/* ---- 1. Usage commitments ---- */

static bool is_of(const struct work *work, size_t item, const struct rating_commitment *commitment)
{
    return work->input->items[item].sku == commitment->sku;
}

static enum err_kind sum_of_sku(const struct work *work, const struct rating_commitment *commitment, int64_t *ret,
                                struct err *reterr)
{
    *ret = 0;
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < work->input->item_count && kind == ERR_NONE; i++) {
        if (is_of(work, i, commitment))
            kind = money_add(*ret, work->charges[i].gpu_milli_s, ret, reterr);
    }
    return kind;
}

static void take_covered(struct work *work, size_t which)
{
    for (size_t i = 0; i < work->input->item_count; i++) {
        int64_t quantity = work->shares[i].amount;
        if (quantity == 0)
            continue;
        struct rating_charge *rest = &work->charges[i];
        struct rating_charge *covered = cover(work, i, which);
        covered->gpu_milli_s = quantity;
        covered->seconds = part_of(rest->seconds, quantity, rest->gpu_milli_s);
        rest->gpu_milli_s -= quantity;
        rest->seconds -= covered->seconds;
    }
}

/* What is covered costs its part of the commitment's cost. */
static enum err_kind cost_covered(struct work *work, const struct rating_commitment *commitment, size_t first,
                                  struct err *reterr)
{
    size_t count = work->count - first;
    for (size_t i = 0; i < count; i++)
        work->shares[i].weight = work->charges[first + i].gpu_milli_s;
    enum err_kind kind = split(commitment->used_u, commitment->used_gpu_milli_s, work->shares, count, reterr);
    for (size_t i = 0; i < count && kind == ERR_NONE; i++) {
        struct rating_charge *covered = &work->charges[first + i];
        covered->contracted_u = covered->effective_u = work->shares[i].amount;
        kind = tariff_amount(&(struct tariff){.gpu_hour_u = work->input->items[covered->item].list_price_u},
                             covered->gpu_milli_s, &covered->list_u, reterr);
    }
    return kind;
}

static enum err_kind cover_usage(struct work *work, size_t which, struct err *reterr)
{
    struct rating_commitment *commitment = &work->input->commitments[which];
    must(commitment->gpu_milli_s > 0 && commitment->cost_u >= 0);
    int64_t used = 0;
    enum err_kind kind = sum_of_sku(work, commitment, &used, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t covered = used < 0 ? 0 : least_of(used, commitment->gpu_milli_s);
    for (size_t i = 0; i < work->input->item_count; i++)
        work->shares[i].weight = is_of(work, i, commitment) ? work->charges[i].gpu_milli_s : 0;
    kind = split(covered, covered == 0 ? 0 : used, work->shares, work->input->item_count, reterr);
    size_t first = work->count;
    if (kind == ERR_NONE) {
        take_covered(work, which);
        commitment->used_gpu_milli_s = covered;
        kind = money_round((money_wide)commitment->cost_u * covered, commitment->gpu_milli_s, MONEY_HALF_EVEN,
                           &commitment->used_u, reterr);
    }
    return kind == ERR_NONE ? cost_covered(work, commitment, first, reterr) : kind;
}

/* ---- 2. Prices ---- */

/* Adds an exact amount, in parts of TARIFF_GPU_MILLI_S_PER_GPU_H x basis points. False where it does not fit. */
static bool add_exact(int64_t price_u, int64_t keep_bp, int64_t quantity, money_wide *sum)
{
    money_wide product = (money_wide)price_u * quantity;
    return !__builtin_mul_overflow(product, (money_wide)keep_bp, &product) &&
           !__builtin_add_overflow(*sum, product, sum);
}

/* A flat group, [first, end): sums rounded, differences told. */
static enum err_kind price_flat(struct work *work, size_t first, size_t end, struct err *reterr)
{
    int64_t denominator = tariff_per_unit(work->input->items[first].per_unit) * MONEY_BASIS_POINTS;
    money_wide contracted = 0;
    money_wide list = 0;
    int64_t before_u = 0;
    int64_t list_before_u = 0;
    for (size_t i = first; i < end; i++) {
        const struct rating_item *item = &work->input->items[i];
        struct rating_charge *rest = &work->charges[i];
        bool fits = add_exact(item->list_price_u, MONEY_BASIS_POINTS, rest->gpu_milli_s, &list);
        if (item->pool == RATING_FLAT)
            fits = fits && add_exact(item->unit_price_u, MONEY_BASIS_POINTS - item->discount_bp, rest->gpu_milli_s,
                                     &contracted);
        int64_t upto_u = 0;
        int64_t list_upto_u = 0;
        enum err_kind kind =
            fits ? money_round(contracted, denominator, MONEY_HALF_EVEN, &upto_u, reterr)
                 : err_set_code(reterr, ERR_INVALID, "amount_out_of_range", "amount does not fit in 64 bits");
        if (kind == ERR_NONE)
            kind = money_round(list, denominator, MONEY_HALF_EVEN, &list_upto_u, reterr);
        if (kind != ERR_NONE)
            return kind;
        rest->contracted_u = upto_u - before_u;
        rest->list_u = list_upto_u - list_before_u;
        before_u = upto_u;
        list_before_u = list_upto_u;
    }
    return ERR_NONE;
}

static enum err_kind discounted(int64_t amount_u, int64_t discount_bp, int64_t *ret_u, struct err *reterr)
{
    return money_round((money_wide)amount_u * (MONEY_BASIS_POINTS - discount_bp), MONEY_BASIS_POINTS, MONEY_HALF_EVEN,
                       ret_u, reterr);
}

static enum err_kind price_pool(struct work *work, size_t pool, struct err *reterr)
{
    int64_t total = 0;
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < work->input->item_count && kind == ERR_NONE; i++) {
        bool is_in = work->input->items[i].pool == pool;
        work->shares[i].weight = is_in ? work->charges[i].gpu_milli_s : 0;
        kind = money_add(total, work->shares[i].weight, &total, reterr);
    }
    int64_t amount_u = 0;
    if (kind == ERR_NONE)
        kind = tariff_amount(work->input->tariffs[pool], total, &amount_u, reterr);
    if (kind == ERR_NONE)
        kind = split(amount_u, total, work->shares, work->input->item_count, reterr);
    for (size_t i = 0; i < work->input->item_count && kind == ERR_NONE; i++) {
        const struct rating_item *item = &work->input->items[i];
        if (item->pool == pool)
            kind = discounted(work->shares[i].amount, item->discount_bp, &work->charges[i].contracted_u, reterr);
    }
    return kind;
}

static enum err_kind price(struct work *work, struct err *reterr)
{
    const struct rating_input *input = work->input;
    enum err_kind kind = ERR_NONE;
    for (size_t first = 0, end; first < input->item_count && kind == ERR_NONE; first = end) {
        for (end = first + 1; end < input->item_count && input->items[end].group == input->items[first].group;)
            end++;
        kind = price_flat(work, first, end, reterr);
    }
    for (size_t pool = 0; pool < input->tariff_count && kind == ERR_NONE; pool++)
        kind = price_pool(work, pool, reterr);
    for (size_t i = 0; i < input->item_count; i++)
        work->charges[i].effective_u = work->charges[i].billed_u = work->charges[i].contracted_u;
    return kind;
}

/* ---- 3. Spend commitments ---- */

static void take_spent(struct work *work, size_t which)
{
    for (size_t i = 0; i < work->input->item_count; i++) {
        int64_t spent_u = work->shares[i].amount;
        struct rating_charge *rest = &work->charges[i];
        if (spent_u == 0)
            continue;
        struct rating_charge *covered = cover(work, i, which);
        covered->gpu_milli_s = part_of(rest->gpu_milli_s, spent_u, rest->contracted_u);
        covered->seconds = part_of(rest->seconds, spent_u, rest->contracted_u);
        covered->list_u = part_of(rest->list_u, spent_u, rest->contracted_u);
        covered->contracted_u = covered->effective_u = spent_u;
        rest->gpu_milli_s -= covered->gpu_milli_s;
        rest->seconds -= covered->seconds;
        rest->list_u -= covered->list_u;
        rest->contracted_u -= spent_u;
        rest->effective_u = rest->billed_u = rest->contracted_u;
    }
}

static enum err_kind cover_spend(struct work *work, size_t which, struct err *reterr)
{
    struct rating_commitment *commitment = &work->input->commitments[which];
    int64_t spent_u = 0;
    int64_t used = 0;
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < work->input->item_count && kind == ERR_NONE; i++) {
        work->shares[i].weight = work->charges[i].contracted_u;
        kind = money_add(spent_u, work->charges[i].contracted_u, &spent_u, reterr);
    }
    if (kind != ERR_NONE)
        return kind;
    commitment->used_u = spent_u < 0 ? 0 : least_of(spent_u, commitment->cost_u);
    kind =
        split(commitment->used_u, commitment->used_u == 0 ? 0 : spent_u, work->shares, work->input->item_count, reterr);
    size_t first = work->count;
    if (kind == ERR_NONE)
        take_spent(work, which);
    for (size_t i = first; i < work->count && kind == ERR_NONE; i++) {
        if (work->input->items[work->charges[i].item].per_unit != 0)
            continue;
        kind = money_add(used, work->charges[i].gpu_milli_s, &used, reterr);
    }
    commitment->used_gpu_milli_s = used;
    commitment->overage_u = spent_u - commitment->used_u;
    return kind;
}

/* What nothing covers is the overage of the last commitment to its sku. */
static enum err_kind tell_overage(struct work *work, size_t which, struct err *reterr)
{
    struct rating_commitment *commitment = &work->input->commitments[which];
    for (size_t later = which + 1; later < work->input->commitment_count; later++) {
        const struct rating_commitment *other = &work->input->commitments[later];
        if (!other->is_spend && other->sku == commitment->sku)
            return ERR_NONE;
    }
    enum err_kind kind = sum_of_sku(work, commitment, &commitment->overage_gpu_milli_s, reterr);
    for (size_t i = 0; i < work->input->item_count && kind == ERR_NONE; i++) {
        if (is_of(work, i, commitment))
            kind = money_add(commitment->overage_u, work->charges[i].billed_u, &commitment->overage_u, reterr);
    }
    return kind;
}

enum err_kind rating_period(const struct rating_input *input, struct money_share *scratch, struct rating_charge *ret,
                            size_t *ret_count, struct err *reterr)
{
    struct work work = {.input = input, .shares = scratch, .charges = ret, .count = input->item_count};
    for (size_t i = 0; i < input->item_count; i++) {
        ret[i] = (struct rating_charge){.item = i,
                                        .commitment = RATING_NO_COMMITMENT,
                                        .seconds = input->items[i].seconds,
                                        .gpu_milli_s = input->items[i].gpu_milli_s};
    }
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < input->commitment_count && kind == ERR_NONE; i++) {
        struct rating_commitment *commitment = &input->commitments[i];
        commitment->used_gpu_milli_s = commitment->used_u = 0;
        commitment->overage_gpu_milli_s = commitment->overage_u = 0;
        if (!commitment->is_spend)
            kind = cover_usage(&work, i, reterr);
    }
    if (kind == ERR_NONE)
        kind = price(&work, reterr);
    for (size_t i = 0; i < input->commitment_count && kind == ERR_NONE; i++) {
        if (input->commitments[i].is_spend)
            kind = cover_spend(&work, i, reterr);
    }
    for (size_t i = 0; i < input->commitment_count && kind == ERR_NONE; i++) {
        if (!input->commitments[i].is_spend)
            kind = tell_overage(&work, i, reterr);
    }
    *ret_count = work.count;
    return kind;
}

enum err_kind rating_alone(const struct rating_item *item, const struct tariff *tariff_or_null, int64_t *ret_u,
                           struct err *reterr)
{
    struct rating_item alone = *item;
    alone.pool = tariff_or_null == NULL ? RATING_FLAT : 0;
    struct money_share scratch;
    struct rating_charge charge;
    size_t count = 0;
    struct rating_input input = {
        .items = &alone, .item_count = 1, .tariffs = &tariff_or_null, .tariff_count = tariff_or_null == NULL ? 0 : 1};
    enum err_kind kind = rating_period(&input, &scratch, &charge, &count, reterr);
    *ret_u = charge.billed_u;
    return kind;
}

enum err_kind commitment_cost_of_period(const struct commitment_term *term, int64_t number, int64_t from_s,
                                        int64_t to_s, struct commitment_cost *ret, struct err *reterr)
{
    must(term->from_s <= from_s && from_s < to_s && to_s <= term->to_s);
    must(number >= 0 && number < term->periods);
    int64_t upfront = 0;
    enum err_kind kind = money_round((money_wide)term->total_minor * term->upfront_bp, MONEY_BASIS_POINTS,
                                     MONEY_HALF_AWAY, &upfront, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t part = money_over_time(term->total_minor - upfront, number, number + 1, term->periods, MONEY_HALF_AWAY);
    int64_t amortised = money_over_time(upfront, from_s - term->from_s, to_s - term->from_s, term->to_s - term->from_s,
                                        MONEY_HALF_AWAY);
    kind = money_add(part, number == 0 ? upfront : 0, &ret->billed_minor, reterr);
    return kind == ERR_NONE ? money_add(part, amortised, &ret->cost_minor, reterr) : kind;
}
