/* What the planner promises about spread and preemption, one promise at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_fleet.h"
#include "tests/unit/suite.h"

static void put(struct planner *planner, struct planner_node node)
{
    ck_assert_ptr_null(planner_node_put(planner, &node));
}

/* A preemptible instance of whole GPUs. */
static struct planner_request lent(uint32_t reservation, uint32_t gpus, int64_t from, int64_t to)
{
    struct planner_request request = whole(reservation, 9, 1, gpus, from, to);
    request.preemptible = true;
    return request;
}

/* A firm request that may evict from `evict_from` on. */
static struct planner_request firm(uint32_t reservation, uint32_t count, uint32_t gpus, int64_t from, int64_t to,
                                   int64_t evict_from)
{
    struct planner_request request = whole(reservation, 1, count, gpus, from, to);
    request.preempts = true;
    request.evict_from = evict_from;
    return request;
}

START_TEST(a_spread_gang_has_no_two_instances_in_one_group)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(12, "h100", 8);
    struct planner_request request = whole(1, 1, 3, 1, 0, 10);
    request.spread = PLANNER_SPREAD_RACK;
    struct planner_verdict verdict = place(planner, request);
    ck_assert(verdict.placed);
    uint32_t racks = 0;
    for (uint32_t i = 0; i < 3; i++)
        racks |= 1U << (number_of(verdict.allocations[i].node) - 1) / 4;
    ck_assert_uint_eq(racks, 7);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(1), 1}));
    uint32_t rack = (number_of(verdict.allocations[1].node) - 1) / 4;
    request.first_ordinal = 7;
    request.count = 1;
    verdict = place(planner, request); /* one that joins keeps apart from those that are there */
    ck_assert_uint_eq((number_of(verdict.allocations[0].node) - 1) / 4, rack);
    request.first_ordinal = 8;
    ck_assert(!place(planner, request).placed);
    request = whole(2, 1, 4, 1, 0, 10);
    request.spread = PLANNER_SPREAD_RACK;
    verdict = place(planner, request);
    ck_assert(!verdict.placed);
    ck_assert_uint_eq(verdict.refusal.best_count, 3);
    request = whole(3, 1, 4, 1, 0, 10);
    request.spread = PLANNER_SPREAD_NODE;
    request.scope = PLANNER_RACK;
    verdict = place(planner, request);
    ck_assert(verdict.placed);
    ck_assert_uint_ne(number_of(verdict.allocations[0].node), number_of(verdict.allocations[1].node));
    request = whole(4, 1, 5, 1, 0, 10);
    request.spread = PLANNER_SPREAD_NODE;
    request.scope = PLANNER_RACK;
    verdict = place(planner, request);
    ck_assert(!verdict.placed);
    ck_assert_uint_eq(verdict.refusal.scope_count, 3);
    planner_verify(planner);
}
END_TEST

START_TEST(what_is_free_is_taken_before_anybody_is_evicted)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    ck_assert(place(planner, lent(1, 8, 0, 100)).placed);
    struct planner_verdict verdict = place(planner, firm(2, 1, 8, 50, 100, 20));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 0);
    verdict = place(planner, firm(3, 1, 8, 50, 100, 20));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 1);
    ck_assert_uint_eq(number_of(verdict.evictions[0].key.reservation), 1);
    ck_assert_int_eq(verdict.evictions[0].ends, 50);
    ck_assert_int_eq(verdict.evictions[0].lost_gpu_milli_s, 50 * 8000);
    ck_assert_ptr_null(planner_node_of(planner, &(struct planner_key){id_of(1), 0}, 50));
    ck_assert_ptr_nonnull(planner_node_of(planner, &(struct planner_key){id_of(1), 0}, 49));
    planner_verify(planner);
}
END_TEST

