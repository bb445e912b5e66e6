/* A buffer that doubles within the arena, and the escaping of RFC 8259. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/json_out.h"

#include "common/must.h"
#include "common/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CAPACITY_MIN 512U

void json_out_init(struct json_out *out, struct arena *arena)
{
    *out = (struct json_out){.arena = arena};
}

static void grow(struct json_out *out, size_t more)
{
    size_t capacity = out->capacity == 0 ? CAPACITY_MIN : out->capacity;
    while (capacity - out->length < more)
        capacity *= 2;
    char *text = arena_alloc(out->arena, capacity);
    if (out->length > 0)
        memcpy(text, out->text, out->length);
    out->text = text;
    out->capacity = capacity;
}

static inline void reserve(struct json_out *out, size_t more)
{
    if (out->capacity - out->length < more)
        grow(out, more);
}

void json_out_reserve(struct json_out *out, size_t more)
{
    reserve(out, more);
}

void json_out_bytes(struct json_out *out, const char *bytes, size_t length)
{
    reserve(out, length);
    if (length > 0)
        memcpy(out->text + out->length, bytes, length);
    out->length += length;
}

void json_out_plain(struct json_out *out, const char *text)
{
    json_out_bytes(out, text, strlen(text));
}

static void put(struct json_out *out, char byte)
{
    reserve(out, 1);
    out->text[out->length++] = byte;
}

const char *json_out_finish(struct json_out *out)
{
    reserve(out, 1);
    out->text[out->length] = '\0';
    return out->text;
}

static void separate(struct json_out *out)
{
    if (out->needs_comma)
        put(out, ',');
    out->needs_comma = true;
}

void json_out_open(struct json_out *out, char bracket)
{
    must(bracket == '{' || bracket == '[');
    separate(out);
    put(out, bracket);
    out->needs_comma = false;
}

void json_out_close(struct json_out *out, char bracket)
{
    must(bracket == '}' || bracket == ']');
    put(out, bracket);
    out->needs_comma = true;
}

bool json_text_is_utf8(const char *text)
{
    const unsigned char *next = (const unsigned char *)text;
    size_t length = 1;
    for (; *next != '\0' && length > 0; next += length)
        length = utf8_length(next);
    return length > 0;
}

/* Everything but printable ASCII without quote and backslash. */
static void put_special(struct json_out *out, const unsigned char **next)
{
    unsigned char byte = **next;
    if (byte == '"' || byte == '\\') {
        put(out, '\\');
        put(out, (char)byte);
        *next += 1;
    } else if (byte < 0x20) {
        char escape[7];
        int length = snprintf(escape, sizeof escape, "\\u%04x", byte);
        json_out_bytes(out, escape, (size_t)length);
        *next += 1;
    } else {
        size_t length = utf8_length(*next);
        json_out_bytes(out, length == 0 ? "\xef\xbf\xbd" : (const char *)*next, length == 0 ? 3 : length);
        *next += length == 0 ? 1 : length;
    }
}

static void put_string(struct json_out *out, const char *value)
{
    put(out, '"');
    for (const unsigned char *next = (const unsigned char *)value; *next != '\0';) {
        const unsigned char *plain = next;
        while (*next >= 0x20 && *next < 0x7f && *next != '"' && *next != '\\')
            next++;
        json_out_bytes(out, (const char *)plain, (size_t)(next - plain));
        if (*next != '\0')
            put_special(out, &next);
    }
    put(out, '"');
}

void json_out_key(struct json_out *out, const char *name)
{
    separate(out);
    put_string(out, name);
    put(out, ':');
    out->needs_comma = false;
}

void json_out_ready_key(struct json_out *out, const char *key, size_t length)
{
    separate(out);
    json_out_bytes(out, key, length);
    out->needs_comma = false;
}

void json_out_text(struct json_out *out, const char *value)
{
    if (value == NULL) {
        json_out_null(out);
        return;
    }
    separate(out);
    put_string(out, value);
}

void json_out_raw(struct json_out *out, const char *json)
{
    separate(out);
    json_out_plain(out, json == NULL ? "null" : json);
}

void json_out_int(struct json_out *out, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value); /* 20 characters at most */
    json_out_raw(out, text);
}

void json_out_bool(struct json_out *out, bool value)
{
    json_out_raw(out, value ? "true" : "false");
}

void json_out_null(struct json_out *out)
{
    json_out_raw(out, "null");
}
