/* What an asset's life promises: the golden changes, that nothing posted moves, and that disposal leaves nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/asset_life.h"
#include "common/calendar.h"
#include "tests/unit/golden.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define CASES 300

static int64_t day_of(const char *text)
{
    int64_t day = 0;
    ck_assert_int_eq(calendar_date_parse(text, &day, NULL), ERR_NONE);
    return day;
}

#define BEGIN "2026-01-01"

/* Straight line by months from 2026-01-01 on. */
static struct asset_life life_of(int64_t cost, int64_t salvage, int64_t months)
{
    struct asset_life life;
    struct depreciation_terms terms = {
        .method = DEPRECIATION_STRAIGHT_LINE,
        .convention = CONVENTION_FULL_MONTH,
        .step_months = 12,
        .in_service = day_of(BEGIN),
        .life_months = months,
        .cost_minor = cost,
        .salvage_minor = salvage,
    };
    asset_life_begin(&life, &terms);
    return life;
}

static int64_t month(int64_t number)
{
    return calendar_add_months(day_of(BEGIN), number);
}

static int64_t row(const struct asset_life *life, int64_t number)
{
    return asset_life_charge(life, month(number), month(number + 1), 0, 0);
}

static int64_t carrying(const struct asset_life *life, int64_t day)
{
    struct asset_balance balance = asset_life_balance(life, day, 0);
    return asset_carrying(&balance);
}

static struct asset_change change_of(enum asset_change_kind kind, int64_t day)
{
    return (struct asset_change){
        .kind = kind,
        .day = day,
        .life_months = ASSET_NOT_SAID,
        .salvage_minor = ASSET_NOT_SAID,
        .undiscounted_minor = ASSET_NOT_SAID,
        .value_in_use_minor = ASSET_NOT_SAID,
    };
}

static struct asset_effect apply(struct asset_life *life, const struct asset_change *change)
{
    struct asset_effect effect = {0};
    struct err err = {0};
    ck_assert_msg(asset_life_apply(life, change, &effect, &err) == ERR_NONE, "%s", err.text);
    return effect;
}

static void refuses(struct asset_life *life, const struct asset_change *change, const char *why)
{
    struct asset_effect effect;
    struct err err = {0};
    ck_assert_int_eq(asset_life_apply(life, change, &effect, &err), ERR_INVALID);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
}

START_TEST(g7_another_life_is_prospective)
{
    json_t *golden = golden_load();
    json_t *g7 = golden_member(golden, "G7");
    struct asset_life life = life_of(30000000, 3000000, 72);
    struct asset_change change = change_of(ASSET_RE_ESTIMATE, month(24));
    change.life_months = 60;
    change.salvage_minor = 1500000;
    struct asset_effect effect = apply(&life, &change);
    ck_assert_int_eq(effect.before.accumulated_minor, golden_integer(g7, "acc24"));
    ck_assert_int_eq(effect.amount_minor, 0);
    ck_assert_int_eq(row(&life, 23), 375000); /* as it was */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(row(&life, 24 + i), golden_at(golden_member(g7, "new_first3"), (size_t)i));
    ck_assert_int_eq(asset_life_charge(&life, month(24), month(99), 0, 0), 19500000);
    ck_assert_int_eq(carrying(&life, month(60)), 1500000);
    ck_assert_int_eq(asset_life_end(&life), month(60));

    struct asset_life longer = life_of(30000000, 3000000, 48);
    change = change_of(ASSET_RE_ESTIMATE, month(18));
    change.life_months = 72;
    effect = apply(&longer, &change);
    ck_assert_int_eq(asset_carrying(&effect.before), golden_integer(g7, "extend_nbv18"));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(row(&longer, 18 + i), golden_at(golden_member(g7, "extend_first3"), (size_t)i));
    json_decref(golden);
}
END_TEST

static struct asset_change impairment(enum asset_standard standard, int64_t day)
{
    struct asset_change change = change_of(ASSET_IMPAIR, day);
    change.standard = standard;
    change.undiscounted_minor = 15000000;
    change.fair_value_minor = 12000000;
    change.value_in_use_minor = 13250000;
    change.selling_cost_minor = 200000;
    return change;
}

