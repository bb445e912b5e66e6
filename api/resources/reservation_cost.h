/* GET /v1/reservations/{id}/cost: what it costs so far and to its end. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/response.h"

extern const struct schema reservation_cost_schema;
MUST_CHECK enum err_kind reservation_cost(struct request *request, struct response *response, struct err *reterr);
extern const struct db_stmt *const reservation_cost_statements[];
