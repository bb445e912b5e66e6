/* Purchase orders: what was ordered and what it costs until it can be used; beside it what its assets come to. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/asset.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/money.h"

#include <string.h>

struct order {
    const char *id, *number, *vendor, *ordered_on;
    struct field_money price, freight, duty, installation;
    const char *description;
};

// clang-format off
static const struct field status_fields[] = {
    FIELD_COLUMN("assets",           FIELD_TYPE_INT, .help = "So many came with it"),
    FIELD_COLUMN_WITH("cost",        FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Price, freight, duty and installation: what is to be capitalised (IAS 16.16)"),
    FIELD_COLUMN_WITH("capitalised", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Cost of its assets"),
    FIELD_COLUMN_WITH("difference",  FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What no asset has yet; 0 once all are registered"),
    FIELDS_END,
};

static const struct field order_fields[] = {
    FIELD_ID   ("id",           struct order, id, .identity = IDENTITY_PURCHASE_ORDER, .flags = FIELD_READ_ONLY, .help = "The order"),
    FIELD_TEXT ("number",       struct order, number, .flags = FIELD_REQUIRED | FIELD_CREATE_ONLY, .least = 1, .most = 64, .example = "PO-2026-0117", .help = "The buyer's number of it, unique"),
    FIELD_TEXT ("vendor",       struct order, vendor, .flags = FIELD_REQUIRED, .least = 1, .most = 128, .example = "Supermicro", .help = "From whom"),
    FIELD_DATE ("ordered_on",   struct order, ordered_on, .flags = FIELD_REQUIRED, .help = "Day of the order"),
    FIELD_MONEY("price",        struct order, price, .flags = FIELD_REQUIRED | FIELD_MINOR, .help = "Purchase price less trade discounts; its currency is the order's"),
    FIELD_MONEY("freight",      struct order, freight, .flags = FIELD_MINOR, .help = "Delivery and handling; 0 unless said"),
    FIELD_MONEY("duty",         struct order, duty, .flags = FIELD_MINOR, .help = "Import duties and taxes that nobody refunds; 0 unless said"),
    FIELD_MONEY("installation", struct order, installation, .flags = FIELD_MINOR, .help = "Site preparation, installation, tests; 0 unless said"),
    FIELD_TEXT ("description",  struct order, description, .least = 0, .most = 1000, .fallback = "", .help = "For people"),
    FIELD_COLUMN("status",      FIELD_TYPE_OBJECT, .fields = status_fields, .help = "What came of it"),
    FIELDS_END,
};
// clang-format on

static const struct schema order_schema = {"PurchaseOrder", order_fields, sizeof(struct order)};

struct order_query {
    const char *number, *vendor;
};
static const struct field order_query_fields[] = {
    FIELD_TEXT("number", struct order_query, number, .help = "Only the order of this number"),
    FIELD_TEXT("vendor", struct order_query, vendor, .help = "Only orders of this vendor"),
    FIELDS_END,
};
static const struct schema order_query_schema = {"PurchaseOrderQuery", order_query_fields, sizeof(struct order_query)};

#define MINOR(column, name) column " AS \"" name ".amount_minor\", o.currency AS \"" name ".currency\""
#define TO_CAPITALISE       "o.price_minor + o.freight_minor + o.duty_minor + o.installation_minor"
// clang-format off
#define ORDER_SELECT \
    "SELECT o.id, o.number, o.vendor, o.ordered_on, " MINOR("o.price_minor", "price") "," \
    " " MINOR("o.freight_minor", "freight") ", " MINOR("o.duty_minor", "duty") "," \
    " " MINOR("o.installation_minor", "installation") ", o.description, coalesce(s.assets, 0) AS \"status.assets\"," \
    " " MINOR(TO_CAPITALISE, "status.cost") ", " MINOR("coalesce(s.cost, 0)", "status.capitalised") "," \
    " " MINOR("(" TO_CAPITALISE " - coalesce(s.cost, 0))", "status.difference") ", o.revision AS wish_revision" \
    " FROM purchase_order o LEFT JOIN LATERAL (SELECT count(*) AS assets, sum(a.cost_minor)::bigint AS cost" \
    "   FROM asset a WHERE a.purchase_order_id = o.id AND a.currency = o.currency) s ON true"
// clang-format on

static const struct db_stmt statement_list = {
    .name = "purchase_order_list",
    .sql = "SELECT s.*, s.id AS page_key FROM (SELECT id FROM purchase_order"
           " WHERE ($1::uuid IS NULL OR id > $1::uuid) AND ($3::text IS NULL OR number = $3::text)"
           " AND ($4::text IS NULL OR vendor = $4::text) ORDER BY id LIMIT $2::bigint) g"
           " CROSS JOIN LATERAL (" ORDER_SELECT " WHERE o.id = g.id) s ORDER BY s.id",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "purchase_order_get",
    .sql = ORDER_SELECT " WHERE o.id = $1::uuid",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "purchase_order_lock",
    .sql = "SELECT id, revision AS wish_revision FROM purchase_order WHERE id = $1::uuid FOR UPDATE",
    .params = 1,
};
static const struct object_lock order_lock = {
    .stmt = &statement_lock, .noun = "purchase order", .read = &statement_get};

static const struct db_stmt statement_create = {
    .name = "purchase_order_create",
    .sql = "INSERT INTO purchase_order (id, number, vendor, ordered_on, currency, price_minor, freight_minor,"
           "  duty_minor, installation_minor, description)"
           " VALUES ($1::uuid, $2, $3, $4::date, $5, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10)"
           " ON CONFLICT (number) DO NOTHING RETURNING revision",
    .params = 10,
};

static const struct db_stmt statement_replace = {
    .name = "purchase_order_replace",
    .sql = "UPDATE purchase_order SET vendor = $3, ordered_on = $4::date, currency = $5, price_minor = $6::bigint,"
           "  freight_minor = $7::bigint, duty_minor = $8::bigint, installation_minor = $9::bigint, description = $10,"
           "  revision = revision + 1 WHERE id = $1::uuid AND number = $2 RETURNING revision",
    .params = 10,
};

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct order_query *query = request->query;
    return answer_page(request, response, &statement_list, DB_PARAMS(query->number, query->vendor), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "purchase order", reterr);
}

static enum err_kind check(struct request *request, const struct order *wish, struct err *reterr)
{
    const struct {
        const char *name;
        const struct field_money *money;
    } amounts[] = {{"price", &wish->price},
                   {"freight", &wish->freight},
                   {"duty", &wish->duty},
                   {"installation", &wish->installation}};
    struct err err = {0};
    int exponent = 0;
    if (money_exponent(wish->price.currency, &exponent, &err) != ERR_NONE)
        field_problem_add(&request->problems, "/price/currency", "out_of_range", "%s", err.text);
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        if (amounts[i].money->currency == NULL)
            continue;
        if (amounts[i].money->amount_u < 0)
            field_problem_add(&request->problems, arena_format(request->arena, "/%s/amount", amounts[i].name),
                              "out_of_range", "must not be negative");
        if (strcmp(amounts[i].money->currency, wish->price.currency) != 0)
            field_problem_add(&request->problems, arena_format(request->arena, "/%s/currency", amounts[i].name),
                              "out_of_range", "must be that of the price");
    }
    return request->problems.count == 0 ? ERR_NONE : request_invalid(request, reterr);
}

/* Both statements take the same. */
static enum err_kind write(struct request *request, const struct db_stmt *stmt, const char *id, const PGresult **ret,
                           struct err *reterr)
{
    const struct order *wish = request->body;
    enum err_kind kind = check(request, wish, reterr);
    return kind != ERR_NONE ? kind
                            : request_run(request, stmt,
                                          DB_PARAMS(id, wish->number, wish->vendor, wish->ordered_on,
                                                    wish->price.currency, asset_minor_text(request, &wish->price),
                                                    asset_minor_text(request, &wish->freight),
                                                    asset_minor_text(request, &wish->duty),
                                                    asset_minor_text(request, &wish->installation), wish->description),
                                          ret, reterr);
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *made = NULL;
    enum err_kind kind = write(request, &statement_create, request->new_id, &made, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(made) == 0)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "a purchase order of that number exists already");
    kind = answer_object(request, response, 201, &statement_get, request->new_id, "purchase order", reterr);
    return kind == ERR_NONE ? request_event(request, NULL, NULL, "purchase_order", request->new_id, 1,
                                            "purchase_order.created", reterr)
                            : kind;
}

