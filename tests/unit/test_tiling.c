/* Intervals tile the window whatever happens: against an oracle that asks of each second what the last event said. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/meter/node_idle.h"
#include "billing/meter/tiling.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <string.h>

#define HISTORIES     1000
#define EVENTS_MAX    12
#define INTERVALS_MAX 64
#define DAY_S         INT64_C(86400)
#define SECONDS_MAX   (3 * 86400)

static const char *const live_states[] = {"planned", "provisioning", "running",   "halting",
                                          "stopped", "starting",     "replacing", "failed"};

struct history {
    struct tiling_event events[EVENTS_MAX];
    int count;
    struct tiling_interval intervals[INTERVALS_MAX];
    int interval_count;
    struct tiling tiling;
};

static enum usage_class class_of_state(const char *state)
{
    if (strcmp(state, "running") == 0 || strcmp(state, "halting") == 0)
        return USAGE_USED;
    if (strcmp(state, "stopped") == 0 || strcmp(state, "starting") == 0)
        return USAGE_UNUSED;
    return strcmp(state, "failed") == 0 ? USAGE_FAILED : USAGE_UNREADY;
}

static void take_pieces(struct history *history, struct tiling_interval *stretch)
{
    struct tiling_interval piece;
    while (tiling_next_piece(&history->tiling, stretch, &piece)) {
        ck_assert_int_lt(history->interval_count, INTERVALS_MAX);
        history->intervals[history->interval_count++] = piece;
    }
}

static enum tiling_outcome apply(struct history *history, const struct tiling_event *event)
{
    struct tiling_interval stretch;
    enum tiling_outcome outcome = tiling_apply(&history->tiling, event, &stretch);
    take_pieces(history, &stretch);
    return outcome;
}

static void cut(struct history *history, int64_t at_s)
{
    struct tiling_interval stretch;
    tiling_cut(&history->tiling, at_s, &stretch);
    take_pieces(history, &stretch);
}

static struct tiling_event event_of(int64_t revision, int64_t at_s, const char *state, int64_t from_s, int64_t to_s)
{
    return (struct tiling_event){.revision = revision,
                                 .occurred_at_s = at_s,
                                 .state = state,
                                 .gpu_milli = 8000,
                                 .starts_at_s = from_s,
                                 .ends_at_s = to_s,
                                 .gives_way_at_s = TILING_OPEN_END_S};
}

/* From an event on it is told to be gone before its window ends; what stops it never comes, or late. */
static void give_way(struct property *property, struct history *ret)
{
    int told = (int)property_between(property, 0, ret->count - 1);
    int64_t at_s = ret->events[told].occurred_at_s + property_between(property, 0, DAY_S / 2);
    for (int i = told; i < ret->count; i++)
        ret->events[i].gives_way_at_s = at_s;
}

/* A window, events in order of time, an end by its own time or before it. */
static void make_history(struct property *property, struct history *ret)
{
    *ret = (struct history){.count = (int)property_between(property, 1, EVENTS_MAX)};
    int64_t starts_at_s = property_between(property, 0, DAY_S);
    int64_t ends_at_s = starts_at_s + property_between(property, 1, DAY_S);
    int64_t at_s = starts_at_s - property_between(property, 0, 3600);
    for (int i = 0; i < ret->count; i++) {
        bool last = i == ret->count - 1;
        const char *state = live_states[property_between(property, 0, 5)];
        if (last && property_between(property, 0, 1) == 1) {
            state = "stopping";
            at_s = property_between(property, 0, 1) == 1 && at_s < ends_at_s ? at_s : ends_at_s;
            ends_at_s = at_s < ends_at_s ? at_s : ends_at_s; /* cancelled: the window ends now */
        }
        ret->events[i] = event_of(i + 1, at_s, i == 0 ? "planned" : state, starts_at_s, ends_at_s);
        at_s += property_between(property, 0, DAY_S / 4);
    }
    if (strcmp(ret->events[ret->count - 1].state, "stopping") != 0 && property_between(property, 0, 1) == 1)
        give_way(property, ret);
}

/* What the last event by then said of the second; the window is the last one that was told. */
static enum usage_class oracle(const struct history *history, int64_t second)
{
    enum usage_class class = USAGE_UNREADY;
    if (second >= history->events[history->count - 1].gives_way_at_s)
        return USAGE_PREEMPTED;
    for (int i = 0; i < history->count && history->events[i].occurred_at_s <= second; i++)
        class = class_of_state(history->events[i].state);
    return class;
}

