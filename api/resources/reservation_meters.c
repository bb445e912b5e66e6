/* Counted readings of a reservation, rated meter by meter as the invoice would. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation_meters.h"

#include "api/server/answer.h"
#include "common/money.h"
#include "common/must.h"

#include <string.h>

#define MICRO 1000000

struct meter_cost {
    const char *meter, *unit;
    int64_t quantity;
    struct field_money amount;
};

// clang-format off
const struct field reservation_meter_fields[] = {
    FIELD_TEXT  ("meter",    struct meter_cost, meter, .flags = FIELD_READ_ONLY, .help = "Name of the meter"),
    FIELD_AMOUNT("quantity", struct meter_cost, quantity, .flags = FIELD_READ_ONLY, .help = "What was counted, in the unit that is priced, to the millionth"),
    FIELD_TEXT  ("unit",     struct meter_cost, unit, .flags = FIELD_READ_ONLY, .help = "The unit that is priced"),
    FIELD_MONEY ("amount",   struct meter_cost, amount, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What it comes to by the prices and discounts that hold, before commitments cover any of it; null: none of it has a price, it is free"),
    FIELDS_END,
};
// clang-format on

static const struct db_stmt statement_counted = {
    .name = "reservation_meters_counted",
    .sql = "SELECT m.name, meter_priced_unit(m.aggregation, m.unit), meter_per_unit(m.aggregation),"
           "  extract(epoch FROM u.at)::bigint, sum(u.quantity)::bigint FROM meter_usage u JOIN meter m ON m.id = "
           "u.meter_id"
           " WHERE u.reservation_id = $1::uuid GROUP BY m.id, u.at ORDER BY m.name, u.at",
    .params = 1,
};
enum { METER_NAME, METER_UNIT, METER_PER_UNIT, METER_AT, METER_QUANTITY };

const struct db_stmt *const reservation_meters_statements[] = {&statement_counted, NULL};

/* Rows [first, end), of one meter. */
static enum err_kind add_meter(struct request *request, const struct price_terms *terms, const PGresult *rows,
                               int first, int end, struct json_out *out, struct err *reterr)
{
    struct rating_usage *usage = arena_alloc(request->arena, (size_t)(end - first) * sizeof *usage);
    struct price_terms of = *terms;
    of.sku_kind = SKU_METER;
    of.sku = db_text(rows, first, METER_NAME);
    of.tier = SKU_ANY_TIER;
    of.starts_s = db_int(rows, first, METER_AT, 0);
    of.ends_s = db_int(rows, end - 1, METER_AT, 0) + 1;
    int64_t counted = 0;
    for (int row = first; row < end; row++) { /* what counts at a second, for that second */
        int64_t at_s = db_int(rows, row, METER_AT, 0);
        usage[row - first] = (struct rating_usage){{at_s, at_s + 1}, db_int(rows, row, METER_QUANTITY, 0)};
        counted += usage[row - first].gpu_milli;
    }
    struct meter_cost cost = {.meter = of.sku, .unit = db_text(rows, first, METER_UNIT), .amount = {FIELD_NULL, NULL}};
    size_t priced = 0;
    int64_t amount_u = 0;
    enum err_kind kind = price_priced_usage(request, &of, usage, (size_t)(end - first), &priced, &amount_u, reterr);
    if (kind == ERR_NONE)
        kind = money_round((money_wide)counted * MICRO, db_int(rows, first, METER_PER_UNIT, 1), MONEY_HALF_AWAY,
                           &cost.quantity, reterr);
    if (priced > 0)
        cost.amount = (struct field_money){amount_u, terms->currency};
    if (kind == ERR_NONE)
        field_write_struct(reservation_meter_fields, &cost, out);
    return kind;
}

enum err_kind reservation_meters(struct request *request, const struct price_terms *terms, const char **ret,
                                 struct err *reterr)
{
    const PGresult *rows = NULL;
    struct json_out out;
    enum err_kind kind = request_run(request, &statement_counted, DB_PARAMS(request->object), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    json_out_init(&out, request->arena);
    json_out_open(&out, '[');
    for (int row = 0, next; row < PQntuples(rows) && kind == ERR_NONE; row = next) {
        for (next = row + 1;
             next < PQntuples(rows) && strcmp(db_text(rows, next, METER_NAME), db_text(rows, row, METER_NAME)) == 0;)
            next++;
        kind = add_meter(request, terms, rows, row, next, &out, reterr);
    }
    json_out_close(&out, ']');
    *ret = json_out_finish(&out);
    return kind;
}
