/* Rebuilding a planner. The rows are gathered through the planner's door, the planner is freed, a new one is loaded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_rebuild.h"
#include "common/alloc.h"
#include "common/must.h"
#include "tests/bench/planner_bench.h"

#include <malloc.h>
#include <string.h>

/* Everything that is on the nodes; rectangles of all allocations stand behind one another. */
struct rows {
    struct planner_allocation *allocations;
    uint32_t allocation_count;
    uint32_t allocation_room;
    struct planner_rectangle *rectangles;
    uint32_t rectangle_count;
    uint32_t rectangle_room;
};

/* What is allocated, in MiB. */
static double heap_mib(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd) / (1024 * 1024);
}

static void row_add(struct rows *rows, struct planner *planner, struct planner_key key)
{
    const struct planner_node *node = planner_node_of(planner, &key, INT64_MIN);
    struct planner_allocation *allocation = &rows->allocations[rows->allocation_count++];
    must(node != NULL && rows->allocation_count <= rows->allocation_room);
    bool found = planner_get(planner, &key, node->id, allocation);
    must(found && rows->rectangle_count + allocation->rectangle_count <= rows->rectangle_room);
    memcpy(rows->rectangles + rows->rectangle_count, allocation->rectangles,
           allocation->rectangle_count * sizeof rows->rectangles[0]);
    allocation->rectangles = rows->rectangles + rows->rectangle_count;
    rows->rectangle_count += allocation->rectangle_count;
}

static void rows_gather(struct rows *rows, struct planner *planner, const struct bench_booking *bookings,
                        uint32_t count)
{
    uint32_t room = planner_allocation_count(planner);
    *rows = (struct rows){.allocations = alloc_zero(room + 1, sizeof rows->allocations[0]),
                          .allocation_room = room,
                          .rectangles = alloc_zero(8 * (size_t)room + 1, sizeof rows->rectangles[0]),
                          .rectangle_room = 8 * room};
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t ordinal = 0; ordinal < bookings[i].count; ordinal++)
            row_add(rows, planner, (struct planner_key){bench_id(5, bookings[i].number), ordinal});
    }
}

/* A single GPU for an hour, given back at once. */
static void ask(struct planner *planner)
{
    struct planner_request request = {.reservation = bench_id(7, 1),
                                      .tenant = bench_id(6, 1),
                                      .count = 1,
                                      .shape = {.gpus = 1},
                                      .from = 0,
                                      .to = 3600,
                                      .scope = PLANNER_FLEET};
    struct planner_verdict verdict;
    planner_place(planner, &request, &verdict);
    if (verdict.placed)
        (void)planner_release(planner, &(struct planner_key){request.reservation, 0}); /* it was just placed */
}

struct bench_rebuild bench_rebuild(struct planner **planner, uint32_t node_count, const struct bench_booking *bookings,
                                   uint32_t booking_count)
{
    struct rows rows;
    uint64_t before = planner_fingerprint(*planner, 0);
    rows_gather(&rows, *planner, bookings, booking_count);
    planner_free(*planner);

    double heap = heap_mib();
    int64_t start = bench_cpu_ns();
    struct planner *rebuilt = bench_fleet(node_count);
    for (uint32_t i = 0; i < rows.allocation_count; i++)
        must(planner_load(rebuilt, &rows.allocations[i]) == NULL);
    planner_forget(rebuilt, 0);
    int64_t loaded = bench_cpu_ns();
    ask(rebuilt);
    struct bench_rebuild figures = {
        .allocations = rows.allocation_count,
        .rectangles = rows.rectangle_count,
        .load_s = (double)(loaded - start) / 1e9,
        .first_question_s = (double)(bench_cpu_ns() - loaded) / 1e9,
        .memory_mib = heap_mib() - heap,
    };
    must(planner_fingerprint(rebuilt, 0) == before);
    free(rows.allocations);
    free(rows.rectangles);
    *planner = rebuilt;
    return figures;
}
