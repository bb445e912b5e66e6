/* One function per type, and a loop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/decode.h"

static bool is_within(const struct question_field *field, int64_t value)
{
    return (field->least == 0 && field->most == 0) || (value >= field->least && value <= field->most);
}

static bool read_int(const struct question_field *field, const json_t *value, struct arena *arena, void *at)
{
    (void)arena;
    int64_t number = value == NULL ? field->if_absent : json_integer_value(value);
    *(int64_t *)at = number;
    return value == NULL || (json_is_integer(value) && is_within(field, number));
}

static bool read_bool(const struct question_field *field, const json_t *value, struct arena *arena, void *at)
{
    (void)arena;
    *(bool *)at = value == NULL ? field->if_absent != 0 : json_is_true(value);
    return value == NULL || json_is_boolean(value);
}

static bool read_text(const struct question_field *field, const json_t *value, struct arena *arena, void *at)
{
    (void)field;
    const char *text = json_string_value(value);
    *(const char **)at = text == NULL ? NULL : arena_text(arena, text);
    return value == NULL || text != NULL;
}

static bool read_id(const struct question_field *field, const json_t *value, struct arena *arena, void *at)
{
    (void)field;
    (void)arena;
    const char *text = json_string_value(value);
    return value == NULL || (text != NULL && identity_from_uuid(text, at, NULL) == ERR_NONE);
}

static bool read_texts(const struct question_field *field, const json_t *value, struct arena *arena, void *at)
{
    struct question_texts *ret = at;
    size_t count = json_array_size(value);
    if (value != NULL && (!json_is_array(value) || !is_within(field, (int64_t)count) || count > QUESTION_ROWS_MAX))
        return false;
    const char **items = arena_alloc(arena, (count + 1) * sizeof *items);
    *ret = (struct question_texts){.items = items, .count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (text == NULL)
            return false;
        items[i] = arena_text(arena, text);
    }
    return true;
}

static bool read_object(const struct question_field *field, const json_t *value, struct arena *arena, void *at)
{
    return value == NULL || question_decode(field->fields, value, arena, at) == NULL;
}

static bool read_rows(const struct question_field *field, const json_t *value, struct arena *arena, void *at)
{
    struct question_rows *ret = at;
    size_t count = json_array_size(value);
    if (value != NULL && (!json_is_array(value) || !is_within(field, (int64_t)count) || count > QUESTION_ROWS_MAX))
        return false;
    char *items = arena_alloc(arena, (count + 1) * field->size);
    *ret = (struct question_rows){.items = items, .count = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        if (question_decode(field->fields, json_array_get(value, i), arena, items + i * field->size) != NULL)
            return false;
    }
    return true;
}

static bool (*const readers[])(const struct question_field *field, const json_t *value, struct arena *arena,
                               void *at) = {
    [QUESTION_INT] = read_int,   [QUESTION_BOOL] = read_bool,   [QUESTION_TEXT] = read_text,
    [QUESTION_ID] = read_id,     [QUESTION_TEXTS] = read_texts, [QUESTION_OBJECT] = read_object,
    [QUESTION_ROWS] = read_rows,
};

const char *question_decode(const struct question_field *fields, const json_t *object, struct arena *arena,
                            void *target)
{
    if (!json_is_object(object))
        return "";
    for (const struct question_field *field = fields; field->name != NULL; field++) {
        const json_t *value = json_object_get(object, field->name);
        value = json_is_null(value) ? NULL : value;
        bool fits = !(field->required && value == NULL) &&
                    readers[field->type](field, value, arena, (char *)target + field->offset);
        if (!fits)
            return field->name;
    }
    return NULL;
}
