/* What a window costs before it has run, or so far. Rating is common/rating_period.h, the same that rates usage: so an
 * estimate is what the invoice comes to if everything is delivered and nothing else is used at a price with tiers. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"
#include "common/price_book.h"
#include "common/rating.h"

struct price_terms {
    const char *sku_kind, *sku; /* sku NULL: it may land on several models, each with a price of its own */
    const char *tier, *currency;
    const char *tenant_id;    /* UUID; NULL: list prices, months in UTC */
    const char *project;      /* NULL: none */
    int64_t starts_s, ends_s; /* ends_s FIELD_NULL: open */
    int64_t gpu_milli;        /* of all instances */
    int64_t count;            /* of instances whose whole life it is; 0: what lacks to a minimum duration is left out */
};

struct price_estimate {
    bool is_known;           /* a price holds for every second */
    int64_t hourly_u;        /* an hour of it, at the price of its start; micro-units, as all amounts */
    int64_t total_u;         /* all of it; FIELD_NULL: open */
    int64_t highest_price_u; /* per GPU-hour, of all that hold in it; 0 where none does */
};

MUST_CHECK enum err_kind price_estimate(struct request *request, const struct price_terms *terms,
                                        struct price_estimate *ret, struct err *reterr);

/* What the usage comes to by the terms; starts_s to ends_s is where the usage lies, and the whole life of the instances
 * where there is a count, whose gpu_milli is not looked at otherwise.
 * ERR_NOT_FOUND where a second has no price, ERR_INVALID where the amount does not fit. */
MUST_CHECK enum err_kind price_usage(struct request *request, const struct price_terms *terms,
                                     const struct rating_usage *usage, size_t count, int64_t *ret_u,
                                     struct err *reterr);

/* The same of what may have no price, and is free then: keeps the usage that has one, in its order. */
MUST_CHECK enum err_kind price_priced_usage(struct request *request, const struct price_terms *terms,
                                            struct rating_usage *usage, size_t count, size_t *ret_count, int64_t *ret_u,
                                            struct err *reterr);

/* Adds what the usage comes to within a billing month (or a part of one), by what holds in it: as if nothing else is
 * used at a price with tiers. Errors as above. */
MUST_CHECK enum err_kind price_month_add(struct request *request, const struct price_book *book,
                                         const struct price_choice *choice, struct rating_span month,
                                         const struct rating_usage *usage, size_t count, int64_t *amount_u,
                                         struct err *reterr);
/* For price_book_read: a statement run with the request, a struct request. */
MUST_CHECK enum err_kind price_ask(void *request, const struct db_stmt *stmt, const char *const *params,
                                   const PGresult **ret, struct err *reterr);

/* {"hourly": money, "estimate": money or null} where it is known, else null. */
void price_estimate_out(struct json_out *out, const struct price_estimate *estimate, const char *currency);
/* Its members alone, of one that is known. */
void price_estimate_members(struct json_out *out, const struct price_estimate *estimate, const char *currency);
/* {"amount", "currency"} */
void price_money_out(struct json_out *out, int64_t amount_u, const char *currency);

extern const struct db_stmt *const price_estimate_statements[];
