/* What the readers of values share: where one goes, and what may be wrong with it. Nobody but field_read*.c includes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/field.h"

/* Where one value goes, and what to call it in a problem. */
struct field_place {
    const struct field *field;
    const char *pointer;
    void *target; /* the member */
    struct field_problems *problems;
    enum field_mode mode;
};

void field_wrong_type(const struct field_place *place, const char *wanted);

/* ---- field_read_text.c ---- */

/* Has a text of its own: in a query, as a default. */
bool field_type_has_text(enum field_type type);
/* The type has one. A problem is noted, then nothing is set. */
void field_read_value_text(const struct field_place *place, const char *text);
/* One text, within the field's length and pattern, whatever the field's type. */
void field_read_plain_text(const struct field_place *place, const char *text);
void field_read_time(const struct field_place *place, const char *text);
void field_read_number(const struct field_place *place, int64_t value);
/* In micro-units; false with a problem at the pointer. */
bool field_read_amount(const struct field_place *place, const char *pointer, const char *text, int64_t *ret_u);

/* ---- field_read_value.c ---- */

/* Any type but objects and lists of them. */
void field_read_value(const struct field_place *place, json_t *value);
/* As many entries as the field may have; false with a problem. */
bool field_has_entries(const struct field_place *place, size_t count);
