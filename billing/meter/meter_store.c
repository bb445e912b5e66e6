/* The meter's rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/meter/meter_store.h"

#include "common/must.h"

#include <inttypes.h>
#include <string.h>

#define INSTANCE_COLUMNS                                                                                               \
    "m.instance_id, m.tenant_id, m.reservation_id, m.revision, m.class, extract(epoch FROM m.open_since)::bigint,"     \
    " m.node_id, m.gpu_milli, extract(epoch FROM m.starts_at)::bigint, extract(epoch FROM m.ends_at)::bigint,"         \
    " m.next_seq, m.closed"

static const struct db_stmt statement_load_instances = {
    .name = "meter_load_instances",
    .sql = "SELECT " INSTANCE_COLUMNS " FROM meter_instance m WHERE m.instance_id = ANY ($1::uuid[])",
    .params = 1,
};

static const struct db_stmt statement_load_open = {
    .name = "meter_load_open",
    .sql = "SELECT " INSTANCE_COLUMNS " FROM meter_instance m"
           " WHERE NOT m.closed AND m.open_since < to_timestamp($1::bigint) ORDER BY m.instance_id LIMIT $2::bigint",
    .params = 2,
};

static const struct db_stmt statement_save_instances = {
    .name = "meter_save_instances",
    .sql = "INSERT INTO meter_instance AS m (instance_id, tenant_id, reservation_id, revision, class, open_since,"
           "  node_id, gpu_milli, starts_at, ends_at, next_seq, closed)"
           " SELECT i, t, r, revision, class, to_timestamp(open_since), n, gpu_milli, to_timestamp(starts_at),"
           "  to_timestamp(ends_at), next_seq, closed"
           "  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[], $7::uuid[],"
           "   $8::integer[], $9::bigint[], $10::bigint[], $11::integer[], $12::boolean[])"
           "   AS x (i, t, r, revision, class, open_since, n, gpu_milli, starts_at, ends_at, next_seq, closed)"
           " ON CONFLICT (instance_id) DO UPDATE SET revision = excluded.revision, class = excluded.class,"
           "  open_since = excluded.open_since, node_id = excluded.node_id, gpu_milli = excluded.gpu_milli,"
           "  starts_at = excluded.starts_at, ends_at = excluded.ends_at, next_seq = excluded.next_seq,"
           "  closed = excluded.closed",
    .params = 12,
};

static const struct db_stmt statement_load_nodes = {
    .name = "meter_load_nodes",
    .sql = "SELECT node_id, extract(epoch FROM starts_at)::bigint, revision, cause"
           "  FROM meter_node WHERE node_id = ANY ($1::uuid[]) AND ends_at IS NULL",
    .params = 1,
};

static const struct db_stmt statement_end_stretches = {
    .name = "meter_end_stretches",
    .sql = "UPDATE meter_node m SET ends_at = to_timestamp(x.ends_at), revision = x.revision"
           "  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS x (node_id, ends_at, revision)"
           " WHERE m.node_id = x.node_id AND m.ends_at IS NULL",
    .params = 3,
};

static const struct db_stmt statement_partition = {
    .name = "meter_partition_ensure",
    .sql = "SELECT partition_ensure('usage_interval', to_timestamp($1::bigint), to_timestamp($2::bigint))",
    .params = 2,
};

const struct db_stmt *const meter_store_statements[] = {
    &statement_load_instances, &statement_load_open,     &statement_save_instances,
    &statement_load_nodes,     &statement_end_stretches, &statement_partition,
    NULL,
};

static const char copy_intervals[] = "COPY usage_interval (period_start, period_end, instance_id, seq, tenant_id,"
                                     " reservation_id, node_id, gpu_milli, class) FROM STDIN";
static const char copy_stretches[] = "COPY meter_node (node_id, starts_at, ends_at, revision, cause) FROM STDIN";

/* ---- Output ---- */

void meter_output_begin(struct meter_output *output)
{
    *output = (struct meter_output){.least_from_s = INT64_MAX, .most_to_s = INT64_MIN};
    copy_rows_begin(&output->intervals);
    copy_rows_begin(&output->stretches);
}

void meter_output_release(struct meter_output *output)
{
    copy_rows_release(&output->intervals);
    copy_rows_release(&output->stretches);
    db_array_clear(&output->ended_node);
    db_array_clear(&output->ended_at);
    db_array_clear(&output->ended_revision);
}

