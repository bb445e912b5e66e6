/* Limits with their accounts, holdings by reservation, and a log to take a batch back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/quota/quota.h"

#include "common/alloc.h"
#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/least.h"
#include "common/must.h"
#include "provisioner/idmap.h"

#include <string.h>

#define ACCOUNTS_MAX 4 /* that one holding counts in: tenant or project, one model or any */

struct account {
    struct quota_limit limit; /* its texts are the account's own */
    struct level level;
    uint32_t next; /* of the same tenant; IDMAP_NONE: the last */
};

/* What a reservation holds. */
struct holding {
    struct identity reservation;
    int64_t from, to;
    int64_t gpu_milli; /* 0: nothing */
    uint32_t accounts[ACCOUNTS_MAX];
    uint32_t account_count;
};

struct quotas {
    int64_t base;
    struct account *accounts;
    uint32_t account_count, account_room;
    struct idmap tenants; /* to the first of its accounts */
    struct holding *holdings;
    uint32_t holding_count, holding_room;
    struct idmap reservations; /* to its holding */
    bool in_batch;
    struct holding *undo; /* holdings as they were, in the order in which they changed */
    uint32_t undo_count, undo_room;
};

const char *quota_kind_text(enum quota_kind kind)
{
    static const char *const texts[] = {
#define X(kind, text) [kind] = (text),
        QUOTA_KINDS(X)
#undef X
    };
    return texts[kind];
}

/* ---- Lifetime ---- */

struct quotas *quotas_new(int64_t base)
{
    struct quotas *quotas = alloc_zero(1, sizeof *quotas);
    quotas->base = base;
    return quotas;
}

void quotas_free(struct quotas *quotas)
{
    if (quotas == NULL)
        return;
    for (uint32_t i = 0; i < quotas->account_count; i++) {
        level_clear(&quotas->accounts[i].level);
        free((char *)(uintptr_t)quotas->accounts[i].limit.project); /* our own copies */
        free((char *)(uintptr_t)quotas->accounts[i].limit.gpu_model);
    }
    idmap_clear(&quotas->tenants);
    idmap_clear(&quotas->reservations);
    free(quotas->accounts);
    free(quotas->holdings);
    free(quotas->undo);
    free(quotas);
}

void quotas_limit(struct quotas *quotas, const struct quota_limit *limit)
{
    if (quotas->account_count == quotas->account_room) {
        quotas->account_room = quotas->account_room == 0 ? 16 : 2 * quotas->account_room;
        quotas->accounts = alloc_resize(quotas->accounts, quotas->account_room, sizeof *quotas->accounts);
    }
    uint32_t index = quotas->account_count++;
    struct account *account = &quotas->accounts[index];
    *account = (struct account){
        .limit = *limit, .level.base = quotas->base, .next = idmap_find(&quotas->tenants, limit->tenant)};
    account->limit.project = limit->project == NULL ? NULL : alloc_text(limit->project);
    account->limit.gpu_model = limit->gpu_model == NULL ? NULL : alloc_text(limit->gpu_model);
    idmap_put(&quotas->tenants, limit->tenant, index);
}

bool quotas_concern(const struct quotas *quotas, struct identity tenant)
{
    return idmap_find(&quotas->tenants, tenant) != IDMAP_NONE;
}

/* ---- Holdings ---- */

static bool is_about(const char *limited, const char *subject)
{
    return limited == NULL || strcmp(limited, subject) == 0;
}

/* The accounts that it counts in. */
static struct holding account_for(const struct quotas *quotas, const struct quota_holding *wished)
{
    struct holding ret = {
        .reservation = wished->reservation, .from = wished->from, .to = wished->to, .gpu_milli = wished->gpu_milli};
    if (wished->from >= wished->to)
        ret.gpu_milli = 0;
    for (uint32_t i = idmap_find(&quotas->tenants, wished->tenant); i != IDMAP_NONE; i = quotas->accounts[i].next) {
        const struct quota_limit *limit = &quotas->accounts[i].limit;
        if (!is_about(limit->project, wished->project) || !is_about(limit->gpu_model, wished->gpu_model))
            continue;
        must(ret.account_count < ACCOUNTS_MAX);
        ret.accounts[ret.account_count++] = i;
    }
    return ret;
}

static void book(struct quotas *quotas, const struct holding *holding, int sign)
{
    for (uint32_t i = 0; i < holding->account_count; i++)
        level_add(&quotas->accounts[holding->accounts[i]].level, holding->from, holding->to, sign * holding->gpu_milli);
}

