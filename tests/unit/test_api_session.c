/* Sessions' pure parts: cookies, origins, the value that changes must show, and patience with failures. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/session_cookie.h"
#include "api/auth/signin_state.h"
#include "api/auth/signin_throttle.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

/* ---- Cookies ---- */

static bool finds(const char *header, const char *expected)
{
    const char *value = NULL;
    size_t length = 0;
    bool found = cookie_find(header, "name", &value, &length);
    if (found && expected != NULL)
        ck_assert_msg(length == strlen(expected) && memcmp(value, expected, length) == 0, "'%s'", header);
    return found;
}

START_TEST(a_cookie_is_found_by_its_whole_name_and_once)
{
    ck_assert(finds("name=a", "a"));
    ck_assert(finds("other=1; name=a; more=2", "a"));
    ck_assert(finds("name=a=b;x=1", "a=b"));
    ck_assert(finds("name=", ""));
    static const char *const none[] = {NULL,      "",       ";;; ",     "name",           "names=a",
                                       "xname=a", "Name=a", "x=name=a", "name=a; name=b", "name=a; x=1; name=a"};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        ck_assert_msg(!finds(none[i], NULL), "'%s'", none[i]);
}
END_TEST

START_TEST(the_cookie_is_the_hosts_alone)
{
    char text[SESSION_COOKIE_SIZE];
    session_cookie_print("slu_w_x", 60, text);
    ck_assert_str_eq(text, "__Host-sluice=slu_w_x; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=60");
    ck_assert_str_eq(session_cookie_gone, "__Host-sluice=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
}
END_TEST

/* ---- Forgery ---- */

START_TEST(what_changes_must_show_is_the_sessions_own)
{
    struct token a, b;
    char of_a[CSRF_TEXT_SIZE], again[CSRF_TEXT_SIZE], of_b[CSRF_TEXT_SIZE];
    token_make(TOKEN_SESSIONS, &a);
    token_make(TOKEN_SESSIONS, &b);
    csrf_token(&a, of_a);
    csrf_token(&a, again);
    csrf_token(&b, of_b);
    ck_assert_str_eq(of_a, again);
    ck_assert_str_ne(of_a, of_b);
    ck_assert(csrf_token_fits(of_a, again));
    ck_assert(!csrf_token_fits(of_a, of_b));
    ck_assert(!csrf_token_fits(of_a, NULL));
    ck_assert(!csrf_token_fits(of_a, ""));
    again[CSRF_TEXT_SIZE - 2] = '\0';
    ck_assert(!csrf_token_fits(of_a, again));
}
END_TEST

START_TEST(an_origin_is_ours_by_scheme_host_and_port)
{
    static const struct {
        struct request_origin of;
        bool is_ours;
    } cases[] = {
        {{NULL, NULL, "a.example", true}, true}, /* no browser, or one of before */
        {{"https://a.example", "same-origin", "a.example", true}, true},
        {{"HTTPS://A.example", NULL, "a.example", true}, true},
        {{"https://a.example:8443", NULL, "a.example:8443", true}, true},
        {{NULL, "none", "a.example", true}, true}, /* typed by hand */
        {{"http://a.example", NULL, "a.example", true}, false},
        {{"https://a.example", NULL, "a.example", false}, false},
        {{"https://a.example:8443", NULL, "a.example", true}, false},
        {{"https://a.example.evil", NULL, "a.example", true}, false},
        {{"https://evil.example", NULL, "a.example", true}, false},
        {{"https://a.example", "cross-site", "a.example", true}, false},
        {{NULL, "same-site", "a.example", true}, false},
        {{"null", NULL, "a.example", true}, false},
        {{"", NULL, "a.example", true}, false},
        {{"https://a.example", NULL, NULL, true}, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_msg(origin_is_ours(&cases[i].of) == cases[i].is_ours, "case %zu", i);
}
END_TEST

/* ---- What ties a sign-in to its browser ---- */

START_TEST(a_sign_in_is_its_browsers_for_ten_minutes)
{
    struct signin_state made, read, other;
    const char *value = NULL;
    size_t length = 0;
    signin_state_new(1000, &made);
    signin_state_new(1000, &other);
    ck_assert(cookie_find(made.set_cookie, SIGNIN_COOKIE, &value, &length));
    ck_assert(signin_state_of(value, length, 1000 + SIGNIN_LIFE_S, &read));
    ck_assert_str_eq(read.state, made.state);
    ck_assert_str_eq(read.nonce, made.nonce);
    ck_assert_str_eq(read.verifier, made.verifier);
    ck_assert_str_eq(read.challenge, made.challenge);
    ck_assert(signin_state_is(&read, made.state));
    ck_assert(!signin_state_is(&read, other.state));
    ck_assert(!signin_state_is(&read, NULL));
    ck_assert(!signin_state_is(&read, ""));
    const char *const texts[] = {made.state, made.nonce, made.verifier, made.challenge};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        ck_assert_uint_eq(strlen(texts[i]), SIGNIN_TEXT_SIZE - 1);
        ck_assert_ptr_null(strstr(made.set_cookie, texts[i]));
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(texts[i], texts[j]);
    }
    ck_assert(!signin_state_of(value, length, 1001 + SIGNIN_LIFE_S, &read));
    ck_assert(!signin_state_of(value, length, 999, &read));
}
END_TEST

START_TEST(a_sign_ins_time_and_secret_cannot_be_changed)
{
    struct signin_state made, read;
    char cookie[SIGNIN_COOKIE_SIZE];
    const char *value = NULL;
    size_t length = 0;
    signin_state_new(1000, &made);
    ck_assert(cookie_find(made.set_cookie, SIGNIN_COOKIE, &value, &length));
    memcpy(cookie, value, length);
    cookie[3] = '1'; /* 1001 */
    ck_assert(signin_state_of(cookie, length, 1300, &read));
    ck_assert(!signin_state_is(&read, made.state));
    static const char *const none[] = {
        "",
        ".",
        "1000",
        "1000.",
        "-1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "1000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "1000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "1000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
        "99999999999999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < COUNT_OF(none); i++)
        ck_assert_msg(!signin_state_of(none[i], strlen(none[i]), 1000, &read), "'%s'", none[i]);
}
END_TEST

/* ---- Patience ---- */

START_TEST(failures_wait_twice_as_long_each_up_to_a_most)
{
    struct signin_throttle *throttle = signin_throttle_new();
    int64_t now_us = 7200 * SECOND_US, waited_s = 0;
    for (int i = 0; i < 4; i++)
        signin_throttle_failed(throttle, SIGNIN_ACCOUNT, "ana", now_us);
    ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ACCOUNT, "ana", now_us), 0);
    for (int64_t expected = 1; expected < 60; expected *= 2) {
        signin_throttle_failed(throttle, SIGNIN_ACCOUNT, "ana", now_us);
        waited_s = signin_throttle_wait_s(throttle, SIGNIN_ACCOUNT, "ana", now_us);
        ck_assert_int_eq(waited_s, expected);
        now_us += waited_s * SECOND_US;
        ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ACCOUNT, "ana", now_us - 1), 1);
        ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ACCOUNT, "ana", now_us), 0);
    }
    for (int i = 0; i < 100; i++)
        signin_throttle_failed(throttle, SIGNIN_ACCOUNT, "ana", now_us);
    ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ACCOUNT, "ana", now_us), 60);
    ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ACCOUNT, "bob", now_us), 0);
    ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ADDRESS, "ana", now_us), 0);
    signin_throttle_free(throttle);
}
END_TEST

