/* What the probes share: programs that try a promise of common's or billing's against a real database. A call that gives
 * another kind of error than it should ends the program. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"
#include "common/must.h"

#include <stdio.h>

static struct err err;

#define OK(call)       must_be((call), ERR_NONE, #call, __LINE__)
#define IS(call, want) must_be((call), (want), #call, __LINE__)

static inline void must_be(enum err_kind kind, enum err_kind want, const char *call, int line)
{
    if (kind != want)
        fprintf(stderr, "line %d: %s gave %s: %s\n", line, call, err_slug(kind), err.text);
    must(kind == want);
}
