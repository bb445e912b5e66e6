/* Verifying a zone's memory: against a second planner that is rebuilt from the database at the same instant.
 *
 * On a big zone that takes longer than a leader may pause, so it runs beside it: the leader opens a snapshot between
 * two pieces of work, takes the fingerprint of its planner, and goes on; a thread with a connection of its own rebuilds
 * and compares. It costs the leader one fingerprint, and the process the memory of a second planner while it lasts. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/question.h"
#include "provisioner/zone_memory.h"

struct zone_verify;

/* The URL outlives it. */
struct zone_verify *zone_verify_new(const char *database_url, const char *application_name);
/* Waits for a run to end; NULL is fine. */
void zone_verify_free(struct zone_verify *verify);

/* For the leader, between its transactions. True once the reply to this question is there; it is then *ret. Otherwise a
 * run for it is begun as soon as none other is under way and memory knows all that the database has. */
bool zone_verify_ask(struct zone_verify *verify, const struct zone_memory *memory, struct identity question,
                     struct arena *arena, struct question_reply *ret);

void zone_verify_register_metrics(void);

extern const struct db_stmt *const zone_verify_statements[];
