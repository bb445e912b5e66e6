/* Reading what all questions over time have in common. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/planning.h"

#include "api/server/field_value.h"
#include "common/calendar.h"
#include "common/least.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdlib.h>

#define RANGE_DEFAULT_S (7 * CALENDAR_DAY_S)

static const struct db_stmt statement_zone = {
    .name = "planning_zone",
    .sql = "SELECT id FROM zone WHERE name = $1",
    .params = 1,
};

static const struct db_stmt statement_now = {
    .name = "planning_now",
    .sql = "SELECT extract(epoch FROM sluice_now())::bigint",
    .params = 0,
};

const struct db_stmt *const planning_statements[] = {&statement_zone, &statement_now, NULL};

enum err_kind planning_zone(struct request *request, const char *name, const char *pointer, const char **ret_id,
                            struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_zone, DB_PARAMS(name), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0) {
        field_problem_add(&request->problems, pointer, "unknown_zone", "there is no zone '%.63s'", name);
        return request_invalid(request, reterr);
    }
    *ret_id = db_text(result, 0, 0);
    return ERR_NONE;
}

/* ---- Steps ---- */

static void check(struct request *request, struct planning_range *range, int64_t now_s)
{
    if (range->from == FIELD_NULL || range->from < now_s)
        range->from = now_s;
    if (range->to == FIELD_NULL)
        range->to = least_of(range->from + RANGE_DEFAULT_S, CALENDAR_TIME_MAX_S);
    range->steps = (range->to - range->from + range->step_s - 1) / range->step_s;
    if (range->to <= now_s)
        field_problem_add(&request->problems, "?to", "window_in_past", "lies in the past");
    else if (range->to <= range->from)
        field_problem_add(&request->problems, "?to", "window_reversed", "is not after from");
    else if (range->steps > PLANNING_STEPS_MAX)
        field_problem_add(&request->problems, "?step_s", "out_of_range",
                          "these would be %" PRId64 " steps: at most %d can be asked for", range->steps,
                          PLANNING_STEPS_MAX);
}

enum err_kind planning_now(struct request *request, int64_t *ret_s, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_now, DB_NO_PARAMS, &result, reterr);
    if (kind == ERR_NONE)
        *ret_s = db_int(result, 0, 0, 0);
    return kind;
}

enum err_kind planning_range_read(struct request *request, struct planning_range *range, struct err *reterr)
{
    int64_t now_s = 0;
    enum err_kind kind = planning_now(request, &now_s, reterr);
    if (kind != ERR_NONE)
        return kind;
    check(request, range, now_s);
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

static void int_out(struct json_out *out, const char *key, int64_t value)
{
    json_out_key(out, key);
    json_out_int(out, value);
}

void planning_range_ask(const struct planning_range *range, struct json_out *body)
{
    int_out(body, "from_s", range->from);
    int_out(body, "step_s", range->step_s);
    int_out(body, "steps", range->steps);
}

void planning_range_tell(const struct planning_range *range, struct json_out *out)
{
    json_out_key(out, "from");
    field_value_time(range->from, out);
    int_out(out, "step_s", range->step_s);
    int_out(out, "steps", range->steps);
}

/* ---- JSON ---- */

void planning_json_freep(json_t **json)
{
    json_decref(*json);
}

void planning_json_out(struct json_out *out, const json_t *value)
{
    CLEANUP(text_freep) char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    must(text != NULL); /* a tree that was read can be written */
    json_out_raw(out, text);
}
