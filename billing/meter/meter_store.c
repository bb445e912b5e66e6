/* The meter's rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/meter/meter_store.h"

#include "common/calendar.h"
#include "common/must.h"

#include <stdlib.h>

#define LATE_END (-1) /* in place of an interval's number: its end alone came late */

#define INSTANCE_COLUMNS                                                                                               \
    "m.instance_id, m.tenant_id, m.reservation_id, m.revision, m.class, date_part('epoch', m.open_since)::bigint,"     \
    " m.node_id, m.gpu_milli, date_part('epoch', m.starts_at)::bigint, date_part('epoch', m.ends_at)::bigint,"         \
    " m.next_seq, m.closed, date_part('epoch', m.gives_way_at)::bigint"

static const struct db_stmt statement_load_instances = {
    .name = "meter_load_instances",
    .sql = "SELECT " INSTANCE_COLUMNS " FROM meter_instance m WHERE m.instance_id = ANY ($1::uuid[])",
    .params = 1,
    .columns = 1,
    .binary = true,
};

static const struct db_stmt statement_load_open = {
    .name = "meter_load_open",
    .sql = "SELECT " INSTANCE_COLUMNS " FROM meter_instance m"
           " WHERE NOT m.closed AND m.open_since < to_timestamp($1::bigint) AND m.instance_id > $2::uuid"
           " ORDER BY m.instance_id LIMIT $3::bigint",
    .params = 3,
    .binary = true,
};
enum {
    INSTANCE_ID,
    INSTANCE_TENANT,
    INSTANCE_RESERVATION,
    INSTANCE_REVISION,
    INSTANCE_CLASS,
    INSTANCE_OPEN_SINCE,
    INSTANCE_NODE,
    INSTANCE_GPU_MILLI,
    INSTANCE_STARTS,
    INSTANCE_ENDS,
    INSTANCE_NEXT_SEQ,
    INSTANCE_CLOSED,
    INSTANCE_GIVES_WAY,
};

static const struct db_stmt statement_insert_instances = {
    .name = "meter_insert_instances",
    .sql =
        "INSERT INTO meter_instance (instance_id, revision, class, open_since, node_id, gpu_milli, starts_at,"
        "  ends_at, next_seq, closed, gives_way_at, tenant_id, reservation_id)"
        " SELECT i, revision, class, to_timestamp(open_since), n, gpu_milli, to_timestamp(starts_at),"
        "  to_timestamp(ends_at), next_seq, closed, to_timestamp(gives_way_at), t, r"
        "  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::uuid[], $6::integer[], $7::bigint[],"
        "   $8::bigint[], $9::integer[], $10::boolean[], $11::bigint[], $12::uuid[], $13::uuid[])"
        "   AS x (i, revision, class, open_since, n, gpu_milli, starts_at, ends_at, next_seq, closed, gives_way_at, t, r)",
    .params = 13,
    .columns = 13,
};

/* No indexed column changes but where a window closes, so the new versions stay on their pages (HOT). Whose an instance
 * is never changes. */
static const struct db_stmt statement_update_instances = {
    .name = "meter_update_instances",
    .sql = "UPDATE meter_instance m SET revision = x.revision, class = x.class,"
           "  open_since = to_timestamp(x.open_since), node_id = x.n, gpu_milli = x.gpu_milli,"
           "  starts_at = to_timestamp(x.starts_at), ends_at = to_timestamp(x.ends_at), next_seq = x.next_seq,"
           "  closed = x.closed, gives_way_at = to_timestamp(x.gives_way_at)"
           "  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::uuid[], $6::integer[], $7::bigint[],"
           "   $8::bigint[], $9::integer[], $10::boolean[], $11::bigint[])"
           "   AS x (i, revision, class, open_since, n, gpu_milli, starts_at, ends_at, next_seq, closed, gives_way_at)"
           " WHERE m.instance_id = x.i",
    .params = 11,
    .columns = 11,
};

static const struct db_stmt statement_load_nodes = {
    .name = "meter_load_nodes",
    .sql = "SELECT node_id, extract(epoch FROM starts_at)::bigint, revision, cause"
           "  FROM meter_node WHERE node_id = ANY ($1::uuid[]) AND ends_at IS NULL",
    .params = 1,
};
enum { NODE_ID, NODE_SINCE, NODE_REVISION, NODE_CAUSE };

