/* Scopes as bits: the place of the tag's first resource in the registry is its bit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/scope.h"

#include "api/server/route.h"
#include "common/must.h"

#include <string.h>

#define WORD_BITS 64

/* -1 where there is no such tag. */
static int tag_of(const struct resource *const *resources, const char *name, size_t length)
{
    for (int i = 0; resources[i] != NULL; i++) {
        must(i < SCOPE_TAGS_MAX);
        if (strlen(resources[i]->name) == length && memcmp(resources[i]->name, name, length) == 0)
            return i;
    }
    return -1;
}

static uint64_t bit_of(int tag)
{
    return UINT64_C(1) << (tag % WORD_BITS);
}

static bool is_text(const char *text, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(text, wanted, length) == 0;
}

static bool add(struct scopes *scopes, const struct resource *const *resources, const char *text, size_t length)
{
    size_t name = 0;
    while (name < length && text[name] != ':')
        name++;
    bool is_write = is_text(text + name, length - name, ":write");
    int tag = tag_of(resources, text, name);
    if (tag < 0 || (!is_write && !is_text(text + name, length - name, ":read")))
        return false;
    scopes->read[tag / WORD_BITS] |= bit_of(tag);
    if (is_write)
        scopes->write[tag / WORD_BITS] |= bit_of(tag);
    return true;
}

bool scopes_add(struct scopes *scopes, const struct resource *const *resources, const char *text)
{
    return add(scopes, resources, text, strlen(text));
}

void scopes_read(struct scopes *scopes, const struct resource *const *resources, const char *texts)
{
    *scopes = (struct scopes){.is_everything = texts == NULL};
    while (texts != NULL && *texts != '\0') {
        size_t length = strcspn(texts, " ");
        (void)add(scopes, resources, texts, length);
        texts += length + (texts[length] == ' ');
    }
}

bool scopes_allow(const struct scopes *scopes, const struct resource *const *resources, const char *tag, bool is_write)
{
    if (scopes->is_everything)
        return true;
    int found = tag_of(resources, tag, strlen(tag));
    must(found >= 0);
    return ((is_write ? scopes->write : scopes->read)[found / WORD_BITS] & bit_of(found)) != 0;
}

struct field_list scopes_list(const struct scopes *scopes, const struct resource *const *resources, struct arena *arena)
{
    if (scopes->is_everything)
        return (struct field_list){0};
    const char **items = arena_alloc(arena, SCOPE_TAGS_MAX * sizeof *items);
    size_t count = 0;
    for (int i = 0; resources[i] != NULL; i++) {
        uint64_t read = scopes->read[i / WORD_BITS] & bit_of(i);
        uint64_t write = scopes->write[i / WORD_BITS] & bit_of(i);
        if (read != 0)
            items[count++] = arena_format(arena, "%s:%s", resources[i]->name, write != 0 ? "write" : "read");
    }
    return (struct field_list){.items = items, .count = count, .array = ""};
}

bool scopes_cover(const struct scopes *scopes, const struct scopes *other)
{
    bool covers = !other->is_everything;
    for (int i = 0; i < SCOPE_TAGS_MAX / WORD_BITS; i++)
        covers = covers && (other->read[i] & ~scopes->read[i]) == 0 && (other->write[i] & ~scopes->write[i]) == 0;
    return scopes->is_everything || covers;
}
