/* The statements of a request in the order in which its handler asks them, and the way to the loop's reader and back.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/reading.h"

#include "api/server/loop.h"
#include "api/server/server.h"
#include "common/clock.h"
#include "common/db_column.h"
#include "common/must.h"

struct reading_answer {
    struct read read;
    struct reading_answer *next;
    struct request_internal *internal;
    PGresult *result;
    struct err *err; /* in the arena; NULL: there is a result */
};

static struct reading_answer *of_read(struct read *read)
{
    return (struct reading_answer *)(void *)((char *)read - offsetof(struct reading_answer, read));
}

/* ---- While a step runs ---- */

static const char *const *copy_params(struct arena *arena, const struct db_stmt *stmt, const char *const *params)
{
    const char **copy = arena_alloc(arena, (size_t)(stmt->params + 1) * sizeof *copy);
    for (int i = 0; i < stmt->params; i++) {
        bool is_column = i >= stmt->params - stmt->columns;
        if (params[i] != NULL)
            copy[i] = is_column ? db_column_copy(params[i], arena) : arena_text(arena, params[i]);
    }
    return copy;
}

enum err_kind reading_ask(struct request *request, const struct db_stmt *stmt, const char *const *params,
                          const PGresult **ret, struct err *reterr)
{
    struct request_internal *internal = request->internal;
    struct reading *reading = &internal->reading;
    must(reading->wanted == NULL); /* the handler passed ERR_RETRY on */
    struct reading_answer *answer = *reading->next;
    if (answer == NULL) {
        answer = arena_alloc(request->arena, sizeof *answer);
        answer->internal = internal;
        answer->read.stmt = stmt;
        answer->read.params = copy_params(request->arena, stmt, params);
        answer->read.tenant_id = request->caller.is_tenant ? request->caller.tenant_id : NULL;
        *reading->next = reading->wanted = answer;
        return ERR_RETRY;
    }
    must(answer->read.stmt == stmt); /* the same statements in the same order */
    reading->next = &answer->next;
    if (answer->err != NULL) {
        *reterr = *answer->err;
        return answer->err->kind;
    }
    if (ret != NULL)
        *ret = answer->result;
    return ERR_NONE;
}

/* ---- When it is answered ---- */

static void answered(struct read *read, PGresult *result, const struct err *err)
{
    struct reading_answer *answer = of_read(read);
    struct request_internal *internal = answer->internal;
    if (!suspension_claim(&internal->pause)) { /* the timer has answered */
        PQclear(result);
        return;
    }
    answer->result = result;
    if (err != NULL) {
        answer->err = arena_alloc(internal->request.arena, sizeof *err);
        *answer->err = *err;
        if (err->kind == ERR_RETRY) /* no change of ours got in a way: a lock was not had in time */
            answer->err->kind = ERR_OVERLOADED;
    }
    suspension_end(internal->server->suspensions, &internal->pause);
}

static void released(struct read *read)
{
    internal_drop(of_read(read)->internal);
}

/* ---- Steps ---- */

void reading_begin(struct request_internal *internal, reading_step *step)
{
    struct reading *reading = &internal->reading;
    reading->step = step;
    reading->first = &reading->answers;
    while (*reading->first != NULL)
        reading->first = &(*reading->first)->next;
}

void reading_resume(struct request_internal *internal, reading_step *step)
{
    reading_begin(internal, step);
    suspension_end(internal->server->suspensions, &internal->suspension);
}

/* ---- Waiting ---- */

static struct request_internal *of_pause(struct suspension *pause)
{
    return (struct request_internal *)(void *)((char *)pause - offsetof(struct request_internal, pause));
}

static void resume(struct suspension *pause)
{
    connection_resume(of_pause(pause)->connection);
}

/* With the claim of the pause. */
static void refuse(struct request_internal *internal, const struct err *err)
{
    problem_write(internal, err);
    internal->is_answer_ready = true;
    suspension_end(internal->server->suspensions, &internal->pause);
}

static void expire(struct suspension *pause, bool is_shutdown)
{
    (void)is_shutdown; /* which waits for reads: they are over soon */
    struct request_internal *internal = of_pause(pause);
    struct err err = {0};
    (void)err_set(&err, ERR_OVERLOADED, "the database did not answer in time");
    atomic_store(&internal->reading.wanted->read.is_abandoned, true);
    refuse(internal, &err);
}

static struct reader *reader_for(const struct request_internal *internal)
{
    const struct route *route = internal->request.route;
    const struct loop *loop = connection_loop(connection_of(internal->connection));
    return loop_reader(loop, route->is_list || route->rate == RATE_REPORT);
}

static void wait_for(struct request_internal *internal, struct read *read)
{
    internal->pause = (struct suspension){.is_brief = true, .expire = expire, .resume = resume};
    atomic_store(&internal->pause.deadline_ms, clock_monotonic_ms() + REQUEST_WAIT_MS);
    MHD_suspend_connection(internal->connection);
    must(suspension_begin(internal->server->suspensions, &internal->pause)); /* a brief one always may */
    read->answered = answered;
    read->released = released;
    internal_keep(internal);
    struct err err = {0};
    if (reader_submit(reader_for(internal), read, &err) == ERR_NONE)
        return;
    internal_drop(internal); /* not the last: the connection has one */
    if (suspension_claim(&internal->pause))
        refuse(internal, &err);
}

bool reading_run(struct request_internal *internal, enum err_kind *ret, struct err *reterr)
{
    struct reading *reading = &internal->reading;
    reading->next = reading->first;
    reading->wanted = NULL;
    reading->is_running = true;
    *ret = reading->step(internal, reterr);
    reading->is_running = false;
    bool is_over = reading->wanted == NULL;
    if (is_over)
        reading->step = NULL;
    else
        wait_for(internal, &reading->wanted->read); /* whose answer may be there at once */
    return is_over;
}

void reading_release(struct request_internal *internal)
{
    for (struct reading_answer *each = internal->reading.answers; each != NULL; each = each->next)
        PQclear(each->result);
}
