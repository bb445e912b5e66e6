/* The statement of a batch: many wishes and confirmations in one transaction, each with an outcome of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation_admission.h"
#include "common/db_column.h"
#include "common/must.h"

#include <string.h>

const struct outcome admission_outcomes[] = {
    [OUTCOME_CREATED] = {"created", ERR_NONE, NULL},
    [OUTCOME_CONFIRMED] = {"confirmed", ERR_NONE, NULL},
    [OUTCOME_REPLAYED] = {"replayed", ERR_NONE, NULL},
    [OUTCOME_KEY_REUSED] = {"idempotency_key_reused", ERR_INVALID, "this idempotency key was used for another request"},
    {"tenant_suspended", ERR_FORBIDDEN, "the tenant is suspended"},
    {"unknown_zone", ERR_INVALID, "/zone: there is no zone of this name"},
    {"unknown_instance_type", ERR_INVALID, "/instance_type: there is no instance type of this name"},
    {"instance_type_retired", ERR_INVALID, "/instance_type: this instance type is retired"},
    {"unknown_gpu_model", ERR_INVALID, "/shape/gpu_models: the zone has no GPU of this model"},
    {"unknown_project", ERR_INVALID, "/project: the tenant has no project of this name"},
    {"unknown_image", ERR_INVALID, "/image: there is no image of this name, or it is retired"},
    {"unknown_ssh_key", ERR_INVALID, "/ssh_keys: the tenant has no SSH key of one of these names"},
    {"unknown_quote", ERR_INVALID, "/quote: there is no such quote"},
    {"shape_not_allowed", ERR_FORBIDDEN, "/shape: this tenant may not give one; name an instance type"},
    {"window_in_past", ERR_INVALID, "/starts_at: the window lies in the past"},
    {"window_reversed", ERR_INVALID, "/ends_at: the window must end after it begins"},
    {"start_range_in_past", ERR_INVALID, "/start_range: the latest start lies in the past"},
    {"name_taken", ERR_CONFLICT, "/name: another reservation of this tenant has this name"},
    {"quote_limit", ERR_CONFLICT, "the tenant holds as many quotes as it may: confirm or delete one"},
    {"quote_used", ERR_CONFLICT, "/quote: it is confirmed already"},
    {"quote_expired", ERR_CONFLICT, "/quote: its time to live is over, or its start has passed"},
    {"quote_not_held", ERR_CONFLICT, "/quote: it holds nothing: it was refused, or waits for its verdict"},
};

/* The columns of the batch, in the order of admission_enter()'s parameters. */
enum column {
    COLUMN_ID,
    COLUMN_TENANT,
    COLUMN_PRINCIPAL,
    COLUMN_KEY,
    COLUMN_HASH,
    COLUMN_NAME,
    COLUMN_PROJECT,
    COLUMN_ZONE,
    COLUMN_TYPE,
    COLUMN_GPU_COUNT,
    COLUMN_GPU_MILLI,
    COLUMN_MODELS,
    COLUMN_CPU,
    COLUMN_MEMORY,
    COLUMN_COUNT,
    COLUMN_STARTS,
    COLUMN_ENDS,
    COLUMN_DURATION,
    COLUMN_START_FROM,
    COLUMN_START_TO,
    COLUMN_WITHIN,
    COLUMN_REQUIRED,
    COLUMN_SPREAD,
    COLUMN_TIER,
    COLUMN_UNAVAILABLE,
    COLUMN_LABELS,
    COLUMN_IMAGE,
    COLUMN_SSH_KEYS,
    COLUMN_USER_DATA,
    COLUMN_TTL,
    COLUMN_QUOTE,
    COLUMN_AUDIT,
    COLUMN_REQUEST,
    COLUMN_REMOTE,
    COLUMNS
};

/* The parameters of admission_enter() and of admission_preview(). */
#define ARGUMENTS                                                                                                      \
    "$1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::text[], $9::text[],"     \
    " $10::integer[], $11::integer[], $12::text[], $13::bigint[], $14::bigint[], $15::integer[], $16::bigint[],"       \
    " $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::text[], $22::boolean[], $23::text[],"           \
    " $24::text[], $25::text[], $26::jsonb[], $27::text[], $28::text[], $29::text[], $30::integer[], $31::uuid[],"     \
    " $32::uuid[], $33::text[], $34::text[]"

