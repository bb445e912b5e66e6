/* What a period's usage comes to: golden tiers, commitments and upfront fees; and, over random periods, an oracle that
 * walks every tenth of a GPU-hour by itself and adds up fractions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/calendar.h"
#include "common/rating_period.h"
#include "tests/unit/golden.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define CASES       3000
#define ITEMS_MAX   6
#define U_PER_CENT  10000
#define GPU_H       TARIFF_GPU_MILLI_S_PER_GPU_H
#define TENTH       (GPU_H / 10)
#define CHARGES_MAX RATING_CHARGES_MAX(ITEMS_MAX, 2)

struct outcome {
    struct rating_charge charges[CHARGES_MAX];
    size_t count;
    int64_t billed_u, used_u, quantity;
};

static struct outcome rate(const struct rating_input *input)
{
    struct outcome outcome = {0};
    struct money_share scratch[ITEMS_MAX];
    ck_assert_int_eq(rating_period(input, scratch, outcome.charges, &outcome.count, NULL), ERR_NONE);
    for (size_t i = 0; i < outcome.count; i++) {
        outcome.billed_u += outcome.charges[i].billed_u;
        outcome.quantity += outcome.charges[i].gpu_milli_s;
        if (outcome.charges[i].commitment != RATING_NO_COMMITMENT)
            outcome.used_u += outcome.charges[i].effective_u;
    }
    return outcome;
}

static int64_t tariff_of(const struct tariff *tariff, int64_t gpu_milli_s)
{
    int64_t amount_u = 0;
    ck_assert_int_eq(tariff_amount(tariff, gpu_milli_s, &amount_u, NULL), ERR_NONE);
    return amount_u;
}

START_TEST(g17_a_late_fact_can_raise_a_graduated_bill_and_lower_one_by_volume)
{
    json_t *golden = golden_load();
    json_t *g17 = golden_member(golden, "G17");
    static const char *const names[] = {"graduated", "volume"};
    static const enum tariff_model models[] = {TARIFF_GRADUATED, TARIFF_VOLUME};
    for (size_t i = 0; i < 2; i++) {
        struct tariff tariff = {.model = models[i], .tier_count = 2};
        tariff.tiers[0].up_to_gpu_milli_s = golden_integer(g17, "boundary_h") * GPU_H;
        tariff.tiers[1].up_to_gpu_milli_s = TARIFF_OPEN_TIER;
        for (size_t j = 0; j < 2; j++)
            tariff.tiers[j].gpu_hour_u = golden_at(golden_member(g17, "prices"), j) * U_PER_CENT;
        int64_t amount_u[2];
        for (size_t j = 0; j < 2; j++) {
            amount_u[j] = tariff_of(&tariff, golden_at(golden_member(g17, "hours"), j) * GPU_H);
            ck_assert_int_eq(amount_u[j], golden_at(golden_member(g17, names[i]), j) * U_PER_CENT);
        }
        ck_assert_int_eq(amount_u[1] - amount_u[0], golden_at(golden_member(g17, "delta"), i) * U_PER_CENT);
        ck_assert_int_eq(tariff_of(&tariff, -520 * GPU_H), -amount_u[1]);
    }
    json_decref(golden);
}
END_TEST

START_TEST(a_tier_includes_its_end_and_a_begun_package_is_paid_whole)
{
    struct tariff volume = {
        .model = TARIFF_VOLUME, .tier_count = 2, .tiers = {{500 * GPU_H, 2490000}, {TARIFF_OPEN_TIER, 2190000}}};
    ck_assert_int_eq(tariff_of(&volume, 500 * GPU_H), 500 * INT64_C(2490000));
    ck_assert_int_eq(tariff_of(&volume, 500 * GPU_H + GPU_H), 501 * INT64_C(2190000));
    struct tariff package = {.model = TARIFF_PACKAGE, .gpu_hour_u = 2000000, .package_gpu_milli_s = 100 * GPU_H};
    static const int64_t hours[][2] = {{0, 0}, {1, 100}, {100, 100}, {101, 200}, {-101, -200}};
    for (size_t i = 0; i < COUNT_OF(hours); i++)
        ck_assert_int_eq(tariff_of(&package, hours[i][0] * GPU_H), hours[i][1] * 2000000);
}
END_TEST

START_TEST(g14_a_commitment_is_used_and_unused_up_to_its_fee)
{
    static const int64_t used_tenths[] = {54375, 42000, 50000}; /* the golden fractions, in tenths of a GPU-hour */
    json_t *golden = golden_load();
    json_t *g14 = golden_member(golden, "G14");
    for (size_t i = 0; i < COUNT_OF(used_tenths); i++) {
        json_t *example = json_array_get(g14, i);
        struct rating_item items[2] = {
            {.group = 0, .pool = RATING_FLAT, .unit_price_u = 2490000, .list_price_u = 2490000},
            {.group = 1, .pool = RATING_FLAT, .unit_price_u = 2490000, .list_price_u = 2490000},
        };
        items[0].gpu_milli_s = used_tenths[i] / 3 * TENTH;
        items[1].gpu_milli_s = used_tenths[i] * TENTH - items[0].gpu_milli_s;
        struct rating_commitment commitment = {.gpu_milli_s = 5000 * GPU_H,
                                               .cost_u = golden_integer(example, "fee") * U_PER_CENT};
        struct outcome outcome = rate(
            &(struct rating_input){.items = items, .item_count = 2, .commitments = &commitment, .commitment_count = 1});
        ck_assert_int_eq(outcome.used_u, golden_integer(example, "eff_used") * U_PER_CENT);
        ck_assert_int_eq(commitment.cost_u - commitment.used_u, golden_integer(example, "eff_unused") * U_PER_CENT);
        ck_assert_int_eq(money_minor_of_micro(outcome.billed_u, 2), golden_integer(example, "overage"));
        ck_assert_int_eq(money_minor_of_micro(outcome.billed_u + commitment.cost_u, 2),
                         golden_integer(example, "billed"));
        ck_assert_int_eq(outcome.billed_u, commitment.overage_u);
    }
    json_decref(golden);
}
END_TEST

