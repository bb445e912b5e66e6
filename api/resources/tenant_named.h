/* Tenants that an operator names in a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/server.h"

/* The id of the tenant of this name; ERR_INVALID: there is none, which is a problem of `/tenant`. */
MUST_CHECK enum err_kind tenant_named(struct request *request, const char *name, const char **ret_id,
                                      struct err *reterr);
/* The refusal of such a name, where the statement that needs the tenant finds none. */
MUST_CHECK enum err_kind tenant_unknown(struct request *request, const char *name, struct err *reterr);

extern const struct db_stmt *const tenant_named_statements[]; /* of sluice_api_system */
