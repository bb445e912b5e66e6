/* SPDX-License-Identifier: Apache-2.0 */
/* Fields: ONE static table per object parses and validates a request, writes the answer and prints the OpenAPI schema.
 *
 *     struct zone { const char *id; const char *name; int64_t lead_s; int64_t created_at; };
 *     static const struct field zone_fields[] = {
 *         FIELD_ID  ("id",         struct zone, id, .identity = IDENTITY_ZONE, .flags = FIELD_READ_ONLY, .help =
 * "..."), FIELD_TEXT("name",       struct zone, name, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .pattern =
 * FIELD_NAME, .help = "..."), FIELD_INT ("lead_s",     struct zone, lead_s, .least = 0, .most = 86400, .fallback = "0",
 * .help = "..."), FIELD_TIME("created_at", struct zone, created_at, .flags = FIELD_READ_ONLY, .help = "..."),
 *         FIELDS_END,
 *     };
 *
 * Where the text of a value comes from, a row of a result, its columns are found by the field's name (any order; a
 * missing column is a bug, must()): see the table below. Nested objects use dotted columns: AS "placement.within".
 *
 *     macro         in the struct             column(s) of a row                        JSON
 *     FIELD_TEXT    const char *              text                                      string
 *     FIELD_ENUM    const char * (of .values) text                                      string
 *     FIELD_INT     int64_t                   any integer                               number
 *     FIELD_BOOL    bool                      boolean                                   true, false
 *     FIELD_TIME    int64_t seconds           extract(epoch FROM t)::bigint             "YYYY-MM-DDTHH:MM:SSZ"
 *     FIELD_SPAN    struct field_span         bigint "<name>.from", "<name>.to"         [time or null, time]
 *     FIELD_DATE    const char * "YYYY-MM-DD" date                                      "YYYY-MM-DD"
 *     FIELD_ID      const char * (36, a UUID) uuid                                      "zon_01..."
 *     FIELD_AMOUNT  int64_t micro-units       bigint micro-units                        "2490.000000"
 *     FIELD_MONEY   struct field_money        bigint "<name>.amount_u", text "<name>.currency"   {"amount","currency"}
 *                   with FIELD_MINOR          bigint "<name>.amount_minor", ...         the same, "2490.00"
 *     FIELD_LIST    struct field_list         json (to_json(array))                     ["a", "b"], texts
 *     FIELD_MAP     const char * (JSON text)  jsonb                                     {"key": "value"}, texts
 *     FIELD_OBJECT  the nested struct         "<name>.<field>"                          {...} by .fields
 *     FIELD_JSON    const char * (JSON text)  json or jsonb                             any; answers only
 *     FIELD_ROWS    none: FIELD_COLUMN        json: objects whose keys are columns      [{...}] by .fields
 *                   in requests: struct field_rows, of structs of .size bytes
 *
 * An OBJECT with FIELD_OPTIONAL is left out of an answer where the first field of its table is null.
 *
 * Null: texts, dates, ids and JSON are NULL; INT, TIME and AMOUNT are FIELD_NULL. An absent field has its .fallback
 * (the text of its JSON value; strings without quotes), else null (bool: false); FIELD_PRESENT tells a given field from
 * an absent one, which PATCH needs. All errors of a body are found, each with its JSON pointer. */
#pragma once

#include "api/server/json_out.h"
#include "common/identity.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#define FIELD_NULL INT64_MIN

enum field_type {
    FIELD_TYPE_NONE,
    FIELD_TYPE_TEXT,
    FIELD_TYPE_ENUM,
    FIELD_TYPE_INT,
    FIELD_TYPE_BOOL,
    FIELD_TYPE_TIME,
    FIELD_TYPE_SPAN,
    FIELD_TYPE_DATE,
    FIELD_TYPE_ID,
    FIELD_TYPE_AMOUNT,
    FIELD_TYPE_MONEY,
    FIELD_TYPE_LIST,
    FIELD_TYPE_MAP,
    FIELD_TYPE_OBJECT,
    FIELD_TYPE_JSON,
    FIELD_TYPE_ROWS,
    FIELD_TYPE_COUNT
};

