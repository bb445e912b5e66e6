/* A node: it is validated before it takes tenants, wiped and validated again after them, and put aside when it does
 * not answer. Never from allocated straight to ready. While it is worked on nobody minds whether it answers. It is retired
 * when operators delete it, from any state and for good; who is on it nevertheless is moved as if it were lost. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/world.h"

#include "common/cleanup.h"
#include "common/must.h"

#include <inttypes.h>
#include <string.h>

#define MOVES_MAX 16 /* at one instant; more is a loop in the table */

/* ---- Events: conditions that hold now ---- */

enum node_event {
    RETIRE_REQUESTED,
    LOST,
    ANSWERS,
    INSTANCE_ARRIVES,
    LAST_INSTANCE_LEFT,
    WORK_DONE,
    DEADLINE_PASSED,
    MAINTENANCE_BEGINS,
    MAINTENANCE_ENDS,
    EVENT_COUNT
};

static bool is_unwanted(const void *subject)
{
    const struct node *node = subject;
    return node->is_unwanted;
}

static bool is_lost(const void *subject)
{
    const struct node *node = subject;
    return !node->answers;
}

static bool is_answering(const void *subject)
{
    const struct node *node = subject;
    return node->answers;
}

static bool is_occupied(const void *subject)
{
    const struct node *node = subject;
    return node->live_count > 0;
}

static bool is_empty(const void *subject)
{
    const struct node *node = subject;
    return node->live_count == 0;
}

static bool is_work_done(const void *subject)
{
    const struct node *node = subject;
    return node->is.due_s <= node->world->now_s;
}

static bool is_deadline_passed(const void *subject)
{
    const struct node *node = subject;
    return node->is.deadline_s <= node->world->now_s;
}

static bool is_maintained(const void *subject)
{
    const struct node *node = subject;
    return node->maintained > 0;
}

static bool is_left_alone(const void *subject)
{
    const struct node *node = subject;
    return node->maintained == 0;
}

static const struct fsm_event events[EVENT_COUNT] = {
    [RETIRE_REQUESTED] = {"retire_requested", is_unwanted, false},
    [LOST] = {"node_lost", is_lost, false},
    [ANSWERS] = {"node_answers", is_answering, false},
    [INSTANCE_ARRIVES] = {"instance_arrives", is_occupied, false},
    [LAST_INSTANCE_LEFT] = {"last_instance_left", is_empty, false},
    [WORK_DONE] = {"work_done", is_work_done, true},
    [DEADLINE_PASSED] = {"deadline_passed", is_deadline_passed, true},
    [MAINTENANCE_BEGINS] = {"maintenance_begins", is_maintained, false},
    [MAINTENANCE_ENDS] = {"maintenance_ends", is_left_alone, false},
};

/* ---- Actions ---- */

/* A working state: it takes work_s, and has failed limit_s after that. */
static void begin_work(struct node *node, int64_t work_s, int64_t limit_s)
{
    node->is.due_s = node->world->now_s + work_s;
    node->is.deadline_s = node->is.due_s + limit_s;
    node->is.attempts++;
}

static void validate(void *subject)
{
    begin_work(subject, 0, VALIDATION_LIMIT_S); /* the driver's nodes answer at once */
}

static void sanitize(void *subject)
{
    struct node *node = subject;
    begin_work(node, node->turnaround_s, SANITIZE_LIMIT_S);
}

static void offer(void *subject)
{
    struct node *node = subject;
    node->world->capacity_returned = true;
}

static void put_aside(void *subject)
{
    struct node *node = subject;
    node->is.last_error = "the node does not answer";
}

static void put_aside_overdue(void *subject)
{
    struct node *node = subject;
    node->is.last_error = "the node was not ready in time";
}

/* ---- The machine ---- */

/* A pause holds back all but taking an empty node for maintenance: a node that falls silent and comes back meanwhile is
 * as it was, and nothing is wiped. */
