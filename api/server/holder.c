/* One statement for all: token, session and principal by their rows, the role by what it is now. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/holder.h"

#include "api/server/server.h"
#include "common/clock.h"

#include <string.h>

enum { HOLDER_NUMBER, HOLDER_IS_GOOD, HOLDER_ROLE };

/* As token_cache.c judges each request. A session is looked at by itself, and ends with its token; of a token it counts
 * which text was shown, since a rotation ends one of two. */
static const struct db_stmt statement_changed = {
    .name = "holders_changed",
    .sql = "SELECT h.number, p.id IS NOT NULL, p.role"
           " FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::uuid[])"
           "   AS h (number, principal_id, role, token_id, secret, session_id)"
           " LEFT JOIN principal p ON p.id = h.principal_id AND NOT p.disabled AND p.removed_at IS NULL"
           "   AND (h.token_id IS NULL OR EXISTS (SELECT FROM token t WHERE t.id = h.token_id AND t.revoked_at IS NULL"
           "     AND coalesce(t.expires_at > clock_timestamp(), true)"
           "     AND (h.session_id IS NOT NULL OR encode(t.secret_sha256, 'hex') = h.secret"
           "       OR (encode(t.previous_sha256, 'hex') = h.secret AND t.previous_until > clock_timestamp()))))"
           "   AND (h.session_id IS NULL OR EXISTS (SELECT FROM session e WHERE e.id = h.session_id"
           "     AND e.revoked_at IS NULL AND e.expires_at > clock_timestamp()"
           "     AND e.last_used_at + e.idle_s * interval '1 second' > clock_timestamp()))"
           " WHERE p.id IS NULL OR p.role <> h.role ORDER BY h.number",
    .params = 6,
};

const struct db_stmt *const holder_statements[] = {&statement_changed, NULL};

struct holder holder_of(const struct request *request)
{
    const struct caller *caller = &request->caller;
    const struct token_proof *shown = &request->internal->shown;
    bool is_workload = shown->kind == TOKEN_WORKLOADS;
    struct holder holder = {.role = caller->role,
                            .until_ms = is_workload ? caller->token_expires_at * 1000 : INT64_MAX};
    memcpy(holder.principal_id, caller->principal_id, sizeof holder.principal_id);
    memcpy(holder.token_id, caller->token_id, sizeof holder.token_id);
    memcpy(holder.session_id, caller->session_id, sizeof holder.session_id);
    hex_print(shown->sha256, TOKEN_HASH_SIZE, holder.secret_sha256);
    return holder;
}

bool holder_is_over(const struct holder *holder)
{
    return clock_real_ms() >= holder->until_ms;
}

static const char *null_if_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

void holders_add(struct holders *holders, int64_t number, const struct holder *holder)
{
    db_array_int(&holders->numbers, number);
    db_array_text(&holders->principals, holder->principal_id);
    db_array_text(&holders->roles, role_text(holder->role));
    db_array_text(&holders->tokens, null_if_empty(holder->token_id));
    db_array_text(&holders->secrets, holder->secret_sha256);
    db_array_text(&holders->sessions, null_if_empty(holder->session_id));
}

void holders_clear(struct holders *holders)
{
    struct db_array *const columns[] = {&holders->numbers, &holders->principals, &holders->roles,
                                        &holders->tokens,  &holders->secrets,    &holders->sessions};
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        db_array_clear(columns[i]);
}

enum err_kind holders_ask(struct db *db, struct holders *holders, PGresult **ret, struct err *reterr)
{
    const char *const params[] = {db_array_param(&holders->numbers), db_array_param(&holders->principals),
                                  db_array_param(&holders->roles),   db_array_param(&holders->tokens),
                                  db_array_param(&holders->secrets), db_array_param(&holders->sessions)};
    return db_run(db, &statement_changed, params, ret, reterr);
}

/* -1: it is not among them. */
static int row_of(const PGresult *changed, int64_t number)
{
    int first = 0;
    int end = PQntuples(changed);
    while (first < end) {
        int middle = first + (end - first) / 2;
        if (db_int(changed, middle, HOLDER_NUMBER, 0) < number)
            first = middle + 1;
        else
            end = middle;
    }
    bool is_there = first < PQntuples(changed) && db_int(changed, first, HOLDER_NUMBER, 0) == number;
    return is_there ? first : -1;
}

bool holder_may_go_on(const struct holder *holder, int64_t number, const PGresult *changed)
{
    int row = row_of(changed, number);
    if (row < 0)
        return true;
    if (!db_bool(changed, row, HOLDER_IS_GOOD))
        return false;
    return role_of_token(role_from_text(db_text(changed, row, HOLDER_ROLE)), holder->role) == holder->role;
}
