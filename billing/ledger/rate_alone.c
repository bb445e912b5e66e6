/* Rating reservation by reservation. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_alone.h"

#include "billing/ledger/rate_lines.h"
#include "common/calendar.h"
#include "common/least.h"

#include <string.h>

/* Tenants whose usage is covered by commitments: what it comes to depends on all of it. */
static const struct db_stmt statement_committed = {
    .name = "rate_alone_committed",
    .sql = "SELECT DISTINCT tenant_id FROM commitment WHERE tstzrange(starts_at, ends_at)"
           " && tstzrange(to_timestamp($1::bigint), to_timestamp($2::bigint)) ORDER BY 1",
    .params = 2,
};

const struct db_stmt *const rate_alone_statements[] = {&statement_committed, NULL};

enum err_kind rate_scope_load(struct db *db, int64_t day, const struct price_book *book, struct rate_scope *ret,
                              struct err *reterr)
{
    char from[DB_INT_TEXT_SIZE];
    char to[DB_INT_TEXT_SIZE];
    ret->book = book;
    return db_run(db, &statement_committed,
                  DB_PARAMS(db_int_param(from, calendar_time_of_day(day) - RATE_BEFORE_DAYS * CALENDAR_DAY_S),
                            db_int_param(to, calendar_time_of_day(day + 1))),
                  &ret->committed, reterr);
}

void rate_scope_release(struct rate_scope *scope)
{
    PQclear(scope->committed);
    *scope = (struct rate_scope){0};
}

static bool is_among(const PGresult *tenants, struct identity tenant)
{
    char text[UUID_TEXT_SIZE];
    identity_to_uuid(tenant, text);
    int low = 0;
    int high = PQntuples(tenants);
    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = strcmp(PQgetvalue(tenants, middle, 0), text);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Is the line rated here? What depends on the rest of its tenant's usage only gets its quantity: rate_tenant.h. */
static bool is_rated_alone(const struct rate_scope *scope, const struct rated_line *line)
{
    return !rated_line_is_metered(line) && rate_lines_knows(scope->book, line) &&
           !rate_lines_is_pooled(scope->book, line) && !is_among(scope->committed, line->tenant) &&
           !(scope->others != NULL && is_among(scope->others, line->tenant));
}

void rate_scope_split(const struct rate_scope *scope, struct rated_lines *lines, struct rated_lines *rest)
{
    size_t kept = 0;
    for (size_t i = 0; i < lines->count; i++) {
        if (is_rated_alone(scope, &lines->list[i]))
            lines->list[kept++] = lines->list[i];
        else if (rest != NULL)
            rated_lines_push(rest, &lines->list[i]);
    }
    lines->count = kept;
}

/* What was rated before of the same reservations. */
static enum err_kind load_written(struct db *db, const struct rate_scope *scope, const struct rated_lines *lines,
                                  PGresult **ret_rows, struct rated_lines *ret, struct err *reterr)
{
    CLEANUP(db_array_clear) struct db_array reservations = {0};
    int64_t least_s = INT64_MAX;
    for (size_t i = 0; i < lines->count; i++) {
        const struct rated_key *key = &lines->list[i].key;
        const struct rated_key *before = i == 0 ? NULL : &lines->list[i - 1].key;
        if (before == NULL || !identity_equal(key->reservation, before->reservation))
            db_array_identity(&reservations, key->reservation);
        least_s = least_of(least_s, key->period_start_s);
    }
    enum err_kind kind = rated_lines_of_reservations(db, &reservations, least_s, ret_rows, ret, reterr);
    if (kind == ERR_NONE)
        rate_scope_split(scope, ret, NULL);
    return kind;
}

enum err_kind rate_alone(struct db *db, const struct rate_scope *scope, struct rated_lines *lines, PGresult **ret_rows,
                         struct err *reterr)
{
    if (lines->count == 0)
        return ERR_NONE;
    CLEANUP(rated_lines_release) struct rated_lines written = {0};
    enum err_kind kind = load_written(db, scope, lines, ret_rows, &written, reterr);
    if (kind == ERR_NONE)
        kind = rate_lines_fold(&written, lines, reterr);
    if (kind == ERR_NONE)
        kind = rate_lines(lines, scope->book, NULL, 0, reterr);
    return kind == ERR_NONE ? rated_lines_subtract(lines, &written, reterr) : kind;
}
