/* The order within an instant: nodes first, for the planner must know its fleet before it is asked; then what has no end
 * keeps its place; windows that end, wishes in admission order, the waitlist, and what else is due. Whatever cascades (a
 * verdict whose start is now, an instance that is up at once) goes as far as it can before anything is written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_pass.h"
#include "provisioner/reconcile/apply.h"
#include "provisioner/reconcile/credit.h"
#include "provisioner/reconcile/drain.h"
#include "provisioner/reconcile/giving_way.h"
#include "provisioner/reconcile/horizon.h"
#include "provisioner/reconcile/maintenance.h"
#include "provisioner/reconcile/observe.h"
#include "provisioner/reconcile/turn.h"
#include "provisioner/reconcile/verdict.h"
#include "provisioner/zone_cursor.h"
#include "provisioner/zone_nodes.h"
#include "provisioner/zone_overstay.h"
#include "provisioner/zone_quota.h"

#include "common/log.h"
#include "common/metrics.h"

#include <stdio.h>
#include <time.h>

#define FORGET_EVERY 256 /* pieces of work; the planner walks all allocations to forget those that are over */

static struct metric metric_granted = {.name = "sluice_provisioner_verdicts_granted_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Reservations that were given a place"};
static struct metric metric_refused = {.name = "sluice_provisioner_verdicts_refused_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Reservations that were refused or put on the waitlist"};
static struct metric metric_overdue = {.name = "sluice_provisioner_deadlines_missed_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Deadlines of transitional states that were missed: something is stuck"};
static struct metric metric_pass = {.name = "sluice_provisioner_pass_duration_seconds",
                                    .type = METRIC_HISTOGRAM,
                                    .help = "One piece of work: observe, decide, apply"};
static struct metric metric_failed = {.name = "sluice_provisioner_pass_failures_total",
                                      .type = METRIC_COUNTER,
                                      .help = "Pieces of work that were rolled back"};
static struct metric metric_double = {
    .name = "sluice_provisioner_double_bookings_refused_total",
    .type = METRIC_COUNTER,
    .help = "Double bookings that the exclusion constraint refused: a bug or two leaders"};
static struct metric metric_given_up = {.name = "sluice_provisioner_wishes_given_up_total",
                                        .type = METRIC_COUNTER,
                                        .help = "Wishes rejected because deciding them failed again and again: a bug"};
static struct metric metric_lag = {.name = "sluice_provisioner_due_lag_seconds",
                                   .type = METRIC_GAUGE,
                                   .help = "How long the work done last had been due, in domain time"};

void zone_pass_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_granted, &metric_refused, &metric_overdue, &metric_pass,
                                      &metric_failed,  &metric_double,  &metric_lag,     &metric_given_up};
    metric_register(metrics, COUNT_OF(metrics));
}

/* The lead of the zone decides when scheduled reservations are looked at. */
static const struct db_stmt statement_lead = {
    .name = "zone_lead_changed",
    .sql = "UPDATE reservation_status s SET due_at = s.starts_at - z.lead_s * interval '1 second'"
           "  FROM zone z WHERE z.id = $1::uuid AND s.zone_id = z.id AND s.state = 'scheduled'"
           "   AND s.due_at <> s.starts_at - z.lead_s * interval '1 second'",
    .params = 1,
};

/* In a transaction of its own: within the pass's it would hold a lock of the whole database cluster until its COMMIT is on
 * disk, and the API's batches wait for that. It only wakes: listeners look by themselves too. */
static const struct db_stmt statement_notify = {
    .name = "zone_notify",
    .sql = "SELECT pg_notify('sluice_event', '')",
    .params = 0,
};

const struct db_stmt *const zone_pass_statements[] = {&statement_lead, &statement_notify, NULL};

