/* What cancelling a reservation comes to: it is billed until now, so what is left of it is spared. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

/* For ?validate_only of a cancellation, before it is written: tells the rest of reservation {id} as a negative cost_delta;
 * null where it is open-ended or has no one price. */
MUST_CHECK enum err_kind reservation_tell_spared(struct request *request, struct err *reterr);

extern const struct db_stmt *const reservation_charge_statements[];
