/* The ledger on a real server, beside a ledger in memory that knows balances and keys and nothing else.
 * Argument: the url of a fresh migrated database with two tenants. test_ledger.py runs it; each promise is a function,
 * and the process aborts at the first that is broken. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/journal.h"
#include "common/must.h"
#include "tests/integration/probe.h"
#include "tests/unit/property.h"

#include <stdio.h>
#include <string.h>

#define TENANTS    2
#define KEYS       60
#define POSTS      300
#define SIDES_MAX  6
#define BASE_S     1767225600 /* 2026-01-01 */
#define CURRENCIES 2

static const char *const codes[] = {
    "cash", "receivable", "unbilled_receivable", "revenue", "capital", "deferred_revenue", "rounding", "tax_payable"};
#define CODES (sizeof codes / sizeof codes[0])
static const bool is_tenants[CODES] = {false, true, true, true, false, true, false, false};
static const char *const currencies[CURRENCIES] = {"USD", "JPY"};

static const struct db_stmt statement_tenants = {
    .name = "probe_tenants", .sql = "SELECT id FROM tenant ORDER BY name", .params = 0};
static const struct db_stmt statement_balance = {
    .name = "probe_balance",
    .sql = "SELECT coalesce(sum(debit_u - credit_u), 0)::bigint FROM trial_balance"
           " WHERE code = $1 AND currency = $2 AND tenant_id IS NOT DISTINCT FROM $3::uuid",
    .params = 3};
static const struct db_stmt statement_count = {
    .name = "probe_count", .sql = "SELECT count(*) FROM journal", .params = 0};
static const struct db_stmt statement_add_entry = {
    .name = "probe_add_entry",
    .sql = "INSERT INTO entry (journal_id, seq, account_id, debit_u, credit_u)"
           " SELECT j.id, 100 + n, e.account_id, (2 - n) * 5, (n - 1) * 5"
           "   FROM (SELECT id FROM journal ORDER BY id LIMIT 1) j, entry e, generate_series(1, 2) n"
           "  WHERE e.journal_id = j.id AND e.seq = 1",
    .params = 0};
static const struct db_stmt statement_check = {
    .name = "probe_check", .sql = "SELECT count(*) FROM check_reversal", .params = 0};

static struct db *db;
static struct db *reader; /* sees everything; billing reads no views */
static struct identity tenants[TENANTS];

static int64_t number_of(const struct db_stmt *stmt, const char *const *params)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    OK(db_run(reader, stmt, params, &result, &err));
    return db_int(result, 0, 0, 0);
}

/* ---- The ledger in memory ---- */

struct side {
    unsigned code, tenant, currency;
    int64_t amount_u;
};

struct draft {
    struct side sides[SIDES_MAX + CURRENCIES];
    unsigned count;
};

struct oracle {
    int64_t balance_u[CODES][TENANTS][CURRENCIES]; /* the provider's own stand under tenant 0 */
    bool is_posted[KEYS], is_reversed[KEYS];
    struct draft posted[KEYS];
};

static void oracle_post(struct oracle *oracle, const struct draft *draft, int sign)
{
    for (unsigned i = 0; i < draft->count; i++) {
        const struct side *side = &draft->sides[i];
        unsigned tenant = is_tenants[side->code] ? side->tenant : 0;
        oracle->balance_u[side->code][tenant][side->currency] += sign * side->amount_u;
    }
}

static bool oracle_agrees(const struct oracle *oracle)
{
    for (unsigned code = 0; code < CODES; code++) {
        for (unsigned tenant = 0; tenant < (is_tenants[code] ? TENANTS : 1); tenant++) {
            char id[UUID_TEXT_SIZE];
            identity_to_uuid(tenants[tenant], id);
            for (unsigned currency = 0; currency < CURRENCIES; currency++) {
                int64_t booked_u = number_of(
                    &statement_balance, DB_PARAMS(codes[code], currencies[currency], is_tenants[code] ? id : NULL));
                if (booked_u != oracle->balance_u[code][tenant][currency])
                    return false;
            }
        }
    }
    return true;
}

/* ---- Drafts ---- */

/* Balanced in each currency: the last side of each takes what the others leave. */
static struct draft random_draft(struct property *property)
{
    struct draft ret = {0};
    int64_t left_u[CURRENCIES] = {0};
    unsigned count = 1 + (unsigned)(property_next(property) % SIDES_MAX);
    for (unsigned i = 0; i < count; i++) {
        struct side side = {.code = (unsigned)(property_next(property) % CODES),
                            .tenant = (unsigned)(property_next(property) % TENANTS),
                            .currency = (unsigned)(property_next(property) % CURRENCIES),
                            .amount_u = (int64_t)(property_next(property) % 2000001) - 1000000};
        left_u[side.currency] -= side.amount_u;
        ret.sides[ret.count++] = side;
    }
    for (unsigned currency = 0; currency < CURRENCIES; currency++)
        ret.sides[ret.count++] = (struct side){.code = 0, .currency = currency, .amount_u = left_u[currency]};
    return ret;
}

static void key_of(unsigned number, char ret[static 32])
{
    (void)snprintf(ret, 32, "probe:%u", number);
}

