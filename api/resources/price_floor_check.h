/* Price floors: what a GPU-hour of an instance type or a GPU model must at least be sold for, from what it costs on the
 * dearest kind of node that it may land on (api/economics/unit_cost.h), the utilisation and
 * the margin of the policy in force. The provider sets prices, so the check stands where it does: at a price, a
 * discount, a commitment. A tenant is never refused what it was offered. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/request.h"

/* A field of the bodies that sell: why it may be less than the floor. */
#define PRICE_FLOOR_REASON(struct_, member)                                                                            \
    FIELD_TEXT(                                                                                                        \
        "below_floor_reason", struct_, member, .flags = FIELD_NULLABLE | FIELD_WRITE_ONLY, .least = 1, .most = 255,    \
        .help = "Why a GPU-hour may be sold below the floor of its instance type or GPU model, where that requires a " \
                "reason; kept, with who gave it, under /v1/system/price-floor-overrides")

struct price_floor {
    const char *id; /* UUID of the policy; NULL: there is none */
    const char *mode;
    int64_t utilisation_bp;  /* the policy's, or what unit costs are shown at */
    int64_t margin_bp;       /* FIELD_NULL: no policy */
    int64_t cost_u, floor_u; /* per GPU-hour, micro-units, of what is sold firm */
    int64_t marginal_u;      /* the same of preemptible capacity: cost and floor */
};
/* What has a floor, as prices name it. */
struct price_floor_subject {
    const char *sku_kind, *sku; /* an instance type or a GPU model */
    const char *currency;
    const char *at_s; /* when: seconds, as text; NULL: now */
};
/* *ret_found is false where there is no such type, or no node that can take it. */
MUST_CHECK enum err_kind price_floor_load(struct request *request, const struct price_floor_subject *subject,
                                          struct price_floor *ret, bool *ret_found, struct err *reterr);
int64_t price_floor_of_tier(const struct price_floor *floor, const char *tier);
int64_t price_cost_of_tier(const struct price_floor *floor, const char *tier);

/* Something that is about to be sold. */
struct price_sale {
    const char *sold_by; /* "price", "discount", "commitment": its id is request->new_id */
    struct price_floor_subject subject;
    const char *tier;
    const char *tenant_id; /* NULL: to everybody */
    int64_t least_u;       /* the least that a GPU-hour can cost by it */
    const char *reason;    /* NULL: none given */
};
/* Below a floor that warns: a preview tells it. Below one that requires a reason: ERR_CONFLICT (price_below_floor)
 * without, and a row that keeps it with. */
MUST_CHECK enum err_kind price_floor_check(struct request *request, const struct price_sale *sale, struct err *reterr);

extern const struct db_stmt *const price_floor_check_statements[];
