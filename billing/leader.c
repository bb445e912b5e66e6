/* Fenced transactions and bulk rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/leader.h"

#include "common/calendar.h"
#include "common/must.h"

#define ATTEMPTS_MAX 5

struct fenced {
    struct leader *leader;
    enum err_kind (*work)(struct db *db, void *context, struct err *reterr);
    void *context;
};

static enum err_kind run_fenced(struct db *db, void *context, struct err *reterr)
{
    struct fenced *fenced = context;
    enum err_kind kind = lease_fence(&fenced->leader->lease, db, reterr);
    return kind == ERR_NONE ? fenced->work(db, fenced->context, reterr) : kind;
}

enum err_kind leader_transact(struct leader *leader,
                              enum err_kind (*work)(struct db *db, void *context, struct err *reterr), void *context,
                              struct err *reterr)
{
    int64_t epoch = leader->lease.epoch;
    enum err_kind kind = lease_keep(&leader->lease, leader->db, reterr);
    if (kind != ERR_NONE)
        return kind;
    /* Taken again after it ran out: another may have led meanwhile, so what the caller knows is stale. */
    if (!leader->lease.held || leader->lease.epoch != epoch)
        return err_set(reterr, ERR_FENCED, "the lease '%s' was lost", leader->lease.name);
    struct fenced fenced = {.leader = leader, .work = work, .context = context};
    return db_transact(leader->db, ATTEMPTS_MAX, run_fenced, &fenced, reterr);
}

void copy_rows_begin(struct copy_rows *rows)
{
    *rows = (struct copy_rows){0};
    rows->out = open_memstream(&rows->text, &rows->length);
    must(rows->out != NULL); /* out of memory */
}

void copy_rows_release(struct copy_rows *rows)
{
    if (rows->out != NULL)
        (void)fclose(rows->out); /* memory only */
    free(rows->text);
    *rows = (struct copy_rows){0};
}

void copy_rows_identity(struct copy_rows *rows, const struct identity *id_or_null, char separator)
{
    char text[UUID_TEXT_SIZE] = "\\N";
    if (id_or_null != NULL)
        identity_to_uuid(*id_or_null, text);
    fprintf(rows->out, "%s%c", text, separator);
}

void copy_rows_time(struct copy_rows *rows, int64_t time_s, char separator)
{
    char text[CALENDAR_TIME_SIZE];
    calendar_time_print(time_s, text);
    fprintf(rows->out, "%s%c", text, separator);
}

void copy_rows_date(struct copy_rows *rows, int64_t day, char separator)
{
    char text[CALENDAR_DATE_SIZE];
    calendar_date_print(day, text);
    fprintf(rows->out, "%s%c", text, separator);
}

enum err_kind copy_rows_send(struct copy_rows *rows, struct db *db, const char *copy_sql, struct err *reterr)
{
    must(fflush(rows->out) == 0); /* sets text and length */
    if (rows->length == 0)
        return ERR_NONE;
    return db_copy_in(db, copy_sql, rows->text, rows->length, reterr);
}
