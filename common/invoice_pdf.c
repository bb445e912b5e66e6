/* The layout: a head with both parties, a table of lines over as many pages as it takes, taxes, total, notes, and a
 * foot on each page. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/invoice_pdf.h"

#include "common/document_text.h"
#include "common/identity.h"
#include "common/money.h"
#include "common/pdf.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define LEFT        50.0F
#define RIGHT       545.0F
#define TOP         792.0F
#define BOTTOM      72.0F /* the foot is below */
#define ROW         12.0F
#define META_X      340.0F
#define META_WIDTH  (RIGHT - META_X)
#define PARTY_WIDTH 250.0F
#define TEXT_SIZE   256

/* Right ends of the table's columns; the description begins at its left. */
#define COLUMN_TEXT  68.0F
#define COLUMN_HOURS 375.0F
#define COLUMN_PRICE 435.0F
#define COLUMN_TAX   485.0F
#define TEXT_WIDTH   240.0F

static const struct pdf_style body = {PDF_REGULAR, PDF_LEFT, 9, 0};
static const struct pdf_style body_right = {PDF_REGULAR, PDF_RIGHT, 9, 0};
static const struct pdf_style strong = {PDF_BOLD, PDF_LEFT, 9, 0};
static const struct pdf_style strong_right = {PDF_BOLD, PDF_RIGHT, 9, 0};
static const struct pdf_style quiet = {PDF_REGULAR, PDF_LEFT, 7.5F, 0.4F};
static const struct pdf_style quiet_right = {PDF_REGULAR, PDF_RIGHT, 7.5F, 0.4F};
static const struct pdf_style label = {PDF_BOLD, PDF_LEFT, 7.5F, 0.4F};
static const struct pdf_style label_right = {PDF_BOLD, PDF_RIGHT, 7.5F, 0.4F};
static const struct pdf_style headline = {PDF_BOLD, PDF_LEFT, 20, 0};
static const struct pdf_style name_style = {PDF_BOLD, PDF_LEFT, 12, 0};
static const struct pdf_style total_style = {PDF_BOLD, PDF_LEFT, 11, 0};
static const struct pdf_style total_right = {PDF_BOLD, PDF_RIGHT, 11, 0};

struct sheet {
    struct pdf *pdf;
    const json_t *document;
    const char *currency;
    int exponent;
    bool is_credit;
    float y; /* baseline of the next row */
};

/* ---- Reading the document: what is missing is empty, null is absent ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static int64_t int_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const json_t *part_of(const struct sheet *sheet, const char *key)
{
    return json_object_get(json_object_get(sheet->document, "configuration"), key);
}

/* ---- Writing ---- */

static void money(const struct sheet *sheet, struct pdf_style style, float x, float y, int64_t amount_minor)
{
    char text[DOCUMENT_TEXT_SIZE];
    document_text_minor(amount_minor, sheet->exponent, text);
    pdf_text(sheet->pdf, style, x, y, text);
}

/* Text in lines, broken where they are too long; empty ones are left out. Returns the baseline below. */
static float paragraph(const struct sheet *sheet, struct pdf_style style, float x, float y, float width,
                       const char *text)
{
    while (*text != '\0') {
        char line[4100]; /* a thousand characters of four bytes */
        size_t length = strcspn(text, "\r\n");
        if (length >= sizeof line) /* profiles bound their texts */
            length = sizeof line - 1;
        memcpy(line, text, length);
        line[length] = '\0';
        size_t fits = pdf_fit(sheet->pdf, style, line, width);
        line[fits] = '\0';
        if (fits > 0) {
            pdf_text(sheet->pdf, style, x, y, line);
            y -= style.size + 3;
        }
        text += fits;
        text += strspn(text, fits == length ? "\r\n" : " ");
    }
    return y;
}