START_TEST(g8_impairment_under_us_gaap)
{
    json_t *golden = golden_load();
    json_t *g8 = golden_member(golden, "G8");
    struct asset_life life = life_of(30000000, 3000000, 60);
    struct asset_change change = impairment(STANDARD_ASC_360, month(30));
    change.salvage_minor = 1000000;
    struct asset_effect effect = apply(&life, &change);
    ck_assert_int_eq(asset_carrying(&effect.before), golden_integer(g8, "nbv30"));
    ck_assert_int_eq(-effect.amount_minor, golden_integer(g8, "asc_loss"));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(row(&life, 30 + i), golden_at(golden_member(g8, "new_first3"), (size_t)i));
    struct asset_change back = impairment(STANDARD_IAS_36, month(42));
    back.kind = ASSET_REVERSE;
    back.value_in_use_minor = 99900000;
    refuses(&life, &back, "forbids to reverse");

    struct asset_life covered = life_of(30000000, 3000000, 60);
    change.undiscounted_minor = 16500000;
    refuses(&covered, &change, "cover the carrying amount");
    json_decref(golden);
}
END_TEST

START_TEST(g8_impairment_under_ifrs_and_its_reversal_up_to_the_cap)
{
    json_t *golden = golden_load();
    json_t *g8 = golden_member(golden, "G8");
    struct asset_life life = life_of(30000000, 3000000, 60);
    struct asset_change change = impairment(STANDARD_IAS_36, month(30));
    struct asset_effect effect = apply(&life, &change);
    ck_assert_int_eq(-effect.amount_minor, golden_integer(g8, "ias_loss"));
    ck_assert_int_eq(carrying(&life, month(42)), golden_integer(g8, "ias_carry42"));

    struct asset_change back = impairment(STANDARD_IAS_36, month(42));
    back.kind = ASSET_REVERSE;
    back.value_in_use_minor = 99900000; /* worth more than it would be had nothing been impaired */
    effect = apply(&life, &back);
    ck_assert_int_eq(effect.amount_minor, golden_integer(g8, "ias_cap42") - golden_integer(g8, "ias_carry42"));
    ck_assert_int_eq(carrying(&life, month(42)), golden_integer(g8, "ias_cap42"));
    ck_assert_int_eq(carrying(&life, month(60)), 3000000);
    back.day = month(43);
    refuses(&life, &back, "no loss");
    json_decref(golden);
}
END_TEST

START_TEST(g9_disposal_shows_gain_or_loss)
{
    json_t *golden = golden_load();
    json_t *g9 = golden_member(golden, "G9");
    struct depreciation_terms terms = {
        .method = DEPRECIATION_STRAIGHT_LINE,
        .convention = CONVENTION_DAILY,
        .step_months = 12,
        .in_service = day_of("2026-03-17"),
        .life_months = 72,
        .cost_minor = 31250000,
        .salvage_minor = 3125000,
    };
    struct asset_life life;
    asset_life_begin(&life, &terms);
    struct asset_change change = change_of(ASSET_DISPOSE, day_of("2029-08-10"));
    ck_assert_int_eq(change.day - terms.in_service, golden_integer(g9, "days"));
    change.proceeds_minor = 11850000;
    change.selling_cost_minor = 120000;
    struct asset_effect effect = apply(&life, &change);
    ck_assert_int_eq(effect.before.accumulated_minor, golden_integer(g9, "accum"));
    ck_assert_int_eq(asset_carrying(&effect.before), golden_integer(g9, "nbv"));
    ck_assert_int_eq(effect.amount_minor, golden_integer(g9, "gain"));
    ck_assert_int_eq(asset_life_charge(&life, terms.in_service, day_of("2040-01-01"), 0, 0),
                     golden_integer(g9, "accum"));
    ck_assert_int_eq(carrying(&life, change.day), 0);

    asset_life_begin(&life, &terms);
    change.proceeds_minor = 21000000;
    change.selling_cost_minor = 0;
    ck_assert_int_eq(apply(&life, &change).amount_minor, 5685789);
    change.day++;
    refuses(&life, &change, "was disposed of");
    json_decref(golden);
}
END_TEST

