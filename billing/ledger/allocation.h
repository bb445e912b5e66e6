/* Which of several takes how much of an amount: each in turn as much as it has room for. Pure, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills room_u[0], room_u[1], ... in this order; none of them and not the amount is negative. ret_taken_u[i] is at most
 * room_u[i]. Returns what was taken altogether: the amount, or less where there is no more room. */
int64_t allocation_fill(int64_t amount_u, const int64_t *room_u, size_t count, int64_t *ret_taken_u);
