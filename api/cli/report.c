/* invoice get and margin: documents of more than one table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/csv_list.h"
#include "api/cli/noun.h"
#include "common/arena.h"
#include "common/must.h"

#include <string.h>

#define LINES_MAX 1000000

// clang-format off
static const struct column line_columns[] = {
    {"LINE",        "line_no",     NULL, text_of_value, .right = true},
    {"RESERVATION", "reservation", NULL, text_of_value, .right = false},
    {"DESCRIPTION", "description", NULL, text_of_value, .right = false},
    {"GPU-HOURS",   "gpu_hours",   NULL, text_of_value, .right = true},
    {"NET",         "net",         NULL, text_of_money, .right = true},
    {"TAX",         "tax_shown",   NULL, text_of_money, .right = true},
    COLUMNS_END,
};

static const struct column margin_columns[] = {
    {"KEY",          "key",                NULL, text_of_value, .right = false},
    {"REVENUE",      "revenue",            NULL, text_of_money, .right = true},
    {"AMORTIZATION", "amortization",       NULL, text_of_money, .right = true},
    {"MARGIN",       "margin",             NULL, text_of_money, .right = true},
    {"GPU-SECONDS",  "gpu_seconds_billed", NULL, text_of_value, .right = true},
    COLUMNS_END,
};

static const struct column idle_columns[] = {
    {"IDLE BECAUSE", "cause",       NULL, text_of_value, .right = false},
    {"AMORTIZATION", "amount",      NULL, text_of_money, .right = true},
    {"GPU-SECONDS",  "gpu_seconds", NULL, text_of_value, .right = true},
    COLUMNS_END,
};
// clang-format on

static void print_invoice(struct session *session, const json_t *invoice, const json_t *lines)
{
    table_print_one(session->out, session->arena, noun_invoice.details, invoice);
    fputc('\n', session->out);
    table_print(session->out, session->arena, line_columns, lines);
}

enum err_kind command_invoice_get(struct session *session, struct err *reterr)
{
    const char *base = NULL;
    const char *path = NULL;
    enum err_kind kind = noun_path(session, &noun_invoice, &base, reterr);
    if (kind == ERR_NONE)
        kind = noun_find(session, &noun_invoice, base, &path, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(json_release) json_t *invoice = NULL;
    kind = session_get(session, path, &invoice, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(json_release) json_t *lines = NULL;
    const char *next = NULL;
    kind = noun_items(session, arena_format(session->arena, "%s/lines", path), "", LINES_MAX, &lines, &next, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (!session->json) {
        print_invoice(session, invoice, lines);
        return ERR_NONE;
    }
    if (!json_is_object(invoice))
        return err_set(reterr, ERR_INTERNAL, "'%s' answered without an invoice", session->url);
    must(json_object_set(invoice, "lines", lines) == 0);
    session_print_json(session, invoice);
    return ERR_NONE;
}

/* The totals' names are the API's: each stands in a line as it comes. */
static void print_totals(struct session *session, const json_t *totals)
{
    json_t *readable = (json_t *)(uintptr_t)totals; /* not changed */
    for (void *at = json_object_iter(readable); at != NULL; at = json_object_iter_next(readable, at)) {
        fprintf(session->out, "total %s: %s\n", text_printable(session->arena, json_object_iter_key(at)),
                text_of_money(session->arena, json_object_iter_value(at)));
    }
}

enum err_kind command_margin(struct session *session, struct err *reterr)
{
    const char *by = arguments_have(session->arguments, OPTION_BY) ? "" : "by=tenant";
    const char *path = session_path(session, "/v1/system/margin", by, session_query(session));
    if (session->csv)
        return csv_list_print(session, path, "", 0, reterr);
    CLEANUP(json_release) json_t *margin = NULL;
    enum err_kind kind = session_get(session, path, &margin, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->json) {
        session_print_json(session, margin);
        return ERR_NONE;
    }
    table_print(session->out, session->arena, margin_columns, json_at(margin, "items"));
    fputc('\n', session->out);
    if (json_array_size(json_at(margin, "idle")) > 0) {
        table_print(session->out, session->arena, idle_columns, json_at(margin, "idle"));
        fputc('\n', session->out);
    }
    print_totals(session, json_at(margin, "totals"));
    return ERR_NONE;
}
