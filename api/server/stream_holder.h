/* Who opened a stream, and whether they still may have it: what a request of theirs would be asked each time is asked of
 * all streams together, twice a second. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/role.h"
#include "api/auth/token.h"
#include "api/server/request.h"
#include "common/db.h"
#include "common/hex.h"

/* As they were when they opened it. */
struct stream_holder {
    enum role role;
    char principal_id[UUID_TEXT_SIZE], token_id[UUID_TEXT_SIZE], session_id[UUID_TEXT_SIZE]; /* "": none */
    char secret_sha256[HEX_TEXT_SIZE(TOKEN_HASH_SIZE)];                                      /* of what was shown */
    int64_t until_ms; /* real time; of what has no row that would say so, an issuer's token; INT64_MAX: the row says */
};

struct stream_holder stream_holder_of(const struct request *request);
bool stream_holder_is_over(const struct stream_holder *holder);

/* Holders by a number each, as columns. For CLEANUP: starts as {0}. */
struct stream_holders {
    struct db_array numbers, principals, roles, tokens, secrets, sessions;
};
void stream_holders_add(struct stream_holders *holders, int64_t number, const struct stream_holder *holder);
void stream_holders_clear(struct stream_holders *holders);

/* Rows of those who may do less than when they came, or nothing; the highest number first. */
enum { HOLDER_NUMBER };
MUST_CHECK enum err_kind stream_holders_ask(struct db *db, struct stream_holders *holders, PGresult **ret,
                                            struct err *reterr);
/* By such a row: whether they may go on all the same. */
bool stream_holder_may_go_on(const struct stream_holder *holder, const PGresult *result, int row);

extern const struct db_stmt *const stream_holder_statements[];
