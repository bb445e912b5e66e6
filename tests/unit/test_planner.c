/* What the planner promises, one promise at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_fleet.h"
#include "tests/unit/suite.h"

/* The milli that an allocation has of its node at an instant, of one kind. */
static int32_t milli_at(const struct planner_allocation *allocation, enum planner_kind kind, int64_t instant)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < allocation->rectangle_count; i++) {
        const struct planner_rectangle *rectangle = &allocation->rectangles[i];
        if (rectangle->kind == kind && rectangle->from <= instant && instant < rectangle->to)
            sum += rectangle->slots_to - rectangle->slots_from;
    }
    return sum;
}

static void put(struct planner *planner, struct planner_node node)
{
    ck_assert_ptr_null(planner_node_put(planner, &node));
}

static void assert_refused(struct planner_verdict verdict, enum planner_binding binding)
{
    ck_assert(!verdict.placed);
    ck_assert_str_eq(planner_binding_text(verdict.refusal.binding), planner_binding_text(binding));
}

START_TEST(a_gang_is_all_or_nothing)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 0, 10)).placed);
    uint64_t before = planner_fingerprint(planner, 0);
    struct planner_verdict verdict = place(planner, whole(2, 1, 4, 8, 0, 10));
    assert_refused(verdict, PLANNER_BINDS_CAPACITY);
    ck_assert_uint_eq(verdict.refusal.asked, 4);
    ck_assert_uint_eq(verdict.refusal.best_count, 3);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
    ck_assert(place(planner, whole(2, 1, 3, 8, 0, 10)).placed);
    ck_assert_uint_eq(planner_allocation_count(planner), 4);
    planner_verify(planner);
}
END_TEST

START_TEST(the_fullest_node_that_fits_is_taken)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(3, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 5, 0, 100 * HOUR)).placed);
    struct planner_id node = planner_node_of(planner, &(struct planner_key){id_of(1), 0}, 0)->id;
    struct planner_verdict verdict = place(planner, whole(2, 1, 1, 3, 0, 100 * HOUR));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(number_of(verdict.allocations[0].node), number_of(node));
    verdict = place(planner, whole(3, 1, 1, 8, 0, 100 * HOUR));
    ck_assert(verdict.placed);
    ck_assert_uint_ne(number_of(verdict.allocations[0].node), number_of(node));
}
END_TEST

START_TEST(the_tightest_scope_that_holds_the_gang_is_taken)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(16, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 0, 10)).placed); /* one rack has three nodes left */
    struct planner_verdict verdict = place(planner, whole(2, 1, 3, 8, 0, 10));
    ck_assert(verdict.placed);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_le(number_of(verdict.allocations[i].node), 4);
    verdict = place(planner, whole(3, 1, 8, 8, 0, 10)); /* fabric 1 has only one rack free, fabric 2 is whole */
    ck_assert(verdict.placed);
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_uint_ge(number_of(verdict.allocations[i].node), 9);
    verdict = place(planner, whole(4, 1, 8, 1, 0, 10)); /* one node is tighter than a rack */
    ck_assert(verdict.placed);
    for (uint32_t i = 1; i < 8; i++)
        ck_assert_uint_eq(number_of(verdict.allocations[i].node), number_of(verdict.allocations[0].node));
}
END_TEST

START_TEST(a_required_scope_binds_and_a_preferred_one_gives_way)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(8, "h100", 8);
    struct planner_request request = whole(1, 1, 5, 8, 0, 10);
    request.scope = PLANNER_RACK;
    struct planner_verdict verdict = place(planner, request);
    assert_refused(verdict, PLANNER_BINDS_SCOPE);
    ck_assert_uint_eq(verdict.refusal.best_count, 4);
    ck_assert_uint_eq(verdict.refusal.fleet_count, 8);
    ck_assert_uint_ne(number_of(verdict.refusal.where), 0);
    request.scope_preferred = true;
    ck_assert(place(planner, request).placed);
    request = whole(2, 1, 2, 8, 0, 10);
    request.scope = PLANNER_NODE;
    assert_refused(place(planner, request), PLANNER_BINDS_SCOPE);
}
END_TEST

