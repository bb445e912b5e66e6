/* Deliveries of a webhook: what was brought and what came of it, and asking for one more. Who asks appends an event, which
 * the worker makes a delivery of: so a ping goes the way of every event. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/resources/webhook_store.h"
#include "api/server/answer.h"

#include <string.h>

static const char *const states[] = {"pending", "delivered", "failed", NULL};

struct delivery_query {
    const char *state, *order;
};
struct asked {
    const char *delivery;
};

// clang-format off
static const struct field delivery_fields[] = {
    FIELD_COLUMN("id",          FIELD_TYPE_ID, .identity = IDENTITY_DELIVERY, .help = "The delivery"),
    FIELD_COLUMN("event",       FIELD_TYPE_TEXT, .help = "The event's id: what is sent as webhook-id"),
    FIELD_COLUMN("kind",        FIELD_TYPE_TEXT, .help = "The event's kind"),
    FIELD_COLUMN("state",       FIELD_TYPE_ENUM, .values = states, .help = "pending until it was answered with 2xx, or tried as often as it may be"),
    FIELD_COLUMN("attempts",    FIELD_TYPE_INT, .help = "How often it was tried"),
    FIELD_COLUMN_WITH("next_attempt_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When it is tried next, in real time; null: it is over"),
    FIELD_COLUMN_WITH("last_attempt_at", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "When the last attempt ended; null: none yet"),
    FIELD_COLUMN_WITH("response_status", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "Status of the last answer; null: there was none"),
    FIELD_COLUMN_WITH("response_snippet", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The beginning of its body, 1,024 bytes at most; what is not printable ASCII is a question mark"),
    FIELD_COLUMN_WITH("error",  FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why there was no answer, or none of 2xx; null: there was"),
    FIELD_COLUMN("created_at",  FIELD_TYPE_TIME, .help = "Real time"),
    FIELDS_END,
};
static const struct field delivery_query_fields[] = {
    FIELD_ENUM("state", struct delivery_query, state, .values = states, .help = "Only those in this state"),
    FIELD_ENUM("order", struct delivery_query, order, .values = list_orders, .fallback = "oldest", .help = "By when they were made"),
    FIELDS_END,
};
static const struct field asked_fields[] = {
    FIELD_ID("delivery", struct asked, delivery, .identity = IDENTITY_DELIVERY, .flags = FIELD_READ_ONLY, .help = "The delivery that is going to be made, within a moment"),
    FIELDS_END,
};
// clang-format on

static const struct schema delivery_schema = {"WebhookDelivery", delivery_fields, 0};
static const struct schema delivery_query_schema = {"WebhookDeliveryQuery", delivery_query_fields,
                                                    sizeof(struct delivery_query)};
static const struct schema asked_schema = {"WebhookDeliveryAsked", asked_fields, sizeof(struct asked)};

#define EPOCH(column) "extract(epoch FROM " column ")::bigint"
// clang-format off
#define DELIVERY_SELECT                                                                                                \
    "SELECT d.id, d.event_generation || '-' || d.event_xid || '-' || d.event_seq AS event, d.kind, d.state,"           \
    " d.attempts, CASE WHEN d.state = 'pending' THEN " EPOCH("d.next_attempt_at") " END AS next_attempt_at,"           \
    " " EPOCH("d.last_attempt_at") " AS last_attempt_at, d.response_status, d.response_snippet, d.error,"              \
    " " EPOCH("d.created_at") " AS created_at, d.id AS page_key FROM webhook_delivery d"
// clang-format on

// clang-format off
#define LIST(after, order)                                                                                             \
    DELIVERY_SELECT " WHERE d.webhook_id = $3::uuid AND ($1::uuid IS NULL OR d.id " after " $1::uuid)"                 \
                    " AND ($4::text IS NULL OR d.state = $4::text) ORDER BY d.id" order " LIMIT $2::bigint"

static const struct db_stmt statement_list = {.name = "webhook_delivery_list", .sql = LIST(">", ""), .params = 4};
static const struct db_stmt statement_list_newest = {.name = "webhook_delivery_list_newest", .sql = LIST("<", " DESC"), .params = 4};
// clang-format on

static const struct db_stmt statement_get = {
    .name = "webhook_delivery_get",
    .sql = DELIVERY_SELECT " WHERE d.id = $1::uuid AND d.webhook_id = $2::uuid",
    .params = 2,
};

static const struct db_stmt statement_ask = {
    .name = "webhook_delivery_ask",
    .sql = "SELECT event_append($1::uuid, NULL, 'webhook', $2::uuid, $3::bigint, $4, NULL,"
           " jsonb_strip_nulls(jsonb_build_object('delivery', $5::text, 'of', $6::text)))",
    .params = 6,
};

/* The delivery of the address, of the webhook of the address. *ret_id is its UUID. */
static enum err_kind find(struct request *request, const char **ret_id, const PGresult **ret, struct err *reterr)
{
    struct identity id;
    struct err ignored = {0};
    bool is_id = identity_from_text(IDENTITY_DELIVERY, request->params[1], &id, &ignored) == ERR_NONE;
    char *uuid = arena_alloc(request->arena, UUID_TEXT_SIZE);
    enum err_kind kind = ERR_NONE;
    if (is_id) {
        identity_to_uuid(id, uuid);
        kind = request_run(request, &statement_get, DB_PARAMS(uuid, request->object), ret, reterr);
    }
    if (kind == ERR_NONE && (!is_id || PQntuples(*ret) == 0))
        return err_set(reterr, ERR_NOT_FOUND, "delivery '%.40s' does not exist", request->params[1]);
    *ret_id = uuid;
    return kind;
}

