/* Fenced transactions and bulk rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/leader.h"

#include "common/must.h"

#define ATTEMPTS_MAX 5

struct fenced {
    struct leader *leader;
    enum err_kind (*work)(struct db *db, void *context, struct err *reterr);
    void *context;
};

static enum err_kind run_fenced(struct db *db, void *context, struct err *reterr)
{
    struct fenced *fenced = context;
    enum err_kind kind = lease_fence(&fenced->leader->lease, db, reterr);
    return kind == ERR_NONE ? fenced->work(db, fenced->context, reterr) : kind;
}

enum err_kind leader_transact(struct leader *leader,
                              enum err_kind (*work)(struct db *db, void *context, struct err *reterr), void *context,
                              struct err *reterr)
{
    int64_t epoch = leader->lease.epoch;
    enum err_kind kind = lease_keep(&leader->lease, leader->db, reterr);
    if (kind != ERR_NONE)
        return kind;
    /* Taken again after it ran out: another may have led meanwhile, so what the caller knows is stale. */
    if (!leader->lease.held || leader->lease.epoch != epoch)
        return err_set(reterr, ERR_FENCED, "the lease '%s' was lost", leader->lease.name);
    struct fenced fenced = {.leader = leader, .work = work, .context = context};
    return db_transact(leader->db, ATTEMPTS_MAX, run_fenced, &fenced, reterr);
}

void bulk_rows_release(struct bulk_rows *rows)
{
    for (int i = 0; i < BULK_COLUMNS_MAX; i++)
        db_column_clear(&rows->columns[i]);
}

void bulk_rows_identity(struct bulk_rows *rows, int column, const struct identity *id_or_null)
{
    if (id_or_null != NULL)
        db_column_identity(&rows->columns[column], *id_or_null);
    else
        db_column_null(&rows->columns[column]);
}

enum err_kind bulk_rows_send(struct bulk_rows *rows, struct db *db, const struct db_stmt *stmt, struct err *reterr)
{
    must(stmt->params <= BULK_COLUMNS_MAX && stmt->columns == stmt->params);
    if (rows->columns[0].count == 0)
        return ERR_NONE;
    const char *params[BULK_COLUMNS_MAX] = {0};
    for (int i = 0; i < stmt->params; i++) {
        must(rows->columns[i].count == rows->columns[0].count);
        params[i] = db_column_param(&rows->columns[i]);
    }
    return db_run(db, stmt, params, NULL, reterr);
}
