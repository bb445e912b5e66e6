/* Names by identity. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/names.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

void names_put(struct names *names, struct identity id, const char *text)
{
    uint32_t at = idmap_find(&names->by_id, id);
    if (at != IDMAP_NONE && strcmp(names->texts[at], text) == 0)
        return;
    if (at == IDMAP_NONE && names->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 256 : 2 * names->capacity;
        names->texts = alloc_resize(names->texts, names->capacity, sizeof *names->texts);
    }
    if (at == IDMAP_NONE) {
        at = names->count++;
        names->texts[at] = NULL;
        idmap_put(&names->by_id, id, at);
    }
    free(names->texts[at]);
    names->texts[at] = alloc_text(text);
}

const char *names_get(const struct names *names, struct identity id)
{
    uint32_t at = idmap_find(&names->by_id, id);
    return at == IDMAP_NONE ? NULL : names->texts[at];
}

void names_clear(struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++)
        free(names->texts[i]);
    free(names->texts);
    idmap_clear(&names->by_id);
    *names = (struct names){0};
}
