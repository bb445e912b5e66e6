/* The request screen. libmicrohttpd 0.9.75 takes two Content-Length, Content-Length with Transfer-Encoding and names
 * with white space (measured); two readers of such a request can see two different ones, so it is refused. What it
 * hides from us (a bare line feed, a folded line, the framing of chunks) is for HAProxy before it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/screen.h"

#include "api/server/server.h"

#include <string.h>
#include <strings.h>

/* Headers that may stand once: two of them have no meaning, or two. */
static const char *const single_headers[] = {"content-length", "transfer-encoding", "host",     "authorization",
                                             "content-type",   "idempotency-key",   "if-match", "if-none-match"};

static const char hex_digits[] = "0123456789ABCDEFabcdef";

/* Percent-encoded, these would be cut off, split or taken for something else by whoever decodes them first. */
static const char *const hidden[] = {"%0", "%1", "%7F", "%7f", "%2F", "%2f", "%5C", "%5c"};

static bool has_hidden(const char *path, size_t length)
{
    for (const char *percent = memchr(path, '%', length); percent != NULL;
         percent = memchr(percent + 1, '%', length - (size_t)(percent + 1 - path))) {
        if (strspn(percent + 1, hex_digits) < 2)
            return true;
        for (size_t i = 0; i < COUNT_OF(hidden); i++) {
            if (strncmp(percent, hidden[i], strlen(hidden[i])) == 0)
                return true;
        }
    }
    return false;
}

enum err_kind screen_line(const char *method, const char *target, const char *version, struct err *reterr)
{
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "the version is neither HTTP/1.1 nor HTTP/1.0");
    if (strcmp(target, "*") == 0 && strcmp(method, "OPTIONS") == 0)
        return ERR_NONE; /* the server as a whole */
    if (target[0] != '/')
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "the target is no path");
    for (const char *next = target; *next != '\0'; next++) {
        if (*next <= ' ' || *next > '~' || *next == '#')
            return err_set_code(reterr, ERR_MALFORMED, "bad_framing",
                                "the target has a character that none may have as it is");
    }
    if (has_hidden(target, strcspn(target, "?")))
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing",
                            "the path has an encoded slash or control character, or a broken encoding");
    return ERR_NONE;
}

size_t screen_parameters(const char *query)
{
    size_t count = query[0] == '\0' ? 0 : 1;
    for (const char *next = strchr(query, '&'); next != NULL; next = strchr(next + 1, '&'))
        count++;
    return count;
}

static bool is_token(const char *name)
{
    static const char characters[] = "!#$%&'*+-.^_`|~0123456789"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return name[0] != '\0' && name[strspn(name, characters)] == '\0';
}

/* Line breaks are among what is refused: a value that was folded has one. */
static bool is_field_value(const char *value)
{
    for (; *value != '\0'; value++) {
        if (((unsigned char)*value < ' ' && *value != '\t') || *value == '\x7f')
            return false;
    }
    return true;
}

/* A name or address with or without a port; no list, no user, no path. */
static bool is_host(const char *host)
{
    static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~%[]:";
    return host[strspn(host, characters)] == '\0';
}

size_t screen_count(const struct screen_header *headers, size_t count, const char *name, const char **ret_value)
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
        if (headers[i].value != NULL && !is_field_value(headers[i].value))
            return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "the value of a header has a control character");
    }
    for (size_t i = 0; i < COUNT_OF(single_headers); i++) {
        const char *value = NULL;
        if (screen_count(headers, count, single_headers[i], &value) > 1)
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
    (void)screen_count(headers, count, "content-length", &length);
    (void)screen_count(headers, count, "transfer-encoding", &encoding);
    bool is_old = strcmp(version, "HTTP/1.0") == 0;
    if (screen_count(headers, count, "host", &host) == 0 ? !is_old : !is_host(host))
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "there is no Host, or it is no host");
    if (encoding != NULL && is_old)
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "HTTP/1.0 has no Transfer-Encoding");
    if (encoding != NULL && length != NULL)
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing",
                            "Content-Length and Transfer-Encoding exclude each other");
    if (encoding != NULL && strcasecmp(encoding, "chunked") != 0)
        return err_set_code(reterr, ERR_MALFORMED, "bad_framing", "the only Transfer-Encoding is chunked");
    return length == NULL ? ERR_NONE : read_length(length, ret_content_length, reterr);
}
