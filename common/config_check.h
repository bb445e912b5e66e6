/* What --check-config says beyond "valid": settings that may be so, and yet are weak. A table per program; each row is
 * one thing that can happen. With --strict beside it, a weak setting is a failure (status 1). */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/config.h"

struct config_check {
    const char *key;                     /* the setting that it is about */
    bool (*is_weak)(const void *target); /* of the part's struct */
    const char *warning;                 /* what can happen, and what to do */
};
// clang-format off
#define CONFIG_CHECKS_END {0}
// clang-format on

extern const struct config_check config_common_checks[]; /* of struct config_common */

/* config_load, and the warnings: checks[i] is the table of parts[i], which may be NULL. */
MUST_CHECK enum err_kind config_load_checked(const char *program, const char *summary, const struct config_part *parts,
                                             const struct config_check *const *checks, int argc, char **argv,
                                             bool *ret_done, int *ret_status, struct err *reterr);
