/* Reading Accept and Content-Type. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/negotiate.h"

#include "common/cleanup.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define QUALITY_MAX 1000 /* in thousandths */

// clang-format off
const char *const form_types[FORM_COUNT] = {
    [FORM_JSON] = "application/json",
    [FORM_CSV] = "text/csv",
    [FORM_EVENTS] = "text/event-stream",
    [FORM_HTML] = "text/html",
    [FORM_PDF] = "application/pdf",
};
// clang-format on

static size_t trimmed(const char **text, size_t length)
{
    while (length > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        length--;
    }
    while (length > 0 && ((*text)[length - 1] == ' ' || (*text)[length - 1] == '\t'))
        length--;
    return length;
}

/* "0.5" -> 500; what is none counts as 1, as if it were absent. */
static int quality_of_text(const char *text, size_t length)
{
    if (length == 0 || (text[0] != '0' && text[0] != '1') || (length > 1 && text[1] != '.') || length > 5)
        return QUALITY_MAX;
    int quality = (text[0] - '0') * QUALITY_MAX;
    int unit = QUALITY_MAX / 10;
    for (size_t i = 2; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return QUALITY_MAX;
        quality += unit * (text[i] - '0');
        unit /= 10;
    }
    return quality < QUALITY_MAX ? quality : QUALITY_MAX;
}

/* Of what stands behind a type, "; charset=utf-8; q=0.5", the value of the first parameter of that name; NULL: none. */
static const char *parameter(const char *text, size_t length, const char *name, size_t *ret_length)
{
    size_t name_length = strlen(name);
    while (length > 0) {
        size_t part = 0;
        while (part < length && text[part] != ';')
            part++;
        const char *start = text;
        size_t size = trimmed(&start, part);
        if (size > name_length && strncasecmp(start, name, name_length) == 0 && start[name_length] == '=') {
            *ret_length = size - name_length - 1;
            return start + name_length + 1;
        }
        length -= part < length ? part + 1 : part;
        text += part + 1;
    }
    return NULL;
}

static int quality_of_parameters(const char *text, size_t length)
{
    size_t size = 0;
    const char *value = parameter(text, length, "q", &size);
    return value == NULL ? QUALITY_MAX : quality_of_text(value, size);
}

/* 3: the type itself, 2: "text/" and a star, 1: anything, 0: not this one. */
static int exactness(const char *range, size_t length, const char *type)
{
    size_t major = strcspn(type, "/") + 1;
    if (length == strlen(type) && strncasecmp(range, type, length) == 0)
        return 3;
    if (length == major + 1 && range[major] == '*' && strncasecmp(range, type, major) == 0)
        return 2;
    return length == 3 && strncmp(range, "*/*", 3) == 0 ? 1 : 0;
}

struct liking {
    int quality, exactness;
};

/* What the most exact range that covers the type says of it. */
static struct liking liking_of(const char *accept, const char *type)
{
    struct liking liking = {0};
    while (*accept != '\0') {
        size_t length = strcspn(accept, ",");
        size_t behind = strcspn(accept, ";,");
        const char *range = accept;
        size_t size = trimmed(&range, behind);
        int exact = exactness(range, size, type);
        if (exact > liking.exactness) {
            const char *parameters = accept + behind;
            liking = (struct liking){quality_of_parameters(parameters, length - behind), exact};
        }
        accept += length + (accept[length] == ',');
    }
    return liking;
}

enum form form_choose(const char *accept, unsigned offered)
{
    enum form best = FORM_COUNT;
    struct liking best_liking = {0};
    for (int form = 0; form < FORM_COUNT; form++) {
        if ((offered & FORM_MASK(form)) == 0)
            continue;
        struct liking liking = liking_of(accept == NULL || *accept == '\0' ? "*/*" : accept, form_types[form]);
        bool is_better = liking.quality > best_liking.quality ||
                         (liking.quality == best_liking.quality && liking.exactness > best_liking.exactness);
        if (liking.quality > 0 && is_better) {
            best = (enum form)form;
            best_liking = liking;
        }
    }
    return best;
}

static bool is_type(const char *content_type, const char *type)
{
    const char *given = content_type;
    size_t length = trimmed(&given, strcspn(content_type, ";"));
    return length == strlen(type) && strncasecmp(given, type, length) == 0;
}

bool form_is_readable(const char *content_type, bool is_patch)
{
    return content_type == NULL || is_type(content_type, "application/json") ||
           (is_patch && is_type(content_type, "application/merge-patch+json"));
}

bool form_is_csv(const char *content_type)
{
    return content_type != NULL && is_type(content_type, form_types[FORM_CSV]);
}

bool form_is_utf8(const char *content_type)
{
    static const char *const read[] = {"utf-8", "us-ascii"};
    size_t length = 0;
    const char *parameters = content_type == NULL ? "" : content_type + strcspn(content_type, ";");
    const char *charset = parameter(parameters, strlen(parameters), "charset", &length);
    if (charset != NULL && length >= 2 && charset[0] == '"' && charset[length - 1] == '"') {
        charset++;
        length -= 2;
    }
    bool is_read = charset == NULL;
    for (size_t i = 0; i < COUNT_OF(read) && !is_read; i++)
        is_read = length == strlen(read[i]) && strncasecmp(charset, read[i], length) == 0;
    return is_read;
}
