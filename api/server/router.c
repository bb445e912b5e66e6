/* Which route an address and a method mean. The tables are walked: most patterns differ within some characters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "common/must.h"

#include <string.h>

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

const struct route *router_find_below(const struct resource *const *resources, const char *path)
{
    size_t length = strlen(path);
    for (; *resources != NULL; resources++) {
        for (const struct route *route = (*resources)->routes; route->path != NULL; route++) {
            bool is_below = strncmp(route->path, path, length) == 0 && strcmp(route->path + length, "/{id}") == 0;
            if (is_below && route->method == GET)
                return route;
        }
    }
    return NULL;
}

/* An address that stands in the tables as it is: it is no object of a list then (OpenAPI: the concrete path first). */
static bool is_literal(const struct resource *const *resources, const char *path)
{
    for (; *resources != NULL; resources++) {
        for (const struct route *route = (*resources)->routes; route->path != NULL; route++) {
            if (strcmp(route->path, path) == 0)
                return true;
        }
    }
    return false;
}

enum err_kind router_find(const struct resource *const *resources, struct request *request, const char **ret_allow,
                          struct err *reterr)
{
    bool is_concrete = is_literal(resources, request->path);
    *ret_allow = strcmp(request->path, "*") == 0 ? SERVER_METHODS : NULL;
    const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
    for (; *resources != NULL; resources++) {
        for (const struct route *route = (*resources)->routes; route->path != NULL; route++) {
            const char *params[REQUEST_PARAMS_MAX] = {0};
            bool may = !is_concrete || strcmp(route->path, request->path) == 0;
            if (!may || !matches(route->path, request->path, params, request->arena))
                continue;
            if (strcmp(method_texts[route->method], method) == 0) {
                request->resource = *resources;
                request->route = route;
                memcpy(request->params, params, sizeof params);
                return ERR_NONE;
            }
            *ret_allow = allow(request->arena, *ret_allow, route);
        }
    }
    if (*ret_allow != NULL)
        *ret_allow = arena_format(request->arena, "%s, OPTIONS", *ret_allow);
    if (*ret_allow != NULL)
        return err_set(reterr, ERR_METHOD, "'%.40s' takes %s", request->path, *ret_allow);
    return err_set(reterr, ERR_NOT_FOUND, "there is nothing at '%.200s'", request->path);
}
