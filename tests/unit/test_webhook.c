/* What webhooks promise: they reach public addresses only, their URLs are what libcurl takes for one, their secrets are
 * kept sealed and sign as Standard Webhooks says, and they try again ever later. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outgoing/address.h"
#include "api/outgoing/sender.h"
#include "api/outgoing/target.h"
#include "api/webhook/backoff.h"
#include "api/webhook/secret.h"
#include "common/base64.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define WEBHOOK "018f0000-0000-7000-8000-000000000001"

/* libcurl's struct ends in a sockaddr that is as long as its family wants. */
union roomy {
    struct curl_sockaddr address;
    uint8_t room[sizeof(struct curl_sockaddr) + sizeof(struct sockaddr_in6)];
};

static union roomy address_of(const char *text)
{
    union roomy made = {.address = {.socktype = SOCK_STREAM}};
    made.address.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    made.address.addr.sa_family = (sa_family_t)made.address.family;
    size_t place = offsetof(struct curl_sockaddr, addr) + (made.address.family == AF_INET6
                                                               ? offsetof(struct sockaddr_in6, sin6_addr)
                                                               : offsetof(struct sockaddr_in, sin_addr));
    ck_assert_int_eq(inet_pton(made.address.family, text, made.room + place), 1);
    return made;
}

static const char *const private_addresses[] = {"0.0.0.0",
                                                "0.255.255.255",
                                                "10.0.0.0",
                                                "10.255.255.255",
                                                "100.64.0.0",
                                                "100.127.255.255",
                                                "127.0.0.1",
                                                "127.255.255.255",
                                                "169.254.169.254",
                                                "172.16.0.0",
                                                "172.31.255.255",
                                                "192.0.0.8",
                                                "192.0.2.1",
                                                "192.88.99.1",
                                                "192.168.0.0",
                                                "192.168.255.255",
                                                "198.18.0.0",
                                                "198.19.255.255",
                                                "198.51.100.7",
                                                "203.0.113.7",
                                                "224.0.0.1",
                                                "239.255.255.255",
                                                "240.0.0.1",
                                                "255.255.255.255",
                                                "::",
                                                "::1",
                                                "fc00::1",
                                                "fd00:ec2::254",
                                                "fe80::1",
                                                "ff02::1",
                                                "::ffff:10.0.0.1",
                                                "::ffff:127.0.0.1",
                                                "::ffff:169.254.169.254",
                                                "::127.0.0.1",
                                                "64:ff9b::10.0.0.1",
                                                "64:ff9b:1::1",
                                                "2001::1",
                                                "2001:db8::1",
                                                "2002:7f00:1::",
                                                "3fff::1",
                                                "5f00::1",
                                                "100::1",
                                                "4000::1"};
static const char *const public_addresses[] = {"1.1.1.1",          "8.8.8.8",
                                               "9.255.255.255",    "11.0.0.0",
                                               "100.63.255.255",   "100.128.0.0",
                                               "126.255.255.255",  "128.0.0.1",
                                               "169.253.255.255",  "169.255.0.0",
                                               "172.15.255.255",   "172.32.0.0",
                                               "192.167.255.255",  "192.169.0.0",
                                               "198.17.255.255",   "198.20.0.0",
                                               "223.255.255.255",  "2606:4700::1111",
                                               "2a00:1450::1",     "::ffff:8.8.8.8",
                                               "64:ff9b::8.8.8.8", "2001:4860:4860::8888"};

START_TEST(only_public_addresses_are_connected_to)
{
    for (size_t i = 0; i < COUNT_OF(private_addresses); i++) {
        union roomy made = address_of(private_addresses[i]);
        struct sender_gate gate = {0};
        ck_assert_msg(!address_is_public(&made.address.addr), "%s", private_addresses[i]);
        ck_assert(sender_open_socket(&gate, CURLSOCKTYPE_IPCXN, &made.address) == CURL_SOCKET_BAD);
        ck_assert(gate.has_refused);
    }
    for (size_t i = 0; i < COUNT_OF(public_addresses); i++) {
        union roomy made = address_of(public_addresses[i]);
        ck_assert_msg(address_is_public(&made.address.addr), "%s", public_addresses[i]);
    }
    const struct sockaddr local = {.sa_family = AF_UNIX};
    ck_assert(!address_is_public(&local));
}
END_TEST

