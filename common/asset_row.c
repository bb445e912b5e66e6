/* Reading assets and their changes from rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/asset_row.h"

#include "common/calendar.h"
#include "common/money.h"
#include "common/must.h"

/* What was never used begins its life in a time that no book reaches. */
#define NEVER_USED (CALENDAR_DAY_MAX - (DEPRECIATION_LIFE_MONTHS_MAX + 24) * INT64_C(31))

enum err_kind asset_row_read(const PGresult *rows, int row, struct asset_row *ret, struct err *reterr)
{
    *ret = (struct asset_row){
        .id = db_identity(rows, row, ASSET_ROW_ID),
        .has_node = db_text(rows, row, ASSET_ROW_NODE) != NULL,
        .currency = db_text(rows, row, ASSET_ROW_CURRENCY),
        .is_in_stock = db_text(rows, row, ASSET_ROW_IN_SERVICE) == NULL,
        .units = db_int(rows, row, ASSET_ROW_UNITS, 0),
        .terms = {.cost_minor = db_int(rows, row, ASSET_ROW_COST, 0),
                  .salvage_minor = db_int(rows, row, ASSET_ROW_SALVAGE, 0),
                  .in_service = db_int(rows, row, ASSET_ROW_IN_SERVICE, NEVER_USED),
                  .life_months = db_int(rows, row, ASSET_ROW_LIFE_MONTHS, 0),
                  .step_months = db_int(rows, row, ASSET_ROW_STEP_MONTHS, 0),
                  .lifetime_units = db_int(rows, row, ASSET_ROW_LIFETIME_UNITS, 0)},
    };
    if (ret->has_node)
        ret->node = db_identity(rows, row, ASSET_ROW_NODE);
    must(depreciation_method_of(db_text(rows, row, ASSET_ROW_METHOD), &ret->terms.method)); /* the table's checks */
    must(depreciation_convention_of(db_text(rows, row, ASSET_ROW_CONVENTION), &ret->terms.convention));
    enum err_kind kind = depreciation_check(&ret->terms, reterr);
    return kind == ERR_NONE ? money_exponent(ret->currency, &ret->exponent, reterr) : kind;
}

/* The columns of ASSET_CHANGE_COLUMNS. */
enum {
    CHANGE_KIND,
    CHANGE_DAY,
    CHANGE_LIFE_MONTHS,
    CHANGE_SALVAGE,
    CHANGE_STANDARD,
    CHANGE_UNDISCOUNTED,
    CHANGE_FAIR_VALUE,
    CHANGE_VALUE_IN_USE,
    CHANGE_SELLING_COST,
    CHANGE_PROCEEDS,
    CHANGE_PART_COUNT,
    CHANGE_PART_TOTAL,
};

struct asset_change asset_change_read(const PGresult *rows, int row, int first, int64_t units)
{
    struct asset_change change = {
        .day = db_int(rows, row, first + CHANGE_DAY, 0),
        .units = units,
        .life_months = db_int(rows, row, first + CHANGE_LIFE_MONTHS, ASSET_NOT_SAID),
        .salvage_minor = db_int(rows, row, first + CHANGE_SALVAGE, ASSET_NOT_SAID),
        .undiscounted_minor = db_int(rows, row, first + CHANGE_UNDISCOUNTED, ASSET_NOT_SAID),
        .fair_value_minor = db_int(rows, row, first + CHANGE_FAIR_VALUE, ASSET_NOT_SAID),
        .value_in_use_minor = db_int(rows, row, first + CHANGE_VALUE_IN_USE, ASSET_NOT_SAID),
        .selling_cost_minor = db_int(rows, row, first + CHANGE_SELLING_COST, 0),
        .proceeds_minor = db_int(rows, row, first + CHANGE_PROCEEDS, 0),
        .part_count = db_int(rows, row, first + CHANGE_PART_COUNT, 0),
        .part_total = db_int(rows, row, first + CHANGE_PART_TOTAL, 0),
    };
    const char *standard = db_text(rows, row, first + CHANGE_STANDARD);
    must(asset_change_of(db_text(rows, row, first + CHANGE_KIND), &change.kind)); /* the table's checks */
    must(standard == NULL || asset_standard_of(standard, &change.standard));
    return change;
}
