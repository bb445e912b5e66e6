/* A wish that its zone refuses, put to the same planner as other instance types: those of which each instance has as much
 * of everything at least. A planner knows neither the types on sale nor their prices, so the API says which are asked about,
 * and sorts what would be granted by what it costs. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/planning.h"

/* *ret_body: that of a question of the kind "other_types" to the zone; NULL: there is no other type.
 *   wish: the body of the question that the zone's planner decides the wish by */
MUST_CHECK enum err_kind other_types_ask(struct request *request, const char *zone_id, const char *wish,
                                         const char **ret_body, const char **ret_currency, struct err *reterr);
/* Adds the answer's bodies to the alternatives: the cheapest first, then those that have no price. */
MUST_CHECK enum err_kind other_types_tell(struct request *request, const char *currency, const char *answer,
                                          json_t *alternatives, struct err *reterr);

extern const struct db_stmt *const other_types_statements[];
