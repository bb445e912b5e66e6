/* Attribution: who bears the cost of a node's day.
 *
 * Each GPU-second of the day either was delivered to a reservation or was idle for a cause; the day's cost is split
 * by gpu_milli x seconds with the one splitting function, so the parts sum to the cost to the micro-unit and idle is
 * neither a plug nor clamped. Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/money.h"

/* X(cause, text in tables and reports, why the time was not delivered) */
#define IDLE_CAUSES(X)                                                                                                 \
    X(IDLE_UNSOLD, "unsold", "nobody had reserved it")                                                                 \
    X(IDLE_UNREADY, "unready", "promised and not ready: a late start or a replacement under way")                      \
    X(IDLE_FAILED, "failed", "lost, with no replacement left in the window")                                           \
    X(IDLE_MAINTENANCE, "maintenance", "taken out for planned work")                                                   \
    X(IDLE_QUARANTINED, "quarantined", "taken out because its health is in doubt")                                     \
    X(IDLE_SANITIZING, "sanitizing", "being wiped between tenants")                                                    \
    X(IDLE_NOT_IN_SERVICE, "not_in_service", "owned, but not or no longer part of the fleet")

/* clang-format off */
enum idle_cause {
#define X(cause, text, why) cause,
    IDLE_CAUSES(X)
#undef X
    IDLE_CAUSE_COUNT
};
/* clang-format on */

const char *idle_cause_text(enum idle_cause cause);
/* The text is one of them: the database checks what is written. */
enum idle_cause idle_cause_of_text(const char *text);

/* Attributes cost_u (micro-units, either sign) of one node and day.
 *   capacity_gpu_milli_s: the node's GPU-thousandths x the seconds of the day.
 *   shares: delivered_count delivered times (a reservation's used and unused time are two), in the order of their
 *     keys, which decides ties; after them IDLE_CAUSE_COUNT idle times in the order of enum idle_cause. The caller sets
 *     each weight but that of IDLE_UNSOLD, which becomes what is left of the capacity.
 * A node without capacity bears its cost as IDLE_NOT_IN_SERVICE. ERR_INVALID if a weight is negative or the weights
 * exceed the capacity: then the facts overlap, and nothing is attributed. */
MUST_CHECK enum err_kind attribution_of_day(int64_t cost_u, int64_t capacity_gpu_milli_s, struct money_share *shares,
                                            size_t delivered_count, struct err *reterr);

/* The same for several costs of one day, pool by pool: parts[share * pool_count + pool] is what each bears. */
MUST_CHECK enum err_kind attribution_of_pools(const int64_t *costs_u, size_t pool_count, int64_t capacity_gpu_milli_s,
                                              struct money_share *shares, size_t delivered_count, int64_t *parts,
                                              struct err *reterr);
