/* Changes of assets: wished here with a day and a reason, done by billing at the close of that day. What a change comes
 * to is told beforehand, by the same code (common/asset_life.h). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/asset.h"
#include "api/resources/asset_books.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"

#include <string.h>

struct change_wish {
    const char *id, *asset;
    const char *kind;
    const char *effective_on;
    int64_t life_months;
    struct field_money salvage;
    const char *standard;
    struct field_money undiscounted, fair_value, value_in_use, selling_cost, proceeds;
    int64_t part_count, part_total;
    const char *reason;
};

static const char *const kinds[] = {"re_estimate", "impair", "reverse", "replace_part", "dispose", NULL};
static const char *const standards[] = {"asc_360", "ias_36", NULL};

// clang-format off
static const struct field effect_fields[] = {
    FIELD_COLUMN("is_expected",                   FIELD_TYPE_BOOL, .help = "Whether it is yet to come; else it is in the books"),
    FIELD_COLUMN_WITH("amount",                   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "In the income statement: a gain, or a loss where it is negative"),
    FIELD_COLUMN_WITH("gross_cost",               FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Afterwards"),
    FIELD_COLUMN_WITH("accumulated_depreciation", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Afterwards"),
    FIELD_COLUMN_WITH("accumulated_impairment",   FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Afterwards"),
    FIELD_COLUMN_WITH("net_book_value",           FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Afterwards"),
    FIELDS_END,
};

static const struct field change_status_fields[] = {
    FIELD_COLUMN("outcome",                FIELD_TYPE_TEXT, .help = "pending, applied or refused"),
    FIELD_COLUMN_WITH("problem",           FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Why it was refused"),
    FIELD_COLUMN_WITH("effect",            FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = effect_fields, .help = "What it came to; of one that is pending what it is expected to, where it is asked for alone"),
    FIELDS_END,
};

static const struct field change_fields[] = {
    FIELD_ID   ("id",              struct change_wish, id, .identity = IDENTITY_ASSET_CHANGE, .flags = FIELD_READ_ONLY, .help = "The change"),
    FIELD_ID   ("asset",           struct change_wish, asset, .identity = IDENTITY_ASSET, .flags = FIELD_READ_ONLY, .help = "Of which asset"),
    FIELD_ENUM ("kind",            struct change_wish, kind, .values = kinds, .flags = FIELD_REQUIRED, .example = "dispose", .help = "re_estimate: its life or salvage value are seen otherwise, from then on; impair: it is worth less than its net book value; reverse: it is worth more again (IAS 36 only); replace_part: equal parts of it go, and the new ones are assets of their own; dispose: it goes"),
    FIELD_DATE ("effective_on",    struct change_wish, effective_on, .flags = FIELD_REQUIRED, .help = "At the start of this UTC day, which is not closed; under conventions that count in months the first of one"),
    FIELD_INT  ("life_months",     struct change_wish, life_months, .flags = FIELD_NULLABLE, .least = 1, .most = 240, .help = "Its whole life from in_service on, as it is seen now; null: as before"),
    FIELD_MONEY("salvage",         struct change_wish, salvage, .flags = FIELD_NULLABLE | FIELD_MINOR, .help = "Its value at the end, as it is seen now; null: as before"),
    FIELD_ENUM ("standard",        struct change_wish, standard, .values = standards, .flags = FIELD_NULLABLE, .help = "impair and reverse: by which standard"),
    FIELD_MONEY("undiscounted_cash_flows", struct change_wish, undiscounted, .flags = FIELD_NULLABLE | FIELD_MINOR, .help = "impair under ASC 360: what its use and disposal will bring in; only where it is less than the net book value is anything impaired"),
    FIELD_MONEY("fair_value",      struct change_wish, fair_value, .flags = FIELD_NULLABLE | FIELD_MINOR, .help = "impair and reverse: what it could be sold for"),
    FIELD_MONEY("value_in_use",    struct change_wish, value_in_use, .flags = FIELD_NULLABLE | FIELD_MINOR, .help = "impair and reverse under IAS 36: its discounted cash flows"),
    FIELD_MONEY("selling_cost",    struct change_wish, selling_cost, .flags = FIELD_NULLABLE | FIELD_MINOR, .help = "Of a sale that is thought of (IAS 36), or was made"),
    FIELD_MONEY("proceeds",        struct change_wish, proceeds, .flags = FIELD_NULLABLE | FIELD_MINOR, .help = "dispose and replace_part: what was paid for what goes"),
    FIELD_INT  ("part_count",      struct change_wish, part_count, .flags = FIELD_NULLABLE, .least = 1, .most = 999, .help = "replace_part: so many go"),
    FIELD_INT  ("part_total",      struct change_wish, part_total, .flags = FIELD_NULLABLE, .least = 2, .most = 1000, .help = "replace_part: of so many equal parts of which it consists that day"),
    FIELD_TEXT ("reason",          struct change_wish, reason, .flags = FIELD_REQUIRED, .least = 1, .most = 500, .example = "sold to a broker", .help = "For the auditor"),
    FIELD_COLUMN("created_at",     FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("status",         FIELD_TYPE_OBJECT, .fields = change_status_fields, .help = "What became of it"),
    FIELDS_END,
};
// clang-format on

static const struct schema change_schema = {"AssetChange", change_fields, sizeof(struct change_wish)};

#define GIVEN(column, name)                                                                                            \
    column " AS \"" name ".amount_minor\", CASE WHEN " column " IS NOT NULL THEN a.currency END AS \"" name            \
           ".currency\""
// clang-format off
#define CHANGE_COLUMNS \
    "c.id, c.asset_id AS asset, c.kind, c.effective_on, c.life_months, " GIVEN("c.salvage_minor", "salvage") "," \
    " c.standard, " GIVEN("c.undiscounted_minor", "undiscounted_cash_flows") "," \
    " " GIVEN("c.fair_value_minor", "fair_value") ", " GIVEN("c.value_in_use_minor", "value_in_use") "," \
    " " GIVEN("c.selling_cost_minor", "selling_cost") ", " GIVEN("c.proceeds_minor", "proceeds") "," \
    " c.part_count, c.part_total, c.reason, extract(epoch FROM c.created_at)::bigint AS created_at," \
    " coalesce(s.outcome, 'pending') AS \"status.outcome\", s.problem AS \"status.problem\""
#define EFFECT(amount, cost, accumulated, impairment) \
    "CASE WHEN " amount " IS NOT NULL THEN s.change_id IS NULL END AS \"status.effect.is_expected\", " GIVEN(amount, "status.effect.amount") ", " GIVEN(cost, "status.effect.gross_cost") "," \
    " " GIVEN(accumulated, "status.effect.accumulated_depreciation") "," \
    " " GIVEN(impairment, "status.effect.accumulated_impairment") "," \
    " " GIVEN("(" cost " - " accumulated " - " impairment ")", "status.effect.net_book_value")
// clang-format on
#define CHANGE_TABLES                                                                                                  \
    " FROM asset_change c JOIN asset a ON a.id = c.asset_id LEFT JOIN asset_change_status s ON s.change_id = c.id"

// clang-format off
static const struct db_stmt statement_list = {
    .name = "asset_change_list",
    .sql = "SELECT " CHANGE_COLUMNS ","
           " " EFFECT("s.amount_minor", "s.cost_minor", "s.accumulated_minor", "s.impairment_minor") ","
           " c.id AS page_key" CHANGE_TABLES
           " WHERE c.asset_id = $3::uuid AND ($1::uuid IS NULL OR c.id > $1::uuid) ORDER BY c.id LIMIT $2::bigint",
    .params = 3,
};

/* $2 to $5: what is expected of one that is pending. */
static const struct db_stmt statement_get = {
    .name = "asset_change_get",
    .sql = "SELECT " CHANGE_COLUMNS ","
           " " EFFECT("coalesce(s.amount_minor, $2::bigint)", "coalesce(s.cost_minor, $3::bigint)",
                      "coalesce(s.accumulated_minor, $4::bigint)", "coalesce(s.impairment_minor, $5::bigint)") ","
           " 1 AS wish_revision, left(md5(concat_ws(' ', s.outcome, $2::bigint, $3::bigint, $4::bigint, $5::bigint)), 16)"
           " AS status_revision" CHANGE_TABLES " WHERE c.id = $1::uuid",
    .params = 5,
};
// clang-format on

