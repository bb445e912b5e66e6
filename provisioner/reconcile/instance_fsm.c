/* An instance follows its allocation: it comes up on the node it was given, is replaced when that node fails,
 * and is gone when its window ends. Each row is one thing that can happen; whatever is not here cannot. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/instance_events.h"
#include "provisioner/reconcile/json_text.h"

#include "common/cleanup.h"
#include "common/least.h"
#include "common/must.h"

#include <inttypes.h>

#define MOVES_MAX 16 /* at one instant; more is a loop in the table */

static struct world *world_of(const struct instance *instance)
{
    return instance->reservation->world;
}

/* ---- Guards ---- */

static bool always(const void *subject)
{
    (void)subject;
    return true;
}

static bool place_is_free(const void *subject)
{
    const struct instance *instance = subject;
    return instance->is_clean && instance_place_free_s(instance) <= world_of(instance)->now_s;
}

static bool is_to_be_down(const void *subject)
{
    const struct instance *instance = subject;
    return instance->stop_wished;
}

static bool attempts_left(const void *subject)
{
    const struct instance *instance = subject;
    return instance->is.attempts < ATTEMPTS_MAX;
}

/* ---- Actions ---- */

static void order_start(struct instance *instance)
{
    struct world *world = world_of(instance);
    struct driver_workload workload = instance_workload(instance);
    instance->is.attempts++;
    instance->is.deadline_s = world->now_s + world->zone->driver.start_s + START_LIMIT_S;
    world->driver_ops->start(world->driver, &workload, instance->is.attempts, world->now_s);
}

static void enter_node(struct instance *instance)
{
    struct world *world = world_of(instance);
    must(instance->has_node && !instance->on_node);
    instance_hold_place(instance);
    instance->granted = false;
    instance->on_node = true;
    world_stay(world, &(struct stay){.instance = instance->id,
                                     .incarnation = instance->incarnation,
                                     .tenant = instance->reservation->wish.tenant,
                                     .node = instance->node,
                                     .began = true});
    node_instance_arrives(world, instance->node);
}

static void start_on_node(void *subject)
{
    struct instance *instance = subject;
    enter_node(instance);
    order_start(instance);
}

/* Its place is kept there, as its tenant wishes: nothing is started. */
static void rest_on_node(void *subject)
{
    enter_node(subject);
}

static void start_again(void *subject)
{
    struct instance *instance = subject;
    instance->address = NULL;
    instance->is.last_error = "it did not come up, or went down by itself";
    order_start(instance);
}

static void record_ready(void *subject)
{
    struct instance *instance = subject;
    instance->address = arena_text(world_of(instance)->arena, instance_report(instance).address);
    instance_action_done(instance);
}

static void leave_node(struct instance *instance, const char *reason)
{
    if (!instance->on_node)
        return;
    struct world *world = world_of(instance);
    struct driver_workload workload = instance_workload(instance);
    world->driver_ops->forget(world->driver, &workload, world->now_s);
    instance->on_node = false;
    world_stay(world, &(struct stay){.instance = instance->id,
                                     .incarnation = instance->incarnation,
                                     .tenant = instance->reservation->wish.tenant,
                                     .node = instance->node,
                                     .end_reason = reason});
    node_instance_leaves(world, instance->node);
}

static void ask_for_new_node(void *subject)
{
    struct instance *instance = subject;
    bool node_failed = instance_lost_node(instance);
    bool had_stay = instance->on_node;
    /* Nodes that break each start at once would pass it around without end: after the second it waits. */
    bool is_passed_around = instance->is_broken_there && !node_failed;
    leave_node(instance, node_failed ? "node_lost" : "start_failed");
    instance->incarnation += had_stay;
    instance->is_unseen |= had_stay; /* while it was there the database was not asked whether another is */
    instance->is.last_error = node_failed ? "its node failed" : "it did not start on its node";
    instance->is_broken_there = !node_failed;
    instance->address = NULL;
    instance->has_node = false;
    if (!instance_is_over(instance) && !is_passed_around)
        instance_ask_planner(instance);
}

