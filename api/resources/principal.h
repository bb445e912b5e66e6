/* Who acts: members (people) and service accounts (programs), of a tenant or of the provider. What the files about
 * principals and their tokens share. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

extern const char *const role_texts[];        /* every role; NULL-terminated */
extern const char *const tenant_role_texts[]; /* those of a tenant */

/* Says no where role and tenant do not go together (422), and where an operator who is no system_admin would touch the
 * provider's own (403). */
MUST_CHECK enum err_kind principal_check(struct request *request, const char *tenant, const char *role,
                                         struct err *reterr);
/* The same for who is let in: also where the tenant is closed, or there is none (422). Sets *ret_id to the UUID of the
 * tenant of that name, or NULL for NULL, the provider. */
MUST_CHECK enum err_kind principal_tenant(struct request *request, const char *tenant, const char *role,
                                          const char **ret_id, struct err *reterr);

extern const struct db_stmt *const principal_statements[];
