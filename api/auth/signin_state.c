/* "<issued at>.<seed>": the time counts as part of what is derived, so it cannot be changed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/signin_state.h"

#include "common/base64url.h"
#include "common/must.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_SIZE  32
#define ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Lax"

const char signin_cookie_gone[] = SIGNIN_COOKIE "=" ATTRIBUTES "; Max-Age=0";

static void derive(const uint8_t seed[static SEED_SIZE], const char *label, int64_t issued_s,
                   char ret[static SIGNIN_TEXT_SIZE])
{
    char text[64];
    uint8_t digest[SEED_SIZE];
    unsigned size = sizeof digest;
    int length = snprintf(text, sizeof text, "sluice sign-in %s %" PRId64, label, issued_s);
    must(length > 0 && length < (int)sizeof text);
    must(HMAC(EVP_sha256(), seed, SEED_SIZE, (const unsigned char *)text, (size_t)length, digest, &size) != NULL);
    base64url_print(digest, sizeof digest, ret);
}

static void fill(const uint8_t seed[static SEED_SIZE], int64_t issued_s, struct signin_state *ret)
{
    uint8_t digest[SEED_SIZE];
    *ret = (struct signin_state){0};
    derive(seed, "state", issued_s, ret->state);
    derive(seed, "nonce", issued_s, ret->nonce);
    derive(seed, "verifier", issued_s, ret->verifier);
    must(EVP_Digest(ret->verifier, strlen(ret->verifier), digest, NULL, EVP_sha256(), NULL) == 1);
    base64url_print(digest, sizeof digest, ret->challenge);
}

void signin_state_new(int64_t now_s, struct signin_state *ret)
{
    uint8_t seed[SEED_SIZE];
    char text[SIGNIN_TEXT_SIZE];
    must(RAND_bytes(seed, sizeof seed) == 1);
    fill(seed, now_s, ret);
    base64url_print(seed, sizeof seed, text);
    int length = snprintf(ret->set_cookie, sizeof ret->set_cookie,
                          SIGNIN_COOKIE "=%" PRId64 ".%s" ATTRIBUTES "; Max-Age=%d", now_s, text, SIGNIN_LIFE_S);
    must(length > 0 && length < (int)sizeof ret->set_cookie);
    OPENSSL_cleanse(seed, sizeof seed);
}

bool signin_state_of(const char *cookie, size_t length, int64_t now_s, struct signin_state *ret)
{
    char text[64 + SIGNIN_TEXT_SIZE] = "";
    uint8_t seed[SEED_SIZE + 1];
    size_t size = 0;
    if (length >= sizeof text)
        return false;
    memcpy(text, cookie, length);
    char *end = NULL;
    int64_t issued_s = strtoll(text, &end, 10);
    bool has_form = text[0] >= '0' && text[0] <= '9' && *end == '.' && strlen(end + 1) == SIGNIN_TEXT_SIZE - 1;
    if (!has_form || issued_s > now_s || now_s - issued_s > SIGNIN_LIFE_S ||
        !base64url_read(end + 1, SIGNIN_TEXT_SIZE - 1, seed, &size) || size != SEED_SIZE)
        return false;
    fill(seed, issued_s, ret);
    OPENSSL_cleanse(seed, sizeof seed);
    return true;
}

bool signin_state_is(const struct signin_state *state, const char *sent)
{
    return sent != NULL && strlen(sent) == SIGNIN_TEXT_SIZE - 1 &&
           CRYPTO_memcmp(state->state, sent, SIGNIN_TEXT_SIZE - 1) == 0;
}
