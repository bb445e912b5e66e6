/* Taking a public key apart: the line, its base64, and the fields of the blob, of which none may be left over. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/ssh_key.h"

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/must.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ED25519_BYTES      32
#define RSA_BITS_MIN       2048
#define RSA_BITS_MAX       16384
#define RSA_EXPONENT_BYTES 8
#define SHA256_BYTES       32

/* ---- The blob: strings, each a length of four bytes and its bytes (RFC 4251, 5) ---- */

struct blob {
    const uint8_t *next;
    size_t left;
};

struct part {
    const uint8_t *bytes;
    size_t length;
};

static bool take(struct blob *blob, struct part *ret)
{
    if (blob->left < 4)
        return false;
    size_t length =
        (size_t)blob->next[0] << 24 | (size_t)blob->next[1] << 16 | (size_t)blob->next[2] << 8 | blob->next[3];
    if (length > blob->left - 4)
        return false;
    *ret = (struct part){blob->next + 4, length};
    blob->next += 4 + length;
    blob->left -= 4 + length;
    return true;
}

static bool take_text(struct blob *blob, const char *wanted)
{
    struct part part = {0};
    return take(blob, &part) && part.length == strlen(wanted) && memcmp(part.bytes, wanted, part.length) == 0;
}

/* A positive number without a byte too many: one zero stands before a first bit that is set. */
static bool take_number(struct blob *blob, struct part *ret)
{
    struct part part = {0};
    if (!take(blob, &part) || part.length == 0 || (part.bytes[0] & 0x80) != 0)
        return false;
    if (part.bytes[0] == 0) {
        part.bytes++;
        part.length--;
        if (part.length == 0 || (part.bytes[0] & 0x80) == 0)
            return false;
    }
    *ret = part;
    return true;
}

/* ---- Kinds of keys: each reads what follows its name ---- */

struct kind;
typedef bool reader(const struct kind *kind, struct blob *blob, int *ret_bits);

struct kind {
    const char *type;
    reader *read;
    const char *curve; /* ECDSA: its name, and OpenSSL's number for it */
    int nid;
    bool is_in_hardware; /* an application's name stands at the end */
};

static bool read_ed25519(const struct kind *kind, struct blob *blob, int *ret_bits)
{
    (void)kind;
    struct part point = {0};
    *ret_bits = 8 * ED25519_BYTES;
    return take(blob, &point) && point.length == ED25519_BYTES;
}

static bool read_rsa(const struct kind *kind, struct blob *blob, int *ret_bits)
{
    (void)kind;
    struct part exponent = {0}, modulus = {0};
    if (!take_number(blob, &exponent) || !take_number(blob, &modulus))
        return false;
    bool is_odd = (exponent.bytes[exponent.length - 1] & 1) != 0 && (modulus.bytes[modulus.length - 1] & 1) != 0;
    bool is_one = exponent.length == 1 && exponent.bytes[0] == 1;
    if (!is_odd || is_one || exponent.length > RSA_EXPONENT_BYTES || modulus.length > RSA_BITS_MAX / 8)
        return false;
    *ret_bits = 8 * (int)modulus.length;
    for (uint8_t top = modulus.bytes[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        --*ret_bits;
    return true;
}

/* An uncompressed point, and one that lies on the curve. */
static bool is_on_curve(int nid, struct part point)
{
    if (point.length == 0 || point.bytes[0] != POINT_CONVERSION_UNCOMPRESSED)
        return false;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
    must(group != NULL);
    EC_POINT *read = EC_POINT_new(group);
    must(read != NULL);
    bool fits = EC_POINT_oct2point(group, read, point.bytes, point.length, NULL) == 1 &&
                EC_POINT_is_at_infinity(group, read) == 0;
    EC_POINT_free(read);
    EC_GROUP_free(group);
    return fits;
}

static bool read_ecdsa(const struct kind *kind, struct blob *blob, int *ret_bits)
{
    struct part point = {0};
    *ret_bits = kind->nid == NID_X9_62_prime256v1 ? 256 : kind->nid == NID_secp384r1 ? 384 : 521;
    return take_text(blob, kind->curve) && take(blob, &point) && is_on_curve(kind->nid, point);
}

// clang-format off
static const struct kind kinds[] = {
    {"ssh-ed25519",                        read_ed25519, NULL,       0,                    false},
    {"ssh-rsa",                            read_rsa,     NULL,       0,                    false},
    {"ecdsa-sha2-nistp256",                read_ecdsa,   "nistp256", NID_X9_62_prime256v1, false},
    {"ecdsa-sha2-nistp384",                read_ecdsa,   "nistp384", NID_secp384r1,        false},
    {"ecdsa-sha2-nistp521",                read_ecdsa,   "nistp521", NID_secp521r1,        false},
    {"sk-ssh-ed25519@openssh.com",         read_ed25519, NULL,       0,                    true},
    {"sk-ecdsa-sha2-nistp256@openssh.com", read_ecdsa,   "nistp256", NID_X9_62_prime256v1, true},
};
// clang-format on

static const struct kind *kind_of(const char *type, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strlen(kinds[i].type) == length && memcmp(kinds[i].type, type, length) == 0)
            return &kinds[i];
    }
    return NULL;
}

