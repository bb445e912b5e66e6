/* Explaining a line of a credit note: what was asked for, what was credited of the invoice's line and tax before, and
 * the cumulative rounding of both. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_explain.h"
#include "api/resources/registry.h"

#include <inttypes.h>
#include <string.h>

struct explained {
    const char *credit_note, *invoice;
    int64_t line_no, invoice_line_no;
    const char *description, *reservation, *reservation_name;
    struct field_money amount_exact, net, tax_shown;
    const char *steps; /* JSON */
};

// clang-format off
static const struct field explained_fields[] = {
    FIELD_ID   ("credit_note",      struct explained, credit_note, .identity = IDENTITY_CREDIT_NOTE, .flags = FIELD_READ_ONLY, .help = "The credit note"),
    FIELD_INT  ("line_no",          struct explained, line_no, .flags = FIELD_READ_ONLY, .help = "Its line"),
    FIELD_ID   ("invoice",          struct explained, invoice, .identity = IDENTITY_INVOICE, .flags = FIELD_READ_ONLY, .help = "The invoice that it takes back of"),
    FIELD_INT  ("invoice_line_no",  struct explained, invoice_line_no, .flags = FIELD_READ_ONLY, .help = "The invoice's line, which GET /v1/invoices/{id}/lines/{line_no}/explain explains"),
    FIELD_TEXT ("description",      struct explained, description, .flags = FIELD_READ_ONLY, .help = "That line's"),
    FIELD_ID   ("reservation",      struct explained, reservation, .identity = IDENTITY_RESERVATION, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "The reservation; null: of none, as a fee"),
    FIELD_TEXT ("reservation_name", struct explained, reservation_name, .flags = FIELD_READ_ONLY | FIELD_NULLABLE, .help = "What people call it; null: it has no name"),
    FIELD_MONEY("amount_exact",     struct explained, amount_exact, .flags = FIELD_READ_ONLY, .help = "What is taken back, in micro-units"),
    FIELD_MONEY("net",              struct explained, net, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "What is credited"),
    FIELD_MONEY("tax_shown",        struct explained, tax_shown, .flags = FIELD_READ_ONLY | FIELD_MINOR, .help = "The line's share of the tax"),
    FIELD_JSON ("steps",            struct explained, steps, .flags = FIELD_READ_ONLY, .fields = explain_step_fields, .is_list = true, .help = "The arithmetic, in its order"),
    FIELDS_END,
};
// clang-format on
static const struct schema explained_schema = {"CreditNoteLineExplained", explained_fields, sizeof(struct explained)};

/* A line, what was asked of it (null: all that was left), and what earlier credit notes took back. They are numbered in
 * the order in which they were made. Row-level security keeps a tenant to its own. */
static const struct db_stmt statement_line = {
    .name = "credit_note_explain_line",
    .sql =
        "SELECT n.credit_note_id, n.line_no, n.invoice_id, n.invoice_line_no, l.description, l.reservation_id,"
        " l.reservation_name, c.currency, n.amount_u, n.net_minor,"
        " n.tax_shown_minor, n.gpu_milli_seconds, w.share_numerator, w.share_denominator, w.net_minor, l.amount_u,"
        " l.gpu_milli_seconds, e.amount_u, e.net_minor, c.net_minor, c.tax_minor, i.net_minor, i.tax_minor,"
        " b.net_minor, b.tax_minor, micro_per_minor(c.currency), 1 AS wish_revision"
        " FROM credit_note_line n JOIN credit_note c ON c.id = n.credit_note_id JOIN invoice i ON i.id = n.invoice_id"
        " JOIN invoice_line l ON l.invoice_id = n.invoice_id AND l.line_no = n.invoice_line_no"
        " LEFT JOIN invoice_request_status s ON s.credit_note_id = c.id"
        " LEFT JOIN invoice_request_line w ON w.request_id = s.request_id AND w.invoice_line_no = n.invoice_line_no"
        " CROSS JOIN LATERAL (SELECT coalesce(sum(p.amount_u), 0)::bigint AS amount_u,"
        "   coalesce(sum(p.net_minor), 0)::bigint AS net_minor"
        "   FROM credit_note_line p JOIN credit_note q ON q.id = p.credit_note_id"
        "  WHERE p.invoice_id = n.invoice_id AND p.invoice_line_no = n.invoice_line_no AND q.number < c.number) e"
        " CROSS JOIN LATERAL (SELECT coalesce(sum(q.net_minor), 0)::bigint AS net_minor,"
        "   coalesce(sum(q.tax_minor), 0)::bigint AS tax_minor"
        "   FROM credit_note q WHERE q.invoice_id = n.invoice_id AND q.number < c.number) b"
        " WHERE n.credit_note_id = $1::uuid AND n.line_no = $2::integer",
    .params = 2,
};
enum {
    OF_NOTE,
    OF_LINE,
    OF_INVOICE,
    OF_INVOICE_LINE,
    OF_DESCRIPTION,
    OF_RESERVATION,
    OF_RESERVATION_NAME,
    OF_CURRENCY,
    OF_AMOUNT,
    OF_NET,
    OF_TAX,
    ASKED_QUANTITY,
    ASKED_NUMERATOR,
    ASKED_DENOMINATOR,
    ASKED_NET,
    LINE_AMOUNT_U,
    LINE_QUANTITY_ALL,
    BEFORE_AMOUNT,
    BEFORE_NET,
    NOTE_NET,
    NOTE_TAX,
    INVOICE_NET,
    INVOICE_TAX,
    BEFORE_NOTES_NET,
    BEFORE_NOTES_TAX,
    MICRO_PER_MINOR,
};