START_TEST(g10_components_have_lives_of_their_own_and_parts_are_replaced)
{
    json_t *golden = golden_load();
    json_t *g10 = golden_member(golden, "G10");
    struct asset_life gpus = life_of(21600000, 1080000, 48);
    struct asset_life chassis = life_of(7200000, 360000, 72);
    struct asset_life nics = life_of(2400000, 0, 60);
    ck_assert_int_eq(row(&gpus, 0) + row(&chassis, 0) + row(&nics, 0), golden_integer(g10, "node_m1"));
    ck_assert_int_eq(carrying(&gpus, month(30)), golden_integer(g10, "gpu_nbv30"));
    for (int i = 0; i < 8; i++) { /* one after the other, the last by disposal */
        struct asset_change change = change_of(i < 7 ? ASSET_REPLACE_PART : ASSET_DISPOSE, month(30));
        change.part_count = 1;
        change.part_total = 8 - i;
        struct asset_effect effect = apply(&gpus, &change);
        ck_assert_int_eq(-effect.amount_minor, golden_at(golden_member(g10, "derecog"), (size_t)i));
    }
    struct asset_life part = life_of(2600000, 130000, 18);
    ck_assert_int_eq(row(&part, 0), 137222);
    json_decref(golden);
}
END_TEST

START_TEST(what_contradicts_the_books_is_refused)
{
    struct asset_life life = life_of(30000000, 3000000, 60);
    struct asset_change change = change_of(ASSET_RE_ESTIMATE, month(24));
    refuses(&life, &change, "a new estimate needs");
    change.life_months = 24;
    refuses(&life, &change, "life is over");
    change.life_months = 72;
    change.day++;
    refuses(&life, &change, "first day of one");
    change.day = day_of(BEGIN);
    refuses(&life, &change, "after the day of service");
    change.day = month(24);
    change.salvage_minor = 20000000;
    refuses(&life, &change, "exceeds the carrying amount");
    change.salvage_minor = 3000000;
    (void)apply(&life, &change); /* its amount is 0 */
    change.day = month(23);
    refuses(&life, &change, "not before another change");
    change = change_of(ASSET_REPLACE_PART, month(25));
    change.part_count = change.part_total = 8;
    refuses(&life, &change, "parts must stay");
    change = impairment(STANDARD_IAS_36, month(25));
    change.value_in_use_minor = 99900000;
    refuses(&life, &change, "nothing is impaired");
}
END_TEST

static struct asset_change any_change(struct property *property, const struct depreciation_terms *terms, int64_t day)
{
    struct asset_change change =
        change_of((enum asset_change_kind)property_between(property, 0, ASSET_REPLACE_PART), day);
    if (terms->convention != CONVENTION_DAILY)
        change.day = calendar_add_months(calendar_month_of_day(day), 1);
    if (property_between(property, 0, 1))
        change.life_months = property_between(property, 1, 240);
    if (property_between(property, 0, 1))
        change.salvage_minor = property_between(property, 0, terms->cost_minor / 4);
    change.standard = property_between(property, 0, 4) ? STANDARD_IAS_36 : STANDARD_ASC_360;
    change.undiscounted_minor = property_between(property, 0, terms->cost_minor);
    change.fair_value_minor = property_between(property, 0, terms->cost_minor);
    change.proceeds_minor = property_between(property, 0, 1000);
    change.part_total = property_between(property, 2, 9);
    change.part_count = property_between(property, 1, change.part_total - 1);
    return change;
}

static struct depreciation_terms any_terms(struct property *property)
{
    struct depreciation_terms terms = {
        .method = (enum depreciation_method)property_between(property, 0, DEPRECIATION_UNITS - 1),
        .convention = (enum depreciation_convention)property_between(property, 0, CONVENTION_COUNT - 1),
        .step_months = property_between(property, 0, 1) ? 12 : 1,
        .in_service = property_between(property, 18000, 22000),
        .life_months = property_between(property, 2, 96),
        .cost_minor = property_between(property, 1, INT64_C(1) << property_between(property, 1, 40)),
    };
    terms.salvage_minor = property_between(property, 0, terms.cost_minor / 3);
    return terms;
}

/* Every account of the asset, folded from its postings, against what the life says: an oracle of plain sums. */
struct accounts {
    int64_t cost, accumulated, impairment, result;
};

