/* The door's pure parts: the first line, whom the proxy speaks for, and the token buckets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/peer.h"
#include "api/server/rate.h"
#include "api/server/screen.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

/* ---- The first line ---- */

static bool takes(const char *target, const char *version)
{
    struct err err = {0};
    bool fine = screen_line("GET", target, version, &err) == ERR_NONE;
    ck_assert_str_eq(err.code, fine ? "" : "bad_framing");
    return fine;
}

START_TEST(a_target_that_is_read_in_two_ways_is_refused)
{
    ck_assert(takes("/v1/me", "HTTP/1.1"));
    ck_assert(takes("/v1/me?name=a%2Fb%00&x=%zz", "HTTP/1.0"));
    ck_assert(takes("/v1/tokens/%41~-", "HTTP/1.1"));
    static const char *const refused[] = {"",          "*",          "v1/me",        "http://host/v1/me", "/v1/me#x",
                                          "/v1 /me",   "/v1/\x01",   "/v1/\xc3\xa9", "/v1/a%2Fb",         "/v1/a%2fb",
                                          "/v1/a%5Cb", "/v1/me%00x", "/v1/me%0a",    "/v1/me%7F",         "/v1/me%4",
                                          "/v1/me%",   "/v1/me%zz?"};
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        ck_assert_msg(!takes(refused[i], "HTTP/1.1"), "'%s'", refused[i]);
    static const char *const versions[] = {"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", ""};
    for (size_t i = 0; i < COUNT_OF(versions); i++)
        ck_assert_msg(!takes("/v1/me", versions[i]), "'%s'", versions[i]);
}
END_TEST

/* ---- Whom the proxy speaks for ---- */

static bool read_peer(const char *name, const char *value, struct peer *ret)
{
    struct err err = {0};
    const struct screen_header headers[] = {{"Host", "x"}, {name, value}};
    bool fine = peer_of_proxy(headers, COUNT_OF(headers), ret, &err) == ERR_NONE;
    ck_assert_str_eq(err.code, fine ? "" : "bad_forwarding");
    return fine;
}

START_TEST(an_address_has_one_spelling)
{
    static const char *const cases[][2] = {
        {"203.0.113.7", "203.0.113.7"}, {"::FFFF:203.0.113.7", "203.0.113.7"}, {"2001:DB8:0::1", "2001:db8::1"}};
    struct peer peer;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ck_assert(read_peer("x-forwarded-for", cases[i][0], &peer));
        ck_assert_str_eq(peer.address, cases[i][1]);
    }
    ck_assert(read_peer("Accept", "*/*", &peer));
    ck_assert_str_eq(peer.address, "unix");
    ck_assert(!read_peer("X-Forwarded-For", "203.0.113.7, 10.0.0.1", &peer));
    ck_assert(!read_peer("X-Forwarded-For", "localhost", &peer));
    ck_assert(!read_peer("X-Forwarded-For", "", &peer));
}
END_TEST

START_TEST(the_proxy_says_whether_there_is_tls)
{
    struct peer peer;
    ck_assert(read_peer("X-Forwarded-Proto", "https", &peer));
    ck_assert(peer.is_https);
    ck_assert(read_peer("X-Forwarded-Proto", "http", &peer));
    ck_assert(!peer.is_https);
    ck_assert(read_peer("Accept", "*/*", &peer));
    ck_assert(!peer.is_https);
    ck_assert(!read_peer("X-Forwarded-Proto", "HTTPS", &peer));
    ck_assert(!read_peer("X-Forwarded-Proto", "https, http", &peer));
    ck_assert(!read_peer("X-Forwarded-Proto", "", &peer));
}
END_TEST

START_TEST(a_certificate_is_its_hash)
{
    static const char hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct peer peer;
    ck_assert(read_peer("X-Client-Cert-Sha256", hash, &peer));
    ck_assert_str_eq(peer.certificate, hash);
    ck_assert(!read_peer("X-Client-Cert-Sha256", hash + 1, &peer));
    ck_assert(!read_peer("X-Client-Cert-Subject", "/CN=a\x01", &peer));
    ck_assert(read_peer("X-Client-Cert-Subject", "/CN=gpu-0001", &peer));
    ck_assert_str_eq(peer.subject, "/CN=gpu-0001");
}
END_TEST

START_TEST(two_values_of_the_proxy_are_none)
{
    struct err err = {0};
    struct peer peer;
    const struct screen_header headers[] = {{"X-Forwarded-For", "203.0.113.7"}, {"x-forwarded-for", "203.0.113.7"}};
    ck_assert_int_eq(peer_of_proxy(headers, 2, &peer, &err), ERR_MALFORMED);
}
END_TEST

START_TEST(one_customers_ipv6_network_is_one_address)
{
    struct peer peer;
    char network[INET6_ADDRSTRLEN];
    ck_assert(read_peer("X-Forwarded-For", "2001:db8:1:2:3:4:5:6", &peer));
    peer_network(&peer, network);
    ck_assert_str_eq(network, "2001:db8:1:2::");
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    peer_of_socket((const struct sockaddr *)&v4, &peer);
    peer_network(&peer, network);
    ck_assert_str_eq(network, "127.0.0.1");
}
END_TEST