struct outcome {
    int count, status;
    char error[256];
};

static void note(void *context, int status, const char *error, const char *snippet)
{
    struct outcome *outcome = context;
    (void)snippet;
    outcome->count++;
    outcome->status = status;
    (void)snprintf(outcome->error, sizeof outcome->error, "%s", error == NULL ? "" : error);
}

/* A name may resolve to anything, and to something else a moment later: what counts is the address of the socket. */
START_TEST(a_name_that_resolves_to_a_private_address_is_refused)
{
    static const char *const urls[] = {"https://localhost:1/", "https://ip6-localhost:1/", "https://127.1:1/",
                                       "https://[::1]:1/"};
    struct sender *sender =
        sender_new(&(struct sender_options){.rules = {.allows_http = false, .allows_private = false},
                                            .user_agent = "x",
                                            .timeout_ms = 5000,
                                            .ended = note});
    int never = eventfd(0, EFD_CLOEXEC);
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct outcome outcome = {0};
        const struct sender_request request = {
            .url = urls[i], .headers = (const char *const[]){NULL}, .content_type = "application/json", .body = "{}"};
        sender_start(sender, &request, &outcome);
        for (int round = 0; round < 200 && outcome.count == 0; round++)
            sender_poll(sender, never, 50);
        ck_assert_int_eq(outcome.count, 1);
        ck_assert_int_eq(outcome.status, 0);
        bool has_none = strstr(outcome.error, "resolve") != NULL; /* a machine without that name */
        ck_assert_msg(has_none || strcmp(outcome.error, "the host's address is not a public one") == 0, "%s: %s",
                      urls[i], outcome.error);
    }
    (void)close(never);
    sender_free(sender);
}
END_TEST

