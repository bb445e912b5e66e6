/* Whatever date or time comes: it is refused with a reason, or it is exactly the text of what it was read as. And
 * every second of the years 1 to 9999 has a text that is read back as it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/calendar.h"
#include "tests/fuzz/fuzz.h"

static void read_date(const char *text)
{
    struct err err = {0};
    int64_t day = 0;
    if (calendar_date_parse(text, &day, &err) != ERR_NONE) {
        must(err.kind == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    char again[CALENDAR_DATE_SIZE];
    calendar_date_print(day, again);
    must(strcmp(text, again) == 0);
}

static void read_time(const char *text)
{
    struct err err = {0};
    int64_t time_s = 0;
    if (calendar_time_parse(text, &time_s, &err) != ERR_NONE) {
        must(err.kind == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    char again[CALENDAR_TIME_SIZE];
    calendar_time_print(time_s, again);
    must(strcmp(text, again) == 0);
}

static void write_time(uint64_t number)
{
    int64_t time_s =
        CALENDAR_TIME_MIN_S + (int64_t)(number % (uint64_t)(CALENDAR_TIME_MAX_S - CALENDAR_TIME_MIN_S + 1));
    int64_t again_s = 0;
    char text[CALENDAR_TIME_SIZE];
    calendar_time_print(time_s, text);
    must(calendar_time_parse(text, &again_s, NULL) == ERR_NONE);
    must(again_s == time_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    uint64_t number = 0;
    read_date(text);
    read_time(text);
    if (size >= sizeof number) {
        memcpy(&number, data, sizeof number);
        write_time(number);
    }
    return 0;
}
