/* Assets from a spreadsheet: every row is checked, every problem told with its line, and all are made or none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/asset.h"
#include "api/resources/registry.h"
#include "api/server/csv.h"
#include "api/server/csv_read.h"
#include "common/money.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX     10000
#define PROBLEMS_MAX 1000

struct import {
    int64_t assets;
    const char *cohorts;
};

struct import_cohort {
    const char *cohort;
    int64_t assets;
    struct field_money cost;
};
// clang-format off
static const struct field cohort_fields[] = {
    FIELD_TEXT ("cohort", struct import_cohort, cohort, .flags = FIELD_READ_ONLY, .help = "The cohort"),
    FIELD_INT  ("assets", struct import_cohort, assets, .flags = FIELD_READ_ONLY, .help = "How many of it were made"),
    FIELD_MONEY("cost",   struct import_cohort, cost, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "What they cost in this currency"),
    FIELDS_END,
};
static const struct field import_fields[] = {
    FIELD_INT ("assets",  struct import, assets, .flags = FIELD_READ_ONLY, .help = "How many were made"),
    FIELD_JSON("cohorts", struct import, cohorts, .flags = FIELD_READ_ONLY, .is_list = true, .fields = cohort_fields, .help = "By cohort and currency"),
    FIELDS_END,
};
// clang-format on
static const struct schema import_schema = {"AssetImport", import_fields, sizeof(struct import)};

struct reading {
    struct request *request;
    struct csv_cells head;
    struct asset_wish *wishes;
    const char **prefixes;
    bool *unreadable;
    size_t count;
};

static const struct field *find_field(const char *name, size_t length)
{
    for (const struct field *field = asset_fields; field->name != NULL; field++) {
        if (strlen(field->name) == length && strncmp(field->name, name, length) == 0)
            return field;
    }
    return NULL;
}

/* The text of a list as CSV has an apostrophe before what a spreadsheet would take for a formula. */
static const char *plain(const char *cell)
{
    return cell[0] == '\'' && csv_is_formula(cell + 1) ? cell + 1 : cell;
}

/* What a column is of: the field, or the object that it is nested in. */
static const struct field *field_of_column(const char *name)
{
    return find_field(name, strcspn(name, "."));
}

/* A column that has no name says nothing as long as its cells do not. */
static enum err_kind check_head(struct request *request, const struct csv_cells *head, struct err *reterr)
{
    for (size_t i = 0; i < head->count; i++) {
        const char *name = head->items[i];
        if (name[0] != '\0' && field_of_column(name) == NULL)
            field_problem_add(&request->problems, arena_format(request->arena, "/header/%s", name), "unknown_field",
                              "line %d: there is no field of this name", head->line);
        for (size_t j = 0; j < i && name[0] != '\0'; j++) {
            if (strcmp(head->items[j], name) == 0)
                return err_set_code(reterr, ERR_MALFORMED, "malformed_csv", "line %d: the column '%s' stands twice",
                                    head->line, name);
        }
    }
    return ERR_NONE;
}

/* A number stays a text where it is none: then its type is wrong. */
static json_t *value_of(const struct field *field, const char *cell)
{
    char *end = NULL;
    long long number = strtoll(cell, &end, 10);
    bool is_number = field != NULL && field->type == FIELD_TYPE_INT && *end == '\0' && end != cell && strlen(cell) < 18;
    json_t *value = is_number ? json_integer(number) : json_string(cell);
    must(value != NULL); /* it is UTF-8 */
    return value;
}

static void put(json_t *object, const char *name, const char *cell)
{
    const char *dot = strchr(name, '.');
    const struct field *field = field_of_column(name);
    bool is_unknown = field == NULL && name[0] != '\0'; /* the header was told so */
    if (cell[0] == '\0' || is_unknown || (field != NULL && (field->flags & FIELD_READ_ONLY) != 0))
        return; /* nothing is said; or an answer's, not a wish's */
    if (dot == NULL) {
        must(json_object_set_new(object, name, value_of(field, plain(cell))) == 0);
        return;
    }
    json_t *nested = NULL;
    const char *outer = field != NULL ? field->name : name;
    nested = json_object_get(object, outer);
    if (nested == NULL) {
        nested = json_object();
        must(nested != NULL && json_object_set_new(object, outer, nested) == 0);
    }
    if (json_is_object(nested))
        must(json_object_set_new(nested, dot + 1, value_of(NULL, plain(cell))) == 0);
}

static void read_wish(struct reading *reading, const struct csv_cells *cells)
{
    struct request *request = reading->request;
    const char *prefix = arena_format(request->arena, "/rows/%zu", reading->count);
    struct field_problems problems = {.arena = request->arena};
    json_t *object = json_object();
    must(object != NULL);
    if (cells->count != reading->head.count)
        field_problem_add(&problems, "", "wrong_type", "has %zu cells, the header %zu", cells->count,
                          reading->head.count);
    for (size_t i = 0; i < cells->count && i < reading->head.count; i++)
        put(object, reading->head.items[i], cells->items[i]);
    struct asset_wish *wish = &reading->wishes[reading->count];
    uint64_t present = 0;
    field_read_json(asset_fields, object, FIELD_MODE_CREATE, wish, &present, &problems);
    reading->unreadable[reading->count] = problems.count > 0;
    for (size_t i = 0; i < problems.listed; i++) {
        const struct field_problem *problem = &problems.items[i];
        field_problem_add(&request->problems, arena_format(request->arena, "%s%s", prefix, problem->pointer),
                          problem->code, "line %d: %s", cells->line, problem->detail);
    }
    reading->prefixes[reading->count++] = prefix;
    json_decref(object);
}

