/* Reads open questions, answers them in memory, writes the answers in one fenced transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_question.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"
#include "provisioner/zone_source.h"

#include <stdlib.h>

/* Per piece of work. A verdict that arrives meanwhile waits for as long, and for the answer that is under way. */
#define QUESTIONS_MAX   64
#define ANSWER_LIMIT_MS 50

static struct metric metric_answered = {.name = "sluice_provisioner_questions_answered_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Questions to the planner that were answered"};
static struct metric metric_refused = {.name = "sluice_provisioner_questions_refused_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Questions to the planner that were answered with a problem"};
static struct metric metric_duration = {.name = "sluice_provisioner_question_duration_seconds",
                                        .type = METRIC_HISTOGRAM,
                                        .help = "What a piece of work spent on questions"};

void zone_question_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_answered, &metric_refused, &metric_duration};
    metric_register(metrics, COUNT_OF(metrics));
}

/* No question waits for ten minutes: the bounds spare the partitions of other days. */
static const struct db_stmt statement_open = {
    .name = "zone_questions_open",
    .sql = "SELECT q.id, q.tenant_id, q.kind, q.body FROM planner_question q"
           " WHERE q.zone_id = $1::uuid AND q.asked_at > statement_timestamp() - interval '10 minutes'"
           "   AND q.answer_by > clock_timestamp()"
           "   AND NOT EXISTS (SELECT FROM planner_answer a WHERE a.question_id = q.id"
           "                      AND a.answered_at > statement_timestamp() - interval '10 minutes')"
           " ORDER BY q.asked_at, q.id LIMIT $2::int",
    .params = 2,
};
enum { OPEN_ID, OPEN_TENANT, OPEN_KIND, OPEN_BODY };

/* Lost in a crash they are answered anew, so no disk is waited for. */
static const struct db_stmt statement_write = {
    .name = "zone_questions_write",
    .sql = "WITH told AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS setting,"
           "   pg_notify('sluice_event', ''))"
           " INSERT INTO planner_answer (question_id, tenant_id, problem, detail, answer)"
           " SELECT n.question, n.tenant, n.problem, n.detail, n.answer::json"
           "   FROM told, unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])"
           "        AS n (question, tenant, problem, detail, answer)",
    .params = 5,
};

const struct db_stmt *const zone_question_statements[] = {&statement_open, &statement_write, NULL};

/* The rows that are going to be written. */
struct written {
    struct db_array questions, tenants, problems, details, answers;
};

static void written_clear(struct written *written)
{
    db_array_clear(&written->questions);
    db_array_clear(&written->tenants);
    db_array_clear(&written->problems);
    db_array_clear(&written->details);
    db_array_clear(&written->answers);
}

/* Takes the reply's answer over. */
static void add_reply(struct written *written, const PGresult *result, int row, struct question_reply *reply)
{
    CLEANUP(text_freep) char *text = reply->answer == NULL ? NULL : json_dumps(reply->answer, JSON_COMPACT);
    must((text == NULL) == (reply->answer == NULL)); /* a tree of ours can be written */
    json_decref(reply->answer);
    db_array_text(&written->questions, db_text(result, row, OPEN_ID));
    db_array_text(&written->tenants, db_text(result, row, OPEN_TENANT));
    db_array_text(&written->problems, reply->problem);
    db_array_text(&written->details, reply->detail);
    db_array_text(&written->answers, text);
    metric_add(reply->problem == NULL ? &metric_answered : &metric_refused, 1);
}

/* False: the reply comes later. */
static bool answer_row(const struct question_view *view, const struct zone_memory *memory, struct zone_verify *verify,
                       const PGresult *result, int row, struct question_reply *ret)
{
    const char *name = db_text(result, row, OPEN_KIND);
    const struct question_kind *kind = question_kind_of(name);
    *ret = (struct question_reply){0};
    if (kind == NULL)
        question_refuse(view, ret, "malformed_question", "this planner knows no question '%s'", name);
    else if (kind->answer == NULL)
        return zone_verify_ask(verify, memory, db_identity(result, row, OPEN_ID), view->arena, ret);
    else
        question_answer(kind, db_text(result, row, OPEN_BODY), view, ret);
    return true;
}

/* What could not be read for one answer is told to who asked, and holds up nobody else; a connection that is lost ends the
 * round. */
static enum err_kind end_source(const struct question_view *view, struct zone_source *source,
                                struct question_reply *reply, struct err *reterr)
{
    struct err err = {0};
    enum err_kind kind = zone_source_end(source, &err);
    if (kind == ERR_UNAVAILABLE)
        *reterr = err;
    if (kind == ERR_NONE || kind == ERR_UNAVAILABLE)
        return kind;
    log_error("question_source_failed", &err);
    question_refuse(view, reply, "internal", "what the answer needs could not be read");
    return ERR_NONE;
}

/* Answers one after the other until the time is over. *ret_count: how many were looked at. */
static enum err_kind answer_rows(struct zone_memory *memory, struct db *db, struct zone_verify *verify, int64_t now_s,
                                 const PGresult *result, struct written *written, int *ret_count, struct err *reterr)
{
    int64_t began_ms = clock_monotonic_ms();
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct world world;
    struct zone_source source;
    zone_memory_world(memory, arena, now_s, &world);
    zone_source_begin(&source, memory, db);
    const struct question_view view = {
        .arena = arena, .world = &world, .planner = memory->planner, .source = &source.source};
    enum err_kind kind = ERR_NONE;
    int row = 0;
    for (; kind == ERR_NONE && row < PQntuples(result) && clock_monotonic_ms() - began_ms < ANSWER_LIMIT_MS; row++) {
        struct question_reply reply;
        bool is_there = answer_row(&view, memory, verify, result, row, &reply);
        kind = end_source(&view, &source, &reply, reterr);
        if (is_there)
            add_reply(written, result, row, &reply);
    }
    *ret_count = row;
    return kind;
}

static enum err_kind write_answers(struct written *written, struct db *db, const struct lease *lease,
                                   struct err *reterr)
{
    if (written->questions.count == 0)
        return ERR_NONE;
    enum err_kind kind = db_begin(db, reterr);
    if (kind == ERR_NONE)
        kind = lease_fence(lease, db, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_write,
                      DB_PARAMS(db_array_param(&written->questions), db_array_param(&written->tenants),
                                db_array_param(&written->problems), db_array_param(&written->details),
                                db_array_param(&written->answers)),
                      NULL, reterr);
    if (kind == ERR_NONE)
        return db_commit(db, reterr);
    db_rollback(db);
    return kind;
}

enum err_kind zone_question_answer(struct zone_memory *memory, struct db *db, const struct lease *lease,
                                   struct zone_verify *verify, int64_t now_s, bool *ret_more, struct err *reterr)
{
    int64_t began_ms = clock_monotonic_ms();
    char zone[UUID_TEXT_SIZE], most[DB_INT_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_open, DB_PARAMS(zone, db_int_param(most, QUESTIONS_MAX)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(written_clear) struct written written = {0};
    int rows = PQntuples(result);
    int row = 0;
    kind = answer_rows(memory, db, verify, now_s, result, &written, &row, reterr);
    *ret_more = row < rows || (rows == QUESTIONS_MAX && written.questions.count > 0);
    if (kind == ERR_NONE)
        kind = write_answers(&written, db, lease, reterr);
    metric_observe_us(&metric_duration, (clock_monotonic_ms() - began_ms) * 1000);
    return kind;
}
