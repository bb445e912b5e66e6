/* Whatever file is applied: it is refused with a line that it has, or its documents, written as JSON, are read back as the
 * same; and a declaration made of one has a kind, a name and a spec. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/declaration.h"
#include "api/cli/text.h"
#include "common/arena.h"
#include "common/cleanup.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text of so many bytes has no more lines. */
static void check_line(const char *text, size_t size)
{
    size_t line = 0;
    must(sscanf(text, "line %zu: ", &line) == 1 && line >= 1 && line <= size + 1);
}

static void read_back(struct arena *arena, const struct document *document)
{
    CLEANUP(text_freep) char *text = json_dumps(document->value, JSON_COMPACT | JSON_ENCODE_ANY);
    must(text != NULL);
    if (!json_is_object(document->value))
        return;
    struct documents again = {0};
    must(documents_read(arena, text, strlen(text), &again, NULL) == ERR_NONE);
    must(again.count == 1 && json_equal(again.items[0].value, document->value) == 1);
    documents_clear(&again);
}

static void declare(struct arena *arena, const uint8_t *data, size_t size)
{
    CLEANUP(declarations_clear) struct declarations declarations = {0};
    struct err err = {0};
    if (declarations_read(arena, "f", (const char *)data, size, &declarations, &err) != ERR_NONE) {
        must(err.kind == ERR_MALFORMED && strncmp(err.text, "'f'", 3) == 0);
        return;
    }
    for (size_t i = 0; i < declarations.count; i++)
        must(declarations.items[i].kind != NULL && json_is_object(declarations.items[i].spec) &&
             declaration_is_of(&declarations.items[i], declarations.items[i].spec));
    (void)declarations_order(arena, &declarations, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    CLEANUP(documents_clear) struct documents documents = {0};
    struct err err = {0};
    if (documents_read(arena, (const char *)data, size, &documents, &err) != ERR_NONE) {
        must(err.kind == ERR_MALFORMED && documents.count == 0);
        check_line(err.text, size);
        return 0;
    }
    for (size_t i = 0; i < documents.count; i++)
        read_back(arena, &documents.items[i]);
    declare(arena, data, size);
    return 0;
}
