/* What a quantity comes to by one version of a price. The models, with q_i the part of the quantity Q in tier i:
 *
 *     flat        round(p Q / h)
 *     graduated   round(sum p_i q_i / h)              each GPU-hour at the price of the tier it falls into
 *     volume      round(p_t Q / h)                    all at the price of the tier t that Q reaches; a tier has its end
 *     package     round(p n ceil(Q / n) / h)          begun packages of n are paid whole
 *
 * h is 3,600,000 milli-GPU-seconds, a GPU-hour; prices are micro-units per GPU-hour; there is one rounding, half to
 * even, of the exact sum. A negative quantity comes to the negative amount of its size. Q is what a tenant used at the
 * price in a billing period. A meter's quantities stand where GPU-time does, h is then its per_unit. Pure: no I/O, no
 * allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>
#include <stdint.h>

#define TARIFF_TIERS_MAX             16
#define TARIFF_GPU_MILLI_S_PER_GPU_H INT64_C(3600000)
#define TARIFF_OPEN_TIER             INT64_MAX /* the end of the last tier */

/* X(model, text in tables) */
#define TARIFF_MODELS(X)                                                                                               \
    X(TARIFF_FLAT, "flat")                                                                                             \
    X(TARIFF_GRADUATED, "graduated")                                                                                   \
    X(TARIFF_VOLUME, "volume")                                                                                         \
    X(TARIFF_PACKAGE, "package")

enum tariff_model {
#define X(model, text) model,
    TARIFF_MODELS(X)
#undef X
        TARIFF_MODEL_COUNT
};

struct tariff_tier {
    int64_t up_to_gpu_milli_s; /* inclusive */
    int64_t gpu_hour_u;
};

struct tariff {
    enum tariff_model model;
    int64_t per_unit;            /* of a meter: its measure to the unit that is priced; 0: of GPU-time */
    int64_t gpu_hour_u;          /* flat; package: of each of its GPU-hours */
    int64_t package_gpu_milli_s; /* package */
    size_t tier_count;           /* graduated, volume: at least one, rising, the last TARIFF_OPEN_TIER */
    struct tariff_tier tiers[TARIFF_TIERS_MAX];
};

/* What the price is of, in the measure of its quantities: h. */
int64_t tariff_per_unit(int64_t per_unit);

/* ERR_INVALID if the amount does not fit. */
MUST_CHECK enum err_kind tariff_amount(const struct tariff *tariff, int64_t gpu_milli_s, int64_t *ret_u,
                                       struct err *reterr);

/* ERR_INVALID for a text that is no model. */
MUST_CHECK enum err_kind tariff_model_from_text(const char *text, enum tariff_model *ret, struct err *reterr);
