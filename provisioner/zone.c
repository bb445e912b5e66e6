/* The loop of a zone: keep the lease, wake, work until nothing is left, acknowledge the clock, wait. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/lease.h"
#include "common/log.h"
#include "common/must.h"
#include "common/shutdown.h"
#include "provisioner/reconcile/amend.h"
#include "provisioner/reconcile/apply.h"
#include "provisioner/reconcile/credit.h"
#include "provisioner/reconcile/observe.h"
#include "provisioner/zone_cursor.h"
#include "provisioner/zone_hold.h"
#include "provisioner/zone_memory.h"
#include "provisioner/zone_nodes.h"
#include "provisioner/zone_overstay.h"
#include "provisioner/zone_pass.h"
#include "provisioner/zone_pause.h"
#include "provisioner/zone_question.h"
#include "provisioner/zone_quota.h"
#include "provisioner/zone_rest.h"
#include "provisioner/zone_source.h"
#include "provisioner/zone_wake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ROLE           "sluice_provisioner"
#define TIMER_MS       1000
#define HIDDEN_WAIT_MS 2  /* for a transaction that keeps events from view; it is short */
#define DUE_WAIT_MS    50 /* domain time has whole seconds: look often when the next one counts */
#define TROUBLE_MS     200
#define TROUBLE_SAID   50 /* while it lasts, one in so many is logged */

struct zone {
    struct identity id;
    struct zone_options options;
    pthread_t thread;
    struct db *db;
    struct lease lease;
    struct zone_memory *memory;
    struct zone_isolation isolation;
    struct zone_verify *verify;
    unsigned troubles; /* in a row */
    bool is_in_doubt;  /* a transaction of ours may still be under way */
    atomic_bool leads;
    atomic_bool healthy;
    atomic_bool leaves; /* it is removed */
    atomic_bool ended;
};

const struct db_stmt *const *const zone_statements[] = {zone_memory_statements,
                                                        zone_nodes_statements,
                                                        zone_wake_statements,
                                                        zone_pass_statements,
                                                        zone_pause_statements,
                                                        zone_overstay_statements,
                                                        zone_question_statements,
                                                        zone_source_statements,
                                                        zone_verify_statements,
                                                        observe_statements,
                                                        observe_more_statements,
                                                        apply_statements,
                                                        apply_object_statements,
                                                        apply_allocation_statements,
                                                        apply_line_statements,
                                                        amend_statements,
                                                        action_statements,
                                                        observe_maintenance_statements,
                                                        apply_maintenance_statements,
                                                        zone_quota_statements,
                                                        zone_hold_statements,
                                                        credit_statements,
                                                        NULL};

static void drop_memory(struct zone *zone)
{
    zone_pause_count(zone->memory != NULL && zone->memory->terms.pause.until_s != 0 ? -1 : 0);
    zone_memory_free(zone->memory);
    zone->memory = NULL;
}

static enum err_kind rebuild_memory(struct zone *zone, struct err *reterr)
{
    struct clock_domain clock = {0};
    enum err_kind kind = clock_domain(zone->db, &clock, reterr);
    if (kind == ERR_NONE)
        kind = zone_memory_load(zone->db, zone->id, clock.now_s, &zone->memory, reterr);
    if (kind != ERR_NONE)
        return kind;
    zone->memory->isolation = &zone->isolation;
    zone_pause_count(zone->memory->terms.pause.until_s != 0 ? 1 : 0);
    log_event(LOG_LEVEL_INFO, "zone_led", LOG_TEXT("zone", zone->memory->terms.name),
              LOG_INT("epoch", zone->lease.epoch), LOG_INT("nodes", zone->memory->node_count),
              LOG_INT("backlog", zone->memory->backlog_count));
    return ERR_NONE;
}

static enum err_kind acknowledge(struct zone *zone, const struct zone_wake *wake, struct err *reterr)
{
    bool is_new = wake->clock.is_virtual && wake->clock.tick > zone->memory->acknowledged_tick;
    if (!is_new || wake->has_hidden || wake->has_more)
        return ERR_NONE;
    enum err_kind kind = clock_acknowledge(zone->db, zone->lease.name, &wake->clock, zone->memory->next_due_s, reterr);
    if (kind == ERR_NONE)
        zone->memory->acknowledged_tick = wake->clock.tick;
    return kind;
}

