/* Suspended requests: whose connection libmicrohttpd does not poll until somebody resumes it.
 *
 * A suspended connection notices nothing by itself, and one that is still suspended when the daemon stops aborts the
 * process. So each suspension has a deadline of ours and stands in one list; whoever wants to answer must claim it
 * first, and only the claimant writes the response and resumes. Shutdown expires them all, but for the brief ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed at first; then it may begin as often as it ended. */
struct suspension {
    struct suspension *previous, *next;
    _Atomic uint64_t state; /* twice the number of times that it began; plus one while it is claimed */
    bool is_brief;          /* over soon by itself: it may begin while the server stops, and shutdown waits for it */
    _Atomic int64_t deadline_ms; /* monotonic */
    /* Called by the timer with the claim in hand: answer now. Must end in suspension_end, by itself or later. */
    void (*expire)(struct suspension *suspension, bool is_shutdown);
    void (*resume)(struct suspension *suspension); /* wakes the connection; the last thing done to it */
};

struct suspensions;

struct suspensions *suspensions_start(void);
/* From the listener's thread, before anybody else can know of it. False while shutting down: do not suspend. */
bool suspension_begin(struct suspensions *all, struct suspension *suspension);
/* True for exactly one caller per suspension. */
bool suspension_claim(struct suspension *suspension);
/* Which of its turns this is, claimed or not. */
uint64_t suspension_turn(const struct suspension *suspension);
/* The same for who may come late: once the request was resumed it may have been suspended anew, for others to claim. */
bool suspension_claim_turn(struct suspension *suspension, uint64_t turn);
/* Nobody has claimed it, nor is it another turn. */
bool suspension_is_open(const struct suspension *suspension, uint64_t turn);
/* Moves the deadline of a turn that nobody has claimed. What it waits for next, or whoever has it, has a deadline of its
 * own, which stays: who comes late does not know of it. */
void suspension_wait_until(struct suspension *suspension, uint64_t turn, int64_t deadline_ms);
/* The claimant gives the claim back: somebody else is going to answer, or the timer at the deadline. It does so last,
 * but for what must not touch the request any more. */
void suspension_park(struct suspension *suspension, int64_t deadline_ms);
/* The claimant is done: out of the list, resume. */
void suspension_end(struct suspensions *all, struct suspension *suspension);
int64_t suspensions_count(struct suspensions *all);
/* From now on none begins; those there are expire at once. Returns when none is left, at most limit_ms later; how many
 * are left. */
int64_t suspensions_drain(struct suspensions *all, int64_t limit_ms);
void suspensions_stop(struct suspensions *all); /* NULL is fine */
