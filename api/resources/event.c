/* Events: every change of state, in the order of the log, as pages or as a stream. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/event.h"

#include "api/resources/node.h"
#include "api/resources/object_param.h"
#include "api/resources/registry.h"
#include "api/resources/reservation_columns.h"
#include "api/server/answer.h"
#include "api/server/page_cursor.h"
#include "api/server/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct event {
    const char *id;
    const char *kind;
    const char *object_type;
    const char *object_id;
    int64_t revision;
    int64_t occurred_at;
    const char *zone;
    const char *tenant;
    const char *payload;
};

// clang-format off
static const struct field event_fields[] = {
    FIELD_TEXT("id",          struct event, id, .flags = FIELD_READ_ONLY, .help = "Its position in the log: for ?after= and Last-Event-ID"),
    FIELD_TEXT("kind",        struct event, kind, .flags = FIELD_READ_ONLY, .help = "What happened, e.g. reservation.created"),
    FIELD_TEXT("object_type", struct event, object_type, .flags = FIELD_READ_ONLY, .help = "Of what; reservation_wish, instance_wish, node_wish and reconciler_wish are what people asked of them"),
    FIELD_TEXT("object_id",   struct event, object_id, .flags = FIELD_READ_ONLY, .help = "Of which"),
    FIELD_INT ("revision",    struct event, revision, .flags = FIELD_READ_ONLY, .help = "The object's revision after the change: apply per object by it"),
    FIELD_TIME("occurred_at", struct event, occurred_at, .flags = FIELD_READ_ONLY, .help = "Domain time"),
    FIELD_ID  ("zone",        struct event, zone, .identity = IDENTITY_ZONE, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Where; null: nowhere in particular"),
    FIELD_ID  ("tenant",      struct event, tenant, .identity = IDENTITY_TENANT, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "Whose; null: the provider's"),
    FIELD_JSON("payload",     struct event, payload, .flags = FIELD_READ_ONLY, .help = "The object at this revision; ids are UUIDs, times seconds since 1970"),
    FIELDS_END,
};
// clang-format on

static const struct schema event_schema = {"Event", event_fields, sizeof(struct event)};

struct event_query {
    const char *after;
    const char *object;
    const char *type;
};
static const struct field event_query_fields[] = {
    FIELD_TEXT("after", struct event_query, after, .help = "Only events behind this one, by its id"),
    FIELD_TEXT("object", struct event_query, object, .help = "Only events of the object of this id"),
    FIELD_TEXT("type", struct event_query, type, .most = 2048,
               .help = "Only events of these kinds, comma-separated; reservation.* is every kind that begins so"),
    FIELDS_END,
};
static const struct schema event_query_schema = {"EventQuery", event_query_fields, sizeof(struct event_query)};

/* Where the address names the object. */
static const struct field object_query_fields[] = {
    FIELD_TEXT("after", struct event_query, after, .help = "Only events behind this one, by its id"),
    FIELD_TEXT("type", struct event_query, type, .most = 2048,
               .help = "Only events of these kinds, comma-separated; reservation.* is every kind that begins so"),
    FIELDS_END,
};
static const struct schema object_query_schema = {"ObjectEventQuery", object_query_fields, sizeof(struct event_query)};

