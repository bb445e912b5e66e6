/* Reading and writing the text of a token. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/token.h"

#include "common/must.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ID_LENGTH     26
#define SECRET_LENGTH 52
#define CRC_LENGTH    7
#define HEAD_LENGTH   6 /* "slu_u_" */
#define BODY_LENGTH   (HEAD_LENGTH + ID_LENGTH + 1 + SECRET_LENGTH)

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* CRC-32C (Castagnoli, reflected 0x82f63b78; RFC 3720 appendix B.4), four bits at a time: each request is checked. */
static uint32_t crc32c(const char *text, size_t length)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= (uint8_t)text[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void print_crc(uint32_t crc, char *ret)
{
    for (int i = CRC_LENGTH - 1; i >= 0; i--) {
        ret[i] = alphabet[crc & 31];
        crc >>= 5;
    }
}

/* 32 bytes are 256 bits: 51 characters of 5 bits and a last one of 1, whose other bits are 0. */
static void print_secret(const uint8_t *secret, char *ret)
{
    uint32_t bits = 0;
    int count = 0, length = 0;
    for (int i = 0; i < TOKEN_SECRET_SIZE; i++) {
        bits = (bits << 8 | secret[i]) & 0xffff;
        for (count += 8; count >= 5; count -= 5)
            ret[length++] = alphabet[(bits >> (count - 5)) & 31];
    }
    ret[length++] = alphabet[(bits << (5 - count)) & 31];
    must(length == SECRET_LENGTH);
}

static bool read_secret(const char *text, uint8_t *ret)
{
    uint32_t bits = 0;
    int count = 0, length = 0;
    for (int i = 0; i < SECRET_LENGTH; i++) {
        const char *found = text[i] == '\0' ? NULL : strchr(alphabet, text[i]);
        if (found == NULL)
            return false;
        bits = (bits << 5 | (uint32_t)(found - alphabet)) & 0xffff;
        count += 5;
        if (count >= 8 && length < TOKEN_SECRET_SIZE) {
            count -= 8;
            ret[length++] = (uint8_t)(bits >> count);
        }
    }
    bool is_padded_with_zeros = (bits & ((1U << count) - 1)) == 0;
    return length == TOKEN_SECRET_SIZE && is_padded_with_zeros;
}

void token_make(enum token_kind kind, struct token *ret)
{
    ret->kind = kind;
    ret->id = identity_new();
    must(RAND_bytes(ret->secret, sizeof ret->secret) == 1);
}

void token_print(const struct token *token, char ret[static TOKEN_TEXT_SIZE])
{
    char id[IDENTITY_TEXT_SIZE];
    identity_to_text(IDENTITY_TOKEN, token->id, id);
    (void)snprintf(ret, TOKEN_TEXT_SIZE, "slu_%c_%s_", (char)token->kind, id + strlen("tok_"));
    must(strlen(ret) == HEAD_LENGTH + ID_LENGTH + 1);
    print_secret(token->secret, ret + HEAD_LENGTH + ID_LENGTH + 1);
    print_crc(crc32c(ret, BODY_LENGTH), ret + BODY_LENGTH);
    ret[BODY_LENGTH + CRC_LENGTH] = '\0';
    _Static_assert(BODY_LENGTH + CRC_LENGTH + 1 == TOKEN_TEXT_SIZE, "the size is what the parts make");
}

static bool is_kind(char letter)
{
    return letter == TOKEN_TENANTS || letter == TOKEN_PROVIDERS || letter == TOKEN_SESSIONS;
}

enum err_kind token_parse(const char *text, struct token *ret, struct err *reterr)
{
    bool has_form = strlen(text) == TOKEN_TEXT_SIZE - 1 && strncmp(text, "slu_", 4) == 0 && is_kind(text[4]) &&
                    text[5] == '_' && text[HEAD_LENGTH + ID_LENGTH] == '_';
    if (!has_form)
        return err_set(reterr, ERR_UNAUTHENTICATED, "this is not a token of Sluice");
    char crc[CRC_LENGTH];
    print_crc(crc32c(text, BODY_LENGTH), crc);
    if (memcmp(crc, text + BODY_LENGTH, CRC_LENGTH) != 0)
        return err_set(reterr, ERR_UNAUTHENTICATED, "the token has a typo: its checksum does not fit");

    char id[IDENTITY_TEXT_SIZE];
    (void)snprintf(id, sizeof id, "tok_%.*s", ID_LENGTH, text + HEAD_LENGTH);
    struct token read = {.kind = (enum token_kind)text[4]};
    struct err ignored = {0};
    bool is_lower_case = strspn(text + HEAD_LENGTH, alphabet) == ID_LENGTH; /* other identifiers may be in either */
    bool is_read = is_lower_case && identity_from_text(IDENTITY_TOKEN, id, &read.id, &ignored) == ERR_NONE &&
                   read_secret(text + HEAD_LENGTH + ID_LENGTH + 1, read.secret);
    if (!is_read)
        return err_set(reterr, ERR_UNAUTHENTICATED, "this is not a token of Sluice");
    *ret = read;
    token_forget(&read);
    return ERR_NONE;
}

static EVP_MD *sha256; /* fetched once: EVP_sha256() is looked up under a lock at each use */

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(sha256 != NULL);
}

void token_hash(const struct token *token, uint8_t ret[static TOKEN_HASH_SIZE])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, fetch_sha256) == 0);
    must(EVP_Digest(token->secret, sizeof token->secret, ret, NULL, sha256, NULL) == 1);
}

void token_prove(const struct token *token, struct token_proof *ret)
{
    *ret = (struct token_proof){.kind = token->kind, .id = token->id};
    token_hash(token, ret->sha256);
}

bool token_hash_equal(const uint8_t a[static TOKEN_HASH_SIZE], const uint8_t b[static TOKEN_HASH_SIZE])
{
    return CRYPTO_memcmp(a, b, TOKEN_HASH_SIZE) == 0;
}

void token_forget(struct token *token)
{
    OPENSSL_cleanse(token->secret, sizeof token->secret);
}
