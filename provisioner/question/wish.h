/* A wish that was never made, as questions have it, and the reservation that it would be: what verdict_decide() takes.
 * Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/terms.h"

struct question_posted {
    const char *name, *instance_type, *image, *tier, *user_data;
    const char *labels;   /* the text of a JSON object; NULL: what would fit instead is not asked for */
    const char *ssh_keys; /* the text of a JSON array */
    int64_t ttl_s;        /* of a quote */
};

struct question_wish {
    struct question_terms terms;
    const char *project;
    const char *if_unavailable;
    int64_t from_s, to_s; /* NEVER: now; until further notice */
    int64_t duration_s;   /* where the start is flexible, instead of to_s: between from_s and start_to_s */
    int64_t start_to_s;
    int64_t hold_until_s; /* of a quote; else 0 */
    int64_t horizon_s;    /* as struct wish has these */
    struct identity type;
    int64_t open_max_percent;
    struct question_posted posted;
};

extern const struct question_field question_wish_fields[];

/* NULL and *ret, pending in that world, or what is wrong with the wish (a static text). *posted is *ret's and must live
 * as long. */
const char *question_wish_read(const struct question_wish *wish, const struct question_view *view, struct world *world,
                               struct wish_posted *posted, struct reservation *ret);

/* A wish that was refused, tried with something changed. */
struct question_trial {
    struct world world;
    struct zone_terms zone;
    struct wish_posted posted;
    struct reservation reservation; /* decided */
    const char *body;               /* what is to be posted, the arena's; NULL: that would not be granted */
};

/* As it would be decided when it is posted a little later, by whoever is told of it. The planner has what was granted: the
 * caller undoes that. Returns what is wrong with the wish (a static text), or NULL. Parts of *ret point to others. */
const char *question_wish_try(const struct question_wish *wish, const struct question_view *view,
                              struct question_trial *ret);
