/* Loading prices and choosing among them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/price_book.h"

#include "common/alloc.h"

#include <string.h>

struct price_version {
    struct sku sku;
    struct identity tenant; /* nil: the list price */
    struct identity id;
    struct rating_price price;
};

static const struct db_stmt statement_load = {
    .name = "price_book_load",
    .sql = "SELECT id, sku_kind, sku, tier, currency, tenant_id, gpu_hour_u,"
           "       extract(epoch FROM lower(valid))::bigint,"
           "       CASE WHEN upper(valid) < 'infinity' THEN extract(epoch FROM upper(valid))::bigint END"
           "  FROM price WHERE withdrawn_at IS NULL AND valid && tstzrange(to_timestamp($1::bigint), to_timestamp($2::bigint))",
    .params = 2,
};

const struct db_stmt *const price_book_statements[] = {&statement_load, NULL};

static int by_sku_and_tenant(const struct price_version *one, const struct price_version *other)
{
    int order = strcmp(one->sku.name, other->sku.name);
    if (order == 0)
        order = strcmp(one->sku.kind, other->sku.kind);
    if (order == 0)
        order = strcmp(one->sku.tier, other->sku.tier);
    if (order == 0)
        order = strcmp(one->sku.currency, other->sku.currency);
    if (order == 0)
        order = memcmp(&one->tenant, &other->tenant, sizeof one->tenant);
    return order;
}

static int by_sku_tenant_and_start(const void *a, const void *b)
{
    const struct price_version *one = a;
    const struct price_version *other = b;
    int order = by_sku_and_tenant(one, other);
    int64_t one_s = one->price.valid.from_s;
    int64_t other_s = other->price.valid.from_s;
    return order != 0 ? order : (one_s > other_s) - (one_s < other_s);
}

enum err_kind price_book_load(struct db *db, int64_t from_s, int64_t to_s, struct price_book *ret, struct err *reterr)
{
    char from[DB_INT_TEXT_SIZE];
    char to[DB_INT_TEXT_SIZE];
    PGresult *rows = NULL;
    enum err_kind kind =
        db_run(db, &statement_load, DB_PARAMS(db_int_param(from, from_s), db_int_param(to, to_s)), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret = (struct price_book){.rows = rows, .count = (size_t)PQntuples(rows)};
    ret->versions = alloc_zero(ret->count + 1, sizeof *ret->versions);
    for (int row = 0; row < PQntuples(rows); row++) {
        struct price_version *version = &ret->versions[row];
        *version = (struct price_version){
            .id = db_identity(rows, row, 0),
            .sku = {.kind = db_text(rows, row, 1),
                    .name = db_text(rows, row, 2),
                    .tier = db_text(rows, row, 3),
                    .currency = db_text(rows, row, 4)},
            .price = {.unit_price_u = db_int(rows, row, 6, 0),
                      .valid = {.from_s = db_int(rows, row, 7, 0), .to_s = db_int(rows, row, 8, RATING_OPEN_END_S)}},
        };
        if (db_text(rows, row, 5) != NULL)
            version->tenant = db_identity(rows, row, 5);
    }
    qsort(ret->versions, ret->count, sizeof *ret->versions, by_sku_tenant_and_start);
    return ERR_NONE;
}

void price_book_release(struct price_book *book)
{
    PQclear(book->rows);
    free(book->versions);
    *book = (struct price_book){0};
}

/* The position of the first version that is not before the key. */
static size_t lower_bound(const struct price_book *book, const struct price_version *key)
{
    size_t low = 0;
    size_t high = book->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_sku_and_tenant(&book->versions[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The neighbours of one sku and tenant, or of the list. */
struct versions {
    const struct price_version *first;
    struct rating_price *prices;
    size_t count;
};

static struct versions find_versions(const struct price_book *book, const struct sku *sku, struct identity tenant)
{
    struct price_version key = {.sku = *sku, .tenant = tenant};
    size_t at = lower_bound(book, &key);
    struct versions found = {.first = &book->versions[at]};
    while (at + found.count < book->count && by_sku_and_tenant(&found.first[found.count], &key) == 0)
        found.count++;
    found.prices = alloc_zero(found.count + 1, sizeof *found.prices);
    for (size_t i = 0; i < found.count; i++)
        found.prices[i] = found.first[i].price;
    return found;
}

void price_book_choose(const struct price_book *book, const struct sku *sku, struct identity tenant,
                       struct price_choice *ret)
{
    struct versions own = find_versions(book, sku, tenant);
    struct versions list = find_versions(book, sku, (struct identity){0});
    size_t most = PRICE_LIST_PIECES_MAX(own.count, list.count);
    size_t *version = alloc_zero(most + 1, sizeof *version);
    *ret = (struct price_choice){
        .prices = alloc_zero(most + 1, sizeof *ret->prices),
        .price_ids = alloc_zero(most + 1, sizeof *ret->price_ids),
    };
    ret->count = price_list_overlay(own.prices, own.count, list.prices, list.count, ret->prices, version);
    for (size_t i = 0; i < ret->count; i++)
        ret->price_ids[i] = version[i] < own.count ? own.first[version[i]].id : list.first[version[i] - own.count].id;
    free(version);
    free(own.prices);
    free(list.prices);
}

void price_choice_release(struct price_choice *choice)
{
    free(choice->prices);
    free(choice->price_ids);
    *choice = (struct price_choice){0};
}
