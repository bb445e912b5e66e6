/* Rating in deltas: whatever the order and the portions in which usage becomes known, what is written sums up to the
 * rating of all of it; a run that learns nothing writes nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/ledger/rate_lines.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <string.h>

#define CASES     400
#define FACTS_MAX 24
#define VERSIONS  3
#define GPU_H     TARIFF_GPU_MILLI_S_PER_GPU_H

static struct identity numbered(uint8_t number)
{
    struct identity id = {{0}};
    id.bytes[15] = number;
    return id;
}

/* A book of a flat, a graduated and a volume price. */
struct scene {
    struct price_version versions[VERSIONS];
    const struct price_version *by_id[VERSIONS];
    const struct tariff *tariffs[VERSIONS];
    struct price_book book;
    struct rate_commitment commitments[2];
    struct rated_line facts[FACTS_MAX];
    size_t fact_count;
};

static void make_book(struct property *property, struct scene *scene)
{
    static const enum tariff_model models[VERSIONS] = {TARIFF_FLAT, TARIFF_GRADUATED, TARIFF_VOLUME};
    scene->book = (struct price_book){
        .versions = scene->versions, .count = VERSIONS, .tariffs = scene->tariffs, .by_id = scene->by_id};
    for (size_t i = 0; i < VERSIONS; i++) {
        struct price_version *version = &scene->versions[i];
        *version = (struct price_version){
            .id = numbered((uint8_t)(i + 1)),
            .sku = {.kind = "instance_type", .name = i == 0 ? "a" : "b", .tier = "reserved", .currency = "USD"},
            .project = "",
            .pool = RATING_FLAT,
            .tariff = {.model = models[i],
                       .gpu_hour_u = property_between(property, 1, 9000000),
                       .tier_count = 2,
                       .tiers = {{property_between(property, 1, 20) * GPU_H, property_between(property, 1, 9000000)},
                                 {TARIFF_OPEN_TIER, property_between(property, 1, 9000000)}}},
        };
        scene->by_id[i] = version;
        if (models[i] == TARIFF_FLAT)
            continue;
        version->pool = scene->book.tariff_count;
        scene->tariffs[scene->book.tariff_count++] = &version->tariff;
    }
    scene->commitments[0] = (struct rate_commitment){.id = numbered(101),
                                                     .sku_kind = "instance_type",
                                                     .sku = "a",
                                                     .tier = "reserved",
                                                     .terms = {.gpu_milli_s = property_between(property, 1, 20) * GPU_H,
                                                               .cost_u = property_between(property, 0, 90000000)}};
    scene->commitments[1] =
        (struct rate_commitment){.id = numbered(102),
                                 .sku_kind = "",
                                 .sku = "",
                                 .tier = "reserved",
                                 .terms = {.is_spend = true, .cost_u = property_between(property, 0, 90000000)}};
}

static void make_facts(struct property *property, struct scene *scene)
{
    scene->fact_count = (size_t)property_between(property, 1, FACTS_MAX);
    for (size_t i = 0; i < scene->fact_count; i++) {
        scene->facts[i] = (struct rated_line){
            .key = {.reservation = numbered((uint8_t)property_between(property, 11, 15)),
                    .price = numbered((uint8_t)property_between(property, 1, VERSIONS)),
                    .period_start_s = 1000,
                    .capacity = (uint8_t)property_between(property, CAPACITY_USED, CAPACITY_UNUSED)},
            .tenant = numbered(200),
            .currency = "USD",
            .seconds = property_between(property, 1, 5000),
            .gpu_milli_s = property_between(property, 1, 20000000),
        };
    }
}

