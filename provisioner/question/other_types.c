/* A wish that was refused, as it would be by other types: which of them it would be granted as, each by itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/wish.h"

#define TYPES_MAX 32 /* the API asks for fewer: that is what bounds the cost */

struct other_type {
    const char *name;
    struct identity id;
    struct question_terms terms; /* what an instance is: no more is read of them */
    int64_t open_max_percent;
};

struct other_types {
    struct question_wish wish;
    struct question_rows types;
};

// clang-format off
#define AT(member) offsetof(struct other_type, member)
static const struct question_field type_fields[] = {
    {"name",             .type = QUESTION_TEXT,   AT(name), .required = true},
    {"id",               .type = QUESTION_ID,     AT(id), .required = true},
    {"terms",            .type = QUESTION_OBJECT, AT(terms), .required = true, .fields = question_terms_fields},
    {"open_max_percent", .type = QUESTION_INT,    AT(open_max_percent), .if_absent = -1},
    {.name = NULL},
};
#undef AT

static const struct question_field other_types_fields[] = {
    {"wish",  .type = QUESTION_OBJECT, offsetof(struct other_types, wish), .required = true, .fields = question_wish_fields},
    {"types", .type = QUESTION_ROWS,   offsetof(struct other_types, types), .required = true, .least = 0, .most = TYPES_MAX, .fields = type_fields, .size = sizeof(struct other_type)},
    {.name = NULL},
};
// clang-format on

static struct question_wish as_type(const struct question_wish *wish, const struct other_type *type)
{
    struct question_wish other = *wish;
    other.terms.gpus = type->terms.gpus;
    other.terms.gpu_milli = type->terms.gpu_milli;
    other.terms.cpu_milli = type->terms.cpu_milli;
    other.terms.memory_mib = type->terms.memory_mib;
    other.terms.gpu_models = type->terms.gpu_models;
    other.type = type->id;
    other.open_max_percent = type->open_max_percent;
    other.posted.instance_type = type->name;
    return other;
}

/* What it is priced by, beside what the body says. */
static json_t *item_of(const struct question_trial *trial)
{
    const struct reservation *reservation = &trial->reservation;
    bool is_open = reservation->ends_s == NEVER;
    return json_pack("{s:I, s:o, s:I, s:o}", "from_s", (json_int_t)reservation->starts_s, "to_s",
                     is_open ? json_null() : json_integer(reservation->ends_s), "gpu_milli",
                     (json_int_t)(reservation->wish.count * instance_gpu_milli(&reservation->wish)), "body",
                     json_loads(trial->body, 0, NULL));
}

static void answer(const void *asked, const struct question_view *view, struct question_reply *ret)
{
    const struct other_types *question = asked;
    const struct other_type *types = question->types.items;
    json_t *items = json_array();
    const char *wrong = NULL;
    for (uint32_t i = 0; i < question->types.count && wrong == NULL; i++) {
        struct question_trial trial;
        struct question_wish wish = as_type(&question->wish, &types[i]);
        uint32_t before = planner_savepoint(view->planner);
        wrong = question_wish_try(&wish, view, &trial);
        planner_rollback_to(view->planner, before);
        if (wrong == NULL && trial.body != NULL)
            json_array_append_new(items, item_of(&trial));
    }
    if (wrong == NULL) {
        ret->answer = json_pack("{s:o}", "items", items);
        return;
    }
    json_decref(items);
    question_refuse(view, ret, "malformed_question", "%s", wrong);
}

const struct question_kind question_other_types = {"other_types", other_types_fields, sizeof(struct other_types),
                                                   answer, true};
