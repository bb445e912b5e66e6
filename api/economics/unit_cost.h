/* Unit cost: what an hour of a GPU costs, and what it must therefore be sold for.
 *
 * A node costs a fixed amount per hour, whatever it does, and a variable one per GPU-hour that runs. Spread over the
 * GPU-hours that are sold, the fixed part rises as utilisation falls: cost = fixed / (gpus * utilisation) + variable.
 * Rates are in pico (1e-12 of the currency's major unit), so that what is rounded on the way is far below the
 * micro-units of the results. A month is 8766 / 12 hours. Ratios are in ppm (1e-6). Pure: no I/O, no allocation, any
 * thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stdint.h>

#define UNIT_COST_PPM             INT64_C(1000000) /* all of it */
#define UNIT_COST_PICO_PER_MICRO  INT64_C(1000000)
#define UNIT_COST_GPUS_MOST       INT64_C(2000000)
#define UNIT_COST_HOURS_PER_YEAR  8766 /* 365.25 days */
#define UNIT_COST_MONTHS_PER_YEAR 12

/* What one node is and consumes. All amounts in micro-units of one currency, all >= 0. */
struct unit_cost_node {
    int64_t gpus;              /* 1 to UNIT_COST_GPUS_MOST */
    int64_t depreciation_pico; /* per hour */
    int64_t idle_w;            /* drawn with no GPU at work */
    int64_t full_w;            /* drawn with every GPU at work, >= idle_w */
    int64_t pue_ppm;           /* power usage effectiveness: facility power per power of the machines, >= 1 */
    int64_t tariff_u;          /* per kWh */
    int64_t provisioned_w;     /* power that the colocation is paid for */
    int64_t colocation_u;      /* per provisioned kW and month */
    int64_t monthly_u;         /* everything else per node and month: operations, network, storage */
};

/* What follows from it. */
struct unit_cost {
    int64_t gpus;
    int64_t depreciation_pico; /* per node-hour */
    int64_t cash_pico;         /* per node-hour: idle power, colocation and what is paid monthly */
    int64_t variable_pico;     /* per GPU-hour at work, on top */
};

/* ERR_INVALID if something is out of its range or does not fit. */
MUST_CHECK enum err_kind unit_cost_of(const struct unit_cost_node *node, struct unit_cost *ret, struct err *reterr);

/* Adds so many (> 0) nodes of a kind to a fleet that is looked at as if it were one node; begin with all zero. */
MUST_CHECK enum err_kind unit_cost_add(struct unit_cost *fleet, const struct unit_cost *kind, int64_t nodes,
                                       struct err *reterr);

/* What so many nodes cost in a stretch of seconds in which they were at work for so many milli-GPU-seconds, to the
 * nearest micro-unit. */
MUST_CHECK enum err_kind unit_cost_of_time(const struct unit_cost *cost, int64_t nodes, int64_t seconds,
                                           int64_t busy_gpu_milli_s, int64_t *ret_u, struct err *reterr);

/* Cost of a GPU-hour sold when utilisation_ppm (1 to 1,000,000) of all GPU-hours are: fixed / (gpus * utilisation) +
 * variable, to the nearest micro-unit. */
MUST_CHECK enum err_kind unit_cost_per_gpu_hour(const struct unit_cost *cost, int64_t utilisation_ppm, int64_t *ret_u,
                                                struct err *reterr);

/* The utilisation from which a price pays: fixed / (gpus * (price - variable)). Above 1,000,000 it never does; so it is
 * INT64_MAX where the price does not even cover the variable cost. */
int64_t unit_cost_break_even_ppm(const struct unit_cost *cost, int64_t price_u);

/* The least price that leaves margin_ppm (0 to 999,999) of itself at that utilisation: cost / (1 - margin), rounded up,
 * so that the margin is reached. */
MUST_CHECK enum err_kind unit_cost_floor(const struct unit_cost *cost, int64_t utilisation_ppm, int64_t margin_ppm,
                                         int64_t *ret_u, struct err *reterr);

/* The least price of capacity that would otherwise stand idle (preemptible): the variable cost, rounded up. */
int64_t unit_cost_marginal_floor_u(const struct unit_cost *cost);