START_TEST(the_least_work_is_thrown_away_and_no_more_than_needed)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 8);
    ck_assert(place(planner, lent(1, 4, 0, 100)).placed);  /* 4 GPUs for 50 s: 200 */
    ck_assert(place(planner, lent(2, 2, 10, 100)).placed); /* 2 GPUs for 40 s: 80 */
    ck_assert(place(planner, lent(3, 2, 40, 100)).placed); /* 2 GPUs for 10 s: 20 */
    struct planner_verdict verdict = place(planner, firm(4, 1, 2, 50, 100, 50));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 1);
    ck_assert_uint_eq(number_of(verdict.evictions[0].key.reservation), 3);
    verdict = place(planner, firm(5, 1, 4, 50, 100, 50)); /* 2 of reservation 4 are firm: only 1 has four GPUs */
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 1);
    ck_assert_uint_eq(number_of(verdict.evictions[0].key.reservation), 1);
    planner_verify(planner);
}
END_TEST

START_TEST(one_that_has_not_begun_loses_nothing_and_goes_entirely)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    ck_assert(place(planner, lent(1, 8, 0, 100)).placed);
    ck_assert(place(planner, lent(2, 8, 60, 100)).placed);
    struct planner_verdict verdict = place(planner, firm(3, 1, 8, 50, 100, 20));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 1);
    ck_assert_uint_eq(number_of(verdict.evictions[0].key.reservation), 2);
    ck_assert_int_eq(verdict.evictions[0].lost_gpu_milli_s, 0);
    ck_assert_int_eq(verdict.evictions[0].ends, 60);
    ck_assert_ptr_null(planner_node_of(planner, &(struct planner_key){id_of(2), 0}, 0));
}
END_TEST

START_TEST(nobody_goes_before_the_notice_is_over_and_the_turnaround_follows)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "h100", 8);
    node.turnaround_s = 10;
    put(planner, node);
    ck_assert(place(planner, lent(1, 8, 0, 100)).placed);
    struct planner_verdict verdict = place(planner, firm(2, 1, 8, 49, 100, 40));
    ck_assert(!verdict.placed);
    ck_assert(verdict.refusal.preempts_later);
    ck_assert_int_eq(verdict.refusal.preempts_from, 50);
    verdict = place(planner, firm(2, 1, 8, 50, 100, 40));
    ck_assert(verdict.placed);
    ck_assert_int_eq(verdict.evictions[0].ends, 40);
    planner_verify(planner);
}
END_TEST

START_TEST(a_gang_evicts_on_several_nodes_within_its_scope)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(8, "h100", 8);
    for (uint32_t i = 1; i <= 8; i++)
        ck_assert(place(planner, lent(i, 8, 8 - i, 1000)).placed); /* nodes fill in order: rack 1 has less to lose */
    struct planner_request request = firm(20, 3, 8, 50, 1000, 50);
    request.scope = PLANNER_RACK;
    struct planner_verdict verdict = place(planner, request);
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_le(number_of(verdict.evictions[i].key.reservation), 4);
    request = firm(21, 2, 8, 50, 1000, 50);
    request.scope = PLANNER_RACK;
    request.spread = PLANNER_SPREAD_NODE;
    verdict = place(planner, request);
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 2);
    planner_verify(planner);
}
END_TEST

START_TEST(who_need_not_go_after_all_is_kept)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 1);
    put(planner, node_of(2, "h100", 4));
    ck_assert(place(planner, lent(1, 1, 0, 100)).placed);  /* 50 GPU-seconds by then */
    ck_assert(place(planner, lent(2, 4, 30, 100)).placed); /* 80: dearer for one GPU, but it has four */
    struct planner_verdict verdict = place(planner, firm(3, 2, 1, 50, 100, 50));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 1);
    ck_assert_uint_eq(number_of(verdict.evictions[0].key.reservation), 2);
    planner_verify(planner);
}
END_TEST

