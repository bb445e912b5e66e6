/* Vital signs of the whole installation that no single process knows: asked of the database now and then, shown as
 * metrics by every sluice-api, so that they are there even where a leader is not. deploy/prometheus has the alerts. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

void vitals_register(void);
/* Looks once and sets the metrics. One thread at a time: it remembers what it saw last. */
MUST_CHECK enum err_kind vitals_look(struct db *db, struct err *reterr);

extern const struct db_stmt *const vitals_statements[];
