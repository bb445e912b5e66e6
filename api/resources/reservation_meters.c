/* Counted readings of a reservation, rated meter by meter as the invoice would. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation_meters.h"

#include "common/money.h"

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
    FIELD_AMOUNT("quantity", struct meter_cost, quantity, .flags = FIELD_READ_ONLY, .help = "What was counted, in the unit that is priced, to the millionth, or the most that can be told"),
    FIELD_TEXT  ("unit",     struct meter_cost, unit, .flags = FIELD_READ_ONLY, .help = "The unit that is priced"),
    FIELD_MONEY ("amount",   struct meter_cost, amount, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What it comes to by the prices and discounts that hold, before commitments cover any of it; null: none of it has a price, it is free; or it fits no amount"),
    FIELDS_END,
};
// clang-format on

/* Sums over stretches of time in which no price changes, by billing month; as in sluice-billing's meter_lines.c, the
 * readings of a day stand for its sums where a price begins within a stretch that was summed before. A sum that fits no
 * int64 is read as null. */
// clang-format off
static const struct db_stmt statement_counted = {
    .name = "reservation_meters_counted",
    .sql =
        "WITH subject AS MATERIALIZED (SELECT r.id, r.tenant_id, t.currency, t.billing_timezone AS zone"
        "   FROM reservation r JOIN tenant t ON t.id = r.tenant_id WHERE r.id = $1::uuid"
        "), cut AS MATERIALIZED ("
        "  SELECT DISTINCT c.at FROM subject s CROSS JOIN LATERAL ("
        "    SELECT p.valid FROM price p WHERE p.sku_kind = 'meter' AND p.currency = s.currency"
        "       AND (p.tenant_id IS NULL OR p.tenant_id = s.tenant_id)"
        "    UNION ALL SELECT d.valid FROM discount d"
        "     WHERE d.tenant_id = s.tenant_id AND (d.sku_kind IS NULL OR d.sku_kind = 'meter')) v"
        "   CROSS JOIN LATERAL (VALUES (lower(v.valid)), (upper(v.valid))) AS c (at) WHERE c.at IS NOT NULL"
        "), cuts AS MATERIALIZED (SELECT coalesce(array_agg(at ORDER BY at), '{}') AS list FROM cut"
        "), crossed AS MATERIALIZED ("
        "  SELECT DISTINCT u.meter_id, date_trunc('day', u.starts_at, 'UTC') AS day FROM meter_usage u JOIN cut c"
        "     ON c.at > u.starts_at AND c.at < u.ends_at WHERE u.reservation_id = $1::uuid"
        "), known AS (SELECT xid, seq FROM meter_counted ORDER BY xid DESC, seq DESC LIMIT 1"
        "), counted AS ("
        "  SELECT u.meter_id, u.starts_at AS at, u.quantity FROM meter_usage u"
        "    LEFT JOIN crossed x ON x.meter_id = u.meter_id AND u.starts_at >= x.day AND u.starts_at < x.day + interval '24 hours'"
        "   WHERE u.reservation_id = $1::uuid AND x.day IS NULL"
        "  UNION ALL"
        "  SELECT r.meter_id, r.to_at - interval '1 second', r.quantity_milli"
        "     * CASE m.aggregation WHEN 'level' THEN extract(epoch FROM r.to_at - r.from_at) ELSE 1 END"
        "    FROM known n, crossed x JOIN meter_reading r ON r.reservation_id = $1::uuid AND r.meter_id = x.meter_id"
        "     AND r.to_at > x.day AND r.to_at <= x.day + interval '24 hours' JOIN meter m ON m.id = r.meter_id"
        "   WHERE (r.xid, r.seq) <= (n.xid, n.seq)"
        "), summed AS ("
        "  SELECT c.meter_id, min(c.at) AS at, sum(c.quantity) AS quantity FROM subject s, cuts k, counted c"
        "   GROUP BY c.meter_id, width_bucket(c.at, k.list), date_trunc('month', c.at AT TIME ZONE s.zone)"
        ")"
        " SELECT m.name, meter_priced_unit(m.aggregation, m.unit), meter_per_unit(m.aggregation),"
        "  extract(epoch FROM u.at)::bigint, CASE WHEN u.quantity <= 9223372036854775807 THEN u.quantity::bigint END"
        "  FROM summed u JOIN meter m ON m.id = u.meter_id ORDER BY m.name, u.at",
    .params = 1,
};
// clang-format on
enum { METER_NAME, METER_UNIT, METER_PER_UNIT, METER_AT, METER_QUANTITY };

const struct db_stmt *const reservation_meters_statements[] = {&statement_counted, NULL};

/* What is counted in rows [first, end), in millionths of the unit that is priced; or the most that can be told. */
static int64_t sum_micro_units(const PGresult *rows, int first, int end)
{
    struct err err = {0};
    int64_t counted = 0;
    int64_t micro_units = 0;
    enum err_kind kind = ERR_NONE;
    for (int row = first; row < end && kind == ERR_NONE; row++)
        kind = money_add(counted, db_int(rows, row, METER_QUANTITY, INT64_MAX), &counted, &err);
    if (kind == ERR_NONE)
        kind = money_round((money_wide)counted * MICRO, db_int(rows, first, METER_PER_UNIT, 1), MONEY_HALF_AWAY,
                           &micro_units, &err);
    return kind == ERR_NONE ? micro_units : INT64_MAX;
}

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
    for (int row = first; row < end; row++) { /* what counts in a stretch, for a second of it */
        int64_t at_s = db_int(rows, row, METER_AT, 0);
        usage[row - first] = (struct rating_usage){{at_s, at_s + 1}, db_int(rows, row, METER_QUANTITY, INT64_MAX)};
    }
    struct meter_cost cost = {.meter = of.sku,
                              .unit = db_text(rows, first, METER_UNIT),
                              .quantity = sum_micro_units(rows, first, end),
                              .amount = {FIELD_NULL, NULL}};
    struct err err = {0};
    size_t priced = 0;
    int64_t amount_u = 0;
    enum err_kind kind = price_priced_usage(request, &of, usage, (size_t)(end - first), &priced, &amount_u, &err);
    if (kind == ERR_NONE && priced > 0)
        cost.amount = (struct field_money){amount_u, terms->currency};
    if (kind == ERR_NONE || kind == ERR_INVALID) { /* more than can be said */
        field_write_struct(reservation_meter_fields, &cost, out);
        return ERR_NONE;
    }
    *reterr = err;
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
