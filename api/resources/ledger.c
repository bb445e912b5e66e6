/* The books: the trial balance, and every entry. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field balance_fields[] = {
    FIELD_COLUMN("account",     FIELD_TYPE_TEXT, .help = "Code of the account"),
    FIELD_COLUMN("kind",        FIELD_TYPE_TEXT, .help = "Its side of the books: asset, liability, income, expense or equity"),
    FIELD_COLUMN_WITH("tenant", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the tenant of a sub-account; null: the provider's"),
    FIELD_COLUMN("currency",    FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN("debit",       FIELD_TYPE_AMOUNT, .help = "Sum of its debits"),
    FIELD_COLUMN("credit",      FIELD_TYPE_AMOUNT, .help = "Sum of its credits"),
    FIELDS_END,
};

static const struct field entry_fields[] = {
    FIELD_COLUMN("journal",     FIELD_TYPE_INT, .help = "The transaction; its debits equal its credits in each currency"),
    FIELD_COLUMN("posted_at",   FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("source_type", FIELD_TYPE_TEXT, .help = "What it comes from: rating, depreciation, invoice"),
    FIELD_COLUMN("account",     FIELD_TYPE_TEXT, .help = "Code of the account"),
    FIELD_COLUMN_WITH("tenant", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the tenant of a sub-account; null: the provider's"),
    FIELD_COLUMN("currency",    FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN("debit",       FIELD_TYPE_AMOUNT, .help = "One of debit and credit is 0"),
    FIELD_COLUMN("credit",      FIELD_TYPE_AMOUNT, .help = "Likewise"),
    FIELDS_END,
};
// clang-format on

static const struct schema balance_schema = {"LedgerBalance", balance_fields, 0};
static const struct schema entry_schema = {"LedgerEntry", entry_fields, 0};

/* The key of a page is "code currency tenant": unique, and the order. */
static const struct db_stmt statement_balance = {
    .name = "ledger_balance",
    .sql = "WITH keyed AS (SELECT *, concat_ws(' ', code, currency, tenant_id) COLLATE \"C\" AS page_key FROM "
           "trial_balance)"
           " SELECT code AS account, kind, tenant, currency, debit_u AS debit, credit_u AS credit, page_key FROM keyed"
           " WHERE $1::text IS NULL OR page_key > $1::text ORDER BY page_key LIMIT $2::bigint",
    .params = 2,
};

/* The key of a page is "journal seq". */
static const struct db_stmt statement_entries = {
    .name = "ledger_entries",
    .sql = "SELECT e.journal_id AS journal, extract(epoch FROM j.posted_at)::bigint AS posted_at, j.source_type,"
           " a.code AS account, t.name AS tenant, a.currency, e.debit_u AS debit, e.credit_u AS credit,"
           " concat_ws(' ', e.journal_id, e.seq) AS page_key"
           " FROM entry e JOIN journal j ON j.id = e.journal_id JOIN account a ON a.id = e.account_id"
           " LEFT JOIN tenant t ON t.id = a.tenant_id"
           " WHERE (e.journal_id, e.seq) > (coalesce(split_part($1::text, ' ', 1)::bigint, 0),"
           "                                coalesce(split_part($1::text, ' ', 2)::integer, 0))"
           " ORDER BY e.journal_id, e.seq LIMIT $2::bigint",
    .params = 2,
};

static enum err_kind balance(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_balance, DB_NO_PARAMS, reterr);
}

static enum err_kind entries(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_entries, DB_NO_PARAMS, reterr);
}

// clang-format off
static const struct route ledger_routes[] = {
    {GET, "/v1/system/ledger",         ROLES_SYSTEM_READ, RATE_REPORT, .answer = &balance_schema, .is_list = true, .run = balance, .summary = "The trial balance: debits and credits of each account"},
    {GET, "/v1/system/ledger/entries", ROLES_SYSTEM_READ, RATE_READ,   .answer = &entry_schema, .is_list = true, .run = entries, .summary = "Every entry, in the order of posting"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const ledger_statements[] = {&statement_balance, &statement_entries, NULL};

const struct resource ledger_resource = {"ledger", ledger_routes, ledger_statements,
    "The double-entry books."};
