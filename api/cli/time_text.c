/* The forms of a time, one after the other: each text is of one at most. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/time_text.h"

#include "api/cli/options.h"

#include <stdio.h>
#include <string.h>

#define MINUTES_LENGTH (sizeof "YYYY-MM-DDTHH:MM" - 1)
#define SECONDS_LENGTH (sizeof ":SS" - 1)
#define OFFSET_LENGTH  (sizeof "+HH:MM" - 1)

/* "now", "+2h", "-7d": a length needs its unit here, since "+30" may be meant as anything. */
static bool read_from_now(const char *text, int64_t *ret_s)
{
    *ret_s = 0;
    if (strcmp(text, "now") == 0)
        return true;
    bool is_before = text[0] == '-';
    bool has_unit = text[0] != '\0' && strchr("dhms", text[strlen(text) - 1]) != NULL;
    if ((text[0] != '+' && !is_before) || !has_unit || !option_duration(text + 1, ret_s))
        return false;
    *ret_s = is_before ? -*ret_s : *ret_s;
    return true;
}

/* RFC 3339's "YYYY-MM-DDTHH:MM:SS", of which a space may stand for the T and the seconds may be left out. *ret_zone is
 * what stands behind it. */
static bool read_clock(const char *text, int64_t *ret_s, const char **ret_zone)
{
    char utc[CALENDAR_TIME_SIZE + 1];
    if (strnlen(text, MINUTES_LENGTH) < MINUTES_LENGTH)
        return false;
    bool has_seconds = text[MINUTES_LENGTH] == ':';
    if (has_seconds && strnlen(text + MINUTES_LENGTH, SECONDS_LENGTH) < SECONDS_LENGTH)
        return false;
    *ret_zone = text + MINUTES_LENGTH + (has_seconds ? SECONDS_LENGTH : 0);
    (void)snprintf(utc, sizeof utc, "%.*s%sZ", (int)(*ret_zone - text), text, has_seconds ? "" : ":00");
    char *between = &utc[CALENDAR_DATE_SIZE - 1];
    *between = *between == ' ' ? 'T' : *between;
    return calendar_time_parse(utc, ret_s, NULL) == ERR_NONE;
}

/* "Z", or how far the zone's clocks are ahead of UTC: "+01:00". */
static bool read_zone(const char *zone, int64_t *ret_ahead_s)
{
    *ret_ahead_s = 0;
    if (strcmp(zone, "Z") == 0)
        return true;
    char hours[] = "HH";
    char minutes[] = "MM";
    int64_t hour = 0;
    int64_t minute = 0;
    if (strlen(zone) != OFFSET_LENGTH || strchr("+-", zone[0]) == NULL || zone[3] != ':')
        return false;
    memcpy(hours, zone + 1, 2);
    memcpy(minutes, zone + 4, 2);
    if (!option_number(hours, &hour) || !option_number(minutes, &minute) || hour > 23 || minute > 59)
        return false;
    *ret_ahead_s = (hour * 60 + minute) * (zone[0] == '-' ? -60 : 60);
    return true;
}

enum err_kind time_text_parse(const char *option, const char *text, struct time_text *ret, struct err *reterr)
{
    struct time_text found = {0};
    const char *zone = NULL;
    int64_t ahead_s = 0;
    if (read_from_now(text, &found.value)) {
        found.form = TIME_FROM_NOW;
    } else if (calendar_date_parse(text, &found.value, NULL) == ERR_NONE) {
        found.form = TIME_DAY;
    } else if (!read_clock(text, &found.value, &zone)) {
        return err_set(reterr, ERR_MALFORMED, "--%s wants " TIME_TEXT_FORMS ", not '%s'", option, text);
    } else if (zone[0] == '\0') {
        return err_set(reterr, ERR_MALFORMED,
                       "--%s wants the zone of '%s', too: Z for UTC, or an offset such as +01:00", option, text);
    } else {
        found.form = TIME_INSTANT;
        bool has_zone = read_zone(zone, &ahead_s);
        found.value -= ahead_s;
        if (!has_zone || found.value < CALENDAR_TIME_MIN_S || found.value > CALENDAR_TIME_MAX_S)
            return err_set(reterr, ERR_MALFORMED, "--%s wants " TIME_TEXT_FORMS ", not '%s'", option, text);
    }
    *ret = found;
    return ERR_NONE;
}