enum field_flag {
    FIELD_REQUIRED = 1,     /* a POST must give it, and not null; but see .unless */
    FIELD_NULLABLE = 2,     /* null is a value one may send, or find in an answer */
    FIELD_READ_ONLY = 4,    /* in answers only: sending it is an unknown field */
    FIELD_WRITE_ONLY = 8,   /* in requests only */
    FIELD_CREATE_ONLY = 16, /* a PATCH may not change it (422 immutable_field) */
    FIELD_OPTIONAL = 32,    /* an answer leaves it out where it is null (a row: where the column is missing, too) */
    FIELD_MINOR = 64,       /* MONEY in minor units: as many decimals as its currency has; micro-units in the struct */
};

enum field_pattern {
    FIELD_ANY,   /* .least to .most characters (1 to 255 unless said) without control characters */
    FIELD_NAME,  /* ^[a-z0-9][a-z0-9._-]{0,62}$ */
    FIELD_LINES, /* as FIELD_ANY, with line feeds, carriage returns and tabulators */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    unsigned flags; /* enum field_flag */
    enum field_pattern pattern;
    int64_t least, most;         /* INT: bounds. TEXT: characters. LIST, MAP: entries. Both 0: the type's own bounds */
    const char *const *values;   /* ENUM: NULL-terminated */
    const char *fallback;        /* default where absent */
    const char *unless;          /* REQUIRED: but where the field of this name is given */
    const char *from;            /* TIME, DATE of a query: ends the range that the parameter of this name begins */
    enum identity_kind identity; /* ID */
    const struct field *fields;  /* OBJECT, ROWS; JSON: documents it (a list of such objects with .is_list) */
    bool is_list;                /* JSON: an array of objects of .fields */
    bool is_body;                /* JSON: of what may be sent, not of what is answered: a body to be posted */
    size_t size;                 /* ROWS in a request: of the struct of each */
    const char *example;         /* as fallback is written; NULL: made from the type, and not sent unless required */
    const char *help;            /* for the OpenAPI document; units included */
};

#define FIELD_(name_, type_, struct_, member_, ...)                                                                    \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .offset = offsetof(struct_, member_), __VA_ARGS__                            \
    }
#define FIELD_TEXT(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_TEXT, struct_, member, __VA_ARGS__)
#define FIELD_ENUM(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_ENUM, struct_, member, __VA_ARGS__)
#define FIELD_INT(name, struct_, member, ...)    FIELD_(name, FIELD_TYPE_INT, struct_, member, __VA_ARGS__)
#define FIELD_BOOL(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_BOOL, struct_, member, __VA_ARGS__)
#define FIELD_TIME(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_TIME, struct_, member, __VA_ARGS__)
#define FIELD_SPAN(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_SPAN, struct_, member, __VA_ARGS__)
#define FIELD_DATE(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_DATE, struct_, member, __VA_ARGS__)
#define FIELD_ID(name, struct_, member, ...)     FIELD_(name, FIELD_TYPE_ID, struct_, member, __VA_ARGS__)
#define FIELD_AMOUNT(name, struct_, member, ...) FIELD_(name, FIELD_TYPE_AMOUNT, struct_, member, __VA_ARGS__)
#define FIELD_MONEY(name, struct_, member, ...)  FIELD_(name, FIELD_TYPE_MONEY, struct_, member, __VA_ARGS__)
#define FIELD_LIST(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_LIST, struct_, member, __VA_ARGS__)
#define FIELD_MAP(name, struct_, member, ...)    FIELD_(name, FIELD_TYPE_MAP, struct_, member, __VA_ARGS__)
#define FIELD_OBJECT(name, struct_, member, ...) FIELD_(name, FIELD_TYPE_OBJECT, struct_, member, __VA_ARGS__)
#define FIELD_ROWS(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_ROWS, struct_, member, __VA_ARGS__)
#define FIELD_JSON(name, struct_, member, ...)   FIELD_(name, FIELD_TYPE_JSON, struct_, member, __VA_ARGS__)
/* A field of answers that only ever comes from rows: it has no place in a struct. */
#define FIELD_COLUMN(name_, type_, ...) FIELD_COLUMN_WITH(name_, type_, 0, __VA_ARGS__)
#define FIELD_COLUMN_WITH(name_, type_, flags_, ...)                                                                   \
    {                                                                                                                  \
        .name = (name_), .type = (type_), .flags = FIELD_READ_ONLY | (flags_), __VA_ARGS__                             \
    }
