/* A pause of a zone: which one holds, what the state machines hold back in it, and what they do not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/turn.h"
#include "provisioner/reconcile/verdict.h"
#include "tests/unit/suite.h"
#include "tests/unit/zone_scene.h"

#include <string.h>

/* ---- Which pause holds ---- */

START_TEST(the_wish_is_followed_and_deadlines_move_by_as_much_as_the_end_does)
{
    static const struct {
        struct pause was;
        struct pause_wish wish;
        int64_t now_s;
        bool changes;
        int64_t until_s, since_s, free_was_s, free_is_s;
    } rows[] = {
        // clang-format off
        {{0, 0, 0, 0},       {0, 0},   100, false, 0, 0, 0, 0},         /* nobody ever wished anything */
        {{0, 0, 0, 0},       {1, 160}, 100, true, 160, 100, 100, 160},  /* it begins */
        {{1, 1, 100, 160},   {1, 160}, 130, false, 0, 0, 0, 0},         /* it goes on */
        {{1, 1, 100, 160},   {2, 200}, 130, true, 200, 100, 160, 200},  /* it is prolonged */
        {{1, 1, 100, 160},   {2, 140}, 130, true, 140, 100, 160, 140},  /* or shortened */
        {{1, 1, 100, 160},   {2, 0},   130, true, 0, 0, 160, 130},      /* it is resumed */
        {{1, 1, 100, 160},   {1, 160}, 160, true, 0, 0, 160, 160},      /* it ends by itself */
        {{1, 1, 100, 160},   {1, 160}, 170, true, 0, 0, 170, 170},      /* and nobody was there to see it */
        {{1, 1, 100, 160},   {2, 200}, 170, true, 200, 170, 170, 200},  /* the next one begins anew */
        {{0, 0, 0, 0},       {3, 90},  100, true, 0, 0, 100, 100},      /* over before the leader came */
        {{3, 1, 0, 0},       {3, 90},  110, false, 0, 0, 0, 0},
        // clang-format on
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pause_change change;
        bool changes = pause_follow(&rows[i].was, &rows[i].wish, rows[i].now_s, &change);
        ck_assert_msg(changes == rows[i].changes, "row %zu", i);
        if (!changes)
            continue;
        ck_assert_msg(change.is.until_s == rows[i].until_s && change.is.since_s == rows[i].since_s, "row %zu", i);
        ck_assert_msg(change.free_was_s == rows[i].free_was_s && change.free_is_s == rows[i].free_is_s, "row %zu", i);
        ck_assert_int_eq(change.is.wish_revision, rows[i].wish.revision);
        ck_assert_int_eq(change.is.revision, rows[i].was.revision + 1);
    }
}
END_TEST

/* ---- What it holds back ---- */

static bool holds_always(const void *subject)
{
    (void)subject;
    return true;
}

START_TEST(a_row_that_waits_holds_back_what_lies_below_it_but_for_notes)
{
    static const struct fsm_state states[] = {{"here", 0, false, false}, {"there", 0, true, false}};
    static const struct fsm_event events[] = {{"always", holds_always, false}};
    static const struct fsm_transition rows[] = {
        {110, 0, 0, NULL, "", 1, NULL, "", "ordered", true},
        {120, 0, 0, NULL, "", 1, NULL, "", "counts on the first", false},
        {130, 0, 0, NULL, "", 0, NULL, "", "a note", false},
    };
    static const struct fsm fsm = {.name = "f",
                                   .states = states,
                                   .state_count = 2,
                                   .events = events,
                                   .event_count = 1,
                                   .transitions = rows,
                                   .transition_count = 3};
    struct fsm_pause pause = {0};
    ck_assert_int_eq(fsm_next(&fsm, 0, NULL, &pause)->number, 110);
    ck_assert(!pause.has_held);
    pause.is_on = true;
    ck_assert_int_eq(fsm_next(&fsm, 0, NULL, &pause)->number, 130);
    ck_assert(pause.has_held);
    struct fsm unordered = fsm;
    unordered.transitions = &rows[1];
    unordered.transition_count = 2;
    ck_assert_int_eq(fsm_next(&unordered, 0, NULL, &pause)->number, 120);
    ck_assert(!pause.has_held);
}
END_TEST

static int orders;