bool zone_pass_is_due(const struct zone_memory *memory, const struct zone_wake *wake)
{
    bool has_backlog = memory->backlog_next < memory->backlog_count || memory->all_nodes;
    bool may_serve_waiting = memory->capacity_returned && memory->waiting_count > 0;
    bool may_go_on = may_serve_waiting || memory->withdrawal.is_under_way;
    bool has_lines = memory->driver_ops->said(memory->driver).count > 0;
    return has_backlog || may_go_on || has_lines || wake->event_count > 0 || memory->next_due_s <= wake->clock.now_s;
}

struct pass {
    struct turn_clock clock; /* first */
    struct zone_memory *memory;
    struct db *db;
    const struct lease *lease;
    struct zone_wake *wake;
    struct world world;
    bool uses_wake; /* the events are part of it; while there is a backlog they wait */
    bool in_batch;
    bool holds_only;     /* what runs keeps its place, before anything is decided */
    bool serves_waiting; /* the waitlist is tried */
    struct withdrawal withdrawal;
    struct apply_outcome outcome;
    size_t backlog_next;
    int64_t maintenance_due_s;
    struct identity *deferred; /* wishes left for the next piece of work, in order */
    size_t deferred_count;
    int64_t started_us;
};

static int64_t now_us(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t spent_us(const struct turn_clock *clock)
{
    return now_us() - ((const struct pass *)(const void *)clock)->started_us;
}

/* ---- Steps ---- */

static bool reads_before(const struct pass *pass)
{
    return pass->wake->nodes.count > 0 || pass->wake->zone_changed || pass->wake->quotas_changed ||
           zone_overstay_must_look(pass->memory, pass->world.now_s);
}

/* What other terms of the zone mean for what was decided by those before, and its nodes, before anything is asked of the
 * planner. */
static enum err_kind read_before(struct pass *pass, struct db_array *lost, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    if (pass->wake->zone_changed) {
        char zone[UUID_TEXT_SIZE];
        identity_to_uuid(pass->memory->terms.id, zone);
        kind = db_run(pass->db, &statement_lead, DB_PARAMS(zone), NULL, reterr);
    }
    if (kind == ERR_NONE && pass->wake->nodes.count > 0)
        kind = zone_nodes_changed(pass->memory, &pass->world, pass->db, &pass->wake->nodes, lost, reterr);
    if (kind == ERR_NONE && pass->wake->quotas_changed)
        kind = zone_quota_load(pass->memory, pass->db, pass->world.now_s, reterr);
    if (kind == ERR_NONE && zone_overstay_must_look(pass->memory, pass->world.now_s))
        kind = zone_overstay_look(pass->memory, pass->db, reterr);
    pass->world.has_overstays = zone_overstay_is_on(pass->memory, pass->world.now_s);
    pass->world.overstays_from_s = pass->memory->overstays_from_s;
    pass->world.quotas = pass->memory->quotas;
    return kind;
}

/* In one round trip with what follows, unless something is to be read first. */
static enum err_kind open_send(struct pass *pass, struct err *reterr)
{
    enum err_kind kind = db_pipeline_enter(pass->db, reterr);
    if (kind == ERR_NONE)
        kind = db_begin_send(pass->db, reterr);
    return kind == ERR_NONE ? lease_fence_send(pass->lease, pass->db, reterr) : kind;
}

static enum err_kind open_receive(struct pass *pass, struct err *reterr)
{
    enum err_kind kind = db_pipeline_sync(pass->db, reterr);
    if (kind == ERR_NONE)
        kind = db_receive(pass->db, NULL, reterr); /* BEGIN */
    return kind == ERR_NONE ? lease_fence_receive(pass->lease, pass->db, reterr) : kind;
}

static enum err_kind open_and_read(struct pass *pass, struct db_array *lost, struct err *reterr)
{
    enum err_kind kind = open_receive(pass, reterr);
    if (kind == ERR_NONE)
        kind = db_pipeline_leave(pass->db, reterr);
    if (kind == ERR_NONE)
        kind = read_before(pass, lost, reterr);
    return kind == ERR_NONE ? db_pipeline_enter(pass->db, reterr) : kind;
}

static void take_backlog(struct pass *pass, struct db_array *reservations)
{
    const struct zone_memory *memory = pass->memory;
    size_t end = pass->holds_only ? memory->backlog_held : memory->backlog_count;
    for (; pass->backlog_next < end && reservations->count < memory->isolation->limit; pass->backlog_next++)
        db_array_identity(reservations, memory->backlog[pass->backlog_next]);
}

static void hold_first(const struct world *world)
{
    for (uint32_t i = 0; i < world->reservation_count; i++)
        horizon_hold(&world->reservations[i]);
}

static void decide(struct pass *pass)
{
    struct world *world = &pass->world;
    bool is_waitlist_served = false;
    hold_first(world);
    drains_drive(world);
    for (uint32_t i = 0; i < world->window_count; i++)
        maintenance_drive(&world->windows[i]);
    pass->deferred = arena_alloc(world->arena, (world->reservation_count + 1) * sizeof *pass->deferred);
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        struct reservation *reservation = &world->reservations[i];
        bool is_wish = reservation->is.state == RESERVATION_PENDING;
        bool waits = pass->serves_waiting && reservation->was.state == RESERVATION_WAITLISTED;
        bool has_time = turn_has_time(world, &pass->clock);
        if (waits && !is_waitlist_served) {
            waitlist_serve(world);
            is_waitlist_served = true;
        }
        if (waits)
            continue;
        if (is_wish && !has_time)
            pass->deferred[pass->deferred_count++] = reservation->wish.id;
        else
            reservation_drive(reservation);
    }
}

