/* The cost of a kind of node: rows of node_kind_costs() as what api/economics/unit_cost.h takes. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/economics/unit_cost.h"
#include "api/server/request.h"

#include <libpq-fe.h>

/* Columns of node_kind_costs() that node_kind_cost reads, by name; a statement selects them as they are. */
#define NODE_KIND_COLUMNS                                                                                              \
    "k.gpu_count, k.depreciation_nano_minor, k.idle_w, k.full_w, k.tariff_u, k.pue_milli, k.kw_month_u, k.month_u"

/* The cost of a row's kind of node; money is of that currency. ERR_INVALID if a figure is beyond what can be
 * computed with. */
MUST_CHECK enum err_kind node_kind_cost(const PGresult *rows, int row, const char *currency, struct unit_cost *ret,
                                        struct err *reterr);

/* Whether that is a currency we bill in; if not, a problem of ?currency is added. */
bool node_kind_currency_is_known(struct request *request, const char *currency);
