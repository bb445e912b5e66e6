/* What the planner promises about changing what it granted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_fleet.h"
#include "tests/unit/suite.h"

static struct planner_verdict amend(struct planner *planner, struct planner_request terms, int64_t now)
{
    struct planner_amendment amendment = {.terms = terms, .now = now};
    struct planner_verdict verdict;
    planner_amend(planner, &amendment, &verdict);
    return verdict;
}

static uint32_t node_at(const struct planner *planner, uint32_t reservation, uint32_t ordinal, int64_t instant)
{
    struct planner_key key = key_of(reservation, ordinal);
    const struct planner_node *node = planner_node_of(planner, &key, instant);
    return node == NULL ? 0 : number_of(node->id);
}

START_TEST(an_extension_stays_on_its_gpus)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 0, 100)).placed);
    ck_assert(place(planner, whole(2, 2, 1, 8, 150, 200)).placed);
    struct planner_key key = key_of(1, 0);
    uint32_t node = node_at(planner, 1, 0, 0);
    uint32_t other = node_at(planner, 2, 0, 150);
    ck_assert_int_eq(planner_extend(planner, &key, 300), node == other ? 150 : 300);
    ck_assert_int_eq(planner_extend(planner, &key, 50), node == other ? 150 : 300); /* never shorter */
    ck_assert_uint_eq(node_at(planner, 1, 0, 0), node);
    planner_verify(planner);
}
END_TEST

START_TEST(an_extension_goes_as_far_as_it_is_free)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "h100", 1);
    node.turnaround_s = 10;
    ck_assert_ptr_null(planner_node_put(planner, &node));
    ck_assert(place(planner, whole(1, 1, 1, 1, 0, 100)).placed);
    ck_assert(place(planner, whole(2, 2, 1, 1, 150, 200)).placed);
    struct planner_key key = key_of(1, 0);
    ck_assert_int_eq(planner_extend(planner, &key, PLANNER_OPEN), 140); /* the turnaround stays before the next */
    uint64_t before = planner_fingerprint(planner, 0);
    ck_assert_int_eq(planner_extend(planner, &key, 150), 140);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(2), 0}));
    ck_assert_int_eq(planner_extend(planner, &key, PLANNER_OPEN), PLANNER_OPEN);
    planner_verify(planner);
}
END_TEST

START_TEST(a_share_is_extended_on_its_gpu)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "t4", 1);
    node.turnaround_s = 10;
    ck_assert_ptr_null(planner_node_put(planner, &node));
    ck_assert(place(planner, share(1, 1, 600, 0, 100)).placed);
    ck_assert(place(planner, share(2, 2, 300, 0, 400)).placed);
    ck_assert(place(planner, share(3, 2, 200, 300, 400)).placed);
    struct planner_key key = key_of(1, 0);
    ck_assert_int_eq(planner_extend(planner, &key, 350), 290);
    planner_verify(planner);
}
END_TEST

START_TEST(what_is_held_early_is_held_where_it_stands_since_others_are_clean_of_it)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "h100", 2);
    node.turnaround_s = 10;
    ck_assert_ptr_null(planner_node_put(planner, &node));
    ck_assert(place(planner, whole(1, 1, 1, 2, 200, 300)).placed);
    ck_assert(place(planner, whole(2, 2, 1, 1, 0, 100)).placed);
    ck_assert(place(planner, whole(3, 1, 1, 1, 120, 140)).placed);
    struct planner_key key = key_of(1, 0);
    ck_assert_int_eq(planner_free_since(planner, &key, 50), 140); /* its own tenant's needs no turnaround */
    ck_assert(planner_cut(planner, &(struct planner_key){id_of(3), 0}, 130));
    ck_assert_int_eq(planner_free_since(planner, &key, 50), 130);
    ck_assert_int_eq(planner_free_since(planner, &key, 150), 150);
    planner_begin_early(planner, &key, 150);
    planner_begin_early(planner, &key, 250); /* it is held already */
    struct planner_allocation held;
    ck_assert(planner_get(planner, &key, node.id, &held));
    ck_assert_int_eq(held.rectangles[0].from, 150);
    ck_assert_int_eq(held.rectangles[0].to, 300);
    ck_assert(!place(planner, whole(4, 1, 1, 1, 140, 160)).placed);
    ck_assert(place(planner, whole(4, 1, 1, 1, 140, 150)).placed);
    planner_verify(planner);
}
END_TEST

