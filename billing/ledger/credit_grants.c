/* Grants come in, and what nobody drew goes out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/credit_grants.h"

#include "billing/ledger/journal.h"
#include "common/shutdown.h"

#include <stdio.h>
#include <string.h>

#define CHUNK "500" /* a transaction stays below a second */

static const struct db_stmt statement_new = {
    .name = "credit_grants_new",
    .sql = "SELECT g.id, g.tenant_id, g.currency, g.amount_u, extract(epoch FROM g.created_at)::bigint, g.kind"
           "  FROM credit_grant g"
           " WHERE NOT EXISTS (SELECT FROM credit_grant_status s WHERE s.grant_id = g.id) ORDER BY g.id LIMIT " CHUNK,
    .params = 0,
};

static const struct db_stmt statement_posted = {
    .name = "credit_grants_posted",
    .sql = "INSERT INTO credit_grant_status (grant_id, tenant_id, state, remaining_u)"
           " SELECT g.id, g.tenant_id, 'active', g.amount_u FROM credit_grant g WHERE g.id = ANY ($1::uuid[])",
    .params = 1,
};

static const struct db_stmt statement_over = {
    .name = "credit_grants_over",
    .sql = "SELECT g.id, g.tenant_id, g.currency, s.remaining_u, extract(epoch FROM g.expires_at)::bigint, g.kind"
           "  FROM credit_grant_status s JOIN credit_grant g ON g.id = s.grant_id"
           " WHERE s.state = 'active' AND g.expires_at <= to_timestamp($1::bigint)"
           " ORDER BY g.id LIMIT " CHUNK " FOR UPDATE OF s",
    .params = 1,
};

static const struct db_stmt statement_expired = {
    .name = "credit_grants_expired",
    .sql = "UPDATE credit_grant_status SET state = 'expired', expired_u = expired_u + remaining_u, remaining_u = 0,"
           "       changed_at = sluice_now() WHERE grant_id = ANY ($1::uuid[])",
    .params = 1,
};

const struct db_stmt *const credit_grants_statements[] = {
    &statement_new, &statement_posted, &statement_over, &statement_expired, NULL,
};

enum { GRANT_ID, GRANT_TENANT, GRANT_CURRENCY, GRANT_AMOUNT, GRANT_AT, GRANT_KIND };

static void draw_up(struct journal_batch *batch, const PGresult *grants, int row, const char *type)
{
    char key[64];
    struct identity id = db_identity(grants, row, GRANT_ID);
    (void)snprintf(key, sizeof key, "%s:%s", type, db_text(grants, row, GRANT_ID)); /* 46 characters at most */
    journal_open(batch,
                 &(struct journal_head){
                     .key = key, .posted_at_s = db_int(grants, row, GRANT_AT, 0), .source_type = type, .source = &id});
}

static void draw_up_grant(struct journal_batch *batch, const PGresult *grants, int row)
{
    struct identity tenant = db_identity(grants, row, GRANT_TENANT);
    const char *currency = db_text(grants, row, GRANT_CURRENCY);
    int64_t amount_u = db_int(grants, row, GRANT_AMOUNT, 0);
    draw_up(batch, grants, row, "grant");
    if (strcmp(db_text(grants, row, GRANT_KIND), "prepaid") == 0)
        journal_debit(batch, "cash", NULL, currency, amount_u);
    else
        journal_debit(batch, "revenue", &tenant, currency, amount_u);
    journal_credit(batch, "deferred_revenue", &tenant, currency, amount_u);
}

static void draw_up_breakage(struct journal_batch *batch, const PGresult *grants, int row)
{
    struct identity tenant = db_identity(grants, row, GRANT_TENANT);
    const char *currency = db_text(grants, row, GRANT_CURRENCY);
    int64_t amount_u = db_int(grants, row, GRANT_AMOUNT, 0);
    draw_up(batch, grants, row, "breakage");
    journal_debit(batch, "deferred_revenue", &tenant, currency, amount_u);
    journal_credit(batch, "revenue", &tenant, currency, amount_u);
}

/* A journal for each row, and a mark on its grant. */
static enum err_kind post_each(struct db *db, const PGresult *grants,
                               void (*draw)(struct journal_batch *batch, const PGresult *grants, int row),
                               const struct db_stmt *mark, struct err *reterr)
{
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    CLEANUP(db_array_clear) struct db_array ids = {0};
    for (int row = 0; row < PQntuples(grants); row++) {
        draw(&batch, grants, row);
        db_array_identity(&ids, db_identity(grants, row, GRANT_ID));
    }
    int64_t posted = 0;
    enum err_kind kind = journal_post(&batch, db, &posted, reterr);
    return kind == ERR_NONE ? db_run(db, mark, DB_PARAMS(db_array_param(&ids)), NULL, reterr) : kind;
}

static enum err_kind post_new(struct db *db, void *context, struct err *reterr)
{
    int *ret_count = context;
    CLEANUP(db_result_clear) PGresult *grants = NULL;
    enum err_kind kind = db_run(db, &statement_new, DB_NO_PARAMS, &grants, reterr);
    *ret_count = kind == ERR_NONE ? PQntuples(grants) : 0;
    return kind == ERR_NONE ? post_each(db, grants, draw_up_grant, &statement_posted, reterr) : kind;
}

struct expiry {
    int64_t now_s;
    int count; /* of the last transaction */
};

static enum err_kind expire(struct db *db, void *context, struct err *reterr)
{
    struct expiry *expiry = context;
    char now[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *grants = NULL;
    enum err_kind kind = db_run(db, &statement_over, DB_PARAMS(db_int_param(now, expiry->now_s)), &grants, reterr);
    expiry->count = kind == ERR_NONE ? PQntuples(grants) : 0;
    return kind == ERR_NONE ? post_each(db, grants, draw_up_breakage, &statement_expired, reterr) : kind;
}

enum err_kind credit_grants_post(struct leader *leader, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    int count = 0;
    do {
        kind = leader_transact(leader, post_new, &count, reterr);
    } while (kind == ERR_NONE && count > 0 && !shutdown_requested());
    return kind;
}

enum err_kind credit_grants_expire(struct leader *leader, int64_t now_s, struct err *reterr)
{
    struct expiry expiry = {.now_s = now_s};
    enum err_kind kind = ERR_NONE;
    do {
        kind = leader_transact(leader, expire, &expiry, reterr);
    } while (kind == ERR_NONE && expiry.count > 0 && !shutdown_requested());
    return kind;
}
