/* Rated lines in memory: quantities and amounts by key, added up, compared, and written as what has changed.
 *
 * A line's key says what its amounts are of; what is written under a key sums up to what is known of it. So rating is:
 * what it comes to now, less what was written, whatever the order in which things came to be known. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"

/* X(value, text in tables); NULL where the column is null */
#define CAPACITY_STATUSES(X)                                                                                           \
    X(CAPACITY_NONE, NULL)                                                                                             \
    X(CAPACITY_USED, "used")                                                                                           \
    X(CAPACITY_UNUSED, "unused")
#define CHARGE_CATEGORIES(X)                                                                                           \
    X(CHARGE_USAGE, "usage")                                                                                           \
    X(CHARGE_PURCHASE, "purchase")                                                                                     \
    X(CHARGE_CREDIT, "credit")                                                                                         \
    X(CHARGE_ADJUSTMENT, "adjustment")
#define CHARGE_REASONS(X)                                                                                              \
    X(REASON_NONE, NULL)                                                                                               \
    X(REASON_SLA_CREDIT, "sla_credit")                                                                                 \
    X(REASON_CANCELLATION, "cancellation")                                                                             \
    X(REASON_EARLY_RELEASE, "early_release")                                                                           \
    X(REASON_MINIMUM, "minimum")

#define X(value, text) value,
enum capacity_status { CAPACITY_STATUSES(X) };
enum charge_category { CHARGE_CATEGORIES(X) };
enum charge_reason { CHARGE_REASONS(X) };
#undef X

/* Compared byte by byte, so there is no gap between the members. Nil identities are null in the table. Keys sort by
 * reservation, price and period: a group's lines are neighbours. */
struct rated_key {
    struct identity reservation, price;
    int64_t period_start_s; /* what it is of, even where a later period bears it */
    struct identity list_price, discount, commitment;
    struct identity meter; /* nil: of GPU-time, a fee or a rule */
    uint8_t window, list_window;
    uint8_t capacity;          /* enum capacity_status */
    uint8_t commitment_status; /* likewise: used, unused or none */
    uint8_t category;          /* enum charge_category */
    uint8_t reason;            /* enum charge_reason */
    uint8_t reserved[2];       /* 0 */
};
_Static_assert(sizeof(struct rated_key) == 6 * sizeof(struct identity) + 2 * sizeof(int64_t), "keys have no gaps");

struct rated_line {
    struct rated_key key;
    struct identity tenant;
    int64_t period_end_s;
    const char *currency;
    int64_t seconds, gpu_milli_s;
    int64_t meter_quantity; /* of a meter, which has no time: as in meter_usage */
    int64_t list_u, contracted_u, effective_u, billed_u;
};

struct rated_lines {
    struct rated_line *list;
    size_t count, capacity;
};
/* All four amounts. */
void rated_line_give(struct rated_line *line, int64_t amount_u);
bool rated_line_is_metered(const struct rated_line *line);      /* of a meter's readings */
const char *rated_line_category(const struct rated_line *line); /* as in tables */
void rated_lines_release(struct rated_lines *lines);            /* for CLEANUP; starts as {0} */

void rated_lines_push(struct rated_lines *lines, const struct rated_line *line);
void rated_lines_truncate(struct rated_lines *lines, size_t count);
/* Sorts by key, and makes one of lines of the same key. ERR_INVALID if a sum does not fit. */
MUST_CHECK enum err_kind rated_lines_merge(struct rated_lines *lines, struct err *reterr);
/* ERR_INVALID if one comes to more than MONEY_LINE_MOST_U. */
MUST_CHECK enum err_kind rated_lines_check(const struct rated_lines *lines, struct err *reterr);
/* Turns targets into what is to be written: each less what was written under its key, and minus what has no target any
 * more. What has not changed is left out. */
MUST_CHECK enum err_kind rated_lines_subtract(struct rated_lines *targets, const struct rated_lines *written,
                                              struct err *reterr);

/* Where lines are written: with which day's close, and, if the period they are of is closed, in which one. */
struct rated_place {
    int64_t day;
    bool is_correction;
    int64_t period_start_s; /* of a correction: the open period that bears it */
};
MUST_CHECK enum err_kind rated_lines_write(const struct rated_lines *lines, const struct rated_place *place,
                                           struct db *db, struct err *reterr);

/* The same with a day's close, each line in the period that it is of, or, if that is closed, as a correction in the
 * open one. For lines of which there are few. */
MUST_CHECK enum err_kind rated_lines_write_late(const struct rated_lines *lines, int64_t day, struct db *db,
                                                struct err *reterr);

/* The billing period is there, and open if it was not. */
MUST_CHECK enum err_kind rated_period_open(struct db *db, const char *tenant, int64_t starts_s, int64_t ends_s,
                                           struct err *reterr);

/* What was written of the usage of reservations, from a period on; corrections of closed periods are left out. */
MUST_CHECK enum err_kind rated_lines_of_reservations(struct db *db, struct db_array *reservations, int64_t from_s,
                                                     PGresult **ret_rows, struct rated_lines *ret, struct err *reterr);
/* What was written of a tenant's period, usage and fees, its corrections in later periods included; and, where asked
 * for, minimum durations. */
MUST_CHECK enum err_kind rated_lines_of_period(struct db *db, const char *tenant, int64_t period_start_s,
                                               bool with_minimum, PGresult **ret_rows, struct rated_lines *ret,
                                               struct err *reterr);
/* Of a period that is open: what was written of meters alone. */
MUST_CHECK enum err_kind rated_lines_of_meters(struct db *db, const char *tenant, int64_t period_start_s,
                                               PGresult **ret_rows, struct rated_lines *ret, struct err *reterr);

extern const struct db_stmt *const rated_line_statements[];
