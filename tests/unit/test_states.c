/* The state machines: their tables are well formed, and an object goes through them without a database. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/must.h"
#include "provisioner/reconcile/maintenance.h"
#include "provisioner/reconcile/verdict.h"
#include "tests/unit/suite.h"
#include "tests/unit/zone_scene.h"

#include <string.h>

/* ---- The tables ---- */

START_TEST(every_table_is_well_formed)
{
    const struct fsm *const machines[] = {&reservation_fsm, &instance_fsm, &node_fsm, &maintenance_fsm};
    for (size_t i = 0; i < COUNT_OF(machines); i++) {
        const char *wrong = fsm_wrong(machines[i]);
        ck_assert_msg(wrong == NULL, "%s: %s", machines[i]->name, wrong == NULL ? "" : wrong);
    }
}
END_TEST

START_TEST(a_malformed_table_is_found)
{
    struct fsm_transition rows[64];
    must((size_t)instance_fsm.transition_count <= COUNT_OF(rows));
    memcpy(rows, instance_fsm.transitions, (size_t)instance_fsm.transition_count * sizeof rows[0]);
    struct fsm broken = instance_fsm;
    broken.transitions = rows;
    rows[3].number = rows[2].number;
    ck_assert_str_eq(fsm_wrong(&broken), "numbers do not rise");
    broken = instance_fsm;
    broken.transition_count--; /* its last rule is one of two for the same event: still whole */
    ck_assert_ptr_null(fsm_wrong(&broken));
    broken.transition_count -= 2;
    ck_assert_str_eq(fsm_wrong(&broken), "an event has no rule and is not refused");
}
END_TEST

START_TEST(no_node_goes_straight_from_allocated_to_ready)
{
    for (int i = 0; i < node_fsm.transition_count; i++) {
        const struct fsm_transition *row = &node_fsm.transitions[i];
        ck_assert(!(row->from == NODE_ALLOCATED && row->to == NODE_READY));
    }
}
END_TEST

START_TEST(the_hundreds_of_a_nodes_transition_are_the_state_that_it_leaves)
{
    for (int i = 0; i < node_fsm.transition_count; i++) { /* the view node_move of migrations/0061 reads them so */
        const struct fsm_transition *row = &node_fsm.transitions[i];
        ck_assert_int_eq(row->number / 100, row->from + 1);
    }
}
END_TEST

static bool is_one_of(int value, const int *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i] == value)
            return true;
    }
    return false;
}

/* What the view capacity_change of migrations/0065 looks at. */
START_TEST(the_transitions_that_can_change_capacity_are_those_of_the_view)
{
    static const int served[] = {NODE_READY, NODE_ALLOCATED, NODE_SANITIZING};
    static const int view[] = {120, 205, 210, 240, 305, 310, 330, 405, 410, 505, 510, 540, 720, 810};
    for (int i = 0; i < node_fsm.transition_count; i++) {
        const struct fsm_transition *row = &node_fsm.transitions[i];
        bool was_served = is_one_of(row->from, served, COUNT_OF(served));
        bool is_served = is_one_of(row->to, served, COUNT_OF(served));
        bool begins_validation = row->to == NODE_VALIDATING && !was_served;
        bool leaves =
            (was_served && !is_served && row->to != NODE_VALIDATING) || (row->from == NODE_VALIDATING && !is_served);
        ck_assert_msg((begins_validation || leaves) == is_one_of(row->number, view, COUNT_OF(view)), "%d", row->number);
    }
}
END_TEST

/* ---- Driving ---- */

START_TEST(an_immediate_start_cascades_within_the_instant)
{
    struct scene *scene = scene_new(2, 0, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 2, NEVER, START + HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ACTIVE);
    ck_assert_int_eq(reservation->starts_s, START);
    ck_assert_int_eq(reservation->delivered, 2);
    ck_assert_int_eq(reservation->is.due_s, START + HOUR);
    ck_assert_int_eq(scene->nodes[0].is.state, NODE_ALLOCATED);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ENDED);
    ck_assert_int_eq(scene->nodes[0].is.state, NODE_READY);
    ck_assert(has_event(scene, "node.sanitizing"));
    scene_free(scene);
}
END_TEST

