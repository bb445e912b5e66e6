/* How many requests may be suspended to wait for what somebody else decides: in all and per tenant (settings
 * suspended_max and suspended_per_tenant_max). Beyond it they are answered at once. Any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct request_internal;

void waiting_register(void); /* its metric */

/* True: it is within both limits. It counts in either case, until waiting_leave. */
bool waiting_enter(const struct request_internal *internal);
void waiting_leave(const struct request_internal *internal);
