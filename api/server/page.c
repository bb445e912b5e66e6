/* Reading limit and page, and signing cursors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/page.h"

#include "api/server/page_cursor.h"
#include "api/server/server.h"
#include "common/base64url.h"
#include "common/must.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_SIZE 16
#define KEY_SIZE_MAX   512

/* ---- The text that is signed: path, tenant, and the filter (all of the query but limit and page) ---- */

static void append(struct json_out *out, const char *text)
{
    json_out_bytes(out, text, strlen(text) + 1); /* with its zero, so that two texts never run together */
}

static void append_filter(struct json_out *out, const char *query)
{
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        bool is_of_page = strncmp(query, "page=", 5) == 0 || strncmp(query, "limit=", 6) == 0;
        if (!is_of_page) {
            json_out_bytes(out, query, length);
            json_out_bytes(out, "&", 1);
        }
        query += length + (query[length] == '&');
    }
}

static void sign(struct request *request, const char *key, uint8_t ret[static SIGNATURE_SIZE])
{
    struct json_out text;
    json_out_init(&text, request->arena);
    append(&text, request->path);
    append(&text, request->caller.tenant_id);
    append_filter(&text, request->internal->query_text);
    append(&text, "");
    append(&text, key);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const uint8_t *secret = request->internal->server->cursor_key;
    must(HMAC(EVP_sha256(), secret, CURSOR_KEY_SIZE, (const unsigned char *)text.text, text.length, digest, &length) !=
         NULL);
    must(length >= SIGNATURE_SIZE);
    memcpy(ret, digest, SIGNATURE_SIZE);
}

/* ---- Cursors ---- */

const char *page_cursor_make(struct request *request, const char *key)
{
    size_t length = strlen(key);
    must(length <= KEY_SIZE_MAX);
    uint8_t *bytes = arena_alloc(request->arena, SIGNATURE_SIZE + length);
    sign(request, key, bytes);
    memcpy(bytes + SIGNATURE_SIZE, key, length);
    char *text = arena_alloc(request->arena, BASE64URL_TEXT_SIZE(SIGNATURE_SIZE + length));
    base64url_print(bytes, SIGNATURE_SIZE + length, text);
    return text;
}

const char *page_cursor_read(struct request *request, const char *cursor)
{
    size_t length = 0;
    if (strlen(cursor) > (SIGNATURE_SIZE + KEY_SIZE_MAX) * 4 / 3 + 4)
        return NULL;
    uint8_t *bytes = arena_alloc(request->arena, BASE64URL_BYTES_MAX(strlen(cursor)) + 1); /* zero: it is terminated */
    if (!base64url_read(cursor, strlen(cursor), bytes, &length) || length <= SIGNATURE_SIZE)
        return NULL;
    const char *key = (const char *)bytes + SIGNATURE_SIZE;
    uint8_t signature[SIGNATURE_SIZE];
    sign(request, key, signature);
    bool is_ours = strlen(key) == length - SIGNATURE_SIZE && CRYPTO_memcmp(signature, bytes, SIGNATURE_SIZE) == 0;
    return is_ours ? key : NULL;
}

/* ---- Reading ---- */

static const char *parameter(struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->internal->connection, MHD_GET_ARGUMENT_KIND, name);
}

static void read_limit(struct request *request, const char *text, struct page *page)
{
    bool is_plain = text[strspn(text, "0123456789")] == '\0'; /* strtol() takes spaces and signs before them */
    long value = is_plain ? strtol(text, NULL, 10) : 0;
    if (value < 1 || value > PAGE_LIMIT_MAX)
        field_problem_add(&request->problems, "?limit", "out_of_range", "must be 1 to %d", PAGE_LIMIT_MAX);
    else
        page->limit = (int)value;
}

static void read_cursor(struct request *request, const char *text, struct page *page)
{
    page->after = page_cursor_read(request, text);
    if (page->after == NULL)
        field_problem_add(&request->problems, "?page", "bad_page", "is not one of this list under this filter");
}

enum err_kind page_read(struct request *request, struct page *ret, struct err *reterr)
{
    struct page page = {.limit = PAGE_LIMIT_DEFAULT};
    const char *limit = parameter(request, "limit");
    const char *cursor = parameter(request, "page");
    if (limit != NULL)
        read_limit(request, limit, &page);
    if (cursor != NULL)
        read_cursor(request, cursor, &page);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    page.limit_sql = request_int(request, page.limit + 1);
    *ret = page;
    return ERR_NONE;
}
