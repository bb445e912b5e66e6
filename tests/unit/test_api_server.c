/* The HTTP boundary's pure parts: the screen, the reading of bodies by tables, JSON writing, Prefer, and that the
 * tables of routes are well formed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/resources/reservation.h"
#include "api/server/openapi.h"
#include "api/server/page_cursor.h"
#include "api/server/screen.h"
#include "api/server/server.h"
#include "tests/unit/suite.h"

#include <string.h>

/* ---- Screen ---- */

static const char *screened(const struct screen_header *headers, size_t count)
{
    static struct err err;
    int64_t length = 0;
    err = (struct err){0};
    if (screen_headers(headers, count, "HTTP/1.1", &length, &err) == ERR_NONE)
        return "";
    return err.code[0] == '\0' ? err_slug(err.kind) : err.code;
}
#define SCREEN(...)                                                                                                    \
    screened((const struct screen_header[]){__VA_ARGS__}, COUNT_OF(((const struct screen_header[]){__VA_ARGS__})))

START_TEST(an_ambiguous_request_is_refused_before_any_handler)
{
    ck_assert_str_eq(SCREEN({"Host", "x"}), "");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Content-Length", "5"}), "");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Content-Length", "5"}, {"content-length", "5"}), "duplicate_header");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Host", "x"}), "duplicate_header");
    ck_assert_str_eq(SCREEN({"Accept", "x"}), "bad_framing");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}), "bad_framing");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Transfer-Encoding", "gzip, chunked"}), "bad_framing");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Content-Length ", "5"}), "bad_framing");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Content-Length", "+5"}), "bad_framing");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Content-Length", "99999999999999999999"}), "bad_framing");
    ck_assert_str_eq(SCREEN({"Host", "x"}, {"Content-Length", "1048577"}), "body_too_large");
}
END_TEST

/* ---- Bodies ---- */

static struct field_problems read_body(struct arena *arena, const char *text, struct reservation *ret)
{
    struct field_problems problems = {.arena = arena};
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_ptr_nonnull(json);
    memset(ret, 0, sizeof *ret);
    field_read_json(reservation_fields, json, FIELD_MODE_CREATE, ret, NULL, &problems);
    json_decref(json);
    return problems;
}

START_TEST(every_error_of_a_body_is_listed_with_its_pointer)
{
    struct arena *arena = arena_new();
    struct reservation wish;
    struct field_problems problems = read_body(
        arena,
        "{\"count\": 0, \"bogus/~\": 1, \"placement\": {\"within\": \"moon\"}, \"starts_at\": \"2026-02-30T00:00:00Z\","
        " \"labels\": {\"a\": 1}, \"shape\": {\"gpus\": \"2\"}, \"id\": \"rsv_x\"}",
        &wish);
    static const char *const expected[][2] = {
        {"/count", "out_of_range"},   {"/bogus~1~0", "unknown_field"}, {"/placement/within", "out_of_range"},
        {"/starts_at", "wrong_type"}, {"/labels", "out_of_range"},     {"/shape/gpus", "wrong_type"},
        {"/id", "unknown_field"},     {"/zone", "missing_field"},
    };
    ck_assert_uint_eq(problems.count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        ck_assert_str_eq(problems.items[i].pointer, expected[i][0]);
        ck_assert_str_eq(problems.items[i].code, expected[i][1]);
    }
    arena_free(arena);
}
END_TEST

START_TEST(what_is_absent_has_its_default)
{
    struct arena *arena = arena_new();
    struct reservation wish;
    struct field_problems problems = read_body(arena, "{\"zone\": \"z\", \"instance_type\": \"h100.8x\"}", &wish);
    ck_assert_uint_eq(problems.count, 0);
    ck_assert_int_eq(wish.count, 1);
    ck_assert_str_eq(wish.tier, "reserved");
    ck_assert_str_eq(wish.placement.within, "zone");
    ck_assert_str_eq(wish.labels, "{}");
    ck_assert(wish.starts_at == FIELD_NULL);
    ck_assert_ptr_null(wish.name);
    arena_free(arena);
}
END_TEST

