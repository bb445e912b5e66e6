/* What the command line promises: it means one thing, or it says what is wrong before anything is sent. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/arguments.h"
#include "api/cli/complete.h"
#include "api/cli/problem.h"
#include "api/cli/reservation_body.h"
#include "api/cli/time_text.h"
#include "common/cleanup.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arguments arguments;
static struct err err;

#define PARSE(...)                                                                                                     \
    parse((const char *const[]){"sluice", __VA_ARGS__}, (int)COUNT_OF(((const char *const[]){"sluice", __VA_ARGS__})))

static enum err_kind parse(const char *const *argv, int argc)
{
    err = (struct err){0};
    return arguments_parse(argc, argv, &arguments, &err);
}

static char *body_text(void)
{
    json_t *body = NULL;
    ck_assert_int_eq(reservation_body(&arguments, &body, &err), ERR_NONE);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

START_TEST(options_may_stand_anywhere)
{
    ck_assert_int_eq(PARSE("-o", "json", "reservation", "--limit=5", "list", "--state", "active"), ERR_NONE);
    ck_assert_str_eq(arguments.command->path, "reservation list");
    ck_assert_str_eq(arguments_text(&arguments, OPTION_OUTPUT), "json");
    ck_assert_int_eq(arguments_int(&arguments, OPTION_LIMIT, 0), 5);
    ck_assert_str_eq(arguments_text(&arguments, OPTION_STATE), "active");
    ck_assert_ptr_null(arguments_text(&arguments, OPTION_NAME));
}
END_TEST

START_TEST(the_last_of_two_values_counts)
{
    ck_assert_int_eq(PARSE("margin", "--by", "day", "--by=cohort"), ERR_NONE);
    ck_assert_str_eq(arguments_text(&arguments, OPTION_BY), "cohort");
}
END_TEST

START_TEST(wait_needs_no_number_and_does_not_eat_the_next_word)
{
    ck_assert_int_eq(PARSE("reservation", "get", "--wait", "llama"), ERR_NONE);
    ck_assert_str_eq(arguments.positional, "llama");
    ck_assert(arguments_have(&arguments, OPTION_WAIT));
    ck_assert_int_eq(arguments_int(&arguments, OPTION_WAIT, 60), 60);
    ck_assert_int_eq(PARSE("reservation", "get", "llama", "--wait=7"), ERR_NONE);
    ck_assert_int_eq(arguments_int(&arguments, OPTION_WAIT, 60), 7);
}
END_TEST

START_TEST(after_two_dashes_everything_is_a_word)
{
    ck_assert_int_eq(PARSE("reservation", "get", "--", "--wait"), ERR_NONE);
    ck_assert_str_eq(arguments.positional, "--wait");
    ck_assert_int_eq(arguments.value_count, 0);
}
END_TEST

START_TEST(help_is_given_for_commands_groups_and_everything)
{
    ck_assert_int_eq(PARSE("--help"), ERR_NONE);
    ck_assert_ptr_null(arguments.command);
    ck_assert_int_eq(PARSE("reservation", "-h"), ERR_NONE);
    ck_assert_str_eq(arguments.group, "reservation");
    ck_assert_int_eq(PARSE("reservation", "get", "--help"), ERR_NONE);
    ck_assert_str_eq(arguments.command->path, "reservation get");
}
END_TEST

/* Each is refused as a matter of usage, with a text and a hint. */
static const struct {
    const char *words[6];
    const char *says;
} wrong_lines[] = {
    {{NULL}, "the command is missing"},
    {{"fly"}, "no command 'fly'"},
    {{"reservation"}, "'reservation' needs another word"},
    {{"reservation", "fly"}, "no command 'reservation fly'"},
    {{"reserv", "list"}, "no command 'reserv'"},
    {{"help", "fly"}, "no command 'fly'"},
    {{"reservation", "get"}, "needs one more word: RESERVATION"},
    {{"reservation", "get", ""}, "needs one more word: RESERVATION"},
    {{"reservation", "get", "a", "b"}, "too many"},
    {{"node", "list", "a"}, "too many"},
    {{"node", "list", "a", "b"}, "too many"},
    {{"node", "list", "--fast"}, "no option '--fast'"},
    {{"node", "list", "-x"}, "no option '-x'"},
    {{"node", "list", "--lim", "3"}, "no option '--lim'"},
    {{"node", "list", "--token", "slu_x"}, "no option '--token'"},
    {{"node", "list", "--by", "day"}, "does not take --by"},
    {{"node", "list", "--limit"}, "wants a value"},
    {{"node", "list", "--limit", "0"}, "number from 1"},
    {{"node", "list", "--limit", "-1"}, "number from 1"},
    {{"node", "list", "--limit", "1e3"}, "number from 1"},
    {{"node", "list", "--limit", "99999999999999999999"}, "number from 1"},
    {{"node", "list", "--name="}, "not empty"},
    {{"node", "list", "-oxml"}, "table, json or csv"},
    {{"node", "list", "--help=yes"}, "takes no value"},
    {{"reservation", "create", "--wait=soon"}, "number from 1"},
    {{"reservation", "create", "--starts-at", "tomorrow"}, "wants a date"},
    {{"reservation", "create", "--starts-at", "2026-02-30"}, "wants a date"},
    {{"reservation", "create", "--ends-at", "2026-12-01 08:00"}, "wants the zone"},
    {{"node", "list", "--detailed-exitcode"}, "does not take"},
    {{"reservation", "create", "--label", "=x"}, "wants KEY=TEXT"},
    {{"reservation", "create", "--duration", "7 d"}, "wants a length"},
    {{"reservation", "create", "--duration", "h"}, "wants a length"},
    {{"reservation", "create", "--duration", "1d12h"}, "wants a length"},
    {{"reservation", "create", "--duration", "0m"}, "wants a length"},
    {{"reservation", "create", "--duration", "3651d"}, "wants a length"},
    {{"quote", "create", "--ttl-s", "9"}, "number from 10"},
    {{"price", "create", "--gpu-hour", "2.49"}, "amount and a currency"},
    {{"price", "create", "--gpu-hour", "2.49 EURO"}, "amount and a currency"},
    {{"price", "create", "--gpu-hour", "2.4x USD"}, "amount and a currency"},
    {{"price", "create", "--gpu-hour", "2. USD"}, "amount and a currency"},
    {{"price", "create", "--gpu-hour", "2.1234567 USD"}, "amount and a currency"},
    {{"price", "create", "--gpu-hour", "-1 USD"}, "amount and a currency"},
    {{"price", "create", "--gpu-hour", "99999999999999999999 USD"}, "amount and a currency"},
    {{"price", "create", "--gpu-hour", ""}, "amount and a currency"},
};

