/* Making answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/response.h"

#include "api/server/etag.h"
#include "api/server/page_cursor.h"
#include "api/server/server.h"
#include "common/must.h"

#include <string.h>

void response_header(struct response *response, const char *name, const char *value)
{
    must(response->header_count < RESPONSE_HEADERS_MAX);
    response->headers[response->header_count++] = (struct response_header){name, value};
}

void response_row(struct response *response, int status, const struct field *fields, const PGresult *result, int row)
{
    response->status = status;
    field_write_row(fields, result, row, &response->body);
}

void response_member(struct response *response, const char *key, const char *json)
{
    struct json_out *out = &response->body;
    must(out->length > 0 && out->text[0] == '{' && out->text[out->length - 1] == '}');
    out->length--;
    out->needs_comma = out->length > 1;
    json_out_key(out, key);
    json_out_raw(out, json);
    json_out_close(out, '}');
}

bool response_is_known(const struct request *request, struct response *response, const PGresult *result, int row)
{
    int wish = PQfnumber(result, "wish_revision");
    int status = PQfnumber(result, "status_revision");
    if (wish < 0)
        return false;
    const char *etag = arena_format(request->arena, "\"%s-%s\"", db_text(result, row, wish),
                                    status < 0 ? "0" : db_text(result, row, status));
    response_header(response, "ETag", etag);
    const char *known = request->route->method == GET ? request_header(request, "If-None-Match") : NULL;
    if (known == NULL || !etag_is_known(known, etag))
        return false;
    response->status = 304;
    return true;
}

/* By the column that says where the object stands. */
static bool is_passing(const struct request *request, const PGresult *result, int row)
{
    const char *const *passing = request->route->passing;
    int column = PQfnumber(result, "\"status.state\"");
    column = column < 0 ? PQfnumber(result, "state") : column;
    const char *state = passing == NULL || column < 0 ? NULL : db_text(result, row, column);
    for (; state != NULL && *passing != NULL; passing++) {
        if (strcmp(*passing, state) == 0)
            return true;
    }
    return false;
}

void response_object(const struct request *request, struct response *response, int status, const struct field *fields,
                     const PGresult *result, int row)
{
    response->is_passing = is_passing(request, result, row);
    if (!response_is_known(request, response, result, row))
        response_row(response, status, fields, result, row);
}

void response_struct(struct response *response, int status, const struct field *fields, const void *source)
{
    response->status = status;
    field_write_struct(fields, source, &response->body);
}

void response_list(struct request *request, struct response *response, const struct field *fields,
                   const PGresult *result, const struct page *page)
{
    int rows = PQntuples(result);
    int shown = rows > page->limit ? page->limit : rows;
    struct json_out *out = &response->body;
    response->status = 200;
    json_out_open(out, '{');
    json_out_key(out, "items");
    json_out_open(out, '[');
    field_write_rows(fields, result, 0, shown, out);
    json_out_close(out, ']');
    json_out_key(out, "next_page");
    int key = PQfnumber(result, "page_key");
    must(key >= 0);
    json_out_text(out, rows > shown ? page_cursor_make(request, db_text(result, shown - 1, key)) : NULL);
    json_out_close(out, '}');
}
