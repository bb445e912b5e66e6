/* One check after the other. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jwt/claims.h"

#include "api/jwt/jwt.h"
#include "common/must.h"

#include <openssl/crypto.h>
#include <string.h>

#define SECONDS_MAX INT64_C(253402300799) /* the year 9999 */

/* NumericDate: seconds, maybe with a fraction. False where it is none. */
static bool read_seconds(const json_t *claims, const char *name, int64_t *ret)
{
    const json_t *value = json_object_get(claims, name);
    double seconds = json_number_value(value);
    bool is_fine = json_is_number(value) && seconds >= 0 && seconds <= (double)SECONDS_MAX;
    *ret = is_fine ? (int64_t)seconds : 0;
    return is_fine;
}

static bool is_text(const json_t *value, const char *wanted)
{
    return json_is_string(value) && json_string_length(value) == strlen(wanted) &&
           strcmp(json_string_value(value), wanted) == 0;
}

static bool has(const json_t *value, const char *wanted)
{
    bool found = is_text(value, wanted);
    for (size_t i = 0; i < json_array_size(value); i++)
        found = found || is_text(json_array_get(value, i), wanted);
    return found;
}

static enum err_kind check_parties(const json_t *claims, const struct claims_wanted *wanted, struct err *reterr)
{
    const json_t *audience = json_object_get(claims, "aud"), *authorized = json_object_get(claims, "azp");
    if (!is_text(json_object_get(claims, "iss"), wanted->issuer))
        return jwt_refuse(reterr, "it is of another issuer");
    if (!has(audience, wanted->audience))
        return jwt_refuse(reterr, "it is for another audience");
    if (wanted->nonce == NULL)
        return ERR_NONE;
    /* An id token for several is taken by whom it was given to. */
    bool is_for_several = json_array_size(audience) > 1;
    if ((is_for_several && authorized == NULL) || (authorized != NULL && !is_text(authorized, wanted->audience)))
        return jwt_refuse(reterr, "it was given to another client");
    return ERR_NONE;
}

static enum err_kind check_nonce(const json_t *claims, const char *wanted, struct err *reterr)
{
    const json_t *nonce = json_object_get(claims, "nonce");
    bool is_it = json_is_string(nonce) && json_string_length(nonce) == strlen(wanted) &&
                 CRYPTO_memcmp(json_string_value(nonce), wanted, strlen(wanted)) == 0;
    return is_it ? ERR_NONE : jwt_refuse(reterr, "it was made for another sign-in");
}

static enum err_kind check_times(const json_t *claims, const struct claims_wanted *wanted, int64_t *ret_expires_at_s,
                                 struct err *reterr)
{
    int64_t expires_at = 0, issued_at = 0, not_before = 0;
    if (!read_seconds(claims, "exp", &expires_at) || !read_seconds(claims, "iat", &issued_at))
        return jwt_refuse(reterr, "it does not say from when and until when it is good (iat, exp)");
    if (json_object_get(claims, "nbf") != NULL && !read_seconds(claims, "nbf", &not_before))
        return jwt_refuse(reterr, "its nbf is no time");
    if (issued_at > wanted->now_s + wanted->skew_s || not_before > wanted->now_s + wanted->skew_s)
        return jwt_refuse(reterr, "it is not good yet");
    if (expires_at - issued_at > wanted->lifetime_max_s)
        return jwt_refuse(reterr, "it is good for longer than is taken here");
    if (expires_at + wanted->skew_s <= wanted->now_s)
        return err_set_code(reterr, ERR_UNAUTHENTICATED, "token_expired", "this token has expired");
    *ret_expires_at_s = expires_at;
    return ERR_NONE;
}

enum err_kind claims_check(const json_t *claims, const struct claims_wanted *wanted, int64_t *ret_expires_at_s,
                           struct err *reterr)
{
    must(wanted->skew_s >= 0 && wanted->skew_s <= CLAIMS_SKEW_MAX_S);
    enum err_kind kind = check_parties(claims, wanted, reterr);
    if (kind == ERR_NONE && wanted->nonce != NULL)
        kind = check_nonce(claims, wanted->nonce, reterr);
    return kind == ERR_NONE ? check_times(claims, wanted, ret_expires_at_s, reterr) : kind;
}

const char *claims_text(const json_t *claims, const char *name, size_t length_max)
{
    const json_t *value = json_object_get(claims, name);
    const char *text = json_string_value(value);
    if (text == NULL || text[0] == '\0' || json_string_length(value) > length_max ||
        strlen(text) != json_string_length(value))
        return NULL;
    for (const char *each = text; *each != '\0'; each++) {
        if ((unsigned char)*each < ' ' || *each == 0x7f)
            return NULL;
    }
    return text;
}

static const json_t *find(const json_t *claims, const char *name)
{
    if (name[0] != '/')
        return json_object_get(claims, name);
    while (claims != NULL && *name == '/') {
        size_t length = strcspn(++name, "/");
        claims = json_object_getn(claims, name, length);
        name += length;
    }
    return claims;
}

bool claims_have(const json_t *claims, const char *name, const char *value)
{
    bool is_email = strcmp(name + (name[0] == '/'), "email") == 0;
    bool is_unproven = is_email && !json_is_true(json_object_get(claims, "email_verified"));
    return !is_unproven && has(find(claims, name), value);
}
