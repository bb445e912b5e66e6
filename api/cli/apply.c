/* apply: things become as files declare them. First all is planned and tried, so that what could be refused is refused before
 * anything has changed; then it is done in the order in which one needs the other, and what could not be done is told with
 * what was. Once more, and what was done is found unchanged. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/apply_files.h"
#include "api/cli/apply_print.h"
#include "api/cli/change.h"
#include "api/cli/tell.h"
#include "common/arena.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

static enum err_kind read_files(struct session *session, struct declarations *declarations, struct err *reterr)
{
    const struct arguments *arguments = session->arguments;
    bool any = false;
    for (int i = 0; i < arguments->value_count; i++) {
        if (arguments->values[i].option != OPTION_FILE)
            continue;
        any = true;
        enum err_kind kind = apply_files_read(session->arena, arguments->values[i].text, declarations, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    if (!any)
        return err_set(reterr, ERR_MALFORMED, "'apply' needs a file: -f FILE, a directory, or - for standard input");
    if (declarations->count == 0)
        return err_set(reterr, ERR_MALFORMED, "nothing is declared there");
    return declarations_order(session->arena, declarations, reterr);
}

/* Of the wish: what was found meanwhile is another part of an ETag. */
static bool is_same_version(const char *before, const char *after)
{
    size_t length = strcspn(before, "-");
    return length > 0 && strcspn(after, "-") == length && strncmp(before, after, length) == 0;
}

static enum err_kind do_step(struct session *session, struct step *step, struct err *reterr)
{
    bool creates = step->kind == STEP_CREATE;
    const struct client_request request = {.method = creates ? "POST" : "PUT",
                                           .path = step->path,
                                           .if_match = creates ? NULL : step->etag,
                                           .idempotency_key = creates ? change_random_key(session->arena) : NULL,
                                           .wait_s = step->declaration->kind->ends ? CLIENT_WAIT_S_MAX : 0,
                                           .body = step->declaration->spec};
    struct client_answer answer = {0};
    enum err_kind kind = session_send(session, &request, &answer, reterr);
    if (kind == ERR_NONE) {
        step->made = answer.body;
        step->is_same = !creates && is_same_version(step->etag, answer.etag);
        return ERR_NONE;
    }
    step->kind = STEP_REFUSED;
    json_decref(step->preview);
    step->preview = json_incref(session->problem);
    json_decref(session->asked);
    session->asked = json_incref(step->declaration->spec);
    if (kind == ERR_PRECONDITION)
        (void)snprintf(reterr->hint, sizeof reterr->hint,
                       "Somebody has changed it meanwhile: apply again, and look at what would change.");
    if (kind == ERR_UNAVAILABLE || kind == ERR_TIMEOUT)
        (void)snprintf(reterr->hint, sizeof reterr->hint,
                       "Whether it took effect is not known: apply again, which finds what did.");
    (void)err_context(reterr, "%s", declaration_place(session->arena, step->declaration));
    return kind;
}

/* Up to the first that fails: what comes behind may need it. */
static enum err_kind do_all(struct session *session, struct plan *plan, struct err *reterr)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct step *step = &plan->steps[i];
        if (step->kind == STEP_NONE)
            continue;
        enum err_kind kind = do_step(session, step, reterr);
        if (kind != ERR_NONE)
            return kind;
        if (!session->json)
            apply_print_done(session, step);
    }
    return ERR_NONE;
}

static void tell_sum(struct session *session, const struct plan *plan)
{
    size_t count[STEP_REFUSED + 1] = {0};
    size_t done = 0;
    for (size_t i = 0; i < plan->count; i++) {
        count[plan->steps[i].kind]++;
        done += plan->steps[i].made != NULL;
    }
    (void)fflush(session->out); /* the sum stands below; a failed write is seen at the end */
    fprintf(session->log, "sluice: %zu to create, %zu to change, %zu unchanged, %zu refused; %zu done\n",
            count[STEP_CREATE], count[STEP_CHANGE], count[STEP_NONE], count[STEP_REFUSED], done);
}

/* What is only sent again, because it is never shown, is no difference that is known of. */
static bool would_change(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->kind == STEP_CREATE || (step->kind == STEP_CHANGE && json_array_size(step->differences) > 0))
            return true;
    }
    return false;
}

static enum err_kind plan_and_do(struct session *session, const struct declarations *declarations, struct plan *plan,
                                 struct err *reterr)
{
    bool only_tells = arguments_have(session->arguments, OPTION_DRY_RUN);
    enum err_kind kind = plan_make(session, declarations, plan, reterr);
    bool is_planned = kind == ERR_NONE;
    if (!session->json)
        apply_print_plan(session, plan);
    if (is_planned && !only_tells)
        kind = do_all(session, plan, reterr);
    if (session->json)
        apply_print_json(session, plan);
    if (is_planned)
        tell_sum(session, plan);
    session->differs = arguments_have(session->arguments, OPTION_DETAILED_EXITCODE) && would_change(plan);
    return kind;
}

enum err_kind command_apply(struct session *session, struct err *reterr)
{
    CLEANUP(declarations_clear) struct declarations declarations = {0};
    CLEANUP(plan_clear) struct plan plan = {0};
    if (arguments_have(session->arguments, OPTION_DETAILED_EXITCODE) &&
        !arguments_have(session->arguments, OPTION_DRY_RUN))
        return err_set(reterr, ERR_MALFORMED, "--detailed-exitcode goes with --dry-run");
    enum err_kind kind = read_files(session, &declarations, reterr);
    session->problem_is_shown = true; /* by the report */
    return kind == ERR_NONE ? plan_and_do(session, &declarations, &plan, reterr) : kind;
}