/* Texts live in the request's arena, as a body's do. */
static enum err_kind read_rows(struct reading *reading, struct err *reterr)
{
    struct request *request = reading->request;
    struct csv_reader reader = {csv_text(request->text), 1};
    request->problems.most = PROBLEMS_MAX;
    enum err_kind kind = csv_read_row(&reader, request->arena, &reading->head, reterr);
    if (kind == ERR_NONE)
        kind = check_head(request, &reading->head, reterr);
    if (kind != ERR_NONE)
        return kind;
    reading->wishes = arena_alloc(request->arena, ROWS_MAX * sizeof *reading->wishes);
    reading->prefixes = arena_alloc(request->arena, ROWS_MAX * sizeof *reading->prefixes);
    reading->unreadable = arena_alloc(request->arena, ROWS_MAX * sizeof *reading->unreadable);
    for (;;) {
        struct csv_cells cells;
        kind = csv_read_row(&reader, request->arena, &cells, reterr);
        if (kind != ERR_NONE || cells.count == 0)
            return kind;
        if (reading->count == ROWS_MAX)
            return err_set_code(reterr, ERR_MALFORMED, "malformed_csv", "there are more than %d rows", ROWS_MAX);
        read_wish(reading, &cells);
    }
}

static int by_cohort(const void *left, const void *right)
{
    const struct asset_wish *const *a = left;
    const struct asset_wish *const *b = right;
    int order = strcmp((*a)->cohort, (*b)->cohort);
    return order != 0 ? order : strcmp((*a)->cost.currency, (*b)->cost.currency);
}

/* [from, ret) of the sorted wishes is one cohort in one currency. ERR_INVALID where its cost does not fit. */
static enum err_kind sum_up(const struct asset_wish *const *sorted, size_t from, size_t count,
                            struct import_cohort *ret, size_t *ret_end, struct err *reterr)
{
    size_t end = from;
    enum err_kind kind = ERR_NONE;
    *ret = (struct import_cohort){.cohort = sorted[from]->cohort, .cost.currency = sorted[from]->cost.currency};
    for (; kind == ERR_NONE && end < count && by_cohort(&sorted[from], &sorted[end]) == 0; end++)
        kind = money_add(ret->cost.amount_u, sorted[end]->cost.amount_u, &ret->cost.amount_u, reterr);
    ret->assets = (int64_t)(end - from);
    *ret_end = end;
    return kind;
}

static enum err_kind answer(struct reading *reading, struct response *response, struct err *reterr)
{
    struct arena *arena = reading->request->arena;
    const struct asset_wish **sorted = arena_alloc(arena, (reading->count + 1) * sizeof *sorted);
    struct json_out out;
    for (size_t i = 0; i < reading->count; i++)
        sorted[i] = &reading->wishes[i];
    qsort(sorted, reading->count, sizeof *sorted, by_cohort);
    json_out_init(&out, arena);
    json_out_open(&out, '[');
    for (size_t from = 0; from < reading->count;) {
        struct import_cohort cohort;
        enum err_kind kind = sum_up(sorted, from, reading->count, &cohort, &from, reterr);
        if (kind != ERR_NONE)
            return kind;
        field_write_struct(cohort_fields, &cohort, &out);
    }
    json_out_close(&out, ']');
    response_struct(response, 201, import_fields,
                    &(struct import){.assets = (int64_t)reading->count, .cohorts = json_out_finish(&out)});
    return ERR_NONE;
}

static enum err_kind create(struct request *request, struct response *response, struct err *reterr)
{
    struct reading reading = {.request = request};
    const char *taken = NULL;
    enum err_kind kind = read_rows(&reading, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (reading.count == 0)
        return err_set_code(reterr, ERR_MALFORMED, "malformed_csv", "there is no row below the header");
    kind =
        asset_make(request, &(struct asset_rows){reading.wishes, reading.count, reading.prefixes, reading.unreadable},
                   &taken, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (taken != NULL)
        return err_set_code(reterr, ERR_CONFLICT, "name_taken", "an asset of serial number '%s' exists already", taken);
    kind = answer(&reading, response, reterr);
    if (kind != ERR_NONE)
        return kind;
    return request_event(request, NULL, NULL, "asset", request->new_id, 1, "asset.imported", reterr);
}

/* Under its key it was the same text. */
static enum err_kind replay(struct request *request, struct response *response, struct err *reterr)
{
    struct reading reading = {.request = request};
    enum err_kind kind = read_rows(&reading, reterr);
    return kind == ERR_NONE ? answer(&reading, response, reterr) : kind;
}

// clang-format off
static const struct route import_routes[] = {
    {POST, "/v1/system/assets/import", ROLES_SYSTEM_FINANCE, RATE_WRITE, .body = &asset_schema, .answer = &import_schema, .takes_csv = true, .run = create, .replay = replay, .problems = PROBLEMS("malformed_csv", "name_taken", "unknown_node", "unknown_asset", "unknown_purchase_order"), .summary = "Register assets from CSV, all or none: a header that names fields, nested ones with dots, and a row per asset"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const import_statements[] = {NULL};

const struct resource asset_import_resource = {"assets", import_routes, import_statements, NULL};
