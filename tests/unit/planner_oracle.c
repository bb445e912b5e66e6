/* The naive oracle: what fits, from rows alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_world.h"

int64_t row_start(const struct row *row)
{
    int64_t start = INT64_MAX;
    for (uint32_t i = 0; i < row->allocation.rectangle_count; i++) {
        if (row->rectangles[i].kind == PLANNER_HELD && row->rectangles[i].from < start)
            start = row->rectangles[i].from;
    }
    return start;
}

int64_t row_end(const struct row *row)
{
    int64_t end = INT64_MIN;
    for (uint32_t i = 0; i < row->allocation.rectangle_count; i++) {
        if (row->rectangles[i].kind == PLANNER_HELD && row->rectangles[i].to > end)
            end = row->rectangles[i].to;
    }
    return end;
}

const struct row *row_held(const struct world *world, const struct planner_key *key, int64_t instant)
{
    for (uint32_t i = 0; i < world->row_count; i++) {
        if (same_key(&world->rows[i].allocation.key, key) && row_end(&world->rows[i]) > instant)
            return &world->rows[i];
    }
    return NULL;
}

/* -- one node --------------------------------------------------------------------------------------------------- */

int32_t taken_milli(const struct world *world, const struct planner_request *request, const struct planner_node *node,
                    uint32_t gpu, int64_t instant)
{
    int32_t taken = 0;
    for (uint32_t i = 0; i < world->row_count; i++) {
        const struct row *row = &world->rows[i];
        bool whole_row = row->allocation.shape.gpus > 0;
        bool own = whole_row && request->shape.gpus > 0 && same_id(row->allocation.tenant, request->tenant);
        int64_t clean_s = row->allocation.maintenance ? 0 : node->turnaround_s;
        if (!same_id(row->allocation.node, node->id))
            continue;
        for (uint32_t j = 0; j < row->allocation.rectangle_count; j++) {
            const struct planner_rectangle *piece = &row->rectangles[j];
            int64_t to = piece->to;
            if (piece->slots_to <= (int32_t)gpu * 1000 || piece->slots_from >= (int32_t)(gpu + 1) * 1000)
                continue;
            if (whole_row && piece->kind == PLANNER_TURNAROUND)
                to = plus(piece->from, clean_s); /* its row may be cut short; for others it is not */
            if (whole_row && piece->kind == PLANNER_HELD && !own)
                to = plus(to, clean_s);
            if (own && (piece->kind == PLANNER_TURNAROUND || instant >= request->to))
                continue;
            if (piece->from <= instant && instant < to)
                taken += whole_row ? 1000 : piece->slots_to - piece->slots_from;
        }
    }
    return taken > 1000 ? 1000 : taken;
}

bool groups_keep(uint32_t subset, uint32_t gpus, uint32_t k, enum planner_grouping grouping)
{
    uint32_t size = grouping == PLANNER_ANY ? 1 : grouping == PLANNER_PAIRS ? 2 : 4;
    uint32_t full = 0;
    uint32_t partial = 0;
    for (uint32_t first = 0; first < gpus; first += size) {
        uint32_t mine = (uint32_t)__builtin_popcount(subset >> first & ((1U << size) - 1));
        full += mine == size;
        partial += mine > 0 && mine < size;
    }
    return full == k / size && partial <= 1;
}

/* The most disjoint instances in a set of free GPUs, by trying all. */
static uint32_t instances(uint32_t free_gpus, const struct planner_node *node, uint32_t k)
{
    uint32_t most[1U << GPUS_MAX] = {0};
    for (uint32_t set = 1; set <= free_gpus; set++) {
        if ((set & ~free_gpus) != 0)
            continue;
        for (uint32_t subset = set; subset > 0; subset = (subset - 1) & set) {
            if ((uint32_t)__builtin_popcount(subset) == k && groups_keep(subset, node->gpus, k, node->grouping) &&
                most[set & ~subset] + 1 > most[set])
                most[set] = most[set & ~subset] + 1;
        }
    }
    return most[free_gpus];
}

uint32_t cpu_and_memory(const struct world *world, const struct planner_request *request,
                        const struct planner_node *node, uint32_t count)
{
    for (int64_t instant = request->from; instant < hours_end(request->to); instant += HOUR) {
        int64_t cpu_milli = node->cpu_milli;
        int64_t memory_mib = node->memory_mib;
        for (uint32_t i = 0; i < world->row_count; i++) {
            const struct row *row = &world->rows[i];
            bool held = false;
            for (uint32_t j = 0; j < row->allocation.rectangle_count; j++)
                held |= row->rectangles[j].kind == PLANNER_HELD && row->rectangles[j].from <= instant &&
                        instant < row->rectangles[j].to;
            if (!held || !same_id(row->allocation.node, node->id))
                continue;
            cpu_milli -= row->allocation.shape.cpu_milli;
            memory_mib -= row->allocation.shape.memory_mib;
        }
        ck_assert(cpu_milli >= 0 && memory_mib >= 0);
        while (count > 0 &&
               (count * request->shape.cpu_milli > cpu_milli || count * request->shape.memory_mib > memory_mib))
            count--;
    }
    return count;
}

