/* Who gives way, who waits, what is worked on: the rows that one verdict moves in other objects, without a database. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/suite.h"
#include "tests/unit/zone_market.h"

START_TEST(the_evicted_are_told_at_once_and_stop_when_the_notice_is_over)
{
    struct scene *scene = market_new(1);
    struct reservation *spot = preemptible_for(scene, 0, 1, START + 10 * HOUR);
    work_at(scene, START);
    struct reservation *firm = wish_number(scene, 1, 1, START + NOTICE_S, START + HOUR);
    work_at(scene, START);
    ck_assert_int_eq(firm->is.state, RESERVATION_SCHEDULED);
    ck_assert_int_eq(spot->is.state, RESERVATION_ACTIVE);
    ck_assert_int_eq(spot->ends_by_s, START + NOTICE_S);
    ck_assert_int_eq(spot->instances[0].ends_by_s, START + NOTICE_S);
    ck_assert_int_eq(spot->instances[0].ends_s, START + 10 * HOUR); /* the window that it loses */
    ck_assert(has_event(scene, "instance.preemption_notice"));
    ck_assert(has_event(scene, "reservation.preemption_notice"));
    work_at(scene, START + NOTICE_S - 1);
    ck_assert_int_eq(spot->instances[0].is.state, INSTANCE_RUNNING);
    work_at(scene, START + NOTICE_S);
    ck_assert_int_eq(spot->is.state, RESERVATION_ENDED);
    ck_assert_str_eq(spot->reason, "preempted");
    work_at(scene, START + NOTICE_S);
    ck_assert_int_eq(firm->is.state, RESERVATION_ACTIVE);
    scene_free(scene);
}
END_TEST

static struct reservation *quote_for(struct scene *scene, uint8_t number, int64_t starts_s, int64_t hold_until_s)
{
    struct reservation *quote = wish_number(scene, number, 1, starts_s, starts_s + HOUR);
    quote->wish.hold_until_s = hold_until_s;
    return quote;
}

START_TEST(nobody_goes_for_a_quote_before_it_is_over_and_all_is_as_before_if_it_was_not_confirmed)
{
    struct scene *scene = market_new(1);
    struct reservation *spot = preemptible_for(scene, 0, 1, START + 10 * HOUR);
    work_at(scene, START);
    struct reservation *soon = quote_for(scene, 1, START + HOUR, START + HOUR - NOTICE_S + 1);
    work_at(scene, START);
    ck_assert_int_eq(soon->is.state, RESERVATION_REJECTED);
    ck_assert_int_eq(spot->ends_by_s, NEVER);
    struct reservation *quote = quote_for(scene, 2, START + HOUR, START + HOUR - NOTICE_S);
    work_at(scene, START);
    ck_assert_int_eq(quote->is.state, RESERVATION_HELD);
    ck_assert_int_eq(spot->ends_by_s, START + HOUR);
    work_at(scene, START + HOUR - NOTICE_S);
    ck_assert_int_eq(quote->is.state, RESERVATION_EXPIRED);
    ck_assert_int_eq(spot->ends_by_s, NEVER);
    ck_assert_int_eq(spot->instances[0].is.state, INSTANCE_RUNNING);
    scene_free(scene);
}
END_TEST

START_TEST(a_quote_takes_no_place_of_which_less_than_an_hour_would_be_left)
{
    struct scene *scene = market_new(1);
    struct reservation *spot = preemptible_for(scene, 0, 1, START + 20 * HOUR);
    spot->wish.starts_s = START + 5 * HOUR;
    work_at(scene, START);
    struct reservation *quote = quote_for(scene, 1, START + 6 * HOUR - 1, START + HOUR);
    work_at(scene, START);
    ck_assert_int_eq(quote->is.state, RESERVATION_REJECTED);
    quote = quote_for(scene, 2, START + 6 * HOUR, START + HOUR);
    work_at(scene, START);
    ck_assert_int_eq(quote->is.state, RESERVATION_HELD);
    ck_assert_int_eq(spot->is.state, RESERVATION_SCHEDULED);
    ck_assert_int_eq(spot->ends_by_s, START + 6 * HOUR);
    quote->wish.cancel_requested = true;
    work_at(scene, START);
    ck_assert_int_eq(spot->ends_by_s, NEVER);
    scene_free(scene);
}
END_TEST

