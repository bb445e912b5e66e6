/* The price models. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tariff.h"

#include "common/least.h"
#include "common/money.h"
#include "common/must.h"
#include "common/text_find.h"

static const char *const model_texts[] = {
#define X(model, text) [model] = (text),
    TARIFF_MODELS(X)
#undef X
};

/* price x quantity, before the division: below 2^126, so that the sum of the tiers fits. */
static money_wide product(int64_t price_u, int64_t gpu_milli_s)
{
    return (money_wide)price_u * gpu_milli_s;
}

static money_wide flat(const struct tariff *tariff, int64_t quantity)
{
    return product(tariff->gpu_hour_u, quantity);
}

/* At most the dearest price times the whole quantity, so it fits as that does. */
static money_wide graduated(const struct tariff *tariff, int64_t quantity)
{
    money_wide sum = 0;
    int64_t below = 0;
    for (size_t i = 0; i < tariff->tier_count && below < quantity; i++) {
        int64_t end = least_of(tariff->tiers[i].up_to_gpu_milli_s, quantity);
        sum += product(tariff->tiers[i].gpu_hour_u, end - below);
        below = end;
    }
    return sum;
}

static money_wide volume(const struct tariff *tariff, int64_t quantity)
{
    size_t i = 0;
    while (i + 1 < tariff->tier_count && tariff->tiers[i].up_to_gpu_milli_s < quantity)
        i++;
    return product(tariff->tiers[i].gpu_hour_u, quantity);
}

/* A begun package beyond 64 bits is beyond any amount that fits, unless it costs nothing. */
static money_wide package(const struct tariff *tariff, int64_t quantity)
{
    int64_t size = tariff->package_gpu_milli_s;
    must(size > 0);
    int64_t begun = quantity / size + (quantity % size != 0);
    int64_t charged;
    if (__builtin_mul_overflow(begun, size, &charged))
        charged = INT64_MAX;
    return product(tariff->gpu_hour_u, charged);
}

static money_wide (*const models[TARIFF_MODEL_COUNT])(const struct tariff *tariff, int64_t quantity) = {
    [TARIFF_FLAT] = flat,
    [TARIFF_GRADUATED] = graduated,
    [TARIFF_VOLUME] = volume,
    [TARIFF_PACKAGE] = package,
};

int64_t tariff_per_unit(int64_t per_unit)
{
    return per_unit == 0 ? TARIFF_GPU_MILLI_S_PER_GPU_H : per_unit;
}

enum err_kind tariff_amount(const struct tariff *tariff, int64_t gpu_milli_s, int64_t *ret_u, struct err *reterr)
{
    must(tariff->model < TARIFF_MODEL_COUNT);
    if (gpu_milli_s == INT64_MIN)
        return err_set_code(reterr, ERR_INVALID, "amount_out_of_range", "amount does not fit in 64 bits");
    bool is_negative = gpu_milli_s < 0;
    money_wide exact = models[tariff->model](tariff, is_negative ? -gpu_milli_s : gpu_milli_s);
    return money_round(is_negative ? -exact : exact, tariff_per_unit(tariff->per_unit), MONEY_HALF_EVEN, ret_u, reterr);
}

enum err_kind tariff_model_from_text(const char *text, enum tariff_model *ret, struct err *reterr)
{
    size_t found = text_find(model_texts, COUNT_OF(model_texts), text);
    if (found == TARIFF_MODEL_COUNT)
        return err_set(reterr, ERR_INVALID, "'%.32s' is no price model", text);
    *ret = (enum tariff_model)found;
    return ERR_NONE;
}
