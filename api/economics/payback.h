/* Payback: month by month, what a purchase brings back, under a scenario.
 *
 * Revenue falls by the same share each month; costs are paid in cash (depreciation is not); what a month leaves may be
 * discounted. Once a month leaves nothing the hardware is worth more switched off, so the curve's peak is where it
 * would retire; months that were are not asked. Simple payback is the first month in which what came back reaches the
 * purchase. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/economics/unit_cost.h"

#include <stddef.h>

#define PAYBACK_MONTHS_MOST 240

struct payback_scenario {
    int64_t capex_u;
    int64_t price_u;         /* per GPU-hour in the first month */
    int64_t utilisation_ppm; /* of the GPU-hours that are sold */
    int64_t decline_ppm;     /* of the price, per month; below 1,000,000 */
    int64_t discount_ppm;    /* rate per month; the first month is discounted once */
    const int64_t *actual_u; /* what the first months left in cash; the scenario begins with the next one */
    size_t actual_months;    /* 0: it begins with the first */
};

struct payback {
    int paid_back_month; /* from 1; 0: not within the months asked for */
    int peak_month;      /* the last before a month that leaves nothing; 0: none leaves anything */
    int64_t peak_u;      /* brought back by then */
};

/* Fills cumulative_u[0 .. months - 1] (the caller's, months <= PAYBACK_MONTHS_MOST) with what came back up to the end
 * of each month, and *ret. ERR_INVALID if an amount does not fit. */
MUST_CHECK enum err_kind payback_curve(const struct unit_cost *cost, const struct payback_scenario *scenario,
                                       int64_t *cumulative_u, size_t months, struct payback *ret, struct err *reterr);