static const struct holding *find(const struct quotas *quotas, struct identity reservation)
{
    uint32_t index = idmap_find(&quotas->reservations, reservation);
    return index == IDMAP_NONE ? NULL : &quotas->holdings[index];
}

static struct holding *slot_of(struct quotas *quotas, struct identity reservation)
{
    uint32_t index = idmap_find(&quotas->reservations, reservation);
    if (index != IDMAP_NONE)
        return &quotas->holdings[index];
    if (quotas->holding_count == quotas->holding_room) {
        quotas->holding_room = quotas->holding_room == 0 ? 64 : 2 * quotas->holding_room;
        quotas->holdings = alloc_resize(quotas->holdings, quotas->holding_room, sizeof *quotas->holdings);
    }
    index = quotas->holding_count++;
    idmap_put(&quotas->reservations, reservation, index);
    quotas->holdings[index] = (struct holding){.reservation = reservation};
    return &quotas->holdings[index];
}

static bool holds_same(const struct holding *a, const struct holding *b)
{
    return a->from == b->from && a->to == b->to && a->gpu_milli == b->gpu_milli &&
           a->account_count == b->account_count &&
           memcmp(a->accounts, b->accounts, a->account_count * sizeof a->accounts[0]) == 0;
}

static void replace(struct quotas *quotas, const struct holding *now)
{
    struct holding *slot = slot_of(quotas, now->reservation);
    book(quotas, slot, -1);
    *slot = *now;
    book(quotas, slot, 1);
}

void quotas_hold(struct quotas *quotas, const struct quota_holding *holding)
{
    struct holding now = account_for(quotas, holding);
    const struct holding *was = find(quotas, holding->reservation);
    bool is_nothing = was == NULL && (now.gpu_milli == 0 || now.account_count == 0);
    if (is_nothing || (was != NULL && holds_same(was, &now)))
        return;
    if (quotas->in_batch) {
        if (quotas->undo_count == quotas->undo_room) {
            quotas->undo_room = quotas->undo_room == 0 ? 64 : 2 * quotas->undo_room;
            quotas->undo = alloc_resize(quotas->undo, quotas->undo_room, sizeof *quotas->undo);
        }
        quotas->undo[quotas->undo_count++] = was != NULL ? *was : (struct holding){.reservation = holding->reservation};
    }
    replace(quotas, &now);
}

void quotas_forget(struct quotas *quotas, int64_t base)
{
    must(!quotas->in_batch);
    if (base <= quotas->base)
        return;
    quotas->base = base;
    for (uint32_t i = 0; i < quotas->account_count; i++)
        level_forget(&quotas->accounts[i].level, base);
    uint32_t kept = 0;
    idmap_reset(&quotas->reservations);
    for (uint32_t i = 0; i < quotas->holding_count; i++) {
        const struct holding *holding = &quotas->holdings[i];
        if (holding->gpu_milli == 0 || holding->to <= base)
            continue;
        quotas->holdings[kept] = *holding;
        idmap_put(&quotas->reservations, holding->reservation, kept++);
    }
    quotas->holding_count = kept;
}

/* ---- Batches ---- */

void quotas_begin(struct quotas *quotas)
{
    must(!quotas->in_batch);
    quotas->in_batch = true;
    quotas->undo_count = 0;
}

void quotas_commit(struct quotas *quotas)
{
    must(quotas->in_batch);
    quotas->in_batch = false;
}

void quotas_rollback(struct quotas *quotas)
{
    must(quotas->in_batch);
    quotas->in_batch = false;
    while (quotas->undo_count > 0)
        replace(quotas, &quotas->undo[--quotas->undo_count]);
}

/* ---- Questions ---- */

/* Seconds of a holding within a period. */
static int64_t overlap_s(const struct holding *holding, int64_t from, int64_t to)
{
    int64_t seconds = least_of(holding->to, to) - greatest_of(holding->from, from);
    return holding->from < to && holding->to > from && seconds > 0 ? seconds : 0;
}

struct month {
    int64_t from, to;
};

static struct month month_of(int64_t instant)
{
    int64_t first_day = calendar_month_of_day(calendar_day_of_time(instant));
    return (struct month){.from = calendar_time_of_day(first_day),
                          .to = calendar_time_of_day(calendar_add_months(first_day, 1))};
}

