/* Price floors: from the policy and the cost of kinds of nodes to a number, and what becomes of less. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_floor_check.h"

#include "api/resources/node_kind.h"
#include "common/money.h"
#include "common/must.h"

#include <string.h>

#define PPM_PER_BP 100

/* A row per instance type and kind of node; without a policy at the utilisation that unit costs are shown at. */
static const struct db_stmt statement_floors = {
    .name = "price_floor_costs",
    .sql = "SELECT i.name, f.id, coalesce(f.mode, 'off'), f.margin_bp, coalesce(f.utilisation_bp, "
           "7500), " NODE_KIND_COLUMNS "  FROM instance_type i JOIN node_kind_costs($1::text, NULL) k"
           "    ON k.gpu_model = ANY (i.gpu_models) AND i.gpu_count <= k.gpu_count"
           "  LEFT JOIN price_floor f ON f.instance_type = i.name AND f.currency = $1::text"
           "   AND f.valid @> greatest(to_timestamp($3::bigint), sluice_now())"
           " WHERE $2::text IS NULL OR i.name = $2::text ORDER BY i.name",
    .params = 3,
};
enum { FLOOR_TYPE, FLOOR_ID, FLOOR_MODE, FLOOR_MARGIN, FLOOR_UTILISATION };

static const struct db_stmt statement_override = {
    .name = "price_floor_override",
    .sql = "INSERT INTO price_floor_override (id, price_floor_id, sold_by, object_id, tenant_id, tier, gpu_hour_u, "
           "floor_u,"
           "  reason, created_by) VALUES ($1::uuid, $2::uuid, $3, $4::uuid, $5::uuid, $6, $7::bigint, $8::bigint, $9,"
           "  $10::uuid)",
    .params = 10,
};

const struct db_stmt *const price_floor_check_statements[] = {&statement_floors, &statement_override, NULL};

static int64_t greatest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

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
    floor->cost_u = greatest(floor->cost_u, cost_u);
    floor->floor_u = greatest(floor->floor_u, floor_u);
    floor->marginal_u = greatest(floor->marginal_u, unit_cost_marginal_floor_u(&cost));
    return ERR_NONE;
}

enum err_kind price_floors_load(struct request *request, const char *currency, const char *instance_type,
                                const char *at_s, struct price_floors *ret, struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_floors, DB_PARAMS(currency, instance_type, at_s), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret = (struct price_floors){
        .list = arena_alloc(request->arena, ((size_t)PQntuples(rows) + 1) * sizeof(struct price_floor))};
    for (int row = 0; row < PQntuples(rows) && kind == ERR_NONE; row++) {
        const char *name = db_text(rows, row, FLOOR_TYPE);
        if (ret->count == 0 || strcmp(ret->list[ret->count - 1].instance_type, name) != 0) {
            ret->list[ret->count++] = (struct price_floor){.id = db_text(rows, row, FLOOR_ID),
                                                           .instance_type = name,
                                                           .mode = db_text(rows, row, FLOOR_MODE),
                                                           .margin_bp = db_int(rows, row, FLOOR_MARGIN, FIELD_NULL),
                                                           .utilisation_bp = db_int(rows, row, FLOOR_UTILISATION, 0)};
        }
        kind = add_kind(&ret->list[ret->count - 1], rows, row, currency, reterr);
    }
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
                     sale->instance_type, sale->tier, price, sale->currency, least);
        return ERR_NONE;
    }
    if (sale->reason == NULL)
        return err_set_code(reterr, ERR_CONFLICT, "price_below_floor",
                            "a GPU-hour of '%s', %s, would come to %s %s: its floor is %s", sale->instance_type,
                            sale->tier, price, sale->currency, least);
    return keep_reason(request, sale, floor, reterr);
}

enum err_kind price_floor_check(struct request *request, const struct price_sale *sale, struct err *reterr)
{
    struct price_floors floors;
    enum err_kind kind = price_floors_load(request, sale->currency, sale->instance_type, sale->from_s, &floors, reterr);
    if (kind != ERR_NONE || floors.count == 0)
        return kind;
    must(floors.count == 1); /* a name is one type's */
    const struct price_floor *floor = &floors.list[0];
    bool is_low = strcmp(floor->mode, "off") != 0 && sale->least_u < price_floor_of_tier(floor, sale->tier);
    return is_low ? below(request, sale, floor, reterr) : ERR_NONE;
}
