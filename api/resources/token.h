/* Tokens: what their two files share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/token.h"
#include "api/server/route.h"

struct token_wish {
    const char *tenant;
    const char *role;
    const char *name;
    const char *principal;
    const char *principal_kind;
    struct field_list scopes;
    int64_t expires_at;
};

/* The token as it stands in the database, with its text: it is told once. */
MUST_CHECK enum err_kind token_show(struct request *request, struct response *response, int status,
                                    const struct token *token, struct err *reterr);
/* A token's secret as bytea is written for PostgreSQL; in the arena. */
const char *token_hash_param(struct request *request, const struct token *token);
/* ERR_FORBIDDEN where the caller may not do what that role with these scopes may: who makes or renews a token holds it.
 */
MUST_CHECK enum err_kind token_check_authority(struct request *request, const char *role, const struct scopes *scopes,
                                               struct err *reterr);

/* ERR_INVALID where it is past. */
MUST_CHECK enum err_kind token_check_expiry(struct request *request, int64_t expires_at, struct err *reterr);

/* ---- token_create.c ---- */
route_handler token_create;
extern const struct db_stmt *const token_create_statements[];
