/* Quotas: what a tenant, or a project of it, may hold of a zone's GPUs, and what it holds.
 *
 * A limit is about a tenant as a whole or one of its projects, and about one GPU model or any: the most GPUs at one
 * instant, and the most GPU-hours of a calendar month (UTC). Each limit has an account: the step function of what those
 * whom it is about hold over time. A reservation is one holding, all its instances, for its whole window, wherever they
 * stand and whether they run. It counts against up to four limits. Tenants without a limit cost nothing.
 *
 * A check is O(log n + changes in the window) for each of these limits; so is a holding, and a move of memory.
 *
 * Nothing is ever taken away: a limit that is lower than what is held refuses only what would hold more.
 *
 *     quotas_begin(quotas);  quotas_fit(...), quotas_hold(...) as often as wanted
 *     quotas_commit(quotas); or quotas_rollback(quotas): all is as at begin, exactly
 *
 * Pure: no database, no clock. One thread. Instants are seconds UTC, periods half-open, LEVEL_OPEN is no end. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/identity.h"
#include "provisioner/quota/level.h"

#define QUOTA_NONE (-1)

struct quotas;

struct quota_limit {
    struct identity tenant;
    const char *project;       /* NULL: the tenant as a whole */
    const char *gpu_model;     /* NULL: any */
    int64_t peak_gpu_milli;    /* at one instant; QUOTA_NONE: no such limit */
    int64_t month_gpu_milli_s; /* GPU-milli times seconds of a calendar month; QUOTA_NONE: no such limit */
};

/* What a reservation holds, or would. */
struct quota_holding {
    struct identity reservation;
    struct identity tenant;
    const char *project;
    const char *gpu_model;
    int64_t from, to;  /* empty: nothing */
    int64_t gpu_milli; /* of all its instances */
};

/* X(kind, text in answers) */
#define QUOTA_KINDS(X)                                                                                                 \
    X(QUOTA_PEAK, "peak_gpu_milli")                                                                                    \
    X(QUOTA_MONTH, "month_gpu_hours")

enum quota_kind {
#define X(kind, text) kind,
    QUOTA_KINDS(X)
#undef X
        QUOTA_KIND_COUNT
};

const char *quota_kind_text(enum quota_kind kind);

/* Which limit, and by how much: GPU-milli of a peak, GPU-milli times seconds of a month. */
struct quota_refusal {
    enum quota_kind kind;
    const char *project;   /* of the limit; NULL: the tenant as a whole. Belongs to the quotas, */
    const char *gpu_model; /* NULL: any. until the next limit */
    int64_t limit;
    int64_t held;  /* by others, at the worst instant of the first run that is too high, or in that month */
    int64_t asked; /* by this one, then */
    int64_t from;  /* where that run begins, or the month */
};

/* base: nothing before it is counted; the start of a month, so that this month's hours are whole. */
struct quotas *quotas_new(int64_t base);
void quotas_free(struct quotas *quotas); /* NULL is fine */
/* Adds a limit; there is one at most for tenant, project and model. Before the holdings that it is about. */
void quotas_limit(struct quotas *quotas, const struct quota_limit *limit);
/* Whether the tenant has any limit: what it holds must be told only then. */
bool quotas_concern(const struct quotas *quotas, struct identity tenant);
/* Forgets what lies before `base`, the start of a month. Outside a batch. */
void quotas_forget(struct quotas *quotas, int64_t base);

/* The reservation holds this now, whatever it held before. Over a limit or not: it is a fact. */
void quotas_hold(struct quotas *quotas, const struct quota_holding *holding);
/* Would each limit bear it, in place of what the reservation holds now? What lies before `now` is past. False: *ret
 * says which limit would not. Changes nothing. */
bool quotas_fit(struct quotas *quotas, const struct quota_holding *wished, int64_t now, struct quota_refusal *ret);
/* The first start in [wished->from, latest] from which the same length fits, by the limits alone; exact. Of a
 * reservation that holds nothing yet. False: there is none. */
bool quotas_earliest(struct quotas *quotas, const struct quota_holding *wished, int64_t latest, int64_t *ret_from);

void quotas_begin(struct quotas *quotas);
void quotas_commit(struct quotas *quotas);
void quotas_rollback(struct quotas *quotas);

/* What counts against one limit of a tenant. All zero: the walk begins. */
struct quota_state {
    uint32_t next;       /* the walk's own */
    const char *project; /* as quota_limit has them; they belong to the quotas */
    const char *gpu_model;
    int64_t held_gpu_milli;    /* at the instant asked for */
    int64_t peak_gpu_milli;    /* the most, from then on */
    int64_t month_gpu_milli_s; /* of the month that holds it, as far as it is held already */
};
/* The next limit of the tenant; false: there is none any more. */
bool quotas_next(const struct quotas *quotas, struct identity tenant, int64_t instant, struct quota_state *state);

/* For tests: a number over limits, holdings and accounts; equal ones have equal numbers, however they came about. */
uint64_t quotas_fingerprint(const struct quotas *quotas);
/* For tests: the level of one account at an instant; the limit exists. */
int64_t quotas_held(const struct quotas *quotas, const struct quota_limit *limit, int64_t instant);
