/* Whether a program's statements fit the schema of a database: what --check-statements does. An operator asks it of the
 * new program before an upgrade, and of the old one before a migration; a test asks it of each program. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

/* A module's statements and the login role that runs them. */
struct db_check {
    const struct db_stmt *const *statements; /* NULL-terminated; NULL here ends the list of checks */
    const char *role;
    const char *other_role; /* NULL, or who may run what the first may not: a resource serves tenants and operators */
};

/* Of the database module itself: every role runs them. */
extern const struct db_stmt *const db_transaction_statements[];
extern const struct db_stmt *const db_schema_statements[];

/* Explains each statement, which runs nothing: the server parses it, plans it, and asks whether the role may touch
 * those tables. Prints a line per statement to stdout: role, name, "ok" or what is wrong. Returns the exit status. */
int db_check_statements(const char *url, const struct db_check *checks);
