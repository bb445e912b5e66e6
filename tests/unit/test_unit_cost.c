/* What unit cost and payback promise: the golden figures, and that a price at the floor leaves the margin it was made
 * for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/economics/break_even.h"
#include "api/economics/payback.h"
#include "api/economics/unit_cost.h"
#include "common/money.h"
#include "tests/unit/golden.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define CASES       20000
#define SCALE       INT64_C(10000)
#define CAPEX_U     INT64_C(312000000000)
#define PPM_PER_BP  100
#define LIFE_MONTHS 72
#define MAJOR_U     INT64_C(1000000)
#define WEEK_S      INT64_C(604800)
#define GPU_HOUR    INT64_C(3600000) /* milli-GPU-seconds */

/* What an hour of an asset's life costs on the straight line. */
static int64_t per_hour_pico(int64_t depreciable_u, int64_t life_hours)
{
    int64_t pico = 0;
    money_wide whole_pico = (money_wide)depreciable_u * UNIT_COST_PICO_PER_MICRO;
    ck_assert_int_eq(money_round(whole_pico, life_hours, MONEY_HALF_EVEN, &pico, NULL), ERR_NONE);
    return pico;
}

/* G11: capex 312,000, salvage 31,200, five years; colocation for 10.2 kW; operations 900 a month. */
static struct unit_cost golden_node(void)
{
    struct unit_cost_node node = {
        .gpus = 8,
        .depreciation_pico = per_hour_pico(CAPEX_U - 31200 * MAJOR_U, 43824),
        .idle_w = 3400,
        .full_w = 10200,
        .pue_ppm = 1300000,
        .tariff_u = 85000,
        .provisioned_w = 10200,
        .colocation_u = 180 * MAJOR_U,
        .monthly_u = 900 * MAJOR_U,
    };
    struct unit_cost cost;
    ck_assert_int_eq(unit_cost_of(&node, &cost, NULL), ERR_NONE);
    return cost;
}

static int64_t nearest(int64_t value, int64_t unit)
{
    return (value + unit / 2) / unit;
}

START_TEST(g11_an_hour_costs_what_the_rules_say)
{
    json_t *golden = golden_load();
    json_t *g11 = golden_member(golden, "G11");
    struct unit_cost cost = golden_node();
    static const struct {
        int64_t utilisation_ppm, expected_u;
    } sold[] = {{1000000, 1409991}, {800000, 1739007}, {600000, 2287368}, {400000, 3384090}};

    ck_assert_int_eq(nearest(cost.depreciation_pico + cost.cash_pico, UNIT_COST_PICO_PER_MICRO),
                     golden_integer(g11, "fixed_node_h_u"));
    ck_assert_int_eq(nearest(cost.variable_pico, UNIT_COST_PICO_PER_MICRO), golden_integer(g11, "var_gpu_h_u"));
    for (size_t i = 0; i < sizeof sold / sizeof *sold; i++) {
        int64_t cost_u = 0;
        ck_assert_int_eq(unit_cost_per_gpu_hour(&cost, sold[i].utilisation_ppm, &cost_u, NULL), ERR_NONE);
        ck_assert_int_eq(cost_u, sold[i].expected_u);
    }
    const char *price;
    json_t *expected;
    json_object_foreach(golden_member(g11, "breakeven_bp"), price, expected) /* "249/100" */
        ck_assert_int_eq(nearest(unit_cost_break_even_ppm(&cost, atoll(price) * SCALE), PPM_PER_BP),
                         json_integer_value(expected));
    int64_t floor_u = 0;
    ck_assert_int_eq(unit_cost_floor(&cost, 750000, 200000, &floor_u, NULL), ERR_NONE);
    ck_assert_int_eq(floor_u, golden_integer(g11, "floor_u"));
    json_decref(golden);
}
END_TEST

static struct payback curve(struct payback_scenario scenario, int64_t *cumulative_u)
{
    struct unit_cost cost = golden_node();
    struct payback payback;
    ck_assert_int_eq(payback_curve(&cost, &scenario, cumulative_u, LIFE_MONTHS, &payback, NULL), ERR_NONE);
    return payback;
}

/* What a node costs in so many hours of which no GPU is at work, in cents. */
static int64_t cents_of(const struct unit_cost_node *node, int64_t hours)
{
    struct unit_cost cost;
    int64_t cost_u = 0;
    ck_assert_int_eq(unit_cost_of(node, &cost, NULL), ERR_NONE);
    ck_assert_int_eq(unit_cost_of_time(&cost, 1, hours * 3600, 0, &cost_u, NULL), ERR_NONE);
    return nearest(cost_u, MAJOR_U / 100);
}