static const struct db_stmt statement_admit = {
    .name = "admission_admit",
    .sql = "WITH batch AS MATERIALIZED (SELECT pg_current_xact_id() AS xid)"
           " SELECT ordinal, outcome, object_id, created_at_s, batch.xid FROM batch, admission_enter(" ARGUMENTS ")",
    .params = COLUMNS,
    .columns = COLUMNS,
    .binary = true,
};

/* Of the tenant's own role: sluice_api_writer makes no previews. */
static const struct db_stmt statement_preview = {
    .name = "admission_preview",
    .sql =
        "SELECT outcome, object_id, created_at_s, hold_until_s, zone_id, question, sku_kind, sku, currency, gpu_milli"
        " FROM admission_preview(" ARGUMENTS ")",
    .params = COLUMNS,
    .columns = COLUMNS,
};

const struct db_stmt admission_notify = {
    .name = "admission_notify", .sql = "SELECT pg_notify('sluice_wish', $1::text)", .params = 1};

const struct db_stmt *const reservation_batch_statements[] = {&statement_admit, &admission_notify, NULL};
const struct db_stmt *const admission_preview_statements[] = {&statement_preview, NULL};

static void add_int4(struct db_column *column, int64_t value)
{
    db_column_int4_or_null(column, value, FIELD_NULL);
}

static void add_int8(struct db_column *column, int64_t value)
{
    db_column_int8_or_null(column, value, FIELD_NULL);
}

static void add_key(struct db_column *columns, const struct request_internal *internal)
{
    db_column_text(&columns[COLUMN_KEY], internal->idempotency_key);
    if (internal->idempotency_key == NULL)
        db_column_null(&columns[COLUMN_HASH]);
    else
        db_column_bytes(&columns[COLUMN_HASH], internal->request_sha256, SHA256_SIZE);
}

static void add_shape(struct db_column *columns, const struct reservation *wish)
{
    const struct reservation_shape *shape = &wish->shape;
    bool has_type = wish->instance_type != NULL;
    add_int4(&columns[COLUMN_GPU_COUNT], has_type ? FIELD_NULL : shape->gpus == FIELD_NULL ? 0 : shape->gpus);
    add_int4(&columns[COLUMN_GPU_MILLI], has_type ? FIELD_NULL : shape->gpu_milli == FIELD_NULL ? 0 : shape->gpu_milli);
    db_column_text(&columns[COLUMN_MODELS], has_type ? NULL : shape->gpu_models.array);
    add_int8(&columns[COLUMN_CPU], has_type ? FIELD_NULL : shape->cpu_milli);
    add_int8(&columns[COLUMN_MEMORY], has_type ? FIELD_NULL : shape->memory_mib);
}

static void add_row(struct db_column *columns, const struct admission *admission)
{
    const struct request_internal *internal = admission->item.internal;
    const struct request *request = &internal->request;
    const struct reservation *wish = admission->wish;
    db_column_uuid(&columns[COLUMN_ID], admission->id);
    db_column_uuid(&columns[COLUMN_TENANT], request->caller.tenant_id);
    db_column_uuid(&columns[COLUMN_PRINCIPAL], request->caller.principal_id);
    add_key(columns, internal);
    db_column_text(&columns[COLUMN_NAME], wish->name);
    db_column_text(&columns[COLUMN_PROJECT], wish->project);
    db_column_text(&columns[COLUMN_ZONE], wish->zone);
    db_column_text(&columns[COLUMN_TYPE], wish->instance_type);
    add_shape(columns, wish);
    add_int4(&columns[COLUMN_COUNT], wish->count);
    add_int8(&columns[COLUMN_STARTS], wish->starts_at);
    add_int8(&columns[COLUMN_ENDS], wish->ends_at);
    add_int8(&columns[COLUMN_DURATION], wish->duration_s);
    add_int8(&columns[COLUMN_START_FROM], wish->start_range.from);
    add_int8(&columns[COLUMN_START_TO], wish->start_range.to);
    db_column_text(&columns[COLUMN_WITHIN], wish->placement.within);
    db_column_bool(&columns[COLUMN_REQUIRED], strcmp(wish->placement.mode, "required") == 0);
    db_column_text(&columns[COLUMN_SPREAD], wish->placement.spread);
    db_column_text(&columns[COLUMN_TIER], wish->tier);
    db_column_text(&columns[COLUMN_UNAVAILABLE], wish->if_unavailable);
    db_column_jsonb(&columns[COLUMN_LABELS], wish->labels);
    db_column_text(&columns[COLUMN_IMAGE], wish->image);
    db_column_text(&columns[COLUMN_SSH_KEYS], wish->ssh_keys.array);
    db_column_text(&columns[COLUMN_USER_DATA], wish->user_data);
    add_int4(&columns[COLUMN_TTL], admission->is_quote ? wish->ttl_s : FIELD_NULL);
    db_column_uuid(&columns[COLUMN_QUOTE], wish->quote);
    db_column_uuid(&columns[COLUMN_AUDIT], admission->audit_id);
    db_column_text(&columns[COLUMN_REQUEST], request->id);
    db_column_text(&columns[COLUMN_REMOTE], request->remote);
}

