/* Lines such as
 *     {"number": 7, "position": 913, "hash": "9f..", "at": 1767225600, "key": "0a1b..", "signature": "c2ln.."}
 * signed over the netstrings of what stands in front of the key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit/checkpoint.h"

#include "common/alloc.h"
#include "common/must.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIGNATURE_SIZE  64
#define PUBLIC_KEY_SIZE 32
#define LINE_SIZE       512
#define BASE64_SIZE     89 /* 64 bytes and the end */

struct audit_key {
    EVP_PKEY *pair;
    char id[AUDIT_KEY_ID_SIZE];
};

/* ---- The key ---- */

static enum err_kind open_key(const char *path, FILE **ret, struct err *reterr)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(reterr, ERR_PRECONDITION, "the audit key '%s' cannot be read: %s", path, strerror(errno));
    struct stat status;
    if (fstat(fileno(file), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0) {
        *ret = file;
        return ERR_NONE;
    }
    (void)fclose(file); /* nothing was written */
    return err_set(reterr, ERR_PRECONDITION, "the audit key '%s' is open to others: give it the mode 0600", path);
}

static void print_key_id(EVP_PKEY *pair, char ret[static AUDIT_KEY_ID_SIZE])
{
    uint8_t public[PUBLIC_KEY_SIZE];
    uint8_t digest[AUDIT_HASH_SIZE];
    size_t length = sizeof public;
    must(EVP_PKEY_get_raw_public_key(pair, public, &length) == 1);
    must(EVP_Digest(public, length, digest, NULL, EVP_sha256(), NULL) == 1);
    hex_print(digest, (AUDIT_KEY_ID_SIZE - 1) / 2, ret);
}

enum err_kind audit_key_load(const char *path, struct audit_key **ret, struct err *reterr)
{
    FILE *file = NULL;
    enum err_kind kind = open_key(path, &file, reterr);
    if (kind != ERR_NONE)
        return kind;
    EVP_PKEY *pair = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file); /* nothing was written */
    if (pair == NULL || EVP_PKEY_get_id(pair) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pair);
        return err_set(reterr, ERR_PRECONDITION, "'%s' holds no Ed25519 private key in PEM form", path);
    }
    struct audit_key *key = alloc_zero(1, sizeof *key);
    key->pair = pair;
    print_key_id(pair, key->id);
    *ret = key;
    return ERR_NONE;
}

void audit_key_free(struct audit_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pair);
    free(key);
}

void audit_key_freep(struct audit_key **key)
{
    audit_key_free(*key);
    *key = NULL;
}

/* ---- What is signed ---- */

static size_t put(char *text, size_t used, const char *part)
{
    int written = snprintf(text + used, LINE_SIZE - used, "%zu:%s,", strlen(part), part);
    must(written > 0 && (size_t)written < LINE_SIZE - used);
    return used + (size_t)written;
}

static size_t put_number(char *text, size_t used, int64_t value)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRId64, value);
    return put(text, used, digits);
}

static size_t signed_text(const struct audit_checkpoint *checkpoint, char text[static LINE_SIZE])
{
    char hash[HEX_TEXT_SIZE(AUDIT_HASH_SIZE)];
    hex_print(checkpoint->hash, AUDIT_HASH_SIZE, hash);
    size_t used = put(text, 0, "sluice-audit-checkpoint-v1");
    used = put_number(text, used, checkpoint->number);
    used = put_number(text, used, checkpoint->position);
    used = put(text, used, hash);
    return put_number(text, used, checkpoint->at_s);
}

static void sign(const struct audit_key *key, const struct audit_checkpoint *checkpoint,
                 uint8_t ret[static SIGNATURE_SIZE])
{
    char text[LINE_SIZE];
    size_t length = signed_text(checkpoint, text);
    size_t signature_length = SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pair) == 1);
    must(EVP_DigestSign(context, ret, &signature_length, (const unsigned char *)text, length) == 1);
    EVP_MD_CTX_free(context);
}

static bool is_signed(const struct audit_key *key, const struct audit_checkpoint *checkpoint, const uint8_t *signature)
{
    char text[LINE_SIZE];
    size_t length = signed_text(checkpoint, text);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pair) == 1);
    bool is_good = EVP_DigestVerify(context, signature, SIGNATURE_SIZE, (const unsigned char *)text, length) == 1;
    EVP_MD_CTX_free(context);
    return is_good;
}

