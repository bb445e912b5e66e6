/* Collecting lines, and making text of what a serial line brings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/driver/console.h"

#include "common/alloc.h"
#include "common/arena.h"
#include "common/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ESCAPE      '\x1b'
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS    "\xe2\x80\xa6" /* U+2026 */

/* Where the escape sequence at text ends: "ESC [", parameters and intermediate bytes, a final byte; or ESC and one. */
static const char *escape_end(const char *text)
{
    text++;
    if (*text != '[')
        return *text == '\0' ? text : text + 1;
    text++;
    while (*text >= 0x20 && *text <= 0x3f)
        text++;
    return *text >= 0x40 && *text <= 0x7e ? text + 1 : text;
}

static bool is_control(const unsigned char *text)
{
    bool is_c1 = text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f;
    return text[0] < 0x20 || text[0] == 0x7f || is_c1;
}

/* The next piece of the line: *ret_length bytes, perhaps none. *at moves behind what it was made of. */
static const char *next_piece(const char **at, size_t *ret_length)
{
    const char *piece = *at;
    const unsigned char *bytes = (const unsigned char *)piece;
    size_t length = utf8_length(bytes);
    *ret_length = 0;
    if (*piece == ESCAPE) {
        *at = escape_end(piece);
        return "";
    }
    *at += length == 0 ? 1 : length;
    if (length == 0)
        piece = REPLACEMENT;
    else if (*piece == '\t')
        piece = " ";
    else if (is_control(bytes))
        return "";
    *ret_length = length == 0 ? strlen(REPLACEMENT) : length;
    return piece;
}

void console_text(const char *raw, char ret[static DRIVER_LINE_SIZE])
{
    size_t used = 0;
    while (*raw != '\0') {
        size_t length = 0;
        const char *piece = next_piece(&raw, &length);
        if (used + length + sizeof ELLIPSIS > DRIVER_LINE_SIZE) {
            memcpy(ret + used, ELLIPSIS, strlen(ELLIPSIS));
            used += strlen(ELLIPSIS);
            break;
        }
        memcpy(ret + used, piece, length);
        used += length;
    }
    ret[used] = '\0';
}

void console_say(struct console *console, const struct driver_workload *is, int64_t number, int64_t at_s,
                 const char *raw)
{
    char text[DRIVER_LINE_SIZE];
    console_text(raw, text);
    if (console->texts == NULL)
        console->texts = arena_new();
    if (console->count == console->capacity) {
        console->capacity = console->capacity == 0 ? 64 : 2 * console->capacity;
        console->lines = alloc_resize(console->lines, console->capacity, sizeof *console->lines);
    }
    console->lines[console->count++] =
        (struct driver_line){.is = *is, .number = number, .at_s = at_s, .text = arena_text(console->texts, text)};
}

struct driver_lines console_lines(const struct console *console)
{
    return (struct driver_lines){.lines = console->lines, .count = console->count};
}

void console_reset(struct console *console)
{
    console->count = 0;
    arena_freep(&console->texts);
}

void console_clear(struct console *console)
{
    console_reset(console);
    free(console->lines);
    *console = (struct console){0};
}
