/* Charge policies: what is credited for what was not delivered, and charged for what was not taken, in steps. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "api/server/json_out.h"

#include <string.h>

#define STEPS_MAX 16

struct charge_policy {
    const char *id, *kind, *tenant, *tier;
    struct field_rows steps;
    int64_t valid_from;
};

struct step {
    int64_t least, share_bp;
};

static const char *const kinds[] = {"sla_credit", "cancellation", "early_release", NULL};
static const char *const tiers[] = {"reserved", "on_demand", "preemptible", NULL};

// clang-format off
static const struct field step_fields[] = {
    FIELD_INT("least",    struct step, least, .flags = FIELD_REQUIRED, .least = 0, .most = 1000000000, .example = "0", .help = "From here on it holds. sla_credit: undelivered part of the promised time, in basis points; cancellation: notice before the start, early_release: before the end, in seconds"),
    FIELD_INT("share_bp", struct step, share_bp, .flags = FIELD_REQUIRED, .least = 0, .most = 10000, .example = "1000", .help = "In basis points. sla_credit: of what the reservation's usage of the period costs; else: of what the rest of the window would cost"),
    FIELDS_END,
};

static const struct field policy_fields[] = {
    FIELD_ID   ("id",         struct charge_policy, id, .identity = IDENTITY_POLICY, .flags = FIELD_READ_ONLY, .help = "The policy"),
    FIELD_ENUM ("kind",       struct charge_policy, kind, .values = kinds, .flags = FIELD_REQUIRED, .example = "cancellation", .help = "sla_credit: given back at a billing period's end; cancellation: charged before a window's start; early_release: after it"),
    FIELD_TEXT ("tenant",     struct charge_policy, tenant, .flags = FIELD_NULLABLE, .pattern = FIELD_NAME, .example = "acme", .help = "Name of the tenant whose own it is, before everybody's; null: everybody's"),
    FIELD_ENUM ("tier",       struct charge_policy, tier, .values = tiers, .fallback = "reserved", .help = "Of which tier of reservations"),
    FIELD_ROWS ("steps",      struct charge_policy, steps, .flags = FIELD_REQUIRED, .least = 1, .most = STEPS_MAX, .fields = step_fields, .size = sizeof(struct step), .help = "In rising order of least; the last one that is reached holds, below the first nothing does"),
    FIELD_TIME ("valid_from", struct charge_policy, valid_from, .flags = FIELD_NULLABLE, .help = "Domain time, inclusive, not in the past; null: now"),
    FIELD_COLUMN_WITH("valid_until", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time, exclusive; null: until the next one of its kind"),
    FIELDS_END,
};
// clang-format on

static const struct schema policy_schema = {"ChargePolicy", policy_fields, sizeof(struct charge_policy)};

#define POLICY_SELECT                                                                                                  \
    "SELECT p.id, p.kind, t.name AS tenant, p.tier, p.steps::json AS steps,"                                           \
    " extract(epoch FROM lower(p.valid))::bigint AS valid_from,"                                                       \
    " extract(epoch FROM upper(p.valid))::bigint AS valid_until, p.id AS page_key"                                     \
    " FROM charge_policy p LEFT JOIN tenant t ON t.id = p.tenant_id"

static const struct db_stmt statement_list = {
    .name = "charge_policy_list",
    .sql = POLICY_SELECT " WHERE ($1::uuid IS NULL OR p.id > $1::uuid) ORDER BY p.id LIMIT $2::bigint",
    .params = 2,
};

static const struct db_stmt statement_get = {
    .name = "charge_policy_get",
    .sql = POLICY_SELECT " WHERE p.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_references = {
    .name = "charge_policy_references",
    .sql = "SELECT (SELECT id FROM tenant WHERE name = $1),"
           " coalesce($2::bigint, extract(epoch FROM sluice_now())::bigint),"
           " coalesce(to_timestamp($2::bigint) >= date_trunc('second', sluice_now()), true)",
    .params = 2,
};
enum { REF_TENANT, REF_FROM, REF_IS_NOT_PAST };

/* An end in the past would change what was already promised: then the policies overlap, and the insert says so. */
static const struct db_stmt statement_close = {
    .name = "charge_policy_close",
    .sql = "UPDATE charge_policy SET valid = tstzrange(lower(valid), to_timestamp($4::bigint))"
           " WHERE kind = $1 AND tier = $2 AND tenant_id IS NOT DISTINCT FROM $3::uuid AND upper_inf(valid)"
           " AND lower(valid) < to_timestamp($4::bigint)"
           " AND to_timestamp($4::bigint) >= date_trunc('second', sluice_now())",
    .params = 4,
};

