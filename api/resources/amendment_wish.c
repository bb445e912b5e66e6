/* The way of an amendment through the API: lock the reservation, check, write the wish; later, read the verdict. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/amendment.h"

#include "api/resources/reservation.h"
#include "api/resources/reservation_columns.h"
#include "api/server/await.h"
#include "api/server/server.h"

#include <string.h>

#define OPEN_MAX 8 /* of one reservation: the planner decides all of them in one piece of work */

static const struct db_stmt statement_lock = {
    .name = "amendment_lock",
    .sql = "SELECT r.revision AS wish_revision, r.id, r.zone_id, r.tenant_id, coalesce(s.state, 'pending'),"
           " r.cancel_requested_at IS NOT NULL, extract(epoch FROM s.starts_at)::bigint,"
           " extract(epoch FROM s.ends_at)::bigint, coalesce(s.granted_count, r.count),"
           " extract(epoch FROM sluice_now())::bigint,"
           " (SELECT count(*) FROM amendment a WHERE a.reservation_id = r.id"
           "   AND NOT EXISTS (SELECT FROM amendment_status d WHERE d.amendment_id = a.id)),"
           " r.name, r.project, r.if_unavailable, r.labels::text"
           " FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id"
           " WHERE r.id = $1::uuid AND r.hidden_at IS NULL AND " IS_RESERVATION("r") " FOR UPDATE OF r",
    .params = 1,
};
enum {
    LOCKED_REVISION,
    LOCKED_ID,
    LOCKED_ZONE,
    LOCKED_TENANT,
    LOCKED_STATE,
    LOCKED_IS_CANCELLED,
    LOCKED_STARTS,
    LOCKED_ENDS,
    LOCKED_COUNT,
    LOCKED_NOW,
    LOCKED_OPEN_COUNT,
    LOCKED_NAME,
    LOCKED_PROJECT,
    LOCKED_IF_UNAVAILABLE,
    LOCKED_LABELS,
};

/* What PUT replaces and PATCH changes. */
static const struct db_stmt statement_read = {
    .name = "amendment_read",
    .sql = RESERVATION_COLUMNS("r.state") RESERVATION_FROM " WHERE r.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_insert = {
    .name = "amendment_insert",
    .sql =
        "WITH wished AS (UPDATE reservation SET revision = revision + 1 WHERE id = $2::uuid RETURNING revision)"
        " INSERT INTO amendment (id, reservation_id, tenant_id, zone_id, principal_id, revision, changes_start,"
        "                        starts_at, changes_end, ends_at, count, beside, gives_window, wished_starts_at,"
        "                        wished_ends_at, duration_s, start_from, start_to)"
        " SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, w.revision, $6::boolean, to_timestamp($7::bigint),"
        "        $8::boolean, to_timestamp($9::bigint), $10::integer, $11::jsonb, $12::boolean,"
        "        to_timestamp($13::bigint), to_timestamp($14::bigint), $15::bigint, to_timestamp($16::bigint),"
        "        to_timestamp($17::bigint) FROM wished w",
    .params = 17,
};

#define TIME_TEXT(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
// clang-format off
#define AMENDMENT_COLUMNS                                                                                              \
    "SELECT a.id, a.reservation_id AS reservation, coalesce(s.state, 'requested') AS state,"                           \
    " CASE WHEN a.duration_s IS NOT NULL THEN jsonb_build_object('duration_s', a.duration_s, 'start_range',"           \
    "   jsonb_build_array(" TIME_TEXT("a.start_from") ", " TIME_TEXT("a.start_to") ")) ELSE"                           \
    " CASE WHEN a.changes_start THEN jsonb_build_object('starts_at', " TIME_TEXT("a.starts_at") ") ELSE '{}' END"      \
    " || CASE WHEN a.changes_end THEN jsonb_build_object('ends_at', " TIME_TEXT("a.ends_at") ") ELSE '{}' END END"     \
    " || jsonb_strip_nulls(jsonb_build_object('count', a.count)) AS changes,"                                          \
    " s.count AS \"terms.count\", extract(epoch FROM s.starts_at)::bigint AS \"terms.starts_at\","                     \
    " extract(epoch FROM s.ends_at)::bigint AS \"terms.ends_at\", s.reason, s.binding, s.alternatives,"                \
    " extract(epoch FROM a.created_at)::bigint AS created_at,"                                                         \
    " extract(epoch FROM s.decided_at)::bigint AS decided_at, a.id AS page_key"                                        \
    " FROM amendment a LEFT JOIN amendment_status s ON s.amendment_id = a.id"
