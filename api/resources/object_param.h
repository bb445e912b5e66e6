/* ?object=: the id of whatever kind of object. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

/* *ret is the UUID as the arena's text, or NULL where text is. 422 where it is no id. */
MUST_CHECK enum err_kind object_param_read(struct request *request, const char *text, const char **ret,
                                           struct err *reterr);
