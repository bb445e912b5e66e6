/* An asset's schedule: its depreciation by calendar months, past and to come, beside what is in the books of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/asset_books.h"
#include "api/resources/registry.h"
#include "api/server/answer.h"
#include "common/calendar.h"
#include "common/least.h"

// clang-format off
static const struct field schedule_fields[] = {
    FIELD_COLUMN("from",                FIELD_TYPE_DATE, .help = "First day"),
    FIELD_COLUMN("to",                  FIELD_TYPE_DATE, .help = "Day after the last"),
    FIELD_COLUMN_WITH("amount",         FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Charge of these days, by the changes that are applied and wished"),
    FIELD_COLUMN_WITH("accumulated",    FIELD_TYPE_MONEY, FIELD_MINOR, .help = "Accumulated depreciation at their end"),
    FIELD_COLUMN_WITH("net_book_value", FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What it is carried at then; 0 once it is disposed of"),
    FIELD_COLUMN_WITH("posted",         FIELD_TYPE_MONEY, FIELD_MINOR, .help = "What is in the books of it so far"),
    FIELDS_END,
};
// clang-format on

static const struct schema schedule_schema = {"AssetScheduleMonth", schedule_fields, 0};

static const struct db_stmt statement_posted = {
    .name = "asset_schedule_posted",
    .sql = "SELECT date_trunc('month', day::timestamp)::date - date '1970-01-01', sum(amount_minor)::bigint,"
           " max(units_gpu_milli_s) FROM depreciation WHERE asset_id = $1::uuid GROUP BY 1 ORDER BY 1",
    .params = 1,
};

/* What was computed, cut to a page. */
static const struct db_stmt statement_page = {
    .name = "asset_schedule_page",
    .sql = "SELECT x.day_from AS \"from\", x.day_to AS \"to\", x.amount AS \"amount.amount_minor\","
           "  $9::text AS \"amount.currency\", x.accumulated AS \"accumulated.amount_minor\","
           "  $9::text AS \"accumulated.currency\", x.carrying AS \"net_book_value.amount_minor\","
           "  $9::text AS \"net_book_value.currency\", x.posted AS \"posted.amount_minor\","
           "  $9::text AS \"posted.currency\", x.day_from AS page_key"
           "  FROM unnest($3::date[], $4::date[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])"
           "    AS x (day_from, day_to, amount, accumulated, carrying, posted)"
           " WHERE $1::date IS NULL OR x.day_from > $1::date ORDER BY x.day_from LIMIT $2::bigint",
    .params = 9,
};

struct columns {
    struct db_array from, to, amount, accumulated, carrying, posted;
};

static void columns_release(struct columns *columns)
{
    db_array_clear(&columns->from);
    db_array_clear(&columns->to);
    db_array_clear(&columns->amount);
    db_array_clear(&columns->accumulated);
    db_array_clear(&columns->carrying);
    db_array_clear(&columns->posted);
}

static void add_date(struct db_array *array, int64_t day)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(day, date);
    db_array_text(array, date);
}

/* The end of the schedule: of a life by units, whose future is not known, the last month posted. */
static int64_t end_of(const struct asset_books *books, const PGresult *posted)
{
    if (books->asset.terms.method != DEPRECIATION_UNITS)
        return asset_life_end(&books->life);
    int last = PQntuples(posted) - 1;
    int64_t month_end = last < 0 ? INT64_MIN : calendar_add_months(db_int(posted, last, 0, 0), 1);
    return least_of(month_end, asset_life_end(&books->life));
}

static void fill(struct columns *columns, const struct asset_books *books, const PGresult *posted)
{
    int row = 0;
    int64_t units = 0;
    int64_t end = end_of(books, posted);
    struct asset_walk walk = asset_walk_begin(&books->life, books->asset.terms.in_service, units);
    for (int64_t day = books->asset.terms.in_service; day < end;) {
        int64_t month = calendar_month_of_day(day);
        int64_t next = least_of(calendar_add_months(month, 1), end);
        while (row < PQntuples(posted) && db_int(posted, row, 0, 0) < month)
            row++;
        bool is_posted = row < PQntuples(posted) && db_int(posted, row, 0, 0) == month;
        units = is_posted ? db_int(posted, row, 2, units) : units;
        struct asset_balance balance;
        db_array_int(&columns->amount, asset_walk_to(&walk, next, units, &balance));
        add_date(&columns->from, day);
        add_date(&columns->to, next);
        db_array_int(&columns->accumulated, balance.accumulated_minor);
        db_array_int(&columns->carrying, asset_carrying(&balance));
        db_array_int(&columns->posted, is_posted ? db_int(posted, row, 1, 0) : 0);
        day = next;
    }
}

static enum err_kind schedule(struct request *request, struct response *response, struct err *reterr)
{
    struct asset_books *books = arena_alloc(request->arena, sizeof *books);
    const PGresult *posted = NULL;
    enum err_kind kind = asset_books_load(request, request->object, NULL, books, reterr);
    if (kind == ERR_NONE)
        kind = request_run(request, &statement_posted, DB_PARAMS(request->object), &posted, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(columns_release) struct columns columns = {0};
    fill(&columns, books, posted);
    return answer_page(request, response, &statement_page,
                       DB_PARAMS(db_array_param(&columns.from), db_array_param(&columns.to),
                                 db_array_param(&columns.amount), db_array_param(&columns.accumulated),
                                 db_array_param(&columns.carrying), db_array_param(&columns.posted),
                                 books->asset.currency),
                       reterr);
}

// clang-format off
static const struct route schedule_routes[] = {
    {GET, "/v1/system/assets/{id}/schedule", ROLES_SYSTEM_READ, RATE_REPORT, .answer = &schedule_schema, .is_list = true, .has_id = true, .id = IDENTITY_ASSET, .run = schedule, .summary = "Its depreciation month by month, planned and posted"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const schedule_statements[] = {&statement_posted, &statement_page, NULL};

const struct resource asset_schedule_resource = {"assets", schedule_routes, schedule_statements, NULL};