static bool read_blob(const struct kind *kind, struct blob blob, int *ret_bits)
{
    struct part application = {0};
    return take_text(&blob, kind->type) && kind->read(kind, &blob, ret_bits) &&
           (!kind->is_in_hardware || take(&blob, &application)) && blob.left == 0;
}

/* ---- Base64 ---- */

/* The bytes, which the caller frees; NULL where it is not what would be written for them. */
static uint8_t *decode(const char *text, size_t length, size_t *ret_length)
{
    if (length == 0 || length % 4 != 0)
        return NULL;
    size_t padding = (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
    uint8_t *bytes = alloc_zero(length / 4 * 3 + 1, 1);
    CLEANUP(text_freep) char *again = alloc_zero(length + 1, 1);
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    if (decoded >= 0 && (size_t)decoded > padding) {
        *ret_length = (size_t)decoded - padding;
        (void)EVP_EncodeBlock((unsigned char *)again, bytes, (int)*ret_length);
        if (memcmp(again, text, length) == 0)
            return bytes;
    }
    free(bytes);
    return NULL;
}

static void print_fingerprint(const uint8_t *blob, size_t length, char ret[static SSH_KEY_FINGERPRINT_SIZE])
{
    uint8_t digest[SHA256_BYTES];
    char text[(SHA256_BYTES + 2) / 3 * 4 + 1];
    must(EVP_Digest(blob, length, digest, NULL, EVP_sha256(), NULL) == 1);
    (void)EVP_EncodeBlock((unsigned char *)text, digest, sizeof digest);
    (void)snprintf(ret, SSH_KEY_FINGERPRINT_SIZE, "SHA256:%.43s", text); /* without its one '=' */
}

static void bytes_freep(uint8_t **bytes)
{
    free(*bytes);
}

enum err_kind ssh_key_parse(const char *text, struct ssh_key *ret, struct err *reterr)
{
    size_t type_length = strcspn(text, " ");
    const struct kind *kind = kind_of(text, type_length);
    if (kind == NULL || text[type_length] == '\0' || strlen(text) > SSH_KEY_TEXT_MAX)
        return err_set(reterr, ERR_INVALID,
                       "must be one line \"type base64 comment\" without options; types are ssh-ed25519, ssh-rsa,"
                       " ecdsa-sha2-nistp256, -384, -521 and those of hardware keys (sk-...)");
    const char *base64 = text + type_length + 1;
    size_t length = 0;
    CLEANUP(bytes_freep) uint8_t *bytes = decode(base64, strcspn(base64, " "), &length);
    int bits = 0;
    if (bytes == NULL || !read_blob(kind, (struct blob){bytes, length}, &bits))
        return err_set(reterr, ERR_INVALID, "its base64 is not a key of the type %s", kind->type);
    if (kind->read == read_rsa && bits < RSA_BITS_MIN)
        return err_set(reterr, ERR_INVALID, "an RSA key of %d bits is too weak: %d are needed", bits, RSA_BITS_MIN);
    *ret = (struct ssh_key){.type = kind->type, .bits = bits};
    print_fingerprint(bytes, length, ret->fingerprint);
    return ERR_NONE;
}
