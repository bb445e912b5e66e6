/* A day as far as it has come: its close is about the whole of it, what is told of it before about a part. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/calendar.h"

struct day_part {
    int64_t day;         /* since 1970-01-01 */
    int64_t until_s;     /* after its start, at most its end */
    int64_t open_from_s; /* nothing that is metered of it began before */
};

/* Metered to its end, and cut at its start. */
static inline struct day_part day_part_whole(int64_t day)
{
    int64_t starts_s = calendar_time_of_day(day);
    return (struct day_part){.day = day, .until_s = starts_s + CALENDAR_DAY_S, .open_from_s = starts_s};
}

static inline int64_t day_part_elapsed_s(const struct day_part *part)
{
    return part->until_s - calendar_time_of_day(part->day);
}
