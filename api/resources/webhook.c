/* Webhooks: where a tenant, or the provider, wants its events brought to. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outgoing/target.h"
#include "api/resources/object_param.h"
#include "api/resources/registry.h"
#include "api/resources/webhook_store.h"
#include "api/server/event_filter.h"
#include "api/server/server.h"
#include "api/webhook/secret.h"
#include "common/must.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define WEBHOOKS_MAX    100 /* of one owner */
#define OVERLAP_DEFAULT "86400"
#define OVERLAP_MAX_S   (7 * 86400)
#define PUT_OVERLAP_S   86400

struct webhook_query {
    const char *url;
};
struct rotation {
    const char *secret;
    int64_t overlap_s;
};

// clang-format off
static const struct field query_fields[] = {
    FIELD_TEXT("url", struct webhook_query, url, .most = 2048, .help = "Only those that lead there"),
    FIELDS_END,
};
static const struct field rotation_fields[] = {
    FIELD_TEXT("secret",    struct rotation, secret, .flags = FIELD_NULLABLE, .least = 1, .most = 94, .help = "The new one: whsec_ and the base64 of 24 to 64 bytes; null: one is made"),
    FIELD_INT ("overlap_s", struct rotation, overlap_s, .least = 0, .most = OVERLAP_MAX_S, .fallback = OVERLAP_DEFAULT, .help = "How long the one before signs beside it, in seconds"),
    FIELDS_END,
};
// clang-format on
static const struct schema query_schema = {"WebhookQuery", query_fields, sizeof(struct webhook_query)};
static const struct schema rotation_schema = {"WebhookRotation", rotation_fields, sizeof(struct rotation)};

/* One transaction per owner counts at a time. A statement sees what was there when it began: so who counts begins when
 * the turn has come. */
static const struct db_stmt statement_take_turns = {
    .name = "webhook_take_turns",
    .sql = "SELECT pg_advisory_xact_lock(hashtextextended('webhooks of ' || coalesce($1::text, ''), 0))",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "webhook_create",
    .sql = "INSERT INTO webhook (id, tenant_id, url, events, object, object_id, description, active, secret)"
           " SELECT $1::uuid, $2::uuid, $3, $4::text[], $5, $6::uuid, $7, $8::boolean, $9"
           "  WHERE (SELECT count(*) FROM webhook w WHERE w.tenant_id IS NOT DISTINCT FROM $2::uuid) < $10::integer"
           " RETURNING id",
    .params = 10,
};

/* A null secret leaves the one there is. */
static const struct db_stmt statement_replace = {
    .name = "webhook_replace",
    .sql = "UPDATE webhook SET url = $2, events = $3::text[], object = $4, object_id = $5::uuid, description = $6,"
           " active = $7::boolean, revision = revision + 1 WHERE id = $1::uuid",
    .params = 7,
};

static const struct db_stmt statement_rotate = {
    .name = "webhook_rotate",
    .sql = "UPDATE webhook SET previous_secret = secret, secret = $2,"
           " previous_until = clock_timestamp() + $3::bigint * interval '1 second',"
           " revision = revision + $4::integer WHERE id = $1::uuid",
    .params = 4,
};

static const struct db_stmt statement_delete = {
    .name = "webhook_delete",
    .sql = "DELETE FROM webhook WHERE id = $1::uuid",
    .params = 1,
};

/* ---- What is asked ---- */

static void check_events(struct request *request, const struct field_list *events)
{
    for (size_t i = 0; i < events->count; i++) {
        if (!event_pattern_is_valid(events->items[i]))
            field_problem_add(
                &request->problems, arena_format(request->arena, "/events/%zu", i), "wrong_type",
                "must be a kind of events, or the beginning of one: reservation.scheduled, reservation.*");
    }
}

/* Notes every problem there is; *ret_object is the UUID of the object, or NULL. */
static enum err_kind check(struct request *request, const struct webhook_wish *wish, const char **ret_object,
                           struct err *reterr)
{
    struct err refused = {0};
    struct identity id;
    if (target_check(wish->url, &request->internal->server->webhook_rules, &refused) != ERR_NONE)
        field_problem_add(&request->problems, "/url", "webhook_url_refused", "%s", refused.text);
    check_events(request, &wish->events);
    if (wish->object != NULL && identity_from_any(wish->object, &id, &refused) != ERR_NONE)
        field_problem_add(&request->problems, "/object", "wrong_type", "must be the id of an object");
    if (wish->secret != NULL && !secret_is_valid(wish->secret))
        field_problem_add(&request->problems, "/secret", "wrong_type",
                          "must be whsec_ and the base64 of 24 to 64 bytes");
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    return object_param_read(request, wish->object, ret_object, reterr);
}

