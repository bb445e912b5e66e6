/* Accept and Content-Type against what a route offers; lists, and the items of reports, as CSV. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/form.h"

#include "api/server/csv.h"
#include "common/must.h"

#include <string.h>
#include <strings.h>

enum err_kind form_read(struct request_internal *internal, struct err *reterr)
{
    struct request *request = &internal->request;
    const char *accept = request_header_list(request, MHD_HTTP_HEADER_ACCEPT);
    request->form = form_choose(accept, route_forms(request->route));
    if (request->form == FORM_COUNT && request->route->leads_to_console)
        request->form = FORM_JSON; /* a browser is led on, or reads a page (problem.c) */
    if (request->form == FORM_COUNT)
        return err_set_code(reterr, ERR_INVALID, "not_acceptable", "the answer cannot be given as '%.100s'", accept);
    if (internal->body_length == 0)
        return ERR_NONE;
    const char *type = request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);
    bool is_readable =
        request->route->takes_csv ? form_is_csv(type) : form_is_readable(type, request->route->method == PATCH);
    if (!is_readable)
        return err_set_code(reterr, ERR_INVALID, "unsupported_media_type", "a body of type '%.100s' is not read here",
                            type);
    if (!form_is_utf8(type))
        return err_set_code(reterr, ERR_INVALID, "unsupported_media_type",
                            "a body of type '%.100s' is not read here: send it in UTF-8", type);
    const char *encoding = request_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);
    if (encoding != NULL && strcasecmp(encoding, "identity") != 0)
        return err_set_code(reterr, ERR_INVALID, "unsupported_media_type",
                            "a body encoded by '%.100s' is not read here", encoding);
    return ERR_NONE;
}

/* The query as it was sent, but for the page. */
static const char *query_without_page(struct arena *arena, const char *query)
{
    const char *kept = "";
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        if (strncmp(query, "page=", 5) != 0 && length > 0)
            kept = arena_format(arena, "%s%.*s&", kept, (int)length, query);
        query += length + (query[length] == '&');
    }
    return kept;
}

static void link_next(struct request_internal *internal, const char *next_page)
{
    struct arena *arena = internal->request.arena;
    const char *path = arena_text_n(arena, internal->uri, strcspn(internal->uri, "?"));
    response_header(&internal->response, "Link",
                    arena_format(arena, "<%s?%spage=%s>; rel=\"next\"", path,
                                 query_without_page(arena, internal->query_text), next_page));
}

static const char *file_name(struct arena *arena, const char *path)
{
    const char *last = strrchr(path, '/') + 1;
    return arena_format(arena, "attachment; filename=\"%s.csv\"", last);
}

/* What a report says beside its items is in no row. */
static const struct field *fields_of_item(const struct route *route)
{
    const struct field *field = route->answer->fields;
    if (route->is_list)
        return field;
    while (strcmp(field->name, "items") != 0)
        field++;
    return field->fields;
}

void form_apply(struct request_internal *internal)
{
    struct request *request = &internal->request;
    struct response *response = &internal->response;
    if (request->form != FORM_CSV || response->status != 200)
        return;
    json_error_t error;
    json_t *page = json_loads(json_out_finish(&response->body), 0, &error);
    must(page != NULL); /* we wrote it */
    json_out_init(&response->body, request->arena);
    const struct field *fields = fields_of_item(request->route);
    csv_head(fields, &response->body);
    const json_t *items = json_object_get(page, "items");
    for (size_t i = 0; i < json_array_size(items); i++)
        csv_row(fields, json_array_get(items, i), &response->body);
    const char *next_page = json_string_value(json_object_get(page, "next_page"));
    if (next_page != NULL)
        link_next(internal, next_page);
    json_decref(page);
    response->content_type = "text/csv; charset=utf-8; header=present";
    response_header(response, "Content-Disposition", file_name(request->arena, request->route->path));
}
