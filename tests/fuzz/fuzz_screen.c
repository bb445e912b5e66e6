/* Whatever headers come: they are refused for one of the reasons that there are, or no two readers can disagree about
 * where the request ends. The oracle reads them anew, in the plainest way.
 *
 * Input: a line with the version, then "name: value" lines; a line without a colon is a name without a value. */
/* SPDX-License-Identifier: Apache-2.0 */
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
        must(headers[i].value == NULL || strchr(headers[i].value, '\r') == NULL);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    char *rest = text;
    const char *version = input_part(&rest, "\n");
    struct screen_header headers[HEADERS_MAX];
    size_t count = 0;
    for (char *line = input_part(&rest, "\n"); line != NULL && count < HEADERS_MAX; line = input_part(&rest, "\n")) {
        char *value = line;
        const char *name = input_part(&value, ":");
        headers[count++] = (struct screen_header){name, value == NULL ? NULL : value + strspn(value, " ")};
    }
    struct err err = {0};
    int64_t length = 0;
    enum err_kind kind = screen_headers(headers, count, version, &length, &err);
    if (kind == ERR_NONE)
        check_taken(headers, count, version, length);
    else
        must((kind == ERR_MALFORMED && err.code[0] != '\0') || kind == ERR_TOO_LARGE);
    return 0;
}
