/* Whatever happens, in whatever order: the three machines move by rows of their tables only, each piece of work ends
 * where nothing more can happen at its instant, and what it leaves is what the next one expects to read: stays, nodes'
 * counts and planner agree with the states. In a pause nothing is ordered of any node.
 *
 * Input: RESERVATIONS times the wish (count, whether it is a quote or flexible, start, length, what if there is no
 * room), then steps of two bytes: what happens, and to whom or for how long. The driver is the input's own: it reports
 * what the steps say. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/least.h"
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/instance_events.h"
#include "provisioner/reconcile/maintenance.h"
#include "provisioner/reconcile/verdict.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/zone_parts.h"

#define START        INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
#define NODES        4
#define RESERVATIONS 3
#define COUNT_MAX    3
#define WORKLOADS    (RESERVATIONS * COUNT_MAX)
#define STEPS_MAX    200
#define OBJECTS_MAX  (NODES + RESERVATIONS + WORKLOADS)

/* ---- A driver that says what it is told to say ---- */

struct driver {
    struct {
        struct driver_workload is;
        enum driver_state state;
    } workloads[WORKLOADS];
    uint32_t count;
    enum driver_state after_start; /* what a node says at once when it is told to start */
    bool is_paused;                /* nothing may be ordered */
};

static uint32_t workload_at(const struct driver *driver, const struct driver_workload *is)
{
    uint32_t at = 0;
    while (at < driver->count && memcmp(&driver->workloads[at].is.instance, &is->instance, sizeof is->instance) != 0)
        at++;
    return at;
}

static void driver_start(struct driver *driver, const struct driver_workload *is, int64_t attempt, int64_t now_s)
{
    must(attempt >= 1 && attempt <= ATTEMPTS_MAX && now_s >= START && !driver->is_paused);
    uint32_t at = workload_at(driver, is);
    must(at < WORKLOADS);
    driver->count += at == driver->count;
    driver->workloads[at].is = *is;
    driver->workloads[at].state = driver->after_start;
}

static void driver_stop(struct driver *driver, const struct driver_workload *is, int64_t now_s)
{
    uint32_t at = workload_at(driver, is);
    must(now_s >= START && !driver->is_paused);
    /* What rests on a node where it was never started is stopped, too: nothing is there. */
    if (at < driver->count && driver->workloads[at].is.incarnation == is->incarnation)
        driver->workloads[at].state = DRIVER_STOPPING;
}

static void driver_forget(struct driver *driver, const struct driver_workload *is, int64_t now_s)
{
    uint32_t at = workload_at(driver, is);
    must(at < driver->count && now_s >= START && !driver->is_paused);
    driver->workloads[at].state = DRIVER_ABSENT;
}

static void driver_report(struct driver *driver, const struct driver_workload *is, int64_t now_s,
                          struct driver_report *ret)
{
    uint32_t at = workload_at(driver, is);
    *ret = (struct driver_report){.look_again_s = DRIVER_NEVER, .address = "somewhere"};
    must(now_s >= START);
    if (at < driver->count && driver->workloads[at].is.incarnation == is->incarnation)
        ret->state = driver->workloads[at].state;
}

static int64_t driver_stop_limit_s(const struct driver *driver)
{
    (void)driver;
    return 0;
}

static const struct driver_ops driver_told = {
    .name = "told",
    .stop_limit_s = driver_stop_limit_s,
    .start = driver_start,
    .stop = driver_stop,
    .forget = driver_forget,
    .report = driver_report,
};

/* ---- The scene ---- */

/* Where the events so far have brought an object. */
struct trace {
    struct identity object;
    int state;
    int64_t revision;
};

struct scene {
    struct zone_terms terms;
    struct pause_wish pause;
    struct driver driver;
    struct node nodes[NODES];
    struct idmap node_by_id;
    struct reservation reservations[RESERVATIONS];
    bool is_first[RESERVATIONS]; /* in a piece of work */
    struct world world;
    struct trace traces[OBJECTS_MAX];
    uint32_t trace_count;
    uint32_t events_checked;
};