static void start_counted(struct driver *driver, const struct driver_workload *workload, int64_t attempt, int64_t now_s)
{
    orders++;
    driver_sim.start(driver, workload, attempt, now_s);
}

static void stop_counted(struct driver *driver, const struct driver_workload *workload, int64_t now_s)
{
    orders++;
    driver_sim.stop(driver, workload, now_s);
}

static void forget_counted(struct driver *driver, const struct driver_workload *workload, int64_t now_s)
{
    orders++;
    driver_sim.forget(driver, workload, now_s);
}

static struct scene *counted_scene(uint32_t nodes, struct driver_settings settings)
{
    static struct driver_ops counted;
    struct scene *scene = scene_new(nodes, 0, settings);
    counted = driver_sim;
    counted.start = start_counted;
    counted.stop = stop_counted;
    counted.forget = forget_counted;
    scene->world.driver_ops = &counted;
    orders = 0;
    return scene;
}

static void pause_until(struct scene *scene, int64_t until_s)
{
    scene->terms.pause = (struct pause){.wish_revision = 1, .revision = 1, .since_s = START, .until_s = until_s};
}

START_TEST(what_is_decided_in_a_pause_starts_when_it_is_over)
{
    struct scene *scene = counted_scene(2, (struct driver_settings){0});
    pause_until(scene, START + HOUR);
    struct reservation *reservation = wish_for(scene, 2, NEVER, START + 9 * HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ACTIVATING);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(reservation->instances[i].is.state, INSTANCE_PLANNED);
        ck_assert_int_eq(reservation->instances[i].is.due_s, START + HOUR);
        ck_assert_int_gt(reservation->instances[i].is.deadline_s, START + HOUR);
        ck_assert(!reservation->instances[i].on_node);
    }
    ck_assert_int_ge(reservation->is.deadline_s, START + HOUR + ACTIVATION_LIMIT_S);
    ck_assert_int_eq(orders, 0);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ACTIVE);
    ck_assert_int_eq(orders, 2);
    scene_free(scene);
}
END_TEST

START_TEST(a_window_that_ends_in_a_pause_has_ended_then_and_is_left_on_resume)
{
    struct scene *scene = counted_scene(1, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 1, START, START + HOUR);
    drive_at(scene, START);
    struct instance *instance = &reservation->instances[0];
    pause_until(scene, START + 3 * HOUR);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ENDING);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    ck_assert_int_eq(instance->is.due_s, START + 3 * HOUR);
    ck_assert_int_gt(reservation->is.deadline_s, START + 3 * HOUR);
    ck_assert_int_eq(orders, 1); /* its start */
    scene->world.event_count = 0;
    drive_at(scene, START + 3 * HOUR);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ENDED);
    const struct event_record *stopping = &scene->world.events[0];
    ck_assert_str_eq(stopping->kind, "instance.stopping");
    ck_assert_int_eq(stopping->occurred_at_s, START + HOUR); /* what it stayed longer is not its tenant's */
    scene_free(scene);
}
END_TEST

START_TEST(a_node_that_falls_silent_in_a_pause_and_comes_back_is_as_it_was)
{
    struct scene *scene = counted_scene(2, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 1, START, START + 9 * HOUR);
    drive_at(scene, START);
    struct instance *instance = &reservation->instances[0];
    struct node *node = world_node(&scene->world, instance->node);
    pause_until(scene, START + 3 * HOUR);
    node->answers = false;
    node_drive(&scene->world, node);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(node->is.state, NODE_ALLOCATED);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    ck_assert(instance->is_held);
    node->answers = true;
    node_drive(&scene->world, node);
    drive_at(scene, START + 3 * HOUR);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    ck_assert_int_eq(instance->incarnation, 1);
    node->answers = false; /* thereafter it is judged */
    node_drive(&scene->world, node);
    drive_at(scene, START + 4 * HOUR);
    ck_assert_int_eq(node->is.state, NODE_QUARANTINED);
    ck_assert_int_eq(instance->incarnation, 2);
    scene_free(scene);
}
END_TEST

START_TEST(what_a_tenant_asks_in_a_pause_is_neither_refused_nor_done)
{
    struct scene *scene = counted_scene(1, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 1, START, START + 9 * HOUR);
    drive_at(scene, START);
    struct instance *instance = &reservation->instances[0];
    struct action action = {.id = identity_number(4, 1), .kind = ACTION_REBOOT};
    instance->action = &action;
    pause_until(scene, START + HOUR);
    drive_at(scene, START + 60);
    ck_assert_int_eq(action.state, ACTION_PENDING);
    ck_assert(!action.begun);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(action.state, ACTION_DONE);
    scene_free(scene);
}
END_TEST

