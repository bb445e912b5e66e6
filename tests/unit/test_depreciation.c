/* What depreciation promises: the golden schedules, and periods that stand alone and sum exactly, for each method under
 * each convention, against an oracle that walks the calendar day by day. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/calendar.h"
#include "common/depreciation.h"
#include "common/money.h"
#include "tests/unit/golden.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define CASES         400
#define MILLI_S_PER_H INT64_C(3600000)

static int64_t day_of(const char *text)
{
    int64_t day = 0;
    ck_assert_int_eq(calendar_date_parse(text, &day, NULL), ERR_NONE);
    return day;
}

static int64_t first_of(int year, int month)
{
    return calendar_day_of_date((struct calendar_date){year, month, 1});
}

static struct depreciation_terms terms_of(enum depreciation_method method, enum depreciation_convention convention,
                                          const char *in_service, int64_t life_months, int64_t cost, int64_t salvage)
{
    struct depreciation_terms terms = {
        .method = method,
        .convention = convention,
        .step_months = 12,
        .in_service = day_of(in_service),
        .life_months = life_months,
        .cost_minor = cost,
        .salvage_minor = salvage,
    };
    ck_assert_int_eq(depreciation_check(&terms, NULL), ERR_NONE);
    return terms;
}

static int64_t charge(const struct depreciation_terms *terms, int64_t from, int64_t to)
{
    struct depreciation_segment segment = depreciation_begin(terms);
    return depreciation_accumulated(&segment, to, 0) - depreciation_accumulated(&segment, from, 0);
}

/* The charge of a calendar month, and of a calendar year. */
static int64_t month_charge(const struct depreciation_terms *terms, int year, int month)
{
    int64_t from = first_of(year, month);
    return charge(terms, from, calendar_add_months(from, 1));
}

static int64_t year_charge(const struct depreciation_terms *terms, int year)
{
    return charge(terms, first_of(year, 1), first_of(year + 1, 1));
}

START_TEST(g1_months_of_equal_weight)
{
    json_t *golden = golden_load();
    json_t *g1 = golden_member(golden, "G1");
    struct depreciation_terms terms =
        terms_of(DEPRECIATION_STRAIGHT_LINE, CONVENTION_FULL_MONTH, "2026-01-01", golden_integer(g1, "months"),
                 golden_integer(g1, "cost"), golden_integer(g1, "salvage"));
    int64_t sum = 0;
    int rows_99 = 0;
    int rows_98 = 0;
    for (int month = 0; month < 72; month++) {
        int64_t row = month_charge(&terms, 2026 + month / 12, 1 + month % 12);
        if (month < 6)
            ck_assert_int_eq(row, golden_at(golden_member(g1, "first6"), (size_t)month));
        rows_99 += row == 362499;
        rows_98 += row == 362498;
        sum += row;
    }
    ck_assert_int_eq(rows_99, 44);
    ck_assert_int_eq(rows_98, 28);
    ck_assert_int_eq(sum, terms.cost_minor - terms.salvage_minor);
    ck_assert_int_eq(year_charge(&terms, 2026), golden_integer(g1, "year1"));
    ck_assert_int_eq(terms.cost_minor - charge(&terms, terms.in_service, first_of(2029, 1)),
                     golden_integer(g1, "nbv36"));
    json_decref(golden);
}
END_TEST

START_TEST(g2_days_are_actual_days)
{
    json_t *golden = golden_load();
    json_t *g2 = golden_member(golden, "G2");
    struct depreciation_terms terms = terms_of(DEPRECIATION_STRAIGHT_LINE, CONVENTION_DAILY, "2026-03-17", 72,
                                               golden_integer(g2, "cost"), golden_integer(g2, "salvage"));
    struct depreciation_segment segment = depreciation_begin(&terms);
    ck_assert_int_eq(segment.day_to - segment.day_from, golden_integer(g2, "days"));
    const char *year;
    json_t *expected;
    json_object_foreach(golden_member(g2, "per_year"), year, expected)
    {
        ck_assert_int_eq(year_charge(&terms, (int)strtol(year, NULL, 10)), json_integer_value(expected));
    }
    ck_assert_int_eq(month_charge(&terms, 2026, 3), golden_integer(g2, "mar26"));
    ck_assert_int_eq(month_charge(&terms, 2026, 4), 384923);
    ck_assert_int_eq(month_charge(&terms, 2027, 2), 359261);
    ck_assert_int_eq(month_charge(&terms, 2028, 2), golden_integer(g2, "feb28"));
    ck_assert_int_eq(month_charge(&terms, 2032, 3), golden_integer(g2, "mar32"));
    int postings = 0;
    for (int month = 0; month < 84; month++)
        postings += month_charge(&terms, 2026 + month / 12, 1 + month % 12) != 0;
    ck_assert_int_eq(postings, 73);
    json_decref(golden);
}
END_TEST

