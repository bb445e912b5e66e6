/* Nodes that come and nodes that go, on a copy of the planner. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/question/simulate.h"

#include <string.h>

/* Ids of what only exists here: a number and otherwise zero, as no UUID is. */
static struct planner_id made_up(uint32_t kind, uint64_t number)
{
    struct planner_id id = {0};
    memcpy(id.bytes, &kind, sizeof kind);
    memcpy(id.bytes + 8, &number, sizeof number);
    return id;
}
enum { MADE_UP_NODE = 1, MADE_UP_RACK, MADE_UP_FABRIC };

static struct planner_id fabric_of(const struct simulate_addition *addition, uint64_t line)
{
    return identity_is_nil(addition->fabric) ? made_up(MADE_UP_FABRIC, line) : planner_id_of(addition->fabric);
}

static const char *read_addition(const struct simulate_addition *addition, uint64_t line,
                                 const struct question_view *view, struct planner_node *ret)
{
    int grouping = addition->grouping == NULL ? PLANNER_ANY : planner_grouping_of_text(addition->grouping);
    if (grouping < 0)
        return "unknown grouping";
    if (strlen(addition->gpu_model) >= sizeof ret->gpu_model)
        return "the GPU model's name is too long";
    *ret = (struct planner_node){
        .zone = planner_id_of(view->world->zone->id),
        .fabric = fabric_of(addition, line),
        .gpus = (uint32_t)addition->gpus,
        .grouping = (enum planner_grouping)grouping,
        .cpu_milli = addition->cpu_milli,
        .memory_mib = addition->memory_mib,
        .turnaround_s = addition->turnaround_s,
        .plannable_until = PLANNER_OPEN,
    };
    memcpy(ret->gpu_model, addition->gpu_model, strlen(addition->gpu_model) + 1);
    return NULL;
}

/* Rack by rack; each rack is a leaf by itself. */
static const char *add_line(struct planner *planner, const struct simulate_addition *addition, uint64_t line,
                            uint64_t *made, const struct question_view *view)
{
    struct planner_node node;
    const char *wrong = read_addition(addition, line, view, &node);
    for (int64_t i = 0; i < addition->count && wrong == NULL; i++) {
        if (++*made > SIMULATE_NODES_MAX)
            return "more nodes than one simulation takes";
        node.id = made_up(MADE_UP_NODE, *made);
        node.rack = made_up(MADE_UP_RACK, line << 32 | (uint64_t)(i / addition->nodes_per_rack));
        node.leaf = node.rack;
        wrong = planner_node_put(planner, &node);
    }
    return wrong;
}

const char *simulate_add(struct planner *planner, const struct simulate *question, const struct question_view *view)
{
    const struct simulate_addition *additions = question->additions.items;
    const char *wrong = NULL;
    uint64_t made = 0;
    for (uint32_t i = 0; i < question->additions.count && wrong == NULL; i++)
        wrong = add_line(planner, &additions[i], i + 1, &made, view);
    return wrong;
}

void simulate_nodes(const struct simulate *question, struct world *world)
{
    const struct simulate_addition *additions = question->additions.items;
    uint32_t count = question->additions.count;
    if (count == 0)
        return;
    struct node *nodes = arena_alloc(world->arena, (world->node_count + count) * sizeof *nodes);
    if (world->node_count > 0)
        memcpy(nodes, world->nodes, world->node_count * sizeof *nodes);
    for (uint32_t i = 0; i < count; i++) {
        struct planner_node *spec = &nodes[world->node_count + i].spec;
        memcpy(spec->gpu_model, additions[i].gpu_model, strlen(additions[i].gpu_model) + 1); /* it was measured */
        spec->gpus = (uint32_t)additions[i].gpus;
    }
    world->nodes = nodes;
    world->node_count += count;
}

json_t *simulate_displaced(const struct planner_key *key, struct planner_id node, const char *cause, int64_t ends_s)
{
    char reservation[UUID_TEXT_SIZE], where[UUID_TEXT_SIZE];
    identity_to_uuid(identity_of(key->reservation), reservation);
    identity_to_uuid(identity_of(node), where);
    return json_pack("{s:s, s:I, s:s, s:s, s:I}", "reservation", reservation, "ordinal", (json_int_t)key->ordinal,
                     "node", where, "cause", cause, "ends_s", (json_int_t)ends_s);
}

static const char *take_out(struct planner *planner, struct planner_id id)
{
    const struct planner_node *known = planner_node_get(planner, id);
    if (known == NULL)
        return "an unknown node";
    struct planner_node node = *known;
    node.cordoned = true;
    return planner_node_put(planner, &node);
}

/* What holds the node now or later: elsewhere if there is room, else nowhere. */
static void clear(struct planner *planner, struct planner_id node, const struct question_view *view, json_t *displaced,
                  int64_t *moved)
{
    uint32_t count = 0;
    int64_t now_s = view->world->now_s;
    const struct planner_allocation *hits = planner_hits(planner, node, now_s, PLANNER_OPEN, &count);
    struct planner_key *keys = arena_alloc(view->arena, (count + 1) * sizeof *keys);
    for (uint32_t i = 0; i < count; i++) /* hits go with the next call */
        keys[i] = hits[i].key;
    for (uint32_t i = 0; i < count; i++) {
        struct planner_replacement replacement = {.key = keys[i], .now = now_s, .scope = PLANNER_ZONE};
        struct planner_verdict verdict = {0};
        if (planner_replace(planner, &replacement, &verdict) && verdict.placed) {
            ++*moved;
            continue;
        }
        (void)planner_cut(planner, &keys[i], now_s); /* it holds something: it was hit */
        json_array_append_new(displaced, simulate_displaced(&keys[i], node, "node_removed", now_s));
    }
}

const char *simulate_remove(struct planner *planner, const struct simulate *question, const struct question_view *view,
                            json_t *displaced, int64_t *ret_moved)
{
    const struct simulate_removal *removals = question->removals.items;
    const char *wrong = NULL;
    *ret_moved = 0;
    for (uint32_t i = 0; i < question->removals.count && wrong == NULL; i++) /* first all: nobody moves onto one */
        wrong = take_out(planner, planner_id_of(removals[i].node));
    for (uint32_t i = 0; i < question->removals.count && wrong == NULL; i++)
        clear(planner, planner_id_of(removals[i].node), view, displaced, ret_moved);
    return wrong;
}
