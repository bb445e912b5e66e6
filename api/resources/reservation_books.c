/* What operators see of a reservation beside its tenant: where its instances are, and what it earns against its cost.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/resources/reservation.h"
#include "api/resources/reservation_columns.h"
#include "api/server/answer.h"

// clang-format off
static const struct field placement_fields[] = {
    FIELD_COLUMN("ordinal",   FIELD_TYPE_INT, .help = "Which instance of the reservation, from 0"),
    FIELD_COLUMN("node",      FIELD_TYPE_ID, .identity = IDENTITY_NODE, .help = "The node"),
    FIELD_COLUMN("node_name", FIELD_TYPE_TEXT, .help = "The same by its name"),
    FIELD_COLUMN("fabric",    FIELD_TYPE_TEXT, .help = "Its fabric, by name"),
    FIELD_COLUMN_WITH("leaf", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "The leaf switch in front of it, by name; null: none"),
    FIELD_COLUMN("rack",      FIELD_TYPE_TEXT, .help = "Its rack, by name"),
    FIELD_COLUMN("gpu_model", FIELD_TYPE_TEXT, .help = "Model of its GPUs"),
    FIELD_COLUMN("gpu_count", FIELD_TYPE_INT, .help = "How many GPUs it has"),
    FIELD_COLUMN("slot_from", FIELD_TYPE_INT, .help = "First milli-GPU of the node that is taken: GPU 3 begins at 3000"),
    FIELD_COLUMN("slot_to",   FIELD_TYPE_INT, .help = "The one after the last"),
    FIELD_COLUMN("from",      FIELD_TYPE_TIME, .help = "Inclusive"),
    FIELD_COLUMN_WITH("to",   FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Exclusive; null: open-ended"),
    FIELDS_END,
};
static const struct field margin_fields[] = {
    FIELD_COLUMN("reservation",  FIELD_TYPE_ID, .identity = IDENTITY_RESERVATION, .help = "The reservation"),
    FIELD_COLUMN_WITH("until",   FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "Day after the last whose books are closed (UTC); null: none is"),
    FIELD_COLUMN("revenue",      FIELD_TYPE_MONEY, .help = "What was rated of it, fees spread over what they cover"),
    FIELD_COLUMN("amortization", FIELD_TYPE_MONEY, .help = "Depreciation of the hardware while it was the reservation's"),
    FIELD_COLUMN("power",        FIELD_TYPE_MONEY, .help = "Energy, times PUE, times tariff"),
    FIELD_COLUMN("other",        FIELD_TYPE_MONEY, .help = "Colocation, operations, network and storage"),
    FIELD_COLUMN("cost",         FIELD_TYPE_MONEY, .help = "All of these"),
    FIELD_COLUMN("margin",       FIELD_TYPE_MONEY, .help = "Revenue less cost"),
    FIELDS_END,
};
// clang-format on

static const struct schema placement_schema = {"ReservationPlacement", placement_fields, 0};
static const struct schema margin_schema = {"ReservationMargin", margin_fields, 0};

static const struct db_stmt statement_exists = {
    .name = "reservation_books_exists",
    .sql = "SELECT FROM reservation r WHERE r.id = $1::uuid AND ($2::boolean OR r.hidden_at IS NULL)"
           " AND " IS_RESERVATION("r"),
    .params = 2,
};

/* The key of a page is "ordinal start node slot": an instance that moved has been in several places. */
static const struct db_stmt statement_placement = {
    .name = "reservation_placement",
    .sql =
        "WITH place AS ("
        "  SELECT a.*, extract(epoch FROM lower(a.period))::bigint AS starts, lower(a.slots) AS slot FROM ("
        "    SELECT ordinal, node_id, slots, period FROM allocation WHERE reservation_id = $3::uuid AND kind = "
        "'instance'"
        "    UNION ALL"
        "    SELECT ordinal, node_id, slots, period FROM allocation_history"
        "     WHERE reservation_id = $3::uuid AND kind = 'instance') a"
        ") SELECT p.ordinal, p.node_id AS node, n.name AS node_name, f.name AS fabric, l.name AS leaf, k.name AS rack,"
        "  n.gpu_model, n.gpu_count, p.slot AS slot_from, upper(p.slots) AS slot_to, p.starts AS \"from\","
        "  CASE WHEN upper(p.period) <> 'infinity' THEN extract(epoch FROM upper(p.period))::bigint END AS \"to\","
        "  concat_ws(' ', p.ordinal, p.starts, p.node_id, p.slot) AS page_key"
        " FROM place p JOIN node n ON n.id = p.node_id JOIN rack k ON k.id = n.rack_id"
        " JOIN fabric f ON f.id = k.fabric_id LEFT JOIN leaf l ON l.id = k.leaf_id"
        " WHERE $1::text IS NULL OR (p.ordinal, p.starts, p.node_id, p.slot)"
        "   > (split_part($1, ' ', 1)::integer, split_part($1, ' ', 2)::bigint, split_part($1, ' ', 3)::uuid,"
        "      split_part($1, ' ', 4)::integer)"
        " ORDER BY p.ordinal, p.starts, p.node_id, p.slot LIMIT $2::bigint",
    .params = 3,
};

