/* The bounds on what one piece of work decides. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/turn.h"

/* A refusal costs a millisecond or more (it says when it would fit), and a transaction stays well below a second, so
 * what is not decided after this long waits for the next one. */
#define DECIDE_BUDGET_US 250000
/* Of that, what may go into searches for what would fit instead. */
#define ALTERNATIVES_BUDGET_US 100000

bool turn_has_time(struct world *world, const struct turn_clock *clock)
{
    int64_t spent_us = clock->spent_us(clock);
    world->has_time = spent_us < ALTERNATIVES_BUDGET_US;
    return spent_us <= DECIDE_BUDGET_US;
}

void turn_drive(struct world *world, uint32_t first, const struct turn_clock *clock)
{
    for (uint32_t i = first; i < world->reservation_count && turn_has_time(world, clock); i++)
        reservation_drive(&world->reservations[i]);
}

static uint32_t due_instances(const struct reservation *reservation)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < reservation->instance_count; i++)
        count += reservation->instances[i].was.due_s <= reservation->world->now_s;
    return count;
}

bool turn_may_leave_some(const struct world *world, uint32_t most)
{
    uint32_t reservations = 0;
    uint32_t instances = 0;
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        reservations += world->reservations[i].was.due_s <= world->now_s;
        instances += due_instances(&world->reservations[i]);
    }
    return reservations >= most || instances >= most;
}