static const struct outcome *outcome_of(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(admission_outcomes); i++) {
        if (strcmp(admission_outcomes[i].text, text) == 0)
            return &admission_outcomes[i];
    }
    must_failed("the outcome is one of the table", __FILE__, __LINE__, __func__);
}

static void set_outcome(struct admission *admission, const struct outcome *outcome, struct identity object,
                        int64_t created_at)
{
    admission->outcome = outcome;
    admission->wish->created_at = created_at;
    identity_to_uuid(object, admission->object);
    admission->waiter.reservation_id = object;
}

/* Those merged to the first of their key: its repetitions, or misuses of the key. */
static void set_merged(struct admission *first)
{
    bool exists = first->outcome->kind == ERR_NONE;
    for (struct batch_item *item = first->item.merged; item != NULL; item = item->merged) {
        bool is_same = memcmp(item->internal->request_sha256, first->item.internal->request_sha256, SHA256_SIZE) == 0;
        const struct outcome *outcome = !is_same ? &admission_outcomes[OUTCOME_KEY_REUSED]
                                        : exists ? &admission_outcomes[OUTCOME_REPLAYED]
                                                 : first->outcome;
        set_outcome(admission_of(item), outcome, first->waiter.reservation_id, first->wish->created_at);
    }
}

/* Before COMMIT, so that no verdict can come earlier than its waiter. */
static void watch(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    bool is_undecided = admission_is(admission, OUTCOME_CREATED) || admission_is(admission, OUTCOME_CONFIRMED);
    if (!is_undecided || admission->wait_ms == 0)
        return;
    internal_keep(internal);
    follower_watch(internal->server->follower, &admission->waiter);
}

void admission_unwatch(struct admission *admission)
{
    struct request_internal *internal = admission->item.internal;
    if (follower_unwatch(internal->server->follower, &admission->waiter))
        internal_drop(internal); /* not the last: the batcher has one */
}

static void clear_columns(struct db_column (*columns)[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++)
        db_column_clear(&(*columns)[i]);
}

/* A unique violation: another replica was faster with one of the keys or names. */
static enum err_kind or_again(enum err_kind kind, struct err *reterr)
{
    return kind == ERR_CONFLICT
               ? err_set(reterr, ERR_RETRY, "another replica admitted the same idempotency key or name meanwhile")
               : kind;
}

enum err_kind admission_preview(struct request *request, const struct admission *admission, const PGresult **ret,
                                const struct outcome **ret_outcome, struct err *reterr)
{
    CLEANUP(clear_columns) struct db_column columns[COLUMNS] = {0};
    add_row(columns, admission);
    const char *params[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        params[i] = db_column_param(&columns[i]);
    enum err_kind kind = or_again(request_run(request, &statement_preview, params, ret, reterr), reterr);
    if (kind == ERR_NONE)
        *ret_outcome = outcome_of(db_text(*ret, 0, PREVIEW_OUTCOME));
    return kind;
}

enum err_kind admission_admit(struct db *db, struct batch_item *const *items, size_t count,
                              uint64_t *ret_transaction_id, struct err *reterr)
{
    CLEANUP(clear_columns) struct db_column columns[COLUMNS] = {0};
    for (size_t i = 0; i < count; i++)
        add_row(columns, admission_of(items[i]));
    const char *params[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        params[i] = db_column_param(&columns[i]);
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = or_again(db_begin_run(db, &statement_admit, params, &result, reterr), reterr);
    if (kind != ERR_NONE)
        return kind;
    must((size_t)PQntuples(result) == count);
    *ret_transaction_id = db_xid(result, 0, 4);
    for (int row = 0; row < PQntuples(result); row++) {
        struct admission *admission = admission_of(items[db_int(result, row, 0, 0) - 1]);
        admission_unwatch(admission); /* a batch that is tried again begins anew: an id may change */
        set_outcome(admission, outcome_of(db_text(result, row, 1)), db_identity(result, row, 2),
                    db_int(result, row, 3, 0));
        set_merged(admission);
        watch(admission);
    }
    return ERR_NONE;
}
