/* Days and dates by arithmetic alone, because the C library's calendar reads time zones and globals.
 *
 * A year is counted from March, so that the leap day is its last, and 400 years from March are one era of 146,097
 * days that repeats exactly (Richards, Explanatory Supplement to the Astronomical Almanac, 15.11). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/calendar.h"

#include "common/must.h"

#define MONTHS_PER_YEAR              12
#define MONTHS_MAX                   (INT64_C(12) * (CALENDAR_YEAR_MAX + 1)) /* from year 0 to the end of the last year */
#define ERA_YEARS                    400
#define ERA_DAYS                     146097
#define DAYS_FROM_MARCH_0000_TO_1970 719468 /* 0000-03-01 to 1970-01-01 */
#define HOUR_S                       INT64_C(3600)
#define MINUTE_S                     INT64_C(60)

static bool is_leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % ERA_YEARS == 0;
}

static int days_of_month(int year, int month)
{
    static const int days[MONTHS_PER_YEAR] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year) ? 1 : 0);
}

bool calendar_date_is_valid(struct calendar_date date)
{
    return date.year >= 1 && date.year <= CALENDAR_YEAR_MAX && date.month >= 1 && date.month <= MONTHS_PER_YEAR &&
           date.day >= 1 && date.day <= days_of_month(date.year, date.month);
}

int64_t calendar_day_of_date(struct calendar_date date)
{
    must(calendar_date_is_valid(date));
    int64_t year = date.month > 2 ? date.year : date.year - 1; /* from March */
    int64_t month = (date.month + 9) % MONTHS_PER_YEAR;        /* March is 0 */
    /* March to January alternate 31, 30, 31, 30, 31 days, 153 in each five months. */
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    return 365 * year + year / 4 - year / 100 + year / ERA_YEARS + day_of_year - DAYS_FROM_MARCH_0000_TO_1970;
}

struct calendar_date calendar_date_of_day(int64_t day)
{
    must(day >= CALENDAR_DAY_MIN && day <= CALENDAR_DAY_MAX);
    int64_t since_march = day + DAYS_FROM_MARCH_0000_TO_1970; /* not negative: 0001-01-01 is 306 */
    int64_t era = since_march / ERA_DAYS;
    int64_t day_of_era = since_march % ERA_DAYS;
    /* Take out the leap days (one in 1,461 days, but not in 36,524, but in 146,096), and each year has 365 days. */
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (ERA_DAYS - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* March is 0 */
    bool next_civil_year = month >= 10;
    return (struct calendar_date){
        .year = (int)(era * ERA_YEARS + year_of_era + (next_civil_year ? 1 : 0)),
        .month = (int)(next_civil_year ? month - 9 : month + 3),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

int64_t calendar_day_of_time(int64_t time_s)
{
    int64_t day = time_s / CALENDAR_DAY_S;
    return time_s % CALENDAR_DAY_S < 0 ? day - 1 : day;
}

int64_t calendar_time_of_day(int64_t day)
{
    must(day >= CALENDAR_DAY_MIN && day <= CALENDAR_DAY_MAX + 1);
    return day * CALENDAR_DAY_S;
}

int64_t calendar_month_of_day(int64_t day)
{
    return day - calendar_date_of_day(day).day + 1;
}

int64_t calendar_add_months(int64_t day, int64_t months)
{
    struct calendar_date date = calendar_date_of_day(day);
    must(months > -MONTHS_MAX && months < MONTHS_MAX);
    int64_t month = (int64_t)date.year * MONTHS_PER_YEAR + date.month - 1 + months;
    must(month >= MONTHS_PER_YEAR && month < MONTHS_MAX);
    date.year = (int)(month / MONTHS_PER_YEAR);
    date.month = (int)(month % MONTHS_PER_YEAR) + 1;
    int last = days_of_month(date.year, date.month);
    date.day = date.day < last ? date.day : last;
    return calendar_day_of_date(date);
}

/* Does the text have the pattern's shape: a digit where it has '0', the very character elsewhere? */
static bool has_shape(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++) {
        bool fits = *pattern == '0' ? *text >= '0' && *text <= '9' : *text == *pattern;
        if (!fits)
            return false;
    }
    return *text == '\0';
}

static int number_at(const char *text, int digits)
{
    int number = 0;
    for (int i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

static struct calendar_date date_at(const char *text)
{
    return (struct calendar_date){number_at(text, 4), number_at(text + 5, 2), number_at(text + 8, 2)};
}

enum err_kind calendar_date_parse(const char *text, int64_t *ret_day, struct err *reterr)
{
    if (!has_shape(text, "0000-00-00"))
        return err_set_code(reterr, ERR_INVALID, "date_not_canonical", "date '%.40s' is not of the form YYYY-MM-DD",
                            text);
    struct calendar_date date = date_at(text);
    if (!calendar_date_is_valid(date))
        return err_set_code(reterr, ERR_INVALID, "date_out_of_range", "date '%s' does not exist", text);
    *ret_day = calendar_day_of_date(date);
    return ERR_NONE;
}

enum err_kind calendar_time_parse(const char *text, int64_t *ret_s, struct err *reterr)
{
    if (!has_shape(text, "0000-00-00T00:00:00Z"))
        return err_set_code(reterr, ERR_INVALID, "time_not_canonical",
                            "time '%.40s' is not of the form YYYY-MM-DDTHH:MM:SSZ", text);
    struct calendar_date date = date_at(text);
    int hour = number_at(text + 11, 2);
    int minute = number_at(text + 14, 2);
    int second = number_at(text + 17, 2);
    if (!calendar_date_is_valid(date) || hour > 23 || minute > 59 || second > 59)
        return err_set_code(reterr, ERR_INVALID, "time_out_of_range", "time '%s' does not exist", text);
    *ret_s = calendar_time_of_day(calendar_day_of_date(date)) + hour * HOUR_S + minute * MINUTE_S + second;
    return ERR_NONE;
}

/* Writes a number with leading zeros and returns where the next character goes. */
static char *put_number(char *text, int64_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        text[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return text + digits;
}

static char *put_date(char *text, int64_t day)
{
    struct calendar_date date = calendar_date_of_day(day);
    text = put_number(text, date.year, 4);
    *text++ = '-';
    text = put_number(text, date.month, 2);
    *text++ = '-';
    return put_number(text, date.day, 2);
}

void calendar_date_print(int64_t day, char ret_text[CALENDAR_DATE_SIZE])
{
    *put_date(ret_text, day) = '\0';
}

void calendar_time_print(int64_t time_s, char ret_text[CALENDAR_TIME_SIZE])
{
    int64_t day = calendar_day_of_time(time_s);
    int64_t second = time_s - day * CALENDAR_DAY_S;
    char *text = put_date(ret_text, day);
    *text++ = 'T';
    text = put_number(text, second / HOUR_S, 2);
    *text++ = ':';
    text = put_number(text, second / MINUTE_S % MINUTE_S, 2);
    *text++ = ':';
    text = put_number(text, second % MINUTE_S, 2);
    *text++ = 'Z';
    *text = '\0';
}
