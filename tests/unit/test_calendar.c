/* What the calendar promises: every day of 9,999 years is right, and only real times in one form are read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/calendar.h"
#include "tests/unit/suite.h"

START_TEST(each_day_follows_the_one_before_for_9999_years)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = CALENDAR_DAY_MIN;
    for (int year = 1; year <= CALENDAR_YEAR_MAX; year++) {
        for (int month = 1; month <= 12; month++) {
            bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
            int last = days[month - 1] + (month == 2 && leap);
            for (int i = 1; i <= last; i++, day++) {
                struct calendar_date date = calendar_date_of_day(day);
                if (date.year != year || date.month != month || date.day != i || calendar_day_of_date(date) != day)
                    ck_abort_msg("day %lld is not %04d-%02d-%02d", (long long)day, year, month, i);
            }
            ck_assert(!calendar_date_is_valid((struct calendar_date){year, month, last + 1}));
        }
    }
    ck_assert_int_eq(day, CALENDAR_DAY_MAX + 1);
    ck_assert_int_eq(calendar_day_of_date((struct calendar_date){1970, 1, 1}), 0);
}
END_TEST

START_TEST(real_times_come_back_byte_for_byte)
{
    static const struct {
        const char *text;
        int64_t time_s;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"2026-03-01T00:00:00Z", 1772323200},
        {"2028-02-29T12:34:57Z", 1835440497},
        {"0001-01-01T00:00:00Z", CALENDAR_TIME_MIN_S},
        {"9999-12-31T23:59:59Z", CALENDAR_TIME_MAX_S},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t time_s = 7;
        char text[CALENDAR_TIME_SIZE];
        ck_assert_int_eq(calendar_time_parse(cases[i].text, &time_s, NULL), ERR_NONE);
        ck_assert_int_eq(time_s, cases[i].time_s);
        calendar_time_print(time_s, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(other_texts_are_refused)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-03-01",
        "2026-03-01T00:00:00",
        "2026-03-01t00:00:00Z",
        "2026-03-01T00:00:00z",
        "2026-03-01 00:00:00Z",
        "2026-03-01T00:00:00.0Z",
        "2026-03-01T00:00:00+00:00",
        "2026-03-01T00:00:00Z ",
        " 2026-03-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "12026-01-01T00:00:00Z",
        "2026-1-01T00:00:00Z",
        "2O26-01-01T00:00:00Z",
        "1900-02-29T00:00:00Z",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t time_s = 7;
        struct err err = {0};
        ck_assert_msg(calendar_time_parse(bad[i], &time_s, &err) == ERR_INVALID, "accepted '%s'", bad[i]);
        ck_assert_int_eq(time_s, 7);
        ck_assert_str_ne(err.code, "");
    }
    int64_t day = 7;
    ck_assert_int_eq(calendar_date_parse("2026-02-29", &day, NULL), ERR_INVALID);
    ck_assert_int_eq(calendar_date_parse("2026-02-28T", &day, NULL), ERR_INVALID);
    ck_assert_int_eq(calendar_date_parse("2028-02-29", &day, NULL), ERR_NONE);
    char text[CALENDAR_DATE_SIZE];
    calendar_date_print(day, text);
    ck_assert_str_eq(text, "2028-02-29");
}
END_TEST

static int64_t day_of(const char *text)
{
    int64_t day = 0;
    ck_assert_int_eq(calendar_date_parse(text, &day, NULL), ERR_NONE);
    return day;
}

START_TEST(months_are_added_and_short_months_end_early)
{
    ck_assert_int_eq(calendar_add_months(day_of("2026-03-17"), 72), day_of("2032-03-17"));
    ck_assert_int_eq(calendar_add_months(day_of("2027-12-31"), 2), day_of("2028-02-29"));
    ck_assert_int_eq(calendar_add_months(day_of("2028-03-31"), -1), day_of("2028-02-29"));
    ck_assert_int_eq(calendar_add_months(day_of("2026-01-15"), -1), day_of("2025-12-15"));
    ck_assert_int_eq(calendar_month_of_day(day_of("2028-02-29")), day_of("2028-02-01"));
    ck_assert_int_eq(day_of("2032-03-17") - day_of("2026-03-17"), 2192);
}
END_TEST

START_TEST(a_day_holds_its_first_second_and_not_its_last)
{
    int64_t day = day_of("1969-12-31");
    ck_assert_int_eq(calendar_day_of_time(calendar_time_of_day(day)), day);
    ck_assert_int_eq(calendar_day_of_time(calendar_time_of_day(day) - 1), day - 1);
    ck_assert_int_eq(calendar_day_of_time(calendar_time_of_day(day + 1) - 1), day);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("calendar");
    tcase_add_test(tests, each_day_follows_the_one_before_for_9999_years);
    tcase_add_test(tests, real_times_come_back_byte_for_byte);
    tcase_add_test(tests, other_texts_are_refused);
    tcase_add_test(tests, months_are_added_and_short_months_end_early);
    tcase_add_test(tests, a_day_holds_its_first_second_and_not_its_last);
    Suite *suite = suite_create("calendar");
    suite_add_tcase(suite, tests);
    return suite;
}
