/* Finding the one wish that makes every piece of work fail, so that it does not stall its zone: pieces become smaller
 * while they fail, down to a single wish; if that fails and the same piece without it does not, the wish is given up
 * (rejected with the reason "internal", logged, counted). Pure. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"
#include "common/identity.h"

#include <stdbool.h>
#include <stdint.h>

struct zone_isolation {
    uint32_t limit;          /* wishes in a piece of work; 0: does it fail without any? */
    unsigned failures;       /* in a row, while nothing is isolated */
    bool has_culprit;        /* to be given up in the next piece */
    struct identity suspect; /* failed alone */
};

void zone_isolation_init(struct zone_isolation *isolation);
bool zone_isolation_is_on(const struct zone_isolation *isolation);
void zone_isolation_succeeded(struct zone_isolation *isolation);
/* `first` is the first wish of the piece, or NULL. True where isolation begins: what is pending must be read anew, as
 * the backlog. Failures that say nothing about a wish (connection, lease) do not count. */
bool zone_isolation_failed(struct zone_isolation *isolation, enum err_kind kind, const struct identity *first);
