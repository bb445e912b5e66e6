/* Break-even: one average, one division. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/economics/break_even.h"

#include "api/economics/unit_cost.h"
#include "common/money.h"
#include "common/must.h"

#define MILLI_S_PER_GPU_H INT64_C(3600000)

const char *break_even_outlook_text(enum break_even_outlook outlook)
{
    static const char *const texts[] = {
#define X(outlook, text, what) text,
        BREAK_EVEN_OUTLOOKS(X)
#undef X
    };
    must((unsigned)outlook < BREAK_EVEN_OUTLOOK_COUNT);
    return texts[outlook];
}

/* What is for sale, in sums: its size, its price and what that leaves, each times its size. */
struct for_sale {
    money_wide gpu_milli_s, price, left;
};

static enum err_kind add(struct for_sale *sum, const struct break_even_capacity *capacity, struct err *reterr)
{
    money_wide price_pico = (money_wide)capacity->price_u * UNIT_COST_PICO_PER_MICRO;
    money_wide price, left;
    if (__builtin_mul_overflow(price_pico, capacity->free_gpu_milli_s, &price) ||
        __builtin_mul_overflow(price_pico - capacity->variable_pico, capacity->free_gpu_milli_s, &left) ||
        __builtin_add_overflow(sum->price, price, &sum->price) || __builtin_add_overflow(sum->left, left, &sum->left))
        return err_set(reterr, ERR_INVALID, "what is free is worth more than can be computed with");
    sum->gpu_milli_s += capacity->free_gpu_milli_s;
    return ERR_NONE;
}

static enum err_kind sum_up(const struct break_even_capacity *capacity, size_t count, struct for_sale *ret,
                            struct err *reterr)
{
    *ret = (struct for_sale){0};
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < count && kind == ERR_NONE; i++) {
        must(capacity[i].free_gpu_milli_s >= 0);
        if (capacity[i].price_u != BREAK_EVEN_NO_PRICE)
            kind = add(ret, &capacity[i], reterr);
    }
    if (kind == ERR_NONE && ret->gpu_milli_s > INT64_MAX)
        return err_set(reterr, ERR_INVALID, "more is free than can be computed with");
    return kind;
}

/* Pico per GPU-hour that an average one for sale leaves; rounded down, so that what must suffice does. */
static money_wide left_of_average(const struct for_sale *sum)
{
    return sum->gpu_milli_s == 0 ? 0 : sum->left / sum->gpu_milli_s;
}

enum err_kind break_even_of(int64_t gap_u, const struct break_even_capacity *capacity, size_t count,
                            struct break_even *ret, struct err *reterr)
{
    struct for_sale sum;
    enum err_kind kind = sum_up(capacity, count, &sum, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret = (struct break_even){.outlook = BREAK_EVEN_REACHED,
                               .price_u = BREAK_EVEN_NO_PRICE,
                               .for_sale_gpu_milli_s = (int64_t)sum.gpu_milli_s};
    if (sum.gpu_milli_s > 0)
        kind = money_round(sum.price / UNIT_COST_PICO_PER_MICRO, (int64_t)sum.gpu_milli_s, MONEY_HALF_EVEN,
                           &ret->price_u, reterr);
    if (kind != ERR_NONE || gap_u <= 0)
        return kind;
    ret->outlook = BREAK_EVEN_OUT_OF_REACH;
    ret->to_sell_gpu_milli_s = -1;
    money_wide left_pico = left_of_average(&sum);
    if (left_pico <= 0)
        return ERR_NONE;
    money_wide gap = (money_wide)gap_u * UNIT_COST_PICO_PER_MICRO * MILLI_S_PER_GPU_H;
    money_wide to_sell = gap / left_pico + (gap % left_pico > 0);
    if (to_sell > INT64_MAX)
        return ERR_NONE; /* no fleet has as much */
    ret->to_sell_gpu_milli_s = (int64_t)to_sell;
    if (to_sell <= sum.gpu_milli_s)
        ret->outlook = BREAK_EVEN_POSSIBLE;
    return ERR_NONE;
}