START_TEST(shares_give_way_by_as_much_as_is_needed)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "t4", 1);
    for (uint32_t i = 1; i <= 5; i++) {
        struct planner_request request = share(i, 9, 200, 10 * i, 1000);
        request.preemptible = true;
        request.shape.memory_mib = 1024;
        ck_assert(place(planner, request).placed);
    }
    struct planner_request request = share(10, 1, 300, 100, 200);
    request.preempts = true;
    request.evict_from = 90;
    struct planner_verdict verdict = place(planner, request);
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 2); /* those that began last */
    ck_assert_uint_eq(number_of(verdict.evictions[0].key.reservation) + number_of(verdict.evictions[1].key.reservation),
                      9);
    planner_verify(planner);
}
END_TEST

START_TEST(a_replacement_takes_what_is_preemptible_once_it_is_gone_and_clean)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    for (uint32_t i = 1; i <= 5; i++) { /* four in one rack, the fifth in another */
        struct planner_node node = node_of(i, "h100", 8);
        node.turnaround_s = 10;
        put(planner, node);
    }
    ck_assert(place(planner, whole(1, 1, 2, 8, 0, 1000)).placed);
    ck_assert(place(planner, lent(2, 8, 0, 1000)).placed);
    ck_assert(place(planner, lent(3, 8, 20, 1000)).placed);
    struct planner_request other = lent(4, 8, 90, 1000); /* the least loss of all, out of reach */
    ck_assert(place(planner, other).placed);
    struct planner_node failed = *planner_node_of(planner, &(struct planner_key){id_of(1), 1}, 100);
    failed.cordoned = true;
    put(planner, failed);
    struct planner_replacement replacement = {
        .key = key_of(1, 1), .now = 100, .scope = PLANNER_RACK, .preempts = true, .evict_from = 220};
    struct planner_verdict verdict;
    ck_assert(planner_replace(planner, &replacement, &verdict));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 1);
    ck_assert_uint_eq(number_of(verdict.evictions[0].key.reservation), 3);
    ck_assert_int_eq(verdict.evictions[0].ends, 220);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].from, 230);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].to, 1000);
    replacement = (struct planner_replacement){.key = key_of(1, 1), .now = 110, .scope = PLANNER_FLEET, .sooner = true};
    ck_assert(planner_replace(planner, &replacement, &verdict) && !verdict.placed); /* nothing is free before */
    ck_assert(planner_release(planner, &(struct planner_key){id_of(4), 0}));
    ck_assert(planner_replace(planner, &replacement, &verdict) && verdict.placed);
    ck_assert_uint_eq(number_of(verdict.allocations[0].node), 5);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].from, 110);
    planner_verify(planner);
}
END_TEST

START_TEST(a_replacement_evicts_nobody_where_something_is_free_by_then)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(3, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 0, 1000)).placed);
    ck_assert(place(planner, lent(2, 8, 0, 1000)).placed);
    ck_assert(place(planner, whole(3, 2, 1, 8, 0, 200)).placed);
    struct planner_replacement replacement = {
        .key = key_of(1, 0), .now = 100, .scope = PLANNER_FLEET, .preempts = true, .evict_from = 220};
    struct planner_verdict verdict;
    ck_assert(planner_replace(planner, &replacement, &verdict));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 0);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].from, 220);
    planner_verify(planner);
}
END_TEST

START_TEST(a_replacement_evicts_nobody_nearby_where_something_is_free_further_away)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(5, "h100", 8); /* the fifth in another rack */
    ck_assert(place(planner, whole(1, 1, 1, 8, 0, 1000)).placed);
    for (uint32_t i = 2; i <= 4; i++)
        ck_assert(place(planner, lent(i, 8, 0, 1000)).placed);
    ck_assert(place(planner, whole(5, 2, 1, 8, 0, 200)).placed);
    struct planner_replacement replacement = {
        .key = key_of(1, 0), .now = 100, .scope = PLANNER_FLEET, .preempts = true, .evict_from = 220};
    struct planner_verdict verdict;
    ck_assert(planner_replace(planner, &replacement, &verdict));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 0);
    ck_assert_uint_eq(number_of(verdict.allocations[0].node), 5);
    planner_verify(planner);
}
END_TEST

