/* The files that are applied. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/declaration.h"

/* Adds what a file says; "-" is standard input; of a directory its files *.yaml, *.yml and *.json, by name, those below it
 * not. ERR_MALFORMED where one cannot be read. */
MUST_CHECK enum err_kind apply_files_read(struct arena *arena, const char *name, struct declarations *declarations,
                                          struct err *reterr);