static enum err_kind answer_list(struct request *request, struct response *response, struct err *reterr)
{
    const struct delivery_query *query = request->query;
    bool is_falling = strcmp(query->order, "newest") == 0;
    return answer_page(request, response, is_falling ? &statement_list_newest : &statement_list,
                       DB_PARAMS(request->object, query->state), reterr);
}

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    enum err_kind kind = webhook_find(request, request->object, reterr);
    return kind == ERR_NONE ? answer_list(request, response, reterr) : kind;
}

/* Of whichever webhook there is: for who runs the fleet. */
static enum err_kind list_any(struct request *request, struct response *response, struct err *reterr)
{
    enum err_kind kind = webhook_find_any(request, request->object, reterr);
    return kind == ERR_NONE ? answer_list(request, response, reterr) : kind;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    const char *id = NULL;
    enum err_kind kind = webhook_find(request, request->object, reterr);
    if (kind == ERR_NONE)
        kind = find(request, &id, &result, reterr);
    if (kind == ERR_NONE)
        response_row(response, 200, delivery_fields, result, 0);
    return kind;
}

/* ---- Asking for one more ---- */

/* Also for a repetition: request->object is the delivery then. */
static void answer_asked(struct response *response, const char *delivery)
{
    const struct asked asked = {.delivery = delivery};
    response_struct(response, 202, asked_fields, &asked);
}

static enum err_kind asked_before(struct request *request, struct response *response, struct err *reterr)
{
    (void)reterr; /* it was found by its key */
    answer_asked(response, request->object);
    return ERR_NONE;
}

static enum err_kind ask(struct request *request, struct response *response, const char *kind_of_event, const char *of,
                         struct err *reterr)
{
    int active = PQfnumber(request->locked, "active");
    if (!db_bool(request->locked, 0, active) || webhook_locked_is_disabled(request))
        return err_set_code(reterr, ERR_CONFLICT, "webhook_inactive",
                            "nothing is brought to this webhook: it is not active");
    enum err_kind kind = request_run(request, &statement_ask,
                                     DB_PARAMS(webhook_tenant(request), request->object,
                                               request_int(request, webhook_locked_revision(request)), kind_of_event,
                                               request->new_id, of),
                                     NULL, reterr);
    if (kind == ERR_NONE)
        answer_asked(response, request->new_id);
    return kind;
}

static enum err_kind ping(struct request *request, struct response *response, struct err *reterr)
{
    return ask(request, response, "webhook.ping", NULL, reterr);
}

static enum err_kind redeliver(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *result = NULL;
    const char *of = NULL;
    enum err_kind kind = find(request, &of, &result, reterr);
    return kind == ERR_NONE ? ask(request, response, "webhook.redelivery_asked", of, reterr) : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_WEBHOOK
#define ASKED .answer = &asked_schema, .status = 202, .replay = asked_before, .problems = PROBLEMS("webhook_inactive")
#define ROUTES(path, readers, writers, lock_) \
    {GET,  path "/{id}/deliveries",                         readers, RATE_READ,  .query = &delivery_query_schema, .answer = &delivery_schema, .is_list = true, ONE, .run = list, .summary = "What was brought to a webhook in the last 30 days"}, \
    {GET,  path "/{id}/deliveries/{delivery}",              readers, RATE_READ,  .answer = &delivery_schema, ONE, .run = get, .summary = "One delivery"}, \
    {POST, path "/{id}/deliveries/{delivery}/redeliver",    writers, RATE_WRITE, ASKED, ONE, .lock = &lock_, .run = redeliver, .summary = "Bring the event of a delivery once more"}, \
    {POST, path "/{id}/ping",                               writers, RATE_WRITE, ASKED, ONE, .lock = &lock_, .run = ping, .summary = "Bring an event of kind webhook.ping, to this webhook only"}

static const struct route delivery_routes[] = {
    ROUTES("/v1/webhooks", ROLES_TENANT_READ, (unsigned)ROLE_ADMIN, webhook_lock_own),
    ROUTES("/v1/system/webhooks", ROLES_SYSTEM_READ, ROLES_SYSTEM_OPERATE, webhook_lock_system),
    {GET, "/v1/system/webhook-health/{id}/deliveries", ROLES_SYSTEM_READ, RATE_READ, .query = &delivery_query_schema, .answer = &delivery_schema, .is_list = true, ONE, .run = list_any, .summary = "What was brought to a webhook, a tenant's too, in the last 30 days"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const delivery_statements[] = {&statement_list, &statement_list_newest, &statement_get,
                                                            &statement_ask, NULL};

const struct resource webhook_delivery_resource = {
    "webhooks", delivery_routes, delivery_statements,
    "Events brought to an address of one's own: signed, retried, listed"};
