/* One run at a time: the leader starts it and fetches what came of it; in between everything is the thread's. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_verify.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"
#include "provisioner/question/verify.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define ROLE                 "sluice_provisioner"
#define STATEMENT_TIMEOUT_MS 60000

static struct metric metric_differs = {.name = "sluice_provisioner_memory_differs_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Verifications that found memory and database to differ: a bug"};

void zone_verify_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_differs};
    metric_register(metrics, COUNT_OF(metrics));
}

struct zone_verify {
    struct db *db;
    pthread_t thread;
    bool is_running; /* the leader's: there is a thread to join */
    atomic_bool is_done;
    /* Of the run: the leader's before it starts and after it is done. */
    struct identity question;
    struct identity zone;
    int64_t now_s;
    json_t *in_memory;
    json_t *answer;
    struct err err;
};

/* Whether the zone has events that memory has not taken in: its fleet would differ rightly. Also the first statement of
 * the snapshot. */
static const struct db_stmt statement_pending = {
    .name = "zone_verify_pending",
    .sql = "SELECT EXISTS (SELECT FROM event e WHERE (e.xid, e.seq) > ($2::text::xid8, $3::bigint)"
           "                  AND e.zone_id = $1::uuid AND e.object_type IN ('node_wish', 'zone')),"
           "       extract(epoch FROM sluice_now())::bigint",
    .params = 3,
};

/* Keeps what was found ($2 is null: nothing), and wakes the leader: the reply can be fetched. */
static const struct db_stmt statement_done = {
    .name = "zone_verify_done",
    .sql = "WITH kept AS ("
           "  INSERT INTO zone_verification (zone_id, verified_at, is_equal)"
           "  SELECT $1::uuid, clock_timestamp(), $2::boolean WHERE $2::boolean IS NOT NULL"
           "  ON CONFLICT (zone_id) DO UPDATE SET verified_at = excluded.verified_at, is_equal = excluded.is_equal)"
           " SELECT pg_notify('sluice_wish', '')",
    .params = 2,
};

const struct db_stmt *const zone_verify_statements[] = {&statement_pending, &statement_done, NULL};

struct zone_verify *zone_verify_new(const char *database_url, const char *application_name)
{
    struct zone_verify *verify = alloc_zero(1, sizeof *verify);
    verify->db = db_new(&(struct db_options){.url = database_url,
                                             .role = ROLE,
                                             .application_name = application_name,
                                             .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                             .idle_in_transaction_session_timeout_ms = STATEMENT_TIMEOUT_MS});
    return verify;
}

static void end_run(struct zone_verify *verify)
{
    must(pthread_join(verify->thread, NULL) == 0);
    verify->is_running = false;
    db_disconnect(verify->db); /* it is rarely asked for */
}

void zone_verify_free(struct zone_verify *verify)
{
    if (verify == NULL)
        return;
    if (verify->is_running)
        end_run(verify);
    json_decref(verify->answer);
    json_decref(verify->in_memory);
    db_free(verify->db);
    free(verify);
}

/* ---- The thread ---- */

static enum err_kind rebuild_and_compare(struct zone_verify *verify, struct err *reterr)
{
    CLEANUP(zone_memory_freep) struct zone_memory *rebuilt = NULL;
    int64_t began_ms = clock_monotonic_ms();
    enum err_kind kind = zone_memory_read(verify->db, verify->zone, verify->now_s, &rebuilt, reterr);
    db_rollback(verify->db);
    if (kind != ERR_NONE)
        return kind;
    int64_t rebuilt_ms = clock_monotonic_ms();
    verify->answer = verify_compare(TAKE(verify->in_memory), verify_side(rebuilt->planner, verify->now_s, true));
    must(verify->answer != NULL);
    if (!json_is_true(json_object_get(verify->answer, "equal"))) {
        log_event(LOG_LEVEL_ERROR, "memory_differs", LOG_TEXT("zone", rebuilt->terms.name));
        metric_add(&metric_differs, 1);
    }
    json_object_set_new(verify->answer, "rebuild_ms", json_integer(rebuilt_ms - began_ms));
    json_object_set_new(verify->answer, "compare_ms", json_integer(clock_monotonic_ms() - rebuilt_ms));
    return ERR_NONE;
}

static void *run(void *context)
{
    struct zone_verify *verify = context;
    enum err_kind kind = rebuild_and_compare(verify, &verify->err);
    if (kind != ERR_NONE)
        log_error("verify_failed", &verify->err);
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(verify->zone, zone);
    const char *is_equal = json_is_true(json_object_get(verify->answer, "equal")) ? "true" : "false";
    is_equal = kind == ERR_NONE ? is_equal : NULL;
    atomic_store(&verify->is_done, true);
    enum err_kind ignored = db_run(verify->db, &statement_done, DB_PARAMS(zone, is_equal), NULL, NULL);
    (void)ignored; /* the leader looks by itself, a little later */
    return NULL;
}

/* ---- The leader ---- */

/* In the snapshot that the run goes on with. */
static enum err_kind open_snapshot(struct zone_verify *verify, const struct zone_memory *memory, bool *ret_pending,
                                   struct err *reterr)
{
    char zone[UUID_TEXT_SIZE], xid[DB_INT_TEXT_SIZE], seq[DB_INT_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    (void)snprintf(xid, sizeof xid, "%" PRIu64, memory->cursor.xid);
    enum err_kind kind = zone_memory_begin(verify->db, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(db_result_clear) PGresult *result = NULL;
    kind = db_run(verify->db, &statement_pending, DB_PARAMS(zone, xid, db_int_param(seq, memory->cursor.seq)), &result,
                  reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_pending = db_bool(result, 0, 0) || memory->all_nodes;
    verify->now_s = db_int(result, 0, 1, 0);
    return ERR_NONE;
}

/* Nothing begins while memory has not caught up. */
static enum err_kind begin_run(struct zone_verify *verify, const struct zone_memory *memory, struct identity question,
                               struct err *reterr)
{
    bool is_pending = false;
    enum err_kind kind = open_snapshot(verify, memory, &is_pending, reterr);
    if (kind != ERR_NONE || is_pending) {
        db_rollback(verify->db);
        return kind;
    }
    verify->question = question;
    verify->zone = memory->terms.id;
    json_decref(verify->in_memory);
    verify->in_memory = verify_side(memory->planner, verify->now_s, false);
    verify->err = (struct err){0};
    json_decref(verify->answer);
    verify->answer = NULL;
    atomic_store(&verify->is_done, false);
    must(pthread_create(&verify->thread, NULL, run, verify) == 0);
    verify->is_running = true;
    return ERR_NONE;
}

static bool reply_of(struct zone_verify *verify, enum err_kind kind, struct arena *arena, struct question_reply *ret)
{
    *ret = (struct question_reply){.answer = kind == ERR_NONE ? TAKE(verify->answer) : NULL};
    if (ret->answer == NULL)
        question_refuse(&(struct question_view){.arena = arena}, ret, "internal", "%s", verify->err.text);
    return true;
}

bool zone_verify_ask(struct zone_verify *verify, const struct zone_memory *memory, struct identity question,
                     struct arena *arena, struct question_reply *ret)
{
    if (!verify->is_running) {
        enum err_kind kind = begin_run(verify, memory, question, &verify->err);
        return kind != ERR_NONE && reply_of(verify, kind, arena, ret);
    }
    if (!atomic_load(&verify->is_done))
        return false;
    end_run(verify);
    bool is_for_this = identity_equal(verify->question, question);
    return is_for_this && reply_of(verify, verify->err.kind, arena, ret); /* else it has a run of its own next time */
}
