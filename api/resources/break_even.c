/* Break-even by week: what a week of the fleet, a zone, a model or an instance type costs, what is earned and sold of
 * it, and how much must still be sold so that it pays. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/economics/break_even.h"
#include "api/resources/break_even_facts.h"
#include "api/resources/node_kind.h"
#include "api/resources/registry.h"
#include "api/server/response.h"
#include "common/calendar.h"
#include "common/money.h"

#include <string.h>

#define MILLI_S_PER_GPU_H INT64_C(3600000)
#define MICRO             INT64_C(1000000)

static const char *const keys[] = {"fleet", "zone", "gpu_model", "instance_type", NULL};
static const char *const tiers[] = {"reserved", "on_demand", "preemptible", NULL};
static const char *const outlooks[] = {
#define X(outlook, text, what) text,
    BREAK_EVEN_OUTLOOKS(X)
#undef X
        NULL};

struct break_even_query {
    const char *by, *week, *zone, *tier, *currency;
    int64_t weeks;
};

struct break_even_item {
    const char *key, *week;
    int64_t nodes, gpus;
    struct field_money cost, delivered, booked, gap, price;
    int64_t delivered_hours, sold_hours, free_hours, hours_to_sell;
    int64_t share_to_sell_bp;
    const char *outlook;
};

struct break_even_answer {
    int64_t as_of;
    const char *items;
};

// clang-format off
static const struct field query_fields[] = {
    FIELD_ENUM("by",       struct break_even_query, by, .values = keys, .fallback = "gpu_model", .help = "What items are by. An instance type's nodes are those that it may land on: types share nodes, so their items do not add up"),
    FIELD_DATE("week",     struct break_even_query, week, .flags = FIELD_NULLABLE, .help = "A day of the first week, which begins on Monday, 00:00 UTC; left out: the present week"),
    FIELD_INT ("weeks",    struct break_even_query, weeks, .least = 1, .most = BREAK_EVEN_WEEKS_MAX, .fallback = "1", .help = "How many weeks"),
    FIELD_TEXT("zone",     struct break_even_query, zone, .flags = FIELD_NULLABLE, .help = "Only nodes of the zone of this name"),
    FIELD_ENUM("tier",     struct break_even_query, tier, .values = tiers, .fallback = "reserved", .help = "At whose list price what is free would be sold"),
    FIELD_TEXT("currency", struct break_even_query, currency, .least = 3, .most = 3, .fallback = "USD", .help = "Costs and prices of this currency only: currencies do not add up"),
    FIELDS_END,
};

static const struct field item_fields[] = {
    FIELD_TEXT  ("key",                 struct break_even_item, key, .help = "Name of the zone, GPU model or instance type; fleet"),
    FIELD_DATE  ("week",                struct break_even_item, week, .help = "Its Monday"),
    FIELD_INT   ("nodes",               struct break_even_item, nodes, .help = "Nodes, but retired ones"),
    FIELD_INT   ("gpus",                struct break_even_item, gpus, .help = "Their GPUs"),
    FIELD_MONEY ("cost",                struct break_even_item, cost, .help = "Of the whole week: what was charged until as_of; from there what the nodes cost at the rates in force, and what the GPUs that are sold take in power"),
    FIELD_MONEY ("revenue_delivered",   struct break_even_item, delivered, .help = "What was delivered until as_of comes to"),
    FIELD_MONEY ("revenue_booked",      struct break_even_item, booked, .help = "What is sold from as_of on comes to if it is delivered: by the prices and discounts that hold, before commitments cover any of it"),
    FIELD_MONEY ("gap",                 struct break_even_item, gap, .help = "Cost less both: what is still to be earned; 0 or less: nothing"),
    FIELD_AMOUNT("gpu_hours_delivered", struct break_even_item, delivered_hours, .help = "Billed until as_of"),
    FIELD_AMOUNT("gpu_hours_sold",      struct break_even_item, sold_hours, .help = "Held by reservations from as_of on"),
    FIELD_AMOUNT("gpu_hours_free",      struct break_even_item, free_hours, .help = "Not held by anybody from as_of on, of nodes in service"),
    FIELD_MONEY ("gpu_hour_price",      struct break_even_item, price, .flags = FIELD_NULLABLE, .help = "List price that they would sell at: of several types that may land on a node the lowest; averaged over what is free; null: nothing that is free has one"),
    FIELD_AMOUNT("gpu_hours_to_sell",   struct break_even_item, hours_to_sell, .flags = FIELD_NULLABLE, .help = "How many of the free ones must still be sold at it; more than are free where it is out of reach; null: no number would do"),
    FIELD_INT   ("share_to_sell_bp",    struct break_even_item, share_to_sell_bp, .flags = FIELD_NULLABLE, .help = "The same as a share of what is free and has a price, in basis points; null: as above, or nothing is free"),
    FIELD_ENUM  ("outlook",             struct break_even_item, outlook, .values = outlooks, .help = "reached: what is earned and sold covers the cost; possible: a part of what is free must still be sold; out_of_reach: not even all of it would do"),
    FIELDS_END,
};

static const struct field answer_fields[] = {
    FIELD_TIME("as_of", struct break_even_answer, as_of, .help = "Domain time: what was before is as the margin report has it, what comes after is as it is sold"),
    FIELD_JSON("items", struct break_even_answer, items, .flags = FIELD_READ_ONLY, .is_list = true, .fields = item_fields, .help = "By week, then by key"),
    FIELDS_END,
};
// clang-format on

static const struct schema query_schema = {"BreakEvenQuery", query_fields, sizeof(struct break_even_query)};
static const struct schema answer_schema = {"BreakEven", answer_fields, sizeof(struct break_even_answer)};

/* Kinds of nodes by key, and the list price at which a kind would sell: the lowest of what may land on it. */
static const struct db_stmt statement_members = {
    .name = "break_even_members",
    .sql = "WITH member AS ("
           "  SELECT CASE $1::text WHEN 'fleet' THEN 'fleet' WHEN 'zone' THEN z.name WHEN 'gpu_model' THEN c.gpu_model"
           "    ELSE i.name END AS key, z.name || ' ' || c.gpu_model || ' ' || c.gpu_count AS kind, i.name AS type, c.*"
           "    FROM node_kind_costs($2::text, NULL) c JOIN zone z ON z.id = c.zone_id"
           "    LEFT JOIN instance_type i ON $1::text = 'instance_type' AND c.gpu_model = ANY (i.gpu_models)"
           "     AND i.gpu_count <= c.gpu_count"
           "   WHERE ($3::text IS NULL OR z.name = $3::text)"
           ") SELECT k.key, k.kind, k.nodes, p.gpu_hour_u, " NODE_KIND_COLUMNS "  FROM member k LEFT JOIN LATERAL ("
           "   SELECT min(p.gpu_hour_u) AS gpu_hour_u FROM price p"
           "    WHERE p.tenant_id IS NULL AND p.withdrawn_at IS NULL AND p.currency = $2::text AND p.tier = $4::text"
           "      AND p.valid @> sluice_now() AND (p.sku_kind = 'gpu_model' AND p.sku = k.gpu_model AND k.type IS NULL"
           "       OR p.sku_kind = 'instance_type' AND (p.sku = k.type OR k.type IS NULL AND EXISTS ("
           "        SELECT FROM instance_type i WHERE i.name = p.sku AND k.gpu_model = ANY (i.gpu_models)"
           "           AND i.gpu_count <= k.gpu_count)))) p ON true"
           " WHERE k.key IS NOT NULL ORDER BY k.key COLLATE \"C\", k.kind",
    .params = 4,
};
enum { MEMBER_KEY, MEMBER_KIND, MEMBER_NODES, MEMBER_PRICE };

