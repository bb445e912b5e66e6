/* What consoles said, as rows: all of a piece of work in one statement, nothing where nothing was said. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/apply.h"

#define MONTH_S (31 * INT64_C(86400))

/* A stay keeps the newest 1,000: those before go, and are not put in where a driver hands over more at once. Of most
 * nothing goes, which costs no look at the table. A line that is there already stays as it is. */
static const struct db_stmt statement_lines = {
    .name = "apply_lines",
    .sql = "WITH said AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::bigint[],"
           "                                                $6::text[])"
           "              AS n (instance, incarnation, number, tenant, at, text)),"
           " full_stay AS MATERIALIZED (SELECT s.instance, s.incarnation, max(s.number) - 1000 AS until FROM said s"
           "                             WHERE s.number > 1000 GROUP BY s.instance, s.incarnation),"
           " gone AS (DELETE FROM instance_console_line l USING full_stay f"
           "           WHERE l.instance_id = f.instance AND l.incarnation = f.incarnation AND l.number <= f.until)"
           " INSERT INTO instance_console_line (instance_id, incarnation, number, tenant_id, said_at, text)"
           " SELECT s.instance, s.incarnation, s.number, s.tenant, to_timestamp(s.at), s.text FROM said s"
           "  WHERE NOT EXISTS (SELECT FROM full_stay f WHERE f.instance = s.instance AND f.incarnation = s.incarnation"
           "                       AND s.number <= f.until)"
           " ON CONFLICT DO NOTHING",
    .params = 6,
    .columns = 6,
};
_Static_assert(DRIVER_LINES_KEPT == 1000, "the bound in statement_lines");

/* Under a virtual clock months pass between two rounds of the housekeeping. */
static const struct db_stmt statement_partition = {
    .name = "apply_lines_partition",
    .sql = "SELECT partition_ensure('instance_console_line', to_timestamp($1::bigint), to_timestamp($2::bigint))",
    .params = 2,
};

const struct db_stmt *const apply_line_statements[] = {&statement_lines, &statement_partition, NULL};

/* In the order of the statement's parameters. */
enum line_column { LINE_INSTANCE, LINE_INCARNATION, LINE_NUMBER, LINE_TENANT, LINE_AT, LINE_TEXT, LINE_COLUMNS };

static void columns_clear(struct db_column (*columns)[LINE_COLUMNS])
{
    for (int i = 0; i < LINE_COLUMNS; i++)
        db_column_clear(&(*columns)[i]);
}

static enum err_kind ensure_partitions(struct world *world, struct apply_queue *queue, const struct driver_lines *said,
                                       struct err *reterr)
{
    int64_t least_s = world->now_s;
    for (size_t i = 0; i < said->count; i++)
        least_s = said->lines[i].at_s < least_s ? said->lines[i].at_s : least_s;
    char from[DB_INT_TEXT_SIZE];
    char until[DB_INT_TEXT_SIZE];
    world->lines_until_s = world->now_s + MONTH_S;
    return apply_send(queue, &statement_partition,
                      DB_PARAMS(db_int_param(from, least_s), db_int_param(until, world->lines_until_s)), -1, reterr);
}

enum err_kind apply_lines(struct world *world, struct apply_queue *queue, struct err *reterr)
{
    struct driver_lines said = world->driver_ops->said(world->driver);
    if (said.count == 0)
        return ERR_NONE;
    if (world->lines_until_s < world->now_s) {
        enum err_kind kind = ensure_partitions(world, queue, &said, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    CLEANUP(columns_clear) struct db_column columns[LINE_COLUMNS] = {0};
    for (size_t i = 0; i < said.count; i++) {
        const struct driver_line *line = &said.lines[i];
        db_column_identity(&columns[LINE_INSTANCE], line->is.instance);
        db_column_int4(&columns[LINE_INCARNATION], line->is.incarnation);
        db_column_int4(&columns[LINE_NUMBER], line->number);
        db_column_identity(&columns[LINE_TENANT], line->is.tenant);
        db_column_int8(&columns[LINE_AT], line->at_s);
        db_column_text(&columns[LINE_TEXT], line->text);
    }
    const char *params[LINE_COLUMNS];
    for (int i = 0; i < LINE_COLUMNS; i++)
        params[i] = db_column_param(&columns[i]);
    return apply_send(queue, &statement_lines, params, -1, reterr);
}