/* What an object's id looks like outside. */
static const struct object_kind {
    const char *type;
    enum identity_kind identity;
} object_kinds[] = {
    {"reservation_wish", IDENTITY_RESERVATION},
    {"reservation", IDENTITY_RESERVATION},
    {"instance", IDENTITY_INSTANCE},
    {"instance_wish", IDENTITY_ACTION},
    {"instance_action", IDENTITY_ACTION},
    {"amendment", IDENTITY_AMENDMENT},
    {"quota", IDENTITY_QUOTA},
    {"maintenance_wish", IDENTITY_MAINTENANCE},
    {"maintenance", IDENTITY_MAINTENANCE},
    {"node_wish", IDENTITY_NODE},
    {"node", IDENTITY_NODE},
    {"zone", IDENTITY_ZONE},
    {"reconciler_wish", IDENTITY_ZONE},
    {"reconciler", IDENTITY_ZONE},
    {"instance_type", IDENTITY_INSTANCE_TYPE},
    {"tenant", IDENTITY_TENANT},
    {"principal", IDENTITY_PRINCIPAL},
    {"token", IDENTITY_TOKEN},
    {"project", IDENTITY_PROJECT},
    {"ssh_key", IDENTITY_SSH_KEY},
    {"image", IDENTITY_IMAGE},
    {"price", IDENTITY_PRICE},
    {"asset", IDENTITY_ASSET},
    {"asset_change", IDENTITY_ASSET_CHANGE},
    {"purchase_order", IDENTITY_PURCHASE_ORDER},
    {"cost_rate", IDENTITY_COST_RATE},
    {"price_floor", IDENTITY_PRICE_FLOOR},
    {"meter", IDENTITY_METER},
    {"commitment", IDENTITY_COMMITMENT},
    {"discount", IDENTITY_DISCOUNT},
    {"charge_policy", IDENTITY_POLICY},
    {"credit_limit", IDENTITY_TENANT},
    {"credit_grant", IDENTITY_GRANT},
    {"payment", IDENTITY_PAYMENT},
    {"usage_correction", IDENTITY_CORRECTION},
    {"replacement_request", IDENTITY_REPLACEMENT},
    {"invoice", IDENTITY_INVOICE},
    {"invoice_request", IDENTITY_INVOICE_REQUEST},
    {"credit_note", IDENTITY_CREDIT_NOTE},
    {"billing_profile", IDENTITY_BILLING_PROFILE},
    {"tax_rate", IDENTITY_TAX_RATE},
    {"market_price", IDENTITY_MARKET_PRICE},
    {"impairment_warning", IDENTITY_WARNING},
    {"usage_waiting", IDENTITY_RESERVATION},
    {"webhook", IDENTITY_WEBHOOK},
    {"webhook_status", IDENTITY_WEBHOOK},
};

// clang-format off
/* Below the oldest running transaction nothing can be added any more: so a reader by position skips nobody. */
static const struct db_stmt statement_list = {
    .name = "event_list",
    .sql = "SELECT g.generation, e.xid, e.seq, e.tenant_id, e.zone_id, e.object_type, e.object_id, e.object_revision,"
           " e.kind, extract(epoch FROM e.occurred_at)::bigint, e.payload"
           " FROM event_generation g, event e"
           " WHERE e.xid < pg_snapshot_xmin(pg_current_snapshot())"
           " AND (e.xid, e.seq) > (coalesce($1::text, '0')::xid8, coalesce($2::bigint, 0))"
           " AND ($4::uuid IS NULL OR e.object_id = $4::uuid) AND " EVENT_KIND_MATCHES("e.kind", "$5::text[]")
           " ORDER BY e.xid, e.seq LIMIT $3::bigint",
    .params = 5,
};
// clang-format on
enum {
    LISTED_GENERATION,
    LISTED_XID,
    LISTED_SEQ,
    LISTED_TENANT,
    LISTED_ZONE,
    LISTED_OBJECT_TYPE,
    LISTED_OBJECT,
    LISTED_REVISION,
    LISTED_KIND,
    LISTED_OCCURRED_AT,
    LISTED_PAYLOAD,
};

static const struct db_stmt statement_generation = {
    .name = "event_generation",
    .sql = "SELECT generation, expired_xid FROM event_generation",
    .params = 0,
};
enum { GENERATION, GENERATION_EXPIRED_XID };

/* Whose events are read below their own address: is there one that the caller may see? */
static const struct db_stmt statement_reservation = {
    .name = "event_of_reservation",
    .sql = "SELECT FROM reservation r WHERE r.id = $1::uuid AND ($2::boolean OR r.hidden_at IS NULL)"
           " AND " IS_RESERVATION("r"),
    .params = 2,
};

static const struct subject {
    enum identity_kind identity;
    const struct db_stmt *exists;
    const char *noun;
} subjects[] = {
    {IDENTITY_RESERVATION, &statement_reservation, "reservation"},
    {IDENTITY_NODE, &node_find_statement, "node"},
};

/* ---- Showing one ---- */

static const char *typed_id(const struct stream_event *event, char text[static IDENTITY_TEXT_SIZE])
{
    for (size_t i = 0; i < COUNT_OF(object_kinds); i++) {
        if (strcmp(object_kinds[i].type, event->object_type) != 0)
            continue;
        identity_text_of_uuid(object_kinds[i].identity, event->object_id, text);
        return text;
    }
    return event->object_id;
}

