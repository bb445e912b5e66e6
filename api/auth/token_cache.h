/* Who a token or a session is, remembered for at most a second, so that a request costs no look-up; forgotten at once
 * on NOTIFY sluice_token. Thread-safe. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/token.h"
#include "api/server/request.h"
#include "common/db.h"

struct token_cache;

/* Who a JSON Web Token stands for, by the rules (api/jwt/rules.h). */
struct workload {
    char tenant[65];   /* name; "": the provider */
    char account[129]; /* name of the service account */
    enum role role;    /* at most */
    int64_t expires_at_ms;
};

enum token_known {
    TOKEN_UNKNOWN, /* ask the database: token_cache_load */
    TOKEN_FRESH,
    TOKEN_STALE, /* still good, but load it soon; told to one caller only */
};

/* What a look-up said, for the request that waited for it: good for that one however long it took, since it began after
 * the request had come. */
struct token_finding {
    struct caller caller;
    enum err_kind kind; /* as token_cache_find returns it */
    struct err err;
};

/* resources: whose names scopes are made of. */
struct token_cache *token_cache_new(const struct resource *const *resources);
void token_cache_free(struct token_cache *cache);
/* The caller behind the token where it is remembered. ERR_UNAUTHENTICATED (also token_expired, token_revoked,
 * principal_disabled) where
 * it is remembered as bad; *ret_known says whether anything is. */
MUST_CHECK enum err_kind token_cache_find(struct token_cache *cache, const struct token_proof *shown,
                                          struct caller *ret, enum token_known *ret_known, struct err *reterr);
/* Asks the database (role sluice_api_system) and remembers. That it was used is noted only where what was shown is it.
 * workload: of one that was verified; NULL: as it is remembered. ret may be NULL. */
MUST_CHECK enum err_kind token_cache_load(struct token_cache *cache, struct db *db, const struct token_proof *shown,
                                          const struct workload *workload, struct token_finding *ret,
                                          struct err *reterr);
void token_cache_flush(struct token_cache *cache);
void token_cache_forget(struct token_cache *cache, const struct token_proof *shown); /* the one */

extern const struct db_stmt *const token_cache_statements[];
