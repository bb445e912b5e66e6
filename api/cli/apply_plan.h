/* What would come of declarations, compared with what there is: the API itself says it (?validate_only=true), so no field's
 * default and no rule of a field is known here. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/declaration.h"
#include "api/cli/session.h"

enum step_kind {
    STEP_NONE,   /* it is as declared */
    STEP_CREATE, /* it is not there */
    STEP_CHANGE, /* it is otherwise */
    STEP_REFUSED /* it cannot be as declared */
};

struct step {
    const struct declaration *declaration;
    enum step_kind kind;
    const char *path;     /* where to post, or what to put */
    char etag[ETAG_SIZE]; /* of what was compared; of what there is not: "" */
    json_t *differences;  /* [{"field": "placement.within", "before": ..., "after": ...}], without what is not there */
    json_t *preview;      /* what the API said of it: the object as it would be, or the problem; or NULL */
    const char *over;     /* the state of what there is, where it has ended by itself; or NULL */
    const char
        *waits_for;  /* what it names is made before it, "project/research": only then can it be checked; or NULL */
    bool says_again; /* something of it is never shown, as a secret: it is sent again */
    json_t *made;    /* what the API said of the change itself; NULL: it is not made yet */
    bool is_same;    /* the change has changed nothing */
};

struct plan {
    struct step *steps; /* the arena's, in the order of declarations */
    size_t count;
};

void plan_clear(struct plan *plan);

/* Tells each refusal as it comes, and goes on to the next declaration. An error where any was refused, of the first one's
 * kind, and the plan is the caller's even so; or where the API cannot be asked: then there is none. */
MUST_CHECK enum err_kind plan_make(struct session *session, const struct declarations *declarations, struct plan *ret,
                                   struct err *reterr);