static void drive_node(struct scene *scene, struct node *node)
{
    node_drive(&scene->world, node);
    node_plannable(&scene->world, node, &node->spec);
    must(planner_node_put(scene->world.planner, &node->spec) == NULL);
}

static void make_node(struct scene *scene, uint8_t number)
{
    struct node *node = &scene->nodes[number];
    *node = enrolled_node(&scene->terms, number);
    node->turnaround_s = 60;
    idmap_put(&scene->node_by_id, node->id, number);
    drive_node(scene, node);
}

static void make_reservation(struct scene *scene, uint8_t number, const uint8_t wish[static 4])
{
    static const char *const models[] = {"H100"};
    int64_t starts_s = START + wish[1] * INT64_C(60);
    bool starts_now = wish[1] == 0;
    bool is_quote = (wish[0] & 128) != 0;
    bool is_flexible = (wish[0] & 64) != 0;
    int64_t hold_s = START + 900;
    const struct wish asked = {
        .id = identity_number(2, number),
        .tenant = identity_number(3, wish[3] >> 7),
        .shape = {.gpus = (wish[3] & 64) != 0 ? 4 : 8, .cpu_milli = 1000, .memory_mib = 1000},
        .count = 1 + wish[0] % COUNT_MAX,
        .starts_s = starts_now || is_flexible ? NEVER : starts_s,
        .ends_s = wish[2] == 0 || is_flexible ? NEVER : starts_s + wish[2] * INT64_C(300),
        .duration_s = is_flexible ? 60 + wish[2] * INT64_C(300) : 0,
        .start_from_s = starts_now ? NEVER : starts_s,
        .start_to_s = starts_s + 3600,
        .hold_until_s = !is_quote                         ? 0
                        : starts_now || starts_s > hold_s ? hold_s
                                                          : starts_s,
        .gpu_models = models,
        .gpu_model_count = 1,
        .scope = PLANNER_ZONE,
        .scope_required = (wish[3] & 32) != 0,
        .if_unavailable = is_quote && wish[3] % 3 == UNAVAILABLE_WAITLIST ? UNAVAILABLE_REJECT : wish[3] % 3,
        .decide_by_s = (wish[3] & 16) != 0 ? START + 3600 : NEVER,
        .preemptible = (wish[3] & 8) != 0,
        .horizon_s = (wish[3] & 12) == 4 ? 3600 : 0,
        .open_max_percent = -1,
    };
    scene->reservations[number] = pending_reservation(&scene->world, &asked);
}

static void make_scene(struct scene *scene, struct arena *arena, const uint8_t *wishes)
{
    scene->terms =
        (struct zone_terms){.id = identity_number(9, 1), .name = "z", .lead_s = 600, .preemption_notice_s = 120};
    scene->driver.after_start = DRIVER_STARTING;
    scene->world = (struct world){
        .arena = arena,
        .now_s = START,
        .zone = &scene->terms,
        .planner = planner_new(),
        .driver_ops = &driver_told,
        .driver = &scene->driver,
        .nodes = scene->nodes,
        .node_count = NODES,
        .node_by_id = &scene->node_by_id,
        .reservations = scene->reservations,
        .reservation_count = RESERVATIONS,
        .overstays_from_s = NEVER,
    };
    for (uint8_t i = 0; i < NODES; i++)
        make_node(scene, i);
    for (uint8_t i = 0; i < RESERVATIONS; i++)
        make_reservation(scene, i, wishes + (size_t)i * 4);
}

static void clear_scene(struct scene *scene)
{
    planner_free(scene->world.planner);
    idmap_clear(&scene->node_by_id);
}

/* ---- The oracle ---- */

static const struct fsm *machine_of(const char *object_type)
{
    static const struct fsm *const machines[] = {&reservation_fsm, &instance_fsm, &node_fsm};
    for (size_t i = 0; i < COUNT_OF(machines); i++) {
        if (strcmp(machines[i]->name, object_type) == 0)
            return machines[i];
    }
    must(false);
}