START_TEST(a_span_is_two_times_in_order_of_which_the_first_may_be_null)
{
    static const struct {
        const char *sent, *code; /* NULL: it is read, and comes back as it was sent */
    } cases[] = {
        {"[\"2026-01-01T00:00:00Z\",\"2026-01-02T00:00:00Z\"]", NULL},
        {"[null,\"2026-01-02T00:00:00Z\"]", NULL},
        {"[\"2026-01-02T00:00:00Z\",\"2026-01-02T00:00:00Z\"]", NULL},
        {"[\"2026-01-02T00:00:01Z\",\"2026-01-02T00:00:00Z\"]", "out_of_range"},
        {"[\"2026-01-02T00:00:00Z\",null]", "wrong_type"},
        {"[\"2026-01-02T00:00:00Z\"]", "wrong_type"},
        {"[null,\"2026-01-02T00:00:00Z\",null]", "wrong_type"},
        {"\"2026-01-02T00:00:00Z\"", "wrong_type"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *arena = arena_new();
        struct reservation wish;
        const char *body = arena_format(arena, "{\"zone\":\"z\",\"duration_s\":60,\"start_range\":%s}", cases[i].sent);
        struct field_problems problems = read_body(arena, body, &wish);
        ck_assert_uint_eq(problems.count, cases[i].code != NULL);
        if (cases[i].code != NULL)
            ck_assert_str_eq(problems.items[0].code, cases[i].code);
        if (cases[i].code == NULL) {
            struct json_out out;
            json_out_init(&out, arena);
            field_write_struct(reservation_fields, &wish, &out);
            ck_assert_ptr_nonnull(
                strstr(json_out_finish(&out), arena_format(arena, "\"start_range\":%s,", cases[i].sent)));
        }
        arena_free(arena);
    }
}
END_TEST

/* ---- Rows ---- */

static const struct field size_fields[] = {
    FIELD_COLUMN("gpus", FIELD_TYPE_INT),
    FIELD_COLUMN("model", FIELD_TYPE_TEXT),
    FIELDS_END,
};
static const struct field part_fields[] = {
    FIELD_COLUMN("n", FIELD_TYPE_INT),
    FIELD_COLUMN_WITH("note", FIELD_TYPE_TEXT, FIELD_OPTIONAL),
    FIELDS_END,
};
static const struct field row_fields[] = {
    FIELD_COLUMN("id", FIELD_TYPE_ID, .identity = IDENTITY_ZONE),
    FIELD_COLUMN_WITH("tenant", FIELD_TYPE_TEXT, FIELD_OPTIONAL),
    FIELD_COLUMN_WITH("size", FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = size_fields),
    FIELD_COLUMN("always", FIELD_TYPE_OBJECT, .fields = size_fields),
    FIELD_COLUMN_WITH("range", FIELD_TYPE_SPAN, FIELD_OPTIONAL),
    FIELD_COLUMN("at", FIELD_TYPE_TIME),
    FIELD_COLUMN("ready", FIELD_TYPE_BOOL),
    FIELD_COLUMN("price", FIELD_TYPE_MONEY),
    FIELD_COLUMN_WITH("total", FIELD_TYPE_MONEY, FIELD_MINOR),
    FIELD_COLUMN("amount", FIELD_TYPE_AMOUNT),
    FIELD_COLUMN("parts", FIELD_TYPE_ROWS, .fields = part_fields),
    FIELDS_END,
};
#define ZONE_UUID "018f0000-abcd-7000-8000-00000000000a"

/* In another order than the fields, without "tenant", and with a column that no field has. */
static const char *const row_columns[] = {
    "parts",    "amount",   "total.amount_minor", "total.currency", "price.amount_u", "price.currency", "ready",
    "at",       "range.to", "range.from",         "always.model",   "always.gpus",    "size.gpus",      "size.model",
    "page_key", "id"};

static PGresult *result_of(const char *const *columns, int column_count, const char *const *values, int row_count)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc attributes[32] = {0};
    char names[32][32];
    for (int i = 0; i < column_count; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s", columns[i]);
        attributes[i].name = names[i];
    }
    ck_assert_int_eq(PQsetResultAttrs(result, column_count, attributes), 1);
    for (int i = 0; i < row_count * column_count; i++) {
        char value[128];
        (void)snprintf(value, sizeof value, "%s", values[i] == NULL ? "" : values[i]);
        int length = values[i] == NULL ? -1 : (int)strlen(value);
        ck_assert_int_eq(
            PQsetvalue(result, i / column_count, i % column_count, values[i] == NULL ? NULL : value, length), 1);
    }
    return result;
}