/* The G11 node for 240 hours at 2.49; of its power 62 % of the most was metered. */
START_TEST(g21_a_reservation_leaves_its_revenue_less_each_cost)
{
    json_t *golden = golden_load();
    json_t *g21 = golden_member(golden, "G21");
    const int64_t hours = 240;
    const int64_t metered_w = 10200 * 62 / 100;
    struct unit_cost_node worn = {.gpus = 8, .pue_ppm = UNIT_COST_PPM};
    worn.depreciation_pico = per_hour_pico(CAPEX_U - 31200 * MAJOR_U, 43824);
    const struct {
        const char *name;
        struct unit_cost_node node;
    } costs[] = {
        {"dep", worn},
        {"colo", {.gpus = 8, .pue_ppm = UNIT_COST_PPM, .provisioned_w = 10200, .colocation_u = 180 * MAJOR_U}},
        {"ops", {.gpus = 8, .pue_ppm = UNIT_COST_PPM, .monthly_u = 900 * MAJOR_U}},
        {"power", {.gpus = 8, .pue_ppm = 1300000, .tariff_u = 85000, .idle_w = metered_w, .full_w = metered_w}},
    };
    int64_t margin = golden_integer(g21, "rev");
    ck_assert_int_eq(margin, 8 * hours * 249);
    for (size_t i = 0; i < COUNT_OF(costs); i++) {
        int64_t cents = cents_of(&costs[i].node, hours);
        ck_assert_int_eq(cents, golden_integer(g21, costs[i].name));
        margin -= cents;
    }
    ck_assert_int_eq(margin, golden_integer(g21, "margin"));
    json_decref(golden);
}
END_TEST

START_TEST(g24_falling_rents_move_the_payback_until_there_is_none)
{
    json_t *golden = golden_load();
    static const struct {
        const char *name;
        int64_t ppm;
    } declines[] = {{"0.0", 0}, {"0.005", 5000}, {"0.01", 10000}, {"0.02", 20000}};
    int64_t cumulative_u[LIFE_MONTHS];
    struct payback_scenario scenario = {.capex_u = CAPEX_U, .price_u = 2490000, .utilisation_ppm = 700000};
    json_t *g24 = golden_member(golden, "G24");
    for (size_t i = 0; i < sizeof declines / sizeof *declines; i++) {
        json_t *expected = golden_member(g24, declines[i].name);
        scenario.decline_ppm = declines[i].ppm;
        ck_assert_int_eq(curve(scenario, cumulative_u).paid_back_month,
                         json_is_null(expected) ? 0 : json_integer_value(expected));
    }
    scenario.decline_ppm = 10000;
    (void)curve(scenario, cumulative_u);
    ck_assert_int_eq(nearest(cumulative_u[LIFE_MONTHS - 1], MAJOR_U), 280176);
    scenario.decline_ppm = 20000;
    struct payback falling = curve(scenario, cumulative_u);
    ck_assert_int_eq(falling.peak_month, 55);
    ck_assert_int_eq(nearest(falling.peak_u, MAJOR_U), 154944);
    scenario.decline_ppm = 0;
    scenario.discount_ppm = 10000;
    ck_assert_int_eq(curve(scenario, cumulative_u).paid_back_month, 62);
    json_decref(golden);
}
END_TEST

START_TEST(g24_a_month_brings_what_its_hours_bring)
{
    int64_t cumulative_u[LIFE_MONTHS];
    struct payback_scenario scenario = {.capex_u = CAPEX_U, .price_u = 2490000, .utilisation_ppm = 700000};
    (void)curve(scenario, cumulative_u);
    ck_assert_int_eq(nearest(cumulative_u[0], SCALE), 679141);
}
END_TEST

/* A node of any plausible or implausible size. */
static struct unit_cost_node any_node(struct property *property)
{
    int64_t idle_w = property_between(property, 0, 20000);
    int64_t depreciable_u = property_between(property, 0, 10000000) * MAJOR_U;
    int64_t depreciation_pico = per_hour_pico(depreciable_u, property_between(property, 1, 100000));
    return (struct unit_cost_node){
        .gpus = property_between(property, 1, 72),
        .depreciation_pico = depreciation_pico,
        .idle_w = idle_w,
        .full_w = idle_w + property_between(property, 0, 200000),
        .pue_ppm = property_between(property, UNIT_COST_PPM, 3 * UNIT_COST_PPM),
        .tariff_u = property_between(property, 0, MAJOR_U),
        .provisioned_w = property_between(property, 0, 200000),
        .colocation_u = property_between(property, 0, 1000) * MAJOR_U,
        .monthly_u = property_between(property, 0, 100000) * MAJOR_U,
    };
}

