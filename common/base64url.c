/* Six bits at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base64url.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_print(const uint8_t *bytes, size_t size, char *ret)
{
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffffff;
        for (count += 8; count >= 6; count -= 6)
            *ret++ = digits[(bits >> (count - 6)) & 63];
    }
    if (count > 0)
        *ret++ = digits[(bits << (6 - count)) & 63];
    *ret = '\0';
}

bool base64url_read(const char *text, size_t length, uint8_t *ret, size_t *ret_size)
{
    size_t written = 0;
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < length; i++) {
        const char *found = text[i] == '\0' ? NULL : strchr(digits, text[i]);
        if (found == NULL)
            return false;
        bits = (bits << 6 | (uint32_t)(found - digits)) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            ret[written++] = (uint8_t)(bits >> count);
        }
    }
    *ret_size = written;
    return count < 6 && (bits & ((1U << count) - 1)) == 0; /* what is over is padding: zeros */
}
