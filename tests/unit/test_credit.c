/* What credit notes promise: golden amounts, and that no row of credits takes back more than there was. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/credit_amounts.h"
#include "common/invoice_amounts.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <string.h>

#define CASES     4000
#define LINES_MAX 6
#define EXPONENT  2

/* The invoice of G13: June 2026, 8 GPUs, 2.49 and then 2.29, at 19 %. */
static const struct credit_line g13_first = {
    .amount_u = 7410240000, .net_minor = 741024, .gpu_milli_s = INT64_C(1339200) * 8000};
static const struct credit_line g13_second = {
    .amount_u = 6375360000, .net_minor = 637536, .gpu_milli_s = INT64_C(1252800) * 8000};
static const struct credit_tax g13_tax = {.net_minor = 1378560, .tax_minor = 261926};

START_TEST(g15_an_outage_is_credited_by_its_seconds)
{
    struct credit_line line = g13_first;
    struct credit_tax tax = g13_tax;
    struct money_share shown;
    line.measure = CREDIT_QUANTITY;
    line.numerator = INT64_C(12000) * 8000;
    ck_assert_int_eq(credit_amounts_line(&line, EXPONENT, NULL), ERR_NONE);
    ck_assert_int_eq(credit_amounts_tax(&line, 1, &tax, &shown, NULL), ERR_NONE);
    ck_assert_int_eq(line.credit_minor, 6640);
    ck_assert_int_eq(tax.credit_tax_minor, 1262);
    ck_assert_int_eq(shown.amount, 1262);
}
END_TEST

START_TEST(g15_three_thirds_are_the_whole_and_leave_no_tax)
{
    static const int64_t taxes[3] = {87309, 87308, 87309};
    struct credit_line lines[2] = {g13_first, g13_second};
    struct credit_tax tax = g13_tax;
    for (int third = 0; third < 3; third++) {
        struct money_share shown[2];
        for (int i = 0; i < 2; i++) {
            lines[i].measure = CREDIT_SHARE;
            lines[i].numerator = 1;
            lines[i].denominator = 3;
            ck_assert_int_eq(credit_amounts_line(&lines[i], EXPONENT, NULL), ERR_NONE);
        }
        ck_assert_int_eq(lines[0].credit_minor, 247008);
        ck_assert_int_eq(lines[1].credit_minor, 212512);
        ck_assert_int_eq(credit_amounts_tax(lines, 2, &tax, shown, NULL), ERR_NONE);
        ck_assert_int_eq(tax.credit_net_minor, 459520);
        ck_assert_int_eq(tax.credit_tax_minor, taxes[third]);
        ck_assert_int_eq(shown[0].amount + shown[1].amount, taxes[third]);
        for (int i = 0; i < 2; i++) {
            lines[i].credited_u += lines[i].credit_u;
            lines[i].credited_minor += lines[i].credit_minor;
        }
        tax.credited_net_minor += tax.credit_net_minor;
        tax.credited_tax_minor += tax.credit_tax_minor;
    }
    ck_assert_int_eq(tax.credited_net_minor, tax.net_minor);
    ck_assert_int_eq(tax.credited_tax_minor, tax.tax_minor);
}
END_TEST

/* 25,000 micro-units are 3 cents, and three times 8,333 are 2. */
START_TEST(thirds_that_were_rounded_down_are_the_whole_line)
{
    struct credit_line line = {
        .amount_u = 25000, .net_minor = 3, .measure = CREDIT_SHARE, .numerator = 1, .denominator = 3};
    for (line.credits = 0; line.credits < 3; line.credits++) {
        ck_assert_int_eq(credit_amounts_line(&line, EXPONENT, NULL), ERR_NONE);
        line.credited_u += line.credit_u;
        line.credited_minor += line.credit_minor;
    }
    ck_assert_int_eq(line.credited_u, line.amount_u);
    ck_assert_int_eq(line.credited_minor, line.net_minor);
}
END_TEST

START_TEST(more_than_a_line_came_to_is_refused)
{
    struct err err = {0};
    struct credit_line line = g13_first;
    line.credited_minor = 741000;
    line.credited_u = 7410000000;
    line.measure = CREDIT_AMOUNT;
    line.numerator = 25;
    ck_assert_int_eq(credit_amounts_line(&line, EXPONENT, &err), ERR_CONFLICT);
    ck_assert_str_eq(err.code, "credit_exceeds_line");
    line.numerator = -1;
    ck_assert_int_eq(credit_amounts_line(&line, EXPONENT, NULL), ERR_INVALID);
    line.numerator = 24;
    ck_assert_int_eq(credit_amounts_line(&line, EXPONENT, NULL), ERR_NONE);
    ck_assert_int_eq(line.credited_u + line.credit_u, line.amount_u);
}
END_TEST

/* ---- Random invoices, credited in random steps until nothing is left ---- */

struct bill {
    struct credit_line lines[LINES_MAX];
    size_t count;
    struct credit_tax tax;
};

static struct bill random_bill(struct property *property)
{
    struct bill bill = {.count = (size_t)property_between(property, 1, LINES_MAX)};
    struct invoice_line_amount amounts[LINES_MAX] = {0};
    struct money_share shown[LINES_MAX];
    struct invoice_amounts totals;
    for (size_t i = 0; i < bill.count; i++)
        amounts[i].amount_u = property_between(property, 0, INT64_C(30000000000));
    ck_assert_int_eq(invoice_amounts_round(amounts, bill.count, EXPONENT, NULL), ERR_NONE);
    int64_t rate = property_between(property, 0, 2500);
    ck_assert_int_eq(invoice_amounts_tax(amounts, bill.count, rate, shown, &totals, NULL), ERR_NONE);
    for (size_t i = 0; i < bill.count; i++)
        bill.lines[i] = (struct credit_line){.amount_u = amounts[i].amount_u,
                                             .net_minor = amounts[i].net_minor,
                                             .gpu_milli_s = property_between(property, 1, INT64_C(21427200000))};
    bill.tax.net_minor = totals.net_minor;
    bill.tax.tax_minor = totals.tax_minor;
    return bill;
}