static const char *asked_text(struct arena *arena, const PGresult *row)
{
    const char *all_u = db_text(row, 0, LINE_AMOUNT_U);
    if (db_text(row, 0, ASKED_QUANTITY) != NULL)
        return arena_format(arena, "%s x %s / %s milli-GPU-seconds of the line, half to even", all_u,
                            db_text(row, 0, ASKED_QUANTITY), db_text(row, 0, LINE_QUANTITY_ALL));
    if (db_text(row, 0, ASKED_NUMERATOR) != NULL)
        return arena_format(arena, "%s x %s / %s of the line, half to even", all_u, db_text(row, 0, ASKED_NUMERATOR),
                            db_text(row, 0, ASKED_DENOMINATOR));
    if (db_text(row, 0, ASKED_NET) != NULL)
        return arena_format(arena, "(%s + %s) x %s, at most the line's %s, less %s", db_text(row, 0, BEFORE_NET),
                            db_text(row, 0, ASKED_NET), db_text(row, 0, MICRO_PER_MINOR), all_u,
                            db_text(row, 0, BEFORE_AMOUNT));
    return arena_format(arena, "%s less %s: all that was left of the line", all_u, db_text(row, 0, BEFORE_AMOUNT));
}

static const char *write_steps(struct request *request, const PGresult *row)
{
    struct arena *arena = request->arena;
    struct json_out out;
    int64_t then_net = db_int(row, 0, BEFORE_NOTES_NET, 0) + db_int(row, 0, NOTE_NET, 0);
    json_out_init(&out, arena);
    json_out_open(&out, '[');
    explain_step(&out, "exact amount, in micro-units", asked_text(arena, row), db_text(row, 0, OF_AMOUNT));
    explain_step(&out, "net, in minor units",
                 arena_format(arena,
                              "(%s + %s) micro-units of the line, in units of %s, half away from zero, less %s that was"
                              " credited before",
                              db_text(row, 0, BEFORE_AMOUNT), db_text(row, 0, OF_AMOUNT),
                              db_text(row, 0, MICRO_PER_MINOR), db_text(row, 0, BEFORE_NET)),
                 db_text(row, 0, OF_NET));
    explain_step(&out, "tax of the credit note, in minor units",
                 arena_format(arena, "%s x %" PRId64 " / %s, half away from zero, less %s that was credited before",
                              db_text(row, 0, INVOICE_TAX), then_net, db_text(row, 0, INVOICE_NET),
                              db_text(row, 0, BEFORE_NOTES_TAX)),
                 db_text(row, 0, NOTE_TAX));
    explain_step(&out, "share of the tax, in minor units",
                 arena_format(arena, "%s x %s / %s, cut; the units that are missing go to the largest remainders",
                              db_text(row, 0, NOTE_TAX), db_text(row, 0, OF_NET), db_text(row, 0, NOTE_NET)),
                 db_text(row, 0, OF_TAX));
    json_out_close(&out, ']');
    return json_out_finish(&out);
}

static enum err_kind explain(struct request *request, struct response *response, struct err *reterr)
{
    const PGresult *row = NULL;
    enum err_kind kind =
        request_run(request, &statement_line, DB_PARAMS(request->object, explain_line_number(request)), &row, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (PQntuples(row) == 0)
        return err_set(reterr, ERR_NOT_FOUND, "line '%.40s' of credit note '%.40s' does not exist", request->params[1],
                       request->params[0]);
    if (response_is_known(request, response, row, 0))
        return ERR_NONE;
    const char *currency = db_text(row, 0, OF_CURRENCY);
    int64_t micro = db_int(row, 0, MICRO_PER_MINOR, 0);
    const struct explained explained = {
        .credit_note = db_text(row, 0, OF_NOTE),
        .line_no = db_int(row, 0, OF_LINE, 0),
        .invoice = db_text(row, 0, OF_INVOICE),
        .invoice_line_no = db_int(row, 0, OF_INVOICE_LINE, 0),
        .description = db_text(row, 0, OF_DESCRIPTION),
        .reservation = db_text(row, 0, OF_RESERVATION),
        .reservation_name = db_text(row, 0, OF_RESERVATION_NAME),
        .amount_exact = {db_int(row, 0, OF_AMOUNT, 0), currency},
        .net = {db_int(row, 0, OF_NET, 0) * micro, currency},
        .tax_shown = {db_int(row, 0, OF_TAX, 0) * micro, currency},
        .steps = write_steps(request, row),
    };
    response_struct(response, 200, explained_fields, &explained);
    return ERR_NONE;
}

// clang-format off
#define ONE .has_id = true, .id = IDENTITY_CREDIT_NOTE
static const struct route explain_routes[] = {
    {GET, "/v1/credit-notes/{id}/lines/{line_no}/explain",        ROLES_TENANT_MONEY, RATE_READ, .answer = &explained_schema, ONE, .run = explain, .summary = "How a line of a credit note comes to what it is"},
    {GET, "/v1/system/credit-notes/{id}/lines/{line_no}/explain", ROLES_SYSTEM_READ,  RATE_READ, .answer = &explained_schema, ONE, .run = explain, .summary = "How a line of a credit note comes to what it is"},
    ROUTES_END,
};
// clang-format on

static const struct db_stmt *const explain_statements[] = {&statement_line, NULL};

const struct resource credit_note_explain_resource = {"credit-notes", explain_routes, explain_statements, NULL};
