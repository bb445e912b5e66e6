/* Who waits for something to be written under an id that was made beforehand: the answers of planners (question.h), the
 * verdicts on amendments (await.h). Whoever follows the log looks for them in each round, by id: an answer needs no
 * event, and none can be missed. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

struct answers;

/* Registered before that which is to be answered commits, so that no answer comes earlier than its waiter. */
struct answer_waiter {
    struct answer_waiter *previous, *next;
    struct identity question_id; /* what is to be answered */
    bool is_watching;
    /* On the follower's thread, at most once, the waiter no longer registered. The row is the statement's; of planners:
     * see answer_column. */
    void (*answered)(struct answer_waiter *waiter, const PGresult *result, int row);
};

enum answer_column { ANSWER_QUESTION_ID, ANSWER_PROBLEM, ANSWER_DETAIL, ANSWER_ANSWER };

extern const struct db_stmt answers_statement; /* of the answers of planners */

/* The statement has the ids as its only parameter, and in its first column the id of what it found. */
struct answers *answers_new(const struct db_stmt *look);
void answers_free(struct answers *answers);
void answers_watch(struct answers *answers, struct answer_waiter *waiter);
/* True where it was still registered: answered() will not be called. */
bool answers_unwatch(struct answers *answers, struct answer_waiter *waiter);
/* The follower's: tells the waiters whose answers are there. */
MUST_CHECK enum err_kind answers_look(struct answers *answers, struct db *db, struct err *reterr);

extern const struct db_stmt *const answers_statements[];