uint32_t node_takes(const struct world *world, const struct planner_request *request, const struct planner_node *node)
{
    uint32_t free_gpus = 0;
    uint32_t shares = 0;
    if (node->cordoned || node->plannable_from > request->from || request->to > node->plannable_until ||
        same_id(node->id, request->avoid_node))
        return 0;
    for (uint32_t gpu = 0; gpu < node->gpus; gpu++) {
        int32_t taken = 0;
        int64_t clean = hours_end(plus(request->to, node->turnaround_s));
        for (int64_t instant = request->from; instant < clean && taken < 1000; instant += HOUR) {
            int32_t here = taken_milli(world, request, node, gpu, instant);
            taken = here > taken ? here : taken;
        }
        free_gpus |= (uint32_t)(taken == 0) << gpu;
        if (request->shape.gpu_milli > 0)
            shares += (uint32_t)(1000 - taken) / request->shape.gpu_milli;
    }
    uint32_t count = request->shape.gpus > 0 ? instances(free_gpus, node, request->shape.gpus) : shares;
    return cpu_and_memory(world, request, node, count);
}

/* -- groups ----------------------------------------------------------------------------------------------------- */

/* An unknown group is as large as the next tighter one. */
struct planner_id group_of(const struct planner_node *node, enum planner_scope scope)
{
    const struct planner_id groups[] = {node->id,     node->nvlink_domain, node->rack, node->leaf,
                                        node->fabric, node->zone,          id_of(1)};
    uint32_t level = scope;
    while (number_of(groups[level]) == 0)
        level--;
    return groups[level];
}

enum planner_scope scope_allowed(const struct planner_request *request)
{
    return request->scope_preferred ? PLANNER_FLEET : request->scope;
}

static bool allowed(const struct planner_request *request, const char *model)
{
    for (uint32_t i = 0; i < request->gpu_model_count; i++) {
        if (strcmp(request->gpu_models[i], model) == 0)
            return true;
    }
    return request->gpu_model_count == 0;
}

static bool together(const struct planner_node *a, const struct planner_node *b, enum planner_scope scope)
{
    return same_id(group_of(a, scope), group_of(b, scope)) && strcmp(a->gpu_model, b->gpu_model) == 0;
}

/* How many of the fleet's nodes take part in one gang around one of them. */
static uint32_t sum_around(const struct world *world, const struct planner_request *request, enum planner_scope scope,
                           uint32_t around, const uint32_t takes[])
{
    static const enum planner_scope levels[] = {PLANNER_FLEET, PLANNER_NODE, PLANNER_RACK, PLANNER_LEAF};
    enum planner_scope apart = levels[request->count > 1 ? request->spread : PLANNER_SPREAD_NONE];
    uint32_t sum = 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        bool seen = false; /* another node of its group of the spread */
        if (takes[i] == 0 || !together(&world->nodes[around], &world->nodes[i], scope))
            continue;
        for (uint32_t j = 0; j < i && apart != PLANNER_FLEET && !seen; j++)
            seen = takes[j] > 0 && together(&world->nodes[around], &world->nodes[j], scope) &&
                   same_id(group_of(&world->nodes[i], apart), group_of(&world->nodes[j], apart));
        if (!seen)
            sum += apart == PLANNER_FLEET ? takes[i] : 1;
    }
    return sum;
}

uint32_t most_within(const struct world *world, const struct planner_request *request, enum planner_scope scope)
{
    uint32_t takes[NODES_MAX];
    uint32_t most = 0;
    for (uint32_t i = 0; i < world->node_count; i++)
        takes[i] = allowed(request, world->nodes[i].gpu_model) ? node_takes(world, request, &world->nodes[i]) : 0;
    for (uint32_t i = 0; i < world->node_count; i++) {
        uint32_t sum = sum_around(world, request, scope, i, takes);
        most = sum > most ? sum : most;
    }
    return most;
}

/* -- evictions -------------------------------------------------------------------------------------------------- */

