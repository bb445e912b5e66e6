/* A long life: a million random operations on a fleet of some hundred nodes. All invariants are recounted at intervals,
 * what is rolled back leaves no trace, and at the end a copy, whose index is made at once, decides as the planner whose
 * index was kept all the time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_fleet.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define NODES             256
#define OPERATIONS        1000000
#define LIVE_MAX          4096
#define VERIFY_EVERY      50000
#define FINGERPRINT_EVERY 200 /* batches */
#define HORIZON_H         (9 * 24)
#define ASKED_AT_END      300

struct live {
    uint32_t reservation;
    uint32_t count;
};

struct life {
    struct property random;
    struct planner *planner;
    struct live live[LIVE_MAX];
    uint32_t live_count;
    uint32_t reservations;
    int64_t now;
    uint64_t operations;
    uint64_t placed;
    uint64_t refused;
    uint64_t rolled_back;
};

static int64_t between(struct life *life, int64_t least, int64_t most)
{
    return property_between(&life->random, least, most);
}

static bool chance(struct life *life, int64_t percent)
{
    return between(life, 1, 100) <= percent;
}

/* Three of four nodes have eight GPUs, the others four of another model; eight a rack, four racks a leaf. */
static struct planner_node node_at(struct life *life, uint32_t i)
{
    struct planner_node node = node_of(i + 1, i % 32 < 24 ? "h100" : "t4", i % 32 < 24 ? 8 : 4);
    node.rack = id_of(1000 + i / 8);
    node.leaf = id_of(2000 + i / 32);
    node.fabric = id_of(3000 + i / 64);
    node.zone = id_of(4000);
    node.turnaround_s = i % 3 == 0 ? 0 : 600;
    node.grouping = (enum planner_grouping)between(life, 0, PLANNER_GROUPING_COUNT - 1);
    node.plannable_from = -PLANNER_INSTANT_MAX;
    return node;
}

static struct planner_request request_any(struct life *life)
{
    int64_t from = life->now + between(life, 0, HORIZON_H * 12) * 300;
    int64_t to = chance(life, 1) ? PLANNER_OPEN : from + between(life, 1, chance(life, 80) ? 24 : 96) * HOUR;
    struct planner_request request =
        whole(++life->reservations, (uint32_t)between(life, 1, 20), 1, (uint32_t)between(life, 1, 8), from, to);
    if (chance(life, 35))
        request.shape = (struct planner_shape){.gpu_milli = (uint32_t)between(life, 1, 999)};
    else if (chance(life, 15))
        request.count = (uint32_t)between(life, 2, 6);
    request.shape.cpu_milli = chance(life, 50) ? 0 : between(life, 1, 8) * 1000;
    request.scope = (enum planner_scope)between(life, PLANNER_RACK, PLANNER_FLEET);
    request.spread = chance(life, 30) ? PLANNER_SPREAD_NODE : PLANNER_SPREAD_NONE;
    return request;
}

static void place_any(struct life *life)
{
    struct planner_request request = request_any(life);
    struct planner_verdict verdict;
    if (life->live_count == LIVE_MAX)
        return;
    planner_place(life->planner, &request, &verdict);
    *(verdict.placed ? &life->placed : &life->refused) += 1;
    if (verdict.placed)
        life->live[life->live_count++] = (struct live){life->reservations, request.count};
}

static void lose_any(struct life *life)
{
    if (life->live_count == 0)
        return;
    uint32_t at = (uint32_t)between(life, 0, life->live_count - 1);
    struct live live = life->live[at];
    life->live[at] = life->live[--life->live_count];
    for (uint32_t ordinal = 0; ordinal < live.count; ordinal++)
        (void)planner_release(life->planner,
                              &(struct planner_key){id_of(live.reservation), ordinal}); /* or forgotten */
}

static void change_any(struct life *life)
{
    if (life->live_count == 0)
        return;
    struct live live = life->live[between(life, 0, life->live_count - 1)];
    struct planner_key key = key_of(live.reservation, (uint32_t)between(life, 0, live.count - 1));
    int64_t instant = life->now + between(life, 0, 48) * HOUR;
    if (chance(life, 60)) {
        (void)planner_cut(life->planner, &key, instant); /* or over already */
        return;
    }
    struct planner_verdict verdict;
    struct planner_replacement replacement = {.key = key, .now = life->now, .scope = PLANNER_FLEET};
    (void)planner_replace(life->planner, &replacement, &verdict); /* or refused */
}

