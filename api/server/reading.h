/* Handlers that only read, without a thread that waits for the database.
 *
 * Such a handler is straight-line code that is run again from its start. The first request_run whose answer is not
 * there yet notes what to ask and returns ERR_RETRY, the handler passes that on as it would any error, and the request
 * is suspended. Once the answer is there the handler is run again: every request_run that was answered returns at once,
 * and it comes one statement further. So it asks the same statements in the same order each time and changes nothing
 * but its response. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

struct request_internal;

/* What is run again: fills internal->response. */
typedef enum err_kind reading_step(struct request_internal *internal, struct err *reterr);

struct reading {
    reading_step *step;             /* NULL: the request reads nothing now */
    struct reading_answer *answers; /* in the order in which they were asked, those of earlier steps first */
    struct reading_answer **first;  /* where those of this step begin */
    struct reading_answer **next;   /* where the run that is under way looks for its next one */
    struct reading_answer *wanted;  /* asked by the last run and not there yet */
    bool is_running;
};

/* From the listener's thread, which goes on with reading_run. */
void reading_begin(struct request_internal *internal, reading_step *step);
/* From any thread, by who has the claim of internal->suspension: resumes the request, which is answered by the step. */
void reading_resume(struct request_internal *internal, reading_step *step);
/* From the listener's thread: runs the step. True: the response is there, or *ret and *reterr say why there is none.
 * False: the request is suspended until a statement is answered, and the step then to be run again. */
bool reading_run(struct request_internal *internal, enum err_kind *ret, struct err *reterr);
void reading_release(struct request_internal *internal); /* with the request */
/* request_run while a step runs. */
MUST_CHECK enum err_kind reading_ask(struct request *request, const struct db_stmt *stmt, const char *const *params,
                                     const PGresult **ret, struct err *reterr);
