/* Adding usage up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_groups.h"

#include "common/alloc.h"

#include <string.h>

void rate_groups_release(struct rate_groups *groups)
{
    free(groups->list);
    *groups = (struct rate_groups){0};
}

static void push(struct rate_groups *groups, const struct rate_group *group)
{
    if (groups->count == groups->capacity) {
        groups->capacity = groups->capacity == 0 ? 64 : groups->capacity * 2;
        groups->list = alloc_resize(groups->list, groups->capacity, sizeof *groups->list);
    }
    groups->list[groups->count++] = *group;
}

/* The part of the usage that falls into one billing period. */
static enum err_kind add_period(struct rate_groups *groups, const struct price_choice *choice,
                                const struct rate_usage *usage, int period, struct err *reterr)
{
    struct rating_span span = {.from_s = usage->period_s[period], .to_s = usage->period_s[period + 1]};
    int64_t *gpu_milli_s = alloc_zero(choice->count + 1, sizeof *gpu_milli_s);
    int64_t *seconds = alloc_zero(choice->count + 1, sizeof *seconds);
    enum err_kind kind =
        rating_measure(span, usage->gpus, usage->count, choice->prices, choice->count, gpu_milli_s, reterr);
    if (kind == ERR_NONE)
        kind = rating_measure(span, usage->instances, usage->count, choice->prices, choice->count, seconds, reterr);
    for (size_t i = 0; kind == ERR_NONE && i < choice->count; i++) {
        if (gpu_milli_s[i] == 0)
            continue;
        push(groups, &(struct rate_group){
                         .reservation = usage->reservation,
                         .price = choice->price_ids[i],
                         .tenant = usage->tenant,
                         .period_start_s = span.from_s,
                         .period_end_s = span.to_s,
                         .currency = usage->sku.currency,
                         .unit_price_u = choice->prices[i].unit_price_u,
                         .seconds = seconds[i],
                         .gpu_milli_s = gpu_milli_s[i],
                     });
    }
    free(gpu_milli_s);
    free(seconds);
    return kind;
}

enum err_kind rate_groups_add(struct rate_groups *groups, const struct price_book *book, const struct rate_usage *usage,
                              struct err *reterr)
{
    CLEANUP(price_choice_release) struct price_choice choice = {0};
    price_book_choose(book, &usage->sku, usage->tenant, &choice);
    size_t before = groups->count;
    enum err_kind kind = ERR_NONE;
    for (int period = 0; period < 2 && kind == ERR_NONE; period++)
        kind = add_period(groups, &choice, usage, period, reterr);
    if (kind != ERR_NONE)
        rate_groups_truncate(groups, before);
    return kind;
}

void rate_groups_truncate(struct rate_groups *groups, size_t position)
{
    groups->count = position;
}

static int by_key(const void *a, const void *b)
{
    const struct rate_group *one = a;
    const struct rate_group *other = b;
    int order = memcmp(&one->reservation, &other->reservation, sizeof one->reservation);
    if (order == 0)
        order = memcmp(&one->price, &other->price, sizeof one->price);
    if (order == 0)
        order = (one->period_start_s > other->period_start_s) - (one->period_start_s < other->period_start_s);
    return order;
}

void rate_groups_merge(struct rate_groups *groups)
{
    if (groups->count == 0)
        return;
    qsort(groups->list, groups->count, sizeof *groups->list, by_key);
    size_t last = 0;
    for (size_t i = 1; i < groups->count; i++) {
        struct rate_group *group = &groups->list[i];
        if (by_key(&groups->list[last], group) != 0) {
            groups->list[++last] = *group;
            continue;
        }
        groups->list[last].seconds += group->seconds;
        groups->list[last].gpu_milli_s += group->gpu_milli_s;
    }
    groups->count = last + 1;
}

struct rate_group *rate_groups_find(struct rate_groups *groups, struct identity reservation, struct identity price,
                                    int64_t period_start_s)
{
    struct rate_group key = {.reservation = reservation, .price = price, .period_start_s = period_start_s};
    return groups->count == 0 ? NULL : bsearch(&key, groups->list, groups->count, sizeof key, by_key);
}
