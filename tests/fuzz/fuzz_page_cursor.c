/* Whatever page is asked for: it is refused, or it is a cursor that was made for this list; and a cursor that was made
 * is read back, but not once a character of it is another, nor by another tenant.
 *
 * Input: two bytes (which character, what instead), then lines: key, query, cursor. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/page_cursor.h"
#include "api/server/server.h"
#include "tests/fuzz/fuzz.h"

#define KEY_LENGTH_MAX 512

static void read_made(struct request *request, const char *key, uint8_t at, uint8_t instead)
{
    const char *made = page_cursor_make(request, key);
    const char *read = page_cursor_read(request, made);
    must(read != NULL && strcmp(read, key) == 0);

    char *other = arena_text(request->arena, made);
    size_t position = at % strlen(other);
    if (other[position] != (char)instead) {
        other[position] = (char)instead;
        must(page_cursor_read(request, other) == NULL);
    }
    other = arena_format(request->arena, "%s%c", made, instead == 0 ? 'A' : instead);
    must(page_cursor_read(request, other) == NULL);

    memcpy(request->caller.tenant_id, "another", sizeof "another");
    must(page_cursor_read(request, made) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    CLEANUP(text_freep) char *text = input_text(data + 2, size - 2);
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    char *rest = text;
    const char *key = input_part(&rest, "\n");
    const char *query = input_part(&rest, "\n");
    const char *cursor = input_part(&rest, "\n");

    struct server server = {.cursor_key = "a key of thirty-two bytes......"};
    struct request_internal internal = {.server = &server, .query_text = query == NULL ? "" : query};
    struct request *request = &internal.request;
    *request = (struct request){.arena = arena, .path = "/v1/zones", .internal = &internal};

    const char *read = cursor == NULL ? NULL : page_cursor_read(request, cursor);
    must(read == NULL || strcmp(page_cursor_make(request, read), cursor) == 0);
    if (key != NULL && key[0] != '\0' && strlen(key) <= KEY_LENGTH_MAX)
        read_made(request, key, data[0], data[1]);
    return 0;
}
