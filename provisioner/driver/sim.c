/* The sim driver: stands for nodes that nobody has here, and says so wherever it shows. Its world is the table
 * sim_workload: starting and stopping take domain time, a start fails with a probability that is drawn from the zone's
 * seed, the instance, its incarnation and the attempt, so the same seed and history give the same faults. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/db.h"
#include "common/must.h"
#include "provisioner/driver/driver.h"
#include "provisioner/idmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PPM 1000000

/* An instance has one stay at a time in memory: its present incarnation. */
struct sim_workload {
    struct driver_workload is;
    const char *state; /* as in the table */
    int64_t changes_at_s;
    bool will_fail;
    bool changed;
    bool gone; /* delete its row */
};

struct driver {
    struct driver_settings settings;
    struct sim_workload *workloads;
    uint32_t count, capacity;
    struct idmap by_instance;
};

static const struct db_stmt statement_load = {
    .name = "sim_load",
    .sql = "SELECT w.instance_id, w.incarnation, w.node_id, w.state,"
           "       coalesce(extract(epoch FROM w.changes_at)::bigint, 9223372036854775807), w.will_fail"
           "  FROM instance i JOIN sim_workload w ON w.instance_id = i.id AND w.incarnation = i.incarnation"
           " WHERE i.reservation_id = ANY($1::uuid[])",
    .params = 1,
};

static const struct db_stmt statement_put = {
    .name = "sim_put",
    .sql = "INSERT INTO sim_workload AS w (instance_id, incarnation, zone_id, node_id, state, changes_at, will_fail)"
           " SELECT n.instance, n.incarnation, $1::uuid, n.node, n.state, to_timestamp(n.changes), n.fails"
           "   FROM unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::bigint[], $7::boolean[])"
           "        AS n (instance, incarnation, node, state, changes, fails)"
           " ON CONFLICT (instance_id, incarnation) DO UPDATE"
           " SET state = excluded.state, changes_at = excluded.changes_at, will_fail = excluded.will_fail",
    .params = 7,
};

static const struct db_stmt statement_delete = {
    .name = "sim_delete",
    .sql = "DELETE FROM sim_workload w USING unnest($1::uuid[], $2::int[]) AS n (instance, incarnation)"
           " WHERE w.instance_id = n.instance AND w.incarnation = n.incarnation",
    .params = 2,
};

static const struct db_stmt *const statements[] = {&statement_load, &statement_put, &statement_delete, NULL};

static const char *const state_texts[] = {"starting", "up", "stopping", "down", "broken"};

static const char *state_of_text(const char *text)
{
    for (size_t i = 0; i < COUNT_OF(state_texts); i++) {
        if (strcmp(state_texts[i], text) == 0)
            return state_texts[i];
    }
    must(false); /* the table's check allows no other */
    return NULL;
}

static struct driver *sim_open(void)
{
    return alloc_zero(1, sizeof(struct driver));
}

static void sim_close(struct driver *driver)
{
    if (driver == NULL)
        return;
    idmap_clear(&driver->by_instance);
    free(driver->workloads);
    free(driver);
}

static void sim_set(struct driver *driver, const struct driver_settings *settings)
{
    driver->settings = *settings;
}

static int64_t sim_stop_limit_s(const struct driver *driver)
{
    return driver->settings.stop_s;
}

static void sim_reset(struct driver *driver)
{
    driver->count = 0;
    idmap_reset(&driver->by_instance);
}

static struct sim_workload *workload_add(struct driver *driver, const struct driver_workload *is)
{
    uint32_t at = idmap_find(&driver->by_instance, is->instance);
    if (at == IDMAP_NONE || driver->workloads[at].gone) { /* a former incarnation's row is still to be deleted */
        if (driver->count == driver->capacity) {
            driver->capacity = driver->capacity == 0 ? 64 : 2 * driver->capacity;
            driver->workloads = alloc_resize(driver->workloads, driver->capacity, sizeof *driver->workloads);
        }
        at = driver->count++;
        idmap_put(&driver->by_instance, is->instance, at);
    }
    driver->workloads[at] = (struct sim_workload){.is = *is, .state = "down", .changes_at_s = DRIVER_NEVER};
    return &driver->workloads[at];
}

static struct sim_workload *workload_of(const struct driver *driver, const struct driver_workload *is)
{
    uint32_t at = idmap_find(&driver->by_instance, is->instance);
    if (at == IDMAP_NONE || driver->workloads[at].gone || driver->workloads[at].is.incarnation != is->incarnation)
        return NULL;
    return &driver->workloads[at];
}

static enum err_kind sim_load_send(struct driver *driver, struct db *db, const char *reservations, struct err *reterr)
{
    (void)driver;
    return db_send(db, &statement_load, DB_PARAMS(reservations), reterr);
}