static int wait_ms(const struct zone *zone, const struct zone_wake *wake)
{
    int64_t least_ms = zone->lease.ttl_ms / 3 < TIMER_MS ? zone->lease.ttl_ms / 3 : TIMER_MS;
    if (wake->has_hidden)
        return HIDDEN_WAIT_MS;
    if (wake->clock.is_virtual || zone->memory == NULL)
        return (int)least_ms;
    int64_t due_in_s = zone->memory->next_due_s - wake->clock.now_s;
    return due_in_s <= 1 ? DUE_WAIT_MS : (int)least_ms;
}

static enum err_kind wait(struct zone *zone, const struct zone_wake *wake, struct err *reterr)
{
    bool notified = false;
    return db_wait(zone->db, -1, wait_ms(zone, wake), &notified, reterr);
}

/* *ret_settled: nothing is left to do at this instant. */
static enum err_kind work(struct zone *zone, struct zone_wake *wake, bool *ret_settled, struct err *reterr)
{
    struct zone_pass_outcome outcome = {0};
    enum err_kind kind = zone_pass(zone->memory, zone->db, &zone->lease, wake, &outcome, reterr);
    if (outcome.must_rebuild)
        drop_memory(zone);
    *ret_settled = outcome.is_settled;
    return kind;
}

static enum err_kind pass_over(struct zone *zone, const struct zone_wake *wake, bool *ret_settled, struct err *reterr)
{
    zone->memory->cursor = wake->cursor; /* behind events that do not matter */
    *ret_settled = !wake->has_more;
    enum err_kind kind = zone_cursor_keep(zone->memory, zone->db, &zone->lease, &wake->cursor, reterr);
    return kind == ERR_NONE ? acknowledge(zone, wake, reterr) : kind;
}

/* After the wishes, so that these wait for one bounded piece of answering at most. */
static enum err_kind answer(struct zone *zone, const struct zone_wake *wake, bool *ret_settled, struct err *reterr)
{
    bool has_more = false;
    enum err_kind kind =
        zone_question_answer(zone->memory, zone->db, &zone->lease, zone->verify, wake->clock.now_s, &has_more, reterr);
    *ret_settled = *ret_settled && !has_more;
    return kind;
}

