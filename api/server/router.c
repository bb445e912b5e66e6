/* Which route an address and a method mean. Each request asks it, and there are hundreds of routes: so they are found
 * by what of their address is no parameter (walking the tables took a tenth of the CPU of a create). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "common/alloc.h"
#include "common/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUTE_PATH_SIZE 256 /* the tables have no longer one */

const char *const method_texts[METHOD_COUNT] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

/* Matches "/v1/zones/{id}/x" segment by segment; what stands for {...} goes to params. */
static bool matches(const char *pattern, const char *path, const char *params[REQUEST_PARAMS_MAX], struct arena *arena)
{
    int param = 0;
    while (*pattern != '\0' && *path != '\0') {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t length = strcspn(path, "/");
        if (length == 0)
            return false;
        must(param < REQUEST_PARAMS_MAX);
        params[param++] = arena_text_n(arena, path, length);
        path += length;
        pattern += strcspn(pattern, "}") + 1;
    }
    return *pattern == '\0' && *path == '\0';
}

/* The server as a whole: OPTIONS with an asterisk (RFC 9110, 9.3.7). */
#define SERVER_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"

static const char *allow(struct arena *arena, const char *so_far, const struct route *route)
{
    const char *text = method_texts[route->method];
    const char *with_head = route->method == GET ? "GET, HEAD" : text;
    return so_far == NULL ? with_head : arena_format(arena, "%s, %s", so_far, with_head);
}

/* ---- The index ---- */

/* A route, under what of its address is no parameter: all of it, or all before the first one. */
struct entry {
    const struct resource *resource;
    const struct route *route;
    size_t literal; /* length */
    size_t place;   /* in the tables */
};

struct router {
    struct entry *entries; /* sorted, so that those of one literal stand together, in the order of the tables */
    size_t count;
};

/* Entries that stand together. */
struct entries {
    const struct entry *first, *end;
};

static bool is_pattern(const struct entry *entry)
{
    return entry->route->path[entry->literal] != '\0';
}

static int compare_literals(const struct entry *entry, const char *text, size_t length)
{
    size_t shorter = entry->literal < length ? entry->literal : length;
    int order = memcmp(entry->route->path, text, shorter);
    return order != 0 ? order : (entry->literal > length) - (entry->literal < length);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = compare_literals(left, right->route->path, right->literal);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

struct router *router_new(const struct resource *const *resources)
{
    struct router *router = alloc_zero(1, sizeof *router);
    for (const struct resource *const *resource = resources; *resource != NULL; resource++) {
        for (const struct route *route = (*resource)->routes; route->path != NULL; route++)
            router->count++;
    }
    router->entries = alloc_zero(router->count, sizeof *router->entries);
    size_t place = 0;
    for (; *resources != NULL; resources++) {
        for (const struct route *route = (*resources)->routes; route->path != NULL; route++, place++)
            router->entries[place] = (struct entry){*resources, route, strcspn(route->path, "{"), place};
    }
    qsort(router->entries, router->count, sizeof *router->entries, compare_entries);
    return router;
}

void router_free(struct router *router)
{
    if (router == NULL)
        return;
    free(router->entries);
    free(router);
}

/* Those whose literal is just this. */
static struct entries entries_of(const struct router *router, const char *text, size_t length)
{
    size_t from = 0, to = router->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare_literals(&router->entries[middle], text, length) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    while (to < router->count && compare_literals(&router->entries[to], text, length) == 0)
        to++;
    return (struct entries){router->entries + from, router->entries + to};
}

const struct route *router_find_below(const struct router *router, const char *path)
{
    char below[ROUTE_PATH_SIZE];
    int length = snprintf(below, sizeof below, "%s/", path);
    must(length > 0 && (size_t)length < sizeof below); /* it is a route's */
    struct entries found = entries_of(router, below, (size_t)length);
    for (const struct entry *entry = found.first; entry < found.end; entry++) {
        if (entry->route->method == GET && strcmp(entry->route->path + length, "{id}") == 0)
            return entry->route;
    }
    return NULL;
}

/* ---- Finding ---- */

/* Whether it is one of these, by the method; what else could be done there goes to *allowed. */
static bool take(struct entries among, bool patterns, struct request *request, const char **allowed)
{
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    for (const struct entry *entry = among.first; entry < among.end; entry++) {
        const char *params[REQUEST_PARAMS_MAX] = {0};
        const char *pattern = entry->route->path;
        if (is_pattern(entry) != patterns || !matches(pattern, request->path, params, request->arena))
            continue;
        if (strcmp(method_texts[entry->route->method], method) == 0) {
            request->resource = entry->resource;
            request->route = entry->route;
            memcpy(request->params, params, sizeof params);
            return true;
        }
        *allowed = allow(request->arena, *allowed, entry->route);
    }
    return false;
}

/* An address that stands in the tables as it is, is no object of a list (OpenAPI: the concrete path first). */
static bool find(const struct router *router, struct request *request, const char **allowed)
{
    const char *path = request->path;
    if (take(entries_of(router, path, strlen(path)), false, request, allowed))
        return true;
    bool is_concrete = *allowed != NULL;
    for (const char *slash = strchr(path, '/'); slash != NULL && !is_concrete; slash = strchr(slash + 1, '/')) {
        if (take(entries_of(router, path, (size_t)(slash + 1 - path)), true, request, allowed))
            return true;
    }
    return false;
}

enum err_kind router_find(const struct router *router, struct request *request, const char **ret_allow,
                          struct err *reterr)
{
    const char *allowed = NULL;
    if (find(router, request, &allowed)) {
        *ret_allow = NULL;
        return ERR_NONE;
    }
    allowed = strcmp(request->path, "*") == 0 ? SERVER_METHODS : allowed;
    *ret_allow = allowed == NULL ? NULL : arena_format(request->arena, "%s, OPTIONS", allowed);
    if (*ret_allow != NULL)
        return err_set(reterr, ERR_METHOD, "'%.40s' takes %s", request->path, *ret_allow);
    return err_set(reterr, ERR_NOT_FOUND, "there is nothing at '%.200s'", request->path);
}