#define MONEY(name, value)                                                                                             \
    ", coalesce(" value ", 0)::bigint AS \"" name ".amount_u\", w.currency AS \"" name ".currency\""
// clang-format off
static const struct db_stmt statement_margin = {
    .name = "reservation_margin",
    .sql = "SELECT r.id AS reservation, (SELECT max(day) + 1 FROM billing_day) AS until"
           MONEY("revenue", "l.revenue_u") MONEY("amortization", "c.depreciation_u") MONEY("power", "c.power_u")
           MONEY("other", "c.amount_u - c.depreciation_u - c.power_u") MONEY("cost", "c.amount_u")
           MONEY("margin", "coalesce(l.revenue_u, 0) - coalesce(c.amount_u, 0)")
           " FROM reservation r JOIN tenant w ON w.id = r.tenant_id"
           " CROSS JOIN LATERAL (SELECT sum(effective_u) AS revenue_u FROM rated_line"
           "   WHERE reservation_id = r.id AND currency = w.currency) l"
           " CROSS JOIN LATERAL (SELECT sum(depreciation_u) AS depreciation_u, sum(power_u) AS power_u,"
           "     sum(amount_u) AS amount_u FROM cost_allocation"
           "   WHERE reservation_id = r.id AND currency = w.currency) c"
           " WHERE r.id = $1::uuid AND ($2::boolean OR r.hidden_at IS NULL) AND " IS_RESERVATION("r"),
    .params = 2,
};
// clang-format on

static enum err_kind placement(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_exists, request->object, "reservation", &found, reterr);
    if (kind != ERR_NONE)
        return kind;
    return answer_page(request, response, &statement_placement, DB_PARAMS(request->object), reterr);
}

static enum err_kind margin(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *found = NULL;
    enum err_kind kind = answer_find(request, &statement_margin, request->object, "reservation", &found, reterr);
    if (kind == ERR_NONE)
        response_row(response, 200, margin_fields, found, 0);
    return kind;
}

// clang-format off
#define OF_ONE ROLES_SYSTEM_READ, RATE_READ, .has_id = true, .id = IDENTITY_RESERVATION, .has_deleted = true
static const struct route book_routes[] = {
    {GET, "/v1/system/reservations/{id}/placement", OF_ONE, .answer = &placement_schema, .is_list = true, .run = placement, .summary = "Where its instances are, were and will be"},
    {GET, "/v1/system/reservations/{id}/margin",    OF_ONE, .answer = &margin_schema, .run = margin, .summary = "What it earned against what it cost, as far as the books are closed"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const book_statements[] = {&statement_exists, &statement_placement, &statement_margin,
                                                        NULL};

const struct resource reservation_books_resource = {"reservations", book_routes, book_statements, NULL};
