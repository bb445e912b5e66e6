/* What is asked for: a reservation, and other terms of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/arena.h"
#include "provisioner/reconcile/planner_terms.h"

struct zone_terms;

/* What is to become of a wish that does not fit when it is decided. X(value, text) */
#define WISH_IF_UNAVAILABLE(X)                                                                                         \
    X(UNAVAILABLE_REJECT, "reject")                                                                                    \
    X(UNAVAILABLE_WAITLIST, "waitlist")                                                                                \
    X(UNAVAILABLE_NEXT_WINDOW, "next_window")

enum wish_if_unavailable {
#define X(value, text) value,
    WISH_IF_UNAVAILABLE(X)
#undef X
        UNAVAILABLE_COUNT
};
/* UNAVAILABLE_COUNT for a text that is none. */
enum wish_if_unavailable wish_if_unavailable_of(const char *text);

/* What of a wish only who posts it again needs. */
struct wish_posted {
    const char *name, *instance_type, *image; /* NULL: none, as below */
    const char *if_unavailable;
    const char *labels;   /* JSON */
    const char *ssh_keys; /* JSON: their names; NULL: none */
    const char *user_data;
    int64_t quote_ttl_s; /* 0: this is no quote */
};

struct wish {
    struct identity id;
    struct identity tenant;
    struct planner_shape shape;
    int64_t count;      /* as granted last, else as wished */
    int64_t starts_s;   /* NEVER: at the decision */
    int64_t ends_s;     /* NEVER: until cancelled */
    int64_t duration_s; /* where the start is flexible, instead of the two; 0: it is not */
    int64_t start_from_s,
        start_to_s; /* then: the start lies in [from, to]; from NEVER: at the decision at the earliest */
    const char *const *gpu_models;
    uint32_t gpu_model_count;
    enum planner_scope scope;
    bool scope_required;
    enum planner_spread spread;
    enum wish_if_unavailable if_unavailable;
    int64_t decide_by_s;
    bool cancel_requested;
    int64_t revision;
    const char *project;
    int64_t hold_until_s; /* a quote: until then it may be confirmed; 0: it is none */
    bool is_confirmed;
    const struct wish_posted *posted; /* NULL where it is decided already */
    const char *tier;
    bool preemptible;         /* its instances give way to those of other tiers */
    int64_t horizon_s;        /* how long it is guaranteed from now on, if it is open-ended; 0: without an end */
    struct identity type;     /* all zero: a shape of the tenant's own */
    int64_t open_max_percent; /* of the type's GPUs, sold without an end; negative: no cap */
    int64_t open_sold_milli;
};

/* A hold that is not firm (yet). */
static inline bool wish_is_quote(const struct wish *wish)
{
    return wish->hold_until_s != 0 && !wish->is_confirmed;
}

/* Asked for without an end. */
static inline bool wish_is_open(const struct wish *wish)
{
    return wish->ends_s == NEVER && wish->duration_s == 0;
}

/* Of one of its instances. */
static inline int64_t instance_gpu_milli(const struct wish *wish)
{
    return wish->shape.gpus > 0 ? (int64_t)wish->shape.gpus * PLANNER_GPU_MILLI : (int64_t)wish->shape.gpu_milli;
}

/* The wish as it could be posted again, but for count, times and placement: a JSON object without its closing brace. */
const char *wish_body(struct arena *arena, const struct zone_terms *zone, const struct wish *wish);

/* ---- Amendments ---- */

/* A wish for other terms of a reservation, and what was decided of it. */
enum amendment_state {
    AMENDMENT_REQUESTED,
    AMENDMENT_GRANTED,
    AMENDMENT_REFUSED,
    AMENDMENT_CANCELLED, /* with its reservation */
    AMENDMENT_STATE_COUNT
};

struct amendment {
    struct identity id;
    bool changes_start, changes_end;
    int64_t starts_s;   /* if it changes: NEVER is at the decision */
    int64_t ends_s;     /* if it changes: NEVER is until cancelled */
    int64_t count;      /* 0: as it is */
    int64_t duration_s; /* of a length with a range, of which the two times are one window; 0: it is no such */
    int64_t start_from_s, start_to_s; /* then: the range, as struct wish has it */
    enum amendment_state state;
    int64_t granted_starts_s, granted_ends_s, granted_count;
    const char *reason;       /* NULL: none */
    const char *binding;      /* JSON or NULL */
    const char *alternatives; /* JSON or NULL */
    const char *uncovered;    /* what its tenant's credit limit lacks for it: JSON; NULL: nothing */
};
