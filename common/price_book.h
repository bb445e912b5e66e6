/* Prices and discounts in memory, and which of them hold for a tenant's sku: what estimates and invoices are rated by.
 *
 * Second by second: a project's own price before its tenant's, and that before the list's; within a price, the window
 * of the local day before the base price; of the discounts the most specific one: the project's for the sku, the
 * project's, the tenant's for the sku, the tenant's. One thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "common/price_list.h"
#include "common/rating_period.h"

/* What has a price: texts live as long as whoever gave them. */
struct sku {
    const char *kind; /* instance_type, gpu_model or meter */
    const char *name;
    const char *tier; /* SKU_ANY_TIER of a meter */
    const char *currency;
};
#define SKU_METER    "meter"
#define SKU_ANY_TIER "any"

/* Who pays. */
struct price_customer {
    struct identity tenant; /* nil: list prices only */
    const char *project;    /* NULL: none */
    const char *zone;       /* billing timezone */
};

struct price_version {
    struct sku sku;
    struct identity tenant; /* nil: the list price */
    const char *project;    /* "": of the whole tenant */
    struct identity id;
    struct rating_span valid;
    struct tariff tariff;
    size_t pool; /* of its tariff; RATING_FLAT: flat */
    int64_t minimum_s;
};

struct price_discount {
    struct identity id, tenant;
    const char *project;        /* "": all */
    const char *sku_kind, *sku; /* "": all */
    struct rating_span valid;
    int64_t percent_bp;   /* 0: a fixed price */
    int64_t gpu_hour_u;   /* of a fixed price */
    const char *currency; /* of a fixed price */
};

/* A stretch of time in which a window of a price holds, in one zone. */
struct price_window {
    size_t version;
    const char *zone;
    struct rating_price price;
};

struct price_book {
    const PGresult *price_rows, *window_rows, *discount_rows; /* what the texts live in */
    PGresult *owned[3];
    struct price_version *versions; /* sorted by sku, tenant, project, start */
    size_t count;
    const struct tariff **tariffs; /* of the versions that are not flat, by pool */
    size_t tariff_count;
    struct price_window *windows; /* sorted by version, zone, window, time */
    size_t window_count;
    struct price_discount *discounts; /* sorted by start */
    size_t discount_count;
    const struct price_version **by_id; /* sorted */
};

/* Which prices: of everything, or of one sku and the prices that a tenant may see. */
struct price_scope {
    int64_t from_s, to_s;
    const char *sku_kind, *sku; /* NULL: all */
    const char *tenant;         /* UUID; NULL: of all tenants, or, with a sku, of none */
};

/* Runs a statement; the result outlives the book. */
typedef enum err_kind price_book_ask(void *context, const struct db_stmt *stmt, const char *const *params,
                                     const PGresult **ret, struct err *reterr);

/* Every version and discount that is valid within the scope. */
MUST_CHECK enum err_kind price_book_read(price_book_ask *ask, void *context, const struct price_scope *scope,
                                         struct price_book *ret, struct err *reterr);
/* The same by a connection; the book owns what was read. */
MUST_CHECK enum err_kind price_book_load(struct db *db, const struct price_scope *scope, struct price_book *ret,
                                         struct err *reterr);
void price_book_release(struct price_book *book); /* for CLEANUP; starts as {0} */

#define PRICE_BOOK_NONE UINT32_MAX

/* What holds for a sku and who pays for it, one after the other. */
struct price_choice {
    struct rating_price *prices; /* version: index in the book */
    struct rating_price *list;   /* of the same stretch; version PRICE_BOOK_NONE: the list has no price */
    uint32_t *discounts;         /* of the same stretch; index in the book, or PRICE_BOOK_NONE */
    size_t count;
};
void price_book_choose(const struct price_book *book, const struct sku *sku, const struct price_customer *customer,
                       struct price_choice *ret);
void price_choice_release(struct price_choice *choice); /* for CLEANUP; starts as {0} */

/* By id; NULL where the book has none. */
const struct price_version *price_book_find(const struct price_book *book, struct identity price);
const struct price_discount *price_book_find_discount(const struct price_book *book, struct identity discount);
/* Per GPU-hour, in a window of the price or (0) outside of all. */
int64_t price_book_unit_price(const struct price_book *book, const struct price_version *version, uint32_t window);
/* Takes a percentage off the item's amount, or puts the fixed price in its price's place. */
void price_discount_apply(const struct price_discount *discount, struct rating_item *item);

/* The item of a quantity used in a stretch. group and sku are the caller's to set. */
struct rating_item price_choice_item(const struct price_book *book, const struct price_choice *choice, size_t stretch,
                                     int64_t seconds, int64_t gpu_milli_s);

extern const struct db_stmt *const price_book_statements[];