START_TEST(a_zone_is_a_filter)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    struct planner_node far = node_of(3, "h100", 8);
    far.zone = id_of(2);
    put(planner, far);
    struct planner_request request = whole(1, 1, 1, 1, 0, 10);
    request.zone = id_of(2);
    struct planner_verdict verdict = place(planner, request);
    ck_assert(verdict.placed);
    ck_assert_uint_eq(number_of(verdict.allocations[0].node), 3);
    request = whole(2, 1, 1, 1, 0, 10);
    request.zone = id_of(9);
    assert_refused(place(planner, request), PLANNER_BINDS_MODEL);
}
END_TEST

START_TEST(any_allowed_model_will_do_but_a_gang_gets_one)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "h100", 8);
    put(planner, node_of(3, "a100", 8));
    put(planner, node_of(4, "a100", 8));
    static const char *const models[] = {"b200", "a100", "h100"};
    struct planner_request request = whole(1, 1, 3, 8, 0, 10);
    request.gpu_models = models;
    request.gpu_model_count = 3;
    struct planner_verdict verdict = place(planner, request);
    assert_refused(verdict, PLANNER_BINDS_COUNT_OVER_FLEET);
    ck_assert_uint_eq(verdict.refusal.best_count, 2);
    request.count = 1;
    verdict = place(planner, request);
    ck_assert(verdict.placed);
    ck_assert_uint_eq(number_of(verdict.allocations[0].node), 3); /* equally good: in the order of the list */
    request = whole(2, 1, 1, 1, 0, 10);
    request.gpu_models = models;
    request.gpu_model_count = 1;
    assert_refused(place(planner, request), PLANNER_BINDS_MODEL);
}
END_TEST

START_TEST(a_share_fits_where_every_instant_has_that_much_free)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "t4", 1);
    ck_assert(place(planner, share(1, 1, 500, 0, 10)).placed);
    ck_assert(place(planner, share(2, 1, 300, 0, 20)).placed);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(1), 0}));
    ck_assert(place(planner, share(3, 1, 600, 10, 20)).placed); /* leaves 100 free from 10 on */
    ck_assert(place(planner, share(4, 1, 600, 0, 10)).placed);
    struct planner_verdict verdict = place(planner, share(5, 1, 100, 0, 20));
    ck_assert(verdict.placed);
    for (int64_t instant = 0; instant < 20; instant++)
        ck_assert_int_eq(milli_at(&verdict.allocations[0], PLANNER_HELD, instant), 100);
    assert_refused(place(planner, share(6, 1, 1, 19, 21)), PLANNER_BINDS_CAPACITY); /* one instant is full */
    planner_verify(planner);
}
END_TEST

START_TEST(a_share_moves_where_no_slots_stay_free)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "t4", 1);
    /* Four quarters; first the 1st and 3rd are taken, later the 2nd and 4th: no milli is free throughout. */
    static const int64_t periods[4][2] = {{0, 10}, {10, 20}, {0, 10}, {10, 20}};
    for (int32_t i = 0; i < 4; i++) {
        struct planner_rectangle rectangle = {i * 250, (i + 1) * 250, periods[i][0], periods[i][1], PLANNER_HELD};
        struct planner_allocation allocation = {.key = key_of((uint32_t)i + 1, 0),
                                                .tenant = id_of(1),
                                                .node = id_of(1),
                                                .shape = {.gpu_milli = 250},
                                                .rectangles = &rectangle,
                                                .rectangle_count = 1};
        ck_assert_ptr_null(planner_load(planner, &allocation));
    }
    struct planner_verdict verdict = place(planner, share(5, 2, 500, 0, 20));
    ck_assert(verdict.placed);
    ck_assert_uint_eq(verdict.allocations[0].rectangle_count, 4);
    for (int64_t instant = 0; instant < 20; instant++)
        ck_assert_int_eq(milli_at(&verdict.allocations[0], PLANNER_HELD, instant), 500);
    planner_verify(planner);
}
END_TEST

