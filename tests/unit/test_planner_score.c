/* What the planner's choice among places that fit promises: what is left can still be sold. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_fleet.h"
#include "tests/unit/suite.h"

static struct planner_request with_cpu(struct planner_request request, int64_t cpu_milli)
{
    request.shape.cpu_milli = cpu_milli;
    return request;
}

static uint32_t node_given(struct planner_verdict verdict)
{
    ck_assert(verdict.placed);
    return number_of(verdict.allocations[0].node);
}

/* On this node alone. */
static void hold(struct planner *planner, uint32_t node, struct planner_request request)
{
    struct planner_rectangle rectangle = {0, (int32_t)request.shape.gpus * 1000 + (int32_t)request.shape.gpu_milli,
                                          request.from, request.to, PLANNER_HELD};
    struct planner_allocation allocation = {.key = {request.reservation, 0},
                                            .tenant = request.tenant,
                                            .node = id_of(node),
                                            .shape = request.shape,
                                            .rectangles = &rectangle,
                                            .rectangle_count = 1};
    ck_assert_ptr_null(planner_load(planner, &allocation));
}

START_TEST(a_share_goes_to_the_gpu_that_is_already_broken)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    hold(planner, 3, share(1, 1, 300, 0, PLANNER_OPEN));
    struct planner_verdict verdict = place(planner, share(2, 1, 300, 0, PLANNER_OPEN));
    ck_assert_uint_eq(node_given(verdict), 3);
    ck_assert_int_lt(verdict.allocations[0].rectangles[0].slots_from, 1000);
}
END_TEST

START_TEST(a_share_leaves_what_the_mix_can_use)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(3, "h100", 1);
    /* The mix is halves. 800 and 500 are free: 300 out of the 800 leave a half, out of the 500 only waste. */
    hold(planner, 1, share(1, 1, 200, 0, 10));
    hold(planner, 2, share(2, 1, 500, 0, 10));
    for (uint32_t i = 0; i < 20; i++)
        hold(planner, 3, share(10 + i, 1, 500, 100 + i, 101 + i));
    ck_assert_uint_eq(node_given(place(planner, share(3, 1, 300, 0, 10))), 1);
}
END_TEST

START_TEST(cpu_goes_where_it_strands_no_gpus)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    /* Both have six GPUs free; node 1 has CPU for them beside 40 more cores, node 2 for just one of the mix each. */
    hold(planner, 1, with_cpu(whole(1, 1, 1, 2, 0, 10), 8000));
    hold(planner, 2, with_cpu(whole(2, 1, 1, 2, 0, 10), 48000));
    for (uint32_t i = 0; i < 4; i++)
        hold(planner, 1, with_cpu(whole(10 + i, 1, 1, 1, 100 + i, 101 + i), 16000));
    ck_assert_uint_eq(node_given(place(planner, with_cpu(whole(3, 1, 1, 1, 0, 10), 40000))), 1);
}
END_TEST

START_TEST(a_node_without_cpu_for_more_is_finished_first)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    /* Node 1's free GPUs are lost to the mix, which needs 16 cores each: what needs little CPU takes those. */
    hold(planner, 1, with_cpu(whole(1, 1, 1, 2, 0, 10), 90000));
    hold(planner, 2, with_cpu(whole(2, 1, 1, 3, 0, 10), 16000));
    for (uint32_t i = 0; i < 20; i++)
        hold(planner, 2, with_cpu(whole(10 + i, 1, 1, 1, 100 + i, 101 + i), 16000));
    ck_assert_uint_eq(node_given(place(planner, with_cpu(whole(3, 1, 1, 1, 0, 10), 1000))), 1);
}
END_TEST

