/* availability, offer, capacity and simulate: what only a zone's planner knows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/noun.h"
#include "api/cli/reservation_body.h"
#include "common/arena.h"
#include "common/calendar.h"
#include "common/must.h"

#include <string.h>

#define GROUPS_MAX 100000

// clang-format off
static const struct column free_columns[] = {
    {"ZONE",         "zone",          NULL, text_of_value, .right = false},
    {"TYPE",         "instance_type", NULL, text_of_value, .right = false},
    {"FROM (UTC)",   "from",          NULL, text_of_time,  .right = false},
    {"TO (UTC)",     "to",            NULL, text_of_time,  .right = false},
    {"FREE",         "free",          NULL, text_of_value, .right = true},
    COLUMNS_END,
};

static const struct column offer_columns[] = {
    {"OFFER",        "kind",             NULL, text_of_value, .right = false},
    {"COUNT",        "count",            NULL, text_of_value, .right = true},
    {"STARTS (UTC)", "starts_at",        NULL, text_of_time,  .right = false},
    {"ENDS (UTC)",   "ends_at",          NULL, text_of_time,  .right = false},
    {"WITHIN",       "placement.within", NULL, text_of_value, .right = false},
    {"TIER",         "tier",             NULL, text_of_value, .right = false},
    {"PRICE",        "price.estimate",   NULL, text_of_money, .right = true, .optional = true},
    COLUMNS_END,
};

static const struct column simulated_columns[] = {
    {"ADMITTED",     "admitted",        NULL, text_of_value, .right = false},
    {"STARTS (UTC)", "starts_at",       NULL, text_of_time,  .right = false},
    {"ENDS (UTC)",   "ends_at",         NULL, text_of_time,  .right = false},
    {"EARNED",       "earned.estimate", NULL, text_of_money, .right = true},
    {"WHY NOT",      "binding.message", NULL, text_of_value, .optional = true},
    COLUMNS_END,
};

static const struct column displaced_columns[] = {
    {"DISPLACED",  "reservation", NULL, text_of_value, .right = false},
    {"ORDINAL",    "ordinal",     NULL, text_of_value, .right = true},
    {"CAUSE",      "cause",       NULL, text_of_value, .right = false},
    {"ENDS (UTC)", "ends_at",     NULL, text_of_time,  .right = false},
    COLUMNS_END,
};

static const struct column capacity_columns[] = {
    {"NAME",         "name",        NULL, text_of_value, .right = false},
    {"FABRIC",       "fabric",      NULL, text_of_value, .right = false},
    {"FROM (UTC)",   "starts_at",   NULL, text_of_time,  .right = false},
    {"HELD",         "held",        NULL, text_of_hours, .right = true},
    {"PREEMPTIBLE",  "preemptible", NULL, text_of_hours, .right = true},
    {"TURNAROUND",   "turnaround",  NULL, text_of_hours, .right = true},
    {"MAINTENANCE",  "maintenance", NULL, text_of_hours, .right = true},
    {"UNPLANNABLE",  "unplannable", NULL, text_of_hours, .right = true},
    {"FREE",         "free",        NULL, text_of_hours, .right = true},
    COLUMNS_END,
};
// clang-format on

/* ---- availability ---- */

/* Adds a row per stretch of steps that are alike. */
static void add_stretches(json_t *rows, const json_t *item, int64_t from_s, int64_t step_s)
{
    const json_t *free_counts = json_at(item, "free");
    size_t count = json_array_size(free_counts);
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && json_equal(json_array_get(free_counts, i), json_array_get(free_counts, end)) == 1)
            end++;
        char from[CALENDAR_TIME_SIZE], to[CALENDAR_TIME_SIZE];
        calendar_time_print(from_s + (int64_t)i * step_s, from);
        calendar_time_print(from_s + (int64_t)end * step_s, to);
        must(json_array_append_new(rows, json_pack("{s:O?, s:O?, s:s, s:s, s:O?}", "zone", json_at(item, "zone"),
                                                   "instance_type", json_at(item, "instance_type"), "from", from, "to",
                                                   to, "free", json_array_get(free_counts, i))) == 0);
        i = end;
    }
}

