/* sluice-provisioner: decides reservations and keeps their instances on nodes. It leads each zone that nobody else
 * leads, one thread per zone; new zones are found while it runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/admin.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/config_check.h"
#include "common/db_check.h"
#include "common/events.h"
#include "common/lease.h"
#include "common/log.h"
#include "common/must.h"
#include "common/shutdown.h"
#include "provisioner/driver/driver.h"
#include "provisioner/reconcile/maintenance.h"
#include "provisioner/zone.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROLE           "sluice_provisioner"
#define CHECKS_MAX     32  /* lists of statements */
#define ZONES_LOOK_MS  250 /* a new zone waits this long for its planner */
#define ZONES_SILENT_S 30  /* the database may be away: say so every now and then */

struct settings {
    struct config_common common;
    char *zones;
    int64_t lease_ttl_ms;
};

static const struct setting settings_table[] = {
    // clang-format off
    {"zones", SETTING_TEXT, offsetof(struct settings, zones), "", 0, 0, NULL, false,
     "names of the zones to lead, separated by commas; empty: all"},
    {"lease_ttl_ms", SETTING_INT, offsetof(struct settings, lease_ttl_ms), "3000", 500, 60000, "ms", false,
     "how long a zone waits for a leader that went silent; its transactions last two thirds of it at most"},
    SETTINGS_END,
    // clang-format on
};

struct zone_list {
    struct zone **items;
    size_t count;
};

struct provisioner {
    struct settings settings;
    struct db *db;
    pthread_mutex_t lock; /* of zones: the admin's thread reads them */
    struct zone_list zones;
    bool knows_zones;         /* the database has answered, and is one for this program */
    struct err trouble;       /* else why not */
    struct zone_list leaving; /* removed; the database may keep their threads waiting for seconds */
};

static const struct db_stmt statement_zones = {
    .name = "provisioner_zones",
    .sql = "SELECT id FROM zone WHERE $1::text = '' OR name = ANY(string_to_array($1::text, ',')) ORDER BY id",
    .params = 1,
};

static const struct db_stmt *const statements[] = {&statement_zones, NULL};

/* Every statement of the program on a database. Returns the exit status. */
static int check_statements(const char *database_url)
{
    const struct db_stmt *const *const lists[] = {
        statements,       driver_sim.statements,   clock_domain_statements,   clock_acknowledge_statements,
        lease_statements, event_cursor_statements, db_transaction_statements, db_schema_statements,
    };
    struct db_check checks[CHECKS_MAX] = {0};
    size_t count = 0;
    for (; count < COUNT_OF(lists); count++)
        checks[count] = (struct db_check){lists[count], ROLE, NULL};
    for (size_t i = 0; zone_statements[i] != NULL; i++) {
        must(count + 1 < CHECKS_MAX);
        checks[count++] = (struct db_check){zone_statements[i], ROLE, NULL};
    }
    return db_check_statements(database_url, checks);
}

static bool is_known(const struct provisioner *provisioner, struct identity id)
{
    for (size_t i = 0; i < provisioner->zones.count; i++) {
        if (identity_equal(zone_id(provisioner->zones.items[i]), id))
            return true;
    }
    return false;
}

static void append(struct zone_list *list, struct zone *zone)
{
    list->items = alloc_resize(list->items, list->count + 1, sizeof(struct zone *));
    list->items[list->count++] = zone;
}

static void add_zone(struct provisioner *provisioner, struct identity id)
{
    struct zone_options options = {.database_url = provisioner->settings.common.database_url,
                                   .lease_ttl_ms = provisioner->settings.lease_ttl_ms};
    append(&provisioner->zones, zone_start(id, &options));
}

static bool is_listed(const PGresult *zones, struct identity id)
{
    for (int row = 0; row < PQntuples(zones); row++) {
        if (identity_equal(db_identity(zones, row, 0), id))
            return true;
    }
    return false;
}

/* Those that were removed: their threads end at their next look, and nobody waits for that here. */
static void drop_zones(struct provisioner *provisioner, const PGresult *listed)
{
    struct zone_list *zones = &provisioner->zones;
    size_t kept = 0;
    for (size_t i = 0; i < zones->count; i++) {
        struct zone *zone = zones->items[i];
        if (is_listed(listed, zone_id(zone))) {
            zones->items[kept++] = zone;
            continue;
        }
        zone_leave(zone);
        append(&provisioner->leaving, zone);
    }
    zones->count = kept;
}

static void let_go(struct zone_list *leaving)
{
    size_t kept = 0;
    for (size_t i = 0; i < leaving->count; i++) {
        struct zone *zone = leaving->items[i];
        if (!zone_has_ended(zone)) {
            leaving->items[kept++] = zone;
            continue;
        }
        zone_join(zone);
        zone_free(zone);
    }
    leaving->count = kept;
}

static void join_all(const struct zone_list *zones)
{
    for (size_t i = 0; i < zones->count; i++)
        zone_join(zones->items[i]);
}

static void free_all(struct zone_list *zones)
{
    for (size_t i = 0; i < zones->count; i++)
        zone_free(zones->items[i]);
    free(zones->items);
    *zones = (struct zone_list){0};
}

