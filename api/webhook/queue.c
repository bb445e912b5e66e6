/* Set-based: events never leave the database to become deliveries. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook/queue.h"

#include "api/server/event_filter.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdio.h>

#define EVENTS_MAX       1000
#define CLEANED_MAX      5000 /* of a statement, which is to be short */
#define CLEANED_TEXT     SQL_NUMBER(CLEANED_MAX)
#define EVENTS_MAX_TEXT  SQL_NUMBER(EVENTS_MAX)
#define UNDER_WAY_TEXT   SQL_NUMBER(QUEUE_UNDER_WAY_MAX)
#define PER_WEBHOOK_TEXT SQL_NUMBER(QUEUE_PER_WEBHOOK_MAX)

#define IS_ENABLED                                                                                                     \
    "w.active AND NOT EXISTS (SELECT FROM webhook_status s"                                                            \
    " WHERE s.webhook_id = w.id AND s.disabled_revision = w.revision)"

#define OWNER "coalesce(w.tenant_id, '" NIL_UUID "'::uuid)"

/* A webhook that is not in sight yet is made by a later transaction than all below the bound: so none misses an event
 * where the cursor jumps to the bound because there is none. */
static const struct db_stmt statement_look = {
    .name = "webhook_look",
    .sql = "SELECT g.generation, b.xmin::text, EXISTS (SELECT FROM webhook w WHERE " IS_ENABLED "),"
           " EXISTS (SELECT FROM event e WHERE (e.xid, e.seq) > ($1::text::xid8, $2::bigint) AND e.xid < b.xmin),"
           " g.expired_xid::text"
           " FROM event_generation g, (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin) b",
    .params = 2,
};

/* A UUIDv7 of the moment. */
#define NEW_ID                                                                                                         \
    "(lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' ||"                    \
    " substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid"
#define EVENT_OF_DELIVERY "$4::bigint, e.xid, e.seq, e.recorded_at, e.kind, e.object_id"
#define WANTS                                                                                                          \
    " e.xid > w.created_xid AND (w.object_id IS NULL OR w.object_id = e.object_id)"                                    \
    " AND e.kind NOT IN ('webhook.ping', 'webhook.redelivery_asked', 'webhook.reset') AND " EVENT_KIND_MATCHES(        \
        "e.kind", "w.events")

static const struct db_stmt statement_say_reset = {
    .name = "webhook_say_reset",
    .sql = "SELECT event_append(w.tenant_id, NULL, 'webhook', w.id, w.revision, 'webhook.reset', NULL, '{}')"
           " FROM webhook w WHERE " IS_ENABLED " AND w.created_xid <= $1::text::xid8 FOR SHARE OF w",
    .params = 1,
};

/* At once, not when the log comes to it: there may be much before. */
static const struct db_stmt statement_bring_reset = {
    .name = "webhook_bring_reset",
    .sql = "INSERT INTO webhook_delivery (id, webhook_id, tenant_id, event_generation, event_xid, event_seq,"
           "   event_recorded_at, kind, object_id)"
           " SELECT " NEW_ID ", e.object_id, e.tenant_id, $1::bigint, e.xid, e.seq, e.recorded_at, e.kind, e.object_id"
           " FROM event e WHERE e.xid = pg_current_xact_id() AND e.kind = 'webhook.reset'",
    .params = 1,
};

/* Tenants' and the provider's webhooks apart, so that each is a join. A ping and a redelivery are events themselves,
 * which name the delivery to be made; of the latter the event is that of the delivery before. A row with the last event
 * where others follow. */