/* The kinds of the rows, each once. */
static const char **distinct_kinds(struct request *request, const PGresult *members, size_t *ret_count)
{
    size_t count = 0;
    const char **kinds = arena_alloc(request->arena, ((size_t)PQntuples(members) + 1) * sizeof *kinds);
    for (int row = 0; row < PQntuples(members); row++) {
        const char *kind = db_text(members, row, MEMBER_KIND);
        size_t i = 0;
        while (i < count && strcmp(kinds[i], kind) != 0)
            i++;
        if (i == count)
            kinds[count++] = kind;
    }
    *ret_count = count;
    return kinds;
}

/* ---- One item ---- */

/* What its kinds of nodes add up to. */
struct sums {
    int64_t nodes, gpus;
    int64_t cost_u, earned_u, booked_u;
    int64_t delivered, sold, free; /* milli-GPU-seconds */
    struct break_even_capacity *capacity;
    size_t count;
};

static enum err_kind add_cell(struct sums *sums, const struct break_even_cell *cell, struct err *reterr)
{
    sums->delivered += cell->delivered_gpu_milli_s;
    sums->sold += cell->sold_gpu_milli_s;
    sums->free += cell->free_gpu_milli_s;
    enum err_kind kind = money_add(sums->cost_u, cell->spent_u, &sums->cost_u, reterr);
    if (kind == ERR_NONE)
        kind = money_add(sums->earned_u, cell->earned_u, &sums->earned_u, reterr);
    return kind == ERR_NONE ? money_add(sums->booked_u, cell->booked_u, &sums->booked_u, reterr) : kind;
}

