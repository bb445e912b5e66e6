/* What attribution promises: a node's day is borne to the micro-unit, and idle time keeps its cause. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/capex/attribution.h"
#include "billing/capex/pools.h"
#include "tests/unit/golden.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define CASES           20000
#define DAY_GPU_MILLI_S (INT64_C(8000) * 86400)

START_TEST(g12_delivered_and_idle_sum_to_the_cost_of_the_day)
{
    json_t *golden = golden_load();
    json_t *g12 = golden_member(golden, "G12");
    json_t *weights = golden_member(g12, "weights");
    int64_t cost = golden_integer(g12, "cost");
    struct money_share shares[3 + IDLE_CAUSE_COUNT] = {0};
    for (size_t i = 0; i < 3; i++)
        shares[i].weight = golden_at(weights, i);
    ck_assert_int_eq(attribution_of_day(cost, 691200, shares, 3, NULL), ERR_NONE);
    ck_assert_int_eq(shares[3 + IDLE_UNSOLD].weight, golden_at(weights, 3));
    int64_t sum = 0;
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
        int64_t expected = i < 4 ? golden_at(golden_member(g12, "alloc"), i) : 0;
        ck_assert_int_eq(shares[i].amount, expected);
        sum += shares[i].amount;
    }
    ck_assert_int_eq(sum, cost);

    /* Idle shared by weight makes the delivered time fully loaded. */
    ck_assert_int_eq(money_split(shares[3 + IDLE_UNSOLD].amount, shares, 3, NULL), ERR_NONE);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(shares[i].amount, golden_at(golden_member(g12, "idle_shared"), i));
    json_decref(golden);
}
END_TEST

START_TEST(a_day_without_reservations_is_all_idle)
{
    struct money_share shares[IDLE_CAUSE_COUNT] = {0};
    ck_assert_int_eq(attribution_of_day(271310001, DAY_GPU_MILLI_S, shares, 0, NULL), ERR_NONE);
    ck_assert_int_eq(shares[IDLE_UNSOLD].amount, 271310001);

    shares[IDLE_FAILED].weight = DAY_GPU_MILLI_S / 2;
    shares[IDLE_QUARANTINED].weight = DAY_GPU_MILLI_S / 2;
    ck_assert_int_eq(attribution_of_day(271310001, DAY_GPU_MILLI_S, shares, 0, NULL), ERR_NONE);
    ck_assert_int_eq(shares[IDLE_UNSOLD].amount, 0);
    ck_assert_int_eq(shares[IDLE_FAILED].amount, 135655001); /* the odd unit goes to the lower key */
    ck_assert_int_eq(shares[IDLE_QUARANTINED].amount, 135655000);
}
END_TEST

START_TEST(a_node_without_capacity_is_not_in_service)
{
    struct money_share shares[1 + IDLE_CAUSE_COUNT] = {0};
    ck_assert_int_eq(attribution_of_day(500, 0, shares, 1, NULL), ERR_NONE);
    for (size_t i = 0; i < COUNT_OF(shares); i++)
        ck_assert_int_eq(shares[i].amount, i == 1 + IDLE_NOT_IN_SERVICE ? 500 : 0);
}
END_TEST

START_TEST(a_reservation_that_was_delivered_nothing_bears_nothing)
{
    struct money_share shares[2 + IDLE_CAUSE_COUNT] = {{.weight = 0}, {.weight = 1}};
    ck_assert_int_eq(attribution_of_day(7, 1, shares, 2, NULL), ERR_NONE);
    ck_assert_int_eq(shares[0].amount, 0);
    ck_assert_int_eq(shares[1].amount, 7);
}
END_TEST

