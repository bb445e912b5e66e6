/* From the event log to intervals and stretches: read a batch and the states it touches, fold, write. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/meter/meter.h"

#include "billing/meter/event_batch.h"
#include "billing/meter/meter_store.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/shutdown.h"

#define CUT_CHUNK        5000  /* instances per transaction */
#define CATCH_UP_POLL_MS 2     /* writing transactions are short */
#define CATCH_UP_MOST_MS 10000 /* then something is wrong: the oldest writer is an alert */

static struct metric metric_events = {.name = "sluice_billing_events_total",
                                      .type = METRIC_COUNTER,
                                      .help = "Events of instances and nodes that were metered"};
static struct metric metric_late = {.name = "sluice_billing_late_events_total",
                                    .type = METRIC_COUNTER,
                                    .help = "Events dated before what was metered already; they count from there"};
static struct metric metric_missing = {.name = "sluice_billing_missing_events_total",
                                       .type = METRIC_COUNTER,
                                       .help = "Revisions that no event of the log has: a bug of a writer"};

void meter_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_events, &metric_late, &metric_missing};
    metric_register(metrics, COUNT_OF(metrics));
}

static const struct db_stmt statement_barrier = {
    .name = "meter_barrier",
    .sql = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text",
    .params = 0,
};

static const struct db_stmt statement_barrier_passed = {
    .name = "meter_barrier_passed",
    .sql = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8",
    .params = 1,
};

const struct db_stmt *const meter_statements[] = {&statement_barrier, &statement_barrier_passed, NULL};

/* A batch's transaction. */
struct consumption {
    int64_t floor_s; /* up to here the days are closed */
    bool more;       /* out: there may be another batch */
};

static void count_outcome(enum tiling_outcome outcome, const struct metered_event *event)
{
    metric_add(&metric_events, outcome == TILING_APPLIED || outcome == TILING_LATE);
    metric_add(&metric_late, outcome == TILING_LATE);
    if (outcome != TILING_UNKNOWN)
        return;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(event->object, id);
    log_event(LOG_LEVEL_ERROR, "event_state_unknown", LOG_TEXT("object", id), LOG_TEXT("state", event->fact.state));
}

/* What was not yet committed to be known when its day closed counts from the first open day. */
static struct tiling_event dated(const struct metered_event *event, int64_t floor_s)
{
    struct tiling_event fact = event->fact;
    if (fact.occurred_at_s < floor_s) {
        fact.occurred_at_s = floor_s;
        metric_add(&metric_late, 1);
    }
    return fact;
}

static enum tiling_outcome apply_instance(struct metered_instance *instance, const struct metered_event *event,
                                          int64_t floor_s, struct meter_output *output)
{
    struct tiling_interval stretch = {0};
    struct tiling_event fact = dated(event, floor_s);
    bool was_closed = instance->tiling.closed;
    enum tiling_outcome outcome = tiling_apply(&instance->tiling, &fact, &stretch);
    meter_output_stretch(output, instance, &stretch);
    bool is_applied = outcome == TILING_APPLIED || outcome == TILING_LATE;
    if (is_applied) { /* of a window that begins, or goes on, in a closed day: what is open begins in an open one */
        tiling_cut(&instance->tiling, floor_s, &stretch);
        meter_output_stretch(output, instance, &stretch);
    }
    if (instance->tiling.closed && !was_closed)
        meter_output_end(output, instance);
    return outcome;
}

static enum tiling_outcome apply_node(struct metered_node *node, const struct metered_event *event, int64_t floor_s,
                                      struct meter_output *output)
{
    struct tiling_event fact = dated(event, floor_s);
    struct node_idle_event change_of_state = {
        .revision = fact.revision, .occurred_at_s = fact.occurred_at_s, .state = fact.state};
    struct node_idle_change change;
    enum tiling_outcome outcome = node_idle_apply(&node->idle, &change_of_state, &change);
    if (change.begins) {
        struct metered_node previous = *node;
        previous.idle = change.previous;
        meter_output_idle(output, &previous, node->idle.since_s);
        node->stored = false;
    }
    return outcome;
}

/* One object of the batch: its events are neighbours, by revision. */
struct subject {
    struct metered_instance *instance; /* or */
    struct metered_node *node;
    const struct metered_event *events;
    size_t count;
};

static int64_t *revision_of(const struct subject *subject)
{
    return subject->instance != NULL ? &subject->instance->tiling.revision : &subject->node->idle.revision;
}