static int64_t day_s(const char *date)
{
    int64_t day = 0;
    ck_assert_int_eq(calendar_date_parse(date, &day, NULL), ERR_NONE);
    return calendar_time_of_day(day);
}

START_TEST(g22_what_is_paid_upfront_is_spread_by_time)
{
    json_t *golden = golden_load();
    json_t *g22 = golden_member(golden, "G22");
    struct commitment_term term = {.total_minor = 10000000,
                                   .upfront_bp = 10000,
                                   .periods = 12,
                                   .from_s = day_s("2027-11-01"),
                                   .to_s = day_s("2028-11-01")};
    int64_t day = calendar_day_of_time(term.from_s);
    int64_t upfront = 0;
    int64_t cost = 0;
    for (int64_t month = 0; month < 12; month++) {
        int64_t from_s = calendar_time_of_day(calendar_add_months(day, month));
        int64_t to_s = calendar_time_of_day(calendar_add_months(day, month + 1));
        struct commitment_cost part;
        ck_assert_int_eq(commitment_cost_of_period(&term, month, from_s, to_s, &part, NULL), ERR_NONE);
        ck_assert_int_eq(part.cost_minor, golden_at(g22, (size_t)month));
        ck_assert_int_eq(part.billed_minor, month == 0 ? term.total_minor : 0);
        upfront += part.billed_minor;
        cost += part.cost_minor;
    }
    ck_assert_int_eq(cost, upfront);
    json_decref(golden);
}
END_TEST

START_TEST(a_term_costs_what_is_billed_of_it)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct commitment_term term = {.total_minor = property_between(&property, 0, 1000000000),
                                       .upfront_bp = property_between(&property, 0, 10000),
                                       .periods = property_between(&property, 1, 60)};
        term.to_s = term.periods * 2600000;
        struct commitment_cost sum = {0};
        for (int64_t number = 0; number < term.periods; number++) {
            struct commitment_cost part;
            ck_assert_int_eq(
                commitment_cost_of_period(&term, number, number * 2600000, (number + 1) * 2600000, &part, NULL),
                ERR_NONE);
            sum.billed_minor += part.billed_minor;
            sum.cost_minor += part.cost_minor;
        }
        ck_assert_int_eq(sum.billed_minor, term.total_minor);
        ck_assert_int_eq(sum.cost_minor, term.total_minor);
    }
}
END_TEST

/* ---- Random periods ---- */

struct scene {
    struct rating_item items[ITEMS_MAX];
    struct rating_commitment commitments[2];
    struct tariff tariff;
    const struct tariff *tariffs[1];
    struct rating_input input;
};