int64_t cut_for(const struct planner_request *request, const struct row *row)
{
    bool owes = row->allocation.shape.gpus == 0 || request->shape.gpus == 0 ||
                !same_id(row->allocation.tenant, request->tenant);
    return request->from - (owes ? row->allocation.turnaround_s : 0);
}

static bool may_go(const struct planner_request *request, const struct row *row)
{
    int64_t cut = cut_for(request, row);
    int64_t start = row_start(row);
    if (request->spares_unbegun && start + PLANNER_KEPT_LEAST_S > cut)
        return false;
    return row->allocation.preemptible && !row->allocation.maintenance && start < row_end(row) && row_end(row) > cut &&
           (cut > start ? cut : start) >= request->evict_from;
}

uint32_t victims_of(const struct world *world, const struct planner_request *request, uint32_t room, uint32_t ret[])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->row_count && count < room; i++) {
        const struct row *row = &world->rows[i];
        if (!may_go(request, row))
            continue;
        const struct planner_node *node = planner_node_get(world->planner, row->allocation.node);
        if (row_start(row) < plus(request->to, node->turnaround_s) && allowed(request, node->gpu_model))
            ret[count++] = i;
    }
    return count;
}

bool row_cut(struct row *row, int64_t instant)
{
    bool share = row->allocation.shape.gpus == 0;
    int64_t clean = instant + row->allocation.turnaround_s;
    uint32_t kept = 0;
    struct planner_rectangle pieces[2 * RECTANGLES_MAX];
    if (row_start(row) >= instant)
        return false;
    for (uint32_t i = 0; i < row->allocation.rectangle_count; i++) {
        struct planner_rectangle piece = row->rectangles[i];
        struct planner_rectangle rest = piece;
        rest.kind = PLANNER_TURNAROUND;
        rest.from = piece.from > instant ? piece.from : instant;
        rest.to = piece.to < clean ? piece.to : clean;
        piece.to = piece.to < instant ? piece.to : instant;
        if (piece.from < piece.to)
            pieces[kept++] = piece;
        if (share && rest.from < rest.to)
            pieces[kept++] = rest;
    }
    ck_assert_uint_le(kept, RECTANGLES_MAX);
    memcpy(row->rectangles, pieces, kept * sizeof pieces[0]);
    row->allocation.rectangle_count = kept;
    return true;
}

/* Only rows that are in use are touched: there is room for many more. */
struct world *world_copy(const struct world *world)
{
    struct world *copy = malloc(sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, world, offsetof(struct world, rows) + world->row_count * sizeof world->rows[0]);
    return copy;
}

struct world *world_without(const struct world *world, const struct planner_request *request, const uint32_t rows[],
                            uint32_t count, uint32_t set)
{
    struct world *without = world_copy(world);
    for (uint32_t i = count; i-- > 0;) { /* from the last, so that the numbers of the others stay */
        struct row *row = &without->rows[rows[i]];
        if ((set >> i & 1) != 0 && !row_cut(row, cut_for(request, row)))
            *row = without->rows[--without->row_count];
    }
    return without;
}

int64_t row_loss(const struct planner_request *request, const struct row *row)
{
    const struct planner_shape *shape = &row->allocation.shape;
    int64_t milli = shape->gpus > 0 ? (int64_t)shape->gpus * 1000 : (int64_t)shape->gpu_milli;
    int64_t held_s = cut_for(request, row) - row_start(row);
    return held_s > 0 ? held_s * milli : 0;
}

bool fits(struct world *world, const struct planner_request *request)
{
    uint32_t rows[ROWS_MAX];
    if (most_within(world, request, scope_allowed(request)) >= request->count)
        return true;
    if (!request->preempts)
        return false;
    uint32_t count = victims_of(world, request, ROWS_MAX, rows);
    struct world *without = world_copy(world);
    for (uint32_t i = count; i-- > 0;) {
        struct row *row = &without->rows[rows[i]];
        if (!row_cut(row, cut_for(request, row)))
            *row = without->rows[--without->row_count];
    }
    bool fit = most_within(without, request, scope_allowed(request)) >= request->count;
    free(without);
    return fit;
}

static struct planner_request moved_by(const struct planner_request *request, int64_t hours)
{
    struct planner_request moved = *request;
    moved.from = request->from + hours * HOUR;
    moved.to = plus(request->to, hours * HOUR);
    return moved;
}

int64_t first_start(struct world *world, const struct planner_request *request, int64_t least_h, int64_t most_h)
{
    for (int64_t hour = least_h; hour <= most_h; hour++) {
        struct planner_request moved = moved_by(request, hour);
        if (fits(world, &moved))
            return moved.from;
    }
    return -1;
}
