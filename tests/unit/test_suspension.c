/* Who may answer a suspended request: one claimant a turn, and nobody of a turn that is over. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/suspension.h"
#include "common/clock.h"
#include "tests/unit/suite.h"

#define FAR_MS 600000

static int resumed;

static void resume(struct suspension *suspension)
{
    (void)suspension;
    resumed++;
}

static void expire(struct suspension *suspension, bool is_shutdown)
{
    (void)suspension;
    (void)is_shutdown;
    ck_abort_msg("its time is not over");
}

/* Which turn it is. */
static uint64_t begin(struct suspensions *all, struct suspension *suspension)
{
    suspension->expire = expire;
    suspension->resume = resume;
    atomic_store(&suspension->deadline_ms, clock_monotonic_ms() + FAR_MS);
    ck_assert(suspension_begin(all, suspension));
    return suspension_turn(suspension);
}

START_TEST(one_of_all_who_want_to_answer_has_the_claim)
{
    struct suspensions *all = suspensions_start();
    struct suspension suspension = {0};
    uint64_t turn = begin(all, &suspension);
    ck_assert(suspension_is_open(&suspension, turn));
    ck_assert(suspension_claim(&suspension));
    ck_assert(!suspension_claim(&suspension) && !suspension_claim_turn(&suspension, turn));
    ck_assert(!suspension_is_open(&suspension, turn));
    suspension_park(&suspension, clock_monotonic_ms() + FAR_MS);
    ck_assert_uint_eq(suspension_turn(&suspension), turn);
    ck_assert(suspension_claim_turn(&suspension, turn) && !suspension_claim(&suspension));
    suspension_end(all, &suspension);
    ck_assert_int_eq(resumed, 1);
    suspensions_stop(all);
}
END_TEST

START_TEST(who_comes_late_does_not_answer_what_the_request_waits_for_next)
{
    struct suspensions *all = suspensions_start();
    struct suspension suspension = {0};
    uint64_t first = begin(all, &suspension);
    ck_assert(suspension_claim(&suspension));
    ck_assert(!suspension_claim_turn(&suspension, first));
    suspension_end(all, &suspension);
    uint64_t second = begin(all, &suspension);
    ck_assert_uint_ne(first, second);
    ck_assert(!suspension_claim_turn(&suspension, first) && !suspension_is_open(&suspension, first));
    ck_assert(suspension_claim_turn(&suspension, second));
    suspension_end(all, &suspension);
    ck_assert_int_eq(suspensions_count(all), 0);
    suspensions_stop(all);
}
END_TEST

START_TEST(who_comes_late_does_not_move_the_deadline_of_what_the_request_waits_for_next)
{
    struct suspensions *all = suspensions_start();
    struct suspension suspension = {0};
    int64_t late_ms = clock_monotonic_ms() + 3 * FAR_MS;
    uint64_t first = begin(all, &suspension);
    suspension_wait_until(&suspension, first, late_ms - 1);
    ck_assert_int_eq(atomic_load(&suspension.deadline_ms), late_ms - 1);
    ck_assert(suspension_claim(&suspension));
    suspension_wait_until(&suspension, first, late_ms);
    ck_assert_int_eq(atomic_load(&suspension.deadline_ms), late_ms - 1);
    suspension_end(all, &suspension);
    uint64_t second = begin(all, &suspension);
    suspension_wait_until(&suspension, first, late_ms);
    ck_assert_int_lt(atomic_load(&suspension.deadline_ms), late_ms - 1);
    ck_assert(suspension_claim_turn(&suspension, second));
    suspension_end(all, &suspension);
    suspensions_stop(all);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("suspension");
    TCase *all = tcase_create("suspension");
    tcase_add_test(all, one_of_all_who_want_to_answer_has_the_claim);
    tcase_add_test(all, who_comes_late_does_not_answer_what_the_request_waits_for_next);
    tcase_add_test(all, who_comes_late_does_not_move_the_deadline_of_what_the_request_waits_for_next);
    suite_add_tcase(suite, all);
    return suite;
}
