/* An asset's life: stretches between changes, and what each change comes to. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/asset_life.h"

#include "common/calendar.h"
#include "common/least.h"
#include "common/money.h"
#include "common/must.h"
#include "common/text_find.h"

#define X(constant, text, ...) text,
static const char *const change_texts[] = {ASSET_CHANGES(X)};
static const char *const standard_texts[] = {ASSET_STANDARDS(X)};
#undef X

bool asset_change_of(const char *text, enum asset_change_kind *ret)
{
    *ret = (enum asset_change_kind)text_find(change_texts, COUNT_OF(change_texts), text);
    return *ret != ASSET_CHANGE_COUNT;
}

bool asset_standard_of(const char *text, enum asset_standard *ret)
{
    *ret = (enum asset_standard)text_find(standard_texts, COUNT_OF(standard_texts), text);
    return *ret != STANDARD_COUNT;
}

int64_t asset_carrying(const struct asset_balance *balance)
{
    return balance->cost_minor - balance->accumulated_minor - balance->impairment_minor;
}

/* ---- Stretches ---- */

static const struct asset_stretch *stretch_of_day(const struct asset_chain *chain, int64_t day)
{
    size_t i = chain->count - 1;
    while (i > 0 && chain->stretches[i].segment.day_from > day)
        i--;
    return &chain->stretches[i];
}

static struct asset_balance balance_at(const struct asset_chain *chain, int64_t day, int64_t units)
{
    const struct asset_stretch *stretch = stretch_of_day(chain, day);
    struct asset_balance balance = stretch->opening;
    balance.accumulated_minor += depreciation_accumulated(&stretch->segment, day, units);
    return balance;
}

static int64_t salvage_of(const struct asset_chain *chain)
{
    return chain->stretches[chain->count - 1].segment.salvage_minor;
}

static void open_stretch(struct asset_chain *chain, const struct depreciation_terms *terms,
                         const struct asset_change *change, const struct asset_balance *opening, int64_t salvage_minor)
{
    const struct asset_stretch *last = &chain->stretches[chain->count - 1];
    must(chain->count < ASSET_SEGMENTS_MAX);
    chain->stretches[chain->count++] = (struct asset_stretch){
        .segment = depreciation_continue(&last->segment, terms, change->day, change->units, asset_carrying(opening),
                                         salvage_minor),
        .opening = *opening,
    };
}

void asset_life_begin(struct asset_life *life, const struct depreciation_terms *terms)
{
    life->terms = *terms;
    life->disposed_on = INT64_MAX;
    life->lost_under_asc = false;
    life->actual.stretches[0] = (struct asset_stretch){
        .segment = depreciation_begin(terms),
        .opening = {.cost_minor = terms->cost_minor},
    };
    life->actual.count = 1;
    life->unimpaired.stretches[0] = life->actual.stretches[0];
    life->unimpaired.count = 1;
}

struct asset_balance asset_life_balance(const struct asset_life *life, int64_t day, int64_t units)
{
    if (day >= life->disposed_on)
        return (struct asset_balance){0};
    return balance_at(&life->actual, day, units);
}

int64_t asset_life_charge(const struct asset_life *life, int64_t day_from, int64_t day_to, int64_t units_from,
                          int64_t units_to)
{
    struct asset_balance balance;
    struct asset_walk walk = asset_walk_begin(life, day_from, units_from);
    return asset_walk_to(&walk, day_to, units_to, &balance);
}

int64_t asset_life_end(const struct asset_life *life)
{
    int64_t end = life->actual.stretches[life->actual.count - 1].segment.day_to;
    return least_of(end, life->disposed_on);
}

/* ---- A walk along the stretches ---- */

static void enter(struct asset_walk *walk, const struct asset_stretch *stretch)
{
    walk->stretch = stretch;
    walk->within = (struct depreciation_walk){.segment = &stretch->segment};
    walk->accumulated_minor = 0;
}

/* What is charged up to a day of the stretch. */
static int64_t go_to(struct asset_walk *walk, int64_t day, int64_t units)
{
    int64_t before = walk->accumulated_minor;
    walk->accumulated_minor = depreciation_walk_to(&walk->within, day, units);
    return walk->accumulated_minor - before;
}

struct asset_walk asset_walk_begin(const struct asset_life *life, int64_t day, int64_t units)
{
    struct asset_walk walk = {.life = life, .day = day};
    enter(&walk, stretch_of_day(&life->actual, day));
    go_to(&walk, day, units);
    return walk;
}

int64_t asset_walk_to(struct asset_walk *walk, int64_t day, int64_t units, struct asset_balance *ret)
{
    const struct asset_life *life = walk->life;
    const struct asset_stretch *last = &life->actual.stretches[life->actual.count - 1];
    int64_t end = least_of(day, life->disposed_on);
    int64_t charge = 0;
    if (end > walk->day) {
        while (walk->stretch < last && walk->stretch[1].segment.day_from <= end) {
            charge += go_to(walk, walk->stretch[1].segment.day_from, units);
            enter(walk, walk->stretch + 1);
        }
        charge += go_to(walk, end, units);
    }
    walk->day = day;
    *ret = (struct asset_balance){0};
    if (day < life->disposed_on) {
        *ret = walk->stretch->opening;
        ret->accumulated_minor += walk->accumulated_minor;
    }
    return charge;
}