START_TEST(g3_conventions_say_when_charges_begin)
{
    json_t *golden = golden_load();
    json_t *g3 = golden_member(golden, "G3");
    static const struct {
        enum depreciation_convention convention;
        int64_t year;
    } years[] = {{CONVENTION_FULL_MONTH, 4500000}, {CONVENTION_NEXT_MONTH, 4050000}, {CONVENTION_MID_MONTH, 4275000}};
    for (size_t i = 0; i < COUNT_OF(years); i++) {
        struct depreciation_terms terms =
            terms_of(DEPRECIATION_STRAIGHT_LINE, years[i].convention, "2026-03-17", 60, 30000000, 3000000);
        ck_assert_int_eq(year_charge(&terms, 2026), years[i].year);
        ck_assert_int_eq(charge(&terms, 0, first_of(2040, 1)), 27000000);
    }
    struct depreciation_terms mid =
        terms_of(DEPRECIATION_STRAIGHT_LINE, CONVENTION_MID_MONTH, "2026-03-17", 60, 30000000, 3000000);
    ck_assert_int_eq(month_charge(&mid, 2026, 3), golden_integer(g3, "mid_month_first"));
    ck_assert_int_eq(year_charge(&mid, 2026), golden_integer(g3, "mid_month_fy"));
    int rows = 0;
    for (int month = 0; month < 84; month++)
        rows += month_charge(&mid, 2026 + month / 12, 1 + month % 12) != 0;
    ck_assert_int_eq(rows, 61);
    struct depreciation_terms half =
        terms_of(DEPRECIATION_STRAIGHT_LINE, CONVENTION_HALF_YEAR, "2026-03-17", 60, 30000000, 3000000);
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(year_charge(&half, 2026 + (int)i), golden_at(golden_member(g3, "half_year"), i));
    ck_assert_int_eq(charge(&half, first_of(2031, 7), first_of(2040, 1)), 0);
    json_decref(golden);
}
END_TEST

static void years_are(const struct depreciation_terms *terms, const json_t *expected)
{
    for (size_t i = 0; i < json_array_size(expected); i++)
        ck_assert_int_eq(year_charge(terms, 2026 + (int)i), json_integer_value(json_array_get(expected, i)));
}

START_TEST(g4_declining_balance_turns_to_straight_line_and_stops_at_salvage)
{
    json_t *golden = golden_load();
    json_t *g4 = golden_member(golden, "G4");
    for (size_t i = 0; i < json_array_size(g4); i++) {
        json_t *example = json_array_get(g4, i);
        struct depreciation_terms terms =
            terms_of(DEPRECIATION_DECLINING_DOUBLE, CONVENTION_FULL_MONTH, "2026-01-01", 60,
                     golden_integer(example, "cost"), golden_integer(example, "salvage"));
        years_are(&terms, golden_member(example, "dep"));
    }
    struct depreciation_terms one_and_a_half =
        terms_of(DEPRECIATION_DECLINING_150, CONVENTION_FULL_MONTH, "2026-01-01", 72, 28999900, 0);
    static const int64_t expected[] = {7249975, 5437481, 4078111, 4078111, 4078111, 4078111};
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(year_charge(&one_and_a_half, 2026 + i), expected[i]);
    struct depreciation_terms monthly =
        terms_of(DEPRECIATION_DECLINING_DOUBLE, CONVENTION_FULL_MONTH, "2026-01-01", 60, 30000000, 3000000);
    monthly.step_months = 1;
    ck_assert_int_eq(month_charge(&monthly, 2026, 1), 1000000);
    ck_assert_int_eq(month_charge(&monthly, 2026, 2), 966667);
    ck_assert_int_eq(month_charge(&monthly, 2026, 3), 934444);
    ck_assert_int_eq(year_charge(&monthly, 2026), 10027050);
    ck_assert_int_eq(year_charge(&monthly, 2027), 6675661);
    json_decref(golden);
}
END_TEST

