/* The books: the chart of accounts, the trial balance, every journal and every entry. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/answer.h"

// clang-format off
static const struct field chart_fields[] = {
    FIELD_COLUMN("code",        FIELD_TYPE_TEXT, .help = "Code of the account"),
    FIELD_COLUMN("kind",        FIELD_TYPE_TEXT, .help = "Its side of the books: asset, liability, income, expense or equity"),
    FIELD_COLUMN("normal_side", FIELD_TYPE_TEXT, .help = "Where its balance stands: debit or credit; a contra account's is not that of its kind"),
    FIELD_COLUMN("per_tenant",  FIELD_TYPE_BOOL, .help = "Whether each tenant has one of its own"),
    FIELD_COLUMN("description", FIELD_TYPE_TEXT, .help = "For people"),
    FIELDS_END,
};

static const struct field balance_fields[] = {
    FIELD_COLUMN("account",     FIELD_TYPE_TEXT, .help = "Code of the account"),
    FIELD_COLUMN("kind",        FIELD_TYPE_TEXT, .help = "Its side of the books: asset, liability, income, expense or equity"),
    FIELD_COLUMN_WITH("tenant", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the tenant of a sub-account; null: the provider's"),
    FIELD_COLUMN("currency",    FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN("debit",       FIELD_TYPE_AMOUNT, .help = "Sum of its debits"),
    FIELD_COLUMN("credit",      FIELD_TYPE_AMOUNT, .help = "Sum of its credits"),
    FIELDS_END,
};

static const struct field journal_fields[] = {
    FIELD_COLUMN("journal",     FIELD_TYPE_INT, .help = "The transaction; its debits equal its credits in each currency"),
    FIELD_COLUMN("key",         FIELD_TYPE_TEXT, .help = "What it is posted for; the same key is posted once"),
    FIELD_COLUMN("posted_at",   FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("source_type", FIELD_TYPE_TEXT, .help = "What it comes from: rating, depreciation, invoice, payment, grant, drawdown, breakage, reversal, ..."),
    FIELD_COLUMN_WITH("reverses", FIELD_TYPE_INT, FIELD_NULLABLE, .help = "The journal whose sides it swaps; null: none"),
    FIELD_COLUMN("entries",     FIELD_TYPE_INT, .help = "How many it has"),
    FIELDS_END,
};

static const struct field entry_fields[] = {
    FIELD_COLUMN("journal",     FIELD_TYPE_INT, .help = "The transaction; its debits equal its credits in each currency"),
    FIELD_COLUMN("posted_at",   FIELD_TYPE_TIME, .help = "Domain time"),
    FIELD_COLUMN("source_type", FIELD_TYPE_TEXT, .help = "What it comes from: rating, depreciation, invoice, ..."),
    FIELD_COLUMN("account",     FIELD_TYPE_TEXT, .help = "Code of the account"),
    FIELD_COLUMN_WITH("tenant", FIELD_TYPE_TEXT, FIELD_NULLABLE, .help = "Name of the tenant of a sub-account; null: the provider's"),
    FIELD_COLUMN("currency",    FIELD_TYPE_TEXT, .help = "ISO 4217"),
    FIELD_COLUMN("debit",       FIELD_TYPE_AMOUNT, .help = "One of debit and credit is 0"),
    FIELD_COLUMN("credit",      FIELD_TYPE_AMOUNT, .help = "Likewise"),
    FIELDS_END,
};
// clang-format on

static const struct schema chart_schema = {"LedgerAccount", chart_fields, 0};
static const struct schema balance_schema = {"LedgerBalance", balance_fields, 0};
static const struct schema journal_schema = {"LedgerJournal", journal_fields, 0};
static const struct schema entry_schema = {"LedgerEntry", entry_fields, 0};

struct ledger_query {
    const char *source_type;
    const char *from;
    const char *to;
    const char *account;
    const char *tenant;
    const char *currency;
    int64_t journal;
};

#define OF_JOURNALS                                                                                                    \
    FIELD_TEXT("source_type", struct ledger_query, source_type, .help = "Only what comes from this"),                  \
        FIELD_DATE("from", struct ledger_query, from, .help = "Only what was posted on this day (UTC) or later"),      \
        FIELD_DATE("to", struct ledger_query, to, .from = "from", .help = "Only what was posted before this day")

static const struct field journal_query_fields[] = {OF_JOURNALS, FIELDS_END};
static const struct field entry_query_fields[] = {
    OF_JOURNALS,
    FIELD_TEXT("account", struct ledger_query, account, .help = "Only this code"),
    FIELD_TEXT("tenant", struct ledger_query, tenant, .help = "Only sub-accounts of the tenant of this name"),
    FIELD_TEXT("currency", struct ledger_query, currency, .least = 3, .most = 3, .help = "Only this currency"),
    FIELD_INT("journal", struct ledger_query, journal, .flags = FIELD_NULLABLE, .help = "Only this journal"),
    FIELDS_END,
};
static const struct schema journal_query_schema = {"LedgerJournalQuery", journal_query_fields,
                                                   sizeof(struct ledger_query)};
static const struct schema entry_query_schema = {"LedgerEntryQuery", entry_query_fields, sizeof(struct ledger_query)};

static const struct db_stmt statement_chart = {
    .name = "ledger_chart",
    .sql = "SELECT code, kind, normal_side, per_tenant, description, code AS page_key FROM chart_of_accounts"
           " WHERE $1::text IS NULL OR code > $1::text ORDER BY code LIMIT $2::bigint",
    .params = 2,
};

/* The key of a page is "code currency tenant": unique, and the order. */
static const struct db_stmt statement_balance = {
    .name = "ledger_balance",
    .sql = "WITH keyed AS (SELECT *, concat_ws(' ', code, currency, tenant_id) COLLATE \"C\" AS page_key"
           "               FROM trial_balance)"
           " SELECT code AS account, kind, tenant, currency, debit_u AS debit, credit_u AS credit, page_key FROM keyed"
           " WHERE $1::text IS NULL OR page_key > $1::text ORDER BY page_key LIMIT $2::bigint",
    .params = 2,
};