START_TEST(a_share_is_held_early_if_its_own_milli_cpu_and_memory_are_free)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "t4", 1);
    ck_assert_ptr_null(planner_node_put(planner, &node));
    ck_assert(place(planner, share(1, 1, 600, 100, 200)).placed);
    ck_assert(place(planner, share(2, 2, 500, 0, 50)).placed);
    struct planner_request fed = share(3, 2, 300, 0, 70);
    fed.shape.cpu_milli = node.cpu_milli;
    struct planner_key key = key_of(1, 0);
    ck_assert_int_eq(planner_free_since(planner, &key, 0), 50);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(2), 0}));
    ck_assert_int_eq(planner_free_since(planner, &key, 0), 0);
    struct planner_request needs = share(4, 1, 100, 100, 200);
    needs.shape.cpu_milli = 1;
    ck_assert(place(planner, needs).placed);
    ck_assert(place(planner, fed).placed);
    ck_assert_int_eq(planner_free_since(planner, &(struct planner_key){id_of(4), 0}, 0), 70);
    planner_begin_early(planner, &(struct planner_key){id_of(4), 0}, 80);
    planner_verify(planner);
}
END_TEST

START_TEST(who_never_left_is_held_again_where_it_was)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "h100", 2);
    node.turnaround_s = 10;
    ck_assert_ptr_null(planner_node_put(planner, &node));
    ck_assert(place(planner, whole(1, 1, 1, 2, 0, 100)).placed);
    ck_assert(place(planner, whole(2, 2, 1, 1, 400, 500)).placed);
    struct planner_key key = key_of(1, 0);
    node.cordoned = true;
    ck_assert_ptr_null(planner_node_put(planner, &node));
    ck_assert_int_eq(planner_resume(planner, &key, 150, 1000), 390); /* before the next, and whatever operators want */
    struct planner_allocation held;
    ck_assert(planner_get(planner, &key, node.id, &held));
    ck_assert_int_eq(held.rectangles[0].from, 150);
    ck_assert_int_eq(planner_resume(planner, &key, 450, 1000), 450); /* the place is another's */
    ck_assert_uint_eq(planner_allocation_count(planner), 2);
    planner_forget(planner, 450);
    ck_assert_int_eq(planner_resume(planner, &key, 450, 1000), 450);
    planner_verify(planner);
}
END_TEST

START_TEST(who_was_held_early_is_replaced_from_its_start_on)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 100, 200)).placed);
    struct planner_key key = key_of(1, 0);
    planner_begin_early(planner, &key, 0);
    uint32_t first = node_at(planner, 1, 0, 0);
    ck_assert(place(planner, whole(2, 2, 1, 8, 0, 90)).placed);
    struct planner_replacement elsewhere = {.key = key, .now = 50, .begins = 100, .scope = PLANNER_FLEET};
    struct planner_verdict verdict;
    ck_assert(planner_replace(planner, &elsewhere, &verdict));
    ck_assert(verdict.placed);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].from, 100);
    ck_assert_uint_ne(node_at(planner, 1, 0, 50), first);
    planner_verify(planner);
}
END_TEST

START_TEST(an_amendment_is_all_or_nothing)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 2, 8, 0, 100)).placed);
    ck_assert(place(planner, whole(2, 2, 1, 8, 0, 300)).placed);
    uint64_t before = planner_fingerprint(planner, 0);
    struct planner_verdict verdict = amend(planner, whole(1, 1, 4, 8, 0, 200), 50);
    ck_assert(!verdict.placed);
    ck_assert_uint_eq(verdict.refusal.asked, 4);
    ck_assert_uint_eq(verdict.refusal.best_count, 3);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
    verdict = amend(planner, whole(1, 1, 3, 8, 0, 200), 50);
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.allocation_count, 3);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].from, 0);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].to, 200);
    ck_assert_int_eq(verdict.allocations[2].rectangles[0].from, 50);
    planner_verify(planner);
}
END_TEST

START_TEST(fewer_give_up_the_highest_ordinals)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 4, 8, 0, 100)).placed);
    ck_assert(amend(planner, whole(1, 1, 2, 8, 0, 80), 50).placed);
    ck_assert_uint_ne(node_at(planner, 1, 1, 79), 0);
    ck_assert_uint_eq(node_at(planner, 1, 1, 80), 0);
    ck_assert_uint_eq(node_at(planner, 1, 2, 50), 0);
    ck_assert_uint_ne(node_at(planner, 1, 3, 49), 0);
    planner_verify(planner);
}
END_TEST