static enum err_kind keys_of(const struct request *request, const struct secret_keys **ret, struct err *reterr)
{
    *ret = request->internal->server->webhook_keys;
    if (*ret != NULL)
        return ERR_NONE;
    return err_set_code(reterr, ERR_CONFLICT, "webhooks_off",
                        "this server has no key that webhooks' secrets could be kept with");
}

/* The one given, else a new one. */
static const char *secret_of(struct request *request, const char *given)
{
    if (given != NULL)
        return given;
    char made[SECRET_TEXT_SIZE];
    secret_make(made);
    const char *secret = arena_text(request->arena, made);
    OPENSSL_cleanse(made, sizeof made);
    return secret;
}

/* The answer, with what no later one has. */
static void add_secret(struct request *request, struct response *response, const char *secret)
{
    json_t *object = json_loads(json_out_finish(&response->body), 0, NULL);
    must(object != NULL && json_object_set_new(object, "secret", json_string(secret)) == 0);
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    must(text != NULL);
    json_out_init(&response->body, request->arena);
    json_out_raw(&response->body, text);
    free(text);
    json_decref(object);
}

/* ---- Addresses ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct webhook_query *query = request->query;
    return webhook_page(request, response, query->url, reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return webhook_answer(request, response, request->route->method == POST ? 201 : 200, request->object, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct webhook_wish *wish = request->body;
    const struct secret_keys *keys = NULL;
    const char *object_id = NULL;
    const PGresult *made = NULL;
    enum err_kind kind = keys_of(request, &keys, reterr);
    if (kind == ERR_NONE)
        kind = check(request, wish, &object_id, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *secret = secret_of(request, wish->secret);
    const char *sealed = secret_seal(keys, request->arena, request->new_id, secret);
    const char *const params[] = {
        request->new_id,
        webhook_tenant(request),
        wish->url,
        wish->events.array,
        wish->object,
        object_id,
        wish->description,
        request_bool(wish->active),
        sealed,
        request_int(request, WEBHOOKS_MAX),
    };
    kind = request_run(request, &statement_take_turns, DB_PARAMS(webhook_tenant(request)), NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_create, params, &made, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(made) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "webhook_limit", "there are %d webhooks already", WEBHOOKS_MAX);
    kind = webhook_answer(request, response, 201, request->new_id, reterr);
    if (kind != ERR_NONE)
        return kind;
    add_secret(request, response, secret);
    return webhook_event(request, request->new_id, 1, "webhook.created", reterr);
}

static enum err_kind rotate_to(struct request *request, const struct secret_keys *keys, const char *secret,
                               int64_t overlap_s, int revisions, struct err *reterr)
{
    const char *sealed = secret_seal(keys, request->arena, request->object, secret);
    return request_run(
        request, &statement_rotate,
        DB_PARAMS(request->object, sealed, request_int(request, overlap_s), request_int(request, revisions)), NULL,
        reterr);
}

/* Is it another than the one that signs? A declarative client sends the same again and again. */
static enum err_kind is_new_secret(struct request *request, const struct secret_keys *keys, const char *given,
                                   bool *ret, struct err *reterr)
{
    char present[SECRET_TEXT_SIZE];
    *ret = false;
    if (given == NULL)
        return ERR_NONE;
    enum err_kind kind = secret_open(keys, request->object, webhook_locked_secret(request), present, reterr);
    if (kind == ERR_NONE)
        *ret = strlen(present) != strlen(given) || CRYPTO_memcmp(present, given, strlen(given)) != 0;
    OPENSSL_cleanse(present, sizeof present);
    return kind;
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    const struct webhook_wish *wish = request->body;
    const struct secret_keys *keys = NULL;
    const char *object_id = NULL;
    bool rotates = false;
    enum err_kind kind = keys_of(request, &keys, reterr);
    if (kind == ERR_NONE)
        kind = check(request, wish, &object_id, reterr);
    if (kind == ERR_NONE)
        kind = is_new_secret(request, keys, wish->secret, &rotates, reterr);
    bool is_same = (request->body_present == 0 ||
                    (wish->secret != NULL && !rotates && (request->body_present & (request->body_present - 1)) == 0));
    if (kind != ERR_NONE || (is_same && !webhook_locked_is_disabled(request)))
        return kind == ERR_NONE ? get(request, response, reterr) : kind;
    if (rotates)
        kind = rotate_to(request, keys, wish->secret, PUT_OVERLAP_S, 0, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_replace,
                           DB_PARAMS(request->object, wish->url, wish->events.array, wish->object, object_id,
                                     wish->description, request_bool(wish->active)),
                           NULL, reterr);
    if (kind == ERR_NONE)
        kind = get(request, response, reterr);
    return kind == ERR_NONE ? webhook_event(request, request->object, webhook_locked_revision(request) + 1,
                                            "webhook.changed", reterr)
                            : kind;
}

