/* Signed checkpoints of the audit's chain (Ed25519, by OpenSSL), a line of JSON each in a file outside of the database:
 * whoever can write the database can write a new chain, and cannot sign it. The file is only ever appended to, each
 * line is on the disk before the next is written; operators move it elsewhere as they like. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/audit/chain.h"
#include "common/err.h"
#include "common/hex.h"

#define AUDIT_KEY_ID_SIZE 17 /* 16 hexadecimal digits: the first 8 bytes of the SHA-256 of the public key */

struct audit_key;

/* The private key of a PEM file. ERR_PRECONDITION where there is none, or others may read it. */
MUST_CHECK enum err_kind audit_key_load(const char *path, struct audit_key **ret, struct err *reterr);
void audit_key_free(struct audit_key *key); /* NULL is fine */
void audit_key_freep(struct audit_key **key);

struct audit_checkpoint {
    int64_t number;   /* of the seal */
    int64_t position; /* rows sealed up to its end */
    uint8_t hash[AUDIT_HASH_SIZE];
    int64_t at_s;      /* real time */
    bool is_authentic; /* read: its signature is one of our key */
};

MUST_CHECK enum err_kind audit_checkpoint_append(const char *path, const struct audit_key *key,
                                                 const struct audit_checkpoint *checkpoint, struct err *reterr);

typedef void audit_checkpoint_seen(void *context, const struct audit_checkpoint *checkpoint);
/* Each checkpoint of the file that tells of a seal from number `from` on, in the order of the file; a line that cannot
 * be read is one that is not authentic, of number 0. A file that is not there has none. */
MUST_CHECK enum err_kind audit_checkpoint_read(const char *path, const struct audit_key *key, int64_t from,
                                               audit_checkpoint_seen *seen, void *context, struct err *reterr);