static void operate(struct life *life)
{
    int64_t what = between(life, 1, 100);
    if (what <= 50)
        place_any(life);
    else if (what <= 85)
        lose_any(life);
    else
        change_any(life);
    life->operations++;
}

static void batch(struct life *life, uint64_t number)
{
    static struct live saved[LIVE_MAX];
    bool back = chance(life, 20);
    bool compare = back && number % FINGERPRINT_EVERY < 5;
    uint32_t saved_count = life->live_count;
    uint64_t before = compare ? planner_fingerprint(life->planner, INT64_MIN) : 0;
    if (back)
        memcpy(saved, life->live, saved_count * sizeof saved[0]);
    planner_begin(life->planner);
    for (int64_t steps = between(life, 1, 20); steps > 0; steps--)
        operate(life);
    if (!back) {
        planner_commit(life->planner);
        return;
    }
    planner_rollback(life->planner);
    life->rolled_back++;
    memcpy(life->live, saved, saved_count * sizeof saved[0]);
    life->live_count = saved_count;
    if (compare)
        ck_assert_uint_eq(planner_fingerprint(life->planner, INT64_MIN), before);
}

/* Time passes, and a node is cordoned or comes back. */
static void between_batches(struct life *life)
{
    life->now += between(life, 0, 2) * 300;
    planner_forget(life->planner, life->now);
    if (!chance(life, 5))
        return;
    struct planner_node node = *planner_node_get(life->planner, id_of((uint32_t)between(life, 1, NODES)));
    node.cordoned = !node.cordoned && chance(life, 20);
    ck_assert_ptr_null(planner_node_put(life->planner, &node));
}

static void assert_same_verdict(const struct planner_verdict *a, const struct planner_verdict *b)
{
    ck_assert(a->placed == b->placed);
    ck_assert_uint_eq(a->allocation_count, b->allocation_count);
    for (uint32_t i = 0; i < a->allocation_count; i++)
        ck_assert_uint_eq(number_of(a->allocations[i].node), number_of(b->allocations[i].node));
}

static void a_copy_decides_alike(struct life *life)
{
    CLEANUP(planner_freep) struct planner *copy = planner_copy(life->planner);
    ck_assert_uint_eq(planner_fingerprint(copy, INT64_MIN), planner_fingerprint(life->planner, INT64_MIN));
    for (uint32_t i = 0; i < ASKED_AT_END; i++) {
        struct planner_request request = request_any(life);
        struct planner_verdict kept;
        struct planner_verdict made;
        planner_place(life->planner, &request, &kept);
        planner_place(copy, &request, &made);
        assert_same_verdict(&kept, &made);
    }
    planner_verify(copy);
}

START_TEST(a_long_life_keeps_every_invariant)
{
    struct life *life = calloc(1, sizeof *life);
    ck_assert_ptr_nonnull(life);
    life->random = property_begin("a_long_life_keeps_every_invariant");
    life->planner = planner_new();
    for (uint32_t i = 0; i < NODES; i++) {
        struct planner_node node = node_at(life, i);
        ck_assert_ptr_null(planner_node_put(life->planner, &node));
    }
    uint64_t verified = 0;
    for (uint64_t number = 0; life->operations < OPERATIONS; number++) {
        batch(life, number);
        between_batches(life);
        if (life->operations / VERIFY_EVERY > verified) {
            verified = life->operations / VERIFY_EVERY;
            planner_verify(life->planner);
        }
    }
    planner_verify(life->planner);
    a_copy_decides_alike(life);
    printf("%llu placed, %llu refused, %llu batches rolled back, %u held at the end\n",
           (unsigned long long)life->placed, (unsigned long long)life->refused, (unsigned long long)life->rolled_back,
           planner_allocation_count(life->planner));
    ck_assert_uint_gt(life->placed, OPERATIONS / 10);
    ck_assert_uint_gt(life->refused, OPERATIONS / 1000);
    planner_free(life->planner);
    free(life);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("planner_long");
    TCase *tests = tcase_create("a long life");
    tcase_set_timeout(tests, 0); /* ctest has one */
    tcase_add_test(tests, a_long_life_keeps_every_invariant);
    suite_add_tcase(suite, tests);
    return suite;
}
