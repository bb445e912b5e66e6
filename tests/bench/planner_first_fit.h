/* The baseline: linear first fit. It knows whole GPUs only, no CPU, memory, scopes or turnaround, so it has less to do
 * for each node that it looks at. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/planner/planner.h"

struct first_fit;

/* Bookings are known by number; those that live together are less than `bookings_max` apart. */
struct first_fit *first_fit_new(uint32_t node_count, uint32_t bookings_max);
void first_fit_free(struct first_fit *fleet);
bool first_fit_place(struct first_fit *fleet, const struct planner_request *request, uint32_t number);
/* The booking is known to stand on these GPUs (a bit each) of the node. */
void first_fit_take(struct first_fit *fleet, uint32_t node, int64_t from, int64_t to, uint32_t gpus, uint32_t number);
void first_fit_release(struct first_fit *fleet, uint32_t number);