/* It is gone, or has failed to go, before its reservation ends: nobody looks after it thereafter. */
static int64_t stop_deadline_s(const struct instance *instance)
{
    const struct world *world = world_of(instance);
    const struct lifecycle *reservation = &instance->reservation->is;
    int64_t deadline_s = world->now_s + world->zone->driver.stop_s + STOP_LIMIT_S;
    return reservation->state == RESERVATION_ENDING ? least_of(deadline_s, reservation->deadline_s) : deadline_s;
}

/* Its new end is on the row, and so on the event. */
static void record_window(void *subject)
{
    struct instance *instance = subject;
    instance->window_changed = false;
}

static void order_stop(struct instance *instance)
{
    struct world *world = world_of(instance);
    struct driver_workload workload = instance_workload(instance);
    instance->is.attempts++;
    instance->is.deadline_s = stop_deadline_s(instance);
    world->driver_ops->stop(world->driver, &workload, world->now_s);
}

/* When it will have been there for longer than the plan has room for. */
static int64_t overstays_from_s(const struct instance *instance)
{
    const struct world *world = world_of(instance);
    return world_overstays_from_s(instance_end_s(instance), world->driver_ops->stop_limit_s(world->driver));
}

static void stop_on_node(void *subject)
{
    struct instance *instance = subject;
    struct world *world = world_of(instance);
    instance->address = NULL;
    node_count_leaving(world, instance->node, 1);
    world->overstays_from_s = least_of(world->overstays_from_s, overstays_from_s(instance));
    order_stop(instance);
}

static void stop_again(void *subject)
{
    struct instance *instance = subject;
    instance->is.last_error = "it did not stop in time";
    order_stop(instance);
}

/* ---- Its tenant's wishes ---- */

static void order_halt(struct instance *instance)
{
    struct world *world = world_of(instance);
    struct driver_workload workload = instance_workload(instance);
    instance->is.attempts++;
    instance->is.deadline_s = world->now_s + world->zone->driver.stop_s + STOP_LIMIT_S;
    world->driver_ops->stop(world->driver, &workload, world->now_s);
}

static void halt(void *subject)
{
    struct instance *instance = subject;
    instance_begin_action(instance);
    instance->address = NULL;
    order_halt(instance);
}

static void halt_again(void *subject)
{
    struct instance *instance = subject;
    instance->is.last_error = "it did not go down in time";
    order_halt(instance);
}

static void record_halted(void *subject)
{
    instance_action_done(subject);
}

static void give_up_halting(void *subject)
{
    struct instance *instance = subject;
    instance->is.last_error = "it would not go down";
    instance->stop_wished = false;
    instance->address = arena_text(world_of(instance)->arena, instance_report(instance).address);
}

static void start_as_asked(void *subject)
{
    struct instance *instance = subject;
    instance_begin_action(instance);
    order_start(instance);
}

static void start_after_halt(void *subject)
{
    order_start(subject);
}

/* The plan believes its node to be clean sooner than it is. */
static void note_late_leaving(const struct instance *instance)
{
    struct world *world = world_of(instance);
    const struct node *node = world_node(world, instance->node);
    if (node != NULL && overstays_from_s(instance) <= world->now_s)
        world->overstays_until_s = greatest_of(world->overstays_until_s, world->now_s + node->turnaround_s);
}

static void release_node(void *subject)
{
    struct instance *instance = subject;
    struct world *world = world_of(instance);
    if (instance->on_node) {
        note_late_leaving(instance);
        node_count_leaving(world, instance->node, -1);
    }
    bool gives_way = instance->ends_by_s <= world->now_s;
    const struct wish *wish = &instance->reservation->wish;
    const char *early = wish->preemptible ? "preempted" : "horizon_ended";
    const char *reason = gives_way ? early : "window_ended";
    leave_node(instance, wish->cancel_requested ? "cancelled" : reason);
}

static void note_notice(void *subject)
{
    struct instance *instance = subject;
    instance->told = false; /* the event says until when */
}

static void give_up(void *subject)
{
    struct instance *instance = subject;
    leave_node(instance, "window_ended");
    instance->has_node = false;
}

/* ---- The machine ---- */

