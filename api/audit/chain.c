/* Hashing by OpenSSL, column by column; comparing by hash alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/chain.h"

#include "common/must.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_SIZE 24

static const struct {
    const char *text, *meaning;
} findings[] = {
#define X(constant, text, meaning) {text, meaning},
    AUDIT_FINDINGS(X)
#undef X
};

const char *audit_finding_text(enum audit_finding finding)
{
    return findings[finding].text;
}

const char *audit_finding_meaning(enum audit_finding finding)
{
    return findings[finding].meaning;
}

/* ---- Hashing ---- */

static EVP_MD_CTX *begin(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    return context;
}

static void add(EVP_MD_CTX *context, const void *bytes, size_t length)
{
    must(EVP_DigestUpdate(context, bytes, length) == 1);
}

static void add_netstring(EVP_MD_CTX *context, const void *bytes, size_t length)
{
    char prefix[NUMBER_TEXT_SIZE];
    int written = snprintf(prefix, sizeof prefix, "%zu:", length);
    add(context, prefix, (size_t)written);
    add(context, bytes, length);
    add(context, ",", 1);
}

static void add_text(EVP_MD_CTX *context, const char *text)
{
    if (text == NULL)
        add(context, "-", 1);
    else
        add_netstring(context, text, strlen(text));
}

static void add_number(EVP_MD_CTX *context, int64_t value)
{
    char text[NUMBER_TEXT_SIZE];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    add_text(context, text);
}

static void end(EVP_MD_CTX *context, uint8_t ret[static AUDIT_HASH_SIZE])
{
    unsigned length = 0;
    must(EVP_DigestFinal_ex(context, ret, &length) == 1 && length == AUDIT_HASH_SIZE);
    EVP_MD_CTX_free(context);
}

void audit_row_hash(const struct audit_row *row, uint8_t ret[static AUDIT_HASH_SIZE])
{
    EVP_MD_CTX *context = begin();
    add_text(context, "sluice-audit-row-v1");
    for (size_t i = 0; i < AUDIT_COLUMN_COUNT; i++)
        add_text(context, row->columns[i]);
    end(context, ret);
}

/* Of everything in the seal but .hash. */
static void audit_seal_hash(const struct audit_seal *seal, uint8_t ret[static AUDIT_HASH_SIZE])
{
    EVP_MD_CTX *context = begin();
    add_text(context, "sluice-audit-seal-v1");
    add_number(context, seal->number);
    add_number(context, seal->position);
    add_number(context, seal->row_count);
    add_number(context, seal->recorded_from_us);
    add_text(context, seal->last_xid);
    add_text(context, seal->last_id);
    add_netstring(context, seal->row_hashes, (size_t)seal->row_count * AUDIT_HASH_SIZE);
    add_netstring(context, seal->previous_hash, AUDIT_HASH_SIZE);
    end(context, ret);
}

/* ---- Sealing ---- */

static int64_t recorded_us(const struct audit_row *row)
{
    return strtoll(row->columns[AUDIT_RECORDED_US], NULL, 10);
}

void audit_seal_make(struct arena *arena, const struct audit_seal *head, const struct audit_row *rows, size_t count,
                     struct audit_seal *ret)
{
    must(count > 0 && count <= AUDIT_SEAL_ROWS_MAX);
    uint8_t *hashes = arena_alloc(arena, count * AUDIT_HASH_SIZE);
    struct audit_seal seal = {.number = 1,
                              .row_count = (int64_t)count,
                              .recorded_from_us = recorded_us(&rows[0]),
                              .last_xid = rows[count - 1].columns[AUDIT_XID],
                              .last_id = rows[count - 1].columns[AUDIT_ID],
                              .row_hashes = hashes};
    for (size_t i = 0; i < count; i++) {
        audit_row_hash(&rows[i], hashes + i * AUDIT_HASH_SIZE);
        if (recorded_us(&rows[i]) < seal.recorded_from_us)
            seal.recorded_from_us = recorded_us(&rows[i]);
    }
    if (head != NULL) {
        seal.number = head->number + 1;
        seal.position = head->position + head->row_count;
        memcpy(seal.previous_hash, head->hash, AUDIT_HASH_SIZE);
    }
    audit_seal_hash(&seal, seal.hash);
    *ret = seal;
}

/* ---- Checking ---- */

static bool same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, AUDIT_HASH_SIZE) == 0;
}

static bool follows(const struct audit_seal *before, const struct audit_seal *seal)
{
    static const uint8_t nothing[AUDIT_HASH_SIZE];
    if (before != NULL)
        return seal->number == before->number + 1 && seal->position == before->position + before->row_count &&
               same(seal->previous_hash, before->hash);
    return seal->number > 1 || (seal->position == 0 && same(seal->previous_hash, nothing));
}

enum audit_finding audit_check_seal(const struct audit_seal *before, const struct audit_seal *seal)
{
    uint8_t hash[AUDIT_HASH_SIZE];
    audit_seal_hash(seal, hash);
    if (!same(hash, seal->hash))
        return AUDIT_SEAL_CHANGED;
    return follows(before, seal) ? AUDIT_FINE : AUDIT_SEAL_UNLINKED;
}

enum audit_finding audit_check_rows(const struct audit_seal *seal, const struct audit_row *rows, size_t count,
                                    int64_t *ret_index)
{
    size_t sealed = (size_t)seal->row_count;
    uint8_t hash[AUDIT_HASH_SIZE];
    for (size_t i = 0; i < sealed; i++) {
        *ret_index = (int64_t)i;
        if (i == count)
            return AUDIT_ROW_MISSING;
        audit_row_hash(&rows[i], hash);
        if (same(hash, seal->row_hashes + i * AUDIT_HASH_SIZE))
            continue;
        /* What follows tells whether one is gone, one came in, or this one is another. */
        if (count > sealed)
            return AUDIT_ROW_ADDED;
        return count < sealed ? AUDIT_ROW_MISSING : AUDIT_ROW_CHANGED;
    }
    *ret_index = (int64_t)sealed;
    return count > sealed ? AUDIT_ROW_ADDED : AUDIT_FINE;
}
