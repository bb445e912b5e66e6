/* Keys by OpenSSL, of which no primitive is ours. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/jwt/jwks.h"

#include "common/alloc.h"
#include "common/base64url.h"
#include "common/must.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define RSA_BITS_LEAST  2048
#define RSA_BYTES_MAX   1024
#define EXPONENT_MAX    8
#define COORDINATE_SIZE 32 /* P-256 */
#define ED25519_SIZE    32
#define ES256_SIZE      (2 * COORDINATE_SIZE)
#define ES256_DER_MAX   80
#define POINT_IS_WHOLE  0x04 /* SEC 1, 2.3.3 */

struct jwk {
    char kid[JWT_KID_SIZE]; /* "": it has no name */
    enum jwt_algorithm algorithm;
    EVP_PKEY *key;
};

struct jwks {
    size_t count;
    struct jwk keys[JWKS_KEYS_MAX];
};

static const struct {
    const char *name, *type, *curve;
} algorithms[] = {
#define X(constant, name, type, curve) [constant] = {name, type, curve},
    JWT_ALGORITHMS(X)
#undef X
};

/* ---- Making keys ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

/* A member in base64url, of at most size_max bytes. */
static bool read_bytes(const json_t *object, const char *name, uint8_t *ret, size_t size_max, size_t *ret_size)
{
    const char *text = text_of(object, name);
    size_t length = strlen(text);
    return length > 0 && BASE64URL_BYTES_MAX(length) <= size_max && base64url_read(text, length, ret, ret_size);
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    must(params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1);
    if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *read_rsa(const json_t *jwk)
{
    uint8_t modulus[RSA_BYTES_MAX], exponent[EXPONENT_MAX];
    size_t modulus_size = 0, exponent_size = 0;
    if (!read_bytes(jwk, "n", modulus, sizeof modulus, &modulus_size) ||
        !read_bytes(jwk, "e", exponent, sizeof exponent, &exponent_size))
        return NULL;
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_size, NULL), *e = BN_bin2bn(exponent, (int)exponent_size, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    must(n != NULL && e != NULL && build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
         OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1);
    bool is_strong = BN_num_bits(n) >= RSA_BITS_LEAST && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e);
    EVP_PKEY *key = is_strong ? make_key("RSA", build) : NULL;
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return key;
}

static EVP_PKEY *read_ec(const json_t *jwk)
{
    uint8_t point[1 + ES256_SIZE] = {POINT_IS_WHOLE};
    size_t x_size = 0, y_size = 0;
    if (!read_bytes(jwk, "x", point + 1, COORDINATE_SIZE, &x_size) || x_size != COORDINATE_SIZE ||
        !read_bytes(jwk, "y", point + 1 + COORDINATE_SIZE, COORDINATE_SIZE, &y_size) || y_size != COORDINATE_SIZE)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    must(build != NULL && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
         OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1);
    EVP_PKEY *key = make_key("EC", build); /* none where the point is not on the curve */
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *read_okp(const json_t *jwk)
{
    uint8_t point[ED25519_SIZE];
    size_t size = 0;
    if (!read_bytes(jwk, "x", point, sizeof point, &size) || size != sizeof point)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, size);
}

static EVP_PKEY *(*const readers[])(const json_t *jwk) = {
    [JWT_RS256] = read_rsa,
    [JWT_ES256] = read_ec,
    [JWT_EDDSA] = read_okp,
};

/* JWT_ALGORITHM_COUNT where nobody signs with it. */
static enum jwt_algorithm algorithm_of(const json_t *jwk)
{
    const char *use = text_of(jwk, "use"), *named = text_of(jwk, "alg");
    for (enum jwt_algorithm each = 0; each < JWT_ALGORITHM_COUNT; each++) {
        bool is_it = strcmp(text_of(jwk, "kty"), algorithms[each].type) == 0 &&
                     strcmp(text_of(jwk, "crv"), algorithms[each].curve) == 0;
        bool may_sign = (use[0] == '\0' || strcmp(use, "sig") == 0) &&
                        (named[0] == '\0' || strcmp(named, algorithms[each].name) == 0);
        if (is_it && may_sign)
            return each;
    }
    return JWT_ALGORITHM_COUNT;
}

