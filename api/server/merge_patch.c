/* RFC 7396, section 2. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/merge_patch.h"

#include "common/must.h"

void merge_patch(json_t *target, json_t *patch)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(patch, name, value)
    {
        json_t *present = json_object_get(target, name);
        if (json_is_null(value)) {
            (void)json_object_del(target, name);
        } else if (!json_is_object(value)) {
            must(json_object_set(target, name, value) == 0);
        } else {
            if (!json_is_object(present)) {
                present = json_object();
                must(json_object_set_new(target, name, present) == 0);
            }
            merge_patch(present, value);
        }
    }
}
