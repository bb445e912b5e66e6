/* Assets: the hardware as bought. What billing depreciates starts from these rows; what happens to them later are
 * changes (asset_change.c). */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

struct asset_wish {
    const char *id;
    const char *serial;
    const char *node;
    const char *cohort;
    const char *vendor;
    const char *part;
    const char *component_of;   /* serial */
    const char *purchase_order; /* number */
    const char *lot;
    struct field_money cost;
    struct field_money salvage;
    const char *acquired_on;
    const char *in_service;
    int64_t life_months;
    const char *method;
    const char *convention;
    int64_t step_months;
    int64_t lifetime_gpu_hours;
};

extern const struct field asset_fields[];
extern const struct schema asset_schema;

/* One row per asset; a row's pointers begin with its prefix. */
struct asset_rows {
    const struct asset_wish *items;
    size_t count;
    const char *const *prefixes;
    const bool *unreadable; /* those with problems already, which is as far as they are checked; NULL: none */
};

/* Adds to request->problems what is wrong with each, then makes them all: request->new_id is the first one's id.
 * ERR_INVALID with all problems, and nothing is made. *ret_taken: the serial number that an asset has already (nothing
 * is made then), or NULL. */
MUST_CHECK enum err_kind asset_make(struct request *request, const struct asset_rows *rows, const char **ret_taken,
                                    struct err *reterr);

/* Minor units as text, of an amount that was read as such; "0" where it was not given. */
const char *asset_minor_text(struct request *request, const struct field_money *money);

extern const struct db_stmt *const asset_make_statements[];
