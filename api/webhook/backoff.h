/* When a delivery that failed is tried again, pure: twice as long after each attempt, up to six hours, and half of that
 * left to chance, so that those who failed together do not come together. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#define BACKOFF_MAX_MS (INT64_C(6) * 3600 * 1000)

/* attempts: how many have failed, from 1. random: any number. */
int64_t backoff_ms(int64_t attempts, int64_t base_ms, uint64_t random);