void event_show(const struct stream_event *event, struct json_out *out)
{
    char id[EVENT_CURSOR_TEXT_SIZE];
    char object_id[IDENTITY_TEXT_SIZE];
    event_cursor_print(&event->cursor, id);
    const struct event shown = {
        .id = id,
        .kind = event->kind,
        .object_type = event->object_type,
        .object_id = typed_id(event, object_id),
        .revision = event->object_revision,
        .occurred_at = event->occurred_at_s,
        .zone = event->zone_id,
        .tenant = event->tenant_id,
        .payload = event->payload,
    };
    field_write_struct(event_fields, &shown, out);
}

/* ---- A page ---- */

static struct stream_event event_of_row(const PGresult *result, int row)
{
    return (struct stream_event){
        .cursor = {.generation = db_int(result, row, LISTED_GENERATION, 0),
                   .xid = db_xid(result, row, LISTED_XID),
                   .seq = db_int(result, row, LISTED_SEQ, 0)},
        .tenant_id = db_text(result, row, LISTED_TENANT),
        .zone_id = db_text(result, row, LISTED_ZONE),
        .object_type = db_text(result, row, LISTED_OBJECT_TYPE),
        .object_id = db_text(result, row, LISTED_OBJECT),
        .object_revision = db_int(result, row, LISTED_REVISION, 0),
        .kind = db_text(result, row, LISTED_KIND),
        .occurred_at_s = db_int(result, row, LISTED_OCCURRED_AT, 0),
        .payload = db_text(result, row, LISTED_PAYLOAD),
    };
}

static void write_page(struct request *request, struct response *response, const PGresult *result,
                       const struct page *page)
{
    int rows = PQntuples(result);
    int shown = rows > page->limit ? page->limit : rows;
    struct json_out *out = &response->body;
    char last[EVENT_CURSOR_TEXT_SIZE];
    response->status = 200;
    json_out_open(out, '{');
    json_out_key(out, "items");
    json_out_open(out, '[');
    for (int row = 0; row < shown; row++) {
        const struct stream_event event = event_of_row(result, row);
        event_cursor_print(&event.cursor, last);
        event_show(&event, out);
    }
    json_out_close(out, ']');
    json_out_key(out, "next_page");
    json_out_text(out, rows > shown ? page_cursor_make(request, last) : NULL);
    json_out_close(out, '}');
}

/* A position of the log as it is now: a restore begins a new generation, in which old positions mean nothing, and behind
 * one whose events are not kept any more some would be missing. */
