/* The request screen. libmicrohttpd 0.9.75 takes two Content-Length, Content-Length with Transfer-Encoding and names
 * with white space (measured); two readers of such a request can see two different ones, so it is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"

#include <string.h>
#include <strings.h>

/* Headers that may stand once: two of them have no meaning, or two. */
static const char *const single_headers[] = {"content-length", "transfer-encoding", "host",     "authorization",
                                             "content-type",   "idempotency-key",   "if-match", "if-none-match"};

static bool is_token(const char *name)
{
    static const char characters[] = "!#$%&'*+-.^_`|~0123456789"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return name[0] != '\0' && name[strspn(name, characters)] == '\0';
}

static size_t count_of(const struct screen_header *headers, size_t count, const char *name, const char **ret_value)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(headers[i].name, name) != 0)
            continue;
        found++;
        *ret_value = headers[i].value == NULL ? "" : headers[i].value;
    }
    return found;
}

static enum err_kind screen_names(const struct screen_header *headers, size_t count, struct err *reterr)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_token(headers[i].name))
            return err_set_code(reterr, ERR_MALFORMED, "bad_framing",
                                "the name of a header has a character that none may have");
        if (headers[i].value != NULL && strpbrk(headers[i].value, "\r\n") != NULL)
            return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "the value of a header has a line break");
    }
    for (size_t i = 0; i < COUNT_OF(single_headers); i++) {
        const char *value = NULL;
        if (count_of(headers, count, single_headers[i], &value) > 1)
            return err_set_code(reterr, ERR_MALFORMED, "duplicate_header", "the header '%s' stands twice",
                                single_headers[i]);
    }
    return ERR_NONE;
}

static enum err_kind read_length(const char *text, int64_t *ret, struct err *reterr)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0' || digits > 18)
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "Content-Length is not a number");
    int64_t length = 0;
    for (size_t i = 0; i < digits; i++)
        length = 10 * length + (text[i] - '0');
    *ret = length;
    if (length > (int64_t)BODY_BYTES_MAX)
        return err_set(reterr, ERR_TOO_LARGE, "the body has %lld bytes, the limit is %u", (long long)length,
                       BODY_BYTES_MAX);
    return ERR_NONE;
}

enum err_kind screen_headers(const struct screen_header *headers, size_t count, const char *version,
                             int64_t *ret_content_length, struct err *reterr)
{
    *ret_content_length = -1;
    enum err_kind kind = screen_names(headers, count, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *length = NULL, *encoding = NULL, *host = NULL;
    (void)count_of(headers, count, "content-length", &length);
    (void)count_of(headers, count, "transfer-encoding", &encoding);
    if (count_of(headers, count, "host", &host) == 0 && strcmp(version, "HTTP/1.0") != 0)
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "there is no Host");
    if (encoding != NULL && length != NULL)
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing",
                            "Content-Length and Transfer-Encoding exclude each other");
    if (encoding != NULL && strcasecmp(encoding, "chunked") != 0)
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "the only Transfer-Encoding is chunked");
    return length == NULL ? ERR_NONE : read_length(length, ret_content_length, reterr);
}
