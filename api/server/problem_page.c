/* Printing the table of problem codes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/problem_page.h"

#include "api/server/page_html.h"
#include "api/server/server.h"

static const char about[] = "An answer of 400 or more is a problem document (RFC 9457, application/problem+json). "
                            "Programs go by its code, which "
                            "never changes its meaning; people read detail. A body's errors are all listed in errors, "
                            "each with a JSON pointer, a "
                            "code and a detail. Where retryable is true the same request may succeed later: repeat it "
                            "under its idempotency key, "
                            "after Retry-After seconds. request_id is in the server's log too.";

/* A row's columns, each between `before` and `after`. */
static void put_row(struct json_out *out, const struct problem_code *row, const char *before, const char *after)
{
    const char *columns[] = {row->code, arena_format(out->arena, "%d", problem_status(row->kind, row->code)),
                             err_retryable(row->kind) ? "yes" : "no", row->meaning, row->remedy};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        json_out_plain(out, before);
        json_out_plain(out, columns[i]);
        json_out_plain(out, after);
    }
}

void problem_page_markdown(struct json_out *out)
{
    json_out_plain(out, "# Errors\n\n");
    json_out_plain(out, "Printed from the table of `api/server/problem_codes.c` by `sluice-api --print-errors`; "
                        "do not edit.\n\n");
    json_out_plain(out, about);
    json_out_plain(out, "\n\n| code | status | retryable | meaning | what to do |\n|--|--|--|--|--|\n");
    for (const struct problem_code *row = problem_codes; row->code != NULL; row++) {
        put_row(out, row, "| ", " ");
        json_out_plain(out, "|\n");
    }
}

void problem_page_html(struct json_out *out)
{
    page_html_open(out, "Errors");
    json_out_plain(out, "<p>");
    json_out_plain(out, about);
    json_out_plain(out, "</p>\n<table>\n<thead><tr><th>code</th><th>status</th><th>retryable</th><th>meaning</th>"
                        "<th>what to do</th></tr></thead>\n<tbody>\n");
    for (const struct problem_code *row = problem_codes; row->code != NULL; row++) {
        /* The `type` of a problem ends in #code. */
        json_out_plain(out, arena_format(out->arena, "<tr id=\"%s\">", row->code));
        put_row(out, row, "<td>", "</td>");
        json_out_plain(out, "</tr>\n");
    }
    json_out_plain(out, "</tbody>\n</table>\n");
    page_html_close(out);
}