static void check_tiles(const struct history *history, int64_t from_s, int64_t to_s)
{
    int64_t at_s = from_s;
    for (int i = 0; i < history->interval_count; i++) {
        const struct tiling_interval *interval = &history->intervals[i];
        ck_assert_int_eq(interval->from_s, at_s);
        ck_assert_int_gt(interval->to_s, interval->from_s);
        ck_assert_int_eq(interval->seq, i);
        ck_assert_int_eq(interval->from_s / DAY_S, (interval->to_s - 1) / DAY_S);
        at_s = interval->to_s;
        for (int64_t second = interval->from_s; second < interval->to_s; second += 61)
            ck_assert_int_eq((int)interval->class, (int)oracle(history, second));
        ck_assert_int_eq((int)interval->class, (int)oracle(history, interval->to_s - 1));
    }
    ck_assert_int_eq(at_s, from_s < to_s ? to_s : from_s);
}

START_TEST(intervals_tile_the_window_exactly)
{
    struct property property = property_begin("intervals_tile_the_window_exactly");
    for (int round = 0; round < HISTORIES; round++) {
        struct history history;
        make_history(&property, &history);
        int64_t midnight_s = 0;
        for (int i = 0; i < history.count; i++) {
            /* Midnights are cut on the way, or all at once later. */
            while (property_between(&property, 0, 1) == 1 && midnight_s + DAY_S <= history.events[i].occurred_at_s)
                cut(&history, midnight_s += DAY_S);
            ck_assert_int_eq((int)apply(&history, &history.events[i]), (int)TILING_APPLIED);
            if (property_between(&property, 0, 3) == 0)
                ck_assert_int_eq((int)apply(&history, &history.events[i]), (int)TILING_DUPLICATE);
        }
        cut(&history, SECONDS_MAX);
        ck_assert(history.tiling.closed);
        const struct tiling_event *last = &history.events[history.count - 1];
        check_tiles(&history, last->starts_at_s, last->ends_at_s);
    }
}
END_TEST

START_TEST(a_gap_changes_nothing)
{
    struct history history = {0};
    struct tiling_event planned = event_of(1, 0, "planned", 100, 200);
    struct tiling_event running = event_of(3, 120, "running", 100, 200);
    ck_assert_int_eq((int)apply(&history, &running), (int)TILING_GAP);
    ck_assert_int_eq((int)apply(&history, &planned), (int)TILING_APPLIED);
    struct tiling before = history.tiling;
    ck_assert_int_eq((int)apply(&history, &running), (int)TILING_GAP);
    ck_assert_int_eq(memcmp(&before, &history.tiling, sizeof before), 0);
    ck_assert_int_eq(history.interval_count, 0);
}
END_TEST

START_TEST(a_late_fact_counts_from_where_the_tiling_stands)
{
    struct history history = {0};
    struct tiling_event planned = event_of(1, 0, "planned", 0, 2 * DAY_S);
    struct tiling_event running = event_of(2, DAY_S - 10, "running", 0, 2 * DAY_S);
    ck_assert_int_eq((int)apply(&history, &planned), (int)TILING_APPLIED);
    cut(&history, DAY_S);
    ck_assert_int_eq((int)apply(&history, &running), (int)TILING_LATE);
    cut(&history, 2 * DAY_S);
    ck_assert_int_eq(history.interval_count, 2);
    ck_assert_int_eq(history.intervals[1].from_s, DAY_S);
    ck_assert_int_eq((int)history.intervals[1].class, (int)USAGE_USED);
}
END_TEST

START_TEST(a_window_cancelled_before_it_began_has_no_interval)
{
    struct history history = {0};
    struct tiling_event planned = event_of(1, 50, "planned", 100, 200);
    struct tiling_event stopping = event_of(2, 60, "stopping", 100, 60);
    struct tiling_event terminated = event_of(3, 150, "terminated", 100, 60);
    (void)apply(&history, &planned);
    (void)apply(&history, &stopping);
    (void)apply(&history, &terminated);
    cut(&history, SECONDS_MAX);
    ck_assert_int_eq(history.interval_count, 0);
    ck_assert(history.tiling.closed);
}
END_TEST

START_TEST(a_stop_that_did_not_move_the_end_ends_the_window_once)
{
    struct history history = {0};
    struct tiling_event events[] = {event_of(1, 100, "planned", 100, 200), event_of(2, 110, "running", 100, 200),
                                    event_of(3, 150, "stopping", 100, 200), event_of(4, 170, "terminated", 100, 200)};
    for (size_t i = 0; i < 4; i++)
        (void)apply(&history, &events[i]);
    cut(&history, SECONDS_MAX);
    ck_assert_int_eq(history.interval_count, 2);
    ck_assert_int_eq(history.intervals[1].to_s, 150);
    ck_assert(history.tiling.closed);
}
END_TEST