START_TEST(a_gang_is_all_or_nothing)
{
    struct scene *scene = scene_new(2, 0, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 3, NEVER, START + HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(reservation->is.state, RESERVATION_REJECTED);
    ck_assert_str_eq(reservation->reason, "capacity_unavailable");
    ck_assert_ptr_nonnull(strstr(reservation->binding, "\"constraint\":\"count_over_fleet\""));
    ck_assert_ptr_nonnull(strstr(reservation->alternatives, "\"count\":2"));
    ck_assert_uint_eq(planner_allocation_count(scene->world.planner), 0);
    scene_free(scene);
}
END_TEST

START_TEST(a_start_is_tried_again_and_then_moved)
{
    struct scene *scene = scene_new(2, 0, (struct driver_settings){.start_s = 10, .fail_ppm = 1000000, .seed = 1});
    struct reservation *reservation = wish_for(scene, 1, START, START + HOUR);
    int64_t now_s = START;
    drive_at(scene, now_s);
    struct identity first = reservation->instances[0].node;
    for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_PROVISIONING);
        ck_assert_int_eq(reservation->instances[0].is.attempts, attempt);
        now_s += 10;
        drive_at(scene, now_s);
    }
    ck_assert_int_eq(reservation->instances[0].incarnation, 2);
    ck_assert_mem_ne(&first, &reservation->instances[0].node, sizeof first);
    scene_free(scene);
}
END_TEST

START_TEST(nodes_that_break_every_start_do_not_pass_it_around_forever)
{
    struct scene *scene = scene_new(3, 0, (struct driver_settings){.fail_ppm = 1000000, .seed = 1});
    struct reservation *reservation = wish_for(scene, 1, START, START + HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_REPLACING);
    ck_assert_int_eq(reservation->instances[0].incarnation, 3); /* it was on two nodes */
    ck_assert_int_eq(reservation->instances[0].is.due_s, START + PLACE_AGAIN_S);
    scene_free(scene);
}
END_TEST

START_TEST(a_place_on_a_node_that_is_coming_back_is_waited_for)
{
    struct scene *scene = scene_new(2, 600, (struct driver_settings){.start_s = 10});
    struct reservation *reservation = wish_for(scene, 1, START + 600, START + HOUR);
    drive_at(scene, START);
    for (int i = 0; i < 2; i++) { /* both nodes go, and come back for repair */
        scene->nodes[i].turnaround_s = 60;
        scene->nodes[i].answers = false;
        node_drive(&scene->world, &scene->nodes[i]);
        scene->nodes[i].answers = true;
        node_drive(&scene->world, &scene->nodes[i]);
        put_node(scene, &scene->nodes[i]);
    }
    drive_at(scene, START + 1);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_REPLACING);
    scene->world.now_s = START + 60;
    for (int i = 0; i < 2; i++) {
        node_drive(&scene->world, &scene->nodes[i]);
        put_node(scene, &scene->nodes[i]);
    }
    struct instance *instance = &reservation->instances[0];
    drive_at(scene, START + 60);
    ck_assert_int_eq(instance->is.state, INSTANCE_REPLACING); /* nobody has looked who is there before it */
    instance->is_clean = true;
    drive_at(scene, instance->is.due_s);
    ck_assert_int_eq(instance->is.due_s, START + 60 + PLACE_TURN_S + 10);
    ck_assert_int_eq(instance->is.state, INSTANCE_PROVISIONING);
    scene_free(scene);
}
END_TEST

static void stop_in_vain(struct driver *driver, const struct driver_workload *workload, int64_t now_s)
{
    (void)driver, (void)workload, (void)now_s;
}

/* An action of the only instance of the only reservation. */
static struct action *ask(struct scene *scene, enum action_kind kind)
{
    struct instance *instance = &scene->reservations[0].instances[0];
    instance->action = arena_alloc(scene->arena, sizeof *instance->action);
    *instance->action = (struct action){.id = identity_number(4, 1), .kind = kind};
    return instance->action;
}

