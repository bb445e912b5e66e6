/* Delivered seconds as the meter has them now, rated as the invoice would; and the rest, as if all of it is delivered.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation_cost.h"

#include "api/resources/price_estimate.h"
#include "api/resources/reservation_charge.h"
#include "api/resources/reservation_meters.h"
#include "api/server/answer.h"

#include <string.h>

// clang-format off
static const struct field cost_fields[] = {
    FIELD_COLUMN("reservation",          FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "The reservation"),
    FIELD_COLUMN("as_of",                FIELD_TYPE_TIME, .help = "Domain time: delivered until then"),
    FIELD_COLUMN("delivered_gpu_hours",  FIELD_TYPE_AMOUNT, .help = "Billable GPU-hours delivered, to the millionth, cut off"),
    FIELD_COLUMN_WITH("so_far",          FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "What they come to by the prices and discounts that hold, before commitments cover any of it; null: a second has no price"),
    FIELD_COLUMN_WITH("projected",       FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "The same to its end, if everything is delivered, with what lacks to a minimum duration; null: open-ended, or no one price"),
    FIELD_COLUMN("meters",               FIELD_TYPE_JSON, .fields = reservation_meter_fields, .is_list = true, .help = "What was counted of meters, beside what so_far and projected are of"),
    FIELD_COLUMN("billed",               FIELD_TYPE_MONEY, .help = "What closed days have billed of it, credits and charges by rule included"),
    FIELD_COLUMN_WITH("cancelling_now",  FIELD_TYPE_MONEY, FIELD_NULLABLE, .help = "What cancelling it now would be charged; null: not known"),
    FIELDS_END,
};
// clang-format on

const struct schema reservation_cost_schema = {"ReservationCost", cost_fields, 0};

static const struct db_stmt statement_terms = {
    .name = "reservation_cost_terms",
    .sql =
        "SELECT CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,"
        " CASE WHEN r.instance_type_id IS NOT NULL THEN t.name"
        "      WHEN cardinality(r.gpu_models) = 1 THEN r.gpu_models[1] END,"
        " r.tier, w.currency, r.tenant_id, r.project, floor(extract(epoch FROM sluice_now()))::bigint,"
        " CASE WHEN r.state IN ('scheduled', 'activating', 'active') AND r.cancel_requested_at IS NULL"
        "      THEN extract(epoch FROM greatest(r.granted_starts_at, date_trunc('second', sluice_now())))::bigint END,"
        " extract(epoch FROM r.granted_ends_at)::bigint, r.count * (r.gpu_count::bigint * 1000 + r.gpu_milli),"
        " (SELECT coalesce(sum(l.amount_u), 0)::bigint FROM rated_line l WHERE l.reservation_id = r.id),"
        " extract(epoch FROM r.granted_starts_at)::bigint, r.count"
        " FROM reservation_view r JOIN tenant w ON w.id = r.tenant_id"
        " LEFT JOIN instance_type t ON t.id = r.instance_type_id WHERE r.id = $1::uuid",
    .params = 1,
};
enum {
    TERM_KIND,
    TERM_SKU,
    TERM_TIER,
    TERM_CURRENCY,
    TERM_TENANT,
    TERM_PROJECT,
    TERM_NOW,
    TERM_REST,
    TERM_ENDS,
    TERM_GPU_MILLI,
    TERM_BILLED,
    TERM_STARTS,
    TERM_COUNT,
};

/* Spans of billable time: metered ones, and the open stretch of each instance until now. */
static const struct db_stmt statement_usage = {
    .name = "reservation_cost_usage",
    .sql = "SELECT extract(epoch FROM s.starts)::bigint, extract(epoch FROM s.ends)::bigint, sum(s.gpu_milli)::bigint"
           " FROM (SELECT u.period_start AS starts, u.period_end AS ends, u.gpu_milli, u.class FROM usage_interval u"
           "        WHERE u.reservation_id = $1::uuid"
           "       UNION ALL"
           "       SELECT m.open_since, least(m.ends_at, to_timestamp($2::bigint)), m.gpu_milli, m.class"
           "         FROM instance i JOIN meter_instance m ON m.instance_id = i.id"
           "        WHERE i.reservation_id = $1::uuid AND NOT m.closed) s"
           " WHERE s.starts < s.ends AND (s.class = 'used' OR s.class = 'unused' AND $3::text <> 'preemptible')"
           " GROUP BY s.starts, s.ends ORDER BY s.starts, s.ends",
    .params = 3,
};

static const struct db_stmt statement_answer = {
    .name = "reservation_cost_answer",
    .sql =
        "SELECT $1::uuid AS reservation, $2::bigint AS as_of,"
        " floor($3::numeric * 1000000 / 3600000)::bigint AS delivered_gpu_hours,"
        " $4::bigint AS \"so_far.amount_u\", CASE WHEN $4::bigint IS NOT NULL THEN $8::text END AS \"so_far.currency\","
        " $5::bigint AS \"projected.amount_u\", CASE WHEN $5::bigint IS NOT NULL THEN $8::text END AS "
        "\"projected.currency\","
        " $6::bigint AS \"billed.amount_u\", $8::text AS \"billed.currency\","
        " $7::bigint AS \"cancelling_now.amount_u\","
        " CASE WHEN $7::bigint IS NOT NULL THEN $8::text END AS \"cancelling_now.currency\", $9::json AS meters",
    .params = 9,
};