START_TEST(a_url_leads_to_a_public_https_server)
{
    const struct target_rules strict = {0}, loose = {.allows_http = true, .allows_private = true};
    static const char *const good[] = {"https://example.com",
                                       "https://example.com:8443/a/b?c=d",
                                       "https://8.8.8.8/",
                                       "https://[2606:4700::1111]/",
                                       "HTTPS://EXAMPLE.COM/",
                                       "https://example.com./",
                                       "https://my_hooks.xn--mnchen-3ya.de/",
                                       "https://localhost.example.com/",
                                       "https://mylocal.net/",
                                       "https://0x7f.example.com/"};
    static const char *const loosely[] = {"http://example.com/", "https://127.0.0.1/",     "http://10.0.0.1:80/",
                                          "https://[::1]/",      "http://localhost:8080/", "https://hooks.internal/"};
    static const char *const never[] = {"",
                                        "example.com",
                                        "/hooks",
                                        "ftp://example.com/",
                                        "file:///etc/passwd",
                                        "https://",
                                        "https://user@example.com/",
                                        "https://user:pass@example.com/",
                                        "https://example.com/#x",
                                        "https://example.com:99999/",
                                        "https://exa mple.com/",
                                        "gopher://example.com/",
                                        "unix:/run/x",
                                        "javascript:alert(1)"};
    static const char *const in_disguise[] = {"https://2130706433/",        "https://0x7f.1/",
                                              "https://0177.0.0.1/",        "https://127.1/",
                                              "https://[::ffff:10.0.0.1]/", "https://[fe80::1%25eth0]/",
                                              "https://169.254.169.254/",   "https://017700000001/",
                                              "https://0X7F000001/",        "https://127.0.0.1:443/",
                                              "https://%31%32%37.0.0.1/",   "https://[::ffff:a9fe:a9fe]/",
                                              "https://[64:ff9b::7f00:1]/", "https://localhost/",
                                              "https://LocalHost.:8443/",   "https://%6cocalhost/",
                                              "https://a.localhost/",       "https://printer.local/",
                                              "https://db.prod.internal./", "https://router.home.arpa/",
                                              "https://intranet/",          "https://hooks.test/"};
    /* Some read an address here, some a name, and nobody has it. */
    static const char *const no_hosts[] = {
        "https://127.0.0.1./",     "https://0x7f.1./",    "https://4294967296/",    "https://1.2.3.4.5/",
        "https://example.0x1/",    "https://example.08/", "https://example.com:0/", "https://example.com:00/x",
        "https://a..example.com/", "https://./",          "https://.example.com/",  "https://ｌｏｃａｌｈｏｓｔ/",
        "https://127。0。0。1/"};
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        ck_assert_msg(target_check(good[i], &strict, &err) == ERR_NONE, "%s: %s", good[i], err.text);
    for (size_t i = 0; i < COUNT_OF(loosely); i++) {
        ck_assert_msg(target_check(loosely[i], &strict, &err) == ERR_INVALID, "%s", loosely[i]);
        ck_assert_msg(target_check(loosely[i], &loose, &err) == ERR_NONE, "%s: %s", loosely[i], err.text);
    }
    for (size_t i = 0; i < COUNT_OF(never); i++)
        ck_assert_msg(target_check(never[i], &loose, &err) == ERR_INVALID, "%s", never[i]);
    for (size_t i = 0; i < COUNT_OF(in_disguise); i++)
        ck_assert_msg(target_check(in_disguise[i], &strict, &err) == ERR_INVALID, "%s", in_disguise[i]);
    for (size_t i = 0; i < COUNT_OF(no_hosts); i++)
        ck_assert_msg(target_check(no_hosts[i], &loose, &err) == ERR_INVALID, "%s", no_hosts[i]);
}
END_TEST

/* The vector of the specification's own libraries. */
START_TEST(signatures_are_those_of_standard_webhooks)
{
    char signature[SIGNATURE_TEXT_SIZE];
    secret_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                "{\"test\": 2432232314}", signature);
    ck_assert_str_eq(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}
END_TEST

static struct secret_keys *keys_of(const char *lines, mode_t mode, struct err *err)
{
    char path[] = "/tmp/sluice-keys-XXXXXX";
    int file = mkstemp(path);
    ck_assert(file >= 0 && write(file, lines, strlen(lines)) == (ssize_t)strlen(lines) && fchmod(file, mode) == 0);
    struct secret_keys *keys = NULL;
    enum err_kind kind = secret_keys_load(path, &keys, err);
    (void)close(file);
    (void)unlink(path);
    ck_assert_int_eq(kind == ERR_NONE, keys != NULL);
    return keys;
}

#define OLD "2025 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define NEW "2026 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"

START_TEST(a_secret_is_opened_by_its_key_and_for_its_webhook_only)
{
    struct err err = {0};
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    CLEANUP(secret_keys_freep) struct secret_keys *old = keys_of(OLD, 0600, &err);
    CLEANUP(secret_keys_freep) struct secret_keys *both = keys_of(NEW OLD, 0600, &err);
    CLEANUP(secret_keys_freep) struct secret_keys *new = keys_of(NEW, 0600, &err);
    char secret[SECRET_TEXT_SIZE], again[SECRET_TEXT_SIZE];
    secret_make(secret);
    ck_assert(secret_is_valid(secret));
    const char *sealed = secret_seal(old, arena, WEBHOOK, secret);
    ck_assert(strstr(sealed, secret + 6) == NULL && strncmp(sealed, "2025:", 5) == 0);
    ck_assert_str_ne(sealed, secret_seal(old, arena, WEBHOOK, secret));
    ck_assert_int_eq(secret_open(both, WEBHOOK, sealed, again, &err), ERR_NONE);
    ck_assert_str_eq(secret, again);
    ck_assert_str_eq(secret_keys_first(both), "2026");
    ck_assert_int_eq(secret_open(new, WEBHOOK, sealed, again, &err), ERR_INTERNAL);
    ck_assert_int_eq(secret_open(old, "018f0000-0000-7000-8000-000000000002", sealed, again, &err), ERR_INTERNAL);
    char *damaged = arena_text(arena, sealed);
    damaged[20] = damaged[20] == 'A' ? 'B' : 'A';
    ck_assert_int_eq(secret_open(old, WEBHOOK, damaged, again, &err), ERR_INTERNAL);
}
END_TEST