// clang-format on

static const struct db_stmt statement_get = {
    .name = "amendment_get",
    .sql = AMENDMENT_COLUMNS " WHERE a.id = $1::uuid",
    .params = 1,
};

const struct db_stmt amendment_list_statement = {
    .name = "amendment_list",
    .sql = AMENDMENT_COLUMNS " WHERE a.reservation_id = $3::uuid AND ($1::uuid IS NULL OR a.id > $1::uuid)"
                             " ORDER BY a.id LIMIT $2::bigint",
    .params = 3,
};

const struct db_stmt *const amendment_statements[] = {&statement_lock, &statement_read,           &statement_insert,
                                                      &statement_get,  &amendment_list_statement, NULL};

const struct object_lock amendment_lock = {.stmt = &statement_lock, .noun = "reservation", .read = &statement_read};

enum err_kind amendment_subject_of(const struct request *request, struct amendment_subject *ret, struct err *reterr)
{
    if (request->caller.tenant_suspended)
        return err_set_code(reterr, ERR_FORBIDDEN, "tenant_suspended", "the tenant is suspended");
    const PGresult *result = request->locked;
    *ret = (struct amendment_subject){
        .revision = db_int(result, 0, LOCKED_REVISION, 0),
        .id = db_text(result, 0, LOCKED_ID),
        .zone_id = db_text(result, 0, LOCKED_ZONE),
        .tenant_id = db_text(result, 0, LOCKED_TENANT),
        .state = db_text(result, 0, LOCKED_STATE),
        .is_cancelled = db_bool(result, 0, LOCKED_IS_CANCELLED),
        .starts_at = db_int(result, 0, LOCKED_STARTS, FIELD_NULL),
        .ends_at = db_int(result, 0, LOCKED_ENDS, FIELD_NULL),
        .count = db_int(result, 0, LOCKED_COUNT, 1),
        .now = db_int(result, 0, LOCKED_NOW, 0),
        .open_count = db_int(result, 0, LOCKED_OPEN_COUNT, 0),
        .name = db_text(result, 0, LOCKED_NAME),
        .project = db_text(result, 0, LOCKED_PROJECT),
        .if_unavailable = db_text(result, 0, LOCKED_IF_UNAVAILABLE),
        .labels = db_text(result, 0, LOCKED_LABELS),
    };
    return ERR_NONE;
}

static bool has_state(const struct amendment_subject *subject, const char *state)
{
    return strcmp(subject->state, state) == 0;
}

