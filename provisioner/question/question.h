/* Questions to a zone's planner: what can be asked, and how each is answered.
 *
 * Pure: a question is decoded by the table of its kind, answered upon planner and world as they stand in memory, and
 * the answer is JSON. An answer changes nothing: what it tries is undone by question_answer() where the kind says so.
 * The API checks bodies before it asks, so a body that does not fit its table is a bug and becomes a problem, never a
 * crash.
 *
 * A kind more: a file with its fields and its answer, and a row in question.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "provisioner/question/decode.h"
#include "provisioner/reconcile/world.h"

/* What an answer needs and memory does not hold, as a piece of work would read it. What cannot be read is told as none:
 * whoever gave the source knows, and answers with a problem instead. */
struct question_source {
    /* As if its wish had just changed, in that world, which may be changed; NULL: there is none. */
    struct reservation *(*reservation)(struct question_source *source, struct world *world, struct identity id);
    /* GPU-milli of its type that are sold without an end in its world's zone. */
    int64_t (*sold_open)(struct question_source *source, const struct reservation *reservation);
    /* What its tenant's credit limit lacks for it, or for an amendment of it (NULL: for itself): JSON; NULL: nothing. */
    const char *(*uncovered)(struct question_source *source, struct reservation *reservation,
                             const struct amendment *amendment);
};

/* What an answer may look at. */
struct question_view {
    struct arena *arena;
    struct question_source *source;
    struct world *world;     /* the zone at one instant: its terms, nodes and quotas; not to be changed */
    struct planner *planner; /* where the kind tries, in a batch that is rolled back, else in none; and so the quotas */
};

/* Either an answer or a problem: a code of the API's table (a static text), and its detail (the arena's). */
struct question_reply {
    json_t *answer; /* a new reference */
    const char *problem, *detail;
};

struct question_kind {
    const char *name;
    const struct question_field *fields; /* of the body */
    size_t size;                         /* of the struct they fill */
    /* asked is that struct. NULL: answered by whoever knows more than the planner (zone_question.c). */
    void (*answer)(const void *asked, const struct question_view *view, struct question_reply *ret);
    bool tries; /* it changes planner and quotas to see what comes of it */
};

/* NULL where there is no such kind. */
const struct question_kind *question_kind_of(const char *name);
/* The reply of a kind with an answer of its own to a body, the text of a JSON object. One of its parts is set. */
void question_answer(const struct question_kind *kind, const char *body, const struct question_view *view,
                     struct question_reply *ret);
/* The tree of a JSON text of ours, null for NULL: a new reference. */
json_t *question_json(const char *text);
/* Fills *ret with a problem. */
void question_refuse(const struct question_view *view, struct question_reply *ret, const char *problem,
                     const char *format, ...) PRINTF_LIKE(4, 5);

/* ---- The kinds ---- */
extern const struct question_kind question_amendment, question_availability, question_capacity, question_elsewhere,
    question_offers, question_other_types, question_quotas, question_simulate, question_verify, question_wish;