START_TEST(g5_sum_of_the_years_digits)
{
    json_t *golden = golden_load();
    struct depreciation_terms five =
        terms_of(DEPRECIATION_SUM_OF_DIGITS, CONVENTION_FULL_MONTH, "2026-01-01", 60, 28999900, 2900000);
    years_are(&five, golden_member(golden, "G5"));
    static const int64_t expected[] = {7457114, 6214262, 4971410, 3728557, 2485705, 1242852};
    struct depreciation_terms six = five;
    six.life_months = 72;
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(year_charge(&six, 2026 + i), expected[i]);
    json_decref(golden);
}
END_TEST

START_TEST(g6_units_of_production)
{
    json_t *golden = golden_load();
    json_t *g6 = golden_member(golden, "G6");
    struct depreciation_terms terms =
        terms_of(DEPRECIATION_STRAIGHT_LINE, CONVENTION_DAILY, "2026-01-01", 60, 30000000, 3000000);
    terms.method = DEPRECIATION_UNITS;
    terms.lifetime_units = golden_integer(g6, "life") * MILLI_S_PER_H;
    struct depreciation_segment segment = depreciation_begin(&terms);
    int64_t units = 0;
    int64_t before = 0;
    for (size_t i = 0; i < json_array_size(golden_member(g6, "use")); i++) {
        units += golden_at(golden_member(g6, "use"), i) * MILLI_S_PER_H;
        int64_t through = depreciation_accumulated(&segment, first_of(2026, 2 + (int)i), units);
        ck_assert_int_eq(through - before, golden_at(golden_member(g6, "dep"), i));
        before = through;
    }
    ck_assert_int_eq(before, 1682877);
    ck_assert_int_eq(depreciation_accumulated(&segment, first_of(2040, 1), terms.lifetime_units * 2), 27000000);
    json_decref(golden);
}
END_TEST

/* ---- The oracle: every day of a life is put into its period by its date; then plain fractions ---- */

#define PERIODS_MAX 8000

struct oracle_period {
    int64_t key;    /* day, month or year it is of */
    int64_t days;   /* of it */
    int64_t weight; /* positions */
};

static int64_t key_of(enum depreciation_convention convention, int64_t day)
{
    struct calendar_date date = calendar_date_of_day(day);
    return convention == CONVENTION_DAILY       ? day
           : convention == CONVENTION_HALF_YEAR ? date.year
                                                : date.year * 12 + date.month;
}

/* Periods of a life, day by day, until their weights are those of the life. */
static size_t oracle_periods(const struct depreciation_terms *terms, struct oracle_period *periods, int64_t *ret_from)
{
    enum depreciation_convention convention = terms->convention;
    int64_t whole = convention == CONVENTION_DAILY
                        ? calendar_add_months(terms->in_service, terms->life_months) - terms->in_service
                        : terms->life_months * 2;
    int64_t full = convention == CONVENTION_DAILY ? 1 : convention == CONVENTION_HALF_YEAR ? 24 : 2;
    int64_t first = convention == CONVENTION_MID_MONTH ? 1 : convention == CONVENTION_HALF_YEAR ? 12 : full;
    int64_t day = terms->in_service;
    while (convention == CONVENTION_NEXT_MONTH && key_of(convention, day) == key_of(convention, terms->in_service))
        day++;
    *ret_from = day;
    size_t count = 0;
    int64_t weight = 0;
    for (; weight < whole || key_of(convention, day) == periods[count - 1].key; day++) {
        if (count > 0 && periods[count - 1].key == key_of(convention, day)) {
            int64_t months = calendar_date_of_day(day).month;
            bool over = convention == CONVENTION_HALF_YEAR && count > 1 && months * 2 > periods[count - 1].weight;
            periods[count - 1].days += over ? 0 : 1;
            continue;
        }
        int64_t wanted = count == 0 ? first : full;
        int64_t left = whole - weight;
        periods[count++] = (struct oracle_period){key_of(convention, day), 1, wanted < left ? wanted : left};
        weight += periods[count - 1].weight;
        ck_assert(count < PERIODS_MAX);
    }
    return count;
}

static int64_t rounded(__int128 numerator, __int128 denominator)
{
    return (int64_t)((2 * numerator + denominator) / (2 * denominator));
}

