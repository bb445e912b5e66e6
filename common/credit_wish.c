/* Reading the rows; the amounts are credit_amounts.c's. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/credit_wish.h"

static struct credit_line read_line(const PGresult *wish, int row)
{
    struct credit_line line = {
        .amount_u = db_int(wish, row, CREDIT_WISH_AMOUNT, 0),
        .net_minor = db_int(wish, row, CREDIT_WISH_NET, 0),
        .gpu_milli_s = db_int(wish, row, CREDIT_WISH_QUANTITY, 0),
        .credits = db_int(wish, row, CREDIT_WISH_CREDITS, 0),
        .credited_u = db_int(wish, row, CREDIT_WISH_CREDITED_U, 0),
        .credited_minor = db_int(wish, row, CREDIT_WISH_CREDITED_MINOR, 0),
        .measure = CREDIT_REST,
    };
    static const struct {
        int column;
        enum credit_measure measure;
    } measures[] = {{CREDIT_WISH_OF_QUANTITY, CREDIT_QUANTITY},
                    {CREDIT_WISH_NUMERATOR, CREDIT_SHARE},
                    {CREDIT_WISH_OF_AMOUNT, CREDIT_AMOUNT}};
    for (size_t i = 0; i < COUNT_OF(measures); i++) {
        if (db_text(wish, row, measures[i].column) == NULL)
            continue;
        line.measure = measures[i].measure;
        line.numerator = db_int(wish, row, measures[i].column, 0);
        line.denominator = db_int(wish, row, CREDIT_WISH_DENOMINATOR, 1);
    }
    return line;
}

enum err_kind credit_wish_work_out(const PGresult *bill, const PGresult *wish, struct credit_line *lines,
                                   struct money_share *ret_tax, struct credit_tax *ret, struct err *reterr)
{
    int count = PQntuples(wish);
    int64_t named = count == 0 ? 1 : db_int(wish, 0, CREDIT_WISH_COUNT, 0);
    if (named != 0 && named != count)
        return err_set_code(reterr, ERR_CONFLICT, "unknown_line", "the invoice does not have this line");
    int exponent = 0;
    enum err_kind kind = money_exponent(db_text(bill, 0, CREDIT_BILL_CURRENCY), &exponent, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool is_something = false;
    for (int i = 0; i < count; i++) {
        lines[i] = read_line(wish, i);
        kind = credit_amounts_line(&lines[i], exponent, reterr);
        if (kind != ERR_NONE)
            return err_context(reterr, "line %s", db_text(wish, i, CREDIT_WISH_LINE));
        is_something = is_something || lines[i].credit_minor != 0;
    }
    if (!is_something)
        return err_set_code(reterr, ERR_CONFLICT, "nothing_to_credit",
                            "nothing is left of it to credit, or it comes to nothing");
    *ret = (struct credit_tax){
        .net_minor = db_int(bill, 0, CREDIT_BILL_NET, 0),
        .tax_minor = db_int(bill, 0, CREDIT_BILL_TAX, 0),
        .credited_net_minor = db_int(bill, 0, CREDIT_BILL_CREDITED_NET, 0),
        .credited_tax_minor = db_int(bill, 0, CREDIT_BILL_CREDITED_TAX, 0),
    };
    return credit_amounts_tax(lines, (size_t)count, ret, ret_tax, reterr);
}
