/* What a question over time may cost. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/steps.h"

#include <inttypes.h>

/* A leader that answers decides nothing meanwhile. A look costs about 3 ns, since most find nothing changed on the node
 * since the step before (measured: 168 steps of 12,500 nodes in 5 ms), so these are some 60 ms. */
#define LOOKS_MAX INT64_C(20000000)

bool question_affords(const struct question_view *view, int64_t looks_per_step, int64_t steps,
                      struct question_reply *ret)
{
    int64_t affordable = looks_per_step == 0 ? steps : LOOKS_MAX / looks_per_step;
    if (steps <= (affordable == 0 ? 1 : affordable))
        return true;
    question_refuse(view, ret, "too_much_asked",
                    "zone '%s' is so big that at most %" PRId64 " steps can be asked at once", view->world->zone->name,
                    affordable == 0 ? 1 : affordable);
    return false;
}
