/* Amendments of reservations: extend, shorten, more, fewer, another start. All or nothing; the reservation keeps its
 * last good terms until the planner has granted others. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/amendment_preview.h"

#include "api/resources/registry.h"
#include "api/resources/reservation.h"
#include "api/resources/reservation_columns.h"
#include "api/server/answer.h"
#include "api/server/await.h"

static const char *const states[] = {"requested", "granted", "refused", "cancelled", NULL};

enum { WISH_STARTS_AT, WISH_ENDS_AT, WISH_COUNT };

// clang-format off
static const struct field wish_fields[] = {
    FIELD_TIME("starts_at", struct amendment_wish, starts_at, .flags = FIELD_NULLABLE, .help = "Another start, of one that is scheduled; null: the instant of the decision. Left out: as it is"),
    FIELD_TIME("ends_at",   struct amendment_wish, ends_at, .flags = FIELD_NULLABLE, .example = "2026-12-15T00:00:00Z", .help = "Another end; null: until cancelled. Left out: as it is"),
    FIELD_INT ("count",     struct amendment_wish, count, .least = 1, .most = RESERVATION_COUNT_MAX, .help = "Another number of instances. Left out: as it is"),
    FIELDS_END,
};

static const struct field change_fields[] = {
    FIELD_COLUMN_WITH("starts_at", FIELD_TYPE_TIME, FIELD_NULLABLE | FIELD_OPTIONAL, .help = "The start that was asked for"),
    FIELD_COLUMN_WITH("ends_at",   FIELD_TYPE_TIME, FIELD_NULLABLE | FIELD_OPTIONAL, .help = "The end that was asked for"),
    FIELD_COLUMN_WITH("duration_s",  FIELD_TYPE_INT,  FIELD_OPTIONAL, .help = "The length that was asked for, with start_range"),
    FIELD_COLUMN_WITH("start_range", FIELD_TYPE_SPAN, FIELD_OPTIONAL, .help = "The range that was asked for, with duration_s"),
    FIELD_COLUMN_WITH("count",     FIELD_TYPE_INT,  FIELD_OPTIONAL, .help = "The number that was asked for"),
    FIELDS_END,
};

static const struct field terms_fields[] = {
    FIELD_COLUMN("count",     FIELD_TYPE_INT,  .help = "Instances"),
    FIELD_COLUMN("starts_at", FIELD_TYPE_TIME, .help = "Start"),
    FIELD_COLUMN_WITH("ends_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "End; null: until cancelled"),
    FIELDS_END,
};

static const struct field amendment_fields[] = {
    FIELD_COLUMN_WITH("id",     FIELD_TYPE_ID, FIELD_OPTIONAL, .identity = IDENTITY_AMENDMENT, .help = "The amendment; left out where it was only validated"),
    FIELD_COLUMN("reservation", FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "Of which reservation"),
    FIELD_COLUMN("state",       FIELD_TYPE_ENUM, .values = states, .help = "requested until the planner has decided; cancelled: the reservation was over before that"),
    FIELD_COLUMN("changes",     FIELD_TYPE_JSON, .fields = change_fields, .help = "What was asked for; what is left out was to stay"),
    FIELD_COLUMN_WITH("terms",  FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = terms_fields, .help = "The reservation's terms by it; left out unless granted"),
    FIELD_COLUMN_WITH("reason", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it was refused: a code"),
    FIELD_COLUMN_WITH("binding", FIELD_TYPE_JSON, FIELD_NULLABLE, .help = "The constraint that bound, with numbers"),
    FIELD_COLUMN_WITH("alternatives", FIELD_TYPE_JSON, FIELD_NULLABLE, .help = "Bodies that could be posted instead, or sent as a PATCH of the reservation; null unless refused"),
    FIELD_COLUMN("created_at",  FIELD_TYPE_TIME, .help = "When it was asked for"),
    FIELD_COLUMN_WITH("decided_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When it was decided"),
    FIELDS_END,
};
// clang-format on

static const struct schema wish_schema = {"AmendmentWish", wish_fields, sizeof(struct amendment_wish)};
static const struct schema amendment_schema = {"Amendment", amendment_fields, 0};

static const struct db_stmt statement_exists = {
    .name = "amendment_reservation_exists",
    .sql = "SELECT FROM reservation r WHERE r.id = $1::uuid AND ($2::boolean OR r.hidden_at IS NULL)"
           " AND " IS_RESERVATION("r"),
    .params = 2,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_exists, request->object, "reservation", &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &amendment_list_statement, DB_PARAMS(request->object), reterr);
}

/* The verdict, or 202 while there is none. */
static enum err_kind answer(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = amendment_find(request, request->object, &result, reterr);
    if (kind == ERR_NONE)
        kind = amendment_refusal(request, result, reterr);
    if (kind == ERR_NONE)
        response_row(response, amendment_is_open(result) ? 202 : 201, amendment_fields, result, 0);
    return kind;
}