static struct tariff random_tariff(struct property *property)
{
    struct tariff tariff = {.model = (enum tariff_model)property_between(property, TARIFF_GRADUATED, TARIFF_PACKAGE),
                            .gpu_hour_u = property_between(property, 0, 5000000),
                            .package_gpu_milli_s = property_between(property, 1, 30) * GPU_H,
                            .tier_count = (size_t)property_between(property, 1, 4)};
    int64_t end = 0;
    for (size_t i = 0; i < tariff.tier_count; i++) {
        end += property_between(property, 1, 40) * TENTH;
        tariff.tiers[i] = (struct tariff_tier){i + 1 == tariff.tier_count ? TARIFF_OPEN_TIER : end,
                                               property_between(property, 0, 5000000)};
    }
    return tariff;
}

static void make_scene(struct property *property, struct scene *scene)
{
    *scene = (struct scene){.tariff = random_tariff(property)};
    scene->tariffs[0] = &scene->tariff;
    scene->input = (struct rating_input){.items = scene->items,
                                         .item_count = (size_t)property_between(property, 1, ITEMS_MAX),
                                         .tariffs = scene->tariffs,
                                         .tariff_count = 1,
                                         .commitments = scene->commitments,
                                         .commitment_count = (size_t)property_between(property, 0, 2)};
    size_t group = 0;
    for (size_t i = 0; i < scene->input.item_count; i++) {
        group += property_between(property, 0, 1) == 1;
        scene->items[i] = (struct rating_item){
            .group = group,
            .sku = (size_t)property_between(property, 0, 1),
            .pool = property_between(property, 0, 1) == 1 ? 0 : RATING_FLAT,
            .unit_price_u = property_between(property, 0, 5000000),
            .list_price_u = property_between(property, 0, 5000000),
            .discount_bp = property_between(property, 0, 1) * property_between(property, 0, 10000),
            .seconds = property_between(property, 0, 100000),
            .gpu_milli_s = property_between(property, 0, 60) * TENTH,
        };
    }
    for (size_t i = 0; i < scene->input.commitment_count; i++) {
        scene->commitments[i] = (struct rating_commitment){.is_spend = property_between(property, 0, 1) == 1,
                                                           .sku = (size_t)property_between(property, 0, 1),
                                                           .gpu_milli_s = property_between(property, 1, 100) * TENTH,
                                                           .cost_u = property_between(property, 0, 60000000)};
    }
}

/* The price of each tenth of a GPU-hour of a tariff, the first to the last, times what it weighs; a package's begun
 * rest is added at the end. In micro-units x tenths. */
static int64_t walk(const struct tariff *tariff, int64_t tenths)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < tenths; i++) {
        int64_t reached = tariff->model == TARIFF_VOLUME ? tenths : i + 1;
        size_t tier = 0;
        while (tier + 1 < tariff->tier_count && reached * TENTH > tariff->tiers[tier].up_to_gpu_milli_s)
            tier++;
        sum += tariff->model == TARIFF_PACKAGE ? tariff->gpu_hour_u : tariff->tiers[tier].gpu_hour_u;
    }
    int64_t package = tariff->package_gpu_milli_s / TENTH;
    for (int64_t i = tenths; tariff->model == TARIFF_PACKAGE && i % package != 0; i++)
        sum += tariff->gpu_hour_u;
    return sum;
}

START_TEST(a_tariff_is_the_sum_of_its_tenths)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct tariff tariff = random_tariff(&property);
        int64_t tenths = property_between(&property, 0, 400);
        int64_t twice = 2 * tariff_of(&tariff, tenths * TENTH) * 10;
        int64_t exact = 2 * walk(&tariff, tenths);
        ck_assert(twice - exact <= 10 && exact - twice <= 10); /* within half a micro-unit */
    }
}
END_TEST