START_TEST(one_of_a_gang_that_gives_way_leaves_it_short)
{
    struct scene *scene = market_new(2);
    struct reservation *spot = preemptible_for(scene, 0, 2, START + 10 * HOUR);
    work_at(scene, START);
    (void)wish_number(scene, 1, 1, START + HOUR, START + 2 * HOUR);
    work_at(scene, START);
    work_at(scene, START + HOUR);
    ck_assert_int_eq(spot->is.state, RESERVATION_ACTIVE);
    ck_assert_str_eq(spot->health, "short");
    ck_assert_int_eq(spot->delivered, 1);
    work_at(scene, START + 10 * HOUR);
    ck_assert_int_eq(spot->is.state, RESERVATION_ENDED);
    scene_free(scene);
}
END_TEST

START_TEST(a_reservation_that_loses_all_before_its_start_is_cancelled)
{
    struct scene *scene = market_new(1);
    struct reservation *spot = preemptible_for(scene, 0, 1, START + 10 * HOUR);
    spot->wish.starts_s = START + 5 * HOUR;
    work_at(scene, START);
    (void)wish_number(scene, 1, 1, START + 4 * HOUR, START + 6 * HOUR);
    work_at(scene, START);
    ck_assert_int_eq(spot->is.state, RESERVATION_CANCELLED);
    ck_assert_str_eq(spot->reason, "preempted");
    scene_free(scene);
}
END_TEST

/* The node no longer answers. */
static void lose(struct scene *scene, uint32_t node)
{
    scene->nodes[node].answers = false;
    node_drive(&scene->world, &scene->nodes[node]);
    put_node(scene, &scene->nodes[node]);
}

static uint32_t node_of(const struct scene *scene, const struct reservation *reservation)
{
    struct planner_key key = {.reservation = planner_id_of(reservation->wish.id)};
    const struct planner_node *place = planner_node_of(scene->world.planner, &key, reservation->starts_s);
    return idmap_find(&scene->node_by_id, identity_of(place->id));
}

START_TEST(who_lost_its_node_takes_a_preemptible_place_with_notice)
{
    struct scene *scene = market_new(2);
    struct reservation *firm = wish_number(scene, 0, 1, NEVER, START + 10 * HOUR);
    struct reservation *spot = preemptible_for(scene, 1, 1, START + 10 * HOUR);
    work_at(scene, START);
    uint32_t refuge = node_of(scene, spot);
    lose(scene, node_of(scene, firm));
    work_at(scene, START + HOUR);
    const struct instance *instance = &firm->instances[0];
    ck_assert_int_eq(spot->ends_by_s, START + HOUR + NOTICE_S);
    ck_assert_int_eq(instance->is.state, INSTANCE_REPLACING);
    ck_assert(has_event(scene, "instance.preemption_notice"));
    ck_assert_int_eq(instance->is.due_s, START + HOUR + NOTICE_S);
    work_at(scene, START + HOUR + NOTICE_S - 1);
    ck_assert_int_eq(instance->is.state, INSTANCE_REPLACING);
    ck_assert_int_eq(spot->instances[0].is.state, INSTANCE_RUNNING);
    work_at(scene, START + HOUR + NOTICE_S);
    work_at(scene, START + HOUR + NOTICE_S);
    ck_assert_int_eq(spot->is.state, RESERVATION_ENDED);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    ck_assert(memcmp(&instance->node, &scene->nodes[refuge].id, sizeof instance->node) == 0);
    ck_assert_str_eq(firm->health, "ok");
    scene_free(scene);
}
END_TEST

