/* What is placed fits, what is refused does not, and what is taken back leaves no trace: random histories of small
 * fleets against the naive oracle. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_history.h"

static void step_any(struct world *world)
{
    if (chance(world, 75))
        step_place(world);
    else
        step_lose(world);
}

int main(void)
{
    const struct promise promises[] = {
        {"placed_exactly_when_it_fits_and_undone_without_a_trace",
         step_any,
         12,
         160,
         {TALLY_PLACED, TALLY_REFUSED, TALLY_SPREAD, TALLY_REPLACED, TALLY_COUNT}},
    };
    return promises_kept("planner_properties", promises, COUNT_OF(promises));
}