START_TEST(a_share_takes_the_gpu_that_is_left_with_the_least)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(2, "t4", 2);
    ck_assert(place(planner, share(1, 1, 600, 0, 10)).placed);
    struct planner_id node = planner_node_of(planner, &(struct planner_key){id_of(1), 0}, 0)->id;
    struct planner_verdict verdict = place(planner, share(2, 1, 400, 0, 10));
    ck_assert_uint_eq(number_of(verdict.allocations[0].node), number_of(node));
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].slots_to, 1000);
    ck_assert(place(planner, whole(3, 1, 1, 2, 0, 10)).placed);
    ck_assert(place(planner, whole(4, 1, 1, 1, 0, 10)).placed);
}
END_TEST

/* A fleet of one GPU that needs ten seconds between tenants; tenant 1 has it until 100. */
static struct planner *fleet_with_turnaround(void)
{
    struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "h100", 1);
    node.turnaround_s = 10;
    put(planner, node);
    ck_assert(place(planner, whole(1, 1, 1, 1, 0, 100)).placed);
    return planner;
}

START_TEST(another_tenant_waits_for_the_turnaround)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_with_turnaround();
    assert_refused(place(planner, whole(2, 2, 1, 1, 109, 200)), PLANNER_BINDS_CAPACITY);
    ck_assert(place(planner, whole(2, 2, 1, 1, 110, 200)).placed);
    /* and what comes before must be over, turnaround included, when the next one begins */
    ck_assert(planner_release(planner, &(struct planner_key){id_of(1), 0}));
    assert_refused(place(planner, whole(3, 3, 1, 1, 0, 101)), PLANNER_BINDS_CAPACITY);
    ck_assert(place(planner, whole(3, 3, 1, 1, 0, 100)).placed);
    planner_verify(planner);
}
END_TEST

START_TEST(whole_gpus_owe_no_turnaround_to_their_own_tenant)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_with_turnaround();
    struct planner_key first = key_of(1, 0);
    struct planner_allocation allocation;
    uint64_t before = planner_fingerprint(planner, 0);
    planner_begin(planner);
    ck_assert(place(planner, whole(2, 1, 1, 1, 104, 200)).placed);
    size_t count = 0;
    const struct planner_change *changes = planner_changes(planner, &count);
    ck_assert_uint_eq(count, 2); /* the newcomer, and the neighbour whose turnaround is shorter now */
    ck_assert(changes[0].exists && changes[1].exists);
    planner_commit(planner);
    ck_assert(planner_get(planner, &first, id_of(1), &allocation));
    ck_assert_uint_eq(allocation.rectangle_count, 2);
    ck_assert_int_eq(allocation.rectangles[1].kind, PLANNER_TURNAROUND);
    ck_assert_int_eq(allocation.rectangles[1].to, 104);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(2), 0}));
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before); /* it is given back */
    ck_assert(planner_get(planner, &first, id_of(1), &allocation));
    ck_assert_int_eq(allocation.rectangles[1].to, 110);
}
END_TEST

START_TEST(a_cut_frees_the_rest_after_the_turnaround)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_with_turnaround();
    struct planner_key key = key_of(1, 0);
    ck_assert(planner_cut(planner, &key, 50));
    assert_refused(place(planner, whole(2, 2, 1, 1, 59, 80)), PLANNER_BINDS_CAPACITY);
    ck_assert(place(planner, whole(2, 2, 1, 1, 60, 80)).placed);
    ck_assert(!planner_cut(planner, &key, 50));
    ck_assert(planner_cut(planner, &(struct planner_key){id_of(2), 0}, 60)); /* before it began: gone */
    ck_assert_uint_eq(planner_allocation_count(planner), 1);
    planner_verify(planner);
}
END_TEST