START_TEST(a_window_fills_the_gap_that_it_fits)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 1);
    /* Nodes 1 to 3 are free from hour 10 on: for ever, for 30 hours, for 12; node 4 always. */
    hold(planner, 1, whole(1, 1, 1, 1, 0, 10 * HOUR));
    hold(planner, 2, whole(2, 1, 1, 1, 0, 10 * HOUR));
    hold(planner, 2, whole(3, 1, 1, 1, 40 * HOUR, 90 * HOUR));
    hold(planner, 3, whole(4, 1, 1, 1, 0, 10 * HOUR));
    hold(planner, 3, whole(5, 1, 1, 1, 22 * HOUR, 90 * HOUR));
    ck_assert_uint_eq(node_given(place(planner, whole(6, 1, 1, 1, 10 * HOUR, 22 * HOUR))), 3);
    ck_assert_uint_eq(node_given(place(planner, whole(7, 1, 1, 1, 10 * HOUR, 40 * HOUR))), 2);
    ck_assert_uint_eq(node_given(place(planner, whole(8, 1, 1, 1, 10 * HOUR, 80 * HOUR))), 1);
}
END_TEST

START_TEST(a_window_takes_the_gpus_of_a_node_that_it_fits)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 2);
    struct planner_rectangle rectangle = {1000, 2000, 20 * HOUR, 90 * HOUR, PLANNER_HELD};
    struct planner_allocation second = {.key = key_of(1, 0),
                                        .tenant = id_of(1),
                                        .node = id_of(1),
                                        .shape = {.gpus = 1},
                                        .rectangles = &rectangle,
                                        .rectangle_count = 1};
    ck_assert_ptr_null(planner_load(planner, &second));
    struct planner_verdict verdict = place(planner, whole(2, 1, 1, 1, 0, 20 * HOUR));
    ck_assert_uint_eq(node_given(verdict), 1);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].slots_from, 1000);
}
END_TEST

/* Two instances of three: each takes a pair and one more, so the two pairs must not be broken for the closest gap. */
START_TEST(a_gap_is_not_filled_where_it_breaks_what_the_gang_needs)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "h100", 8);
    node.grouping = PLANNER_PAIRS;
    ck_assert_ptr_null(planner_node_put(planner, &node));
    const struct planner_rectangle taken[] = {
        {0, 3000, 0, 10 * HOUR, PLANNER_HELD},    /* until the window: GPU 2 of the pair (2, 3) is the closest */
        {5000, 6000, 0, 90 * HOUR, PLANNER_HELD}, /* leave one GPU of each of their pairs */
        {7000, 8000, 0, 90 * HOUR, PLANNER_HELD},
    };
    for (uint32_t i = 0; i < COUNT_OF(taken); i++) {
        struct planner_allocation held = {.key = key_of(i + 1, 0),
                                          .tenant = id_of(1),
                                          .node = id_of(1),
                                          .shape = {.gpus = i == 0 ? 3 : 1},
                                          .rectangles = &taken[i],
                                          .rectangle_count = 1};
        ck_assert_ptr_null(planner_load(planner, &held));
    }
    ck_assert(place(planner, whole(9, 1, 2, 3, 10 * HOUR, 20 * HOUR)).placed);
    planner_verify(planner);
}
END_TEST

START_TEST(a_gang_takes_the_rack_whose_gap_it_fits)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(12, "h100", 8);
    /* Rack 2 (nodes 5 to 8) is taken again from hour 20 on. */
    for (uint32_t node = 5; node <= 8; node++)
        hold(planner, node, whole(node, 1, 1, 8, 20 * HOUR, 90 * HOUR));
    struct planner_request gang = whole(20, 1, 4, 8, 0, 20 * HOUR);
    gang.scope = PLANNER_RACK;
    struct planner_verdict verdict = place(planner, gang);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_ge(number_of(verdict.allocations[i].node), 5);
        ck_assert_uint_le(number_of(verdict.allocations[i].node), 8);
    }
}
END_TEST

START_TEST(who_may_have_several_models_leaves_those_in_demand_to_others)
{
    static const char *const either[] = {"a100", "h100"};
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    for (uint32_t i = 5; i <= 8; i++) {
        struct planner_node node = node_of(i, "a100", 8);
        ck_assert_ptr_null(planner_node_put(planner, &node));
    }
    struct planner_request insists = whole(1, 1, 1, 8, 0, 100);
    insists.gpu_models = either;
    insists.gpu_model_count = 1;
    ck_assert(place(planner, insists).placed); /* a quarter of the a100 */
    for (uint32_t i = 2; i <= 4; i++) {
        struct planner_request request = whole(i, 1, 1, 8, 0, 100);
        request.gpu_models = either;
        request.gpu_model_count = 2;
        uint32_t node = number_of(place(planner, request).allocations[0].node);
        ck_assert(i == 3 ? node > 4 : node <= 4); /* of equal ones the first that is named */
    }
    planner_verify(planner);
}
END_TEST

