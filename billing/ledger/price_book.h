/* The prices that a day's rating needs, in memory. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/price_list.h"
#include "common/db.h"

/* What has a price: texts live as long as whoever gave them. */
struct sku {
    const char *kind; /* instance_type or gpu_model */
    const char *name;
    const char *tier;
    const char *currency;
};

struct price_version;

struct price_book {
    PGresult *rows;
    struct price_version *versions; /* sorted by sku, tenant, start */
    size_t count;
};

/* Every version that is valid within [from_s, to_s). */
MUST_CHECK enum err_kind price_book_load(struct db *db, int64_t from_s, int64_t to_s, struct price_book *ret,
                                         struct err *reterr);
void price_book_release(struct price_book *book); /* for CLEANUP; starts as {0} */

/* The prices of a sku for a tenant, its own before the list's. */
struct price_choice {
    struct rating_price *prices;
    struct identity *price_ids; /* of each of the prices; a version may come twice */
    size_t count;
};
void price_book_choose(const struct price_book *book, const struct sku *sku, struct identity tenant,
                       struct price_choice *ret);
void price_choice_release(struct price_choice *choice); /* for CLEANUP; starts as {0} */

extern const struct db_stmt *const price_book_statements[];