START_TEST(a_share_keeps_its_turnaround_and_a_cut_brings_it_forward)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "t4", 1);
    node.turnaround_s = 10;
    put(planner, node);
    struct planner_verdict verdict = place(planner, share(1, 1, 600, 0, 100));
    ck_assert_int_eq(milli_at(&verdict.allocations[0], PLANNER_TURNAROUND, 109), 600);
    assert_refused(place(planner, share(2, 1, 500, 105, 200)), PLANNER_BINDS_CAPACITY); /* even its own tenant's */
    ck_assert(planner_cut(planner, &(struct planner_key){id_of(1), 0}, 50));
    assert_refused(place(planner, share(2, 1, 500, 59, 200)), PLANNER_BINDS_CAPACITY);
    ck_assert(place(planner, share(2, 1, 500, 60, 200)).placed);
    planner_verify(planner);
}
END_TEST

START_TEST(pairs_and_quads_stay_together)
{
    CLEANUP(planner_freep) struct planner *planner = planner_new();
    struct planner_node node = node_of(1, "v100", 8);
    node.grouping = PLANNER_QUADS;
    put(planner, node);
    for (uint32_t i = 0; i < 2; i++) { /* break both quads: six GPUs free, three in each */
        int32_t slot = (int32_t)i * 4000;
        struct planner_rectangle rectangle = {slot, slot + 1000, 0, 10, PLANNER_HELD};
        struct planner_allocation allocation = {.key = key_of(i + 1, 0),
                                                .tenant = id_of(1),
                                                .node = id_of(1),
                                                .shape = {.gpus = 1},
                                                .rectangles = &rectangle,
                                                .rectangle_count = 1};
        ck_assert_ptr_null(planner_load(planner, &allocation));
    }
    struct planner_verdict verdict = place(planner, whole(3, 1, 1, 4, 0, 10));
    assert_refused(verdict, PLANNER_BINDS_CAPACITY);
    verdict = place(planner, whole(3, 1, 2, 3, 0, 10));
    ck_assert(verdict.placed);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_uint_eq(verdict.allocations[i].rectangle_count, 1);
    planner_verify(planner);
}
END_TEST

START_TEST(neighbours_go_together_where_any_may)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 1, 0, 10)).placed);
    struct planner_verdict verdict = place(planner, whole(2, 1, 1, 4, 0, 10));
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].slots_from, 4000); /* the quad that is whole */
    verdict = place(planner, whole(3, 1, 1, 2, 0, 10));
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].slots_from, 2000); /* the pair that is whole */
}
END_TEST

START_TEST(a_cordoned_node_takes_nothing_new)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 1, 0, 10)).placed);
    struct planner_node node = node_of(1, "h100", 8);
    node.cordoned = true;
    put(planner, node);
    assert_refused(place(planner, whole(2, 1, 1, 1, 0, 10)), PLANNER_BINDS_UNPLANNABLE);
    ck_assert_uint_eq(planner_allocation_count(planner), 1);
    node.cordoned = false;
    node.plannable_from = 5;
    node.plannable_until = 20;
    put(planner, node);
    assert_refused(place(planner, whole(2, 1, 1, 1, 4, 10)), PLANNER_BINDS_UNPLANNABLE);
    assert_refused(place(planner, whole(2, 1, 1, 1, 5, PLANNER_OPEN)), PLANNER_BINDS_UNPLANNABLE);
    ck_assert(place(planner, whole(2, 1, 1, 1, 5, 20)).placed);
}
END_TEST

START_TEST(cpu_and_memory_are_never_exceeded)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 8);
    struct planner_request request = whole(1, 1, 1, 1, 0, 10);
    request.shape.cpu_milli = 90000;
    ck_assert(place(planner, request).placed);
    request = whole(2, 1, 1, 1, 9, 20);
    request.shape.cpu_milli = 6001;
    assert_refused(place(planner, request), PLANNER_BINDS_CPU);
    request.from = 10;
    ck_assert(place(planner, request).placed);
    request = whole(3, 1, 2, 1, 0, 10);
    request.shape.memory_mib = 512 * 1024 + 1;
    assert_refused(place(planner, request), PLANNER_BINDS_COUNT_OVER_FLEET);
    request.shape.memory_mib = 512 * 1024;
    ck_assert(place(planner, request).placed);
    request = whole(4, 1, 1, 1, 0, 10);
    request.shape.memory_mib = 1;
    assert_refused(place(planner, request), PLANNER_BINDS_MEMORY);
    planner_verify(planner);
    struct planner_node node = node_of(1, "h100", 8);
    node.cpu_milli = 89999;
    ck_assert_ptr_nonnull(planner_node_put(planner, &node)); /* nor by shrinking the node */
}
END_TEST

