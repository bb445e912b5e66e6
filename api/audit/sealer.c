/* Each round looks for rows behind the newest seal without a transaction, and only where there are some seals them
 * under the fence of the lease: so only one process adds to the chain, and an idle one writes nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/sealer.h"

#include "api/audit/checkpoint.h"
#include "api/audit/store.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/lease.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_MS            250
#define STANDBY_MS           1000
#define LEASE_TTL_MS         15000
#define STATEMENT_TIMEOUT_MS 5000 /* below the lease's */
#define HASHES_TEXT_SIZE     HEX_TEXT_SIZE(AUDIT_SEAL_ROWS_MAX *AUDIT_HASH_SIZE)

static struct metric sealed_rows = {
    .name = "sluice_audit_sealed_rows_total", .type = METRIC_COUNTER, .help = "Audit rows sealed by this process"};
static struct metric checkpoints_failed = {.name = "sluice_audit_checkpoints_failed_total",
                                           .type = METRIC_COUNTER,
                                           .help = "Audit checkpoints that could not be written to their file"};
static struct metric *const metrics[] = {&sealed_rows, &checkpoints_failed};

struct audit_sealer {
    struct audit_sealer_options options;
    struct db *db;
    struct lease lease;
    pthread_t thread;
    struct arena *head_arena; /* of the newest seal; NULL: it has to be asked for */
    struct audit_seal head;
    bool has_head;
    int64_t checkpointed; /* number of the seal of our last checkpoint; 0: none yet */
    int64_t checkpointed_at_ms;
};

/* Below the oldest running transaction nothing can be added any more: what is sealed stays in front of all to come. */
static const struct db_stmt statement_unsealed = {
    .name = "audit_unsealed",
    .sql = "SELECT " AUDIT_ROW_COLUMNS " FROM audit a WHERE (a.xid, a.id) > ($1::text::xid8, $2::uuid)"
           " AND a.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY a.xid, a.id LIMIT $3::bigint",
    .params = 3,
};

static const struct db_stmt statement_seal = {
    .name = "audit_seal",
    .sql = "INSERT INTO audit_seal (number, position, row_count, recorded_from, last_xid, last_id, row_hashes,"
           " previous_hash, hash) VALUES ($1::bigint, $2::bigint, $3::integer,"
           " timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::text::xid8, $6::uuid,"
           " decode($7, 'hex'), decode($8, 'hex'), decode($9, 'hex'))",
    .params = 9,
};

const struct db_stmt *const audit_sealer_statements[] = {&statement_unsealed, &statement_seal, NULL};

/* ---- The newest seal ---- */

static void forget_head(struct audit_sealer *sealer)
{
    arena_freep(&sealer->head_arena);
}

static enum err_kind find_head(struct audit_sealer *sealer, struct err *reterr)
{
    if (sealer->head_arena != NULL)
        return ERR_NONE;
    sealer->head_arena = arena_new();
    enum err_kind kind = audit_store_head(sealer->db, sealer->head_arena, &sealer->head, &sealer->has_head, reterr);
    if (kind != ERR_NONE)
        forget_head(sealer);
    return kind;
}

/* The new head keeps its texts, which are a result's, in an arena of its own; hashes of rows are not needed any more.
 */
static void move_head(struct audit_sealer *sealer, const struct audit_seal *seal)
{
    struct arena *arena = arena_new();
    struct audit_seal head = *seal;
    head.last_xid = arena_text(arena, seal->last_xid);
    head.last_id = arena_text(arena, seal->last_id);
    head.row_hashes = NULL;
    forget_head(sealer);
    sealer->head_arena = arena;
    sealer->head = head;
    sealer->has_head = true;
}

/* ---- Sealing ---- */

static enum err_kind insert_seal(struct audit_sealer *sealer, struct arena *arena, const struct audit_seal *seal,
                                 struct err *reterr)
{
    char number[DB_INT_TEXT_SIZE], position[DB_INT_TEXT_SIZE], count[DB_INT_TEXT_SIZE], from[DB_INT_TEXT_SIZE];
    char previous[HEX_TEXT_SIZE(AUDIT_HASH_SIZE)], hash[HEX_TEXT_SIZE(AUDIT_HASH_SIZE)];
    char *hashes = arena_alloc(arena, HASHES_TEXT_SIZE);
    hex_print(seal->row_hashes, (size_t)seal->row_count * AUDIT_HASH_SIZE, hashes);
    hex_print(seal->previous_hash, AUDIT_HASH_SIZE, previous);
    hex_print(seal->hash, AUDIT_HASH_SIZE, hash);
    const char *const params[] = {db_int_param(number, seal->number),
                                  db_int_param(position, seal->position),
                                  db_int_param(count, seal->row_count),
                                  db_int_param(from, seal->recorded_from_us),
                                  seal->last_xid,
                                  seal->last_id,
                                  hashes,
                                  previous,
                                  hash};
    return db_run(sealer->db, &statement_seal, params, NULL, reterr);
}