START_TEST(who_is_up_early_has_its_place_held_and_whoever_was_sold_the_time_before_has_that)
{
    struct scene *scene = scene_new(2, HOUR, (struct driver_settings){0});
    (void)wish_for(scene, 2, START + 2 * HOUR, START + 3 * HOUR);
    struct reservation *before = wish_number(scene, 1, 1, START + HOUR + 600, START + HOUR + 1200);
    before->wish.tenant = identity_number(3, 2);
    for (int64_t now_s = START; now_s <= START + HOUR; now_s += HOUR) {
        drive_at(scene, now_s);
        reservation_drive(before);
    }
    struct reservation *reservation = &scene->reservations[0];
    for (uint32_t i = 0; i < 2; i++)
        reservation->instances[i].is_clean = true; /* nobody is there yet */
    drive_at(scene, START + HOUR);
    struct planner_key key = {planner_id_of(before->wish.id), 0};
    struct identity taken = identity_of(planner_node_of(scene->world.planner, &key, START)->id);
    bool is_first = memcmp(&reservation->instances[0].node, &taken, sizeof taken) == 0;
    const struct instance *early = &reservation->instances[is_first];
    const struct instance *late = &reservation->instances[!is_first];
    ck_assert_int_eq(early->is.state, INSTANCE_RUNNING);
    ck_assert_int_eq(late->is.state, INSTANCE_PLANNED);
    ck_assert_int_eq(late->is.due_s, START + HOUR + 1200);
    struct reservation *asks = wish_number(scene, 2, 2, START + HOUR + 60, START + HOUR + 120);
    reservation_drive(asks);
    ck_assert_int_eq(asks->is.state, RESERVATION_REJECTED);
    drive_at(scene, START + HOUR + 1200);
    ck_assert_int_eq(late->is.state, INSTANCE_RUNNING);
    scene_free(scene);
}
END_TEST

static int32_t slots_from(const struct scene *scene, const struct reservation *reservation)
{
    struct planner_key key = {planner_id_of(reservation->wish.id), 0};
    const struct planner_node *place = planner_node_of(scene->world.planner, &key, scene->world.now_s);
    struct planner_allocation held;
    ck_assert(place != NULL && planner_get(scene->world.planner, &key, place->id, &held));
    return held.rectangles[0].slots_from;
}

START_TEST(other_gpus_of_a_node_are_not_clean_because_those_before_were)
{
    struct scene *scene = scene_new(1, HOUR, (struct driver_settings){0});
    struct reservation *moved = wish_number(scene, 0, 1, START + HOUR, START + 2 * HOUR);
    struct reservation *behind = wish_number(scene, 1, 1, START + 2 * HOUR, START + 3 * HOUR);
    moved->wish.shape.gpus = behind->wish.shape.gpus = 4;
    behind->wish.tenant = identity_number(3, 2);
    scene->world.now_s = START;
    reservation_drive(behind);
    reservation_drive(moved);
    int32_t first = slots_from(scene, moved);
    struct amendment longer = {.changes_end = true, .ends_s = START + 3 * HOUR};
    moved->amendments = &longer;
    moved->amendment_count = 1;
    struct instance *instance = &moved->instances[0];
    instance->is_clean = true; /* of those that it had when the database was asked */
    planner_begin(scene->world.planner);
    drive_at(scene, START + 1);
    planner_commit(scene->world.planner);
    ck_assert_int_eq(longer.state, AMENDMENT_GRANTED);
    ck_assert_int_ne(slots_from(scene, moved), first);
    ck_assert_int_eq(moved->instances[0].is.state, INSTANCE_PLANNED);
    ck_assert_int_le(moved->instances[0].is.due_s, START + 1 + CLEAN_LOOK_S);
    scene_free(scene);
}
END_TEST