static float party(const struct sheet *sheet, const json_t *who, struct pdf_style name, float y)
{
    y = paragraph(sheet, name, LEFT, y, PARTY_WIDTH, text_of(who, "name"));
    y = paragraph(sheet, body, LEFT, y, PARTY_WIDTH, text_of(who, "address"));
    y = paragraph(sheet, body, LEFT, y, PARTY_WIDTH, text_of(who, "country"));
    if (*text_of(who, "tax_number") != '\0') {
        char text[TEXT_SIZE];
        (void)snprintf(text, sizeof text, "Tax number %s", text_of(who, "tax_number"));
        y = paragraph(sheet, body, LEFT, y, PARTY_WIDTH, text);
    }
    return y;
}

static float fact(const struct sheet *sheet, float y, const char *what, const char *text)
{
    if (*text == '\0')
        return y;
    pdf_text(sheet->pdf, quiet, META_X, y, what);
    char cut[TEXT_SIZE];
    (void)snprintf(cut, sizeof cut, "%s", text);
    cut[pdf_fit(sheet->pdf, body_right, cut, META_WIDTH - 75)] = '\0';
    pdf_text(sheet->pdf, body_right, RIGHT, y, cut);
    return y - ROW - 1;
}

static float facts(const struct sheet *sheet, float y)
{
    const json_t *document = sheet->document;
    char period[TEXT_SIZE];
    (void)snprintf(period, sizeof period, "%s to %s", text_of(document, "period_first_day"),
                   text_of(document, "period_last_day"));
    y = fact(sheet, y, sheet->is_credit ? "Credit note" : "Invoice", text_of(document, "number"));
    y = fact(sheet, y, "Issued on", text_of(document, "issued_on"));
    y = fact(sheet, y, "Due on", text_of(document, "due_on"));
    y = fact(sheet, y, "Credits invoice", text_of(document, "corrects"));
    y = fact(sheet, y, "of", text_of(document, "corrects_issued_on"));
    y = fact(sheet, y, "Billing period", period);
    y = fact(sheet, y, "Time zone", text_of(part_of(sheet, "tenant"), "timezone"));
    y = fact(sheet, y, "Account", text_of(part_of(sheet, "tenant"), "name"));
    y = fact(sheet, y, "Your reference", text_of(part_of(sheet, "buyer"), "reference"));
    return fact(sheet, y, "Currency", sheet->currency);
}

static void table_head(struct sheet *sheet)
{
    char price[TEXT_SIZE];
    (void)snprintf(price, sizeof price, "%s per GPU-h", sheet->currency);
    pdf_text(sheet->pdf, label, LEFT, sheet->y, "#");
    pdf_text(sheet->pdf, label, COLUMN_TEXT, sheet->y, "Description");
    pdf_text(sheet->pdf, label_right, COLUMN_HOURS, sheet->y, "GPU-hours");
    pdf_text(sheet->pdf, label_right, COLUMN_PRICE, sheet->y, price);
    pdf_text(sheet->pdf, label_right, COLUMN_TAX, sheet->y, "Tax share");
    pdf_text(sheet->pdf, label_right, RIGHT, sheet->y, "Net");
    pdf_rule(sheet->pdf, LEFT, RIGHT, sheet->y - 4, 0.8F, 0.2F);
    sheet->y -= ROW + 5;
}

static void next_page(struct sheet *sheet)
{
    pdf_add_page(sheet->pdf);
    sheet->y = TOP;
}

/* Where fewer than the rows fit, a new page is begun, with the table's head if it goes on there. */
static void make_room(struct sheet *sheet, float height, bool in_table)
{
    if (sheet->y - height >= BOTTOM)
        return;
    next_page(sheet);
    if (in_table)
        table_head(sheet);
}

/* The reservation as everybody else names it, and which line of the invoice a credit is of. */
static void origin_text(const struct sheet *sheet, const json_t *line, char ret[static TEXT_SIZE])
{
    char reservation[IDENTITY_TEXT_SIZE] = "";
    const char *uuid = text_of(line, "reservation");
    const char *name = text_of(line, "reservation_name");
    const char *between = *name != '\0' ? ", " : "";
    if (strlen(uuid) == UUID_TEXT_SIZE - 1)
        identity_text_of_uuid(IDENTITY_RESERVATION, uuid, reservation);
    if (sheet->is_credit)
        (void)snprintf(ret, TEXT_SIZE, "line %lld of the invoice%s%s%s%s", (long long)int_of(line, "invoice_line_no"),
                       *reservation != '\0' ? ", " : "", name, between, reservation);
    else
        (void)snprintf(ret, TEXT_SIZE, "%s%s%s", name, between, reservation);
}