START_TEST(who_found_no_place_takes_one_with_notice_when_it_asks_again)
{
    struct scene *scene = market_new(2);
    struct reservation *firm = wish_number(scene, 0, 1, NEVER, START + 10 * HOUR);
    (void)wish_number(scene, 1, 1, NEVER, START + HOUR + 60);
    work_at(scene, START);
    lose(scene, node_of(scene, firm));
    work_at(scene, START + HOUR);
    const struct instance *instance = &firm->instances[0];
    ck_assert_int_eq(instance->is.state, INSTANCE_REPLACING);
    ck_assert(!instance->has_node); /* nobody can go for it */
    struct reservation *spot = preemptible_for(scene, 2, 1, START + 10 * HOUR);
    work_at(scene, START + HOUR + 60); /* it takes the place that is free from then on */
    ck_assert_int_eq(spot->ends_by_s, START + HOUR + 60 + NOTICE_S);
    work_at(scene, START + HOUR + 60 + NOTICE_S);
    work_at(scene, START + HOUR + 60 + NOTICE_S);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    ck_assert_str_eq(firm->health, "ok");
    scene_free(scene);
}
END_TEST

START_TEST(for_whom_there_is_no_time_left_asks_again_soon)
{
    struct scene *scene = market_new(4);
    struct reservation *firm[] = {wish_number(scene, 0, 1, NEVER, START + 10 * HOUR),
                                  wish_number(scene, 1, 1, NEVER, START + 10 * HOUR)};
    struct reservation *spot = preemptible_for(scene, 2, 2, START + 10 * HOUR);
    work_at(scene, START);
    for (int i = 0; i < 2; i++)
        lose(scene, node_of(scene, firm[i]));
    work_at(scene, START + HOUR); /* in a scene there is time for the first only */
    ck_assert(firm[0]->instances[0].has_node);
    ck_assert(!firm[1]->instances[0].has_node);
    ck_assert_int_eq(firm[1]->instances[0].is.due_s, START + HOUR + PLACE_TURN_S);
    work_at(scene, START + HOUR + PLACE_TURN_S);
    ck_assert(firm[1]->instances[0].has_node);
    ck_assert_int_eq(spot->instances[0].ends_by_s + spot->instances[1].ends_by_s,
                     2 * (START + HOUR + NOTICE_S) + PLACE_TURN_S);
    scene_free(scene);
}
END_TEST

START_TEST(who_waits_for_a_place_goes_to_one_that_is_free_before)
{
    struct scene *scene = market_new(3);
    struct reservation *firm = wish_number(scene, 0, 1, NEVER, START + 10 * HOUR);
    struct reservation *spot = preemptible_for(scene, 1, 1, START + 10 * HOUR);
    (void)wish_number(scene, 2, 1, NEVER, START + HOUR + NOTICE_S / 2);
    work_at(scene, START);
    lose(scene, node_of(scene, firm));
    work_at(scene, START + HOUR);
    const struct instance *instance = &firm->instances[0];
    ck_assert_int_eq(instance->is.state, INSTANCE_REPLACING);
    work_at(scene, START + HOUR + NOTICE_S / 2);
    work_at(scene, START + HOUR + NOTICE_S / 2);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    ck_assert_int_eq(spot->instances[0].is.state, INSTANCE_RUNNING);
    ck_assert_int_eq(spot->ends_by_s, NEVER); /* nobody comes to its place */
    scene_free(scene);
}
END_TEST

START_TEST(who_needs_a_place_ahead_no_more_gives_it_back_though_nothing_else_returned)
{
    struct scene *scene = market_new(3);
    struct reservation *firm = wish_number(scene, 0, 1, NEVER, START + 10 * HOUR);
    struct reservation *spot = preemptible_for(scene, 1, 1, START + 10 * HOUR);
    struct reservation *other = wish_number(scene, 2, 1, NEVER, START + 10 * HOUR);
    work_at(scene, START);
    lose(scene, node_of(scene, firm));
    work_at(scene, START + HOUR);
    struct instance *instance = &firm->instances[0];
    ck_assert_int_eq(spot->ends_by_s, START + HOUR + NOTICE_S);
    ck_assert(planner_release(scene->world.planner, &(struct planner_key){planner_id_of(other->wish.id), 0}));
    instance->is.due_s = START + HOUR + 1;
    work_at(scene, START + HOUR + 1);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    ck_assert_int_eq(spot->ends_by_s, NEVER);
    scene_free(scene);
}
END_TEST

