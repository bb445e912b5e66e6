/* The one table of failures. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/failure.h"

#include <string.h>

/* Classes 22 and 23: data that does not fit, or that a constraint refuses. */
static bool is_of_data(const char *sqlstate)
{
    return strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0;
}

/* By a rule: what no code of ours foresaw (ERR_INTERNAL) is a defect, and what was paid or asked for outlives it. */
static bool is_by_our_rule(const struct err *err)
{
    return err->sqlstate[0] == '\0' && err->kind != ERR_INTERNAL && !err_retryable(err->kind);
}

enum failure failure_of(const struct err *err)
{
    if (is_of_data(err->sqlstate) || is_by_our_rule(err))
        return FAILURE_OWN;
    bool is_its_turn_only = err->kind == ERR_TIMEOUT || err->kind == ERR_RETRY || !err_retryable(err->kind);
    return is_its_turn_only ? FAILURE_PASSING : FAILURE_OF_ALL;
}
