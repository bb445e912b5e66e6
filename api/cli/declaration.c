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

const struct no_kind no_kinds[] = {
    {"quote",       "holds for a while, and is confirmed or gone then: 'sluice quote create'; what is to stay is declared as a reservation"},
    {"token",       "is shown once, to who makes it: 'sluice token create'"},
    {"price",       "has versions, none of which is changed: 'sluice price create' makes the next"},
    {"meter",       "is not changed once it is there: 'sluice meter create'"},
    {"maintenance", "is an act at a time: 'sluice maintenance create'"},
    {"replacement", "is an act at a time: 'sluice replacement create'"},
    {"instance",    "comes of a reservation"},
    {0},
};
// clang-format on

void kind_fields(const struct kind *kind, const char *ret[static KIND_FIELDS_MAX])
{
    const char *const all[KIND_FIELDS_MAX] = {kind->called, kind->asked[0], kind->asked[1], kind->asked[2],
                                              kind->compared};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (all[i] != NULL)
            ret[count++] = all[i];
    }
    while (count < KIND_FIELDS_MAX)
        ret[count++] = NULL;
}

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
    for (const struct no_kind *made = no_kinds; made->name != NULL; made++) {
        if (is_same_word(made->name, word))
            return err_set(reterr, ERR_MALFORMED, "%s %s is not declared: it %s",
                           strchr("aeiou", made->name[0]) == NULL ? "a" : "an", made->name, made->why);
    }
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

static enum err_kind name_is_no_text(struct arena *arena, const json_t *name, struct err *reterr)
{
    if (json_is_object(name) || json_is_array(name) || json_is_null(name))
        return err_set(reterr, ERR_MALFORMED, "name is no text");
    const char *written = json_is_boolean(name) ? json_is_true(name) ? "true" : "false" : text_of_value(arena, name);
    return err_set(reterr, ERR_MALFORMED, "name is no text: %s is one in quotes", written);
}

/* The name's own field says it, too, or nothing else. */
static enum err_kind put_name(struct arena *arena, const struct kind *kind, json_t *name, json_t *spec,
                              struct err *reterr)
{
    if (kind->called == NULL) {
        return name == NULL
                   ? ERR_NONE
                   : err_set(reterr, ERR_MALFORMED, "a %s has no name: its spec tells which it is", kind->name);
    }
    json_t *there = json_object_get(spec, kind->called);
    if (name != NULL && !json_is_string(name))
        return name_is_no_text(arena, name, reterr);
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

/* What is good for one request alone cannot be declared. */
static enum err_kind check_lasts(const json_t *spec, struct err *reterr)
{
    if (json_object_get(spec, "client_token") != NULL)
        return err_set(reterr, ERR_MALFORMED, "spec.client_token is one request's, and each request gets its own key");
    if (json_object_get(spec, "quote") != NULL)
        return err_set(reterr, ERR_MALFORMED,
                       "spec.quote is used up at once: 'sluice quote confirm' makes the reservation, and its own terms "
                       "declare it");
    return ERR_NONE;
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
    kind = put_name(arena, found, json_object_get(document, "name"), own, reterr);
    if (kind != ERR_NONE)
        return kind;
    kind = check_lasts(own, reterr);
    if (kind != ERR_NONE)
        return kind;
    ret->kind = found;
    ret->shown = shown_as(arena, found, own);
    ret->spec = TAKE(own);
    return ERR_NONE;
}

/* ---- All of them ---- */

static void make_room(struct arena *arena, struct declarations *declarations, size_t more)
{
    if (more <= declarations->capacity - declarations->count)
        return;
    size_t capacity = declarations->capacity + (more > declarations->capacity ? more : declarations->capacity);
    struct declaration *items = arena_alloc(arena, capacity * sizeof *items);
    if (declarations->count > 0)
        memcpy(items, declarations->items, declarations->count * sizeof *items);
    declarations->items = items;
    declarations->capacity = capacity;
}

static enum err_kind add_all(struct arena *arena, const char *file, const struct documents *documents,
                             struct declarations *declarations, struct err *reterr)
{
    make_room(arena, declarations, documents->count);
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
    const char *fields[KIND_FIELDS_MAX];
    kind_fields(declaration->kind, fields);
    for (size_t i = 0; i < COUNT_OF(fields) && fields[i] != NULL; i++) {
        const json_t *here = json_object_get(declaration->spec, fields[i]);
        const json_t *there = json_object_get(object, fields[i]);
        bool is_none = (here == NULL || json_is_null(here)) && (there == NULL || json_is_null(there));
        if (!is_none && json_equal(here, there) == 0)
            return false;
    }
    return true;
}

/* The same text for the same thing (declaration_is_of), and for no two. *ret is the caller's. */
static char *identity_of(const struct declaration *declaration)
{
    const char *fields[KIND_FIELDS_MAX];
    kind_fields(declaration->kind, fields);
    CLEANUP(json_release) json_t *identity = json_pack("[s]", declaration->kind->name);
    must(identity != NULL);
    for (size_t i = 0; i < COUNT_OF(fields) && fields[i] != NULL; i++) {
        json_t *value = json_object_get(declaration->spec, fields[i]);
        must(value == NULL ? json_array_append_new(identity, json_null()) == 0
                           : json_array_append(identity, value) == 0);
    }
    char *text = json_dumps(identity, JSON_COMPACT | JSON_SORT_KEYS);
    must(text != NULL);
    return text;
}

/* Adds the next to those that are ordered; places: where each of them stands, by identity. */
static enum err_kind add_next(struct arena *arena, struct declarations *ordered, json_t *places,
                              const struct declaration *next, struct err *reterr)
{
    CLEANUP(text_freep) char *identity = identity_of(next);
    const json_t *place = json_object_get(places, identity);
    if (place != NULL)
        return err_set(reterr, ERR_MALFORMED, "%s: %s stands in %s, too", declaration_place(arena, next), next->shown,
                       declaration_place(arena, &ordered->items[json_integer_value(place)]));
    must(json_object_set_new(places, identity, json_integer((json_int_t)ordered->count)) == 0);
    ordered->items[ordered->count++] = *next;
    return ERR_NONE;
}

enum err_kind declarations_order(struct arena *arena, struct declarations *declarations, struct err *reterr)
{
    struct declarations ordered = {0};
    CLEANUP(json_release) json_t *places = json_object();
    must(places != NULL);
    make_room(arena, &ordered, declarations->count);
    for (const struct kind *kind = kinds; kind->name != NULL; kind++) {
        for (size_t i = 0; i < declarations->count; i++) {
            if (declarations->items[i].kind != kind)
                continue;
            enum err_kind failed = add_next(arena, &ordered, places, &declarations->items[i], reterr);
            if (failed != ERR_NONE)
                return failed;
        }
    }
    must(ordered.count == declarations->count);
    *declarations = ordered;
    return ERR_NONE;
}
