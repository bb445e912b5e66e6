/* Configuration: one static table per program. A value comes from (later wins) the default, the file named by
 * --config (key = value lines), the environment (SLUICE_<KEY>), the flag (--key value). An unknown key stops the
 * start. --check-config, --print-config (secrets masked), --help and docs/configuration.md come from the table. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

enum setting_type { SETTING_TEXT, SETTING_INT, SETTING_BOOL };

struct setting {
    const char *key; /* snake_case; flag is --snake-case, environment SLUICE_SNAKE_CASE */
    enum setting_type type;
    size_t offset;        /* in the program's struct: char * (owned by config), int64_t, or bool */
    const char *fallback; /* default, as text; NULL: required */
    int64_t least, most;  /* of a SETTING_INT */
    const char *unit;     /* "ms", "bytes"; may be NULL */
    bool secret;
    const char *help;
};
// clang-format off
#define SETTINGS_END {0}
// clang-format on

/* Settings of every daemon. */
struct config_common {
    char *database_url;
    char *log_level;
    char *admin_listen;    /* host:port or unix:/path, for /livez, /readyz and /metrics; empty: none */
    bool check_statements; /* instead of running: common/db_check.h */
};
extern const struct setting config_common_settings[]; /* offsets within struct config_common */

/* Reads tables (NULL-terminated list of {table, target struct}). On --help, --version, --check-config, --print-config
 * and --print-docs it prints and sets *ret_done: leave main with the status in *ret_status. */
struct config_part {
    const struct setting *settings;
    void *target;
};
MUST_CHECK enum err_kind config_load(const char *program, const char *summary, const struct config_part *parts,
                                     int argc, char **argv, bool *ret_done, int *ret_status, struct err *reterr);
void config_release(const struct config_part *parts);
