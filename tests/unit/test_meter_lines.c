/* Lines of meters: each stretch of counted readings at the price that holds for it, what has none free, what is too much
 * its tenant's fault. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/meter_lines.h"
#include "tests/unit/property.h"

#include <check.h>
#include <string.h>

#define CASES     60
#define VERSIONS  6
#define SPANS     (VERSIONS / 2) /* own prices and list prices, each one after the other */
#define HOURS     60
#define HOUR_S    3600
#define TENANT    "00000000-0000-0000-0000-0000000000c8"
#define METER     "00000000-0000-0000-0000-00000000000a"
#define CELL_SIZE 40

static struct identity numbered(uint8_t number)
{
    struct identity id = {{0}};
    id.bytes[15] = number;
    return id;
}

static const struct facts_period period = {
    .tenant = TENANT, .starts_s = 0, .ends_s = HOURS * HOUR_S, .known_until_s = HOURS * HOUR_S};

/* ---- A book of one meter: list prices and a tenant's own, with gaps ---- */

struct scene {
    struct price_version versions[VERSIONS];
    const struct price_version *by_id[VERSIONS];
    struct price_discount discounts[2];
    struct price_book book;
};

static void make_versions(struct property *property, struct scene *scene, size_t first, struct identity owner)
{
    int64_t at_h = property_between(property, -20, 10);
    for (size_t i = first; i < first + SPANS; i++) {
        int64_t from_h = at_h + property_between(property, 0, 10);
        at_h = from_h + property_between(property, 1, 25);
        scene->versions[i] = (struct price_version){
            .id = numbered((uint8_t)(i + 1)),
            .sku = {.kind = SKU_METER, .name = "egress", .tier = SKU_ANY_TIER, .currency = "USD"},
            .tenant = owner,
            .project = "",
            .pool = RATING_FLAT,
            .valid = {.from_s = from_h * HOUR_S, .to_s = at_h * HOUR_S},
            .tariff = {.model = TARIFF_FLAT, .gpu_hour_u = 1},
        };
        scene->by_id[i] = &scene->versions[i];
    }
}

static void make_book(struct property *property, struct scene *scene)
{
    make_versions(property, scene, 0, (struct identity){{0}}); /* sorted: the list before tenants */
    make_versions(property, scene, SPANS, numbered(200));
    scene->book = (struct price_book){.versions = scene->versions,
                                      .count = VERSIONS,
                                      .by_id = scene->by_id,
                                      .discounts = scene->discounts,
                                      .discount_count = 0};
}

/* ---- Rows as they are counted, without a server ---- */

static PGresult *rows_of(int count)
{
    char name[] = "column";
    PGresAttDesc columns[METER_COLUMN_COUNT];
    for (int i = 0; i < METER_COLUMN_COUNT; i++)
        columns[i] = (PGresAttDesc){.name = name};
    PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    ck_assert_int_ne(PQsetResultAttrs(rows, METER_COLUMN_COUNT, columns), 0);
    static const char *const values[METER_COLUMN_COUNT] = {
        [METER_COLUMN_METER] = METER,    [METER_COLUMN_NAME] = "egress", [METER_COLUMN_TENANT] = TENANT,
        [METER_COLUMN_CURRENCY] = "USD", [METER_COLUMN_ZONE] = "UTC",
    };
    for (int row = 0; row < count; row++) {
        for (int i = 0; i < METER_COLUMN_COUNT; i++) {
            char cell[CELL_SIZE] = "";
            if (values[i] != NULL)
                (void)snprintf(cell, sizeof cell, "%s", values[i]);
            ck_assert_int_ne(PQsetvalue(rows, row, i, cell, values[i] == NULL ? -1 : (int)strlen(cell)), 0);
        }
    }
    return rows;
}

/* quantity below 0: one that fits no int64 */
static void set_row(PGresult *rows, int row, uint8_t reservation, int64_t at_s, int64_t quantity)
{
    char uuid[UUID_TEXT_SIZE];
    char number[DB_INT_TEXT_SIZE];
    identity_to_uuid(numbered(reservation), uuid);
    ck_assert_int_ne(PQsetvalue(rows, row, METER_COLUMN_RESERVATION, uuid, (int)strlen(uuid)), 0);
    (void)db_int_param(number, at_s);
    ck_assert_int_ne(PQsetvalue(rows, row, METER_COLUMN_AT, number, (int)strlen(number)), 0);
    if (quantity < 0)
        return;
    (void)db_int_param(number, quantity);
    ck_assert_int_ne(PQsetvalue(rows, row, METER_COLUMN_QUANTITY, number, (int)strlen(number)), 0);
}

