/* What is told of an end, and what is taken back of it; and how much of that one piece of work does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/quota/quota.h"
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/turn.h"
#include "tests/unit/suite.h"
#include "tests/unit/zone_market.h"

START_TEST(a_notice_is_withdrawn_when_the_place_is_not_wanted_any_more)
{
    for (int is_open = 0; is_open < 2; is_open++) {
        struct scene *scene = market_new(1);
        int64_t ends_s = is_open ? NEVER : START + 10 * HOUR;
        struct reservation *spot = preemptible_for(scene, 0, 1, ends_s);
        work_at(scene, START);
        struct reservation *firm = wish_number(scene, 1, 1, START + 2 * HOUR, START + 3 * HOUR);
        work_at(scene, START);
        ck_assert_int_eq(spot->ends_by_s, START + 2 * HOUR);
        (void)wish_number(scene, 2, 1, START + 5 * HOUR, START + 6 * HOUR);
        work_at(scene, START);
        firm->wish.cancel_requested = true;
        work_at(scene, START + HOUR);
        ck_assert_int_eq(spot->ends_by_s, START + 5 * HOUR); /* as far as it is free */
        ck_assert_int_eq(spot->instances[0].ends_by_s, START + 5 * HOUR);
        scene->reservations[2].wish.cancel_requested = true;
        scene->world.event_count = 0;
        work_at(scene, START + HOUR);
        ck_assert_int_eq(spot->ends_by_s, NEVER);
        ck_assert_int_eq(spot->instances[0].ends_by_s, NEVER);
        ck_assert_int_eq(spot->instances[0].ends_s, ends_s);
        ck_assert(has_event(scene, "instance.preemption_notice")); /* which says that there is no end in sight */
        work_at(scene, START + 9 * HOUR);
        ck_assert_int_eq(spot->instances[0].is.state, INSTANCE_RUNNING);
        scene_free(scene);
    }
}
END_TEST

START_TEST(who_stays_of_a_gang_has_its_place_back_though_others_are_gone)
{
    struct scene *scene = market_new(2);
    struct reservation *spot = preemptible_for(scene, 0, 2, START + 10 * HOUR);
    work_at(scene, START);
    (void)wish_number(scene, 1, 1, START + HOUR, START + 9 * HOUR);
    struct reservation *second = wish_number(scene, 2, 1, START + 2 * HOUR, START + 3 * HOUR);
    work_at(scene, START);
    ck_assert_int_eq(spot->ends_by_s, START + HOUR);
    work_at(scene, START + HOUR);
    ck_assert_int_eq(spot->ends_by_s, START + 2 * HOUR); /* the next who goes */
    second->wish.cancel_requested = true;
    work_at(scene, START + HOUR + 60);
    ck_assert_int_eq(spot->ends_by_s, START + HOUR); /* nobody else: when the first went */
    uint32_t stays = spot->instances[0].is.state == INSTANCE_RUNNING ? 0 : 1;
    ck_assert_int_eq(spot->instances[stays].ends_by_s, NEVER);
    ck_assert_int_eq(spot->instances[1 - stays].ends_by_s, START + HOUR);
    scene_free(scene);
}
END_TEST

/* An ordinal that was given up and asked for again has two instances; whichever of them is read first. */
START_TEST(a_notice_is_withdrawn_with_the_instance_that_lasts)
{
    struct scene *scene = market_new(1);
    struct reservation *spot = preemptible_for(scene, 0, 1, START + 10 * HOUR);
    work_at(scene, START);
    struct instance *both = arena_alloc(scene->arena, 2 * sizeof *both);
    both[0] = both[1] = spot->instances[0];
    both[1].id = identity_number(8, 1);
    both[1].is.state = INSTANCE_TERMINATED;
    both[1].was = both[1].is;
    spot->instances = both;
    spot->instance_count = 2;
    struct reservation *firm = wish_number(scene, 1, 1, START + 2 * HOUR, START + 3 * HOUR);
    work_at(scene, START);
    ck_assert_int_eq(both[0].ends_by_s, START + 2 * HOUR);
    firm->wish.cancel_requested = true;
    work_at(scene, START + HOUR);
    ck_assert_int_eq(spot->ends_by_s, NEVER);
    ck_assert_int_eq(both[0].ends_by_s, NEVER);
    scene_free(scene);
}
END_TEST

static const char *payload_of(const struct scene *scene, const char *kind)
{
    for (uint32_t i = 0; i < scene->world.event_count; i++) {
        if (strcmp(scene->world.events[i].kind, kind) == 0)
            return scene->world.events[i].payload;
    }
    return "";
}

START_TEST(the_end_that_is_told_lies_ahead_though_another_went_before)
{
    struct scene *scene = market_new(2);
    struct reservation *spot = preemptible_for(scene, 0, 2, START + 10 * HOUR);
    work_at(scene, START);
    (void)wish_number(scene, 1, 1, START + HOUR, START + 9 * HOUR);
    work_at(scene, START);
    ck_assert_int_eq(spot->ends_by_s, START + HOUR);
    work_at(scene, START + HOUR);
    ck_assert_int_eq(spot->is.state, RESERVATION_ACTIVE);
    ck_assert_int_eq(spot->ends_by_s, START + HOUR); /* who stays is not to go */
    (void)wish_number(scene, 2, 1, START + 3 * HOUR, START + 9 * HOUR);
    scene->world.event_count = 0;
    work_at(scene, START + 2 * HOUR);
    ck_assert_int_eq(spot->ends_by_s, START + 3 * HOUR);
    ck_assert_ptr_nonnull(strstr(payload_of(scene, "reservation.preemption_notice"), "\"ends_by\":1767236400,"));
    scene_free(scene);
}
END_TEST

