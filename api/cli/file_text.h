/* What a file says that the command line names. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>

/* The whole file; "-" is standard input. *ret is the caller's, without a NUL. ERR_MALFORMED where it cannot be read or is
 * longer. */
MUST_CHECK enum err_kind file_text_read(const char *name, size_t bytes_max, char **ret, size_t *ret_length,
                                        struct err *reterr);
