/* Depreciation: periods along a life, and what is charged through each point of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/depreciation.h"

#include "common/calendar.h"
#include "common/money.h"
#include "common/must.h"

#include <string.h>

#define HALVES_PER_MONTH INT64_C(2)
#define MONTHS_PER_YEAR  INT64_C(12)
#define HALVES_PER_YEAR  (HALVES_PER_MONTH * MONTHS_PER_YEAR)

#define X(constant, text, ...) text,
static const char *const method_texts[] = {DEPRECIATION_METHODS(X)};
static const char *const convention_texts[] = {DEPRECIATION_CONVENTIONS(X)};
#undef X

const char *depreciation_method_text(enum depreciation_method method)
{
    must((unsigned)method < DEPRECIATION_METHOD_COUNT);
    return method_texts[method];
}

const char *depreciation_convention_text(enum depreciation_convention convention)
{
    must((unsigned)convention < CONVENTION_COUNT);
    return convention_texts[convention];
}

static size_t find_text(const char *const *texts, size_t count, const char *text)
{
    size_t i = 0;
    while (i < count && strcmp(texts[i], text) != 0)
        i++;
    return i;
}

bool depreciation_method_of(const char *text, enum depreciation_method *ret)
{
    *ret = (enum depreciation_method)find_text(method_texts, COUNT_OF(method_texts), text);
    return *ret != DEPRECIATION_METHOD_COUNT;
}

bool depreciation_convention_of(const char *text, enum depreciation_convention *ret)
{
    *ret = (enum depreciation_convention)find_text(convention_texts, COUNT_OF(convention_texts), text);
    return *ret != CONVENTION_COUNT;
}

/* ---- Conventions: where the periods lie ---- */

/* Positions are half months but for days, so that a half is a whole number. */
static const struct {
    enum depreciation_axis axis;
    int64_t months_later; /* the first period begins so many months after that of service */
    int64_t first;        /* positions of the first period */
} conventions[] = {
    [CONVENTION_DAILY] = {AXIS_DAYS, 0, 1},
    [CONVENTION_FULL_MONTH] = {AXIS_MONTHS, 0, HALVES_PER_MONTH},
    [CONVENTION_NEXT_MONTH] = {AXIS_MONTHS, 1, HALVES_PER_MONTH},
    [CONVENTION_MID_MONTH] = {AXIS_MONTHS, 0, HALVES_PER_MONTH / 2},
    [CONVENTION_HALF_YEAR] = {AXIS_YEARS, 0, HALVES_PER_YEAR / 2},
};

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t months_between(int64_t from, int64_t to)
{
    struct calendar_date a = calendar_date_of_day(from);
    struct calendar_date b = calendar_date_of_day(to);
    return (int64_t)(b.year - a.year) * MONTHS_PER_YEAR + (b.month - a.month);
}

static int64_t year_of_day(int64_t day)
{
    return calendar_day_of_date((struct calendar_date){calendar_date_of_day(day).year, 1, 1});
}

static int64_t months_per_period(enum depreciation_axis axis)
{
    return axis == AXIS_YEARS ? MONTHS_PER_YEAR : 1;
}

/* A period of a segment, and the positions that it covers. */
struct period {
    int64_t day_from, day_to;
    int64_t from, to;
};

/* The period of that number, counted by calendar from the anchor on. The last year ends with the months left; the
 * last half month is spread over its month. */
static struct period period_at(const struct depreciation_segment *segment, int64_t number)
{
    int64_t months = months_per_period(segment->axis);
    int64_t size = months * HALVES_PER_MONTH;
    int64_t begin = calendar_add_months(segment->anchor, number * months);
    struct period period = {
        .day_from = number == 0 ? segment->day_from : begin,
        .from = number == 0 ? 0 : segment->first + (number - 1) * size,
    };
    period.to = least_of(segment->first + number * size, segment->whole);
    int64_t months_left = (period.to - period.from) / HALVES_PER_MONTH;
    bool is_cut = segment->axis == AXIS_YEARS && number > 0;
    period.day_to = calendar_add_months(begin, is_cut ? months_left : months);
    return period;
}

/* day lies in the segment. */
static struct period period_of_day(const struct depreciation_segment *segment, int64_t day)
{
    if (segment->axis == AXIS_DAYS) {
        int64_t from = day - segment->day_from;
        return (struct period){day, day + 1, from, from + 1};
    }
    return period_at(segment, months_between(segment->anchor, day) / months_per_period(segment->axis));
}

int64_t depreciation_period_end(const struct depreciation_segment *segment, int64_t day)
{
    return period_of_day(segment, day).day_to;
}

/* ---- Segments ---- */

