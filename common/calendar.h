/* The civil calendar: days since 1970-01-01, dates, and times in RFC 3339 UTC. Times are whole seconds since
 * 1970-01-01T00:00:00Z (suffix _s) without leap seconds, as POSIX and PostgreSQL count them. Proleptic Gregorian,
 * years 1 to 9999. Pure: no clock, no time zone but UTC, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdint.h>

#define CALENDAR_DAY_S      INT64_C(86400)
#define CALENDAR_YEAR_MAX   9999
#define CALENDAR_DAY_MIN    INT64_C(-719162)      /* 0001-01-01 */
#define CALENDAR_DAY_MAX    INT64_C(2932896)      /* 9999-12-31 */
#define CALENDAR_TIME_MIN_S INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define CALENDAR_TIME_MAX_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define CALENDAR_DATE_SIZE  sizeof "YYYY-MM-DD"
#define CALENDAR_TIME_SIZE  sizeof "YYYY-MM-DDTHH:MM:SSZ"

struct calendar_date {
    int year;  /* 1 to 9999 */
    int month; /* 1 to 12 */
    int day;   /* 1 to 28, 29, 30 or 31 */
};

/* Does the date exist? */
bool calendar_date_is_valid(struct calendar_date date);

/* Date to days since 1970-01-01 and back. The date must exist, the day lie within years 1 to 9999. */
int64_t calendar_day_of_date(struct calendar_date date);
struct calendar_date calendar_date_of_day(int64_t day);

/* The day that holds an instant, and the instant at which a day begins. The end of day d is the start of d + 1. */
int64_t calendar_day_of_time(int64_t time_s);
int64_t calendar_time_of_day(int64_t day);

/* The first day of the month that holds the day. */
int64_t calendar_month_of_day(int64_t day);

/* The same day of the month so many months later (or earlier); its last day where the month is too short.
 * The result must lie within years 1 to 9999. */
int64_t calendar_add_months(int64_t day, int64_t months);

/* Reads exactly YYYY-MM-DD, or exactly YYYY-MM-DDTHH:MM:SSZ: no fraction, no offset, no leap second, no lower case.
 * ERR_INVALID for any other text and for dates that do not exist. */
MUST_CHECK enum err_kind calendar_date_parse(const char *text, int64_t *ret_day, struct err *reterr);
MUST_CHECK enum err_kind calendar_time_parse(const char *text, int64_t *ret_s, struct err *reterr);

/* Writes what the parsers read. The day or time must lie within years 1 to 9999. */
void calendar_date_print(int64_t day, char ret_text[CALENDAR_DATE_SIZE]);
void calendar_time_print(int64_t time_s, char ret_text[CALENDAR_TIME_SIZE]);
