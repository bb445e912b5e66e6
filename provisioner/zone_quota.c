/* Only tenants with a quota are read: their reservations that have their place, and the instances of this month and of
 * what is to come. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_quota.h"

#include "common/calendar.h"

#define HOUR_S 3600
#define MILLI  1000

static const struct db_stmt statement_limits = {
    .name = "zone_quota_limits",
    .sql = "SELECT q.tenant_id, q.project, q.gpu_model, coalesce(q.peak_gpu_milli, -1), coalesce(q.month_gpu_hours, -1)"
           "  FROM quota q WHERE q.zone_id = $1::uuid ORDER BY q.id",
    .params = 1,
};
enum { LIMIT_TENANT, LIMIT_PROJECT, LIMIT_GPU_MODEL, LIMIT_PEAK, LIMIT_MONTH_HOURS };

/* The model is that of the node it is on or was on last; one without instances is where its planner has it. */
static const struct db_stmt statement_holdings = {
    .name = "zone_quota_holdings",
    .sql =
        "WITH limited AS MATERIALIZED (SELECT DISTINCT tenant_id FROM quota WHERE zone_id = $1::uuid)"
        " SELECT r.id, NULL::uuid, 0, r.tenant_id, r.project, coalesce(s.granted_count, r.count)::bigint"
        "        * (r.gpu_count * 1000 + r.gpu_milli), extract(epoch FROM s.starts_at)::bigint,"
        "        coalesce(extract(epoch FROM s.ends_at)::bigint, 9223372036854775807), NULL::text"
        "   FROM reservation_status s JOIN reservation r ON r.id = s.reservation_id"
        "  WHERE s.zone_id = $1::uuid AND s.state IN ('held', 'scheduled')"
        "    AND s.tenant_id IN (SELECT l.tenant_id FROM limited l)"
        " UNION ALL"
        " SELECT r.id, i.id, i.ordinal, r.tenant_id, r.project, i.gpu_milli, extract(epoch FROM i.starts_at)::bigint,"
        "        coalesce(extract(epoch FROM i.ends_at)::bigint, 9223372036854775807),"
        "        (SELECT n.gpu_model FROM node n WHERE n.id = coalesce(i.node_id,"
        "           (SELECT c.node_id FROM instance_incarnation c WHERE c.instance_id = i.id"
        "             ORDER BY c.incarnation DESC LIMIT 1)))"
        "   FROM limited l JOIN instance i ON i.tenant_id = l.tenant_id AND i.zone_id = $1::uuid"
        "   JOIN reservation r ON r.id = i.reservation_id"
        "  WHERE i.ends_at IS NULL OR i.ends_at > to_timestamp($2::bigint)",
    .params = 2,
};
enum {
    HOLDING_RESERVATION,
    HOLDING_INSTANCE,
    HOLDING_ORDINAL,
    HOLDING_TENANT,
    HOLDING_PROJECT,
    HOLDING_GPU_MILLI,
    HOLDING_FROM,
    HOLDING_TO,
    HOLDING_GPU_MODEL,
};

const struct db_stmt *const zone_quota_statements[] = {&statement_limits, &statement_holdings, NULL};

static int64_t month_start(int64_t now_s)
{
    return calendar_time_of_day(calendar_month_of_day(calendar_day_of_time(now_s)));
}

static void read_limits(struct quotas *quotas, const PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t hours = db_int(result, row, LIMIT_MONTH_HOURS, QUOTA_NONE);
        quotas_limit(quotas, &(struct quota_limit){
                                 .tenant = db_identity(result, row, LIMIT_TENANT),
                                 .project = db_text(result, row, LIMIT_PROJECT),
                                 .gpu_model = db_text(result, row, LIMIT_GPU_MODEL),
                                 .peak_gpu_milli = db_int(result, row, LIMIT_PEAK, QUOTA_NONE),
                                 .month_gpu_milli_s = hours < 0 ? QUOTA_NONE : hours * HOUR_S * MILLI,
                             });
    }
}

static void read_holding(const struct zone_memory *memory, struct quotas *quotas, const PGresult *result, int row,
                         int64_t now_s)
{
    bool is_instance = db_text(result, row, HOLDING_INSTANCE) != NULL;
    struct quota_holding holding = {
        .reservation = db_identity(result, row, is_instance ? HOLDING_INSTANCE : HOLDING_RESERVATION),
        .tenant = db_identity(result, row, HOLDING_TENANT),
        .project = db_text(result, row, HOLDING_PROJECT),
        .gpu_model = db_text(result, row, HOLDING_GPU_MODEL),
        .from = db_int(result, row, HOLDING_FROM, 0),
        .to = db_int(result, row, HOLDING_TO, LEVEL_OPEN),
        .gpu_milli = db_int(result, row, HOLDING_GPU_MILLI, 0),
    };
    struct planner_key key = {.reservation = planner_id_of(db_identity(result, row, HOLDING_RESERVATION)),
                              .ordinal = (uint32_t)db_int(result, row, HOLDING_ORDINAL, 0)};
    const struct planner_node *place =
        planner_node_of(memory->planner, &key, holding.from > now_s ? holding.from : now_s);
    if (holding.gpu_model == NULL && place != NULL)
        holding.gpu_model = place->gpu_model;
    if (holding.gpu_model != NULL) /* else it never had a place */
        quotas_hold(quotas, &holding);
}

static void quotas_freep(struct quotas **quotas)
{
    quotas_free(*quotas);
}

enum err_kind zone_quota_load(struct zone_memory *memory, struct db *db, int64_t now_s, struct err *reterr)
{
    char zone[UUID_TEXT_SIZE];
    char from[DB_INT_TEXT_SIZE];
    int64_t base = month_start(now_s);
    identity_to_uuid(memory->terms.id, zone);
    CLEANUP(quotas_freep) struct quotas *quotas = quotas_new(base);
    CLEANUP(db_result_clear) PGresult *limits = NULL;
    CLEANUP(db_result_clear) PGresult *holdings = NULL;
    enum err_kind kind = db_run(db, &statement_limits, DB_PARAMS(zone), &limits, reterr);
    if (kind == ERR_NONE && PQntuples(limits) > 0) {
        read_limits(quotas, limits);
        kind = db_run(db, &statement_holdings, DB_PARAMS(zone, db_int_param(from, base)), &holdings, reterr);
    }
    if (kind != ERR_NONE)
        return kind;
    for (int row = 0; holdings != NULL && row < PQntuples(holdings); row++)
        read_holding(memory, quotas, holdings, row, now_s);
    quotas_free(memory->quotas);
    memory->quotas = TAKE(quotas);
    return ERR_NONE;
}

void zone_quota_forget(struct zone_memory *memory, int64_t now_s)
{
    quotas_forget(memory->quotas, month_start(now_s));
}