START_TEST(what_is_wrong_is_said_before_anything_is_sent)
{
    const char *argv[COUNT_OF(wrong_lines[0].words) + 1] = {"sluice"};
    int argc = 1;
    while (argc <= (int)COUNT_OF(wrong_lines[0].words) && wrong_lines[_i].words[argc - 1] != NULL) {
        argv[argc] = wrong_lines[_i].words[argc - 1];
        argc++;
    }
    enum err_kind kind = parse(argv, argc);
    ck_assert_int_eq(exit_code_of(kind), 2);
    ck_assert_msg(strstr(err.text, wrong_lines[_i].says) != NULL, "'%s' does not say '%s'", err.text,
                  wrong_lines[_i].says);
    ck_assert(strstr(err.hint, "--help") != NULL);
}
END_TEST

/* What was typed, and what the hint asks whether it was meant; "": nothing. */
static const struct {
    const char *words[4];
    const char *meant;
} slips[] = {
    {{"reservaton", "list"}, "'reservation'"},
    {{"reservations"}, "'reservation'"},
    {{"reservation", "lsit", "a", "b"}, "'reservation list'"},
    {{"reservation", "describe", "llama"}, "'reservation get'"},
    {{"instance", "logs", "ins_1"}, "'instance console'"},
    {{"node", "list", "--fabrik=a"}, "'--fabric'"},
    {{"node", "list", "-name"}, "'--name'"},
    {{"reservation", "create", "--start"}, "'--starts-at'"},
    {{"--ulr"}, "'--url'"},
    {{"describe", "reservations", "llama"}, "'reservation get'"},
    {{"list", "nodes"}, "'node list'"},
    {{"cordon", "nod", "n0007"}, "'node cordon'"},
    {{"get", "deployments"}, ""},
    {{"node", "list", "--preferrd"}, ""}, /* of another command */
    {{"node", "list", "-x"}, ""},
    {{"fly"}, ""},
    {{"reservation", "fly"}, ""},
    {{"a-word-that-is-longer-than-any-command-of-ours-would-ever-be"}, ""},
};

