/* The statements of the audit's chain, and their decoders. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/store.h"

#include "common/hex.h"
#include "common/must.h"

#include <string.h>

static const struct db_stmt statement_head = {
    .name = "audit_head",
    .sql = "SELECT " AUDIT_SEAL_COLUMNS " FROM audit_seal s ORDER BY s.number DESC LIMIT 1",
    .params = 0,
};

static const struct db_stmt statement_seals = {
    .name = "audit_seals_from",
    .sql = "SELECT " AUDIT_SEAL_COLUMNS " FROM audit_seal s WHERE s.number >= $1::bigint ORDER BY s.number"
           " LIMIT $2::bigint",
    .params = 2,
};

static const struct db_stmt statement_sealed_rows = {
    .name = "audit_sealed_rows",
    .sql = "SELECT " AUDIT_ROW_COLUMNS " FROM audit a WHERE (a.xid, a.id) > ($1::text::xid8, $2::uuid)"
           " AND (a.xid, a.id) <= ($3::text::xid8, $4::uuid) ORDER BY a.xid, a.id LIMIT $5::bigint",
    .params = 5,
};

const struct db_stmt *const audit_store_statements[] = {&statement_head, &statement_seals, &statement_sealed_rows,
                                                        NULL};

struct audit_row *audit_store_rows(struct arena *arena, const PGresult *result)
{
    int count = PQntuples(result);
    struct audit_row *rows = arena_alloc(arena, ((size_t)count + 1) * sizeof *rows);
    for (int row = 0; row < count; row++) {
        for (int column = 0; column < AUDIT_COLUMN_COUNT; column++)
            rows[row].columns[column] = db_text(result, row, column);
    }
    return rows;
}

/* The database keeps the lengths by its checks; a value of another length would be a seal that cannot be read. */
static uint8_t *bytes_of(struct arena *arena, const PGresult *result, int row, int column, size_t size)
{
    uint8_t *bytes = arena_alloc(arena, size);
    must(hex_read(db_text(result, row, column), bytes, size));
    return bytes;
}

/* A seal from a row of AUDIT_SEAL_COLUMNS; its texts and hashes are the arena's. */
static void audit_store_seal(struct arena *arena, const PGresult *result, int row, struct audit_seal *ret)
{
    struct audit_seal seal = {
        .number = db_int(result, row, 0, 0),
        .position = db_int(result, row, 1, 0),
        .row_count = db_int(result, row, 2, 0),
        .recorded_from_us = db_int(result, row, 3, 0),
        .last_xid = arena_text(arena, db_text(result, row, 4)),
        .last_id = arena_text(arena, db_text(result, row, 5)),
    };
    seal.row_hashes = bytes_of(arena, result, row, 6, (size_t)seal.row_count * AUDIT_HASH_SIZE);
    memcpy(seal.previous_hash, bytes_of(arena, result, row, 7, AUDIT_HASH_SIZE), AUDIT_HASH_SIZE);
    memcpy(seal.hash, bytes_of(arena, result, row, 8, AUDIT_HASH_SIZE), AUDIT_HASH_SIZE);
    *ret = seal;
}

enum err_kind audit_store_head(struct db *db, struct arena *arena, struct audit_seal *ret, bool *ret_found,
                               struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_head, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_found = PQntuples(result) > 0;
    if (*ret_found)
        audit_store_seal(arena, result, 0, ret);
    return ERR_NONE;
}

enum err_kind audit_store_seals(struct db *db, struct arena *arena, int64_t from, int64_t count,
                                struct audit_seal **ret, size_t *ret_count, struct err *reterr)
{
    char from_text[DB_INT_TEXT_SIZE], count_text[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind =
        db_run(db, &statement_seals, DB_PARAMS(db_int_param(from_text, from), db_int_param(count_text, count)), &result,
               reterr);
    if (kind != ERR_NONE)
        return kind;
    int found = PQntuples(result);
    struct audit_seal *seals = arena_alloc(arena, ((size_t)found + 1) * sizeof *seals);
    for (int row = 0; row < found; row++)
        audit_store_seal(arena, result, row, &seals[row]);
    *ret = seals;
    *ret_count = (size_t)found;
    return ERR_NONE;
}

enum err_kind audit_store_sealed_rows(struct db *db, const struct audit_seal *before, const struct audit_seal *seal,
                                      PGresult **ret_result, struct err *reterr)
{
    char limit[DB_INT_TEXT_SIZE];
    const char *const params[] = {before == NULL ? "0" : before->last_xid, before == NULL ? NIL_UUID : before->last_id,
                                  seal->last_xid, seal->last_id, db_int_param(limit, AUDIT_SEAL_ROWS_MAX + 1)};
    return db_run(db, &statement_sealed_rows, params, ret_result, reterr);
}
