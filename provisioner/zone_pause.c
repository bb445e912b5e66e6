/* The rows that a pause moves: deadlines, what waits for its end, and its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_pause.h"

#include "common/log.h"
#include "common/metrics.h"

static struct metric metric_paused = {.name = "sluice_provisioner_zones_paused",
                                      .type = METRIC_GAUGE,
                                      .help = "Zones led here in which operators have stopped the automation"};

void zone_pause_register_metrics(void)
{
    struct metric *const metrics[] = {&metric_paused};
    metric_register(metrics, COUNT_OF(metrics));
}

/* $1: the zone; $2, $3: when its nodes were, and are, to be ordered about again. What waits is due then, and what was
 * said to be due at the end that no longer holds is looked at sooner; a look too many changes nothing. Where the limit of a
 * state counts from the start of a window that begins later than that, so it does still. */
// clang-format off
#define SINCE(instant, awaits_start)                                                                                   \
    "greatest(" instant "::bigint, CASE WHEN state = '" awaits_start "' THEN extract(epoch FROM starts_at)::bigint END)"
#define SHIFTED(awaits_start)                                                                                          \
    "deadline_at + (" SINCE("$3", awaits_start) " - " SINCE("$2", awaits_start) ") * interval '1 second'"
#define SHIFT_OF(table, awaits_start)                                                                                  \
    "UPDATE " table " SET deadline_at = " SHIFTED(awaits_start) ","                                                    \
    "       due_at = least(CASE WHEN due_at > to_timestamp($3::bigint) AND due_at <= to_timestamp($2::bigint)"         \
    "                           THEN to_timestamp($3::bigint) ELSE due_at END, " SHIFTED(awaits_start) ")"             \
    " WHERE zone_id = $1::uuid AND due_at IS NOT NULL AND (deadline_at IS NOT NULL"                                    \
    "   OR (due_at > to_timestamp($3::bigint) AND due_at <= to_timestamp($2::bigint)))"

static const struct db_stmt statement_instances = {
    .name = "zone_pause_instances",
    .sql = SHIFT_OF("instance", "planned"),
    .params = 3,
};

static const struct db_stmt statement_reservations = {
    .name = "zone_pause_reservations",
    .sql = SHIFT_OF("reservation_status", "activating"),
    .params = 3,
};

// clang-format on

/* What is under way on a node is not believed to be done before the zone works again, nor what was overdue. */
static const struct db_stmt statement_nodes = {
    .name = "zone_pause_nodes",
    .sql =
        "UPDATE node_status SET deadline_at = deadline_at + ($3::bigint - $2::bigint) * interval '1 second',"
        "       due_at = greatest(due_at, to_timestamp($2::bigint)) + ($3::bigint - $2::bigint) * interval '1 second'"
        " WHERE zone_id = $1::uuid AND due_at IS NOT NULL",
    .params = 3,
};

/* $3, $4 are null where it works; $6 is null where nothing is told. */
static const struct db_stmt statement_status = {
    .name = "zone_pause_status",
    .sql = "WITH kept AS ("
           "  INSERT INTO zone_pause_status AS s (zone_id, wish_revision, paused_since, paused_until, revision)"
           "  VALUES ($1::uuid, $2::bigint, to_timestamp($3::bigint), to_timestamp($4::bigint), $5::bigint)"
           "  ON CONFLICT (zone_id) DO UPDATE SET wish_revision = excluded.wish_revision, revision = excluded.revision,"
           "     paused_since = excluded.paused_since, paused_until = excluded.paused_until"
           "  RETURNING s.zone_id, s.revision, s.paused_until)"
           " SELECT event_append(NULL, k.zone_id, 'reconciler', k.zone_id, k.revision, $6::text, NULL,"
           "   jsonb_build_object('paused_until', extract(epoch FROM k.paused_until)::bigint))"
           "   FROM kept k WHERE $6::text IS NOT NULL",
    .params = 6,
};

/* Outside the transaction, as that of a piece of work. */
static const struct db_stmt statement_notify = {
    .name = "zone_pause_notify",
    .sql = "SELECT pg_notify('sluice_event', '')",
    .params = 0,
};

const struct db_stmt *const zone_pause_statements[] = {&statement_instances, &statement_reservations, &statement_nodes,
                                                       &statement_status,    &statement_notify,       NULL};

void zone_pause_count(int64_t change)
{
    metric_add(&metric_paused, change);
}

/* NULL: nobody need be told. */
static const char *kind_of(bool was_on, bool is_on)
{
    if (is_on)
        return was_on ? "reconciler.pause_changed" : "reconciler.paused";
    return was_on ? "reconciler.resumed" : NULL;
}

static enum err_kind shift(const char *zone, const struct pause_change *change, struct db *db, struct err *reterr)
{
    static const struct db_stmt *const moved[] = {&statement_instances, &statement_reservations, &statement_nodes};
    char was[DB_INT_TEXT_SIZE];
    char is[DB_INT_TEXT_SIZE];
    (void)db_int_param(was, change->free_was_s);
    (void)db_int_param(is, change->free_is_s);
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < COUNT_OF(moved) && kind == ERR_NONE && change->free_was_s != change->free_is_s; i++)
        kind = db_run(db, moved[i], DB_PARAMS(zone, was, is), NULL, reterr);
    return kind;
}

static enum err_kind write_change(const char *zone, const struct pause_change *change, const char *event, struct db *db,
                                  struct err *reterr)
{
    char wish[DB_INT_TEXT_SIZE], since[DB_INT_TEXT_SIZE], until[DB_INT_TEXT_SIZE], revision[DB_INT_TEXT_SIZE];
    bool is_on = change->is.until_s != 0;
    enum err_kind kind = shift(zone, change, db, reterr);
    return kind == ERR_NONE ? db_run(db, &statement_status,
                                     DB_PARAMS(zone, db_int_param(wish, change->is.wish_revision),
                                               is_on ? db_int_param(since, change->is.since_s) : NULL,
                                               is_on ? db_int_param(until, change->is.until_s) : NULL,
                                               db_int_param(revision, change->is.revision), event),
                                     NULL, reterr)
                            : kind;
}

enum err_kind zone_pause_follow(const struct zone_memory *memory, struct db *db, const struct lease *lease,
                                const struct zone_wake *wake, bool *ret_changed, struct err *reterr)
{
    const struct pause *was = &memory->terms.pause;
    struct pause_change change;
    *ret_changed = pause_follow(was, &wake->pause, wake->clock.now_s, &change);
    if (!*ret_changed)
        return ERR_NONE;
    char zone[UUID_TEXT_SIZE];
    identity_to_uuid(memory->terms.id, zone);
    const char *event = kind_of(was->until_s != 0, change.is.until_s != 0);
    enum err_kind kind = db_begin(db, reterr);
    if (kind == ERR_NONE)
        kind = lease_fence(lease, db, reterr);
    if (kind == ERR_NONE)
        kind = write_change(zone, &change, event, db, reterr);
    if (kind == ERR_NONE)
        kind = db_commit(db, reterr);
    if (kind != ERR_NONE) {
        db_rollback(db);
        return kind;
    }
    if (event != NULL)
        log_event(LOG_LEVEL_WARNING, change.is.until_s != 0 ? "zone_paused" : "zone_resumed",
                  LOG_TEXT("zone", memory->terms.name), LOG_INT("until", change.is.until_s));
    return db_run(db, &statement_notify, DB_NO_PARAMS, NULL, reterr);
}
