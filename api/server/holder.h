/* Who is being told of something (by a stream, or a GET that is held), and whether they still may be: what a request of
 * theirs would be asked each time is asked of all together, twice a second. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/role.h"
#include "api/auth/token.h"
#include "api/server/request.h"
#include "common/db.h"
#include "common/hex.h"

#define HOLDER_CHECK_MS 400 /* with the follower's own period well below the second that is promised */

/* As they were when they asked. */
struct holder {
    enum role role;
    char principal_id[UUID_TEXT_SIZE], token_id[UUID_TEXT_SIZE], session_id[UUID_TEXT_SIZE]; /* "": none */
    char secret_sha256[HEX_TEXT_SIZE(TOKEN_HASH_SIZE)];                                      /* of what was shown */
    int64_t until_ms; /* real time; of what has no row that would say so, an issuer's token; INT64_MAX: the row says */
};

struct holder holder_of(const struct request *request);
bool holder_is_over(const struct holder *holder);

/* Holders by a number each, as columns. For CLEANUP: starts as {0}. */
struct holders {
    struct db_array numbers, principals, roles, tokens, secrets, sessions;
};
void holders_add(struct holders *holders, int64_t number, const struct holder *holder);
void holders_clear(struct holders *holders);

/* Rows of those who may do less than when they came, or nothing. */
MUST_CHECK enum err_kind holders_ask(struct db *db, struct holders *holders, PGresult **ret, struct err *reterr);
/* Of such rows: whether the holder of that number may go on. */
bool holder_may_go_on(const struct holder *holder, int64_t number, const PGresult *changed);

extern const struct db_stmt *const holder_statements[];