static struct trace *trace_of(struct scene *scene, const struct fsm *machine, struct identity object)
{
    for (uint32_t i = 0; i < scene->trace_count; i++) {
        if (memcmp(&scene->traces[i].object, &object, sizeof object) == 0)
            return &scene->traces[i];
    }
    must(scene->trace_count < OBJECTS_MAX);
    scene->traces[scene->trace_count] = (struct trace){.object = object, .state = machine->initial};
    return &scene->traces[scene->trace_count++];
}

/* Each event is a row of its machine, from the state where the last one led. */
static void check_event(struct scene *scene, const struct event_record *event)
{
    if (strcmp(event->object_type, "instance_action") == 0) {
        must(event->revision == 1 && event->transition == 0);
        return;
    }
    const struct fsm *machine = machine_of(event->object_type);
    struct trace *trace = trace_of(scene, machine, event->object);
    must(event->revision == ++trace->revision);
    must(event->occurred_at_s <= scene->world.now_s);
    if (event->transition == 0) {
        must(trace->revision == 1);
        return;
    }
    const struct fsm_transition *row = machine->transitions;
    const struct fsm_transition *end = row + machine->transition_count;
    while (row < end && row->number != event->transition)
        row++;
    must(row < end && row->from == trace->state);
    trace->state = row->to;
}

/* A stay begins once and ends once. */
static void check_stays(const struct world *world)
{
    for (uint32_t i = 0; i < world->stay_count; i++) {
        const struct stay *stay = &world->stays[i];
        uint32_t began = 0, ended = 0;
        for (uint32_t j = 0; j <= i; j++) {
            const struct stay *other = &world->stays[j];
            bool is_same = memcmp(&other->instance, &stay->instance, sizeof stay->instance) == 0 &&
                           other->incarnation == stay->incarnation;
            must(!is_same || memcmp(&other->node, &stay->node, sizeof stay->node) == 0);
            began += is_same && other->began;
            ended += is_same && !other->began;
        }
        must(began == 1 && ended == !stay->began);
    }
}

/* The plan holds the place of whoever is there and is not to go, from the moment it is there. */
static void check_place(const struct scene *scene, const struct instance *instance)
{
    const struct world *world = &scene->world;
    if (!instance->on_node || !instance_lasts(instance) || world_is_paused(world))
        return;
    struct planner_key key = instance_key(instance);
    const struct planner_node *place = planner_node_of(world->planner, &key, world->now_s);
    int64_t from_s = 0;
    must(place != NULL && memcmp(&place->id, &instance->node, sizeof place->id) == 0);
    must(world_held_from(world, &key, world->now_s, &from_s) && from_s <= world->now_s);
}

static void check_instance(struct scene *scene, const struct instance *instance, int64_t live[static NODES])
{
    int state = instance->is.state;
    must(trace_of(scene, &instance_fsm, instance->id)->state == state);
    must(instance->on_node == instance_state_is_on_node(state)); /* as it is read again */
    bool is_asked = instance->action != NULL && instance->action->state == ACTION_PENDING;
    must(!is_asked || state == INSTANCE_HALTING || state == INSTANCE_STARTING || scene->driver.is_paused);
    must(state != INSTANCE_STOPPED || instance->stop_wished);
    must(state != INSTANCE_RUNNING || !instance->stop_wished);
    must(!instance->on_node || instance->has_node);
    must((instance->address != NULL) == (state == INSTANCE_RUNNING));
    must(instance->is.attempts >= 0 && instance->is.attempts <= ATTEMPTS_MAX);
    check_place(scene, instance);
    if (instance->on_node)
        live[idmap_find(&scene->node_by_id, instance->node)]++;
}

