/* A PDF of text and rules on A4 pages, on libharu: what a printed document needs and no more. The same calls give the
 * same bytes: no dates, no random identifiers.
 *
 * Texts are UTF-8; the fonts are the standard ones of every reader (Windows-1252): a character beyond those becomes the
 * nearest there is, or a question mark. Lengths are points (1/72 inch), from the left and the bottom. One thread per
 * document. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

#include <stddef.h>

struct pdf;

enum pdf_font { PDF_REGULAR, PDF_BOLD, PDF_FONT_COUNT };
enum pdf_align { PDF_LEFT, PDF_RIGHT };

struct pdf_style {
    enum pdf_font font;
    enum pdf_align align;
    float size;
    float gray; /* 0: black */
};

struct pdf *pdf_new(const char *title) __attribute__((returns_nonnull));
void pdf_free(struct pdf *pdf); /* NULL is fine */

/* A new last page, which becomes the current one. */
void pdf_add_page(struct pdf *pdf);
int pdf_page_count(const struct pdf *pdf);
/* Goes back to a page, from 0. */
void pdf_choose_page(struct pdf *pdf, int page);

/* Writes one line; x is its left end or, with PDF_RIGHT, its right one, y the baseline. */
void pdf_text(struct pdf *pdf, struct pdf_style style, float x, float y, const char *text);
/* How many bytes of the text fit into the width, cut at a blank where there is one; all of a text that fits. At least
 * one of a text that is not empty; never within a character. */
size_t pdf_fit(struct pdf *pdf, struct pdf_style style, const char *text, float width);
/* A horizontal rule. */
void pdf_rule(struct pdf *pdf, float x_from, float x_to, float y, float thickness, float gray);

/* The document's bytes, to be freed. What went wrong anywhere before is told here. */
MUST_CHECK enum err_kind pdf_finish(struct pdf *pdf, unsigned char **ret, size_t *ret_length, struct err *reterr);