// clang-format off
#define ROW(number, from, on, guard, to, action, why, waits)                                                           \
    {number, INSTANCE_##from, on, guard, #guard, INSTANCE_##to, action, #action, why, waits}
#define GOES(...) ROW(__VA_ARGS__, false)
/* A pause holds it back: no stay begins or ends, and nothing is ordered, while the zone is paused. */
#define WAIT(...) ROW(__VA_ARGS__, true)

static const struct fsm_transition transitions[] = {
    GOES(110, PLANNED,      WINDOW_ENDED,        always,        TERMINATED,   release_node,     "its window was over before it could start"),
    WAIT(120, PLANNED,      NODE_LOST,           always,        REPLACING,    ask_for_new_node, "its node failed before it could start"),
    WAIT(130, PLANNED,      LEAD_TIME_REACHED,   place_is_free, PROVISIONING, start_on_node,    "its window is near"),
    WAIT(140, PLANNED,      DEADLINE_PASSED,     always,        REPLACING,    ask_for_new_node, "its node did not become clean in time"),
    GOES(150, PLANNED,      WINDOW_CHANGED,      always,        PLANNED,      record_window,    "its reservation ends at another time"),
    GOES(155, PLANNED,      GIVES_WAY,           always,        PLANNED,      note_notice,      "it was told when its place ends, or that it does not"),
    WAIT(210, PROVISIONING, WINDOW_ENDED,        always,        STOPPING,     stop_on_node,     "its window was over before it was up"),
    WAIT(220, PROVISIONING, NODE_LOST,           always,        REPLACING,    ask_for_new_node, "its node failed"),
    GOES(230, PROVISIONING, NODE_REPORTS_UP,     always,        RUNNING,      record_ready,     "the node says it runs"),
    WAIT(240, PROVISIONING, NODE_REPORTS_BROKEN, attempts_left, PROVISIONING, start_again,      "the start failed, trying again"),
    WAIT(250, PROVISIONING, NODE_REPORTS_BROKEN, always,        REPLACING,    ask_for_new_node, "all attempts to start it failed"),
    WAIT(260, PROVISIONING, DEADLINE_PASSED,     attempts_left, PROVISIONING, start_again,      "not up in time, trying again"),
    WAIT(270, PROVISIONING, DEADLINE_PASSED,     always,        REPLACING,    ask_for_new_node, "not up after all attempts"),
    GOES(280, PROVISIONING, WINDOW_CHANGED,      always,        PROVISIONING, record_window,    "its reservation ends at another time"),
    GOES(285, PROVISIONING, GIVES_WAY,           always,        PROVISIONING, note_notice,      "it was told when its place ends, or that it does not"),
    WAIT(310, RUNNING,      WINDOW_ENDED,        always,        STOPPING,     stop_on_node,     "its window is over"),
    WAIT(320, RUNNING,      NODE_LOST,           always,        REPLACING,    ask_for_new_node, "its node failed"),
    WAIT(330, RUNNING,      NODE_REPORTS_DOWN,   always,        PROVISIONING, start_again,      "it went down by itself"),
    GOES(340, RUNNING,      WINDOW_CHANGED,      always,        RUNNING,      record_window,    "its reservation ends at another time"),
    GOES(345, RUNNING,      GIVES_WAY,           always,        RUNNING,      note_notice,      "it was told when its place ends, or that it does not"),
    WAIT(350, RUNNING,      STOP_ASKED,          always,        HALTING,      halt,             "its tenant wants it down"),
    WAIT(360, RUNNING,      REBOOT_ASKED,        always,        HALTING,      halt,             "its tenant wants it down and up again"),
    GOES(410, REPLACING,    WINDOW_ENDED,        always,        FAILED,       give_up,          "its window ended without another place"),
    WAIT(415, REPLACING,    NODE_GRANTED,        is_to_be_down, STOPPED,      rest_on_node,     "the planner found another node, and its tenant wants it down"),
    WAIT(420, REPLACING,    NODE_GRANTED,        always,        PROVISIONING, start_on_node,    "the planner found another node"),
    GOES(430, REPLACING,    WINDOW_CHANGED,      always,        REPLACING,    record_window,    "its reservation ends at another time"),
    GOES(435, REPLACING,    GIVES_WAY,           always,        REPLACING,    note_notice,      "it was told when its place ends, or that it does not"),
    WAIT(510, STOPPING,     NODE_LOST,           always,        TERMINATED,   release_node,     "its node is gone, and it with it"),
    WAIT(520, STOPPING,     NODE_REPORTS_DOWN,   always,        TERMINATED,   release_node,     "the node says it is gone"),
    WAIT(530, STOPPING,     DEADLINE_PASSED,     attempts_left, STOPPING,     stop_again,       "not gone in time, trying again"),
    WAIT(540, STOPPING,     DEADLINE_PASSED,     always,        FAILED,       release_node,     "it would not stop"),
    WAIT(610, HALTING,      WINDOW_ENDED,        always,        STOPPING,     stop_on_node,     "its window is over"),
    WAIT(620, HALTING,      NODE_LOST,           always,        REPLACING,    ask_for_new_node, "its node failed"),
    GOES(630, HALTING,      NODE_REPORTS_DOWN,   is_to_be_down, STOPPED,      record_halted,    "the node says it is down"),
    WAIT(640, HALTING,      NODE_REPORTS_DOWN,   always,        STARTING,     start_after_halt, "it is down, and is to come up again"),
    WAIT(650, HALTING,      DEADLINE_PASSED,     attempts_left, HALTING,      halt_again,       "not down in time, trying again"),
    WAIT(660, HALTING,      DEADLINE_PASSED,     always,        RUNNING,      give_up_halting,  "it would not go down: it runs on"),
    GOES(670, HALTING,      WINDOW_CHANGED,      always,        HALTING,      record_window,    "its reservation ends at another time"),
    GOES(680, HALTING,      GIVES_WAY,           always,        HALTING,      note_notice,      "it was told when its place ends, or that it does not"),
    WAIT(710, STOPPED,      WINDOW_ENDED,        always,        STOPPING,     stop_on_node,     "its window is over"),
    WAIT(720, STOPPED,      NODE_LOST,           always,        REPLACING,    ask_for_new_node, "its node failed: its place is kept on another"),
    WAIT(730, STOPPED,      START_ASKED,         always,        STARTING,     start_as_asked,   "its tenant wants it up"),
    WAIT(740, STOPPED,      NODE_REPORTS_UP,     always,        HALTING,      halt,             "it came up by itself, and its tenant wants it down"),
    GOES(750, STOPPED,      WINDOW_CHANGED,      always,        STOPPED,      record_window,    "its reservation ends at another time"),
    GOES(760, STOPPED,      GIVES_WAY,           always,        STOPPED,      note_notice,      "it was told when its place ends, or that it does not"),
    WAIT(810, STARTING,     WINDOW_ENDED,        always,        STOPPING,     stop_on_node,     "its window was over before it was up again"),
    WAIT(820, STARTING,     NODE_LOST,           always,        REPLACING,    ask_for_new_node, "its node failed"),
    GOES(830, STARTING,     NODE_REPORTS_UP,     always,        RUNNING,      record_ready,     "the node says it runs"),
    WAIT(840, STARTING,     NODE_REPORTS_BROKEN, attempts_left, STARTING,     start_again,      "the start failed, trying again"),
    WAIT(850, STARTING,     NODE_REPORTS_BROKEN, always,        REPLACING,    ask_for_new_node, "all attempts to start it failed"),
    GOES(860, STARTING,     WINDOW_CHANGED,      always,        STARTING,     record_window,    "its reservation ends at another time"),
    GOES(870, STARTING,     GIVES_WAY,           always,        STARTING,     note_notice,      "it was told when its place ends, or that it does not"),
    WAIT(880, STARTING,     DEADLINE_PASSED,     attempts_left, STARTING,     start_again,      "not up in time, trying again"),
    WAIT(890, STARTING,     DEADLINE_PASSED,     always,        REPLACING,    ask_for_new_node, "not up after all attempts"),
    // clang-format on
};

/* What is asked where it cannot be done is refused once it is seen (instance_settle_action). */
#define ASKED (FSM_BIT(STOP_ASKED) | FSM_BIT(START_ASKED) | FSM_BIT(REBOOT_ASKED))

static const struct fsm_state states[INSTANCE_STATE_COUNT] = {
    // clang-format off
    [INSTANCE_PLANNED]      = {"planned", ASKED | FSM_BIT(NODE_REPORTS_UP) | FSM_BIT(NODE_REPORTS_BROKEN) | FSM_BIT(NODE_REPORTS_DOWN) | FSM_BIT(NODE_GRANTED), false, true},
    [INSTANCE_PROVISIONING] = {"provisioning", ASKED | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(NODE_REPORTS_DOWN) | FSM_BIT(NODE_GRANTED), false, true},
    [INSTANCE_RUNNING]      = {"running", FSM_BIT(START_ASKED) | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(NODE_REPORTS_UP) | FSM_BIT(NODE_REPORTS_BROKEN) | FSM_BIT(NODE_GRANTED) | FSM_BIT(DEADLINE_PASSED), false, false},
    [INSTANCE_REPLACING]    = {"replacing", ASKED | FSM_BIT(NODE_LOST) | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(NODE_REPORTS_UP) | FSM_BIT(NODE_REPORTS_BROKEN) | FSM_BIT(NODE_REPORTS_DOWN) | FSM_BIT(DEADLINE_PASSED), false, true},
    [INSTANCE_STOPPING]     = {"stopping", ASKED | FSM_BIT(WINDOW_CHANGED) | FSM_BIT(GIVES_WAY) | FSM_BIT(WINDOW_ENDED) | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(NODE_REPORTS_UP) | FSM_BIT(NODE_REPORTS_BROKEN) | FSM_BIT(NODE_GRANTED), false, true},
    [INSTANCE_TERMINATED]   = {"terminated", 0, true, false},
    [INSTANCE_FAILED]       = {"failed", 0, true, false},
    [INSTANCE_HALTING]      = {"halting", ASKED | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(NODE_REPORTS_UP) | FSM_BIT(NODE_REPORTS_BROKEN) | FSM_BIT(NODE_GRANTED), false, true},
    [INSTANCE_STOPPED]      = {"stopped", FSM_BIT(STOP_ASKED) | FSM_BIT(REBOOT_ASKED) | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(NODE_REPORTS_BROKEN) | FSM_BIT(NODE_REPORTS_DOWN) | FSM_BIT(NODE_GRANTED) | FSM_BIT(DEADLINE_PASSED), false, false},
    [INSTANCE_STARTING]     = {"starting", ASKED | FSM_BIT(LEAD_TIME_REACHED) | FSM_BIT(NODE_REPORTS_DOWN) | FSM_BIT(NODE_GRANTED), false, true},
    // clang-format on
};

const struct fsm instance_fsm = {
    .name = "instance",
    .about = "A GPU instance: a durable identity that keeps its id when it moves to another node. It is made at "
             "starts_at - lead for every allocated ordinal, whatever the node's state.",
    .states = states,
    .state_count = INSTANCE_STATE_COUNT,
    .initial = INSTANCE_PLANNED,
    .events = instance_events,
    .event_count = INSTANCE_EVENT_COUNT,
    .transitions = transitions,
    .transition_count = COUNT_OF(transitions),
};

/* ---- Driving ---- */

void instance_record(struct instance *instance, const char *kind, int64_t transition, int64_t occurred_at_s)
{
    struct world *world = world_of(instance);
    const struct wish *wish = &instance->reservation->wish;
    const char *state = states[instance->is.state].name;
    char reservation[UUID_TEXT_SIZE];
    char node[UUID_TEXT_SIZE];
    identity_to_uuid(wish->id, reservation);
    identity_to_uuid(instance->node, node);
    bool is_there = instance->has_node && (instance->is.state != INSTANCE_REPLACING || instance->granted);
    const char *quote = is_there ? "\"" : "";
    const char *payload =
        arena_format(world->arena,
                     "{\"reservation_id\":\"%s\",\"ordinal\":%" PRIu32 ",\"incarnation\":%" PRId64
                     ",\"state\":\"%s\",\"node_id\":%s%s%s,\"gpu_milli\":%" PRId64 ",\"starts_at\":%" PRId64
                     ",\"ends_at\":%s,\"ends_by\":%s}",
                     reservation, instance->ordinal, instance->incarnation, state, quote, is_there ? node : "null",
                     quote, instance_gpu_milli(wish), instance->starts_s, json_instant(world->arena, instance->ends_s),
                     json_instant(world->arena, instance->ends_by_s));
    world_record(world, &(struct event_record){
                            .tenant = &wish->tenant,
                            .object_type = "instance",
                            .object = instance->id,
                            .revision = instance->is.revision,
                            .kind = arena_format(world->arena, "instance.%s", kind),
                            .transition = transition,
                            .payload = payload,
                            .occurred_at_s = occurred_at_s,
                        });
}

/* Whether its slots are clean is not known where it is new, or where others have left since the database was asked. */
static bool is_to_ask_at_once(const struct instance *instance)
{
    const struct node *node = world_node(world_of(instance), instance->node);
    return instance->was.revision == 0 || (node != NULL && node->live_count < node->live_count_was);
}

/* When to look again, if nothing else happens. */
static int64_t next_change(const struct instance *instance)
{
    int64_t now_s = world_of(instance)->now_s;
    switch (instance->is.state) {
    case INSTANCE_PLANNED: {
        int64_t lead_s = instance->starts_s - world_of(instance)->zone->lead_s;
        if (lead_s > now_s)
            return lead_s;
        int64_t free_s = instance_place_free_s(instance);
        if (free_s > now_s && free_s != NEVER) /* others have it until then */
            return least_of(free_s, instance->is.deadline_s);
        return is_to_ask_at_once(instance) ? now_s : now_s + CLEAN_LOOK_S;
    }
    case INSTANCE_REPLACING: {
        int64_t begins_s = instance->has_node ? instance_place_begins_s(instance) : NEVER;
        bool is_unseen = instance->is_unseen && begins_s <= instance->starts_s;
        bool is_soon = instance->is_out_of_time || begins_s <= now_s || is_unseen; /* its place is not clean yet */
        int64_t again_s = now_s + (is_soon ? PLACE_TURN_S : PLACE_AGAIN_S);
        if (instance->is.due_s > now_s) /* looked at before its turn */
            again_s = least_of(again_s, instance->is.due_s);
        return least_of(begins_s > now_s ? least_of(begins_s, again_s) : again_s, instance_end_s(instance));
    }
    case INSTANCE_PROVISIONING:
    case INSTANCE_STOPPING:
    case INSTANCE_HALTING:
    case INSTANCE_STARTING:
        return least_of(instance_report(instance).look_again_s, instance->is.deadline_s);
    default:
        return NEVER;
    }
}

/* The reservation looks at the end of the window. What waits for the end of a pause may be told to go before that. */
static int64_t next_look(const struct instance *instance)
{
    const struct world *world = world_of(instance);
    int64_t free_s = world_free_s(world);
    if (instance->is_held)
        return instance->ends_by_s > world->now_s ? least_of(free_s, instance->ends_by_s) : free_s;
    int64_t change_s = next_change(instance);
    return instance->is.state == INSTANCE_STOPPING ? change_s : least_of(change_s, instance->ends_by_s);
}

/* What happened, where it is not a new state. */
static const char *kind_of(const struct instance *instance, const struct fsm_transition *row)
{
    if (row->on == GIVES_WAY)
        return instance->reservation->wish.preemptible ? "preemption_notice" : "end_notice";
    return row->on == WINDOW_CHANGED ? "amended" : states[row->to].name;
}

void instance_drive(struct instance *instance)
{
    struct world *world = world_of(instance);
    if (instance_is_gone(instance)) {
        instance_settle_action(instance);
        return;
    }
    bool is_turn_to_ask = instance->is.due_s <= world->now_s || world->capacity_returned;
    if (instance->is.state == INSTANCE_REPLACING && is_turn_to_ask && !instance_is_over(instance))
        instance_ask_planner(instance);

    struct fsm_pause pause = {.is_on = world_is_paused(world)};
    int moves = 0;
    for (const struct fsm_transition *row = fsm_next(&instance_fsm, instance->is.state, instance, &pause); row != NULL;
         row = fsm_next(&instance_fsm, instance->is.state, instance, &pause)) {
        must(++moves <= MOVES_MAX);
        world->overdue_count += row->on == DEADLINE_PASSED;
        lifecycle_move(&instance->is, row);
        if (row->action != NULL)
            row->action(instance);
        int64_t occurred_at_s =
            row->on == WINDOW_ENDED ? least_of(instance_end_s(instance), world->now_s) : world->now_s;
        const char *kind = kind_of(instance, row);
        instance_record(instance, kind, row->number, occurred_at_s);
        instance->changed = true;
    }
    instance->is_held = pause.has_held;
    instance_settle_action(instance);
    int64_t due_s = instance_is_gone(instance) ? NEVER : next_look(instance);
    instance->changed |= due_s != instance->is.due_s;
    instance->is.due_s = due_s;
}
