/* Measuring: cut usage at prices' boundaries, and add up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rating.h"

#include "common/calendar.h"
#include "common/must.h"

/* The position of the first price that is still valid at or after the instant. */
static size_t first_price_from(const struct rating_price *prices, size_t count, int64_t from_s)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (prices[middle].valid.to_s <= from_s)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

static enum err_kind no_price(int64_t at_s, struct err *reterr)
{
    char text[CALENDAR_TIME_SIZE] = "?";
    if (at_s >= CALENDAR_TIME_MIN_S && at_s <= CALENDAR_TIME_MAX_S)
        calendar_time_print(at_s, text);
    return err_set_code(reterr, ERR_NOT_FOUND, "price_missing", "no price is valid at '%s'", text);
}

static enum err_kind too_much(struct err *reterr)
{
    return err_set(reterr, ERR_INVALID, "usage does not fit in 64 bits");
}

static enum err_kind add_usage(struct rating_span span, int64_t gpu_milli, int64_t *gpu_milli_s, struct err *reterr)
{
    int64_t seconds;
    int64_t added;
    if (__builtin_sub_overflow(span.to_s, span.from_s, &seconds) ||
        __builtin_mul_overflow(seconds, gpu_milli, &added) || __builtin_add_overflow(*gpu_milli_s, added, gpu_milli_s))
        return too_much(reterr);
    return ERR_NONE;
}

static enum err_kind measure_one(struct rating_span rest, int64_t gpu_milli, const struct rating_price *prices,
                                 size_t price_count, int64_t *ret_gpu_milli_s, struct err *reterr)
{
    size_t i = first_price_from(prices, price_count, rest.from_s);
    while (rest.from_s < rest.to_s) {
        if (i == price_count || prices[i].valid.from_s > rest.from_s)
            return no_price(rest.from_s, reterr);
        struct rating_span piece = rating_overlap(rest, prices[i].valid);
        must(piece.from_s < piece.to_s); /* else the prices are out of order */
        enum err_kind kind = add_usage(piece, gpu_milli, &ret_gpu_milli_s[i], reterr);
        if (kind != ERR_NONE)
            return kind;
        rest.from_s = piece.to_s;
        i++;
    }
    return ERR_NONE;
}

enum err_kind rating_measure(struct rating_span period, const struct rating_usage *usage, size_t usage_count,
                             const struct rating_price *prices, size_t price_count, int64_t *ret_gpu_milli_s,
                             struct err *reterr)
{
    for (size_t i = 0; i < usage_count; i++) {
        if (usage[i].span.from_s > usage[i].span.to_s)
            return err_set(reterr, ERR_INVALID, "usage interval %zu ends before it starts", i);
        struct rating_span billed = rating_overlap(usage[i].span, period);
        enum err_kind kind = measure_one(billed, usage[i].gpu_milli, prices, price_count, ret_gpu_milli_s, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}