START_TEST(what_has_begun_stays_and_what_has_not_may_move)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 10, 20)).placed);
    uint32_t node = node_at(planner, 1, 0, 10);
    struct planner_request behind = whole(2, 2, 1, 8, 25, 40);
    behind.avoid_node = id_of(3 - node);
    ck_assert(place(planner, behind).placed);
    ck_assert(amend(planner, whole(1, 1, 1, 8, 12, 25), 5).placed);
    ck_assert_uint_eq(node_at(planner, 1, 0, 12), node); /* there is room where it is */
    ck_assert(amend(planner, whole(1, 1, 1, 8, 12, 26), 5).placed);
    ck_assert_uint_eq(node_at(planner, 1, 0, 12), 3 - node);
    ck_assert(amend(planner, whole(1, 1, 1, 8, 12, 25), 14).placed);
    ck_assert_uint_eq(node_at(planner, 1, 0, 12), 3 - node); /* it has begun */
    planner_verify(planner);
}
END_TEST

START_TEST(more_are_placed_within_the_gangs_scope_and_apart)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(12, "h100", 8);
    struct planner_request terms = whole(1, 1, 2, 4, 0, 100);
    terms.scope = PLANNER_RACK;
    terms.spread = PLANNER_SPREAD_NODE;
    ck_assert(place(planner, terms).placed);
    uint32_t rack = (node_at(planner, 1, 0, 0) - 1) / 4;
    terms.count = 4;
    struct planner_verdict verdict = amend(planner, terms, 10);
    ck_assert(verdict.placed);
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq((number_of(verdict.allocations[i].node) - 1) / 4, rack);
        nodes |= 1U << number_of(verdict.allocations[i].node);
    }
    ck_assert_int_eq(__builtin_popcount(nodes), 4);
    terms.count = 5;
    verdict = amend(planner, terms, 10);
    ck_assert(!verdict.placed);
    ck_assert_uint_eq(verdict.refusal.best_count, 4);
    planner_verify(planner);
}
END_TEST

START_TEST(an_extension_of_the_terms_may_evict)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 4, 0, 100)).placed);
    struct planner_request request = whole(2, 2, 2, 4, 100, 200);
    request.preemptible = true;
    ck_assert(place(planner, request).placed);
    struct planner_request terms = whole(1, 1, 1, 4, 0, 150);
    ck_assert(!amend(planner, terms, 50).placed);
    terms.preempts = true;
    terms.evict_from = 60;
    struct planner_verdict verdict = amend(planner, terms, 50);
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.eviction_count, 1);
    ck_assert_int_eq(verdict.evictions[0].lost_gpu_milli_s, 0);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].to, 150);
    planner_verify(planner);
}
END_TEST

START_TEST(a_replacement_keeps_away_from_its_siblings)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(8, "h100", 8);
    struct planner_request request = whole(1, 1, 2, 1, 0, 100);
    request.spread = PLANNER_SPREAD_RACK;
    ck_assert(place(planner, request).placed);
    uint32_t rack = (node_at(planner, 1, 1, 0) - 1) / 4;
    struct planner_replacement replacement = {
        .key = key_of(1, 0), .now = 10, .scope = PLANNER_FLEET, .spread = PLANNER_SPREAD_RACK};
    struct planner_verdict verdict;
    ck_assert(planner_replace(planner, &replacement, &verdict));
    ck_assert(verdict.placed);
    ck_assert_uint_ne((number_of(verdict.allocations[0].node) - 1) / 4, rack);
    for (uint32_t i = 1; i <= 8; i++) {
        struct planner_node node = node_of(i, "h100", 8);
        node.cordoned = (i - 1) / 4 != rack;
        ck_assert_ptr_null(planner_node_put(planner, &node));
    }
    replacement.now = 20;
    ck_assert(planner_replace(planner, &replacement, &verdict));
    ck_assert(!verdict.placed);
}
END_TEST

START_TEST(maintenance_takes_what_nobody_holds)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "t4", 2);
    node.turnaround_s = 10;
    ck_assert_ptr_null(planner_node_put(planner, &node));
    ck_assert(place(planner, share(1, 1, 400, 20, 100)).placed);
    ck_assert(place(planner, whole(2, 1, 1, 1, 0, 100)).placed);
    struct planner_key key = key_of(7, 0);
    uint32_t count = 0;
    ck_assert(!planner_block(planner, &key, id_of(1), 99, 200));
    const struct planner_allocation *hits = planner_hits(planner, id_of(1), 99, 200, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(number_of(hits[0].key.reservation), 2);
    ck_assert_uint_eq(number_of(hits[1].key.reservation), 1);
    ck_assert(planner_block(planner, &key, id_of(1), 105, 200)); /* turnaround is no hindrance */
    planner_verify(planner);
    ck_assert(!place(planner, share(3, 1, 1, 150, 160)).placed);
    ck_assert(place(planner, share(3, 1, 1, 200, 210)).placed);
    (void)planner_hits(planner, id_of(1), 100, 105, &count);
    ck_assert_uint_eq(count, 0);
    struct planner_allocation block;
    ck_assert(planner_get(planner, &key, id_of(1), &block));
    ck_assert(block.maintenance);
    ck_assert(planner_cut(planner, &key, 150));
    ck_assert(place(planner, share(4, 1, 1, 150, 160)).placed);
    ck_assert(!planner_block(planner, &(struct planner_key){id_of(8), 0}, id_of(9), 500, 600)); /* unknown */
    planner_verify(planner);
}
END_TEST