START_TEST(who_is_preemptible_and_lost_its_node_takes_no_place)
{
    struct scene *scene = market_new(2);
    struct reservation *lost = preemptible_for(scene, 0, 1, START + 10 * HOUR);
    struct reservation *spot = preemptible_for(scene, 1, 1, START + 10 * HOUR);
    work_at(scene, START);
    lose(scene, node_of(scene, lost));
    work_at(scene, START + HOUR);
    ck_assert_int_eq(lost->instances[0].is.state, INSTANCE_REPLACING);
    ck_assert_int_eq(spot->ends_by_s, NEVER);
    scene_free(scene);
}
END_TEST

START_TEST(who_came_later_takes_no_place_that_an_earlier_one_would_have)
{
    struct scene *scene = market_new(2);
    struct reservation *running = wish_number(scene, 0, 1, NEVER, START + 4 * HOUR);
    work_at(scene, START);
    struct reservation *waiting[] = {wish_number(scene, 1, 2, NEVER, START + 12 * HOUR),
                                     wish_number(scene, 2, 1, NEVER, START + 6 * HOUR),
                                     wish_number(scene, 3, 1, NEVER, START + 4 * HOUR)};
    for (int i = 0; i < 3; i++) { /* all wait, as if there had been no room for any */
        waiting[i]->wish.if_unavailable = UNAVAILABLE_WAITLIST;
        waiting[i]->is =
            (struct lifecycle){.state = RESERVATION_WAITLISTED, .revision = 1, .due_s = NEVER, .deadline_s = NEVER};
    }
    work_at(scene, START);
    ck_assert_int_eq(waiting[0]->is.state, RESERVATION_WAITLISTED);
    ck_assert_int_eq(waiting[0]->estimated_s, START + 4 * HOUR);
    ck_assert_int_eq(waiting[1]->is.state, RESERVATION_WAITLISTED); /* would delay the gang */
    ck_assert_int_eq(waiting[2]->is.state, RESERVATION_ACTIVE);     /* is gone before */
    ck_assert_uint_eq(planner_allocation_count(scene->world.planner), 2);
    work_at(scene, START + 4 * HOUR);
    ck_assert_int_eq(running->is.state, RESERVATION_ENDED);
    ck_assert_int_eq(waiting[0]->is.state, RESERVATION_ACTIVE);
    scene_free(scene);
}
END_TEST

START_TEST(a_guarantee_rolls_on_and_its_end_is_told_a_horizon_ahead)
{
    struct scene *scene = market_new(1);
    struct reservation *open = wish_number(scene, 0, 1, NEVER, NEVER);
    open->wish.horizon_s = 8 * HOUR;
    work_at(scene, START);
    ck_assert_int_eq(open->ends_s, NEVER);
    ck_assert_int_eq(open->is.due_s, START + HOUR); /* a step: what is held beyond the horizon */
    (void)wish_number(scene, 1, 1, START + 20 * HOUR, START + 21 * HOUR);
    for (int64_t now_s = START; now_s < START + 12 * HOUR; now_s = open->is.due_s) {
        work_at(scene, now_s);
        ck_assert_int_eq(open->ends_by_s, NEVER);
    }
    work_at(scene, START + 12 * HOUR);
    ck_assert_int_eq(open->ends_by_s, START + 20 * HOUR);
    ck_assert(has_event(scene, "reservation.end_notice"));
    work_at(scene, START + 20 * HOUR);
    ck_assert_int_eq(open->is.state, RESERVATION_ENDED);
    ck_assert_str_eq(open->reason, "horizon_ended");
    scene_free(scene);
}
END_TEST

