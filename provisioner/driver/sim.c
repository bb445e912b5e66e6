/* The sim driver: stands for nodes that nobody has here, and says so wherever it shows. Its world is the table
 * sim_workload: starting and stopping take domain time, a start fails with a probability that is drawn from the zone's
 * seed, the instance, its incarnation and the attempt, so the same seed and history give the same faults. The console
 * of what it runs says what the driver did, each line beginning with "sim:"; no machine is behind it, and it feigns
 * none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/db.h"
#include "common/must.h"
#include "provisioner/driver/console.h"
#include "provisioner/driver/driver.h"
#include "provisioner/idmap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PPM 1000000

/* An instance has one stay at a time in memory: its present incarnation. */
struct sim_workload {
    struct driver_workload is;
    enum driver_state state;
    int64_t changes_at_s; /* DRIVER_NEVER: nothing is under way */
    int64_t line_count;   /* that its console has said */
    bool will_fail;
    bool changed;
    bool gone; /* delete its row */
};

struct driver {
    struct driver_settings settings;
    struct sim_workload *workloads;
    uint32_t count, capacity;
    struct idmap by_instance;
    struct console console;
};

static const struct db_stmt statement_load = {
    .name = "sim_load",
    .sql = "SELECT w.instance_id, w.incarnation, w.node_id, w.state,"
           "       coalesce(date_part('epoch', w.changes_at)::bigint, 9223372036854775807), w.will_fail, w.line_count,"
           "       i.tenant_id"
           "  FROM instance i JOIN sim_workload w ON w.instance_id = i.id AND w.incarnation = i.incarnation"
           " WHERE i.reservation_id = ANY($1::uuid[])",
    .params = 1,
};
enum {
    LOADED_INSTANCE,
    LOADED_INCARNATION,
    LOADED_NODE,
    LOADED_STATE,
    LOADED_CHANGES_AT,
    LOADED_WILL_FAIL,
    LOADED_LINE_COUNT,
    LOADED_TENANT,
};

static const struct db_stmt statement_put = {
    .name = "sim_put",
    .sql = "INSERT INTO sim_workload AS w"
           " (instance_id, incarnation, zone_id, node_id, state, changes_at, will_fail, line_count)"
           " SELECT n.instance, n.incarnation, $1::uuid, n.node, n.state, to_timestamp(n.changes), n.fails, n.lines"
           "   FROM unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::bigint[], $7::boolean[], $8::int[])"
           "        AS n (instance, incarnation, node, state, changes, fails, lines)"
           " ON CONFLICT (instance_id, incarnation) DO UPDATE"
           " SET state = excluded.state, changes_at = excluded.changes_at, will_fail = excluded.will_fail,"
           "     line_count = excluded.line_count",
    .params = 8,
};

static const struct db_stmt statement_delete = {
    .name = "sim_delete",
    .sql = "DELETE FROM sim_workload w USING unnest($1::uuid[], $2::int[]) AS n (instance, incarnation)"
           " WHERE w.instance_id = n.instance AND w.incarnation = n.incarnation",
    .params = 2,
};

static const struct db_stmt *const statements[] = {&statement_load, &statement_put, &statement_delete, NULL};

/* By what the node reports. The table's check allows no others. */
static const char *const state_texts[] = {
    [DRIVER_STARTING] = "starting", [DRIVER_UP] = "up",     [DRIVER_BROKEN] = "broken",
    [DRIVER_STOPPING] = "stopping", [DRIVER_DOWN] = "down",
};

