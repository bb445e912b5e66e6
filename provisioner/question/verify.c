/* Comparing two planners by one number over all they know. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/verify.h"

#include <inttypes.h>
#include <stdio.h>

static const struct question_field no_fields[] = {{.name = NULL}};

/* Answered by zone_verify.c: it needs the database, and longer than a leader may pause. */
const struct question_kind question_verify = {"verify", no_fields, 0, NULL, false};

json_t *verify_side(struct planner *planner, int64_t now_s, bool verifies)
{
    planner_forget(planner, now_s);
    if (verifies)
        planner_verify(planner);
    char fingerprint[17];
    (void)snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, planner_fingerprint(planner, now_s));
    return json_pack("{s:I, s:I, s:s}", "nodes", (json_int_t)planner_node_count(planner), "allocations",
                     (json_int_t)planner_allocation_count(planner), "fingerprint", fingerprint);
}

json_t *verify_compare(json_t *in_memory, json_t *in_database)
{
    return json_pack("{s:b, s:o, s:o}", "equal", json_equal(in_memory, in_database), "memory", in_memory, "database",
                     in_database);
}
