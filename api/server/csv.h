/* A list as CSV (RFC 4180): a column per field of its table, nested ones with dots, a header row, CRLF. What a
 * spreadsheet would take for a formula gets an apostrophe in front. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/field.h"

/* Whether spreadsheets compute a text that begins so. */
bool csv_is_formula(const char *text);
void csv_head(const struct field *fields, struct json_out *out);
void csv_row(const struct field *fields, const json_t *object, struct json_out *out);
