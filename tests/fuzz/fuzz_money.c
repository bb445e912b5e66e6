/* Whatever amount comes: it is refused with a reason, or it is exactly the text of what it was read as. And every
 * 64-bit amount has a text that is read back as it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/money.h"
#include "tests/fuzz/fuzz.h"

static void read_amount(const char *text)
{
    struct err err = {0};
    int64_t amount_u = 0;
    if (money_parse(text, &amount_u, &err) != ERR_NONE) {
        must(err.kind == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    char again[MONEY_TEXT_SIZE];
    money_print(amount_u, again);
    must(strcmp(text, again) == 0);
}

static void write_amount(int64_t amount_u)
{
    int64_t again_u = 0;
    char text[MONEY_TEXT_SIZE];
    money_print(amount_u, text);
    must(money_parse(text, &again_u, NULL) == ERR_NONE);
    must(again_u == amount_u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    int64_t amount_u = 0;
    read_amount(text);
    if (size >= sizeof amount_u) {
        memcpy(&amount_u, data, sizeof amount_u);
        write_amount(amount_u);
    }
    return 0;
}