#define MONTHS_END_S (CALENDAR_TIME_MAX_S - 100 * CALENDAR_DAY_S) /* the calendar's last months are nobody's */

/* Behind the last change a level stays, so months are alike but for their length, and of two neighbours one has the
 * most days: so far it is looked. */
static int64_t months_until(const struct level *level, const struct holding *was, const struct holding *wished)
{
    int64_t last = level->count == 0 ? wished->from : greatest_of(wished->from, level->changes[level->count - 1].at);
    last = greatest_of(last, was->to == LEVEL_OPEN ? was->from : was->to);
    if (last >= MONTHS_END_S)
        return MONTHS_END_S;
    int64_t until = calendar_time_of_day(calendar_add_months(calendar_day_of_time(last), 3));
    return least_of(least_of(until, wished->to), MONTHS_END_S);
}

/* A peak that is too high somewhere in [from, to), where it asks for more than it held. */
static bool breaks_peak(const struct account *account, const struct holding *wished, int64_t from, int64_t to,
                        struct quota_refusal *ret)
{
    int64_t limit = account->limit.peak_gpu_milli;
    if (from >= to || wished->gpu_milli == 0)
        return false;
    struct level_run run = {.from = from};
    int64_t room = limit - wished->gpu_milli;
    if (room >= 0 && !level_above(&account->level, from, to, room, &run))
        return false;
    *ret = (struct quota_refusal){.kind = QUOTA_PEAK,
                                  .limit = limit,
                                  .held = run.highest,
                                  .asked = wished->gpu_milli,
                                  .from = greatest_of(run.from, from)};
    return true;
}

static bool breaks_a_peak(const struct account *account, const struct holding *was, const struct holding *wished,
                          int64_t now, struct quota_refusal *ret)
{
    if (account->limit.peak_gpu_milli == QUOTA_NONE)
        return false;
    int64_t from = greatest_of(wished->from, now);
    int64_t before_to = least_of(wished->to, was->from);
    int64_t behind_from = greatest_of(from, was->to);
    bool asks_more = wished->gpu_milli > was->gpu_milli;
    return breaks_peak(account, wished, from, before_to, ret) ||
           (asks_more &&
            breaks_peak(account, wished, greatest_of(from, was->from), least_of(wished->to, was->to), ret)) ||
           breaks_peak(account, wished, behind_from, wished->to, ret);
}

static bool breaks_a_month(const struct account *account, const struct holding *was, const struct holding *wished,
                           int64_t now, struct quota_refusal *ret)
{
    int64_t limit = account->limit.month_gpu_milli_s;
    if (limit == QUOTA_NONE)
        return false;
    int64_t until = months_until(&account->level, was, wished);
    int64_t next = month_of(greatest_of(wished->from, now)).from;
    while (next < until) {
        struct month month = month_of(next);
        next = month.to;
        int64_t asked = overlap_s(wished, month.from, month.to) * wished->gpu_milli;
        int64_t had = overlap_s(was, month.from, month.to) * was->gpu_milli;
        int64_t held = level_area(&account->level, month.from, month.to);
        if (asked <= had || held + asked <= limit)
            continue;
        *ret = (struct quota_refusal){
            .kind = QUOTA_MONTH, .limit = limit, .held = held, .asked = asked, .from = month.from};
        return true;
    }
    return false;
}

bool quotas_fit(struct quotas *quotas, const struct quota_holding *wished, int64_t now, struct quota_refusal *ret)
{
    struct holding asked = account_for(quotas, wished);
    const struct holding *found = find(quotas, wished->reservation);
    struct holding held = found != NULL ? *found : (struct holding){0};
    if (held.gpu_milli == 0) /* an empty window at its own start */
        held = (struct holding){.from = asked.from, .to = asked.from};
    if (asked.gpu_milli == 0)
        return true;
    bool fits = true;
    book(quotas, &held, -1);
    for (uint32_t i = 0; i < asked.account_count && fits; i++) {
        const struct account *account = &quotas->accounts[asked.accounts[i]];
        struct holding was = {.from = asked.from, .to = asked.from}; /* in another account it had nothing here */
        for (uint32_t j = 0; j < held.account_count; j++)
            was = held.accounts[j] == asked.accounts[i] ? held : was;
        fits = !breaks_a_peak(account, &was, &asked, now, ret) && !breaks_a_month(account, &was, &asked, now, ret);
        ret->project = account->limit.project;
        ret->gpu_model = account->limit.gpu_model;
    }
    book(quotas, &held, 1);
    return fits;
}

