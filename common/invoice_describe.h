/* What a line of an invoice says for people. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <libpq-fe.h>

#define INVOICE_DESCRIPTION_SIZE 256

/* The columns of a rated group, as invoice_groups() in the database tells of them. */
#define INVOICE_GROUP_COLUMNS                                                                                          \
    "reservation_id, price_id, commitment_id, charge_category, charge_class, corrects, reason, currency,"              \
    " gpu_milli_seconds, amount_u, sku, model, tier, discounted, unit_price_u, meter_id, meter_quantity, "             \
    "meter_micro_units, unit"
enum invoice_group_column {
    GROUP_RESERVATION,
    GROUP_PRICE,
    GROUP_COMMITMENT,
    GROUP_CATEGORY,
    GROUP_CLASS,
    GROUP_CORRECTS,
    GROUP_REASON,
    GROUP_CURRENCY,
    GROUP_QUANTITY,
    GROUP_AMOUNT,
    GROUP_SKU,
    GROUP_MODEL,
    GROUP_TIER,
    GROUP_DISCOUNTED,
    GROUP_UNIT_PRICE,
    GROUP_METER, /* null: none */
    GROUP_METER_QUANTITY,
    GROUP_MICRO_UNITS, /* of it */
    GROUP_UNIT,        /* of it, as it is priced */
};

void invoice_describe(const PGresult *groups, int row, char ret[static INVOICE_DESCRIPTION_SIZE]);