START_TEST(who_lost_its_node_within_the_lead_waits_at_another_for_its_start_or_until_that_is_clean)
{
    struct scene *scene = scene_new(3, HOUR, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 1, START + HOUR, START + 2 * HOUR);
    drive_at(scene, START);
    struct instance *instance = &reservation->instances[0];
    struct node *node = world_node(&scene->world, instance->node);
    node->answers = false;
    node_drive(&scene->world, node);
    put_node(scene, node);
    struct planner_key key = {planner_id_of(reservation->wish.id), 0};
    for (int64_t now_s = START + 60; now_s < START + 90; now_s += PLACE_TURN_S) {
        instance->is_clean = false;
        drive_at(scene, now_s);
        ck_assert_int_eq(instance->is.state, INSTANCE_REPLACING);
        int64_t from_s = 0;
        ck_assert(instance->has_node && world_held_from(&scene->world, &key, now_s, &from_s));
        ck_assert_int_eq(from_s, START + HOUR);
    }
    instance->is_clean = true;
    instance->is_unseen = false;
    drive_at(scene, START + 90);
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    scene_free(scene);
}
END_TEST

START_TEST(what_will_not_go_down_runs_on_and_its_action_has_failed)
{
    struct driver_ops stubborn = driver_sim;
    stubborn.stop = stop_in_vain;
    struct scene *scene = scene_new(1, 0, (struct driver_settings){0});
    scene->world.driver_ops = &stubborn;
    struct reservation *reservation = wish_for(scene, 1, START, START + 10 * HOUR);
    drive_at(scene, START);
    struct instance *instance = &reservation->instances[0];
    struct action *action = ask(scene, ACTION_STOP);
    drive_at(scene, START + 1);
    for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        ck_assert_int_eq(instance->is.state, INSTANCE_HALTING);
        ck_assert_int_eq(instance->is.attempts, attempt);
        drive_at(scene, instance->is.deadline_s);
    }
    ck_assert_int_eq(instance->is.state, INSTANCE_RUNNING);
    ck_assert(!instance->stop_wished && instance->address != NULL);
    ck_assert_int_eq(action->state, ACTION_FAILED);
    ck_assert_str_eq(action->reason, "action_timed_out");
    ck_assert_int_eq(scene->world.overdue_count, ATTEMPTS_MAX);
    scene_free(scene);
}
END_TEST

START_TEST(what_was_true_when_an_action_was_asked_may_be_so_no_more)
{
    struct scene *scene = scene_new(1, 0, (struct driver_settings){.start_s = 60});
    struct reservation *reservation = wish_for(scene, 1, START, START + HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_PROVISIONING);
    struct action *action = ask(scene, ACTION_REBOOT);
    drive_at(scene, START + 1);
    ck_assert_int_eq(action->state, ACTION_REFUSED);
    ck_assert_str_eq(action->reason, "instance_not_running");
    ck_assert(has_event(scene, "instance_action.refused"));
    drive_at(scene, START + HOUR);
    action = ask(scene, ACTION_START);
    drive_at(scene, START + HOUR + 1);
    ck_assert_int_eq(action->state, ACTION_REFUSED);
    ck_assert_str_eq(action->reason, "instance_ended");
    scene_free(scene);
}
END_TEST

START_TEST(what_will_not_stop_is_given_up_before_its_reservation_ends)
{
    struct driver_ops stubborn = driver_sim;
    stubborn.stop = stop_in_vain;
    struct scene *scene = scene_new(1, 0, (struct driver_settings){0});
    scene->world.driver_ops = &stubborn;
    struct reservation *reservation = wish_for(scene, 1, START, START + HOUR);
    drive_at(scene, START);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_STOPPING);
    drive_at(scene, reservation->is.deadline_s);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ENDED);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_FAILED);
    ck_assert_int_eq(scene->nodes[0].live_count, 0);
    scene_free(scene);
}
END_TEST

START_TEST(a_dead_node_degrades_and_the_windows_end_fails_it)
{
    struct scene *scene = scene_new(1, 0, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 1, START, START + HOUR);
    drive_at(scene, START);
    scene->world.now_s = START + 60;
    scene->nodes[0].answers = false;
    node_drive(&scene->world, &scene->nodes[0]);
    put_node(scene, &scene->nodes[0]);
    ck_assert_int_eq(scene->nodes[0].is.state, NODE_QUARANTINED);
    drive_at(scene, START + 60);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_REPLACING);
    ck_assert_str_eq(reservation->health, "degraded");
    ck_assert_int_eq(scene->nodes[0].live_count, 0);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_FAILED);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ENDED);
    scene_free(scene);
}
END_TEST

