/* Whatever text comes as a token, with its own checksum or with the right one: it is refused, or it is exactly the
 * text of the token it was read as. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/token.h"
#include "tests/fuzz/fuzz.h"

#define CRC_LENGTH  7
#define BODY_LENGTH (TOKEN_TEXT_SIZE - 1 - CRC_LENGTH)

static void read_token(const char *text)
{
    struct err err = {0};
    struct token token = {0};
    if (token_parse(text, &token, &err) != ERR_NONE) {
        must(err.kind == ERR_UNAUTHENTICATED && err.text[0] != '\0');
        return;
    }
    char again[TOKEN_TEXT_SIZE];
    token_print(&token, again);
    must(strcmp(text, again) == 0);
}

/* CRC-32C bit by bit: a reader of its own, beside the table of token.c. */
static void put_crc(char text[static TOKEN_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < (size_t)BODY_LENGTH * 8; i++) {
        uint32_t bit = (crc ^ ((uint8_t)text[i / 8] >> (i % 8))) & 1;
        crc = crc >> 1 ^ (bit != 0 ? UINT32_C(0x82f63b78) : 0);
    }
    crc = ~crc;
    for (int i = TOKEN_TEXT_SIZE - 2; i >= BODY_LENGTH; i--) {
        text[i] = digits[crc & 31];
        crc >>= 5;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    read_token(text);
    if (strlen(text) < BODY_LENGTH)
        return 0;
    char fitting[TOKEN_TEXT_SIZE] = "";
    memcpy(fitting, text, BODY_LENGTH);
    put_crc(fitting);
    read_token(fitting);
    return 0;
}