START_TEST(what_may_have_been_meant_is_said)
{
    const char *argv[COUNT_OF(slips[0].words) + 1] = {"sluice"};
    int argc = 1;
    while (argc <= (int)COUNT_OF(slips[0].words) && slips[_i].words[argc - 1] != NULL) {
        argv[argc] = slips[_i].words[argc - 1];
        argc++;
    }
    ck_assert_int_eq(exit_code_of(parse(argv, argc)), 2);
    bool asks = strstr(err.hint, "Did you mean") != NULL;
    bool is_right = slips[_i].meant[0] == '\0' ? !asks : strstr(err.hint, slips[_i].meant) != NULL;
    ck_assert_msg(is_right, "'%s %s': %s", argv[1], argc > 2 ? argv[2] : "", err.hint);
}
END_TEST

START_TEST(help_is_a_word_too_and_names_the_command_of_a_wrong_option)
{
    ck_assert_int_eq(PARSE("help", "reservation", "get", "llama"), ERR_NONE);
    ck_assert_str_eq(arguments.command->path, "reservation get");
    ck_assert(arguments_have(&arguments, OPTION_HELP));
    ck_assert_int_eq(PARSE("help"), ERR_NONE);
    ck_assert_ptr_null(arguments.command);
    ck_assert_int_eq(PARSE("node", "list", "--limit", "x"), ERR_MALFORMED);
    ck_assert(strstr(err.hint, "'sluice node list --help'") != NULL);
}
END_TEST

START_TEST(a_letter_is_that_of_the_command_before_it)
{
    ck_assert_int_eq(PARSE("apply", "-f", "a.yaml", "-fb.yaml"), ERR_NONE);
    ck_assert_str_eq(arguments_text(&arguments, OPTION_FILE), "b.yaml");
    ck_assert_int_eq(PARSE("instance", "console", "ins_1", "-f"), ERR_NONE);
    ck_assert(arguments_have(&arguments, OPTION_FOLLOW) && !arguments_have(&arguments, OPTION_FILE));
}
END_TEST

/* A line as far as it is typed, and what may stand there. */
static const struct {
    const char *line, *offered;
} completions[] = {
    {"sluice res", "reservation\n"},
    {"sluice reservation ca", "cancel\n"},
    {"sluice help reservation ca", "cancel\n"},
    {"sluice help res", "reservation\n"},
    {"sluice  node ", "list\nget\ncordon\ndrain\nuncordon\n"},
    {"sluice -o json reservation create --start", "--starts-at\n--start-from\n--start-to\n"},
    {"sluice node list --state x --na", "--name\n"},
    {"sluice node list -o ", "table\njson\ncsv\n"},
    {"sluice me -o ", "table\njson\n"},
    {"sluice -oj", ""},
    {"sluice node list --state re", ""}, /* a value of which there is no list */
    {"sluice reservation get lla", ""},
    {"sluice apply --", "--file\n--dry-run\n--detailed-exitcode\n--profile\n--url\n--output\n--help\n"},
    {"sluice apply -f ", ""}, /* the shell knows files */
    {"sluice fly ", ""},
    {"sluice -", "--profile\n--url\n--output\n--help\n"},
};

START_TEST(a_line_is_completed_from_the_tables)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    complete_print(out, completions[_i].line, SIZE_MAX, NULL);
    fclose(out);
    ck_assert_str_eq(text, completions[_i].offered);
    free(text);
}
END_TEST

START_TEST(only_what_stands_before_the_cursor_is_completed)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    complete_print(out, "sluice invXYZ", strlen("sluice inv"), NULL);
    fclose(out);
    ck_assert_str_eq(text, "invoice\n");
    free(text);
}
END_TEST

