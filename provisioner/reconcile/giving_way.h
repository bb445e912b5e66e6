/* Giving way: who is told to go since a verdict gave its place to another, and who may stay after all. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

/* Takes over whom a verdict evicts. */
void evictions_note(struct world *world, const struct planner_verdict *verdict);
/* Tells the evicted, and lets their reservations go as far as they can; each of those is in the world. */
void evictions_settle(struct world *world);

/* Who was told to go, in an order of their own. */
struct told {
    struct identity *ids; /* the arena's */
    uint32_t count;
    bool has_more; /* behind them */
};
/* Notices are withdrawn bit by bit, over several pieces of work. */
struct withdrawal {
    bool is_under_way;
    bool begins_again;     /* thereafter: capacity has returned meanwhile */
    struct identity after; /* whom it has come to; all zero: it begins */
};
/* Capacity has returned, and nobody else comes before. */
void withdrawal_want(struct withdrawal *withdrawal);
/* So many of those were looked at, one at least if there are any. */
void withdrawal_go_on(struct withdrawal *withdrawal, const struct told *told, uint32_t looked);
/* Gives the preemptible reservations of these, which the world has, their places back, as far as these are free now and
 * their tenants' quotas bear it, and tells them; until it has looked at as many as one piece of work may. Returns how
 * many of `told` it has looked at. */
uint32_t notices_withdraw(struct world *world, const struct identity *told, uint32_t count);
/* Its ends_by_s is when the next goes of those who are still there; it stays past where no other is to go. */
void notice_follow(struct reservation *reservation);
