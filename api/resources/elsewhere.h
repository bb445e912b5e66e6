/* A wish that its zone refuses, put to the same planner as other instance types, and to the planners of the other zones as it
 * stands: what would be granted is added to the alternatives. Who is refused waits a moment for that, and is told what is
 * known by then. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/reservation.h"

/* The problem that a refusal is answered with, as reservation_refusal() has it. From a step that reads; where planners
 * are asked: ERR_NONE, and the problem comes later. What is given lives in the request's arena.
 *   question: the body of the question that the zone's planner was asked (of a preview); NULL: that of the reservation
 *   zone_id: of a preview, the zone that was asked */
MUST_CHECK enum err_kind elsewhere_refusal(struct request *request, enum identity_kind identity, const char *id,
                                           const struct reservation_verdict *verdict, const char *zone_id,
                                           const char *question, struct err *reterr);

extern const struct db_stmt *const elsewhere_statements[];