// clang-format off
#define ROW(number, from, on, to, action, why)                                                                         \
    {number, NODE_##from, on, NULL, "", NODE_##to, action, #action, why, (on) != MAINTENANCE_BEGINS}
#define NOTHING NULL

static const struct fsm_transition transitions[] = {
    ROW(105, ENROLLED,    RETIRE_REQUESTED,   RETIRED,     NOTHING,           "operators took it out of the fleet"),
    ROW(110, ENROLLED,    LOST,               QUARANTINED, put_aside,         "it does not answer"),
    ROW(120, ENROLLED,    ANSWERS,            VALIDATING,  validate,          "it is new"),
    ROW(205, VALIDATING,  RETIRE_REQUESTED,   RETIRED,     NOTHING,           "operators took it out of the fleet"),
    ROW(210, VALIDATING,  LOST,               QUARANTINED, put_aside,         "it stopped answering"),
    ROW(220, VALIDATING,  INSTANCE_ARRIVES,   ALLOCATED,   NOTHING,           "other slots of it are taken into use"),
    ROW(230, VALIDATING,  WORK_DONE,          READY,       offer,             "it is sound and clean"),
    ROW(240, VALIDATING,  DEADLINE_PASSED,    QUARANTINED, put_aside_overdue, "it was not validated in time"),
    ROW(305, READY,       RETIRE_REQUESTED,   RETIRED,     NOTHING,           "operators took it out of the fleet"),
    ROW(310, READY,       LOST,               QUARANTINED, put_aside,         "it stopped answering"),
    ROW(320, READY,       INSTANCE_ARRIVES,   ALLOCATED,   NOTHING,           "a tenant's instance comes"),
    ROW(330, READY,       MAINTENANCE_BEGINS, MAINTENANCE, NOTHING,           "operators work on it"),
    ROW(405, ALLOCATED,   RETIRE_REQUESTED,   RETIRED,     NOTHING,           "operators took it out of the fleet"),
    ROW(410, ALLOCATED,   LOST,               QUARANTINED, put_aside,         "it stopped answering; its instances are replaced"),
    ROW(420, ALLOCATED,   LAST_INSTANCE_LEFT, SANITIZING,  sanitize,          "its last tenant left"),
    ROW(505, SANITIZING,  RETIRE_REQUESTED,   RETIRED,     NOTHING,           "operators took it out of the fleet"),
    ROW(510, SANITIZING,  LOST,               QUARANTINED, put_aside,         "it stopped answering"),
    ROW(520, SANITIZING,  INSTANCE_ARRIVES,   ALLOCATED,   NOTHING,           "other slots of it are taken into use"),
    ROW(530, SANITIZING,  WORK_DONE,          VALIDATING,  validate,          "it is wiped"),
    ROW(540, SANITIZING,  DEADLINE_PASSED,    QUARANTINED, put_aside_overdue, "it was not wiped in time"),
    ROW(605, QUARANTINED, RETIRE_REQUESTED,   RETIRED,     NOTHING,           "operators took it out of the fleet"),
    ROW(610, QUARANTINED, ANSWERS,            REPAIR,      sanitize,          "it answers again: wipe what its tenants left"),
    ROW(705, REPAIR,      RETIRE_REQUESTED,   RETIRED,     NOTHING,           "operators took it out of the fleet"),
    ROW(710, REPAIR,      LOST,               QUARANTINED, put_aside,         "it stopped answering"),
    ROW(720, REPAIR,      WORK_DONE,          VALIDATING,  validate,          "it is repaired"),
    ROW(730, REPAIR,      DEADLINE_PASSED,    QUARANTINED, put_aside_overdue, "it was not repaired in time"),
    ROW(805, MAINTENANCE, RETIRE_REQUESTED,   RETIRED,     NOTHING,           "operators took it out of the fleet"),
    ROW(810, MAINTENANCE, MAINTENANCE_ENDS,   VALIDATING,  validate,          "the work on it is over"),
};
// clang-format on

/* Occupied and empty, answering and lost, maintained and left alone are always one or the other: in most states one of
 * them says nothing new. What is wiped, validated or repaired when its maintenance begins comes to it once it is ready. */
#define MAINTAINED_LATER (FSM_BIT(MAINTENANCE_BEGINS) | FSM_BIT(MAINTENANCE_ENDS))
static const struct fsm_state states[NODE_STATE_COUNT] = {
    // clang-format off
    [NODE_ENROLLED]    = {"enrolled",    FSM_BIT(INSTANCE_ARRIVES) | FSM_BIT(LAST_INSTANCE_LEFT) | FSM_BIT(WORK_DONE) | FSM_BIT(DEADLINE_PASSED) | MAINTAINED_LATER, false, false},
    [NODE_VALIDATING]  = {"validating",  FSM_BIT(ANSWERS) | FSM_BIT(LAST_INSTANCE_LEFT) | MAINTAINED_LATER, false, true},
    [NODE_READY]       = {"ready",       FSM_BIT(ANSWERS) | FSM_BIT(LAST_INSTANCE_LEFT) | FSM_BIT(WORK_DONE) | FSM_BIT(DEADLINE_PASSED) | FSM_BIT(MAINTENANCE_ENDS), false, false},
    [NODE_ALLOCATED]   = {"allocated",   FSM_BIT(ANSWERS) | FSM_BIT(INSTANCE_ARRIVES) | FSM_BIT(WORK_DONE) | FSM_BIT(DEADLINE_PASSED) | MAINTAINED_LATER, false, false},
    [NODE_SANITIZING]  = {"sanitizing",  FSM_BIT(ANSWERS) | FSM_BIT(LAST_INSTANCE_LEFT) | MAINTAINED_LATER, false, true},
    [NODE_QUARANTINED] = {"quarantined", FSM_BIT(LOST) | FSM_BIT(INSTANCE_ARRIVES) | FSM_BIT(LAST_INSTANCE_LEFT) | FSM_BIT(WORK_DONE) | FSM_BIT(DEADLINE_PASSED) | MAINTAINED_LATER, false, false},
    [NODE_REPAIR]      = {"repair",      FSM_BIT(ANSWERS) | FSM_BIT(INSTANCE_ARRIVES) | FSM_BIT(LAST_INSTANCE_LEFT) | MAINTAINED_LATER, false, true},
    [NODE_MAINTENANCE] = {"maintenance", FSM_BIT(LOST) | FSM_BIT(ANSWERS) | FSM_BIT(INSTANCE_ARRIVES) | FSM_BIT(LAST_INSTANCE_LEFT) | FSM_BIT(WORK_DONE) | FSM_BIT(DEADLINE_PASSED) | FSM_BIT(MAINTENANCE_BEGINS), false, false},
    [NODE_RETIRED]     = {"retired",     FSM_BIT(RETIRE_REQUESTED) | FSM_BIT(LOST) | FSM_BIT(ANSWERS) | FSM_BIT(INSTANCE_ARRIVES) | FSM_BIT(LAST_INSTANCE_LEFT) | FSM_BIT(WORK_DONE) | FSM_BIT(DEADLINE_PASSED) | MAINTAINED_LATER, true, false},
    // clang-format on
};

const struct fsm node_fsm = {
    .name = "node",
    .about = "A physical node as the reconciler finds it. A node is allocated while any of its slots is; cordons are "
             "columns of the wish and coexist with every state.",
    .states = states,
    .state_count = NODE_STATE_COUNT,
    .initial = NODE_ENROLLED,
    .events = events,
    .event_count = EVENT_COUNT,
    .transitions = transitions,
    .transition_count = COUNT_OF(transitions),
};

/* ---- Driving ---- */

static void touch(struct world *world, struct node *node)
{
    node->world = world;
    if (node->touched)
        return;
    node->touched = true;
    world_touch(world, node);
}

static void record(struct node *node, const struct fsm_transition *row)
{
    struct world *world = node->world;
    const char *error = row->to == NODE_QUARANTINED ? node->is.last_error : NULL;
    world_record(world,
                 &(struct event_record){
                     .object_type = "node",
                     .object = node->id,
                     .revision = node->is.revision,
                     .kind = arena_format(world->arena, "node.%s", states[row->to].name),
                     .transition = row->number,
                     .payload = arena_format(world->arena, "{\"state\":\"%s\",\"since\":%" PRId64 ",\"reason\":\"%s\"}",
                                             states[row->to].name, world->now_s, error ? error : row->why),
                     .occurred_at_s = world->now_s,
                 });
}

void node_drive(struct world *world, struct node *node)
{
    touch(world, node);
    struct fsm_pause pause = {.is_on = world_is_paused(world)};
    int moves = 0;
    for (;;) {
        const struct fsm_transition *row = fsm_next(&node_fsm, node->is.state, node, &pause);
        if (row == NULL)
            return;
        must(++moves <= MOVES_MAX);
        world->overdue_count += row->on == DEADLINE_PASSED;
        lifecycle_move(&node->is, row);
        node->since_s = world->now_s;
        if (row->action != NULL)
            row->action(node);
        record(node, row);
    }
}

void node_instance_arrives(struct world *world, struct identity id)
{
    struct node *node = world_node(world, id);
    if (node == NULL)
        return;
    node->live_count++;
    node_drive(world, node);
}

void node_count_leaving(struct world *world, struct identity id, int64_t change)
{
    struct node *node = world_node(world, id);
    if (node == NULL)
        return;
    touch(world, node);
    node->leaving_count += change;
    must(node->leaving_count >= 0);
}

void node_instance_leaves(struct world *world, struct identity id)
{
    struct node *node = world_node(world, id);
    if (node == NULL)
        return;
    must(node->live_count > 0);
    node->live_count--;
    node_drive(world, node);
}

bool node_is_in_service(const struct node *node)
{
    if (node == NULL)
        return false;
    if (node->is.state == NODE_MAINTENANCE)
        return true; /* what it is planned for after it finds it back */
    return node->answers && node->is.state != NODE_ENROLLED && node->is.state != NODE_QUARANTINED &&
           node->is.state != NODE_REPAIR && node->is.state != NODE_RETIRED;
}

void node_plannable(const struct world *world, const struct node *node, struct planner_node *ret)
{
    *ret = node->spec;
    ret->turnaround_s = node->turnaround_s + world->driver_ops->stop_limit_s(world->driver);
    bool is_coming_back = node->is.state == NODE_REPAIR;
    bool is_put_aside = node->is.state == NODE_QUARANTINED || node->is.state == NODE_RETIRED;
    /* In a pause, what has fallen silent, or is new: nothing new goes there, and what it holds stays. */
    bool is_undecided = !is_coming_back && !is_put_aside && !node_is_in_service(node);
    ret->plannable_from = is_coming_back ? node->is.due_s : 0; /* windows lie ahead: no more need be kept */
    ret->plannable_until = is_put_aside ? node->since_s : NEVER;
    ret->cordoned = node->is_cordoned || is_undecided;
}