static enum driver_state state_of_text(const char *text)
{
    size_t state = DRIVER_ABSENT + 1;
    while (strcmp(state_texts[state], text) != 0)
        must(++state < COUNT_OF(state_texts));
    return (enum driver_state)state;
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
    console_clear(&driver->console);
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

/* Where it was not saved its world is as it was, and says the same when it comes there again. */
static void sim_reset(struct driver *driver, bool is_saved)
{
    (void)is_saved;
    driver->count = 0;
    idmap_reset(&driver->by_instance);
    console_reset(&driver->console);
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
    driver->workloads[at] = (struct sim_workload){.is = *is, .state = DRIVER_DOWN, .changes_at_s = DRIVER_NEVER};
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
            workload_add(driver, &(struct driver_workload){.instance = db_identity(result, row, LOADED_INSTANCE),
                                                           .incarnation = db_int(result, row, LOADED_INCARNATION, 0),
                                                           .node = db_identity(result, row, LOADED_NODE),
                                                           .tenant = db_identity(result, row, LOADED_TENANT)});
        workload->state = state_of_text(db_text(result, row, LOADED_STATE));
        workload->changes_at_s = db_int(result, row, LOADED_CHANGES_AT, DRIVER_NEVER);
        workload->will_fail = db_bool(result, row, LOADED_WILL_FAIL);
        workload->line_count = db_int(result, row, LOADED_LINE_COUNT, 0);
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

/* ---- Its console ---- */

PRINTF_LIKE(4, 5)
static void say(struct driver *driver, struct sim_workload *workload, int64_t at_s, const char *format, ...)
{
    char text[DRIVER_LINE_SIZE] = "sim: ";
    size_t begun = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + begun, sizeof text - begun, format, arguments); /* what is too long is cut */
    va_end(arguments);
    console_say(&driver->console, &workload->is, ++workload->line_count, at_s, text);
}

static void address_of(const struct driver_workload *is, char ret[static DRIVER_ADDRESS_SIZE])
{
    const uint8_t *node = is->node.bytes;
    (void)snprintf(ret, DRIVER_ADDRESS_SIZE, "sim:%02x%02x%02x%02x:%" PRId64, node[12], node[13], node[14], node[15],
                   is->incarnation);
}

static void tell_start_over(struct driver *driver, struct sim_workload *workload, int64_t at_s)
{
    char address[DRIVER_ADDRESS_SIZE];
    address_of(&workload->is, address);
    if (workload->will_fail)
        say(driver, workload, at_s, "it does not come up: a fault was drawn, as in %" PRId64 " of 1,000,000 starts",
            driver->settings.fail_ppm);
    else
        say(driver, workload, at_s, "up at %s", address);
}

/* ---- Orders and reports ---- */

/* What time has made of what was ordered, once. */
static void settle(struct driver *driver, struct sim_workload *workload, int64_t now_s)
{
    if (workload->changes_at_s > now_s)
        return;
    int64_t at_s = workload->changes_at_s;
    if (workload->state == DRIVER_STARTING) {
        tell_start_over(driver, workload, at_s);
        workload->state = workload->will_fail ? DRIVER_BROKEN : DRIVER_UP;
    } else {
        say(driver, workload, at_s, "powered off");
        workload->state = DRIVER_DOWN;
    }
    workload->changes_at_s = DRIVER_NEVER;
    workload->changed = true;
}

/* As it is now; NULL: nothing is known of it. */
static struct sim_workload *look(struct driver *driver, const struct driver_workload *is, int64_t now_s)
{
    struct sim_workload *workload = workload_of(driver, is);
    if (workload != NULL)
        settle(driver, workload, now_s);
    return workload;
}

static void sim_start(struct driver *driver, const struct driver_workload *is, int64_t attempt, int64_t now_s)
{
    const struct sim_workload *before = look(driver, is, now_s);
    int64_t line_count = before == NULL ? 0 : before->line_count;
    struct sim_workload *workload = workload_add(driver, is);
    workload->state = DRIVER_STARTING;
    workload->changes_at_s = now_s + driver->settings.start_s;
    workload->will_fail = draw_fails(&driver->settings, is, attempt);
    workload->line_count = line_count;
    workload->changed = true;
    say(driver, workload, now_s, "power on, attempt %" PRId64 "; no machine boots, it counts as up after %" PRId64 " s",
        attempt, driver->settings.start_s);
}

static void sim_stop(struct driver *driver, const struct driver_workload *is, int64_t now_s)
{
    struct sim_workload *workload = look(driver, is, now_s);
    if (workload == NULL || workload->state == DRIVER_STOPPING || workload->state == DRIVER_DOWN)
        return;
    workload->state = DRIVER_STOPPING;
    workload->changes_at_s = now_s + driver->settings.stop_s;
    workload->changed = true;
    say(driver, workload, now_s, "shutdown asked; it counts as off after %" PRId64 " s", driver->settings.stop_s);
}

static void sim_forget(struct driver *driver, const struct driver_workload *is, int64_t now_s)
{
    struct sim_workload *workload = look(driver, is, now_s);
    if (workload == NULL)
        return;
    if (workload->state != DRIVER_DOWN)
        say(driver, workload, now_s, "forgotten here; it was %s", state_texts[workload->state]);
    workload->gone = true;
}

static void sim_report(struct driver *driver, const struct driver_workload *is, int64_t now_s,
                       struct driver_report *ret)
{
    *ret = (struct driver_report){.state = DRIVER_ABSENT, .look_again_s = DRIVER_NEVER};
    const struct sim_workload *workload = look(driver, is, now_s);
    if (workload == NULL)
        return;
    ret->state = workload->state;
    ret->look_again_s = workload->changes_at_s;
    address_of(is, ret->address);
}

static struct driver_lines sim_said(const struct driver *driver)
{
    return console_lines(&driver->console);
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
    CLEANUP(db_array_clear) struct db_array lines = {0};
    for (uint32_t i = 0; i < driver->count; i++) {
        const struct sim_workload *workload = &driver->workloads[i];
        if (!workload->changed || workload->gone)
            continue;
        db_array_identity(&instances, workload->is.instance);
        db_array_int(&incarnations, workload->is.incarnation);
        db_array_identity(&nodes, workload->is.node);
        db_array_text(&states, state_texts[workload->state]);
        db_array_int_or_null(&changes, workload->changes_at_s, DRIVER_NEVER);
        db_array_bool(&fails, workload->will_fail);
        db_array_int(&lines, workload->line_count);
    }
    if (instances.count == 0)
        return ERR_NONE;
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(driver->settings.zone, zone);
    ++*ret_answers;
    return db_send(db, &statement_put,
                   DB_PARAMS(zone, db_array_param(&instances), db_array_param(&incarnations), db_array_param(&nodes),
                             db_array_param(&states), db_array_param(&changes), db_array_param(&fails),
                             db_array_param(&lines)),
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
    .said = sim_said,
    .save_send = sim_save_send,
    .reset = sim_reset,
};
