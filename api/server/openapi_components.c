/* The components of the OpenAPI document: schemas, each once; parameters, headers, and the problems by status. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/openapi.h"

#include "api/server/server.h"
#include "common/must.h"

#include <string.h>

#define SCHEMAS_MAX 512

/* ---- Schemas ---- */

static const struct field client_token[] = {
    {.name = "client_token",
     .type = FIELD_TYPE_TEXT,
     .least = 1,
     .most = IDEMPOTENCY_MAX,
     .help = "As the header Idempotency-Key: the same token and request make one object"},
    FIELDS_END,
};

/* A PATCH sends any of the fields that may change, none is required; a POST may send its idempotency key. */
const struct field *openapi_body_fields(struct arena *arena, const struct route *route)
{
    static const struct field none[] = {FIELDS_END};
    const struct field *fields = route->body == NULL ? none : route->body->fields;
    size_t count = 0, kept = 0;
    while (fields[count].name != NULL)
        count++;
    struct field *copy = arena_alloc(arena, (count + 2) * sizeof *copy); /* zero: the last ends it */
    for (size_t i = 0; i < count; i++) {
        if (route->method == PATCH && (fields[i].flags & FIELD_CREATE_ONLY) != 0)
            continue;
        memcpy(&copy[kept], &fields[i], sizeof copy[kept]);
        if (route->method == PATCH) {
            bool has_default = (fields[i].flags & FIELD_REQUIRED) == 0; /* to which a null leads back (RFC 7396) */
            copy[kept].flags = (fields[i].flags & ~(unsigned)FIELD_REQUIRED) | (has_default ? FIELD_NULLABLE : 0U);
            copy[kept].fallback = NULL;
        }
        kept++;
    }
    if (route->method == POST)
        memcpy(&copy[kept], client_token, sizeof client_token);
    return copy;
}

struct known {
    const char *names[SCHEMAS_MAX];
    size_t count;
};

static void write_schema(struct json_out *out, struct known *known, const char *name, const struct field *fields,
                         bool for_request)
{
    for (size_t i = 0; i < known->count; i++) {
        if (strcmp(known->names[i], name) == 0)
            return;
    }
    must(known->count < SCHEMAS_MAX);
    known->names[known->count++] = name;
    json_out_key(out, name);
    field_write_schema(fields, for_request, out);
    must(out->text[out->length - 1] == '}');
    out->length--; /* the example stands within */
    json_out_key(out, "examples");
    json_out_open(out, '[');
    field_write_example(fields, for_request, out);
    json_out_close(out, ']');
    json_out_close(out, '}');
}

static const char money_schemas[] =
    "\"Money\":{\"type\":\"object\",\"description\":\"An amount to the "
    "millionth\",\"properties\":{\"amount\":{\"type\":"
    "\"string\",\"pattern\":\"^-?(0|[1-9][0-9]{0,12})\\\\.[0-9]{6}$\"},\"currency\":{\"type\":\"string\",\"pattern\":"
    "\"^[A-Z]{3}$\",\"description\":\"ISO "
    "4217\"}},\"additionalProperties\":false,\"required\":[\"amount\",\"currency\"],"
    "\"examples\":[{\"amount\":\"2.500000\",\"currency\":\"USD\"}]},"
    "\"MoneyMinor\":{\"type\":\"object\",\"description\":\"An amount with as many decimals as its currency has\","
    "\"properties\":{\"amount\":{\"type\":\"string\",\"pattern\":\"^-?(0|[1-9][0-9]{0,12})(\\\\.[0-9]{1,4})?$\"},"
    "\"currency\":"
    "{\"type\":\"string\",\"pattern\":\"^[A-Z]{3}$\",\"description\":\"ISO 4217\"}},\"additionalProperties\":false,"
    "\"required\":[\"amount\",\"currency\"],\"examples\":[{\"amount\":\"2490.00\",\"currency\":\"USD\"}]}";

