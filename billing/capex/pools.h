/* Cost pools: what a node's day costs beside its amortization, from rates and from what the node took.
 *
 * A rate is so much per kilowatt-hour, kilowatt-month, node-month or GPU-month; a month is 8766 / 12 hours, so that a
 * day always costs the same. Amounts are micro-units, rounded half to even once per node, day and rate.
 * Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(constant, text: also of its column and its journals, account of the expense, account that is credited) */
#define COST_POOLS(X)                                                                                                  \
    X(POOL_DEPRECIATION, "depreciation", "cost_of_revenue", "accumulated_depreciation")                                \
    X(POOL_POWER, "power", "power", "accrued_power")                                                                   \
    X(POOL_COLOCATION, "colocation", "colocation", "accrued_colocation")                                               \
    X(POOL_OPERATIONS, "operations", "operations", "accrued_operations")                                               \
    X(POOL_NETWORK, "network", "network", "accrued_network")                                                           \
    X(POOL_STORAGE, "storage", "storage", "accrued_storage")

/* X(constant, text, what a unit is) */
#define RATE_BASES(X)                                                                                                  \
    X(BASIS_KWH, "kwh", "a kilowatt-hour at the node, times PUE")                                                      \
    X(BASIS_KW_MONTH, "kw_month", "a kilowatt of the node's full power for a month")                                   \
    X(BASIS_NODE_MONTH, "node_month", "a node for a month")                                                            \
    X(BASIS_GPU_MONTH, "gpu_month", "a GPU of it for a month")

/* clang-format off */
#define X(constant, ...) constant,
enum cost_pool { COST_POOLS(X) COST_POOL_COUNT };
enum rate_basis { RATE_BASES(X) RATE_BASIS_COUNT };
#undef X
/* clang-format on */

const char *cost_pool_text(enum cost_pool pool);
const char *cost_pool_expense(enum cost_pool pool);
const char *cost_pool_accrual(enum cost_pool pool);
/* COST_POOL_COUNT, RATE_BASIS_COUNT for a text that is none. */
enum cost_pool cost_pool_of(const char *text);
enum rate_basis rate_basis_of(const char *text);

struct pool_rate {
    enum cost_pool pool;
    enum rate_basis basis;
    int64_t amount_u;  /* per unit */
    int64_t pue_milli; /* of BASIS_KWH */
};

/* A node's day, or the part of it that has elapsed. */
struct pool_day {
    int64_t elapsed_s; /* all 86,400 of a day that is over */
    int64_t gpu_count;
    bool has_profile;
    int64_t idle_w, full_w; /* of its profile */
    int64_t metered_wh;     /* -1: nobody metered it */
    int64_t on_s;           /* of these seconds, those that it was in service */
    int64_t busy_milli_s;   /* milli-GPU-seconds used */
    bool is_kept;           /* enrolled and not retired: it takes its place, whether or not it serves */
};

/* The energy of the day in watt-hours: what was metered; else idle power while it is in service, and from there to full
 * power by how much of its GPUs was used. -1: neither meter nor profile. */
int64_t pool_energy_wh(const struct pool_day *day);

/* Adds what each rate comes to. A rate of what the node does not have (no energy known, no profile) comes to
 * nothing. ERR_INVALID where an amount does not fit. */
MUST_CHECK enum err_kind pool_costs(const struct pool_day *day, const struct pool_rate *rates, size_t count,
                                    int64_t costs_u[COST_POOL_COUNT], struct err *reterr);
