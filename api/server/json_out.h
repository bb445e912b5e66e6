/* Writes JSON text, piece by piece, into a buffer of an arena: no tree is built. The caller writes the brackets it
 * needs; commas are put by the writer. Never fails: out of memory aborts. One thread at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_out {
    struct arena *arena;
    char *text; /* not terminated: see json_out_finish */
    size_t length, capacity;
    bool needs_comma;
};

void json_out_init(struct json_out *out, struct arena *arena);
/* Makes room for so many bytes more, where the caller knows about how many will come. */
void json_out_reserve(struct json_out *out, size_t more);
/* The text so far, terminated; valid until the next write. */
const char *json_out_finish(struct json_out *out) __attribute__((returns_nonnull));

void json_out_open(struct json_out *out, char bracket);  /* '{' or '[' */
void json_out_close(struct json_out *out, char bracket); /* '}' or ']' */
void json_out_key(struct json_out *out, const char *name);
/* A key that is JSON already, with its quotes and colon: for what is written many times. */
void json_out_ready_key(struct json_out *out, const char *key, size_t length);
void json_out_text(struct json_out *out,
                   const char *value); /* NULL writes null; bytes that are no UTF-8 become U+FFFD */
void json_out_int(struct json_out *out, int64_t value);
void json_out_bool(struct json_out *out, bool value);
void json_out_null(struct json_out *out);
/* A value that is JSON already, e.g. a jsonb column. NULL writes null. */
void json_out_raw(struct json_out *out, const char *json);

bool json_text_is_utf8(const char *text);

/* Bytes as they are, without any comma: for text that is not JSON (server-sent events). */
void json_out_bytes(struct json_out *out, const char *bytes, size_t length);
void json_out_plain(struct json_out *out, const char *text);