/* It runs, and number 0, which is decided before it, is yet to be asked for. */
static struct reservation *open_behind(struct scene *scene, int64_t horizon_s)
{
    wish_number(scene, 0, 1, NEVER, NEVER)->wish.cancel_requested = true;
    struct reservation *open = wish_number(scene, 1, 1, NEVER, NEVER);
    open->wish.horizon_s = horizon_s;
    open->wish.tenant = identity_number(3, 2);
    work_at(scene, START);
    ck_assert_int_eq(open->instances[0].is.state, INSTANCE_RUNNING);
    return open;
}

START_TEST(who_runs_keeps_its_place_however_long_nobody_led)
{
    struct scene *scene = market_new(1);
    struct reservation *open = open_behind(scene, 8 * HOUR);
    struct reservation *asks = wish_number(scene, 0, 1, NEVER, START + 120 * HOUR);
    work_at(scene, START + 100 * HOUR);
    ck_assert_int_eq(asks->is.state, RESERVATION_REJECTED);
    ck_assert_int_eq(open->is.state, RESERVATION_ACTIVE);
    ck_assert_int_eq(open->ends_by_s, NEVER);
    struct planner_key key = {planner_id_of(open->wish.id), 0};
    int64_t until_s = 0;
    ck_assert(world_held_until(&scene->world, &key, START + 100 * HOUR, &until_s));
    ck_assert_int_eq(until_s, START + 109 * HOUR);
    scene_free(scene);
}
END_TEST

START_TEST(who_was_sold_a_window_meanwhile_has_it_and_whom_nobody_could_tell_ends_at_once)
{
    struct scene *scene = market_new(1);
    struct reservation *open = open_behind(scene, 8 * HOUR);
    struct reservation *firm = wish_number(scene, 0, 1, START + 90 * HOUR, START + 120 * HOUR);
    work_at(scene, START + HOUR);
    ck_assert_int_eq(firm->is.state, RESERVATION_SCHEDULED);
    work_at(scene, START + 100 * HOUR);
    ck_assert_int_eq(open->ends_by_s, START + 100 * HOUR);
    ck_assert_str_eq(open->reason, "horizon_ended");
    work_at(scene, START + 100 * HOUR + CLEAN_LOOK_S);
    ck_assert_int_eq(scene->nodes[0].live_count, firm->instances[0].on_node);
    scene_free(scene);
}
END_TEST

START_TEST(a_horizon_that_is_taken_away_makes_what_is_open_hold_for_ever)
{
    struct scene *scene = market_new(1);
    struct reservation *open = open_behind(scene, 8 * HOUR);
    (void)wish_number(scene, 0, 1, START + 400 * HOUR, START + 401 * HOUR);
    work_at(scene, START + 1);
    open->wish.horizon_s = 0;
    work_at(scene, open->is.due_s);
    struct planner_key key = {planner_id_of(open->wish.id), 0};
    int64_t until_s = 0;
    ck_assert(world_held_until(&scene->world, &key, scene->world.now_s, &until_s));
    ck_assert_int_eq(until_s, START + 400 * HOUR); /* as far as it is free */
    ck_assert_int_eq(open->ends_by_s, START + 400 * HOUR);
    scene->reservations[0].wish.cancel_requested = true;
    work_at(scene, open->is.due_s);
    ck_assert(world_held_until(&scene->world, &key, scene->world.now_s, &until_s));
    ck_assert_int_eq(until_s, NEVER);
    scene_free(scene);
}
END_TEST

/* ---- Maintenance ---- */

static struct maintenance window_of(struct scene *scene, uint32_t node, int64_t starts_s, int64_t ends_s)
{
    return (struct maintenance){
        .world = &scene->world,
        .id = identity_number(8, 1),
        .nodes = &scene->nodes[node].id,
        .node_count = 1,
        .starts_s = starts_s,
        .ends_s = ends_s,
        .is = {.state = MAINTENANCE_PENDING, .due_s = NEVER, .deadline_s = NEVER},
    };
}

