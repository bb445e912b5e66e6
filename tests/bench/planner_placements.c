/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/planner_placements.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

FILE *placements_open(const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    else
        fprintf(file, "policy,seed,load_percent,request,task,count,gpus,gpu_milli,cpu_milli,memory_mib,gpu_spec,scope,"
                      "scope_preferred,asked_from,asked_to,decision,instance,node,slots_from,slots_to,from,to\n");
    return file;
}

/* An instant; "open" for no end. */
static void write_instant(FILE *file, int64_t instant, char after)
{
    if (instant == PLANNER_OPEN)
        fprintf(file, "open%c", after);
    else
        fprintf(file, "%" PRId64 "%c", instant, after);
}

static void write_ask(FILE *file, const struct contestant *contestant, uint64_t seed, uint32_t load_percent,
                      const char *task, const struct ask *ask)
{
    fprintf(file, "%s,%" PRIu64 ",%u,%u,%s,%u,%u,%u,%" PRId64 ",%" PRId64 ",", policy_text(contestant->policy), seed,
            load_percent, ask->number, task, ask->count, ask->shape.gpus, ask->shape.gpu_milli, ask->shape.cpu_milli,
            ask->shape.memory_mib);
    const char *separator = "";
    for (uint32_t bit = 0; bit < TRACE_MODELS_MAX; bit++) {
        if (ask->models >> bit & 1) {
            fprintf(file, "%s%s", separator, contestant->models[bit]);
            separator = "|";
        }
    }
    fprintf(file, ",%s,%d,", planner_scope_text(ask->scope), ask->scope_preferred);
    write_instant(file, ask->from, ',');
    write_instant(file, ask->to, ',');
}

void placements_write(FILE *file, const struct contestant *contestant, uint64_t seed, uint32_t load_percent,
                      const char *task, const struct ask *ask, const struct placements *placements)
{
    if (placements->count == 0) {
        write_ask(file, contestant, seed, load_percent, task, ask);
        fprintf(file, "refused,,,,,,\n");
    }
    for (uint32_t i = 0; i < placements->count; i++) {
        const struct placed *row = &placements->rows[i];
        write_ask(file, contestant, seed, load_percent, task, ask);
        fprintf(file, "placed,%u,%s,%d,%d,", row->instance, contestant->reference.nodes[row->node].name,
                row->slots_from, row->slots_to);
        write_instant(file, row->from, ',');
        write_instant(file, row->to, '\n');
    }
}

bool placements_close(FILE *file, const char *path)
{
    bool failed = ferror(file) != 0;
    failed |= fclose(file) != 0;
    if (failed)
        fprintf(stderr, "%s: cannot be written: %s\n", path, strerror(errno));
    return !failed;
}
