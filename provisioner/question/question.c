/* The table of kinds, and what all answers have in common. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/question.h"
#include "provisioner/quota/quota.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE 512

static const struct question_kind *const kinds[] = {
    &question_availability, &question_capacity,  &question_offers, &question_simulate,  &question_verify,
    &question_quotas,       &question_amendment, &question_wish,   &question_elsewhere, &question_other_types,
};

const struct question_kind *question_kind_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    }
    return NULL;
}

json_t *question_json(const char *text)
{
    json_t *tree = text == NULL ? NULL : json_loads(text, 0, NULL);
    return tree == NULL ? json_null() : tree;
}

void question_refuse(const struct question_view *view, struct question_reply *ret, const char *problem,
                     const char *format, ...)
{
    char detail[DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments); /* a long one is cut */
    va_end(arguments);
    json_decref(ret->answer);
    *ret = (struct question_reply){.problem = problem, .detail = arena_text(view->arena, detail)};
}

static void json_freep(json_t **json)
{
    json_decref(*json);
}

/* Planner and quotas are in step. */
static void tries_begin(const struct question_view *view)
{
    planner_begin(view->planner);
    if (view->world->quotas != NULL)
        quotas_begin(view->world->quotas);
}

static void tries_undo(const struct question_view *view)
{
    planner_rollback(view->planner);
    if (view->world->quotas != NULL)
        quotas_rollback(view->world->quotas);
}

void question_answer(const struct question_kind *kind, const char *body, const struct question_view *view,
                     struct question_reply *ret)
{
    *ret = (struct question_reply){0};
    CLEANUP(json_freep) json_t *object = json_loads(body, 0, NULL);
    void *asked = arena_alloc(view->arena, kind->size);
    const char *wrong = question_decode(kind->fields, object, view->arena, asked);
    if (wrong != NULL) {
        question_refuse(view, ret, "malformed_question", "the question '%s' has a bad '%s'", kind->name, wrong);
        return;
    }
    if (kind->tries)
        tries_begin(view);
    kind->answer(asked, view, ret);
    if (kind->tries)
        tries_undo(view);
    if (ret->answer == NULL && ret->problem == NULL)
        question_refuse(view, ret, "internal", "the question '%s' got no answer", kind->name);
}
