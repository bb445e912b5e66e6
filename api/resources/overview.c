/* How the whole fares, for those who look after it: what there is and what it does, what needs a hand, what waits. Each
 * is a list with the same rows every time, zeros included: what was looked at is told apart from what is well. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/resources/zone_lag.h"
#include "api/server/answer.h"

// clang-format off
static const struct field governance_fields[] = {
    FIELD_COLUMN("zone",              FIELD_TYPE_TEXT, .help = "The zone"),
    FIELD_COLUMN("gpu_model",         FIELD_TYPE_TEXT, .help = "The GPUs' model"),
    FIELD_COLUMN("nodes",             FIELD_TYPE_INT, .help = "Nodes that are not retired"),
    FIELD_COLUMN("gpus_delivered",    FIELD_TYPE_INT, .help = "Their GPUs"),
    FIELD_COLUMN("gpus_healthy",      FIELD_TYPE_INT, .help = "GPUs of nodes that are ready, allocated or being cleaned, and not cordoned"),
    FIELD_COLUMN("gpu_milli_reserved", FIELD_TYPE_INT, .help = "Thousandths of GPUs that reservations have now, running or about to"),
    FIELD_COLUMN("gpu_milli_in_use",  FIELD_TYPE_INT, .help = "Of these, where an instance runs"),
    FIELDS_END,
};

static const struct field attention_fields[] = {
    FIELD_COLUMN("kind",  FIELD_TYPE_TEXT, .help = "What needs a hand: reservations_stuck, reservations_degraded, reservations_waitlisted, nodes_stuck, nodes_failing, nodes_quarantined, nodes_in_repair, leases_expired, webhooks_failing, usage_unpriced, periods_parked, zones_paused"),
    FIELD_COLUMN("count", FIELD_TYPE_INT, .help = "How many; 0: all is well there"),
    FIELD_COLUMN_WITH("since", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Since when the oldest of them; real time of leases and webhooks, domain time of all others; null: there is none, or it is not known"),
    FIELDS_END,
};

static const struct field queue_fields[] = {
    FIELD_COLUMN("name",   FIELD_TYPE_TEXT, .help = "What waits: zone:<name> (events its leader has yet to read), billing (events), questions (to planners), amendments, audit (rows to seal), webhooks (deliveries), invoice_requests"),
    FIELD_COLUMN("depth",  FIELD_TYPE_INT, .help = "How many wait; counting ends at 10000"),
    FIELD_COLUMN("lag_s",  FIELD_TYPE_INT, .help = "Real age of the oldest in seconds; under a virtual clock that stands still, events wait for it"),
    FIELDS_END,
};

static const struct field database_fields[] = {
    FIELD_COLUMN("name",        FIELD_TYPE_TEXT, .help = "What is told: database_version, schema_version, database_bytes, connections, connections_most, started_at, is_standby, and sluice_version, of the server that answers"),
    FIELD_COLUMN("value",       FIELD_TYPE_TEXT, .help = "As text"),
    FIELDS_END,
};
// clang-format on

static const struct schema governance_schema = {"Governance", governance_fields, 0};
static const struct schema attention_schema = {"Attention", attention_fields, 0};
static const struct schema queue_schema = {"Queue", queue_fields, 0};
static const struct schema database_schema = {"DatabaseFact", database_fields, 0};

/* One snapshot: a GPU is not counted as reserved by one statement and as free by the next. The page's key is the pair,
 * joined by a character that no name has. */
