/* Making assets, one or many: checked and inserted set by set. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/asset.h"

#include "common/money.h"
#include "common/must.h"

#include <string.h>

/* What each row names: 0 for what is there. serial_taken: by an asset, or by a row before it. */
static const struct db_stmt statement_check = {
    .name = "asset_check",
    .sql = "WITH x AS (SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[])"
           "             WITH ORDINALITY AS u (serial, node, component_of, number, position))"
           " SELECT x.position - 1, x.node IS NOT NULL AND n.id IS NULL,"
           "        x.component_of IS NOT NULL AND (x.component_of IS NOT DISTINCT FROM x.serial OR p.id IS NULL AND"
           "          NOT EXISTS (SELECT FROM x y WHERE y.serial = x.component_of)),"
           "        x.number IS NOT NULL AND o.id IS NULL,"
           "        s.id IS NOT NULL OR x.serial IS NOT NULL"
           "         AND row_number() OVER (PARTITION BY x.serial ORDER BY x.position) > 1"
           "   FROM x LEFT JOIN node n ON n.id = x.node LEFT JOIN asset p ON p.serial = x.component_of"
           "   LEFT JOIN asset s ON s.serial = x.serial LEFT JOIN purchase_order o ON o.number = x.number"
           "  ORDER BY x.position",
    .params = 4,
};

static const struct db_stmt statement_insert = {
    .name = "asset_insert",
    .sql =
        "WITH x AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[],"
        "    $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::date[], $14::date[],"
        "    $15::integer[], $16::text[], $17::text[], $18::integer[], $19::bigint[])"
        "  AS u (id, serial, node, cohort, vendor, part, component_of, number, lot, currency, cost, salvage,"
        "        acquired_on, in_service, life_months, method, convention, step_months, lifetime_gpu_hours))"
        " INSERT INTO asset (id, serial, node_id, cohort, vendor, part, component_of, purchase_order_id, lot, currency,"
        "   cost_minor, salvage_minor, acquired_on, in_service, life_months, method, convention, step_months,"
        "   lifetime_gpu_hours)"
        " SELECT x.id, x.serial, x.node, x.cohort, x.vendor, x.part, coalesce(p.id, y.id), o.id, x.lot, x.currency,"
        "   x.cost, x.salvage, x.acquired_on, x.in_service, x.life_months, x.method, x.convention, x.step_months,"
        "   x.lifetime_gpu_hours"
        "   FROM x LEFT JOIN asset p ON p.serial = x.component_of LEFT JOIN x y ON y.serial = x.component_of"
        "   LEFT JOIN purchase_order o ON o.number = x.number"
        " ON CONFLICT (serial) DO NOTHING RETURNING id",
    .params = 19,
};

const struct db_stmt *const asset_make_statements[] = {&statement_check, &statement_insert, NULL};

static const char *at(struct request *request, const char *prefix, const char *pointer)
{
    return arena_format(request->arena, "%s%s", prefix, pointer);
}

static void check_amounts(struct request *request, const struct asset_wish *wish, const char *prefix)
{
    struct field_problems *problems = &request->problems;
    struct err err = {0};
    int exponent = 0;
    bool has_salvage = wish->salvage.currency != NULL;
    if (money_exponent(wish->cost.currency, &exponent, &err) != ERR_NONE)
        field_problem_add(problems, at(request, prefix, "/cost/currency"), "out_of_range", "%s", err.text);
    if (wish->cost.amount_u < 0)
        field_problem_add(problems, at(request, prefix, "/cost/amount"), "out_of_range", "must not be negative");
    if (has_salvage && strcmp(wish->salvage.currency, wish->cost.currency) != 0)
        field_problem_add(problems, at(request, prefix, "/salvage/currency"), "out_of_range",
                          "must be that of the cost");
    else if (has_salvage && (wish->salvage.amount_u < 0 || wish->salvage.amount_u > wish->cost.amount_u))
        field_problem_add(problems, at(request, prefix, "/salvage/amount"), "out_of_range", "must be 0 to the cost");
}

static void check_terms(struct request *request, const struct asset_wish *wish, const char *prefix)
{
    bool by_units = strcmp(wish->method, "units_of_production") == 0;
    if (by_units != (wish->lifetime_gpu_hours != FIELD_NULL))
        field_problem_add(&request->problems, at(request, prefix, "/lifetime_gpu_hours"), "out_of_range",
                          "must be given with units_of_production, and with no other method");
    if (by_units && strcmp(wish->convention, "daily") != 0)
        field_problem_add(&request->problems, at(request, prefix, "/convention"), "out_of_range",
                          "must be daily with units_of_production");
    if (wish->step_months != 1 && wish->step_months != 12)
        field_problem_add(&request->problems, at(request, prefix, "/step_months"), "out_of_range", "must be 1 or 12");
    if (wish->acquired_on != NULL && strcmp(wish->acquired_on, wish->in_service) > 0)
        field_problem_add(&request->problems, at(request, prefix, "/acquired_on"), "out_of_range",
                          "must not be after in_service");
}

