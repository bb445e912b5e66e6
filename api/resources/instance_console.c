/* What the console of an instance said, oldest first. It may hold secrets, so those see it who may use the instance:
 * members and admins of its tenant, and who operates the fleet. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

#include <stdlib.h>
#include <string.h>

#define TAIL_MAX 10000 /* a stay has a thousand, and few have ten stays */

// clang-format off
static const struct field line_fields[] = {
    FIELD_COLUMN("id",          FIELD_TYPE_TEXT, .help = "Its position in the console, <incarnation>-<number>: for ?after="),
    FIELD_COLUMN("incarnation", FIELD_TYPE_INT,  .help = "On which of the instance's stays: rises with each node it is put on"),
    FIELD_COLUMN("number",      FIELD_TYPE_INT,  .help = "1, 2, ... within the stay"),
    FIELD_COLUMN("said_at",     FIELD_TYPE_TIME, .help = "When it was said (domain time)"),
    FIELD_COLUMN("text",        FIELD_TYPE_TEXT, .help = "The line; control characters and escape sequences are taken out"),
    FIELDS_END,
};

struct console_query {
    const char *after;
    int64_t tail;
    int64_t incarnation;
};
static const struct field query_fields[] = {
    FIELD_TEXT("after",       struct console_query, after, .most = 32, .example = "1-17", .help = "Only lines behind this one, by its id: to follow the console"),
    FIELD_INT ("tail",        struct console_query, tail, .least = 1, .most = TAIL_MAX, .help = "Only the newest so many; they are listed oldest first, too"),
    FIELD_INT ("incarnation", struct console_query, incarnation, .least = 1, .most = INT32_MAX, .help = "Only lines of this stay"),
    FIELDS_END,
};
// clang-format on

static const struct schema line_schema = {"ConsoleLine", line_fields, 0};
static const struct schema query_schema = {"ConsoleQuery", query_fields, sizeof(struct console_query)};

static const struct db_stmt statement_exists = {
    .name = "instance_console_instance_exists",
    .sql = "SELECT FROM instance i WHERE i.id = $1::uuid",
    .params = 1,
};

/* $4 after, $5 tail, $6 incarnation. Where the tail begins is asked for its first page alone. */
// clang-format off
#define AT(position, part) "split_part(coalesce(" position ", '0-0'), '-', " part ")::int"
static const struct db_stmt statement_list = {
    .name = "instance_console_list",
    .sql = "SELECT l.incarnation || '-' || l.number AS id, l.incarnation, l.number,"
           "       date_part('epoch', l.said_at)::bigint AS said_at, l.text, l.incarnation || '-' || l.number AS page_key"
           "  FROM (SELECT CASE WHEN $1::text IS NULL AND $5::bigint IS NOT NULL THEN"
           "               (SELECT t.incarnation || '-' || t.number FROM instance_console_line t"
           "                 WHERE t.instance_id = $3::uuid AND ($6::int IS NULL OR t.incarnation = $6::int)"
           "                 ORDER BY t.incarnation DESC, t.number DESC OFFSET $5::bigint LIMIT 1) END AS before_tail) b"
           "  JOIN instance_console_line l ON l.instance_id = $3::uuid"
           "   AND (l.incarnation, l.number) > (" AT("$1::text, $4::text", "1") ", " AT("$1::text, $4::text", "2") ")"
           "   AND (l.incarnation, l.number) > (" AT("b.before_tail", "1") ", " AT("b.before_tail", "2") ")"
           "   AND ($6::int IS NULL OR l.incarnation = $6::int)"
           " ORDER BY l.incarnation, l.number LIMIT $2::bigint",
    .params = 6,
};
// clang-format on

static const struct db_stmt *const console_statements[] = {&statement_exists, &statement_list, NULL};

/* A number that ends there, within what the table has. */
static bool read_number(const char **next, char end)
{
    size_t digits = strspn(*next, "0123456789");
    bool fits = digits > 0 && digits <= 10 && (*next)[digits] == end && strtoll(*next, NULL, 10) <= INT32_MAX;
    *next += digits + (end != '\0');
    return fits;
}

static bool is_position(const char *text)
{
    return read_number(&text, '-') && read_number(&text, '\0');
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct console_query *query = request->query;
    if (query->after != NULL && !is_position(query->after)) {
        field_problem_add(&request->problems, "?after", "wrong_type", "must be the id of a line, such as 1-17");
        return request_invalid(request, reterr);
    }
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_exists, request->object, "instance", &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(request->object, query->after, request_int(request, query->tail),
                                 request_int(request, query->incarnation)),
                       reterr);
}

// clang-format off
#define CONSOLE .has_id = true, .id = IDENTITY_INSTANCE, .query = &query_schema, .answer = &line_schema, .is_list = true, .run = list, .summary = "What the console of an instance said, oldest first"
static const struct route console_routes[] = {
    {GET, "/v1/instances/{id}/console",        ROLES_TENANT_WRITE,   RATE_READ, CONSOLE},
    {GET, "/v1/system/instances/{id}/console", ROLES_SYSTEM_OPERATE, RATE_READ, CONSOLE},
    ROUTES_END,
};
// clang-format on

const struct resource instance_console_resource = {"instances", console_routes, console_statements, NULL};
