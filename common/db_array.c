/* The text of an array parameter, as PostgreSQL reads it: {"a","say \"b\"",NULL,7}. Every text stands in quotes, so
 * that none is taken for NULL or for a separator. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/db.h"
#include "common/must.h"

#include <string.h>

#define ARRAY_CAPACITY_MIN 256

static void reserve(struct db_array *array, size_t more)
{
    if (array->capacity - array->length >= more)
        return;
    size_t capacity = array->capacity == 0 ? ARRAY_CAPACITY_MIN : array->capacity;
    while (capacity - array->length < more) {
        must(capacity <= SIZE_MAX / 2);
        capacity *= 2;
    }
    array->text = alloc_resize(array->text, capacity, 1);
    array->capacity = capacity;
}

static void add(struct db_array *array, const char *text, size_t length)
{
    reserve(array, length);
    memcpy(array->text + array->length, text, length);
    array->length += length;
}

/* The brace or comma before an element. An array that was closed takes no more. */
static void next_element(struct db_array *array)
{
    must(array->length == 0 || array->text[array->length - 1] != '\0');
    add(array, array->count == 0 ? "{" : ",", 1);
    array->count++;
}

void db_array_text(struct db_array *array, const char *value)
{
    next_element(array);
    if (value == NULL) {
        add(array, "NULL", 4);
        array->nulls++;
        return;
    }
    size_t length = strlen(value);
    reserve(array, 2 * length + 2); /* every character may need a backslash */
    char *end = array->text + array->length;
    *end++ = '"';
    for (const char *next = value; *next != '\0'; next++) {
        if (*next == '"' || *next == '\\')
            *end++ = '\\';
        *end++ = *next;
    }
    *end++ = '"';
    array->length = (size_t)(end - array->text);
}

void db_array_int(struct db_array *array, int64_t value)
{
    char text[DB_INT_TEXT_SIZE];
    next_element(array);
    (void)db_int_param(text, value);
    add(array, text, strlen(text));
}

void db_array_bool(struct db_array *array, bool value)
{
    next_element(array);
    add(array, value ? "t" : "f", 1);
}

void db_array_identity(struct db_array *array, struct identity id)
{
    char text[UUID_TEXT_SIZE];
    next_element(array);
    identity_to_uuid(id, text);
    add(array, text, UUID_TEXT_SIZE - 1);
}

void db_array_int_or_null(struct db_array *array, int64_t value, int64_t null)
{
    if (value != null)
        db_array_int(array, value);
    else
        db_array_text(array, NULL);
}

void db_array_identity_or_null(struct db_array *array, const struct identity *id_or_null)
{
    if (id_or_null != NULL)
        db_array_identity(array, *id_or_null);
    else
        db_array_text(array, NULL);
}

const char *db_array_param(struct db_array *array)
{
    bool closed = array->length > 0 && array->text[array->length - 1] == '\0';
    if (closed)
        return array->text;
    if (array->count == 0)
        add(array, "{", 1);
    add(array, "}", 2); /* with its 0 */
    return array->text;
}

const char *db_array_column(struct db_array *array)
{
    return array->nulls == array->count ? NULL : db_array_param(array);
}

void db_array_clear(struct db_array *array)
{
    free(array->text);
    *array = (struct db_array){0};
}
