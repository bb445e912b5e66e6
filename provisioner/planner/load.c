/* Taking in what exists, on rebuild, and forgetting what is over. What comes from the database is input: it is
 * checked, and refused with a reason. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/internal.h"

static const char *rectangle_wrong(const struct planner_rectangle *rectangle, uint32_t gpus, bool share)
{
    int32_t size = rectangle->slots_to - rectangle->slots_from;
    if (rectangle->slots_from < 0 || size <= 0 || rectangle->slots_to > (int32_t)(gpus * PLANNER_GPU_MILLI))
        return "slots beyond the node";
    if (rectangle->from >= rectangle->to || rectangle->from < -PLANNER_INSTANT_MAX ||
        (rectangle->to > PLANNER_INSTANT_MAX && rectangle->to != PLANNER_OPEN))
        return "an empty or impossible period";
    if (!share && (rectangle->slots_from % PLANNER_GPU_MILLI != 0 || size % PLANNER_GPU_MILLI != 0))
        return "whole GPUs whose slots are not whole";
    if (share && (size >= PLANNER_GPU_MILLI ||
                  rectangle->slots_from / PLANNER_GPU_MILLI != (rectangle->slots_to - 1) / PLANNER_GPU_MILLI))
        return "a share's piece that is not within one GPU";
    if ((unsigned)rectangle->kind >= PLANNER_KIND_COUNT)
        return "an unknown kind";
    return NULL;
}

/* What a slice truly occupies: a whole GPU's turnaround may be cut short, and so does not count. */
static int64_t slice_end(const struct slice *slice)
{
    return slice_is_share(slice) ? slice->clean : slice->to;
}

static bool slices_collide(const struct slice *a, const struct slice *b)
{
    return a->from < slice_end(b) && b->from < slice_end(a) && slots_overlap(a, b);
}

/* The rectangles as slices, in planner->cut. A whole allocation's turnaround follows from its end, so it is left out
 * unless the part that it stands behind is gone. */
static uint32_t slices_of(struct planner *planner, const struct planner_allocation *from, const struct allocation *body)
{
    bool share = body->shape.gpus == 0;
    uint32_t count = 0;
    ARRAY_RESERVE(planner->cut, planner->cut_room, from->rectangle_count);
    for (uint32_t i = 0; i < from->rectangle_count; i++) {
        const struct planner_rectangle *rectangle = &from->rectangles[i];
        bool held = rectangle->kind == PLANNER_HELD;
        struct slice slice = {rectangle->from,
                              held ? rectangle->to : rectangle->from,
                              rectangle->to,
                              rectangle->slots_from,
                              rectangle->slots_to,
                              NONE,
                              0};
        if (!share && !held && rectangle->from == body->to && body->from < body->to)
            continue;
        int64_t clean = instant_add(slice.to, body->turnaround_s);
        if (!share && (!held || slice.to == body->to) && clean > slice.clean)
            slice.clean = clean;
        planner->cut[count++] = slice;
    }
    return count;
}

static const char *beside_wrong(const struct node *node, const struct allocation *body)
{
    int64_t cpu_milli;
    int64_t memory_mib;
    if (body->from >= body->to)
        return NULL;
    timeline_peak(node, body->from, body->to, &cpu_milli, &memory_mib);
    if (cpu_milli + body->shape.cpu_milli > node->spec.cpu_milli)
        return "more CPU than the node has";
    if (memory_mib + body->shape.memory_mib > node->spec.memory_mib)
        return "more memory than the node has";
    return NULL;
}

static const char *slices_wrong(const struct planner *planner, const struct node *node, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (slices_collide(&planner->cut[i], &planner->cut[j]))
                return "its own rectangles overlap";
        }
        for (uint32_t j = 0; j < node->slice_count; j++) {
            if (slices_collide(&planner->cut[i], &node->slices[j]))
                return "overlaps what is taken";
        }
    }
    return NULL;
}

const char *planner_load(struct planner *planner, const struct planner_allocation *from)
{
    must(!planner->batch);
    uint32_t index = id_find(&planner->node_ids, from->node);
    if (index == NONE)
        return "unknown node";
    const struct node *node = &planner->nodes[index];
    const char *wrong = planner_shape_wrong(&from->shape);
    if (wrong != NULL)
        return wrong;
    if (from->rectangle_count == 0 || from->turnaround_s > PLANNER_INSTANT_MAX)
        return "no rectangles, or an impossible turnaround";

    struct allocation body = {
        .key = from->key,
        .tenant = from->tenant,
        .shape = from->shape,
        .turnaround_s = from->turnaround_s < 0 ? node->spec.turnaround_s : from->turnaround_s,
        .node = index,
        .preemptible = from->preemptible,
        .maintenance = from->maintenance,
    };
    bool held = false;
    for (uint32_t i = 0; i < from->rectangle_count; i++) {
        const struct planner_rectangle *rectangle = &from->rectangles[i];
        wrong = rectangle_wrong(rectangle, node->spec.gpus, from->shape.gpus == 0);
        if (wrong != NULL)
            return wrong;
        if (rectangle->kind != PLANNER_HELD)
            continue;
        body.from = held && body.from < rectangle->from ? body.from : rectangle->from;
        body.to = held && body.to > rectangle->to ? body.to : rectangle->to;
        held = true;
    }
    uint32_t count = slices_of(planner, from, &body);
    wrong = slices_wrong(planner, node, count);
    if (wrong == NULL)
        wrong = beside_wrong(node, &body);
    if (wrong == NULL)
        (void)allocation_add(planner, &body, planner->cut, count); /* known by its key */
    return wrong;
}

/* Slices stand by start, so behind the first that begins when the next is over there is nothing to find. */
static void forget_on_node(struct planner *planner, uint32_t index, int64_t instant)
{
    const struct node *node = &planner->nodes[index];
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < node->slice_count && node->slices[i].from < next;) {
        int64_t over = allocation_over(planner, node->slices[i].allocation);
        if (over <= instant) {
            allocation_remove(planner, node->slices[i].allocation); /* the first of its slices stood here */
            continue;
        }
        next = over < next ? over : next;
        i++;
    }
    planner->over_next[index] = next;
}

void planner_forget(struct planner *planner, int64_t instant)
{
    must(!planner->batch);
    table_move(planner, instant);
    for (uint32_t i = 0; i < planner->node_count; i++) {
        if (planner->over_next[i] <= instant)
            forget_on_node(planner, i, instant);
    }
}
