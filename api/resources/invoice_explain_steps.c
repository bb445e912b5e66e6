/* The arithmetic of an invoice's line, spelled out: every number that is needed to do it again stands in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/invoice_explain_terms.h"

#include "common/document_text.h"
#include "common/money.h"
#include "common/must.h"

#include <inttypes.h>
#include <string.h>

struct step {
    const char *what, *how, *result;
};

// clang-format off
const struct field explain_step_fields[] = {
    FIELD_TEXT("what",   struct step, what, .flags = FIELD_READ_ONLY, .help = "What is found by it"),
    FIELD_TEXT("how",    struct step, how, .flags = FIELD_READ_ONLY, .help = "The arithmetic, with its numbers"),
    FIELD_TEXT("result", struct step, result, .flags = FIELD_READ_ONLY, .help = "What it comes to"),
    FIELDS_END,
};
// clang-format on

void explain_step(struct json_out *out, const char *what, const char *how, const char *result)
{
    field_write_struct(explain_step_fields, &(struct step){what, how, result}, out);
}

static const struct db_stmt statement_parts = {
    .name = "invoice_explain_parts",
    .sql =
        "SELECT t.commitment_id IS NOT DISTINCT FROM l.commitment_id, k.category,"
        "  coalesce(d.gpu_hour_u, (p.windows->(nullif(t.window_no, 0) - 1)->>'gpu_hour_u')::bigint, p.gpu_hour_u),"
        "  coalesce(d.percent_bp, 0), p.model = 'flat' OR d.gpu_hour_u IS NOT NULL,"
        "  sum(t.gpu_milli_seconds)::bigint, sum(t.contracted_u)::bigint, sum(t.effective_u)::bigint,"
        "  coalesce(sum(t.gpu_milli_seconds) FILTER (WHERE t.period_start < i.period_start), 0)::bigint,"
        "  coalesce(sum(t.amount_u) FILTER (WHERE t.period_start < i.period_start), 0)::bigint"
        "  FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
        " CROSS JOIN LATERAL invoice_line_told(l.invoice_id, l.line_no) t"
        "  LEFT JOIN commitment k ON k.id = t.commitment_id LEFT JOIN price p ON p.id = t.price_id"
        "  LEFT JOIN discount d ON d.id = t.discount_id"
        " WHERE l.invoice_id = $1::uuid AND l.line_no = $2::integer"
        "   AND t.reservation_id IS NOT DISTINCT FROM l.reservation_id AND t.price_id IS NOT DISTINCT FROM l.price_id"
        "   AND (l.reservation_id IS NOT NULL OR t.commitment_id IS NOT DISTINCT FROM l.commitment_id)"
        " GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC, 2, 3, 4, 5",
    .params = 2,
};

const struct db_stmt *const explain_steps_statements[] = {&statement_parts, NULL};

/* ---- Terms ---- */

int64_t explain_sum(const PGresult *parts, bool of_line, int column)
{
    int64_t sum = 0; /* of columns of bigints whose sums the ledger holds */
    for (int row = 0; row < PQntuples(parts); row++) {
        if (db_bool(parts, row, PART_IS_LINE) == of_line)
            sum += db_int(parts, row, column, 0);
    }
    return sum;
}

void explain_terms_add(struct explain_terms *terms, const char *what, const char *how, int64_t value)
{
    must(terms->count < EXPLAIN_TERMS_MAX);
    terms->items[terms->count++] = (struct explain_term){what, how, value};
}

/* "7 + 5 - 2", or as nothing but the one. */
static const char *sum_of_terms(const struct explain_terms *terms, struct arena *arena)
{
    const char *sum = arena_format(arena, "%" PRId64, terms->count > 0 ? terms->items[0].value : 0);
    for (size_t i = 1; i < terms->count; i++) {
        int64_t value = terms->items[i].value;
        sum = arena_format(arena, "%s %s %" PRId64, sum, value < 0 ? "-" : "+", value < 0 ? -value : value);
    }
    return sum;
}

/* ---- Steps ---- */

struct steps {
    struct arena *arena;
    struct json_out out;
};

static void add_step(struct steps *steps, const char *what, const char *how, const char *result)
{
    explain_step(&steps->out, what, how, result);
}

/* A term by itself is what is found; several are found first, then summed. */
static void add_terms(struct steps *steps, const char *what, const struct explain_terms *terms, const char *result)
{
    if (terms->count == 1) {
        add_step(steps, what, terms->items[0].how, result);
        return;
    }
    for (size_t i = 0; i < terms->count; i++)
        add_step(steps, terms->items[i].what, terms->items[i].how,
                 arena_format(steps->arena, "%" PRId64, terms->items[i].value));
    add_step(steps, what, sum_of_terms(terms, steps->arena), result);
}

