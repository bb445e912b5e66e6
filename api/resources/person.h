/* The principal that a person of an identity provider is here. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/jwt/rules.h"
#include "api/resources/session.h"

/* Found by issuer and subject; else by a verified e-mail address that a member has and nobody has signed in with; else
 * made. Gets the rule's role. Fills request->caller for the audit. ERR_UNAUTHENTICATED (principal_disabled,
 * sign_in_failed). */
MUST_CHECK enum err_kind person_of(struct request *request, const char *issuer, const json_t *claims,
                                   const struct rule *rule, struct session_of *ret, struct err *reterr);

extern const struct db_stmt *const person_statements[];