static enum err_kind replace(struct request *request, struct response *response, struct err *reterr)
{
    if (request->body_present == 0)
        return get(request, response, reterr);
    const PGresult *changed = NULL;
    enum err_kind kind = write(request, &statement_replace, request->object, &changed, reterr);
    if (kind == ERR_NONE)
        kind = get(request, response, reterr);
    return kind == ERR_NONE ? request_event(request, NULL, NULL, "purchase_order", request->object,
                                            db_int(changed, 0, 0, 0), "purchase_order.changed", reterr)
                            : kind;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_PURCHASE_ORDER
static const struct route order_routes[] = {
    {GET,   "/v1/system/purchase-orders",      ROLES_SYSTEM_READ,    RATE_READ,  .query = &order_query_schema, .answer = &order_schema, .is_list = true, .run = list, .summary = "List purchase orders"},
    {GET,   "/v1/system/purchase-orders/{id}", ROLES_SYSTEM_READ,    RATE_READ,  .answer = &order_schema, ONE, .run = get, .summary = "One purchase order, and what its assets come to"},
    {POST,  "/v1/system/purchase-orders",      ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &order_schema, .answer = &order_schema, .run = create, .replay = get, .problems = PROBLEMS("name_taken"), .summary = "Register a purchase order"},
    {PUT,   "/v1/system/purchase-orders/{id}", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &order_schema, .answer = &order_schema, ONE, .lock = &order_lock, .run = replace, .summary = "Correct a purchase order: all of it"},
    {PATCH, "/v1/system/purchase-orders/{id}", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &order_schema, .answer = &order_schema, ONE, .lock = &order_lock, .run = replace, .summary = "Correct a purchase order: what is given"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const order_statements[] = {&statement_list,   &statement_get,     &statement_lock,
                                                         &statement_create, &statement_replace, NULL};

const struct resource purchase_order_resource = {"purchase-orders", order_routes, order_statements,
                                                 "What assets came with."};
