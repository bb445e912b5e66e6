/* What ties a sign-in at an identity provider to the browser that began it: one random secret in a short-lived cookie,
 * of which state, nonce and the PKCE verifier (RFC 7636, S256) are derived. Nothing is kept on the server, so any
 * replica finishes what another began. The cookie is SameSite=Lax, for the provider's page leads back here. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNIN_COOKIE      "__Host-sluice-sign-in"
#define SIGNIN_COOKIE_SIZE 256 /* of a whole Set-Cookie */
#define SIGNIN_LIFE_S      600
#define SIGNIN_TEXT_SIZE   44 /* 32 bytes in base64url */

struct signin_state {
    char set_cookie[SIGNIN_COOKIE_SIZE]; /* of a new one */
    char state[SIGNIN_TEXT_SIZE], nonce[SIGNIN_TEXT_SIZE];
    char verifier[SIGNIN_TEXT_SIZE], challenge[SIGNIN_TEXT_SIZE];
};

extern const char signin_cookie_gone[];

/* now_s: real time. */
void signin_state_new(int64_t now_s, struct signin_state *ret);
/* By the cookie's value. False where it is none, or too old. */
bool signin_state_of(const char *cookie, size_t length, int64_t now_s, struct signin_state *ret);
/* In constant time; sent may be NULL. */
bool signin_state_is(const struct signin_state *state, const char *sent);
