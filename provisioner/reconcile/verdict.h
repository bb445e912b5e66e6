/* The verdict upon a wish: a place, or a refusal with its reasons and what could be had instead. Who waits is asked for
 * in turn. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/reconcile/world.h"

/* Who is told a window posts it a little later: it must not be past by then, and whoever gives way is told then. */
#define TIME_TO_POST_S 60

/* The wish as it is put to the planner at this instant. */
struct planner_request verdict_request(const struct reservation *reservation);
/* Puts the wish to the planner: sets granted and the window, or refused, reason, binding and alternatives. */
void verdict_decide(struct reservation *reservation);
/* The wish's body with that window, as the only member of a JSON array. */
const char *refusal_body_at(const struct reservation *reservation, const struct planner_request *later);
/* The wish's body as it stands, in the world's zone; NULL: its window would be past when it is posted. */
const char *refusal_body_here(const struct reservation *reservation);
/* What bound, with numbers and in a sentence: JSON, the arena's. */
const char *refusal_binding(const struct world *world, const struct planner_request *request,
                            const struct planner_refusal *refusal);
/* What could be posted where the share of its type that is sold without an end binds: sets alternatives. */
void refusal_tell_open(struct reservation *reservation, const struct planner_request *request);
/* Says why, and what would fit instead: sets reason, binding and alternatives. */
void refusal_tell(struct reservation *reservation, const struct planner_request *request,
                  const struct planner_refusal *refusal);

/* ---- The waiting list ---- */

/* Puts those who wait to the planner, in the order in which the world has them, within its batch. */
#define WAITLIST_DEPTH 64
void waitlist_serve(struct world *world);
/* One came to wait, left, or is due: nobody is asked for out of turn, so the list is to be served. */
void waitlist_stir(struct reservation *reservation);
