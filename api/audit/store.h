/* Rows and seals of the audit as the database has them; what the sealer and whoever verifies share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/audit/chain.h"
#include "common/db.h"

/* The columns of a row as they are hashed, in the order of enum audit_column. */
#define AUDIT_ROW_COLUMNS                                                                                              \
    "a.xid::text, a.id, (extract(epoch FROM a.recorded_at) * 1000000)::bigint, a.tenant_id, a.principal_id,"           \
    " a.request_id, a.remote, a.action, a.object_id, a.result"
/* The columns of a seal. */
#define AUDIT_SEAL_COLUMNS                                                                                             \
    "s.number, s.position, s.row_count, (extract(epoch FROM s.recorded_from) * 1000000)::bigint, s.last_xid::text,"    \
    " s.last_id, encode(s.row_hashes, 'hex'), encode(s.previous_hash, 'hex'), encode(s.hash, 'hex')"

/* Rows from a result of AUDIT_ROW_COLUMNS; their texts live as long as it does. */
struct audit_row *audit_store_rows(struct arena *arena, const PGresult *result);

/* The newest seal. *ret_found is false where nothing was sealed yet. */
MUST_CHECK enum err_kind audit_store_head(struct db *db, struct arena *arena, struct audit_seal *ret, bool *ret_found,
                                          struct err *reterr);
/* Seals from number `from` on, `count` at most, in order. *ret is the arena's. */
MUST_CHECK enum err_kind audit_store_seals(struct db *db, struct arena *arena, int64_t from, int64_t count,
                                           struct audit_seal **ret, size_t *ret_count, struct err *reterr);
/* The rows behind the last one of `before` (NULL: from the first) up to the last one of `seal`; one more than a seal
 * holds at most. *ret_result is the caller's to clear. */
MUST_CHECK enum err_kind audit_store_sealed_rows(struct db *db, const struct audit_seal *before,
                                                 const struct audit_seal *seal, PGresult **ret_result,
                                                 struct err *reterr);

extern const struct db_stmt *const audit_store_statements[];