START_TEST(a_cancel_in_a_pause_ends_the_window_at_once)
{
    struct scene *scene = counted_scene(1, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 1, START, START + 9 * HOUR);
    drive_at(scene, START);
    pause_until(scene, START + 3 * HOUR);
    reservation->wish.cancel_requested = true;
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ENDING);
    ck_assert_int_eq(reservation->ends_s, START + HOUR);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_RUNNING);
    drive_at(scene, START + 3 * HOUR);
    ck_assert_int_eq(reservation->is.state, RESERVATION_CANCELLED);
    scene_free(scene);
}
END_TEST

START_TEST(whoever_goes_for_a_verdict_in_a_pause_has_notice_from_its_end_on)
{
    struct scene *scene = counted_scene(1, (struct driver_settings){0});
    scene->terms.preemption_notice_s = 120;
    struct reservation *reservation = wish_for(scene, 1, START, START + HOUR);
    ck_assert_int_eq(verdict_request(reservation).evict_from, START + 120);
    pause_until(scene, START + 2 * HOUR);
    ck_assert_int_eq(verdict_request(reservation).evict_from, START + 2 * HOUR + 120);
    scene_free(scene);
}
END_TEST

/* ---- Places that are not clean by plan alone ---- */

START_TEST(while_somebody_overstays_whoever_is_made_within_its_window_looks_before_it_starts)
{
    struct scene *scene = counted_scene(1, (struct driver_settings){0});
    scene->world.has_overstays = true;
    struct reservation *reservation = wish_for(scene, 1, NEVER, START + HOUR);
    drive_at(scene, START);
    struct instance *instance = &reservation->instances[0];
    ck_assert_int_eq(instance->is.state, INSTANCE_PLANNED);
    ck_assert_int_eq(instance->is.due_s, START); /* at once, as the database sees it */
    instance->was = instance->is;
    drive_at(scene, START);
    ck_assert_int_eq(instance->is.due_s, START + CLEAN_LOOK_S);
    instance->is_clean = true;
    drive_at(scene, START + CLEAN_LOOK_S);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    scene_free(scene);
}
END_TEST

START_TEST(while_somebody_overstays_a_replacement_looks_before_it_starts)
{
    struct scene *scene = counted_scene(2, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 1, START, START + 9 * HOUR);
    drive_at(scene, START);
    struct instance *instance = &reservation->instances[0];
    struct node *node = world_node(&scene->world, instance->node);
    scene->world.has_overstays = true;
    node->answers = false;
    node_drive(&scene->world, node);
    put_node(scene, node);
    drive_at(scene, START + 60);
    ck_assert_int_eq(instance->is.state, INSTANCE_REPLACING);
    ck_assert(instance->has_node && !instance->on_node);
    ck_assert_int_eq(instance->is.due_s, START + 60 + PLACE_TURN_S);
    drive_at(scene, instance->is.due_s);
    ck_assert_int_eq(instance->is.state, INSTANCE_REPLACING);
    instance->is_clean = true;
    drive_at(scene, instance->is.due_s);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    scene_free(scene);
}
END_TEST

START_TEST(a_tenants_next_window_looks_before_it_starts_where_its_last_one_is_told_to_leave)
{
    struct scene *scene = counted_scene(1, (struct driver_settings){.stop_s = 60});
    scene->world.overstays_from_s = NEVER;
    (void)wish_for(scene, 1, START, START + HOUR);
    drive_at(scene, START);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(scene->nodes[0].leaving_count, 1);
    struct reservation *next = wish_number(scene, 1, 1, NEVER, START + 2 * HOUR);
    reservation_drive(next);
    ck_assert_int_eq(next->instances[0].is.state, INSTANCE_PLANNED);
    drive_at(scene, START + HOUR + 60);
    ck_assert_int_eq(scene->nodes[0].leaving_count, 0);
    struct reservation *last = wish_number(scene, 2, 1, START + 2 * HOUR, START + 3 * HOUR);
    reservation_drive(last);
    scene->world.now_s = START + 2 * HOUR;
    reservation_drive(next);
    reservation_drive(last);
    ck_assert_int_eq(last->instances[0].is.state,
                     INSTANCE_RUNNING); /* the last one came to nothing, and nobody is there */
    scene_free(scene);
}
END_TEST

