/* Reads as a piece of work does, by the same statements. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/zone_source.h"

#include "provisioner/reconcile/credit.h"
#include "provisioner/reconcile/observe.h"

static const struct db_stmt statement_sold_open = {
    .name = "zone_source_sold_open",
    .sql = SQL_SOLD_OPEN("$1::uuid", "$2::uuid"),
    .params = 2,
};

const struct db_stmt *const zone_source_statements[] = {&statement_sold_open, NULL};

/* False: nothing can be read any more. */
static bool is_readable(struct zone_source *source)
{
    if (source->kind == ERR_NONE && !source->is_open) {
        source->is_open = true;
        source->kind = zone_memory_begin(source->db, &source->err);
    }
    return source->kind == ERR_NONE;
}

static struct reservation *reservation_of(struct question_source *base, struct world *world, struct identity id)
{
    struct zone_source *source = (struct zone_source *)(void *)base;
    struct reservation *found = NULL;
    if (is_readable(source))
        source->kind = observe_as_if_changed(world, source->db, id, &found, &source->err);
    return found;
}

static int64_t sold_open_of(struct question_source *base, const struct reservation *reservation)
{
    struct zone_source *source = (struct zone_source *)(void *)base;
    char zone[UUID_TEXT_SIZE], type[UUID_TEXT_SIZE];
    CLEANUP(db_result_clear) PGresult *result = NULL;
    identity_to_uuid(reservation->world->zone->id, zone);
    identity_to_uuid(reservation->wish.type, type);
    if (is_readable(source))
        source->kind = db_run(source->db, &statement_sold_open, DB_PARAMS(zone, type), &result, &source->err);
    return source->kind == ERR_NONE ? db_int(result, 0, 0, 0) : 0;
}

static const char *uncovered_of(struct question_source *base, struct reservation *reservation,
                                const struct amendment *amendment)
{
    struct zone_source *source = (struct zone_source *)(void *)base;
    const char *uncovered = NULL;
    if (is_readable(source))
        source->kind = credit_look(reservation, amendment, source->db, &uncovered, &source->err);
    return uncovered;
}

void zone_source_begin(struct zone_source *source, struct zone_memory *memory, struct db *db)
{
    *source = (struct zone_source){
        .source = {.reservation = reservation_of, .sold_open = sold_open_of, .uncovered = uncovered_of},
        .memory = memory,
        .db = db,
    };
}

enum err_kind zone_source_end(struct zone_source *source, struct err *reterr)
{
    if (source->is_open) {
        db_rollback(source->db);
        source->memory->driver_ops->reset(source->memory->driver, false); /* it wrote nothing */
    }
    enum err_kind kind = source->kind;
    if (kind != ERR_NONE)
        *reterr = source->err;
    source->is_open = false;
    source->kind = ERR_NONE; /* the next answer begins anew */
    return kind;
}
