/* Whatever headers come: they are refused for one of the reasons that there are, or no two readers can disagree about
 * where the request ends. The oracle reads them anew, in the plainest way.
 *
 * Input: a line with target and version, then "name: value" lines; a line without a colon is a name without a value. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/screen.h"

#include "api/server/server.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define HEADERS_MAX 64

static void check_name(const char *name)
{
    must(name[0] != '\0');
    for (; *name != '\0'; name++)
        must(isalnum((unsigned char)*name) != 0 || strchr("!#$%&'*+-.^_`|~", *name) != NULL);
}

static size_t count_of(const struct screen_header *headers, size_t count, const char *name, const char **ret_value)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(headers[i].name, name) == 0) {
            found++;
            *ret_value = headers[i].value;
        }
    }
    return found;
}

static void check_taken(const struct screen_header *headers, size_t count, const char *version, int64_t length)
{
    const char *length_text = NULL, *encoding = NULL, *ignored = NULL;
    for (size_t i = 0; i < count; i++) {
        check_name(headers[i].name);
        for (const char *next = headers[i].value; next != NULL && *next != '\0'; next++)
            must(iscntrl((unsigned char)*next) == 0 || *next == '\t');
    }
    size_t lengths = count_of(headers, count, "Content-Length", &length_text);
    size_t encodings = count_of(headers, count, "Transfer-Encoding", &encoding);
    must(lengths + encodings <= 1);
    must(count_of(headers, count, "Host", &ignored) == 1 || strcmp(version, "HTTP/1.0") == 0);
    must(count_of(headers, count, "Authorization", &ignored) <= 1);
    must(encodings == 0 || strcasecmp(encoding, "chunked") == 0);
    must((lengths == 1) == (length >= 0));
    must(length <= (int64_t)BODY_BYTES_MAX);
    if (lengths == 1) {
        char *end = NULL;
        must(length == strtoll(length_text, &end, 10) && *end == '\0' && isdigit((unsigned char)length_text[0]) != 0);
    }
}

/* Decoded in the plainest way, the path has as many segments as it had, and no control character. */
static void check_target(const char *target)
{
    must(target[0] == '/');
    for (const char *next = target; *next != '\0' && *next != '?'; next++) {
        must(isgraph((unsigned char)*next) != 0 && *next != '#');
        if (*next != '%')
            continue;
        const char digits[] = {next[1], next[1] == '\0' ? '\0' : next[2], '\0'};
        char *end = NULL;
        unsigned long byte = strtoul(digits, &end, 16);
        must(end == digits + 2 && byte >= ' ' && byte != 0x7f && byte != '/' && byte != '\\');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    char *rest = text;
    char *version = input_part(&rest, "\n");
    const char *target = input_part(&version, " ");
    if (target == NULL || version == NULL)
        return 0;
    struct screen_header headers[HEADERS_MAX];
    size_t count = 0;
    for (char *line = input_part(&rest, "\n"); line != NULL && count < HEADERS_MAX; line = input_part(&rest, "\n")) {
        char *value = line;
        const char *name = input_part(&value, ":");
        headers[count++] = (struct screen_header){name, value == NULL ? NULL : value + strspn(value, " ")};
    }
    struct err err = {0};
    if (screen_line("GET", target, version, &err) == ERR_NONE)
        check_target(target);
    else
        must(strcmp(err.code, "bad_framing") == 0);
    err = (struct err){0};
    int64_t length = 0;
    enum err_kind kind = screen_headers(headers, count, version, &length, &err);
    if (kind == ERR_NONE)
        check_taken(headers, count, version, length);
    else
        must((kind == ERR_MALFORMED && err.code[0] != '\0') || kind == ERR_TOO_LARGE);
    return 0;
}
