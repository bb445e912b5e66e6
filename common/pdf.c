/* libharu without its error handler: a call that fails leaves its mark on the document, which is looked at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/pdf.h"

#include "common/alloc.h"
#include "common/must.h"

#include <hpdf.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

#define ENCODING "WinAnsiEncoding"

struct pdf {
    HPDF_Doc document;
    HPDF_Font fonts[PDF_FONT_COUNT];
    HPDF_Page *pages;
    int count;
    HPDF_Page current;
    iconv_t to_ansi;
};

struct pdf *pdf_new(const char *title)
{
    static const char *const fonts[PDF_FONT_COUNT] = {[PDF_REGULAR] = "Helvetica", [PDF_BOLD] = "Helvetica-Bold"};
    struct pdf *pdf = alloc_zero(1, sizeof *pdf);
    pdf->document = HPDF_New(NULL, NULL);
    must(pdf->document != NULL); /* out of memory */
    pdf->to_ansi = iconv_open("CP1252//TRANSLIT", "UTF-8");
    must(pdf->to_ansi != (iconv_t)-1); /* libc brings it */
    for (int i = 0; i < PDF_FONT_COUNT; i++)
        pdf->fonts[i] = HPDF_GetFont(pdf->document, fonts[i], ENCODING);
    (void)HPDF_SetCompressionMode(pdf->document, HPDF_COMP_ALL);
    (void)HPDF_SetInfoAttr(pdf->document, HPDF_INFO_TITLE, title);
    return pdf;
}

void pdf_free(struct pdf *pdf)
{
    if (pdf == NULL)
        return;
    (void)iconv_close(pdf->to_ansi);
    HPDF_Free(pdf->document);
    free(pdf->pages);
    free(pdf);
}

void pdf_add_page(struct pdf *pdf)
{
    pdf->pages = alloc_resize(pdf->pages, (size_t)pdf->count + 1, sizeof(HPDF_Page));
    pdf->current = HPDF_AddPage(pdf->document);
    (void)HPDF_Page_SetSize(pdf->current, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
    pdf->pages[pdf->count++] = pdf->current;
}

int pdf_page_count(const struct pdf *pdf)
{
    return pdf->count;
}

void pdf_choose_page(struct pdf *pdf, int page)
{
    must(page >= 0 && page < pdf->count);
    pdf->current = pdf->pages[page];
}

/* To be freed. A sequence that is no UTF-8 becomes a question mark. */
static char *ansi_of(const struct pdf *pdf, const char *text, size_t length)
{
    char *result = alloc_zero(length * 4 + 1, 1); /* a transliteration may be longer: an ellipsis is three dots */
    char *to = result;
    size_t room = length * 4;
    char *from = (char *)(uintptr_t)text; /* iconv reads it only */
    (void)iconv(pdf->to_ansi, NULL, NULL, NULL, NULL);
    while (length > 0 && iconv(pdf->to_ansi, &from, &length, &to, &room) == (size_t)-1 && length > 0 && room > 0) {
        *to++ = '?';
        room--;
        from++;
        length--;
    }
    return result;
}

static float width_of(const struct pdf *pdf, struct pdf_style style, const char *ansi)
{
    HPDF_TextWidth width =
        HPDF_Font_TextWidth(pdf->fonts[style.font], (const HPDF_BYTE *)ansi, (HPDF_UINT)strlen(ansi));
    return (float)width.width * style.size / 1000.0F; /* a font's unit is a thousandth of its size */
}

void pdf_text(struct pdf *pdf, struct pdf_style style, float x, float y, const char *text)
{
    char *ansi = ansi_of(pdf, text, strlen(text));
    (void)HPDF_Page_BeginText(pdf->current);
    (void)HPDF_Page_SetGrayFill(pdf->current, style.gray);
    (void)HPDF_Page_SetFontAndSize(pdf->current, pdf->fonts[style.font], style.size);
    (void)HPDF_Page_TextOut(pdf->current, style.align == PDF_RIGHT ? x - width_of(pdf, style, ansi) : x, y, ansi);
    (void)HPDF_Page_EndText(pdf->current);
    free(ansi);
}

/* The end of the character that begins at position. */
static size_t next_character(const char *text, size_t position)
{
    do {
        position++;
    } while (((unsigned char)text[position] & 0xC0U) == 0x80U);
    return position;
}

static bool is_within(const struct pdf *pdf, struct pdf_style style, const char *text, size_t length, float width)
{
    char *ansi = ansi_of(pdf, text, length);
    bool fits = width_of(pdf, style, ansi) <= width;
    free(ansi);
    return fits;
}

size_t pdf_fit(struct pdf *pdf, struct pdf_style style, const char *text, float width)
{
    size_t length = strlen(text);
    if (is_within(pdf, style, text, length, width))
        return length;
    size_t fits = 0;
    size_t at_blank = 0;
    while (text[fits] != '\0') {
        size_t next = next_character(text, fits);
        if (!is_within(pdf, style, text, next, width) && fits > 0)
            return at_blank > 0 ? at_blank : fits;
        if (text[fits] == ' ')
            at_blank = fits;
        fits = next;
    }
    return fits;
}

void pdf_rule(struct pdf *pdf, float x_from, float x_to, float y, float thickness, float gray)
{
    (void)HPDF_Page_SetGrayStroke(pdf->current, gray);
    (void)HPDF_Page_SetLineWidth(pdf->current, thickness);
    (void)HPDF_Page_MoveTo(pdf->current, x_from, y);
    (void)HPDF_Page_LineTo(pdf->current, x_to, y);
    (void)HPDF_Page_Stroke(pdf->current);
}

enum err_kind pdf_finish(struct pdf *pdf, unsigned char **ret, size_t *ret_length, struct err *reterr)
{
    (void)HPDF_SaveToStream(pdf->document);
    HPDF_UINT32 size = HPDF_GetStreamSize(pdf->document);
    if (HPDF_GetError(pdf->document) != HPDF_OK)
        return err_set(reterr, ERR_INTERNAL, "the PDF document cannot be made: libharu says %#lx, %lu",
                       (unsigned long)HPDF_GetError(pdf->document), (unsigned long)HPDF_GetErrorDetail(pdf->document));
    unsigned char *bytes = alloc_zero(size, 1);
    (void)HPDF_ResetStream(pdf->document);
    (void)HPDF_ReadFromStream(pdf->document, bytes, &size);
    *ret = bytes;
    *ret_length = size;
    return ERR_NONE;
}