static const struct db_stmt statement_governance = {
    .name = "governance_list",
    .sql = "WITH held AS ("
           "  SELECT a.node_id, sum(upper(a.slots) - lower(a.slots))::bigint AS milli,"
           "         sum(upper(a.slots) - lower(a.slots)) FILTER (WHERE i.state = 'running')::bigint AS running"
           "    FROM allocation a JOIN instance i ON i.reservation_id = a.reservation_id AND i.ordinal = a.ordinal"
           "   WHERE a.kind = 'instance' AND a.period @> sluice_now() GROUP BY a.node_id),"
           " kinds AS ("
           "  SELECT z.name AS zone, n.gpu_model, count(*) AS nodes, sum(n.gpu_count)::bigint AS gpus_delivered,"
           "         coalesce(sum(n.gpu_count) FILTER (WHERE NOT n.cordoned AND s.state IN ('ready', 'allocated', "
           "'sanitizing')), 0)::bigint AS gpus_healthy,"
           "         coalesce(sum(h.milli), 0)::bigint AS gpu_milli_reserved,"
           "         coalesce(sum(h.running), 0)::bigint AS gpu_milli_in_use"
           "    FROM node n JOIN zone z ON z.id = n.zone_id LEFT JOIN node_status s ON s.node_id = n.id"
           "    LEFT JOIN held h ON h.node_id = n.id"
           "   WHERE s.state IS DISTINCT FROM 'retired' GROUP BY z.name, n.gpu_model)"
           " SELECT k.*, k.zone || E'\\x1f' || k.gpu_model AS page_key FROM kinds k"
           " WHERE ($1::text IS NULL OR k.zone || E'\\x1f' || k.gpu_model > $1::text)"
           " ORDER BY page_key LIMIT $2::bigint",
    .params = 2,
};

static const struct db_stmt statement_attention = {
    .name = "attention_list",
    .sql = "SELECT f.kind, f.count, extract(epoch FROM f.since)::bigint AS since, f.kind AS page_key FROM ("
           " SELECT 'reservations_stuck' AS kind, count(*) AS count, min(s.deadline_at) AS since"
           "   FROM reservation_status s WHERE s.state IN ('scheduled', 'activating', 'active', 'ending', 'waitlisted')"
           "    AND s.deadline_at < sluice_now()"
           " UNION ALL SELECT 'reservations_degraded', count(*), min(s.starts_at)"
           "   FROM reservation_status s WHERE s.state IN ('scheduled', 'activating', 'active', 'ending', 'waitlisted')"
           "    AND s.state = 'active' AND s.health <> 'ok'"
           " UNION ALL SELECT 'reservations_waitlisted', count(*), min(s.decided_at)"
           "   FROM reservation_status s WHERE s.state IN ('scheduled', 'activating', 'active', 'ending', 'waitlisted')"
           "    AND s.state = 'waitlisted'"
           " UNION ALL SELECT n.kind, count(s.node_id), min(s.since)"
           "   FROM (VALUES ('nodes_quarantined', 'quarantined'), ('nodes_in_repair', 'repair')) n (kind, state)"
           "   LEFT JOIN node_status s ON s.state = n.state GROUP BY n.kind"
           " UNION ALL SELECT 'nodes_stuck', count(*), min(s.deadline_at) FROM node_status s"
           "   WHERE s.deadline_at < sluice_now()"
           " UNION ALL SELECT 'nodes_failing', count(*), min(s.since) FROM node_status s"
           "   WHERE s.last_error IS NOT NULL"
           "    AND s.state NOT IN ('quarantined', 'repair', 'retired', 'ready', 'allocated')"
           " UNION ALL SELECT 'leases_expired', count(*), min(l.expires_at) FROM leader_lease l"
           "   WHERE l.expires_at < clock_timestamp()"
           " UNION ALL SELECT 'webhooks_failing', count(*), min(s.failing_since) FROM webhook_status s"
           "   JOIN webhook w ON w.id = s.webhook_id WHERE w.active AND s.failing_since IS NOT NULL"
           " UNION ALL SELECT 'usage_unpriced', count(*), min(u.day)::timestamptz FROM usage_waiting u"
           " UNION ALL SELECT 'periods_parked', count(*), min(p.ends_at) FROM billing_period p"
           "   WHERE p.status = 'open' AND p.parked_at IS NOT NULL"
           " UNION ALL SELECT 'zones_paused', count(*), min(p.paused_at) FROM zone_pause p"
           "   WHERE p.resumed_at IS NULL AND p.paused_until > sluice_now()) f"
           " WHERE ($1::text IS NULL OR f.kind > $1::text) ORDER BY f.kind LIMIT $2::bigint",
    .params = 2,
};