START_TEST(too_many_options_are_refused)
{
    const char *argv[2 * ARGUMENTS_MAX + 8] = {"sluice", "reservation", "create"};
    int argc = 3;
    for (int i = 0; i <= ARGUMENTS_MAX; i++)
        argv[argc++] = "--label=a=b";
    ck_assert_int_eq(parse(argv, argc - 1), ERR_NONE);
    ck_assert_int_eq(parse(argv, argc), ERR_MALFORMED);
}
END_TEST

START_TEST(options_fill_the_fields_of_the_body)
{
    ck_assert_int_eq(PARSE("reservation", "create", "--name", "llama", "--gpus=2", "--gpu-models=H100,A100", "--count",
                           "16", "--starts-at", "2026-12-01", "--ends-at", "2026-12-08T06:00:00Z", "--within", "fabric",
                           "--label", "team=a", "--label", "note=x=y"),
                     ERR_NONE);
    char *text = body_text();
    ck_assert_str_eq(text, "{\"name\":\"llama\",\"shape\":{\"gpus\":2,\"gpu_models\":[\"H100\",\"A100\"]},\"count\":16,"
                           "\"starts_at\":\"2026-12-01T00:00:00Z\",\"ends_at\":\"2026-12-08T06:00:00Z\","
                           "\"placement\":{\"within\":\"fabric\"},\"labels\":{\"team\":\"a\",\"note\":\"x=y\"}}");
    free(text);
}
END_TEST

START_TEST(a_flexible_start_and_a_preference_fill_their_fields)
{
    ck_assert_int_eq(
        PARSE("quote", "create", "--duration=36h", "--start-to", "2026-12-20", "--spread", "rack", "--preferred"),
        ERR_NONE);
    char *text = body_text();
    ck_assert_str_eq(text, "{\"duration_s\":129600,\"start_range\":[null,\"2026-12-20T00:00:00Z\"],"
                           "\"placement\":{\"spread\":\"rack\",\"mode\":\"preferred\"}}");
    free(text);
}
END_TEST

START_TEST(a_shape_by_itself_has_its_fields_at_the_top)
{
    ck_assert_int_eq(PARSE("instance-type", "create", "--name", "h100.4x", "--gpu-count=4", "--gpu-models=H100",
                           "--cpu-milli", "1", "--memory-mib", "2", "--open-ended-max-percent", "0"),
                     ERR_NONE);
    char *text = body_text();
    ck_assert_str_eq(text, "{\"name\":\"h100.4x\",\"gpu_count\":4,\"gpu_models\":[\"H100\"],\"cpu_milli\":1,"
                           "\"memory_mib\":2,\"open_ended_max_percent\":0}");
    free(text);
}
END_TEST

START_TEST(an_amount_is_a_canonical_decimal_and_its_currency)
{
    ck_assert_int_eq(PARSE("price", "create", "--gpu-hour", "2.5 USD", "--valid-from", "2027-01-01"), ERR_NONE);
    char *text = body_text();
    ck_assert_str_eq(text, "{\"gpu_hour\":{\"amount\":\"2.500000\",\"currency\":\"USD\"},"
                           "\"valid_from\":\"2027-01-01T00:00:00Z\"}");
    free(text);
}
END_TEST

START_TEST(a_start_that_is_now_is_left_to_the_api)
{
    ck_assert_int_eq(PARSE("reservation", "create", "--starts-at", "now", "--start-from=now"), ERR_NONE);
    char *text = body_text();
    ck_assert_str_eq(text, "{\"starts_at\":null,\"start_range\":[null]}");
    free(text);
}
END_TEST

/* A text, and what it is: of days and instants as they are written, of a time from now its seconds. */
static const struct {
    const char *text;
    enum time_form form;
    const char *instant;
    int64_t seconds;
} times[] = {
    {"2026-12-01", TIME_DAY, "2026-12-01T00:00:00Z", 0},
    {"2026-12-01T08:00:00Z", TIME_INSTANT, "2026-12-01T08:00:00Z", 0},
    {"2026-12-01T08:00Z", TIME_INSTANT, "2026-12-01T08:00:00Z", 0},
    {"2026-12-01 08:00Z", TIME_INSTANT, "2026-12-01T08:00:00Z", 0},
    {"2026-12-01T00:30:15+01:00", TIME_INSTANT, "2026-11-30T23:30:15Z", 0},
    {"2026-12-31 20:00-05:30", TIME_INSTANT, "2027-01-01T01:30:00Z", 0},
    {"2026-12-01T08:00:00-00:00", TIME_INSTANT, "2026-12-01T08:00:00Z", 0},
    {"now", TIME_FROM_NOW, NULL, 0},
    {"+2h", TIME_FROM_NOW, NULL, 7200},
    {"-7d", TIME_FROM_NOW, NULL, -604800},
    {"+90m", TIME_FROM_NOW, NULL, 5400},
    {"+0s", TIME_FROM_NOW, NULL, 0},
};

