/* Changes in one sorted array: a piece splits it at its two ends, raises what lies between, and heals what has become
 * equal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/quota/level.h"

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/must.h"

#include <string.h>

void level_clear(struct level *level)
{
    free(level->changes);
    *level = (struct level){0};
}

/* How many changes come before an instant or at it. */
static size_t count_until(const struct level *level, int64_t instant)
{
    size_t low = 0;
    size_t high = level->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (level->changes[middle].at <= instant)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first change that matters to an instant: the last one at or before it, else the first behind it. */
static size_t first_of(const struct level *level, int64_t instant)
{
    size_t count = count_until(level, instant);
    return count == 0 ? 0 : count - 1;
}

static int64_t level_before(const struct level *level, size_t index)
{
    return index == 0 ? 0 : level->changes[index - 1].level;
}

/* There is a change at this instant now, though it may change nothing. Returns which. */
static size_t split(struct level *level, int64_t instant)
{
    size_t index = count_until(level, instant);
    if (index > 0 && level->changes[index - 1].at == instant)
        return index - 1;
    if (level->count == level->room) {
        level->room = level->room == 0 ? 16 : 2 * level->room;
        level->changes = alloc_resize(level->changes, level->room, sizeof *level->changes);
    }
    memmove(&level->changes[index + 1], &level->changes[index], (level->count - index) * sizeof *level->changes);
    level->changes[index] = (struct level_change){.at = instant, .level = level_before(level, index)};
    level->count++;
    return index;
}

static void heal(struct level *level, size_t index)
{
    if (index >= level->count || level->changes[index].level != level_before(level, index))
        return;
    level->count--;
    memmove(&level->changes[index], &level->changes[index + 1], (level->count - index) * sizeof *level->changes);
}

void level_add(struct level *level, int64_t from, int64_t to, int64_t delta)
{
    if (from < level->base)
        from = level->base;
    if (from >= to || delta == 0)
        return;
    size_t first = split(level, from);
    size_t end = to == LEVEL_OPEN ? level->count : split(level, to);
    for (size_t i = first; i < end; i++)
        level->changes[i].level += delta;
    heal(level, end);
    heal(level, first);
}

void level_forget(struct level *level, int64_t base)
{
    if (base <= level->base)
        return;
    level->base = base;
    size_t first = count_until(level, base);
    int64_t there = level_before(level, first);
    if (there != 0) {
        first--; /* it goes on: from the base, as far as anybody knows */
        level->changes[first].at = base;
    }
    if (first == 0)
        return;
    level->count -= first;
    memmove(level->changes, &level->changes[first], level->count * sizeof *level->changes);
}

/* Until when the level stays as the change at `index` says. */
static int64_t end_of(const struct level *level, size_t index)
{
    return index + 1 < level->count ? level->changes[index + 1].at : LEVEL_OPEN;
}

int64_t level_area(const struct level *level, int64_t from, int64_t to)
{
    int64_t area = 0;
    for (size_t i = first_of(level, from); i < level->count && level->changes[i].at < to; i++) {
        int64_t begins = level->changes[i].at > from ? level->changes[i].at : from;
        int64_t ends = end_of(level, i) < to ? end_of(level, i) : to;
        area += (ends - begins) * level->changes[i].level;
    }
    return area;
}

int64_t level_highest(const struct level *level, int64_t from)
{
    int64_t highest = 0;
    for (size_t i = first_of(level, from); i < level->count; i++) {
        if (end_of(level, i) > from && level->changes[i].level > highest)
            highest = level->changes[i].level;
    }
    return highest;
}

bool level_above(const struct level *level, int64_t from, int64_t to, int64_t most, struct level_run *ret)
{
    must(most >= 0);
    size_t first = first_of(level, from);
    while (first < level->count && (level->changes[first].level <= most || end_of(level, first) <= from))
        first++;
    if (first == level->count || level->changes[first].at >= to || from >= to)
        return false;
    struct level_run run = {.from = level->changes[first].at, .to = LEVEL_OPEN};
    for (size_t i = first; i < level->count; i++) {
        const struct level_change *change = &level->changes[i];
        if (change->level <= most) {
            run.to = change->at;
            break;
        }
        if (change->at < to && change->level > run.highest)
            run.highest = change->level;
    }
    *ret = run;
    return true;
}
