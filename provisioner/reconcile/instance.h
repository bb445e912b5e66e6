/* What the parts of an instance's machine share: its table, finding it a place, and what its tenant asks of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

/* ---- Its place ---- */

/* When its place begins, its own start at the earliest; NEVER: it has none. */
int64_t instance_place_begins_s(const struct instance *instance);
/* Whether a place there that has begun is clean without the database being asked. */
bool instance_place_is_clean(const struct world *world, struct identity node);
/* From when on, now at the earliest, its place is its own or free until it is; NEVER: it has none on its node. Whoever
 * enters a node has it held from then on (docs/planner.md, "The lead"). */
int64_t instance_place_free_s(const struct instance *instance);
/* Holds its place from now on, which is free. */
void instance_hold_place(const struct instance *instance);
/* Sets granted and has_node. */
void instance_ask_planner(struct instance *instance);

/* ---- What was asked of it ---- */

/* An action of that kind waits to be begun. */
bool instance_is_asked(const struct instance *instance, enum action_kind kind);
/* It is carried out from now on. */
void instance_begin_action(struct instance *instance);
/* It was asked for, and is so now. */
void instance_action_done(struct instance *instance);
/* Once the instance has gone as far as it can at this instant: what it cannot do is refused, what it could not bring to
 * its end has failed. */
void instance_settle_action(struct instance *instance);