static const struct db_stmt statement_create = {
    .name = "charge_policy_create",
    .sql = "INSERT INTO charge_policy (id, kind, tier, tenant_id, valid, steps, created_by)"
           " VALUES ($1::uuid, $2, $3, $4::uuid, tstzrange(to_timestamp($5::bigint), NULL), $6::jsonb, $7::uuid)",
    .params = 7,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_NO_PARAMS, reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "charge policy", reterr);
}

/* The steps as the table has them; adds a problem where they do not rise. */
static const char *steps_of(struct request *request, const struct charge_policy *wish)
{
    const struct step *steps = wish->steps.items;
    struct json_out out;
    json_out_init(&out, request->arena);
    json_out_open(&out, '[');
    bool rises = wish->steps.count > 0;
    for (size_t i = 0; i < wish->steps.count; i++) {
        rises = rises && (i == 0 || steps[i].least > steps[i - 1].least);
        json_out_open(&out, '{');
        json_out_key(&out, "least");
        json_out_int(&out, steps[i].least);
        json_out_key(&out, "share_bp");
        json_out_int(&out, steps[i].share_bp);
        json_out_close(&out, '}');
    }
    json_out_close(&out, ']');
    if (!rises)
        field_problem_add(&request->problems, "/steps", "out_of_range", "least must rise from step to step");
    return json_out_finish(&out);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct charge_policy *wish = request->body;
    const PGresult *row = NULL;
    enum err_kind kind = request_run(request, &statement_references,
                                     DB_PARAMS(wish->tenant, request_int(request, wish->valid_from)), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *tenant = db_text(row, 0, REF_TENANT);
    const char *from = db_text(row, 0, REF_FROM);
    const char *steps = steps_of(request, wish);
    if (wish->tenant != NULL && tenant == NULL)
        field_problem_add(&request->problems, "/tenant", "unknown_tenant", "there is no tenant '%s'", wish->tenant);
    if (!db_bool(row, 0, REF_IS_NOT_PAST))
        field_problem_add(&request->problems, "/valid_from", "out_of_range", "must not be in the past");
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    kind = request_run(request, &statement_close, DB_PARAMS(wish->kind, wish->tier, tenant, from), NULL, reterr);
    if (kind == ERR_NONE)
        kind = request_run(
            request, &statement_create,
            DB_PARAMS(request->new_id, wish->kind, wish->tier, tenant, from, steps, request->caller.principal_id), NULL,
            reterr);
    if (kind == ERR_NO_CAPACITY) /* the exclusion constraint, which elsewhere means a double booking */
        return err_set_code(reterr, ERR_CONFLICT, "price_overlaps",
                            "a policy of the same holds at or after this start already");
    if (kind == ERR_NONE)
        kind =
            request_event(request, tenant, NULL, "charge_policy", request->new_id, 1, "charge_policy.created", reterr);
    return kind == ERR_NONE
               ? answer_object(request, response, 201, &statement_get, request->new_id, "charge policy", reterr)
               : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_POLICY
static const struct route policy_routes[] = {
    {GET,  "/v1/charge-policies",             ROLES_TENANT_MONEY,   RATE_READ,  .answer = &policy_schema, .is_list = true, .run = list, .summary = "List the policies that hold for the tenant"},
    {GET,  "/v1/charge-policies/{id}",        ROLES_TENANT_MONEY,   RATE_READ,  .answer = &policy_schema, ONE, .run = get, .summary = "One policy"},
    {GET,  "/v1/system/charge-policies",      ROLES_SYSTEM_READ,    RATE_READ,  .answer = &policy_schema, .is_list = true, .run = list, .summary = "List charge policies"},
    {GET,  "/v1/system/charge-policies/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &policy_schema, ONE, .run = get, .summary = "One policy"},
    {POST, "/v1/system/charge-policies",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &policy_schema, .answer = &policy_schema, .run = create, .replay = get, .problems = PROBLEMS("price_overlaps", "unknown_tenant"), .summary = "Make a policy, which ends the open one of its kind"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const policy_statements[] = {&statement_list,  &statement_get,    &statement_references,
                                                          &statement_close, &statement_create, NULL};

const struct resource charge_policy_resource = {
    "charge-policies", policy_routes, policy_statements,
    "What is credited for what was not delivered, and charged for what was not taken."};
