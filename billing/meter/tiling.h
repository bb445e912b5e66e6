/* Events of an instance become intervals that tile its window: each second of [starts_at, ends_at) has one class.
 *
 * A fold: the state that one instance has after its last event, and an event, give the next state and the stretch
 * that the event ends. Events apply by revision: an older one is a duplicate, a gap changes nothing. A fact that comes
 * after its time was already metered counts from where the tiling stands. Times are seconds since
 * 1970-01-01T00:00:00Z, intervals half-open. Pure: no I/O, no allocation, any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/identity.h"

#include <stdbool.h>
#include <stdint.h>

/* The end of a window that is open. */
#define TILING_OPEN_END_S INT64_MAX

/* What an instance's second is (docs/money.md). X(class, text in tables) */
#define USAGE_CLASSES(X)                                                                                               \
    X(USAGE_USED, "used")                                                                                              \
    X(USAGE_UNUSED, "unused")                                                                                          \
    X(USAGE_UNREADY, "unready")                                                                                        \
    X(USAGE_FAILED, "failed")                                                                                          \
    X(USAGE_PREEMPTED, "preempted")

enum usage_class {
#define X(class, text) class,
    USAGE_CLASSES(X)
#undef X
        USAGE_CLASS_COUNT
};

const char *usage_class_text(enum usage_class class);
/* False for a text that is no class. */
bool usage_class_from_text(const char *text, enum usage_class *ret);

/* What the meter knows of an instance between two events. All zeros: nothing yet. */
struct tiling {
    struct identity node; /* meaningful if has_node */
    bool has_node;
    bool closed; /* the window is fully metered; a longer window opens it again */
    enum usage_class class;
    int32_t next_seq; /* of the next interval, from 0 */
    int32_t gpu_milli;
    int64_t revision;     /* of the last event applied */
    int64_t open_since_s; /* the intervals tile [starts_at_s, open_since_s) */
    int64_t starts_at_s;
    int64_t ends_at_s;      /* TILING_OPEN_END_S: open */
    int64_t gives_way_at_s; /* from then on what is left is preempted; TILING_OPEN_END_S: it was not told to go */
};

struct tiling_event {
    int64_t revision; /* from 1 */
    int64_t occurred_at_s;
    const char *state; /* the instance's state after the event */
    struct identity node;
    bool has_node;
    int32_t gpu_milli;
    int64_t starts_at_s;
    int64_t ends_at_s;      /* TILING_OPEN_END_S: open */
    int64_t gives_way_at_s; /* it is to be gone by then, before its window ends; TILING_OPEN_END_S: it is not told to */
};

struct tiling_interval {
    int64_t from_s, to_s;
    int32_t seq; /* of a piece */
    enum usage_class class;
    struct identity node;
    bool has_node;
    int32_t gpu_milli;
    int64_t gives_way_at_s; /* of a stretch: its pieces from then on are preempted */
};

enum tiling_outcome {
    TILING_APPLIED,
    TILING_LATE,      /* applied, but from where the tiling stands: its instant was metered already */
    TILING_DUPLICATE, /* nothing changed */
    TILING_GAP,       /* nothing changed: an event before this one is missing */
    TILING_UNKNOWN,   /* nothing changed: no such state */
};

/* Applies an event. *ret_stretch is what it ended, from_s == to_s if nothing: take its pieces before the next event. */
enum tiling_outcome tiling_apply(struct tiling *tiling, const struct tiling_event *event,
                                 struct tiling_interval *ret_stretch);

/* Ends the open stretch at an instant, as each midnight does; what comes after is of the same class. */
void tiling_cut(struct tiling *tiling, int64_t at_s, struct tiling_interval *ret_stretch);

/* Takes the first piece off a stretch: what falls into one UTC day and is of one class, numbered. False once nothing is
 * left. */
bool tiling_next_piece(struct tiling *tiling, struct tiling_interval *stretch, struct tiling_interval *ret_piece);
