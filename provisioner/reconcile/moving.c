/* Moving what has not begun to other nodes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/moving.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/verdict.h"

bool reservation_may_move(const struct reservation *reservation)
{
    return reservation != NULL && reservation->ends_by_s == NEVER &&
           (reservation->is.state == RESERVATION_SCHEDULED || reservation->is.state == RESERVATION_HELD);
}

void reservation_release(struct reservation *reservation)
{
    for (uint32_t ordinal = 0; ordinal < (uint32_t)reservation->wish.count; ordinal++) {
        struct planner_key key = {.reservation = planner_id_of(reservation->wish.id), .ordinal = ordinal};
        (void)planner_release(reservation->world->planner, &key); /* false: it held nothing */
    }
}

bool reservation_place_again(struct reservation *reservation)
{
    struct planner_request request = verdict_request(reservation);
    struct planner_verdict verdict = {0};
    request.from = reservation->starts_s;
    request.to = horizon_end(&reservation->wish, reservation->starts_s, reservation->ends_s);
    request.preempts = false;
    planner_place(reservation->world->planner, &request, &verdict);
    return verdict.placed;
}
