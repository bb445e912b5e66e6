/* The engine of the state machines: picking a row, checking a table, printing it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/fsm.h"

#include "common/must.h"

#include <stddef.h>
#include <string.h>

/* Whether a pause passes the row over. */
static bool is_held(const struct fsm_transition *row, struct fsm_pause *pause)
{
    if (!pause->is_on)
        return false;
    pause->has_held |= row->waits;
    return pause->has_held && (row->waits || row->to != row->from);
}

const struct fsm_transition *fsm_next(const struct fsm *fsm, int state, const void *subject, struct fsm_pause *pause)
{
    must(state >= 0 && state < fsm->state_count);
    pause->has_held = false;
    for (int i = 0; i < fsm->transition_count; i++) {
        const struct fsm_transition *row = &fsm->transitions[i];
        if (row->from != state || !fsm->events[row->on].holds(subject) || is_held(row, pause))
            continue;
        if (row->guard == NULL || row->guard(subject))
            return row;
    }
    return NULL;
}

int fsm_state_of_text(const struct fsm *fsm, const char *text)
{
    for (int state = 0; state < fsm->state_count; state++) {
        if (strcmp(fsm->states[state].name, text) == 0)
            return state;
    }
    return -1;
}

/* ---- Well-formedness ---- */

static const char *numbers_wrong(const struct fsm *fsm)
{
    for (int i = 1; i < fsm->transition_count; i++) {
        if (fsm->transitions[i].number <= fsm->transitions[i - 1].number)
            return "numbers do not rise";
    }
    return NULL;
}

/* The events with a rule in this state; *ret_timed: one of them is a matter of time. */
static uint32_t rules_of(const struct fsm *fsm, int state, bool *ret_timed)
{
    uint32_t rules = 0;
    for (int i = 0; i < fsm->transition_count; i++) {
        const struct fsm_transition *row = &fsm->transitions[i];
        if (row->from != state)
            continue;
        rules |= FSM_BIT(row->on);
        *ret_timed |= fsm->events[row->on].is_deadline;
    }
    return rules;
}

static bool is_entered(const struct fsm *fsm, int state)
{
    for (int i = 0; i < fsm->transition_count; i++) {
        if (fsm->transitions[i].to == state && fsm->transitions[i].from != state)
            return true;
    }
    return state == fsm->initial;
}

static bool is_left(const struct fsm *fsm, int state)
{
    for (int i = 0; i < fsm->transition_count; i++) {
        if (fsm->transitions[i].from == state && fsm->transitions[i].to != state)
            return true;
    }
    return false;
}

static const char *state_wrong(const struct fsm *fsm, int state)
{
    const struct fsm_state *about = &fsm->states[state];
    bool timed = false;
    uint32_t rules = rules_of(fsm, state, &timed);
    uint32_t all = (uint32_t)((UINT64_C(1) << fsm->event_count) - 1);
    if (about->is_final)
        return rules == 0 && is_entered(fsm, state) ? NULL : "a final state is left or never reached";
    if ((rules & about->refused) != 0)
        return "an event both has a rule and is refused";
    if ((rules | about->refused) != all)
        return "an event has no rule and is not refused";
    if (!is_entered(fsm, state) || !is_left(fsm, state))
        return "a state cannot be reached or left";
    return about->is_transient && !timed ? "a transient state has no rule of time" : NULL;
}

const char *fsm_wrong(const struct fsm *fsm)
{
    const char *wrong = numbers_wrong(fsm);
    for (int state = 0; state < fsm->state_count && wrong == NULL; state++)
        wrong = state_wrong(fsm, state);
    return wrong;
}

/* ---- Printing ---- */

static void print_drawing(const struct fsm *fsm, FILE *out)
{
    fprintf(out, "```mermaid\nstateDiagram-v2\n    [*] --> %s\n", fsm->states[fsm->initial].name);
    for (int i = 0; i < fsm->transition_count; i++) {
        const struct fsm_transition *row = &fsm->transitions[i];
        if (row->from != row->to)
            fprintf(out, "    %s --> %s: %d %s\n", fsm->states[row->from].name, fsm->states[row->to].name, row->number,
                    fsm->events[row->on].name);
    }
    for (int state = 0; state < fsm->state_count; state++) {
        if (fsm->states[state].is_final)
            fprintf(out, "    %s --> [*]\n", fsm->states[state].name);
    }
    fputs("```\n\n", out);
}

void fsm_print(const struct fsm *fsm, FILE *out)
{
    fprintf(out, "## %s\n\n%s\n\n", fsm->name, fsm->about);
    print_drawing(fsm, out);
    fputs("| no. | from | on | only if | to | do | in a pause | why |\n|--|--|--|--|--|--|--|--|\n", out);
    for (int i = 0; i < fsm->transition_count; i++) {
        const struct fsm_transition *row = &fsm->transitions[i];
        fprintf(out, "| %d | %s | %s | %s | %s | %s | %s | %s |\n", row->number, fsm->states[row->from].name,
                fsm->events[row->on].name, row->guard_name, fsm->states[row->to].name, row->action_name,
                row->waits ? "waits" : "", row->why);
    }
    fputs("\n", out);
}