START_TEST(what_is_left_of_a_window_that_gave_way_is_preempted)
{
    struct history history = {0};
    struct tiling_event events[] = {event_of(1, 100, "planned", 100, 400), event_of(2, 110, "running", 100, 400),
                                    event_of(3, 150, "running", 100, 400), event_of(4, 200, "stopping", 100, 400),
                                    event_of(5, 220, "terminated", 100, 400)};
    for (size_t i = 0; i < 5; i++) {
        events[i].gives_way_at_s = i >= 2 ? 200 : TILING_OPEN_END_S; /* told, and running until then */
        (void)apply(&history, &events[i]);
    }
    cut(&history, SECONDS_MAX);
    static const enum usage_class classes[] = {USAGE_UNREADY, USAGE_USED, USAGE_USED, USAGE_PREEMPTED, USAGE_PREEMPTED};
    static const int64_t ends_s[] = {110, 150, 200, 220, 400};
    ck_assert_int_eq(history.interval_count, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq((int)history.intervals[i].class, (int)classes[i]);
        ck_assert_int_eq(history.intervals[i].to_s, ends_s[i]);
    }
    ck_assert(history.tiling.closed);
}
END_TEST

START_TEST(an_unknown_state_is_refused)
{
    struct history history = {0};
    struct tiling_event event = event_of(1, 100, "dreaming", 100, 200);
    ck_assert_int_eq((int)apply(&history, &event), (int)TILING_UNKNOWN);
    ck_assert_int_eq(history.tiling.revision, 0);
}
END_TEST

/* ---- Nodes ---- */

static enum idle_cause become(struct node_idle *node, int64_t at_s, const char *state)
{
    struct node_idle_change change;
    struct node_idle_event event = {.revision = node->revision + 1, .occurred_at_s = at_s, .state = state};
    ck_assert_int_eq((int)node_idle_apply(node, &event, &change), (int)TILING_APPLIED);
    return node->cause;
}

START_TEST(a_validating_node_is_what_it_was_taken_out_for)
{
    struct node_idle node = {0};
    ck_assert_int_eq((int)become(&node, 10, "validating"), (int)IDLE_NOT_IN_SERVICE);
    ck_assert_int_eq(node.since_s, 0);
    ck_assert_int_eq((int)become(&node, 20, "ready"), (int)IDLE_UNSOLD);
    ck_assert_int_eq((int)become(&node, 30, "allocated"), (int)IDLE_UNSOLD);
    ck_assert_int_eq(node.since_s, 20); /* one stretch */
    ck_assert_int_eq((int)become(&node, 40, "sanitizing"), (int)IDLE_SANITIZING);
    ck_assert_int_eq((int)become(&node, 50, "validating"), (int)IDLE_SANITIZING);
    ck_assert_int_eq(node.since_s, 40);
    ck_assert_int_eq((int)become(&node, 60, "quarantined"), (int)IDLE_QUARANTINED);
    ck_assert_int_eq((int)become(&node, 70, "repair"), (int)IDLE_QUARANTINED);
    ck_assert_int_eq((int)become(&node, 80, "validating"), (int)IDLE_QUARANTINED);
    ck_assert_int_eq((int)become(&node, 90, "maintenance"), (int)IDLE_MAINTENANCE);
    ck_assert_int_eq((int)become(&node, 99, "retired"), (int)IDLE_NOT_IN_SERVICE);
}
END_TEST

START_TEST(a_nodes_stretches_tile_time_from_before_it_was_there)
{
    struct node_idle node = {0};
    struct node_idle_change change;
    struct node_idle_event ready = {.revision = 1, .occurred_at_s = 500, .state = "ready"};
    ck_assert_int_eq((int)node_idle_apply(&node, &ready, &change), (int)TILING_APPLIED);
    ck_assert(change.begins);
    ck_assert_int_eq(change.previous.since_s, 0);
    ck_assert_int_eq((int)change.previous.cause, (int)IDLE_NOT_IN_SERVICE);
    ck_assert_int_eq(node.since_s, 500);
    ck_assert_int_eq((int)node_idle_apply(&node, &ready, &change), (int)TILING_DUPLICATE);
    ready.revision = 3;
    ck_assert_int_eq((int)node_idle_apply(&node, &ready, &change), (int)TILING_GAP);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("tiling");
    TCase *cases = tcase_create("promises");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, intervals_tile_the_window_exactly);
    tcase_add_test(cases, a_gap_changes_nothing);
    tcase_add_test(cases, a_late_fact_counts_from_where_the_tiling_stands);
    tcase_add_test(cases, a_window_cancelled_before_it_began_has_no_interval);
    tcase_add_test(cases, a_stop_that_did_not_move_the_end_ends_the_window_once);
    tcase_add_test(cases, what_is_left_of_a_window_that_gave_way_is_preempted);
    tcase_add_test(cases, an_unknown_state_is_refused);
    tcase_add_test(cases, a_validating_node_is_what_it_was_taken_out_for);
    tcase_add_test(cases, a_nodes_stretches_tile_time_from_before_it_was_there);
    suite_add_tcase(suite, cases);
    return suite;
}