const struct db_stmt *const reservation_cost_statements[] = {&statement_terms, &statement_usage, &statement_answer,
                                                             NULL};

/* What is delivered, and room for the rest. */
struct delivery {
    struct rating_usage *usage;
    size_t count;
    int64_t gpu_milli_s;
};

static enum err_kind load_delivery(struct request *request, const PGresult *terms, struct delivery *ret,
                                   struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind = request_run(
        request, &statement_usage,
        DB_PARAMS(request->object, db_text(terms, 0, TERM_NOW), db_text(terms, 0, TERM_TIER)), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret = (struct delivery){.count = (size_t)PQntuples(rows)};
    ret->usage = arena_alloc(request->arena, (ret->count + 1) * sizeof *ret->usage);
    for (int row = 0; row < PQntuples(rows); row++) {
        struct rating_usage usage = {.span = {.from_s = db_int(rows, row, 0, 0), .to_s = db_int(rows, row, 1, 0)},
                                     .gpu_milli = db_int(rows, row, 2, 0)};
        ret->gpu_milli_s += (usage.span.to_s - usage.span.from_s) * usage.gpu_milli;
        ret->usage[row] = usage;
    }
    return ERR_NONE;
}

/* Of terms with a count, starts_s is when their instances' lives begin; they last to the end of what is delivered.
 * *ret_u is FIELD_NULL where there is no price, or the amount does not fit. */
static enum err_kind price(struct request *request, const struct price_terms *terms, const struct delivery *delivery,
                           int64_t *ret_u, struct err *reterr)
{
    *ret_u = 0;
    if (delivery->count == 0)
        return ERR_NONE;
    *ret_u = FIELD_NULL;
    if (terms->sku == NULL)
        return ERR_NONE;
    struct price_terms whole = *terms;
    whole.ends_s = delivery->usage[0].span.from_s;
    if (terms->count == 0 || whole.ends_s < whole.starts_s)
        whole.starts_s = whole.ends_s;
    for (size_t i = 0; i < delivery->count; i++) {
        int64_t to_s = delivery->usage[i].span.to_s;
        whole.ends_s = to_s > whole.ends_s ? to_s : whole.ends_s;
    }
    struct err err = {0};
    int64_t amount_u = 0;
    enum err_kind kind = price_usage(request, &whole, delivery->usage, delivery->count, &amount_u, &err);
    if (kind == ERR_NONE)
        *ret_u = amount_u;
    if (kind == ERR_NONE || kind == ERR_NOT_FOUND || kind == ERR_INVALID)
        return ERR_NONE;
    *reterr = err;
    return kind;
}

/* Adds the rest as if it is delivered, and tells of whole lives then; false where it has no end. */
static bool add_rest(const PGresult *terms, struct delivery *delivery, struct price_terms *lives)
{
    int64_t from_s = db_int(terms, 0, TERM_REST, FIELD_NULL);
    int64_t to_s = db_int(terms, 0, TERM_ENDS, FIELD_NULL);
    if (from_s == FIELD_NULL)
        return true; /* there is no rest */
    if (to_s == FIELD_NULL)
        return false;
    if (from_s >= to_s)
        return true;
    lives->starts_s = db_int(terms, 0, TERM_STARTS, from_s);
    lives->gpu_milli = db_int(terms, 0, TERM_GPU_MILLI, 0);
    lives->count = db_int(terms, 0, TERM_COUNT, 0);
    delivery->usage[delivery->count++] = (struct rating_usage){.span = {from_s, to_s}, .gpu_milli = lives->gpu_milli};
    return true;
}

enum err_kind reservation_cost(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind = answer_find(request, &statement_terms, request->object, "reservation", &row, reterr);
    struct delivery delivery = {0};
    if (kind == ERR_NONE)
        kind = load_delivery(request, row, &delivery, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct price_terms terms = {
        .sku_kind = db_text(row, 0, TERM_KIND),
        .sku = db_text(row, 0, TERM_SKU),
        .tier = db_text(row, 0, TERM_TIER),
        .currency = db_text(row, 0, TERM_CURRENCY),
        .tenant_id = db_text(row, 0, TERM_TENANT),
        .project = db_text(row, 0, TERM_PROJECT),
    };
    int64_t so_far_u = 0;
    int64_t projected_u = FIELD_NULL;
    struct reservation_charge charge = {0};
    kind = price(request, &terms, &delivery, &so_far_u, reterr);
    if (kind == ERR_NONE && add_rest(row, &delivery, &terms))
        kind = price(request, &terms, &delivery, &projected_u, reterr);
    if (kind == ERR_NONE)
        kind = reservation_charge_find(request, &charge, reterr);
    const PGresult *answer = NULL;
    const char *meters = NULL;
    if (kind == ERR_NONE)
        kind = reservation_meters(request, &terms, &meters, reterr);
    if (kind == ERR_NONE)
        kind = request_run(
            request, &statement_answer,
            DB_PARAMS(request->object, db_text(row, 0, TERM_NOW), request_int(request, delivery.gpu_milli_s),
                      request_int(request, so_far_u), request_int(request, projected_u), db_text(row, 0, TERM_BILLED),
                      charge.is_known ? request_int(request, charge.charge_u) : NULL, terms.currency, meters),
            &answer, reterr);
    if (kind == ERR_NONE)
        response_row(response, 200, cost_fields, answer, 0);
    return kind;
}
