/* Public keys: those of ssh-keygen are taken, with its fingerprints; one that differs by a bit where it matters is not.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/ssh_key.h"
#include "common/cleanup.h"
#include "tests/unit/suite.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

// clang-format off
static const char ed25519[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 ana@acme";
static const char rsa_2048[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDdR+Nvi+HbtBnBjTfBckLXUsy3DXch06PgspQN44ApaVqlwlwpHRjga8jw"
    "ATmTlbiqHYMvCvXQU+mfztfoO2I/rVO2w4q44MLCnGHKEmZzeT5OMqwCa82jgSg1ISzA1Xzk/395auTqpn4rBw03ubT6+LAc"
    "dWHLZ4w+1hlqANZQZpEzfui6I2fGbPnnT+rHNkpAZ0K/ABsKMrad0QcmRoUwYwcOYj7A38s7sZJnjpd9DGfIzxVMsM7znYCH"
    "Dx8TsCb3viqvdot4hPy+zP6JSdksVS6XsOJmgWQ9gpbHwsMgCX9Nw8gR9OCT3v7jlV3xJj5IZQ1I97AsVakFxKKai8RP ana"
    "@acme";
static const char nistp256[] =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHG6/N1waf/WjieCvsCJRttw"
    "8ps/o/+63nRsrRs+zCSlFxk4mTuDAb+8LdI3OvPC+wjcEdVHUKieDJNhG6XnJCc= ana@acme";
static const char nistp384[] =
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBNcNaDloUqpnGE8v5KqtYaO2"
    "wbJ7EC6UU11JQzSn6H+yZa5cHmBETYBR5AFlLd3J8pUtSMBMVnMYArnh7tZdJ19hOrz4v36pnZKtmrEhMkr9Lot1niMSzedN"
    "Dsu9Cr7gog== ana@acme";
static const char nistp521[] =
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAD1li+BFWby/y96qpt/jAKT"
    "cpxghpL8vq12u+1dDlwlgdNbCxr3sOcJKVYrBr1c4nygH1FkQDUVyyIF5IGno4D5PADijx01rfZggyoAJ/jsm1psliePwIrW"
    "ZkXyuyTMAQfFhqVFv/SMs+sd+fZ2Jw9fLVw0Qc5XE5H1gD/EM8AsqKM1gQ== ana@acme";
static const char sk_ed25519[] =
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAbxtRHhZwWzpfHPcT8rmQIS3"
    "TC4EnITgX5Qj71ad0+6AAAABHNzaDo= key@desk";
static const char sk_nistp256[] =
    "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzd"
    "HAyNTYAAABBBHG6/N1waf/WjieCvsCJRttw8ps/o/+63nRsrRs+zCSlFxk4mTuDAb+8LdI3OvPC+wjcEdVHUKieDJNhG6XnJ"
    "CcAAAAEc3NoOg== key@desk";
static const char rsa_1024[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCpkSz7Yqxgc4zhjwaOZjEWl14B2IGmzPqp2l59icY/m/FOi+GStXvKh37P"
    "Kjj9V77MGdmOHbQWGgKI+IDXRfUmxt2TEkMFHmzbc3FWMBXrspoExiMlHnHESGP1OvrZKOc6mubTyWkUWf/FlV/eKqj0Kdnl"
    "HkYqhJaUpmc2tjSjWQ== ana@acme";
static const char dsa[] =
    "ssh-dss AAAAB3NzaC1kc3MAAACBAO/DBXVldyetzdvKMz0BvHtolH7D0Dr++3XbLzQRjcoPk7MT538BaFYWINgcMgbHeWSx"
    "bYA8Itz0/6zL8bIa+REil3jTJ0YRXUbBhAkCtHlmFMsxceFTWXFmL7k+OlUQ0512n5RRMXklfH0NArIxK23jJm9mfiHGU/xB"
    "C/HQS8A3AAAAFQCYNBfA+Qn8C1xXtukwXFGP6xA2bwAAAIEAv1WwiNAK3dNljIE+BCE1f+JM1N3Gg0KlQgtjrO0gq7U46IXH"
    "Fw5R3z+cmKadmJp3NebBVHsxmZ2i67C1od1Jd9zg/d9h1Hv6lhqB8c0AqaaWLhvjLNBfTee8c3v0uwa1O8sINk2iARxn2MPT"
    "bRUwyQjtePWsuwg72fAS8J/XqUsAAACAXUWEh5ilagBg5dxztU+BjkQvvX7yuM4Bd6SBjZBUFjpZBeputYxutsLmXtmdRTCX"
    "pQ0IkbW1K3KzmIvMY5JHSm0e4Hs8Cqv/tQ1wNADogGZFimFUkw42WfMz6+3hIstNWQd3mkKLBgGn2fZGO6XenXYug4M26PUM"
    "d3TI6opxGqw= ana@acme";

static const struct good {
    const char *text, *type;
    int bits;
    const char *fingerprint; /* as ssh-keygen -l prints it */
} good[] = {
    {ed25519, "ssh-ed25519", 256, "SHA256:EyAnmuIpVHhgsQMlSeayRHFdKC9eGAQnyMmReP6kkq0"},
    {rsa_2048, "ssh-rsa", 2048, "SHA256:/fxcICp2+lJQeirXF2lwQlC+exDMJitJzzCvGvpw7fQ"},
    {nistp256, "ecdsa-sha2-nistp256", 256, "SHA256:UET/0AmfocBk5O5P3mElmuDiwPWjwfWrD8rcDOo7FCI"},
    {nistp384, "ecdsa-sha2-nistp384", 384, "SHA256:zJVubqMqKL8srL+36sf/530SuThcTu1W/j9BM60EyqQ"},
    {nistp521, "ecdsa-sha2-nistp521", 521, "SHA256:gZ3ml3uS4wlT04PRs1BWP6qjCB9/4NuaRHBHsrrBrdg"},
    {sk_ed25519, "sk-ssh-ed25519@openssh.com", 256, "SHA256:0/wGJKLgcU8ePlaMYoduMCqgfxVRrxPET8F4ZTRRIrA"},
    {sk_nistp256, "sk-ecdsa-sha2-nistp256@openssh.com", 256, "SHA256:M+SJXVKUeErFwtpAAtVo+derliZHX/EMEEqG6c76fZ8"},
};
// clang-format on

