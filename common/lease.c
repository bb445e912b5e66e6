/* Leadership on two rows: the lease says who leads until when, the epoch fences whoever led before. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lease.h"

#include "common/clock.h"
#include "common/db.h"
#include "common/must.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <unistd.h>

static const struct db_stmt statement_take = {
    .name = "lease_take",
    .sql = "SELECT leader_take($1::text, $2::text, $3::bigint * interval '1 millisecond')",
    .params = 3,
};

static const struct db_stmt statement_give = {
    .name = "lease_give",
    .sql = "SELECT leader_give($1::text, $2::text)",
    .params = 2,
};

/* The function locks the epoch's row FOR SHARE, which is what fences: a takeover updates it, and so waits for us. */
static const struct db_stmt statement_fence = {
    .name = "lease_fence",
    .sql = "SELECT leader_fence($1::text, $2::bigint)",
    .params = 2,
};

const struct db_stmt *const lease_statements[] = {&statement_take, &statement_give, &statement_fence, NULL};

void lease_init(struct lease *lease, const char *name, int64_t ttl_ms)
{
    must(ttl_ms > 0);
    *lease = (struct lease){.ttl_ms = ttl_ms};
    int length = snprintf(lease->name, sizeof lease->name, "%s", name);
    must(length > 0 && (size_t)length < sizeof lease->name);

    char host[41] = ""; /* cut: the random part tells holders apart */
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    uint64_t random = 0;
    must(RAND_bytes((unsigned char *)&random, sizeof random) == 1);
    (void)snprintf(lease->holder, sizeof lease->holder, "%s:%lld:%016llx", host, (long long)getpid(),
                   (unsigned long long)random);
}

enum err_kind lease_keep(struct lease *lease, struct db *db, struct err *reterr)
{
    int64_t asked_at_ms = clock_monotonic_ms(); /* before asking: the lease may end a little early, never late */
    int64_t age_ms = asked_at_ms - lease->renewed_at_ms;
    if (lease->held && age_ms < lease->ttl_ms / 3)
        return ERR_NONE;
    if (lease->held && age_ms >= lease->ttl_ms)
        lease->held = false; /* it ran out; taking it again may still succeed */

    char ttl[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(
        db, &statement_take, DB_PARAMS(lease->name, lease->holder, db_int_param(ttl, lease->ttl_ms)), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    lease->held = db_text(result, 0, 0) != NULL;
    if (lease->held) {
        lease->epoch = db_int(result, 0, 0, 0);
        lease->renewed_at_ms = asked_at_ms;
    }
    return ERR_NONE;
}

static enum err_kind not_held(const struct lease *lease, struct err *reterr)
{
    return err_set(reterr, ERR_FENCED, "lease '%s' is not held", lease->name);
}

static enum err_kind fence_answer(const struct lease *lease, const PGresult *result, struct err *reterr)
{
    if (db_bool(result, 0, 0))
        return ERR_NONE;
    return err_set(reterr, ERR_FENCED, "lease '%s' was taken over: epoch %lld has passed", lease->name,
                   (long long)lease->epoch);
}

enum err_kind lease_fence(const struct lease *lease, struct db *db, struct err *reterr)
{
    if (!lease->held)
        return not_held(lease, reterr);
    char epoch[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_fence, DB_PARAMS(lease->name, db_int_param(epoch, lease->epoch)), &result, reterr);
    return kind == ERR_NONE ? fence_answer(lease, result, reterr) : kind;
}

enum err_kind lease_fence_send(const struct lease *lease, struct db *db, struct err *reterr)
{
    if (!lease->held)
        return not_held(lease, reterr);
    char epoch[DB_INT_TEXT_SIZE];
    return db_send(db, &statement_fence, DB_PARAMS(lease->name, db_int_param(epoch, lease->epoch)), reterr);
}

enum err_kind lease_fence_receive(const struct lease *lease, struct db *db, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_receive(db, &result, reterr);
    return kind == ERR_NONE ? fence_answer(lease, result, reterr) : kind;
}

enum err_kind lease_give(struct lease *lease, struct db *db, struct err *reterr)
{
    lease->held = false;
    return db_run(db, &statement_give, DB_PARAMS(lease->name, lease->holder), NULL, reterr);
}

void lease_release(struct lease *lease, struct db *db)
{
    if (!lease->held)
        return;
    enum err_kind ignored = lease_give(lease, db, NULL); /* on failure the ttl does it */
    (void)ignored;
}
