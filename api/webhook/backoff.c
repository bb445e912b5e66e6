/* Exponential backoff with jitter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook/backoff.h"

int64_t backoff_ms(int64_t attempts, int64_t base_ms, uint64_t random)
{
    int64_t wait_ms = base_ms;
    for (int64_t i = 1; i < attempts && wait_ms < BACKOFF_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > BACKOFF_MAX_MS)
        wait_ms = BACKOFF_MAX_MS;
    return wait_ms / 2 + (int64_t)(random % (uint64_t)(wait_ms / 2 + 1));
}
