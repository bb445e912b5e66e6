/* The meter: events of instances and nodes become usage intervals and idle stretches.
 *
 * Reads the event log by the cursor "billing"; cursor and effect are one transaction. One thread: the leader's. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

#include <stdint.h>

#define METER_CONSUMER "billing"

/* Consumes what is visible. Facts dated before floor_s, up to which the days are closed, count from there; what they
 * leave of a window in closed days is noted as late usage. */
MUST_CHECK enum err_kind meter_consume(struct leader *leader, int64_t floor_s, struct err *reterr);

/* Consumes all that was committed before the call, however long older transactions take; ERR_TIMEOUT where one does
 * not end in time. */
MUST_CHECK enum err_kind meter_catch_up(struct leader *leader, int64_t floor_s, struct err *reterr);

/* Writes every interval of the first open day, [floor_s, at_s): cuts at its end what is open there. Repeatable. */
MUST_CHECK enum err_kind meter_cut(struct leader *leader, int64_t floor_s, int64_t at_s, struct err *reterr);

void meter_register_metrics(void);

extern const struct db_stmt *const meter_statements[];
