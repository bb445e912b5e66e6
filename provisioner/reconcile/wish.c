/* A wish as it could be posted again: the part of an alternative's body that stays as it was; and its texts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/wish.h"
#include "provisioner/reconcile/json_text.h"
#include "provisioner/reconcile/world.h"

#include "common/text_find.h"

#include <inttypes.h>

enum wish_if_unavailable wish_if_unavailable_of(const char *text)
{
    static const char *const texts[] = {
#define X(value, text) [value] = (text),
        WISH_IF_UNAVAILABLE(X)
#undef X
    };
    return (enum wish_if_unavailable)text_find(texts, COUNT_OF(texts), text);
}

static const char *member(struct arena *arena, const char *name, const char *text)
{
    return text == NULL ? "" : arena_format(arena, ",\"%s\":%s", name, json_text(arena, text));
}

static const char *models_json(struct arena *arena, const struct wish *wish)
{
    const char *models = "";
    for (uint32_t i = 0; i < wish->gpu_model_count; i++)
        models = arena_format(arena, "%s%s%s", models, i == 0 ? "" : ",", json_text(arena, wish->gpu_models[i]));
    return models;
}

/* What each instance is: a type by its name, or a shape of the tenant's own. */
static const char *instance_members(struct arena *arena, const struct wish *wish)
{
    if (wish->posted->instance_type != NULL)
        return member(arena, "instance_type", wish->posted->instance_type);
    bool is_share = wish->shape.gpus == 0;
    return arena_format(arena,
                        ",\"shape\":{\"%s\":%" PRIu32 ",\"gpu_models\":[%s],\"cpu_milli\":%" PRId64
                        ",\"memory_mib\":%" PRId64 "}",
                        is_share ? "gpu_milli" : "gpus", is_share ? wish->shape.gpu_milli : wish->shape.gpus,
                        models_json(arena, wish), wish->shape.cpu_milli, wish->shape.memory_mib);
}

const char *wish_body(struct arena *arena, const struct zone_terms *zone, const struct wish *wish)
{
    const struct wish_posted *posted = wish->posted;
    const char *ttl = posted->quote_ttl_s == 0 ? "" : arena_format(arena, ",\"ttl_s\":%" PRId64, posted->quote_ttl_s);
    return arena_format(
        arena, "{\"zone\":%s%s%s%s%s%s%s%s,\"labels\":%s%s%s%s", json_text(arena, zone->name),
        member(arena, "project", wish->project), member(arena, "name", posted->name), instance_members(arena, wish),
        member(arena, "tier", wish->tier), member(arena, "if_unavailable", posted->if_unavailable),
        member(arena, "image", posted->image), member(arena, "user_data", posted->user_data), posted->labels,
        posted->ssh_keys == NULL ? "" : ",\"ssh_keys\":", posted->ssh_keys == NULL ? "" : posted->ssh_keys, ttl);
}