START_TEST(a_later_start_is_found)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 3, 8, 0, 50 * HOUR)).placed);
    ck_assert(place(planner, whole(2, 1, 1, 8, 0, 30 * HOUR)).placed);
    struct planner_request request = whole(3, 2, 1, 8, HOUR, 9 * HOUR);
    assert_refused(place(planner, request), PLANNER_BINDS_CAPACITY);
    struct planner_relaxations found;
    planner_relax(planner, &request, &found);
    ck_assert(found.has_later);
    ck_assert_int_eq(found.later_from, 30 * HOUR);
    request.count = 2;
    planner_relax(planner, &request, &found);
    ck_assert(found.has_later);
    ck_assert_int_eq(found.later_from, 50 * HOUR);
    request.count = 5;
    planner_relax(planner, &request, &found);
    ck_assert(!found.has_later);
}
END_TEST

START_TEST(a_replacement_stays_in_its_rack_if_it_can)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(8, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 4, 8, 0, 100)).placed); /* rack 1 is full */
    struct planner_key key = key_of(1, 2);
    struct planner_replacement replacement = {.key = key, .now = 40, .scope = PLANNER_RACK};
    struct planner_verdict verdict;
    uint64_t before = planner_fingerprint(planner, 0);
    ck_assert(planner_replace(planner, &replacement, &verdict));
    ck_assert(!verdict.placed);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(1), 3}));
    replacement.scope = PLANNER_FLEET;
    ck_assert(planner_replace(planner, &replacement, &verdict));
    ck_assert(verdict.placed);
    ck_assert_uint_le(number_of(verdict.allocations[0].node), 4);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].from, 40);
    ck_assert_int_eq(verdict.allocations[0].rectangles[0].to, 100);
    ck_assert_uint_eq(verdict.allocations[0].key.ordinal, 2);
    replacement.now = 60;
    ck_assert(planner_replace(planner, &replacement, &verdict)); /* back to where it was: rack 1 has just that */
    ck_assert(verdict.placed);
    ck_assert_uint_le(number_of(verdict.allocations[0].node), 4);
    replacement.now = 100;
    ck_assert(!planner_replace(planner, &replacement, &verdict)); /* it is over */
    planner_verify(planner);
}
END_TEST

START_TEST(a_rollback_leaves_no_trace)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(4, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 2, 8, 0, 100)).placed);
    uint64_t before = planner_fingerprint(planner, 0);
    planner_begin(planner);
    ck_assert(place(planner, whole(2, 1, 2, 8, 0, 100)).placed);
    ck_assert(planner_release(planner, &(struct planner_key){id_of(1), 0}));
    ck_assert(planner_cut(planner, &(struct planner_key){id_of(1), 1}, 20));
    ck_assert(place(planner, share(3, 1, 10, 30, 40)).placed);
    ck_assert_uint_ne(planner_fingerprint(planner, 0), before);
    planner_rollback(planner);
    ck_assert_uint_eq(planner_fingerprint(planner, 0), before);
    planner_verify(planner);
}
END_TEST