/* One round: works if there is something to do, else acknowledges; answers questions; waits if nothing is left. */
static enum err_kind lead_once(struct zone *zone, struct err *reterr)
{
    if (zone->memory == NULL) {
        enum err_kind kind = rebuild_memory(zone, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    CLEANUP(zone_wake_clear) struct zone_wake wake = {0};
    enum err_kind kind = zone_wake_read(zone->db, zone->id, &zone->memory->cursor, &wake, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool has_other_terms = wake.terms_revision != 0 && wake.terms_revision != zone->memory->terms.revision;
    if (has_other_terms || zone_memory_stood_still(zone->memory, wake.clock.now_s)) {
        drop_memory(zone); /* before anything is decided by it */
        return ERR_NONE;
    }
    bool has_changed = false;
    kind = zone_pause_follow(zone->memory, zone->db, &zone->lease, &wake, &has_changed, reterr);
    if (has_changed)
        drop_memory(zone); /* with what the change has moved it is read anew, in the next round at once */
    if (kind != ERR_NONE || has_changed)
        return kind;
    kind = zone_hold_look(zone->memory, zone->db, wake.clock.now_s, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool is_settled = false, is_notified = false;
    int64_t began_ms = clock_monotonic_ms();
    kind = zone_pass_is_due(zone->memory, &wake) ? work(zone, &wake, &is_settled, reterr)
                                                 : pass_over(zone, &wake, &is_settled, reterr);
    if (kind == ERR_NONE && wake.has_questions && zone->memory != NULL)
        kind = answer(zone, &wake, &is_settled, reterr);
    if (kind == ERR_NONE)
        kind = zone_rest(zone->db, &wake, clock_monotonic_ms() - began_ms, &is_notified, reterr);
    return kind == ERR_NONE && is_settled && !is_notified ? wait(zone, &wake, reterr) : kind;
}

static enum err_kind stand_by(struct zone *zone, struct err *reterr)
{
    if (zone->memory != NULL) {
        log_event(LOG_LEVEL_WARNING, "zone_lost", LOG_TEXT("lease", zone->lease.name));
        drop_memory(zone);
    }
    bool notified = false;
    int64_t wait = zone->lease.ttl_ms / 5;
    return db_wait(zone->db, -1, (int)(wait < TROUBLE_MS ? wait : TROUBLE_MS), &notified, reterr);
}

static enum err_kind keep_lease(struct zone *zone, struct err *reterr)
{
    if (zone->is_in_doubt) {
        enum err_kind kind = lease_give(&zone->lease, zone->db, reterr);
        if (kind != ERR_NONE)
            return kind;
        zone->is_in_doubt = false;
    }
    return lease_keep(&zone->lease, zone->db, reterr);
}

static enum err_kind round_of(struct zone *zone, struct err *reterr)
{
    enum err_kind kind = keep_lease(zone, reterr);
    atomic_store(&zone->leads, zone->lease.held && kind == ERR_NONE);
    if (kind != ERR_NONE)
        return kind;
    return zone->lease.held ? lead_once(zone, reterr) : stand_by(zone, reterr);
}

/* Whatever went wrong is said here; then the database is given a moment. */
static void trouble(struct zone *zone, enum err_kind kind, const struct err *err)
{
    if (zone->troubles++ % TROUBLE_SAID == 0)
        log_error("zone_round_failed", err);
    if (kind == ERR_FENCED)
        zone->lease.held = false;
    if (kind == ERR_UNAVAILABLE || kind == ERR_UNKNOWN_OUTCOME)
        drop_memory(zone); /* what became of the work that was under way is not known */
    if (kind == ERR_UNKNOWN_OUTCOME)
        zone->is_in_doubt = true; /* nor is it over: memory built now might lack what it is about to write */
    bool notified = false;
    if (db_wait(zone->db, -1, TROUBLE_MS, &notified, NULL) != ERR_NONE) /* it cannot even wait there */
        (void)shutdown_wait(TROUBLE_MS);                                /* the loop looks itself */
}

static void *zone_run(void *context)
{
    struct zone *zone = context;
    struct err err = {0};
    enum err_kind kind = db_listen(zone->db, "sluice_wish", &err);
    if (kind == ERR_NONE)
        kind = db_listen(zone->db, "sluice_clock", &err);
    while (!shutdown_requested() && !atomic_load(&zone->leaves)) {
        if (kind != ERR_NONE)
            trouble(zone, kind, &err);
        else
            zone->troubles = 0;
        atomic_store(&zone->healthy, kind == ERR_NONE);
        err = (struct err){0};
        kind = round_of(zone, &err);
    }
    drop_memory(zone);
    lease_release(&zone->lease, zone->db);
    atomic_store(&zone->leads, false);
    atomic_store(&zone->ended, true);
    return NULL;
}

void zone_register_metrics(void)
{
    zone_pass_register_metrics();
    zone_pause_register_metrics();
    zone_question_register_metrics();
    zone_verify_register_metrics();
}

struct zone *zone_start(struct identity id, const struct zone_options *options)
{
    struct zone *zone = alloc_zero(1, sizeof *zone);
    zone->id = id;
    zone->options = *options;
    zone_isolation_init(&zone->isolation);
    char uuid[UUID_TEXT_SIZE];
    char name[80];
    identity_to_uuid(id, uuid);
    (void)snprintf(name, sizeof name, "zone:%s", uuid);
    lease_init(&zone->lease, name, options->lease_ttl_ms);
    int timeout_ms = (int)(options->lease_ttl_ms * 2 / 3); /* a leader's transaction ends before its lease does */
    zone->db = db_new(&(struct db_options){.url = options->database_url,
                                           .role = ROLE,
                                           .application_name = name,
                                           .by_key = true,
                                           .statement_timeout_ms = timeout_ms,
                                           .idle_in_transaction_session_timeout_ms = timeout_ms,
                                           .lock_timeout_ms = timeout_ms});
    zone->verify = zone_verify_new(options->database_url, name);
    must(pthread_create(&zone->thread, NULL, zone_run, zone) == 0);
    return zone;
}

void zone_leave(struct zone *zone)
{
    atomic_store(&zone->leaves, true);
}

bool zone_has_ended(const struct zone *zone)
{
    return atomic_load(&zone->ended);
}

void zone_join(struct zone *zone)
{
    must(pthread_join(zone->thread, NULL) == 0);
}

void zone_free(struct zone *zone)
{
    zone_verify_free(zone->verify);
    db_free(zone->db);
    free(zone);
}

struct identity zone_id(const struct zone *zone)
{
    return zone->id;
}

bool zone_is_leader(const struct zone *zone)
{
    return atomic_load(&zone->leads);
}

bool zone_is_healthy(const struct zone *zone)
{
    return atomic_load(&zone->healthy);
}