static const struct db_stmt statement_end_stretches = {
    .name = "meter_end_stretches",
    .sql = "UPDATE meter_node m SET ends_at = to_timestamp(x.ends_at), revision = x.revision"
           "  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS x (node_id, ends_at, revision)"
           " WHERE m.node_id = x.node_id AND m.ends_at IS NULL",
    .params = 3,
    .columns = 3,
};

static const struct db_stmt statement_partition = {
    .name = "meter_partition_ensure",
    .sql = "SELECT partition_ensure('usage_interval', to_timestamp($1::bigint), to_timestamp($2::bigint))",
    .params = 2,
};

static const struct db_stmt statement_intervals = {
    .name = "meter_insert_intervals",
    .sql = "INSERT INTO usage_interval (period_start, period_end, instance_id, seq, tenant_id, reservation_id, node_id,"
           "  gpu_milli, class)"
           " SELECT to_timestamp(x.from_s), to_timestamp(x.to_s), x.i, x.seq, x.t, x.r, x.n, x.gpu_milli, x.class"
           "   FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::integer[], $5::uuid[], $6::uuid[], $7::uuid[],"
           "    $8::integer[], $9::text[]) AS x (from_s, to_s, i, seq, t, r, n, gpu_milli, class)",
    .params = 9,
    .columns = 9,
};

static const struct db_stmt statement_late = {
    .name = "meter_insert_late",
    .sql = "INSERT INTO late_usage (period_start, period_end, instance_id, seq, tenant_id, rated_with)"
           " SELECT to_timestamp(x.from_s), to_timestamp(x.to_s), x.i, x.seq, x.t, date '1970-01-01' + x.day"
           "   FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::integer[], $5::uuid[], $6::integer[])"
           "    AS x (from_s, to_s, i, seq, t, day)"
           " ON CONFLICT DO NOTHING", /* an end that came late may be told again: after it was none for a while */
    .params = 6,
    .columns = 6,
};

static const struct db_stmt statement_stretches = {
    .name = "meter_insert_stretches",
    .sql = "INSERT INTO meter_node (node_id, starts_at, ends_at, revision, cause)"
           " SELECT x.n, to_timestamp(x.starts_at), to_timestamp(x.ends_at), x.revision, x.cause"
           "   FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])"
           "     AS x (n, starts_at, ends_at, revision, cause)",
    .params = 5,
    .columns = 5,
};

const struct db_stmt *const meter_store_statements[] = {
    &statement_load_instances,
    &statement_load_open,
    &statement_insert_instances,
    &statement_update_instances,
    &statement_load_nodes,
    &statement_end_stretches,
    &statement_partition,
    &statement_intervals,
    &statement_late,
    &statement_stretches,
    NULL,
};

/* ---- Output ---- Columns in the order of the statements' parameters. */

void meter_output_begin(struct meter_output *output, int64_t floor_s)
{
    *output = (struct meter_output){.floor_s = floor_s, .least_from_s = INT64_MAX, .most_to_s = INT64_MIN};
}

void meter_output_release(struct meter_output *output)
{
    bulk_rows_release(&output->intervals);
    bulk_rows_release(&output->late);
    bulk_rows_release(&output->stretches);
    bulk_rows_release(&output->ended);
}

static void add_piece(struct bulk_rows *rows, const struct metered_instance *instance,
                      const struct tiling_interval *piece)
{
    struct db_column *next = rows->columns;
    db_column_int8(next++, piece->from_s);
    db_column_int8(next++, piece->to_s);
    db_column_identity(next++, instance->id);
    db_column_int4(next++, piece->seq);
    db_column_identity(next++, instance->tenant);
    db_column_identity(next++, instance->reservation);
    db_column_identity_or_null(next++, piece->has_node ? &piece->node : NULL);
    db_column_int4(next++, piece->gpu_milli);
    db_column_text(next, usage_class_text(piece->class));
}

/* The day that its piece is rated with is the first open one. */
static void add_late(struct meter_output *output, const struct metered_instance *instance,
                     const struct tiling_interval *piece)
{
    struct db_column *next = output->late.columns;
    db_column_int8(next++, piece->from_s);
    db_column_int8(next++, piece->to_s);
    db_column_identity(next++, instance->id);
    db_column_int4(next++, piece->seq);
    db_column_identity(next++, instance->tenant);
    db_column_int4(next, calendar_day_of_time(output->floor_s));
}

