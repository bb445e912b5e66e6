/* What a window costs before it has run. Pure arithmetic is common/rating.h, the same that rates usage: so an estimate
 * is what the invoice comes to if everything is delivered. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

struct price_terms {
    const char *sku_kind, *sku; /* sku NULL: it may land on several models, each with a price of its own */
    const char *tier, *currency;
    const char *tenant_id;    /* UUID; NULL: list prices, months in UTC */
    int64_t starts_s, ends_s; /* ends_s FIELD_NULL: open */
    int64_t gpu_milli;        /* of all instances */
};

struct price_estimate {
    bool is_known;           /* a price holds for every second */
    int64_t hourly_u;        /* an hour of it, at the price of its start; micro-units, as all amounts */
    int64_t total_u;         /* all of it; FIELD_NULL: open */
    int64_t highest_price_u; /* per GPU-hour, of all that hold in it; 0 where none does */
};

MUST_CHECK enum err_kind price_estimate(struct request *request, const struct price_terms *terms,
                                        struct price_estimate *ret, struct err *reterr);
/* {"hourly": money, "estimate": money or null} where it is known, else null. */
void price_estimate_out(struct json_out *out, const struct price_estimate *estimate, const char *currency);
/* {"amount", "currency"} */
void price_money_out(struct json_out *out, int64_t amount_u, const char *currency);

extern const struct db_stmt *const price_estimate_statements[];