/* Opens the transaction and reads those who are to be held. */
static enum err_kind observe_held(struct pass *pass, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array held = {0};
    CLEANUP(db_array_clear) struct db_array lost = {0};
    take_backlog(pass, &held);
    struct observe_request request = {.reservations = &held, .lost_nodes = &lost, .only_these = true};
    enum err_kind kind = open_send(pass, reterr);
    if (kind == ERR_NONE)
        kind = observe_send(&pass->world, pass->db, &request, reterr);
    if (kind == ERR_NONE)
        kind = db_pipeline_sync(pass->db, reterr);
    if (kind == ERR_NONE)
        kind = open_receive(pass, reterr);
    return kind == ERR_NONE ? observe_receive(&pass->world, pass->db, reterr) : kind;
}

/* Opens the transaction and reads the world. */
static enum err_kind observe(struct pass *pass, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array lost = {0};
    CLEANUP(db_array_clear) struct db_array backlog = {0};
    bool is_opened = false;
    enum err_kind kind = open_send(pass, reterr);
    if (kind == ERR_NONE && reads_before(pass)) {
        kind = open_and_read(pass, &lost, reterr);
        is_opened = true;
    }
    if (kind != ERR_NONE)
        return kind;
    zone_nodes_due(pass->memory, &pass->world, &lost);
    take_backlog(pass, &backlog);
    pass->uses_wake = backlog.count == 0 && !zone_isolation_is_on(pass->memory->isolation);
    bool has_capacity = pass->memory->capacity_returned || pass->world.capacity_returned;
    pass->serves_waiting = has_capacity && pass->memory->waiting_count > 0;
    struct observe_request request = {
        .reservations = pass->uses_wake ? &pass->wake->reservations : &backlog,
        .lost_nodes = &lost,
        .waitlist = pass->serves_waiting,
    };
    kind = observe_send(&pass->world, pass->db, &request, reterr);
    if (kind == ERR_NONE)
        kind = db_pipeline_sync(pass->db, reterr);
    if (kind == ERR_NONE && !is_opened)
        kind = open_receive(pass, reterr);
    if (kind == ERR_NONE)
        kind = observe_receive(&pass->world, pass->db, reterr);
    if (kind == ERR_NONE)
        kind = credit_observe(&pass->world, pass->db, reterr);
    pass->world.has_overstays |= turn_may_leave_some(&pass->world, OBSERVE_DUE_MAX);
    bool has_maintenance = pass->wake->maintenance_changed || pass->memory->maintenance_due_s <= pass->world.now_s;
    if (kind == ERR_NONE && has_maintenance)
        kind = observe_maintenance(&pass->world, pass->db, &pass->maintenance_due_s, reterr);
    if (kind == ERR_NONE && pass->world.draining_count > 0)
        kind = observe_drained(&pass->world, pass->db, reterr);
    return kind;
}