/* What the planner would say, too, where it can be said at once. It has the last word: time goes on. */
static enum err_kind check_window(struct request *request, const struct amendment_subject *subject,
                                  const struct amendment_wish *wish, struct err *reterr)
{
    bool is_flexible = wish->window != NULL && wish->window->duration_s != FIELD_NULL;
    const char *end = is_flexible ? "/duration_s" : "/ends_at";
    int64_t wished_start = wish->starts_at == FIELD_NULL ? subject->now : wish->starts_at;
    int64_t starts_at = wish->changes_start ? wished_start : subject->starts_at;
    int64_t ends_at = wish->changes_end ? wish->ends_at : subject->ends_at;
    bool moves_start = starts_at != subject->starts_at;
    if (moves_start && !has_state(subject, "scheduled"))
        return err_set_code(reterr, ERR_CONFLICT, "start_is_past",
                            "its instances are being made ready, or run: the start cannot change any more");
    if (moves_start && starts_at < subject->now)
        field_problem_add(&request->problems, is_flexible ? "/start_range" : "/starts_at", "window_in_past",
                          "the start lies in the past");
    else if (ends_at != FIELD_NULL && ends_at <= starts_at)
        field_problem_add(&request->problems, end, "window_reversed", "the window must end after it begins");
    else if (wish->changes_end && ends_at != FIELD_NULL && ends_at <= subject->now)
        field_problem_add(&request->problems, end, "window_in_past",
                          "the end lies in the past; to end it now, cancel it");
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

bool amendment_is_empty(const struct amendment_wish *wish)
{
    return !wish->changes_start && !wish->changes_end && !wish->changes_count;
}

enum err_kind amendment_check(struct request *request, const struct amendment_subject *subject,
                              const struct amendment_wish *wish, struct err *reterr)
{
    bool has_place =
        has_state(subject, "scheduled") || has_state(subject, "activating") || has_state(subject, "active");
    if (!has_place || subject->is_cancelled)
        return err_set_code(reterr, ERR_CONFLICT, "not_amendable",
                            "only what has its place and goes on can be amended; this reservation is %s",
                            subject->is_cancelled ? "cancelled" : subject->state);
    if (subject->open_count >= OPEN_MAX)
        return err_set_code(reterr, ERR_CONFLICT, "amendments_open", "%d amendments wait for their verdict already",
                            OPEN_MAX);
    return check_window(request, subject, wish, reterr);
}

enum err_kind amendment_request(struct request *request, const struct amendment_subject *subject,
                                const struct amendment_wish *wish, const char *id, route_handler *finish,
                                struct err *reterr)
{
    const char *starts_at = wish->changes_start ? request_int(request, wish->starts_at) : NULL;
    const char *ends_at = wish->changes_end ? request_int(request, wish->ends_at) : NULL;
    const char *count = wish->changes_count ? request_int(request, wish->count) : NULL;
    static const struct reservation none = {.starts_at = FIELD_NULL,
                                            .ends_at = FIELD_NULL,
                                            .duration_s = FIELD_NULL,
                                            .start_range = {FIELD_NULL, FIELD_NULL}};
    const struct reservation *window = wish->window == NULL ? &none : wish->window;
    enum err_kind kind = request_run(
        request, &statement_insert,
        DB_PARAMS(id, subject->id, subject->tenant_id, subject->zone_id, request->caller.principal_id,
                  request_bool(wish->changes_start), starts_at, request_bool(wish->changes_end), ends_at, count,
                  wish->beside, request_bool(wish->window != NULL), request_int(request, window->starts_at),
                  request_int(request, window->ends_at), request_int(request, window->duration_s),
                  request_int(request, window->start_range.from), request_int(request, window->start_range.to)),
        NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_event(request, subject->tenant_id, subject->zone_id, "reservation_wish", subject->id,
                             subject->revision + 1, "reservation.amendment_requested", reterr);
    request->wakes_planner = true;
    return kind == ERR_NONE ? request_await(request, id, finish) : kind;
}

enum err_kind amendment_find(struct request *request, const char *id, const PGresult **ret, struct err *reterr)
{
    enum err_kind kind = request_run(request, &statement_get, DB_PARAMS(id), ret, reterr);
    if (kind == ERR_NONE && PQntuples(*ret) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "there is no such amendment");
    return kind;
}

bool amendment_is_open(const PGresult *result)
{
    return strcmp(db_text(result, 0, PQfnumber(result, "state")), "requested") == 0;
}

static void write_id(struct json_out *out, const char *key, enum identity_kind kind, const char *uuid)
{
    char text[IDENTITY_TEXT_SIZE];
    identity_text_of_uuid(kind, uuid, text);
    json_out_key(out, key);
    json_out_text(out, text);
}

enum err_kind amendment_refusal(struct request *request, const PGresult *result, struct err *reterr)
{
    const char *state = db_text(result, 0, PQfnumber(result, "state"));
    if (strcmp(state, "refused") != 0 && strcmp(state, "cancelled") != 0)
        return ERR_NONE;
    const char *reason = db_text(result, 0, PQfnumber(result, "reason"));
    struct json_out members;
    json_out_init(&members, request->arena);
    write_id(&members, "amendment", IDENTITY_AMENDMENT, db_text(result, 0, PQfnumber(result, "id")));
    write_id(&members, "reservation", IDENTITY_RESERVATION, db_text(result, 0, PQfnumber(result, "reservation")));
    json_out_key(&members, "binding");
    json_out_raw(&members, db_text(result, 0, PQfnumber(result, "binding")));
    const char *alternatives = db_text(result, 0, PQfnumber(result, "alternatives"));
    json_out_key(&members, "alternatives");
    json_out_raw(&members, alternatives == NULL ? "[]" : alternatives);
    request->internal->problem_members = json_out_finish(&members);
    const struct problem_code *code = problem_find(reason);
    return err_set_code(reterr, code == NULL ? ERR_CONFLICT : code->kind, code == NULL ? "conflict" : code->code,
                        "the amendment was %s: %s; the reservation keeps its terms", state, reason);
}
