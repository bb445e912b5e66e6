/* Points in time as people write them on a command line. Pure: no clock, and no time zone of this machine, since a line
 * must mean the same wherever it is run. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/calendar.h"

/* What is accepted, for whoever wrote something else. */
#define TIME_TEXT_FORMS                                                                                                \
    "a date (2026-12-01, from 00:00 UTC), a time with its zone (2026-12-01T08:00Z, 2026-12-01T09:00:00+01:00)"         \
    " or one from now (now, +2h, -7d)"

enum time_form {
    TIME_DAY,      /* value: days since 1970-01-01 */
    TIME_INSTANT,  /* value: seconds since 1970-01-01T00:00:00Z */
    TIME_FROM_NOW, /* value: seconds, negative before; a day has 86400 */
};

struct time_text {
    enum time_form form;
    int64_t value;
};

/* ERR_MALFORMED says what the option (its name, without dashes) accepts. */
MUST_CHECK enum err_kind time_text_parse(const char *option, const char *text, struct time_text *ret,
                                         struct err *reterr);