static const struct db_stmt statement_make = {
    .name = "webhook_make",
    .sql = "WITH batch AS MATERIALIZED ("
           "  SELECT e.xid, e.seq, e.recorded_at, e.tenant_id, e.kind, e.object_id,"
           "         CASE WHEN e.object_type = 'webhook' THEN (e.payload->>'delivery')::uuid END AS asked_id,"
           "         CASE WHEN e.object_type = 'webhook' THEN (e.payload->>'of')::uuid END AS of_id"
           "    FROM event e WHERE (e.xid, e.seq) > ($1::text::xid8, $2::bigint) AND e.xid < $3::text::xid8"
           "   ORDER BY e.xid, e.seq LIMIT " EVENTS_MAX_TEXT "), wanted AS ("
           "  SELECT " NEW_ID ", w.id, w.tenant_id, " EVENT_OF_DELIVERY
           "    FROM batch e JOIN webhook w ON w.tenant_id = e.tenant_id WHERE " IS_ENABLED " AND" WANTS
           "  UNION ALL SELECT " NEW_ID ", w.id, w.tenant_id, " EVENT_OF_DELIVERY
           "    FROM batch e JOIN webhook w ON w.tenant_id IS NULL WHERE " IS_ENABLED " AND" WANTS
           "  UNION ALL SELECT e.asked_id, w.id, w.tenant_id, " EVENT_OF_DELIVERY
           "    FROM batch e JOIN webhook w ON w.id = e.object_id WHERE e.kind = 'webhook.ping'"
           "  UNION ALL SELECT e.asked_id, w.id, w.tenant_id, d.event_generation, d.event_xid, d.event_seq,"
           "         d.event_recorded_at, d.kind, d.object_id"
           "    FROM batch e JOIN webhook_delivery d ON d.id = e.of_id JOIN webhook w ON w.id = d.webhook_id"
           "   WHERE e.kind = 'webhook.redelivery_asked'), made AS ("
           "  INSERT INTO webhook_delivery (id, webhook_id, tenant_id, event_generation, event_xid, event_seq,"
           "    event_recorded_at, kind, object_id) SELECT * FROM wanted ON CONFLICT (id) DO NOTHING)"
           " SELECT e.xid::text, e.seq FROM"
           "   (SELECT xid, seq FROM batch ORDER BY xid DESC, seq DESC LIMIT 1) e"
           "  WHERE EXISTS (SELECT FROM event n WHERE (n.xid, n.seq) > (e.xid, e.seq) AND n.xid < $3::text::xid8)",
    .params = 4,
};

/* Goes from webhook to webhook by the index of what is pending, and takes a few of each. */
static const struct db_stmt statement_due = {
    .name = "webhook_due",
    .sql = "WITH RECURSIVE waiting AS ("
           "  SELECT (SELECT d.webhook_id FROM webhook_delivery d WHERE d.state = 'pending'"
           "   AND d.webhook_id > $2::uuid ORDER BY d.webhook_id LIMIT 1) AS webhook_id"
           "  UNION ALL SELECT (SELECT d.webhook_id FROM webhook_delivery d WHERE d.state = 'pending'"
           "   AND d.webhook_id > a.webhook_id ORDER BY d.webhook_id LIMIT 1) FROM waiting a"
           "   WHERE a.webhook_id IS NOT NULL)"
           " SELECT d.id, d.webhook_id, " OWNER ", d.object_id, d.attempts, w.url, w.secret,"
           "  CASE WHEN w.previous_until > clock_timestamp() THEN w.previous_secret END,"
           "  EXISTS (SELECT FROM webhook_status s WHERE s.webhook_id = w.id AND s.failing_since IS NOT NULL),"
           "  d.event_generation, d.event_xid::text, d.event_seq, e.tenant_id, e.zone_id, e.object_type,"
           "  e.object_revision, d.kind, extract(epoch FROM e.occurred_at)::bigint, e.payload"
           " FROM waiting a JOIN webhook w ON w.id = a.webhook_id AND " OWNER " <> ALL ($3::uuid[]) AND " IS_ENABLED
           " CROSS JOIN LATERAL (SELECT * FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'pending'"
           "   AND d.next_attempt_at <= clock_timestamp() AND d.id <> ALL ($1::uuid[])"
           "   ORDER BY d.next_attempt_at, d.event_xid, d.event_seq LIMIT " PER_WEBHOOK_TEXT ") d"
           " LEFT JOIN event e ON e.xid = d.event_xid AND e.seq = d.event_seq AND e.recorded_at = d.event_recorded_at"
           " LIMIT " UNDER_WAY_TEXT,
    .params = 3,
};

static const struct db_stmt statement_record = {
    .name = "webhook_record",
    .sql = "WITH done AS ("
           "  UPDATE webhook_delivery d SET state = n.state, attempts = d.attempts + 1,"
           "    last_attempt_at = clock_timestamp(), next_attempt_at = clock_timestamp() + n.wait_ms * interval '1 ms',"
           "    response_status = n.status, response_snippet = n.snippet, error = n.error"
           "   FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::bigint[])"
           "     AS n (id, state, status, snippet, error, wait_ms)"
           "  WHERE d.id = n.id AND d.state = 'pending' RETURNING d.webhook_id, d.tenant_id, n.error), fared AS ("
           "  SELECT webhook_id, tenant_id, max(error) AS error,"
           "    CASE WHEN bool_or(error IS NULL) THEN clock_timestamp() END AS success_at,"
           "    CASE WHEN bool_or(error IS NOT NULL) THEN clock_timestamp() END AS failure_at"
           "   FROM done GROUP BY webhook_id, tenant_id)"
           " INSERT INTO webhook_status AS s (webhook_id, tenant_id, failing_since, last_success_at, last_failure_at,"
           "   last_error)"
           " SELECT f.webhook_id, f.tenant_id, CASE WHEN f.success_at IS NULL THEN f.failure_at END, f.success_at,"
           "   f.failure_at, f.error FROM fared f JOIN webhook w ON w.id = f.webhook_id"
           " ON CONFLICT (webhook_id) DO UPDATE SET revision = s.revision + 1,"
           "  failing_since = CASE WHEN excluded.failing_since IS NOT NULL AND s.disabled_at IS NULL"
           "    THEN coalesce(s.failing_since, excluded.failing_since) ELSE excluded.failing_since END,"
           "  last_success_at = coalesce(excluded.last_success_at, s.last_success_at),"
           "  last_failure_at = coalesce(excluded.last_failure_at, s.last_failure_at),"
           "  last_error = coalesce(excluded.last_error, s.last_error), disabled_at = NULL, disabled_revision = NULL",
    .params = 6,
};

