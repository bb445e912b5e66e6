/* Four statements: when, the past, the capacity, and what is sold of it; the last one is rated here. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/break_even_facts.h"

#include "api/resources/price_estimate.h"
#include "common/calendar.h"
#include "common/money.h"

#include <string.h>

#define KIND_OF(node, zone) zone ".name || ' ' || " node ".gpu_model || ' ' || " node ".gpu_count"

static const struct db_stmt statement_when = {
    .name = "break_even_when",
    .sql =
        "SELECT extract(epoch FROM date_trunc('week', coalesce($1::date::timestamp, sluice_now() AT TIME ZONE 'UTC'))"
        "   AT TIME ZONE 'UTC')::bigint,"
        " floor(extract(epoch FROM coalesce((SELECT max(as_of) FROM provisional_day),"
        "   (SELECT closed_until FROM books_closed_until), sluice_now())))::bigint",
    .params = 1,
};

// clang-format off
static const struct db_stmt statement_past = {
    .name = "break_even_past",
    .sql = "SELECT (f.day - $1::date) / 7, " KIND_OF("n", "z") ", sum(f.revenue_u)::bigint,"
           "  sum(f.depreciation_u + f.power_u + f.colocation_u + f.operations_u + f.network_u + f.storage_u)::bigint,"
           "  sum(f.gpu_milli_seconds)::bigint"
           "  FROM margin_facts($1::date, $1::date + 7 * $2::integer) f"
           "  LEFT JOIN node n ON n.id = f.node_id LEFT JOIN zone z ON z.id = n.zone_id"
           " WHERE f.currency = $3::text GROUP BY 1, 2",
    .params = 3,
};
// clang-format on

/* Weeks of which something is still to come: from as_of, or from their start, on. */
#define COMING_WEEKS                                                                                                   \
    "week AS ("                                                                                                        \
    "  SELECT s.number, greatest(to_timestamp($1::bigint + s.number * 604800), to_timestamp($3::bigint)) AS starts,"   \
    "         to_timestamp($1::bigint + (s.number + 1) * 604800) AS ends"                                              \
    "    FROM generate_series(0, $2::integer - 1) AS s (number)"                                                       \
    "   WHERE $1::bigint + (s.number + 1) * 604800 > $3::bigint"                                                       \
    ")"
#define WITHIN_WEEK "a.period && tstzrange(w.starts, greatest(w.starts, w.ends))"
#define SECONDS                                                                                                        \
    "extract(epoch FROM least(coalesce(upper(a.period), 'infinity'), w.ends) - greatest(lower(a.period), w.starts))"

/* Since when it is sold: an instance that is made ready holds its place before its window, which nobody pays. */
#define SOLD_FROM    "greatest(lower(a.period), w.starts, s.starts_at)"
#define SOLD_UNTIL   "least(coalesce(upper(a.period), 'infinity'), w.ends)"
#define SOLD_SECONDS "greatest(0, extract(epoch FROM " SOLD_UNTIL " - " SOLD_FROM "))"

/* What is free of a node that is cordoned or out of service is not for sale. */
// clang-format off
static const struct db_stmt statement_capacity = {
    .name = "break_even_capacity",
    .sql = "WITH " COMING_WEEKS ", taken AS ("
           "  SELECT a.node_id, w.number, sum((upper(a.slots) - lower(a.slots)) * " SECONDS ") AS taken,"
           "    sum((upper(a.slots) - lower(a.slots)) * " SOLD_SECONDS ") FILTER (WHERE a.kind = 'instance') AS sold"
           "    FROM week w JOIN allocation a ON " WITHIN_WEEK
           "    LEFT JOIN reservation_status s ON s.reservation_id = a.reservation_id GROUP BY 1, 2)"
           " SELECT w.number, " KIND_OF("n", "z") ", coalesce(sum(t.sold), 0)::bigint,"
           "  coalesce(sum(greatest(0, n.gpu_count * 1000 * extract(epoch FROM w.ends - w.starts)"
           " - coalesce(t.taken, 0)))"
           "   FILTER (WHERE NOT n.cordoned AND s.state IN ('ready', 'allocated', 'sanitizing')), 0)::bigint"
           "  FROM week w CROSS JOIN node n JOIN zone z ON z.id = n.zone_id"
           " LEFT JOIN node_status s ON s.node_id = n.id"
           "  LEFT JOIN taken t ON t.node_id = n.id AND t.number = w.number"
           " WHERE n.retired_at IS NULL GROUP BY 1, 2",
    .params = 3,
};
// clang-format on