void meter_output_stretch(struct meter_output *output, struct metered_instance *instance,
                          struct tiling_interval *stretch)
{
    struct tiling_interval piece;
    while (tiling_next_piece(&instance->tiling, stretch, &piece)) {
        add_piece(&output->intervals, instance, &piece);
        if (piece.from_s < output->floor_s)
            add_late(output, instance, &piece);
        if (piece.from_s < output->least_from_s)
            output->least_from_s = piece.from_s;
        if (piece.to_s > output->most_to_s)
            output->most_to_s = piece.to_s;
    }
}

void meter_output_end(struct meter_output *output, const struct metered_instance *instance)
{
    const struct tiling *tiling = &instance->tiling;
    if (tiling->open_since_s != output->floor_s || tiling->starts_at_s >= output->floor_s)
        return;
    const struct tiling_interval last_second = {
        .from_s = tiling->open_since_s - 1, .to_s = tiling->open_since_s, .seq = LATE_END};
    add_late(output, instance, &last_second);
}

static void end_stored(struct db_column *next, const struct metered_node *node, int64_t ends_at_s)
{
    db_column_identity(next++, node->id);
    db_column_int8_or_null(next++, ends_at_s, TILING_OPEN_END_S);
    db_column_int8(next, node->idle.revision);
}

static void add_stretch(struct db_column *next, const struct metered_node *node, int64_t ends_at_s)
{
    db_column_identity(next++, node->id);
    db_column_int8(next++, node->idle.since_s);
    db_column_int8_or_null(next++, ends_at_s, TILING_OPEN_END_S);
    db_column_int8(next++, node->idle.revision);
    db_column_text(next, idle_cause_text(node->idle.cause));
}

void meter_output_idle(struct meter_output *output, const struct metered_node *node, int64_t ends_at_s)
{
    if (node->stored)
        end_stored(output->ended.columns, node, ends_at_s);
    else if (ends_at_s != node->idle.since_s) /* it lasted some time */
        add_stretch(output->stretches.columns, node, ends_at_s);
}

enum err_kind meter_output_send(struct meter_output *output, struct db *db, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    if (output->least_from_s < output->most_to_s) {
        char from[DB_INT_TEXT_SIZE];
        char to[DB_INT_TEXT_SIZE];
        kind = db_run(db, &statement_partition,
                      DB_PARAMS(db_int_param(from, output->least_from_s), db_int_param(to, output->most_to_s)), NULL,
                      reterr);
    }
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&output->intervals, db, &statement_intervals, reterr);
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&output->late, db, &statement_late, reterr);
    if (kind == ERR_NONE) /* before the inserts: they would be open rows too */
        kind = bulk_rows_send(&output->ended, db, &statement_end_stretches, reterr);
    if (kind == ERR_NONE)
        kind = bulk_rows_send(&output->stretches, db, &statement_stretches, reterr);
    return kind;
}

/* ---- Instances ---- */

static void decode_instance(const PGresult *rows, int row, struct metered_instance *ret)
{
    *ret = (struct metered_instance){
        .id = db_identity(rows, row, INSTANCE_ID),
        .tenant = db_identity(rows, row, INSTANCE_TENANT),
        .reservation = db_identity(rows, row, INSTANCE_RESERVATION),
        .tiling =
            {
                .revision = db_int(rows, row, INSTANCE_REVISION, 0),
                .open_since_s = db_int(rows, row, INSTANCE_OPEN_SINCE, 0),
                .has_node = db_text(rows, row, INSTANCE_NODE) != NULL,
                .gpu_milli = (int32_t)db_int(rows, row, INSTANCE_GPU_MILLI, 0),
                .starts_at_s = db_int(rows, row, INSTANCE_STARTS, 0),
                .ends_at_s = db_int(rows, row, INSTANCE_ENDS, TILING_OPEN_END_S),
                .next_seq = (int32_t)db_int(rows, row, INSTANCE_NEXT_SEQ, 0),
                .closed = db_bool(rows, row, INSTANCE_CLOSED),
                .gives_way_at_s = db_int(rows, row, INSTANCE_GIVES_WAY, TILING_OPEN_END_S),
            },
        .stored = true,
    };
    must(usage_class_from_text(db_text(rows, row, INSTANCE_CLASS), &ret->tiling.class)); /* we wrote it */
    if (ret->tiling.has_node)
        ret->tiling.node = db_identity(rows, row, INSTANCE_NODE);
}