static void add(struct jwks *keys, const json_t *jwk)
{
    const char *kid = text_of(jwk, "kid");
    enum jwt_algorithm algorithm = algorithm_of(jwk);
    if (algorithm == JWT_ALGORITHM_COUNT || strlen(kid) >= JWT_KID_SIZE || keys->count == JWKS_KEYS_MAX)
        return;
    EVP_PKEY *key = readers[algorithm](jwk);
    if (key == NULL)
        return;
    struct jwk *added = &keys->keys[keys->count++];
    *added = (struct jwk){.algorithm = algorithm, .key = key};
    memcpy(added->kid, kid, strlen(kid) + 1);
}

enum err_kind jwks_parse(const char *text, size_t length, struct jwks **ret, struct err *reterr)
{
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(document, "keys");
    struct jwks *keys = alloc_zero(1, sizeof *keys);
    for (size_t i = 0; i < json_array_size(list); i++)
        add(keys, json_array_get(list, i));
    json_decref(document);
    if (keys->count == 0) {
        jwks_free(keys);
        return err_set(reterr, ERR_INVALID,
                       "there is no key in it that a signature of RS256, ES256 or EdDSA could have");
    }
    *ret = keys;
    return ERR_NONE;
}

void jwks_free(struct jwks *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->keys[i].key);
    free(keys);
}

/* ---- Verifying ---- */

/* The one key that a token means: by its name; without one, the only one of its algorithm. */
static const struct jwk *key_of(const struct jwks *keys, const struct jwt *jwt)
{
    const struct jwk *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < keys->count; i++) {
        const struct jwk *each = &keys->keys[i];
        bool is_meant = jwt->kid[0] == '\0' || strcmp(each->kid, jwt->kid) == 0;
        if (each->algorithm == jwt->algorithm && is_meant) {
            found = each;
            count++;
        }
    }
    return count == 1 ? found : NULL;
}

/* JOSE writes two numbers of a fixed length (RFC 7518, 3.4), OpenSSL reads DER. 0: it is no signature. */
static size_t der_of(const struct jwt *jwt, uint8_t ret[static ES256_DER_MAX])
{
    if (jwt->signature_size != ES256_SIZE)
        return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(jwt->signature, COORDINATE_SIZE, NULL);
    BIGNUM *s = BN_bin2bn(jwt->signature + COORDINATE_SIZE, COORDINATE_SIZE, NULL);
    must(pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1); /* the pair has them now */
    uint8_t *end = ret;
    int size = i2d_ECDSA_SIG(pair, NULL);
    must(size > 0 && size <= ES256_DER_MAX && i2d_ECDSA_SIG(pair, &end) == size);
    ECDSA_SIG_free(pair);
    return (size_t)size;
}

static bool is_signed_by(const struct jwk *key, const struct jwt *jwt)
{
    uint8_t der[ES256_DER_MAX];
    bool is_pair = key->algorithm == JWT_ES256;
    const uint8_t *signature = is_pair ? der : jwt->signature;
    size_t size = is_pair ? der_of(jwt, der) : jwt->signature_size;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL);
    const EVP_MD *digest = key->algorithm == JWT_EDDSA ? NULL : EVP_sha256(); /* Ed25519 hashes by itself */
    bool is_fine = size > 0 && EVP_DigestVerifyInit(context, NULL, digest, NULL, key->key) == 1 &&
                   EVP_DigestVerify(context, signature, size, (const uint8_t *)jwt->text, jwt->signed_length) == 1;
    EVP_MD_CTX_free(context);
    return is_fine;
}

enum jwks_verdict jwks_verify(const struct jwks *keys, const struct jwt *jwt)
{
    const struct jwk *key = key_of(keys, jwt);
    if (key == NULL)
        return JWKS_UNKNOWN_KEY;
    return is_signed_by(key, jwt) ? JWKS_SIGNED : JWKS_FORGED;
}
