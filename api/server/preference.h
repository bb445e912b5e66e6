/* What waiting a client asked for (Prefer, RFC 7240), and what is told of having done so. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PREFERENCE_TEXT_SIZE 32 /* of "respond-async, wait=60" */

struct preference {
    bool respond_async;
    int64_t wait_ms; /* -1: not said */
};

#define PREFERENCE_NONE ((struct preference){.wait_ms = -1})

struct preference preference_parse(const char *header); /* NULL is fine */
/* How long to wait where nobody who says nothing waits longer than `usual_ms`. Of both, the wait comes first, and what
 * is not decided by then is answered as respond-async wishes (4.3). */
int64_t preference_wait_ms(const struct preference *preference, int64_t usual_ms);
/* The value of Preference-Applied; empty for nothing. */
void preference_print(const struct preference *preference, char text[static PREFERENCE_TEXT_SIZE]);