static enum err_kind print_availability(struct session *session, const json_t *answer, struct err *reterr)
{
    int64_t from_s = 0;
    const char *from = json_text_at(answer, "from");
    int64_t step_s = json_integer_value(json_at(answer, "step_s"));
    int64_t steps = json_integer_value(json_at(answer, "steps"));
    bool is_read = from != NULL && calendar_time_parse(from, &from_s, NULL) == ERR_NONE && step_s > 0 && steps > 0 &&
                   step_s <= INT32_MAX && steps <= INT32_MAX && from_s + step_s * steps <= CALENDAR_TIME_MAX_S;
    if (!is_read)
        return err_set(reterr, ERR_INTERNAL, "'%s' answered without steps", session->url);
    CLEANUP(json_release) json_t *rows = json_array();
    must(rows != NULL);
    const json_t *items = json_at(answer, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if ((int64_t)json_array_size(json_at(item, "free")) <= steps)
            add_stretches(rows, item, from_s, step_s);
    }
    table_print(session->out, session->arena, free_columns, rows);
    return ERR_NONE;
}

enum err_kind command_availability(struct session *session, struct err *reterr)
{
    CLEANUP(json_release) json_t *answer = NULL;
    enum err_kind kind =
        session_get(session, session_path(session, "/v1/availability", session_query(session), ""), &answer, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (!session->json)
        return print_availability(session, answer, reterr);
    session_print_json(session, answer);
    return ERR_NONE;
}

/* ---- offer ---- */

/* What a search has otherwise than a reservation: the duration is a range. */
static void complete_search(json_t *body)
{
    json_t *least = json_object_get(body, "duration_s");
    json_t *most = json_object_get(body, "duration_most_s");
    if (json_is_integer(least) || most != NULL)
        must(json_object_set_new(body, "duration_s", json_pack("{s:O*, s:O*}", "least", least, "most", most)) == 0);
    (void)json_object_del(body, "duration_most_s");
}

enum err_kind command_offer(struct session *session, struct err *reterr)
{
    enum err_kind kind = reservation_body(session->arguments, &session->asked, reterr);
    if (kind != ERR_NONE)
        return kind;
    complete_search(session->asked);
    CLEANUP(json_release) json_t *answer = NULL;
    const struct client_request request = {.method = "POST", .path = "/v1/offers", .body = session->asked};
    kind = session_call(session, &request, &answer, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->json)
        session_print_json(session, answer);
    else if (json_array_size(json_at(answer, "items")) > 0)
        table_print(session->out, session->arena, offer_columns, json_at(answer, "items"));
    else
        fputs("sluice: nothing fits\n", session->log);
    return ERR_NONE;
}

/* ---- capacity ---- */

/* A row per group and step. */
static void add_steps(json_t *rows, const json_t *item)
{
    const json_t *steps = json_at(item, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        CLEANUP(json_release) json_t *row = json_object();
        must(row != NULL);
        if (json_object_update(row, json_array_get(steps, i)) != 0)
            continue;                                                      /* no object: a server may send anything */
        (void)json_object_set(row, "name", json_object_get(item, "name")); /* else its cell stays empty */
        (void)json_object_set(row, "fabric", json_object_get(item, "fabric"));
        must(json_array_append(rows, row) == 0);
    }
}

enum err_kind command_capacity(struct session *session, struct err *reterr)
{
    CLEANUP(json_release) json_t *items = NULL;
    const char *next = NULL;
    enum err_kind kind =
        noun_items(session, "/v1/system/capacity", session_query(session), GROUPS_MAX, &items, &next, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->json) {
        CLEANUP(json_release) json_t *list = json_pack("{s:O}", "items", items);
        must(list != NULL);
        session_print_json(session, list);
        return ERR_NONE;
    }
    CLEANUP(json_release) json_t *rows = json_array();
    must(rows != NULL);
    for (size_t i = 0; i < json_array_size(items); i++)
        add_steps(rows, json_array_get(items, i));
    table_print(session->out, session->arena, capacity_columns, rows);
    return ERR_NONE;
}

/* ---- simulate ---- */

enum err_kind command_simulate(struct session *session, struct err *reterr)
{
    enum err_kind kind = reservation_body(session->arguments, &session->asked, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(json_release) json_t *answer = NULL;
    const struct client_request request = {.method = "POST", .path = "/v1/system/simulate", .body = session->asked};
    kind = session_call(session, &request, &answer, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->json) {
        session_print_json(session, answer);
        return ERR_NONE;
    }
    table_print(session->out, session->arena, simulated_columns, json_at(answer, "items"));
    if (json_array_size(json_at(answer, "displaced")) == 0)
        return ERR_NONE;
    fputc('\n', session->out);
    table_print(session->out, session->arena, displaced_columns, json_at(answer, "displaced"));
    return ERR_NONE;
}