static const struct db_stmt statement_disable = {
    .name = "webhook_disable",
    .sql =
        "WITH tired AS ("
        "  UPDATE webhook_status s SET revision = s.revision + 1, disabled_at = clock_timestamp(),"
        "    disabled_revision = w.revision FROM webhook w"
        "   WHERE w.id = s.webhook_id AND s.disabled_at IS NULL"
        "     AND s.failing_since < clock_timestamp() - $1::bigint * interval '1 second'"
        "  RETURNING s.webhook_id, s.tenant_id, s.revision), given_up AS ("
        "  UPDATE webhook_delivery d SET state = 'failed', error = 'the webhook was disabled' FROM tired t"
        "   WHERE d.webhook_id = t.webhook_id AND d.state = 'pending')"
        " SELECT event_append(t.tenant_id, NULL, 'webhook_status', t.webhook_id, t.revision, 'webhook.disabled', NULL,"
        "   '{}') FROM tired t",
    .params = 1,
};

static const struct db_stmt statement_clean = {
    .name = "webhook_clean",
    .sql = "DELETE FROM webhook_delivery WHERE id IN (SELECT d.id FROM webhook_delivery d"
           " WHERE d.id < (lpad(to_hex(floor((extract(epoch FROM clock_timestamp()) - 30 * 86400) * 1000)::bigint), 12,"
           "   '0') || repeat('0', 20))::uuid ORDER BY d.id LIMIT " CLEANED_TEXT ")",
    .params = 0,
};

/* Goes from webhook to webhook by the index, not through a month of deliveries. */
static const struct db_stmt statement_clean_gone = {
    .name = "webhook_clean_gone",
    .sql = "WITH RECURSIVE known AS ("
           "  SELECT (SELECT d.webhook_id FROM webhook_delivery d ORDER BY d.webhook_id LIMIT 1) AS webhook_id"
           "  UNION ALL SELECT (SELECT d.webhook_id FROM webhook_delivery d WHERE d.webhook_id > k.webhook_id"
           "   ORDER BY d.webhook_id LIMIT 1) FROM known k WHERE k.webhook_id IS NOT NULL), statuses AS ("
           "  DELETE FROM webhook_status s WHERE NOT EXISTS (SELECT FROM webhook w WHERE w.id = s.webhook_id))"
           " DELETE FROM webhook_delivery WHERE id IN (SELECT d.id FROM (SELECT k.webhook_id FROM known k"
           "   WHERE NOT EXISTS (SELECT FROM webhook w WHERE w.id = k.webhook_id)) gone CROSS JOIN LATERAL"
           "   (SELECT d.id FROM webhook_delivery d WHERE d.webhook_id = gone.webhook_id LIMIT " CLEANED_TEXT ") d"
           "   LIMIT " CLEANED_TEXT ")",
    .params = 0,
};

const struct db_stmt *const queue_statements[] = {
    &statement_look,   &statement_say_reset, &statement_bring_reset, &statement_make,       &statement_due,
    &statement_record, &statement_disable,   &statement_clean,       &statement_clean_gone, NULL};

/* A position as parameters. */
struct position {
    char xid[DB_INT_TEXT_SIZE], seq[DB_INT_TEXT_SIZE];
};

static void print_position(const struct event_cursor *cursor, struct position *ret)
{
    (void)snprintf(ret->xid, sizeof ret->xid, "%" PRIu64, cursor->xid); /* 20 digits at most */
    (void)db_int_param(ret->seq, cursor->seq);
}

/* A restore took away what had been brought already, or what was to be brought has expired: as of a stream that goes on from
 * there. */
static uint64_t lost_xid(const struct event_cursor *cursor, const struct event_cursor *bound, uint64_t expired_xid)
{
    if (cursor->generation != bound->generation)
        return bound->xid;
    bool is_behind = cursor->xid == expired_xid && cursor->seq == INT64_MAX; /* where queue_reset leaves it */
    return event_cursor_is_expired(cursor, expired_xid) && !is_behind ? expired_xid : 0;
}

