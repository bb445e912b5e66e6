/* An asset's life in the books: its terms, what happens to it, and what it is worth on any day.
 *
 * Each change takes effect at the start of a day and opens a stretch of its own; nothing before it changes. Beside the
 * stretches as they are run those as they would be had nothing been impaired: what IAS 36.117 lets a reversal go up
 * to. Amounts are minor units, days are since 1970-01-01. Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/depreciation.h"

/* X(constant, text, what it is) */
#define ASSET_CHANGES(X)                                                                                               \
    X(ASSET_RE_ESTIMATE, "re_estimate", "life or salvage value are seen otherwise (IAS 8.36, ASC 250-10-45-17)")       \
    X(ASSET_IMPAIR, "impair", "it is worth less than its carrying amount (ASC 360-10-35-17, IAS 36.59)")               \
    X(ASSET_REVERSE, "reverse", "it is worth more again (IAS 36.114; never under ASC 360)")                            \
    X(ASSET_REPLACE_PART, "replace_part", "equal parts of it go, new ones are assets of their own (IAS 16.70)")        \
    X(ASSET_DISPOSE, "dispose", "it goes (IAS 16.67)")

#define ASSET_STANDARDS(X)                                                                                             \
    X(STANDARD_ASC_360, "asc_360", "US GAAP")                                                                          \
    X(STANDARD_IAS_36, "ias_36", "IFRS")

/* clang-format off */
#define X(constant, ...) constant,
enum asset_change_kind { ASSET_CHANGES(X) ASSET_CHANGE_COUNT };
enum asset_standard { ASSET_STANDARDS(X) STANDARD_COUNT };
#undef X
/* clang-format on */

bool asset_change_of(const char *text, enum asset_change_kind *ret);
bool asset_standard_of(const char *text, enum asset_standard *ret);

#define ASSET_NOT_SAID     INT64_C(-1)
#define ASSET_CHANGES_MAX  31
#define ASSET_SEGMENTS_MAX (ASSET_CHANGES_MAX + 1)

struct asset_change {
    enum asset_change_kind kind;
    int64_t day;           /* takes effect at its start */
    int64_t units;         /* units of production: milli-GPU-seconds delivered before it */
    int64_t life_months;   /* whole life from in_service on; ASSET_NOT_SAID: as it was */
    int64_t salvage_minor; /* ASSET_NOT_SAID: as it was, or the carrying amount where that is less */
    enum asset_standard standard;
    int64_t undiscounted_minor; /* ASC 360: what its use will bring in, undiscounted */
    int64_t fair_value_minor;
    int64_t value_in_use_minor; /* ASSET_NOT_SAID: not known */
    int64_t selling_cost_minor;
    int64_t proceeds_minor;
    int64_t part_count, part_total; /* so many of so many equal parts */
};

struct asset_balance {
    int64_t cost_minor;        /* gross */
    int64_t accumulated_minor; /* depreciation */
    int64_t impairment_minor;  /* accumulated */
};
int64_t asset_carrying(const struct asset_balance *balance);

/* What a change comes to. */
struct asset_effect {
    struct asset_balance before, after;
    int64_t amount_minor; /* in the income statement: a gain (+) or a loss (-) */
};

struct asset_stretch {
    struct depreciation_segment segment;
    struct asset_balance opening;
};

struct asset_chain {
    struct asset_stretch stretches[ASSET_SEGMENTS_MAX];
    size_t count;
};

struct asset_life {
    struct depreciation_terms terms;
    int64_t disposed_on; /* first day it is gone; INT64_MAX: it is there */
    bool lost_under_asc; /* a loss that nothing reverses */
    struct asset_chain actual, unimpaired;
};

/* The terms have passed depreciation_check. */
void asset_life_begin(struct asset_life *life, const struct depreciation_terms *terms);

/* The change becomes part of the life. Changes come in order of their days, after in_service; ERR_INVALID says why one
 * is refused, and changes nothing. */
MUST_CHECK enum err_kind asset_life_apply(struct asset_life *life, const struct asset_change *change,
                                          struct asset_effect *ret, struct err *reterr);

/* At the start of a day, with so many units delivered before it. After disposal all zeros. */
struct asset_balance asset_life_balance(const struct asset_life *life, int64_t day, int64_t units);

/* The depreciation of [day_from, day_to), within which the units went from one count to the other. Where a change lies
 * between the two, its method must be by time. */
int64_t asset_life_charge(const struct asset_life *life, int64_t day_from, int64_t day_to, int64_t units_from,
                          int64_t units_to);

/* A walk along a life, for schedules: each step costs what lies between its two days, where asset_life_charge begins
 * anew. */
struct asset_walk {
    const struct asset_life *life; /* outlives the walk, unchanged */
    const struct asset_stretch *stretch;
    struct depreciation_walk within; /* the stretch */
    int64_t accumulated_minor;       /* charged within it */
    int64_t day;
};
struct asset_walk asset_walk_begin(const struct asset_life *life, int64_t day, int64_t units);

/* Goes on to a day, which is not before the former one: asset_life_charge from that one on, and in ret what
 * asset_life_balance says of the day. */
int64_t asset_walk_to(struct asset_walk *walk, int64_t day, int64_t units, struct asset_balance *ret);

/* The day after the last that is depreciated by time. */
int64_t asset_life_end(const struct asset_life *life);