START_TEST(a_replacement_evicts_who_loses_the_least_and_of_several_the_nearest)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(6, "h100", 8);
    static const int64_t begins[] = {10, 40, 40, 40, 0, 40}; /* on nodes 1 to 6, of which 5 and 6 share a rack */
    for (uint32_t i = 0; i < 6; i++)
        ck_assert(place(planner, i == 4 ? whole(5, 1, 1, 8, 0, 1000) : lent(1 + i, 8, begins[i], 1000)).placed);
    struct planner_replacement replacement = {
        .key = key_of(5, 0), .now = 100, .scope = PLANNER_FLEET, .preempts = true, .evict_from = 100};
    static const uint32_t evicted[] = {6, 2}; /* of the nearest, then of those that are equally far the first */
    for (int i = 0; i < 2; i++) {
        struct planner_verdict verdict;
        planner_begin(planner);
        ck_assert(planner_replace(planner, &replacement, &verdict) && verdict.placed);
        ck_assert_uint_eq(verdict.eviction_count, 1);
        ck_assert_uint_eq(number_of(verdict.evictions[0].key.reservation), evicted[i]);
        planner_rollback(planner);
        ck_assert(planner_release(planner, &(struct planner_key){id_of(6), 0}) == (i == 0));
        ck_assert(i > 0 || place(planner, lent(7, 8, 0, 1000)).placed); /* which would lose more */
    }
    planner_verify(planner);
}
END_TEST

START_TEST(a_replacement_evicts_nobody_elsewhere_for_what_must_stay_on_one_node)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(3, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 0, 1000)).placed);
    ck_assert(place(planner, lent(2, 8, 0, 1000)).placed);
    struct planner_replacement replacement = {
        .key = key_of(1, 0), .now = 100, .scope = PLANNER_NODE, .preempts = true, .evict_from = 220};
    struct planner_verdict verdict;
    ck_assert(!planner_replace(planner, &replacement, &verdict) || !verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 0);
    planner_verify(planner);
}
END_TEST

START_TEST(evictions_are_undone_with_their_batch)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    ck_assert(place(planner, lent(1, 8, 0, 100)).placed);
    ck_assert(place(planner, lent(2, 8, 0, 100)).placed);
    uint64_t before = planner_fingerprint(planner, 0);
    planner_begin(planner);
    ck_assert(place(planner, firm(3, 2, 8, 50, 100, 20)).placed);
    planner_rollback(planner);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
    planner_verify(planner);
}
END_TEST

Suite *unit_suite(void)
{
    const TTest *const promises[] = {
        a_spread_gang_has_no_two_instances_in_one_group,
        what_is_free_is_taken_before_anybody_is_evicted,
        the_least_work_is_thrown_away_and_no_more_than_needed,
        one_that_has_not_begun_loses_nothing_and_goes_entirely,
        nobody_goes_before_the_notice_is_over_and_the_turnaround_follows,
        a_gang_evicts_on_several_nodes_within_its_scope,
        who_need_not_go_after_all_is_kept,
        shares_give_way_by_as_much_as_is_needed,
        a_replacement_takes_what_is_preemptible_once_it_is_gone_and_clean,
        a_replacement_evicts_nobody_where_something_is_free_by_then,
        a_replacement_evicts_nobody_nearby_where_something_is_free_further_away,
        a_replacement_evicts_who_loses_the_least_and_of_several_the_nearest,
        a_replacement_evicts_nobody_elsewhere_for_what_must_stay_on_one_node,
        evictions_are_undone_with_their_batch,
    };
    return suite_of("planner_preempt", promises, COUNT_OF(promises));
}