static enum tiling_outcome apply(const struct subject *subject, const struct metered_event *event, int64_t floor_s,
                                 struct meter_output *output)
{
    enum tiling_outcome outcome = subject->instance != NULL ? apply_instance(subject->instance, event, floor_s, output)
                                                            : apply_node(subject->node, event, floor_s, output);
    if (outcome == TILING_UNKNOWN)
        *revision_of(subject) = event->fact.revision; /* said in the log; the next one must not look like a gap */
    count_outcome(outcome, event);
    return outcome;
}

/* An event whose predecessors are not in the batch. They are in the log, since they were committed before this one
 * was written (the object's row was locked): only the batch's border cut them off. What the log does not have either
 * will never come. */
static enum err_kind fill_gap(struct db *db, const struct subject *subject, const struct metered_event *event,
                              int64_t floor_s, struct meter_output *output, struct err *reterr)
{
    CLEANUP(event_batch_release) struct event_batch missing = {0};
    enum err_kind kind = event_batch_read_object(db, event->object, event->type, *revision_of(subject),
                                                 event->fact.revision, &missing, reterr);
    if (kind != ERR_NONE)
        return kind;
    for (size_t i = 0; i < missing.count; i++)
        (void)apply(subject, &missing.events[i], floor_s, output); /* what is still a gap is dealt with below */
    int64_t lacking = event->fact.revision - 1 - *revision_of(subject);
    if (lacking > 0) {
        char id[UUID_TEXT_SIZE];
        identity_to_uuid(event->object, id);
        metric_add(&metric_missing, lacking);
        log_event(LOG_LEVEL_ERROR, "event_missing", LOG_TEXT("object", id), LOG_INT("revision", event->fact.revision),
                  LOG_INT("missing", lacking));
        *revision_of(subject) = event->fact.revision - 1;
    }
    (void)apply(subject, event, floor_s, output); /* no gap any more */
    return ERR_NONE;
}

