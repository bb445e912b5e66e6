/* Depreciation: periods along a life, and what is charged through each point of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/depreciation.h"

#include "common/calendar.h"
#include "common/least.h"
#include "common/money.h"
#include "common/must.h"
#include "common/text_find.h"

#define HALVES_PER_MONTH INT64_C(2)
#define MONTHS_PER_YEAR  INT64_C(12)
#define HALVES_PER_YEAR  (HALVES_PER_MONTH * MONTHS_PER_YEAR)

#define X(constant, text, ...) text,
static const char *const method_texts[] = {DEPRECIATION_METHODS(X)};
static const char *const convention_texts[] = {DEPRECIATION_CONVENTIONS(X)};
#undef X

bool depreciation_method_of(const char *text, enum depreciation_method *ret)
{
    *ret = (enum depreciation_method)text_find(method_texts, COUNT_OF(method_texts), text);
    return *ret != DEPRECIATION_METHOD_COUNT;
}

bool depreciation_convention_of(const char *text, enum depreciation_convention *ret)
{
    *ret = (enum depreciation_convention)text_find(convention_texts, COUNT_OF(convention_texts), text);
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

static int64_t month_number(int64_t day)
{
    struct calendar_date date = calendar_date_of_day(day);
    return date.year * MONTHS_PER_YEAR + date.month - 1;
}

static int64_t month_of_number(int64_t number)
{
    return calendar_day_of_date(
        (struct calendar_date){(int)(number / MONTHS_PER_YEAR), (int)(number % MONTHS_PER_YEAR) + 1, 1});
}

static int64_t months_per_period(enum depreciation_axis axis)
{
    return axis == AXIS_YEARS ? MONTHS_PER_YEAR : 1;
}

/* A period of a segment, and the positions that it covers. */
struct period {
    int64_t number; /* counted by calendar from the anchor on; of days: from 0 */
    int64_t day_from;
    int64_t from, to;
};

/* day lies in the segment. */
static struct period period_of_day(const struct depreciation_segment *segment, int64_t day)
{
    int64_t elapsed = day - segment->day_from;
    if (segment->axis == AXIS_DAYS)
        return (struct period){elapsed, day, elapsed, elapsed + 1};
    struct calendar_date date = calendar_date_of_day(day);
    bool by_years = segment->axis == AXIS_YEARS;
    int64_t month = date.year * MONTHS_PER_YEAR + date.month - 1;
    int64_t number = by_years ? date.year - segment->anchor : month - segment->anchor;
    int64_t size = months_per_period(segment->axis) * HALVES_PER_MONTH;
    int64_t begin = by_years ? calendar_day_of_date((struct calendar_date){date.year, 1, 1}) : day - date.day + 1;
    return (struct period){
        .number = number,
        .day_from = number == 0 ? segment->day_from : begin,
        .from = number == 0 ? 0 : segment->first + (number - 1) * size,
        .to = least_of(segment->first + number * size, segment->whole),
    };
}

/* The last year ends with the months left; the last half month is spread over its month. */
static int64_t period_end(const struct depreciation_segment *segment, const struct period *period)
{
    if (segment->axis == AXIS_DAYS)
        return period->day_from + 1;
    if (segment->axis == AXIS_MONTHS)
        return month_of_number(segment->anchor + period->number + 1);
    int64_t months = period->number == 0 ? MONTHS_PER_YEAR : (period->to - period->from) / HALVES_PER_MONTH;
    return month_of_number((segment->anchor + period->number) * MONTHS_PER_YEAR + months);
}

/* ---- Segments ---- */

enum err_kind depreciation_check(const struct depreciation_terms *terms, struct err *reterr)
{
    if (terms->salvage_minor < 0 || terms->cost_minor < terms->salvage_minor)
        return err_set(reterr, ERR_INVALID, "the salvage value must be from 0 to the cost");
    if (terms->life_months < 1 || terms->life_months > DEPRECIATION_LIFE_MONTHS_MAX)
        return err_set(reterr, ERR_INVALID, "the life must be from 1 to %d months", DEPRECIATION_LIFE_MONTHS_MAX);
    if (terms->step_months != 1 && terms->step_months != MONTHS_PER_YEAR)
        return err_set(reterr, ERR_INVALID, "the rate must apply anew each month (1) or each year (12)");
    bool has_units = terms->method == DEPRECIATION_UNITS;
    if (has_units && (terms->lifetime_units <= 0 || terms->convention != CONVENTION_DAILY))
        return err_set(reterr, ERR_INVALID, "units of production need the units of a life, and the daily convention");
    return ERR_NONE;
}

struct depreciation_segment depreciation_begin(const struct depreciation_terms *terms)
{
    enum depreciation_axis axis = conventions[terms->convention].axis;
    struct depreciation_segment segment = {
        .method = terms->method,
        .axis = axis,
        .step_months = terms->step_months,
        .day_from = terms->in_service,
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
    int64_t month = month_number(terms->in_service) + conventions[terms->convention].months_later;
    if (month_of_number(month) > segment.day_from)
        segment.day_from = month_of_number(month);
    int64_t left = segment.whole - segment.first;
    segment.anchor = axis == AXIS_YEARS ? month / MONTHS_PER_YEAR : month;
    segment.day_to = axis == AXIS_YEARS
                         ? month_of_number((segment.anchor + 1) * MONTHS_PER_YEAR + left / HALVES_PER_MONTH)
                         : month_of_number(month + 1 + (left + 1) / HALVES_PER_MONTH);
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
    segment.anchor = month_number(day);
    segment.whole = (month_number(day_to) - segment.anchor) * HALVES_PER_MONTH - (has_odd_half ? 1 : 0);
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
    return before + part(charge, day - period.day_from, period_end(segment, &period) - period.day_from);
}

int64_t depreciation_accumulated(const struct depreciation_segment *segment, int64_t day, int64_t units)
{
    struct depreciation_walk walk = {.segment = segment};
    return depreciation_walk_to(&walk, day, units);
}
