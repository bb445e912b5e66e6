/* Whatever a query says: each problem names its parameter, and what is accepted prints as texts that read back the
 * same. Input: a line of name=value pairs between '&', then a line that is the Prefer header. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>

#define WAIT_MAX_MS 60000

struct query {
    const char *name, *label, *state, *day, *owner;
    int64_t count, any, at, amount;
    bool is_open;
};

static const char *const states[] = {"up", "down", NULL};
static const struct field fields[] = {
    FIELD_TEXT("name", struct query, name, .pattern = FIELD_NAME),
    FIELD_TEXT("label", struct query, label, .least = 0, .most = 20),
    FIELD_ENUM("state", struct query, state, .values = states, .fallback = "up"),
    FIELD_DATE("day", struct query, day),
    FIELD_ID("owner", struct query, owner, .identity = IDENTITY_TENANT),
    FIELD_INT("count", struct query, count, .least = 1, .most = 100, .fallback = "7"),
    FIELD_INT("any", struct query, any),
    FIELD_TIME("at", struct query, at),
    FIELD_AMOUNT("amount", struct query, amount),
    FIELD_BOOL("is_open", struct query, is_open),
    FIELDS_END,
};

static void check_problems(const struct field_problems *problems)
{
    for (size_t i = 0; i < problems->count && i < FIELD_PROBLEMS_MAX; i++) {
        must(problems->items[i].pointer[0] == '?');
        must(problems->items[i].code[0] != '\0' && problems->items[i].detail[0] != '\0');
    }
}

static const char *printed(const struct query *query, struct arena *arena)
{
    struct json_out out;
    json_out_init(&out, arena);
    field_write_struct(fields, query, &out);
    return json_out_finish(&out);
}

static const char *text_of(const json_t *value, struct arena *arena)
{
    if (json_is_integer(value))
        return arena_format(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return json_is_boolean(value) ? (json_is_true(value) ? "true" : "false") : json_string_value(value);
}

/* Gives each value's text as a parameter again. */
static void check_again(const struct query *query, struct field_problems *problems)
{
    struct arena *arena = problems->arena;
    const char *text = printed(query, arena);
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    must(json_is_object(object));
    struct query again = {0};
    uint64_t present = 0;
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        if (!json_is_null(value))
            field_read_text(fields, name, text_of(value, arena), &again, &present, problems);
    }
    json_decref(object);
    field_read_defaults(fields, present, &again, problems);
    must(problems->count == 0);
    must(strcmp(text, printed(&again, arena)) == 0);
}

static void check_given(const struct query *query, const char *name, const char *text, struct arena *arena)
{
    json_t *object = json_loads(printed(query, arena), 0, NULL);
    must(!json_is_null(json_object_get(object, name))); /* given, and accepted: it is not nothing */
    must(text[0] != '\0' || strcmp(name, "label") == 0);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    struct field_problems problems = {.arena = arena};
    struct query query = {0};
    uint64_t present = 0;
    char *rest = text;
    char *line = input_part(&rest, "\n");
    struct preference preference = preference_parse(rest);
    must(preference.wait_ms >= -1 && preference.wait_ms <= WAIT_MAX_MS);

    for (char *value = input_part(&line, "&"); value != NULL; value = input_part(&line, "&")) {
        const char *name = input_part(&value, "=");
        size_t before = problems.count;
        field_read_text(fields, name, value == NULL ? "" : value, &query, &present, &problems);
        if (problems.count == before)
            check_given(&query, name, value == NULL ? "" : value, arena);
    }
    field_read_defaults(fields, present, &query, &problems);
    check_problems(&problems);
    if (problems.count == 0)
        check_again(&query, &problems);
    return 0;
}
