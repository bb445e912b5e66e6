/* Reading an object, or the parameters of a query, into a struct, by the table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/field_place.h"
#include "common/must.h"

#include <string.h>

/* ---- Null and absence ---- */

static void set_nulls(const struct field *fields, void *target);

static void set_null(const struct field *field, void *target)
{
    bool is_number =
        field->type == FIELD_TYPE_INT || field->type == FIELD_TYPE_TIME || field->type == FIELD_TYPE_AMOUNT;
    if (is_number)
        *(int64_t *)target = FIELD_NULL;
    else if (field->type == FIELD_TYPE_SPAN)
        *(struct field_span *)target = (struct field_span){.from = FIELD_NULL, .to = FIELD_NULL};
    else if (field->type == FIELD_TYPE_LIST)
        *(struct field_list *)target = (struct field_list){0};
    else if (field->type == FIELD_TYPE_ROWS)
        *(struct field_rows *)target = (struct field_rows){0};
    else if (field->type == FIELD_TYPE_MONEY)
        *(struct field_money *)target = (struct field_money){0};
    else if (field->type == FIELD_TYPE_OBJECT)
        set_nulls(field->fields, target);
    else if (field->type != FIELD_TYPE_BOOL)
        *(const char **)target = NULL;
}

static void set_nulls(const struct field *fields, void *target)
{
    for (; fields->name != NULL; fields++) {
        if ((fields->flags & FIELD_READ_ONLY) == 0)
            set_null(fields, (char *)target + fields->offset);
    }
}

/* An object that may be left out is null, another one has its own defaults. */
static void set_default(const struct field_place *place)
{
    const struct field *field = place->field;
    set_null(field, place->target);
    if (field->type == FIELD_TYPE_OBJECT && (field->flags & FIELD_OPTIONAL) == 0)
        field_read_defaults(field->fields, 0, place->target, place->problems);
    if (field->fallback == NULL)
        return;
    if (field->type == FIELD_TYPE_MAP)
        *(const char **)place->target = field->fallback;
    else if (field->type == FIELD_TYPE_LIST)
        *(struct field_list *)place->target = (struct field_list){.array = "{}"};
    else
        field_read_value_text(place, field->fallback);
}

void field_read_defaults(const struct field *fields, uint64_t present, void *target, struct field_problems *problems)
{
    for (size_t i = 0; fields[i].name != NULL; i++) {
        const struct field_place place = {&fields[i], "", (char *)target + fields[i].offset, problems,
                                          FIELD_MODE_CREATE};
        bool has_place = (fields[i].flags & FIELD_READ_ONLY) == 0;
        if (has_place && !FIELD_PRESENT(present, i))
            set_default(&place);
    }
}

/* ---- Objects ---- */

static void read_object(const struct field_place *place, const json_t *value);
static void read_rows(const struct field_place *place, const json_t *value);

static void read_value(const struct field_place *place, json_t *value)
{
    if (place->field->type == FIELD_TYPE_OBJECT)
        read_object(place, value);
    else if (place->field->type == FIELD_TYPE_ROWS)
        read_rows(place, value);
    else
        field_read_value(place, value);
}

static int field_index(const struct field *fields, const char *name)
{
    for (int i = 0; fields[i].name != NULL; i++) {
        if (strcmp(fields[i].name, name) == 0 && (fields[i].flags & FIELD_READ_ONLY) == 0)
            return i;
    }
    return -1;
}

/* A JSON pointer's step: ~ and / are escaped (RFC 6901). */
static const char *pointer_below(struct arena *arena, const char *pointer, const char *name)
{
    struct json_out out;
    json_out_init(&out, arena);
    json_out_bytes(&out, pointer, strlen(pointer));
    json_out_bytes(&out, "/", 1);
    for (size_t i = 0; name[i] != '\0' && i < 128; i++) {
        const char *escaped = name[i] == '~' ? "~0" : name[i] == '/' ? "~1" : NULL;
        json_out_bytes(&out, escaped == NULL ? &name[i] : escaped, escaped == NULL ? 1 : 2);
    }
    return json_out_finish(&out);
}

