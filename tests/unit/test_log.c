/* What a log line promises: it is one JSON object on one line, whatever its fields hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

static char captured[32768];

/* Stderr is a pipe meanwhile; a line fits in one. */
static int capture_begin(int pipe_fds[2])
{
    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert_int_ne(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), -1);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(saved, 0);
    ck_assert_int_ge(dup2(pipe_fds[1], STDERR_FILENO), 0);
    return saved;
}

static const char *capture_end(const int pipe_fds[2], int saved)
{
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    ssize_t length = read(pipe_fds[0], captured, sizeof captured - 1);
    captured[length > 0 ? length : 0] = '\0';
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close(saved);
    return captured;
}

#define CAPTURE(statement)                                                                                             \
    __extension__({                                                                                                    \
        int pipe_fds_[2];                                                                                              \
        int saved_ = capture_begin(pipe_fds_);                                                                         \
        statement;                                                                                                     \
        capture_end(pipe_fds_, saved_);                                                                                \
    })

static json_t *parsed(const char *line)
{
    ck_assert_uint_gt(strlen(line), 0);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    json_error_t error;
    json_t *object = json_loads(line, 0, &error);
    ck_assert_msg(object != NULL, "%s: %s", error.text, line);
    return object;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "(none)" : text;
}

START_TEST(a_line_is_one_object_with_when_who_and_what)
{
    log_start("sluice-test", LOG_LEVEL_INFO);
    json_t *line = parsed(CAPTURE(log_event(LOG_LEVEL_INFO, "batch_committed", LOG_INT("requests", -3),
                                            LOG_TEXT("zone", "a"), LOG_TEXT("none", NULL))));
    const char *at = text_of(line, "at");
    ck_assert_uint_eq(strlen(at), strlen("2026-11-23T08:00:00.000Z"));
    ck_assert_int_eq(at[10], 'T');
    ck_assert_int_eq(at[19], '.');
    ck_assert_int_eq(at[23], 'Z');
    ck_assert_str_eq(text_of(line, "level"), "info");
    ck_assert_str_eq(text_of(line, "program"), "sluice-test");
    ck_assert_str_eq(text_of(line, "event"), "batch_committed");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "pid")), getpid());
    ck_assert_int_eq(json_integer_value(json_object_get(line, "requests")), -3);
    ck_assert_str_eq(text_of(line, "zone"), "a");
    ck_assert(json_is_null(json_object_get(line, "none")));
    json_decref(line);
}
END_TEST

START_TEST(an_event_needs_no_fields)
{
    json_decref(parsed(CAPTURE(log_event(LOG_LEVEL_ERROR, "stopped"))));
}
END_TEST

START_TEST(whatever_a_field_holds_the_line_stays_json)
{
    static const char *const values[] = {
        "say \"no\"\n\t\\", "\x01\x1f\x7f", "gr\xc3\xbc\xc3\x9f", "\xff\xfe",
        "cut \xc3",         "\xed\xa0\x80", "\xf0\x9f\x98\x80",
    };
    for (size_t i = 0; i < COUNT_OF(values); i++)
        json_decref(parsed(CAPTURE(log_event(LOG_LEVEL_INFO, "odd", LOG_TEXT("value", values[i])))));
    json_t *line = parsed(CAPTURE(log_event(LOG_LEVEL_INFO, "odd", LOG_TEXT("value", values[0]))));
    ck_assert_str_eq(text_of(line, "value"), values[0]);
    json_decref(line);
}
END_TEST

START_TEST(what_does_not_fit_is_left_out_and_said)
{
    static char large[20000];
    memset(large, '"', sizeof large - 1);
    json_t *line = parsed(CAPTURE(log_event(LOG_LEVEL_INFO, "large", LOG_TEXT("value", large), LOG_INT("after", 7))));
    ck_assert(json_is_true(json_object_get(line, "truncated")));
    ck_assert_ptr_null(json_object_get(line, "value"));
    ck_assert_int_eq(json_integer_value(json_object_get(line, "after")), 7);
    json_decref(line);
}
END_TEST

START_TEST(what_is_below_the_level_is_not_written)
{
    log_start("sluice-test", log_level_from_text("warning"));
    ck_assert_str_eq(CAPTURE(log_event(LOG_LEVEL_INFO, "quiet")), "");
    json_decref(parsed(CAPTURE(log_event(LOG_LEVEL_WARNING, "loud"))));
    log_start("sluice-test", log_level_from_text("nonsense"));
    ck_assert_str_eq(CAPTURE(log_event(LOG_LEVEL_DEBUG, "quiet")), "");
}
END_TEST

START_TEST(an_error_is_logged_with_all_it_knows)
{
    struct err err = {0};
    (void)err_set_code(&err, ERR_CONFLICT, "name_taken", "the name '%s' is taken", "x");
    memcpy(err.sqlstate, "23505", 6);
    json_t *line = parsed(CAPTURE(log_error("request_failed", &err)));
    ck_assert_str_eq(text_of(line, "level"), "error");
    ck_assert_str_eq(text_of(line, "kind"), "conflict");
    ck_assert_str_eq(text_of(line, "code"), "name_taken");
    ck_assert_str_eq(text_of(line, "text"), "the name 'x' is taken");
    ck_assert_str_eq(text_of(line, "sqlstate"), "23505");
    json_decref(line);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("log");
    tcase_add_test(tests, a_line_is_one_object_with_when_who_and_what);
    tcase_add_test(tests, an_event_needs_no_fields);
    tcase_add_test(tests, whatever_a_field_holds_the_line_stays_json);
    tcase_add_test(tests, what_does_not_fit_is_left_out_and_said);
    tcase_add_test(tests, what_is_below_the_level_is_not_written);
    tcase_add_test(tests, an_error_is_logged_with_all_it_knows);
    Suite *suite = suite_create("log");
    suite_add_tcase(suite, tests);
    return suite;
}
