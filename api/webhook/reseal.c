/* Looks for secrets whose key is not the first, within the leader's transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook/reseal.h"

#include "common/log.h"

#include <openssl/crypto.h>

static const struct db_stmt statement_find = {
    .name = "webhook_reseal_find",
    .sql = "SELECT id, secret, previous_secret FROM webhook WHERE NOT starts_with(secret, $1 || ':')"
           " OR NOT starts_with(previous_secret, $1 || ':') LIMIT 100 FOR UPDATE",
    .params = 1,
};

static const struct db_stmt statement_put = {
    .name = "webhook_reseal_put",
    .sql = "UPDATE webhook SET secret = $2, previous_secret = $3 WHERE id = $1::uuid",
    .params = 3,
};

const struct db_stmt *const reseal_statements[] = {&statement_find, &statement_put, NULL};

/* What no key opens stays as it is. */
static const char *sealed_anew(const struct secret_keys *keys, struct arena *arena, const char *id, const char *sealed)
{
    char secret[SECRET_TEXT_SIZE];
    struct err err = {0};
    if (sealed == NULL)
        return NULL;
    if (secret_open(keys, id, sealed, secret, &err) != ERR_NONE) {
        log_error("webhook_secret_failed", &err);
        return sealed;
    }
    const char *again = secret_seal(keys, arena, id, secret);
    OPENSSL_cleanse(secret, sizeof secret);
    return again;
}

enum err_kind reseal(struct db *db, const struct secret_keys *keys, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    enum err_kind kind = db_run(db, &statement_find, DB_PARAMS(secret_keys_first(keys)), &result, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(result); row++) {
        const char *id = db_text(result, row, 0);
        kind = db_run(db, &statement_put,
                      DB_PARAMS(id, sealed_anew(keys, arena, id, db_text(result, row, 1)),
                                sealed_anew(keys, arena, id, db_text(result, row, 2))),
                      NULL, reterr);
    }
    return kind;
}
