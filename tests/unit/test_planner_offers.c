/* What the planner promises about questions that change nothing: when, what else, how much. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_fleet.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

/* Four nodes in one rack; three are taken for 50 hours, one for 30. */
static struct planner *fleet_sold(void)
{
    struct planner *planner = fleet_of(4, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 3, 8, 0, 50 * HOUR)).placed);
    ck_assert(place(planner, whole(2, 1, 1, 8, 0, 30 * HOUR)).placed);
    return planner;
}

START_TEST(a_question_changes_nothing)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_sold();
    uint64_t before = planner_fingerprint(planner, 0);
    struct planner_request request = whole(3, 2, 2, 8, HOUR, 9 * HOUR);
    struct planner_relaxations relaxations;
    struct planner_offer offers[PLANNER_OFFERS_MAX];
    struct planner_search search = {
        .request = request, .start_to = 100 * HOUR, .duration_least_s = HOUR, .duration_most_s = HOUR};
    ck_assert(!planner_fits(planner, &request));
    planner_relax(planner, &request, &relaxations);
    ck_assert_uint_gt(planner_offers(planner, &search, offers), 0);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
}
END_TEST

START_TEST(the_earliest_start_is_found_within_the_range)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_sold();
    struct planner_request request = whole(3, 2, 1, 8, HOUR, 9 * HOUR);
    int64_t from = 0;
    ck_assert(planner_earliest(planner, &request, 30 * HOUR, &from));
    ck_assert_int_eq(from, 30 * HOUR);
    ck_assert(!planner_earliest(planner, &request, 30 * HOUR - 1, &from));
    request.count = 2;
    ck_assert(planner_earliest(planner, &request, 100 * HOUR, &from));
    ck_assert_int_eq(from, 50 * HOUR);
    request.from = 60 * HOUR;
    request.to = 61 * HOUR;
    ck_assert(planner_earliest(planner, &request, 60 * HOUR, &from));
    ck_assert_int_eq(from, 60 * HOUR);
}
END_TEST

START_TEST(each_relaxation_is_the_smallest_that_fits)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(8, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 20 * HOUR, 50 * HOUR)).placed);
    ck_assert(place(planner, whole(2, 1, 1, 8, 20 * HOUR, 40 * HOUR)).placed);
    struct planner_request request = whole(3, 2, 3, 8, 10 * HOUR, 30 * HOUR);
    struct planner_relaxations relaxations;
    request.scope = PLANNER_RACK;
    request.count = 4;
    ck_assert(place(planner, request).placed); /* the rack that is free */
    request.reservation = id_of(4);
    planner_relax(planner, &request, &relaxations);
    ck_assert(relaxations.has_later && relaxations.has_shorter && relaxations.has_smaller && !relaxations.has_looser);
    ck_assert_int_eq(relaxations.later_from, 30 * HOUR);
    ck_assert_int_eq(relaxations.shorter_to, 20 * HOUR);
    ck_assert_uint_eq(relaxations.smaller_count, 2);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(3), 0}));
    ck_assert(planner_release(planner, &(struct planner_key){id_of(3), 1}));
    planner_relax(planner, &request, &relaxations);
    ck_assert(relaxations.has_looser);
    ck_assert_int_eq(relaxations.looser_scope, PLANNER_FABRIC);
}
END_TEST

START_TEST(offers_can_be_placed_and_the_earliest_is_first)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_sold();
    struct planner_search search = {
        .request = whole(3, 2, 2, 8, 0, 1),
        .start_from = 0,
        .start_to = 100 * HOUR,
        .duration_least_s = HOUR,
        .duration_most_s = 8 * HOUR,
        .count_least = 1,
    };
    struct planner_offer offers[PLANNER_OFFERS_MAX];
    uint32_t count = planner_offers(planner, &search, offers);
    ck_assert_uint_ge(count, 3);
    ck_assert_int_eq(offers[0].kind, PLANNER_OFFER_EARLIEST);
    ck_assert_int_eq(offers[0].from, 50 * HOUR);
    bool seen[PLANNER_OFFER_KIND_COUNT] = {false};
    for (uint32_t i = 0; i < count; i++) {
        struct planner_request request = planner_offer_request(&search, &offers[i]);
        seen[offers[i].kind] = true;
        planner_begin(planner);
        ck_assert(place(planner, request).placed);
        planner_rollback(planner);
        if (offers[i].kind == PLANNER_OFFER_SMALLER)
            ck_assert_int_eq(offers[i].from, 30 * HOUR);
        if (offers[i].kind == PLANNER_OFFER_LONGER)
            ck_assert_int_eq(offers[i].to - offers[i].from, 8 * HOUR);
    }
    ck_assert(seen[PLANNER_OFFER_SMALLER] && seen[PLANNER_OFFER_LONGER] && seen[PLANNER_OFFER_CHEAPER]);
}
END_TEST

START_TEST(no_offer_is_beyond_the_budget)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    struct planner_search search = {
        .request = whole(1, 1, 4, 8, 0, 1),
        .start_to = HOUR,
        .duration_least_s = HOUR,
        .duration_most_s = 8 * HOUR,
        .count_least = 2,
        .gpu_milli_s_max = 3 * 8000 * HOUR + 5,
    };
    struct planner_offer offers[PLANNER_OFFERS_MAX];
    uint32_t count = planner_offers(planner, &search, offers);
    ck_assert_uint_gt(count, 0);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_int_le(offers[i].count * (offers[i].to - offers[i].from) * 8000, search.gpu_milli_s_max);
    ck_assert_uint_eq(offers[0].count, 3);
    search.gpu_milli_s_max = 2 * 8000 * HOUR - 1;
    ck_assert_uint_eq(planner_offers(planner, &search, offers), 0);
}
END_TEST

