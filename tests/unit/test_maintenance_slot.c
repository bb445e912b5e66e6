/* The cheapest slot: as cheap as the cheapest that trying every second finds, and the earliest of those. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/maintenance_slot.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#define ROUNDS   2000
#define HELD_MAX 8
#define RANGE_S  60

static int64_t overlap(const struct maintenance_held *held, int64_t from_s, int64_t to_s)
{
    int64_t first_s = held->from_s > from_s ? held->from_s : from_s;
    int64_t last_s = held->to_s < to_s ? held->to_s : to_s;
    return last_s > first_s ? (last_s - first_s) * held->gpu_milli : 0;
}

static struct maintenance_slot cheapest_of_all(const struct maintenance_held *held, size_t count, int64_t from_s,
                                               int64_t to_s, int64_t length_s)
{
    struct maintenance_slot best = {.hit = INT64_MAX};
    for (int64_t at_s = from_s; at_s + length_s <= to_s; at_s++) {
        int64_t hit = 0;
        for (size_t i = 0; i < count; i++)
            hit += overlap(&held[i], at_s, at_s + length_s);
        if (hit < best.hit)
            best = (struct maintenance_slot){.starts_s = at_s, .hit = hit};
    }
    return best;
}

START_TEST(no_other_slot_is_cheaper_or_as_cheap_and_earlier)
{
    struct property property = property_begin("no_other_slot_is_cheaper_or_as_cheap_and_earlier");
    for (int round = 0; round < ROUNDS; round++) {
        struct maintenance_held held[HELD_MAX];
        size_t count = (size_t)property_between(&property, 0, HELD_MAX);
        int64_t from_s = property_between(&property, -100, 100);
        int64_t to_s = from_s + property_between(&property, 1, RANGE_S);
        int64_t length_s = property_between(&property, 1, to_s - from_s);
        for (size_t i = 0; i < count; i++) {
            held[i].from_s = from_s + property_between(&property, -20, RANGE_S);
            held[i].to_s = held[i].from_s + property_between(&property, 1, RANGE_S);
            held[i].gpu_milli = property_between(&property, 1, 8000);
        }
        struct maintenance_slot found = maintenance_cheapest(held, count, from_s, to_s, length_s);
        struct maintenance_slot best = cheapest_of_all(held, count, from_s, to_s, length_s);
        ck_assert_int_eq(found.hit, best.hit);
        ck_assert_int_eq(found.starts_s, best.starts_s);
    }
}
END_TEST

/* A hundred thousand nodes of eight GPUs, held for all of the calendar. */
START_TEST(a_large_fleet_over_millennia_does_not_overflow)
{
    const int64_t milli = INT64_C(800000000), end_s = INT64_C(253402300799), length_s = 86400;
    struct maintenance_held held[] = {
        {.from_s = 0, .to_s = end_s, .gpu_milli = milli},
        {.from_s = 0, .to_s = end_s / 2, .gpu_milli = milli},
    };
    struct maintenance_slot found = maintenance_cheapest(held, 2, 0, end_s, length_s);
    ck_assert_int_eq(found.starts_s, end_s / 2);
    ck_assert_int_eq(found.hit, milli * length_s);
    found = maintenance_cheapest(held, 2, 0, end_s, end_s);
    ck_assert_int_eq(found.starts_s, 0);
    ck_assert_int_eq(found.hit, INT64_MAX);
}
END_TEST

START_TEST(a_range_that_is_too_short_begins_at_its_beginning)
{
    struct maintenance_held held = {.from_s = 100, .to_s = 200, .gpu_milli = 1000};
    struct maintenance_slot found = maintenance_cheapest(&held, 1, 150, 160, 40);
    ck_assert_int_eq(found.starts_s, 150);
    ck_assert_int_eq(found.hit, 10 * 1000); /* what is known of the range */
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("maintenance_slot");
    TCase *cases = tcase_create("promises");
    tcase_add_test(cases, no_other_slot_is_cheaper_or_as_cheap_and_earlier);
    tcase_add_test(cases, a_range_that_is_too_short_begins_at_its_beginning);
    tcase_add_test(cases, a_large_fleet_over_millennia_does_not_overflow);
    suite_add_tcase(suite, cases);
    return suite;
}