/* Accumulated at a position by the method's definition; steps are found by counting. */
static int64_t oracle_accumulated(const struct depreciation_terms *terms, int64_t whole, int64_t position)
{
    int64_t base = terms->cost_minor - terms->salvage_minor;
    if (terms->method == DEPRECIATION_STRAIGHT_LINE)
        return rounded((__int128)base * position, whole);
    int64_t ends[DEPRECIATION_LIFE_MONTHS_MAX + 1];
    size_t steps = 0;
    for (int64_t end = 0; end < whole; steps++) {
        int64_t months = (int64_t)(steps + 1) * terms->step_months;
        end = terms->convention == CONVENTION_DAILY ? calendar_add_months(terms->in_service, months) - terms->in_service
                                                    : 2 * months;
        ends[steps] = end < whole ? end : whole;
    }
    __int128 digits = 0;
    for (size_t i = 0; i < steps; i++)
        digits += (__int128)(whole - (i ? ends[i - 1] : 0)) * (ends[i] - (i ? ends[i - 1] : 0));
    int64_t accumulated = 0;
    __int128 passed = 0;
    for (size_t i = 0; i < steps; i++) {
        int64_t start = i ? ends[i - 1] : 0;
        int64_t length = ends[i] - start;
        int64_t left = base - accumulated;
        int64_t step_charge;
        if (terms->method == DEPRECIATION_SUM_OF_DIGITS) {
            passed += (__int128)(whole - start) * length;
            step_charge = rounded((__int128)base * passed, digits) - accumulated;
        } else {
            int factor = terms->method == DEPRECIATION_DECLINING_150 ? 3 : 4;
            /* left / time left > carrying * factor / 2 / whole */
            if ((__int128)left * 2 * whole > (__int128)(terms->cost_minor - accumulated) * factor * (whole - start))
                return accumulated + rounded((__int128)left * (position - start), whole - start);
            step_charge = rounded((__int128)(terms->cost_minor - accumulated) * factor * length, (__int128)2 * whole);
            step_charge = step_charge < left ? step_charge : left;
        }
        if (position <= ends[i])
            return accumulated + rounded((__int128)step_charge * (position - start), length);
        accumulated += step_charge;
    }
    return base;
}

static struct depreciation_terms any_terms(struct property *property)
{
    struct depreciation_terms terms = {
        .method = (enum depreciation_method)property_between(property, 0, DEPRECIATION_UNITS - 1),
        .convention = (enum depreciation_convention)property_between(property, 0, CONVENTION_COUNT - 1),
        .step_months = property_between(property, 0, 1) ? 12 : 1,
        .in_service = property_between(property, 15000, 30000),
        .life_months = property_between(property, 1, property_between(property, 0, 3) ? 84 : 240),
        .cost_minor = property_between(property, 0, INT64_C(1) << property_between(property, 0, 50)),
    };
    terms.salvage_minor = property_between(property, 0, 2) ? property_between(property, 0, terms.cost_minor) : 0;
    return terms;
}

START_TEST(each_method_under_each_convention_agrees_with_the_calendar_walked_by_days)
{
    static struct oracle_period periods[PERIODS_MAX];
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct depreciation_terms terms = any_terms(&property);
        struct depreciation_segment segment = depreciation_begin(&terms);
        int64_t day = 0;
        size_t count = oracle_periods(&terms, periods, &day);
        ck_assert_int_eq(segment.day_from, day);
        int64_t whole = 0;
        for (size_t p = 0; p < count; p++)
            whole += periods[p].weight;
        int64_t position = 0;
        size_t stride = count > 500 ? 97 : 1; /* of thousands of days, some */
        for (size_t p = 0; p < count; p++) {
            bool is_looked_at = p % stride == 0 || p + 1 == count;
            if (is_looked_at) {
                int64_t before = oracle_accumulated(&terms, whole, position);
                int64_t row = oracle_accumulated(&terms, whole, position + periods[p].weight) - before;
                int64_t within = property_between(&property, 0, periods[p].days);
                ck_assert_int_eq(depreciation_accumulated(&segment, day, 0), before);
                ck_assert_int_eq(depreciation_accumulated(&segment, day + within, 0),
                                 before + rounded((__int128)row * within, periods[p].days));
            }
            day += periods[p].days;
            position += periods[p].weight;
        }
        ck_assert_int_eq(segment.day_to, day);
        ck_assert_int_eq(depreciation_accumulated(&segment, day, 0), terms.cost_minor - terms.salvage_minor);
    }
}
END_TEST