START_TEST(rows_are_written_by_the_names_of_their_columns)
{
    static const char *const values[][COUNT_OF(row_columns)] = {
        {"[{\"n\": 1, \"note\": \"a\\\"b\"}, {\"n\": -2, \"note\": null}]", "-9223372036854775807", "-5", "USD",
         "2490000000", "EUR", "t", "0", "86400", NULL, "H100", "8", "4", NULL, "k", ZONE_UUID},
        {"[]", NULL, NULL, NULL, NULL, NULL, "f", NULL, NULL, NULL, NULL, NULL, NULL, "unseen", "k", ZONE_UUID},
    };
    static const char expected[] =
        "[{\"id\":\"zon_01hw001ayde00800000000000a\",\"size\":{\"gpus\":4,\"model\":null},\"always\":{\"gpus\":8,"
        "\"model\":\"H100\"},"
        "\"range\":[null,\"1970-01-02T00:00:00Z\"],\"at\":\"1970-01-01T00:00:00Z\",\"ready\":true,"
        "\"price\":{\"amount\":\"2490.000000\",\"currency\":\"EUR\"},\"total\":{\"amount\":\"-0.05\",\"currency\":"
        "\"USD\"},"
        "\"amount\":\"-9223372036854.775807\",\"parts\":[{\"n\":1,\"note\":\"a\\\"b\"},{\"n\":-2}]},"
        "{\"id\":\"zon_01hw001ayde00800000000000a\",\"always\":{\"gpus\":null,\"model\":null},\"at\":null,\"ready\":"
        "false,"
        "\"price\":null,\"total\":null,\"amount\":null,\"parts\":[]}]";
    struct arena *arena = arena_new();
    PGresult *result = result_of(row_columns, COUNT_OF(row_columns), &values[0][0], COUNT_OF(values));
    struct json_out out;
    json_out_init(&out, arena);
    json_out_open(&out, '[');
    field_write_rows(row_fields, result, 0, COUNT_OF(values), &out);
    json_out_close(&out, ']');
    const char *text = json_out_finish(&out);
    ck_assert_str_eq(text, expected);
    struct json_out second; /* one row by itself is the same text */
    json_out_init(&second, arena);
    field_write_row(row_fields, result, 1, &second);
    ck_assert_ptr_nonnull(strstr(text, json_out_finish(&second)));
    PQclear(result);
    arena_free(arena);
}
END_TEST

START_TEST(a_field_is_required_unless_the_other_is_given)
{
    struct arena *arena = arena_new();
    struct reservation wish;
    ck_assert_uint_eq(read_body(arena, "{}", &wish).count, 1);
    ck_assert_uint_eq(read_body(arena, "{\"quote\":\"quo_01jrzm4zzz7zzz8zzzzzzzzzzz\"}", &wish).count, 0);
    ck_assert_ptr_null(wish.zone);
    arena_free(arena);
}
END_TEST

START_TEST(places_of_fields_in_the_tables_are_known)
{
    ck_assert_str_eq(reservation_fields[RESERVATION_FIELD_SHAPE].name, "shape");
    ck_assert_str_eq(quote_fields[RESERVATION_FIELD_SHAPE].name, "shape");
    ck_assert_str_eq(reservation_fields[RESERVATION_FIELD_QUOTE].name, "quote");
}
END_TEST

