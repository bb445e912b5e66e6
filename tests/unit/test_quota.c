/* Quotas: examples at the edges of months and instants, and random histories against a naive oracle that counts hour by
 * hour. SLUICE_SEED repeats a run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/calendar.h"
#include "common/cleanup.h"
#include "provisioner/quota/quota.h"
#include "tests/unit/property.h"
#include "tests/unit/suite.h"

#include <string.h>

#define HOUR      INT64_C(3600)
#define GPU_HOURS (INT64_C(1000) * HOUR) /* in GPU-milli seconds */

static int64_t at(const char *text)
{
    int64_t ret = 0;
    ck_assert_int_eq(calendar_time_parse(text, &ret, NULL), ERR_NONE);
    return ret;
}

static struct identity id_of(unsigned number)
{
    struct identity ret = {0};
    memcpy(ret.bytes + 8, &number, sizeof number);
    ret.bytes[15] = (uint8_t)(number * 37);
    return ret;
}

static struct quotas *january(void)
{
    return quotas_new(at("2026-01-01T00:00:00Z"));
}

static void freep(struct quotas **quotas)
{
    quotas_free(*quotas);
}

static struct quota_holding holding(unsigned reservation, const char *from, const char *to, int64_t gpus)
{
    return (struct quota_holding){.reservation = id_of(reservation),
                                  .tenant = id_of(1),
                                  .project = "default",
                                  .gpu_model = "H100",
                                  .from = at(from),
                                  .to = to == NULL ? LEVEL_OPEN : at(to),
                                  .gpu_milli = 1000 * gpus};
}

static void limit(struct quotas *quotas, const char *project, const char *model, int64_t peak_gpus, int64_t month_hours)
{
    quotas_limit(quotas,
                 &(struct quota_limit){.tenant = id_of(1),
                                       .project = project,
                                       .gpu_model = model,
                                       .peak_gpu_milli = peak_gpus < 0 ? QUOTA_NONE : 1000 * peak_gpus,
                                       .month_gpu_milli_s = month_hours < 0 ? QUOTA_NONE : month_hours * GPU_HOURS});
}

/* ---- Examples ---- */

