/* Statements by month: trial balance, balance sheet and income statement. The sums are functions of the database. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field trial_fields[] = {
    FIELD_COLUMN("month",    FIELD_TYPE_DATE, .help = "First day of the month (UTC)"),
    FIELD_COLUMN("currency", FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN("account",  FIELD_TYPE_TEXT, .help = "Code of the account, over all tenants"),
    FIELD_COLUMN("kind",     FIELD_TYPE_TEXT, .help = "Its side of the books: asset, liability, income, expense or equity"),
    FIELD_COLUMN("opening",  FIELD_TYPE_AMOUNT, .help = "Debits less credits before the month"),
    FIELD_COLUMN("debit",    FIELD_TYPE_AMOUNT, .help = "Debits of the month"),
    FIELD_COLUMN("credit",   FIELD_TYPE_AMOUNT, .help = "Credits of the month"),
    FIELD_COLUMN("closing",  FIELD_TYPE_AMOUNT, .help = "Debits less credits at its end; over a currency they sum to 0"),
    FIELDS_END,
};

static const struct field line_fields[] = {
    FIELD_COLUMN("month",    FIELD_TYPE_DATE, .help = "First day of the month (UTC)"),
    FIELD_COLUMN("currency", FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN("section",  FIELD_TYPE_TEXT, .help = "asset, liability, equity, income or expense; total: sums of the others"),
    FIELD_COLUMN("line",     FIELD_TYPE_TEXT, .help = "Code of the account; revenue by what it comes from; or what is summed up"),
    FIELD_COLUMN("amount",   FIELD_TYPE_AMOUNT, .help = "Positive on the side where the section stands; contra accounts are negative"),
    FIELDS_END,
};
// clang-format on

static const struct schema trial_schema = {"TrialBalanceLine", trial_fields, 0};
static const struct schema line_schema = {"StatementLine", line_fields, 0};

struct statement_query {
    const char *from;
    const char *to;
    const char *currency;
};
static const struct field statement_query_fields[] = {
    FIELD_DATE("from", struct statement_query, from,
               .help = "First month, by any day of it; that of to's last day where it is left out"),
    FIELD_DATE("to", struct statement_query, to, .from = "from",
               .help = "Day after the last month, or in it; tomorrow (domain time) where it is left out"),
    FIELD_TEXT("currency", struct statement_query, currency, .least = 3, .most = 3, .help = "Only this currency"),
    FIELDS_END,
};
static const struct schema statement_query_schema = {"StatementQuery", statement_query_fields,
                                                     sizeof(struct statement_query)};

/* Whole months, 120 at most. */
#define LAST_DAY "(coalesce($4::date, (sluice_now() AT TIME ZONE 'UTC')::date + 1) - 1)"
#define TO_MONTH "(date_trunc('month', " LAST_DAY "::timestamp) + interval '1 month')::date"
#define FROM_MONTH                                                                                                     \
    "greatest(date_trunc('month', coalesce($3::date, " LAST_DAY ")::timestamp)::date, (" TO_MONTH                      \
    " - interval '120 months')::date)"

/* The key of a page is all that makes a row another one, in the order in which it is read. */
static const struct db_stmt statement_trial = {
    .name = "statement_trial",
    .sql = "WITH b AS (SELECT *, concat_ws(' ', month, currency, code) COLLATE \"C\" AS page_key"
           "             FROM trial_balance_by_month(" FROM_MONTH ", " TO_MONTH "))"
           " SELECT month, currency, code AS account, kind, opening_u::bigint AS opening, debit_u::bigint AS debit,"
           "        credit_u::bigint AS credit, closing_u::bigint AS closing, page_key FROM b"
           "  WHERE ($1::text IS NULL OR page_key > $1::text) AND ($5::text IS NULL OR currency = $5::text)"
           "  ORDER BY page_key LIMIT $2::bigint",
    .params = 5,
};

#define STATEMENT_OF(function)                                                                                         \
    "WITH b AS (SELECT *, concat_ws(' ', month, currency, CASE section WHEN 'total' THEN 2 ELSE 1 END, section, line)" \
    "                     COLLATE \"C\" AS page_key FROM " function "(" FROM_MONTH ", " TO_MONTH "))"                  \
    " SELECT month, currency, section, line, amount_u::bigint AS amount, page_key FROM b"                              \
    "  WHERE ($1::text IS NULL OR page_key > $1::text) AND ($5::text IS NULL OR currency = $5::text)"                  \
    "  ORDER BY page_key LIMIT $2::bigint"

static const struct db_stmt statement_balance = {
    .name = "statement_balance",
    .sql = STATEMENT_OF("balance_sheet_by_month"),
    .params = 5,
};

static const struct db_stmt statement_income = {
    .name = "statement_income",
    .sql = STATEMENT_OF("income_statement_by_month"),
    .params = 5,
};

static enum err_kind answer(struct request *request, struct response *response, const struct db_stmt *statement,
                            struct err *reterr)
{
    const struct statement_query *query = request->query;
    return answer_page(request, response, statement, DB_PARAMS(query->from, query->to, query->currency), reterr);
}

static enum err_kind trial_balance(struct request *request, struct response *response, struct err *reterr)
{
    return answer(request, response, &statement_trial, reterr);
}

static enum err_kind balance_sheet(struct request *request, struct response *response, struct err *reterr)
{
    return answer(request, response, &statement_balance, reterr);
}

static enum err_kind income_statement(struct request *request, struct response *response, struct err *reterr)
{
    return answer(request, response, &statement_income, reterr);
}

// clang-format off
#define STATEMENT(schema_) ROLES_SYSTEM_READ, RATE_REPORT, .query = &statement_query_schema, .answer = (schema_), .is_list = true
static const struct route statement_routes[] = {
    {GET, "/v1/system/statements/trial-balance",    STATEMENT(&trial_schema), .run = trial_balance, .summary = "Every account by month: opening, debits, credits, closing"},
    {GET, "/v1/system/statements/balance-sheet",    STATEMENT(&line_schema),  .run = balance_sheet, .summary = "What is owned and owed at the end of each month; assets are liabilities and equity"},
    {GET, "/v1/system/statements/income-statement", STATEMENT(&line_schema),  .run = income_statement, .summary = "Income and expenses of each month, and its net result"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const statement_statements[] = {&statement_trial, &statement_balance, &statement_income,
                                                             NULL};

const struct resource statement_resource = {"statements", statement_routes, statement_statements,
                                            "The books by month."};