static int64_t waiting_change(const struct world *world)
{
    int64_t change = 0;
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *reservation = &world->reservations[i];
        change += reservation->is.state == RESERVATION_WAITLISTED;
        change -= reservation->was.state == RESERVATION_WAITLISTED;
    }
    return change;
}

static int64_t replacing_change(const struct world *world)
{
    int64_t change = 0;
    for (uint32_t i = 0; i < world->reservation_count; i++) {
        const struct reservation *reservation = &world->reservations[i];
        for (uint32_t j = 0; j < reservation->instance_count; j++) {
            change += reservation->instances[j].is.state == INSTANCE_REPLACING;
            change -= reservation->instances[j].was.state == INSTANCE_REPLACING;
        }
    }
    return change;
}

static bool stirs_waitlist(const struct world *world)
{
    return world->capacity_returned || world->waitlist_stirred;
}

/* Nothing is left that is known of, but what may be due even now. */
static bool is_last_piece(const struct pass *pass)
{
    const struct zone_wake *wake = pass->wake;
    bool has_capacity = pass->memory->capacity_returned || stirs_waitlist(&pass->world);
    bool may_serve_waiting = has_capacity && pass->memory->waiting_count + waiting_change(&pass->world) > 0;
    bool goes_on = may_serve_waiting || pass->withdrawal.is_under_way;
    return pass->uses_wake && pass->deferred_count == 0 && !wake->has_hidden && !wake->has_more && !goes_on;
}

static bool stores_cursor(const struct pass *pass)
{
    bool is_woken = pass->wake->event_count > 0;
    return pass->uses_wake && (is_woken || zone_cursor_is_far(pass->memory, &pass->wake->cursor));
}

/* Under a virtual clock what no wish waits for need not be on disk before the next commit: the last step of the
 * clock's move is, and with it everything before. Verdicts always are, and so is whatever a wish asked for. */
static enum err_kind apply(struct pass *pass, struct err *reterr)
{
    const struct zone_wake *wake = pass->wake;
    bool is_woken = pass->uses_wake && wake->event_count > 0;
    struct apply_end end = {
        .consumer = pass->lease->name,
        .cursor = stores_cursor(pass) ? &wake->cursor : NULL,
        .clock = &wake->clock,
        .is_last = is_last_piece(pass),
        .may_relax = wake->clock.is_virtual && pass->uses_wake && !is_woken,
    };
    return apply_changes(&pass->world, pass->db, &end, &pass->outcome, reterr);
}

/* Who waits for another place was promised one: as soon as capacity returns it asks, before those who wait for their
 * first. */
static enum err_kind serve_replacing(struct pass *pass, struct err *reterr)
{
    struct world *world = &pass->world;
    uint32_t before = world->reservation_count;
    if (!world->capacity_returned || pass->memory->replacing_count + replacing_change(world) == 0)
        return ERR_NONE;
    enum err_kind kind = observe_replacing(world, pass->db, reterr);
    if (kind == ERR_NONE)
        turn_drive(world, before, &pass->clock); /* the others ask when it is their turn */
    return kind;
}

