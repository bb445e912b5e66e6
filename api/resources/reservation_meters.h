/* What was counted of meters for a reservation, and what that comes to: a part of its cost. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/price_estimate.h"

/* How the JSON is documented. */
extern const struct field reservation_meter_fields[];

/* *ret: a JSON list, a row per meter. terms: the reservation's; its sku and tier are not looked at. */
MUST_CHECK enum err_kind reservation_meters(struct request *request, const struct price_terms *terms, const char **ret,
                                            struct err *reterr);

extern const struct db_stmt *const reservation_meters_statements[];
