/* What break-even is made of: per week and kind of node, what was earned and spent, what is sold and what is free.
 *
 * Up to an instant (as_of) it is what the margin report says, open days included; from there on it is what allocations
 * hold, rated by the one rating function as if all of it is delivered, and what nodes cost at the rates in force. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

#define BREAK_EVEN_WEEK_S    (7 * INT64_C(86400))
#define BREAK_EVEN_WEEKS_MAX 13

/* A kind of node: "zone model count". Weeks are counted from that of the question. */
struct break_even_cell {
    int64_t spent_u, earned_u;     /* until as_of */
    int64_t delivered_gpu_milli_s; /* billed, until as_of */
    int64_t booked_u;              /* what is sold from as_of on comes to */
    int64_t sold_gpu_milli_s;      /* from as_of on */
    int64_t free_gpu_milli_s;      /* of nodes in service, from as_of on */
};

struct break_even_kind {
    const char *name; /* NULL: of no kind that there is still: fees, nodes that are gone */
    struct break_even_cell weeks[BREAK_EVEN_WEEKS_MAX];
};

struct break_even_facts {
    int64_t starts_s; /* of the first week: a Monday, 00:00 UTC */
    int64_t weeks;
    int64_t as_of_s;
    struct break_even_kind *kinds; /* the last one is the nameless */
    size_t kind_count;
};

/* week: any day of the first week, NULL: the present one. kinds: the distinct names, in the arena. */
MUST_CHECK enum err_kind break_even_facts_load(struct request *request, const char *week, int64_t weeks,
                                               const char *currency, const char *const *kinds, size_t kind_count,
                                               struct break_even_facts *ret, struct err *reterr);
/* Of a name that is not among the kinds: the nameless. */
struct break_even_kind *break_even_kind_find(const struct break_even_facts *facts, const char *name);

extern const struct db_stmt *const break_even_facts_statements[];