static enum err_kind look_for_zones(struct provisioner *provisioner, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    struct err err = {0};
    enum err_kind kind = db_check_schema(provisioner->db, &err); /* it may have been migrated beyond this program */
    if (kind == ERR_NONE)
        kind = db_run(provisioner->db, &statement_zones, DB_PARAMS(provisioner->settings.zones), &result, &err);
    (void)pthread_mutex_lock(&provisioner->lock); /* cannot fail on a mutex of this kind */
    provisioner->knows_zones = kind == ERR_NONE;
    provisioner->trouble = err;
    for (int row = 0; kind == ERR_NONE && row < PQntuples(result); row++) {
        struct identity id = db_identity(result, row, 0);
        if (!is_known(provisioner, id))
            add_zone(provisioner, id);
    }
    if (kind == ERR_NONE)
        drop_zones(provisioner, result);
    (void)pthread_mutex_unlock(&provisioner->lock);
    *reterr = err;
    return kind;
}

/* Ready: the database answers, and each zone is led here or somebody else's. */
static bool ready(void *context, FILE *out)
{
    struct provisioner *provisioner = context;
    (void)pthread_mutex_lock(&provisioner->lock);
    bool all = provisioner->knows_zones;
    const char *trouble = provisioner->trouble.text[0] == '\0' ? "not asked yet" : provisioner->trouble.text;
    fprintf(out, "database %s\n", all ? "ok" : trouble);
    for (size_t i = 0; i < provisioner->zones.count; i++) {
        const struct zone *zone = provisioner->zones.items[i];
        char id[IDENTITY_TEXT_SIZE];
        identity_to_text(IDENTITY_ZONE, zone_id(zone), id);
        const char *state = zone_is_leader(zone) ? "leading" : "standing by";
        fprintf(out, "zone %s %s\n", id, zone_is_healthy(zone) ? state : "in trouble");
        all = all && zone_is_healthy(zone);
    }
    (void)pthread_mutex_unlock(&provisioner->lock);
    return all;
}

/* Until the shutdown is requested. */
static void keep_zones(struct provisioner *provisioner)
{
    int64_t silent = 0;
    while (!shutdown_requested()) {
        struct err err = {0};
        bool notified = false;
        if (look_for_zones(provisioner, &err) != ERR_NONE && silent-- <= 0) {
            log_error("zones_not_read", &err);
            silent = ZONES_SILENT_S * 1000 / ZONES_LOOK_MS;
        }
        let_go(&provisioner->leaving);
        if (db_wait(provisioner->db, -1, ZONES_LOOK_MS, &notified, NULL) != ERR_NONE) /* the database is away */
            (void)shutdown_wait(ZONES_LOOK_MS);                                       /* the loop looks itself */
    }
}

static enum err_kind serve(struct provisioner *provisioner, struct err *reterr)
{
    enum err_kind kind = db_check_schema(provisioner->db, reterr);
    if (kind == ERR_PRECONDITION) /* a database that is away comes back */
        return kind;
    struct admin *admin = NULL;
    kind = admin_start(provisioner->settings.common.admin_listen, ready, provisioner, &admin, reterr);
    if (kind != ERR_NONE)
        return kind;
    log_event(LOG_LEVEL_INFO, "started", LOG_TEXT("zones", provisioner->settings.zones));
    keep_zones(provisioner);
    join_all(&provisioner->zones);
    join_all(&provisioner->leaving);
    admin_stop(admin); /* it looks at the zones until then */
    free_all(&provisioner->zones);
    free_all(&provisioner->leaving);
    log_event(LOG_LEVEL_INFO, "stopped");
    return ERR_NONE;
}

static int print_states(void)
{
    puts("# State machines\n\n"
         "Printed from the transition tables by `sluice-provisioner --print-states`; do not edit. Rows stand in their\n"
         "order of priority: the first of a state whose event holds and whose guard lets it through is taken. The"
         " number\n"
         "is stored on the event of the move.\n");
    const struct fsm *const machines[] = {&reservation_fsm, &instance_fsm, &node_fsm, &maintenance_fsm};
    for (size_t i = 0; i < COUNT_OF(machines); i++)
        fsm_print(machines[i], stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--print-states") == 0)
        return print_states();
    struct provisioner provisioner = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const struct config_part parts[] = {
        {config_common_settings, &provisioner.settings.common}, {settings_table, &provisioner.settings}, {0}};
    struct err err = {0};
    bool done = false;
    int status = EXIT_SUCCESS;
    log_start("sluice-provisioner", LOG_LEVEL_INFO);
    const struct config_check *const checks[] = {config_common_checks, NULL};
    enum err_kind kind =
        config_load_checked("sluice-provisioner", "Decides reservations and keeps their instances on nodes.", parts,
                            checks, argc, argv, &done, &status, &err);
    if (kind == ERR_NONE && !done && provisioner.settings.common.check_statements) {
        status = check_statements(provisioner.settings.common.database_url);
    } else if (kind == ERR_NONE && !done) {
        log_start("sluice-provisioner", log_level_from_text(provisioner.settings.common.log_level));
        shutdown_install();
        zone_register_metrics();
        provisioner.db = db_new(&(struct db_options){.url = provisioner.settings.common.database_url,
                                                     .role = ROLE,
                                                     .application_name = "sluice-provisioner",
                                                     .statement_timeout_ms = 5000});
        kind = serve(&provisioner, &err);
        db_free(provisioner.db);
    }
    if (kind != ERR_NONE) {
        log_error("start_failed", &err);
        status = EXIT_FAILURE;
    }
    config_release(parts);
    return status;
}