/* The price of a second among some versions. 0: none. */
static uint8_t price_at(const struct price_version *versions, int64_t at_s)
{
    for (size_t i = 0; i < SPANS; i++) {
        if (versions[i].valid.from_s <= at_s && at_s < versions[i].valid.to_s)
            return versions[i].id.bytes[15];
    }
    return 0;
}

/* Adds up what comes to be known of a reservation, by the price that holds and the list's beside it. */
struct sums {
    int64_t quantity[2][VERSIONS + 1][VERSIONS + 1];
};

static void report(struct property *property, const struct scene *scene, PGresult *rows, int row, struct sums *due)
{
    int64_t at_s = (row % HOURS) * HOUR_S;
    int64_t quantity = property_between(property, 0, 3);
    uint8_t list = price_at(scene->versions, at_s);
    uint8_t own = price_at(&scene->versions[SPANS], at_s);
    set_row(rows, row, (uint8_t)(11 + row / HOURS), at_s, quantity);
    if (own != 0 || list != 0) /* else it is free */
        due->quantity[row / HOURS][own != 0 ? own : list][own != 0 ? list : 0] += quantity;
}

static void take(const struct rated_line *line, struct sums *told)
{
    uint8_t list = line->key.list_price.bytes[15];
    uint8_t price = line->key.price.bytes[15];
    ck_assert(rated_line_is_metered(line) && line->gpu_milli_s == 0 && line->meter_quantity > 0);
    told->quantity[line->key.reservation.bytes[15] - 11][price][list == price ? 0 : list] += line->meter_quantity;
}

START_TEST(each_second_is_of_the_price_that_holds_then_and_of_none_is_free)
{
    struct property property = property_begin("each_second_is_of_the_price_that_holds_then");
    for (int i = 0; i < CASES; i++) {
        struct scene scene = {0};
        struct sums due = {0};
        struct sums told = {0};
        make_book(&property, &scene);
        CLEANUP(db_result_clear) PGresult *rows = rows_of(2 * HOURS);
        for (int row = 0; row < 2 * HOURS; row++)
            report(&property, &scene, rows, row, &due);
        CLEANUP(rated_lines_release) struct rated_lines lines = {0};
        ck_assert_int_eq(meter_lines_of_rows(rows, &period, &scene.book, &lines, NULL), ERR_NONE);
        for (size_t n = 0; n < lines.count; n++)
            take(&lines.list[n], &told);
        ck_assert_mem_eq(&told, &due, sizeof due);
    }
}
END_TEST

START_TEST(what_fits_no_quantity_is_refused_and_nothing_is_where_it_has_no_price)
{
    struct property property = property_begin("what_fits_no_quantity_is_refused");
    struct scene scene = {0};
    make_book(&property, &scene);
    scene.book.count = 1;
    scene.versions[0].valid = (struct rating_span){.from_s = 0, .to_s = HOUR_S};
    static const struct {
        int64_t at_s, quantities[2];
        enum err_kind kind;
    } tried[] = {
        {0, {-1, 0}, ERR_INVALID},           /* a sum beyond 64 bits is null */
        {0, {INT64_MAX, 1}, ERR_INVALID},    /* or two of them */
        {0, {INT64_MAX, 0}, ERR_NONE},       /* the most */
        {HOUR_S, {-1, INT64_MAX}, ERR_NONE}, /* nobody asks what is free */
    };
    for (size_t i = 0; i < COUNT_OF(tried); i++) {
        CLEANUP(db_result_clear) PGresult *rows = rows_of(2);
        for (int row = 0; row < 2; row++)
            set_row(rows, row, 11, tried[i].at_s + row, tried[i].quantities[row]);
        CLEANUP(rated_lines_release) struct rated_lines lines = {0};
        struct err err = {0};
        ck_assert_int_eq(meter_lines_of_rows(rows, &period, &scene.book, &lines, &err), tried[i].kind);
        ck_assert(tried[i].kind == ERR_NONE || strstr(err.text, "'egress' does not fit in 64 bits") != NULL);
    }
}
END_TEST

