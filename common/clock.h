/* The two clocks, never mixed (docs/time.md).
 *
 * Real time: leases, sessions, tokens, timeouts, logs, UUIDv7. Domain time: windows, lead, metering, periods,
 * prices and their deadlines; it is sluice_now() in SQL. A process reads domain time once at the start of each
 * piece of work, from the database, and keeps it for that piece: observe, decide, apply upon one instant. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

int64_t clock_monotonic_ms(void);
int64_t clock_real_ms(void); /* since the Unix epoch */

struct clock_domain {
    int64_t now_s; /* domain time, whole seconds since the Unix epoch, UTC */
    int64_t tick;  /* of a virtual clock: rises by one with each move; 0 where the clock is real */
    bool is_virtual;
};

struct db_stmt;
struct pg_result;
/* The statement that asks, and what its row says. */
extern const struct db_stmt clock_domain_statement;
struct clock_domain clock_domain_of(const struct pg_result *result);
/* Asks the database. */
MUST_CHECK enum err_kind clock_domain(struct db *db, struct clock_domain *ret, struct err *reterr);

/* A component has done everything that is due at or before `clock` (virtual databases only; nothing to do in a
 * real one). next_due_s is the next instant at which it has something to do, INT64_MAX for none.
 * Does not wait for the disk: whoever moves the clock does, at the end.
 * Component names: "billing", "zone:<uuid>". */
MUST_CHECK enum err_kind clock_acknowledge(struct db *db, const char *component, const struct clock_domain *clock,
                                           int64_t next_due_s, struct err *reterr);

extern const struct db_stmt *const clock_domain_statements[];
extern const struct db_stmt *const clock_acknowledge_statements[]; /* of components */
