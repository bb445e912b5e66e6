/* Which types are asked about, and what they cost. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/other_types.h"

#include "api/resources/price_estimate.h"

#include <stdlib.h>

/* Bounds what a refusal costs: the planner looks for a place for each, and each that it finds is priced here. */
#define TYPES_MAX 4

// clang-format off
/* Not of a shape of the tenant's own: its GPU models are those that it takes, and on these what is larger fits nowhere
 * where the smaller does not. So types that may land on further models come first, and then what is nearest to the wish;
 * one on the same models can have room only where the wished type's share that is sold without an end is what binds. */
static const struct db_stmt statement_types = {
    .name = "other_types",
    .sql =
        "WITH wished AS (SELECT ($2::json->>'type')::uuid AS type, (terms->>'gpus')::bigint * 1000 + (terms->>'gpu_milli')::bigint AS gpu_milli,"
        "   (terms->>'cpu_milli')::bigint AS cpu_milli, (terms->>'memory_mib')::bigint AS memory_mib,"
        "   ARRAY(SELECT json_array_elements_text(terms->'gpu_models')) AS gpu_models"
        "   FROM (SELECT $2::json->'terms' AS terms) t),"
        " nearest AS (SELECT t.*, row_number() OVER (ORDER BY t.gpu_models <@ w.gpu_models, t.gpu_count, t.gpu_milli, t.cpu_milli,"
        "     t.memory_mib, t.name) AS place"
        "   FROM instance_type t, wished w"
        "  WHERE t.id <> w.type AND NOT t.retired AND t.gpu_count * 1000 + t.gpu_milli >= w.gpu_milli"
        "    AND t.cpu_milli >= w.cpu_milli AND t.memory_mib >= w.memory_mib"
        "    AND zone_has_model($1::uuid, t.gpu_models)"
        "  ORDER BY place LIMIT " SQL_NUMBER(TYPES_MAX) ")"
        " SELECT json_build_object('wish', $2::json, 'types', json_agg(json_build_object('name', t.name, 'id', t.id,"
        "    'terms', " PLANNING_SQL_TERMS("t") ", 'open_max_percent', t.open_ended_max_percent) ORDER BY t.place)),"
        "   (SELECT currency FROM tenant WHERE id = $3::uuid)"
        " FROM nearest t HAVING count(*) > 0",
    .params = 3,
};
// clang-format on

const struct db_stmt *const other_types_statements[] = {&statement_types, NULL};

enum err_kind other_types_ask(struct request *request, const char *zone_id, const char *wish, const char **ret_body,
                              const char **ret_currency, struct err *reterr)
{
    const PGresult *types = NULL;
    enum err_kind kind =
        request_run(request, &statement_types, DB_PARAMS(zone_id, wish, request->caller.tenant_id), &types, reterr);
    bool has_types = kind == ERR_NONE && PQntuples(types) > 0;
    *ret_body = has_types ? db_text(types, 0, 0) : NULL;
    *ret_currency = has_types ? db_text(types, 0, 1) : NULL;
    return kind;
}

/* ---- What would be granted ---- */

struct priced {
    json_t *body;    /* the answer's */
    int64_t price_u; /* all of it; of what is open an hour, as all of them are then; INT64_MAX: there is no price */
    size_t place;    /* in the answer: the nearest first */
};

static int by_price(const void *a, const void *b)
{
    const struct priced *one = a;
    const struct priced *other = b;
    if (one->price_u != other->price_u)
        return one->price_u < other->price_u ? -1 : 1;
    return (one->place > other->place) - (one->place < other->place);
}

static enum err_kind price(struct request *request, const char *currency, const json_t *item, struct priced *ret,
                           struct err *reterr)
{
    const json_t *ends = json_object_get(item, "to_s");
    const struct price_terms terms = {
        .sku_kind = "instance_type",
        .sku = json_string_value(json_object_get(ret->body, "instance_type")),
        .tier = json_string_value(json_object_get(ret->body, "tier")),
        .currency = currency,
        .tenant_id = request->caller.tenant_id,
        .project = json_string_value(json_object_get(ret->body, "project")),
        .starts_s = json_integer_value(json_object_get(item, "from_s")),
        .ends_s = json_is_integer(ends) ? json_integer_value(ends) : FIELD_NULL,
        .gpu_milli = json_integer_value(json_object_get(item, "gpu_milli")),
        .count = json_integer_value(json_object_get(ret->body, "count")),
    };
    struct price_estimate estimate;
    enum err_kind kind = price_estimate(request, &terms, &estimate, reterr);
    ret->price_u = kind != ERR_NONE || !estimate.is_known ? INT64_MAX
                   : estimate.total_u == FIELD_NULL       ? estimate.hourly_u
                                                          : estimate.total_u;
    return kind;
}

enum err_kind other_types_tell(struct request *request, const char *currency, const char *answer, json_t *alternatives,
                               struct err *reterr)
{
    CLEANUP(planning_json_freep) json_t *said = json_loads(answer, 0, NULL);
    const json_t *items = json_object_get(said, "items");
    struct priced priced[TYPES_MAX];
    size_t count = json_array_size(items) < TYPES_MAX ? json_array_size(items) : TYPES_MAX;
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < count && kind == ERR_NONE; i++) {
        const json_t *item = json_array_get(items, i);
        priced[i] = (struct priced){.body = json_object_get(item, "body"), .place = i};
        kind = price(request, currency, item, &priced[i], reterr);
    }
    if (kind != ERR_NONE)
        return kind;
    qsort(priced, count, sizeof priced[0], by_price);
    for (size_t i = 0; i < count; i++)
        (void)json_array_append(alternatives, priced[i].body);
    return ERR_NONE;
}
