/* What the provider keeps of a quote: its price against cost and floor. Of the operators' plane alone: a tenant never
 * sees what its GPU-hours cost. It moves with costs and prices, so it stands at an address of its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/price_floor_check.h"
#include "api/resources/quote_price.h"
#include "api/resources/registry.h"
#include "common/money.h"

#include <string.h>

#define BP_WHOLE      10000
#define MILLI_PER_GPU 1000
#define S_PER_HOUR    3600

static const char *const modes[] = {"off", "warn", "require", NULL};
static const char *const tiers[] = {"reserved", "on_demand", "preemptible", NULL};

struct quote_floor {
    const char *instance_type, *gpu_model, *tier, *mode;
    struct field_money price, cost, floor;
    int64_t margin_bp, floor_margin_bp;
    bool is_below_floor;
};

// clang-format off
static const struct field floor_fields[] = {
    FIELD_TEXT ("instance_type",   struct quote_floor, instance_type, .flags = FIELD_NULLABLE, .help = "The instance type; null: a shape of its own"),
    FIELD_TEXT ("gpu_model",       struct quote_floor, gpu_model, .flags = FIELD_NULLABLE, .help = "Of a shape, the GPU model that its price is of; null: an instance type"),
    FIELD_ENUM ("tier",            struct quote_floor, tier, .values = tiers, .help = "Its tier"),
    FIELD_ENUM ("mode",            struct quote_floor, mode, .values = modes, .help = "What the floor's policy says of prices below it; off, too, where there is none"),
    FIELD_MONEY("gpu_hour_price",  struct quote_floor, price, .flags = FIELD_NULLABLE, .help = "What a GPU-hour of the quote comes to, rounded down; null: nothing is granted, or has a price"),
    FIELD_MONEY("gpu_hour_cost",   struct quote_floor, cost, .flags = FIELD_NULLABLE, .help = "What it costs on the dearest kind of node that it may land on; null: there is no such node"),
    FIELD_MONEY("gpu_hour_floor",  struct quote_floor, floor, .flags = FIELD_NULLABLE, .help = "The floor; null: no policy, or no node"),
    FIELD_INT  ("margin_bp",       struct quote_floor, margin_bp, .flags = FIELD_NULLABLE, .help = "Share of the price that is left over the cost, in basis points; below 0: it costs more"),
    FIELD_INT  ("floor_margin_bp", struct quote_floor, floor_margin_bp, .flags = FIELD_NULLABLE, .help = "The share that the policy asks for"),
    FIELD_BOOL ("is_below_floor",  struct quote_floor, is_below_floor, .help = "Whether the price is below the floor"),
    FIELDS_END,
};
// clang-format on
static const struct schema floor_schema = {"QuoteFloor", floor_fields, sizeof(struct quote_floor)};

/* Per GPU-hour: of the whole window, or, where it is open, of its first hour. Rounded down. FIELD_NULL: not known. */
static int64_t price_per_gpu_hour(const struct price_terms *terms, const struct price_estimate *estimate)
{
    if (!estimate->is_known || terms->gpu_milli == 0)
        return FIELD_NULL;
    bool is_open = estimate->total_u == FIELD_NULL;
    money_wide seconds = is_open ? S_PER_HOUR : terms->ends_s - terms->starts_s;
    money_wide amount_u = is_open ? estimate->hourly_u : estimate->total_u;
    return (int64_t)(amount_u * S_PER_HOUR * MILLI_PER_GPU / (seconds * terms->gpu_milli));
}

static void compare(const struct price_floor *floor, const char *currency, struct quote_floor *ret)
{
    int64_t cost_u = price_cost_of_tier(floor, ret->tier);
    int64_t floor_u = price_floor_of_tier(floor, ret->tier);
    ret->cost = (struct field_money){.amount_u = cost_u, .currency = currency};
    ret->floor_margin_bp = floor->margin_bp;
    ret->mode = floor->mode;
    if (floor->id != NULL)
        ret->floor = (struct field_money){.amount_u = floor_u, .currency = currency};
    if (ret->price.currency == NULL)
        return;
    ret->is_below_floor = floor->id != NULL && ret->price.amount_u < floor_u;
    if (ret->price.amount_u > 0)
        ret->margin_bp = (int64_t)((money_wide)(ret->price.amount_u - cost_u) * BP_WHOLE / ret->price.amount_u);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    struct price_terms terms;
    struct price_estimate estimate;
    struct price_floor floor = {0};
    bool found = false;
    enum err_kind kind = quote_estimate(request, request->object, &terms, &estimate, reterr);
    if (kind == ERR_NONE && terms.tier == NULL)
        return request_not_found(request, "quote that holds something", reterr);
    bool has_type = kind == ERR_NONE && strcmp(terms.sku_kind, "instance_type") == 0;
    const struct price_floor_subject subject = {.sku_kind = terms.sku_kind,
                                                .sku = terms.sku,
                                                .currency = terms.currency,
                                                .at_s = request_int(request, terms.starts_s)};
    if (kind == ERR_NONE && terms.sku != NULL)
        kind = price_floor_load(request, &subject, &floor, &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t price_u = price_per_gpu_hour(&terms, &estimate);
    struct quote_floor answer = {.instance_type = has_type ? terms.sku : NULL,
                                 .gpu_model = has_type ? NULL : terms.sku,
                                 .tier = terms.tier,
                                 .mode = "off",
                                 .margin_bp = FIELD_NULL,
                                 .floor_margin_bp = FIELD_NULL};
    if (price_u != FIELD_NULL)
        answer.price = (struct field_money){.amount_u = price_u, .currency = terms.currency};
    if (found)
        compare(&floor, terms.currency, &answer);
    response->status = 200;
    field_write_struct(floor_fields, &answer, &response->body);
    return ERR_NONE;
}

// clang-format off
static const struct route quote_floor_routes[] = {
    {GET, "/v1/system/quotes/{id}/floor", ROLES_SYSTEM_READ, RATE_READ, .answer = &floor_schema, .has_id = true, .id = IDENTITY_QUOTE, .run = get, .summary = "A quote's price against cost, floor and margin"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const quote_floor_statements[] = {
    NULL}; /* quote_price.h and price_floor_check.h have theirs */

const struct resource quote_floor_resource = {"quotes", quote_floor_routes, quote_floor_statements,
                                              "What the provider keeps of a quote."};
