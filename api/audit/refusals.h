/* Refusals that no transaction stands behind: of the token, the role, the body. A listener's thread must not wait for
 * the database, so it leaves them here, and one thread writes them to the audit, many at a time. Beyond its bound the
 * queue drops and counts: a flood of bad tokens must not become a flood of memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

struct audit_refusals;

struct audit_refusal {
    const char *tenant_id, *principal_id; /* UUIDs; NULL: none, or not known */
    const char *request_id, *remote, *action;
    const char *object_id; /* a UUID or NULL */
    const char *result;    /* the problem's code */
};

struct audit_refusals *audit_refusals_start(const char *database_url);
/* Any thread; copies what it is given. */
void audit_refusals_add(struct audit_refusals *refusals, const struct audit_refusal *refusal);
/* Once nobody adds any more: writes what is there, then ends. */
void audit_refusals_stop(struct audit_refusals *refusals); /* NULL is fine */

extern const struct db_stmt *const audit_refusals_statements[];
