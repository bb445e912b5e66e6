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

int64_t db_int(const PGresult *result, int row, int column, int64_t if_null)
{
    const char *text = db_text(result, row, column);
    if (text == NULL)
        return if_null;
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
    must(strcmp(text, "t") == 0 || strcmp(text, "f") == 0); /* the column is a boolean */
    return text[0] == 't';
}

struct identity db_identity(const PGresult *result, int row, int column)
{
    const char *text = db_text(result, row, column);
    must(text != NULL);
    struct identity id = {0};
    must(identity_from_uuid(text, &id, NULL) == ERR_NONE); /* the column is a uuid */
    return id;
}

const char *db_int_param(char buffer[static DB_INT_TEXT_SIZE], int64_t value)
{
    (void)snprintf(buffer, DB_INT_TEXT_SIZE, "%" PRId64, value); /* 20 characters at most */
    return buffer;
}