START_TEST(overlapping_facts_are_refused_and_never_clamped)
{
    struct money_share shares[2 + IDLE_CAUSE_COUNT] = {{.weight = 60}, {.weight = 41}};
    struct err err = {0};
    ck_assert_int_eq(attribution_of_day(7, 100, shares, 2, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "exceed the node's capacity"));
    shares[1].weight = INT64_MAX;
    ck_assert_int_eq(attribution_of_day(7, 100, shares, 2, NULL), ERR_INVALID);
    shares[1].weight = -1;
    ck_assert_int_eq(attribution_of_day(7, 100, shares, 2, NULL), ERR_INVALID);
    ck_assert_int_eq(attribution_of_day(7, -1, shares, 2, NULL), ERR_INVALID);
    shares[1].weight = 40;
    ck_assert_int_eq(attribution_of_day(7, 100, shares, 2, NULL), ERR_NONE);
    ck_assert_int_eq(shares[2 + IDLE_UNSOLD].weight, 0);
}
END_TEST

START_TEST(a_day_sums_to_its_cost_and_idle_is_never_negative)
{
    struct property property = property_begin(__func__);
    enum { DELIVERED_MAX = 9 };
    for (int i = 0; i < CASES; i++) {
        struct money_share shares[DELIVERED_MAX + IDLE_CAUSE_COUNT] = {0};
        size_t delivered = (size_t)property_between(&property, 0, DELIVERED_MAX);
        int64_t cost_u = property_between(&property, 0, INT64_C(1) << property_between(&property, 1, 60));
        int64_t left = DAY_GPU_MILLI_S;
        for (size_t j = 0; j < delivered + IDLE_CAUSE_COUNT; j++) {
            bool unsold = j == delivered + IDLE_UNSOLD;
            shares[j].weight = unsold ? 0 : property_between(&property, 0, left);
            left -= shares[j].weight;
        }
        ck_assert_int_eq(attribution_of_day(cost_u, DAY_GPU_MILLI_S, shares, delivered, NULL), ERR_NONE);
        int64_t sum = 0;
        int64_t weights = 0;
        for (size_t j = 0; j < delivered + IDLE_CAUSE_COUNT; j++) {
            ck_assert(shares[j].amount >= 0);
            sum += shares[j].amount;
            weights += shares[j].weight;
        }
        ck_assert_int_eq(sum, cost_u);
        ck_assert_int_eq(weights, DAY_GPU_MILLI_S);
    }
}
END_TEST

START_TEST(g11_a_days_pools_are_24_of_its_hours)
{
    struct pool_day day = {.elapsed_s = 86400,
                           .gpu_count = 8,
                           .has_profile = true,
                           .idle_w = 3400,
                           .full_w = 10200,
                           .metered_wh = -1,
                           .on_s = 86400,
                           .is_kept = true};
    static const struct pool_rate rates[] = {{POOL_POWER, BASIS_KWH, 85000, 1300},
                                             {POOL_COLOCATION, BASIS_KW_MONTH, 180000000, 0},
                                             {POOL_OPERATIONS, BASIS_NODE_MONTH, 900000000, 0},
                                             {POOL_NETWORK, BASIS_GPU_MONTH, 730500, 0}};
    int64_t costs_u[COST_POOL_COUNT] = {0};
    ck_assert_int_eq(pool_costs(&day, rates, COUNT_OF(rates), costs_u, NULL), ERR_NONE);
    ck_assert_int_eq(costs_u[POOL_POWER], 375700 * 24);
    ck_assert_int_eq(costs_u[POOL_COLOCATION], 60320329); /* 2.513347 an hour */
    ck_assert_int_eq(costs_u[POOL_OPERATIONS], 29568789); /* 1.232033 an hour */
    ck_assert_int_eq(costs_u[POOL_NETWORK], 8 * 1000 * 24);

    day.busy_milli_s = INT64_C(8000) * 86400;
    ck_assert_int_eq(pool_energy_wh(&day), 10200 * 24);
    day.busy_milli_s /= 2;
    ck_assert_int_eq(pool_energy_wh(&day), 6800 * 24);
    day.metered_wh = 12345;
    ck_assert_int_eq(pool_energy_wh(&day), 12345);
}
END_TEST