START_TEST(a_price_at_the_floor_leaves_its_margin_and_one_below_does_not)
{
    struct property property = property_begin("floor");
    for (int i = 0; i < CASES; i++) {
        struct unit_cost_node node = any_node(&property);
        struct unit_cost cost;
        int64_t utilisation_ppm = property_between(&property, 1000, UNIT_COST_PPM);
        int64_t margin_ppm = property_between(&property, 0, 950000);
        int64_t floor_u = 0;
        ck_assert_int_eq(unit_cost_of(&node, &cost, NULL), ERR_NONE);
        ck_assert_int_eq(unit_cost_floor(&cost, utilisation_ppm, margin_ppm, &floor_u, NULL), ERR_NONE);
        /* Revenue less cost against the margin, per node-hour, without a division: in ppm x ppm of pico. */
        for (int below = 0; below < 2; below++) {
            __int128 sold_ppm = (__int128)node.gpus * utilisation_ppm;
            __int128 kept = sold_ppm * (floor_u - below) * (UNIT_COST_PPM - margin_ppm);
            __int128 needed =
                (__int128)(cost.depreciation_pico + cost.cash_pico) * UNIT_COST_PPM + sold_ppm * cost.variable_pico;
            if (below == 0)
                ck_assert(kept >= needed);
            else if (floor_u > 0) /* the cost is first rounded up to a pico */
                ck_assert(kept < needed + sold_ppm);
        }
    }
}
END_TEST

START_TEST(at_the_break_even_price_and_utilisation_agree)
{
    struct property property = property_begin("break-even");
    for (int i = 0; i < CASES; i++) {
        struct unit_cost_node node = any_node(&property);
        struct unit_cost cost;
        int64_t price_u = 0;
        int64_t utilisation_ppm = property_between(&property, 1000, UNIT_COST_PPM);
        ck_assert_int_eq(unit_cost_of(&node, &cost, NULL), ERR_NONE);
        ck_assert_int_eq(unit_cost_floor(&cost, utilisation_ppm, 0, &price_u, NULL), ERR_NONE);
        if (price_u - unit_cost_marginal_floor_u(&cost) >
            1000) /* enough above the variable cost to tell utilisations apart */
            ck_assert_int_le(unit_cost_break_even_ppm(&cost, price_u), utilisation_ppm + 1);
        ck_assert_int_eq(unit_cost_break_even_ppm(&cost, cost.variable_pico / UNIT_COST_PICO_PER_MICRO), INT64_MAX);
    }
}
END_TEST

/* A week of which nothing is sold must sell the share that is the golden break-even utilisation. */
START_TEST(g11_an_unsold_week_breaks_even_at_the_golden_utilisation)
{
    struct unit_cost cost = golden_node();
    struct break_even found;
    int64_t week_u = 0;
    ck_assert_int_eq(unit_cost_of_time(&cost, 10, WEEK_S, 0, &week_u, NULL), ERR_NONE);
    ck_assert_int_eq(nearest(week_u, SCALE), 10 * 168 * INT64_C(1052853) / 1000); /* 10.52853 an hour, in cents */
    struct break_even_capacity capacity = {
        .free_gpu_milli_s = 10 * 8 * 168 * GPU_HOUR, .price_u = 2490000, .variable_pico = cost.variable_pico};
    ck_assert_int_eq(break_even_of(week_u, &capacity, 1, &found, NULL), ERR_NONE);
    ck_assert_int_eq(found.outlook, BREAK_EVEN_POSSIBLE);
    ck_assert_int_eq(nearest(found.to_sell_gpu_milli_s * 10000, capacity.free_gpu_milli_s), 5493);
    capacity.price_u = 1300000; /* 1.41 is what a GPU-hour costs where all are sold */
    ck_assert_int_eq(break_even_of(week_u, &capacity, 1, &found, NULL), ERR_NONE);
    ck_assert_int_eq(found.outlook, BREAK_EVEN_OUT_OF_REACH);
    ck_assert_int_gt(found.to_sell_gpu_milli_s, capacity.free_gpu_milli_s);
    capacity.price_u = cost.variable_pico / UNIT_COST_PICO_PER_MICRO;
    ck_assert_int_eq(break_even_of(week_u, &capacity, 1, &found, NULL), ERR_NONE);
    ck_assert_int_eq(found.to_sell_gpu_milli_s, -1);
    ck_assert_int_eq(break_even_of(0, &capacity, 1, &found, NULL), ERR_NONE);
    ck_assert_int_eq(found.outlook, BREAK_EVEN_REACHED);
}
END_TEST