/* Seconds of the week that are still to come. */
static int64_t coming_s(const struct break_even_facts *facts, int64_t week)
{
    int64_t left_s = facts->starts_s + (week + 1) * BREAK_EVEN_WEEK_S - facts->as_of_s;
    if (left_s < 0)
        return 0;
    return left_s < BREAK_EVEN_WEEK_S ? left_s : BREAK_EVEN_WEEK_S;
}

static enum err_kind add_member(struct sums *sums, const struct break_even_facts *facts, int64_t week,
                                const PGresult *members, int row, const char *currency, struct err *reterr)
{
    struct unit_cost cost;
    int64_t coming_u = 0;
    int64_t nodes = db_int(members, row, MEMBER_NODES, 0);
    const struct break_even_cell *cell = &break_even_kind_find(facts, db_text(members, row, MEMBER_KIND))->weeks[week];
    enum err_kind kind = node_kind_cost(members, row, currency, &cost, reterr);
    if (kind == ERR_NONE)
        kind = unit_cost_of_time(&cost, nodes, coming_s(facts, week), cell->sold_gpu_milli_s, &coming_u, reterr);
    if (kind == ERR_NONE)
        kind = money_add(sums->cost_u, coming_u, &sums->cost_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    sums->nodes += nodes;
    sums->gpus += nodes * cost.gpus;
    sums->capacity[sums->count++] =
        (struct break_even_capacity){.free_gpu_milli_s = cell->free_gpu_milli_s,
                                     .price_u = db_int(members, row, MEMBER_PRICE, BREAK_EVEN_NO_PRICE),
                                     .variable_pico = cost.variable_pico};
    return add_cell(sums, cell, reterr);
}

/* GPU-hours in millionths; rounded up, as what must suffice is. */
static int64_t hours(int64_t gpu_milli_s)
{
    money_wide micro = (money_wide)gpu_milli_s * MICRO;
    return (int64_t)(micro / MILLI_S_PER_GPU_H + (micro % MILLI_S_PER_GPU_H > 0));
}

static enum err_kind conclude(const struct sums *sums, const char *currency, struct break_even_item *item,
                              struct err *reterr)
{
    struct break_even found;
    int64_t gap_u = 0;
    enum err_kind kind = money_subtract(sums->cost_u, sums->earned_u, &gap_u, reterr);
    if (kind == ERR_NONE)
        kind = money_subtract(gap_u, sums->booked_u, &gap_u, reterr);
    if (kind == ERR_NONE)
        kind = break_even_of(gap_u, sums->capacity, sums->count, &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    item->gap = (struct field_money){gap_u, currency};
    item->outlook = break_even_outlook_text(found.outlook);
    if (found.price_u != BREAK_EVEN_NO_PRICE)
        item->price = (struct field_money){found.price_u, currency};
    item->hours_to_sell = found.to_sell_gpu_milli_s < 0 ? FIELD_NULL : hours(found.to_sell_gpu_milli_s);
    item->share_to_sell_bp = FIELD_NULL;
    if (found.to_sell_gpu_milli_s >= 0 && found.for_sale_gpu_milli_s > 0)
        kind = money_round((money_wide)found.to_sell_gpu_milli_s * MONEY_BASIS_POINTS, found.for_sale_gpu_milli_s,
                           MONEY_HALF_EVEN, &item->share_to_sell_bp, reterr);
    return kind;
}

/* Rows [first, end) of the members have the item's key. The fleet has what no kind has, too. */
static enum err_kind item_out(struct request *request, const struct break_even_facts *facts, int64_t week,
                              const PGresult *members, int first, int end, struct json_out *out, struct err *reterr)
{
    const struct break_even_query *query = request->query;
    struct sums sums = {.capacity = arena_alloc(request->arena, (size_t)(end - first) * sizeof *sums.capacity)};
    enum err_kind kind = ERR_NONE;
    for (int row = first; row < end && kind == ERR_NONE; row++)
        kind = add_member(&sums, facts, week, members, row, query->currency, reterr);
    if (kind == ERR_NONE && strcmp(query->by, "fleet") == 0 && query->zone == NULL)
        kind = add_cell(&sums, &break_even_kind_find(facts, NULL)->weeks[week], reterr);
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(calendar_day_of_time(facts->starts_s + week * BREAK_EVEN_WEEK_S), date);
    struct break_even_item item = {
        .key = db_text(members, first, MEMBER_KEY),
        .week = date,
        .nodes = sums.nodes,
        .gpus = sums.gpus,
        .cost = {sums.cost_u, query->currency},
        .delivered = {sums.earned_u, query->currency},
        .booked = {sums.booked_u, query->currency},
        .delivered_hours = hours(sums.delivered),
        .sold_hours = hours(sums.sold),
        .free_hours = hours(sums.free),
    };
    if (kind == ERR_NONE)
        kind = conclude(&sums, query->currency, &item, reterr);
    if (kind == ERR_NONE)
        field_write_struct(item_fields, &item, out);
    return kind;
}

static enum err_kind items_out(struct request *request, const struct break_even_facts *facts, const PGresult *members,
                               struct json_out *out, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    json_out_open(out, '[');
    for (int64_t week = 0; week < facts->weeks && kind == ERR_NONE; week++) {
        for (int row = 0, next; row < PQntuples(members) && kind == ERR_NONE; row = next) {
            next = row + 1;
            while (next < PQntuples(members) &&
                   strcmp(db_text(members, next, MEMBER_KEY), db_text(members, row, MEMBER_KEY)) == 0)
                next++;
            kind = item_out(request, facts, week, members, row, next, out, reterr);
        }
    }
    json_out_close(out, ']');
    return kind;
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    const struct break_even_query *query = request->query;
    if (!node_kind_currency_is_known(request, query->currency))
        return request_invalid(request, reterr);
    const PGresult *members = NULL;
    enum err_kind kind = request_run(request, &statement_members,
                                     DB_PARAMS(query->by, query->currency, query->zone, query->tier), &members, reterr);
    if (kind != ERR_NONE)
        return kind;
    size_t kind_count = 0;
    const char **kinds = distinct_kinds(request, members, &kind_count);
    struct break_even_facts facts;
    kind =
        break_even_facts_load(request, query->week, query->weeks, query->currency, kinds, kind_count, &facts, reterr);
    struct json_out items;
    json_out_init(&items, request->arena);
    if (kind == ERR_NONE)
        kind = items_out(request, &facts, members, &items, reterr);
    if (kind != ERR_NONE)
        return kind;
    const struct break_even_answer answer = {.as_of = facts.as_of_s, .items = json_out_finish(&items)};
    response_struct(response, 200, answer_fields, &answer);
    return ERR_NONE;
}

// clang-format off
static const struct route break_even_routes[] = {
    {GET, "/v1/system/break-even", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &answer_schema, .has_items = true, .run = get, .summary = "By week: what it costs, what is earned and sold, and how many GPU-hours must still be sold to break even"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const break_even_statements[] = {&statement_members, NULL};

const struct resource break_even_resource = {"break-even", break_even_routes, break_even_statements,
                                             "How much of a week must still be sold so that it pays."};