struct spent {
    struct turn_clock clock; /* first */
    int64_t each_us, *told_us;
};

static int64_t spend(const struct turn_clock *clock)
{
    const struct spent *spent = (const struct spent *)(const void *)clock;
    int64_t told_us = *spent->told_us;
    *spent->told_us += spent->each_us;
    return told_us;
}

START_TEST(who_asks_again_is_served_within_the_time_of_a_piece_of_work)
{
    struct scene *scene = market_new(4);
    int64_t told_us = 0;
    const struct spent spent = {.clock.spent_us = spend, .each_us = 130000, .told_us = &told_us};
    struct reservation *asks[4];
    for (uint8_t i = 0; i < 4; i++)
        asks[i] = wish_number(scene, i, 1, NEVER, START + HOUR);
    planner_begin(scene->world.planner);
    turn_drive(&scene->world, 1, &spent.clock); /* at 0, 130 and 260 ms */
    planner_commit(scene->world.planner);
    ck_assert_int_eq(asks[0]->is.state, RESERVATION_PENDING);
    ck_assert_int_eq(asks[1]->is.state, RESERVATION_ACTIVE);
    ck_assert_int_eq(asks[2]->is.state, RESERVATION_ACTIVE);
    ck_assert_int_eq(asks[3]->is.state, RESERVATION_PENDING);
    ck_assert(!scene->world.has_time);
    scene_free(scene);
}
END_TEST

START_TEST(a_place_is_given_back_as_far_as_the_quotas_bear_it)
{
    struct scene *scene = market_new(1);
    struct quotas *quotas = quotas_new(START);
    struct identity tenant = identity_number(3, 1);
    quotas_limit(quotas,
                 &(struct quota_limit){.tenant = tenant, .peak_gpu_milli = 8000, .month_gpu_milli_s = QUOTA_NONE});
    scene->world.quotas = quotas;
    struct reservation *spot = preemptible_for(scene, 0, 1, START + 10 * HOUR);
    spot->wish.project = "default";
    work_at(scene, START);
    struct reservation *firm = wish_number(scene, 1, 1, START + 2 * HOUR, START + 3 * HOUR);
    firm->wish.tenant = identity_number(3, 2);
    work_at(scene, START);
    ck_assert_int_eq(spot->ends_by_s, START + 2 * HOUR);
    quotas_hold(quotas, &(struct quota_holding){.reservation = identity_number(7, 1), /* in another zone's planner */
                                                .tenant = tenant,
                                                .project = "default",
                                                .gpu_model = "H100",
                                                .from = START + 4 * HOUR,
                                                .to = START + 5 * HOUR,
                                                .gpu_milli = 1000});
    firm->wish.cancel_requested = true;
    work_at(scene, START + HOUR);
    ck_assert_int_eq(spot->ends_by_s, START + 4 * HOUR);
    ck_assert_int_eq(spot->instances[0].ends_by_s, START + 4 * HOUR);
    ck_assert_int_eq(quotas_held(quotas, &(struct quota_limit){.tenant = tenant}, START + 4 * HOUR - 1), 8000);
    ck_assert_int_eq(quotas_held(quotas, &(struct quota_limit){.tenant = tenant}, START + 4 * HOUR), 1000);
    scene_free(scene);
    quotas_free(quotas);
}
END_TEST

START_TEST(of_many_notices_each_is_looked_at_and_once_more_if_capacity_returned_meanwhile)
{
    struct identity ids[] = {identity_number(2, 1), identity_number(2, 2), identity_number(2, 3)};
    struct withdrawal withdrawal = {0};
    withdrawal_want(&withdrawal);
    withdrawal_go_on(&withdrawal, &(struct told){.ids = ids, .count = 2, .has_more = true}, 2);
    ck_assert(withdrawal.is_under_way);
    ck_assert_mem_eq(&withdrawal.after, &ids[1], sizeof ids[1]);
    withdrawal_want(&withdrawal); /* it goes on where it was */
    ck_assert_mem_eq(&withdrawal.after, &ids[1], sizeof ids[1]);
    withdrawal_go_on(&withdrawal, &(struct told){.ids = &ids[2], .count = 1}, 1);
    ck_assert(withdrawal.is_under_way);
    ck_assert_mem_eq(&withdrawal.after, &(struct identity){0}, sizeof ids[0]);
    withdrawal_go_on(&withdrawal, &(struct told){.ids = ids, .count = 3}, 2); /* there was no time for the third */
    ck_assert_mem_eq(&withdrawal.after, &ids[1], sizeof ids[1]);
    withdrawal_go_on(&withdrawal, &(struct told){.ids = &ids[2], .count = 1}, 1);
    ck_assert(!withdrawal.is_under_way);
}
END_TEST

Suite *unit_suite(void)
{
    const TTest *const promises[] = {
        a_notice_is_withdrawn_when_the_place_is_not_wanted_any_more,
        who_stays_of_a_gang_has_its_place_back_though_others_are_gone,
        a_notice_is_withdrawn_with_the_instance_that_lasts,
        the_end_that_is_told_lies_ahead_though_another_went_before,
        who_asks_again_is_served_within_the_time_of_a_piece_of_work,
        a_place_is_given_back_as_far_as_the_quotas_bear_it,
        of_many_notices_each_is_looked_at_and_once_more_if_capacity_returned_meanwhile,
    };
    return suite_of("notices", promises, sizeof promises / sizeof promises[0]);
}
