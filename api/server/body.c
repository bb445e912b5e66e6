/* Reading what a client sent by the tables of its route: query, body, idempotency key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "common/must.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Query ---- */

/* What routes take by what they are, whatever their table says. */
struct general {
    bool validate_only;
    const char *include;
};
static const char *const includes[] = {"deleted", NULL};
// clang-format off
static const struct field query_of_changes[] = {
    FIELD_BOOL("validate_only", struct general, validate_only, .help = "Answer the object as it would be, with cost_delta where money is involved and warnings; nothing changes"),
    FIELDS_END,
};
static const struct field query_with_deleted[] = {
    FIELD_ENUM("include", struct general, include, .values = includes, .help = "deleted: those that were deleted, too"),
    FIELDS_END,
};
// clang-format on

const struct field *query_general(const struct route *route)
{
    if (route->has_deleted)
        return query_with_deleted;
    bool has_preview = !route->is_batched || route->run != NULL;
    return route->method == GET || route->is_question || !has_preview ? NULL : query_of_changes;
}

struct query_reader {
    struct request_internal *internal;
    const struct field *fields; /* may be NULL */
    struct general general;
    uint64_t general_present;
    bool has_limit, has_page;
};

static bool names(const struct field *fields, const char *name)
{
    while (fields->name != NULL && strcmp(fields->name, name) != 0)
        fields++;
    return fields->name != NULL;
}

/* Which are read by page.h, once each. */
static bool is_of_page(struct query_reader *reader, const char *name)
{
    struct request *request = &reader->internal->request;
    bool *given = strcmp(name, "limit") == 0  ? &reader->has_limit
                  : strcmp(name, "page") == 0 ? &reader->has_page
                                              : NULL;
    if (!request->route->is_list || given == NULL)
        return false;
    if (*given)
        field_problem_add(&request->problems, arena_format(request->arena, "?%s", name), "out_of_range",
                          "is given twice");
    *given = true;
    return true;
}

static enum MHD_Result read_parameter(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct query_reader *reader = context;
    struct request *request = &reader->internal->request;
    static const struct field none[] = {FIELDS_END};
    const struct field *general = query_general(request->route);
    const char *text = value == NULL ? "" : value;
    if (general != NULL && strcmp(name, general->name) == 0)
        field_read_text(general, name, text, &reader->general, &reader->general_present, &request->problems);
    else if (!is_of_page(reader, name) && !(request->route->takes_any_query && !names(reader->fields, name)))
        field_read_text(reader->fields == NULL ? none : reader->fields, name, text, request->query,
                        &request->query_present, &request->problems);
    return MHD_YES;
}

static void check_required(struct request *request, const struct field *fields)
{
    for (size_t i = 0; fields[i].name != NULL; i++) {
        if ((fields[i].flags & FIELD_REQUIRED) != 0 && !FIELD_PRESENT(request->query_present, i))
            field_problem_add(&request->problems, arena_format(request->arena, "?%s", fields[i].name), "missing_field",
                              "is required");
    }
}

/* libmicrohttpd cuts a text off at a zero character, and leaves a broken encoding as it stands. */
static bool is_well_encoded(const char *query)
{
    for (const char *percent = strchr(query, '%'); percent != NULL; percent = strchr(percent + 1, '%')) {
        if (strspn(percent + 1, "0123456789ABCDEFabcdef") < 2 || strncmp(percent + 1, "00", 2) == 0)
            return false;
    }
    return true;
}

enum err_kind query_read(struct request_internal *internal, struct err *reterr)
{
    struct request *request = &internal->request;
    const struct schema *schema = request->route->query;
    struct query_reader reader = {.internal = internal};
    if (schema != NULL) {
        request->query = arena_alloc(request->arena, schema->size);
        reader.fields = schema->fields;
    }
    (void)MHD_get_connection_values(internal->connection, MHD_GET_ARGUMENT_KIND, read_parameter, &reader);
    if (schema != NULL) {
        field_read_defaults(schema->fields, request->query_present, request->query, &request->problems);
        check_required(request, schema->fields);
        if (request->problems.count == 0) /* all could be read */
            field_check_ranges(schema->fields, request->query_present, request->query, &request->problems);
    }
    if (!request->route->takes_any_query && !is_well_encoded(internal->query_text))
        field_problem_add(&request->problems, "?", "wrong_type", "has a broken encoding, or a zero character");
    request->validates_only = reader.general.validate_only;
    request->includes_deleted = reader.general.include != NULL;
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

/* ---- Body ---- */

bool json_depth_fits(const char *text, size_t length)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && (text[i] == '{' || text[i] == '['))
            depth++;
        else if (!in_string && (text[i] == '}' || text[i] == ']'))
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return false;
    }
    return true;
}

static void json_freep(json_t **json)
{
    json_decref(*json);
}

#define KEY_FORM "must be a text of 1 to 255 bytes of UTF-8 without control characters"