static void refuse_unknown(struct field_problems *problems, const char *pointer, const char *name)
{
    field_problem_add(problems, pointer_below(problems->arena, pointer, name), "unknown_field",
                      "there is no field '%.64s' here", name);
}

/* Reads one member; returns its index, -1 where there is no such field. */
static int read_member(const struct field_place *object, const struct field *fields, const char *name, json_t *value)
{
    struct arena *arena = object->problems->arena;
    int index = field_index(fields, name);
    if (index < 0) {
        refuse_unknown(object->problems, object->pointer, name);
        return -1;
    }
    const struct field *field = &fields[index];
    struct field_place place = {field, NULL, (char *)object->target + field->offset, object->problems, object->mode};
    place.pointer = pointer_below(arena, object->pointer, name);
    if (object->mode == FIELD_MODE_PATCH && (field->flags & FIELD_CREATE_ONLY) != 0) {
        field_problem_add(object->problems, place.pointer, "immutable_field", "cannot be changed");
        return index;
    }
    if (!json_is_null(value)) {
        read_value(&place, value);
        return index;
    }
    if ((field->flags & FIELD_NULLABLE) == 0)
        field_problem_add(object->problems, place.pointer, "wrong_type", "must not be null");
    set_null(field, place.target);
    return index;
}

static bool is_required(const struct field *fields, size_t i, uint64_t present)
{
    if ((fields[i].flags & FIELD_REQUIRED) == 0 || fields[i].unless == NULL)
        return (fields[i].flags & FIELD_REQUIRED) != 0;
    int other = field_index(fields, fields[i].unless);
    must(other >= 0);
    return !FIELD_PRESENT(present, other);
}

static uint64_t read_members(const struct field_place *object, const struct field *fields, const json_t *value)
{
    uint64_t present = 0;
    const char *name = NULL;
    json_t *member = NULL;
    json_t *readable = NULL;
    memcpy(&readable, &value, sizeof readable); /* jansson's iterators take no const */
    json_object_foreach(readable, name, member)
    {
        int index = read_member(object, fields, name, member);
        if (index >= 0)
            present |= UINT64_C(1) << index;
    }
    for (size_t i = 0; fields[i].name != NULL; i++) {
        must(i < 64);
        bool is_missing = is_required(fields, i, present) && !FIELD_PRESENT(present, i);
        if (is_missing && object->mode == FIELD_MODE_CREATE)
            field_problem_add(object->problems, pointer_below(object->problems->arena, object->pointer, fields[i].name),
                              "missing_field", "is required");
        const struct field_place place = {&fields[i], "", (char *)object->target + fields[i].offset, object->problems,
                                          object->mode};
        if (FIELD_PRESENT(present, i) || (fields[i].flags & FIELD_READ_ONLY) != 0)
            continue;
        if (object->mode == FIELD_MODE_CREATE)
            set_default(&place);
        else
            set_null(&fields[i], place.target);
    }
    return present;
}

static void read_object(const struct field_place *place, const json_t *value)
{
    must(place->field->type == FIELD_TYPE_OBJECT);
    if (!json_is_object(value))
        field_wrong_type(place, "an object");
    else
        (void)read_members(place, place->field->fields, value); /* who asks for presence asks the outer object */
}

static void read_rows(const struct field_place *place, const json_t *value)
{
    if (!json_is_array(value)) {
        field_wrong_type(place, "a list of objects");
        return;
    }
    const struct field *field = place->field;
    struct arena *arena = place->problems->arena;
    size_t count = json_array_size(value);
    if (!field_has_entries(place, count))
        return;
    char *items = arena_alloc(arena, (count + 1) * field->size);
    uint64_t *present = arena_alloc(arena, (count + 1) * sizeof *present);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        const struct field_place each = {field, arena_format(arena, "%s/%zu", place->pointer, i),
                                         items + i * field->size, place->problems, FIELD_MODE_CREATE};
        if (json_is_object(item))
            present[i] = read_members(&each, field->fields, item);
        else
            field_wrong_type(&each, "an object");
    }
    *(struct field_rows *)place->target = (struct field_rows){.items = items, .present = present, .count = count};
}

