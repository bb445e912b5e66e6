/* A merge patch gives what the pseudo-code of RFC 7396 gives, written anew here; twice the same patch is once; and the
 * patch stays what it was.
 *
 * Input: the target, a line feed, the patch; both JSON objects, the target without nulls, as the API's callers give it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/merge_patch.h"

#include "common/cleanup.h"
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

static void json_freep(json_t **json)
{
    json_decref(*json);
}

/* MergePatch(Target, Patch) of section 2, as a function: neither argument is changed. Both may be anything. */
static json_t *expected(json_t *target, json_t *patch)
{
    if (!json_is_object(patch))
        return json_deep_copy(patch);
    json_t *merged = json_object();
    const char *name = NULL;
    json_t *value = NULL;
    if (json_is_object(target)) {
        json_object_foreach(target, name, value)
        {
            if (json_object_get(patch, name) == NULL)
                must(json_object_set_new(merged, name, json_deep_copy(value)) == 0);
        }
    }
    json_object_foreach(patch, name, value)
    {
        if (!json_is_null(value))
            must(json_object_set_new(merged, name, expected(json_object_get(target, name), value)) == 0);
    }
    return merged;
}

static json_t *load(const char *text)
{
    json_error_t error;
    return text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    char *rest = text;
    CLEANUP(json_freep) json_t *target = load(input_part(&rest, "\n"));
    CLEANUP(json_freep) json_t *patch = load(rest);
    if (!json_is_object(target) || !json_is_object(patch))
        return 0;
    CLEANUP(json_freep) json_t *patch_before = json_deep_copy(patch);
    CLEANUP(json_freep) json_t *wanted = expected(target, patch);
    merge_patch(target, patch);
    must(json_equal(target, wanted) == 1);
    must(json_equal(patch, patch_before) == 1);
    merge_patch(target, patch);
    must(json_equal(target, wanted) == 1);
    return 0;
}
