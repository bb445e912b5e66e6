/* PUT and PATCH of a reservation. What nobody has to decide (name, project, labels, if_unavailable) changes at once;
 * terms become an amendment, and where that is refused what was changed with it is taken back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/amendment_preview.h"
#include "api/resources/registry.h"
#include "api/resources/reservation_terms.h"
#include "common/identity.h"

#include <string.h>

/* The name is free where it stands on one that is over, as for a new reservation. */
static const struct db_stmt statement_free_name = {
    .name = "reservation_free_name",
    .sql =
        "UPDATE reservation r SET name_held = false FROM reservation_status s"
        " WHERE r.name = $1 AND r.tenant_id = $2::uuid AND r.name_held AND r.id <> $3::uuid AND s.reservation_id = r.id"
        "   AND s.state IN ('rejected', 'cancelled', 'expired', 'ended')",
    .params = 3,
};

/* No row: the name is another's. */
static const struct db_stmt statement_change = {
    .name = "reservation_change",
    .sql = "UPDATE reservation r SET revision = r.revision + 1, name = $2::text, project = $3, if_unavailable = $4,"
           "   labels = $5::jsonb"
           " WHERE r.id = $1::uuid AND NOT EXISTS (SELECT FROM reservation o"
           "   WHERE o.tenant_id = r.tenant_id AND o.name = $2::text AND o.name_held AND o.id <> r.id)"
           " RETURNING r.revision",
    .params = 5,
};

static const struct db_stmt statement_project = {
    .name = "reservation_project",
    .sql = "SELECT FROM project WHERE name = $1",
    .params = 1,
};

/* Whether another project has a limit of its own in the zone: then only the planner could say whether it fits. */
static const struct db_stmt statement_limited = {
    .name = "reservation_project_limited",
    .sql = "SELECT FROM quota q JOIN reservation r ON r.id = $1::uuid AND r.project <> $2"
           " WHERE q.tenant_id = r.tenant_id AND q.zone_id = r.zone_id AND q.project = $2",
    .params = 2,
};

static const struct db_stmt *const statements[] = {&statement_free_name, &statement_change, &statement_project,
                                                   &statement_limited, NULL};

/* ---- What nobody has to decide ---- */

static enum err_kind check_project(struct request *request, const struct amendment_subject *subject,
                                   const char *project, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_project, DB_PARAMS(project), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) == 0) {
        field_problem_add(&request->problems, "/project", "unknown_project", "there is no project '%s'", project);
        return request_invalid(request, reterr);
    }
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_limited, DB_PARAMS(subject->id, project), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) > 0)
        return err_set_code(reterr, ERR_CONFLICT, "project_has_quota",
                            "project '%s' has a quota of its own: a reservation cannot be moved into it", project);
    return kind;
}

/* Raises the subject's revision. */
static enum err_kind change_at_once(struct request *request, struct amendment_subject *subject, struct err *reterr)
{
    const struct reservation *wish = request->body;
    enum err_kind kind = ERR_NONE;
    if (request_changes(request, "project"))
        kind = check_project(request, subject, wish->project, reterr);
    if (kind == ERR_NONE && request_changes(request, "name") && wish->name != NULL)
        kind = request_run(request, &statement_free_name, DB_PARAMS(wish->name, subject->tenant_id, subject->id), NULL,
                           reterr);
    const PGresult *result = NULL;
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_change,
                           DB_PARAMS(subject->id, wish->name, wish->project, wish->if_unavailable, wish->labels),
                           &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "another reservation has the name '%s'", wish->name);
    request->wakes_planner = true;
    subject->revision = db_int(result, 0, 0, 0);
    return request_event(request, subject->tenant_id, subject->zone_id, "reservation_wish", subject->id,
                         subject->revision, "reservation.changed", reterr);
}

/* ---- Terms ---- */

static enum err_kind answer(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = amendment_find(request, request->object, &result, reterr);
    if (kind == ERR_NONE)
        kind = amendment_refusal(request, result, reterr);
    if (kind != ERR_NONE)
        return kind;
    return reservation_show(request, response, amendment_is_open(result) ? 202 : 200,
                            db_text(result, 0, PQfnumber(result, "reservation")), reterr);
}