static const struct db_stmt statement_pending = {
    .name = "asset_change_pending",
    .sql = "SELECT c.asset_id, s.change_id IS NULL, " ASSET_CHANGE_COLUMNS CHANGE_TABLES " WHERE c.id = $1::uuid",
    .params = 1,
};

/* Changes of one asset are made one after the other: what one comes to follows from those before it. */
static const struct db_stmt statement_lock = {
    .name = "asset_change_lock",
    .sql = "SELECT currency FROM asset WHERE id = $1::uuid FOR UPDATE",
    .params = 1,
};

static const struct db_stmt statement_create = {
    .name = "asset_change_create",
    .sql = "INSERT INTO asset_change (id, asset_id, kind, effective_on, life_months, salvage_minor, standard,"
           "  undiscounted_minor, fair_value_minor, value_in_use_minor, selling_cost_minor, proceeds_minor, part_count,"
           "  part_total, reason, created_by)"
           " VALUES ($1::uuid, $2::uuid, $3, $4::date, $5::integer, $6::bigint, $7, $8::bigint, $9::bigint,"
           "  $10::bigint, $11::bigint, $12::bigint, $13::integer, $14::integer, $15, $16::uuid)",
    .params = 16,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_list, DB_PARAMS(request->object), reterr);
}

static enum err_kind answer(struct request *request, struct response *response, int status, const char *id,
                            const struct asset_effect *effect, struct err *reterr)
{
    const PGresult *result = NULL;
    const struct asset_balance *after = effect == NULL ? NULL : &effect->after;
    enum err_kind kind = request_run(request, &statement_get,
                                     DB_PARAMS(id, effect == NULL ? NULL : request_int(request, effect->amount_minor),
                                               after == NULL ? NULL : request_int(request, after->cost_minor),
                                               after == NULL ? NULL : request_int(request, after->accumulated_minor),
                                               after == NULL ? NULL : request_int(request, after->impairment_minor)),
                                     &result, reterr);
    if (kind == ERR_NONE)
        response_object(request, response, status, change_fields, result, 0);
    return kind;
}