START_TEST(a_key_file_that_is_none_is_refused)
{
    static const char *const bad[] = {
        "", "\n", "2025\n", "2025 short=\n", "a:b AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", OLD "x\n"};
    struct err err = {0};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        ck_assert_msg(keys_of(bad[i], 0600, &err) == NULL, "%zu", i);
    ck_assert_ptr_null(keys_of(OLD, 0640, &err));
    ck_assert_int_eq(err.kind, ERR_PRECONDITION);
}
END_TEST

START_TEST(secrets_of_another_form_are_refused)
{
    static const char *const bad[] = {"",
                                      "whsec_",
                                      "whsec_AAAA",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                                      "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "whsec_!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        ck_assert_msg(!secret_is_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(base64_is_read_as_it_is_written_and_no_other_text)
{
    struct property random = property_begin("base64_is_read_as_it_is_written_and_no_other_text");
    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[70], again[70];
        char text[BASE64_TEXT_SIZE(70)];
        size_t size = (size_t)property_between(&random, 0, 70), read = 0;
        for (size_t place = 0; place < size; place++)
            bytes[place] = (uint8_t)property_next(&random);
        base64_print(bytes, size, text);
        ck_assert(base64_read(text, again, sizeof again, &read));
        ck_assert(read == size && memcmp(bytes, again, size) == 0);
        ck_assert(size == 0 || !base64_read(text, again, size - 1, &read));
        if (text[0] != '\0') {
            text[property_between(&random, 0, (int64_t)strlen(text) - 1)] = '*';
            ck_assert(!base64_read(text, again, sizeof again, &read));
        }
    }
}
END_TEST

START_TEST(each_wait_is_longer_and_none_is_longer_than_six_hours)
{
    struct property random = property_begin("each_wait_is_longer_and_none_is_longer_than_six_hours");
    for (int64_t attempts = 1; attempts < 100; attempts++) {
        uint64_t chance = property_next(&random);
        int64_t wait_ms = backoff_ms(attempts, 5000, chance);
        int64_t full_ms = attempts < 14 ? 5000 << (attempts - 1) : BACKOFF_MAX_MS;
        ck_assert_int_ge(wait_ms, full_ms / 2);
        ck_assert_int_le(wait_ms, full_ms);
    }
    ck_assert_int_ge(backoff_ms(1, 1, UINT64_MAX), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("webhook");
    TCase *promises = tcase_create("promises");
    tcase_set_timeout(promises, 60);
    tcase_add_test(promises, only_public_addresses_are_connected_to);
    tcase_add_test(promises, a_name_that_resolves_to_a_private_address_is_refused);
    tcase_add_test(promises, a_url_leads_to_a_public_https_server);
    tcase_add_test(promises, signatures_are_those_of_standard_webhooks);
    tcase_add_test(promises, a_secret_is_opened_by_its_key_and_for_its_webhook_only);
    tcase_add_test(promises, a_key_file_that_is_none_is_refused);
    tcase_add_test(promises, secrets_of_another_form_are_refused);
    tcase_add_test(promises, base64_is_read_as_it_is_written_and_no_other_text);
    tcase_add_test(promises, each_wait_is_longer_and_none_is_longer_than_six_hours);
    suite_add_tcase(suite, promises);
    return suite;
}
