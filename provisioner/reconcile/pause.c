/* Which pause a zone keeps to. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/pause.h"

bool pause_follow(const struct pause *was, const struct pause_wish *wish, int64_t now_s, struct pause_change *ret)
{
    bool is_new = wish->revision != was->wish_revision;
    bool was_on = pause_is_on(was, now_s);
    bool has_ended = was->until_s != 0 && !was_on;
    if (!is_new && !has_ended)
        return false;
    bool is_on = is_new && wish->until_s > now_s;
    int64_t since_s = was_on ? was->since_s : now_s;
    ret->is = (struct pause){.wish_revision = wish->revision,
                             .revision = was->revision + 1,
                             .since_s = is_on ? since_s : 0,
                             .until_s = is_on ? wish->until_s : 0};
    ret->free_was_s = pause_free_s(was, now_s);
    ret->free_is_s = pause_free_s(&ret->is, now_s);
    return true;
}