START_TEST(a_time_is_read_in_each_of_its_forms)
{
    struct time_text time = {0};
    ck_assert_msg(time_text_parse("from", times[_i].text, &time, &err) == ERR_NONE, "%s: %s", times[_i].text, err.text);
    ck_assert_int_eq(time.form, times[_i].form);
    int64_t wanted = times[_i].seconds;
    if (times[_i].instant != NULL)
        ck_assert_int_eq(calendar_time_parse(times[_i].instant, &wanted, NULL), ERR_NONE);
    ck_assert_int_eq(time.form == TIME_DAY ? calendar_time_of_day(time.value) : time.value, wanted);
}
END_TEST

static const char *const no_times[] = {
    "",
    "n",
    "Now",
    "+",
    "-",
    "+h",
    "+2",
    "2h",
    "+2w",
    "+1d12h",
    "+-2h",
    "++2h",
    "+ 2h",
    "+99999999999d",
    "tomorrow",
    "2026-12",
    "2026-12-1",
    "2026-02-30",
    "2026-02-30T08:00Z",
    "2026-12-01T",
    "2026-12-01T08Z",
    "2026-12-01T08:0Z",
    "2026-12-01T08:00:0Z",
    "2026-12-01T24:00Z",
    "2026-12-01T08:60Z",
    "2026-12-01T08:00:60Z",
    "2026-12-01t08:00Z",
    "2026-12-01T08:00z",
    "2026-12-01T08:00:00.5Z",
    "2026-12-01T08:00+1:00",
    "2026-12-01T08:00+0100",
    "2026-12-01T08:00+24:00",
    "2026-12-01T08:00+01:60",
    "2026-12-01T08:00+01:0x",
    "2026-12-01T08:00+01:000",
    "2026-12-01T08:00 +01:00",
    "2026-12-01T08:00ZZ",
    "2026-12-01T08:00 CET",
    "2026-12-01  08:00Z",
    "2026-12-01T08:00:",
    "0001-01-01T00:00+00:01",
    "9999-12-31T23:59-00:01",
    "2026-12-01T08:00:00",
    "2026-12-01 08:00",
};

START_TEST(what_is_no_time_is_told_with_what_is)
{
    struct time_text time = {0};
    err = (struct err){0};
    ck_assert_msg(time_text_parse("from", no_times[_i], &time, &err) == ERR_MALFORMED, "'%s'", no_times[_i]);
    ck_assert_msg(strstr(err.text, "+01:00") != NULL && strncmp(err.text, "--from wants ", 13) == 0, "%s", err.text);
}
END_TEST

START_TEST(options_stand_over_the_document)
{
    char path[] = "/tmp/sluice-body-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fputs("{\"count\": 4, \"placement\": 7, \"labels\": {\"team\": \"a\"}}", file);
    fclose(file);
    ck_assert_int_eq(PARSE("reservation", "create", "--body", path, "--count=5", "--within=rack", "--label=k=v"),
                     ERR_NONE);
    char *text = body_text();
    ck_assert_str_eq(text, "{\"count\":5,\"placement\":{\"within\":\"rack\"},\"labels\":{\"team\":\"a\",\"k\":\"v\"}}");
    free(text);
    remove(path);
}
END_TEST

START_TEST(a_body_that_is_no_object_is_a_matter_of_usage)
{
    json_t *body = NULL;
    ck_assert_int_eq(PARSE("reservation", "create", "--body", "/nonexistent"), ERR_NONE);
    ck_assert_int_eq(reservation_body(&arguments, &body, &err), ERR_MALFORMED);
    ck_assert_int_eq(PARSE("reservation", "create", "--name", "\xff"), ERR_NONE);
    ck_assert_int_eq(reservation_body(&arguments, &body, &err), ERR_MALFORMED);
    ck_assert_ptr_null(body);
}
END_TEST

