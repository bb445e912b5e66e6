/* Reading assets and their changes from rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/asset_row.h"

#include "common/calendar.h"
#include "common/money.h"
#include "common/must.h"

/* What was never used begins its life in a time that no book reaches. */
#define NEVER (CALENDAR_DAY_MAX - (DEPRECIATION_LIFE_MONTHS_MAX + 24) * INT64_C(31))

enum err_kind asset_row_read(const PGresult *rows, int row, struct asset_row *ret, struct err *reterr)
{
    *ret = (struct asset_row){
        .id = db_identity(rows, row, 0),
        .has_node = db_text(rows, row, 1) != NULL,
        .currency = db_text(rows, row, 2),
        .is_in_stock = db_text(rows, row, 5) == NULL,
        .units = db_int(rows, row, 11, 0),
        .terms = {.cost_minor = db_int(rows, row, 3, 0),
                  .salvage_minor = db_int(rows, row, 4, 0),
                  .in_service = db_int(rows, row, 5, NEVER),
                  .life_months = db_int(rows, row, 6, 0),
                  .step_months = db_int(rows, row, 9, 0),
                  .lifetime_units = db_int(rows, row, 10, 0)},
    };
    if (ret->has_node)
        ret->node = db_identity(rows, row, 1);
    must(depreciation_method_of(db_text(rows, row, 7), &ret->terms.method)); /* the table's checks */
    must(depreciation_convention_of(db_text(rows, row, 8), &ret->terms.convention));
    enum err_kind kind = depreciation_check(&ret->terms, reterr);
    return kind == ERR_NONE ? money_exponent(ret->currency, &ret->exponent, reterr) : kind;
}

struct asset_change asset_change_read(const PGresult *rows, int row, int first, int64_t units)
{
    struct asset_change change = {
        .day = db_int(rows, row, first + 1, 0),
        .units = units,
        .life_months = db_int(rows, row, first + 2, ASSET_NOT_SAID),
        .salvage_minor = db_int(rows, row, first + 3, ASSET_NOT_SAID),
        .undiscounted_minor = db_int(rows, row, first + 5, ASSET_NOT_SAID),
        .fair_value_minor = db_int(rows, row, first + 6, ASSET_NOT_SAID),
        .value_in_use_minor = db_int(rows, row, first + 7, ASSET_NOT_SAID),
        .selling_cost_minor = db_int(rows, row, first + 8, 0),
        .proceeds_minor = db_int(rows, row, first + 9, 0),
        .part_count = db_int(rows, row, first + 10, 0),
        .part_total = db_int(rows, row, first + 11, 0),
    };
    const char *standard = db_text(rows, row, first + 4);
    must(asset_change_of(db_text(rows, row, first), &change.kind)); /* the table's checks */
    must(standard == NULL || asset_standard_of(standard, &change.standard));
    return change;
}