/* ---- Appending ---- */

static enum err_kind write_line(int file, const char *line, const char *path, struct err *reterr)
{
    size_t length = strlen(line);
    bool is_written = write(file, line, length) == (ssize_t)length && fsync(file) == 0;
    return is_written ? ERR_NONE
                      : err_set(reterr, ERR_UNAVAILABLE, "cannot write the audit checkpoint to '%s': %s", path,
                                strerror(errno));
}

enum err_kind audit_checkpoint_append(const char *path, const struct audit_key *key,
                                      const struct audit_checkpoint *checkpoint, struct err *reterr)
{
    uint8_t signature[SIGNATURE_SIZE];
    char signature_text[BASE64_SIZE];
    char hash[HEX_TEXT_SIZE(AUDIT_HASH_SIZE)];
    sign(key, checkpoint, signature);
    must(EVP_EncodeBlock((unsigned char *)signature_text, signature, SIGNATURE_SIZE) == BASE64_SIZE - 1);
    hex_print(checkpoint->hash, AUDIT_HASH_SIZE, hash);
    char line[LINE_SIZE];
    int length = snprintf(line, sizeof line,
                          "{\"number\": %" PRId64 ", \"position\": %" PRId64 ", \"hash\": \"%s\", \"at\": %" PRId64
                          ", \"key\": \"%s\", \"signature\": \"%s\"}\n",
                          checkpoint->number, checkpoint->position, hash, checkpoint->at_s, key->id, signature_text);
    must(length > 0 && (size_t)length < sizeof line);
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0)
        return err_set(reterr, ERR_UNAVAILABLE, "cannot open '%s' for audit checkpoints: %s", path, strerror(errno));
    enum err_kind kind = write_line(file, line, path, reterr);
    (void)close(file); /* what counts is the fsync */
    return kind;
}

/* ---- Reading ---- */

static bool read_signature(const char *text, uint8_t ret[static SIGNATURE_SIZE])
{
    uint8_t decoded[BASE64_SIZE]; /* with the two bytes of padding that EVP_DecodeBlock leaves */
    if (text == NULL || strlen(text) != BASE64_SIZE - 1 ||
        EVP_DecodeBlock(decoded, (const unsigned char *)text, BASE64_SIZE - 1) != SIGNATURE_SIZE + 2)
        return false;
    memcpy(ret, decoded, SIGNATURE_SIZE);
    return true;
}

/* False where the line is none of ours at all. */
static bool parse(const char *line, struct audit_checkpoint *ret, uint8_t signature[static SIGNATURE_SIZE])
{
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *hash = json_string_value(json_object_get(object, "hash"));
    *ret = (struct audit_checkpoint){.number = json_integer_value(json_object_get(object, "number")),
                                     .position = json_integer_value(json_object_get(object, "position")),
                                     .at_s = json_integer_value(json_object_get(object, "at"))};
    bool fits = hash != NULL && hex_read(hash, ret->hash, AUDIT_HASH_SIZE) &&
                read_signature(json_string_value(json_object_get(object, "signature")), signature);
    json_decref(object);
    return fits;
}

static void take_line(const char *line, const struct audit_key *key, int64_t from, audit_checkpoint_seen *seen,
                      void *context)
{
    struct audit_checkpoint checkpoint = {0};
    uint8_t signature[SIGNATURE_SIZE];
    if (!parse(line, &checkpoint, signature)) {
        seen(context, &(struct audit_checkpoint){0});
        return;
    }
    if (checkpoint.number < from)
        return;
    checkpoint.is_authentic = is_signed(key, &checkpoint, signature);
    seen(context, &checkpoint);
}

enum err_kind audit_checkpoint_read(const char *path, const struct audit_key *key, int64_t from,
                                    audit_checkpoint_seen *seen, void *context, struct err *reterr)
{
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return ERR_NONE;
    if (file == NULL)
        return err_set(reterr, ERR_UNAVAILABLE, "cannot read the audit checkpoints '%s': %s", path, strerror(errno));
    CLEANUP(text_freep) char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) > 0)
        take_line(line, key, from, seen, context);
    bool is_read = ferror(file) == 0;
    (void)fclose(file); /* nothing was written */
    return is_read ? ERR_NONE : err_set(reterr, ERR_UNAVAILABLE, "cannot read the audit checkpoints '%s'", path);
}