START_TEST(whatever_is_due_counts_towards_what_a_piece_of_work_reads)
{
    enum { MOST = 3 };
    struct world world = {.now_s = START};
    struct instance instances[MOST];
    struct reservation reservations[MOST];
    for (int i = 0; i < MOST; i++) {
        instances[i] = (struct instance){.was = {.state = INSTANCE_RUNNING, .due_s = START}};
        reservations[i] = (struct reservation){.world = &world, .was = {.state = RESERVATION_PENDING, .due_s = NEVER}};
    }
    world.reservations = reservations;
    world.reservation_count = MOST;
    ck_assert(!turn_may_leave_some(&world, MOST)); /* wishes: none is due, however many there are */
    for (int i = 0; i < MOST; i++)
        reservations[i].was = (struct lifecycle){.state = RESERVATION_SCHEDULED, .due_s = START};
    ck_assert(turn_may_leave_some(&world, MOST)); /* who starts leaves out who ends */
    ck_assert(!turn_may_leave_some(&world, MOST + 1));
    world.reservation_count = 1;
    reservations[0].instances = instances;
    reservations[0].instance_count = MOST;
    ck_assert(turn_may_leave_some(&world, MOST)); /* and so does one gang those who give way */
    instances[0].was.due_s = START + 1;
    ck_assert(!turn_may_leave_some(&world, MOST));
}
END_TEST

START_TEST(whoever_leaves_later_than_the_plan_has_room_for_leaves_its_node_unclean_for_a_turnaround)
{
    static const struct {
        int64_t told_s, until_s;
    } rows[] = {{0, 0}, {1, START + HOUR + 61 + 600}, {HOUR, START + HOUR + HOUR + 60 + 600}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene *scene = counted_scene(1, (struct driver_settings){.stop_s = 60});
        scene->nodes[0].turnaround_s = 600;
        scene->world.overstays_from_s = NEVER;
        struct reservation *reservation = wish_for(scene, 1, NEVER, START + HOUR);
        drive_at(scene, START);
        drive_at(scene, START + HOUR + rows[i].told_s);
        ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_STOPPING);
        ck_assert_int_eq(scene->world.overstays_from_s, START + HOUR + 61);
        drive_at(scene, START + HOUR + rows[i].told_s + 60);
        ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_TERMINATED);
        ck_assert_int_eq(scene->world.overstays_until_s, rows[i].until_s);
        scene_free(scene);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("pause");
    TCase *holds = tcase_create("which holds");
    tcase_add_test(holds, the_wish_is_followed_and_deadlines_move_by_as_much_as_the_end_does);
    tcase_add_test(holds, a_row_that_waits_holds_back_what_lies_below_it_but_for_notes);
    suite_add_tcase(suite, holds);
    TCase *held = tcase_create("what it holds back");
    tcase_add_test(held, what_is_decided_in_a_pause_starts_when_it_is_over);
    tcase_add_test(held, a_window_that_ends_in_a_pause_has_ended_then_and_is_left_on_resume);
    tcase_add_test(held, a_node_that_falls_silent_in_a_pause_and_comes_back_is_as_it_was);
    tcase_add_test(held, what_a_tenant_asks_in_a_pause_is_neither_refused_nor_done);
    tcase_add_test(held, a_cancel_in_a_pause_ends_the_window_at_once);
    tcase_add_test(held, whoever_goes_for_a_verdict_in_a_pause_has_notice_from_its_end_on);
    suite_add_tcase(suite, held);
    TCase *places = tcase_create("places");
    tcase_add_test(places, while_somebody_overstays_whoever_is_made_within_its_window_looks_before_it_starts);
    tcase_add_test(places, while_somebody_overstays_a_replacement_looks_before_it_starts);
    tcase_add_test(places, a_tenants_next_window_looks_before_it_starts_where_its_last_one_is_told_to_leave);
    tcase_add_test(places, whatever_is_due_counts_towards_what_a_piece_of_work_reads);
    tcase_add_test(places, whoever_leaves_later_than_the_plan_has_room_for_leaves_its_node_unclean_for_a_turnaround);
    suite_add_tcase(suite, places);
    return suite;
}
