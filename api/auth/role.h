/* Roles: what a principal may do, and its tokens at most. A route names the roles it takes as a mask. Tenant roles see
 * their tenant's objects only (row-level security); system roles act for the provider. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* X(constant, text in token.role, bit, acts for a tenant?) */
#define ROLES(X)                                                                                                       \
    X(ROLE_VIEWER, "viewer", 0, true)                                                                                  \
    X(ROLE_MEMBER, "member", 1, true)                                                                                  \
    X(ROLE_ADMIN, "admin", 2, true)                                                                                    \
    X(ROLE_BILLING, "billing", 3, true)                                                                                \
    X(ROLE_OPERATOR, "operator", 4, false)                                                                             \
    X(ROLE_FINANCE, "finance", 5, false)                                                                               \
    X(ROLE_AUDITOR, "auditor", 6, false)                                                                               \
    X(ROLE_SYSTEM_ADMIN, "system_admin", 7, false)                                                                     \
    X(ROLE_AGENT, "agent", 8, false)

enum role {
#define X(constant, text, bit, of_tenant) constant = 1 << (bit),
    ROLES(X)
#undef X
};

/* Masks for route tables. */
#define ROLES_NONE           0u /* no token needed: the document, the console */
#define ROLES_TENANT_READ    (unsigned)(ROLE_VIEWER | ROLE_MEMBER | ROLE_ADMIN)
#define ROLES_TENANT_WRITE   (unsigned)(ROLE_MEMBER | ROLE_ADMIN)
#define ROLES_TENANT_ADMIN   (unsigned)ROLE_ADMIN
#define ROLES_TENANT_MONEY   (unsigned)(ROLE_VIEWER | ROLE_MEMBER | ROLE_ADMIN | ROLE_BILLING)
#define ROLES_SYSTEM_READ    (unsigned)(ROLE_OPERATOR | ROLE_FINANCE | ROLE_AUDITOR | ROLE_SYSTEM_ADMIN)
#define ROLES_SYSTEM_OPERATE (unsigned)(ROLE_OPERATOR | ROLE_SYSTEM_ADMIN)
#define ROLES_SYSTEM_FINANCE (unsigned)(ROLE_FINANCE | ROLE_SYSTEM_ADMIN)               /* writes prices, assets */
#define ROLES_SYSTEM_REPORT  (unsigned)(ROLE_AGENT | ROLE_OPERATOR | ROLE_SYSTEM_ADMIN) /* facts */
#define ROLES_EVERY          (ROLES_TENANT_MONEY | ROLES_SYSTEM_READ)

enum role role_from_text(const char *text); /* 0 where there is no such role */
const char *role_text(enum role role);
bool role_is_tenants(enum role role);
/* Whether who has the one may do all that the other may. */
bool role_covers(enum role role, enum role other);
/* What a token may do: what it was made for, as far as its principal may now. 0: nothing, as neither includes the
 * other; so whoever is given less never makes a token of theirs do something else. */
enum role role_of_token(enum role principal, enum role token);