#define OF_JOURNAL                                                                                                     \
    " ($3::text IS NULL OR j.source_type = $3::text)"                                                                  \
    " AND ($4::date IS NULL OR j.posted_at >= $4::date::timestamp AT TIME ZONE 'UTC')"                                 \
    " AND ($5::date IS NULL OR j.posted_at < $5::date::timestamp AT TIME ZONE 'UTC')"

static const struct db_stmt statement_journals = {
    .name = "ledger_journals",
    .sql = "SELECT j.id AS journal, j.idempotency_key AS key, extract(epoch FROM j.posted_at)::bigint AS posted_at,"
           " j.source_type, j.reverses, (SELECT count(*) FROM entry e WHERE e.journal_id = j.id) AS entries,"
           " j.id AS page_key FROM journal j WHERE j.id > coalesce($1::bigint, 0) AND" OF_JOURNAL
           " ORDER BY j.id LIMIT $2::bigint",
    .params = 5,
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
           "                                coalesce(split_part($1::text, ' ', 2)::integer, 0)) AND" OF_JOURNAL
           " AND ($6::text IS NULL OR a.code = $6::text) AND ($7::text IS NULL OR t.name = $7::text)"
           " AND ($8::text IS NULL OR a.currency = $8::text) AND ($9::bigint IS NULL OR e.journal_id = $9::bigint)"
           " ORDER BY e.journal_id, e.seq LIMIT $2::bigint",
    .params = 9,
};

static enum err_kind chart(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_chart, DB_NO_PARAMS, reterr);
}

static enum err_kind balance(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_balance, DB_NO_PARAMS, reterr);
}

static enum err_kind journals(struct request *request, struct response *response, struct err *reterr)
{
    const struct ledger_query *query = request->query;
    return answer_page(request, response, &statement_journals, DB_PARAMS(query->source_type, query->from, query->to),
                       reterr);
}

static enum err_kind entries(struct request *request, struct response *response, struct err *reterr)
{
    const struct ledger_query *query = request->query;
    return answer_page(request, response, &statement_entries,
                       DB_PARAMS(query->source_type, query->from, query->to, query->account, query->tenant,
                                 query->currency, request_int(request, query->journal)),
                       reterr);
}

// clang-format off
static const struct route ledger_routes[] = {
    {GET, "/v1/system/ledger",          ROLES_SYSTEM_READ, RATE_REPORT, .answer = &balance_schema, .is_list = true, .run = balance, .summary = "The trial balance: debits and credits of each account"},
    {GET, "/v1/system/ledger/accounts", ROLES_SYSTEM_READ, RATE_READ,   .answer = &chart_schema, .is_list = true, .run = chart, .summary = "The chart of accounts"},
    {GET, "/v1/system/ledger/journals", ROLES_SYSTEM_READ, RATE_READ,   .query = &journal_query_schema, .answer = &journal_schema, .is_list = true, .run = journals, .summary = "Every journal, in the order of posting"},
    {GET, "/v1/system/ledger/entries",  ROLES_SYSTEM_READ, RATE_READ,   .query = &entry_query_schema, .answer = &entry_schema, .is_list = true, .run = entries, .summary = "Every entry, in the order of posting"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const ledger_statements[] = {&statement_chart, &statement_balance, &statement_journals,
                                                          &statement_entries, NULL};

const struct resource ledger_resource = {"ledger", ledger_routes, ledger_statements, "The double-entry books."};
