/* Tokens as text: slu_<kind>_<id>_<secret><crc>.
 *
 * kind is u (a tenant's), s (the provider's) or w (a browser's session, which stands in its cookie only); id is the
 * token's UUIDv7 and secret is 256 random bits, both in Crockford base32 (26 and 52 characters); crc is the CRC-32C of
 * everything before it (7 characters), so that a typo is found without asking the database. Only the SHA-256 of the
 * secret's 32 bytes is stored. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"
#include "common/identity.h"

#include <stdint.h>

#define TOKEN_SECRET_SIZE 32
#define TOKEN_TEXT_SIZE   93 /* slu_ u _ 26 _ 52 7 and the terminating zero */
#define TOKEN_HASH_SIZE   32

enum token_kind {
    TOKEN_NONE = 0, /* nothing was shown */
    TOKEN_TENANTS = 'u',
    TOKEN_PROVIDERS = 's',
    TOKEN_SESSIONS = 'w',
    TOKEN_WORKLOADS = 'j', /* never a text of ours: an issuer's JSON Web Token, by its hash */
};

struct token {
    enum token_kind kind;
    struct identity id;
    uint8_t secret[TOKEN_SECRET_SIZE]; /* token_forget() it */
};

/* What is remembered of a token that was shown: enough to know it again, not to show it. */
struct token_proof {
    enum token_kind kind;
    struct identity id;
    uint8_t sha256[TOKEN_HASH_SIZE];
};

/* A new token: id and secret are drawn. */
void token_make(enum token_kind kind, struct token *ret);
void token_print(const struct token *token, char ret[static TOKEN_TEXT_SIZE]);
/* ERR_UNAUTHENTICATED where the text is not exactly a token; a checksum that does not fit is called a typo. */
MUST_CHECK enum err_kind token_parse(const char *text, struct token *ret, struct err *reterr);
void token_hash(const struct token *token, uint8_t ret[static TOKEN_HASH_SIZE]);
void token_prove(const struct token *token, struct token_proof *ret);
/* In constant time. */
bool token_hash_equal(const uint8_t a[static TOKEN_HASH_SIZE], const uint8_t b[static TOKEN_HASH_SIZE]);
void token_forget(struct token *token);