/* What is sold by whatever its price depends on, in the order in which it is rated. */
// clang-format off
static const struct db_stmt statement_booked = {
    .name = "break_even_booked",
    .sql = "WITH " COMING_WEEKS " SELECT"
           "  CASE WHEN r.instance_type_id IS NULL THEN 'gpu_model' ELSE 'instance_type' END AS sku_kind,"
           "  CASE WHEN r.instance_type_id IS NULL THEN n.gpu_model ELSE i.name END AS sku,"
           " r.tier, r.tenant_id, r.project,"
           "  t.billing_timezone, w.number, " KIND_OF("n", "z") " AS node_kind,"
           "  extract(epoch FROM " SOLD_FROM ")::bigint AS starts, extract(epoch FROM " SOLD_UNTIL ")::bigint AS ends,"
           "  sum(upper(a.slots) - lower(a.slots))::bigint"
           "  FROM week w JOIN allocation a ON " WITHIN_WEEK " AND a.kind = 'instance'"
           "  JOIN reservation r ON r.id = a.reservation_id JOIN tenant t ON t.id = r.tenant_id"
           " AND t.currency = $4::text"
           "  JOIN reservation_status s ON s.reservation_id = r.id AND " SOLD_FROM " < " SOLD_UNTIL
           "  LEFT JOIN instance_type i ON i.id = r.instance_type_id"
           "  JOIN node n ON n.id = a.node_id JOIN zone z ON z.id = n.zone_id"
           " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    .params = 4,
};
// clang-format on
enum {
    BOOKED_SKU_KIND,
    BOOKED_SKU,
    BOOKED_TIER,
    BOOKED_TENANT,
    BOOKED_PROJECT,
    BOOKED_ZONE,
    BOOKED_WEEK,
    BOOKED_NODE_KIND,
    BOOKED_STARTS,
    BOOKED_ENDS,
    BOOKED_GPU_MILLI
};

const struct db_stmt *const break_even_facts_statements[] = {&statement_when, &statement_past, &statement_capacity,
                                                             &statement_booked, NULL};

struct break_even_kind *break_even_kind_find(const struct break_even_facts *facts, const char *name)
{
    size_t i = 0;
    while (i + 1 < facts->kind_count && (name == NULL || strcmp(facts->kinds[i].name, name) != 0))
        i++;
    return &facts->kinds[i];
}

static struct break_even_cell *cell_of(const struct break_even_facts *facts, const PGresult *rows, int row, int week,
                                       int kind)
{
    return &break_even_kind_find(facts, db_text(rows, row, kind))->weeks[db_int(rows, row, week, 0)];
}

static enum err_kind load_past(struct request *request, const struct break_even_facts *facts, const char *currency,
                               struct err *reterr)
{
    char date[CALENDAR_DATE_SIZE];
    calendar_date_print(calendar_day_of_time(facts->starts_s), date);
    const PGresult *rows = NULL;
    enum err_kind kind = request_run(request, &statement_past,
                                     DB_PARAMS(date, request_int(request, facts->weeks), currency), &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct break_even_cell *cell = cell_of(facts, rows, row, 0, 1);
        cell->delivered_gpu_milli_s += db_int(rows, row, 4, 0);
        kind = money_add(cell->earned_u, db_int(rows, row, 2, 0), &cell->earned_u, reterr);
        if (kind == ERR_NONE)
            kind = money_add(cell->spent_u, db_int(rows, row, 3, 0), &cell->spent_u, reterr);
    }
    return kind;
}

static enum err_kind load_capacity(struct request *request, const struct break_even_facts *facts, struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_capacity,
                    DB_PARAMS(request_int(request, facts->starts_s), request_int(request, facts->weeks),
                              request_int(request, facts->as_of_s)),
                    &rows, reterr);
    for (int row = 0; kind == ERR_NONE && row < PQntuples(rows); row++) {
        struct break_even_cell *cell = cell_of(facts, rows, row, 0, 1);
        cell->sold_gpu_milli_s += db_int(rows, row, 2, 0);
        cell->free_gpu_milli_s += db_int(rows, row, 3, 0);
    }
    return kind;
}

/* ---- What is sold ---- */

