/* Secrets of webhooks: how they look, how they are kept, and what they sign (Standard Webhooks).
 *
 * A secret is "whsec_" and the base64 of 24 to 64 bytes. Signing needs it, so it is kept, sealed by AES-256-GCM with a
 * key that the database does not have: "<key's id>:<base64 of nonce, ciphertext and tag>", bound to its webhook. The
 * key file has a line per key, "<id> <base64 of 32 bytes>": the first seals, all of them open. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"
#include "common/err.h"

#include <stdint.h>

#define SECRET_TEXT_MAX     94 /* "whsec_" and 88 characters */
#define SECRET_TEXT_SIZE    (SECRET_TEXT_MAX + 1)
#define SIGNATURE_TEXT_SIZE 48 /* "v1," and the base64 of a SHA-256 */

struct secret_keys;

/* ERR_PRECONDITION where the file is not there, open to others, or has a line that is none. */
MUST_CHECK enum err_kind secret_keys_load(const char *path, struct secret_keys **ret, struct err *reterr);
void secret_keys_free(struct secret_keys *keys); /* NULL is fine */
void secret_keys_freep(struct secret_keys **keys);

void secret_make(char ret[static SECRET_TEXT_SIZE]);
bool secret_is_valid(const char *text);
/* The text is the arena's. */
const char *secret_seal(const struct secret_keys *keys, struct arena *arena, const char *webhook_id,
                        const char *secret);
/* ERR_INTERNAL where no key of ours has sealed it, or for another webhook. */
MUST_CHECK enum err_kind secret_open(const struct secret_keys *keys, const char *webhook_id, const char *sealed,
                                     char ret[static SECRET_TEXT_SIZE], struct err *reterr);
/* The id of the key that seals. */
const char *secret_keys_first(const struct secret_keys *keys);
/* "v1," and the base64 of HMAC-SHA256(secret, "<message>.<timestamp>.<body>"). */
void secret_sign(const char *secret, const char *message_id, int64_t timestamp_s, const char *body,
                 char ret[static SIGNATURE_TEXT_SIZE]);
