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

bool role_is_tenants(enum role role)
{
    return row_of(role)->of_tenant;
}
