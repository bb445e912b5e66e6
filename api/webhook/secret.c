/* Cryptography by OpenSSL's EVP; what was secret is cleansed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook/secret.h"

#include "common/alloc.h"
#include "common/base64.h"
#include "common/must.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX           "whsec_"
#define PREFIX_LENGTH    (sizeof PREFIX - 1)
#define SECRET_BYTES     32
#define SECRET_BYTES_MIN 24
#define SECRET_BYTES_MAX 64
#define KEYS_MAX         8
#define KEY_SIZE         32
#define KEY_ID_MAX       31
#define NONCE_SIZE       12
#define TAG_SIZE         16
#define BOX_SIZE         (NONCE_SIZE + SECRET_TEXT_SIZE + TAG_SIZE)
#define DIGEST_SIZE      32

struct secret_keys {
    size_t count;
    struct secret_key {
        char id[KEY_ID_MAX + 1];
        uint8_t bytes[KEY_SIZE];
    } keys[KEYS_MAX];
};

/* ---- Keys ---- */

static bool read_key(char *line, struct secret_key *ret)
{
    size_t size = 0;
    line[strcspn(line, "\r\n")] = '\0';
    size_t length = strcspn(line, " ");
    if (length == 0 || length > KEY_ID_MAX || line[length] != ' ' || memchr(line, ':', length) != NULL)
        return false;
    memcpy(ret->id, line, length);
    ret->id[length] = '\0';
    return base64_read(line + length + 1, ret->bytes, KEY_SIZE, &size) && size == KEY_SIZE;
}

static enum err_kind read_keys(FILE *file, const char *path, struct secret_keys *keys, struct err *reterr)
{
    char line[256];
    struct stat status;
    if (fstat(fileno(file), &status) != 0 || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return err_set(reterr, ERR_PRECONDITION, "the key file '%s' is open to others: give it the mode 0600", path);
    enum err_kind kind = ERR_NONE;
    while (kind == ERR_NONE && fgets(line, sizeof line, file) != NULL) {
        if (keys->count == KEYS_MAX || !read_key(line, &keys->keys[keys->count++]))
            kind = err_set(reterr, ERR_PRECONDITION,
                           "'%s' has a line that is not '<id> <base64 of 32 bytes>', or more than %d", path, KEYS_MAX);
    }
    OPENSSL_cleanse(line, sizeof line);
    if (kind == ERR_NONE && keys->count == 0)
        return err_set(reterr, ERR_PRECONDITION, "the key file '%s' is empty", path);
    return kind;
}

enum err_kind secret_keys_load(const char *path, struct secret_keys **ret, struct err *reterr)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(reterr, ERR_PRECONDITION, "the key file '%s' cannot be read: %s", path, strerror(errno));
    struct secret_keys *keys = alloc_zero(1, sizeof *keys);
    enum err_kind kind = read_keys(file, path, keys, reterr);
    (void)fclose(file); /* nothing was written */
    if (kind == ERR_NONE)
        *ret = keys;
    else
        secret_keys_free(keys);
    return kind;
}

void secret_keys_free(struct secret_keys *keys)
{
    if (keys == NULL)
        return;
    OPENSSL_cleanse(keys, sizeof *keys);
    free(keys);
}

void secret_keys_freep(struct secret_keys **keys)
{
    secret_keys_free(*keys);
    *keys = NULL;
}

/* ---- Secrets ---- */

void secret_make(char ret[static SECRET_TEXT_SIZE])
{
    uint8_t bytes[SECRET_BYTES];
    must(RAND_bytes(bytes, sizeof bytes) == 1);
    memcpy(ret, PREFIX, PREFIX_LENGTH);
    base64_print(bytes, sizeof bytes, ret + PREFIX_LENGTH);
    OPENSSL_cleanse(bytes, sizeof bytes);
}

static bool read_bytes(const char *text, uint8_t ret[static SECRET_BYTES_MAX], size_t *ret_size)
{
    return strncmp(text, PREFIX, PREFIX_LENGTH) == 0 &&
           base64_read(text + PREFIX_LENGTH, ret, SECRET_BYTES_MAX, ret_size) && *ret_size >= SECRET_BYTES_MIN;
}

bool secret_is_valid(const char *text)
{
    uint8_t bytes[SECRET_BYTES_MAX];
    size_t size = 0;
    bool is_valid = read_bytes(text, bytes, &size);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return is_valid;
}

/* ---- Sealing ---- */

