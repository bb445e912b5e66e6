/* OpenSSL encodes; reading takes what encodes back to the same text and nothing else. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base64.h"

#include "common/must.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define TEXT_LENGTH_MAX 4096

void base64_print(const uint8_t *bytes, size_t size, char *ret)
{
    must(size <= INT_MAX / 2);
    (void)EVP_EncodeBlock((unsigned char *)ret, bytes, (int)size);
}

bool base64_read(const char *text, uint8_t *ret, size_t size_max, size_t *ret_size)
{
    uint8_t decoded[TEXT_LENGTH_MAX / 4 * 3];
    char again[TEXT_LENGTH_MAX + 1];
    size_t length = strlen(text);
    if (length % 4 != 0 || length > TEXT_LENGTH_MAX)
        return false;
    int written = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)length);
    if (written < 0)
        return false;
    size_t size = (size_t)written; /* the padding counts as zeros */
    for (size_t i = 1; i <= 2 && i <= length && text[length - i] == '='; i++)
        size--;
    base64_print(decoded, size, again);
    bool is_exact = strcmp(again, text) == 0 && size <= size_max;
    if (is_exact) {
        memcpy(ret, decoded, size);
        *ret_size = size;
    }
    OPENSSL_cleanse(decoded, sizeof decoded); /* it may be a secret */
    OPENSSL_cleanse(again, sizeof again);
    return is_exact;
}
