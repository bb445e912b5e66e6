/* What would come of an amendment (?validate_only=true): the planner's word for this instant, and what it costs. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/resources/amendment.h"

/* Asks the planner; the answer is the amendment as it would be granted, with cost_delta, or the problem it would get.
 * Nothing changes. `fields` are those of the answer. */
MUST_CHECK enum err_kind amendment_preview(struct request *request, const struct amendment_subject *subject,
                                           const struct amendment_wish *wish, route_handler *answer,
                                           struct err *reterr);
/* The answer of POST ./amendments. */
enum err_kind amendment_preview_answer(struct request *request, struct response *response, struct err *reterr);

extern const struct db_stmt *const amendment_preview_statements[]; /* of sluice_api */