const char *secret_seal(const struct secret_keys *keys, struct arena *arena, const char *webhook_id, const char *secret)
{
    uint8_t box[BOX_SIZE];
    char text[BASE64_TEXT_SIZE(BOX_SIZE)];
    const struct secret_key *key = &keys->keys[0];
    size_t length = strlen(secret);
    int written = 0;
    must(length <= SECRET_TEXT_MAX && RAND_bytes(box, NONCE_SIZE) == 1);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    must(context != NULL && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key->bytes, box) == 1);
    must(EVP_EncryptUpdate(context, NULL, &written, (const unsigned char *)webhook_id, (int)strlen(webhook_id)) == 1);
    must(EVP_EncryptUpdate(context, box + NONCE_SIZE, &written, (const unsigned char *)secret, (int)length) == 1);
    must((size_t)written == length && EVP_EncryptFinal_ex(context, box + NONCE_SIZE + length, &written) == 1);
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, box + NONCE_SIZE + length) == 1);
    EVP_CIPHER_CTX_free(context);
    base64_print(box, NONCE_SIZE + length + TAG_SIZE, text);
    return arena_format(arena, "%s:%s", key->id, text);
}

static const struct secret_key *key_of(const struct secret_keys *keys, const char *sealed)
{
    size_t length = strcspn(sealed, ":");
    for (size_t i = 0; i < keys->count; i++) {
        if (strlen(keys->keys[i].id) == length && strncmp(keys->keys[i].id, sealed, length) == 0)
            return &keys->keys[i];
    }
    return NULL;
}

const char *secret_keys_first(const struct secret_keys *keys)
{
    return keys->keys[0].id;
}

static bool open_box(const struct secret_key *key, const char *webhook_id, uint8_t *box, size_t size,
                     char ret[static SECRET_TEXT_SIZE])
{
    int length = (int)(size - NONCE_SIZE - TAG_SIZE);
    int written = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    must(context != NULL && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key->bytes, box) == 1);
    must(EVP_DecryptUpdate(context, NULL, &written, (const unsigned char *)webhook_id, (int)strlen(webhook_id)) == 1);
    must(EVP_DecryptUpdate(context, (unsigned char *)ret, &written, box + NONCE_SIZE, length) == 1);
    ret[written] = '\0';
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, box + NONCE_SIZE + length) == 1);
    unsigned char rest[TAG_SIZE];
    bool is_whole = EVP_DecryptFinal_ex(context, rest, &written) == 1;
    EVP_CIPHER_CTX_free(context);
    return is_whole;
}

enum err_kind secret_open(const struct secret_keys *keys, const char *webhook_id, const char *sealed,
                          char ret[static SECRET_TEXT_SIZE], struct err *reterr)
{
    uint8_t box[BOX_SIZE];
    size_t size = 0;
    const struct secret_key *key = key_of(keys, sealed);
    if (key == NULL)
        return err_set(reterr, ERR_INTERNAL, "no key of the key file has sealed the secret of webhook '%s'",
                       webhook_id);
    bool is_open = base64_read(sealed + strlen(key->id) + 1, box, sizeof box, &size) && size > NONCE_SIZE + TAG_SIZE &&
                   size <= NONCE_SIZE + SECRET_TEXT_MAX + TAG_SIZE && open_box(key, webhook_id, box, size, ret);
    if (is_open)
        return ERR_NONE;
    OPENSSL_cleanse(ret, SECRET_TEXT_SIZE);
    return err_set(reterr, ERR_INTERNAL, "the secret of webhook '%s' was not sealed for it, or was changed",
                   webhook_id);
}

/* ---- Signing ---- */

static void update(EVP_MAC_CTX *context, const char *text)
{
    must(EVP_MAC_update(context, (const unsigned char *)text, strlen(text)) == 1);
}

void secret_sign(const char *secret, const char *message_id, int64_t timestamp_s, const char *body,
                 char ret[static SIGNATURE_TEXT_SIZE])
{
    uint8_t key[SECRET_BYTES_MAX], digest[DIGEST_SIZE];
    char timestamp[32];
    size_t key_size = 0, digest_size = 0;
    must(read_bytes(secret, key, &key_size)); /* it was checked before it was sealed */
    (void)snprintf(timestamp, sizeof timestamp, ".%" PRId64 ".", timestamp_s);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    char sha256[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", sha256, 0), OSSL_PARAM_construct_end()};
    must(mac != NULL && context != NULL && EVP_MAC_init(context, key, key_size, params) == 1);
    update(context, message_id);
    update(context, timestamp);
    update(context, body);
    must(EVP_MAC_final(context, digest, &digest_size, sizeof digest) == 1 && digest_size == sizeof digest);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    OPENSSL_cleanse(key, sizeof key);
    memcpy(ret, "v1,", 3);
    base64_print(digest, sizeof digest, ret + 3);
}