/* A repetition joins the wait. */
static enum err_kind replay(struct request *request, struct response *response, struct err *reterr)
{
    (void)response; /* answer's */
    (void)reterr;
    return request_await(request, request->object, answer);
}

/* What is open already may change it, so then equal terms are a wish, too. */
static void drop_kept(const struct amendment_subject *subject, struct amendment_wish *wish)
{
    if (subject->open_count > 0)
        return;
    wish->changes_start = wish->changes_start && wish->starts_at != subject->starts_at;
    wish->changes_end = wish->changes_end && wish->ends_at != subject->ends_at;
    wish->changes_count = wish->changes_count && wish->count != subject->count;
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    (void)response; /* answer's */
    struct amendment_wish *wish = request->body;
    wish->changes_start = FIELD_PRESENT(request->body_present, WISH_STARTS_AT);
    wish->changes_end = FIELD_PRESENT(request->body_present, WISH_ENDS_AT);
    wish->changes_count = FIELD_PRESENT(request->body_present, WISH_COUNT);
    struct amendment_subject subject = {0};
    enum err_kind kind = amendment_subject_of(request, &subject, reterr);
    if (kind != ERR_NONE)
        return kind;
    drop_kept(&subject, wish);
    kind = amendment_check(request, &subject, wish, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (amendment_is_empty(wish))
        return err_set_code(reterr, ERR_INVALID, "nothing_to_amend", "the reservation has these terms already");
    if (request->validates_only)
        return amendment_preview(request, &subject, wish, amendment_preview_answer, reterr);
    return amendment_request(request, &subject, wish, request->new_id, answer, reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_RESERVATION
#define AMENDS .body = &wish_schema, .answer = &amendment_schema, ONE, .lock = &amendment_lock, .run = create, .replay = replay, .waits = true, .asks = true, .problems = PROBLEMS("not_amendable", "amendments_open", "nothing_to_amend", "start_is_past", "window_in_past", "window_reversed", "capacity_unavailable", "quota_exceeded", "credit_exhausted", "expired", "cancelled", "conflict")
static const struct route amendment_routes[] = {
    {POST, "/v1/reservations/{id}/amendments",        ROLES_TENANT_WRITE,   RATE_WRITE, AMENDS, .summary = "Ask for other terms, all or nothing"},
    {POST, "/v1/system/reservations/{id}/amendments", ROLES_SYSTEM_OPERATE, RATE_WRITE, AMENDS, .summary = "Ask for other terms in the tenant's place, all or nothing"},
    {GET,  "/v1/reservations/{id}/amendments",        ROLES_TENANT_READ,    RATE_READ,  .answer = &amendment_schema, .is_list = true, ONE, .has_deleted = true, .run = list, .summary = "Amendments of a reservation, oldest first"},
    {GET,  "/v1/system/reservations/{id}/amendments", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &amendment_schema, .is_list = true, ONE, .has_deleted = true, .run = list, .summary = "Amendments of a reservation, oldest first"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const own_statements[] = {&statement_exists, NULL};

const struct resource amendment_resource = {"reservations", amendment_routes, own_statements, NULL};
