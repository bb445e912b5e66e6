/* sluice-api token create: the first token of an installation, made on the database directly. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* argv without the words "token create"; prints the token on stdout. Returns the exit status. */
int token_command(int argc, char **argv);

struct db_stmt;
extern const struct db_stmt *const token_command_statements[];