/* Whom others no longer need to go: after those who wait had their turn. */
static enum err_kind withdraw_notices(struct pass *pass, struct err *reterr)
{
    const struct zone_memory *memory = pass->memory;
    bool nobody_waits = memory->waiting_count + waiting_change(&pass->world) == 0;
    bool has_returned = pass->serves_waiting || pass->world.capacity_returned;
    bool is_turn = pass->serves_waiting || nobody_waits || !has_returned;
    if (planner_preemptible_count(memory->planner) == 0)
        pass->withdrawal = (struct withdrawal){0};
    else if (has_returned && is_turn)
        withdrawal_want(&pass->withdrawal);
    if (!pass->withdrawal.is_under_way || !is_turn)
        return ERR_NONE;
    struct told told = {0};
    enum err_kind kind = observe_told(&pass->world, pass->db, pass->withdrawal.after, &told, reterr);
    if (kind != ERR_NONE)
        return kind;
    uint32_t looked = notices_withdraw(&pass->world, told.ids, told.count);
    withdrawal_go_on(&pass->withdrawal, &told, looked);
    return ERR_NONE;
}

/* Of what was read each goes as far as it can, and whom that concerns with it. */
static enum err_kind decide_all(struct pass *pass, struct err *reterr)
{
    if (pass->serves_waiting)
        pass->memory->capacity_returned = false; /* it is tried now; what returns meanwhile counts anew */
    decide(pass);
    enum err_kind kind = serve_replacing(pass, reterr);
    if (kind == ERR_NONE)
        kind = observe_evicted(&pass->world, pass->db, reterr);
    if (kind == ERR_NONE)
        evictions_settle(&pass->world);
    return kind == ERR_NONE ? withdraw_notices(pass, reterr) : kind;
}

static enum err_kind pass_transaction(struct pass *pass, struct err *reterr)
{
    enum err_kind kind = pass->holds_only ? observe_held(pass, reterr) : observe(pass, reterr);
    if (kind != ERR_NONE)
        return kind;
    zone_quota_forget(pass->memory, pass->world.now_s);
    planner_begin(pass->memory->planner);
    quotas_begin(pass->memory->quotas);
    pass->in_batch = true;
    if (pass->holds_only)
        hold_first(&pass->world);
    else
        kind = decide_all(pass, reterr);
    if (kind == ERR_NONE)
        kind = apply(pass, reterr);
    return kind == ERR_NONE ? db_commit(pass->db, reterr) : kind;
}

/* ---- What became of it ---- */

/* The wish that made every piece of work fail has its verdict now. */
static void note_given_up(const struct world *world)
{
    if (!world->has_given_up)
        return;
    char id[IDENTITY_TEXT_SIZE];
    identity_to_text(IDENTITY_RESERVATION, *world->given_up, id);
    log_event(LOG_LEVEL_ERROR, "wish_given_up", LOG_TEXT("reservation", id));
    metric_add(&metric_given_up, 1);
}

/* Of those not read, and of those that were. */
static int64_t maintenance_due_s(const struct pass *pass)
{
    int64_t due_s = pass->maintenance_due_s;
    for (uint32_t i = 0; i < pass->world.window_count; i++) {
        int64_t own_s = pass->world.windows[i].is.due_s;
        due_s = own_s < due_s ? own_s : due_s;
    }
    return due_s;
}

