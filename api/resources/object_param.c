/* Any typed identifier becomes its UUID. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resources/object_param.h"

enum err_kind object_param_read(struct request *request, const char *text, const char **ret, struct err *reterr)
{
    struct identity id;
    struct err ignored = {0};
    *ret = NULL;
    if (text == NULL)
        return ERR_NONE;
    if (identity_from_any(text, &id, &ignored) != ERR_NONE) {
        field_problem_add(&request->problems, "?object", "wrong_type", "must be the id of an object");
        return request_invalid(request, reterr);
    }
    char *uuid = arena_alloc(request->arena, UUID_TEXT_SIZE);
    identity_to_uuid(id, uuid);
    *ret = uuid;
    return ERR_NONE;
}
