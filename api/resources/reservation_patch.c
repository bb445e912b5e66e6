/* PATCH of a reservation (JSON merge patch). What nobody has to decide (name, project, labels, if_unavailable) changes
 * at once; terms become an amendment. One request changes one or the other: it is all or nothing, and terms may be
 * refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/amendment.h"
#include "api/resources/registry.h"
#include "api/resources/reservation.h"
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

/* A parameter whose switch is false is not looked at. No row: the name is another's. */
static const struct db_stmt statement_patch = {
    .name = "reservation_patch",
    .sql = "UPDATE reservation r SET revision = r.revision + 1,"
           "   name = CASE WHEN $2::boolean THEN $3::text ELSE r.name END,"
           "   project = coalesce($4::text, r.project), if_unavailable = coalesce($5::text, r.if_unavailable),"
           "   labels = jsonb_strip_nulls(r.labels || coalesce($6::jsonb, '{}'))"
           " WHERE r.id = $1::uuid AND NOT ($2::boolean AND $3::text IS NOT NULL AND EXISTS (SELECT FROM reservation o"
           "   WHERE o.tenant_id = r.tenant_id AND o.name = $3::text AND o.name_held AND o.id <> r.id))"
           " RETURNING r.revision",
    .params = 6,
};

/* Whether another project has a limit of its own in the zone: then only the planner could say whether it fits. */
static const struct db_stmt statement_limited = {
    .name = "reservation_project_limited",
    .sql = "SELECT FROM quota q JOIN reservation r ON r.id = $1::uuid AND r.project <> $2"
           " WHERE q.tenant_id = r.tenant_id AND q.zone_id = r.zone_id AND q.project = $2",
    .params = 2,
};

static const struct db_stmt *const statements[] = {&statement_free_name, &statement_patch, &statement_limited, NULL};

static bool is_given(const struct request *request, const char *name)
{
    for (int i = 0; reservation_fields[i].name != NULL; i++) {
        if (strcmp(reservation_fields[i].name, name) == 0)
            return FIELD_PRESENT(request->body_present, i);
    }
    return false;
}

/* ---- What nobody has to decide ---- */

static enum err_kind check_project(struct request *request, const struct amendment_subject *subject,
                                   const char *project, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_limited, DB_PARAMS(subject->id, project), &result, reterr);
    if (kind == ERR_NONE && PQntuples(result) > 0)
        return err_set_code(reterr, ERR_CONFLICT, "project_has_quota",
                            "project '%s' has a quota of its own: a reservation cannot be moved into it", project);
    return kind;
}

static enum err_kind patch_wish(struct request *request, struct response *response,
                                const struct amendment_subject *subject, struct err *reterr)
{
    const struct reservation *wish = request->body;
    enum err_kind kind = ERR_NONE;
    bool has_name = is_given(request, "name");
    const char *project = is_given(request, "project") ? wish->project : NULL;
    if (project != NULL)
        kind = check_project(request, subject, project, reterr);
    if (kind == ERR_NONE && has_name && wish->name != NULL)
        kind = request_run(request, &statement_free_name, DB_PARAMS(wish->name, subject->tenant_id, subject->id), NULL,
                           reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *result = NULL;
    kind = request_run(request, &statement_patch,
                       DB_PARAMS(subject->id, request_bool(has_name), has_name ? wish->name : NULL, project,
                                 is_given(request, "if_unavailable") ? wish->if_unavailable : NULL,
                                 is_given(request, "labels") ? wish->labels : NULL),
                       &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(result) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "another reservation has the name '%s'", wish->name);
    request->wakes_planner = true;
    kind = request_event(request, subject->tenant_id, subject->zone_id, "reservation_wish", subject->id,
                         db_int(result, 0, 0, 0), "reservation.changed", reterr);
    return kind == ERR_NONE ? reservation_show(request, response, 200, subject->id, reterr) : kind;
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

static enum err_kind patch_terms(struct request *request, struct response *response,
                                 const struct amendment_subject *subject, struct amendment_wish *terms,
                                 struct err *reterr)
{
    bool is_empty = false;
    enum err_kind kind = amendment_check(subject, terms, &is_empty, reterr);
    if (kind == ERR_NONE && is_empty)
        return reservation_show(request, response, 200, subject->id, reterr);
    if (kind != ERR_NONE)
        return kind;
    char *id = arena_alloc(request->arena, UUID_TEXT_SIZE);
    identity_to_uuid(identity_new(), id);
    return amendment_request(request, subject, terms, id, answer, reterr);
}

static enum err_kind patch(struct request *request, struct response *response, struct err *reterr)
{
    const struct reservation *wish = request->body;
    struct amendment_wish terms = {
        .starts_at = wish->starts_at,
        .ends_at = wish->ends_at,
        .count = wish->count,
        .changes_start = is_given(request, "starts_at"),
        .changes_end = is_given(request, "ends_at"),
        .changes_count = is_given(request, "count"),
    };
    bool has_terms = terms.changes_start || terms.changes_end || terms.changes_count;
    bool has_others = is_given(request, "name") || is_given(request, "project") || is_given(request, "labels") ||
                      is_given(request, "if_unavailable");
    if (has_terms && has_others)
        return err_set_code(reterr, ERR_INVALID, "mixed_patch",
                            "starts_at, ends_at and count wait for a verdict: change other fields by another request");
    struct amendment_subject subject = {0};
    enum err_kind kind = amendment_lock(request, &subject, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (has_terms)
        return patch_terms(request, response, &subject, &terms, reterr);
    return has_others ? patch_wish(request, response, &subject, reterr)
                      : reservation_show(request, response, 200, subject.id, reterr);
}

// clang-format off
static const struct route routes[] = {
    {PATCH, "/v1/reservations/{id}", ROLES_TENANT_WRITE, RATE_WRITE, .body = &reservation_schema, .answer = &reservation_schema, .has_id = true, .id = IDENTITY_RESERVATION, .run = patch, .summary = "Change a reservation: its terms by an amendment, other fields at once"},
    ROUTES_END,
};
// clang-format on

const struct resource reservation_patch_resource = {"reservations", routes, statements};
