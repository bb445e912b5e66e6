/* JSON values as text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/text.h"

#include "common/arena.h"
#include "common/calendar.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#define PATH_PART_SIZE  64
#define PARTS_SHOWN_MAX 32 /* of a list or object in one cell, */
#define DEPTH_SHOWN_MAX 4  /* and how deep: whatever a server sends, a cell stays small work */

void json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

const json_t *json_at(const json_t *root, const char *path)
{
    const json_t *value = root;
    while (value != NULL && path[0] != '\0') {
        size_t length = strcspn(path, ".");
        char part[PATH_PART_SIZE];
        if (length >= sizeof part)
            return NULL;
        memcpy(part, path, length);
        part[length] = '\0';
        value = json_object_get(value, part); /* NULL for what is no object */
        path += length + (path[length] == '.' ? 1 : 0);
    }
    return value;
}

const char *json_text_at(const json_t *root, const char *path)
{
    return json_string_value(json_at(root, path));
}

/* The length in bytes of what must not be printed at this place of valid UTF-8: C0, DEL, C1 (C2 80 to C2 9F), and the
 * marks that turn the direction of text (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069). 0: fine. */
static size_t unprintable(const unsigned char *at)
{
    if (at[0] < 0x20 || at[0] == 0x7f)
        return 1;
    if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
        return 2;
    if (at[0] != 0xe2)
        return 0;
    bool turns = (at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xaa && at[2] <= 0xae))) ||
                 (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9);
    return turns ? 3 : 0;
}

const char *text_printable(struct arena *arena, const char *text)
{
    char *clean = arena_text(arena, text);
    char *to = clean;
    for (const char *from = text; *from != '\0';) {
        size_t skip = unprintable((const unsigned char *)from);
        *to++ = skip == 0 ? *from : '?';
        from += skip == 0 ? 1 : skip;
    }
    *to = '\0';
    return clean;
}

size_t text_width(const char *text)
{
    size_t width = 0;
    mbstate_t state = {0};
    for (size_t length = strlen(text); length > 0;) {
        wchar_t character = 0;
        size_t bytes = mbrtowc(&character, text, length, &state);
        int columns = wcwidth(character);
        if (bytes > length) { /* not UTF-8 */
            bytes = 1;
            columns = 1;
            state = (mbstate_t){0};
        }
        width += columns < 0 ? 1 : (size_t)columns; /* one that libc does not know yet */
        text += bytes;
        length -= bytes;
    }
    return width;
}

/* ---- Kinds of cells ---- */

static const char *joined(struct arena *arena, const char *before, const char *between, const char *after)
{
    return before[0] == '\0' ? after : arena_format(arena, "%s%s%s", before, between, after);
}

static const char *text_at_depth(struct arena *arena, const json_t *value, int depth);

static const char *text_of_list(struct arena *arena, const json_t *list, int depth)
{
    const char *text = "";
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < PARTS_SHOWN_MAX; i++)
        text = joined(arena, text, json_is_object(json_array_get(list, i)) ? "; " : ", ",
                      text_at_depth(arena, json_array_get(list, i), depth));
    return count > PARTS_SHOWN_MAX ? joined(arena, text, ", ", "...") : text;
}

static const char *text_of_object(struct arena *arena, const json_t *object, int depth)
{
    json_t *readable =
        (json_t *)(uintptr_t)object; /* jansson iterates over what it does not change, but says json_t * */
    const char *text = "";
    size_t shown = 0;
    for (void *at = json_object_iter(readable); at != NULL; at = json_object_iter_next(readable, at)) {
        const json_t *value = json_object_iter_value(at);
        if (json_is_null(value))
            continue;
        if (shown++ == PARTS_SHOWN_MAX)
            return joined(arena, text, ", ", "...");
        const char *key = text_printable(arena, json_object_iter_key(at));
        const char *inner = text_at_depth(arena, value, depth);
        const char *part = json_is_object(value) ? arena_format(arena, "%s {%s}", key, inner)
                                                 : arena_format(arena, "%s %s", key, inner);
        text = joined(arena, text, ", ", part);
    }
    return text;
}

static const char *text_at_depth(struct arena *arena, const json_t *value, int depth)
{
    if (json_is_string(value))
        return text_printable(arena, json_string_value(value));
    if (json_is_integer(value))
        return arena_format(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return arena_format(arena, "%.17g", json_real_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    if (depth == DEPTH_SHOWN_MAX)
        return "...";
    if (json_is_array(value))
        return text_of_list(arena, value, depth + 1);
    return json_is_object(value) ? text_of_object(arena, value, depth + 1) : "";
}

const char *text_of_value(struct arena *arena, const json_t *value)
{
    return text_at_depth(arena, value, 0);
}

const char *text_of_time(struct arena *arena, const json_t *value)
{
    const char *text = json_string_value(value);
    int64_t time_s = 0;
    if (text == NULL || calendar_time_parse(text, &time_s, NULL) != ERR_NONE)
        return text_of_value(arena, value);
    return arena_format(arena, "%.10s %.8s", text, text + sizeof "YYYY-MM-DDT" - 1);
}

const char *text_of_money(struct arena *arena, const json_t *value)
{
    const char *amount = json_text_at(value, "amount");
    const char *currency = json_text_at(value, "currency");
    if (amount == NULL || currency == NULL)
        return text_of_value(arena, value);
    return arena_format(arena, "%s %s", text_printable(arena, amount), text_printable(arena, currency));
}

const char *text_of_hours(struct arena *arena, const json_t *value)
{
    return json_is_real(value) ? arena_format(arena, "%.12g", json_real_value(value)) : text_of_value(arena, value);
}

const char *text_of_milli(struct arena *arena, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return text_of_value(arena, value);
    json_int_t milli = json_integer_value(value);
    char *text = arena_format(arena, "%" JSON_INTEGER_FORMAT ".%03" JSON_INTEGER_FORMAT, milli / 1000, milli % 1000);
    size_t length = strlen(text);
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[length - 1] = '\0';
    return text;
}

/* Whole GPUs where there are any, else the share. */
static const char *gpus_or_share(struct arena *arena, const json_t *gpus, const json_t *gpu_milli)
{
    bool is_whole = gpus != NULL && !(json_is_integer(gpus) && json_integer_value(gpus) == 0);
    return is_whole ? text_of_value(arena, gpus) : text_of_milli(arena, gpu_milli);
}

const char *text_of_gpus(struct arena *arena, const json_t *value)
{
    return gpus_or_share(arena, json_at(value, "gpu_count"), json_at(value, "gpu_milli"));
}

const char *text_of_what(struct arena *arena, const json_t *value)
{
    const char *type = json_text_at(value, "instance_type");
    if (type != NULL)
        return text_printable(arena, type);
    const char *number = gpus_or_share(arena, json_at(value, "shape.gpus"), json_at(value, "shape.gpu_milli"));
    if (number[0] == '\0')
        return "";
    const char *models = text_of_value(arena, json_at(value, "shape.gpu_models"));
    return arena_format(arena, "%s %s", number, models[0] == '\0' ? "GPU" : models);
}