/* What is wrong with an outcome; NULL: nothing. */
static const char *fault_of(const struct scene *scene, const struct outcome *outcome)
{
    int64_t quantity[ITEMS_MAX] = {0};
    int64_t seconds[ITEMS_MAX] = {0};
    int64_t covered[2] = {0};
    int64_t effective[2] = {0};
    for (size_t i = 0; i < outcome->count; i++) {
        const struct rating_charge *charge = &outcome->charges[i];
        quantity[charge->item] += charge->gpu_milli_s;
        seconds[charge->item] += charge->seconds;
        if (charge->commitment == RATING_NO_COMMITMENT) {
            if (charge->effective_u != charge->billed_u || charge->contracted_u != charge->billed_u)
                return "what nothing covers is billed as contracted";
            continue;
        }
        covered[charge->commitment] += charge->gpu_milli_s;
        effective[charge->commitment] += charge->effective_u;
        if (charge->billed_u != 0)
            return "what is covered is not billed";
    }
    for (size_t i = 0; i < scene->input.item_count; i++) {
        if (quantity[i] != scene->items[i].gpu_milli_s || seconds[i] != scene->items[i].seconds)
            return "an item's parts are the item";
    }
    for (size_t i = 0; i < scene->input.commitment_count; i++) {
        const struct rating_commitment *commitment = &scene->commitments[i];
        if (effective[i] != commitment->used_u || commitment->used_u > commitment->cost_u || commitment->used_u < 0)
            return "what is used is at most the cost";
        if (covered[i] != commitment->used_gpu_milli_s ||
            (!commitment->is_spend && covered[i] > commitment->gpu_milli_s))
            return "what is covered is at most what is committed";
        if (commitment->overage_u < 0 || commitment->overage_gpu_milli_s < 0)
            return "overage is not negative";
    }
    return NULL;
}

START_TEST(commitments_cover_no_more_than_they_are_and_lose_nothing)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct scene scene;
        make_scene(&property, &scene);
        struct outcome outcome = rate(&scene.input);
        const char *fault = fault_of(&scene, &outcome);
        ck_assert_msg(fault == NULL, "%s", fault);
    }
}
END_TEST

/* The bill without commitments, by fractions: flat groups by exact sums, the tariff by its tenths, discounts after. */
START_TEST(a_bill_is_what_fractions_say)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct scene scene;
        make_scene(&property, &scene);
        scene.input.commitment_count = 0;
        for (size_t j = 0; j < scene.input.item_count; j++) {
            if (scene.items[j].pool != RATING_FLAT)
                scene.items[j].discount_bp = 0;
        }
        struct outcome outcome = rate(&scene.input);
        int64_t pooled = 0;
        int64_t tenths = 0;
        double flat = 0;
        int64_t flat_u = 0;
        size_t groups = 1;
        for (size_t j = 0; j < scene.input.item_count; j++) {
            const struct rating_item *item = &scene.items[j];
            groups += j > 0 && item->group != scene.items[j - 1].group;
            if (item->pool != RATING_FLAT) {
                pooled += outcome.charges[j].billed_u;
                tenths += item->gpu_milli_s / TENTH;
                continue;
            }
            flat_u += outcome.charges[j].billed_u;
            flat += (double)item->unit_price_u * (double)(item->gpu_milli_s / TENTH) / 10 *
                    (double)(10000 - item->discount_bp) / 10000;
        }
        int64_t exact = walk(&scene.tariff, tenths);
        ck_assert(pooled * 10 - exact <= 5 && exact - pooled * 10 <= 5);
        double distance = flat - (double)flat_u;
        ck_assert(distance <= 0.5 * (double)groups + 0.001 && distance >= -0.5 * (double)groups - 0.001);
    }
}
END_TEST

START_TEST(negated_usage_comes_to_the_negated_bill)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct scene scene;
        make_scene(&property, &scene);
        scene.input.commitment_count = 0;
        struct outcome plus = rate(&scene.input);
        for (size_t j = 0; j < scene.input.item_count; j++)
            scene.items[j].gpu_milli_s = -scene.items[j].gpu_milli_s;
        struct outcome minus = rate(&scene.input);
        bool is_mirror = true;
        for (size_t j = 0; j < scene.input.item_count; j++)
            is_mirror = is_mirror && plus.charges[j].billed_u == -minus.charges[j].billed_u;
        ck_assert(is_mirror);
    }
}
END_TEST

