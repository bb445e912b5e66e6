/* Answering what is asked of a zone's planner (question/question.h): the leader's step after each piece of work,
 * bounded, so that questions never delay verdicts by much. Level-triggered: whatever is open and not overdue is
 * answered, whoever led when it was asked. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/lease.h"
#include "provisioner/zone_memory.h"
#include "provisioner/zone_verify.h"

/* Between two pieces of work. *ret_more: there may be more that can be answered now. */
MUST_CHECK enum err_kind zone_question_answer(struct zone_memory *memory, struct db *db, const struct lease *lease,
                                              struct zone_verify *verify, int64_t now_s, bool *ret_more,
                                              struct err *reterr);

void zone_question_register_metrics(void);

extern const struct db_stmt *const zone_question_statements[];