START_TEST(maintenance_moves_aside_what_has_not_begun_and_refuses_what_has)
{
    struct scene *scene = market_new(2);
    struct reservation *ahead = wish_number(scene, 0, 1, START + 2 * HOUR, START + 4 * HOUR);
    work_at(scene, START);
    uint32_t hit = node_of(scene, ahead);
    struct maintenance window = window_of(scene, hit, START + HOUR, START + 3 * HOUR);
    scene->world.windows = &window;
    scene->world.window_count = 1;
    work_at(scene, START);
    ck_assert_int_eq(window.is.state, MAINTENANCE_PLANNED);
    ck_assert_int_eq(window.moved_count, 1);
    ck_assert_uint_ne(node_of(scene, ahead), hit);
    work_at(scene, START + HOUR);
    ck_assert_int_eq(window.is.state, MAINTENANCE_ACTIVE);
    ck_assert_int_eq(scene->nodes[hit].is.state, NODE_MAINTENANCE);
    work_at(scene, START + 3 * HOUR);
    ck_assert_int_eq(window.is.state, MAINTENANCE_DONE);
    ck_assert_int_eq(scene->nodes[hit].is.state, NODE_READY);
    window = window_of(scene, 1 - hit, START + 3 * HOUR, START + 5 * HOUR);
    work_at(scene, START + 3 * HOUR);
    ck_assert_int_eq(window.is.state, MAINTENANCE_REFUSED);
    ck_assert_ptr_nonnull(strstr(window.conflict, "begun"));
    scene_free(scene);
}
END_TEST

START_TEST(a_node_under_maintenance_is_not_missed)
{
    struct scene *scene = market_new(1);
    struct maintenance window = window_of(scene, 0, START, START + HOUR);
    scene->world.windows = &window;
    scene->world.window_count = 1;
    work_at(scene, START);
    scene->nodes[0].answers = false;
    node_drive(&scene->world, &scene->nodes[0]);
    ck_assert_int_eq(scene->nodes[0].is.state, NODE_MAINTENANCE);
    ck_assert(node_is_in_service(&scene->nodes[0]));
    work_at(scene, START + HOUR);
    ck_assert_int_eq(scene->nodes[0].is.state, NODE_QUARANTINED);
    ck_assert(scene->world.fleet_is_stale); /* which the planner is to be told outside a batch */
    scene_free(scene);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("giving_way");
    TCase *cases = tcase_create("promises");
    tcase_add_test(cases, the_evicted_are_told_at_once_and_stop_when_the_notice_is_over);
    tcase_add_test(cases, nobody_goes_for_a_quote_before_it_is_over_and_all_is_as_before_if_it_was_not_confirmed);
    tcase_add_test(cases, a_quote_takes_no_place_of_which_less_than_an_hour_would_be_left);
    tcase_add_test(cases, one_of_a_gang_that_gives_way_leaves_it_short);
    tcase_add_test(cases, a_reservation_that_loses_all_before_its_start_is_cancelled);
    tcase_add_test(cases, who_lost_its_node_takes_a_preemptible_place_with_notice);
    tcase_add_test(cases, who_found_no_place_takes_one_with_notice_when_it_asks_again);
    tcase_add_test(cases, for_whom_there_is_no_time_left_asks_again_soon);
    tcase_add_test(cases, who_waits_for_a_place_goes_to_one_that_is_free_before);
    tcase_add_test(cases, who_needs_a_place_ahead_no_more_gives_it_back_though_nothing_else_returned);
    tcase_add_test(cases, who_is_preemptible_and_lost_its_node_takes_no_place);
    tcase_add_test(cases, who_came_later_takes_no_place_that_an_earlier_one_would_have);
    tcase_add_test(cases, a_guarantee_rolls_on_and_its_end_is_told_a_horizon_ahead);
    tcase_add_test(cases, who_runs_keeps_its_place_however_long_nobody_led);
    tcase_add_test(cases, who_was_sold_a_window_meanwhile_has_it_and_whom_nobody_could_tell_ends_at_once);
    tcase_add_test(cases, a_horizon_that_is_taken_away_makes_what_is_open_hold_for_ever);
    tcase_add_test(cases, maintenance_moves_aside_what_has_not_begun_and_refuses_what_has);
    tcase_add_test(cases, a_node_under_maintenance_is_not_missed);
    suite_add_tcase(suite, cases);
    return suite;
}