static enum err_kind sim_load_receive(struct driver *driver, struct db *db, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_receive(db, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    for (int row = 0; row < PQntuples(result); row++) {
        struct sim_workload *workload =
            workload_add(driver, &(struct driver_workload){.instance = db_identity(result, row, 0),
                                                           .incarnation = db_int(result, row, 1, 0),
                                                           .node = db_identity(result, row, 2)});
        workload->state = state_of_text(db_text(result, row, 3));
        workload->changes_at_s = db_int(result, row, 4, DRIVER_NEVER);
        workload->will_fail = db_bool(result, row, 5);
    }
    return ERR_NONE;
}

/* splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static bool draw_fails(const struct driver_settings *settings, const struct driver_workload *workload, int64_t attempt)
{
    uint64_t halves[2];
    memcpy(halves, workload->instance.bytes, sizeof halves);
    uint64_t drawn = mix((uint64_t)settings->seed);
    drawn = mix(drawn ^ halves[0]);
    drawn = mix(drawn ^ halves[1]);
    drawn = mix(drawn ^ (uint64_t)workload->incarnation);
    drawn = mix(drawn ^ (uint64_t)attempt);
    return drawn % PPM < (uint64_t)settings->fail_ppm;
}

static void sim_start(struct driver *driver, const struct driver_workload *is, int64_t attempt, int64_t now_s)
{
    struct sim_workload *workload = workload_add(driver, is);
    workload->state = "starting";
    workload->changes_at_s = now_s + driver->settings.start_s;
    workload->will_fail = draw_fails(&driver->settings, is, attempt);
    workload->changed = true;
}

static void sim_stop(struct driver *driver, const struct driver_workload *is, int64_t now_s)
{
    struct sim_workload *workload = workload_of(driver, is);
    if (workload == NULL || strcmp(workload->state, "stopping") == 0 || strcmp(workload->state, "down") == 0)
        return;
    workload->state = "stopping";
    workload->changes_at_s = now_s + driver->settings.stop_s;
    workload->changed = true;
}

static void sim_forget(struct driver *driver, const struct driver_workload *is)
{
    struct sim_workload *workload = workload_of(driver, is);
    if (workload != NULL)
        workload->gone = true;
}

static void sim_report(const struct driver *driver, const struct driver_workload *is, int64_t now_s,
                       struct driver_report *ret)
{
    *ret = (struct driver_report){.state = DRIVER_ABSENT, .look_again_s = DRIVER_NEVER};
    const struct sim_workload *workload = workload_of(driver, is);
    if (workload == NULL)
        return;
    /* The table keeps what was last ordered; what time has made of it since is worked out here. */
    bool changed_since = workload->changes_at_s <= now_s;
    if (strcmp(workload->state, "starting") == 0) {
        enum driver_state then = workload->will_fail ? DRIVER_BROKEN : DRIVER_UP;
        ret->state = changed_since ? then : DRIVER_STARTING;
    } else if (strcmp(workload->state, "stopping") == 0) {
        ret->state = changed_since ? DRIVER_DOWN : DRIVER_STOPPING;
    } else {
        bool up = strcmp(workload->state, "up") == 0;
        ret->state = up ? DRIVER_UP : DRIVER_DOWN;
    }
    if (!changed_since)
        ret->look_again_s = workload->changes_at_s;
    (void)snprintf(ret->address, sizeof ret->address, "sim:%02x%02x%02x%02x:%lld", is->node.bytes[12],
                   is->node.bytes[13], is->node.bytes[14], is->node.bytes[15], (long long)is->incarnation);
}

/* ---- Writing ---- */

static enum err_kind put_send(struct driver *driver, struct db *db, int *ret_answers, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array instances = {0};
    CLEANUP(db_array_clear) struct db_array incarnations = {0};
    CLEANUP(db_array_clear) struct db_array nodes = {0};
    CLEANUP(db_array_clear) struct db_array states = {0};
    CLEANUP(db_array_clear) struct db_array changes = {0};
    CLEANUP(db_array_clear) struct db_array fails = {0};
    for (uint32_t i = 0; i < driver->count; i++) {
        const struct sim_workload *workload = &driver->workloads[i];
        if (!workload->changed || workload->gone)
            continue;
        db_array_identity(&instances, workload->is.instance);
        db_array_int(&incarnations, workload->is.incarnation);
        db_array_identity(&nodes, workload->is.node);
        db_array_text(&states, workload->state);
        db_array_int(&changes, workload->changes_at_s);
        db_array_bool(&fails, workload->will_fail);
    }
    if (instances.count == 0)
        return ERR_NONE;
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(driver->settings.zone, zone);
    ++*ret_answers;
    return db_send(db, &statement_put,
                   DB_PARAMS(zone, db_array_param(&instances), db_array_param(&incarnations), db_array_param(&nodes),
                             db_array_param(&states), db_array_param(&changes), db_array_param(&fails)),
                   reterr);
}

static enum err_kind delete_send(struct driver *driver, struct db *db, int *ret_answers, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array instances = {0};
    CLEANUP(db_array_clear) struct db_array incarnations = {0};
    for (uint32_t i = 0; i < driver->count; i++) {
        const struct sim_workload *workload = &driver->workloads[i];
        if (!workload->gone)
            continue;
        db_array_identity(&instances, workload->is.instance);
        db_array_int(&incarnations, workload->is.incarnation);
    }
    if (instances.count == 0)
        return ERR_NONE;
    ++*ret_answers;
    return db_send(db, &statement_delete, DB_PARAMS(db_array_param(&instances), db_array_param(&incarnations)), reterr);
}

static enum err_kind sim_save_send(struct driver *driver, struct db *db, int *ret_answers, struct err *reterr)
{
    enum err_kind kind = put_send(driver, db, ret_answers, reterr);
    return kind == ERR_NONE ? delete_send(driver, db, ret_answers, reterr) : kind;
}

const struct driver_ops driver_sim = {
    .name = "sim",
    .statements = statements,
    .open = sim_open,
    .close = sim_close,
    .set = sim_set,
    .stop_limit_s = sim_stop_limit_s,
    .load_send = sim_load_send,
    .load_receive = sim_load_receive,
    .start = sim_start,
    .stop = sim_stop,
    .forget = sim_forget,
    .report = sim_report,
    .save_send = sim_save_send,
    .reset = sim_reset,
};
