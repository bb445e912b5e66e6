/* Reading columns, and numbers as parameters. Apart from the connection, so that a unit test can make its own rows
 * and its own db_run. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db.h"
#include "common/must.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *db_text(const PGresult *result, int row, int column)
{
    must(row >= 0 && row < PQntuples(result));
    must(column >= 0 && column < PQnfields(result));
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

static bool is_binary(const PGresult *result, int column)
{
    return PQfformat(result, column) == 1;
}

/* A number in network order; a negative one of fewer than eight bytes is widened by its sign. */
static int64_t number_of(const char *bytes, int size)
{
    must(size == 2 || size == 4 || size == 8); /* the column is an integer */
    uint64_t value = (bytes[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | (uint8_t)bytes[i];
    return (int64_t)value;
}

int64_t db_int(const PGresult *result, int row, int column, int64_t if_null)
{
    const char *text = db_text(result, row, column);
    if (text == NULL)
        return if_null;
    if (is_binary(result, column))
        return number_of(text, PQgetlength(result, row, column));
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    must(errno == 0 && end != text && *end == '\0'); /* the column is an integer */
    return value;
}

uint64_t db_xid(const PGresult *result, int row, int column)
{
    const char *text = db_text(result, row, column);
    must(text != NULL);
    if (is_binary(result, column))
        return (uint64_t)number_of(text, PQgetlength(result, row, column));
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    must(errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0'); /* the column is an xid8 */
    return value;
}

bool db_bool(const PGresult *result, int row, int column)
{
    const char *text = db_text(result, row, column);
    if (text == NULL)
        return false;
    if (is_binary(result, column)) {
        must(PQgetlength(result, row, column) == 1); /* the column is a boolean */
        return text[0] != 0;
    }
    must(strcmp(text, "t") == 0 || strcmp(text, "f") == 0); /* the column is a boolean */
    return text[0] == 't';
}

struct identity db_identity(const PGresult *result, int row, int column)
{
    const char *text = db_text(result, row, column);
    must(text != NULL);
    struct identity id = {0};
    if (is_binary(result, column)) {
        must(PQgetlength(result, row, column) == (int)sizeof id.bytes); /* the column is a uuid */
        memcpy(id.bytes, text, sizeof id.bytes);
    } else {
        must(identity_from_uuid(text, &id, NULL) == ERR_NONE); /* the column is a uuid */
    }
    return id;
}

const char *db_int_param(char buffer[static DB_INT_TEXT_SIZE], int64_t value)
{
    (void)snprintf(buffer, DB_INT_TEXT_SIZE, "%" PRId64, value); /* 20 characters at most */
    return buffer;
}

int db_run_end(const PGresult *rows, int first, int last_column)
{
    int end = first + 1;
    for (; end < PQntuples(rows); end++) {
        for (int column = 0; column <= last_column; column++) {
            if (strcmp(PQgetvalue(rows, end, column), PQgetvalue(rows, first, column)) != 0)
                return end;
        }
    }
    return end;
}
