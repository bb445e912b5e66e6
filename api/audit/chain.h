/* The audit's hash chain, pure: what is hashed, and whether what was found is what was sealed (docs/audit.md).
 *
 * A row's hash is the SHA-256 of its columns; a seal holds the hashes of the rows that follow those of the seal before
 * it, and its own hash covers them and the hash of that seal. Columns are hashed as netstrings, "5:hello,", and "-" for
 * null, so that no two rows have one form. Texts are as the database gives them. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_HASH_SIZE     32
#define AUDIT_SEAL_ROWS_MAX 1024

/* The columns of a row in the order in which they are hashed. */
enum audit_column {
    AUDIT_XID,
    AUDIT_ID,
    AUDIT_RECORDED_US, /* microseconds since 1970 */
    AUDIT_TENANT_ID,
    AUDIT_PRINCIPAL_ID,
    AUDIT_REQUEST_ID,
    AUDIT_REMOTE,
    AUDIT_ACTION,
    AUDIT_OBJECT_ID,
    AUDIT_RESULT,
    AUDIT_COLUMN_COUNT
};

struct audit_row {
    const char *columns[AUDIT_COLUMN_COUNT]; /* NULL for null */
};

struct audit_seal {
    int64_t number;    /* from 1 */
    int64_t position;  /* rows sealed before it */
    int64_t row_count; /* 1 to AUDIT_SEAL_ROWS_MAX */
    int64_t recorded_from_us;
    const char *last_xid, *last_id;
    const uint8_t *row_hashes; /* row_count times AUDIT_HASH_SIZE */
    uint8_t previous_hash[AUDIT_HASH_SIZE];
    uint8_t hash[AUDIT_HASH_SIZE];
};

void audit_row_hash(const struct audit_row *row, uint8_t ret[static AUDIT_HASH_SIZE]);
/* The seal that follows `head` (NULL: the first) and seals these rows, in the order of the log. Its texts are the
 * last row's, its hashes the arena's. */
void audit_seal_make(struct arena *arena, const struct audit_seal *head, const struct audit_row *rows, size_t count,
                     struct audit_seal *ret);

/* X(constant, text, what it means) */
#define AUDIT_FINDINGS(X)                                                                                              \
    X(AUDIT_FINE, "fine", "what was found is what was sealed")                                                         \
    X(AUDIT_SEAL_CHANGED, "seal_changed", "the seal is not what its own hash says")                                    \
    X(AUDIT_SEAL_UNLINKED, "seal_unlinked", "the seal does not follow the one before it")                              \
    X(AUDIT_ROW_CHANGED, "row_changed", "the row is not what was sealed")                                              \
    X(AUDIT_ROW_MISSING, "row_missing", "the row was sealed and is not there")                                         \
    X(AUDIT_ROW_ADDED, "row_added", "a row stands where none was sealed")                                              \
    X(AUDIT_TRUNCATED, "truncated", "a checkpoint knows seals that are not there")                                     \
    X(AUDIT_REWRITTEN, "rewritten", "a checkpoint has another hash for the seal")                                      \
    X(AUDIT_CHECKPOINT_FORGED, "checkpoint_forged", "the checkpoint's signature is not one of our key")

enum audit_finding {
#define X(constant, text, meaning) constant,
    AUDIT_FINDINGS(X)
#undef X
        AUDIT_FINDING_COUNT
};

const char *audit_finding_text(enum audit_finding finding);
const char *audit_finding_meaning(enum audit_finding finding);

/* Is the seal whole, and does it follow `before`? Where that is NULL (it was dropped, or there is none) only the first
 * seal says what it follows. */
enum audit_finding audit_check_seal(const struct audit_seal *before, const struct audit_seal *seal);
/* The rows between the last row of the seal before and this one's, in order. *ret_index is the first that differs. */
enum audit_finding audit_check_rows(const struct audit_seal *seal, const struct audit_row *rows, size_t count,
                                    int64_t *ret_index);
