/* What questions to planners have in common: the zone that is asked, by name. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/question.h"

/* The zone's UUID, in the arena. ERR_INVALID unknown_zone; `pointer` names the field. */
MUST_CHECK enum err_kind planner_zone_find(struct request *request, const char *name, const char *pointer,
                                           const char **ret_id, struct err *reterr);

extern const struct db_stmt *const planner_zone_statements[];