static void draw_up(struct journal_batch *batch, unsigned number, const struct draft *draft)
{
    char key[32];
    key_of(number, key);
    journal_open(batch, &(struct journal_head){.key = key, .posted_at_s = BASE_S + number, .source_type = "probe"});
    for (unsigned i = 0; i < draft->count; i++) {
        const struct side *side = &draft->sides[i];
        const struct identity *tenant = is_tenants[side->code] ? &tenants[side->tenant] : NULL;
        if (i % 2 == 0)
            journal_debit(batch, codes[side->code], tenant, currencies[side->currency], side->amount_u);
        else
            journal_credit(batch, codes[side->code], tenant, currencies[side->currency], -side->amount_u);
    }
}

static enum err_kind post(unsigned number, const struct draft *draft, int64_t *ret_posted)
{
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    draw_up(&batch, number, draft);
    OK(db_begin(db, &err));
    enum err_kind kind = journal_post(&batch, db, ret_posted, &err);
    if (kind == ERR_NONE)
        OK(db_commit(db, &err));
    else
        db_rollback(db);
    return kind;
}

static enum err_kind reverse(const char *key)
{
    OK(db_begin(db, &err));
    enum err_kind kind = journal_reverse(db, key, BASE_S, &err);
    if (kind == ERR_NONE)
        OK(db_commit(db, &err));
    else
        db_rollback(db);
    return kind;
}

/* ---- Promises ---- */

static void post_random(struct property *property, struct oracle *oracle)
{
    unsigned number = (unsigned)(property_next(property) % KEYS);
    bool repeats = property_next(property) % 2 == 0 && oracle->is_posted[number];
    struct draft draft = repeats ? oracle->posted[number] : random_draft(property);
    int64_t posted = 0;
    enum err_kind kind = post(number, &draft, &posted);
    if (!oracle->is_posted[number]) {
        must(kind == ERR_NONE && posted == 1);
        oracle->is_posted[number] = true;
        oracle->posted[number] = draft;
        oracle_post(oracle, &draft, 1);
    } else if (repeats) {
        must(kind == ERR_NONE && posted == 0);
    } else { /* a random draft is the posted one about never */
        must(kind == ERR_CONFLICT);
    }
}

static void reverse_random(struct property *property, struct oracle *oracle)
{
    unsigned number = (unsigned)(property_next(property) % KEYS);
    char key[32];
    key_of(number, key);
    IS(reverse(key), oracle->is_posted[number] ? ERR_NONE : ERR_NOT_FOUND);
    if (oracle->is_posted[number] && !oracle->is_reversed[number]) {
        oracle->is_reversed[number] = true;
        oracle_post(oracle, &oracle->posted[number], -1);
    }
}

static void balances_are_the_fold_of_what_was_posted_once(void)
{
    static struct oracle oracle;
    struct property property = property_begin("balances_are_the_fold_of_what_was_posted_once");
    for (int i = 0; i < POSTS; i++) {
        if (property_next(&property) % 8 == 0)
            reverse_random(&property, &oracle);
        else
            post_random(&property, &oracle);
    }
    must(oracle_agrees(&oracle));
    must(number_of(&statement_check, DB_NO_PARAMS) == 0);
}

static void what_does_not_balance_or_has_no_account_is_refused(void)
{
    int64_t before = number_of(&statement_count, DB_NO_PARAMS);
    int64_t posted = 0;
    struct draft lame = {.sides = {{.code = 0, .amount_u = 5}}, .count = 1};
    must(post(KEYS, &lame, &posted) != ERR_NONE);
    /* In sum over currencies it balances, in each it does not. */
    struct draft mixed = {.sides = {{.code = 0, .amount_u = 5}, {.code = 0, .currency = 1, .amount_u = -5}},
                          .count = 2};
    must(post(KEYS, &mixed, &posted) != ERR_NONE);
    CLEANUP(journal_batch_release) struct journal_batch batch = {0};
    journal_open(&batch, &(struct journal_head){.key = "probe:none", .posted_at_s = BASE_S, .source_type = "probe"});
    journal_debit(&batch, "petty_cash", NULL, "USD", 5);
    journal_credit(&batch, "cash", NULL, "USD", 5);
    OK(db_begin(db, &err));
    must(journal_post(&batch, db, &posted, &err) != ERR_NONE);
    db_rollback(db);
    must(number_of(&statement_count, DB_NO_PARAMS) == before);
}

static void a_posted_journal_takes_no_more_entries(void)
{
    must(db_run(db, &statement_add_entry, DB_NO_PARAMS, NULL, &err) != ERR_NONE);
}

int main(int argc, char **argv)
{
    must(argc == 2);
    db = db_new(&(struct db_options){.url = argv[1], .role = "sluice_billing", .application_name = "journal_probe"});
    reader =
        db_new(&(struct db_options){.url = argv[1], .role = "sluice_api_system", .application_name = "journal_probe"});
    CLEANUP(db_result_clear) PGresult *found = NULL;
    OK(db_run(reader, &statement_tenants, DB_NO_PARAMS, &found, &err));
    must(PQntuples(found) == TENANTS);
    for (int i = 0; i < TENANTS; i++)
        tenants[i] = db_identity(found, i, 0);
    balances_are_the_fold_of_what_was_posted_once();
    what_does_not_balance_or_has_no_account_is_refused();
    a_posted_journal_takes_no_more_entries();
    db_free(db);
    db_free(reader);
    puts("ok");
    return 0;
}
