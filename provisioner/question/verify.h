/* The planner's memory against a rebuild from the database: equal or not. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/question.h"

/* What one of the two has at the instant now_s; what ended by then does not count, and is forgotten. Its invariants are
 * checked where `verifies`. */
json_t *verify_side(struct planner *planner, int64_t now_s, bool verifies);
/* Takes both over. */
json_t *verify_compare(json_t *in_memory, json_t *in_database);
