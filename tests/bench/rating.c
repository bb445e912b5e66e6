/* How fast pure billing is on one core: rated lines, measured intervals, attributed nodes, schedules of assets.
 *
 * The baseline of rating is what one would write first: plain 128-bit arithmetic, for positive amounts, without any
 * check of overflow; the difference is what being checked costs. Each figure is the best of several rounds, because
 * the machine has other work. The bars are the design's; this program prints, it does not judge. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rating.h"
#include "billing/capex/attribution.h"
#include "common/asset_life.h"
#include "common/calendar.h"
#include "common/must.h"
#include "common/rating_period.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LINES           200000
#define NODES           25000
#define SHARES_PER_NODE (4 + IDLE_CAUSE_COUNT)
#define ASSETS          125000
#define ROUNDS          7
#define DAY_GPU_MILLI_S (INT64_C(8000) * 86400)

static struct rating_item items[LINES];
static struct rating_charge charges[RATING_CHARGES_MAX(LINES, 1)];
static struct money_share scratch[LINES];
static volatile int64_t naive_u[LINES];
static struct rating_usage usage[LINES];
static int64_t costs_u[NODES];
static struct money_share shares[NODES * SHARES_PER_NODE];
static struct depreciation_terms assets[ASSETS];

static int64_t now_ns(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Varied, and the same on every run. */
static int64_t varied(int64_t i, int64_t least, int64_t width)
{
    return least + i * 7919 % width;
}

static void fill(void)
{
    for (int64_t i = 0; i < LINES; i++) {
        items[i] = (struct rating_item){
            .group = (size_t)i,
            .pool = RATING_FLAT,
            .unit_price_u = varied(i, 490000, 9000000),
            .list_price_u = varied(i, 590000, 9000000),
            .gpu_milli_s = varied(i, 1, 2678400) * varied(i, 1, 64) * 1000,
        };
        int64_t from_s = varied(i, 0, 2000000);
        usage[i] = (struct rating_usage){{from_s, from_s + varied(i, 60, 600000)}, 8000};
    }
    for (int64_t i = 0; i < NODES; i++) {
        costs_u[i] = varied(i, 200000000, 99999999);
        for (int64_t j = 0; j < SHARES_PER_NODE - IDLE_CAUSE_COUNT; j++)
            shares[i * SHARES_PER_NODE + j].weight = varied(i + j, 1, DAY_GPU_MILLI_S / SHARES_PER_NODE);
    }
    for (int64_t i = 0; i < ASSETS; i++) {
        assets[i] = (struct depreciation_terms){
            .method = (enum depreciation_method)(i % DEPRECIATION_UNITS), /* by time */
            .convention = (enum depreciation_convention)(i / 7 % CONVENTION_COUNT),
            .step_months = i % 3 == 0 ? 1 : 12,
            .in_service = 20000 + i % 900,
            .life_months = 72,
            .cost_minor = varied(i, 20000000, 9999999),
            .salvage_minor = 3100000,
        };
    }
}

static size_t rate_lines(void)
{
    struct rating_input input = {.items = items, .item_count = LINES};
    size_t count = 0;
    must(rating_period(&input, scratch, charges, &count, NULL) == ERR_NONE);
    return count;
}

static size_t rate_under_commitment(void)
{
    struct rating_commitment half = {.gpu_milli_s = INT64_C(4000000000000000), .cost_u = INT64_C(2000000000000)};
    struct rating_input input = {.items = items, .item_count = LINES, .commitments = &half, .commitment_count = 1};
    size_t count = 0;
    must(rating_period(&input, scratch, charges, &count, NULL) == ERR_NONE);
    return count;
}

static size_t rate_lines_naively(void)
{
    for (size_t i = 0; i < LINES; i++) {
        money_wide product = (money_wide)items[i].unit_price_u * items[i].gpu_milli_s;
        /* volatile: as wide as it looks, and two divisions */
        volatile money_wide divisor = 3600000;
        money_wide quotient = product / divisor;
        money_wide twice = product % divisor * 2;
        if (twice > divisor || (twice == divisor && quotient % 2 != 0))
            quotient++;
        naive_u[i] = (int64_t)quotient;
    }
    must(naive_u[LINES / 2] >= 0); /* or none of it would be done */
    return LINES;
}

static size_t measure_usage(void)
{
    static const struct rating_price prices[3] = {
        {.valid = {0, 1000000}}, {.valid = {1000000, 1500000}}, {.valid = {1500000, RATING_OPEN_END_S}}};
    int64_t used[3] = {0};
    must(rating_measure((struct rating_span){0, 2678400}, usage, LINES, prices, 3, used, NULL) == ERR_NONE);
    return LINES;
}

static size_t attribute_nodes(void)
{
    for (size_t i = 0; i < NODES; i++)
        must(attribution_of_day(costs_u[i], DAY_GPU_MILLI_S, shares + i * SHARES_PER_NODE,
                                SHARES_PER_NODE - IDLE_CAUSE_COUNT, NULL) == ERR_NONE);
    return NODES;
}

/* The whole schedule of each asset, month by month, as the API draws it up: what is charged and what is left. All
 * methods and conventions are in it, a third of them with a rate that applies anew each month. */
static size_t draw_up_schedules(void)
{
    static struct asset_life life;
    int64_t charged = 0, left = 0;
    for (size_t i = 0; i < ASSETS; i++) {
        asset_life_begin(&life, &assets[i]);
        struct asset_walk walk = asset_walk_begin(&life, assets[i].in_service, 0);
        int64_t month = calendar_month_of_day(assets[i].in_service);
        for (int row = 0; row < 72; row++) {
            struct asset_balance balance;
            month = calendar_add_months(month, 1);
            charged += asset_walk_to(&walk, month, 0, &balance);
            left += asset_carrying(&balance);
        }
    }
    must(charged > 0 && left > 0);
    return ASSETS;
}

int main(void)
{
    static const struct {
        const char *name;
        size_t (*work)(void);
        const char *note;
    } benches[] = {
        {"rating: lines/s", rate_lines, "bar 2000000"},
        {"rating under a commitment: lines/s", rate_under_commitment, ""},
        {"rating, unchecked baseline: lines/s", rate_lines_naively, "baseline"},
        {"measuring usage, 3 price versions: intervals/s", measure_usage, ""},
        {"attribution, 11 shares a node: nodes/s", attribute_nodes, "bar 6250, with PostgreSQL"},
        {"72-month schedules: assets/s", draw_up_schedules, "bar 62500: 125000 in 2 s"},
    };
    fill();
    for (size_t i = 0; i < COUNT_OF(benches); i++) {
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            int64_t begin_ns = now_ns();
            size_t done = benches[i].work();
            double per_s = (double)done * 1e9 / (double)(now_ns() - begin_ns);
            best = per_s > best ? per_s : best;
        }
        printf("%-48s %12.0f  %s\n", benches[i].name, best, benches[i].note);
    }
    return 0;
}