void meter_output_stretch(struct meter_output *output, struct metered_instance *instance,
                          struct tiling_interval *stretch)
{
    struct tiling_interval piece;
    while (tiling_next_piece(&instance->tiling, stretch, &piece)) {
        struct copy_rows *rows = &output->intervals;
        copy_rows_time(rows, piece.from_s, '\t');
        copy_rows_time(rows, piece.to_s, '\t');
        copy_rows_identity(rows, &instance->id, '\t');
        fprintf(rows->out, "%" PRId32 "\t", piece.seq);
        copy_rows_identity(rows, &instance->tenant, '\t');
        copy_rows_identity(rows, &instance->reservation, '\t');
        copy_rows_identity(rows, piece.has_node ? &piece.node : NULL, '\t');
        fprintf(rows->out, "%" PRId32 "\t%s\n", piece.gpu_milli, usage_class_text(piece.class));
        if (piece.from_s < output->least_from_s)
            output->least_from_s = piece.from_s;
        if (piece.to_s > output->most_to_s)
            output->most_to_s = piece.to_s;
    }
}

static void end_or_null(struct db_array *array, int64_t ends_at_s)
{
    char text[DB_INT_TEXT_SIZE];
    db_array_text(array, ends_at_s == TILING_OPEN_END_S ? NULL : db_int_param(text, ends_at_s));
}

void meter_output_idle(struct meter_output *output, const struct metered_node *node, int64_t ends_at_s)
{
    if (node->stored) {
        db_array_identity(&output->ended_node, node->id);
        end_or_null(&output->ended_at, ends_at_s);
        db_array_int(&output->ended_revision, node->idle.revision);
        return;
    }
    if (ends_at_s == node->idle.since_s)
        return; /* it lasted no time */
    struct copy_rows *rows = &output->stretches;
    copy_rows_identity(rows, &node->id, '\t');
    copy_rows_time(rows, node->idle.since_s, '\t');
    if (ends_at_s == TILING_OPEN_END_S)
        fputs("\\N\t", rows->out);
    else
        copy_rows_time(rows, ends_at_s, '\t');
    fprintf(rows->out, "%" PRId64 "\t%s\n", node->idle.revision, idle_cause_text(node->idle.cause));
}

