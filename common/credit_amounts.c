/* Credits: cumulative rounding, capped. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/credit_amounts.h"

static int64_t sign_of(int64_t amount)
{
    return (amount > 0) - (amount < 0);
}

/* Is part within whole: of its sign (or nothing), and not larger? */
static bool is_within(int64_t part, int64_t whole)
{
    return sign_of(part) == 0 || (sign_of(part) == sign_of(whole) && (whole > 0 ? part <= whole : part >= whole));
}

/* What is credited of the line then, in micro-units, before it is held against the line. */
static enum err_kind credited_then(const struct credit_line *line, int64_t numerator, int64_t denominator,
                                   int64_t *ret_u, struct err *reterr)
{
    if (denominator <= 0 || numerator <= 0)
        return err_set(reterr, ERR_INVALID, "%lld of %lld is no share of a line", (long long)numerator,
                       (long long)denominator);
    int64_t credit_u = 0;
    enum err_kind kind =
        money_round((money_wide)line->amount_u * numerator, denominator, MONEY_HALF_EVEN, &credit_u, reterr);
    return kind == ERR_NONE ? money_add(line->credited_u, credit_u, ret_u, reterr) : kind;
}

static enum err_kind exceeds(struct err *reterr)
{
    return err_set_code(reterr, ERR_CONFLICT, "credit_exceeds_line", "it is more than what is left of the line");
}

static enum err_kind take_amount(struct credit_line *line, int exponent, struct err *reterr)
{
    int64_t then_minor = 0;
    int64_t then_u = 0;
    if (sign_of(line->numerator) != sign_of(line->net_minor))
        return err_set(reterr, ERR_INVALID, "the amount must have the sign of the line");
    enum err_kind kind = money_add(line->credited_minor, line->numerator, &then_minor, reterr);
    if (kind == ERR_NONE && !is_within(then_minor, line->net_minor))
        return exceeds(reterr);
    if (kind == ERR_NONE)
        kind = money_micro_of_minor(then_minor, exponent, &then_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (then_minor == line->net_minor || !is_within(then_u, line->amount_u))
        then_u = line->amount_u;
    line->credit_minor = line->numerator;
    line->credit_u = then_u - line->credited_u;
    return ERR_NONE;
}

static enum err_kind take_part(struct credit_line *line, int64_t denominator, int exponent, struct err *reterr)
{
    int64_t then_u = 0;
    enum err_kind kind = credited_then(line, line->numerator, denominator, &then_u, reterr);
    if (kind != ERR_NONE)
        return kind;
    int64_t then_minor = money_minor_of_micro(then_u, exponent);
    if (!is_within(then_minor, line->net_minor))
        return exceeds(reterr);
    /* Shares that were rounded one by one may pass or miss the line, by half a micro-unit each. */
    int64_t rest_u = line->amount_u - then_u;
    bool is_rounding = (rest_u < 0 ? -rest_u : rest_u) <= (line->credits + 1) / 2;
    if (!is_within(then_u, line->amount_u) || is_rounding) {
        then_u = line->amount_u;
        then_minor = line->net_minor;
    }
    line->credit_u = then_u - line->credited_u;
    line->credit_minor = then_minor - line->credited_minor;
    return ERR_NONE;
}

enum err_kind credit_amounts_line(struct credit_line *line, int exponent, struct err *reterr)
{
    switch (line->measure) {
    case CREDIT_REST:
        line->credit_u = line->amount_u - line->credited_u;
        line->credit_minor = line->net_minor - line->credited_minor;
        return ERR_NONE;
    case CREDIT_QUANTITY:
        if (line->numerator > line->gpu_milli_s)
            return exceeds(reterr);
        return take_part(line, line->gpu_milli_s, exponent, reterr);
    case CREDIT_SHARE:
        return take_part(line, line->denominator, exponent, reterr);
    case CREDIT_AMOUNT:
        return take_amount(line, exponent, reterr);
    }
    return err_set(reterr, ERR_INTERNAL, "no measure of credits has the number %d", (int)line->measure);
}

/* round(tax x credited / net); 0 of nothing. */
static enum err_kind tax_of(const struct credit_tax *tax, int64_t credited_minor, int64_t *ret, struct err *reterr)
{
    *ret = 0;
    if (tax->net_minor == 0)
        return ERR_NONE;
    money_wide numerator = (money_wide)tax->tax_minor * credited_minor;
    int64_t denominator = tax->net_minor < 0 ? -tax->net_minor : tax->net_minor;
    return money_round(tax->net_minor < 0 ? -numerator : numerator, denominator, MONEY_HALF_AWAY, ret, reterr);
}

enum err_kind credit_amounts_tax(const struct credit_line *lines, size_t count, struct credit_tax *tax,
                                 struct money_share *ret_tax, struct err *reterr)
{
    int64_t net_then = tax->credited_net_minor;
    int64_t tax_then = 0;
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < count && kind == ERR_NONE; i++) {
        ret_tax[i] = (struct money_share){.weight = lines[i].credit_minor};
        kind = money_add(net_then, lines[i].credit_minor, &net_then, reterr);
    }
    if (kind == ERR_NONE && !is_within(net_then, tax->net_minor))
        return err_set_code(reterr, ERR_CONFLICT, "credit_exceeds_invoice",
                            "more would be credited than the invoice came to");
    if (kind == ERR_NONE)
        kind = tax_of(tax, net_then, &tax_then, reterr);
    if (kind != ERR_NONE)
        return kind;
    tax->credit_net_minor = net_then - tax->credited_net_minor;
    tax->credit_tax_minor = tax_then - tax->credited_tax_minor;
    int64_t net = tax->credit_net_minor;
    if (net == 0)
        return ERR_NONE; /* and no tax: the credited net is where it was */
    return money_apportion(tax->credit_tax_minor, net < 0 ? -tax->credit_tax_minor : tax->credit_tax_minor,
                           net < 0 ? -net : net, ret_tax, count, reterr);
}