struct columns {
    struct db_array id, serial, node, cohort, vendor, part, component_of, number, lot, currency, cost, salvage,
        acquired_on, in_service, life_months, method, convention, step_months, lifetime;
};

static void columns_release(struct columns *columns)
{
    struct db_array *all = (struct db_array *)columns;
    for (size_t i = 0; i < sizeof *columns / sizeof *all; i++)
        db_array_clear(&all[i]);
}

const char *asset_minor_text(struct request *request, const struct field_money *money)
{
    struct err err = {0};
    int exponent = 0;
    if (money->currency == NULL)
        return "0";
    must(money_exponent(money->currency, &exponent, &err) == ERR_NONE); /* it was checked */
    return request_int(request, money_minor_of_micro(money->amount_u, exponent));
}

static void add_terms(struct request *request, struct columns *columns, const struct asset_wish *wish)
{
    db_array_text(&columns->currency, wish->cost.currency);
    db_array_text(&columns->cost, asset_minor_text(request, &wish->cost));
    db_array_text(&columns->salvage, asset_minor_text(request, &wish->salvage));
    db_array_text(&columns->acquired_on, wish->acquired_on);
    db_array_text(&columns->in_service, wish->in_service);
    db_array_int(&columns->life_months, wish->life_months);
    db_array_text(&columns->method, wish->method);
    db_array_text(&columns->convention, wish->convention);
    db_array_int(&columns->step_months, wish->step_months);
    db_array_text(&columns->lifetime, request_int(request, wish->lifetime_gpu_hours));
}

static void add_names(struct columns *columns, const struct asset_wish *wish, const char *id)
{
    db_array_text(&columns->id, id);
    db_array_text(&columns->serial, wish->serial);
    db_array_text(&columns->node, wish->node);
    db_array_text(&columns->cohort, wish->cohort);
    db_array_text(&columns->vendor, wish->vendor);
    db_array_text(&columns->part, wish->part);
    db_array_text(&columns->component_of, wish->component_of);
    db_array_text(&columns->number, wish->purchase_order);
    db_array_text(&columns->lot, wish->lot);
}

/* What the tables say of the rows. */
static enum err_kind check_names(struct request *request, const struct asset_rows *rows, struct columns *columns,
                                 const char **ret_taken, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind =
        request_run(request, &statement_check,
                    DB_PARAMS(db_array_param(&columns->serial), db_array_param(&columns->node),
                              db_array_param(&columns->component_of), db_array_param(&columns->number)),
                    &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    static const struct {
        const char *pointer, *code, *detail;
    } unknown[] = {
        {"/node", "unknown_node", "there is no such node"},
        {"/component_of", "unknown_asset", "there is no other asset of this serial number"},
        {"/purchase_order", "unknown_purchase_order", "there is no purchase order of this number"},
    };
    for (int row = 0; row < PQntuples(found); row++) {
        size_t position = (size_t)db_int(found, row, 0, 0);
        for (size_t i = 0; i < COUNT_OF(unknown); i++) {
            if (db_bool(found, row, (int)i + 1))
                field_problem_add(&request->problems, at(request, rows->prefixes[position], unknown[i].pointer),
                                  unknown[i].code, "%s", unknown[i].detail);
        }
        if (!db_bool(found, row, 4))
            continue;
        *ret_taken = rows->items[position].serial;
        if (rows->prefixes[position][0] != '\0') /* a row of a sheet */
            field_problem_add(&request->problems, at(request, rows->prefixes[position], "/serial"), "name_taken",
                              "an asset has this serial number");
    }
    return ERR_NONE;
}

static enum err_kind insert(struct request *request, const struct asset_rows *rows, struct columns *columns,
                            const char **ret_taken, struct err *reterr)
{
    for (size_t i = 0; i < rows->count; i++)
        add_terms(request, columns, &rows->items[i]);
    const char *params[sizeof *columns / sizeof columns->id];
    struct db_array *all = (struct db_array *)columns;
    for (size_t i = 0; i < COUNT_OF(params); i++)
        params[i] = db_array_param(&all[i]);
    const PGresult *made = NULL;
    enum err_kind kind = request_run(request, &statement_insert, params, &made, reterr);
    if (kind == ERR_NONE && (size_t)PQntuples(made) != rows->count)
        *ret_taken = rows->items[0].serial; /* by somebody who was quicker: one is enough to say so */
    return kind;
}

enum err_kind asset_make(struct request *request, const struct asset_rows *rows, const char **ret_taken,
                         struct err *reterr)
{
    CLEANUP(columns_release) struct columns columns = {0};
    *ret_taken = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        char id[UUID_TEXT_SIZE];
        identity_to_uuid(identity_new(), id);
        if (rows->unreadable == NULL || !rows->unreadable[i]) {
            check_amounts(request, &rows->items[i], rows->prefixes[i]);
            check_terms(request, &rows->items[i], rows->prefixes[i]);
        }
        add_names(&columns, &rows->items[i], i == 0 ? request->new_id : id);
    }
    enum err_kind kind = check_names(request, rows, &columns, ret_taken, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    return *ret_taken == NULL ? insert(request, rows, &columns, ret_taken, reterr) : ERR_NONE;
}
