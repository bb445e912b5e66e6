/* Refusals, by tables: HTTP status to kind, kind to exit code. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/problem.h"

#include "api/cli/text.h"
#include "common/arena.h"

#include <stdint.h>
#include <string.h>

static const struct {
    int status;
    enum err_kind kind;
} status_kinds[] = {
    {401, ERR_UNAUTHENTICATED}, {403, ERR_FORBIDDEN}, {404, ERR_NOT_FOUND}, {409, ERR_CONFLICT},
    {412, ERR_PRECONDITION},    {429, ERR_THROTTLED}, {504, ERR_TIMEOUT},
};

/* Kinds that are not here exit with 1. ERR_MALFORMED is a command line that cannot be read: a server's 400 is told as
 * ERR_INVALID. */
static const struct {
    enum err_kind kind;
    int code;
} exit_codes[] = {
    {ERR_NONE, 0},     {ERR_MALFORMED, 2},   {ERR_UNAUTHENTICATED, 3}, {ERR_FORBIDDEN, 3}, {ERR_NOT_FOUND, 4},
    {ERR_CONFLICT, 5}, {ERR_NO_CAPACITY, 5}, {ERR_PRECONDITION, 5},    {ERR_TIMEOUT, 6},
};

int exit_code_of(enum err_kind kind)
{
    for (size_t i = 0; i < COUNT_OF(exit_codes); i++) {
        if (exit_codes[i].kind == kind)
            return exit_codes[i].code;
    }
    return 1;
}

static enum err_kind kind_of_status(int status)
{
    for (size_t i = 0; i < COUNT_OF(status_kinds); i++) {
        if (status_kinds[i].status == status)
            return status_kinds[i].kind;
    }
    return status < 500 ? ERR_INVALID : ERR_UNAVAILABLE;
}

/* What stands there for people; NULL where it says nothing. */
static const char *said_at(const json_t *problem, const char *path)
{
    const char *text = json_text_at(problem, path);
    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* Empty where there is none, or one longer than any of ours: whoever answered is not a Sluice. */
static const char *code_of(struct arena *arena, const json_t *problem)
{
    const char *code = json_text_at(problem, "code");
    const char *printable = code == NULL ? "" : text_printable(arena, code);
    return strlen(printable) < ERR_CODE_SIZE ? printable : "";
}

enum err_kind problem_to_err(struct arena *arena, int status, const json_t *problem, struct err *reterr)
{
    const char *said = said_at(problem, "detail");
    if (said == NULL)
        said = said_at(problem, "title");
    if (said == NULL)
        return err_set(reterr, kind_of_status(status), "the server answered %d without an explanation", status);
    return err_set_code(reterr, kind_of_status(status), code_of(arena, problem), "%s", text_printable(arena, said));
}

/* ---- For people ---- */

/* One that the problem's detail says already is not said again. */
static void print_errors(FILE *out, struct arena *arena, const json_t *problem)
{
    const json_t *errors = json_at(problem, "errors");
    const char *detail = text_of_value(arena, json_at(problem, "detail"));
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const json_t *error = json_array_get(errors, i);
        const char *pointer = text_of_value(arena, json_at(error, "pointer"));
        const char *code = text_of_value(arena, json_at(error, "code"));
        const char *line = arena_format(arena, "%s: %s", pointer[0] == '\0' ? "the body" : pointer,
                                        text_of_value(arena, json_at(error, "detail")));
        if (strcmp(line, detail) == 0)
            continue;
        fprintf(out, "  %s", line);
        if (code[0] != '\0')
            fprintf(out, " (%s)", code);
        fputc('\n', out);
    }
}

static void print_labelled(FILE *out, struct arena *arena, const char *label, const json_t *value)
{
    const char *text = text_of_value(arena, value);
    if (text[0] != '\0')
        fprintf(out, "  %s: %s\n", label, text);
}

/* What bound, in the sentence that says it with its numbers, else by its members. */
static void print_binding(FILE *out, struct arena *arena, const json_t *binding)
{
    const json_t *message = json_at(binding, "message");
    print_labelled(out, arena, "what bound", json_is_string(message) ? message : binding);
}

static const char *listed(struct arena *arena, const char *list, const char *next)
{
    return arena_format(arena, "%s%s%s", list, list[0] == '\0' ? "" : ", ", next);
}

/* "count 8 instead of 16, no spread instead of rack": what was asked and is otherwise in the alternative. What was not
 * asked is a default there, which nobody wants to read. */
static const char *difference(struct arena *arena, const char *text, const json_t *body, const json_t *asked)
{
    json_t *readable = json_is_object(body) ? (json_t *)(uintptr_t)asked : NULL; /* not changed */
    for (void *at = json_object_iter(readable); at != NULL; at = json_object_iter_next(readable, at)) {
        const json_t *before = json_object_iter_value(at);
        const json_t *now = json_object_get(body, json_object_iter_key(at));
        const char *key = text_printable(arena, json_object_iter_key(at));
        if (json_is_null(before) || json_equal(now, before) != 0)
            continue;
        if (json_is_object(now) && json_is_object(before)) {
            text = difference(arena, text, now, before);
            continue;
        }
        const char *old = text_of_value(arena, before);
        const char *new = text_of_value(arena, now);
        text = listed(arena, text,
                      new[0] == '\0' ? arena_format(arena, "no %s instead of %s", key, old)
                                     : arena_format(arena, "%s %s instead of %s", key, new, old));
    }
    return text;
}

/* Bounds in time that were left open and are not in the alternative. */
static const char *new_bounds(struct arena *arena, const char *text, const json_t *body, const json_t *asked)
{
    static const char *const bounds[] = {"starts_at", "ends_at"};
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        const json_t *now = json_at(body, bounds[i]);
        const json_t *before = json_at(asked, bounds[i]);
        if (json_is_string(now) && !json_is_string(before))
            text = listed(arena, text, arena_format(arena, "%s %s", bounds[i], text_of_value(arena, now)));
    }
    return text;
}

static void print_alternatives(FILE *out, struct arena *arena, const json_t *alternatives, const json_t *asked,
                               const char *use)
{
    if (json_array_size(alternatives) == 0)
        return;
    fprintf(out, "  what would fit%s%s%s:\n", use == NULL ? "" : " (each ", use == NULL ? "" : use,
            use == NULL ? "" : ")");
    for (size_t i = 0; i < json_array_size(alternatives); i++) {
        const json_t *alternative = json_array_get(alternatives, i);
        const json_t *body = json_is_object(json_at(alternative, "body")) ? json_at(alternative, "body") : alternative;
        CLEANUP(text_freep) char *document = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        const char *otherwise = new_bounds(arena, difference(arena, "", body, asked), body, asked);
        if (otherwise[0] != '\0')
            fprintf(out, "  %zu. %s\n", i + 1, otherwise);
        /* JSON leaves DEL as it is. */
        fprintf(out, "     %s\n", document == NULL ? "" : text_printable(arena, document));
    }
}

void problem_print(FILE *out, struct arena *arena, const json_t *problem, const json_t *asked, const char *use)
{
    print_errors(out, arena, problem);
    print_binding(out, arena, json_at(problem, "binding"));
    print_alternatives(out, arena, json_at(problem, "alternatives"), asked, use);
    const char *reservation = json_text_at(problem, "reservation.id");
    if (reservation == NULL)
        reservation = json_text_at(problem, "reservation");
    if (reservation != NULL)
        fprintf(out, "  reservation: %s\n", text_printable(arena, reservation));
    print_labelled(out, arena, "request", json_at(problem, "request_id"));
}
