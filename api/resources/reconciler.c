/* The reconcilers: of each zone who leads it, how far it lags, what has drifted from what is wished, and whether operators
 * have stopped it. A pause is a wish; the zone's leader keeps to it (provisioner/reconcile/pause.h). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/resources/zone_lag.h"
#include "api/server/answer.h"

#define PAUSE_S     3600  /* unless said: a pause that nobody remembers does little harm */
#define PAUSE_S_MAX 86400 /* and can be prolonged */

struct pause {
    const char *reason;
    int64_t until, duration_s;
};

// clang-format off
static const struct field leader_fields[] = {
    FIELD_COLUMN("holder",     FIELD_TYPE_TEXT, .help = "The process: host, process id, random"),
    FIELD_COLUMN("epoch",      FIELD_TYPE_INT, .help = "Rises with each takeover"),
    FIELD_COLUMN_WITH("since", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Real time since which it leads; null: since before this was kept"),
    FIELD_COLUMN("is_current", FIELD_TYPE_BOOL, .help = "Whether its lease still runs"),
    FIELDS_END,
};

static const struct field pause_fields[] = {
    FIELD_COLUMN("reason", FIELD_TYPE_TEXT, .help = "Why"),
    FIELD_COLUMN("by",     FIELD_TYPE_ID, .identity = IDENTITY_PRINCIPAL, .help = "Who asked for it"),
    FIELD_COLUMN("since",  FIELD_TYPE_TIME, .help = "When it was asked for; one that is prolonged keeps that"),
    FIELD_COLUMN("until",  FIELD_TYPE_TIME, .help = "When it ends by itself"),
    FIELD_COLUMN("holds",  FIELD_TYPE_BOOL, .help = "Whether the zone's leader has taken it over: no order is given any more"),
    FIELDS_END,
};

static const struct field lag_fields[] = {
    FIELD_COLUMN("events",      FIELD_TYPE_INT, .help = "Wishes that the leader has yet to read, among the next 10000 events of the log"),
    FIELD_COLUMN("events_s",    FIELD_TYPE_INT, .help = "Real age of the oldest of them, in seconds"),
    FIELD_COLUMN("undecided_s", FIELD_TYPE_INT, .help = "Age of the oldest reservation without a verdict, in seconds of domain time; 0: there is none"),
    FIELD_COLUMN("due_s",       FIELD_TYPE_INT, .help = "By how much the longest overdue look is late, in seconds of domain time"),
    FIELD_COLUMN("deadline_s",  FIELD_TYPE_INT, .help = "The same of deadlines of transitional states"),
    FIELDS_END,
};

static const struct field drift_fields[] = {
    FIELD_COLUMN("kind",       FIELD_TYPE_TEXT, .help = "instances_to_start, instances_to_stop, actions_pending, nodes_silent, nodes_to_prepare (validated, wiped, repaired), nodes_to_empty, nodes_to_retire"),
    FIELD_COLUMN("count",      FIELD_TYPE_INT, .help = "How many; 0: all are as is wished"),
    FIELD_COLUMN_WITH("since", FIELD_TYPE_TIME, FIELD_NULLABLE, .help = "Domain time since which the oldest is; null: there is none, or it is not known"),
    FIELDS_END,
};

static const struct field verification_fields[] = {
    FIELD_COLUMN("verified_at", FIELD_TYPE_TIME, .help = "Real time of the last GET /v1/system/planner/verify"),
    FIELD_COLUMN("is_equal",    FIELD_TYPE_BOOL, .help = "Whether the leader's memory was what the database has"),
    FIELDS_END,
};

static const struct field reconciler_fields[] = {
    FIELD_COLUMN("id",     FIELD_TYPE_ID, .identity = IDENTITY_ZONE, .help = "The zone"),
    FIELD_COLUMN("zone",   FIELD_TYPE_TEXT, .help = "Its name"),
    FIELD_COLUMN("paused", FIELD_TYPE_BOOL, .help = "Whether operators have stopped it"),
    FIELD_COLUMN_WITH("pause", FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = pause_fields, .help = "Where it is paused"),
    FIELD_COLUMN_WITH("leader", FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = leader_fields, .help = "Who leads it, or did last; left out: nobody ever did"),
    FIELD_COLUMN("lag",    FIELD_TYPE_OBJECT, .fields = lag_fields, .help = "How far it is behind"),
    FIELD_COLUMN("drift",  FIELD_TYPE_ROWS, .fields = drift_fields, .help = "What is not as it is wished, by kind"),
    FIELD_COLUMN_WITH("verification", FIELD_TYPE_OBJECT, FIELD_OPTIONAL, .fields = verification_fields, .help = "Whether memory was right when it was compared last; left out: it never was"),
    FIELDS_END,
};

struct reconciler_query {
    const char *zone;
    bool paused;
};
enum { QUERY_PAUSED = 1 };
static const struct field query_fields[] = {
    FIELD_TEXT("zone", struct reconciler_query, zone, .help = "Only the zone of this name"),
    FIELD_BOOL("paused", struct reconciler_query, paused, .help = "Only those that are paused, or that are not"),
    FIELDS_END,
};

static const struct field wish_fields[] = {
    FIELD_TEXT("reason", struct pause, reason, .flags = FIELD_REQUIRED | FIELD_WRITE_ONLY, .example = "switch s3 flaps", .help = "Why"),
    FIELD_TIME("until", struct pause, until, .flags = FIELD_NULLABLE | FIELD_WRITE_ONLY, .help = "When it ends by itself; 24 hours ahead at most"),
    FIELD_INT ("duration_s", struct pause, duration_s, .flags = FIELD_NULLABLE | FIELD_WRITE_ONLY, .least = 1, .most = PAUSE_S_MAX, .example = "3600", .help = "Instead of until: after so many seconds; neither: after an hour"),
    FIELDS_END,
};
// clang-format on

static const struct schema reconciler_schema = {"Reconciler", reconciler_fields, 0};
static const struct schema query_schema = {"ReconcilerQuery", query_fields, sizeof(struct reconciler_query)};
static const struct schema wish_schema = {"ReconcilerPause", wish_fields, sizeof(struct pause)};

/* ---- Statements ---- */

// clang-format off
#define EPOCH(column) "extract(epoch FROM " column ")::bigint"
/* Seconds of domain time since the earliest of them that has passed. */
#define PASSED_FOR_S(instants)                                                                                         \
    "(SELECT greatest(coalesce(" EPOCH("sluice_now() - min(w.at)") ", 0), 0) FROM (" instants ") w)"
#define LOOKS(column)                                                                                                  \
    "SELECT min(" column ") AS at FROM reservation_status WHERE zone_id = z.id AND due_at IS NOT NULL"                 \
    " UNION ALL SELECT min(" column ") FROM instance WHERE zone_id = z.id AND due_at IS NOT NULL"                      \
    " UNION ALL SELECT min(" column ") FROM node_status WHERE zone_id = z.id AND due_at IS NOT NULL"
/* What has no verdict: its row of reservation_status is not there yet. */
#define UNDECIDED                                                                                                      \
    "SELECT min(r.created_at) AS at FROM reservation r WHERE r.zone_id = z.id"                                         \
    " AND NOT EXISTS (SELECT FROM reservation_status s WHERE s.reservation_id = r.id)"

/* The tag's second part is of what is told, since what moves here has no revision of its own: lag is no wish. */
#define RECONCILER_SELECT                                                                                              \
    "SELECT t.*, md5(t::text) AS status_revision FROM (SELECT z.id, z.name AS zone, z.id AS page_key,"                 \
    " coalesce(p.revision, 0) AS wish_revision, coalesce(p.is_on, false) AS paused,"                          \
    " CASE WHEN p.is_on THEN p.reason END AS \"pause.reason\", p.paused_by AS \"pause.by\","                           \
    " " EPOCH("p.paused_at") " AS \"pause.since\", " EPOCH("p.paused_until") " AS \"pause.until\","                    \
    " coalesce(k.wish_revision = p.revision AND k.paused_until IS NOT NULL, false) AS \"pause.holds\","                \
    " l.holder AS \"leader.holder\", l.epoch AS \"leader.epoch\", " EPOCH("l.led_since") " AS \"leader.since\","       \
    " l.expires_at > clock_timestamp() AS \"leader.is_current\","                                                      \
    " u.depth AS \"lag.events\", " UNREAD_FOR_S("u.oldest") " AS \"lag.events_s\","                                    \
    " " PASSED_FOR_S(UNDECIDED) " AS \"lag.undecided_s\", " PASSED_FOR_S(LOOKS("due_at")) " AS \"lag.due_s\","         \
    " " PASSED_FOR_S(LOOKS("deadline_at")) " AS \"lag.deadline_s\","                                                   \
    " (SELECT json_agg(d ORDER BY d.kind) FROM (SELECT kind, count, " EPOCH("since") " AS since FROM zone_drift"       \
    "   WHERE zone_id = z.id) d) AS drift,"                                                                            \
    " " EPOCH("v.verified_at") " AS \"verification.verified_at\", v.is_equal AS \"verification.is_equal\""             \
    " FROM zone z"                                                                                                     \
    " LEFT JOIN (SELECT *, resumed_at IS NULL AND paused_until > sluice_now() AS is_on FROM zone_pause) p"             \
    "   ON p.zone_id = z.id"                                                                                           \
    " LEFT JOIN zone_pause_status k ON k.zone_id = z.id LEFT JOIN zone_verification v ON v.zone_id = z.id"             \
    " LEFT JOIN leader_lease l ON l.name = 'zone:' || z.id CROSS JOIN LATERAL " UNREAD_WISHES " u"

// clang-format on

static const struct db_stmt statement_list = {
    .name = "reconciler_list",
    .sql = RECONCILER_SELECT " WHERE ($1::uuid IS NULL OR z.id > $1::uuid) AND ($3::text IS NULL OR z.name = $3::text)"
                             " AND ($4::boolean IS NULL OR coalesce(p.is_on, false) = $4::boolean)"
                             " ORDER BY z.id LIMIT $2::bigint) t",
    .params = 4,
};

static const struct db_stmt statement_get = {
    .name = "reconciler_get",
    .sql = RECONCILER_SELECT " WHERE z.id = $1::uuid) t",
    .params = 1,
};

static const struct db_stmt statement_lock = {
    .name = "reconciler_lock",
    .sql = "SELECT coalesce(p.revision, 0) AS wish_revision, extract(epoch FROM sluice_now())::bigint AS now"
           "  FROM zone z LEFT JOIN zone_pause p ON p.zone_id = z.id WHERE z.id = $1::uuid FOR NO KEY UPDATE OF z",
    .params = 1,
};
static const struct object_lock reconciler_lock = {.stmt = &statement_lock, .noun = "zone"};

static const struct db_stmt statement_pause = {
    .name = "reconciler_pause",
    .sql = "INSERT INTO zone_pause AS p (zone_id, reason, paused_by, paused_until)"
           " VALUES ($1::uuid, $2, $3::uuid, to_timestamp($4::bigint))"
           " ON CONFLICT (zone_id) DO UPDATE SET revision = p.revision + 1, reason = excluded.reason,"
           "   paused_by = excluded.paused_by, paused_until = excluded.paused_until, resumed_at = NULL,"
           "   paused_at = CASE WHEN p.resumed_at IS NULL AND p.paused_until > sluice_now() THEN p.paused_at"
           "                    ELSE excluded.paused_at END"
           " RETURNING revision",
    .params = 4,
};

/* No row: it is not paused. */
static const struct db_stmt statement_resume = {
    .name = "reconciler_resume",
    .sql = "UPDATE zone_pause SET revision = revision + 1, resumed_at = sluice_now()"
           " WHERE zone_id = $1::uuid AND resumed_at IS NULL AND paused_until > sluice_now() RETURNING revision",
    .params = 1,
};

static const struct db_stmt *const reconciler_statements[] = {&statement_list,  &statement_get,    &statement_lock,
                                                              &statement_pause, &statement_resume, NULL};

/* ---- Handlers ---- */

static enum err_kind list(struct request *request, struct response *response, struct err *reterr)
{
    const struct reconciler_query *query = request->query;
    bool asks = FIELD_PRESENT(request->query_present, QUERY_PAUSED);
    return answer_page(request, response, &statement_list,
                       DB_PARAMS(query->zone, asks ? request_bool(query->paused) : NULL), reterr);
}

static enum err_kind get(struct request *request, struct response *response, struct err *reterr)
{
    return answer_object(request, response, 200, &statement_get, request->object, "zone", reterr);
}

/* When the pause ends by itself; adds to the problems what it cannot be. */
static int64_t end_of(struct request *request, const struct pause *wish)
{
    int64_t now_s = db_int(request->locked, 0, PQfnumber(request->locked, "now"), 0);
    bool has_until = wish->until != FIELD_NULL;
    if (has_until && wish->duration_s != FIELD_NULL)
        field_problem_add(&request->problems, "/until", "out_of_range", "give either until or duration_s");
    else if (has_until && (wish->until <= now_s || wish->until > now_s + PAUSE_S_MAX))
        field_problem_add(&request->problems, "/until", "out_of_range", "must be ahead, by 24 hours at most");
    if (has_until)
        return wish->until;
    return now_s + (wish->duration_s != FIELD_NULL ? wish->duration_s : PAUSE_S);
}

static enum err_kind tell(struct request *request, const PGresult *changed, const char *event, struct err *reterr)
{
    request->wakes_planner = true;
    return request_event(request, NULL, request->object, "reconciler_wish", request->object, db_int(changed, 0, 0, 0),
                         event, reterr);
}

static enum err_kind pause_zone(struct request *request, struct response *response, struct err *reterr)
{
    const struct pause *wish = request->body;
    int64_t until_s = end_of(request, wish);
    if (request->problems.count > 0)
        return request_invalid(request, reterr);
    const PGresult *changed = NULL;
    enum err_kind kind = request_run(
        request, &statement_pause,
        DB_PARAMS(request->object, wish->reason, request->caller.principal_id, request_int(request, until_s)), &changed,
        reterr);
    if (kind == ERR_NONE)
        kind = tell(request, changed, "reconciler.pause_requested", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

static enum err_kind resume(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *changed = NULL;
    enum err_kind kind = request_run(request, &statement_resume, DB_PARAMS(request->object), &changed, reterr);
    if (kind == ERR_NONE && PQntuples(changed) > 0)
        kind = tell(request, changed, "reconciler.resume_requested", reterr);
    return kind == ERR_NONE ? get(request, response, reterr) : kind;
}

// clang-format off
#define ONE    .answer = &reconciler_schema, .has_id = true, .id = IDENTITY_ZONE
#define ACTION ONE, .lock = &reconciler_lock, .status = 200, .again = get
static const struct route reconciler_routes[] = {
    {GET,  "/v1/system/reconciler",             ROLES_SYSTEM_READ,    RATE_READ,  .query = &query_schema, .answer = &reconciler_schema, .is_list = true, .run = list, .summary = "Each zone's reconciler: who leads, lag, drift, pause"},
    {GET,  "/v1/system/reconciler/{id}",        ROLES_SYSTEM_READ,    RATE_READ,  ONE, .run = get, .summary = "The reconciler of one zone"},
    {POST, "/v1/system/reconciler/{id}/pause",  ROLES_SYSTEM_OPERATE, RATE_WRITE, .body = &wish_schema, ACTION, .run = pause_zone, .summary = "Stop the automation of a zone for a while: nothing is ordered of its nodes"},
    {POST, "/v1/system/reconciler/{id}/resume", ROLES_SYSTEM_OPERATE, RATE_WRITE, ACTION, .run = resume, .summary = "Let the automation of a zone go on before its pause ends by itself"},
    ROUTES_END,
};
// clang-format on

const struct resource reconciler_resource = {"reconciler", reconciler_routes, reconciler_statements,
                                             "What keeps the zones as they are wished, and its emergency stop."};
