/* Reading lists of entity tags. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/etag.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define WISH_PREFIX_SIZE 32

struct tag {
    const char *text; /* with its quotes; not terminated */
    size_t length;
    bool is_weak;
};

/* The next of a list; false at its end, and where it is no list. */
static bool next_tag(const char **list, struct tag *ret)
{
    const char *next = *list + strspn(*list, " \t,");
    ret->is_weak = strncmp(next, "W/", 2) == 0;
    next += ret->is_weak ? 2 : 0;
    const char *end = *next == '"' ? strchr(next + 1, '"') : NULL;
    if (end == NULL)
        return false;
    ret->text = next;
    ret->length = (size_t)(end + 1 - next);
    *list = end + 1;
    return true;
}

static bool is_any(const char *header)
{
    return strcmp(header, "*") == 0;
}

bool etag_is_known(const char *if_none_match, const char *etag)
{
    struct tag tag;
    if (is_any(if_none_match))
        return true;
    while (next_tag(&if_none_match, &tag)) {
        if (tag.length == strlen(etag) && memcmp(tag.text, etag, tag.length) == 0)
            return true;
    }
    return false;
}

bool etag_is_of_wish(const char *if_match, int64_t wish_revision)
{
    char prefix[WISH_PREFIX_SIZE];
    int length = snprintf(prefix, sizeof prefix, "\"%" PRId64 "-", wish_revision);
    struct tag tag;
    if (is_any(if_match))
        return true;
    while (next_tag(&if_match, &tag)) {
        if (!tag.is_weak && tag.length > (size_t)length && memcmp(tag.text, prefix, (size_t)length) == 0)
            return true;
    }
    return false;
}
