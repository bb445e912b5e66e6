/* Prints the SQL of one of the API's statements, so that a baseline asks just what the API asks: statement NAME. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/registry.h"
#include "api/server/route.h"
#include "common/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct db_stmt *find(const char *name)
{
    for (const struct resource *const *resource = registry; *resource != NULL; resource++) {
        const struct db_stmt *const *each = (*resource)->statements;
        for (; each != NULL && *each != NULL; each++) {
            if (strcmp((*each)->name, name) == 0)
                return *each;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct db_stmt *stmt = argc == 2 ? find(argv[1]) : NULL;
    if (stmt == NULL) {
        fprintf(stderr, "statement: name one of the API's statements\n");
        return EXIT_FAILURE;
    }
    puts(stmt->sql);
    return EXIT_SUCCESS;
}