/* Eight nodes of each model; an a100 is held. Nodes on which nothing can be put are no supply. */
START_TEST(a_gang_that_may_have_several_models_leaves_those_in_demand_to_others)
{
    static const char *const either[] = {"a100", "h100"};
    CLEANUP(planner_freep) struct planner *planner = fleet_of(8, "h100", 8);
    for (uint32_t i = 9; i <= 16; i++) {
        struct planner_node node = node_of(i, "a100", 8);
        ck_assert_ptr_null(planner_node_put(planner, &node));
    }
    hold(planner, 16, whole(1, 1, 1, 8, 0, 100));
    struct planner_request gang = whole(2, 1, 2, 8, 0, 100);
    gang.gpu_models = either;
    gang.gpu_model_count = 2;
    planner_begin(planner);
    ck_assert_uint_le(node_given(place(planner, gang)), 8);
    planner_rollback(planner);
    hold(planner, 8, whole(3, 1, 1, 8, 0, 100)); /* as much of the h100 */
    planner_begin(planner);
    ck_assert_uint_gt(node_given(place(planner, gang)), 8);
    planner_rollback(planner);
    struct planner_node aside = node_of(15, "a100", 8);
    aside.cordoned = true;
    ck_assert_ptr_null(planner_node_put(planner, &aside));
    ck_assert_uint_le(node_given(place(planner, gang)), 8);
    planner_verify(planner);
}
END_TEST

START_TEST(a_rebuilt_planner_decides_alike)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(8, "h100", 8);
    CLEANUP(planner_freep) struct planner *rebuilt = fleet_of(8, "h100", 8);
    for (uint32_t i = 1; i <= 40; i++) {
        struct planner_request request =
            i % 3 == 0 ? whole(i, 1, 1, 1 + i % 4, 0, 100) : share(i, 1, 70 * (i % 9 + 1), 0, 100);
        struct planner_verdict verdict = place(planner, with_cpu(request, 1000 * (i % 5)));
        if (verdict.placed && i % 7 == 0)
            ck_assert(planner_release(planner, &verdict.allocations[0].key));
        else if (verdict.placed)
            ck_assert_ptr_null(planner_load(rebuilt, &verdict.allocations[0]));
    }
    for (uint32_t i = 41; i <= 60; i++) {
        struct planner_request request = with_cpu(share(i, 2, 40 * (i % 20 + 1), 0, 100), 1000);
        struct planner_verdict verdict = place(planner, request);
        uint32_t node = verdict.placed ? node_given(verdict) : 0;
        int32_t slot = verdict.placed ? verdict.allocations[0].rectangles[0].slots_from : 0;
        verdict = place(rebuilt, request);
        ck_assert_uint_eq(verdict.placed ? node_given(verdict) : 0, node);
        ck_assert_int_eq(verdict.placed ? verdict.allocations[0].rectangles[0].slots_from : 0, slot);
    }
    planner_verify(planner);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("planner_score");
    TCase *tests = tcase_create("score");
    const TTest *const all[] = {
        a_share_goes_to_the_gpu_that_is_already_broken,
        a_share_leaves_what_the_mix_can_use,
        cpu_goes_where_it_strands_no_gpus,
        a_node_without_cpu_for_more_is_finished_first,
        a_window_fills_the_gap_that_it_fits,
        a_window_takes_the_gpus_of_a_node_that_it_fits,
        a_gap_is_not_filled_where_it_breaks_what_the_gang_needs,
        a_gang_takes_the_rack_whose_gap_it_fits,
        who_may_have_several_models_leaves_those_in_demand_to_others,
        a_gang_that_may_have_several_models_leaves_those_in_demand_to_others,
        a_rebuilt_planner_decides_alike,
    };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        tcase_add_test(tests, all[i]);
    suite_add_tcase(suite, tests);
    return suite;
}