static void check_reservation(struct scene *scene, const struct reservation *reservation, int64_t live[static NODES])
{
    int64_t running = 0;
    int64_t now_s = scene->world.now_s;
    int state = reservation->is.state;
    struct fsm_pause pause = {.is_on = world_is_paused(&scene->world)};
    must(trace_of(scene, &reservation_fsm, reservation->wish.id)->state == state);
    bool is_final = reservation_fsm.states[state].is_final;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        const struct instance *instance = &reservation->instances[i];
        check_instance(scene, instance, live);
        must(!is_final || instance_is_gone(instance));
        must(is_final || instance_is_gone(instance) ||
             fsm_next(&instance_fsm, instance->is.state, instance, &pause) == NULL);
        running += instance_is_delivered(instance) && instance_lasts(instance); /* in a pause it may run past its end */
    }
    must(is_final || fsm_next(&reservation_fsm, state, reservation, &pause) == NULL);
    must(is_final || reservation->delivered == running);
    must(state < RESERVATION_HELD || is_final || reservation->starts_s != NEVER);
    must(state != RESERVATION_HELD || (wish_is_quote(&reservation->wish) && reservation->wish.hold_until_s > now_s &&
                                       reservation->starts_s > now_s));
}

/* Of those on a node, who was told to leave it; and no GPU is two instances'. */
static void check_node(const struct scene *scene, const struct node *node)
{
    int64_t leaving = 0;
    int64_t gpus = 0;
    for (uint32_t i = 0; i < RESERVATIONS; i++) {
        const struct reservation *reservation = &scene->reservations[i];
        for (uint32_t j = 0; j < reservation->instance_count; j++) {
            const struct instance *instance = &reservation->instances[j];
            bool is_here = instance->on_node && memcmp(&instance->node, &node->id, sizeof node->id) == 0;
            leaving += is_here && instance->is.state == INSTANCE_STOPPING;
            gpus += is_here ? reservation->wish.shape.gpus : 0;
        }
    }
    must(node->leaving_count == leaving);
    must(gpus <= node->spec.gpus);
}

static void check_scene(struct scene *scene)
{
    int64_t live[NODES] = {0};
    for (; scene->events_checked < scene->world.event_count; scene->events_checked++)
        check_event(scene, &scene->world.events[scene->events_checked]);
    check_stays(&scene->world);
    for (uint32_t i = 0; i < RESERVATIONS; i++)
        check_reservation(scene, &scene->reservations[i], live);
    for (uint32_t i = 0; i < NODES; i++) {
        must(scene->nodes[i].live_count == live[i]);
        check_node(scene, &scene->nodes[i]);
        must(trace_of(scene, &node_fsm, scene->nodes[i].id)->state == scene->nodes[i].is.state);
    }
}

/* ---- What happens ---- */

/* Who is on a node, or has a place there now, beside that instance. */
static bool is_alone(const struct scene *scene, const struct instance *instance)
{
    const struct world *world = &scene->world;
    struct planner_id node = planner_id_of(instance->node);
    for (uint32_t i = 0; i < RESERVATIONS; i++) {
        const struct reservation *reservation = &scene->reservations[i];
        for (uint32_t j = 0; j < reservation->instance_count; j++) {
            const struct instance *other = &reservation->instances[j];
            bool is_there = other->on_node && memcmp(&other->node, &instance->node, sizeof other->node) == 0;
            struct planner_key key = {planner_id_of(reservation->wish.id), other->ordinal};
            const struct planner_node *place = planner_node_of(world->planner, &key, world->now_s);
            bool has_place = place != NULL && memcmp(&place->id, &node, sizeof node) == 0;
            if (other != instance && (is_there || has_place))
                return false;
        }
    }
    return true;
}

/* As the leader of a zone knows it (zone_overstay.h). */
static bool has_overstays(const struct scene *scene)
{
    bool is_on = scene->world.overstays_until_s > scene->world.now_s;
    for (uint32_t i = 0; i < RESERVATIONS; i++) {
        const struct reservation *reservation = &scene->reservations[i];
        for (uint32_t j = 0; j < reservation->instance_count; j++) {
            const struct instance *instance = &reservation->instances[j];
            is_on |= instance->on_node && instance_end_s(instance) < scene->world.now_s;
        }
    }
    return is_on;
}

