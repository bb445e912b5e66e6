/* Price floors: from the policy and the cost of kinds of nodes to a number, and what becomes of less. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_floor_check.h"

#include "api/resources/node_kind.h"
#include "common/least.h"
#include "common/money.h"

#include <string.h>

#define PPM_PER_BP 100

/* A row per kind of node that it may land on; without a policy at the utilisation that unit costs are shown at. A shape
 * may be as small as a share of a GPU. */
static const struct db_stmt statement_floor = {
    .name = "price_floor_costs",
    .sql = "SELECT f.id, coalesce(f.mode, 'off'), f.margin_bp, coalesce(f.utilisation_bp, 7500), " NODE_KIND_COLUMNS
           "  FROM (SELECT i.gpu_models, i.gpu_count FROM instance_type i"
           "         WHERE $4::text = 'instance_type' AND i.name = $2::text"
           "        UNION ALL SELECT ARRAY[$2::text], 0 WHERE $4::text = 'gpu_model') s"
           "  JOIN node_kind_costs($1::text, NULL) k ON k.gpu_model = ANY (s.gpu_models) AND s.gpu_count <= k.gpu_count"
           "  LEFT JOIN price_floor f ON f.currency = $1::text"
           "   AND CASE $4::text WHEN 'gpu_model' THEN f.gpu_model ELSE f.instance_type END = $2::text"
           "   AND f.valid @> greatest(to_timestamp($3::bigint), sluice_now())",
    .params = 4,
};
enum { FLOOR_ID, FLOOR_MODE, FLOOR_MARGIN, FLOOR_UTILISATION };

static const struct db_stmt statement_override = {
    .name = "price_floor_override",
    .sql = "INSERT INTO price_floor_override (id, price_floor_id, sold_by, object_id, tenant_id, tier, gpu_hour_u,"
           "  floor_u, reason, created_by)"
           " VALUES ($1::uuid, $2::uuid, $3, $4::uuid, $5::uuid, $6, $7::bigint, $8::bigint, $9,"
           "  $10::uuid)",
    .params = 10,
};

const struct db_stmt *const price_floor_check_statements[] = {&statement_floor, &statement_override, NULL};

/* Raises the floor to what a row's kind of node asks for. */
static enum err_kind add_kind(struct price_floor *floor, const PGresult *rows, int row, const char *currency,
                              struct err *reterr)
{
    struct unit_cost cost;
    int64_t cost_u = 0;
    int64_t floor_u = 0;
    int64_t utilisation_ppm = floor->utilisation_bp * PPM_PER_BP;
    int64_t margin_ppm = floor->margin_bp == FIELD_NULL ? 0 : floor->margin_bp * PPM_PER_BP;
    enum err_kind kind = node_kind_cost(rows, row, currency, &cost, reterr);
    if (kind == ERR_NONE)
        kind = unit_cost_per_gpu_hour(&cost, utilisation_ppm, &cost_u, reterr);
    if (kind == ERR_NONE)
        kind = unit_cost_floor(&cost, utilisation_ppm, margin_ppm, &floor_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    floor->cost_u = greatest_of(floor->cost_u, cost_u);
    floor->floor_u = greatest_of(floor->floor_u, floor_u);
    floor->marginal_u = greatest_of(floor->marginal_u, unit_cost_marginal_floor_u(&cost));
    return ERR_NONE;
}

enum err_kind price_floor_load(struct request *request, const struct price_floor_subject *subject,
                               struct price_floor *ret, bool *ret_found, struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_floor,
                    DB_PARAMS(subject->currency, subject->sku, subject->at_s, subject->sku_kind), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_found = PQntuples(rows) > 0;
    if (*ret_found)
        *ret = (struct price_floor){.id = db_text(rows, 0, FLOOR_ID),
                                    .mode = db_text(rows, 0, FLOOR_MODE),
                                    .margin_bp = db_int(rows, 0, FLOOR_MARGIN, FIELD_NULL),
                                    .utilisation_bp = db_int(rows, 0, FLOOR_UTILISATION, 0)};
    for (int row = 0; row < PQntuples(rows) && kind == ERR_NONE; row++)
        kind = add_kind(ret, rows, row, subject->currency, reterr);
    return kind;
}

static bool is_preemptible(const char *tier)
{
    return strcmp(tier, "preemptible") == 0;
}

int64_t price_floor_of_tier(const struct price_floor *floor, const char *tier)
{
    return is_preemptible(tier) ? floor->marginal_u : floor->floor_u;
}

int64_t price_cost_of_tier(const struct price_floor *floor, const char *tier)
{
    return is_preemptible(tier) ? floor->marginal_u : floor->cost_u;
}

static enum err_kind keep_reason(struct request *request, const struct price_sale *sale,
                                 const struct price_floor *floor, struct err *reterr)
{
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(identity_new(), id);
    return request_run(request, &statement_override,
                       DB_PARAMS(id, floor->id, sale->sold_by, request->new_id, sale->tenant_id, sale->tier,
                                 request_int(request, sale->least_u),
                                 request_int(request, price_floor_of_tier(floor, sale->tier)), sale->reason,
                                 request->caller.principal_id),
                       NULL, reterr);
}

static enum err_kind below(struct request *request, const struct price_sale *sale, const struct price_floor *floor,
                           struct err *reterr)
{
    char price[MONEY_TEXT_SIZE];
    char least[MONEY_TEXT_SIZE];
    money_print(sale->least_u, price);
    money_print(price_floor_of_tier(floor, sale->tier), least);
    if (strcmp(floor->mode, "warn") == 0) {
        request_warn(request, "price_below_floor", "a GPU-hour of '%s', %s, comes to %s %s: its floor is %s",
                     sale->subject.sku, sale->tier, price, sale->subject.currency, least);
        return ERR_NONE;
    }
    if (sale->reason == NULL)
        return err_set_code(reterr, ERR_CONFLICT, "price_below_floor",
                            "a GPU-hour of '%s', %s, would come to %s %s: its floor is %s", sale->subject.sku,
                            sale->tier, price, sale->subject.currency, least);
    return keep_reason(request, sale, floor, reterr);
}

enum err_kind price_floor_check(struct request *request, const struct price_sale *sale, struct err *reterr)
{
    struct price_floor floor = {0};
    bool found = false;
    enum err_kind kind = price_floor_load(request, &sale->subject, &floor, &found, reterr);
    if (kind == ERR_NONE && !found &&
        strcmp(sale->subject.sku_kind, "gpu_model") == 0) /* hardware may be yet to come */
        request_warn(request, "unknown_gpu_model", "no node has GPUs of the model '%s'", sale->subject.sku);
    if (kind != ERR_NONE || !found)
        return kind;
    bool is_low = strcmp(floor.mode, "off") != 0 && sale->least_u < price_floor_of_tier(&floor, sale->tier);
    return is_low ? below(request, sale, &floor, reterr) : ERR_NONE;
}