#define FIELDS_END                                                                                                     \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

struct field_money {
    int64_t amount_u;
    const char *currency; /* three capital letters; whether we bill in it is checked by the resource */
};

/* From one instant to another, both in it, in order. */
struct field_span {
    int64_t from; /* FIELD_NULL: now */
    int64_t to;   /* FIELD_NULL: there is no span */
};

struct field_list {
    const char *const *items;
    size_t count;
    const char *array; /* the same as the text of a PostgreSQL array parameter; NULL where the field is null */
};

/* Objects of a request, one struct each, in order. */
struct field_rows {
    void *items;
    uint64_t *present; /* of each: a bit per field given */
    size_t count;
};

/* A named object: its table, and the size of its struct. The name becomes #/components/schemas/<name>. */
struct schema {
    const char *name;
    const struct field *fields;
    size_t size; /* 0 where it is written from rows only */
};

/* Was the field given? present is a bit per row of the table, in order. */
#define FIELD_PRESENT(present, index) (((present) >> (index)) & 1)

/* ---- What is wrong with a body: collected, not only the first ---- */

#define FIELD_PROBLEMS_MAX 32 /* more are counted, not listed; unless said otherwise */

struct field_problem {
    const char *pointer; /* JSON pointer (RFC 6901), "" for the whole body; "?name" for a query parameter */
    const char *code;    /* unknown_field, wrong_type, out_of_range, missing_field, immutable_field, ... */
    const char *detail;
};

struct field_problems {
    struct arena *arena;
    struct field_problem *items; /* in the arena */
    size_t count;                /* of all */
    size_t listed;               /* those that items has */
    size_t most;                 /* how many are listed; 0: FIELD_PROBLEMS_MAX */
};

void field_problem_add(struct field_problems *problems, const char *pointer, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* The types' own bounds, where a field says none. */
#define FIELD_TEXT_MAX      255 /* characters */
#define FIELD_ENTRIES_MAX   64  /* of a list or map */
#define FIELD_MAP_KEY_MAX   63
#define FIELD_MAP_VALUE_MAX 255
#define FIELD_TEXT_PATTERN  "^[^\\x00-\\x1f\\x7f]*$" /* no control characters */
#define FIELD_LINES_PATTERN "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]*$"

enum field_mode { FIELD_MODE_CREATE, FIELD_MODE_PATCH, FIELD_MODE_QUERY };

/* Reads a JSON object into the struct at target (zeroed by the caller); texts live in the problems' arena. Errors are
 * added to problems; *ret_present, which may be NULL, has a bit per field given. */
void field_read_json(const struct field *fields, const json_t *object, enum field_mode mode, void *target,
                     uint64_t *ret_present, struct field_problems *problems);
/* Of a merge patch: a null takes a field away, so one beside the table is an unknown field. What is not null is found
 * where the result is read. */
void field_check_removed(const struct field *fields, const json_t *patch, struct field_problems *problems);
/* The same for one query parameter or form value, by its text. */
void field_read_text(const struct field *fields, const char *name, const char *text, void *target,
                     uint64_t *ret_present, struct field_problems *problems);
/* Fills the fallbacks of what is not in present. */
void field_read_defaults(const struct field *fields, uint64_t present, void *target, struct field_problems *problems);
/* Of query parameters that were read: no range ends before it begins. */
void field_check_ranges(const struct field *fields, uint64_t present, const void *target,
                        struct field_problems *problems);

/* ---- Writing ---- Each writes whole JSON objects. */
void field_write_struct(const struct field *fields, const void *source, struct json_out *out);
void field_write_row(const struct field *fields, const PGresult *result, int row, struct json_out *out);
/* `count` objects, one behind the other, of the rows from `first`: what many rows have in common is found out once. */
void field_write_rows(const struct field *fields, const PGresult *result, int first, int count, struct json_out *out);

/* ---- Documenting ---- */
/* Writes the schema of an object as OpenAPI 3.1 (JSON Schema 2020-12). for_request: what one may send. */
void field_write_schema(const struct field *fields, bool for_request, struct json_out *out);
/* Of one value. */
void field_write_value_schema(const struct field *field, bool for_request, struct json_out *out);
/* Writes an object that fits the schema: of a request what must be sent and what has an example, of an answer all. */
void field_write_example(const struct field *fields, bool for_request, struct json_out *out);
