/* Roles and their texts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/role.h"

#include "common/cleanup.h"
#include "common/must.h"

#include <stddef.h>
#include <string.h>

static const struct role_row {
    enum role role;
    const char *text;
    bool of_tenant;
} role_rows[] = {
#define X(constant, text, bit, of_tenant) {constant, text, of_tenant},
    ROLES(X)
#undef X
};

enum role role_from_text(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(role_rows); i++) {
        if (strcmp(role_rows[i].text, text) == 0)
            return role_rows[i].role;
    }
    return (enum role)0;
}

static const struct role_row *row_of(enum role role)
{
    for (size_t i = 0; i < COUNT_OF(role_rows); i++) {
        if (role_rows[i].role == role)
            return &role_rows[i];
    }
    must_failed("role is one of ROLES", __FILE__, __LINE__, __func__);
}

const char *role_text(enum role role)
{
    return row_of(role)->text;
}

/* What a role includes beside itself. */
static const struct {
    enum role role;
    unsigned others;
} coverings[] = {
    {ROLE_MEMBER, ROLE_VIEWER},
    {ROLE_ADMIN, ROLE_VIEWER | ROLE_MEMBER | ROLE_BILLING},
    {ROLE_SYSTEM_ADMIN, ROLE_OPERATOR | ROLE_FINANCE | ROLE_AUDITOR | ROLE_AGENT},
};

bool role_covers(enum role role, enum role other)
{
    bool covers = role == other;
    for (size_t i = 0; i < COUNT_OF(coverings); i++)
        covers = covers || (coverings[i].role == role && (coverings[i].others & (unsigned)other) != 0);
    return covers;
}

enum role role_of_token(enum role principal, enum role token)
{
    if (role_covers(principal, token))
        return token;
    return role_covers(token, principal) ? principal : (enum role)0;
}

bool role_is_tenants(enum role role)
{
    return row_of(role)->of_tenant;
}