START_TEST(windows_that_touch_do_not_add_up)
{
    CLEANUP(freep) struct quotas *quotas = january();
    limit(quotas, NULL, NULL, 8, -1);
    struct quota_holding first = holding(1, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", 8);
    struct quota_holding next = holding(2, "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", 8);
    struct quota_holding over = holding(3, "2026-01-02T23:59:59Z", "2026-01-04T00:00:00Z", 1);
    struct quota_refusal refusal = {0};
    quotas_hold(quotas, &first);
    ck_assert(quotas_fit(quotas, &next, first.from, &refusal));
    ck_assert(!quotas_fit(quotas, &over, first.from, &refusal));
    ck_assert_int_eq(refusal.kind, QUOTA_PEAK);
    ck_assert_int_eq(refusal.held, 8000);
    ck_assert_int_eq(refusal.asked, 1000);
    ck_assert_int_eq(refusal.from, over.from);
    int64_t from = 0;
    ck_assert(quotas_earliest(quotas, &over, over.from + 86400, &from));
    ck_assert_int_eq(from, first.to);
}
END_TEST

START_TEST(a_month_ends_at_its_last_second)
{
    CLEANUP(freep) struct quotas *quotas = january();
    limit(quotas, NULL, NULL, -1, 10);
    struct quota_holding first = holding(1, "2026-01-10T00:00:00Z", "2026-01-10T08:00:00Z", 1);
    quotas_hold(quotas, &first);
    struct quota_refusal refusal = {0};
    struct quota_holding fits = holding(2, "2026-01-31T22:00:00Z", "2026-02-01T10:00:00Z", 1); /* 2 h and 10 h */
    struct quota_holding over = holding(2, "2026-01-31T21:59:59Z", "2026-02-01T05:00:00Z", 1);
    ck_assert(quotas_fit(quotas, &fits, first.from, &refusal));
    ck_assert(!quotas_fit(quotas, &over, first.from, &refusal));
    ck_assert_int_eq(refusal.kind, QUOTA_MONTH);
    ck_assert_int_eq(refusal.from, at("2026-01-01T00:00:00Z"));
    ck_assert_int_eq(refusal.held, 8 * GPU_HOURS);
    int64_t from = 0;
    ck_assert(quotas_earliest(quotas, &over, over.from + 86400, &from));
    ck_assert_int_eq(from, at("2026-01-31T22:00:00Z"));
}
END_TEST

START_TEST(an_open_end_is_measured_by_the_longest_month)
{
    CLEANUP(freep) struct quotas *quotas = january();
    limit(quotas, NULL, NULL, -1, 31 * 24);
    struct quota_refusal refusal = {0};
    struct quota_holding one = holding(1, "2026-02-01T00:00:00Z", NULL, 1);
    ck_assert(quotas_fit(quotas, &one, one.from, &refusal));
    CLEANUP(freep) struct quotas *less = january();
    limit(less, NULL, NULL, -1, 31 * 24 - 1);
    ck_assert(!quotas_fit(less, &one, one.from, &refusal));
    ck_assert_int_eq(refusal.from, at("2026-03-01T00:00:00Z"));
    int64_t from = 0;
    ck_assert(!quotas_earliest(less, &one, one.from + 400 * 86400, &from));
}
END_TEST

START_TEST(a_project_counts_in_its_own_limit_and_in_its_tenants)
{
    CLEANUP(freep) struct quotas *quotas = january();
    limit(quotas, NULL, NULL, 16, -1);
    limit(quotas, "research", NULL, 8, -1);
    limit(quotas, NULL, "A100", 0, -1);
    struct quota_refusal refusal = {0};
    struct quota_holding wished = holding(1, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", 9);
    ck_assert(quotas_fit(quotas, &wished, wished.from, &refusal));
    wished.project = "research";
    ck_assert(!quotas_fit(quotas, &wished, wished.from, &refusal));
    ck_assert_str_eq(refusal.project, "research");
    wished.gpu_milli = 8000;
    quotas_hold(quotas, &wished);
    struct quota_holding other = holding(2, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", 9);
    ck_assert(!quotas_fit(quotas, &other, other.from, &refusal));
    ck_assert_ptr_null(refusal.project);
    other.gpu_milli = 1;
    other.gpu_model = "A100";
    ck_assert(!quotas_fit(quotas, &other, other.from, &refusal));
    ck_assert_str_eq(refusal.gpu_model, "A100");
    other.tenant = id_of(2);
    ck_assert(!quotas_concern(quotas, other.tenant));
    ck_assert(quotas_fit(quotas, &other, other.from, &refusal));
}
END_TEST

START_TEST(a_lower_limit_takes_nothing_and_lets_it_shrink)
{
    CLEANUP(freep) struct quotas *quotas = january();
    limit(quotas, NULL, NULL, 4, 24);
    struct quota_holding held = holding(1, "2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z", 8);
    quotas_hold(quotas, &held);
    struct quota_refusal refusal = {0};
    int64_t now = at("2026-01-02T12:00:00Z");
    struct quota_holding fewer = held;
    fewer.gpu_milli = 7000;
    ck_assert(quotas_fit(quotas, &fewer, now, &refusal));
    struct quota_holding shorter = held;
    shorter.to -= 3600;
    ck_assert(quotas_fit(quotas, &shorter, now, &refusal));
    ck_assert(quotas_fit(quotas, &held, now, &refusal));
    struct quota_holding longer = held;
    longer.to += 1;
    ck_assert(!quotas_fit(quotas, &longer, now, &refusal));
    struct quota_holding more = held;
    more.gpu_milli += 1;
    ck_assert(!quotas_fit(quotas, &more, now, &refusal));
    ck_assert_int_eq(refusal.from, now); /* what was before cannot be asked for any more */
}
END_TEST

/* ---- The oracle: hours, counted one by one ---- */

#define RESERVATIONS 24
#define LIMITS       6
#define HOURS        (24 * 240) /* further out all months are alike */
#define LAST_FROM_H  (24 * 80)
#define STEPS        60
#define HISTORIES    6

static const char *const projects[] = {"default", "research"};
static const char *const models[] = {"H100", "A100"};

struct model {
    struct property random;
    struct quotas *quotas;
    struct quota_limit limits[LIMITS];
    unsigned limit_count;
    struct quota_holding held[RESERVATIONS], saved[RESERVATIONS];
    int64_t base;
    int64_t now;
};

static int64_t between(struct model *model, int64_t least, int64_t most)
{
    return property_between(&model->random, least, most);
}

static bool counts_in(const struct quota_limit *limited, const struct quota_holding *holding)
{
    return memcmp(&limited->tenant, &holding->tenant, sizeof holding->tenant) == 0 &&
           (limited->project == NULL || strcmp(limited->project, holding->project) == 0) &&
           (limited->gpu_model == NULL || strcmp(limited->gpu_model, holding->gpu_model) == 0);
}

static int64_t milli_at(const struct quota_limit *limited, const struct quota_holding *holding, int64_t instant)
{
    return counts_in(limited, holding) && holding->from <= instant && instant < holding->to ? holding->gpu_milli : 0;
}

static int64_t others_at(const struct model *model, const struct quota_limit *limited, unsigned reservation,
                         int64_t instant)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < RESERVATIONS; i++)
        sum += i == reservation ? 0 : milli_at(limited, &model->held[i], instant);
    return sum;
}

static int64_t month_end(int64_t instant)
{
    return calendar_time_of_day(calendar_add_months(calendar_month_of_day(calendar_day_of_time(instant)), 1));
}

/* Whether a limit bears it, by looking at each hour. */
static bool oracle_bears(const struct model *model, const struct quota_limit *limited, unsigned reservation,
                         const struct quota_holding *wished, int64_t now)
{
    int64_t held = 0, asked = 0, had = 0;
    int64_t end = month_end(model->base);
    bool bears = true;
    for (int64_t instant = model->base; instant < model->base + HOURS * HOUR; instant += HOUR) {
        int64_t others = others_at(model, limited, reservation, instant);
        int64_t own = milli_at(limited, &model->held[reservation], instant);
        int64_t wish = milli_at(limited, wished, instant);
        bool is_high = limited->peak_gpu_milli != QUOTA_NONE && others + wish > limited->peak_gpu_milli;
        bears = bears && !(is_high && wish > own && instant >= now);
        held += others * HOUR;
        asked += wish * HOUR;
        had += own * HOUR;
        if (instant + HOUR < end)
            continue;
        bool is_full = limited->month_gpu_milli_s != QUOTA_NONE && held + asked > limited->month_gpu_milli_s;
        bears = bears && !(is_full && asked > had && end > now);
        end = month_end(end);
        held = asked = had = 0;
    }
    return bears;
}

static bool oracle_fits(const struct model *model, unsigned reservation, const struct quota_holding *wished,
                        int64_t now)
{
    for (unsigned i = 0; i < model->limit_count; i++) {
        if (counts_in(&model->limits[i], wished) && !oracle_bears(model, &model->limits[i], reservation, wished, now))
            return false;
    }
    return true;
}

/* ---- Histories ---- */

static void draw_limits(struct model *model)
{
    model->limit_count = 0;
    for (unsigned kind = 0; kind < LIMITS; kind++) {
        if (between(model, 0, 2) == 0)
            continue;
        struct quota_limit drawn = {.tenant = id_of(1), .peak_gpu_milli = QUOTA_NONE, .month_gpu_milli_s = QUOTA_NONE};
        drawn.project = kind & 1 ? projects[1] : NULL;
        drawn.gpu_model = kind >> 1 == 0 ? NULL : models[(kind >> 1) - 1];
        if (between(model, 0, 2) > 0)
            drawn.peak_gpu_milli = between(model, 0, 40) * 500;
        if (between(model, 0, 1) > 0)
            drawn.month_gpu_milli_s = between(model, 0, 6000) * GPU_HOURS;
        quotas_limit(model->quotas, &drawn);
        model->limits[model->limit_count++] = drawn;
    }
}

static struct quota_holding draw_holding(struct model *model, unsigned reservation)
{
    int64_t from = between(model, 0, LAST_FROM_H);
    int64_t hours = between(model, 1, between(model, 0, 1) ? 60 : 24 * 50);
    return (struct quota_holding){.reservation = id_of(reservation),
                                  .tenant = id_of(between(model, 0, 9) == 0 ? 2 : 1),
                                  .project = projects[between(model, 0, 1)],
                                  .gpu_model = models[between(model, 0, 1)],
                                  .from = model->base + from * HOUR,
                                  .to = between(model, 0, 15) == 0 ? LEVEL_OPEN : model->base + (from + hours) * HOUR,
                                  .gpu_milli = between(model, 1, 20) * 500};
}

/* A quarter of the wishes change what the reservation holds; the rest are new terms altogether. */
static struct quota_holding draw_wish(struct model *model, unsigned reservation)
{
    struct quota_holding wished = model->held[reservation];
    if (wished.gpu_milli == 0 || between(model, 0, 3) > 0)
        return draw_holding(model, reservation);
    if (wished.to != LEVEL_OPEN && wished.to - wished.from > 2 * HOUR)
        wished.to += between(model, -1, 100) * HOUR;
    wished.gpu_milli = between(model, 1, 20) * 500;
    return wished;
}

static void compare(struct model *model)
{
    for (unsigned i = 0; i < model->limit_count; i++) {
        for (int64_t h = 0; h < HOURS; h += 11) {
            int64_t instant = model->base + h * HOUR;
            ck_assert_int_eq(quotas_held(model->quotas, &model->limits[i], instant),
                             others_at(model, &model->limits[i], RESERVATIONS, instant));
        }
    }
}

static void hold(struct model *model, unsigned reservation, const struct quota_holding *wished)
{
    model->held[reservation] = *wished;
    quotas_hold(model->quotas, wished);
}

static bool fits_at(struct model *model, const struct quota_holding *wished, int64_t from)
{
    struct quota_holding moved = *wished;
    struct quota_refusal refusal;
    moved.from = from;
    moved.to = wished->to == LEVEL_OPEN ? LEVEL_OPEN : wished->to + (from - wished->from);
    return quotas_fit(model->quotas, &moved, from, &refusal);
}

/* Nothing earlier fits: by whole hours, and by the second before. */
static void check_earliest(struct model *model, const struct quota_holding *wished)
{
    int64_t latest = wished->from + 24 * 70 * HOUR;
    int64_t found = latest + 1;
    bool is_found = quotas_earliest(model->quotas, wished, latest, &found);
    for (int64_t from = wished->from; from < found; from += HOUR)
        ck_assert(!fits_at(model, wished, from));
    ck_assert(!is_found || fits_at(model, wished, found));
    ck_assert(!is_found || found == wished->from || !fits_at(model, wished, found - 1));
}

static void step(struct model *model)
{
    unsigned reservation = (unsigned)between(model, 0, RESERVATIONS - 1);
    struct quota_holding wished = draw_wish(model, reservation);
    int64_t now = model->base + between(model, 0, 24 * 40) * HOUR;
    struct quota_refusal refusal = {0};
    struct quota_holding nothing = wished;
    nothing.gpu_milli = 0;
    uint64_t before = quotas_fingerprint(model->quotas);
    bool fits = quotas_fit(model->quotas, &wished, now, &refusal);
    ck_assert_uint_eq(before, quotas_fingerprint(model->quotas));
    ck_assert_int_eq(fits, oracle_fits(model, reservation, &wished, now));
    if (!fits && model->held[reservation].gpu_milli == 0)
        check_earliest(model, &wished);
    if (fits || between(model, 0, 3) == 0)
        hold(model, reservation, &wished);
    else if (between(model, 0, 3) == 0)
        hold(model, reservation, &nothing);
}

static void run_batch(struct model *model)
{
    memcpy(model->saved, model->held, sizeof model->held);
    uint64_t before = quotas_fingerprint(model->quotas);
    quotas_begin(model->quotas);
    for (int64_t left = between(model, 1, 6); left > 0; left--)
        step(model);
    if (between(model, 0, 2) == 0) {
        quotas_rollback(model->quotas);
        memcpy(model->held, model->saved, sizeof model->held);
        ck_assert_uint_eq(before, quotas_fingerprint(model->quotas));
    } else {
        quotas_commit(model->quotas);
    }
}

/* Equal to one that was told only what is held now. */
static void compare_rebuilt(struct model *model, int64_t base)
{
    CLEANUP(freep) struct quotas *rebuilt = quotas_new(base);
    for (unsigned i = model->limit_count; i-- > 0;)
        quotas_limit(rebuilt, &model->limits[i]);
    for (unsigned i = RESERVATIONS; i-- > 0;) {
        if (model->held[i].gpu_milli > 0)
            quotas_hold(rebuilt, &model->held[i]);
    }
    ck_assert_uint_eq(quotas_fingerprint(model->quotas), quotas_fingerprint(rebuilt));
}

START_TEST(quotas_agree_with_counting_each_hour)
{
    struct model model = {.random = property_begin("quotas_agree_with_counting_each_hour")};
    for (int history = 0; history < HISTORIES; history++) {
        model.base = at("2026-01-01T00:00:00Z");
        model.quotas = quotas_new(model.base);
        memset(model.held, 0, sizeof model.held);
        draw_limits(&model);
        for (int steps = 0; steps < STEPS; steps += 4)
            run_batch(&model);
        compare(&model);
        compare_rebuilt(&model, model.base);
        int64_t february = at("2026-02-01T00:00:00Z");
        quotas_forget(model.quotas, february);
        compare_rebuilt(&model, february);
        model.base = february;
        run_batch(&model); /* and goes on */
        compare_rebuilt(&model, february);
        quotas_free(model.quotas);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("quota");
    TCase *examples = tcase_create("quota");
    tcase_set_timeout(examples, 100);
    tcase_add_test(examples, windows_that_touch_do_not_add_up);
    tcase_add_test(examples, a_month_ends_at_its_last_second);
    tcase_add_test(examples, an_open_end_is_measured_by_the_longest_month);
    tcase_add_test(examples, a_project_counts_in_its_own_limit_and_in_its_tenants);
    tcase_add_test(examples, a_lower_limit_takes_nothing_and_lets_it_shrink);
    tcase_add_test(examples, quotas_agree_with_counting_each_hour);
    suite_add_tcase(suite, examples);
    return suite;
}
