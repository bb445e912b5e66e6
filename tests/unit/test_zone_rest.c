/* How long a zone gives way to those who are waited for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_rest.h"
#include "tests/unit/suite.h"

START_TEST(a_zone_rests_the_less_the_further_it_is_behind)
{
    static const struct {
        int64_t took_ms, behind_ms, rest_ms;
    } rows[] = {
        {20, 0, 20},                                       /* as long as its work took */
        {20, 1000, 15},                                    /* less, the further it is behind */
        {20, 2000, 10},      {20, 3999, 0}, {20, 4000, 0}, /* not at all */
        {20, INT64_MAX, 0},                                /* nothing was decided for anybody */
        {20, -86400000, 20},                               /* the clock of who made it is ahead */
        {0, 0, 0},                                         /* it was quick */
        {60000, 0, 100},                                   /* its first one may take long */
    };
    ck_assert_int_eq(zone_rest_ms(rows[_i].took_ms, rows[_i].behind_ms), rows[_i].rest_ms);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("rest of a zone");
    TCase *rests = tcase_create("how long");
    tcase_add_loop_test(rests, a_zone_rests_the_less_the_further_it_is_behind, 0, 9);
    suite_add_tcase(suite, rests);
    return suite;
}
