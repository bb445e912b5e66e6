/* One declaration after the other: found by name, read, and put on trial. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/apply_plan.h"

#include "api/cli/apply_compare.h"
#include "api/cli/noun.h"
#include "api/cli/tell.h"
#include "common/arena.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define CALLED_ALIKE_MAX 1000

void plan_clear(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        json_decref(plan->steps[i].differences);
        json_decref(plan->steps[i].preview);
        json_decref(plan->steps[i].made);
    }
    *plan = (struct plan){0};
}

/* ---- What there is ---- */

static const char *query_of(struct session *session, const struct declaration *declaration)
{
    const struct kind *kind = declaration->kind;
    const char *const fields[] = {kind->called, kind->asked[0], kind->asked[1], kind->asked[2]};
    const char *query = "";
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const char *text = fields[i] == NULL ? NULL : json_text_at(declaration->spec, fields[i]);
        if (text != NULL)
            query = arena_format(session->arena, "%s%s%s=%s", query, query[0] == '\0' ? "" : "&", fields[i],
                                 client_escape(session->client, session->arena, text));
    }
    return kind->ends ? arena_format(session->arena, "%s&order=newest", query) : query;
}

/* The id of the one that is meant, NULL where there is none. Of what ends by itself the newest is meant, which has the
 * highest id and is listed first: the others, however many, have left it their name. */
static enum err_kind find(struct session *session, const struct declaration *declaration, const char *base,
                          const char **ret, struct err *reterr)
{
    CLEANUP(json_release) json_t *items = NULL;
    const char *next = NULL;
    *ret = NULL;
    enum err_kind kind =
        noun_items(session, base, query_of(session, declaration), CALLED_ALIKE_MAX, &items, &next, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *found = NULL;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *id = json_text_at(item, "id");
        if (id == NULL || !declaration_is_of(declaration, item))
            continue;
        if (found != NULL && !declaration->kind->ends)
            return err_set(reterr, ERR_CONFLICT, "there is more than one %s", declaration->shown);
        if (found == NULL || strcmp(id, found) > 0)
            found = id;
    }
    *ret = found == NULL ? NULL : client_escape(session->client, session->arena, found);
    return ERR_NONE;
}

/* What can no longer be changed: the state, else NULL. */
static const char *state_if_over(struct arena *arena, const struct kind *kind, const json_t *object)
{
    static const char *const over[] = {"rejected", "cancelled", "expired", "ended"};
    const char *state = kind->ends ? json_text_at(object, "status.state") : NULL;
    for (size_t i = 0; state != NULL && i < COUNT_OF(over); i++) {
        if (strcmp(state, over[i]) == 0)
            return arena_text(arena, state);
    }
    return NULL;
}

/* ---- On trial ---- */

/* What an earlier step makes and the spec names where the pointer leads, as shown; else NULL. */
static const char *made_before(const struct plan *plan, const struct declaration *declaration, const char *pointer)
{
    for (size_t i = 0; i < plan->count && pointer != NULL; i++) {
        const struct declaration *before = plan->steps[i].declaration;
        const char *name = before->kind->called == NULL ? NULL : json_text_at(before->spec, before->kind->called);
        if (plan->steps[i].kind == STEP_CREATE && name != NULL && compare_says(declaration->spec, pointer, name))
            return before->shown;
    }
    return NULL;
}

/* A refusal that names no field, but whose code does ("unknown_tenant"). */
static const char *pointer_of(struct arena *arena, const json_t *problem)
{
    static const char unknown[] = "unknown_";
    const char *code = json_text_at(problem, "code");
    bool tells = code != NULL && strncmp(code, unknown, sizeof unknown - 1) == 0;
    return tells ? arena_format(arena, "/%s", code + sizeof unknown - 1) : NULL;
}

/* Where a refusal is about nothing but what earlier steps make: that; else NULL. */
static const char *waits_for(struct arena *arena, const struct plan *plan, const struct declaration *declaration,
                             const json_t *problem)
{
    const json_t *errors = json_at(problem, "errors");
    if (json_array_size(errors) == 0)
        return made_before(plan, declaration, pointer_of(arena, problem));
    const char *awaited = NULL;
    for (size_t i = 0; i < json_array_size(errors); i++) {
        awaited = made_before(plan, declaration, json_text_at(json_array_get(errors, i), "pointer"));
        if (awaited == NULL)
            return NULL;
    }
    return awaited;
}

/* Sends the declaration without effect; *ret is what there would be, NULL where that cannot be said yet. */
static enum err_kind try(struct session *session, const struct plan *plan, struct step *step, const char *method,
                         json_t **ret, struct err *reterr)
{
    const struct client_request request = {.method = method,
                                           .path = arena_format(session->arena, "%s?validate_only=true", step->path),
                                           .if_match = step->etag[0] == '\0' ? NULL : step->etag,
                                           .body = step->declaration->spec};
    enum err_kind kind = session_call(session, &request, ret, reterr);
    if (kind != ERR_INVALID || session->problem == NULL)
        return kind;
    step->waits_for = waits_for(session->arena, plan, step->declaration, session->problem);
    if (step->waits_for == NULL)
        return kind;
    json_decref(session->problem);
    session->problem = NULL;
    return ERR_NONE;
}

