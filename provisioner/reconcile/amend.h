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
    int64_t starts_s, ends_s;
    int64_t count;
    const char *reason;  /* a problem code */
    const char *binding; /* JSON or NULL */
};

/* Asks the planner, within its batch. True: the planner has taken the new terms; the reservation has not yet. */
bool amend_try(struct reservation *reservation, const struct amendment *amendment, struct amend_outcome *ret);
/* Where the reservation has its place, decides what is open, up to the first that is granted: the reservation and its
 * instances have its terms then, and `amended` is set until the machine has recorded it. Where it ends or has ended, nothing
 * of it can be amended any more: what is open is cancelled. */
void amend_look(struct reservation *reservation);

/* Reads the open amendments of those whose wish has changed since it was last decided upon; none: no round trip. */
MUST_CHECK enum err_kind amend_observe(struct world *world, struct db *db, struct err *reterr);
extern const struct db_stmt *const amend_statements[];
