/* Pages of CSV become one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/csv_list.h"

#include "api/cli/text.h"
#include "common/arena.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define PAGE_ROWS 1000 /* what the API gives at most */

/* What stands behind the first row: a line's end within quotes belongs to a cell. */
static const char *behind_row(const char *text)
{
    for (bool quoted = false; *text != '\0'; text++) {
        quoted = quoted != (*text == '"');
        if (*text == '\n' && !quoted)
            return text + 1;
    }
    return text;
}

static int64_t count_rows(const char *text)
{
    int64_t rows = 0;
    for (; *text != '\0'; text = behind_row(text))
        rows++;
    return rows;
}

static void print(struct session *session, const char *text)
{
    if (isatty(fileno(session->out)) == 0) {
        fputs(text, session->out); /* a failed write is seen at the end */
        return;
    }
    for (size_t length = 0; *text != '\0'; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        size_t shown = length > 0 && text[length - 1] == '\r' ? length - 1 : length;
        fprintf(session->out, "%s\n", text_printable(session->arena, arena_text_n(session->arena, text, shown)));
    }
}

/* *next: the mark of the page to ask for, NULL for the first; then of the one behind it, the arena's. */
static enum err_kind print_page(struct session *session, const char *path, const char *query, const char *part,
                                const char **next, int64_t *rows, struct err *reterr)
{
    if (*next != NULL)
        part = arena_format(session->arena, "%s&page=%s", part, *next);
    const struct client_request request = {
        .method = "GET", .path = session_path(session, path, query, part), .wants_csv = true};
    struct client_answer answer = {0};
    enum err_kind kind = session_send(session, &request, &answer, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(text_freep) char *page = answer.csv;
    CLEANUP(text_freep) char *mark = answer.next;
    const char *below = behind_row(page);
    int64_t added = count_rows(below);
    if (mark != NULL && (added == 0 || (*next != NULL && strcmp(mark, *next) == 0)))
        return err_set(reterr, ERR_INTERNAL, "'%s' answered with a list that cannot be followed", session->url);
    print(session, *next == NULL ? page : below);
    *rows += added;
    *next = mark == NULL ? NULL : arena_text(session->arena, mark);
    return ERR_NONE;
}

enum err_kind csv_list_print(struct session *session, const char *path, const char *query, int64_t limit,
                             struct err *reterr)
{
    int64_t rows = 0;
    const char *next = NULL;
    do {
        int64_t left = limit - rows;
        const char *part =
            limit == 0 ? "" : arena_format(session->arena, "limit=%" PRId64, left < PAGE_ROWS ? left : PAGE_ROWS);
        enum err_kind kind = print_page(session, path, query, part, &next, &rows, reterr);
        if (kind != ERR_NONE)
            return kind;
    } while (next != NULL && rows < limit); /* each page brings at least one */
    (void)fflush(session->out);             /* the note stands below the list; a failed write is seen at the end */
    if (next != NULL)
        fprintf(session->log, "sluice: these are the first %" PRId64 "; --limit shows more\n", rows);
    return ERR_NONE;
}