START_TEST(every_row_of_the_tables_is_whole)
{
    for (const struct command *command = commands; command->path != NULL; command++) {
        ck_assert_ptr_nonnull((void *)command->run);
        for (const enum option_id *taken = command->options; taken != NULL && *taken != OPTIONS_END; taken++) {
            ck_assert(!options_have(options_everywhere, *taken));
            ck_assert_msg(!options_have(taken + 1, *taken), "%s takes --%s twice", command->path, options[*taken].name);
        }
        ck_assert_int_eq(command->help[strlen(command->help) - 1], '.');
        for (const struct command *other = commands; other != command; other++)
            ck_assert_str_ne(command->path, other->path);
    }
    for (int i = 0; i < OPTIONS_TOTAL; i++) {
        char word[64];
        const char *value = NULL;
        (void)snprintf(word, sizeof word, "--%s=x", options[i].name);
        ck_assert_int_eq(option_of_word(word, NULL, &value), i);
        ck_assert_str_eq(value, "x");
        ck_assert_int_eq(options[i].type == VALUE_FLAG, options[i].argument == NULL);
    }
}
END_TEST

START_TEST(exit_codes_are_as_documented)
{
    ck_assert_int_eq(exit_code_of(ERR_NONE), 0);
    ck_assert_int_eq(exit_code_of(ERR_INVALID), 1);
    ck_assert_int_eq(exit_code_of(ERR_UNAVAILABLE), 1);
    ck_assert_int_eq(exit_code_of(ERR_FORBIDDEN), 3);
    ck_assert_int_eq(exit_code_of(ERR_NOT_FOUND), 4);
    ck_assert_int_eq(exit_code_of(ERR_NO_CAPACITY), 5);
    ck_assert_int_eq(exit_code_of(ERR_TIMEOUT), 6);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("cli_arguments");
    tcase_add_test(tests, a_letter_is_that_of_the_command_before_it);
    tcase_add_test(tests, options_may_stand_anywhere);
    tcase_add_test(tests, the_last_of_two_values_counts);
    tcase_add_test(tests, wait_needs_no_number_and_does_not_eat_the_next_word);
    tcase_add_test(tests, after_two_dashes_everything_is_a_word);
    tcase_add_test(tests, help_is_given_for_commands_groups_and_everything);
    tcase_add_loop_test(tests, what_is_wrong_is_said_before_anything_is_sent, 0, (int)COUNT_OF(wrong_lines));
    tcase_add_loop_test(tests, what_may_have_been_meant_is_said, 0, (int)COUNT_OF(slips));
    tcase_add_test(tests, help_is_a_word_too_and_names_the_command_of_a_wrong_option);
    tcase_add_loop_test(tests, a_line_is_completed_from_the_tables, 0, (int)COUNT_OF(completions));
    tcase_add_test(tests, only_what_stands_before_the_cursor_is_completed);
    tcase_add_test(tests, too_many_options_are_refused);
    tcase_add_test(tests, options_fill_the_fields_of_the_body);
    tcase_add_test(tests, a_flexible_start_and_a_preference_fill_their_fields);
    tcase_add_test(tests, a_shape_by_itself_has_its_fields_at_the_top);
    tcase_add_test(tests, an_amount_is_a_canonical_decimal_and_its_currency);
    tcase_add_test(tests, a_start_that_is_now_is_left_to_the_api);
    tcase_add_loop_test(tests, a_time_is_read_in_each_of_its_forms, 0, (int)COUNT_OF(times));
    tcase_add_loop_test(tests, what_is_no_time_is_told_with_what_is, 0, (int)COUNT_OF(no_times));
    tcase_add_test(tests, options_stand_over_the_document);
    tcase_add_test(tests, a_body_that_is_no_object_is_a_matter_of_usage);
    tcase_add_test(tests, every_row_of_the_tables_is_whole);
    tcase_add_test(tests, exit_codes_are_as_documented);
    Suite *suite = suite_create("cli_arguments");
    suite_add_tcase(suite, tests);
    return suite;
}
