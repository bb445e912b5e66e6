/* After a change of keys: secrets that were sealed by another than the first key are sealed anew, some at a time, so
 * that the old key can be thrown away. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/webhook/secret.h"
#include "common/db.h"

MUST_CHECK enum err_kind reseal(struct db *db, const struct secret_keys *keys, struct err *reterr);

extern const struct db_stmt *const reseal_statements[];