/* ---- What each change comes to ---- */

/* A change being worked out: the effect is filled, the chains are not touched. */
struct work {
    const struct asset_life *life;
    const struct asset_change *change;
    struct asset_effect *effect;
};

/* IAS 36.18: the higher of fair value less costs to sell and value in use. */
static int64_t recoverable_of(const struct asset_change *change)
{
    return greatest_of(change->fair_value_minor - change->selling_cost_minor, change->value_in_use_minor);
}

static enum err_kind re_estimate(const struct work *work, struct err *reterr)
{
    if (work->change->life_months == ASSET_NOT_SAID && work->change->salvage_minor == ASSET_NOT_SAID)
        return err_set(reterr, ERR_INVALID, "a new estimate needs another life, another salvage value, or both");
    return ERR_NONE;
}

static enum err_kind impair(const struct work *work, struct err *reterr)
{
    const struct asset_change *change = work->change;
    int64_t carrying = asset_carrying(&work->effect->before);
    bool is_asc = change->standard == STANDARD_ASC_360;
    if (is_asc && change->undiscounted_minor == ASSET_NOT_SAID)
        return err_set(reterr, ERR_INVALID, "ASC 360 needs the undiscounted cash flows (ASC 360-10-35-17)");
    if (is_asc && carrying <= change->undiscounted_minor)
        return err_set(reterr, ERR_INVALID,
                       "the undiscounted cash flows cover the carrying amount: nothing is impaired (ASC 360-10-35-17)");
    int64_t worth = is_asc ? change->fair_value_minor : recoverable_of(change);
    if (worth >= carrying)
        return err_set(reterr, ERR_INVALID, "it is worth its carrying amount: nothing is impaired");
    work->effect->amount_minor = greatest_of(worth, 0) - carrying;
    work->effect->after.impairment_minor -= work->effect->amount_minor;
    return ERR_NONE;
}

static enum err_kind reverse(const struct work *work, struct err *reterr)
{
    const struct asset_change *change = work->change;
    struct asset_effect *effect = work->effect;
    if (change->standard == STANDARD_ASC_360 || work->life->lost_under_asc)
        return err_set(reterr, ERR_INVALID, "ASC 360-10-35-20 forbids to reverse a loss");
    struct asset_balance unimpaired = balance_at(&work->life->unimpaired, change->day, change->units);
    int64_t most = least_of(recoverable_of(change), asset_carrying(&unimpaired));
    int64_t amount = least_of(most - asset_carrying(&effect->before), effect->before.impairment_minor);
    if (amount <= 0)
        return err_set(reterr, ERR_INVALID, "there is no loss that it has made good again");
    effect->amount_minor = amount;
    effect->after.impairment_minor -= amount;
    return ERR_NONE;
}

static int64_t part_of(const struct asset_change *change, int64_t amount)
{
    return money_over_time(amount, 0, change->part_count, change->part_total, MONEY_HALF_AWAY);
}

/* The parts' cost is what they are carried at and what was charged for them, so that nothing rounds below zero. */
static struct asset_balance without_parts(const struct asset_change *change, const struct asset_balance *before)
{
    int64_t accumulated = part_of(change, before->accumulated_minor);
    int64_t impairment = part_of(change, before->impairment_minor);
    return (struct asset_balance){
        .cost_minor = before->cost_minor - part_of(change, asset_carrying(before)) - accumulated - impairment,
        .accumulated_minor = before->accumulated_minor - accumulated,
        .impairment_minor = before->impairment_minor - impairment,
    };
}

static void derecognise(const struct work *work, struct asset_balance after)
{
    struct asset_effect *effect = work->effect;
    int64_t gone = asset_carrying(&effect->before) - asset_carrying(&after);
    effect->after = after;
    effect->amount_minor = work->change->proceeds_minor - work->change->selling_cost_minor - gone;
}

static enum err_kind replace_part(const struct work *work, struct err *reterr)
{
    const struct asset_change *change = work->change;
    if (change->part_count < 1 || change->part_count >= change->part_total)
        return err_set(reterr, ERR_INVALID, "some of its parts must stay: where all go, dispose of it");
    derecognise(work, without_parts(change, &work->effect->before));
    return ERR_NONE;
}

static enum err_kind dispose(const struct work *work, struct err *reterr)
{
    (void)reterr; /* nothing speaks against it */
    derecognise(work, (struct asset_balance){0});
    return ERR_NONE;
}