enum err_kind queue_look(struct db *db, const struct event_cursor *cursor, struct queue_view *ret, struct err *reterr)
{
    struct position at;
    CLEANUP(db_result_clear) PGresult *result = NULL;
    print_position(cursor, &at);
    enum err_kind kind = db_run(db, &statement_look, DB_PARAMS(at.xid, at.seq), &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    must(PQntuples(result) == 1);
    *ret = (struct queue_view){
        .bound = {.generation = db_int(result, 0, 0, 0), .xid = db_xid(result, 0, 1) - 1, .seq = INT64_MAX},
        .has_webhooks = db_bool(result, 0, 2),
        .has_events = db_bool(result, 0, 3),
    };
    ret->expired_xid = db_xid(result, 0, 4);
    ret->lost_xid = lost_xid(cursor, &ret->bound, ret->expired_xid);
    return ERR_NONE;
}

enum err_kind queue_reset(struct db *db, struct event_cursor *cursor, const struct queue_view *view, struct err *reterr)
{
    char lost[DB_INT_TEXT_SIZE], generation[DB_INT_TEXT_SIZE];
    (void)snprintf(lost, sizeof lost, "%" PRIu64, view->lost_xid);
    enum err_kind kind = db_run(db, &statement_say_reset, DB_PARAMS(lost), NULL, reterr);
    if (kind == ERR_NONE)
        kind = db_run(db, &statement_bring_reset, DB_PARAMS(db_int_param(generation, view->bound.generation)), NULL,
                      reterr);
    if (kind != ERR_NONE)
        return kind;
    cursor->generation = view->bound.generation;
    if (event_cursor_is_expired(cursor, view->expired_xid)) {
        cursor->xid = view->expired_xid;
        cursor->seq = INT64_MAX;
    }
    return ERR_NONE;
}

enum err_kind queue_make(struct db *db, struct event_cursor *cursor, const struct event_cursor *bound, bool *ret_more,
                         struct err *reterr)
{
    struct position at;
    char below[DB_INT_TEXT_SIZE], generation[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    print_position(cursor, &at);
    (void)snprintf(below, sizeof below, "%" PRIu64, bound->xid + 1);
    const char *const params[] = {at.xid, at.seq, below, db_int_param(generation, bound->generation)};
    enum err_kind kind = db_run(db, &statement_make, params, &result, reterr);
    if (kind != ERR_NONE)
        return kind;
    bool has_more = PQntuples(result) > 0;
    struct event_cursor behind = *bound; /* of all that was read: it stays when that expires */
    if (has_more) {
        behind.xid = db_xid(result, 0, 0);
        behind.seq = db_int(result, 0, 1, 0);
    }
    kind = event_cursor_save(db, QUEUE_CONSUMER, &behind, reterr);
    if (kind != ERR_NONE)
        return kind;
    *cursor = behind;
    *ret_more = has_more;
    return ERR_NONE;
}

enum err_kind queue_due(struct db *db, struct db_array *under_way, struct db_array *sated, const char *after_webhook,
                        PGresult **ret, struct err *reterr)
{
    const char *const params[] = {db_array_param(under_way), after_webhook, db_array_param(sated)};
    return db_run(db, &statement_due, params, ret, reterr);
}

enum err_kind queue_record(struct db *db, struct queue_ended *ended, int64_t disable_after_s, struct err *reterr)
{
    char after[DB_INT_TEXT_SIZE];
    const char *const params[] = {db_array_param(&ended->ids),      db_array_param(&ended->states),
                                  db_array_param(&ended->statuses), db_array_param(&ended->snippets),
                                  db_array_param(&ended->errors),   db_array_param(&ended->waits_ms)};
    enum err_kind kind = db_run(db, &statement_record, params, NULL, reterr);
    if (kind != ERR_NONE)
        return kind;
    return db_run(db, &statement_disable, DB_PARAMS(db_int_param(after, disable_after_s)), NULL, reterr);
}

void queue_ended_clear(struct queue_ended *ended)
{
    struct db_array *const columns[] = {&ended->ids,      &ended->states, &ended->statuses,
                                        &ended->snippets, &ended->errors, &ended->waits_ms};
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        db_array_clear(columns[i]);
}

enum err_kind queue_clean(struct db *db, bool *ret_more, struct err *reterr)
{
    int64_t old = 0, gone = 0;
    enum err_kind kind = db_change(db, &statement_clean, DB_NO_PARAMS, &old, reterr);
    if (kind == ERR_NONE)
        kind = db_change(db, &statement_clean_gone, DB_NO_PARAMS, &gone, reterr);
    *ret_more = kind == ERR_NONE && (old == CLEANED_MAX || gone == CLEANED_MAX);
    return kind;
}
