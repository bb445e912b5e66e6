/* A month in a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

/* A month is named by its first day, YYYY-MM-01. ERR_INVALID otherwise, about `pointer`; NULL is fine. */
MUST_CHECK enum err_kind month_param_check(struct request *request, const char *pointer, const char *text,
                                           struct err *reterr);
