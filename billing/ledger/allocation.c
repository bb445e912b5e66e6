/* Filling in order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/allocation.h"

#include "common/least.h"
#include "common/must.h"

int64_t allocation_fill(int64_t amount_u, const int64_t *room_u, size_t count, int64_t *ret_taken_u)
{
    must(amount_u >= 0);
    int64_t left_u = amount_u;
    for (size_t i = 0; i < count; i++) {
        must(room_u[i] >= 0);
        ret_taken_u[i] = least_of(room_u[i], left_u);
        left_u -= ret_taken_u[i];
    }
    return amount_u - left_u;
}
