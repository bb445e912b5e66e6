/* What tenants ask of their instances: which of it can be done as things stand, and what became of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/reconcile/instance.h"

/* Why it is not so, by the state in which the instance is instead: codes of docs/errors.md. */
static const char *const reasons[INSTANCE_STATE_COUNT] = {
    [INSTANCE_PLANNED] = "instance_not_running", [INSTANCE_PROVISIONING] = "instance_not_running",
    [INSTANCE_RUNNING] = "instance_not_stopped", [INSTANCE_REPLACING] = "instance_not_running",
    [INSTANCE_STOPPING] = "instance_ended",      [INSTANCE_TERMINATED] = "instance_ended",
    [INSTANCE_FAILED] = "instance_ended",        [INSTANCE_HALTING] = "action_under_way",
    [INSTANCE_STOPPED] = "instance_not_running", [INSTANCE_STARTING] = "action_under_way",
};

static const char *const state_texts[] = {
    [ACTION_PENDING] = "pending", [ACTION_DONE] = "done", [ACTION_REFUSED] = "refused", [ACTION_FAILED] = "failed"};

static const char *const kind_texts[] = {[ACTION_STOP] = "stop", [ACTION_START] = "start", [ACTION_REBOOT] = "reboot"};

const char *action_state_text(enum action_state state)
{
    return state_texts[state];
}

const char *action_kind_text(enum action_kind kind)
{
    return kind_texts[kind];
}

static bool is_open(const struct instance *instance)
{
    return instance->action != NULL && instance->action->state == ACTION_PENDING;
}

bool instance_is_asked(const struct instance *instance, enum action_kind kind)
{
    return is_open(instance) && !instance->action->begun && instance->action->kind == kind;
}

void instance_begin_action(struct instance *instance)
{
    if (!is_open(instance))
        return; /* it runs though it is to be down: nobody asked again */
    instance->action->begun = true;
    instance->has_begun = true;
    instance->begun = instance->action->id;
    instance->stop_wished = instance->action->kind == ACTION_STOP;
}

static void conclude(struct instance *instance, enum action_state state, const char *reason)
{
    struct action *action = instance->action;
    struct world *world = instance->reservation->world;
    char id[UUID_TEXT_SIZE];
    identity_to_uuid(instance->id, id);
    const char *quote = reason == NULL ? "" : "\"";
    action->state = state;
    action->reason = reason;
    world_record(world, &(struct event_record){
                            .tenant = &instance->reservation->wish.tenant,
                            .object_type = "instance_action",
                            .object = action->id,
                            .revision = 1,
                            .kind = arena_format(world->arena, "instance_action.%s", state_texts[state]),
                            .payload = arena_format(
                                world->arena, "{\"instance_id\":\"%s\",\"action\":\"%s\",\"reason\":%s%s%s}", id,
                                kind_texts[action->kind], quote, reason == NULL ? "null" : reason, quote),
                            .occurred_at_s = world->now_s,
                        });
}

void instance_action_done(struct instance *instance)
{
    if (is_open(instance) && instance->action->begun)
        conclude(instance, ACTION_DONE, NULL);
}

static bool is_over(const struct instance *instance)
{
    return reasons[instance->is.state] == reasons[INSTANCE_TERMINATED];
}

/* Of one that was begun and is no longer carried out: it would not go down, or its node failed, or its window ended.
 * What is to be down is so, too, where its node is gone. */
static void conclude_begun(struct instance *instance)
{
    bool runs = instance->is.state == INSTANCE_RUNNING;
    if (is_over(instance))
        conclude(instance, ACTION_FAILED, "instance_ended");
    else if (instance->action->kind == ACTION_STOP && !runs)
        conclude(instance, ACTION_DONE, NULL);
    else
        conclude(instance, ACTION_FAILED, runs ? "action_timed_out" : "node_failed");
}

void instance_settle_action(struct instance *instance)
{
    if (!is_open(instance))
        return;
    int state = instance->is.state;
    bool is_carried_out = state == INSTANCE_HALTING || state == INSTANCE_STARTING;
    bool is_to_come = instance->is_held && !instance->action->begun;
    if (is_to_come || (instance->action->begun && is_carried_out))
        return;
    if (instance->action->begun)
        conclude_begun(instance);
    else
        conclude(instance, ACTION_REFUSED,
                 is_over(instance) && instance_gave_way(instance) ? "instance_preempted" : reasons[state]);
}