START_TEST(a_success_and_an_hour_forgive)
{
    struct signin_throttle *throttle = signin_throttle_new();
    int64_t now_us = 7200 * SECOND_US;
    for (int i = 0; i < 6; i++)
        signin_throttle_failed(throttle, SIGNIN_ACCOUNT, "ana", now_us);
    signin_throttle_succeeded(throttle, SIGNIN_ACCOUNT, "ana");
    ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ACCOUNT, "ana", now_us), 0);
    for (int i = 0; i < 30; i++)
        signin_throttle_failed(throttle, SIGNIN_ADDRESS, "192.0.2.1", now_us);
    ck_assert_int_gt(signin_throttle_wait_s(throttle, SIGNIN_ADDRESS, "192.0.2.1", now_us), 500);
    now_us += (SIGNIN_FORGOTTEN_S + 1) * SECOND_US;
    signin_throttle_failed(throttle, SIGNIN_ADDRESS, "192.0.2.1", now_us);
    ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ADDRESS, "192.0.2.1", now_us), 0);
    signin_throttle_free(throttle);
}
END_TEST

START_TEST(many_strangers_do_not_push_out_who_waits)
{
    struct signin_throttle *throttle = signin_throttle_new();
    int64_t now_us = 7200 * SECOND_US;
    for (int i = 0; i < 40; i++)
        signin_throttle_failed(throttle, SIGNIN_ADDRESS, "192.0.2.1", now_us);
    for (int i = 0; i < 50000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "s%d", i);
        signin_throttle_failed(throttle, SIGNIN_ADDRESS, key, now_us);
    }
    ck_assert_int_eq(signin_throttle_wait_s(throttle, SIGNIN_ADDRESS, "192.0.2.1", now_us), 900);
    signin_throttle_free(throttle);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("session");
    tcase_add_test(tests, a_cookie_is_found_by_its_whole_name_and_once);
    tcase_add_test(tests, the_cookie_is_the_hosts_alone);
    tcase_add_test(tests, what_changes_must_show_is_the_sessions_own);
    tcase_add_test(tests, an_origin_is_ours_by_scheme_host_and_port);
    tcase_add_test(tests, a_sign_in_is_its_browsers_for_ten_minutes);
    tcase_add_test(tests, a_sign_ins_time_and_secret_cannot_be_changed);
    tcase_add_test(tests, failures_wait_twice_as_long_each_up_to_a_most);
    tcase_add_test(tests, a_success_and_an_hour_forgive);
    tcase_add_test(tests, many_strangers_do_not_push_out_who_waits);
    Suite *suite = suite_create("session");
    suite_add_tcase(suite, tests);
    return suite;
}