/* ---- Buckets ---- */

static struct rate_limits *limits_of(int64_t per_s, int64_t burst_s)
{
    const int64_t all[RATE_CLASS_COUNT] = {[RATE_READ] = per_s, [RATE_WRITE] = per_s};
    return rate_limits_new(all, burst_s);
}

START_TEST(a_full_bucket_gives_its_burst_and_then_its_rate)
{
    struct rate_limits *limits = limits_of(10, 3);
    struct rate_left left;
    int64_t now_us = 5 * SECOND_US;
    for (int i = 0; i < 30; i++) {
        ck_assert(rate_take(limits, RATE_READ, "a", now_us, &left));
        ck_assert_int_eq(left.requests, 29 - i);
    }
    ck_assert_str_eq(left.policy, "\"read\";q=30;w=3");
    char text[RATE_FIELD_SIZE];
    rate_print(&left, text);
    ck_assert_str_eq(text, "\"read\";r=0;t=3");
    ck_assert(!rate_has(limits, RATE_READ, "a", now_us));
    ck_assert(!rate_take(limits, RATE_READ, "a", now_us + 99999, &left));
    ck_assert(rate_take(limits, RATE_READ, "a", now_us + 100000, &left));
    ck_assert(!rate_take(limits, RATE_READ, "a", now_us + 100000, &left));
    rate_limits_free(limits);
}
END_TEST

START_TEST(callers_and_classes_do_not_pay_for_each_other)
{
    struct rate_limits *limits = limits_of(1, 1);
    struct rate_left left;
    ck_assert(rate_take(limits, RATE_READ, "a", SECOND_US, &left));
    ck_assert(!rate_take(limits, RATE_READ, "a", SECOND_US, &left));
    ck_assert(rate_take(limits, RATE_WRITE, "a", SECOND_US, &left));
    ck_assert(rate_take(limits, RATE_READ, "b", SECOND_US, &left));
    ck_assert(rate_take(limits, RATE_REPORT, "a", SECOND_US, &left)); /* 0: no limit */
    ck_assert_ptr_null(left.policy);
    rate_limits_free(limits);
}
END_TEST

/* The oracle is a bucket as one draws it: so many tokens, refilled in whole microseconds. */
START_TEST(whatever_comes_no_more_gets_through_than_a_bucket_holds)
{
    struct property cases = property_begin("whatever_comes_no_more_gets_through_than_a_bucket_holds");
    for (int round = 0; round < 200; round++) {
        int64_t per_s = INT64_C(1) << property_between(&cases, 0, 7), burst_s = property_between(&cases, 1, 5);
        struct rate_limits *limits = limits_of(per_s, burst_s);
        int64_t each_ns = 1000000000 / per_s, whole_ns = each_ns * per_s * burst_s, held_ns = whole_ns;
        int64_t now_us = SECOND_US;
        for (int i = 0; i < 500; i++) {
            int64_t pause_us = property_between(&cases, 0, 2 * SECOND_US / per_s);
            now_us += pause_us;
            held_ns = held_ns + 1000 * pause_us > whole_ns ? whole_ns : held_ns + 1000 * pause_us;
            struct rate_left left;
            bool may = held_ns >= each_ns;
            ck_assert_int_eq(rate_take(limits, RATE_WRITE, "tenant", now_us, &left), may);
            held_ns -= may ? each_ns : 0;
            ck_assert_int_eq(left.requests, held_ns / each_ns);
        }
        rate_limits_free(limits);
    }
}
END_TEST

START_TEST(more_callers_than_there_are_places_are_forgiven)
{
    struct rate_limits *limits = limits_of(1, 1);
    struct rate_left left;
    for (int i = 0; i < 100000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "caller-%d", i);
        ck_assert(rate_take(limits, RATE_READ, key, SECOND_US, &left));
    }
    rate_limits_free(limits);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("api_door");
    TCase *tests = tcase_create("door");
    tcase_add_test(tests, a_target_that_is_read_in_two_ways_is_refused);
    tcase_add_test(tests, an_address_has_one_spelling);
    tcase_add_test(tests, the_proxy_says_whether_there_is_tls);
    tcase_add_test(tests, a_certificate_is_its_hash);
    tcase_add_test(tests, two_values_of_the_proxy_are_none);
    tcase_add_test(tests, one_customers_ipv6_network_is_one_address);
    tcase_add_test(tests, a_full_bucket_gives_its_burst_and_then_its_rate);
    tcase_add_test(tests, callers_and_classes_do_not_pay_for_each_other);
    tcase_add_test(tests, whatever_comes_no_more_gets_through_than_a_bucket_holds);
    tcase_add_test(tests, more_callers_than_there_are_places_are_forgiven);
    suite_add_tcase(suite, tests);
    return suite;
}
