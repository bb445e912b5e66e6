/* Amendments: deciding them upon planner and world (pure), reading the open ones, writing what was decided. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "provisioner/reconcile/world.h"

const char *amendment_state_text(enum amendment_state state);

/* What a reservation would be by an amendment: as it is, but for what changes. */
struct amend_terms {
    int64_t starts_s, ends_s;
    int64_t count;
};
struct amend_terms amend_terms_of(const struct reservation *reservation, const struct amendment *amendment);

/* What a reservation would be by an amendment, or why not. */
struct amend_outcome {
    struct amend_terms terms;
    const char *reason;       /* a problem code */
    const char *binding;      /* JSON or NULL */
    const char *alternatives; /* JSON: bodies of amendments that would be granted; NULL: none were sought */
};

/* Asks the planner, within its batch. True: the planner has taken the new terms; the reservation has not yet. */
bool amend_try(struct reservation *reservation, const struct amendment *amendment, struct amend_outcome *ret);
/* Where the reservation has its place, decides what is open, up to the first that is granted: the reservation and its
 * instances have its terms then, and `amended` is set until the machine has recorded it. Where it ends or has ended, nothing
 * of it can be amended any more: what is open is cancelled. */
void amend_look(struct reservation *reservation);

/* What would be granted in place of terms that are refused (amend_instead.c). */
struct amend_search {
    struct world *world;
    struct amend_terms held, asked;
    bool starts_at_once;   /* the asked start is whenever it is decided */
    bool may_start_later;  /* nothing of it has begun */
    int64_t closed_most_s; /* how long a window is looked for in place of one without an end */
    const void *subject;   /* of the two below, which change nothing */
    bool (*would_grant)(const void *subject, const struct amend_terms *terms);
    /* The first start from terms->starts_s to latest_s from which as long a window has room. */
    bool (*first_start)(const void *subject, const struct amend_terms *terms, int64_t latest_s, int64_t *ret_starts_s);
};
/* Bodies of amendments, or of a PATCH: each has one of the asked terms changed, and would be granted as things stand.
 * A JSON array, the world's arena's. */
const char *amend_instead(const struct amend_search *search);

/* Reads the open amendments of those whose wish has changed since it was last decided upon; none: no round trip. */
MUST_CHECK enum err_kind amend_observe(struct world *world, struct db *db, struct err *reterr);
extern const struct db_stmt *const amend_statements[];