/* GPU-hours; of a meter so much of its unit, which stands with it. */
static void quantity(struct sheet *sheet, const json_t *line, float y)
{
    char number[DOCUMENT_TEXT_SIZE];
    char text[TEXT_SIZE];
    if (json_is_integer(json_object_get(line, "micro_units"))) {
        document_text_quantity(int_of(line, "micro_units"), number);
        (void)snprintf(text, sizeof text, "%s %s", number, text_of(line, "unit"));
    } else if (json_is_integer(json_object_get(line, "gpu_milli_seconds"))) {
        document_text_gpu_hours(int_of(line, "gpu_milli_seconds"), number);
        (void)snprintf(text, sizeof text, "%s", number);
    } else {
        return;
    }
    pdf_text(sheet->pdf, body_right, COLUMN_HOURS, y, text);
}

static void table_row(struct sheet *sheet, const json_t *line)
{
    char text[DOCUMENT_TEXT_SIZE];
    char origin[TEXT_SIZE];
    make_room(sheet, 2 * ROW, true);
    float y = sheet->y;
    (void)snprintf(text, sizeof text, "%lld", (long long)int_of(line, "line_no"));
    pdf_text(sheet->pdf, body, LEFT, y, text);
    quantity(sheet, line, y);
    if (json_is_integer(json_object_get(line, "unit_price_u"))) {
        document_text_price(int_of(line, "unit_price_u"), text);
        pdf_text(sheet->pdf, body_right, COLUMN_PRICE, y, text);
    }
    money(sheet, body_right, COLUMN_TAX, y, int_of(line, "tax_shown_minor"));
    money(sheet, body_right, RIGHT, y, int_of(line, "net_minor"));
    y = paragraph(sheet, body, COLUMN_TEXT, y, TEXT_WIDTH, text_of(line, "description"));
    origin_text(sheet, line, origin);
    y = paragraph(sheet, quiet, COLUMN_TEXT, y + 1, TEXT_WIDTH, origin);
    sheet->y = y - 3;
}

static void total_row(struct sheet *sheet, struct pdf_style left, struct pdf_style right, const char *what,
                      int64_t amount_minor)
{
    make_room(sheet, ROW, false);
    pdf_text(sheet->pdf, left, META_X, sheet->y, what);
    money(sheet, right, RIGHT, sheet->y, amount_minor);
    sheet->y -= right.size + 5;
}

static void totals(struct sheet *sheet)
{
    char text[TEXT_SIZE];
    char rate[DOCUMENT_TEXT_SIZE];
    char base[DOCUMENT_TEXT_SIZE];
    size_t i = 0;
    const json_t *tax = NULL;
    make_room(sheet, 6 * ROW, false);
    pdf_rule(sheet->pdf, LEFT, RIGHT, sheet->y + 8, 0.8F, 0.2F);
    sheet->y -= 6;
    total_row(sheet, strong, strong_right, "Net", int_of(sheet->document, "net_minor"));
    json_array_foreach(json_object_get(sheet->document, "taxes"), i, tax)
    {
        document_text_percent(int_of(tax, "rate_bp"), rate);
        document_text_minor(int_of(tax, "base_minor"), sheet->exponent, base);
        (void)snprintf(text, sizeof text, "Tax %s %s%son %s", rate, text_of(tax, "country"),
                       *text_of(tax, "country") != '\0' ? " " : "", base);
        total_row(sheet, body, body_right, text, int_of(tax, "tax_minor"));
    }
    pdf_rule(sheet->pdf, META_X, RIGHT, sheet->y + 9, 0.5F, 0.2F);
    sheet->y -= 4;
    (void)snprintf(text, sizeof text, "%s %s", sheet->is_credit ? "Credited" : "Total", sheet->currency);
    total_row(sheet, total_style, total_right, text, int_of(sheet->document, "total_minor"));
}