static void fold(struct accounts *accounts, const struct asset_change *change, const struct asset_effect *effect)
{
    int64_t before = effect->before.cost_minor - effect->before.accumulated_minor - effect->before.impairment_minor;
    int64_t after = effect->after.cost_minor - effect->after.accumulated_minor - effect->after.impairment_minor;
    int64_t cash = change->kind >= ASSET_REPLACE_PART ? change->proceeds_minor - change->selling_cost_minor : 0;
    accounts->cost += effect->after.cost_minor - effect->before.cost_minor;
    accounts->accumulated += effect->after.accumulated_minor - effect->before.accumulated_minor;
    accounts->impairment += effect->after.impairment_minor - effect->before.impairment_minor;
    accounts->result += effect->amount_minor;
    ck_assert_int_eq(after - before + cash, effect->amount_minor); /* the journal balances */
}

/* Each step begins anew for the charge and the balance that it is compared with. */
static void walk_agrees(struct property *property, const struct asset_life *life)
{
    int64_t day = life->terms.in_service;
    int64_t end = asset_life_end(life) + 100;
    struct asset_walk walk = asset_walk_begin(life, day, 0);
    while (day < end) {
        int64_t next = day + property_between(property, 0, 200);
        struct asset_balance expected = asset_life_balance(life, next, 0), balance;
        ck_assert_int_eq(asset_walk_to(&walk, next, 0, &balance), asset_life_charge(life, day, next, 0, 0));
        ck_assert_int_eq(balance.cost_minor, expected.cost_minor);
        ck_assert_int_eq(balance.accumulated_minor, expected.accumulated_minor);
        ck_assert_int_eq(balance.impairment_minor, expected.impairment_minor);
        day = next;
    }
}

START_TEST(changes_leave_what_was_posted_and_disposal_leaves_nothing)
{
    struct property property = property_begin(__func__);
    for (int i = 0; i < CASES; i++) {
        struct depreciation_terms terms = any_terms(&property);
        struct asset_life life;
        asset_life_begin(&life, &terms);
        struct accounts accounts = {.cost = terms.cost_minor};
        int64_t day = terms.in_service;
        for (int j = 0; j < 8; j++) {
            struct asset_change change = any_change(&property, &terms, day + property_between(&property, 1, 300));
            struct asset_life before = life;
            struct asset_effect effect;
            if (asset_life_apply(&life, &change, &effect, NULL) != ERR_NONE)
                continue;
            int64_t charged = asset_life_charge(&life, day, change.day, 0, 0);
            ck_assert_int_eq(charged, asset_life_charge(&before, day, change.day, 0, 0)); /* 17: earlier rows stay */
            ck_assert(charged >= 0);
            accounts.accumulated += charged;
            fold(&accounts, &change, &effect);
            struct asset_balance balance = asset_life_balance(&life, change.day, 0);
            ck_assert_int_eq(balance.cost_minor, accounts.cost);
            ck_assert_int_eq(balance.accumulated_minor, accounts.accumulated);
            ck_assert_int_eq(balance.impairment_minor, accounts.impairment);
            ck_assert(balance.impairment_minor >= 0);
            day = change.day;
        }
        const struct asset_stretch *last = &life.actual.stretches[life.actual.count - 1];
        ck_assert_int_eq(carrying(&life, asset_life_end(&life)), last->segment.salvage_minor); /* 17: ends at S' */
        walk_agrees(&property, &life);
        struct asset_change gone = change_of(ASSET_DISPOSE, day + property_between(&property, 1, 4000));
        gone.proceeds_minor = property_between(&property, 0, terms.cost_minor);
        struct asset_effect effect = apply(&life, &gone);
        accounts.accumulated += asset_life_charge(&life, day, gone.day, 0, 0);
        fold(&accounts, &gone, &effect);
        ck_assert_int_eq(accounts.cost, 0); /* 18 */
        ck_assert_int_eq(accounts.accumulated, 0);
        ck_assert_int_eq(accounts.impairment, 0);
        walk_agrees(&property, &life);
    }
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("asset_life");
    tcase_add_test(tests, g7_another_life_is_prospective);
    tcase_add_test(tests, g8_impairment_under_us_gaap);
    tcase_add_test(tests, g8_impairment_under_ifrs_and_its_reversal_up_to_the_cap);
    tcase_add_test(tests, g9_disposal_shows_gain_or_loss);
    tcase_add_test(tests, g10_components_have_lives_of_their_own_and_parts_are_replaced);
    tcase_add_test(tests, what_contradicts_the_books_is_refused);
    tcase_add_test(tests, changes_leave_what_was_posted_and_disposal_leaves_nothing);
    Suite *suite = suite_create("asset_life");
    suite_add_tcase(suite, tests);
    return suite;
}
