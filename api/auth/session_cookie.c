/* Cookies and origins, as browsers write them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/session_cookie.h"

#include "common/hex.h"
#include "common/must.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict"
#define CSRF_LABEL "sluice csrf"

const char session_cookie_gone[] = SESSION_COOKIE "=" ATTRIBUTES "; Max-Age=0";

bool cookie_find(const char *header, const char *name, const char **ret, size_t *ret_length)
{
    size_t name_length = strlen(name);
    int found = 0;
    while (header != NULL && *header != '\0') {
        header += strspn(header, "; \t");
        size_t length = strcspn(header, ";");
        if (length > name_length && strncmp(header, name, name_length) == 0 && header[name_length] == '=') {
            *ret = header + name_length + 1;
            *ret_length = length - name_length - 1;
            found++;
        }
        header += length;
    }
    return found == 1;
}

void session_cookie_print(const char *text, int64_t lifetime_s, char ret[static SESSION_COOKIE_SIZE])
{
    int length =
        snprintf(ret, SESSION_COOKIE_SIZE, SESSION_COOKIE "=%s" ATTRIBUTES "; Max-Age=%" PRId64, text, lifetime_s);
    must(length > 0 && length < SESSION_COOKIE_SIZE);
}

void csrf_token(const struct token *session, char ret[static CSRF_TEXT_SIZE])
{
    uint8_t digest[TOKEN_HASH_SIZE];
    unsigned length = sizeof digest;
    must(HMAC(EVP_sha256(), session->secret, sizeof session->secret, (const unsigned char *)CSRF_LABEL,
              strlen(CSRF_LABEL), digest, &length) != NULL);
    _Static_assert(HEX_TEXT_SIZE(TOKEN_HASH_SIZE) == CSRF_TEXT_SIZE, "two digits a byte");
    hex_print(digest, sizeof digest, ret);
}

bool csrf_token_fits(const char token[static CSRF_TEXT_SIZE], const char *sent)
{
    return sent != NULL && strlen(sent) == CSRF_TEXT_SIZE - 1 && CRYPTO_memcmp(token, sent, CSRF_TEXT_SIZE - 1) == 0;
}

bool origin_is_ours(const struct request_origin *of)
{
    bool is_from_elsewhere = of->sec_fetch_site != NULL && strcasecmp(of->sec_fetch_site, "same-origin") != 0 &&
                             strcasecmp(of->sec_fetch_site, "none") != 0;
    if (is_from_elsewhere)
        return false;
    if (of->origin == NULL)
        return true;
    const char *scheme = of->is_https ? "https://" : "http://";
    size_t length = strlen(scheme);
    return of->host != NULL && strncasecmp(of->origin, scheme, length) == 0 &&
           strcasecmp(of->origin + length, of->host) == 0;
}
