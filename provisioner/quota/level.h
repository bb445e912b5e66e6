/* A level over time: a step function of int64 that is 0 before its base and changes at finitely many instants.
 *
 * Kept as its changes, sorted and without repetition, so that equal functions are equal arrays whatever order they came
 * about in. Finding an instant is O(log n); adding a piece is O(log n + changes within it), and one move of memory.
 * Instants are seconds, periods half-open; LEVEL_OPEN is an end that never comes. Pure, one thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEVEL_OPEN INT64_MAX

struct level_change {
    int64_t at;    /* from here on */
    int64_t level; /* until the next change */
};

struct level {
    int64_t base; /* nothing is known of what lies before */
    struct level_change *changes;
    size_t count, room;
};

void level_clear(struct level *level); /* releases its memory; all zero again */
/* Raises the level (or lowers it, delta < 0) over the part of [from, to) that does not lie before the base. */
void level_add(struct level *level, int64_t from, int64_t to, int64_t delta);
/* Moves the base forward and forgets what lies before it. */
void level_forget(struct level *level, int64_t base);
/* The sum of level times seconds over [from, to), the part before the base left out. Finite ends only. */
int64_t level_area(const struct level *level, int64_t from, int64_t to);
/* The highest level at an instant or later. */
int64_t level_highest(const struct level *level, int64_t from);
/* A run of instants above some level; it may begin before the period asked for and end behind it. */
struct level_run {
    int64_t from, to;
    int64_t highest; /* within the period asked for */
};
/* The first run within [from, to) whose level is above `most` >= 0; false: there is none, and *ret is not set. */
bool level_above(const struct level *level, int64_t from, int64_t to, int64_t most, struct level_run *ret);
