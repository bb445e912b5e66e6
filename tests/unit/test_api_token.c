/* Tokens as text: what is printed is read back, and a typo is found without a database. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/role.h"
#include "api/auth/token.h"
#include "tests/unit/suite.h"

#include <string.h>

START_TEST(a_token_survives_being_written_and_read)
{
    static const enum token_kind kinds[] = {TOKEN_TENANTS, TOKEN_PROVIDERS, TOKEN_SESSIONS};
    for (int i = 0; i < 200; i++) {
        struct token made, read;
        char text[TOKEN_TEXT_SIZE];
        token_make(kinds[i % 3], &made);
        token_print(&made, text);
        ck_assert_int_eq(token_parse(text, &read, NULL), ERR_NONE);
        ck_assert_int_eq(read.kind, made.kind);
        ck_assert_mem_eq(&read.id, &made.id, sizeof made.id);
        ck_assert_mem_eq(read.secret, made.secret, sizeof made.secret);
    }
}
END_TEST

START_TEST(every_single_typo_is_found_offline)
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    struct token made, read;
    char text[TOKEN_TEXT_SIZE];
    token_make(TOKEN_TENANTS, &made);
    token_print(&made, text);
    for (size_t i = 0; i < strlen(text); i++) {
        char kept = text[i];
        text[i] = alphabet[(size_t)(strchr(alphabet, kept) == NULL ? 0 : strchr(alphabet, kept) - alphabet + 1) % 32];
        if (text[i] != kept)
            ck_assert_int_eq(token_parse(text, &read, NULL), ERR_UNAUTHENTICATED);
        text[i] = kept;
    }
    ck_assert_int_eq(token_parse(text, &read, NULL), ERR_NONE);
}
END_TEST

START_TEST(what_is_no_token_is_refused)
{
    static const char *const texts[] = {"", "slu_", "slu_u_", "Bearer x", "slu_x_01m83t5kfxenyahk6jtzc52xes_0"};
    struct token read;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        ck_assert_int_eq(token_parse(texts[i], &read, NULL), ERR_UNAUTHENTICATED);
}
END_TEST

START_TEST(a_token_has_one_text)
{
    /* With fitting checksums: bits behind the secret, and an identifier in capitals. */
    static const char *const texts[] = {
        "slu_u_01jrzm4zzz7zzz8zzzzzzzzzzz_00000000000000000000000000000000000000000000000000013yddqv2",
        "slu_u_01JRZM4ZZZ7ZZZ8ZZZZZZZZZZZ_00000000000000000000000000000000000000000000000000002wa9zay",
    };
    struct token read;
    ck_assert_int_eq(
        token_parse("slu_u_01jrzm4zzz7zzz8zzzzzzzzzzz_000000000000000000000000000000000000000000000000000007btq31",
                    &read, NULL),
        ERR_NONE);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        ck_assert_int_eq(token_parse(texts[i], &read, NULL), ERR_UNAUTHENTICATED);
}
END_TEST

START_TEST(two_tokens_have_different_hashes)
{
    struct token a, b;
    uint8_t hash_a[TOKEN_HASH_SIZE], again[TOKEN_HASH_SIZE], hash_b[TOKEN_HASH_SIZE];
    token_make(TOKEN_TENANTS, &a);
    token_make(TOKEN_TENANTS, &b);
    token_hash(&a, hash_a);
    token_hash(&a, again);
    token_hash(&b, hash_b);
    ck_assert(token_hash_equal(hash_a, again));
    ck_assert(!token_hash_equal(hash_a, hash_b));
}
END_TEST

START_TEST(every_role_has_a_text_of_its_own)
{
    for (unsigned bit = 0; bit < 9; bit++) {
        enum role role = (enum role)(1U << bit);
        ck_assert_int_eq(role_from_text(role_text(role)), role);
    }
    ck_assert_int_eq(role_from_text("root"), 0);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("api_token");
    TCase *tests = tcase_create("token");
    tcase_add_test(tests, a_token_survives_being_written_and_read);
    tcase_add_test(tests, every_single_typo_is_found_offline);
    tcase_add_test(tests, what_is_no_token_is_refused);
    tcase_add_test(tests, a_token_has_one_text);
    tcase_add_test(tests, two_tokens_have_different_hashes);
    tcase_add_test(tests, every_role_has_a_text_of_its_own);
    suite_add_tcase(suite, tests);
    return suite;
}