START_TEST(free_instances_are_counted_step_by_step)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_sold();
    struct planner_request request = whole(3, 2, 1, 4, 0, 1);
    uint32_t counts[6];
    planner_free_instances(planner, &request, 0, 10 * HOUR, 6, counts);
    const uint32_t expected[] = {0, 0, 0, 2, 2, 8};
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_uint_eq(counts[i], expected[i]);
}
END_TEST

/* One step is counted by asking each node; many are not asked where nothing on the node changes. */
START_TEST(steps_together_are_counted_as_each_by_itself)
{
    struct property property = property_begin("steps_together_are_counted_as_each_by_itself");
    for (int round = 0; round < 60; round++) {
        CLEANUP(planner_freep) struct planner *planner = planner_new();
        for (uint32_t i = 1; i <= 6; i++) {
            struct planner_node node = node_of(i, i % 3 == 0 ? "a100" : "h100", 4);
            node.turnaround_s = property_between(&property, 0, 40);
            node.plannable_from = property_between(&property, 0, 1) * property_between(&property, 0, 300);
            if (property_between(&property, 0, 2) == 0)
                node.plannable_until = property_between(&property, 300, 600);
            ck_assert_ptr_null(planner_node_put(planner, &node));
        }
        for (uint32_t i = 1; i <= 40; i++) {
            int64_t from = property_between(&property, 0, 500);
            int64_t to = from + property_between(&property, 1, 120);
            uint32_t tenant = (uint32_t)property_between(&property, 1, 3);
            bool is_share = property_between(&property, 0, 2) == 0;
            struct planner_request request =
                is_share ? share(i, tenant, (uint32_t)property_between(&property, 100, 900), from, to)
                         : whole(i, tenant, 1, (uint32_t)property_between(&property, 1, 4), from, to);
            request.shape.cpu_milli = property_between(&property, 0, 40000);
            (void)place(planner, request);
        }
        struct planner_request asked =
            round % 2 == 0 ? whole(99, 1, 1, 1 + (uint32_t)round % 4, 0, 1) : share(99, 2, 400, 0, 1);
        asked.shape.cpu_milli = property_between(&property, 0, 20000);
        int64_t step_s = property_between(&property, 1, 60);
        uint32_t together[30];
        planner_free_instances(planner, &asked, 20, step_s, COUNT_OF(together), together);
        for (uint32_t i = 0; i < COUNT_OF(together); i++) {
            uint32_t alone = 0;
            planner_free_instances(planner, &asked, 20 + step_s * i, step_s, 1, &alone);
            ck_assert_msg(alone == together[i], "step %u of %lld s: %u, not %u", i, (long long)step_s, together[i],
                          alone);
        }
    }
}
END_TEST

START_TEST(usage_adds_up_to_all_there_is)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "h100", 8);
    node.turnaround_s = 10;
    node.plannable_from = 20;
    node.plannable_until = 170;
    ck_assert_ptr_null(planner_node_put(planner, &node));
    ck_assert(place(planner, whole(1, 1, 1, 2, 50, 120)).placed);
    struct planner_request request = whole(2, 2, 1, 1, 60, 90);
    request.preemptible = true;
    ck_assert(place(planner, request).placed);
    ck_assert(place(planner, whole(3, 1, 1, 2, 124, 150)).placed); /* cuts the turnaround of 1 to four seconds */
    struct planner_key block = key_of(4, 0);
    ck_assert(planner_block(planner, &block, id_of(1), 180, 190));
    struct planner_usage usage[2];
    planner_usage_of(planner, PLANNER_RACK, id_of(1), "h100", 0, 100, 2, usage);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_int_eq(usage[i].held + usage[i].preemptible + usage[i].turnaround + usage[i].maintenance +
                             usage[i].unplannable + usage[i].free,
                         8 * 1000 * 100);
    ck_assert_int_eq(usage[0].held, 2 * 1000 * 50);
    ck_assert_int_eq(usage[0].preemptible, 1000 * 30);
    ck_assert_int_eq(usage[0].turnaround, 1000 * 10);
    ck_assert_int_eq(usage[0].unplannable, 8 * 1000 * 20);
    ck_assert_int_eq(usage[1].held, 2 * 1000 * (20 + 26));
    ck_assert_int_eq(usage[1].turnaround, 2 * 1000 * (4 + 10));
    ck_assert_int_eq(usage[1].maintenance, 8 * 1000 * 10);
    ck_assert_int_eq(usage[1].unplannable, 8 * 1000 * 20);
    planner_usage_of(planner, PLANNER_RACK, id_of(2), NULL, 0, 100, 2, usage);
    ck_assert_int_eq(usage[0].free, 0);
}
END_TEST

Suite *unit_suite(void)
{
    const TTest *const promises[] = {
        a_question_changes_nothing,
        the_earliest_start_is_found_within_the_range,
        each_relaxation_is_the_smallest_that_fits,
        offers_can_be_placed_and_the_earliest_is_first,
        no_offer_is_beyond_the_budget,
        free_instances_are_counted_step_by_step,
        steps_together_are_counted_as_each_by_itself,
        usage_adds_up_to_all_there_is,
    };
    return suite_of("planner_offers", promises, COUNT_OF(promises));
}
