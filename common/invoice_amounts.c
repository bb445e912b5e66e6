/* Invoice amounts: one rounding per line, one tax per invoice. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/invoice_amounts.h"

enum err_kind invoice_amounts_round(struct invoice_line_amount *lines, size_t count, int exponent, struct err *reterr)
{
    for (size_t i = 0; i < count; i++) {
        struct invoice_line_amount *line = &lines[i];
        int64_t net_u = 0;
        line->net_minor = money_minor_of_micro(line->amount_u, exponent);
        enum err_kind kind = money_micro_of_minor(line->net_minor, exponent, &net_u, reterr);
        if (kind != ERR_NONE)
            return err_context(reterr, "cannot round line %zu", i);
        line->rounding_u = net_u - line->amount_u; /* at most half a minor unit */
    }
    return ERR_NONE;
}

enum err_kind invoice_amounts_tax(const struct invoice_line_amount *lines, size_t count, int64_t rate_bp,
                                  struct money_share *ret_tax, struct invoice_amounts *ret, struct err *reterr)
{
    if (rate_bp < 0 || rate_bp > MONEY_BASIS_POINTS)
        return err_set(reterr, ERR_INVALID, "tax rate of %lld basis points is not within 0 and 10000",
                       (long long)rate_bp);
    struct invoice_amounts sums = {0};
    for (size_t i = 0; i < count; i++) {
        ret_tax[i].weight = lines[i].net_minor;
        enum err_kind kind = money_add(sums.net_minor, lines[i].net_minor, &sums.net_minor, reterr);
        if (kind != ERR_NONE)
            return err_context(reterr, "cannot add up the lines");
    }
    money_wide tax = (money_wide)sums.net_minor * rate_bp;
    enum err_kind kind = money_round(tax, MONEY_BASIS_POINTS, MONEY_HALF_AWAY, &sums.tax_minor, reterr);
    if (kind == ERR_NONE)
        kind = money_apportion(sums.tax_minor, rate_bp, MONEY_BASIS_POINTS, ret_tax, count, reterr);
    if (kind == ERR_NONE)
        kind = money_add(sums.net_minor, sums.tax_minor, &sums.total_minor, reterr);
    if (kind == ERR_NONE)
        *ret = sums;
    return kind;
}
