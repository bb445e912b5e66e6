/* Questions that only the planner of a zone can answer. The API does not link the planner: a question is a row, the
 * zone's leader answers it upon its memory, and the request waits suspended, without a thread.
 *
 * A handler asks by returning request_ask(). Its own transaction is then rolled back, so a handler may look things up
 * as it would for a change (?validate_only), ask, and has changed nothing. When all answers have come `finish` runs as
 * a GET's handler does (reading.h) and writes the response, or asks once more; a problem in an answer is answered as that
 * problem. Without an answer in time: 503 planner_unavailable. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

#define QUESTIONS_PER_REQUEST_MAX 32 /* one per zone */
#define QUESTION_PATIENCE_MAX     12 /* with the longest setting below the ten minutes after which nobody looks */

struct question {
    const char *zone_id; /* UUID */
    const char *kind;    /* a row of the table in provisioner/question/question.c */
    const char *body;    /* a JSON object: what the kind reads */
};

/* Runs as a GET's handler does. answers[i] is the JSON object that question i got. */
typedef enum err_kind question_finish(struct request *request, struct response *response, const char *const *answers,
                                      size_t count, struct err *reterr);

/* The questions live in the request's arena; 1 to QUESTIONS_PER_REQUEST_MAX. What `finish` needs beside request stands
 * in request->asked. They wait `patience` times (1 to QUESTION_PATIENCE_MAX) the setting question_wait_ms. Returns
 * ERR_NONE. */
enum err_kind request_ask(struct request *request, const struct question *questions, size_t count, int64_t patience,
                          question_finish *finish);
/* The same for what an answer is the better for, but is given without: after wait_ms at most `finish` runs in any case, and
 * answers[i] is NULL where there is none. */
enum err_kind request_ask_if_possible(struct request *request, const struct question *questions, size_t count,
                                      int64_t wait_ms, question_finish *finish);
/* A finish for one question whose answer is the response as it stands. */
question_finish question_pass_on;

extern const struct db_stmt *const question_statements[];