/* Rates what was measured and, if given, what is new; adds to what is written. Returns how much was written. */
static size_t run(struct scene *scene, const struct rated_line *fresh, size_t fresh_count, struct rated_lines *written)
{
    CLEANUP(rated_lines_release) struct rated_lines targets = {0};
    for (size_t i = 0; i < fresh_count; i++)
        rated_lines_push(&targets, &fresh[i]);
    ck_assert_int_eq(rate_lines_fold(written, &targets, NULL), ERR_NONE);
    ck_assert_int_eq(rate_lines(&targets, &scene->book, scene->commitments, 2, NULL), ERR_NONE);
    ck_assert_int_eq(rated_lines_subtract(&targets, written, NULL), ERR_NONE);
    for (size_t i = 0; i < targets.count; i++)
        rated_lines_push(written, &targets.list[i]);
    ck_assert_int_eq(rated_lines_merge(written, NULL), ERR_NONE);
    return targets.count;
}

/* What has become nothing is as if it had never been written. */
static void drop_nothing(struct rated_lines *lines)
{
    struct rated_lines none = {0};
    ck_assert_int_eq(rated_lines_subtract(lines, &none, NULL), ERR_NONE);
}

static bool is_same(const struct rated_lines *one, const struct rated_lines *other)
{
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++) {
        const struct rated_line *a = &one->list[i];
        const struct rated_line *b = &other->list[i];
        if (memcmp(&a->key, &b->key, sizeof a->key) != 0 || a->seconds != b->seconds ||
            a->gpu_milli_s != b->gpu_milli_s || a->list_u != b->list_u || a->contracted_u != b->contracted_u ||
            a->effective_u != b->effective_u || a->billed_u != b->billed_u)
            return false;
    }
    return true;
}

static void shuffle(struct property *property, struct rated_line *facts, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)property_between(property, 0, (int64_t)i - 1);
        struct rated_line kept = facts[i - 1];
        facts[i - 1] = facts[other];
        facts[other] = kept;
    }
}

START_TEST(deltas_in_any_order_sum_up_to_the_rating_of_all)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        static struct scene scene;
        memset(&scene, 0, sizeof scene);
        make_book(&property, &scene);
        make_facts(&property, &scene);
        CLEANUP(rated_lines_release) struct rated_lines at_once = {0};
        CLEANUP(rated_lines_release) struct rated_lines in_parts = {0};
        (void)run(&scene, scene.facts, scene.fact_count, &at_once);
        shuffle(&property, scene.facts, scene.fact_count);
        for (size_t first = 0, count; first < scene.fact_count; first += count) {
            count = (size_t)property_between(&property, 1, (int64_t)(scene.fact_count - first));
            (void)run(&scene, &scene.facts[first], count, &in_parts);
        }
        ck_assert_uint_eq(run(&scene, NULL, 0, &in_parts), 0); /* a run again writes nothing */
        drop_nothing(&at_once);
        drop_nothing(&in_parts);
        ck_assert(is_same(&at_once, &in_parts));
    }
}
END_TEST

START_TEST(taking_usage_back_takes_back_what_it_came_to)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        static struct scene scene;
        memset(&scene, 0, sizeof scene);
        make_book(&property, &scene);
        make_facts(&property, &scene);
        CLEANUP(rated_lines_release) struct rated_lines without = {0};
        CLEANUP(rated_lines_release) struct rated_lines corrected = {0};
        (void)run(&scene, &scene.facts[1], scene.fact_count - 1, &without);
        (void)run(&scene, scene.facts, scene.fact_count, &corrected);
        struct rated_line back = scene.facts[0];
        back.seconds = -back.seconds;
        back.gpu_milli_s = -back.gpu_milli_s;
        (void)run(&scene, &back, 1, &corrected);
        drop_nothing(&without);
        drop_nothing(&corrected);
        ck_assert(is_same(&without, &corrected));
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("rated_lines");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, deltas_in_any_order_sum_up_to_the_rating_of_all);
    tcase_add_test(tests, taking_usage_back_takes_back_what_it_came_to);
    Suite *suite = suite_create("rated_lines");
    suite_add_tcase(suite, tests);
    return suite;
}
