/* Book values: what hardware stands at in the books against what it could be sold for, and what that asks for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/node_kind.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"

static const char *const keys[] = {"cohort", "gpu_model", NULL};
static const char *const assessments[] = {"no_market_price", "sound", "indicated", "impaired", NULL};

struct book_value_query {
    const char *by, *currency;
    int64_t significant_bp, discount_bp;
};

// clang-format off
static const struct field query_fields[] = {
    FIELD_ENUM("by",             struct book_value_query, by, .values = keys, .fallback = "cohort", .help = "What items are by"),
    FIELD_TEXT("currency",       struct book_value_query, currency, .least = 3, .most = 3, .fallback = "USD", .help = "Assets and prices of this currency only: currencies do not add up"),
    FIELD_INT ("significant_bp", struct book_value_query, significant_bp, .least = 0, .most = 10000, .fallback = "1000", .help = "By what share of its book value the market price must be below it to be an indication, in basis points"),
    FIELD_INT ("discount_bp",    struct book_value_query, discount_bp, .least = 0, .most = 10000, .fallback = "100", .help = "Discount rate per month for the value in use, in basis points"),
    FIELDS_END,
};

#define MINOR_(name_, help_) FIELD_COLUMN_WITH(name_, FIELD_TYPE_MONEY, FIELD_MINOR, .help = (help_))
#define MAYBE_(name_, help_) FIELD_COLUMN_WITH(name_, FIELD_TYPE_MONEY, FIELD_MINOR | FIELD_NULLABLE, .help = (help_))
static const struct field item_fields[] = {
    FIELD_COLUMN("key",          FIELD_TYPE_TEXT, .help = "The cohort or the GPU model"),
    FIELD_COLUMN("nodes",        FIELD_TYPE_INT, .help = "Nodes with assets in the books"),
    FIELD_COLUMN("gpus",         FIELD_TYPE_INT, .help = "Their GPUs"),
    FIELD_COLUMN("assets",       FIELD_TYPE_INT, .help = "Their assets, components apart"),
    MINOR_("cost",               "What they cost"),
    MINOR_("accumulated",        "Depreciation posted so far"),
    MINOR_("impairment",         "Impairment posted so far"),
    MINOR_("book_value",         "Cost less both"),
    MAYBE_("market_value",       "At the market prices that hold today; null: a node has none"),
    MAYBE_("difference",         "Market value less book value"),
    FIELD_COLUMN_WITH("months_left", FIELD_TYPE_JSON, FIELD_NULLABLE, .help = "Of their lives, averaged by cost: a number with two decimals"),
    MAYBE_("monthly_cash",       "What they left in cash per month over the last 30 closed days: revenue less power, colocation, operations, network and storage; null: no day is closed"),
    MAYBE_("undiscounted_cash_flows", "That over the months left, not below 0, and their salvage values (ASC 360-10-35-17)"),
    MAYBE_("value_in_use",       "The same, discounted (IAS 36.30)"),
    MAYBE_("recoverable_amount", "The higher of value in use and market value less costs to sell (IAS 36.18)"),
    MAYBE_("asc_360_loss",       "Book value less market value, if the undiscounted cash flows do not cover the book value; else 0"),
    MAYBE_("ias_36_loss",        "Book value less recoverable amount, if that is lower; else 0"),
    FIELD_COLUMN("assessment",   FIELD_TYPE_ENUM, .values = assessments, .help = "no_market_price; sound: the market price is not significantly below the book value; indicated: it is, and both tests pass or the cash flows are not known (ASC 360-10-35-21, IAS 36.12); impaired: it is, and a test fails: see POST /v1/system/assets/{id}/changes"),
    FIELD_COLUMN_WITH("warning_since", FIELD_TYPE_DATE, FIELD_NULLABLE, .help = "Of a cohort: the day whose close found it first; null: no warning stands"),
    FIELDS_END,
};
// clang-format on

static const struct schema query_schema = {"BookValueQuery", query_fields, sizeof(struct book_value_query)};
static const struct schema item_schema = {"BookValue", item_fields, 0};

#define MINOR(column, name)                                                                                            \
    "v." column " AS \"" name ".amount_minor\", CASE WHEN v." column " IS NOT NULL THEN $4::text END AS \"" name       \
    ".currency\""

// clang-format off
static const struct db_stmt statement_list = {
    .name = "book_value_list",
    .sql = "SELECT v.key, v.nodes, v.gpus, v.assets, " MINOR("cost_minor", "cost") ", "
           MINOR("accumulated_minor", "accumulated") ", " MINOR("impairment_minor", "impairment") ", "
           MINOR("book_minor", "book_value") ", " MINOR("market_minor", "market_value") ","
           " v.market_minor - v.book_minor AS \"difference.amount_minor\","
           " CASE WHEN v.market_minor IS NOT NULL THEN $4::text END AS \"difference.currency\","
           " to_json(v.months_left) AS months_left, " MINOR("monthly_cash_minor", "monthly_cash") ", "
           MINOR("undiscounted_minor", "undiscounted_cash_flows") ", " MINOR("value_in_use_minor", "value_in_use") ", "
           MINOR("recoverable_minor", "recoverable_amount") ", " MINOR("asc_360_loss_minor", "asc_360_loss") ", "
           MINOR("ias_36_loss_minor", "ias_36_loss") ", v.assessment, w.since AS warning_since, v.key AS page_key"
           "  FROM book_values($3::text, $4::text, (sluice_now() AT TIME ZONE 'UTC')::date, $5::integer, $6::integer) v"
           "  LEFT JOIN impairment_warning w ON $3::text = 'cohort' AND w.cohort = v.key AND w.currency = $4::text"
           "   AND w.cleared_on IS NULL"
           " WHERE $1::text IS NULL OR v.key COLLATE \"C\" > $1::text ORDER BY v.key COLLATE \"C\" LIMIT $2::bigint",
    .params = 6,
};
// clang-format on

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct book_value_query *query = request->query;
    if (!node_kind_currency_is_known(request, query->currency))
        return request_invalid(request, reterr);
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->by, query->currency, request_int(request, query->significant_bp),
                                 request_int(request, query->discount_bp)),
                       reterr);
}

// clang-format off
static const struct route book_value_routes[] = {
    {GET, "/v1/system/book-values", ROLES_SYSTEM_READ, RATE_REPORT, .query = &query_schema, .answer = &item_schema, .is_list = true, .run = list, .summary = "Book value against market value, recoverable amounts, and what may be impaired"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const book_value_statements[] = {&statement_list, NULL};

const struct resource book_value_resource = {"book-values", book_value_routes, book_value_statements,
                                             "What hardware stands at in the books against what it could be sold for."};