enum err_kind meter_output_send(struct meter_output *output, struct db *db, struct err *reterr)
{
    if (output->least_from_s < output->most_to_s) {
        char from[DB_INT_TEXT_SIZE];
        char to[DB_INT_TEXT_SIZE];
        enum err_kind kind = db_run(db, &statement_partition,
                                    DB_PARAMS(db_int_param(from, output->least_from_s),
                                              db_int_param(to, output->most_to_s)),
                                    NULL, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    enum err_kind kind = copy_rows_send(&output->intervals, db, copy_intervals, reterr);
    if (kind == ERR_NONE && output->ended_node.count > 0) { /* before the inserts: they would be open rows too */
        kind = db_run(db, &statement_end_stretches,
                      DB_PARAMS(db_array_param(&output->ended_node), db_array_param(&output->ended_at),
                                db_array_param(&output->ended_revision)),
                      NULL, reterr);
    }
    if (kind == ERR_NONE)
        kind = copy_rows_send(&output->stretches, db, copy_stretches, reterr);
    return kind;
}

/* ---- Instances ---- */

static void decode_instance(const PGresult *rows, int row, struct metered_instance *ret)
{
    *ret = (struct metered_instance){
        .id = db_identity(rows, row, 0),
        .tenant = db_identity(rows, row, 1),
        .reservation = db_identity(rows, row, 2),
        .tiling =
            {
                .revision = db_int(rows, row, 3, 0),
                .open_since_s = db_int(rows, row, 5, 0),
                .has_node = db_text(rows, row, 6) != NULL,
                .gpu_milli = (int32_t)db_int(rows, row, 7, 0),
                .starts_at_s = db_int(rows, row, 8, 0),
                .ends_at_s = db_int(rows, row, 9, TILING_OPEN_END_S),
                .next_seq = (int32_t)db_int(rows, row, 10, 0),
                .closed = db_bool(rows, row, 11),
            },
    };
    must(usage_class_from_text(db_text(rows, row, 4), &ret->tiling.class)); /* we wrote it */
    if (ret->tiling.has_node)
        ret->tiling.node = db_identity(rows, row, 6);
}

static int by_instance_id(const void *a, const void *b)
{
    const struct metered_instance *one = a;
    const struct metered_instance *other = b;
    return memcmp(one->id.bytes, other->id.bytes, sizeof one->id.bytes);
}

enum err_kind meter_load_instances(struct db *db, struct metered_instance *instances, size_t count, struct err *reterr)
{
    if (count == 0)
        return ERR_NONE;
    CLEANUP(db_array_clear) struct db_array ids = {0};
    for (size_t i = 0; i < count; i++)
        db_array_identity(&ids, instances[i].id);
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_load_instances, DB_PARAMS(db_array_param(&ids)), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct metered_instance found;
        decode_instance(rows, row, &found);
        struct metered_instance *place = bsearch(&found, instances, count, sizeof *instances, by_instance_id);
        must(place != NULL);
        *place = found;
    }
    return kind;
}

enum err_kind meter_load_open(struct db *db, int64_t at_s, struct metered_instance *ret, size_t count,
                              size_t *ret_count, struct err *reterr)
{
    char at[DB_INT_TEXT_SIZE];
    char limit[DB_INT_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *rows = NULL;
    enum err_kind kind = db_run(db, &statement_load_open,
                                DB_PARAMS(db_int_param(at, at_s), db_int_param(limit, (int64_t)count)), &rows, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_count = (size_t)PQntuples(rows);
    for (int row = 0; row < PQntuples(rows); row++)
        decode_instance(rows, row, &ret[row]);
    return ERR_NONE;
}

#define INSTANCE_PARAMS 12

enum err_kind meter_save_instances(struct db *db, const struct metered_instance *instances, size_t count,
                                   struct err *reterr)
{
    if (count == 0)
        return ERR_NONE;
    struct db_array arrays[INSTANCE_PARAMS] = {0};
    for (size_t i = 0; i < count; i++) {
        const struct tiling *tiling = &instances[i].tiling;
        db_array_identity(&arrays[0], instances[i].id);
        db_array_identity(&arrays[1], instances[i].tenant);
        db_array_identity(&arrays[2], instances[i].reservation);
        db_array_int(&arrays[3], tiling->revision);
        db_array_text(&arrays[4], usage_class_text(tiling->class));
        db_array_int(&arrays[5], tiling->open_since_s);
        if (tiling->has_node)
            db_array_identity(&arrays[6], tiling->node);
        else
            db_array_text(&arrays[6], NULL);
        db_array_int(&arrays[7], tiling->gpu_milli);
        db_array_int(&arrays[8], tiling->starts_at_s);
        end_or_null(&arrays[9], tiling->ends_at_s);
        db_array_int(&arrays[10], tiling->next_seq);
        db_array_bool(&arrays[11], tiling->closed);
    }
    const char *params[INSTANCE_PARAMS];
    for (int i = 0; i < INSTANCE_PARAMS; i++)
        params[i] = db_array_param(&arrays[i]);
    enum err_kind kind = db_run(db, &statement_save_instances, params, NULL, reterr);
    for (int i = 0; i < INSTANCE_PARAMS; i++)
        db_array_clear(&arrays[i]);
    return kind;
}

/* ---- Nodes ---- */

static int by_node_id(const void *a, const void *b)
{
    const struct metered_node *one = a;
    const struct metered_node *other = b;
    return memcmp(one->id.bytes, other->id.bytes, sizeof one->id.bytes);
}

static enum idle_cause cause_from_text(const char *text)
{
    int cause = 0;
    while (cause < IDLE_CAUSE_COUNT && strcmp(idle_cause_text((enum idle_cause)cause), text) != 0)
        cause++;
    must(cause < IDLE_CAUSE_COUNT); /* we wrote it */
    return (enum idle_cause)cause;
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
            .id = db_identity(rows, row, 0),
            .idle =
                {
                    .since_s = db_int(rows, row, 1, 0),
                    .revision = db_int(rows, row, 2, 0),
                    .cause = cause_from_text(db_text(rows, row, 3)),
                },
            .stored = true,
        };
        struct metered_node *place = bsearch(&found, nodes, count, sizeof *nodes, by_node_id);
        must(place != NULL);
        *place = found;
    }
    return kind;
}
