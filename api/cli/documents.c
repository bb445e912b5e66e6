/* Texts become documents: which language it is, and JSON; YAML is in yaml.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/documents.h"

#include "api/cli/text.h"
#include "api/cli/yaml.h"
#include "common/arena.h"
#include "common/must.h"

#include <string.h>

void documents_clear(struct documents *documents)
{
    for (size_t i = 0; i < documents->count; i++)
        json_decref(documents->items[i].value);
    *documents = (struct documents){0};
}

static void make_room(struct arena *arena, struct documents *documents)
{
    size_t capacity = documents->capacity == 0 ? 1 : 2 * documents->capacity;
    struct document *items = arena_alloc(arena, capacity * sizeof *items);
    if (documents->count > 0)
        memcpy(items, documents->items, documents->count * sizeof *items);
    documents->items = items;
    documents->capacity = capacity;
}

enum err_kind documents_add(struct arena *arena, struct documents *documents, json_t *value, int line,
                            struct err *reterr)
{
    if (json_is_null(value))
        return ERR_NONE;
    if (documents->count == DOCUMENTS_MAX)
        return err_set(reterr, ERR_MALFORMED, "line %d: there are more than %d documents", line, DOCUMENTS_MAX);
    if (documents->count == documents->capacity)
        make_room(arena, documents);
    documents->items[documents->count++] = (struct document){json_incref(value), line};
    return ERR_NONE;
}

/* ---- JSON ---- */

/* Where the text goes on behind white space; counts the lines. */
static size_t skip_space(const char *text, size_t length, size_t at, int *line)
{
    for (; at < length && memchr(" \t\r\n", text[at], 4) != NULL; at++)
        *line += text[at] == '\n';
    return at;
}

/* Does it have more levels? jansson reads as many as are no danger to who looks. */
static bool is_deeper(json_t *value, int levels)
{
    const char *key = NULL;
    json_t *part = NULL;
    size_t i = 0;
    if (!json_is_object(value) && !json_is_array(value))
        return false;
    bool deeper = levels == 0;
    json_object_foreach(value, key, part) deeper = deeper || is_deeper(part, levels - 1);
    json_array_foreach(value, i, part) deeper = deeper || is_deeper(part, levels - 1);
    return deeper;
}

static enum err_kind add_json(struct arena *arena, struct documents *documents, json_t *value, int line,
                              struct err *reterr)
{
    if (is_deeper(value, DOCUMENTS_DEPTH_MAX))
        return err_set(reterr, ERR_MALFORMED, "line %d: " DOCUMENTS_TOO_DEEP, line);
    return documents_add(arena, documents, value, line, reterr);
}

static enum err_kind add_all(struct arena *arena, struct documents *documents, json_t *value, int line,
                             struct err *reterr)
{
    if (!json_is_array(value))
        return add_json(arena, documents, value, line, reterr);
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < json_array_size(value) && kind == ERR_NONE; i++)
        kind = add_json(arena, documents, json_array_get(value, i), line, reterr);
    return kind;
}

static enum err_kind read_json(struct arena *arena, const char *text, size_t length, struct documents *documents,
                               struct err *reterr)
{
    int line = 1;
    for (size_t at = skip_space(text, length, 0, &line); at < length; at = skip_space(text, length, at, &line)) {
        json_error_t error;
        CLEANUP(json_release)
        json_t *value = json_loadb(text + at, length - at, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
        if (value == NULL)
            return err_set(reterr, ERR_MALFORMED, "line %d: %s", line + error.line - 1, error.text);
        enum err_kind kind = add_all(arena, documents, value, line, reterr);
        if (kind != ERR_NONE)
            return kind;
        must(error.position > 0 && (size_t)error.position <= length - at);
        for (size_t end = at + (size_t)error.position; at < end; at++)
            line += text[at] == '\n';
    }
    return ERR_NONE;
}

enum err_kind documents_read(struct arena *arena, const char *text, size_t length, struct documents *ret,
                             struct err *reterr)
{
    int line = 1;
    size_t begin = skip_space(text, length, 0, &line);
    bool is_json = begin < length && (text[begin] == '{' || text[begin] == '[');
    struct documents documents = {0};
    enum err_kind kind = is_json ? read_json(arena, text, length, &documents, reterr)
                                 : yaml_read(arena, text, length, &documents, reterr);
    if (kind == ERR_NONE)
        *ret = documents;
    else
        documents_clear(&documents);
    return kind;
}
