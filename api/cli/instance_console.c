/* instance console: its lines as text, or with -o json one object a line; with --follow as they come. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/noun.h"
#include "api/cli/text.h"
#include "common/arena.h"
#include "common/must.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINES_AT_ONCE   1000 /* a page of the API's */
#define FOLLOW_PAUSE_MS INT64_C(1000)
#define LINE_ID_SIZE    64

struct following {
    const char *instance;    /* its path */
    const char *path;        /* of its console */
    char last[LINE_ID_SIZE]; /* the line to go on behind; "": none was shown yet */
};

/* What was asked for, or what comes behind the last line of it: how many lines there are at first is told only once. */
static const char *query_of(struct session *session, const struct following *following)
{
    if (following->last[0] == '\0')
        return session_query(session);
    int64_t stay = arguments_int(session->arguments, OPTION_INCARNATION, 0);
    const char *only = stay == 0 ? "" : arena_format(session->arena, "&incarnation=%" PRId64, stay);
    return arena_format(session->arena, "after=%s%s", client_escape(session->client, session->arena, following->last),
                        only);
}

static void print_line(struct session *session, const json_t *line)
{
    if (session->json) {
        (void)json_dumpf(line, session->out, JSON_COMPACT); /* a failed write is seen at the end */
        fputc('\n', session->out);
        return;
    }
    const char *const parts[] = {json_text_at(line, "said_at"), json_text_at(line, "id"), json_text_at(line, "text")};
    const char *before = "";
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        fprintf(session->out, "%s%s", before, parts[i] == NULL ? "" : text_printable(session->arena, parts[i]));
        before = " ";
    }
    fputc('\n', session->out);
}

/* Prints what there is from where it was. */
static enum err_kind print_lines(struct session *session, struct following *following, struct err *reterr)
{
    size_t count = LINES_AT_ONCE;
    while (count == LINES_AT_ONCE) {
        CLEANUP(json_release) json_t *lines = NULL;
        const char *next = NULL;
        enum err_kind kind =
            noun_items(session, following->path, query_of(session, following), LINES_AT_ONCE, &lines, &next, reterr);
        if (kind != ERR_NONE)
            return kind;
        count = json_array_size(lines);
        for (size_t i = 0; i < count; i++)
            print_line(session, json_array_get(lines, i));
        const char *last = count == 0 ? NULL : json_text_at(json_array_get(lines, count - 1), "id");
        if (count > 0 && (last == NULL || strlen(last) >= LINE_ID_SIZE))
            return err_set(reterr, ERR_INTERNAL, "'%s' answered with lines without ids", session->url);
        if (last != NULL)
            (void)snprintf(following->last, LINE_ID_SIZE, "%s", last);
    }
    return ERR_NONE;
}

/* What is over says nothing more. */
static enum err_kind is_over(struct session *session, const struct following *following, bool *ret, struct err *reterr)
{
    CLEANUP(json_release) json_t *instance = NULL;
    enum err_kind kind = session_get(session, following->instance, &instance, reterr);
    const char *state = kind == ERR_NONE ? json_text_at(instance, "state") : NULL;
    *ret = state == NULL || strcmp(state, "terminated") == 0 || strcmp(state, "failed") == 0;
    return kind;
}

/* *is_last: what is there already is all. */
static enum err_kind show_round(struct session *session, struct following *following, bool *is_last, struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    if (!*is_last)
        kind = is_over(session, following, is_last, reterr); /* before its last lines are asked for */
    return kind == ERR_NONE ? print_lines(session, following, reterr) : kind;
}

/* With memory of its own: whoever follows may do so for days. */
static enum err_kind show_apart(struct session *session, struct following *following, bool *is_last, struct err *reterr)
{
    CLEANUP(arena_freep) struct arena *apart = arena_new();
    struct arena *all = session->arena;
    session->arena = apart;
    enum err_kind kind = show_round(session, following, is_last, reterr);
    session->arena = all;
    return kind;
}

enum err_kind command_instance_console(struct session *session, struct err *reterr)
{
    const char *base = NULL;
    struct following following = {0};
    enum err_kind kind = noun_path(session, &noun_instance, &base, reterr);
    if (kind == ERR_NONE)
        kind = noun_find(session, &noun_instance, base, &following.instance, reterr);
    if (kind != ERR_NONE)
        return kind;
    following.path = arena_format(session->arena, "%s/console", following.instance);
    bool is_last = !arguments_have(session->arguments, OPTION_FOLLOW);
    for (;;) {
        kind = show_apart(session, &following, &is_last, reterr);
        if (kind != ERR_NONE || is_last || fflush(session->out) != 0)
            return kind;
        client_pause_ms(FOLLOW_PAUSE_MS);
    }
}
