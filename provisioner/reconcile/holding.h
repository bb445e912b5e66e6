/* Reservations and quotas: what a reservation holds is told to the quotas as it changes, and what it asks for is put to
 * them before it is put to the planner. Tenants without a quota cost one look-up. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/quota/quota.h"
#include "provisioner/reconcile/world.h"

/* Whether its tenant has a quota in this zone. */
bool holding_is_limited(const struct reservation *reservation);
/* The quotas have what it holds now: its window until instances are made, then the window of each of them, so that
 * instances that come later or go earlier count for as long as they were held. */
void holding_follow(const struct reservation *reservation);
void holding_follow_instance(const struct instance *instance);
/* How far, to ends_s at most, the quotas bear that it holds its place for longer than until until_s. */
int64_t holding_borne_until(const struct instance *instance, int64_t until_s, int64_t ends_s);
/* The quotas have nothing of its window, until holding_follow. */
void holding_drop(const struct reservation *reservation);

/* Narrows the request to the GPU models whose quotas would bear it in its window, where some would not; the list is the
 * arena's. False: none would, and *ret_refusal says why the first would not. */
bool holding_narrow(const struct reservation *reservation, struct planner_request *request,
                    struct quota_refusal *ret_refusal);
/* The first start within [request->from, latest_s] at which quotas and planner both have room: *request becomes it. */
bool holding_earliest(const struct reservation *reservation, struct planner_request *request, int64_t latest_s);
/* Sets reason, binding and alternatives of one that its quotas refuse. */
void holding_tell(struct reservation *reservation, const struct planner_request *request,
                  const struct quota_refusal *refusal);
/* JSON: which limit, what is held and asked, and when it would fit (NEVER: not known). */
const char *holding_binding(struct arena *arena, const struct quota_refusal *refusal, int64_t fits_at_s);

/* Would the quotas bear other terms, in place of what it holds? False: *ret_refusal says why not. */
bool holding_may_become(const struct reservation *reservation, int64_t starts_s, int64_t ends_s, int64_t count,
                        struct quota_refusal *ret_refusal);
