/* Plans as text and as JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/apply_print.h"

#include "api/cli/text.h"
#include "common/arena.h"
#include "common/must.h"

#include <string.h>

/* As JSON writes it, but nothing that could steer a terminal. */
static const char *text_of(struct arena *arena, const json_t *value)
{
    CLEANUP(text_freep) char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    must(text != NULL);
    return text_printable(arena, text);
}

static void print_side(struct session *session, char sign, const json_t *difference, const char *side)
{
    const json_t *value = json_at(difference, side);
    if (value != NULL)
        fprintf(session->out, "%c   %s: %s\n", sign, text_of_value(session->arena, json_at(difference, "field")),
                text_of(session->arena, value));
}

static void print_beside(struct session *session, const struct step *step)
{
    const char *cost = text_of_money(session->arena, json_at(step->preview, "cost_delta"));
    const json_t *warnings = json_at(step->preview, "warnings");
    if (cost[0] != '\0')
        fprintf(session->out, "    costs: %s\n", cost);
    for (size_t i = 0; i < json_array_size(warnings); i++)
        fprintf(session->out, "    warning: %s\n",
                text_of_value(session->arena, json_at(json_array_get(warnings, i), "detail")));
    if (step->says_again)
        fprintf(session->out, "    what is never shown of it is sent again\n");
    if (step->waits_for != NULL)
        fprintf(session->out, "    to be checked once there is %s\n", step->waits_for);
}

static void print_step(struct session *session, const struct step *step)
{
    const char *shown = text_printable(session->arena, step->declaration->shown);
    if (step->kind == STEP_NONE) {
        fprintf(session->out, "  %s unchanged%s%s%s\n", shown, step->over == NULL ? "" : " (",
                step->over == NULL ? "" : text_printable(session->arena, step->over), step->over == NULL ? "" : ")");
        return;
    }
    if (step->kind == STEP_REFUSED) {
        fprintf(session->out, "! %s refused\n", shown);
        return;
    }
    fprintf(session->out, "%c %s\n", step->kind == STEP_CREATE ? '+' : '~', shown);
    for (size_t i = 0; i < json_array_size(step->differences); i++) {
        print_side(session, '-', json_array_get(step->differences, i), "before");
        print_side(session, '+', json_array_get(step->differences, i), "after");
    }
    print_beside(session, step);
}

void apply_print_plan(struct session *session, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        print_step(session, &plan->steps[i]);
}

static const char *done_as(const struct step *step)
{
    if (step->kind == STEP_CREATE)
        return "created";
    return step->is_same ? "unchanged" : "changed";
}

void apply_print_done(struct session *session, const struct step *step)
{
    const char *state = json_text_at(step->made, "status.state");
    const char *secret = step->kind == STEP_CREATE ? json_text_at(step->made, "secret") : NULL;
    fprintf(session->out, "%s %s%s%s%s\n", text_printable(session->arena, step->declaration->shown), done_as(step),
            state == NULL ? "" : " (", state == NULL ? "" : text_printable(session->arena, state),
            state == NULL ? "" : ")");
    if (secret != NULL)
        fprintf(session->out, "    secret, shown this once: %s\n", text_printable(session->arena, secret));
    (void)fflush(session->out); /* a failed write is seen at the end */
}

void apply_print_json(struct session *session, const struct plan *plan)
{
    static const char *const actions[] = {
        [STEP_NONE] = "none", [STEP_CREATE] = "create", [STEP_CHANGE] = "change", [STEP_REFUSED] = "refuse"};
    CLEANUP(json_release) json_t *items = json_array();
    must(items != NULL);
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        const struct declaration *declaration = step->declaration;
        const char *problem_or_preview = step->kind == STEP_REFUSED ? "problem" : "preview";
        json_t *item = json_pack(
            "{s:s, s:I, s:I, s:s, s:s, s:s, s:b, s:O*, s:s*, s:O*, s:O*}", "file", declaration->file, "document",
            (json_int_t)declaration->document, "line", (json_int_t)declaration->line, "kind", declaration->kind->name,
            "shown", declaration->shown, "action", actions[step->kind], "done", step->made != NULL, "differences",
            step->differences, "waits_for", step->waits_for, problem_or_preview, step->preview, "object", step->made);
        must(item != NULL && json_array_append_new(items, item) == 0);
    }
    CLEANUP(json_release) json_t *report = json_pack("{s:O}", "items", items);
    must(report != NULL);
    session_print_json(session, report);
}
