/* The list of reservations: whole in the order of making, or filtered, oldest or newest first. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/reservation.h"

#include "api/resources/reservation_columns.h"
#include "api/server/answer.h"

#include <string.h>

#define FIND_MOST 128 /* characters of ?find= */

struct reservation_query {
    const char *state, *name, *tenant, *zone, *project, *instance_type, *tier, *find, *order;
    int64_t from, to;
};

// clang-format off
#define QUERY_FIELDS                                                                                                                       \
    FIELD_ENUM("state",   struct reservation_query, state, .values = reservation_states, .help = "Only those in this state"),              \
    FIELD_TEXT("name",    struct reservation_query, name, .help = "Only those of this name"),                                              \
    FIELD_TEXT("zone",    struct reservation_query, zone, .help = "Only those in the zone of this name"),                                  \
    FIELD_TEXT("project", struct reservation_query, project, .help = "Only those of this project"),                                        \
    FIELD_TEXT("instance_type", struct reservation_query, instance_type, .help = "Only those of the instance type of this name"),          \
    FIELD_ENUM("tier",    struct reservation_query, tier, .values = reservation_tiers, .help = "Only those of this tier"),                 \
    FIELD_TIME("from",    struct reservation_query, from, .help = "Only those whose window, granted or else wished, ends after this instant"),   \
    FIELD_TIME("to",      struct reservation_query, to, .from = "from", .help = "Only those whose window, granted or else wished, starts before this instant"),  \
    FIELD_TEXT("find",    struct reservation_query, find, .most = FIND_MOST, .help = "Only those with this in their name, project, instance type or tenant, in capitals or not"), \
    FIELD_ENUM("order",   struct reservation_query, order, .values = list_orders, .fallback = "oldest", .help = "By when they were asked for")

static const struct field query_fields[] = {
    QUERY_FIELDS,
    FIELDS_END,
};
static const struct field system_query_fields[] = {
    QUERY_FIELDS,
    FIELD_TEXT("tenant", struct reservation_query, tenant, .help = "Only those of the tenant of this name"),
    FIELDS_END,
};
const struct schema reservation_query_schema = {"ReservationQuery", query_fields, sizeof(struct reservation_query)};
const struct schema system_reservation_query_schema = {"SystemReservationQuery", system_query_fields, sizeof(struct reservation_query)};

/* A page without a filter, planned once for all pages: that the rows of a page are few is said by a limit that the
 * planner can read (the largest page's), so that it takes them in the order of the index and joins just these. */
#define PAGE_ROWS(after, order) \
    "(SELECT * FROM reservation_view r WHERE " after \
    "   AND ($3::boolean OR r.hidden_at IS NULL) AND " IS_RESERVATION("r") " ORDER BY r.id" order " LIMIT 1001)"
#define PAGE(after, order) \
    RESERVATION_COLUMNS("r.state") ", r.id AS page_key" RESERVATION_FROM_ROWS(PAGE_ROWS(after, order)) \
    " ORDER BY r.id" order " LIMIT $2::bigint"
_Static_assert(PAGE_LIMIT_MAX == 1000, "the limit in PAGE_ROWS");

#define BEHIND  "r.id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')"
#define BEFORE  "r.id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')"
#define FALLING " DESC"

/* With filters, planned for their values. */
#define FILTERED(after, order) \
    RESERVATION_COLUMNS("r.state") ", r.id AS page_key" RESERVATION_FROM \
    " WHERE ($7::boolean OR r.hidden_at IS NULL) AND " IS_RESERVATION("r") \
    "   AND " after " AND ($3::text IS NULL OR r.state = $3::text)" \
    "   AND ($4::text IS NULL OR r.name = $4::text) AND ($5::text IS NULL OR z.name = $5::text)" \
    "   AND ($6::text IS NULL OR w.name = $6::text) AND ($8::text IS NULL OR r.project = $8::text)" \
    "   AND ($9::text IS NULL OR t.name = $9::text) AND ($10::text IS NULL OR r.tier = $10::text)" \
    "   AND ($11::bigint IS NULL OR coalesce(r.granted_ends_at, r.ends_at, 'infinity') > to_timestamp($11::bigint))" \
    "   AND ($12::bigint IS NULL OR coalesce(r.granted_starts_at, r.starts_at, r.start_from, r.created_at) < to_timestamp($12::bigint))" \
    "   AND ($13::text IS NULL OR position(lower($13::text) IN lower(concat_ws(' ', r.name, r.project, t.name, w.name))) > 0)" \
    " ORDER BY r.id" order " LIMIT $2::bigint"

static const struct db_stmt statement_page = {.name = "reservation_page", .sql = PAGE(BEHIND, ""), .params = 3};
static const struct db_stmt statement_page_newest = {.name = "reservation_page_newest", .sql = PAGE(BEFORE, FALLING), .params = 3};
static const struct db_stmt statement_list = {.name = "reservation_list", .sql = FILTERED(BEHIND, ""), .params = 13};
static const struct db_stmt statement_list_newest = {.name = "reservation_list_newest", .sql = FILTERED(BEFORE, FALLING), .params = 13};
// clang-format on

const struct db_stmt *const reservation_list_statements[] = {&statement_page, &statement_page_newest, &statement_list,
                                                             &statement_list_newest, NULL};

static bool is_filtered(const struct reservation_query *query)
{
    const char *const texts[] = {query->state,   query->name,          query->tenant, query->zone,
                                 query->project, query->instance_type, query->tier,   query->find};
    bool has_any = query->from != FIELD_NULL || query->to != FIELD_NULL;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        has_any = has_any || texts[i] != NULL;
    return has_any;
}

enum err_kind reservation_list(struct request *request, struct response *response, struct err *reterr)
{
    const struct reservation_query *query = request->query;
    bool is_falling = strcmp(query->order, "newest") == 0;
    const char *with_deleted = request_bool(request->includes_deleted);
    if (!is_filtered(query))
        return answer_page(request, response, is_falling ? &statement_page_newest : &statement_page,
                           DB_PARAMS(with_deleted), reterr);
    return answer_page(request, response, is_falling ? &statement_list_newest : &statement_list,
                       DB_PARAMS(query->state, query->name, query->zone, query->tenant, with_deleted, query->project,
                                 query->instance_type, query->tier, request_int(request, query->from),
                                 request_int(request, query->to), query->find),
                       reterr);
}
