/* An array in the binary format of PostgreSQL (array_recv): how many dimensions, whether there are nulls, the type of
 * the elements, how many and from which index on; then each as its length and its bytes. All in network order. The
 * server refuses an array whose type is not the parameter's own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db_column.h"

#include "common/alloc.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 1024
#define COLUMN_MAGIC 0x436f6c75U

/* Types by their number in PostgreSQL's catalog (pg_type.dat); those of built-in types never change. */
enum type {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_UUID = 2950,
    TYPE_JSONB = 3802,
};

/* What stands before a parameter, and tells its length to who sends it. */
struct head {
    uint32_t magic;
    int32_t length; /* of the array, in bytes */
};

enum { ARRAY_DIMENSIONS, ARRAY_HAS_NULLS, ARRAY_TYPE, ARRAY_SIZE, ARRAY_FIRST_INDEX, ARRAY_WORDS };
#define ARRAY_HEADER (ARRAY_WORDS * sizeof(uint32_t))

static void put_32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_64(uint8_t *at, uint64_t value)
{
    put_32(at, (uint32_t)(value >> 32));
    put_32(at + 4, (uint32_t)value);
}

static void reserve(struct db_column *column, size_t more)
{
    if (column->capacity - column->length >= more)
        return;
    size_t capacity = column->capacity == 0 ? CAPACITY_MIN : column->capacity;
    while (capacity - column->length < more) {
        must(capacity <= INT32_MAX / 2);
        capacity *= 2;
    }
    column->bytes = alloc_resize(column->bytes, capacity, 1);
    column->capacity = capacity;
}

/* Room for an element behind its length. */
static uint8_t *add(struct db_column *column, uint32_t length_word, size_t size)
{
    must(!column->is_closed);
    if (column->length == 0) {
        reserve(column, sizeof(struct head) + ARRAY_HEADER);
        column->length = sizeof(struct head) + ARRAY_HEADER;
    }
    reserve(column, sizeof(uint32_t) + size);
    uint8_t *at = column->bytes + column->length;
    put_32(at, length_word);
    column->length += sizeof(uint32_t) + size;
    column->count++;
    return at + sizeof(uint32_t);
}

static uint8_t *add_value(struct db_column *column, enum type type, size_t size)
{
    must(column->type == 0 || column->type == (uint32_t)type);
    must(size <= INT32_MAX);
    column->type = (uint32_t)type;
    return add(column, (uint32_t)size, size);
}

void db_column_null(struct db_column *column)
{
    (void)add(column, UINT32_MAX, 0);
    column->nulls++;
}

void db_column_bool(struct db_column *column, bool value)
{
    *add_value(column, TYPE_BOOL, 1) = value ? 1 : 0;
}

void db_column_int4(struct db_column *column, int64_t value)
{
    must(value >= INT32_MIN && value <= INT32_MAX);
    put_32(add_value(column, TYPE_INT4, 4), (uint32_t)value);
}

void db_column_int8(struct db_column *column, int64_t value)
{
    put_64(add_value(column, TYPE_INT8, 8), (uint64_t)value);
}

void db_column_int4_or_null(struct db_column *column, int64_t value, int64_t null)
{
    if (value != null)
        db_column_int4(column, value);
    else
        db_column_null(column);
}

void db_column_int8_or_null(struct db_column *column, int64_t value, int64_t null)
{
    if (value != null)
        db_column_int8(column, value);
    else
        db_column_null(column);
}

void db_column_identity(struct db_column *column, struct identity id)
{
    memcpy(add_value(column, TYPE_UUID, sizeof id.bytes), id.bytes, sizeof id.bytes);
}

void db_column_identity_or_null(struct db_column *column, const struct identity *id_or_null)
{
    if (id_or_null != NULL)
        db_column_identity(column, *id_or_null);
    else
        db_column_null(column);
}

void db_column_uuid(struct db_column *column, const char *text)
{
    struct identity id = {0};
    if (text == NULL) {
        db_column_null(column);
        return;
    }
    must(identity_from_uuid(text, &id, NULL) == ERR_NONE);
    db_column_identity(column, id);
}

void db_column_text(struct db_column *column, const char *text)
{
    if (text == NULL) {
        db_column_null(column);
        return;
    }
    size_t length = strlen(text);
    memcpy(add_value(column, TYPE_TEXT, length), text, length);
}

/* jsonb_recv: the version of the format, 1, and the text. */
void db_column_jsonb(struct db_column *column, const char *text)
{
    if (text == NULL) {
        db_column_null(column);
        return;
    }
    size_t length = strlen(text);
    uint8_t *at = add_value(column, TYPE_JSONB, length + 1);
    at[0] = 1;
    memcpy(at + 1, text, length);
}

void db_column_bytes(struct db_column *column, const uint8_t *bytes, size_t size)
{
    uint8_t *value = add_value(column, TYPE_BYTEA, size);
    if (size > 0) /* bytes may be NULL then */
        memcpy(value, bytes, size);
}

const char *db_column_param(struct db_column *column)
{
    if (column->count == column->nulls)
        return NULL;
    uint8_t *array = column->bytes + sizeof(struct head);
    struct head head = {.magic = COLUMN_MAGIC, .length = (int32_t)(column->length - sizeof head)};
    memcpy(column->bytes, &head, sizeof head);
    put_32(array + 4 * ARRAY_DIMENSIONS, 1);
    put_32(array + 4 * ARRAY_HAS_NULLS, column->nulls > 0);
    put_32(array + 4 * ARRAY_TYPE, column->type);
    put_32(array + 4 * ARRAY_SIZE, (uint32_t)column->count);
    put_32(array + 4 * ARRAY_FIRST_INDEX, 1);
    column->is_closed = true;
    return (const char *)array;
}

void db_column_clear(struct db_column *column)
{
    free(column->bytes);
    *column = (struct db_column){0};
}

size_t db_column_length(const char *param)
{
    struct head head;
    memcpy(&head, param - sizeof head, sizeof head);
    must(head.magic == COLUMN_MAGIC);
    return (size_t)head.length;
}

const char *db_column_copy(const char *param, struct arena *arena)
{
    size_t size = sizeof(struct head) + db_column_length(param);
    char *copy = arena_alloc(arena, size);
    memcpy(copy, param - sizeof(struct head), size);
    return copy + sizeof(struct head);
}
