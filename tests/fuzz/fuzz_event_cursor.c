/* Whatever Last-Event-ID comes: it is refused, or it is exactly the text of the cursor it was read as. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/events.h"
#include "common/must.h"

#include <string.h>

#define TEXT_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= TEXT_MAX)
        return 0;
    char text[TEXT_MAX] = "";
    if (size > 0)
        memcpy(text, data, size);
    struct event_cursor cursor = {0};
    struct err err = {0};
    if (event_cursor_parse(text, &cursor, &err) != ERR_NONE) {
        must(err.kind == ERR_INVALID && err.text[0] != '\0');
        return 0;
    }
    char again[EVENT_CURSOR_TEXT_SIZE];
    event_cursor_print(&cursor, again);
    must(strcmp(text, again) == 0);
    must(cursor.generation >= 0 && cursor.seq >= 0);
    return 0;
}