/* What is not in the database is not there for the next piece of work. */
static void forget(const struct scene *scene, struct reservation *reservation, bool is_clean)
{
    reservation->granted = false;
    reservation->refused = false;
    reservation->told = false;
    reservation->was = reservation->is;
    for (uint32_t i = 0; i < reservation->instance_count; i++) {
        struct instance *instance = &reservation->instances[i];
        instance->granted = false;
        instance->told = false;
        instance->is_broken_there = false;
        if (instance->action != NULL && instance->action->state != ACTION_PENDING)
            instance->action = NULL;
        instance->is_clean = is_clean && is_alone(scene, instance);
        instance->was = instance->is;
    }
}

/* Its window ends, gives way or was cancelled: it comes first. */
static bool gives_back(const struct reservation *reservation)
{
    bool is_over = least_of(reservation->ends_s, reservation->ends_by_s) <= reservation->world->now_s;
    return reservation->was.state >= RESERVATION_ACTIVATING && (is_over || reservation->wish.cancel_requested);
}

static void drive_those(struct scene *scene, bool give_back)
{
    for (uint32_t i = 0; i < RESERVATIONS; i++) {
        if (scene->is_first[i] == give_back)
            reservation_drive(&scene->reservations[i]);
    }
}

/* As zone_pause.c does in the database. */
static void shift_limits(struct lifecycle *is, const struct pause_change *change, bool awaits_start, int64_t starts_s)
{
    int64_t was_s = change->free_was_s, is_s = change->free_is_s;
    bool waits = is->due_s > is_s && is->due_s <= was_s;
    if (is->due_s == NEVER || (is->deadline_s == NEVER && !waits))
        return;
    if (waits)
        is->due_s = is_s;
    if (is->deadline_s != NEVER)
        is->deadline_s += awaits_start ? greatest_of(is_s, starts_s) - greatest_of(was_s, starts_s) : is_s - was_s;
    is->due_s = least_of(is->due_s, is->deadline_s);
}

static void shift_node(struct node *node, const struct pause_change *change)
{
    int64_t shift_s = change->free_is_s - change->free_was_s;
    if (node->is.due_s == NEVER)
        return;
    node->is.deadline_s += node->is.deadline_s == NEVER ? 0 : shift_s;
    node->is.due_s = greatest_of(node->is.due_s, change->free_was_s) + shift_s;
}

static void follow_pause(struct scene *scene)
{
    struct pause_change change;
    if (!pause_follow(&scene->terms.pause, &scene->pause, scene->world.now_s, &change))
        return;
    scene->terms.pause = change.is;
    scene->driver.is_paused = world_is_paused(&scene->world);
    for (uint32_t i = 0; i < NODES; i++)
        shift_node(&scene->nodes[i], &change);
    for (uint32_t i = 0; i < RESERVATIONS; i++) {
        struct reservation *reservation = &scene->reservations[i];
        bool awaits_start = reservation->is.state == RESERVATION_ACTIVATING;
        shift_limits(&reservation->is, &change, awaits_start, reservation->starts_s);
        for (uint32_t j = 0; j < reservation->instance_count; j++) {
            struct instance *instance = &reservation->instances[j];
            shift_limits(&instance->is, &change, instance->is.state == INSTANCE_PLANNED, instance->starts_s);
        }
    }
}

static void do_work(struct scene *scene, bool is_clean)
{
    follow_pause(scene);
    scene->world.has_overstays = has_overstays(scene);
    for (uint32_t i = 0; i < NODES; i++)
        drive_node(scene, &scene->nodes[i]);
    planner_begin(scene->world.planner);
    for (uint32_t i = 0; i < RESERVATIONS; i++)
        horizon_hold(&scene->reservations[i]);
    for (uint32_t i = 0; i < RESERVATIONS; i++) {
        forget(scene, &scene->reservations[i], is_clean);
        scene->is_first[i] = gives_back(&scene->reservations[i]);
    }
    drive_those(scene, true);
    drive_those(scene, false);
    waitlist_serve(&scene->world);
    evictions_settle(&scene->world);
    planner_commit(scene->world.planner);
    for (uint32_t i = 0; i < NODES; i++) /* the instances that came and went have driven them */
        scene->nodes[i].touched = false;
}

