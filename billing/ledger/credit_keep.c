/* Looking for what is due, and doing it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/credit_keep.h"

#include "billing/ledger/credit_grants.h"
#include "billing/ledger/payments.h"

static const struct db_stmt statement_due = {
    .name = "credit_due",
    .sql = "SELECT EXISTS (SELECT FROM credit_grant_status s JOIN credit_grant g ON g.id = s.grant_id"
           "                WHERE s.state = 'active' AND g.expires_at <= to_timestamp($1::bigint)),"
           "       EXISTS (SELECT FROM payment p WHERE NOT EXISTS ("
           "         SELECT FROM payment_status s WHERE s.payment_id = p.id)),"
           "       EXISTS (SELECT FROM credit_hold h JOIN reservation_status s ON s.reservation_id = h.reservation_id"
           "                WHERE h.state = 'pending' AND s.revision <> h.status_revision)",
    .params = 1,
};
enum { DUE_GRANTS, DUE_PAYMENTS, DUE_HOLDS };

static const struct db_stmt statement_settle = {
    .name = "credit_settle_due",
    .sql = "SELECT credit_settle_due(to_timestamp($1::bigint), $2::boolean)",
    .params = 2,
};

const struct db_stmt *const credit_keep_statements[] = {&statement_due, &statement_settle, NULL};

static enum err_kind settle(struct db *db, int64_t closed_until_s, bool is_day_closed, struct err *reterr)
{
    char until[DB_INT_TEXT_SIZE];
    return db_run(db, &statement_settle,
                  DB_PARAMS(db_int_param(until, closed_until_s), is_day_closed ? "true" : "false"), NULL, reterr);
}

enum err_kind credit_day_rated(struct db *db, int64_t closed_until_s, struct err *reterr)
{
    return settle(db, closed_until_s, true, reterr);
}

static enum err_kind settle_changed(struct db *db, void *context, struct err *reterr)
{
    const int64_t *closed_until_s = context;
    return settle(db, *closed_until_s, false, reterr);
}

enum err_kind credit_keep(struct leader *leader, int64_t closed_until_s, int64_t now_s, struct err *reterr)
{
    char now[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *due = NULL;
    enum err_kind kind = db_run(leader->db, &statement_due, DB_PARAMS(db_int_param(now, now_s)), &due, reterr);
    if (kind == ERR_NONE && db_bool(due, 0, DUE_GRANTS))
        kind = credit_grants_expire(leader, now_s, reterr);
    if (kind == ERR_NONE && db_bool(due, 0, DUE_PAYMENTS))
        kind = payments_post(leader, reterr);
    if (kind == ERR_NONE && db_bool(due, 0, DUE_HOLDS))
        kind = leader_transact(leader, settle_changed, &closed_until_s, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "keeping credit");
}