static enum err_kind check_position(struct request *request, const char *text, const struct event_cursor *cursor,
                                    struct err *reterr)
{
    const PGresult *result = NULL;
    enum err_kind kind = request_run(request, &statement_generation, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (db_int(result, 0, GENERATION, 0) != cursor->generation)
        return err_set_code(reterr, ERR_INVALID, "invalid_cursor",
                            "'%.64s' is a position of the log before a restore: begin anew", text);
    if (event_cursor_is_expired(cursor, db_xid(result, 0, GENERATION_EXPIRED_XID)))
        return err_set_code(reterr, ERR_INVALID, "invalid_cursor",
                            "events behind '%.64s' are not kept any more: begin anew", text);
    return ERR_NONE;
}

/* The text of an array; NULL: every kind. */
static const char *patterns_param(struct request *request, const struct event_filter *filter)
{
    CLEANUP(db_array_clear) struct db_array patterns = {0};
    for (size_t i = 0; i < filter->count; i++)
        db_array_text(&patterns, filter->patterns[i]);
    return filter->count == 0 ? NULL : arena_text(request->arena, db_array_param(&patterns));
}

/* Answers a page of events in the order of the log: of those that pass the filter, those behind the position `after`
 * ("generation-xid-seq"), or from the log's beginning where it is NULL. A tenant sees its own. */
static enum err_kind event_page(struct request *request, struct response *response, const struct event_filter *filter,
                                const char *after, struct err *reterr)
{
    struct page page;
    struct event_cursor cursor = {0};
    enum err_kind kind = page_read(request, &page, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *position = page.after != NULL ? page.after : after;
    if (position != NULL)
        kind = event_cursor_parse(position, &cursor, reterr);
    if (kind != ERR_NONE)
        return kind;
    const PGresult *result = NULL;
    const char *xid = arena_format(request->arena, "%" PRIu64, cursor.xid);
    kind = request_run(request, &statement_list,
                       DB_PARAMS(xid, request_int(request, cursor.seq), page.limit_sql, filter->object_id,
                                 patterns_param(request, filter)),
                       &result, reterr);
    if (kind == ERR_NONE && position != NULL) /* after it is read: what expired meanwhile is known now */
        kind = check_position(request, position, &cursor, reterr);
    if (kind == ERR_NONE)
        write_page(request, response, result, &page);
    return kind;
}

/* ---- Addresses ---- */

#define EVENT_FORMS (FORM_MASK(FORM_JSON) | FORM_MASK(FORM_CSV) | FORM_MASK(FORM_EVENTS))

static enum err_kind find_subject(struct request *request, struct err *reterr)
{
    const struct subject *subject = subjects;
    while (subject->identity != request->route->id)
        subject++;
    const PGresult *found = NULL;
    return answer_find(request, subject->exists, request->object, subject->noun, &found, reterr);
}

static enum err_kind read_filter(struct request *request, struct event_filter *ret, struct err *reterr)
{
    const struct event_query *query = request->query;
    struct err refused = {0};
    bool is_fine = query->type == NULL || event_patterns_parse(request->arena, query->type, ret, &refused) == ERR_NONE;
    if (!is_fine) {
        field_problem_add(&request->problems, "?type", "wrong_type", "%s", refused.text);
        return request_invalid(request, reterr);
    }
    if (!request->route->has_id)
        return object_param_read(request, query->object, &ret->object_id, reterr);
    ret->object_id = request->object;
    return find_subject(request, reterr);
}

static enum err_kind follow(struct request *request, struct response *response, const struct event_filter *filter,
                            struct err *reterr)
{
    const struct event_query *query = request->query;
    const char *header = request_header(request, "Last-Event-ID");
    const char *after = header != NULL ? header : query->after;
    struct event_cursor cursor;
    if (after == NULL)
        return stream_open(request, response, NULL, filter, event_show, reterr);
    enum err_kind kind = event_cursor_parse(after, &cursor, reterr);
    return kind == ERR_NONE ? stream_open(request, response, &cursor, filter, event_show, reterr) : kind;
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct event_query *query = request->query;
    struct event_filter filter = {0};
    enum err_kind kind = read_filter(request, &filter, reterr);
    if (kind != ERR_NONE)
        return kind;
    return request->form == FORM_EVENTS ? follow(request, response, &filter, reterr)
                                        : event_page(request, response, &filter, query->after, reterr);
}

// clang-format off
#define OF_OBJECT .has_id = true, .has_deleted = true, .query = &object_query_schema, .answer = &event_schema, .is_list = true, .forms = EVENT_FORMS, .run = list, .problems = PROBLEMS("invalid_cursor", "too_many_streams")
static const struct route event_routes[] = {
    {GET, "/v1/events",        ROLES_TENANT_READ, RATE_READ, .query = &event_query_schema, .answer = &event_schema, .is_list = true, .forms = EVENT_FORMS, .run = list, .problems = PROBLEMS("invalid_cursor", "too_many_streams"), .summary = "Events as a page, or as a stream with Accept: text/event-stream"},
    {GET, "/v1/system/events", ROLES_SYSTEM_READ, RATE_READ, .query = &event_query_schema, .answer = &event_schema, .is_list = true, .forms = EVENT_FORMS, .run = list, .problems = PROBLEMS("invalid_cursor", "too_many_streams"), .summary = "Events of all tenants as a page, or as a stream with Accept: text/event-stream"},
    {GET, "/v1/reservations/{id}/events",        ROLES_TENANT_READ, RATE_READ, OF_OBJECT, .id = IDENTITY_RESERVATION, .summary = "Events of a reservation, as all events are read"},
    {GET, "/v1/system/reservations/{id}/events", ROLES_SYSTEM_READ, RATE_READ, OF_OBJECT, .id = IDENTITY_RESERVATION, .summary = "Events of a reservation, as all events are read"},
    {GET, "/v1/system/nodes/{id}/events",        ROLES_SYSTEM_READ, RATE_READ, OF_OBJECT, .id = IDENTITY_NODE, .summary = "Events of a node, as all events are read"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const event_statements[] = {&statement_list, &statement_generation, &statement_reservation,
                                                         NULL};

const struct resource event_resource = {"events", event_routes, event_statements,
                                        "Every change of state, in the order of the log: as pages, or as a stream."};
