/* A state machine is a table: each row is one thing that can happen; whatever is not there cannot.
 *
 * Level-triggered: an "event" is a condition that holds now, not a message that could be lost. The engine takes the
 * first row of the present state whose event holds and whose guard lets it through, so the order of rows is their
 * priority. Row numbers are stable: the number is stored on the event of the move. Pure; any thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef bool (*fsm_test)(const void *subject);
typedef void (*fsm_action)(void *subject);

struct fsm_transition {
    int number;
    int from;
    int on;
    fsm_test guard; /* NULL: always */
    const char *guard_name;
    int to;
    fsm_action action; /* NULL: nothing but the move */
    const char *action_name;
    const char *why;
    bool waits; /* it orders something of a node, or judges one: a pause of the zone holds it back */
};

/* A pause, as one object meets it. */
struct fsm_pause {
    bool is_on;
    bool has_held; /* a row that waits would have fired */
};

/* What is said of a state beside its name. */
struct fsm_state {
    const char *name;
    uint32_t refused; /* bits of the events that may hold in this state and change nothing, on purpose */
    bool is_final;
    bool is_transient; /* something must happen: has a row for a deadline or the end of its window */
};

struct fsm_event {
    const char *name;
    fsm_test holds;
    bool is_deadline; /* time alone makes it hold */
};

struct fsm {
    const char *name;
    const char *about;
    const struct fsm_state *states;
    int state_count;
    int initial;
    const struct fsm_event *events;
    int event_count; /* at most 32 */
    const struct fsm_transition *transitions;
    int transition_count;
};

#define FSM_BIT(event) (UINT32_C(1) << (event))

/* The row that fires now; NULL: none, until something changes. In a pause rows that wait are passed over, and with them
 * all below that lead elsewhere: those count on what stands above them. What only notes something is noted. Sets
 * has_held. */
const struct fsm_transition *fsm_next(const struct fsm *fsm, int state, const void *subject, struct fsm_pause *pause);
/* The state of a name, or -1. */
int fsm_state_of_text(const struct fsm *fsm, const char *text);
/* For tests: what is wrong with the table (a static text), or NULL: numbers rise, each (state, event) is a rule or
 * refused, each state is reached and is left or final, each transient state has a rule of time. */
const char *fsm_wrong(const struct fsm *fsm);
/* The machine as a section of Markdown: a drawing (Mermaid) and its table. */
void fsm_print(const struct fsm *fsm, FILE *out);