START_TEST(a_savepoint_is_gone_back_to_exactly)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    planner_begin(planner);
    ck_assert(place(planner, whole(1, 1, 2, 8, 0, 100)).placed);
    uint32_t first = planner_savepoint(planner);
    uint64_t before = planner_fingerprint(planner, 0);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(1), 0}));
    uint32_t second = planner_savepoint(planner);
    ck_assert(place(planner, whole(2, 1, 1, 8, 0, 100)).placed);
    planner_rollback_to(planner, second);
    ck_assert(place(planner, whole(3, 1, 1, 8, 0, 100)).placed);
    planner_rollback_to(planner, first);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
    size_t count = 0;
    const struct planner_change *changes = planner_changes(planner, &count);
    ck_assert_uint_eq(count, 2); /* what was taken back has not changed */
    ck_assert_uint_eq(number_of(changes[0].key.reservation), 1);
    planner_commit(planner);
    planner_verify(planner);
}
END_TEST

START_TEST(a_copy_is_the_same_and_independent)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(6, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 3, 8, 0, 100)).placed);
    ck_assert(place(planner, share(2, 1, 300, 50, 90)).placed);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(1), 1}));
    CLEANUP(planner_freep) struct planner *copy = planner_copy(planner);
    uint64_t before = planner_fingerprint(planner, 0);
    ck_assert_uint_eq(planner_fingerprint(copy, 0), before);
    planner_verify(copy);
    struct planner_verdict verdict = place(copy, whole(3, 1, 2, 4, 20, 80));
    uint32_t node = number_of(verdict.allocations[0].node);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
    verdict = place(planner, whole(3, 1, 2, 4, 20, 80));
    ck_assert_uint_eq(number_of(verdict.allocations[0].node), node); /* it decides alike */
    ck_assert_uint_eq(planner_fingerprint(planner, 0), planner_fingerprint(copy, 0));
}
END_TEST

START_TEST(what_an_allocation_is_survives_a_rebuild)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 8);
    struct planner_request request = whole(1, 1, 1, 2, 0, 100);
    request.preemptible = true;
    struct planner_verdict verdict = place(planner, request);
    ck_assert(verdict.placed && verdict.allocations[0].preemptible);
    CLEANUP(planner_freep) struct planner *rebuilt = fleet_of(1, "h100", 8);
    struct planner_key key = key_of(1, 0);
    struct planner_allocation allocation;
    ck_assert(planner_get(planner, &key, id_of(1), &allocation));
    ck_assert(allocation.preemptible);
    ck_assert_ptr_null(planner_load(rebuilt, &allocation));
    ck_assert_uint_eq(planner_fingerprint(rebuilt, 0), planner_fingerprint(planner, 0));
    ck_assert(planner_release(rebuilt, &key));
    allocation.preemptible = false;
    ck_assert_ptr_null(planner_load(rebuilt, &allocation));
    ck_assert_uint_ne(planner_fingerprint(rebuilt, 0), planner_fingerprint(planner, 0));
}
END_TEST

Suite *unit_suite(void)
{
    const TTest *const promises[] = {
        an_extension_stays_on_its_gpus,
        an_extension_goes_as_far_as_it_is_free,
        a_share_is_extended_on_its_gpu,
        what_is_held_early_is_held_where_it_stands_since_others_are_clean_of_it,
        a_share_is_held_early_if_its_own_milli_cpu_and_memory_are_free,
        who_never_left_is_held_again_where_it_was,
        who_was_held_early_is_replaced_from_its_start_on,
        an_amendment_is_all_or_nothing,
        fewer_give_up_the_highest_ordinals,
        what_has_begun_stays_and_what_has_not_may_move,
        more_are_placed_within_the_gangs_scope_and_apart,
        an_extension_of_the_terms_may_evict,
        a_replacement_keeps_away_from_its_siblings,
        maintenance_takes_what_nobody_holds,
        a_savepoint_is_gone_back_to_exactly,
        a_copy_is_the_same_and_independent,
        what_an_allocation_is_survives_a_rebuild,
    };
    return suite_of("planner_amend", promises, COUNT_OF(promises));
}