void field_read_json(const struct field *fields, const json_t *object, enum field_mode mode, void *target,
                     uint64_t *ret_present, struct field_problems *problems)
{
    const struct field_place place = {NULL, "", target, problems, mode};
    if (!json_is_object(object)) {
        field_problem_add(problems, "", "wrong_type", "must be an object");
        return;
    }
    uint64_t present = read_members(&place, fields, object);
    if (ret_present != NULL)
        *ret_present = present;
}

/* ---- Taking away ---- */

static void check_removed(const struct field *fields, const json_t *patch, const char *pointer,
                          struct field_problems *problems)
{
    static const struct field of_money[] = {{.name = "amount"}, {.name = "currency"}, FIELDS_END};
    const char *name = NULL;
    json_t *member = NULL;
    json_t *readable = NULL;
    memcpy(&readable, &patch, sizeof readable); /* jansson's iterators take no const */
    json_object_foreach(readable, name, member)
    {
        int index = field_index(fields, name);
        if (index < 0 && json_is_null(member))
            refuse_unknown(problems, pointer, name);
        const struct field *field = index < 0 || !json_is_object(member) ? NULL : &fields[index];
        if (field != NULL && (field->type == FIELD_TYPE_OBJECT || field->type == FIELD_TYPE_MONEY))
            check_removed(field->type == FIELD_TYPE_MONEY ? of_money : field->fields, member,
                          pointer_below(problems->arena, pointer, name), problems);
    }
}

void field_check_removed(const struct field *fields, const json_t *patch, struct field_problems *problems)
{
    check_removed(fields, patch, "", problems);
}

/* ---- Queries ---- */

void field_read_text(const struct field *fields, const char *name, const char *text, void *target,
                     uint64_t *ret_present, struct field_problems *problems)
{
    const char *pointer = arena_format(problems->arena, "?%.64s", name);
    int index = field_index(fields, name);
    if (index < 0 || !field_type_has_text(fields[index].type)) {
        field_problem_add(problems, pointer, "unknown_field", "there is no query parameter '%.64s' here", name);
        return;
    }
    if (FIELD_PRESENT(*ret_present, index)) {
        field_problem_add(problems, pointer, "out_of_range", "is given twice");
        return;
    }
    const struct field_place place = {&fields[index], pointer, (char *)target + fields[index].offset, problems,
                                      FIELD_MODE_QUERY};
    field_read_value_text(&place, text);
    *ret_present |= UINT64_C(1) << index;
}

/* ---- Ranges ---- */

/* A date's text sorts as its day does. */
static bool is_before(const struct field *field, const struct field *other, const void *target)
{
    const char *base = target;
    const void *value = base + field->offset;
    const void *others = base + other->offset;
    if (field->type == FIELD_TYPE_TIME)
        return *(const int64_t *)value < *(const int64_t *)others;
    return strcmp(*(const char *const *)value, *(const char *const *)others) < 0;
}

void field_check_ranges(const struct field *fields, uint64_t present, const void *target,
                        struct field_problems *problems)
{
    for (size_t i = 0; fields[i].name != NULL; i++) {
        if (fields[i].from == NULL)
            continue;
        int from = field_index(fields, fields[i].from);
        must(from >= 0 && fields[from].type == fields[i].type);
        bool are_given = FIELD_PRESENT(present, i) && FIELD_PRESENT(present, from);
        if (are_given && is_before(&fields[i], &fields[from], target))
            field_problem_add(problems, arena_format(problems->arena, "?%s", fields[i].name), "out_of_range",
                              "is before %s", fields[from].name);
    }
}