START_TEST(a_node_that_is_gone_or_unknown_costs_what_is_known_of_it)
{
    struct pool_day day = {.elapsed_s = 86400, .gpu_count = 8, .metered_wh = -1, .on_s = 86400};
    static const struct pool_rate rates[] = {{POOL_POWER, BASIS_KWH, 85000, 1300},
                                             {POOL_COLOCATION, BASIS_KW_MONTH, 180000000, 0},
                                             {POOL_OPERATIONS, BASIS_NODE_MONTH, 900000000, 0}};
    int64_t costs_u[COST_POOL_COUNT] = {0};
    ck_assert_int_eq(pool_energy_wh(&day), -1);
    ck_assert_int_eq(pool_costs(&day, rates, COUNT_OF(rates), costs_u, NULL), ERR_NONE);
    for (int pool = 0; pool < COST_POOL_COUNT; pool++)
        ck_assert_int_eq(costs_u[pool], 0);
    static const struct pool_rate dear = {POOL_POWER, BASIS_KWH, INT64_MAX, 10000};
    day.metered_wh = 100000000;
    ck_assert_int_eq(pool_costs(&day, &dear, 1, costs_u, NULL), ERR_INVALID);
}
END_TEST

START_TEST(each_pool_is_borne_exactly)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES / 20; i++) {
        int64_t costs_u[COST_POOL_COUNT];
        struct money_share shares[4 + IDLE_CAUSE_COUNT] = {0};
        int64_t parts[COUNT_OF(shares) * COST_POOL_COUNT];
        int64_t left = DAY_GPU_MILLI_S;
        for (size_t j = 0; j < 4; j++) {
            shares[j].weight = property_between(&property, 0, left);
            left -= shares[j].weight;
        }
        for (int pool = 0; pool < COST_POOL_COUNT; pool++)
            costs_u[pool] = property_between(&property, 0, INT64_C(1) << property_between(&property, 1, 50));
        ck_assert_int_eq(attribution_of_pools(costs_u, COST_POOL_COUNT, DAY_GPU_MILLI_S, shares, 4, parts, NULL),
                         ERR_NONE);
        for (int pool = 0; pool < COST_POOL_COUNT; pool++) {
            int64_t sum = 0;
            for (size_t j = 0; j < COUNT_OF(shares); j++)
                sum += parts[j * COST_POOL_COUNT + (size_t)pool];
            ck_assert_int_eq(sum, costs_u[pool]);
        }
    }
}
END_TEST

START_TEST(every_idle_cause_has_a_text_of_its_own)
{
    for (enum idle_cause a = IDLE_UNSOLD; a < IDLE_CAUSE_COUNT; a++) {
        for (enum idle_cause b = IDLE_UNSOLD; b < a; b++)
            ck_assert_str_ne(idle_cause_text(a), idle_cause_text(b));
    }
    ck_assert_str_eq(idle_cause_text(IDLE_NOT_IN_SERVICE), "not_in_service");
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("attribution");
    tcase_add_test(tests, g12_delivered_and_idle_sum_to_the_cost_of_the_day);
    tcase_add_test(tests, a_day_without_reservations_is_all_idle);
    tcase_add_test(tests, a_node_without_capacity_is_not_in_service);
    tcase_add_test(tests, a_reservation_that_was_delivered_nothing_bears_nothing);
    tcase_add_test(tests, overlapping_facts_are_refused_and_never_clamped);
    tcase_add_test(tests, a_day_sums_to_its_cost_and_idle_is_never_negative);
    tcase_add_test(tests, g11_a_days_pools_are_24_of_its_hours);
    tcase_add_test(tests, a_node_that_is_gone_or_unknown_costs_what_is_known_of_it);
    tcase_add_test(tests, each_pool_is_borne_exactly);
    tcase_add_test(tests, every_idle_cause_has_a_text_of_its_own);
    Suite *suite = suite_create("attribution");
    suite_add_tcase(suite, tests);
    return suite;
}
