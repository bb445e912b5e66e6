/* What is from now is from the API's now: its clock may be virtual, and this machine's may be wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/times.h"

#include "api/cli/noun.h"
#include "api/cli/time_text.h"
#include "common/arena.h"
#include "common/must.h"

#include <string.h>
#include <time.h>

/* Tokens and the audit go by real time, whatever the domain's. */
static enum err_kind now_of(struct session *session, int64_t *ret_s, struct err *reterr)
{
    bool is_virtual = false;
    enum err_kind kind = session_domain_time(session, ret_s, &is_virtual, reterr);
    if (kind == ERR_NONE && is_virtual && command_times(session->arguments->command) == TIMES_ARE_REAL)
        *ret_s = (int64_t)time(NULL);
    return kind;
}

/* Left to the API, which knows best when now is: an instant of this one's now would be past when it is looked at. */
static bool is_left_to_api(enum option_id option, struct time_text time)
{
    return options[option].type == VALUE_START && time.value == 0;
}

static enum err_kind settle_from_now(struct session *session, struct option_value *value, struct time_text time,
                                     struct err *reterr)
{
    const struct command *command = session->arguments->command;
    const char *option = options[value->option].name;
    if (is_left_to_api(value->option, time)) {
        value->text = command->noun == &noun_maintenance ? NULL : OPTION_NOW; /* whose start is left out, never null */
        return ERR_NONE;
    }
    int64_t now_s = 0;
    enum err_kind kind = now_of(session, &now_s, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t then_s = now_s + time.value; /* a thousand years at most, and the calendar's */
    if (then_s < CALENDAR_TIME_MIN_S || then_s > CALENDAR_TIME_MAX_S)
        return err_set(reterr, ERR_MALFORMED, "--%s: '%s' is beyond the calendar", option, value->text);
    char *text = arena_alloc(session->arena, CALENDAR_TIME_SIZE);
    calendar_time_print(then_s, text);
    if (command_times(command) == TIMES_ARE_DAYS)
        text[CALENDAR_DATE_SIZE - 1] = '\0';
    session_note_settled(session, arena_format(session->arena, "--%s %s", option, text));
    value->text = text;
    return ERR_NONE;
}

static enum err_kind settle(struct session *session, struct option_value *value, struct err *reterr)
{
    struct time_text time = {0};
    must(time_text_parse(options[value->option].name, value->text, &time, NULL) ==
         ERR_NONE); /* option_check has seen it */
    if (time.form == TIME_FROM_NOW)
        return settle_from_now(session, value, time, reterr);
    if (time.form == TIME_DAY)
        return ERR_NONE; /* some routes take days: who sends it knows */
    char *text = arena_alloc(session->arena, CALENDAR_TIME_SIZE);
    calendar_time_print(time.value, text);
    value->text = text;
    return ERR_NONE;
}

enum err_kind times_settle(struct session *session, struct arguments *arguments, struct err *reterr)
{
    must(session->arguments == arguments);
    enum err_kind kind = ERR_NONE;
    for (int i = 0; i < arguments->value_count && kind == ERR_NONE; i++) {
        struct option_value *value = &arguments->values[i];
        if (options[value->option].type == VALUE_TIME || options[value->option].type == VALUE_START)
            kind = settle(session, value, reterr);
    }
    return kind;
}
