/* Every statement of sluice-api and the role that runs it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Checks them on a database (common/db_check.h). Returns the exit status. */
int statements_check(const char *database_url);