static enum err_kind apply_subject(struct db *db, const struct subject *subject, int64_t floor_s,
                                   struct meter_output *output, struct err *reterr)
{
    for (size_t i = 0; i < subject->count; i++) {
        if (apply(subject, &subject->events[i], floor_s, output) != TILING_GAP)
            continue;
        enum err_kind kind = fill_gap(db, subject, &subject->events[i], floor_s, output, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    if (subject->node != NULL)
        meter_output_idle(output, subject->node, TILING_OPEN_END_S);
    return ERR_NONE;
}

/* The objects of a sorted batch. */
struct subjects {
    struct subject *list;
    struct metered_instance *instances;
    struct metered_node *nodes;
    size_t count, instance_count, node_count;
};

static void subjects_release(struct subjects *subjects)
{
    free(subjects->list);
    free(subjects->instances);
    free(subjects->nodes);
}

static bool same_object(const struct metered_event *a, const struct metered_event *b)
{
    return a->type == b->type && identity_equal(a->object, b->object);
}

static void find_subjects(const struct event_batch *batch, struct subjects *ret)
{
    ret->list = alloc_zero(batch->count + 1, sizeof *ret->list);
    ret->instances = alloc_zero(batch->count + 1, sizeof *ret->instances);
    ret->nodes = alloc_zero(batch->count + 1, sizeof *ret->nodes);
    for (size_t i = 0; i < batch->count; i++) {
        const struct metered_event *event = &batch->events[i];
        if (i > 0 && same_object(event, event - 1)) {
            ret->list[ret->count - 1].count++;
            continue;
        }
        struct subject *subject = &ret->list[ret->count++];
        *subject = (struct subject){.events = event, .count = 1};
        if (event->type == METERED_INSTANCE) {
            subject->instance = &ret->instances[ret->instance_count++];
            *subject->instance = (struct metered_instance){
                .id = event->object, .tenant = event->tenant, .reservation = event->reservation};
        } else {
            subject->node = &ret->nodes[ret->node_count++];
            subject->node->id = event->object;
        }
    }
}

static enum err_kind consume_batch(struct db *db, void *context, struct err *reterr)
{
    struct consumption *consumption = context;
    CLEANUP(event_batch_release) struct event_batch batch = {0};
    enum err_kind kind = event_batch_read(db, &batch, reterr);
    consumption->more = batch.full;
    if (kind != ERR_NONE || batch.empty)
        return kind;

    CLEANUP(subjects_release) struct subjects subjects = {0};
    find_subjects(&batch, &subjects);
    kind = meter_load_instances(db, subjects.instances, subjects.instance_count, reterr);
    if (kind == ERR_NONE)
        kind = meter_load_nodes(db, subjects.nodes, subjects.node_count, reterr);

    CLEANUP(meter_output_release) struct meter_output output;
    meter_output_begin(&output, consumption->floor_s);
    for (size_t i = 0; i < subjects.count && kind == ERR_NONE; i++)
        kind = apply_subject(db, &subjects.list[i], consumption->floor_s, &output, reterr);
    if (kind == ERR_NONE)
        kind = meter_output_send(&output, db, reterr);
    if (kind == ERR_NONE)
        kind = meter_save_instances(db, subjects.instances, subjects.instance_count, reterr);
    if (kind == ERR_NONE)
        kind = event_cursor_save(db, METER_CONSUMER, &batch.end, reterr);
    return kind;
}

enum err_kind meter_consume(struct leader *leader, int64_t floor_s, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    struct consumption consumption = {.floor_s = floor_s, .more = true};
    while (kind == ERR_NONE && consumption.more && !shutdown_requested())
        kind = leader_transact(leader, consume_batch, &consumption, reterr);
    return kind == ERR_NONE ? kind : err_context(reterr, "metering events");
}

static enum err_kind barrier_passed(struct db *db, const char *barrier, bool *ret, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_barrier_passed, DB_PARAMS(barrier), &result, reterr);
    if (kind == ERR_NONE)
        *ret = db_bool(result, 0, 0);
    return kind;
}

enum err_kind meter_catch_up(struct leader *leader, int64_t floor_s, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(leader->db, &statement_barrier, DB_NO_PARAMS, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *barrier = db_text(result, 0, 0);
    int64_t deadline_ms = clock_monotonic_ms() + CATCH_UP_MOST_MS;
    bool passed = false;
    while (kind == ERR_NONE && !passed) {
        kind = barrier_passed(leader->db, barrier, &passed, reterr);
        if (kind != ERR_NONE || passed)
            break;
        if (clock_monotonic_ms() > deadline_ms || shutdown_requested())
            return err_set(reterr, ERR_TIMEOUT, "a transaction older than the close of a day does not end");
        bool notified = false;
        kind = db_wait(leader->db, -1, CATCH_UP_POLL_MS, &notified, reterr);
    }
    return kind == ERR_NONE ? meter_consume(leader, floor_s, reterr) : kind;
}

/* ---- Midnight ---- */

struct cut {
    int64_t floor_s, at_s;
    struct identity after; /* of the instances before */
    struct metered_instance *instances;
    size_t count; /* out */
};

static enum err_kind cut_chunk(struct db *db, void *context, struct err *reterr)
{
    struct cut *cut = context;
    enum err_kind kind = meter_load_open(db, cut->at_s, cut->after, cut->instances, CUT_CHUNK, &cut->count, reterr);
    if (kind != ERR_NONE || cut->count == 0)
        return kind;
    CLEANUP(meter_output_release) struct meter_output output;
    meter_output_begin(&output, cut->floor_s);
    for (size_t i = 0; i < cut->count; i++) {
        struct tiling_interval stretch;
        tiling_cut(&cut->instances[i].tiling, cut->at_s, &stretch);
        meter_output_stretch(&output, &cut->instances[i], &stretch);
    }
    kind = meter_output_send(&output, db, reterr);
    return kind == ERR_NONE ? meter_save_instances(db, cut->instances, cut->count, reterr) : kind;
}

enum err_kind meter_cut(struct leader *leader, int64_t floor_s, int64_t at_s, struct err *reterr)
{
    struct cut cut = {.floor_s = floor_s, .at_s = at_s, .count = CUT_CHUNK};
    cut.instances = alloc_zero(CUT_CHUNK, sizeof *cut.instances);
    enum err_kind kind = ERR_NONE;
    while (kind == ERR_NONE && cut.count == CUT_CHUNK) {
        kind = leader_transact(leader, cut_chunk, &cut, reterr);
        if (kind == ERR_NONE && cut.count > 0)
            cut.after = cut.instances[cut.count - 1].id;
    }
    free(cut.instances);
    return kind == ERR_NONE ? kind : err_context(reterr, "cutting usage at midnight");
}