enum err_kind depreciation_check(const struct depreciation_terms *terms, struct err *reterr)
{
    if (terms->salvage_minor < 0 || terms->cost_minor < terms->salvage_minor)
        return err_set(reterr, ERR_INVALID, "the salvage value must be 0 to the cost");
    if (terms->life_months < 1 || terms->life_months > DEPRECIATION_LIFE_MONTHS_MAX)
        return err_set(reterr, ERR_INVALID, "the life must be 1 to %d months", DEPRECIATION_LIFE_MONTHS_MAX);
    if (terms->step_months != 1 && terms->step_months != MONTHS_PER_YEAR)
        return err_set(reterr, ERR_INVALID, "the rate applies anew each month or each year");
    bool has_units = terms->method == DEPRECIATION_UNITS;
    if (has_units && (terms->lifetime_units <= 0 || terms->convention != CONVENTION_DAILY))
        return err_set(reterr, ERR_INVALID, "units of production need the units of a life, and no other convention");
    return ERR_NONE;
}

static int64_t end_of_years(int64_t anchor, int64_t whole, int64_t first)
{
    if (whole <= first)
        return calendar_add_months(anchor, MONTHS_PER_YEAR);
    return calendar_add_months(anchor, MONTHS_PER_YEAR + (whole - first) / HALVES_PER_MONTH);
}

struct depreciation_segment depreciation_begin(const struct depreciation_terms *terms)
{
    enum depreciation_axis axis = conventions[terms->convention].axis;
    struct depreciation_segment segment = {
        .method = terms->method,
        .axis = axis,
        .step_months = terms->step_months,
        .day_from = terms->in_service,
        .anchor = terms->in_service,
        .first = conventions[terms->convention].first,
        .opening_minor = terms->cost_minor,
        .salvage_minor = terms->salvage_minor,
        .units_whole = terms->lifetime_units,
    };
    if (axis == AXIS_DAYS) {
        bool is_timed = terms->method != DEPRECIATION_UNITS; /* else it ends with its units */
        segment.day_to = is_timed ? calendar_add_months(terms->in_service, terms->life_months) : CALENDAR_DAY_MAX;
        segment.whole = segment.day_to - segment.day_from;
        return segment;
    }
    segment.whole = terms->life_months * HALVES_PER_MONTH;
    segment.first = least_of(segment.first, segment.whole);
    int64_t later = conventions[terms->convention].months_later;
    int64_t month = calendar_add_months(calendar_month_of_day(terms->in_service), later);
    segment.anchor = axis == AXIS_YEARS ? year_of_day(terms->in_service) : month;
    segment.day_from = later > 0 ? month : terms->in_service;
    int64_t periods = 1 + (segment.whole - segment.first + 1) / HALVES_PER_MONTH;
    segment.day_to = axis == AXIS_YEARS ? end_of_years(segment.anchor, segment.whole, segment.first)
                                        : calendar_add_months(month, periods);
    return segment;
}

struct depreciation_segment depreciation_continue(const struct depreciation_segment *before,
                                                  const struct depreciation_terms *terms, int64_t day, int64_t units,
                                                  int64_t opening_minor, int64_t salvage_minor)
{
    struct depreciation_segment segment = depreciation_begin(terms);
    int64_t day_to = segment.day_to;
    must(day < day_to && salvage_minor >= 0 && salvage_minor <= opening_minor);
    bool has_odd_half = segment.axis == AXIS_MONTHS && segment.first % HALVES_PER_MONTH != 0;
    segment.day_from = day;
    segment.anchor = day;
    segment.opening_minor = opening_minor;
    segment.salvage_minor = salvage_minor;
    segment.units_from = units;
    int64_t units_left = before->units_whole - (units - before->units_from);
    segment.units_whole = units_left > 0 ? units_left : 0;
    if (segment.axis == AXIS_DAYS) {
        segment.whole = day_to - day;
        return segment;
    }
    must(calendar_month_of_day(day) == day);
    segment.axis = AXIS_MONTHS;
    segment.whole = months_between(day, day_to) * HALVES_PER_MONTH - (has_odd_half ? 1 : 0);
    segment.first = least_of(HALVES_PER_MONTH, segment.whole);
    return segment;
}

/* ---- Methods: what is charged through a position ---- */

static int64_t base_of(const struct depreciation_segment *segment)
{
    return segment->opening_minor - segment->salvage_minor;
}

static int64_t part(int64_t total, int64_t to, int64_t whole)
{
    return money_over_time(total, 0, to, whole, MONEY_HALF_AWAY);
}

static int64_t straight(struct depreciation_walk *walk, int64_t position)
{
    return part(base_of(walk->segment), position, walk->segment->whole);
}

/* Where a step of the rate ends. */
static int64_t step_end(const struct depreciation_segment *segment, int64_t step)
{
    int64_t months = segment->step_months * (step + 1);
    int64_t end = segment->axis == AXIS_DAYS ? calendar_add_months(segment->day_from, months) - segment->day_from
                                             : months * HALVES_PER_MONTH;
    return least_of(end, segment->whole);
}

