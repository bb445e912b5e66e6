/* Nouns: where each is for a token, and the one way to find and list them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/noun.h"

#include "api/cli/csv_list.h"
#include "common/arena.h"
#include "common/must.h"

#include <inttypes.h>
#include <string.h>

#define LIMIT_DEFAULT 1000
#define CALLED_MAX    1000000 /* which of them is meant cannot be told before the last */
#define ID_LENGTH     26      /* behind its prefix */
#define PAGE_ITEMS    1000    /* what the API gives at most */

enum err_kind noun_path(struct session *session, const struct noun *noun, const char **ret, struct err *reterr)
{
    bool is_tenants = noun->system_path == NULL;
    if (noun->system_path != NULL && noun->tenant_path != NULL) {
        enum err_kind kind = session_is_tenants(session, &is_tenants, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    *ret = is_tenants ? noun->tenant_path : noun->system_path;
    return ERR_NONE;
}

/* Moves a page's items to the end of all. ERR_INTERNAL where it is no page, or one that leads nowhere. */
static enum err_kind take_page(struct session *session, const json_t *page, json_t *all, const char **next,
                               struct err *reterr)
{
    const json_t *items = json_at(page, "items");
    const char *mark = json_text_at(page, "next_page");
    bool leads_nowhere = mark != NULL && (json_array_size(items) == 0 || (*next != NULL && strcmp(mark, *next) == 0));
    if (!json_is_array(items) || leads_nowhere)
        return err_set(reterr, ERR_INTERNAL, "'%s' answered with a list that cannot be followed", session->url);
    for (size_t i = 0; i < json_array_size(items); i++)
        must(json_array_append(all, json_array_get(items, i)) == 0);
    *next = mark == NULL ? NULL : arena_text(session->arena, mark);
    return ERR_NONE;
}

enum err_kind noun_items(struct session *session, const char *path, const char *query, int64_t limit, json_t **ret,
                         const char **ret_next, struct err *reterr)
{
    CLEANUP(json_release) json_t *all = json_array();
    const char *next = NULL;
    must(all != NULL && limit > 0);
    do {
        int64_t left = limit - (int64_t)json_array_size(all);
        const char *part = arena_format(session->arena, "limit=%" PRId64, left < PAGE_ITEMS ? left : PAGE_ITEMS);
        if (next != NULL)
            part =
                arena_format(session->arena, "%s&page=%s", part, client_escape(session->client, session->arena, next));
        CLEANUP(json_release) json_t *page = NULL;
        enum err_kind kind = session_get(session, session_path(session, path, query, part), &page, reterr);
        if (kind == ERR_NONE)
            kind = take_page(session, page, all, &next, reterr);
        if (kind != ERR_NONE)
            return kind;
    } while (next != NULL && (int64_t)json_array_size(all) < limit); /* each page brings at least one */
    *ret = TAKE(all);
    *ret_next = next;
    return ERR_NONE;
}

static bool is_id(const struct noun *noun, const char *called)
{
    size_t length = strlen(noun->prefix);
    if (strncmp(called, noun->prefix, length) != 0)
        return false;
    const char *rest = called + length;
    return noun->lookup == NULL ||
           (strlen(rest) == ID_LENGTH && strspn(rest, "0123456789abcdefghijklmnopqrstuvwxyz") == ID_LENGTH);
}

enum err_kind noun_find(struct session *session, const struct noun *noun, const char *base, const char **ret,
                        struct err *reterr)
{
    const char *called = session->arguments->positional;
    const char *escaped = client_escape(session->client, session->arena, called);
    if (is_id(noun, called)) {
        *ret = arena_format(session->arena, "%s/%s", base, escaped);
        return ERR_NONE;
    }
    if (noun->lookup == NULL)
        return err_set(reterr, ERR_MALFORMED, "'%s' is no id: one begins with '%s'", called, noun->prefix);
    CLEANUP(json_release) json_t *items = NULL;
    const char *next = NULL;
    const char *query =
        arena_format(session->arena, "%s=%s%s", noun->lookup, escaped, noun->by_age ? "&order=newest" : "");
    enum err_kind kind =
        noun_items(session, base, query, noun->by_age ? LIMIT_DEFAULT : CALLED_MAX, &items, &next, reterr);
    if (kind != ERR_NONE)
        return kind;
    /* A name is free again when its reservation is over: the newest, which has the highest id, is meant. */
    const json_t *found = NULL;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *id = json_text_at(item, "id");
        if (found != NULL && json_equal(json_at(found, "tenant"), json_at(item, "tenant")) == 0 &&
            json_at(found, "tenant") != NULL)
            return err_set(reterr, ERR_INVALID, "more than one tenant has a '%s': give its id", called);
        if (id != NULL && (found == NULL || strcmp(id, json_text_at(found, "id")) > 0))
            found = item;
    }
    if (found == NULL)
        return err_set(reterr, ERR_NOT_FOUND, "nothing is called '%s'", called);
    *ret = arena_format(session->arena, "%s/%s", base,
                        client_escape(session->client, session->arena, json_text_at(found, "id")));
    return ERR_NONE;
}

void noun_print(struct session *session, const struct column *shown, json_t *items, const char *next)
{
    if (session->json) {
        CLEANUP(json_release) json_t *list = json_pack("{s:O, s:s?}", "items", items, "next_page", next);
        must(list != NULL);
        session_print_json(session, list);
        return;
    }
    table_print(session->out, session->arena, shown, items);
    (void)fflush(session->out); /* the note stands below the list; a failed write is seen at the end */
    if (next != NULL)
        fprintf(session->log, "sluice: these are the first %zu; --limit shows more\n", json_array_size(items));
}

enum err_kind command_list(struct session *session, struct err *reterr)
{
    const struct noun *noun = session->arguments->command->noun;
    const char *path = NULL;
    enum err_kind kind = noun_path(session, noun, &path, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *query = session_query(session);
    int64_t limit = arguments_int(session->arguments, OPTION_LIMIT, LIMIT_DEFAULT);
    if (session->csv)
        return csv_list_print(session, path, query, limit, reterr);
    CLEANUP(json_release) json_t *items = NULL;
    const char *next = NULL;
    kind = noun_items(session, path, query, limit, &items, &next, reterr);
    if (kind != ERR_NONE)
        return kind;
    noun_print(session, noun->columns, items, next);
    return ERR_NONE;
}