START_TEST(a_cancellation_within_the_lead_stops_at_once)
{
    struct scene *scene = scene_new(1, 600, (struct driver_settings){0});
    struct reservation *reservation = wish_for(scene, 1, START + 300, START + HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(reservation->is.state, RESERVATION_ACTIVATING);
    reservation->wish.cancel_requested = true;
    drive_at(scene, START + 10);
    ck_assert_int_eq(reservation->is.state, RESERVATION_CANCELLED);
    ck_assert_int_eq(reservation->instances[0].is.state, INSTANCE_TERMINATED);
    ck_assert_int_eq(reservation->instances[0].ends_s, START + 300); /* an empty window: nothing to bill */
    ck_assert_uint_eq(planner_allocation_count(scene->world.planner), 0);
    scene_free(scene);
}
END_TEST

static struct reservation *quote_for(struct scene *scene, int64_t count, int64_t starts_s, int64_t hold_until_s)
{
    struct reservation *quote = wish_for(scene, count, starts_s, START + 10 * HOUR);
    quote->wish.hold_until_s = hold_until_s;
    return quote;
}

START_TEST(a_quote_is_held_until_its_time_is_over)
{
    struct scene *scene = scene_new(1, 0, (struct driver_settings){0});
    struct reservation *quote = quote_for(scene, 1, START + 2 * HOUR, START + HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(quote->is.state, RESERVATION_HELD);
    ck_assert_int_eq(quote->is.due_s, START + HOUR);
    drive_at(scene, START + HOUR - 1);
    ck_assert_int_eq(quote->is.state, RESERVATION_HELD);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(quote->is.state, RESERVATION_EXPIRED);
    ck_assert_str_eq(quote->reason, "hold_over");
    ck_assert(scene->world.capacity_returned);
    ck_assert_uint_eq(planner_allocation_count(scene->world.planner), 0);
    scene_free(scene);
}
END_TEST

START_TEST(a_quote_is_over_when_its_start_has_passed)
{
    struct scene *scene = scene_new(1, 0, (struct driver_settings){0});
    struct reservation *quote = quote_for(scene, 1, START + HOUR, START + 2 * HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(quote->is.due_s, START + HOUR);
    drive_at(scene, START + HOUR);
    ck_assert_int_eq(quote->is.state, RESERVATION_EXPIRED);
    scene_free(scene);
}
END_TEST

START_TEST(a_quote_confirmed_in_time_is_firm_however_late_that_is_seen)
{
    struct scene *scene = scene_new(1, 0, (struct driver_settings){0});
    struct reservation *quote = quote_for(scene, 1, START + 2 * HOUR, START + HOUR);
    drive_at(scene, START);
    quote->wish.is_confirmed = true;
    drive_at(scene, START + HOUR + 1);
    ck_assert_int_eq(quote->is.state, RESERVATION_SCHEDULED);
    ck_assert(has_event(scene, "reservation.held") && has_event(scene, "reservation.scheduled"));
    ck_assert_uint_eq(planner_allocation_count(scene->world.planner), 1);
    drive_at(scene, START + 2 * HOUR);
    ck_assert_int_eq(quote->is.state, RESERVATION_ACTIVE);
    scene_free(scene);
}
END_TEST

START_TEST(a_quote_given_back_gives_its_place_back)
{
    struct scene *scene = scene_new(1, 0, (struct driver_settings){0});
    struct reservation *quote = quote_for(scene, 1, NEVER, START + HOUR);
    drive_at(scene, START);
    ck_assert_int_eq(quote->starts_s, START + HOUR); /* what is left open begins when the hold is over */
    quote->wish.cancel_requested = true;
    drive_at(scene, START + 1);
    ck_assert_int_eq(quote->is.state, RESERVATION_CANCELLED);
    ck_assert_uint_eq(planner_allocation_count(scene->world.planner), 0);
    scene_free(scene);
}
END_TEST

START_TEST(a_flexible_start_lies_in_its_range_or_is_refused)
{
    struct scene *scene = scene_new(1, 0, (struct driver_settings){0});
    struct reservation taken = *wish_for(scene, 1, NEVER, START + 2 * HOUR);
    taken.wish.id = identity_number(2, 2);
    verdict_decide(&taken);
    struct reservation *flexible = wish_for(scene, 1, NEVER, NEVER);
    flexible->wish.duration_s = HOUR;
    flexible->wish.start_from_s = NEVER;
    flexible->wish.start_to_s = START + 2 * HOUR - 1;
    verdict_decide(flexible);
    ck_assert(flexible->refused);
    flexible->refused = false;
    flexible->wish.start_to_s = START + 3 * HOUR;
    verdict_decide(flexible);
    ck_assert(flexible->granted);
    ck_assert_int_eq(flexible->starts_s, START + 2 * HOUR);
    ck_assert_int_eq(flexible->ends_s, START + 3 * HOUR);
    scene_free(scene);
}
END_TEST

START_TEST(the_same_seed_draws_the_same_faults)
{
    struct driver_settings settings = {.start_s = 0, .fail_ppm = 300000, .seed = 42};
    int failed = 0;
    for (int draw = 0; draw < 1000; draw++) {
        struct driver_workload workload = {.incarnation = 1};
        memcpy(workload.instance.bytes, &draw, sizeof draw);
        enum driver_state states[2];
        for (int time = 0; time < 2; time++) {
            struct driver *driver = driver_sim.open();
            struct driver_report report;
            driver_sim.set(driver, &settings);
            driver_sim.start(driver, &workload, 1, START);
            driver_sim.report(driver, &workload, START, &report);
            states[time] = report.state;
            driver_sim.close(driver);
        }
        ck_assert_int_eq(states[0], states[1]);
        failed += states[0] == DRIVER_BROKEN;
    }
    ck_assert_int_gt(failed, 240);
    ck_assert_int_lt(failed, 360);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("states");
    TCase *tables = tcase_create("tables");
    tcase_add_test(tables, every_table_is_well_formed);
    tcase_add_test(tables, a_malformed_table_is_found);
    tcase_add_test(tables, no_node_goes_straight_from_allocated_to_ready);
    tcase_add_test(tables, the_hundreds_of_a_nodes_transition_are_the_state_that_it_leaves);
    tcase_add_test(tables, the_transitions_that_can_change_capacity_are_those_of_the_view);
    suite_add_tcase(suite, tables);
    TCase *driving = tcase_create("driving");
    tcase_add_test(driving, an_immediate_start_cascades_within_the_instant);
    tcase_add_test(driving, a_gang_is_all_or_nothing);
    tcase_add_test(driving, a_start_is_tried_again_and_then_moved);
    tcase_add_test(driving, nodes_that_break_every_start_do_not_pass_it_around_forever);
    tcase_add_test(driving, a_place_on_a_node_that_is_coming_back_is_waited_for);
    tcase_add_test(driving, what_will_not_stop_is_given_up_before_its_reservation_ends);
    tcase_add_test(driving, who_is_up_early_has_its_place_held_and_whoever_was_sold_the_time_before_has_that);
    tcase_add_test(driving, other_gpus_of_a_node_are_not_clean_because_those_before_were);
    tcase_add_test(driving, who_lost_its_node_within_the_lead_waits_at_another_for_its_start_or_until_that_is_clean);
    tcase_add_test(driving, what_will_not_go_down_runs_on_and_its_action_has_failed);
    tcase_add_test(driving, what_was_true_when_an_action_was_asked_may_be_so_no_more);
    tcase_add_test(driving, a_dead_node_degrades_and_the_windows_end_fails_it);
    tcase_add_test(driving, a_cancellation_within_the_lead_stops_at_once);
    tcase_add_test(driving, a_quote_is_held_until_its_time_is_over);
    tcase_add_test(driving, a_quote_is_over_when_its_start_has_passed);
    tcase_add_test(driving, a_quote_confirmed_in_time_is_firm_however_late_that_is_seen);
    tcase_add_test(driving, a_quote_given_back_gives_its_place_back);
    tcase_add_test(driving, a_flexible_start_lies_in_its_range_or_is_refused);
    tcase_add_test(driving, the_same_seed_draws_the_same_faults);
    suite_add_tcase(suite, driving);
    return suite;
}