// clang-format off
static const struct db_stmt statement_queues = {
    .name = "queue_list",
    .sql = "SELECT q.name, q.depth,"
           " " UNREAD_FOR_S("q.oldest") " AS lag_s,"
           " q.name AS page_key FROM ("
           " SELECT 'zone:' || z.name AS name, u.depth, u.oldest FROM zone z CROSS JOIN LATERAL "
           UNREAD_WISHES " u"
           " UNION ALL SELECT 'billing', u.depth, u.oldest FROM " UNREAD_EVENTS("'billing'", "") " u"
           " UNION ALL SELECT 'questions', count(*), min(p.asked_at) FROM planner_question p"
           "   WHERE p.asked_at > clock_timestamp() - interval '5 minutes' AND p.answer_by > clock_timestamp()"
           "    AND NOT EXISTS (SELECT FROM planner_answer a WHERE a.question_id = p.id)"
           " UNION ALL SELECT 'amendments', count(*), NULL FROM amendment a"
           "   WHERE NOT EXISTS (SELECT FROM amendment_status s WHERE s.amendment_id = a.id)"
           " UNION ALL SELECT 'audit', count(*), min(w.recorded_at) FROM (SELECT a.recorded_at FROM audit a"
           "   WHERE (a.xid, a.id) > (coalesce((SELECT last_xid FROM audit_seal ORDER BY number DESC LIMIT 1), '0'),"
           "    coalesce((SELECT last_id FROM audit_seal ORDER BY number DESC LIMIT 1),"
           " '00000000-0000-0000-0000-000000000000'::uuid))"
           "   ORDER BY a.xid, a.id LIMIT " COUNTED_AT_MOST ") w"
           " UNION ALL SELECT 'webhooks', count(*), min(w.created_at)"
           " FROM (SELECT d.created_at FROM webhook_delivery d"
           "   WHERE d.state = 'pending' LIMIT " COUNTED_AT_MOST ") w"
           " UNION ALL SELECT 'invoice_requests', count(*), NULL FROM invoice_request r WHERE r.is_open) q"
           " WHERE ($1::text IS NULL OR q.name > $1::text) ORDER BY q.name LIMIT $2::bigint",
    .params = 2,
};
// clang-format on

static const struct db_stmt statement_database = {
    .name = "database_list",
    .sql = "SELECT f.name, f.value, f.name AS page_key FROM (VALUES"
           " ('sluice_version', '" SLUICE_VERSION "'),"
           " ('database_version', current_setting('server_version')),"
           " ('schema_version', (SELECT max(version)::text FROM schema_migration)),"
           " ('database_bytes', pg_database_size(current_database())::text),"
           " ('connections', (SELECT sum(numbackends)::text FROM pg_stat_database)),"
           " ('connections_most', current_setting('max_connections')),"
           " ('started_at', to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')),"
           " ('is_standby', pg_is_in_recovery()::text)) f (name, value)"
           " WHERE ($1::text IS NULL OR f.name > $1::text) ORDER BY f.name LIMIT $2::bigint",
    .params = 2,
};

static enum err_kind list_governance(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_governance, DB_NO_PARAMS, reterr);
}

static enum err_kind list_attention(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_attention, DB_NO_PARAMS, reterr);
}

static enum err_kind list_queues(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_queues, DB_NO_PARAMS, reterr);
}

static enum err_kind list_database(struct request *request, struct response *response, struct err *reterr)
{
    return answer_page(request, response, &statement_database, DB_NO_PARAMS, reterr);
}

// clang-format off
#define LIST ROLES_SYSTEM_READ, RATE_READ, .is_list = true
static const struct route overview_routes[] = {
    {GET, "/v1/system/governance", LIST, .answer = &governance_schema, .run = list_governance, .summary = "What was delivered, is healthy, is reserved and is in use, from one snapshot"},
    {GET, "/v1/system/attention",  LIST, .answer = &attention_schema, .run = list_attention, .summary = "What needs a hand"},
    {GET, "/v1/system/queues",     LIST, .answer = &queue_schema, .run = list_queues, .summary = "What waits for whom, and for how long"},
    {GET, "/v1/system/database",   LIST, .answer = &database_schema, .run = list_database, .summary = "The database: version, size, connections"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const overview_statements[] = {&statement_governance, &statement_attention,
                                                            &statement_queues, &statement_database, NULL};

const struct resource overview_resource = {"overview", overview_routes, overview_statements, "How the whole fares."};
