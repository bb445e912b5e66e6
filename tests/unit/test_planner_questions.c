/* Questions that change nothing, against the naive oracle: the earliest start, relaxations, what is free and what the
 * GPUs do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_history.h"

static void earliest(struct world *world)
{
    struct planner_request request = question_any(world);
    int64_t hours = between(world, 0, 60);
    int64_t from = -1;
    bool found = planner_earliest(world->planner, &request, request.from + hours * HOUR, &from);
    int64_t expected = first_start(world, &request, 0, hours);
    ck_assert(found == (expected >= 0));
    ck_assert_int_eq(found ? from : -1, expected);
    world->tally[TALLY_EARLIEST] += found && from > request.from;
}

static void relax(struct world *world)
{
    struct planner_request request = question_any(world);
    struct planner_relaxations relaxations;
    if (fits(world, &request))
        return;
    planner_relax(world->planner, &request, &relaxations);
    int64_t later = first_start(world, &request, 1, 40);
    if (later >= 0)
        ck_assert(relaxations.has_later && relaxations.later_from == later);
    else
        ck_assert(!relaxations.has_later || relaxations.later_from > request.from + 40 * HOUR);
    struct planner_request shorter = request;
    for (shorter.to = hours_end(request.to) - HOUR; shorter.to > request.from && !fits(world, &shorter);)
        shorter.to -= HOUR;
    ck_assert(relaxations.has_shorter == (shorter.to > request.from));
    if (relaxations.has_shorter && request.to != PLANNER_OPEN)
        ck_assert_int_eq(relaxations.shorter_to, shorter.to);
    struct planner_request smaller = request;
    for (smaller.count = request.count - 1; smaller.count > 0 && !fits(world, &smaller);)
        smaller.count--;
    ck_assert(relaxations.has_smaller == (smaller.count > 0));
    if (relaxations.has_smaller)
        ck_assert_uint_eq(relaxations.smaller_count, smaller.count);
    struct planner_request looser = request;
    while (!request.scope_preferred && looser.scope < PLANNER_FLEET) {
        looser.scope++;
        if (fits(world, &looser)) {
            ck_assert(relaxations.has_looser && relaxations.looser_scope == looser.scope);
            break;
        }
        ck_assert(!relaxations.has_looser || relaxations.looser_scope > looser.scope);
    }
    world->tally[TALLY_RELAXED] +=
        relaxations.has_later || relaxations.has_shorter || relaxations.has_smaller || relaxations.has_looser;
}

/* -- how much --------------------------------------------------------------------------------------------------- */

static void free_instances(struct world *world)
{
    struct planner_request request = request_any(world);
    uint32_t counts[6];
    int64_t step_s = between(world, 1, 9) * HOUR;
    int64_t from = request.from;
    request.count = 1;
    planner_free_instances(world->planner, &request, from, step_s, COUNT_OF(counts), counts);
    for (uint32_t i = 0; i < COUNT_OF(counts); i++) {
        request.from = from + i * step_s;
        request.to = request.from + step_s;
        ck_assert_uint_eq(counts[i], most_within(world, &request, PLANNER_FLEET));
    }
}

static int64_t held_by(const struct row *row, int64_t from, int64_t to, enum planner_kind kind)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < row->allocation.rectangle_count; i++) {
        const struct planner_rectangle *piece = &row->rectangles[i];
        int64_t first = piece->from > from ? piece->from : from;
        int64_t last = piece->to < to ? piece->to : to;
        if (piece->kind == kind && first < last)
            sum += (last - first) * (piece->slots_to - piece->slots_from);
    }
    return sum;
}

static void usage(struct world *world)
{
    struct planner_usage told[5];
    enum planner_scope level = (enum planner_scope)between(world, PLANNER_NODE, PLANNER_FLEET);
    const struct planner_node *around = &world->nodes[between(world, 0, world->node_count - 1)];
    int64_t from = (world->now_h + between(world, 0, 50)) * HOUR;
    int64_t step_s = between(world, 1, 9) * HOUR;
    planner_usage_of(world->planner, level, group_of(around, level), around->gpu_model, from, step_s, COUNT_OF(told),
                     told);
    for (uint32_t i = 0; i < COUNT_OF(told); i++, from += step_s) {
        struct planner_usage sum = {0};
        int64_t all = 0;
        for (uint32_t j = 0; j < world->node_count; j++) {
            const struct planner_node *node = &world->nodes[j];
            if (same_id(group_of(node, level), group_of(around, level)) &&
                strcmp(node->gpu_model, around->gpu_model) == 0)
                all += node->gpus * 1000 * step_s;
        }
        for (uint32_t j = 0; j < world->row_count; j++) {
            const struct row *row = &world->rows[j];
            const struct planner_node *node = planner_node_get(world->planner, row->allocation.node);
            if (!same_id(group_of(node, level), group_of(around, level)) ||
                strcmp(node->gpu_model, around->gpu_model) != 0)
                continue;
            int64_t *held = row->allocation.maintenance   ? &sum.maintenance
                            : row->allocation.preemptible ? &sum.preemptible
                                                          : &sum.held;
            *held += held_by(row, from, from + step_s, PLANNER_HELD);
            sum.turnaround += held_by(row, from, from + step_s, PLANNER_TURNAROUND);
        }
        ck_assert_int_eq(told[i].held, sum.held);
        ck_assert_int_eq(told[i].preemptible, sum.preemptible);
        ck_assert_int_eq(told[i].maintenance, sum.maintenance);
        ck_assert_int_eq(told[i].turnaround, sum.turnaround);
        ck_assert(told[i].free >= 0 && told[i].unplannable >= 0);
        ck_assert_int_eq(
            told[i].free + told[i].unplannable + sum.held + sum.preemptible + sum.maintenance + sum.turnaround, all);
    }
}

static void step_question(struct world *world)
{
    static void (*const questions[])(struct world *) = {earliest, relax, free_instances, usage};
    int64_t what = between(world, 1, 100);
    if (what <= 50) {
        step_place(world);
    } else if (what <= 65) {
        step_lose(world);
    } else {
        uint64_t before = planner_fingerprint(world->planner, INT64_MIN);
        questions[between(world, 0, COUNT_OF(questions) - 1)](world);
        ck_assert_uint_eq(planner_fingerprint(world->planner, INT64_MIN), before);
    }
}

int main(void)
{
    const struct promise promises[] = {
        {"what_is_answered_is_exact_and_nothing_less_would_do",
         step_question,
         8,
         100,
         {TALLY_PLACED, TALLY_EARLIEST, TALLY_RELAXED, TALLY_COUNT}},
    };
    return promises_kept("planner_questions", promises, COUNT_OF(promises));
}