static void pass_time(struct scene *scene, uint8_t much)
{
    static const int64_t units_s[] = {1, 60, 900, 86400};
    scene->world.now_s += (much & 63) * units_s[much >> 6];
}

static void fail_or_return(struct scene *scene, uint8_t which)
{
    scene->nodes[which % NODES].answers = !scene->nodes[which % NODES].answers;
}

static void cancel(struct scene *scene, uint8_t which)
{
    scene->reservations[which % RESERVATIONS].wish.cancel_requested = true;
}

/* As admission does: only what is held, and holds still. */
static void confirm(struct scene *scene, uint8_t which)
{
    struct reservation *reservation = &scene->reservations[which % RESERVATIONS];
    bool holds = reservation->is.state == RESERVATION_HELD && reservation->wish.hold_until_s > scene->world.now_s;
    reservation->wish.is_confirmed |= holds;
}

/* As the API does: where none is open. */
static void ask(struct scene *scene, uint8_t what)
{
    struct reservation *reservation = &scene->reservations[what % RESERVATIONS];
    if (reservation->instance_count == 0)
        return;
    struct instance *instance = &reservation->instances[(what >> 2) % reservation->instance_count];
    if (instance->action != NULL && instance->action->state == ACTION_PENDING)
        return;
    instance->action = arena_alloc(scene->world.arena, sizeof *instance->action);
    *instance->action = (struct action){.id = identity_number(4, what), .kind = (what >> 4) % ACTION_KIND_COUNT};
}

static void let_report(struct scene *scene, uint8_t what)
{
    static const enum driver_state said[] = {DRIVER_UP, DRIVER_BROKEN, DRIVER_DOWN, DRIVER_ABSENT};
    if (scene->driver.count > 0)
        scene->driver.workloads[what % scene->driver.count].state = said[what >> 6];
}

/* From now on nodes answer an order to start so. */
static void let_start(struct scene *scene, uint8_t what)
{
    static const enum driver_state said[] = {DRIVER_STARTING, DRIVER_UP, DRIVER_BROKEN};
    scene->driver.after_start = said[what % COUNT_OF(said)];
}

/* Operators pause the zone, prolong or shorten its pause, or resume it. */
static void pause_or_resume(struct scene *scene, uint8_t much)
{
    static const int64_t units_s[] = {1, 60, 900, 3600};
    int64_t length_s = (much & 63) * units_s[much >> 6];
    scene->pause.revision++;
    scene->pause.until_s = length_s == 0 ? 0 : scene->world.now_s + length_s;
}

static void return_capacity(struct scene *scene, uint8_t ignored)
{
    (void)ignored;
    scene->world.capacity_returned = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    typedef void happening(struct scene * scene, uint8_t argument);
    static happening *const happenings[] = {pass_time,       fail_or_return, cancel, let_report,     let_start,
                                            return_capacity, confirm,        ask,    pause_or_resume};
    const size_t wishes_size = (size_t)RESERVATIONS * 4;
    if (size < wishes_size)
        return 0;
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    CLEANUP(clear_scene) struct scene scene = {0};
    make_scene(&scene, arena, data);
    for (size_t at = wishes_size, steps = 0; at + 1 < size && steps < STEPS_MAX; at += 2, steps++) {
        happenings[(data[at] & 127) % COUNT_OF(happenings)](&scene, data[at + 1]);
        do_work(&scene, (data[at] & 128) != 0);
        check_scene(&scene);
    }
    planner_verify(scene.world.planner); /* slow: once */
    return 0;
}
