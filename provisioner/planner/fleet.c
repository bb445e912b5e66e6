/* The fleet: nodes, the groups that they are in (NVLink domains, racks, leaves, fabrics, zones), and the lists of nodes
 * by GPU model. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

#include <string.h>

uint32_t model_find(const struct planner *planner, const char *name)
{
    for (uint32_t i = 0; i < planner->model_count; i++) {
        if (strcmp(planner->models[i].name, name) == 0)
            return i;
    }
    return NONE;
}

static uint32_t model_put(struct planner *planner, const char *name)
{
    uint32_t found = model_find(planner, name);
    if (found != NONE)
        return found;
    ARRAY_RESERVE(planner->models, planner->model_room, planner->model_count + 1);
    struct model *model = &planner->models[planner->model_count];
    *model = (struct model){0};
    memcpy(model->name, name, strlen(name) + 1);
    return planner->model_count++;
}

static const char *node_wrong(const struct planner_node *node)
{
    if (id_is_none(node->id))
        return "the node has no id";
    if (memchr(node->gpu_model, 0, sizeof node->gpu_model) == NULL)
        return "the name of the GPU model is too long";
    if (node->gpus > PLANNER_NODE_GPUS_MAX)
        return "the node has more GPUs than a node can have";
    if ((unsigned)node->grouping >= PLANNER_GROUPING_COUNT)
        return "the grouping of the GPUs is unknown";
    if (node->cpu_milli < 0 || node->memory_mib < 0)
        return "CPU or memory is negative";
    if (node->turnaround_s < 0 || node->turnaround_s > PLANNER_INSTANT_MAX)
        return "the turnaround is out of range";
    return NULL;
}

/* A change must leave room for what the node already holds. */
static const char *change_wrong(const struct node *old, const struct planner_node *node)
{
    if (old->spec.gpus != node->gpus || strcmp(old->spec.gpu_model, node->gpu_model) != 0)
        return "a node's GPUs and their model stay what they are";
    for (uint32_t i = 0; i < old->hold_count; i++) {
        int64_t cpu_milli;
        int64_t memory_mib;
        timeline_peak(old, old->holds[i].from, old->holds[i].from + 1, &cpu_milli, &memory_mib);
        if (cpu_milli > node->cpu_milli || memory_mib > node->memory_mib)
            return "the node holds more CPU or memory than it would have";
    }
    return NULL;
}

/* An unknown group holds no more than the next tighter one does: groups lie within one another, whatever is known. */
static bool groups_set(struct planner *planner, struct node *node)
{
    const struct planner_id ids[LEVELS] = {
        [PLANNER_NODE] = node->spec.id,       [PLANNER_NVLINK_DOMAIN] = node->spec.nvlink_domain,
        [PLANNER_RACK] = node->spec.rack,     [PLANNER_LEAF] = node->spec.leaf,
        [PLANNER_FABRIC] = node->spec.fabric, [PLANNER_ZONE] = node->spec.zone,
    };
    bool changed = false;
    struct planner_id known = node->spec.id;
    for (uint32_t level = 0; level < LEVELS; level++) {
        known = id_is_none(ids[level]) ? known : ids[level];
        uint32_t group = id_put(&planner->groups[level], known);
        changed |= group != node->groups[level];
        node->groups[level] = group;
    }
    return changed;
}

/* What can be asked of it: nothing where it is put aside, for a while or for good. */
static int64_t open_milli(const struct planner_node *spec)
{
    return spec->cordoned ? 0 : (int64_t)spec->gpus * PLANNER_GPU_MILLI;
}

const char *planner_node_put(struct planner *planner, const struct planner_node *spec)
{
    must(!planner->batch);
    const char *wrong = node_wrong(spec);
    if (wrong != NULL)
        return wrong;
    uint32_t index = id_find(&planner->node_ids, spec->id);
    if (index != NONE) {
        wrong = change_wrong(&planner->nodes[index], spec);
        if (wrong != NULL)
            return wrong;
        struct node *node = &planner->nodes[index];
        planner->models[node->model].gpu_milli += open_milli(spec) - open_milli(&node->spec);
        node->spec = *spec;
        if (groups_set(planner, node))
            unseat(planner, node);
        seat_mark(planner, node);
        return NULL;
    }

    index = id_put(&planner->node_ids, spec->id);
    must(index == planner->node_count);
    ARRAY_RESERVE(planner->nodes, planner->node_room, planner->node_count + 1);
    uint32_t model_index = model_put(planner, spec->gpu_model);
    struct model *model = &planner->models[model_index];
    planner->nodes[index] = (struct node){.spec = *spec, .model = model_index, .column = NONE};
    planner->node_count++;
    ARRAY_RESERVE(planner->over_next, planner->over_room, planner->node_count);
    planner->over_next[index] = INT64_MAX;
    ARRAY_RESERVE(model->nodes, model->node_room, model->node_count + 1);
    model->nodes[model->node_count++] = index;
    if (spec->gpus > model->gpus_max)
        model->gpus_max = spec->gpus;
    model->gpu_milli += open_milli(spec);
    (void)groups_set(planner, &planner->nodes[index]); /* it has no seat yet that could be wrong */
    unseat(planner, &planner->nodes[index]);
    return NULL;
}

const struct planner_node *planner_node_get(const struct planner *planner, struct planner_id id)
{
    uint32_t index = id_find(&planner->node_ids, id);
    return index == NONE ? NULL : &planner->nodes[index].spec;
}

uint32_t planner_node_count(const struct planner *planner)
{
    return planner->node_count;
}