static void note(struct sheet *sheet, const char *text)
{
    if (*text == '\0')
        return;
    make_room(sheet, 6 * ROW, false);
    sheet->y = paragraph(sheet, body, LEFT, sheet->y, RIGHT - LEFT, text) - 6;
}

static void notes(struct sheet *sheet)
{
    char text[TEXT_SIZE];
    size_t i = 0;
    const json_t *tax = NULL;
    sheet->y -= 12;
    if (sheet->is_credit) {
        char reason[600];
        (void)snprintf(reason, sizeof reason, "Reason: %s", text_of(sheet->document, "reason"));
        note(sheet, reason);
    } else if (*text_of(sheet->document, "due_on") != '\0') {
        (void)snprintf(text, sizeof text, "Payable by %s. Please give the number %s with your payment.",
                       text_of(sheet->document, "due_on"), text_of(sheet->document, "number"));
        note(sheet, text);
    }
    json_array_foreach(json_object_get(sheet->document, "taxes"), i, tax) note(sheet, text_of(tax, "note"));
    note(sheet, text_of(part_of(sheet, "buyer"), "note"));
    note(sheet, text_of(part_of(sheet, "seller"), "note"));
}

static void feet(const struct sheet *sheet)
{
    char text[TEXT_SIZE * 2];
    const json_t *seller = part_of(sheet, "seller");
    int pages = pdf_page_count(sheet->pdf);
    for (int page = 0; page < pages; page++) {
        pdf_choose_page(sheet->pdf, page);
        pdf_rule(sheet->pdf, LEFT, RIGHT, 50, 0.5F, 0.6F);
        (void)snprintf(text, sizeof text, "%s%s%s", text_of(seller, "name"),
                       *text_of(seller, "tax_number") != '\0' ? "  ·  " : "", text_of(seller, "tax_number"));
        pdf_text(sheet->pdf, quiet, LEFT, 38, text);
        (void)snprintf(text, sizeof text, "%s  ·  page %d of %d", text_of(sheet->document, "number"), page + 1, pages);
        pdf_text(sheet->pdf, quiet_right, RIGHT, 38, text);
    }
}

static void draw(struct sheet *sheet)
{
    size_t i = 0;
    const json_t *line = NULL;
    next_page(sheet);
    pdf_text(sheet->pdf, headline, META_X, TOP - 8, sheet->is_credit ? "Credit note" : "Invoice");
    float right = facts(sheet, TOP - 34);
    float left = party(sheet, part_of(sheet, "seller"), name_style, TOP - 4);
    left = left < TOP - 80 ? left - 14 : TOP - 94;
    pdf_text(sheet->pdf, label, LEFT, left, sheet->is_credit ? "Credited to" : "Billed to");
    left = party(sheet, part_of(sheet, "buyer"), strong, left - 13);
    sheet->y = (left < right ? left : right) - 24;
    table_head(sheet);
    json_array_foreach(json_object_get(sheet->document, "lines"), i, line) table_row(sheet, line);
    totals(sheet);
    notes(sheet);
    feet(sheet);
}

enum err_kind invoice_pdf_render(const char *document, unsigned char **ret, size_t *ret_length, struct err *reterr)
{
    json_error_t error;
    json_t *read = json_loads(document, 0, &error);
    if (read == NULL)
        return err_set(reterr, ERR_INTERNAL, "the document to be printed is no JSON: %s", error.text);
    struct sheet sheet = {.document = read,
                          .currency = text_of(read, "currency"),
                          .is_credit = strcmp(text_of(read, "kind"), "credit_note") == 0};
    enum err_kind kind = money_exponent(sheet.currency, &sheet.exponent, reterr);
    if (kind == ERR_NONE) {
        sheet.pdf = pdf_new(text_of(read, "number"));
        draw(&sheet);
        kind = pdf_finish(sheet.pdf, ret, ret_length, reterr);
        pdf_free(sheet.pdf);
    }
    json_decref(read);
    return kind;
}