START_TEST(json_escapes_what_it_must_and_repairs_what_is_not_utf8)
{
    struct arena *arena = arena_new();
    struct json_out out;
    json_out_init(&out, arena);
    json_out_open(&out, '[');
    json_out_text(&out, "a\"\\\n\x01 \xc3\xa9 \xff \xed\xa0\x80");
    json_out_int(&out, INT64_MIN);
    json_out_text(&out, NULL);
    json_out_close(&out, ']');
    const char *text = json_out_finish(&out);
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(json_string_value(json_array_get(json, 0)),
                     "a\"\\\n\x01 \xc3\xa9 \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    ck_assert(json_integer_value(json_array_get(json, 1)) == INT64_MIN);
    json_decref(json);
    arena_free(arena);
}
END_TEST

START_TEST(depth_is_counted_outside_of_strings_only)
{
    char deep[80];
    memset(deep, '[', 33);
    ck_assert(json_depth_fits(deep, 32));
    ck_assert(!json_depth_fits(deep, 33));
    memset(deep, '[', sizeof deep);
    deep[0] = '"';
    ck_assert(json_depth_fits(deep, sizeof deep));
}
END_TEST

START_TEST(prefer_is_understood)
{
    ck_assert(preference_parse("respond-async").respond_async);
    ck_assert_int_eq(preference_parse("wait=7").wait_ms, 7000);
    ck_assert_int_eq(preference_parse("foo, wait=600").wait_ms, 60000);
    ck_assert_int_eq(preference_parse("wait=99999999999999999999").wait_ms, 60000);
    ck_assert_int_eq(preference_parse("wait=0").wait_ms, 0);
    ck_assert_int_eq(preference_parse("wait = 7 ; by=me").wait_ms, 7000);
    ck_assert_int_eq(preference_parse("wait=1, wait=2").wait_ms, 1000); /* the first counts (RFC 7240, 2) */
    ck_assert_int_eq(preference_parse("foo=\", wait=9\", wait=1").wait_ms, 1000);
    ck_assert(preference_parse("wait=1 , respond-async ").respond_async);
    const char *const ignored[] = {
        "wait=abc", "wait=-1", "wait=1e3", "wait=", "wait=\"2\"", "wait=+5", "wait", "by; wait=5"};
    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        ck_assert_int_eq(preference_parse(ignored[i]).wait_ms, -1);
    ck_assert_int_eq(preference_parse(NULL).wait_ms, -1);
    struct preference both = preference_parse("respond-async, wait=1");
    ck_assert(both.respond_async && both.wait_ms == 1000);
}
END_TEST

START_TEST(what_is_done_of_prefer_is_told)
{
    static const struct {
        const char *header, *applied;
        int64_t wait_ms;
    } cases[] = {
        {"respond-async", "respond-async", 0},
        {"wait=7", "wait=7", 7000},
        {"wait=0", "wait=0", 0},
        {"handling=strict, wait=600", "wait=60", 60000},
        {"return=minimal", "", 2000},
        {NULL, "", 2000},
        {"respond-async, wait=60", "respond-async, wait=60", 60000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct preference preference = preference_parse(cases[i].header);
        char text[PREFERENCE_TEXT_SIZE];
        preference_print(&preference, text);
        ck_assert_str_eq(text, cases[i].applied);
        ck_assert_int_eq(preference_wait_ms(&preference, 2000), cases[i].wait_ms);
    }
}
END_TEST

/* ---- Texts that are nearly right ---- */

static size_t problems_of(const struct field *field, const char *text)
{
    struct arena *arena = arena_new();
    struct field_problems problems = {.arena = arena};
    const struct field fields[] = {*field, FIELDS_END};
    int64_t target[2] = {0};
    uint64_t present = 0;
    field_read_text(fields, field->name, text, target, &present, &problems);
    arena_free(arena);
    return problems.count;
}

START_TEST(a_text_that_is_no_utf8_never_reaches_the_database)
{
    const struct field name = {.name = "name", .type = FIELD_TYPE_TEXT};
    ck_assert_uint_eq(problems_of(&name, "caf\xc3\xa9"), 0);
    ck_assert_uint_eq(problems_of(&name, "caf\xe9"), 1);
    ck_assert_uint_eq(problems_of(&name, "caf\xc3"), 1);
}
END_TEST

START_TEST(the_amount_that_stands_for_null_is_refused)
{
    const struct field amount = {.name = "amount", .type = FIELD_TYPE_AMOUNT};
    ck_assert_uint_eq(problems_of(&amount, "-9223372036854.775807"), 0);
    ck_assert_uint_eq(problems_of(&amount, "-9223372036854.775808"), 1);
}
END_TEST

START_TEST(a_cursor_has_one_text)
{
    struct arena *arena = arena_new();
    struct server server = {0};
    struct request_internal internal = {.server = &server, .query_text = ""};
    internal.request = (struct request){.arena = arena, .path = "/v1/zones", .internal = &internal};
    struct request *request = &internal.request;
    char *cursor = arena_text(arena, page_cursor_make(request, "k")); /* 17 bytes: four bits are left over */
    ck_assert_str_eq(page_cursor_read(request, cursor), "k");
    ck_assert_ptr_null(page_cursor_read(request, arena_format(arena, "%sA", cursor)));
    cursor[strlen(cursor) - 1]++;
    ck_assert_ptr_null(page_cursor_read(request, cursor));
    arena_free(arena);
}
END_TEST

/* ---- Tables ---- */

START_TEST(every_route_says_who_what_and_by_whom_it_runs)
{
    for (const struct resource *const *resource = registry; *resource != NULL; resource++) {
        for (const struct route *route = (*resource)->routes; route->path != NULL; route++) {
            int ways = (route->run != NULL && !route->is_batched) + (route->direct != NULL) + route->is_batched;
            ck_assert_msg(ways == 1, "%s must have one way to run", route->path);
            ck_assert_msg(route->summary != NULL, "%s has no summary", route->path);
            bool is_system = strncmp(route->path, "/v1/system/", 11) == 0;
            ck_assert_msg(!is_system || (route->roles & ROLES_TENANT_MONEY) == 0, "%s is open to tenants", route->path);
            bool signs_in = strncmp(route->path, "/sign-in", 8) == 0; /* who comes there has none yet */
            ck_assert_msg(route->roles != ROLES_NONE || route->direct != NULL || signs_in, "%s needs no token",
                          route->path);
            ck_assert_msg(!route->has_id || strchr(route->path, '{') != NULL, "%s has no {id}", route->path);
        }
    }
}
END_TEST

START_TEST(no_two_routes_are_the_same)
{
    for (const struct resource *const *a = registry; *a != NULL; a++) {
        for (const struct route *route = (*a)->routes; route->path != NULL; route++) {
            int same = 0;
            for (const struct resource *const *b = registry; *b != NULL; b++) {
                for (const struct route *other = (*b)->routes; other->path != NULL; other++)
                    same += other->method == route->method && strcmp(other->path, route->path) == 0;
            }
            ck_assert_msg(same == 1, "%s stands twice", route->path);
        }
    }
}
END_TEST

START_TEST(the_document_is_json_and_has_every_path)
{
    char *text = openapi_write(registry, false);
    json_error_t error;
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(document != NULL, "%s", error.text);
    const json_t *paths = json_object_get(document, "paths");
    for (const struct resource *const *resource = registry; *resource != NULL; resource++) {
        for (const struct route *route = (*resource)->routes; route->path != NULL; route++)
            ck_assert_msg(json_object_get(paths, route->path) != NULL, "%s is missing", route->path);
    }
    json_decref(document);
    free(text);
}
END_TEST

START_TEST(the_example_of_every_body_is_read_without_a_problem)
{
    for (const struct resource *const *resource = registry; *resource != NULL; resource++) {
        for (const struct route *route = (*resource)->routes; route->path != NULL; route++) {
            if (route->body == NULL)
                continue;
            struct arena *arena = arena_new();
            struct json_out out;
            json_out_init(&out, arena);
            field_write_example(route->body->fields, true, &out);
            json_error_t error;
            json_t *json = json_loads(json_out_finish(&out), JSON_REJECT_DUPLICATES, &error);
            ck_assert_msg(json != NULL, "%s: %s", route->path, error.text);
            struct field_problems problems = {.arena = arena};
            void *body = arena_alloc(arena, route->body->size);
            field_read_json(route->body->fields, json, FIELD_MODE_CREATE, body, NULL, &problems);
            ck_assert_msg(problems.count == 0, "%s: %s %s", route->path, problems.items[0].pointer,
                          problems.items[0].detail);
            json_decref(json);
            arena_free(arena);
        }
    }
}
END_TEST

START_TEST(what_a_route_may_answer_is_a_known_problem_that_it_does_not_have_at_any_rate)
{
    for (const struct resource *const *resource = registry; *resource != NULL; resource++) {
        const struct resource *const *first = registry;
        while (strcmp((*first)->name, (*resource)->name) != 0)
            first++;
        ck_assert_msg((*first)->help != NULL, "'%s' does not say what it is", (*first)->name);
        for (const struct route *route = (*resource)->routes; route->path != NULL; route++) {
            for (const char *const *code = route->problems; code != NULL && *code != NULL; code++) {
                ck_assert_msg(problem_find(*code) != NULL, "%s: there is no code '%s'", route->path, *code);
                struct route without = {0};
                memcpy(&without, route, sizeof without);
                without.problems = NULL;
                ck_assert_msg(!openapi_may_answer(&without, *code), "%s has '%s' anyway", route->path, *code);
            }
        }
    }
}
END_TEST

/* ---- Problems ---- */

static size_t rows_of(const char *code)
{
    size_t count = 0;
    for (const struct problem_code *row = problem_codes; row->code != NULL; row++)
        count += strcmp(row->code, code) == 0;
    return count;
}

START_TEST(every_code_is_documented_once_under_its_own_status)
{
    for (int kind = ERR_NONE + 1; kind < ERR_KIND_COUNT; kind++)
        ck_assert_msg(rows_of(err_slug((enum err_kind)kind)) == 1, "'%s'", err_slug((enum err_kind)kind));
    for (const struct problem_code *row = problem_codes; row->code != NULL; row++) {
        ck_assert_msg(rows_of(row->code) == 1, "'%s' is there twice", row->code);
        ck_assert_int_ge(problem_status(row->kind, row->code), 400);
        ck_assert_msg(strpbrk(row->meaning, "|<&") == NULL, "'%s' would break its page", row->meaning);
        ck_assert_msg(row->remedy != NULL && row->remedy[0] != '\0', "'%s' has no remedy", row->code);
        ck_assert_msg(strpbrk(row->remedy, "|<&") == NULL, "'%s' would break its page", row->remedy);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("api_server");
    TCase *tests = tcase_create("server");
    tcase_add_test(tests, an_ambiguous_request_is_refused_before_any_handler);
    tcase_add_test(tests, every_error_of_a_body_is_listed_with_its_pointer);
    tcase_add_test(tests, what_is_absent_has_its_default);
    tcase_add_test(tests, places_of_fields_in_the_tables_are_known);
    tcase_add_test(tests, a_span_is_two_times_in_order_of_which_the_first_may_be_null);
    tcase_add_test(tests, rows_are_written_by_the_names_of_their_columns);
    tcase_add_test(tests, a_field_is_required_unless_the_other_is_given);
    tcase_add_test(tests, json_escapes_what_it_must_and_repairs_what_is_not_utf8);
    tcase_add_test(tests, depth_is_counted_outside_of_strings_only);
    tcase_add_test(tests, prefer_is_understood);
    tcase_add_test(tests, what_is_done_of_prefer_is_told);
    tcase_add_test(tests, a_text_that_is_no_utf8_never_reaches_the_database);
    tcase_add_test(tests, the_amount_that_stands_for_null_is_refused);
    tcase_add_test(tests, a_cursor_has_one_text);
    tcase_add_test(tests, every_route_says_who_what_and_by_whom_it_runs);
    tcase_add_test(tests, no_two_routes_are_the_same);
    tcase_add_test(tests, the_document_is_json_and_has_every_path);
    tcase_add_test(tests, the_example_of_every_body_is_read_without_a_problem);
    tcase_add_test(tests, what_a_route_may_answer_is_a_known_problem_that_it_does_not_have_at_any_rate);
    tcase_add_test(tests, every_code_is_documented_once_under_its_own_status);
    suite_add_tcase(suite, tests);
    return suite;
}
