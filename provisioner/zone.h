/* A zone and its thread: stands by until it leads, then keeps the zone's memory and works whenever something is due,
 * woken by notifications and by a timer alike. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"
#include "common/identity.h"

#include <stdbool.h>
#include <stdint.h>

struct zone;

struct zone_options {
    const char *database_url; /* outlives the zone */
    int64_t lease_ttl_ms;
};

/* Starts the thread; it ends on the shutdown request, or when it is told to leave. */
struct zone *zone_start(struct identity id, const struct zone_options *options);
/* The zone is no more: its thread ends within moments. */
void zone_leave(struct zone *zone);
/* The thread is at its end, and has given its lease back: it can be joined at once. */
bool zone_has_ended(const struct zone *zone);
/* Waits for the thread: as long as the database keeps it waiting. */
void zone_join(struct zone *zone);
void zone_free(struct zone *zone); /* that was joined */
struct identity zone_id(const struct zone *zone);
/* Any thread: whether it leads, and whether its last work succeeded. */
bool zone_is_leader(const struct zone *zone);
bool zone_is_healthy(const struct zone *zone);

/* Of all zones that this process leads. */
void zone_register_metrics(void);

struct db_stmt;
/* NULL-terminated list of every list of statements. */
extern const struct db_stmt *const *const zone_statements[];