/* One that is pending, with what is expected of it. */
static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    const char *id = request->object;
    enum err_kind kind = answer_find(request, &statement_pending, id, "change", &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (!db_bool(found, 0, 1))
        return answer(request, response, 200, id, NULL, reterr);
    struct asset_books *books = arena_alloc(request->arena, sizeof *books);
    kind = asset_books_load(request, db_text(found, 0, 0), id, books, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct asset_change change = asset_change_read(found, 0, 2, books->asset.units);
    struct asset_effect effect;
    struct err refused = {0};
    bool is_expected = asset_life_apply(&books->life, &change, &effect, &refused) == ERR_NONE;
    return answer(request, response, 200, id, is_expected ? &effect : NULL, reterr);
}

/* ---- Making one ---- */

#define ON(kind) (1U << (kind))
#define ON_WORTH (ON(ASSET_IMPAIR) | ON(ASSET_REVERSE))
#define ON_SALE  (ON(ASSET_REPLACE_PART) | ON(ASSET_DISPOSE))

/* Which field each kind must have, and which it may have. */
static const struct {
    const char *pointer;
    size_t offset;
    enum field_type type;
    unsigned needed, allowed;
} uses[] = {
    // clang-format off
    {"/life_months",             offsetof(struct change_wish, life_months),  FIELD_TYPE_INT,   0,                      ON(ASSET_RE_ESTIMATE) | ON_WORTH},
    {"/salvage",                 offsetof(struct change_wish, salvage),      FIELD_TYPE_MONEY, 0,                      ON(ASSET_RE_ESTIMATE) | ON_WORTH},
    {"/standard",                offsetof(struct change_wish, standard),     FIELD_TYPE_ENUM,  ON_WORTH,               ON_WORTH},
    {"/undiscounted_cash_flows", offsetof(struct change_wish, undiscounted), FIELD_TYPE_MONEY, 0,                      ON(ASSET_IMPAIR)},
    {"/fair_value",              offsetof(struct change_wish, fair_value),   FIELD_TYPE_MONEY, ON_WORTH,               ON_WORTH},
    {"/value_in_use",            offsetof(struct change_wish, value_in_use), FIELD_TYPE_MONEY, 0,                      ON_WORTH},
    {"/selling_cost",            offsetof(struct change_wish, selling_cost), FIELD_TYPE_MONEY, 0,                      ON_WORTH | ON_SALE},
    {"/proceeds",                offsetof(struct change_wish, proceeds),     FIELD_TYPE_MONEY, 0,                      ON_SALE},
    {"/part_count",              offsetof(struct change_wish, part_count),   FIELD_TYPE_INT,   ON(ASSET_REPLACE_PART), ON(ASSET_REPLACE_PART)},
    {"/part_total",              offsetof(struct change_wish, part_total),   FIELD_TYPE_INT,   ON(ASSET_REPLACE_PART), ON(ASSET_REPLACE_PART)},
    // clang-format on
};

/* NULL where it was not given. */
static const struct field_money *money_at(const struct change_wish *wish, size_t use)
{
    const struct field_money *money = (const void *)((const char *)wish + uses[use].offset);
    return money->currency == NULL ? NULL : money;
}

static bool is_given(const struct change_wish *wish, size_t use)
{
    const void *member = (const char *)wish + uses[use].offset;
    switch ((int)uses[use].type) {
    case FIELD_TYPE_INT:
        return *(const int64_t *)member != FIELD_NULL;
    case FIELD_TYPE_MONEY:
        return money_at(wish, use) != NULL;
    default:
        return *(const char *const *)member != NULL;
    }
}

static void check_uses(struct request *request, const struct change_wish *wish, enum asset_change_kind kind,
                       const char *currency)
{
    struct field_problems *problems = &request->problems;
    for (size_t i = 0; i < COUNT_OF(uses); i++) {
        bool given = is_given(wish, i);
        if (!given && (uses[i].needed & ON(kind)) != 0)
            field_problem_add(problems, uses[i].pointer, "missing_field", "is needed to %s", wish->kind);
        if (given && (uses[i].allowed & ON(kind)) == 0)
            field_problem_add(problems, uses[i].pointer, "out_of_range", "has no meaning to %s", wish->kind);
        const struct field_money *money = uses[i].type == FIELD_TYPE_MONEY ? money_at(wish, i) : NULL;
        if (money != NULL && strcmp(money->currency, currency) != 0)
            field_problem_add(problems, arena_format(request->arena, "%s/currency", uses[i].pointer), "out_of_range",
                              "must be that of the asset's cost");
        if (money != NULL && money->amount_u < 0)
            field_problem_add(problems, arena_format(request->arena, "%s/amount", uses[i].pointer), "out_of_range",
                              "must not be negative");
    }
}

static const char *minor_or_null(struct request *request, const struct field_money *money)
{
    return money->currency == NULL ? NULL : asset_minor_text(request, money);
}

static enum err_kind insert(struct request *request, const char *asset, const struct change_wish *wish,
                            struct err *reterr)
{
    return request_run(request, &statement_create,
                       DB_PARAMS(request->new_id, asset, wish->kind, wish->effective_on,
                                 request_int(request, wish->life_months), minor_or_null(request, &wish->salvage),
                                 wish->standard, minor_or_null(request, &wish->undiscounted),
                                 minor_or_null(request, &wish->fair_value), minor_or_null(request, &wish->value_in_use),
                                 asset_minor_text(request, &wish->selling_cost),
                                 asset_minor_text(request, &wish->proceeds), request_int(request, wish->part_count),
                                 request_int(request, wish->part_total), wish->reason, request->caller.principal_id),
                       NULL, reterr);
}

/* Written, and read back as billing will read it. */
static enum err_kind try(struct request *request, const char *asset, struct asset_effect *ret, struct err *reterr)
{
    struct asset_books *books = arena_alloc(request->arena, sizeof *books);
    const PGresult *made = NULL;
    enum err_kind kind = asset_books_load(request, asset, request->new_id, books, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_pending, DB_PARAMS(request->new_id), &made, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct asset_change change = asset_change_read(made, 0, 2, books->asset.units);
    if (change.day < books->closed_until)
        return err_set_code(reterr, ERR_CONFLICT, "day_closed", "the books of that day are closed");
    struct err refused = {0};
    kind = asset_life_apply(&books->life, &change, ret, &refused);
    return kind == ERR_NONE ? kind : err_set_code(reterr, ERR_CONFLICT, "asset_change_refused", "%s", refused.text);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const struct change_wish *wish = request->body;
    const char *asset = request->object;
    const PGresult *locked = NULL;
    enum asset_change_kind what = ASSET_CHANGE_COUNT;
    enum err_kind kind = answer_find(request, &statement_lock, asset, "asset", &locked, reterr);
    if (kind != ERR_NONE)
        return kind;
    (void)asset_change_of(wish->kind, &what); /* one of the values */
    check_uses(request, wish, what, db_text(locked, 0, 0));
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    struct asset_effect effect = {0};
    kind = insert(request, asset, wish, reterr);
    if (kind == ERR_NONE)
        kind = try(request, asset, &effect, reterr);
    if (kind == ERR_NONE)
        kind = answer(request, response, 201, request->new_id, &effect, reterr);
    return kind == ERR_NONE
               ? request_event(request, NULL, NULL, "asset_change", request->new_id, 1, "asset_change.created", reterr)
               : kind;
}

// clang-format off
static const struct route change_routes[] = {
    {GET,  "/v1/system/assets/{id}/changes",   ROLES_SYSTEM_READ,    RATE_READ,  .answer = &change_schema, .is_list = true, .has_id = true, .id = IDENTITY_ASSET, .run = list, .summary = "What happened and will happen to an asset"},
    {POST, "/v1/system/assets/{id}/changes",   ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &change_schema, .answer = &change_schema, .has_id = true, .id = IDENTITY_ASSET, .run = create, .replay = get, .problems = PROBLEMS("asset_change_refused", "day_closed"), .summary = "Re-estimate, impair, reverse, replace a part of, or dispose of an asset"},
    {GET,  "/v1/system/asset-changes/{id}",    ROLES_SYSTEM_READ,    RATE_READ,  .answer = &change_schema, .has_id = true, .id = IDENTITY_ASSET_CHANGE, .run = get, .summary = "One change of an asset, and what it comes to"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const change_statements[] = {&statement_list, &statement_get,    &statement_pending,
                                                          &statement_lock, &statement_create, NULL};

const struct resource asset_change_resource = {
    "asset-changes", change_routes, change_statements,
    "What happens to assets: at the start of a day, posted by its close, never before."};
