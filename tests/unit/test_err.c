/* What errors promise: a text that fits, context in front, and one place where an SQLSTATE becomes a kind. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"
#include "tests/unit/suite.h"

#include <string.h>

START_TEST(an_error_is_one_line_to_return)
{
    struct err err = {0};
    ck_assert_int_eq(err_set(&err, ERR_NOT_FOUND, "reservation '%s' does not exist", "x"), ERR_NOT_FOUND);
    ck_assert_int_eq(err.kind, ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "reservation 'x' does not exist");
    ck_assert_str_eq(err.code, "");
    ck_assert_int_eq(err_set_code(&err, ERR_INVALID, "bad_window", "no"), ERR_INVALID);
    ck_assert_str_eq(err.code, "bad_window");
    ck_assert_int_eq(err_set(NULL, ERR_RETRY, "nobody asks"), ERR_RETRY);
}
END_TEST

START_TEST(context_stands_in_front_and_keeps_the_rest)
{
    struct err err = {0};
    (void)err_set_code(&err, ERR_CONFLICT, "name_taken", "the name is taken");
    memcpy(err.sqlstate, "23505", 6);
    ck_assert_int_eq(err_context(&err, "tenant '%s'", "a"), ERR_CONFLICT);
    ck_assert_str_eq(err.text, "tenant 'a': the name is taken");
    ck_assert_str_eq(err.code, "name_taken");
    ck_assert_str_eq(err.sqlstate, "23505");
}
END_TEST

START_TEST(a_long_text_is_cut_not_overrun)
{
    char longer[2 * ERR_TEXT_SIZE];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    struct err err = {0};
    (void)err_set(&err, ERR_INTERNAL, "%s", longer);
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_SIZE - 1);
    (void)err_context(&err, "%s", longer);
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_SIZE - 1);
}
END_TEST

START_TEST(an_error_may_quote_itself)
{
    struct err err = {0};
    (void)err_set(&err, ERR_UNAVAILABLE, "the socket is gone");
    (void)err_set(&err, ERR_UNKNOWN_OUTCOME, "during COMMIT: %s", err.text);
    ck_assert_str_eq(err.text, "during COMMIT: the socket is gone");
}
END_TEST

START_TEST(each_sqlstate_has_its_kind)
{
    static const struct {
        const char *sqlstate;
        enum err_kind kind;
    } rows[] = {
        {"23505", ERR_CONFLICT},    {"23P01", ERR_NO_CAPACITY},  {"40001", ERR_RETRY},
        {"40P01", ERR_RETRY},       {"53100", ERR_OUT_OF_SPACE}, {"57014", ERR_TIMEOUT},
        {"08006", ERR_UNAVAILABLE}, {"57P01", ERR_UNAVAILABLE},  {"57P03", ERR_UNAVAILABLE},
        {"42601", ERR_INTERNAL},    {"23503", ERR_INTERNAL},     {"08007", ERR_UNKNOWN_OUTCOME},
        {"22003", ERR_INVALID},     {"", ERR_INTERNAL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ck_assert_int_eq(err_kind_of_sqlstate(rows[i].sqlstate), rows[i].kind);
}
END_TEST

START_TEST(every_kind_has_a_row_and_a_slug_of_its_own)
{
    for (int kind = ERR_NONE; kind < ERR_KIND_COUNT; kind++) {
        ck_assert_int_ge(err_http_status((enum err_kind)kind), 200);
        ck_assert_int_lt(err_http_status((enum err_kind)kind), 600);
        ck_assert_uint_gt(strlen(err_title((enum err_kind)kind)), 0);
        for (int other = ERR_NONE; other < kind; other++)
            ck_assert_str_ne(err_slug((enum err_kind)kind), err_slug((enum err_kind)other));
        if (err_http_status((enum err_kind)kind) == 503)
            ck_assert(err_retryable((enum err_kind)kind));
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("err");
    tcase_add_test(tests, an_error_is_one_line_to_return);
    tcase_add_test(tests, context_stands_in_front_and_keeps_the_rest);
    tcase_add_test(tests, a_long_text_is_cut_not_overrun);
    tcase_add_test(tests, an_error_may_quote_itself);
    tcase_add_test(tests, each_sqlstate_has_its_kind);
    tcase_add_test(tests, every_kind_has_a_row_and_a_slug_of_its_own);
    Suite *suite = suite_create("err");
    suite_add_tcase(suite, tests);
    return suite;
}