static const struct field problem_error_fields[] = {
    {.name = "pointer",
     .type = FIELD_TYPE_TEXT,
     .example = "/count",
     .help = "Where: a JSON pointer (RFC 6901), or ?name of a parameter"},
    {.name = "code", .type = FIELD_TYPE_TEXT, .example = "out_of_range", .help = "What: a code of /docs/errors"},
    {.name = "detail", .type = FIELD_TYPE_TEXT, .example = "must be 1 to 4096", .help = "For people"},
    FIELDS_END,
};
/* RFC 9457, with members of our own; a problem of the planner's says more. */
static const struct field problem_fields[] = {
    {.name = "type",
     .type = FIELD_TYPE_TEXT,
     .example = "/docs/errors#out_of_range",
     .help = "The code's place in /docs/errors"},
    {.name = "title",
     .type = FIELD_TYPE_TEXT,
     .example = "A field's value is outside its range",
     .help = "What every problem of the code is"},
    {.name = "status", .type = FIELD_TYPE_INT, .example = "422", .help = "The HTTP status"},
    {.name = "detail",
     .type = FIELD_TYPE_TEXT,
     .example = "/count: must be 1 to 4096",
     .help = "What is wrong, for people"},
    {.name = "instance", .type = FIELD_TYPE_TEXT, .example = "/v1/reservations", .help = "The address that was asked"},
    {.name = "code",
     .type = FIELD_TYPE_TEXT,
     .example = "out_of_range",
     .help = "What is wrong, for programs: it never changes its meaning"},
    {.name = "request_id",
     .type = FIELD_TYPE_TEXT,
     .example = "req_01kc8k000072g8k000000000001",
     .help = "As the header Request-Id"},
    {.name = "retryable", .type = FIELD_TYPE_BOOL, .example = "false", .help = "May the same request succeed later?"},
    {.name = "errors",
     .type = FIELD_TYPE_ROWS,
     .flags = FIELD_OPTIONAL,
     .fields = problem_error_fields,
     .help = "All that is wrong with a body or query"},
    {.name = "reason",
     .type = FIELD_TYPE_TEXT,
     .flags = FIELD_OPTIONAL | FIELD_NULLABLE,
     .help = "Of a refusal: its reason, a code"},
    {.name = "binding",
     .type = FIELD_TYPE_JSON,
     .flags = FIELD_OPTIONAL | FIELD_NULLABLE,
     .help = "Of a refusal: the constraint that bound, with numbers"},
    {.name = "alternatives",
     .type = FIELD_TYPE_JSON,
     .flags = FIELD_OPTIONAL | FIELD_NULLABLE,
     .example = "[]",
     .help = "Of a refusal: bodies that can be posted instead"},
    FIELDS_END,
};

/* What ?validate_only=true tells beside the object. */
static const struct field warning_fields[] = {
    {.name = "code", .type = FIELD_TYPE_TEXT, .example = "instances_stop", .help = "What, for programs"},
    {.name = "detail", .type = FIELD_TYPE_TEXT, .example = "2 instances would stop now", .help = "What, for people"},
    FIELDS_END,
};
static const struct field preview_fields[] = {
    {.name = "cost_delta",
     .type = FIELD_TYPE_MONEY,
     .flags = FIELD_OPTIONAL | FIELD_NULLABLE,
     .help = "With validate_only, where money is involved: what the change would cost more, or less; null: not known"},
    {.name = "warnings",
     .type = FIELD_TYPE_ROWS,
     .flags = FIELD_OPTIONAL,
     .fields = warning_fields,
     .help = "With validate_only: what to know of the change beforehand"},
    FIELDS_END,
};

static void write_schemas(struct json_out *out, const struct resource *const *resources)
{
    struct known known = {.count = 0};
    json_out_key(out, "schemas");
    json_out_open(out, '{');
    json_out_raw(out, money_schemas);
    write_schema(out, &known, "Problem", problem_fields, false);
    write_schema(out, &known, "Preview", preview_fields, false);
    for (; *resources != NULL; resources++) {
        for (const struct route *route = (*resources)->routes; route->path != NULL; route++) {
            if (route->answer != NULL)
                write_schema(out, &known, route->answer->name, route->answer->fields, false);
            if (route->body != NULL || route->method == POST)
                write_schema(out, &known, openapi_body_name(out->arena, route), openapi_body_fields(out->arena, route),
                             true);
        }
    }
    json_out_close(out, '}');
}

/* ---- Parameters and headers ---- */

