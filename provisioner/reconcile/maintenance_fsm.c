/* A maintenance window: decided once, then its nodes are in maintenance from its start to its end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/maintenance.h"

#include "common/must.h"

#include <inttypes.h>

#define MOVES_MAX 8 /* at one instant; more is a loop in the table */

enum maintenance_event { CANCEL_REQUESTED, GRANTED, REFUSED, WINDOW_BEGINS, WINDOW_ENDED, EVENT_COUNT };

/* ---- Events: conditions that hold now ---- */

static bool is_cancel_requested(const void *subject)
{
    const struct maintenance *window = subject;
    return window->cancel_requested;
}

static bool is_granted(const void *subject)
{
    const struct maintenance *window = subject;
    return window->granted;
}

static bool is_refused(const void *subject)
{
    const struct maintenance *window = subject;
    return window->refused;
}

static bool is_begun(const void *subject)
{
    const struct maintenance *window = subject;
    return window->starts_s <= window->world->now_s;
}

static bool is_over(const void *subject)
{
    const struct maintenance *window = subject;
    return window->ends_s <= window->world->now_s;
}

static const struct fsm_event events[EVENT_COUNT] = {
    [CANCEL_REQUESTED] = {"cancel_requested", is_cancel_requested, false},
    [GRANTED] = {"granted", is_granted, false},
    [REFUSED] = {"refused", is_refused, false},
    [WINDOW_BEGINS] = {"window_begins", is_begun, true},
    [WINDOW_ENDED] = {"window_ended", is_over, true},
};

/* ---- Actions ---- */

static void nothing(void *subject)
{
    (void)subject; /* the verdict is on the row already */
}

static void expire(void *subject)
{
    struct maintenance *window = subject;
    window->reason = "window_in_past";
}

static void end_blocks(struct maintenance *window, int64_t instant_s)
{
    for (uint32_t i = 0; i < window->node_count; i++) {
        struct planner_key key = {.reservation = planner_id_of(window->id), .ordinal = i};
        (void)planner_cut(window->world->planner, &key, instant_s); /* false: it holds nothing after that */
    }
    window->world->capacity_returned = true;
}

static void give_back(void *subject)
{
    struct maintenance *window = subject;
    end_blocks(window, window->world->now_s);
}

/* A node whose loss only shows when its maintenance is over is news to the planner, within a batch: begin anew. */
static void shift_nodes(struct maintenance *window, int64_t change)
{
    for (uint32_t i = 0; i < window->node_count; i++) {
        struct node *node = world_node(window->world, window->nodes[i]);
        if (node == NULL)
            continue;
        node->maintained += change;
        must(node->maintained >= 0);
        node_drive(window->world, node);
        window->world->fleet_is_stale |= !node_is_in_service(node);
    }
}

static void begin_on_nodes(void *subject)
{
    shift_nodes(subject, 1);
}

static void end_on_nodes(void *subject)
{
    struct maintenance *window = subject;
    end_blocks(window, window->world->now_s);
    if (window->world->now_s < window->ends_s)
        window->ends_s = window->world->now_s;
    shift_nodes(window, -1);
}

/* ---- The machine ---- */

#define ROW(number, from, on, to, action, why)                                                                         \
    {                                                                                                                  \
        number, MAINTENANCE_##from, on, NULL, "", MAINTENANCE_##to, action, #action, why, false                        \
    }

static const struct fsm_transition transitions[] = {
    // clang-format off
    ROW(110, PENDING, CANCEL_REQUESTED, CANCELLED, nothing,        "cancelled before it was decided"),
    ROW(120, PENDING, WINDOW_ENDED,     REFUSED,   expire,         "its end passed before it was decided"),
    ROW(130, PENDING, GRANTED,          PLANNED,   nothing,        "its nodes are free then, or were made so"),
    ROW(140, PENDING, REFUSED,          REFUSED,   nothing,        "somebody has begun there, or cannot move aside"),
    ROW(210, PLANNED, CANCEL_REQUESTED, CANCELLED, give_back,      "cancelled before it began"),
    ROW(220, PLANNED, WINDOW_BEGINS,    ACTIVE,    begin_on_nodes, "its window begins"),
    ROW(310, ACTIVE,  CANCEL_REQUESTED, CANCELLED, end_on_nodes,   "the nodes are needed, or ready, earlier"),
    ROW(320, ACTIVE,  WINDOW_ENDED,     DONE,      end_on_nodes,   "its window is over"),
    // clang-format on
};

#define VERDICT (FSM_BIT(GRANTED) | FSM_BIT(REFUSED))

static const struct fsm_state states[MAINTENANCE_STATE_COUNT] = {
    [MAINTENANCE_PENDING] = {"pending", FSM_BIT(WINDOW_BEGINS), false, true},
    [MAINTENANCE_PLANNED] = {"planned", VERDICT | FSM_BIT(WINDOW_ENDED), false, true},
    [MAINTENANCE_ACTIVE] = {"active", VERDICT | FSM_BIT(WINDOW_BEGINS), false, true},
    [MAINTENANCE_DONE] = {"done", 0, true, false},
    [MAINTENANCE_REFUSED] = {"refused", 0, true, false},
    [MAINTENANCE_CANCELLED] = {"cancelled", 0, true, false},
};

const struct fsm maintenance_fsm = {
    .name = "maintenance",
    .about = "A window in which nodes are worked on. It is accepted only where it hits nobody; pending is the absence "
             "of a row.",
    .states = states,
    .state_count = MAINTENANCE_STATE_COUNT,
    .initial = MAINTENANCE_PENDING,
    .events = events,
    .event_count = EVENT_COUNT,
    .transitions = transitions,
    .transition_count = COUNT_OF(transitions),
};

/* ---- Driving ---- */

static void record(struct maintenance *window, const struct fsm_transition *row)
{
    struct world *world = window->world;
    const char *state = states[window->is.state].name;
    const char *quote = window->reason != NULL ? "\"" : "";
    world_record(world, &(struct event_record){
                            .object_type = "maintenance",
                            .object = window->id,
                            .revision = window->is.revision,
                            .kind = arena_format(world->arena, "maintenance.%s", state),
                            .transition = row->number,
                            .payload = arena_format(world->arena,
                                                    "{\"state\":\"%s\",\"starts_at\":%" PRId64 ",\"ends_at\":%" PRId64
                                                    ",\"moved\":%" PRId64 ",\"reason\":%s%s%s}",
                                                    state, window->starts_s, window->ends_s, window->moved_count, quote,
                                                    window->reason != NULL ? window->reason : "null", quote),
                            .occurred_at_s = world->now_s,
                        });
}

static int64_t next_look(const struct maintenance *window)
{
    if (window->is.state == MAINTENANCE_PLANNED)
        return window->starts_s;
    return window->is.state == MAINTENANCE_ACTIVE ? window->ends_s : NEVER;
}

void maintenance_drive(struct maintenance *window)
{
    bool is_dropped = window->cancel_requested || is_over(window);
    if (window->is.state == MAINTENANCE_PENDING && !is_dropped)
        maintenance_decide(window);
    struct fsm_pause pause = {.is_on = world_is_paused(window->world)};
    int moves = 0;
    for (const struct fsm_transition *row = fsm_next(&maintenance_fsm, window->is.state, window, &pause); row != NULL;
         row = fsm_next(&maintenance_fsm, window->is.state, window, &pause)) {
        must(++moves <= MOVES_MAX);
        lifecycle_move(&window->is, row);
        row->action(window);
        record(window, row);
        window->changed = true;
    }
    window->is.due_s = next_look(window);
}