/* Of what was delivered to the reservation at the price, other lines bear what commitments cover, or what none does. */
static void add_quantity(struct steps *steps, const PGresult *line, const PGresult *parts)
{
    struct explain_terms terms = {0};
    bool is_usage = db_text(line, 0, LINE_RESERVATION) != NULL && strcmp(db_text(line, 0, LINE_CATEGORY), "usage") == 0;
    int64_t others = explain_sum(parts, false, PART_QUANTITY);
    int64_t before = explain_sum(parts, true, PART_QUANTITY_BEFORE);
    int64_t then = explain_sum(parts, true, PART_QUANTITY);
    const char *measure = db_text(line, 0, LINE_MEASURE);
    const char *usage = db_text(line, 0, LINE_METER) != NULL
                            ? "counted readings (GET .../explain/readings)"
                            : "billed usage (GET .../explain/usage) and corrections (GET .../explain/corrections)";
    explain_terms_add(&terms, arena_format(steps->arena, "delivered at its price, in %s", measure),
                      is_usage ? usage
                               : arena_format(steps->arena, "sum of %s rated lines", db_text(line, 0, LINE_DAYS)),
                      then + others);
    if (others != 0)
        explain_terms_add(&terms, "of other lines: a commitment covers the one and not the other",
                          "a commitment covers up to its quantity, split by largest remainder", -others);
    if (before != 0)
        explain_terms_add(
            &terms, arena_format(steps->arena, "invoiced before, in %s", measure),
            arena_format(steps->arena, "earlier invoices of the period from %s", db_text(line, 0, LINE_CORRECTS)),
            -before);
    add_terms(steps, arena_format(steps->arena, "quantity, in %s", measure), &terms, db_text(line, 0, LINE_QUANTITY));
}

typedef enum err_kind explain_terms_of(struct request *request, const PGresult *line, const PGresult *parts,
                                       struct explain_terms *ret, struct err *reterr);

static explain_terms_of *terms_of(const PGresult *line)
{
    const char *category = db_text(line, 0, LINE_CATEGORY);
    if (strcmp(category, "purchase") == 0)
        return explain_fee;
    if (strcmp(category, "usage") != 0)
        return explain_rule;
    return db_text(line, 0, LINE_COMMITMENT) != NULL ? explain_contained : explain_priced;
}

static enum err_kind add_amount(struct request *request, struct steps *steps, const PGresult *line,
                                const PGresult *parts, struct err *reterr)
{
    struct explain_terms terms = {0};
    enum err_kind kind = terms_of(line)(request, line, parts, &terms, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (terms.count == 0)
        explain_terms_add(&terms, "priced, in micro-units", "nothing was used", 0);
    if (db_text(line, 0, LINE_CORRECTS) != NULL)
        explain_terms_add(
            &terms, "invoiced before, in micro-units",
            arena_format(steps->arena, "earlier invoices of the period from %s", db_text(line, 0, LINE_CORRECTS)),
            -explain_sum(parts, true, PART_AMOUNT_BEFORE));
    add_terms(steps, "exact amount, in micro-units", &terms, db_text(line, 0, LINE_AMOUNT));
    return ERR_NONE;
}

static void add_net_and_tax(struct steps *steps, const PGresult *line, int exponent)
{
    struct arena *arena = steps->arena;
    char net[DOCUMENT_TEXT_SIZE];
    char tax[DOCUMENT_TEXT_SIZE];
    char share[DOCUMENT_TEXT_SIZE];
    document_text_minor(db_int(line, 0, LINE_NET, 0), exponent, net);
    document_text_minor(db_int(line, 0, LINE_INVOICE_TAX, 0), exponent, tax);
    document_text_minor(db_int(line, 0, LINE_TAX, 0), exponent, share);
    add_step(steps, "net",
             arena_format(arena, "%s micro-units in units of 10^%d, half away from zero", db_text(line, 0, LINE_AMOUNT),
                          MONEY_MICRO_EXPONENT - exponent),
             arena_text(arena, net));
    add_step(steps, "tax of the invoice, in minor units",
             arena_format(arena, "%s x %s / 10000, half away from zero", db_text(line, 0, LINE_INVOICE_NET),
                          db_text(line, 0, LINE_TAX_RATE)),
             arena_text(arena, tax));
    add_step(steps, "share of the tax",
             arena_format(arena, "%s x %s / 10000, cut; the units that are missing go to the largest remainders",
                          db_text(line, 0, LINE_NET), db_text(line, 0, LINE_TAX_RATE)),
             arena_text(arena, share));
}

enum err_kind explain_steps(struct request *request, const PGresult *line, int exponent, const char **ret,
                            struct err *reterr)
{
    const PGresult *parts = NULL;
    struct steps steps = {.arena = request->arena};
    enum err_kind kind =
        request_run(request, &statement_parts, DB_PARAMS(db_text(line, 0, LINE_INVOICE), db_text(line, 0, LINE_NO)),
                    &parts, reterr);
    if (kind != ERR_NONE)
        return kind;
    json_out_init(&steps.out, request->arena);
    json_out_open(&steps.out, '[');
    add_quantity(&steps, line, parts);
    kind = add_amount(request, &steps, line, parts, reterr);
    add_net_and_tax(&steps, line, exponent);
    json_out_close(&steps.out, ']');
    *ret = json_out_finish(&steps.out);
    return kind;
}