START_TEST(any_period_alone_is_the_row_of_the_schedule)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct depreciation_terms terms = any_terms(&property);
        struct depreciation_segment segment = depreciation_begin(&terms);
        struct depreciation_walk walk = {.segment = &segment};
        int64_t accumulated = 0;
        for (int64_t day = segment.day_from; day < segment.day_to;) {
            int64_t next = day + property_between(&property, 1, 200);
            int64_t row = depreciation_walk_to(&walk, next, 0) - accumulated;
            ck_assert(row >= 0);
            ck_assert_int_eq(charge(&terms, day, next), row);
            accumulated += row;
            ck_assert(terms.cost_minor - accumulated >= terms.salvage_minor);
            day = next;
        }
        ck_assert_int_eq(accumulated, terms.cost_minor - terms.salvage_minor);
        ck_assert_int_eq(charge(&terms, INT32_MIN, segment.day_from), 0);
        ck_assert_int_eq(charge(&terms, segment.day_to, INT32_MAX), 0);
        int64_t back = property_between(&property, segment.day_from, segment.day_to);
        ck_assert_int_eq(depreciation_walk_to(&walk, back, 0), depreciation_accumulated(&segment, back, 0));
    }
}
END_TEST

START_TEST(the_largest_amounts_fit)
{
    for (int method = 0; method < DEPRECIATION_UNITS; method++) {
        struct depreciation_terms terms =
            terms_of((enum depreciation_method)method, CONVENTION_DAILY, "2026-01-31", 240, INT64_MAX, 1);
        ck_assert_int_eq(charge(&terms, terms.in_service, first_of(2050, 1)), INT64_MAX - 1);
        ck_assert(charge(&terms, terms.in_service, first_of(2030, 6)) > 0);
    }
}
END_TEST

START_TEST(texts_are_read_back_and_contradictions_refused)
{
#define X(constant, text, ...) text,
    static const char *const methods[] = {DEPRECIATION_METHODS(X)};
    static const char *const conventions[] = {DEPRECIATION_CONVENTIONS(X)};
#undef X
    enum depreciation_method method;
    enum depreciation_convention convention;
    for (int i = 0; i < DEPRECIATION_METHOD_COUNT; i++) {
        ck_assert(depreciation_method_of(methods[i], &method));
        ck_assert_int_eq(method, i);
    }
    for (int i = 0; i < CONVENTION_COUNT; i++) {
        ck_assert(depreciation_convention_of(conventions[i], &convention));
        ck_assert_int_eq(convention, i);
    }
    ck_assert(!depreciation_method_of("straight", &method));
    struct depreciation_terms terms = {.step_months = 12, .life_months = 60, .cost_minor = 10, .salvage_minor = 11};
    ck_assert_int_eq(depreciation_check(&terms, NULL), ERR_INVALID);
    terms.salvage_minor = 1;
    ck_assert_int_eq(depreciation_check(&terms, NULL), ERR_NONE);
    terms.method = DEPRECIATION_UNITS;
    ck_assert_int_eq(depreciation_check(&terms, NULL), ERR_INVALID);
    terms = (struct depreciation_terms){.step_months = 3, .life_months = 60};
    ck_assert_int_eq(depreciation_check(&terms, NULL), ERR_INVALID);
    terms = (struct depreciation_terms){.step_months = 1, .life_months = 241};
    ck_assert_int_eq(depreciation_check(&terms, NULL), ERR_INVALID);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("depreciation");
    tcase_add_test(tests, g1_months_of_equal_weight);
    tcase_add_test(tests, g2_days_are_actual_days);
    tcase_add_test(tests, g3_conventions_say_when_charges_begin);
    tcase_add_test(tests, g4_declining_balance_turns_to_straight_line_and_stops_at_salvage);
    tcase_add_test(tests, g5_sum_of_the_years_digits);
    tcase_add_test(tests, g6_units_of_production);
    tcase_add_test(tests, each_method_under_each_convention_agrees_with_the_calendar_walked_by_days);
    tcase_add_test(tests, any_period_alone_is_the_row_of_the_schedule);
    tcase_add_test(tests, the_largest_amounts_fit);
    tcase_add_test(tests, texts_are_read_back_and_contradictions_refused);
    Suite *suite = suite_create("depreciation");
    suite_add_tcase(suite, tests);
    return suite;
}
