/* A pause of a zone: the head goes on, the hands stand still. Wishes are decided and windows end, but nothing is ordered
 * of any node: which rows of the state machines wait is said in their tables (fsm.h).
 *
 * Its end is known from its beginning, so what waits is due then, and every deadline is set to what it would be if the
 * zone had stood still until then. Where the end changes (resumed early, prolonged) both are shifted along: a deadline
 * runs for as long as the zone works, to the second. Pure; any thread. Instants are domain time in seconds. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the leader keeps to. All zero: the zone works, and nobody ever wished otherwise. */
struct pause {
    int64_t wish_revision; /* of the wish that it follows */
    int64_t revision;
    int64_t since_s;
    int64_t until_s; /* the zone works again from then on; 0: it works */
};

/* What operators want. */
struct pause_wish {
    int64_t revision; /* 0: nothing yet */
    int64_t until_s;  /* 0: it is to work */
};

struct pause_change {
    struct pause is;
    int64_t free_was_s, free_is_s; /* when the zone's nodes may be ordered about: as it was told, as it is now */
};

/* The pause that holds at an instant. */
static inline bool pause_is_on(const struct pause *pause, int64_t now_s)
{
    return pause->until_s > now_s;
}

/* From when on nodes may be ordered about, now at the earliest. */
static inline int64_t pause_free_s(const struct pause *pause, int64_t now_s)
{
    return pause_is_on(pause, now_s) ? pause->until_s : now_s;
}

/* What has come of it at this instant: another wish, or the end. False: nothing. */
bool pause_follow(const struct pause *was, const struct pause_wish *wish, int64_t now_s, struct pause_change *ret);