/* A meter's unit is 1,000 thousandths, a level's an hour of it: 3,600,000. */
START_TEST(what_is_metered_is_priced_per_its_unit)
{
    static const int64_t per_units[] = {1000, TARIFF_GPU_MILLI_S_PER_GPU_H};
    for (size_t i = 0; i < COUNT_OF(per_units); i++) {
        int64_t unit = per_units[i];
        struct tariff included = {.model = TARIFF_GRADUATED,
                                  .per_unit = unit,
                                  .tier_count = 2,
                                  .tiers = {{10 * unit, 0}, {TARIFF_OPEN_TIER, 90000}}};
        ck_assert_int_eq(tariff_of(&included, 10 * unit), 0);
        ck_assert_int_eq(tariff_of(&included, 13 * unit + unit / 4 * 3), 337500);
        struct tariff package = {
            .model = TARIFF_PACKAGE, .per_unit = unit, .gpu_hour_u = 2000, .package_gpu_milli_s = 100 * unit};
        ck_assert_int_eq(tariff_of(&package, 100 * unit + 1), 200 * 2000);
        struct rating_item items[] = {
            {.group = 0, .pool = RATING_FLAT, .unit_price_u = 3, .list_price_u = 3, .per_unit = unit},
            {.group = 1, .pool = 0, .list_price_u = 90000, .per_unit = unit},
        };
        items[0].gpu_milli_s = unit + unit / 2; /* 4.5, half to even */
        items[1].gpu_milli_s = 11 * unit;
        const struct tariff *tariffs[] = {&included};
        struct outcome outcome =
            rate(&(struct rating_input){.items = items, .item_count = 2, .tariffs = tariffs, .tariff_count = 1});
        ck_assert_int_eq(outcome.charges[0].billed_u, 4);
        ck_assert_int_eq(outcome.charges[1].billed_u, 90000);
    }
}
END_TEST

/* Money covers whatever is spent; the GPU-time that it covered has no part of a meter's quantity. */
START_TEST(money_covers_meters_and_counts_gpu_time_alone)
{
    struct rating_item items[] = {
        {.group = 0, .pool = RATING_FLAT, .unit_price_u = 1000000, .list_price_u = 1000000, .gpu_milli_s = 2 * GPU_H},
        {.group = 1,
         .pool = RATING_FLAT,
         .unit_price_u = 1000000,
         .list_price_u = 1000000,
         .per_unit = 1000,
         .gpu_milli_s = 2000},
    };
    struct rating_commitment money = {.is_spend = true, .sku = SIZE_MAX, .cost_u = 2000000};
    struct outcome outcome =
        rate(&(struct rating_input){.items = items, .item_count = 2, .commitments = &money, .commitment_count = 1});
    ck_assert_int_eq(money.used_u, 2000000);
    ck_assert_int_eq(money.used_gpu_milli_s, GPU_H);
    ck_assert_int_eq(outcome.billed_u, 2000000);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    struct rating_item item = {.pool = RATING_FLAT, .unit_price_u = INT64_MAX, .gpu_milli_s = INT64_MAX};
    int64_t amount_u = 0;
    ck_assert_int_eq(rating_alone(&item, NULL, &amount_u, NULL), ERR_INVALID);
    struct tariff package = {.model = TARIFF_PACKAGE, .gpu_hour_u = INT64_MAX, .package_gpu_milli_s = INT64_MAX};
    ck_assert_int_eq(rating_alone(&item, &package, &amount_u, NULL), ERR_INVALID);
    item.unit_price_u = 1;
    ck_assert_int_eq(rating_alone(&item, NULL, &amount_u, NULL), ERR_NONE);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("rating_period");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, g17_a_late_fact_can_raise_a_graduated_bill_and_lower_one_by_volume);
    tcase_add_test(tests, a_tier_includes_its_end_and_a_begun_package_is_paid_whole);
    tcase_add_test(tests, g14_a_commitment_is_used_and_unused_up_to_its_fee);
    tcase_add_test(tests, g22_what_is_paid_upfront_is_spread_by_time);
    tcase_add_test(tests, a_term_costs_what_is_billed_of_it);
    tcase_add_test(tests, a_tariff_is_the_sum_of_its_tenths);
    tcase_add_test(tests, commitments_cover_no_more_than_they_are_and_lose_nothing);
    tcase_add_test(tests, a_bill_is_what_fractions_say);
    tcase_add_test(tests, negated_usage_comes_to_the_negated_bill);
    tcase_add_test(tests, what_is_metered_is_priced_per_its_unit);
    tcase_add_test(tests, money_covers_meters_and_counts_gpu_time_alone);
    tcase_add_test(tests, what_does_not_fit_is_refused);
    Suite *suite = suite_create("rating_period");
    suite_add_tcase(suite, tests);
    return suite;
}
