/* Giving way to those who are waited for. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "provisioner/zone_wake.h"

/* How long to rest after a piece of work that took so long, where its newest wish was made behind_ms ago (below 0: the
 * clock of who made it is ahead). */
int64_t zone_rest_ms(int64_t took_ms, int64_t behind_ms);

/* Rests after such a piece, unless somebody waits for what comes next. *ret_notified: something came meanwhile, so the
 * tables are to be looked at. */
MUST_CHECK enum err_kind zone_rest(struct db *db, const struct zone_wake *wake, int64_t took_ms, bool *ret_notified,
                                   struct err *reterr);
