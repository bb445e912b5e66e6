/* Expired leases, how far billing and the audit's sealer are behind their logs, the age of the oldest writing
 * transaction, and how many nodes are in which state. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/vitals.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "common/must.h"

static struct metric leases_expired = {.name = "sluice_leases_expired",
                                       .type = METRIC_GAUGE,
                                       .help = "Leases that ran out and nobody took: something has no leader"};
static struct metric event_lag = {.name = "sluice_event_lag_seconds",
                                  .type = METRIC_GAUGE,
                                  .help = "Real age of the oldest event that billing has yet to read"};
static struct metric oldest_writer = {.name = "sluice_oldest_writer_seconds",
                                      .type = METRIC_GAUGE,
                                      .help = "How long the oldest writing transaction was seen open: it holds back "
                                              "every reader of the event log"};
static struct metric unsealed = {.name = "sluice_audit_unsealed_seconds",
                                 .type = METRIC_GAUGE,
                                 .help = "Age of the oldest audit row that is not in the hash chain yet"};
static struct metric *const metrics[] = {&leases_expired, &event_lag, &oldest_writer, &unsealed};

// clang-format off
#define NODE_STATES(X)                                                                                                 \
    X("enrolled") X("validating") X("ready") X("allocated") X("sanitizing") X("quarantined") X("maintenance")          \
    X("repair") X("retired")
static struct metric nodes[] = {
#define X(state) {.name = "sluice_nodes", .type = METRIC_GAUGE, .labels = "state=\"" state "\"", .help = "Nodes in a state"},
    NODE_STATES(X)
#undef X
};
// clang-format on

/* Billing reads every event, so its position tells of the log; a zone skips what is not its own. A virtual clock that
 * stands still leaves events unread on purpose: no lag there. */
static const struct db_stmt statement_look = {
    .name = "vitals_look",
    .sql =
        "SELECT (SELECT count(*) FROM leader_lease WHERE expires_at < clock_timestamp()),"
        " (SELECT greatest(extract(epoch FROM clock_timestamp() - min(unread.recorded_at))::bigint, 0)"
        "    FROM event_cursor c JOIN domain_clock d ON NOT d.virtual AND c.consumer = 'billing'"
        "    CROSS JOIN LATERAL (SELECT e.recorded_at FROM event e WHERE (e.xid, e.seq) > (c.xid, c.seq)"
        "                         ORDER BY e.xid, e.seq LIMIT 1) unread),"
        " pg_snapshot_xmin(s.snapshot)::text::bigint, pg_snapshot_xmin(s.snapshot) < pg_snapshot_xmax(s.snapshot),"
        " (SELECT greatest(extract(epoch FROM clock_timestamp() - a.recorded_at)::bigint, 0) FROM audit a"
        "   WHERE (a.xid, a.id) > (coalesce((SELECT last_xid FROM audit_seal ORDER BY number DESC LIMIT 1), '0'),"
        "                          coalesce((SELECT last_id FROM audit_seal ORDER BY number DESC LIMIT 1), $1::uuid))"
        "   ORDER BY a.xid, a.id LIMIT 1)"
        " FROM (SELECT pg_current_snapshot() AS snapshot) s",
    .params = 1,
};

static const struct db_stmt statement_nodes = {
    .name = "vitals_nodes",
    .sql = "SELECT count(*)"
#define X(state) ", count(*) FILTER (WHERE s.state = '" state "')"
    NODE_STATES(X)
#undef X
        " FROM node_status s",
    .params = 0,
};

const struct db_stmt *const vitals_statements[] = {&statement_look, &statement_nodes, NULL};

void vitals_register(void)
{
    metric_register(metrics, COUNT_OF(metrics));
    for (size_t i = 0; i < COUNT_OF(nodes); i++)
        metric_register((struct metric *const[]){&nodes[i]}, 1);
}

/* pg_stat_activity hides other roles' transactions from ours; but the snapshot's lower end stands still for as long
 * as the oldest writer is open, and that we can time ourselves. */
static int64_t open_for_s(int64_t oldest_xid, bool any_open)
{
    static int64_t seen_xid, seen_since_ms;
    if (!any_open || oldest_xid != seen_xid)
        seen_since_ms = clock_monotonic_ms();
    seen_xid = oldest_xid;
    return (clock_monotonic_ms() - seen_since_ms) / 1000;
}

static enum err_kind look_at_nodes(struct db *db, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_nodes, DB_NO_PARAMS, &result, reterr);
    for (size_t i = 0; i < COUNT_OF(nodes) && kind == ERR_NONE; i++)
        metric_set(&nodes[i], db_int(result, 0, (int)i + 1, 0));
    return kind;
}

enum err_kind vitals_look(struct db *db, struct err *reterr)
{
    CLEANUP(db_result_clear) PGresult *result = NULL;
    enum err_kind kind = db_run(db, &statement_look, DB_PARAMS(NIL_UUID), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(result) == 1);
    metric_set(&leases_expired, db_int(result, 0, 0, 0));
    metric_set(&event_lag, db_int(result, 0, 1, 0));
    metric_set(&unsealed, db_int(result, 0, 4, 0));
    metric_set(&oldest_writer, open_for_s(db_int(result, 0, 2, 0), db_bool(result, 0, 3)));
    return look_at_nodes(db, reterr);
}
