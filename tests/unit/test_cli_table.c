/* What tables promise: columns line up, values are as given, and no server writes to the terminal past us. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/noun.h"
#include "api/cli/problem.h"
#include "api/cli/table.h"
#include "common/arena.h"
#include "tests/unit/suite.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void begin(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8")); /* as main() does */
    arena = arena_new();
}

static void end(void)
{
    arena_free(arena);
}

static json_t *parsed(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
    ck_assert_msg(value != NULL, "%s", error.text);
    return value;
}

static const struct column columns[] = {
    {"NAME", "name", NULL, text_of_value, .right = false},
    {"GPUS", "status.gpus", "gpus", text_of_value, .right = true},
    {"NOTE", "note", NULL, text_of_value, .optional = true},
    {"STATE", "state", NULL, text_of_value, .right = false},
    COLUMNS_END,
};

static char *printed(const char *json, bool one)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    json_t *value = parsed(json);
    if (one)
        table_print_one(out, arena, columns, value);
    else
        table_print(out, arena, columns, value);
    json_decref(value);
    fclose(out);
    return text;
}

static void expect(const char *json, bool one, const char *wanted)
{
    char *text = printed(json, one);
    ck_assert_str_eq(text, wanted);
    free(text);
}

START_TEST(columns_line_up_and_no_line_ends_in_spaces)
{
    expect("[{\"name\": \"a\", \"gpus\": 8, \"state\": \"ready\"}, {\"name\": \"node-17\", \"gpus\": 12345},"
           " {\"state\": \"lost\"}]",
           false,
           "NAME      GPUS  STATE\n"
           "a            8  ready\n"
           "node-17  12345\n"
           "                lost\n");
}
END_TEST

START_TEST(wide_characters_and_marks_take_the_columns_that_a_terminal_gives_them)
{
    expect("[{\"name\": \"\xe8\xa8\x93\xe7\xb7\xb4\", \"gpus\": 8, \"state\": \"a\"},"
           " {\"name\": \"\xf0\x9f\x98\x80\", \"gpus\": 8, \"state\": \"b\"},"
           " {\"name\": \"e\xcc\x81-\xc3\xa9\", \"gpus\": 8, \"state\": \"c\"}]",
           false,
           "NAME  GPUS  STATE\n"
           "\xe8\xa8\x93\xe7\xb7\xb4     8  a\n"
           "\xf0\x9f\x98\x80       8  b\n"
           "e\xcc\x81-\xc3\xa9      8  c\n");
    ck_assert_uint_eq(text_width("\xff\xe8"), 2); /* what is not UTF-8 is no reason to stop */
}
END_TEST

START_TEST(an_optional_column_shows_where_one_row_has_it)
{
    expect("[{\"name\": \"a\", \"gpus\": 1, \"state\": \"x\"}, {\"name\": \"b\", \"gpus\": 2, \"note\": \"hot\", "
           "\"state\": \"y\"}]",
           false,
           "NAME  GPUS  NOTE  STATE\n"
           "a        1        x\n"
           "b        2  hot   y\n");
}
END_TEST

START_TEST(the_decided_value_stands_before_the_wished_one)
{
    expect("[{\"name\": \"a\", \"gpus\": 1, \"status\": {\"gpus\": 2}, \"state\": \"x\"}]", false,
           "NAME  GPUS  STATE\n"
           "a        2  x\n");
}
END_TEST

START_TEST(letters_of_any_script_count_once)
{
    expect("[{\"name\": \"Z\\u00fcrich\", \"gpus\": 1, \"state\": \"x\"}]", false,
           "NAME    GPUS  STATE\n"
           "Z\xc3\xbcrich     1  x\n");
}
END_TEST

START_TEST(an_empty_list_is_its_titles)
{
    expect("[]", false, "NAME  GPUS  STATE\n");
    expect("{\"no\": \"list\"}", false, "NAME  GPUS  STATE\n");
    expect("[1, null, \"x\", [[]]]", false, "NAME  GPUS  STATE\n\n\n\n\n");
}
END_TEST

START_TEST(one_object_is_a_line_for_each_value)
{
    expect("{\"name\": \"a\", \"gpus\": 1, \"state\": null}", true, "NAME   a\nGPUS   1\n");
    expect("[]", true, "");
}
END_TEST