static enum err_kind rotate(struct request *request, struct response *response, struct err *reterr)
{
    const struct rotation *wish = request->body;
    const struct secret_keys *keys = NULL;
    enum err_kind kind = keys_of(request, &keys, reterr);
    if (kind == ERR_NONE && wish->secret != NULL && !secret_is_valid(wish->secret)) {
        field_problem_add(&request->problems, "/secret", "wrong_type",
                          "must be whsec_ and the base64 of 24 to 64 bytes");
        kind = request_invalid(request, reterr);
    }
    if (kind != ERR_NONE)
        return kind;
    const char *secret = secret_of(request, wish->secret);
    kind = rotate_to(request, keys, secret, wish->overlap_s, 1, reterr);
    if (kind == ERR_NONE)
        kind = webhook_answer(request, response, 200, request->object, reterr);
    if (kind != ERR_NONE)
        return kind;
    add_secret(request, response, secret);
    return webhook_event(request, request->object, webhook_locked_revision(request) + 1, "webhook.changed", reterr);
}

/* A repetition finds the webhook by its address; its secret is not shown again. */
static enum err_kind rotated(struct request *request, struct response *response, struct err *reterr)
{
    return webhook_answer(request, response, 200, request->object, reterr);
}

static enum err_kind end(struct request *request, struct response *response, struct err *reterr)
{
    enum err_kind kind = request_run(request, &statement_delete, DB_PARAMS(request->object), NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    response->status = 204;
    return webhook_event(request, request->object, webhook_locked_revision(request) + 1, "webhook.deleted", reterr);
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_WEBHOOK
#define REFUSALS .problems = PROBLEMS("webhook_url_refused", "webhooks_off")
#define ROUTES(path, readers, writers, lock_) \
    {GET,    path,                         readers, RATE_READ,  .query = &query_schema, .answer = &webhook_schema, .is_list = true, .run = list, .summary = "List webhooks"}, \
    {POST,   path,                         writers, RATE_WRITE, .body = &webhook_schema, .answer = &webhook_schema, .run = create, .replay = get, .problems = PROBLEMS("webhook_url_refused", "webhooks_off", "webhook_limit"), .summary = "Make a webhook; its secret is in this answer only"}, \
    {GET,    path "/{id}",                 readers, RATE_READ,  .answer = &webhook_schema, ONE, .run = get, .summary = "One webhook"}, \
    {PUT,    path "/{id}",                 writers, RATE_WRITE, .body = &webhook_schema, .answer = &webhook_schema, ONE, .lock = &lock_, .run = replace, REFUSALS, .summary = "Change a webhook: all of it"}, \
    {PATCH,  path "/{id}",                 writers, RATE_WRITE, .body = &webhook_schema, .answer = &webhook_schema, ONE, .lock = &lock_, .run = replace, REFUSALS, .summary = "Change a webhook: what is given"}, \
    {DELETE, path "/{id}",                 writers, RATE_WRITE, ONE, .lock = &lock_, .status = 204, .run = end, .summary = "Delete a webhook, and what is still on its way to it"}, \
    {POST,   path "/{id}/rotate-secret",   writers, RATE_WRITE, .body = &rotation_schema, .answer = &webhook_schema, ONE, .lock = &lock_, .status = 200, .run = rotate, .again = rotated, .problems = PROBLEMS("webhooks_off"), .summary = "Sign with another secret, and with the one before for a while"}

static const struct route webhook_routes[] = {
    ROUTES("/v1/webhooks", ROLES_TENANT_READ, (unsigned)ROLE_ADMIN, webhook_lock_own),
    ROUTES("/v1/system/webhooks", ROLES_SYSTEM_READ, ROLES_SYSTEM_OPERATE, webhook_lock_system),
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const webhook_statements[] = {&statement_take_turns, &statement_create, &statement_replace,
                                                           &statement_rotate,     &statement_delete, NULL};

const struct resource webhook_resource = {"webhooks", webhook_routes, webhook_statements,
                                          "Events brought to an address of one's own: signed, retried, listed"};
