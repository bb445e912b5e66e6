/* Roles that cover roles, and scopes that cover scopes: what a token may do is never more than what it was made from.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/role.h"
#include "api/auth/scope.h"
#include "api/server/route.h"
#include "common/cleanup.h"
#include "tests/unit/suite.h"

#include <string.h>

static const struct resource zones = {.name = "zones"}, tokens = {.name = "tokens"}, more_zones = {.name = "zones"},
                             keys = {.name = "ssh-keys"};
static const struct resource *const resources[] = {&zones, &tokens, &more_zones, &keys, NULL};

static struct scopes scopes_of(const char *texts)
{
    struct scopes scopes;
    scopes_read(&scopes, resources, texts);
    return scopes;
}

START_TEST(a_role_of_a_token_is_its_principals_or_less)
{
    static const struct {
        const char *principal, *token, *effective;
    } rows[] = {
        {"admin", "viewer", "viewer"},      {"admin", "billing", "billing"},
        {"admin", "admin", "admin"},        {"member", "admin", "member"},
        {"member", "viewer", "viewer"},     {"viewer", "member", "viewer"},
        {"billing", "viewer", NULL},        {"operator", "finance", NULL},
        {"system_admin", "agent", "agent"}, {"operator", "system_admin", "operator"},
        {"member", "billing", NULL},        {"auditor", "operator", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum role effective = role_of_token(role_from_text(rows[i].principal), role_from_text(rows[i].token));
        enum role wanted = rows[i].effective == NULL ? (enum role)0 : role_from_text(rows[i].effective);
        ck_assert_int_eq(effective, wanted);
    }
}
END_TEST

START_TEST(no_role_of_a_tenant_covers_one_of_the_provider)
{
    for (unsigned bit = 0; bit < 9; bit++) {
        for (unsigned other = 0; other < 9; other++) {
            enum role role = (enum role)(1U << bit), covered = (enum role)(1U << other);
            ck_assert(role_is_tenants(role) == role_is_tenants(covered) || !role_covers(role, covered));
        }
    }
}
END_TEST

START_TEST(write_includes_read_and_a_tag_is_one_whatever_its_files)
{
    struct scopes scopes = scopes_of("zones:write ssh-keys:read");
    ck_assert(scopes_allow(&scopes, resources, "zones", true) && scopes_allow(&scopes, resources, "zones", false));
    ck_assert(scopes_allow(&scopes, resources, "ssh-keys", false) &&
              !scopes_allow(&scopes, resources, "ssh-keys", true));
    ck_assert(!scopes_allow(&scopes, resources, "tokens", false));
    struct scopes everything = scopes_of(NULL), nothing = scopes_of("");
    ck_assert(scopes_allow(&everything, resources, "tokens", true) &&
              !scopes_allow(&nothing, resources, "tokens", false));
}
END_TEST

START_TEST(what_is_no_scope_allows_nothing)
{
    static const char *const wrong[] = {
        "", ":", "zones", "zones:", "zones:admin", "zones:write ", "rockets:read", "zone:read", ":read", "zones::read"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct scopes scopes = {0};
        ck_assert_msg(!scopes_add(&scopes, resources, wrong[i]), "'%s'", wrong[i]);
        ck_assert(!scopes_allow(&scopes, resources, "zones", false));
    }
}
END_TEST

START_TEST(scopes_cover_what_they_include)
{
    static const char *const texts[] = {
        NULL, "", "zones:read", "zones:write", "tokens:read", "zones:read tokens:read", "zones:write tokens:write"};
    static const char covers[COUNT_OF(texts)][COUNT_OF(texts) + 1] = {"1111111", "0100000", "0110000", "0111000",
                                                                      "0100100", "0110110", "0111111"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (size_t j = 0; j < COUNT_OF(texts); j++) {
            struct scopes one = scopes_of(texts[i]), other = scopes_of(texts[j]);
            ck_assert_msg(scopes_cover(&one, &other) == (covers[i][j] == '1'), "%zu covers %zu", i, j);
        }
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("scope");
    TCase *cases = tcase_create("scope");
    tcase_add_test(cases, a_role_of_a_token_is_its_principals_or_less);
    tcase_add_test(cases, no_role_of_a_tenant_covers_one_of_the_provider);
    tcase_add_test(cases, write_includes_read_and_a_tag_is_one_whatever_its_files);
    tcase_add_test(cases, what_is_no_scope_allows_nothing);
    tcase_add_test(cases, scopes_cover_what_they_include);
    suite_add_tcase(suite, cases);
    return suite;
}