/* ---- The earliest start ---- */

static int64_t end_at(const struct holding *wished, int64_t from)
{
    return wished->to == LEVEL_OPEN ? LEVEL_OPEN : wished->to + (from - wished->from);
}

/* Where the peak lets it start, at the earliest: behind each run that is too high. LEVEL_OPEN: nowhere. */
static int64_t past_peaks(const struct account *account, const struct holding *wished, int64_t from)
{
    int64_t limit = account->limit.peak_gpu_milli;
    if (limit == QUOTA_NONE)
        return from;
    if (limit < wished->gpu_milli)
        return LEVEL_OPEN;
    struct level_run run;
    while (from != LEVEL_OPEN &&
           level_above(&account->level, from, end_at(wished, from), limit - wished->gpu_milli, &run))
        from = run.to;
    return from;
}

/* The next start at which the first month that is too full is not: so late that only its end counts there. */
static int64_t past_month(const struct account *account, const struct holding *wished, int64_t from)
{
    int64_t limit = account->limit.month_gpu_milli_s;
    struct holding moved = *wished;
    moved.from = from;
    moved.to = end_at(wished, from);
    struct holding nothing = {.from = from, .to = from};
    struct quota_refusal refusal;
    if (!breaks_a_month(account, &nothing, &moved, from, &refusal))
        return from;
    int64_t left = limit - refusal.held;
    int64_t seconds_left = left > 0 ? left / wished->gpu_milli : 0;
    return month_of(refusal.from).to - seconds_left;
}

bool quotas_earliest(struct quotas *quotas, const struct quota_holding *wished, int64_t latest, int64_t *ret_from)
{
    struct holding asked = account_for(quotas, wished);
    int64_t from = asked.from;
    for (uint32_t i = 0; i < asked.account_count && from <= latest;) {
        const struct account *account = &quotas->accounts[asked.accounts[i]];
        int64_t later = past_peaks(account, &asked, from);
        if (later <= latest)
            later = past_month(account, &asked, later);
        i = later == from ? i + 1 : 0; /* it has moved: the others again */
        from = later;
    }
    if (from <= latest)
        *ret_from = from;
    return from <= latest;
}

/* ---- Reading ---- */

bool quotas_next(const struct quotas *quotas, struct identity tenant, int64_t instant, struct quota_state *state)
{
    uint32_t index = state->next == 0 ? idmap_find(&quotas->tenants, tenant) : quotas->accounts[state->next - 1].next;
    if (index == IDMAP_NONE)
        return false;
    const struct account *account = &quotas->accounts[index];
    struct month month = month_of(instant);
    *state = (struct quota_state){
        .next = index + 1,
        .project = account->limit.project,
        .gpu_model = account->limit.gpu_model,
        .held_gpu_milli = level_area(&account->level, instant, instant + 1),
        .peak_gpu_milli = level_highest(&account->level, instant),
        .month_gpu_milli_s = level_area(&account->level, month.from, month.to),
    };
    return true;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        hash = mix(hash, (unsigned char)*text);
    return mix(hash, text == NULL);
}

uint64_t quotas_fingerprint(const struct quotas *quotas)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < quotas->account_count; i++) {
        const struct account *account = &quotas->accounts[i];
        uint64_t tenant[2];
        memcpy(tenant, account->limit.tenant.bytes, sizeof tenant);
        uint64_t hash =
            mix(mix(mix_text(mix_text(1, account->limit.project), account->limit.gpu_model), tenant[0]), tenant[1]);
        for (size_t j = 0; j < account->level.count; j++)
            hash = mix(mix(hash, (uint64_t)account->level.changes[j].at), (uint64_t)account->level.changes[j].level);
        sum += hash; /* the order of limits does not matter */
    }
    return sum;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

int64_t quotas_held(const struct quotas *quotas, const struct quota_limit *limit, int64_t instant)
{
    uint32_t i = idmap_find(&quotas->tenants, limit->tenant);
    while (i != IDMAP_NONE && !(same_text(quotas->accounts[i].limit.project, limit->project) &&
                                same_text(quotas->accounts[i].limit.gpu_model, limit->gpu_model)))
        i = quotas->accounts[i].next;
    must(i != IDMAP_NONE);
    return level_area(&quotas->accounts[i].level, instant, instant + 1);
}