static enum err_kind commit_seal(struct audit_sealer *sealer, struct arena *arena, const struct audit_seal *seal,
                                 struct err *reterr)
{
    enum err_kind kind = db_begin(sealer->db, reterr);
    if (kind != ERR_NONE)
        return kind;
    kind = lease_fence(&sealer->lease, sealer->db, reterr);
    if (kind == ERR_NONE)
        kind = insert_seal(sealer, arena, seal, reterr);
    if (kind == ERR_NONE)
        return db_commit(sealer->db, reterr);
    db_rollback(sealer->db);
    return kind;
}

/* *ret_more: as many rows were there as a seal takes. */
static enum err_kind seal_rows(struct audit_sealer *sealer, bool *ret_more, struct err *reterr)
{
    enum err_kind kind = find_head(sealer, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    CLEANUP(db_result_clear) PGresult *result = NULL;
    char limit[DB_INT_TEXT_SIZE];
    const char *xid = sealer->has_head ? sealer->head.last_xid : "0";
    const char *id = sealer->has_head ? sealer->head.last_id : NIL_UUID;
    kind = db_run(sealer->db, &statement_unsealed, DB_PARAMS(xid, id, db_int_param(limit, AUDIT_SEAL_ROWS_MAX)),
                  &result, reterr);
    size_t count = kind == ERR_NONE ? (size_t)PQntuples(result) : 0;
    *ret_more = count == AUDIT_SEAL_ROWS_MAX;
    if (count == 0)
        return kind;
    struct audit_seal seal;
    audit_seal_make(arena, sealer->has_head ? &sealer->head : NULL, audit_store_rows(arena, result), count, &seal);
    kind = commit_seal(sealer, arena, &seal, reterr);
    if (kind != ERR_NONE) {
        forget_head(sealer); /* nobody knows whether the seal is there */
        return kind;
    }
    move_head(sealer, &seal);
    metric_add(&sealed_rows, (int64_t)count);
    return ERR_NONE;
}

static enum err_kind seal_all(struct audit_sealer *sealer, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    for (bool more = true; more && kind == ERR_NONE;) {
        kind = lease_keep(&sealer->lease, sealer->db, reterr);
        if (kind != ERR_NONE || !sealer->lease.held)
            return kind;
        kind = seal_rows(sealer, &more, reterr);
    }
    return kind;
}

/* ---- Checkpoints ---- */

static void write_checkpoint(struct audit_sealer *sealer, bool is_last)
{
    bool is_due = is_last || sealer->checkpointed == 0 ||
                  clock_monotonic_ms() - sealer->checkpointed_at_ms >= sealer->options.checkpoint_period_ms;
    bool is_news = sealer->head_arena != NULL && sealer->has_head && sealer->head.number != sealer->checkpointed;
    if (sealer->options.key == NULL || !is_due || !is_news)
        return;
    struct audit_checkpoint checkpoint = {.number = sealer->head.number,
                                          .position = sealer->head.position + sealer->head.row_count,
                                          .at_s = clock_real_ms() / 1000};
    memcpy(checkpoint.hash, sealer->head.hash, AUDIT_HASH_SIZE);
    sealer->checkpointed_at_ms = clock_monotonic_ms();
    struct err err = {0};
    if (audit_checkpoint_append(sealer->options.checkpoint_file, sealer->options.key, &checkpoint, &err) == ERR_NONE) {
        sealer->checkpointed = checkpoint.number;
        return;
    }
    metric_add(&checkpoints_failed, 1);
    log_error("audit_checkpoint_failed", &err);
}

/* ---- The thread ---- */

static void *run(void *context)
{
    struct audit_sealer *sealer = context;
    for (bool is_stopping = false; !is_stopping;) {
        is_stopping = shutdown_wait(sealer->lease.held ? PERIOD_MS : STANDBY_MS); /* and then one last round */
        struct err err = {0};
        enum err_kind kind = seal_all(sealer, &err);
        if (kind == ERR_NONE && sealer->lease.held) {
            write_checkpoint(sealer, is_stopping);
            continue;
        }
        forget_head(sealer); /* somebody else may seal meanwhile */
        if (kind == ERR_FENCED)
            sealer->lease.held = false;
        else if (kind != ERR_NONE)
            log_error("audit_sealing_failed", &err);
    }
    lease_release(&sealer->lease, sealer->db);
    return NULL;
}

struct audit_sealer *audit_sealer_start(const struct audit_sealer_options *options)
{
    metric_register(metrics, COUNT_OF(metrics));
    struct audit_sealer *sealer = alloc_zero(1, sizeof *sealer);
    sealer->options = *options;
    sealer->db = db_new(&(struct db_options){.url = options->database_url,
                                             .role = "sluice_api_system",
                                             .application_name = "sluice-api audit",
                                             .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                             .idle_in_transaction_session_timeout_ms = STATEMENT_TIMEOUT_MS});
    lease_init(&sealer->lease, "audit", LEASE_TTL_MS);
    must(pthread_create(&sealer->thread, NULL, run, sealer) == 0);
    return sealer;
}

void audit_sealer_stop(struct audit_sealer *sealer)
{
    if (sealer == NULL)
        return;
    must(shutdown_requested());
    (void)pthread_join(sealer->thread, NULL);
    forget_head(sealer);
    db_free(sealer->db);
    free(sealer);
}
