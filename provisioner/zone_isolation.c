/* How large the next piece of work may be, by what became of the ones before. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_isolation.h"

#include "provisioner/reconcile/observe.h"

#define FAILURES_MAX 3 /* a passing trouble is over by then */
#define SHRINK       8 /* 512, 64, 8, 1 */

void zone_isolation_init(struct zone_isolation *isolation)
{
    *isolation = (struct zone_isolation){.limit = OBSERVE_DUE_MAX};
}

bool zone_isolation_is_on(const struct zone_isolation *isolation)
{
    return isolation->limit < OBSERVE_DUE_MAX;
}

void zone_isolation_succeeded(struct zone_isolation *isolation)
{
    isolation->failures = 0;
    isolation->has_culprit = isolation->limit == 0; /* it works without the suspect */
    uint32_t larger = isolation->limit == 0 ? 1 : 2 * isolation->limit;
    isolation->limit = larger < OBSERVE_DUE_MAX ? larger : OBSERVE_DUE_MAX;
}

bool zone_isolation_failed(struct zone_isolation *isolation, enum err_kind kind, const struct identity *first)
{
    bool says_nothing = kind == ERR_UNAVAILABLE || kind == ERR_UNKNOWN_OUTCOME || kind == ERR_FENCED ||
                        kind == ERR_OUT_OF_SPACE || kind == ERR_TIMEOUT;
    if (says_nothing)
        return false;
    if (!zone_isolation_is_on(isolation)) {
        if (++isolation->failures < FAILURES_MAX)
            return false;
        isolation->failures = 0;
        isolation->limit /= SHRINK;
        return true;
    }
    bool is_alone = isolation->limit == 1 && first != NULL && !isolation->has_culprit;
    if (isolation->limit > 1) {
        isolation->limit = isolation->limit > SHRINK ? isolation->limit / SHRINK : 1;
    } else if (is_alone) {
        isolation->suspect = *first;
        isolation->limit = 0;
    } else { /* no wish is to blame, or giving it up did not help: begin again */
        zone_isolation_init(isolation);
    }
    return false;
}
