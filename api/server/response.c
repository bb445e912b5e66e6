/* Making answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/response.h"

#include "api/server/etag.h"
#include "api/server/openapi.h"
#include "api/server/page_cursor.h"
#include "api/server/server.h"
#include "common/hex.h"
#include "common/must.h"

#include <openssl/evp.h>
#include <string.h>

#define VERSION_BYTES 8 /* of a digest: enough for one object's versions */

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

bool response_has_header(const struct response *response, const char *name)
{
    for (int i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

/* True: it is answered, 304. */
static bool tell_version(const struct request *request, struct response *response, const char *etag)
{
    response_header(response, "ETag", etag);
    const char *known = request->route->method == GET ? request_header(request, "If-None-Match") : NULL;
    if (known == NULL || !etag_is_known(known, etag))
        return false;
    response->status = 304;
    return true;
}

/* What nobody counts is told apart by what it says: of a row without a status revision, that part of its version. */
static void tell_version_of_body(const struct request *request, struct response *response, const char *wish_revision)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    char text[HEX_TEXT_SIZE(VERSION_BYTES)];
    must(EVP_Digest(response->body.text, response->body.length, digest, NULL, EVP_sha256(), NULL) == 1);
    hex_print(digest, VERSION_BYTES, text);
    if (tell_version(request, response, arena_format(request->arena, "\"%s-%s\"", wish_revision, text)))
        response->body.length = 0;
}

void response_version(const struct request *request, struct response *response)
{
    bool is_object = response->status == 200 && request->form == FORM_JSON && openapi_has_etag(request->route);
    if (is_object && !response_has_header(response, "ETag"))
        tell_version_of_body(request, response, "0");
}

bool response_is_known(const struct request *request, struct response *response, const PGresult *result, int row)
{
    int wish = PQfnumber(result, "wish_revision");
    int status = PQfnumber(result, "status_revision");
    if (wish < 0)
        return false;
    const char *etag = arena_format(request->arena, "\"%s-%s\"", db_text(result, row, wish),
                                    status < 0 ? "0" : db_text(result, row, status));
    return tell_version(request, response, etag);
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
    int wish = PQfnumber(result, "wish_revision");
    if (wish < 0 || PQfnumber(result, "status_revision") >= 0) {
        if (!response_is_known(request, response, result, row))
            response_row(response, status, fields, result, row);
        return;
    }
    response_row(response, status, fields, result, row);
    tell_version_of_body(request, response, db_text(result, row, wish));
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
