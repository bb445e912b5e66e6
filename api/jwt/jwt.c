/* Three parts with dots between them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jwt/jwt.h"

#include "common/base64url.h"
#include "common/must.h"

#include <string.h>
#include <strings.h>

static const char *const algorithm_names[] = {
#define X(constant, name, type, curve) [constant] = name,
    JWT_ALGORITHMS(X)
#undef X
};

/* What "typ" may say (RFC 7519, 5.1; RFC 9068, 2.1): other kinds of tokens are made for other readers. */
static const char *const types[] = {"JWT", "at+jwt", "application/at+jwt", "application/jwt"};

enum err_kind jwt_refuse(struct err *reterr, const char *why)
{
    return err_set_code(reterr, ERR_UNAUTHENTICATED, "jwt_refused", "%s", why);
}

/* JWT_ALGORITHM_COUNT where there is none of that name. */
static enum jwt_algorithm jwt_algorithm_of(const char *name)
{
    enum jwt_algorithm found = 0;
    while (found < JWT_ALGORITHM_COUNT && strcmp(algorithm_names[found], name) != 0)
        found++;
    return found;
}

/* A JSON object in base64url begins so. */
bool jwt_has_form(const char *text)
{
    return strncmp(text, "ey", 2) == 0 && strchr(text, '.') != NULL;
}

/* NULL where the part is no JSON object. */
static json_t *read_object(const char *part, size_t length)
{
    uint8_t bytes[BASE64URL_BYTES_MAX(JWT_TEXT_MAX)];
    size_t size = 0;
    must(length <= JWT_TEXT_MAX);
    if (!base64url_read(part, length, bytes, &size))
        return NULL;
    json_t *read = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(read))
        return read;
    json_decref(read);
    return NULL;
}

static bool is_fine_type(const json_t *header)
{
    const json_t *type = json_object_get(header, "typ");
    bool is_fine = type == NULL;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        is_fine = is_fine || (json_is_string(type) && strcasecmp(json_string_value(type), types[i]) == 0);
    return is_fine;
}

static enum err_kind read_header(const json_t *header, struct jwt *ret, struct err *reterr)
{
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    const json_t *kid = json_object_get(header, "kid");
    ret->algorithm = algorithm == NULL ? JWT_ALGORITHM_COUNT : jwt_algorithm_of(algorithm);
    if (ret->algorithm == JWT_ALGORITHM_COUNT)
        return jwt_refuse(reterr, "it is signed by none of RS256, ES256 and EdDSA");
    if (json_object_get(header, "crit") != NULL)
        return jwt_refuse(reterr, "it has an extension that must be understood");
    if (!is_fine_type(header))
        return jwt_refuse(reterr, "it is of a type for other readers");
    if (kid == NULL)
        return ERR_NONE;
    if (!json_is_string(kid) || json_string_length(kid) >= JWT_KID_SIZE)
        return jwt_refuse(reterr, "the name of its key is none");
    memcpy(ret->kid, json_string_value(kid), json_string_length(kid) + 1);
    return ERR_NONE;
}

static enum err_kind read_parts(const char *text, const char *first, const char *second, struct jwt *ret,
                                struct err *reterr)
{
    json_t *header = read_object(text, (size_t)(first - text));
    if (header == NULL)
        return jwt_refuse(reterr, "its header is no JSON object");
    enum err_kind kind = read_header(header, ret, reterr);
    json_decref(header);
    if (kind != ERR_NONE)
        return kind;
    size_t length = strlen(second + 1);
    if (length == 0 || BASE64URL_BYTES_MAX(length) > JWT_SIGNATURE_SIZE ||
        !base64url_read(second + 1, length, ret->signature, &ret->signature_size))
        return jwt_refuse(reterr, "its signature cannot be read");
    ret->claims = read_object(first + 1, (size_t)(second - first - 1));
    return ret->claims == NULL ? jwt_refuse(reterr, "its claims are no JSON object") : ERR_NONE;
}

enum err_kind jwt_parse(const char *text, struct jwt *ret, struct err *reterr)
{
    *ret = (struct jwt){.text = text};
    if (strlen(text) > JWT_TEXT_MAX)
        return jwt_refuse(reterr, "it is longer than 8192 characters");
    const char *first = strchr(text, '.');
    const char *second = first == NULL ? NULL : strchr(first + 1, '.');
    if (second == NULL || strchr(second + 1, '.') != NULL)
        return jwt_refuse(reterr, "it has not three parts");
    ret->signed_length = (size_t)(second - text);
    return read_parts(text, first, second, ret, reterr);
}

void jwt_clear(struct jwt *jwt)
{
    json_decref(jwt->claims);
    jwt->claims = NULL;
}
