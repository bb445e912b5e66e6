/* Whatever text comes as a public key, or whatever blob: it is refused, or its fingerprint is the digest of exactly
 * what its base64 says, as a decoder of our own reads it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/ssh_key.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/evp.h>
#include <stdio.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t decode(const char *text, size_t length, uint8_t *ret)
{
    uint32_t bits = 0;
    int count = 0;
    size_t written = 0;
    for (size_t i = 0; i < length && text[i] != '='; i++) {
        const char *found = strchr(digits, text[i]);
        must(found != NULL);
        bits = (bits << 6 | (uint32_t)(found - digits)) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            ret[written++] = (uint8_t)(bits >> count);
        }
    }
    return written;
}

static void read_key(const char *text)
{
    struct ssh_key key = {0};
    struct err err = {0};
    if (ssh_key_parse(text, &key, &err) != ERR_NONE) {
        must(err.kind == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    must(key.bits >= 256 && strncmp(text, key.type, strlen(key.type)) == 0);
    static uint8_t blob[SSH_KEY_TEXT_MAX];
    const char *base64 = text + strlen(key.type) + 1;
    size_t length = decode(base64, strcspn(base64, " "), blob);
    uint8_t digest[32], printed[32];
    must(EVP_Digest(blob, length, digest, NULL, EVP_sha256(), NULL) == 1);
    must(strncmp(key.fingerprint, "SHA256:", 7) == 0 && strlen(key.fingerprint) == 7 + 43);
    must(decode(key.fingerprint + 7, 43, printed) == sizeof printed && memcmp(printed, digest, sizeof digest) == 0);
}

/* The bytes as the blob of each type: what base64 hides from the fuzzer. */
static void read_blob(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"ssh-ed25519",
                                        "ssh-rsa",
                                        "ecdsa-sha2-nistp256",
                                        "ecdsa-sha2-nistp521",
                                        "sk-ssh-ed25519@openssh.com",
                                        "sk-ecdsa-sha2-nistp256@openssh.com"};
    if (size < 2 || size > 2048)
        return;
    const char *type = types[data[0] % COUNT_OF(types)];
    char *base64 = alloc_zero(4 * (size / 3 + 2), 1);
    (void)EVP_EncodeBlock((unsigned char *)base64, data + 1, (int)size - 1);
    char *text = alloc_zero(strlen(type) + strlen(base64) + 2, 1);
    (void)snprintf(text, strlen(type) + strlen(base64) + 2, "%s %s", type, base64);
    read_key(text);
    free(base64);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    read_key(text);
    read_blob(data, size);
    return 0;
}