/* Sold evenly, what must be sold covers the gap, and a GPU-second less does not. */
START_TEST(what_must_be_sold_covers_the_gap_and_no_less_does)
{
    struct property property = property_begin("gap");
    for (int i = 0; i < CASES; i++) {
        struct break_even_capacity capacity[3];
        struct break_even found;
        __int128 sale = 0, left = 0;
        for (size_t k = 0; k < 3; k++) {
            capacity[k] = (struct break_even_capacity){
                .free_gpu_milli_s = property_between(&property, 0, 1000000) * GPU_HOUR / 100,
                .price_u = property_between(&property, 0, 9) == 0 ? BREAK_EVEN_NO_PRICE
                                                                  : property_between(&property, 0, 5 * MAJOR_U),
                .variable_pico = property_between(&property, 0, MAJOR_U) * UNIT_COST_PICO_PER_MICRO,
            };
            if (capacity[k].price_u == BREAK_EVEN_NO_PRICE)
                continue;
            sale += capacity[k].free_gpu_milli_s;
            left += (__int128)capacity[k].free_gpu_milli_s *
                    (capacity[k].price_u * UNIT_COST_PICO_PER_MICRO - capacity[k].variable_pico);
        }
        int64_t gap_u = property_between(&property, 1, 1000000) * MAJOR_U;
        ck_assert_int_eq(break_even_of(gap_u, capacity, 3, &found, NULL), ERR_NONE);
        ck_assert_int_eq(found.for_sale_gpu_milli_s, (int64_t)sale);
        if (found.to_sell_gpu_milli_s < 0) {
            ck_assert(sale == 0 || left / sale <= 0);
            continue;
        }
        ck_assert_int_eq(found.outlook == BREAK_EVEN_POSSIBLE, found.to_sell_gpu_milli_s <= sale);
        /* Amounts times GPU_HOUR; the average is cut off below a pico. */
        __int128 gap = (__int128)gap_u * UNIT_COST_PICO_PER_MICRO * GPU_HOUR;
        ck_assert(found.to_sell_gpu_milli_s * (left / sale + 1) >= gap);
        ck_assert((found.to_sell_gpu_milli_s - 1) * (left / sale) < gap);
    }
}
END_TEST

START_TEST(figures_out_of_range_are_refused)
{
    const struct unit_cost_node sound = {.gpus = 8, .pue_ppm = UNIT_COST_PPM};
    struct unit_cost_node wrong[6];
    struct unit_cost cost;
    for (size_t i = 0; i < 6; i++)
        wrong[i] = sound;
    wrong[0].gpus = 0;
    wrong[1].depreciation_pico = -1;
    wrong[2].pue_ppm--;
    wrong[3].idle_w = 1;
    wrong[4].tariff_u = -1;
    wrong[5].monthly_u = INT64_MAX;
    ck_assert_int_eq(unit_cost_of(&sound, &cost, NULL), ERR_NONE);
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(unit_cost_of(&wrong[i], &cost, NULL), ERR_INVALID);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *cases = tcase_create("unit_cost");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, g11_an_hour_costs_what_the_rules_say);
    tcase_add_test(cases, g21_a_reservation_leaves_its_revenue_less_each_cost);
    tcase_add_test(cases, g24_falling_rents_move_the_payback_until_there_is_none);
    tcase_add_test(cases, g24_a_month_brings_what_its_hours_bring);
    tcase_add_test(cases, a_price_at_the_floor_leaves_its_margin_and_one_below_does_not);
    tcase_add_test(cases, at_the_break_even_price_and_utilisation_agree);
    tcase_add_test(cases, g11_an_unsold_week_breaks_even_at_the_golden_utilisation);
    tcase_add_test(cases, what_must_be_sold_covers_the_gap_and_no_less_does);
    tcase_add_test(cases, figures_out_of_range_are_refused);
    Suite *suite = suite_create("unit_cost");
    suite_add_tcase(suite, cases);
    return suite;
}