START_TEST(what_the_database_cannot_have_is_not_loaded)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 8);
    struct planner_rectangle rectangle = {0, 2000, 0, 10, PLANNER_HELD};
    struct planner_allocation allocation = {.key = key_of(1, 0),
                                            .tenant = id_of(1),
                                            .node = id_of(1),
                                            .shape = {.gpus = 2},
                                            .rectangles = &rectangle,
                                            .rectangle_count = 1};
    ck_assert_ptr_null(planner_load(planner, &allocation));
    ck_assert_ptr_nonnull(planner_load(planner, &allocation)); /* overlaps itself */
    rectangle.slots_from = 7000;
    rectangle.slots_to = 9000;
    ck_assert_ptr_nonnull(planner_load(planner, &allocation));
    rectangle = (struct planner_rectangle){4000, 6000, 10, 10, PLANNER_HELD};
    ck_assert_ptr_nonnull(planner_load(planner, &allocation));
    rectangle.to = 20;
    allocation.node = id_of(7);
    ck_assert_ptr_nonnull(planner_load(planner, &allocation));
    allocation.node = id_of(1);
    allocation.shape.cpu_milli = 96001;
    ck_assert_ptr_nonnull(planner_load(planner, &allocation));
    ck_assert_uint_eq(planner_allocation_count(planner), 1);
}
END_TEST

START_TEST(an_open_window_holds_for_ever)
{
    CLEANUP(planner_freep) struct planner *planner = fleet_of(1, "h100", 8);
    ck_assert(place(planner, whole(1, 1, 1, 8, 0, PLANNER_OPEN)).placed);
    assert_refused(place(planner, whole(2, 1, 1, 1, 1000 * 86400, PLANNER_OPEN)), PLANNER_BINDS_CAPACITY);
    planner_forget(planner, 999 * 86400);
    ck_assert_uint_eq(planner_allocation_count(planner), 1);
    ck_assert(planner_cut(planner, &(struct planner_key){id_of(1), 0}, 1000 * 86400));
    ck_assert(place(planner, whole(2, 1, 1, 1, 1000 * 86400, PLANNER_OPEN)).placed);
    planner_forget(planner, 1000 * 86400);
    ck_assert_uint_eq(planner_allocation_count(planner), 1);
    planner_verify(planner);
}
END_TEST

START_TEST(a_request_that_makes_no_sense_is_named)
{
    struct planner_request request = whole(1, 1, 1, 1, 0, 10);
    ck_assert_ptr_null(planner_request_wrong(&request));
    request.shape.gpu_milli = 5;
    ck_assert_ptr_nonnull(planner_request_wrong(&request));
    request = whole(1, 1, 0, 1, 0, 10);
    ck_assert_ptr_nonnull(planner_request_wrong(&request));
    request = whole(1, 1, 1, 1, 10, 10);
    ck_assert_ptr_nonnull(planner_request_wrong(&request));
    request = share(1, 1, 1000, 0, 10);
    ck_assert_ptr_nonnull(planner_request_wrong(&request));
    ck_assert_int_eq(planner_scope_of_text("fabric"), PLANNER_FABRIC);
    ck_assert_int_eq(planner_grouping_of_text("triples"), -1);
}
END_TEST

Suite *unit_suite(void)
{
    const TTest *const promises[] = {
        a_gang_is_all_or_nothing,
        the_fullest_node_that_fits_is_taken,
        the_tightest_scope_that_holds_the_gang_is_taken,
        a_required_scope_binds_and_a_preferred_one_gives_way,
        a_zone_is_a_filter,
        any_allowed_model_will_do_but_a_gang_gets_one,
        a_share_fits_where_every_instant_has_that_much_free,
        a_share_moves_where_no_slots_stay_free,
        a_share_takes_the_gpu_that_is_left_with_the_least,
        another_tenant_waits_for_the_turnaround,
        whole_gpus_owe_no_turnaround_to_their_own_tenant,
        a_cut_frees_the_rest_after_the_turnaround,
        a_share_keeps_its_turnaround_and_a_cut_brings_it_forward,
        pairs_and_quads_stay_together,
        neighbours_go_together_where_any_may,
        a_cordoned_node_takes_nothing_new,
        cpu_and_memory_are_never_exceeded,
        a_later_start_is_found,
        a_replacement_stays_in_its_rack_if_it_can,
        a_rollback_leaves_no_trace,
        what_the_database_cannot_have_is_not_loaded,
        an_open_window_holds_for_ever,
        a_request_that_makes_no_sense_is_named,
    };
    return suite_of("planner", promises, COUNT_OF(promises));
}
