/* Depreciation: what an asset loses in value, by one method and one convention, from a day on.
 *
 * A convention lays periods (days, months, years) along the life and gives each a part of it; a method says what is
 * charged through each point of the life; within a period the charge runs by days. All of it is cumulative rounding,
 * half away from zero: a charge is the difference of two accumulated amounts, so every stretch of days stands alone,
 * the stretches sum exactly to opening - salvage, and no row carries what the others left over.
 *
 * Amounts are minor units, days are since 1970-01-01 (common/calendar.h), units of production are milli-GPU-seconds.
 * Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(constant, text, what it is, after whom) */
#define DEPRECIATION_METHODS(X)                                                                                        \
    X(DEPRECIATION_STRAIGHT_LINE, "straight_line", "equal parts (IAS 16.62)")                                          \
    X(DEPRECIATION_DECLINING_150, "declining_balance_150", "1.5 / life of what is left, then straight line")           \
    X(DEPRECIATION_DECLINING_DOUBLE, "declining_balance_double", "2 / life of what is left, then straight line")       \
    X(DEPRECIATION_SUM_OF_DIGITS, "sum_of_years_digits", "parts as what of the life is left when each step begins")    \
    X(DEPRECIATION_UNITS, "units_of_production", "by GPU-hours delivered of those of a life")

/* X(constant, text, what it is) */
#define DEPRECIATION_CONVENTIONS(X)                                                                                    \
    X(CONVENTION_DAILY, "daily", "by actual days from the day of service on, leap days included")                      \
    X(CONVENTION_FULL_MONTH, "full_month", "the month of service counts whole")                                        \
    X(CONVENTION_NEXT_MONTH, "next_month", "begins with the month after")                                              \
    X(CONVENTION_MID_MONTH, "mid_month", "half of the first month's charge, and half in the month after the last")     \
    X(CONVENTION_HALF_YEAR, "half_year", "half of a year's charge in the calendar year of service, and of the last")

/* clang-format off */
#define X(constant, ...) constant,
enum depreciation_method { DEPRECIATION_METHODS(X) DEPRECIATION_METHOD_COUNT };
enum depreciation_convention { DEPRECIATION_CONVENTIONS(X) CONVENTION_COUNT };
#undef X
/* clang-format on */

/* False for a text that is none. */
bool depreciation_method_of(const char *text, enum depreciation_method *ret);
bool depreciation_convention_of(const char *text, enum depreciation_convention *ret);

#define DEPRECIATION_LIFE_MONTHS_MAX 240

/* How an asset is depreciated, as it was bought. */
struct depreciation_terms {
    enum depreciation_method method;
    enum depreciation_convention convention;
    int64_t step_months; /* declining balance, sum of digits: 12 or 1, how often the rate applies anew */
    int64_t in_service;  /* day it was available for use (IAS 16.55), not when it was bought */
    int64_t life_months; /* calendar months */
    int64_t cost_minor;
    int64_t salvage_minor;
    int64_t lifetime_units; /* units of production: milli-GPU-seconds of a life */
};

/* ERR_INVALID where the terms contradict themselves. */
MUST_CHECK enum err_kind depreciation_check(const struct depreciation_terms *terms, struct err *reterr);

enum depreciation_axis { AXIS_DAYS, AXIS_MONTHS, AXIS_YEARS };

/* A stretch of a life under the same terms: from opening to salvage over [day_from, day_to). Its life is counted in
 * positions: days, or half months. */
struct depreciation_segment {
    enum depreciation_method method;
    enum depreciation_axis axis;
    int64_t step_months;
    int64_t day_from, day_to;
    int64_t anchor; /* month or year of the first period, counted from year 0 */
    int64_t whole;  /* positions of the stretch */
    int64_t first;  /* of its first period */
    int64_t opening_minor, salvage_minor;
    int64_t units_from;  /* units of production: delivered before day_from */
    int64_t units_whole; /* of the stretch */
};

/* The whole life. The terms have passed depreciation_check. */
struct depreciation_segment depreciation_begin(const struct depreciation_terms *terms);

/* What is left of a life from a day on, with another end, carrying amount and salvage value (prospective: IAS 8.36,
 * ASC 250-10-45-17). The end is that of a life of so many months from in_service on, which lies after the day; under
 * conventions that count in months the day is the first of one. Half years go on as months. */
struct depreciation_segment depreciation_continue(const struct depreciation_segment *before,
                                                  const struct depreciation_terms *terms, int64_t day, int64_t units,
                                                  int64_t opening_minor, int64_t salvage_minor);

/* What is charged in [day_from, day) of a segment; clipped to it. units: milli-GPU-seconds delivered before the day,
 * for units of production; ignored otherwise. */
int64_t depreciation_accumulated(const struct depreciation_segment *segment, int64_t day, int64_t units);

/* A walk along a segment, for schedules: as depreciation_accumulated, but days that do not fall take a step each where
 * they would take all from the beginning. Starts with {0} but for the segment. */
struct depreciation_walk {
    const struct depreciation_segment *segment;
    int64_t start;             /* position at which the present step of the rate begins */
    int64_t start_accumulated; /* charged before it */
    int64_t step;              /* its number */
    int64_t digits;            /* sum of digits: weight before it */
    int64_t digits_whole;      /* of all; 0: not computed yet */
};
int64_t depreciation_walk_to(struct depreciation_walk *walk, int64_t day, int64_t units);