static void wish(struct property *property, struct credit_line *line)
{
    line->measure = (enum credit_measure)property_between(property, CREDIT_REST, CREDIT_AMOUNT);
    line->denominator = property_between(property, 1, 12);
    line->numerator = property_between(property, 1, line->denominator);
    if (line->measure == CREDIT_QUANTITY)
        line->numerator = property_between(property, 1, line->gpu_milli_s);
    if (line->measure == CREDIT_AMOUNT)
        line->numerator = property_between(property, 1, line->net_minor < 1 ? 1 : line->net_minor);
}

/* The oracle: what is left, by plain subtraction, in the widest integers. */
static void nothing_is_taken_twice(const struct bill *bill)
{
    __int128 net = 0;
    for (size_t i = 0; i < bill->count; i++) {
        const struct credit_line *line = &bill->lines[i];
        ck_assert(line->credited_minor >= 0 && line->credited_minor <= line->net_minor);
        ck_assert(line->credited_u >= 0 && line->credited_u <= line->amount_u);
        net += line->credited_minor;
    }
    ck_assert(net == bill->tax.credited_net_minor);
    /* Within half a cent of the exact tax, and exact at the end. */
    __int128 exact = (__int128)bill->tax.tax_minor * net * 2;
    __int128 taken = (__int128)bill->tax.credited_tax_minor * bill->tax.net_minor * 2;
    __int128 off = exact > taken ? exact - taken : taken - exact;
    ck_assert(off <= bill->tax.net_minor);
}

static bool credit(struct property *property, struct bill *bill, bool all)
{
    struct bill next = *bill;
    struct money_share shown[LINES_MAX];
    int64_t shown_tax = 0;
    for (size_t i = 0; i < next.count; i++) {
        wish(property, &next.lines[i]);
        if (all)
            next.lines[i].measure = CREDIT_REST;
        enum err_kind kind = credit_amounts_line(&next.lines[i], EXPONENT, NULL);
        if (kind != ERR_NONE)
            return false; /* all of it or nothing */
    }
    ck_assert_int_eq(credit_amounts_tax(next.lines, next.count, &next.tax, shown, NULL), ERR_NONE);
    for (size_t i = 0; i < next.count; i++) {
        next.lines[i].credited_u += next.lines[i].credit_u;
        next.lines[i].credited_minor += next.lines[i].credit_minor;
        shown_tax += shown[i].amount;
    }
    ck_assert_int_eq(shown_tax, next.tax.credit_tax_minor);
    next.tax.credited_net_minor += next.tax.credit_net_minor;
    next.tax.credited_tax_minor += next.tax.credit_tax_minor;
    *bill = next;
    return true;
}

START_TEST(credits_never_pass_the_invoice_and_full_credit_leaves_nothing)
{
    struct property property = property_begin("credits never pass the invoice");
    for (int i = 0; i < CASES; i++) {
        struct bill bill = random_bill(&property);
        for (int64_t steps = property_between(&property, 0, 4); steps > 0; steps--) {
            (void)credit(&property, &bill, false); /* refused where it is too much */
            nothing_is_taken_twice(&bill);
        }
        ck_assert(credit(&property, &bill, true));
        nothing_is_taken_twice(&bill);
        ck_assert_int_eq(bill.tax.credited_net_minor, bill.tax.net_minor);
        ck_assert_int_eq(bill.tax.credited_tax_minor, bill.tax.tax_minor);
    }
}
END_TEST

START_TEST(an_invoice_of_credits_is_credited_with_its_signs)
{
    struct credit_line lines[2] = {
        {.amount_u = -10000000, .net_minor = -1000, .measure = CREDIT_SHARE, .numerator = 1, .denominator = 3},
        {.amount_u = 2000000, .net_minor = 200, .measure = CREDIT_REST}};
    struct credit_tax tax = {.net_minor = -800, .tax_minor = -152};
    struct money_share shown[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(credit_amounts_line(&lines[i], EXPONENT, NULL), ERR_NONE);
    ck_assert_int_eq(lines[0].credit_minor, -333);
    ck_assert_int_eq(credit_amounts_tax(lines, 2, &tax, shown, NULL), ERR_NONE);
    ck_assert_int_eq(tax.credit_net_minor, -133);
    ck_assert_int_eq(tax.credit_tax_minor, -25);
    ck_assert_int_eq(shown[0].amount + shown[1].amount, -25);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("credit");
    TCase *amounts = tcase_create("amounts");
    tcase_add_test(amounts, g15_an_outage_is_credited_by_its_seconds);
    tcase_add_test(amounts, g15_three_thirds_are_the_whole_and_leave_no_tax);
    tcase_add_test(amounts, thirds_that_were_rounded_down_are_the_whole_line);
    tcase_add_test(amounts, more_than_a_line_came_to_is_refused);
    tcase_add_test(amounts, credits_never_pass_the_invoice_and_full_credit_leaves_nothing);
    tcase_add_test(amounts, an_invoice_of_credits_is_credited_with_its_signs);
    suite_add_tcase(suite, amounts);
    return suite;
}
