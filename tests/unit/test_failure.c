/* What becomes of a payment or a request whose transaction failed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/failure.h"
#include "common/cleanup.h"
#include "tests/unit/suite.h"

#include <stdio.h>

static struct err of_database(const char *sqlstate)
{
    struct err err = {.kind = err_kind_of_sqlstate(sqlstate)};
    (void)snprintf(err.sqlstate, sizeof err.sqlstate, "%s", sqlstate);
    return err;
}

START_TEST(what_the_database_says_is_told_apart)
{
    static const struct {
        const char *sqlstate;
        enum failure failure;
    } rows[] = {
        {"22003", FAILURE_OWN},     {"22P02", FAILURE_OWN},     {"23505", FAILURE_OWN},     {"23P01", FAILURE_OWN},
        {"40001", FAILURE_PASSING}, {"40P01", FAILURE_PASSING}, {"55P03", FAILURE_PASSING}, {"57014", FAILURE_PASSING},
        {"XX000", FAILURE_PASSING}, {"42P01", FAILURE_PASSING}, {"P0001", FAILURE_PASSING}, {"08006", FAILURE_OF_ALL},
        {"53100", FAILURE_OF_ALL},  {"53200", FAILURE_OF_ALL},  {"57P01", FAILURE_OF_ALL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = of_database(rows[i].sqlstate);
        ck_assert_msg(failure_of(&err) == rows[i].failure, "%s", rows[i].sqlstate);
    }
}
END_TEST

START_TEST(a_rule_refuses_and_a_defect_does_not)
{
    static const struct {
        enum err_kind kind;
        enum failure failure;
    } rows[] = {
        {ERR_INVALID, FAILURE_OWN},
        {ERR_CONFLICT, FAILURE_OWN},
        {ERR_NOT_FOUND, FAILURE_OWN},
        {ERR_INTERNAL, FAILURE_PASSING},
        {ERR_UNAVAILABLE, FAILURE_OF_ALL},
        {ERR_FENCED, FAILURE_OF_ALL},
        {ERR_UNKNOWN_OUTCOME, FAILURE_OF_ALL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {.kind = rows[i].kind};
        ck_assert_msg(failure_of(&err) == rows[i].failure, "%s", err_title(rows[i].kind));
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("failure");
    TCase *tests = tcase_create("failure");
    tcase_add_test(tests, what_the_database_says_is_told_apart);
    tcase_add_test(tests, a_rule_refuses_and_a_defect_does_not);
    suite_add_tcase(suite, tests);
    return suite;
}