static bool is_taken(const char *text)
{
    struct ssh_key key = {0};
    struct err err = {0};
    enum err_kind kind = ssh_key_parse(text, &key, &err);
    ck_assert(kind == ERR_NONE || (kind == ERR_INVALID && err.text[0] != '\0'));
    return kind == ERR_NONE;
}

START_TEST(a_key_of_ssh_keygen_has_its_fingerprint)
{
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct ssh_key key = {0};
        struct err err = {0};
        ck_assert_msg(ssh_key_parse(good[i].text, &key, &err) == ERR_NONE, "%s: %s", good[i].type, err.text);
        ck_assert_str_eq(key.type, good[i].type);
        ck_assert_int_eq(key.bits, good[i].bits);
        ck_assert_str_eq(key.fingerprint, good[i].fingerprint);
    }
}
END_TEST

START_TEST(the_comment_is_free)
{
    char text[1024];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int bare = (int)(strchr(strchr(good[i].text, ' ') + 1, ' ') - good[i].text);
        (void)snprintf(text, sizeof text, "%.*s", bare, good[i].text);
        ck_assert(is_taken(text));
        (void)snprintf(text, sizeof text, "%.*s ana  of=\"acme\"", bare, good[i].text);
        ck_assert(is_taken(text));
    }
}
END_TEST

START_TEST(what_openssh_no_longer_takes_is_refused)
{
    ck_assert(!is_taken(dsa));
    struct ssh_key key = {0};
    struct err err = {0};
    ck_assert(ssh_key_parse(rsa_1024, &key, &err) == ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "1024 bits is too weak"));
}
END_TEST