static void keep(struct pass *pass)
{
    static _Thread_local unsigned passes;
    struct zone_memory *memory = pass->memory;
    planner_commit(memory->planner);
    quotas_commit(memory->quotas);
    note_given_up(&pass->world);
    zone_isolation_succeeded(memory->isolation);
    zone_memory_commit(memory, &pass->world);
    memory->all_nodes &= pass->holds_only;
    memory->worked_s = pass->world.now_s;
    memory->backlog_next = pass->backlog_next;
    zone_memory_defer(memory, pass->deferred, pass->deferred_count);
    memory->waiting_count += waiting_change(&pass->world);
    memory->replacing_count += replacing_change(&pass->world);
    memory->withdrawal = pass->withdrawal;
    memory->capacity_returned |= stirs_waitlist(&pass->world);
    memory->next_due_s = pass->outcome.next_due_s;
    memory->maintenance_due_s = maintenance_due_s(pass);
    memory->lines_until_s = pass->world.lines_until_s;
    memory->overstays_from_s = pass->world.overstays_from_s;
    memory->overstays_until_s = pass->world.overstays_until_s;
    if (pass->outcome.is_settled)
        memory->acknowledged_tick = pass->wake->clock.tick;
    if (stores_cursor(pass))
        memory->stored_cursor = pass->wake->cursor;
    if (pass->uses_wake)
        memory->cursor = pass->wake->cursor;
    if (++passes % FORGET_EVERY == 0)
        planner_forget(memory->planner, pass->world.now_s);
    metric_add(&metric_granted, pass->world.granted_count);
    metric_add(&metric_refused, pass->world.refused_count);
    metric_add(&metric_overdue, pass->world.overdue_count);
}

/* True if memory must be rebuilt: the outcome is not known, the fleet has moved on, or memory was wrong. */
static bool undo(struct pass *pass, enum err_kind kind)
{
    db_rollback(pass->db);
    metric_add(&metric_failed, 1);
    pass->memory->capacity_returned = true; /* what waits was perhaps not served */
    if (kind == ERR_NO_CAPACITY)
        metric_add(&metric_double, 1);
    bool has_wish = pass->backlog_next > pass->memory->backlog_next;
    const struct identity *first = has_wish ? &pass->memory->backlog[pass->memory->backlog_next] : NULL;
    bool begins_isolation = zone_isolation_failed(pass->memory->isolation, kind, first);
    bool is_known = kind != ERR_UNKNOWN_OUTCOME && kind != ERR_NO_CAPACITY && kind != ERR_RETRY && kind != ERR_FENCED;
    if (pass->in_batch) {
        planner_rollback(pass->memory->planner);
        quotas_rollback(pass->memory->quotas);
    }
    if (!is_known || begins_isolation || pass->memory->fleet_changed)
        return true;
    zone_memory_rollback(pass->memory, &pass->world);
    return false;
}

static void notify(struct pass *pass)
{
    struct err err = {0};
    if (pass->world.event_count > 0 && db_run(pass->db, &statement_notify, DB_NO_PARAMS, NULL, &err) != ERR_NONE)
        log_error("zone_notify_failed", &err);
}

enum err_kind zone_pass(struct zone_memory *memory, struct db *db, const struct lease *lease, struct zone_wake *wake,
                        struct zone_pass_outcome *ret, struct err *reterr)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct pass pass = {.clock.spent_us = spent_us,
                        .memory = memory,
                        .db = db,
                        .lease = lease,
                        .wake = wake,
                        .backlog_next = memory->backlog_next,
                        .maintenance_due_s = memory->maintenance_due_s,
                        .holds_only = memory->backlog_next < memory->backlog_held,
                        .withdrawal = memory->withdrawal,
                        .started_us = now_us()};
    zone_memory_world(memory, arena, wake->clock.now_s, &pass.world);
    pass.world.holds_only = pass.holds_only;
    pass.world.given_up = memory->isolation->has_culprit ? &memory->isolation->suspect : NULL;
    int64_t lag_s = memory->next_due_s == INT64_MIN || memory->next_due_s > wake->clock.now_s
                        ? 0
                        : wake->clock.now_s - memory->next_due_s;
    metric_set(&metric_lag, lag_s);
    enum err_kind kind = pass_transaction(&pass, reterr);
    ret->must_rebuild = kind == ERR_NONE ? pass.world.fleet_is_stale : undo(&pass, kind);
    ret->is_settled = kind == ERR_NONE && pass.outcome.is_settled;
    if (kind == ERR_NONE) {
        notify(&pass);
        keep(&pass);
    }
    memory->driver_ops->reset(memory->driver, kind == ERR_NONE);
    metric_observe_us(&metric_pass, now_us() - pass.started_us);
    return kind;
}