static bool is_key(const char *text)
{
    if (text == NULL || text[0] == '\0' || strlen(text) > IDEMPOTENCY_MAX || !json_text_is_utf8(text))
        return false;
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

/* In our words: the parser's own name what callers do not have. */
static const char *json_trouble(const json_error_t *error)
{
    static const struct {
        enum json_error_code code;
        const char *text;
    } troubles[] = {
        {json_error_premature_end_of_input, "the document ends too early"},
        {json_error_end_of_input_expected, "something follows the document"},
        {json_error_invalid_utf8, "this is not UTF-8"},
        {json_error_duplicate_key, "a member stands twice"},
        {json_error_null_character, "a text has a zero character"},
        {json_error_null_byte_in_key, "a member's name has a zero character"},
        {json_error_numeric_overflow, "a number is too large"},
        {json_error_stack_overflow, "it nests too deep"},
    };
    for (size_t i = 0; i < COUNT_OF(troubles); i++) {
        if (troubles[i].code == json_error_code(error))
            return troubles[i].text;
    }
    return "this is not JSON";
}

/* The body as a JSON object into the route's struct; client_token, a field of every POST, is taken out. */
static enum err_kind read_json(struct request_internal *internal, const char **ret_client_token, struct err *reterr)
{
    struct request *request = &internal->request;
    const struct route *route = request->route;
    if (!json_depth_fits(internal->body, internal->body_length))
        return err_set_code(reterr, ERR_MALFORMED, "too_deep", "the body nests deeper than %d", JSON_DEPTH_MAX);
    json_error_t error;
    CLEANUP(json_freep)
    json_t *json = json_loadb(internal->body, internal->body_length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json == NULL)
        return err_set_code(reterr, ERR_MALFORMED, "malformed_json", "line %d, column %d: %s", error.line, error.column,
                            json_trouble(&error));
    const json_t *client_token = route->method == POST ? json_object_get(json, "client_token") : NULL;
    if (client_token != NULL) {
        const char *text = json_string_value(client_token);
        if (!is_key(text))
            field_problem_add(&request->problems, "/client_token", "wrong_type", KEY_FORM);
        else
            *ret_client_token = arena_text(request->arena, text);
        (void)json_object_del(json, "client_token");
    }
    if (route->method == PATCH && change_is_whole(route)) {
        internal->patch = TAKE(json);
        if (!json_is_object(internal->patch))
            field_problem_add(&request->problems, "", "wrong_type", "must be an object");
        return ERR_NONE;
    }
    static const struct field none[] = {FIELDS_END};
    enum field_mode mode = route->method == PATCH ? FIELD_MODE_PATCH : FIELD_MODE_CREATE;
    field_read_json(route->body == NULL ? none : route->body->fields, json, mode, request->body, &request->body_present,
                    &request->problems);
    return ERR_NONE;
}

/* ---- Idempotency ---- */

/* The header may be quoted (an RFC 8941 string) or bare. */
static const char *key_of_header(struct request *request)
{
    const char *header = request_header(request, "Idempotency-Key");
    if (header == NULL)
        return NULL;
    size_t length = strlen(header);
    bool is_quoted = length >= 2 && header[0] == '"' && header[length - 1] == '"';
    const char *key = is_quoted ? arena_text_n(request->arena, header + 1, length - 2) : header;
    if (!is_key(key))
        field_problem_add(&request->problems, "", "out_of_range", "Idempotency-Key " KEY_FORM);
    return key;
}

static void hash_request(struct request_internal *internal)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    must(digest != NULL);
    must(EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1);
    must(EVP_DigestUpdate(digest, internal->request.method, strlen(internal->request.method) + 1) == 1);
    must(EVP_DigestUpdate(digest, internal->request.path, strlen(internal->request.path) + 1) == 1);
    must(EVP_DigestUpdate(digest, internal->body == NULL ? "" : internal->body, internal->body_length) == 1);
    must(EVP_DigestFinal_ex(digest, internal->request_sha256, NULL) == 1);
    EVP_MD_CTX_free(digest);
}

static enum err_kind read_key(struct request_internal *internal, const char *client_token, struct err *reterr)
{
    const char *header = key_of_header(&internal->request);
    if (header != NULL && client_token != NULL && strcmp(header, client_token) != 0)
        return err_set_code(reterr, ERR_INVALID, "idempotency_keys_differ",
                            "Idempotency-Key and client_token differ: send one of them");
    internal->idempotency_key = header != NULL ? header : client_token;
    if (internal->idempotency_key != NULL)
        hash_request(internal);
    return ERR_NONE;
}

static enum err_kind read_csv(struct request_internal *internal, struct err *reterr)
{
    struct request *request = &internal->request;
    if (internal->body_length == 0 || memchr(internal->body, '\0', internal->body_length) != NULL)
        return err_set_code(reterr, ERR_MALFORMED, "malformed_csv", "a header and rows of text are expected");
    request->text = arena_text_n(request->arena, internal->body, internal->body_length);
    if (!json_text_is_utf8(request->text))
        return err_set_code(reterr, ERR_MALFORMED, "malformed_csv", "the body is not UTF-8");
    return read_key(internal, NULL, reterr);
}

enum err_kind body_read(struct request_internal *internal, struct err *reterr)
{
    if (internal->request.route->takes_csv)
        return read_csv(internal, reterr);
    struct request *request = &internal->request;
    const struct route *route = request->route;
    bool takes_body = route->body != NULL || route->method == POST; /* any POST may carry client_token */
    if (internal->body_length > 0 && !takes_body)
        return err_set_code(reterr, ERR_INVALID, "unexpected_body", "this address takes no body");
    if (route->body != NULL)
        request->body = arena_alloc(request->arena, route->body->size);
    if (route->body != NULL && internal->body_length == 0)
        return err_set_code(reterr, ERR_MALFORMED, "malformed_json", "a JSON object is expected");
    const char *client_token = NULL;
    enum err_kind kind = internal->body_length > 0 ? read_json(internal, &client_token, reterr) : ERR_NONE;
    if (kind == ERR_NONE && route->method == POST)
        kind = read_key(internal, client_token, reterr);
    if (kind == ERR_NONE && request->problems.count > 0)
        kind = request_invalid(request, reterr);
    return kind;
}
