/* Reading Prefer, and telling what was done of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/preference.h"

#include "api/server/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct part {
    const char *text;
    size_t length;
};

static struct part trimmed(const char *text, size_t length)
{
    size_t before = strspn(text, " \t");
    before = before > length ? length : before;
    while (length > before && strchr(" \t", text[length - 1]) != NULL)
        length--;
    return (struct part){text + before, length - before};
}

/* How far it is to one of `ends`; none is one within quotes. */
static size_t length_until(const char *text, const char *ends)
{
    bool is_quoted = false;
    size_t length = 0;
    for (; text[length] != '\0' && (is_quoted || strchr(ends, text[length]) == NULL); length++) {
        if (is_quoted && text[length] == '\\' && text[length + 1] != '\0')
            length++;
        else if (text[length] == '"')
            is_quoted = !is_quoted;
    }
    return length;
}

static bool is_named(const struct part *part, const char *name)
{
    return part->length == strlen(name) && strncasecmp(part->text, name, part->length) == 0;
}

/* delta-seconds (4.3); what is none is a preference that is not understood, and so is ignored (2). */
static void read_wait(struct part value, struct preference *preference)
{
    if (value.length == 0 || strspn(value.text, "0123456789") < value.length)
        return;
    long wait_s = strtol(value.text, NULL, 10); /* the greatest there is where it is more */
    preference->wait_ms = 1000 * (wait_s > WAIT_MAX_S ? WAIT_MAX_S : wait_s);
}

/* Of one that stands twice the first counts, and parameters behind a semicolon are none of ours (2). */
struct preference preference_parse(const char *header)
{
    struct preference preference = PREFERENCE_NONE;
    bool has_wait = false;
    while (header != NULL && *header != '\0') {
        struct part one = trimmed(header, length_until(header, ",;"));
        size_t name_length = length_until(one.text, "=,;");
        bool has_value = name_length < one.length;
        struct part name = trimmed(one.text, has_value ? name_length : one.length);
        if (is_named(&name, "respond-async"))
            preference.respond_async = true;
        if (is_named(&name, "wait") && has_value && !has_wait)
            read_wait(trimmed(one.text + name_length + 1, one.length - name_length - 1), &preference);
        has_wait = has_wait || is_named(&name, "wait");
        header += length_until(header, ",");
        header += *header == ',' ? 1 : 0;
    }
    return preference;
}

int64_t preference_wait_ms(const struct preference *preference, int64_t usual_ms)
{
    if (preference->wait_ms >= 0)
        return preference->wait_ms;
    return preference->respond_async ? 0 : usual_ms;
}

void preference_print(const struct preference *preference, char text[static PREFERENCE_TEXT_SIZE])
{
    int length = snprintf(text, PREFERENCE_TEXT_SIZE, "%s", preference->respond_async ? "respond-async" : "");
    if (preference->wait_ms >= 0)
        (void)snprintf(text + length, (size_t)(PREFERENCE_TEXT_SIZE - length), "%swait=%" PRId64,
                       length > 0 ? ", " : "", preference->wait_ms / 1000);
}