static int by_instance_id(const void *a, const void *b)
{
    const struct metered_instance *one = a;
    const struct metered_instance *other = b;
    return identity_compare(one->id, other->id);
}

enum err_kind meter_load_instances(struct db *db, struct metered_instance *instances, size_t count, struct err *reterr)
{
    if (count == 0)
        return ERR_NONE;
    CLEANUP(db_column_clear) struct db_column ids = {0};
    for (size_t i = 0; i < count; i++)
        db_column_identity(&ids, instances[i].id);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_load_instances, DB_PARAMS(db_column_param(&ids)), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct metered_instance found;
        decode_instance(rows, row, &found);
        struct metered_instance *place = bsearch(&found, instances, count, sizeof *instances, by_instance_id);
        must(place != NULL);
        *place = found;
    }
    return kind;
}

enum err_kind meter_load_open(struct db *db, int64_t at_s, struct identity after, struct metered_instance *ret,
                              size_t count, size_t *ret_count, struct err *reterr)
{
    char at[DB_INT_TEXT_SIZE];
    char last[UUID_TEXT_SIZE];
    char limit[DB_INT_TEXT_SIZE];
    identity_to_uuid(after, last);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind =
        db_run(db, &statement_load_open, DB_PARAMS(db_int_param(at, at_s), last, db_int_param(limit, (int64_t)count)),
               &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_count = (size_t)PQntuples(rows);
    for (int row = 0; row < PQntuples(rows); row++)
        decode_instance(rows, row, &ret[row]);
    return ERR_NONE;
}

/* Columns as both statements number them; whose it is stands last, since only the insert asks. */
static void add_instance(struct bulk_rows *rows, const struct metered_instance *instance)
{
    const struct tiling *tiling = &instance->tiling;
    struct db_column *next = rows->columns;
    db_column_identity(next++, instance->id);
    db_column_int8(next++, tiling->revision);
    db_column_text(next++, usage_class_text(tiling->class));
    db_column_int8(next++, tiling->open_since_s);
    db_column_identity_or_null(next++, tiling->has_node ? &tiling->node : NULL);
    db_column_int4(next++, tiling->gpu_milli);
    db_column_int8(next++, tiling->starts_at_s);
    db_column_int8_or_null(next++, tiling->ends_at_s, TILING_OPEN_END_S);
    db_column_int4(next++, tiling->next_seq);
    db_column_bool(next++, tiling->closed);
    db_column_int8_or_null(next++, tiling->gives_way_at_s, TILING_OPEN_END_S);
    if (instance->stored)
        return;
    db_column_identity(next++, instance->tenant);
    db_column_identity(next, instance->reservation);
}

enum err_kind meter_save_instances(struct db *db, const struct metered_instance *instances, size_t count,
                                   struct err *reterr)
{
    CLEANUP(bulk_rows_release) struct bulk_rows inserted = {0};
    CLEANUP(bulk_rows_release) struct bulk_rows updated = {0};
    for (size_t i = 0; i < count; i++)
        add_instance(instances[i].stored ? &updated : &inserted, &instances[i]);
    enum err_kind kind = bulk_rows_send(&inserted, db, &statement_insert_instances, reterr);
    return kind == ERR_NONE ? bulk_rows_send(&updated, db, &statement_update_instances, reterr) : kind;
}

/* ---- Nodes ---- */

static int by_node_id(const void *a, const void *b)
{
    const struct metered_node *one = a;
    const struct metered_node *other = b;
    return identity_compare(one->id, other->id);
}

enum err_kind meter_load_nodes(struct db *db, struct metered_node *nodes, size_t count, struct err *reterr)
{
    if (count == 0)
        return ERR_NONE;
    CLEANUP(db_array_clear) struct db_array ids = {0};
    for (size_t i = 0; i < count; i++)
        db_array_identity(&ids, nodes[i].id);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_load_nodes, DB_PARAMS(db_array_param(&ids)), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct metered_node found = {
            .id = db_identity(rows, row, NODE_ID),
            .idle =
                {
                    .since_s = db_int(rows, row, NODE_SINCE, 0),
                    .revision = db_int(rows, row, NODE_REVISION, 0),
                    .cause = idle_cause_of_text(db_text(rows, row, NODE_CAUSE)),
                },
            .stored = true,
        };
        struct metered_node *place = bsearch(&found, nodes, count, sizeof *nodes, by_node_id);
        must(place != NULL);
        *place = found;
    }
    return kind;
}