/* Rows of one week and kind of node, of terms that have that choice. A second that has no price is worth nothing. */
static enum err_kind add_booked(struct request *request, const struct break_even_facts *facts,
                                const struct price_book *book, const struct price_choice *choice, const PGresult *rows,
                                int first, int end, struct err *reterr)
{
    size_t count = (size_t)(end - first);
    struct rating_usage *usage = arena_alloc(request->arena, count * sizeof *usage);
    for (size_t i = 0; i < count; i++) {
        int row = first + (int)i;
        usage[i] = (struct rating_usage){
            .span = {.from_s = db_int(rows, row, BOOKED_STARTS, 0), .to_s = db_int(rows, row, BOOKED_ENDS, 0)},
            .gpu_milli = db_int(rows, row, BOOKED_GPU_MILLI, 0)};
    }
    int64_t week = db_int(rows, first, BOOKED_WEEK, 0);
    struct rating_span span = {.from_s = facts->starts_s + week * BREAK_EVEN_WEEK_S,
                               .to_s = facts->starts_s + (week + 1) * BREAK_EVEN_WEEK_S};
    int64_t amount_u = 0;
    struct err err = {0};
    enum err_kind kind = price_month_add(request, book, choice, span, usage, count, &amount_u, &err);
    if (kind == ERR_NOT_FOUND)
        return ERR_NONE;
    if (kind != ERR_NONE) {
        *reterr = err;
        return kind;
    }
    struct break_even_cell *cell = cell_of(facts, rows, first, BOOKED_WEEK, BOOKED_NODE_KIND);
    return money_add(cell->booked_u, amount_u, &cell->booked_u, reterr);
}

/* Rows of the same terms. */
static enum err_kind add_terms(struct request *request, const struct break_even_facts *facts,
                               const struct price_book *book, const char *currency, const PGresult *rows, int first,
                               int end, struct err *reterr)
{
    const char *name = db_text(rows, first, BOOKED_SKU);
    const struct sku sku = {.kind = db_text(rows, first, BOOKED_SKU_KIND),
                            .name = name != NULL ? name : "",
                            .tier = db_text(rows, first, BOOKED_TIER),
                            .currency = currency};
    const struct price_customer customer = {.tenant = db_identity(rows, first, BOOKED_TENANT),
                                            .project = db_text(rows, first, BOOKED_PROJECT),
                                            .zone = db_text(rows, first, BOOKED_ZONE)};
    CLEANUP(price_choice_release) struct price_choice choice = {0};
    price_book_choose(book, &sku, &customer, &choice);
    enum err_kind kind = ERR_NONE;
    for (int row = first, next; row < end && kind == ERR_NONE; row = next) {
        next = db_run_end(rows, row, BOOKED_NODE_KIND);
        kind = add_booked(request, facts, book, &choice, rows, row, next < end ? next : end, reterr);
    }
    return kind;
}

static enum err_kind load_booked(struct request *request, const struct break_even_facts *facts, const char *currency,
                                 struct err *reterr)
{
    const PGresult *rows = NULL;
    enum err_kind kind =
        request_run(request, &statement_booked,
                    DB_PARAMS(request_int(request, facts->starts_s), request_int(request, facts->weeks),
                              request_int(request, facts->as_of_s), currency),
                    &rows, reterr);
    if (kind != ERR_NONE || PQntuples(rows) == 0)
        return kind;
    CLEANUP(price_book_release) struct price_book book = {0};
    const struct price_scope scope = {.from_s = facts->starts_s,
                                      .to_s = facts->starts_s + facts->weeks * BREAK_EVEN_WEEK_S};
    kind = price_book_read(price_ask, request, &scope, &book, reterr);
    for (int row = 0, next; row < PQntuples(rows) && kind == ERR_NONE; row = next) {
        next = db_run_end(rows, row, BOOKED_ZONE);
        kind = add_terms(request, facts, &book, currency, rows, row, next, reterr);
    }
    return kind;
}

enum err_kind break_even_facts_load(struct request *request, const char *week, int64_t weeks, const char *currency,
                                    const char *const *kinds, size_t kind_count, struct break_even_facts *ret,
                                    struct err *reterr)
{
    const PGresult *when = NULL;
    enum err_kind kind = request_run(request, &statement_when, DB_PARAMS(week), &when, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret = (struct break_even_facts){.starts_s = db_int(when, 0, 0, 0),
                                     .as_of_s = db_int(when, 0, 1, 0),
                                     .weeks = weeks,
                                     .kinds = arena_alloc(request->arena, (kind_count + 1) * sizeof *ret->kinds),
                                     .kind_count = kind_count + 1};
    memset(ret->kinds, 0, (kind_count + 1) * sizeof *ret->kinds);
    for (size_t i = 0; i < kind_count; i++)
        ret->kinds[i].name = kinds[i];
    kind = load_past(request, ret, currency, reterr);
    if (kind == ERR_NONE)
        kind = load_capacity(request, ret, reterr);
    return kind == ERR_NONE ? load_booked(request, ret, currency, reterr) : kind;
}
