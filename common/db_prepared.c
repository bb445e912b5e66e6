/* The statements that a connection knows by name: an open-addressing set. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/db_internal.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>

#define PREPARED_SIZE_MIN 64

static size_t prepared_slot(const struct db_prepared *prepared, const struct db_stmt *stmt)
{
    size_t slot = ((uintptr_t)stmt >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (prepared->size - 1);
    while (prepared->slots[slot].stmt != NULL && prepared->slots[slot].stmt != stmt)
        slot = (slot + 1) & (prepared->size - 1); /* ends: the set is never full */
    return slot;
}

bool db_prepared_has(const struct db_prepared *prepared, const struct db_stmt *stmt)
{
    return prepared->size > 0 && prepared->slots[prepared_slot(prepared, stmt)].stmt == stmt;
}

void db_prepared_add(struct db_prepared *prepared, const struct db_stmt *stmt)
{
    if (2 * (prepared->count + 1) > prepared->size) {
        struct db_prepared grown = {.size = prepared->size == 0 ? PREPARED_SIZE_MIN : 2 * prepared->size};
        grown.slots = alloc_zero(grown.size, sizeof *grown.slots);
        for (size_t i = 0; i < prepared->size; i++) {
            if (prepared->slots[i].stmt != NULL)
                db_prepared_add(&grown, prepared->slots[i].stmt);
        }
        free(prepared->slots);
        *prepared = grown;
    }
    size_t slot = prepared_slot(prepared, stmt);
    must(prepared->slots[slot].stmt == NULL);
    prepared->slots[slot].stmt = stmt;
    prepared->count++;
}

void db_prepared_clear(struct db_prepared *prepared)
{
    if (prepared->size > 0)
        memset(prepared->slots, 0, prepared->size * sizeof *prepared->slots);
    prepared->count = 0;
}
