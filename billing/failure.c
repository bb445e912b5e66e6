/* The one table of failures. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/failure.h"

#include <string.h>

/* Classes 22 and 23: data that does not fit, or that a constraint refuses. */
static bool is_of_data(const char *sqlstate)
{
    return strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0;
}

enum failure failure_of(const struct err *err)
{
    bool is_ours = err->sqlstate[0] == '\0';
    if (is_of_data(err->sqlstate) || (is_ours && !err_retryable(err->kind)))
        return FAILURE_OWN;
    bool is_its_turn_only = err->kind == ERR_TIMEOUT || err->kind == ERR_RETRY || !err_retryable(err->kind);
    return is_its_turn_only ? FAILURE_PASSING : FAILURE_OF_ALL;
}