static void rewind_before(struct depreciation_walk *walk, int64_t position)
{
    if (position >= walk->start)
        return;
    walk->start = walk->start_accumulated = walk->step = walk->digits = 0;
}

/* A step's charge is twice the factor over the life, of what is left when it begins; once equal parts of what is left
 * to depreciate are more, they are charged from there on; never below salvage. factor_halves: 3 or 4. */
static int64_t declining(struct depreciation_walk *walk, int64_t position, int64_t factor_halves)
{
    const struct depreciation_segment *segment = walk->segment;
    rewind_before(walk, position);
    for (;;) {
        int64_t carrying = segment->opening_minor - walk->start_accumulated;
        int64_t left = carrying - segment->salvage_minor;
        int64_t time_left = segment->whole - walk->start;
        money_wide by_rate = (money_wide)carrying * factor_halves * time_left;
        if ((money_wide)left * 2 * segment->whole > by_rate)
            return walk->start_accumulated + part(left, position - walk->start, time_left);
        int64_t end = step_end(segment, walk->step);
        int64_t length = end - walk->start;
        int64_t doubled = least_of(length * factor_halves, segment->whole * 2); /* a short life is over in a step */
        int64_t charge = least_of(part(carrying, doubled, segment->whole * 2), left);
        if (position < end || end == segment->whole)
            return walk->start_accumulated + part(charge, position - walk->start, length);
        walk->start = end;
        walk->start_accumulated += charge;
        walk->step++;
    }
}

static int64_t declining_150(struct depreciation_walk *walk, int64_t position)
{
    return declining(walk, position, 3);
}

static int64_t declining_double(struct depreciation_walk *walk, int64_t position)
{
    return declining(walk, position, 4);
}

static int64_t digits_of_step(const struct depreciation_segment *segment, int64_t start, int64_t end)
{
    return (segment->whole - start) * (end - start);
}

static int64_t digits_of_all(const struct depreciation_segment *segment)
{
    int64_t sum = 0;
    int64_t start = 0;
    for (int64_t step = 0; start < segment->whole; step++) {
        int64_t end = step_end(segment, step);
        sum += digits_of_step(segment, start, end);
        start = end;
    }
    return sum;
}

/* A step weighs as what of the life is left when it begins: n, n - 1, ... 1 where the steps are years of a whole
 * number of them. */
static int64_t sum_of_digits(struct depreciation_walk *walk, int64_t position)
{
    const struct depreciation_segment *segment = walk->segment;
    if (walk->digits_whole == 0)
        walk->digits_whole = digits_of_all(segment);
    rewind_before(walk, position);
    for (;;) {
        int64_t end = step_end(segment, walk->step);
        int64_t digits = walk->digits + digits_of_step(segment, walk->start, end);
        int64_t through = part(base_of(segment), digits, walk->digits_whole);
        int64_t charge = through - walk->start_accumulated;
        if (position < end || end == segment->whole)
            return walk->start_accumulated + part(charge, position - walk->start, end - walk->start);
        walk->start = end;
        walk->start_accumulated = through;
        walk->digits = digits;
        walk->step++;
    }
}

/* NULL: by units, not by time. */
static int64_t (*const methods[])(struct depreciation_walk *walk, int64_t position) = {
    [DEPRECIATION_STRAIGHT_LINE] = straight,
    [DEPRECIATION_DECLINING_150] = declining_150,
    [DEPRECIATION_DECLINING_DOUBLE] = declining_double,
    [DEPRECIATION_SUM_OF_DIGITS] = sum_of_digits,
    [DEPRECIATION_UNITS] = NULL,
};

static int64_t by_units(const struct depreciation_segment *segment, int64_t units)
{
    int64_t used = units - segment->units_from;
    if (used >= segment->units_whole)
        return base_of(segment);
    return used <= 0 ? 0 : part(base_of(segment), used, segment->units_whole);
}

int64_t depreciation_walk_to(struct depreciation_walk *walk, int64_t day, int64_t units)
{
    const struct depreciation_segment *segment = walk->segment;
    int64_t (*accumulated)(struct depreciation_walk *, int64_t) = methods[segment->method];
    if (accumulated == NULL)
        return day <= segment->day_from ? 0 : by_units(segment, units);
    if (day <= segment->day_from)
        return 0;
    if (day >= segment->day_to)
        return base_of(segment);
    struct period period = period_of_day(segment, day);
    int64_t before = accumulated(walk, period.from);
    if (day == period.day_from)
        return before;
    int64_t charge = accumulated(walk, period.to) - before;
    return before + part(charge, day - period.day_from, period.day_to - period.day_from);
}

int64_t depreciation_accumulated(const struct depreciation_segment *segment, int64_t day, int64_t units)
{
    struct depreciation_walk walk = {.segment = segment};
    return depreciation_walk_to(&walk, day, units);
}
