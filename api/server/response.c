/* Making answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/response.h"

#include "api/server/page_cursor.h"
#include "api/server/server.h"
#include "common/must.h"

#include <inttypes.h>
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
    for (int row = 0; row < shown; row++)
        field_write_row(fields, result, row, out);
    json_out_close(out, ']');
    json_out_key(out, "next_page");
    int key = PQfnumber(result, "page_key");
    must(key >= 0);
    json_out_text(out, rows > shown ? page_cursor_make(request, db_text(result, shown - 1, key)) : NULL);
    json_out_close(out, '}');
}

bool response_etag(const struct request *request, struct response *response, int64_t wish_revision,
                   int64_t status_revision)
{
    const char *etag = arena_format(request->arena, "\"%" PRId64 "-%" PRId64 "\"", wish_revision, status_revision);
    response_header(response, "ETag", etag);
    const char *known = request_header(request, "If-None-Match");
    if (known == NULL || strcmp(known, etag) != 0)
        return false;
    response->status = 304;
    return true;
}