START_TEST(a_period_is_cut_where_prices_of_meters_and_discounts_of_the_tenant_begin_and_end)
{
    struct property property = property_begin("a_period_is_cut");
    struct scene scene = {0};
    make_book(&property, &scene);
    scene.book.count = 3;
    scene.book.discount_count = 2;
    scene.versions[0].valid = (struct rating_span){.from_s = -HOUR_S, .to_s = 100}; /* the list's */
    scene.versions[1].valid = (struct rating_span){.from_s = 200, .to_s = INT64_MAX};
    scene.versions[1].tenant = numbered(200); /* its own */
    scene.versions[2].valid = (struct rating_span){.from_s = 300, .to_s = 400};
    scene.versions[2].tenant = numbered(201); /* another's */
    scene.discounts[0] = (struct price_discount){.tenant = numbered(200), .valid = {.from_s = 500, .to_s = 600}};
    scene.discounts[1] = (struct price_discount){.tenant = numbered(201), .valid = {.from_s = 700, .to_s = 800}};
    CLEANUP(meter_cuts_release) struct meter_cuts cuts = {0};
    meter_lines_cuts(&scene.book, &period, numbered(200), &cuts);
    static const int64_t expected[] = {0, HOURS * HOUR_S, 100, 200, 500, 600};
    ck_assert_uint_eq(cuts.count, COUNT_OF(expected));
    ck_assert_mem_eq(cuts.list, expected, sizeof expected);
}
END_TEST

static struct rated_line line_of(uint8_t meter, uint8_t price, int64_t list_u, int64_t contracted_u)
{
    return (struct rated_line){
        .key = {.meter = numbered(meter), .price = numbered(price)}, .list_u = list_u, .contracted_u = contracted_u};
}

START_TEST(a_periods_meters_come_to_so_much_at_most_by_whichever_price_is_higher)
{
    struct rated_line lines[] = {line_of(0, 1, INT64_MAX, INT64_MAX), /* of GPU-time: not counted */
                                 line_of(10, 1, METER_PERIOD_MOST_U - 7, 0), line_of(10, 2, 0, 7),
                                 line_of(10, 3, 0, 1)};
    struct rated_lines all = {.list = lines, .count = COUNT_OF(lines) - 1};
    ck_assert_int_eq(meter_lines_check(&all, NULL), ERR_NONE);
    all.count++;
    struct err err = {0};
    ck_assert_int_eq(meter_lines_check(&all, &err), ERR_INVALID);
    ck_assert_str_eq(err.code, "amount_out_of_range");
}
END_TEST

START_TEST(a_price_of_a_meter_that_the_book_has_not_is_told_and_lines_of_meters_can_be_left_out)
{
    struct property property = property_begin("a_price_of_a_meter_that_the_book_has_not");
    struct scene scene = {0};
    make_book(&property, &scene);
    struct rated_line lines[] = {line_of(10, 1, 5, 5), line_of(0, 99, 6, 6), line_of(10, 2, 7, 7), line_of(0, 1, 8, 8)};
    struct rated_lines all = {.list = lines, .count = COUNT_OF(lines)};
    ck_assert(meter_lines_all_known(&scene.book, &all)); /* of GPU-time it is not asked */
    lines[2].key.price = numbered(98);
    ck_assert(!meter_lines_all_known(&scene.book, &all));
    meter_lines_drop(&all);
    ck_assert_uint_eq(all.count, 2);
    ck_assert_int_eq(lines[0].list_u, 6);
    ck_assert_int_eq(lines[1].list_u, 8);
    ck_assert(meter_lines_all_known(&scene.book, &all));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("meter_lines");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_second_is_of_the_price_that_holds_then_and_of_none_is_free);
    tcase_add_test(tests, what_fits_no_quantity_is_refused_and_nothing_is_where_it_has_no_price);
    tcase_add_test(tests, a_period_is_cut_where_prices_of_meters_and_discounts_of_the_tenant_begin_and_end);
    tcase_add_test(tests, a_periods_meters_come_to_so_much_at_most_by_whichever_price_is_higher);
    tcase_add_test(tests, a_price_of_a_meter_that_the_book_has_not_is_told_and_lines_of_meters_can_be_left_out);
    Suite *suite = suite_create("meter_lines");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