static const struct {
    enum err_kind (*work_out)(const struct work *work, struct err *reterr);
    bool ends;        /* no stretch follows */
    bool is_of_worth; /* the unimpaired life does not know it */
    bool any_day;     /* also within a month, under conventions that count in months */
} changes[] = {
    // clang-format off
    [ASSET_RE_ESTIMATE]  = {re_estimate,  .ends = false},
    [ASSET_IMPAIR]       = {impair,       .is_of_worth = true},
    [ASSET_REVERSE]      = {reverse,      .is_of_worth = true},
    [ASSET_REPLACE_PART] = {replace_part, .ends = false},
    [ASSET_DISPOSE]      = {dispose,      .ends = true, .any_day = true},
    // clang-format on
};

/* What may not be, whatever the change. */
static enum err_kind check(const struct asset_life *life, const struct asset_change *change, struct err *reterr)
{
    const struct asset_chain *chain = &life->actual;
    const struct depreciation_segment *last = &chain->stretches[chain->count - 1].segment;
    bool is_free = life->terms.convention == CONVENTION_DAILY || changes[change->kind].any_day;
    if (life->disposed_on != INT64_MAX)
        return err_set(reterr, ERR_INVALID, "the asset was disposed of");
    bool is_in_order = chain->count == 1 || change->day >= last->day_from;
    bool is_before_service = change->day <= life->terms.in_service && !changes[change->kind].any_day;
    if (!is_in_order || is_before_service)
        return err_set(reterr, ERR_INVALID,
                       "a change must lie after the day of service, and not before another change");
    if (chain->count == ASSET_SEGMENTS_MAX)
        return err_set(reterr, ERR_INVALID, "an asset takes no more than %d changes", ASSET_CHANGES_MAX);
    if (!is_free && calendar_month_of_day(change->day) != change->day)
        return err_set(reterr, ERR_INVALID,
                       "its convention counts in months: a change must be on the first day of one");
    if (change->life_months != ASSET_NOT_SAID && life->terms.method == DEPRECIATION_UNITS)
        return err_set(reterr, ERR_INVALID,
                       "its life is counted in units of production, not in months: leave the life out");
    return ERR_NONE;
}

static enum err_kind check_rest(const struct depreciation_terms *terms, const struct asset_change *change,
                                int64_t salvage_minor, int64_t carrying_minor, struct err *reterr)
{
    if (depreciation_begin(terms).day_to <= change->day)
        return err_set(reterr, ERR_INVALID, "its life is over by then");
    if (salvage_minor > carrying_minor)
        return err_set(reterr, ERR_INVALID, "the salvage value exceeds the carrying amount");
    return ERR_NONE;
}

/* The salvage value from now on: of parts what they leave, and never more than what it is worth. */
static int64_t salvage_after(const struct asset_change *change, int64_t before, int64_t carrying)
{
    if (change->salvage_minor != ASSET_NOT_SAID)
        return change->salvage_minor;
    int64_t salvage = change->kind == ASSET_REPLACE_PART ? before - part_of(change, before) : before;
    return least_of(salvage, carrying);
}

static void continue_unimpaired(struct asset_life *life, const struct depreciation_terms *terms,
                                const struct asset_change *change)
{
    struct asset_balance balance = balance_at(&life->unimpaired, change->day, change->units);
    struct asset_balance after = change->kind == ASSET_REPLACE_PART ? without_parts(change, &balance) : balance;
    int64_t carrying = asset_carrying(&after);
    int64_t salvage = least_of(salvage_after(change, salvage_of(&life->unimpaired), carrying), carrying);
    open_stretch(&life->unimpaired, terms, change, &after, salvage);
}

enum err_kind asset_life_apply(struct asset_life *life, const struct asset_change *change, struct asset_effect *ret,
                               struct err *reterr)
{
    enum err_kind kind = check(life, change, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct asset_effect effect = {.before = balance_at(&life->actual, change->day, change->units)};
    effect.after = effect.before;
    const struct work work = {life, change, &effect};
    kind = changes[change->kind].work_out(&work, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (changes[change->kind].ends) {
        life->disposed_on = change->day;
        *ret = effect;
        return ERR_NONE;
    }
    struct depreciation_terms terms = life->terms;
    if (change->life_months != ASSET_NOT_SAID)
        terms.life_months = change->life_months;
    int64_t carrying = asset_carrying(&effect.after);
    int64_t salvage = salvage_after(change, salvage_of(&life->actual), carrying);
    kind = check_rest(&terms, change, salvage, carrying, reterr);
    if (kind != ERR_NONE)
        return kind;
    life->terms = terms;
    life->lost_under_asc |= change->kind == ASSET_IMPAIR && change->standard == STANDARD_ASC_360;
    open_stretch(&life->actual, &terms, change, &effect.after, salvage);
    if (!changes[change->kind].is_of_worth || change->life_months != ASSET_NOT_SAID)
        continue_unimpaired(life, &terms, change);
    *ret = effect;
    return ERR_NONE;
}
