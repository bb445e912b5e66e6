/* The fold from events to intervals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/meter/tiling.h"

#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/least.h"
#include "common/text_find.h"

#include <stddef.h>
#include <string.h>

static const char *const class_texts[] = {
#define X(class, text) [class] = (text),
    USAGE_CLASSES(X)
#undef X
};

/* What a second is while the instance is in a state, whether the state ends the window where it begins, and whether
 * the instance is over: if it gave way, the rest of its window is preempted. */
static const struct {
    const char *state;
    enum usage_class class;
    bool ends_window, is_over;
} state_classes[] = {
    // clang-format off
    {"planned",      USAGE_UNREADY, false, false},
    {"provisioning", USAGE_UNREADY, false, false},
    {"running",      USAGE_USED,    false, false},
    {"halting",      USAGE_USED,    false, false},
    {"stopped",      USAGE_UNUSED,  false, false},
    {"starting",     USAGE_UNUSED,  false, false},
    {"replacing",    USAGE_UNREADY, false, false},
    {"failed",       USAGE_FAILED,  false, true},
    {"stopping",     USAGE_UNREADY, true,  true},
    {"terminated",   USAGE_UNREADY, true,  true},
    // clang-format on
};

const char *usage_class_text(enum usage_class class)
{
    return class_texts[class];
}

bool usage_class_from_text(const char *text, enum usage_class *ret)
{
    *ret = (enum usage_class)text_find(class_texts, COUNT_OF(class_texts), text);
    return *ret != USAGE_CLASS_COUNT;
}

static int find_state(const char *state)
{
    for (size_t i = 0; i < COUNT_OF(state_classes); i++) {
        if (strcmp(state_classes[i].state, state) == 0)
            return (int)i;
    }
    return -1;
}

void tiling_cut(struct tiling *tiling, int64_t at_s, struct tiling_interval *ret_stretch)
{
    int64_t to_s = greatest_of(least_of(at_s, tiling->ends_at_s), tiling->open_since_s);
    *ret_stretch = (struct tiling_interval){
        .from_s = tiling->open_since_s,
        .to_s = to_s,
        .class = tiling->class,
        .node = tiling->node,
        .has_node = tiling->has_node,
        .gpu_milli = tiling->gpu_milli,
        .gives_way_at_s = tiling->gives_way_at_s,
    };
    tiling->open_since_s = to_s;
    tiling->closed = tiling->open_since_s >= tiling->ends_at_s;
}

bool tiling_next_piece(struct tiling *tiling, struct tiling_interval *stretch, struct tiling_interval *ret_piece)
{
    if (stretch->from_s >= stretch->to_s)
        return false;
    *ret_piece = *stretch;
    ret_piece->to_s = least_of(stretch->to_s, calendar_time_of_day(calendar_day_of_time(stretch->from_s) + 1));
    if (stretch->from_s < stretch->gives_way_at_s)
        ret_piece->to_s = least_of(ret_piece->to_s, stretch->gives_way_at_s);
    else
        ret_piece->class = USAGE_PREEMPTED; /* though what is to stop it may be late */
    ret_piece->seq = tiling->next_seq++;
    stretch->from_s = ret_piece->to_s;
    return true;
}

enum tiling_outcome tiling_apply(struct tiling *tiling, const struct tiling_event *event,
                                 struct tiling_interval *ret_stretch)
{
    *ret_stretch = (struct tiling_interval){0};
    if (event->revision <= tiling->revision)
        return TILING_DUPLICATE;
    if (event->revision != tiling->revision + 1)
        return TILING_GAP;
    int state = find_state(event->state);
    if (state < 0)
        return TILING_UNKNOWN;

    bool was_closed = tiling->closed;
    if (tiling->revision == 0) {
        tiling->starts_at_s = tiling->open_since_s = event->starts_at_s;
        tiling->ends_at_s = tiling->gives_way_at_s = TILING_OPEN_END_S;
        tiling->class = USAGE_UNREADY; /* from its start to its first event it was promised and not there */
        tiling->gpu_milli = event->gpu_milli;
    }
    /* What was so far lasted until the event, within the shorter of the two windows. */
    bool late = event->occurred_at_s < tiling->open_since_s && tiling->open_since_s > tiling->starts_at_s;
    tiling->ends_at_s = greatest_of(least_of(tiling->ends_at_s, event->ends_at_s), tiling->open_since_s);
    tiling_cut(tiling, event->occurred_at_s, ret_stretch);

    if (tiling->open_since_s == tiling->starts_at_s) /* nothing metered: the start may still move */
        tiling->starts_at_s = tiling->open_since_s = event->starts_at_s;
    int64_t stop_s = was_closed ? tiling->open_since_s : greatest_of(event->occurred_at_s, tiling->open_since_s);
    tiling->ends_at_s = greatest_of(event->ends_at_s, tiling->open_since_s);
    tiling->gives_way_at_s = event->gives_way_at_s;
    bool is_preempted = event->gives_way_at_s < event->ends_at_s && state_classes[state].is_over;
    if (state_classes[state].ends_window && !is_preempted)
        tiling->ends_at_s = least_of(tiling->ends_at_s, stop_s);
    tiling->class = is_preempted ? USAGE_PREEMPTED : state_classes[state].class;
    tiling->node = event->node;
    tiling->has_node = event->has_node;
    tiling->gpu_milli = event->gpu_milli;
    tiling->revision = event->revision;
    tiling->closed = tiling->open_since_s >= tiling->ends_at_s;
    return late ? TILING_LATE : TILING_APPLIED;
}