/* With ?validate_only, upon the planner's word that it would be granted. */
static enum err_kind answer_preview(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = reservation_find(request, request->object, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 200;
    request_write_wished(request, result, &response->body);
    return ERR_NONE;
}

static enum err_kind change_terms(struct request *request, const struct amendment_subject *subject,
                                  const struct amendment_wish *terms, struct err *reterr)
{
    if (request->validates_only)
        return amendment_preview(request, subject, terms, answer_preview, reterr);
    char *id = arena_alloc(request->arena, UUID_TEXT_SIZE);
    identity_to_uuid(identity_new(), id);
    return amendment_request(request, subject, terms, id, answer, reterr);
}

/* As amendment_take_back() reads it. */
static const char *beside_of(const struct request *request, const struct amendment_subject *subject)
{
    const struct reservation *wish = request->body;
    const struct {
        const char *field, *was, *is;
        bool is_json;
    } fields[] = {
        {"name", subject->name, wish->name, false},
        {"project", subject->project, wish->project, false},
        {"if_unavailable", subject->if_unavailable, wish->if_unavailable, false},
        {"labels", subject->labels, wish->labels, true},
    };
    struct json_out out;
    json_out_init(&out, request->arena);
    json_out_open(&out, '{');
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        void (*write)(struct json_out *, const char *) = fields[i].is_json ? json_out_raw : json_out_text;
        if (!request_changes(request, fields[i].field))
            continue;
        json_out_key(&out, fields[i].field);
        json_out_open(&out, '[');
        write(&out, fields[i].was);
        write(&out, fields[i].is);
        json_out_close(&out, ']');
    }
    json_out_close(&out, '}');
    return json_out_finish(&out);
}

static enum err_kind change(struct request *request, struct response *response, struct err *reterr)
{
    struct amendment_subject subject = {0};
    enum err_kind kind = amendment_subject_of(request, &subject, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct amendment_wish terms = {0};
    kind = reservation_terms_of(request, &subject, &terms, reterr);
    bool has_others = request_changes(request, "name") || request_changes(request, "project") ||
                      request_changes(request, "labels") || request_changes(request, "if_unavailable");
    bool keeps_terms = amendment_is_empty(&terms);
    if (kind == ERR_NONE && !keeps_terms)
        kind = amendment_check(request, &subject, &terms, reterr);
    if (has_others)
        terms.beside = beside_of(request, &subject);
    if (kind == ERR_NONE && has_others)
        kind = change_at_once(request, &subject, reterr);
    if (kind != ERR_NONE)
        return kind;
    return keeps_terms ? reservation_show(request, response, 200, subject.id, reterr)
                       : change_terms(request, &subject, &terms, reterr);
}

// clang-format off
#define CHANGE .body = &reservation_schema, .answer = &reservation_schema, .has_id = true, .id = IDENTITY_RESERVATION, .lock = &amendment_lock, .run = change
static const struct route routes[] = {
    {PUT,   "/v1/reservations/{id}", ROLES_TENANT_WRITE, RATE_WRITE, CHANGE, .waits = true, .asks = true, .problems = PROBLEMS("tenant_suspended", "not_amendable", "amendments_open", "nothing_to_amend", "start_is_past", "window_in_past", "window_reversed", "capacity_unavailable", "quota_exceeded", "credit_exhausted", "expired", "cancelled", "conflict", "name_taken", "unknown_project", "project_has_quota"), .summary = "Change a reservation to what is given, all of it: its terms by an amendment, other fields at once"},
    {PATCH, "/v1/reservations/{id}", ROLES_TENANT_WRITE, RATE_WRITE, CHANGE, .waits = true, .asks = true, .problems = PROBLEMS("tenant_suspended", "not_amendable", "amendments_open", "nothing_to_amend", "start_is_past", "window_in_past", "window_reversed", "capacity_unavailable", "quota_exceeded", "credit_exhausted", "expired", "cancelled", "conflict", "name_taken", "unknown_project", "project_has_quota"), .summary = "Change a reservation: its terms by an amendment, other fields at once"},
    ROUTES_END,
};
// clang-format on

const struct resource reservation_change_resource = {"reservations", routes, statements, NULL};
