/* JSON as text of the arena: of what is written by formats. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"

#include <stdint.h>

/* JSON of an instant: seconds, or null for NEVER. */
const char *json_instant(struct arena *arena, int64_t instant_s);
/* JSON of an instant as the API writes it: a text; null beyond what can be written, as NEVER is. */
const char *json_time(struct arena *arena, int64_t instant_s);
/* JSON of a text that is UTF-8: in quotes, escaped. */
const char *json_text(struct arena *arena, const char *text);
/* The same, or null for NULL. */
const char *json_text_or_null(struct arena *arena, const char *text);