static const struct {
    text_of_json *text;
    const char *json, *wanted;
} cells[] = {
    {text_of_value, "null", ""},
    {text_of_value, "9223372036854775807", "9223372036854775807"},
    {text_of_value, "[\"H100\", \"A100\"]", "H100, A100"},
    {text_of_value, "{\"asked\": 16, \"where\": {\"rack\": \"r1\"}}", "asked 16, where {rack r1}"},
    {text_of_value, "\"\\u001b[31mred\\u009b\\n\\u202e\"", "?[31mred???"},
    {text_of_value, "[[[[[[1]]]]]]", "..."},
    {text_of_value, "[{\"kind\": \"a\", \"count\": 0, \"since\": null}, {\"kind\": \"b\", \"at\": [1, 2]}]",
     "kind a, count 0; kind b, at 1, 2"},
    {text_of_time, "\"2026-12-01T08:05:00Z\"", "2026-12-01 08:05:00"},
    {text_of_time, "\"tomorrow\"", "tomorrow"},
    {text_of_time, "12", "12"},
    {text_of_time, "null", ""},
    {text_of_money, "{\"amount\": \"2490.000000\", \"currency\": \"USD\"}", "2490.000000 USD"},
    {text_of_money, "{\"amount\": 2490}", "amount 2490"},
    {text_of_milli, "8000", "8"},
    {text_of_milli, "470", "0.47"},
    {text_of_milli, "0", "0"},
    {text_of_milli, "-5", "-5"},
    {text_of_milli, "\"x\"", "x"},
    {text_of_what, "{\"instance_type\": \"h100.8x\"}", "h100.8x"},
    {text_of_what, "{\"shape\": {\"gpus\": 2}}", "2 GPU"},
    {text_of_what, "{\"shape\": {\"gpu_milli\": 470, \"gpu_models\": [\"T4\", \"P100\"]}}", "0.47 T4, P100"},
    {text_of_gpus, "{\"gpu_count\": 8, \"gpu_milli\": 0}", "8"},
    {text_of_gpus, "{\"gpu_count\": 0, \"gpu_milli\": 250}", "0.25"},
    {text_of_gpus, "7", ""},
    {text_of_what, "{}", ""},
    {text_of_what, "[]", ""},
};

START_TEST(each_kind_of_cell_takes_whatever_was_sent)
{
    json_t *value = parsed(cells[_i].json);
    ck_assert_str_eq(cells[_i].text(arena, value), cells[_i].wanted);
    json_decref(value);
}
END_TEST

START_TEST(a_cell_stays_small_whatever_was_sent)
{
    json_t *list = json_array();
    for (int i = 0; i < 100000; i++)
        json_array_append_new(list, json_integer(i));
    ck_assert_uint_lt(strlen(text_of_value(arena, list)), 200);
    json_decref(list);
}
END_TEST

START_TEST(a_refusal_says_what_bound_and_what_would_fit)
{
    json_t *problem =
        parsed("{\"detail\": \"no capacity\", \"code\": \"capacity_unavailable\", \"request_id\": \"req_1\","
               " \"reservation\": \"rsv_1\", \"errors\": [{\"pointer\": \"/count\", \"code\": \"out_of_range\","
               " \"detail\": \"too many\"}], \"binding\": {\"constraint\": \"capacity\", \"asked\": 16},"
               " \"alternatives\": [{\"count\": 8, \"zone\": \"a\"}, \"DEL \x7f\"]}");
    json_t *asked = parsed("{\"count\": 16, \"zone\": \"a\"}");
    struct err err = {0};
    ck_assert_int_eq(problem_to_err(arena, 409, problem, &err), ERR_CONFLICT);
    ck_assert_str_eq(err.text, "no capacity");
    ck_assert_str_eq(err.code, "capacity_unavailable");
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    problem_print(out, arena, problem, asked, "can be the spec instead");
    fclose(out);
    ck_assert_str_eq(text, "  /count: too many (out_of_range)\n"
                           "  what bound: constraint capacity, asked 16\n"
                           "  what would fit (each can be the spec instead):\n"
                           "  1. count 8 instead of 16\n"
                           "     {\"count\":8,\"zone\":\"a\"}\n"
                           "     \"DEL ?\"\n"
                           "  reservation: rsv_1\n"
                           "  request: req_1\n");
    free(text);
    json_decref(problem);
    json_decref(asked);
}
END_TEST