static enum err_kind plan_create(struct session *session, const struct plan *plan, struct step *step, const char *base,
                                 struct err *reterr)
{
    step->path = base;
    step->kind = STEP_CREATE;
    step->etag[0] = '\0';
    step->differences = compare_added(step->declaration->spec);
    return try(session, plan, step, "POST", &step->preview, reterr);
}

static enum err_kind plan_change(struct session *session, const struct plan *plan, struct step *step,
                                 const json_t *before, struct err *reterr)
{
    enum err_kind kind = try(session, plan, step, "PUT", &step->preview, reterr);
    if (kind != ERR_NONE)
        return kind;
    /* Before it can be tried nothing is known of what is not said. */
    CLEANUP(json_release) json_t *merged = json_copy((json_t *)(uintptr_t)before);
    must(merged != NULL && json_object_update(merged, step->declaration->spec) == 0);
    const json_t *after = step->preview == NULL ? merged : step->preview;
    step->differences = compare_objects(before, after);
    step->says_again = compare_is_hidden(step->declaration->spec, after);
    bool is_as_declared = json_array_size(step->differences) == 0 && !step->says_again;
    step->kind = is_as_declared ? STEP_NONE : STEP_CHANGE;
    return ERR_NONE;
}

static enum err_kind plan_one(struct session *session, const struct plan *plan, struct step *step, bool is_tenants,
                              struct err *reterr)
{
    const struct kind *declared = step->declaration->kind;
    const char *base = is_tenants ? declared->tenant_path : declared->system_path;
    if (base == NULL)
        return err_set(reterr, ERR_FORBIDDEN, "a %s is not made with a %s token", declared->name,
                       is_tenants ? "tenant's" : "provider's");
    const char *id = NULL;
    enum err_kind kind = find(session, step->declaration, base, &id, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (id == NULL)
        return plan_create(session, plan, step, base, reterr);
    step->path = arena_format(session->arena, "%s/%s", base, id);
    struct client_answer answer = {0};
    kind = session_send(session, &(struct client_request){.method = "GET", .path = step->path}, &answer, reterr);
    CLEANUP(json_release) json_t *before = answer.body;
    if (kind != ERR_NONE)
        return kind;
    memcpy(step->etag, answer.etag, sizeof step->etag);
    step->over = state_if_over(session->arena, declared, before);
    if (step->over == NULL)
        return plan_change(session, plan, step, before, reterr);
    /* What had its time as declared is done, and not due again; what was not to be had, or given up, is. */
    bool is_done = strcmp(step->over, "ended") == 0 && compare_has(before, step->declaration->spec);
    return is_done ? ERR_NONE : plan_create(session, plan, step, base, reterr);
}

/* ---- All ---- */

/* Without an answer there is no use in asking on. */
static bool is_about_one(enum err_kind kind)
{
    return kind != ERR_UNAVAILABLE && kind != ERR_TIMEOUT && kind != ERR_UNAUTHENTICATED && kind != ERR_INTERNAL;
}

static void refuse(struct session *session, struct step *step, struct err *err)
{
    (void)err_context(err, "%s", declaration_place(session->arena, step->declaration));
    json_decref(session->asked);
    session->asked = json_incref(step->declaration->spec);
    session->problem_is_shown = true; /* in the report */
    tell_refusal(session, err);
    step->kind = STEP_REFUSED;
    json_decref(step->preview);
    step->preview = session->problem;
    session->problem = NULL;
}

enum err_kind plan_make(struct session *session, const struct declarations *declarations, struct plan *ret,
                        struct err *reterr)
{
    bool is_tenants = false;
    enum err_kind first = session_is_tenants(session, &is_tenants, reterr);
    if (first != ERR_NONE)
        return first;
    size_t refused = 0;
    ret->steps = arena_alloc(session->arena, (declarations->count + 1) * sizeof *ret->steps);
    for (size_t i = 0; i < declarations->count; i++) {
        struct step *step = &ret->steps[i];
        struct err err = {0};
        step->declaration = &declarations->items[i];
        enum err_kind kind = plan_one(session, ret, step, is_tenants, &err);
        ret->count++;
        if (kind == ERR_NONE)
            continue;
        first = first == ERR_NONE ? kind : first;
        if (!is_about_one(kind)) {
            plan_clear(ret);
            *reterr = err;
            return kind;
        }
        refuse(session, step, &err);
        refused++;
    }
    return refused == 0 ? ERR_NONE
                        : err_set(reterr, first, "nothing was changed: %zu of %zu cannot be as declared", refused,
                                  declarations->count);
}
