/* A list under one lock: some hundred at most wait (questions_max), so it is walked rather than indexed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/answers.h"

#include "common/alloc.h"
#include "common/must.h"

#include <pthread.h>
#include <stdlib.h>

struct answers {
    const struct db_stmt *look;
    pthread_mutex_t lock;
    struct answer_waiter *first;
};

/* The bound on answered_at spares the partitions of other days; nobody waits as long. */
const struct db_stmt answers_statement = {
    .name = "answers_look",
    .sql = "SELECT a.question_id, a.problem, a.detail, a.answer FROM planner_answer a"
           " WHERE a.question_id = ANY ($1::uuid[]) AND a.answered_at > statement_timestamp() - interval '1 hour'",
    .params = 1,
};

const struct db_stmt *const answers_statements[] = {&answers_statement, NULL};

struct answers *answers_new(const struct db_stmt *look)
{
    struct answers *answers = alloc_zero(1, sizeof *answers);
    answers->look = look;
    must(pthread_mutex_init(&answers->lock, NULL) == 0);
    return answers;
}

void answers_free(struct answers *answers)
{
    must(answers->first == NULL); /* whoever was suspended has been answered */
    (void)pthread_mutex_destroy(&answers->lock);
    free(answers);
}

void answers_watch(struct answers *answers, struct answer_waiter *waiter)
{
    (void)pthread_mutex_lock(&answers->lock);
    waiter->is_watching = true;
    waiter->previous = NULL;
    waiter->next = answers->first;
    if (answers->first != NULL)
        answers->first->previous = waiter;
    answers->first = waiter;
    (void)pthread_mutex_unlock(&answers->lock);
}

static void unlink_waiter(struct answers *answers, struct answer_waiter *waiter)
{
    if (waiter->previous == NULL)
        answers->first = waiter->next;
    else
        waiter->previous->next = waiter->next;
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    waiter->is_watching = false;
}

bool answers_unwatch(struct answers *answers, struct answer_waiter *waiter)
{
    (void)pthread_mutex_lock(&answers->lock);
    bool was_watching = waiter->is_watching;
    if (was_watching)
        unlink_waiter(answers, waiter);
    (void)pthread_mutex_unlock(&answers->lock);
    return was_watching;
}

static void collect(struct answers *answers, struct db_array *ids)
{
    (void)pthread_mutex_lock(&answers->lock);
    for (const struct answer_waiter *each = answers->first; each != NULL; each = each->next)
        db_array_identity(ids, each->question_id);
    (void)pthread_mutex_unlock(&answers->lock);
}

/* Takes the waiter of the question off; NULL where its time was up meanwhile. */
static struct answer_waiter *take(struct answers *answers, struct identity id)
{
    (void)pthread_mutex_lock(&answers->lock);
    struct answer_waiter *waiter = answers->first;
    while (waiter != NULL && !identity_equal(waiter->question_id, id))
        waiter = waiter->next;
    if (waiter != NULL)
        unlink_waiter(answers, waiter);
    (void)pthread_mutex_unlock(&answers->lock);
    return waiter;
}

enum err_kind answers_look(struct answers *answers, struct db *db, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array ids = {0};
    collect(answers, &ids);
    if (ids.count == 0)
        return ERR_NONE;
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, answers->look, DB_PARAMS(db_array_param(&ids)), &result, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(result); row++) {
        struct answer_waiter *waiter = take(answers, db_identity(result, row, ANSWER_QUESTION_ID));
        if (waiter != NULL)
            waiter->answered(waiter, result, row); /* it may be gone now */
    }
    return kind;
}