START_TEST(a_refusal_is_told_once_and_alternatives_by_what_is_otherwise_in_them)
{
    json_t *problem = parsed(
        "{\"detail\": \"/count: too many\", \"errors\": [{\"pointer\": \"/count\", \"detail\": \"too many\"}],"
        " \"binding\": {\"asked\": 16, \"message\": \"16 nodes: 8 free\", \"quota\": null},"
        " \"alternatives\": [{\"count\": 16, \"tier\": \"reserved\", \"labels\": {}, \"starts_at\": null,"
        " \"ends_at\": \"2027-01-01T00:00:00Z\", \"placement\": {\"within\": \"zone\", \"mode\": \"required\"}}]}");
    json_t *asked =
        parsed("{\"count\": 16, \"ends_at\": null, \"placement\": {\"within\": \"rack\", \"spread\": \"node\"}}");
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    problem_print(out, arena, problem, asked, NULL);
    fclose(out);
    const char *said =
        "  what bound: 16 nodes: 8 free\n"
        "  what would fit:\n"
        "  1. within zone instead of rack, no spread instead of node, ends_at 2027-01-01T00:00:00Z\n     {";
    ck_assert_msg(strncmp(text, said, strlen(said)) == 0, "%s", text);
    free(text);
    json_decref(problem);
    json_decref(asked);
}
END_TEST

START_TEST(an_answer_that_is_no_problem_is_told_by_its_status)
{
    struct err err = {0};
    json_t *list = parsed("[1]");
    ck_assert_int_eq(problem_to_err(arena, 404, NULL, &err), ERR_NOT_FOUND);
    ck_assert_int_eq(problem_to_err(arena, 401, list, &err), ERR_UNAUTHENTICATED);
    ck_assert_int_eq(problem_to_err(arena, 400, NULL, &err), ERR_INVALID);
    ck_assert_int_eq(problem_to_err(arena, 502, NULL, &err), ERR_UNAVAILABLE);
    ck_assert_int_eq(problem_to_err(arena, 599, NULL, &err), ERR_UNAVAILABLE);
    json_t *silent = parsed("{\"detail\": \"\", \"title\": \"\"}");
    ck_assert_int_eq(problem_to_err(arena, 409, silent, &err), ERR_CONFLICT);
    ck_assert_str_eq(err.text, "the server answered 409 without an explanation");
    json_decref(silent);
    json_t *foreign = parsed(
        "{\"title\": \"t\", \"code\": \"a-code-that-is-longer-than-any-that-this-project-has-or-is-likely-to-have\"}");
    ck_assert_int_eq(problem_to_err(arena, 409, foreign, &err), ERR_CONFLICT);
    ck_assert_str_eq(err.code, "");
    json_decref(foreign);
    problem_print(stderr, arena, list, list, NULL);
    problem_print(stderr, arena, NULL, NULL, NULL);
    json_decref(list);
}
END_TEST

/* Whose clock is not said is anybody's. */
static void check_times(const struct column *shown)
{
    for (; shown != NULL && shown->title != NULL; shown++) {
        if (shown->text == text_of_time)
            ck_assert_msg(strstr(shown->title, "(UTC)") != NULL, "%s", shown->title);
    }
}

START_TEST(every_time_is_said_to_be_utc)
{
    for (const struct command *command = commands; command->path != NULL; command++) {
        if (command->noun == NULL)
            continue;
        check_times(command->noun->columns);
        check_times(command->noun->details);
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("cli_table");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, columns_line_up_and_no_line_ends_in_spaces);
    tcase_add_test(tests, wide_characters_and_marks_take_the_columns_that_a_terminal_gives_them);
    tcase_add_test(tests, an_optional_column_shows_where_one_row_has_it);
    tcase_add_test(tests, the_decided_value_stands_before_the_wished_one);
    tcase_add_test(tests, letters_of_any_script_count_once);
    tcase_add_test(tests, an_empty_list_is_its_titles);
    tcase_add_test(tests, one_object_is_a_line_for_each_value);
    tcase_add_loop_test(tests, each_kind_of_cell_takes_whatever_was_sent, 0, (int)COUNT_OF(cells));
    tcase_add_test(tests, a_cell_stays_small_whatever_was_sent);
    tcase_add_test(tests, a_refusal_says_what_bound_and_what_would_fit);
    tcase_add_test(tests, a_refusal_is_told_once_and_alternatives_by_what_is_otherwise_in_them);
    tcase_add_test(tests, an_answer_that_is_no_problem_is_told_by_its_status);
    tcase_add_test(tests, every_time_is_said_to_be_utc);
    Suite *suite = suite_create("cli_table");
    suite_add_tcase(suite, tests);
    return suite;
}
