/* The groups that a chunk of rating touches: usage added up per reservation, price version and billing period.
 * Memory only; one thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"
#include "billing/ledger/price_book.h"

struct rate_group {
    struct identity reservation, price, tenant;
    int64_t period_start_s, period_end_s;
    const char *currency;
    int64_t unit_price_u;
    int64_t seconds;     /* instance-seconds that the chunk adds */
    int64_t gpu_milli_s; /* milli-GPU-seconds that the chunk adds */
    int64_t prior_gpu_milli_s, prior_u;
};

struct rate_groups {
    struct rate_group *list;
    size_t count, capacity;
};
void rate_groups_release(struct rate_groups *groups); /* for CLEANUP; starts as {0} */

/* Usage of one reservation, UTC day and sku. */
struct rate_usage {
    struct identity reservation, tenant;
    struct sku sku;
    const struct rating_usage *gpus;      /* gpu_milli of all instances together */
    const struct rating_usage *instances; /* the same spans; gpu_milli is the number of instances */
    size_t count;
    int64_t period_s[3]; /* the tenant's billing period that holds the day's start, and the next: three bounds */
};

/* Adds usage to its groups. ERR_NOT_FOUND if a second has no price: then nothing was added. */
MUST_CHECK enum err_kind rate_groups_add(struct rate_groups *groups, const struct price_book *book,
                                         const struct rate_usage *usage, struct err *reterr);

/* Forgets the groups from position on. */
void rate_groups_truncate(struct rate_groups *groups, size_t position);
/* Sorts by reservation, price and period, and makes one of those that are the same. */
void rate_groups_merge(struct rate_groups *groups);
/* NULL if there is none; the groups are merged. */
struct rate_group *rate_groups_find(struct rate_groups *groups, struct identity reservation, struct identity price,
                                    int64_t period_start_s);
