/* Attribution: complete the weights to the node's capacity, then split. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex/attribution.h"

#include "common/must.h"
#include "common/text_find.h"

static const char *const cause_texts[] = {
#define X(cause, text, why) text,
    IDLE_CAUSES(X)
#undef X
};

const char *idle_cause_text(enum idle_cause cause)
{
    must((unsigned)cause < IDLE_CAUSE_COUNT);
    return cause_texts[cause];
}

enum idle_cause idle_cause_of_text(const char *text)
{
    size_t cause = text_find(cause_texts, COUNT_OF(cause_texts), text);
    must(cause < IDLE_CAUSE_COUNT);
    return (enum idle_cause)cause;
}

/* What of the capacity no share accounts for: it could have been sold. */
static enum err_kind unsold_weight(int64_t capacity, const struct money_share *shares, size_t count, size_t unsold,
                                   int64_t *ret, struct err *reterr)
{
    int64_t left = capacity;
    for (size_t i = 0; i < count; i++) {
        if (i == unsold)
            continue;
        if (shares[i].weight < 0)
            return err_set(reterr, ERR_INVALID, "weight %zu of the node's day is negative", i);
        if (shares[i].weight > left)
            return err_set(reterr, ERR_INVALID, "delivered and idle time exceed the node's capacity by weight %zu", i);
        left -= shares[i].weight;
    }
    *ret = left;
    return ERR_NONE;
}

enum err_kind attribution_of_day(int64_t cost_u, int64_t capacity_gpu_milli_s, struct money_share *shares,
                                 size_t delivered_count, struct err *reterr)
{
    if (capacity_gpu_milli_s < 0)
        return err_set(reterr, ERR_INVALID, "the node's capacity is negative");
    size_t count = delivered_count + IDLE_CAUSE_COUNT;
    size_t unsold = delivered_count + IDLE_UNSOLD;
    enum err_kind kind = unsold_weight(capacity_gpu_milli_s, shares, count, unsold, &shares[unsold].weight, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (capacity_gpu_milli_s > 0)
        return money_split(cost_u, shares, count, reterr);
    for (size_t i = 0; i < count; i++)
        shares[i].amount = 0;
    shares[delivered_count + IDLE_NOT_IN_SERVICE].amount = cost_u;
    return ERR_NONE;
}

enum err_kind attribution_of_pools(const int64_t *costs_u, size_t pool_count, int64_t capacity_gpu_milli_s,
                                   struct money_share *shares, size_t delivered_count, int64_t *parts,
                                   struct err *reterr)
{
    for (size_t pool = 0; pool < pool_count; pool++) {
        enum err_kind kind = attribution_of_day(costs_u[pool], capacity_gpu_milli_s, shares, delivered_count, reterr);
        if (kind != ERR_NONE)
            return kind;
        for (size_t i = 0; i < delivered_count + IDLE_CAUSE_COUNT; i++)
            parts[i * pool_count + pool] = shares[i].amount;
    }
    return ERR_NONE;
}
