/* What filling in order promises: nothing is taken twice, nobody beyond its room, and all of the amount while there is
 * room. Golden: prepaid credit of 10,000.00 against three invoices (docs/money.md). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/allocation.h"
#include "common/least.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define COUNT_MAX 12
#define CASES     20000

START_TEST(prepaid_ten_thousand_pays_three_invoices_as_far_as_it_goes)
{
    static const int64_t charges_u[] = {INT64_C(3211070000), INT64_C(4999990000), INT64_C(2500000000)};
    static const int64_t applied_u[] = {INT64_C(3211070000), INT64_C(4999990000), INT64_C(1788940000)};
    int64_t left_u = INT64_C(10000000000);
    int64_t due_u = 0;
    for (size_t i = 0; i < 3; i++) {
        int64_t taken_u = 0;
        ck_assert_int_eq(allocation_fill(charges_u[i], &left_u, 1, &taken_u), applied_u[i]);
        ck_assert_int_eq(taken_u, applied_u[i]);
        left_u -= taken_u;
        due_u += charges_u[i] - taken_u;
    }
    ck_assert_int_eq(left_u, 0);
    ck_assert_int_eq(due_u, INT64_C(711060000));
}
END_TEST

/* Invariant 15, over any sources and any amount: the room is never exceeded, earlier ones are empty before a later one
 * gives anything, and what was taken and what is left are the amount. */
START_TEST(the_amount_is_what_was_taken_and_what_is_left)
{
    struct property property = property_begin("the_amount_is_what_was_taken_and_what_is_left");
    for (int i = 0; i < CASES; i++) {
        int64_t room_u[COUNT_MAX];
        int64_t taken_u[COUNT_MAX];
        size_t count = property_next(&property) % (COUNT_MAX + 1);
        int64_t all_u = 0;
        for (size_t n = 0; n < count; n++) {
            room_u[n] = (int64_t)(property_next(&property) % 1000);
            all_u += room_u[n];
        }
        int64_t amount_u = (int64_t)(property_next(&property) % 4000);
        int64_t sum_u = 0;
        ck_assert_int_eq(allocation_fill(amount_u, room_u, count, taken_u), least_of(amount_u, all_u));
        for (size_t n = 0; n < count; n++) {
            ck_assert(taken_u[n] >= 0 && taken_u[n] <= room_u[n]);
            if (taken_u[n] > 0 && n > 0)
                ck_assert_int_eq(taken_u[n - 1], room_u[n - 1]);
            sum_u += taken_u[n];
        }
        ck_assert_int_eq(sum_u, least_of(amount_u, all_u));
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("allocation");
    TCase *tests = tcase_create("allocation");
    tcase_add_test(tests, prepaid_ten_thousand_pays_three_invoices_as_far_as_it_goes);
    tcase_add_test(tests, the_amount_is_what_was_taken_and_what_is_left);
    suite_add_tcase(suite, tests);
    return suite;
}