static void write_parameters(struct json_out *out)
{
    json_out_key(out, "parameters");
    json_out_open(out, '{');
    for (const struct openapi_parameter *row = openapi_parameters; row->key != NULL; row++) {
        json_out_key(out, row->key);
        json_out_open(out, '{');
        openapi_text(out, "name", row->name);
        openapi_text(out, "in", row->in);
        openapi_text(out, "description", row->help);
        json_out_key(out, "schema");
        json_out_raw(out, row->schema);
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
}

static void write_headers(struct json_out *out)
{
    json_out_key(out, "headers");
    json_out_open(out, '{');
    for (const struct openapi_header *row = openapi_headers; row->name != NULL; row++) {
        json_out_key(out, row->name);
        json_out_open(out, '{');
        openapi_text(out, "description", row->help);
        json_out_key(out, "schema");
        json_out_raw(out, row->schema);
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
}

/* ---- Problems ---- */

static void write_problem_value(struct json_out *out, const struct problem_code *row, int status)
{
    json_out_open(out, '{');
    openapi_text(out, "type", arena_format(out->arena, "/docs/errors#%s", row->code));
    openapi_text(out, "title", row->meaning);
    json_out_key(out, "status");
    json_out_int(out, status);
    openapi_text(out, "detail", row->meaning);
    openapi_text(out, "instance", "/v1/reservations");
    openapi_text(out, "code", row->code);
    openapi_text(out, "request_id", "req_01kc8k000072g8k000000000001");
    json_out_key(out, "retryable");
    json_out_bool(out, err_retryable(row->kind));
    json_out_close(out, '}');
}

static void write_problem_examples(struct json_out *out, int status)
{
    json_out_key(out, "examples");
    json_out_open(out, '{');
    for (const struct problem_code *row = problem_next(NULL, status); row != NULL; row = problem_next(row, status)) {
        json_out_key(out, row->code);
        json_out_open(out, '{');
        openapi_text(out, "summary", row->meaning);
        openapi_text(out, "description", row->remedy);
        json_out_key(out, "value");
        write_problem_value(out, row, status);
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
}

static void write_problem_headers(struct json_out *out, int status)
{
    json_out_key(out, "headers");
    json_out_open(out, '{');
    json_out_key(out, "Request-Id");
    openapi_ref(out, "headers", "Request-Id");
    if (status == 404 || status == 409) { /* what was refused is told again, as what was made */
        json_out_key(out, "Idempotent-Replayed");
        openapi_ref(out, "headers", "Idempotent-Replayed");
    }
    const char *own = status == 401 ? "WWW-Authenticate" : problem_has_retry_after(status) ? "Retry-After" : NULL;
    if (own != NULL) {
        json_out_key(out, own);
        openapi_ref(out, "headers", own);
    }
    json_out_close(out, '}');
}

static void write_responses(struct json_out *out)
{
    json_out_key(out, "responses");
    json_out_open(out, '{');
    for (int status = 400; status < 600; status++) {
        if (problem_next(NULL, status) == NULL || status == 405) /* of a method that is no operation */
            continue;
        json_out_key(out, arena_format(out->arena, "Problem%d", status));
        json_out_open(out, '{');
        openapi_text(out, "description", "A problem (RFC 9457)");
        write_problem_headers(out, status);
        json_out_raw(
            out, "\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}");
        write_problem_examples(out, status);
        json_out_bytes(out, "}}", 2);
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
}

void openapi_write_components(struct json_out *out, const struct resource *const *resources)
{
    json_out_key(out, "components");
    json_out_open(out, '{');
    json_out_raw(
        out,
        "\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"slu_\","
        "\"description\":\"A token of a tenant's or of the provider's principal. Each operation names in "
        "x-sluice-roles the roles that may call it, and in x-sluice-scope the scope that a limited token needs\"},"
        "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"" SESSION_COOKIE "\",\"description\":"
        "\"A browser's session, for which a token was exchanged (POST /v1/sessions). Whatever is no GET or HEAD also "
        "needs the header " CSRF_HEADER " with the csrf_token of GET /v1/me\"}}");
    write_schemas(out, resources);
    write_parameters(out);
    write_headers(out);
    write_responses(out);
    json_out_close(out, '}');
}
