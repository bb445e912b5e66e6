/* Documents become declarations, by the table of kinds. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/declaration.h"

#include "api/cli/text.h"
#include "common/arena.h"
#include "common/must.h"

#include <ctype.h>
#include <string.h>

// clang-format off
const struct kind kinds[] = {
    {"tenant",          NULL,                   "/v1/system/tenants",          "name",   {NULL},                     NULL,        false},
    {"zone",            NULL,                   "/v1/system/zones",            "name",   {NULL},                     NULL,        false},
    {"image",           NULL,                   "/v1/system/images",           "name",   {NULL},                     NULL,        false},
    {"instance-type",   NULL,                   "/v1/system/instance-types",   "name",   {NULL},                     NULL,        false},
    {"node",            NULL,                   "/v1/system/nodes",            "name",   {"zone"},                   NULL,        false},
    {"purchase-order",  NULL,                   "/v1/system/purchase-orders",  "number", {NULL},                     NULL,        false},
    {"asset",           NULL,                   "/v1/system/assets",           "serial", {NULL},                     NULL,        false},
    {"billing-profile", NULL,                   "/v1/system/billing-profiles", NULL,     {"tenant"},                 NULL,        false},
    {"project",         "/v1/projects",         NULL,                          "name",   {NULL},                     NULL,        false},
    {"quota",           NULL,                   "/v1/system/quotas",           NULL,     {"tenant", "zone", "project"}, "gpu_model", false},
    {"member",          "/v1/members",          "/v1/system/members",          "name",   {"tenant"},                 NULL,        false},
    {"service-account", "/v1/service-accounts", "/v1/system/service-accounts", "name",   {"tenant"},                 NULL,        false},
    {"ssh-key",         "/v1/ssh-keys",         NULL,                          "name",   {NULL},                     NULL,        false},
    {"webhook",         "/v1/webhooks",         "/v1/system/webhooks",         "url",    {NULL},                     NULL,        false},
    {"reservation",     "/v1/reservations",     NULL,                          "name",   {NULL},                     NULL,        true},
    {0},
};
// clang-format on

void declarations_clear(struct declarations *declarations)
{
    for (size_t i = 0; i < declarations->count; i++)
        json_decref(declarations->items[i].spec);
    *declarations = (struct declarations){0};
}

const char *declaration_place(struct arena *arena, const struct declaration *declaration)
{
    return arena_format(arena, "'%s', document %zu (line %d)", declaration->file, declaration->document,
                        declaration->line);
}

/* ---- Kinds ---- */

/* "SshKey", "ssh_key" and "ssh-key" are one word. */
static bool is_same_word(const char *a, const char *b)
{
    while (true) {
        a += strspn(a, "-_");
        b += strspn(b, "-_");
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (*a == '\0')
            return true;
        a++;
        b++;
    }
}

static const struct kind *find_kind(const char *word)
{
    for (const struct kind *kind = kinds; kind->name != NULL; kind++) {
        if (is_same_word(kind->name, word))
            return kind;
    }
    return NULL;
}

static enum err_kind no_kind(struct arena *arena, const char *word, struct err *reterr)
{
    const char *known = "";
    for (const struct kind *kind = kinds; kind->name != NULL; kind++)
        known = arena_format(arena, "%s%s%s", known, known[0] == '\0' ? "" : ", ", kind->name);
    return err_set(reterr, ERR_MALFORMED, "there is no kind '%.40s', but: %s", text_printable(arena, word), known);
}

/* ---- One document ---- */

static enum err_kind check_fields(struct arena *arena, json_t *document, struct err *reterr)
{
    static const char *const known[] = {"kind", "name", "spec"};
    if (!json_is_object(document))
        return err_set(reterr, ERR_MALFORMED, "a document is an object with kind, name and spec");
    const char *key = NULL;
    json_t *ignored = NULL;
    json_object_foreach(document, key, ignored)
    {
        bool is_known = false;
        for (size_t i = 0; i < COUNT_OF(known); i++)
            is_known = is_known || strcmp(known[i], key) == 0;
        if (!is_known)
            return err_set(reterr, ERR_MALFORMED, "'%.100s' is none of kind, name and spec",
                           text_printable(arena, key));
    }
    return ERR_NONE;
}

/* The name's own field says it, too, or nothing else. */
static enum err_kind put_name(const struct kind *kind, json_t *name, json_t *spec, struct err *reterr)
{
    if (kind->called == NULL) {
        return name == NULL
                   ? ERR_NONE
                   : err_set(reterr, ERR_MALFORMED, "a %s has no name: its spec tells which it is", kind->name);
    }
    json_t *there = json_object_get(spec, kind->called);
    if (name != NULL && !json_is_string(name))
        return err_set(reterr, ERR_MALFORMED, "name is no text: a number is one in quotes");
    if (name == NULL && !json_is_string(there))
        return err_set(reterr, ERR_MALFORMED, "the %s has no name", kind->name);
    if (name != NULL && there != NULL && json_equal(name, there) == 0)
        return err_set(reterr, ERR_MALFORMED, "name and spec.%s say two things", kind->called);
    if (name != NULL)
        must(json_object_set(spec, kind->called, name) == 0);
    return ERR_NONE;
}

