/* One setting: how its key is spelled, what it takes, and where its value goes. For config*.c. Any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/config.h"

#define SETTING_KEY_SIZE   64 /* with its end */
#define SETTING_RANGE_SIZE 128

/* database_url as database-url, or as DATABASE_URL. */
void setting_spell(const char *key, bool as_flag, char ret[static SETTING_KEY_SIZE]);
/* Of a number, with its unit: "1 to 60000 ms". */
void setting_range(const struct setting *setting, char ret[static SETTING_RANGE_SIZE]);
/* The value, unless it is a secret; borrowed. */
const char *setting_shown(const struct setting *setting, const char *value);
/* Where in its part's target the value lies: char *, int64_t or bool by the setting's type. */
void *setting_field(const struct setting *setting, void *target);
/* Reads the text into the field; a text is copied and then the target's. ERR_INVALID, which says what it takes. */
MUST_CHECK enum err_kind setting_store(const struct setting *setting, void *target, const char *text,
                                       struct err *reterr);
