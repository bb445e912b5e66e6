/* What a browser shows of its session, and what it must show beside before it may change something.
 *
 * The cookie is __Host-sluice: of this host alone, over TLS alone (browsers count loopback as that), out of reach of
 * scripts, and not sent by other sites. It has the text of a token of kind w. Whoever can make a browser send it must
 * not thereby act for its user: so a request that changes something also carries a value that only a page of this
 * origin can have read (X-CSRF-Token), and must not come from another origin by what the browser itself says. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/token.h"

#include <stddef.h>

#define SESSION_COOKIE      "__Host-sluice"
#define SESSION_COOKIE_SIZE 256 /* of a whole Set-Cookie */
#define CSRF_HEADER         "X-CSRF-Token"
#define CSRF_TEXT_SIZE      65

/* The value of the cookie in a Cookie header (RFC 6265, 5.4); NULL is fine. False where there is none, or more than
 * one. */
bool cookie_find(const char *header, const char *name, const char **ret, size_t *ret_length);
/* The values of Set-Cookie that give a session to the browser, until it ends, and take it away. */
void session_cookie_print(const char *text, int64_t lifetime_s, char ret[static SESSION_COOKIE_SIZE]);
extern const char session_cookie_gone[];

/* What belongs to the session: HMAC-SHA-256 of a fixed text under its secret, so nothing more is stored. */
void csrf_token(const struct token *session, char ret[static CSRF_TEXT_SIZE]);
/* In constant time; sent may be NULL. */
bool csrf_token_fits(const char token[static CSRF_TEXT_SIZE], const char *sent);

/* What a browser says of where a request comes from; each NULL where it says nothing. */
struct request_origin {
    const char *origin;         /* Origin */
    const char *sec_fetch_site; /* Sec-Fetch-Site */
    const char *host;           /* Host */
    bool is_https;              /* how the browser reached us */
};
/* Not from another origin, nor from one that is kept secret ("null"). Browsers of before say neither: fine. */
bool origin_is_ours(const struct request_origin *of);