static const char *add_part(struct arena *arena, const char *shown, const json_t *spec, const char *field)
{
    const char *text = field == NULL ? "" : text_of_value(arena, json_object_get(spec, field));
    return text[0] == '\0' ? shown : arena_format(arena, "%s/%s", shown, text);
}

/* "quota/acme/us-east-1a", "member/acme/ana". */
static const char *shown_as(struct arena *arena, const struct kind *kind, const json_t *spec)
{
    const char *shown = kind->name;
    for (size_t i = 0; i < COUNT_OF(kind->asked); i++)
        shown = add_part(arena, shown, spec, kind->asked[i]);
    return add_part(arena, add_part(arena, shown, spec, kind->compared), spec, kind->called);
}

static enum err_kind read_one(struct arena *arena, json_t *document, struct declaration *ret, struct err *reterr)
{
    enum err_kind kind = check_fields(arena, document, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *word = json_text_at(document, "kind");
    if (word == NULL)
        return err_set(reterr, ERR_MALFORMED, "kind is missing, or no text");
    const struct kind *found = find_kind(word);
    if (found == NULL)
        return no_kind(arena, word, reterr);
    json_t *spec = json_object_get(document, "spec");
    if (spec != NULL && !json_is_object(spec) && !json_is_null(spec))
        return err_set(reterr, ERR_MALFORMED, "spec is no object");
    CLEANUP(json_release) json_t *own = json_is_object(spec) ? json_copy(spec) : json_object(); /* aliases share one */
    must(own != NULL);
    kind = put_name(found, json_object_get(document, "name"), own, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (json_object_get(own, "client_token") != NULL)
        return err_set(reterr, ERR_MALFORMED, "spec.client_token is one request's, and each request gets its own key");
    ret->kind = found;
    ret->shown = shown_as(arena, found, own);
    ret->spec = TAKE(own);
    return ERR_NONE;
}

/* ---- All of them ---- */

static void make_room(struct arena *arena, struct declarations *declarations, size_t more)
{
    struct declaration *items = arena_alloc(arena, (declarations->count + more) * sizeof *items);
    if (declarations->count > 0)
        memcpy(items, declarations->items, declarations->count * sizeof *items);
    declarations->items = items;
}

static enum err_kind add_all(struct arena *arena, const char *file, const struct documents *documents,
                             struct declarations *declarations, struct err *reterr)
{
    make_room(arena, declarations, documents->count + 1);
    for (size_t i = 0; i < documents->count; i++) {
        struct declaration one = {.file = file, .document = i + 1, .line = documents->items[i].line};
        enum err_kind kind = read_one(arena, documents->items[i].value, &one, reterr);
        if (kind != ERR_NONE) {
            (void)err_context(reterr, "%s", declaration_place(arena, &one));
            return kind;
        }
        declarations->items[declarations->count++] = one;
    }
    return ERR_NONE;
}

enum err_kind declarations_read(struct arena *arena, const char *file, const char *text, size_t length,
                                struct declarations *declarations, struct err *reterr)
{
    CLEANUP(documents_clear) struct documents documents = {0};
    enum err_kind kind = documents_read(arena, text, length, &documents, reterr);
    if (kind == ERR_NONE)
        return add_all(arena, file, &documents, declarations, reterr);
    (void)err_context(reterr, "'%s'", file);
    return kind;
}

bool declaration_is_of(const struct declaration *declaration, const json_t *object)
{
    const struct kind *kind = declaration->kind;
    const char *const fields[] = {kind->called, kind->asked[0], kind->asked[1], kind->asked[2], kind->compared};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const json_t *here = fields[i] == NULL ? NULL : json_object_get(declaration->spec, fields[i]);
        const json_t *there = fields[i] == NULL ? NULL : json_object_get(object, fields[i]);
        bool is_none = (here == NULL || json_is_null(here)) && (there == NULL || json_is_null(there));
        if (!is_none && json_equal(here, there) == 0)
            return false;
    }
    return true;
}

enum err_kind declarations_order(struct arena *arena, struct declarations *declarations, struct err *reterr)
{
    struct declarations ordered = {.items = arena_alloc(arena, (declarations->count + 1) * sizeof *ordered.items)};
    for (const struct kind *kind = kinds; kind->name != NULL; kind++) {
        size_t first = ordered.count;
        for (size_t i = 0; i < declarations->count; i++) {
            const struct declaration *one = &declarations->items[i];
            if (one->kind != kind)
                continue;
            for (size_t before = first; before < ordered.count; before++) {
                if (declaration_is_of(&ordered.items[before], one->spec))
                    return err_set(reterr, ERR_MALFORMED, "%s: %s stands in %s, too", declaration_place(arena, one),
                                   one->shown, declaration_place(arena, &ordered.items[before]));
            }
            ordered.items[ordered.count++] = *one;
        }
    }
    must(ordered.count == declarations->count);
    *declarations = ordered;
    return ERR_NONE;
}
