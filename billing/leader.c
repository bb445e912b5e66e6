/* Fenced transactions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/leader.h"

#define ATTEMPTS_MAX 5

struct fenced {
    struct leader *leader;
    db_work *work;
    void *context;
};

static enum err_kind run_fenced(struct db *db, void *context, struct err *reterr)
{
    struct fenced *fenced = context;
    enum err_kind kind = lease_fence(&fenced->leader->lease, db, reterr);
    return kind == ERR_NONE ? fenced->work(db, fenced->context, reterr) : kind;
}

enum err_kind leader_transact(struct leader *leader, db_work *work, void *context, struct err *reterr)
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
