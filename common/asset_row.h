/* Assets as the tables have them: a row, and rows of changes, as a life (asset_life.h). Any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/asset_life.h"
#include "common/db.h"

/* What asset_row_read reads, the first ASSET_ROW_WIDTH columns, of asset a, its parent p and b, which has in_service: the
 * day from which it is depreciated, or null. day: an expression; units are those delivered before it. */
#define ASSET_ROW_COLUMNS(day)                                                                                         \
    "a.id, coalesce(a.node_id, p.node_id), a.currency, a.cost_minor, a.salvage_minor,"                                 \
    " b.in_service - date '1970-01-01', a.life_months, a.method, a.convention, a.step_months,"                         \
    " coalesce(a.lifetime_gpu_hours, 0) * 3600000,"                                                                    \
    " CASE WHEN a.method = 'units_of_production' THEN (SELECT d.units_gpu_milli_s FROM depreciation d"                 \
    "   WHERE d.asset_id = a.id AND d.day < " day " ORDER BY d.day DESC LIMIT 1) END"
enum {
    ASSET_ROW_ID,
    ASSET_ROW_NODE,
    ASSET_ROW_CURRENCY,
    ASSET_ROW_COST,
    ASSET_ROW_SALVAGE,
    ASSET_ROW_IN_SERVICE,
    ASSET_ROW_LIFE_MONTHS,
    ASSET_ROW_METHOD,
    ASSET_ROW_CONVENTION,
    ASSET_ROW_STEP_MONTHS,
    ASSET_ROW_LIFETIME_UNITS,
    ASSET_ROW_UNITS,
    ASSET_ROW_WIDTH,
};
#define ASSET_ROW_TABLES "asset a LEFT JOIN asset p ON p.id = a.component_of"

struct asset_row {
    struct identity id;
    struct identity node; /* if has_node */
    bool has_node;
    const char *currency; /* in the result */
    int exponent;         /* of it */
    bool is_in_stock;     /* and was never used */
    int64_t units;        /* milli-GPU-seconds delivered before the day */
    struct depreciation_terms terms;
};
MUST_CHECK enum err_kind asset_row_read(const PGresult *rows, int row, struct asset_row *ret, struct err *reterr);

/* What asset_change_read reads, from the column `first` on, of asset_change c. units: delivered before it, where its method
 * asks for them. */
#define ASSET_CHANGE_COLUMNS                                                                                           \
    "c.kind, c.effective_on - date '1970-01-01', c.life_months, c.salvage_minor, c.standard, c.undiscounted_minor,"    \
    " c.fair_value_minor, c.value_in_use_minor, c.selling_cost_minor, c.proceeds_minor, c.part_count, c.part_total"
struct asset_change asset_change_read(const PGresult *rows, int row, int first, int64_t units);