START_TEST(what_is_no_public_key_is_refused)
{
    static const char *const wrong[] = {"",
                                        " ",
                                        "ssh-ed25519",
                                        "ssh-ed25519 ",
                                        "ssh-ed25519 AAAA",
                                        "ssh-ed25519 ====",
                                        "-----BEGIN OPENSSH PRIVATE KEY-----",
                                        "hello world"};
    char text[1024];
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        ck_assert(!is_taken(wrong[i]));
    (void)snprintf(text, sizeof text, "command=\"sh\" %s", ed25519);
    ck_assert(!is_taken(text));
    (void)snprintf(text, sizeof text, " %s", ed25519);
    ck_assert(!is_taken(text));
    (void)snprintf(text, sizeof text, "ssh-rsa%s", strchr(ed25519, ' ')); /* the name and the blob differ */
    ck_assert(!is_taken(text));
}
END_TEST

/* The blob with one byte changed, or cut, or with one byte too many. */
static size_t blob_of(const char *text, uint8_t *ret)
{
    const char *base64 = strchr(text, ' ') + 1;
    size_t length = strcspn(base64, " ");
    int decoded = EVP_DecodeBlock(ret, (const unsigned char *)base64, (int)length);
    return (size_t)decoded - (base64[length - 1] == '=') - (base64[length - 2] == '=');
}

static bool is_blob_taken(const char *type, const uint8_t *blob, size_t length)
{
    char base64[2048], text[2200];
    (void)EVP_EncodeBlock((unsigned char *)base64, blob, (int)length);
    (void)snprintf(text, sizeof text, "%s %s", type, base64);
    return is_taken(text);
}

START_TEST(a_blob_is_taken_whole_or_not_at_all)
{
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        uint8_t blob[1024] = {0};
        size_t length = blob_of(good[i].text, blob);
        ck_assert(is_blob_taken(good[i].type, blob, length));
        for (size_t cut = 0; cut < length; cut++)
            ck_assert(!is_blob_taken(good[i].type, blob, cut));
        ck_assert(!is_blob_taken(good[i].type, blob, length + 1));
    }
}
END_TEST

START_TEST(a_point_lies_on_its_curve)
{
    static const char *const curves[] = {nistp256, nistp384, nistp521, sk_nistp256};
    for (size_t i = 0; i < COUNT_OF(curves); i++) {
        uint8_t blob[1024] = {0};
        size_t length = blob_of(curves[i], blob);
        char type[64] = "";
        memcpy(type, curves[i], strcspn(curves[i], " "));
        size_t in_point =
            length - (strncmp(type, "sk-", 3) == 0 ? 12 : 1); /* behind it stands "ssh:" with its length */
        for (int bit = 0; bit < 8; bit++) {
            blob[in_point] ^= (uint8_t)(1 << bit);
            ck_assert(!is_blob_taken(type, blob, length));
            blob[in_point] ^= (uint8_t)(1 << bit);
        }
    }
}
END_TEST

START_TEST(base64_has_one_spelling)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "%s", nistp256);
    char *last = strchr(text, '=') - 1; /* of its six bits two are over: zeros */
    ck_assert_int_eq(*last, 'c');
    *last = 'd';
    ck_assert(!is_taken(text));
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("ssh_key");
    TCase *cases = tcase_create("ssh_key");
    tcase_add_test(cases, a_key_of_ssh_keygen_has_its_fingerprint);
    tcase_add_test(cases, the_comment_is_free);
    tcase_add_test(cases, what_openssh_no_longer_takes_is_refused);
    tcase_add_test(cases, what_is_no_public_key_is_refused);
    tcase_add_test(cases, a_blob_is_taken_whole_or_not_at_all);
    tcase_add_test(cases, a_point_lies_on_its_curve);
    tcase_add_test(cases, base64_has_one_spelling);
    suite_add_tcase(suite, cases);
    return suite;
}
