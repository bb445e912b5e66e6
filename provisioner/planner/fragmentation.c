/* What placing something on a node costs: the part of the node's free GPUs that then nobody is likely to use.
 *
 * The idea is the fragmentation gradient of FGD ("Beware of Fragmentation", USENIX ATC'23): free GPUs are worth what
 * the mix of shapes can make of them, and an instance goes where that falls least. Two things differ. The mix is what
 * this fleet holds (mix.c), by GPU model. And FGD calls a node's free GPUs usable as long as one more instance fits;
 * here they are usable only as far as CPU and memory would feed them, with some allowance (FEED), as the next
 * instances may need less of it: so nodes do not run out of CPU with GPUs left. Windows that end also lose what they
 * waste of the time around them (gaps.c). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "provisioner/planner/search.h"

#include "common/least.h"

/* CPU and memory are taken to feed so many times the GPUs that they would feed if all instances were of one class.
 * Measured on a real fleet and on reweighted mixes: docs/planner.md, "How good". */
#define FEED 2
/* Steps of the score for each milli lost; below them is room for what decides among equals. */
#define STEPS_PER_MILLI 8
#define TIES            1024
#define MILLI_PER_TIE   64

/* What is free: a room without its gaps, so that what would be left of it is cheap to make. */
struct spare {
    uint64_t whole;
    uint64_t parts;
    int64_t cpu_milli; /* no larger than what products can bear */
    int64_t memory_mib;
    const uint32_t *free_milli; /* by GPU, of the parts */
};

static struct spare spare_of(const struct room *room)
{
    return (struct spare){
        .whole = room->whole,
        .parts = room->parts,
        .cpu_milli = least_of(room->cpu_milli, MIX_NEED_MAX),
        .memory_mib = least_of(room->memory_mib, MIX_NEED_MAX),
        .free_milli = room->free_milli,
    };
}

/* The milli that instances of the class could use. */
static int64_t usable(const struct spare *spare, uint32_t whole, const struct mix_class *class)
{
    if (class->cpu_milli > spare->cpu_milli || class->memory_mib > spare->memory_mib || class->gpus > whole)
        return 0;
    int64_t milli = (int64_t)whole * PLANNER_GPU_MILLI;
    for (uint64_t left = class->gpus == 0 ? spare->parts : 0; left != 0; left &= left - 1) {
        uint32_t part = spare->free_milli[__builtin_ctzll(left)];
        milli += part >= class->gpu_milli ? part : 0;
    }
    if (class->cpu_milli > 0)
        milli = least_of(milli, spare->cpu_milli * class->milli_per_cpu * FEED >> MIX_RATIO_BITS);
    if (class->memory_mib > 0)
        milli = least_of(milli, spare->memory_mib * class->milli_per_memory * FEED >> MIX_RATIO_BITS);
    return milli;
}

/* What it is worth: its usable milli, expected over the mix and what is asked. */
static int64_t worth(const struct spare *spare, const struct mix *mix, const struct mix_class *asked)
{
    uint32_t whole = bits_of(spare->whole);
    int64_t sum = usable(spare, whole, asked);
    for (uint32_t i = 0; i < mix->class_count; i++)
        sum += mix->classes[i].weight * usable(spare, whole, &mix->classes[i]);
    return sum * STEPS_PER_MILLI / (mix->weight + 1);
}

/* Time wasted around the window, as milli lost for as long as the window is. May be less than 0: a gap is filled. */
static int64_t lost_in_time(const struct room *room, int64_t wasted_s, uint32_t milli)
{
    return room->length_s == PLANNER_OPEN ? 0 : wasted_s * milli * STEPS_PER_MILLI / room->length_s;
}

/* Nodes that lose alike: the one with the least left. */
static int64_t score_of(int64_t lost, const struct spare *left)
{
    int64_t left_milli = (int64_t)bits_of(left->whole) * PLANNER_GPU_MILLI;
    for (uint64_t parts = left->parts; parts != 0; parts &= parts - 1)
        left_milli += left->free_milli[__builtin_ctzll(parts)];
    must(left_milli < TIES * MILLI_PER_TIE);
    return lost * TIES + left_milli / MILLI_PER_TIE;
}

/* The loss if the share is taken out of this GPU. */
static int64_t score_gpu(const struct room *room, int64_t worth_before, const struct mix *mix,
                         const struct mix_class *asked, uint32_t gpu)
{
    struct spare left = spare_of(room);
    UNCLEARED uint32_t free_milli[PLANNER_NODE_GPUS_MAX];
    uint32_t rest = room->free_milli[gpu] - asked->gpu_milli;
    for (uint64_t parts = room->parts; parts != 0; parts &= parts - 1)
        free_milli[__builtin_ctzll(parts)] = room->free_milli[__builtin_ctzll(parts)];
    free_milli[gpu] = rest;
    left.free_milli = free_milli;
    left.whole &= ~(UINT64_C(1) << gpu);
    left.parts = rest > 0 ? left.parts | UINT64_C(1) << gpu : left.parts & ~(UINT64_C(1) << gpu);
    left.cpu_milli -= asked->cpu_milli;
    left.memory_mib -= asked->memory_mib;
    int64_t lost = worth_before - worth(&left, mix, asked);
    if (room->whole >> gpu & 1)
        lost += lost_in_time(room, room->wasted_s[gpu], asked->gpu_milli);
    return score_of(lost, &left);
}

/* GPUs that are alike lose alike: each kind is looked at once. */
static uint64_t gpus_different(const struct room *room, uint32_t gpu_milli)
{
    uint64_t different = room->whole == 0 ? 0 : gaps_choose(room, PLANNER_NODE_GPUS_MAX, 1, PLANNER_ANY);
    for (uint64_t left = room->parts; left != 0; left &= left - 1) {
        uint32_t gpu = (uint32_t)__builtin_ctzll(left);
        bool seen = room->free_milli[gpu] < gpu_milli;
        for (uint64_t others = different & room->parts; others != 0 && !seen; others &= others - 1)
            seen = room->free_milli[__builtin_ctzll(others)] == room->free_milli[gpu];
        different |= seen ? 0 : UINT64_C(1) << gpu;
    }
    return different;
}

/* Of GPUs that lose alike, the one with the least free. */
static int64_t score_share(const struct mix *mix, const struct room *room, const struct mix_class *asked,
                           uint32_t *ret_gpu)
{
    struct spare spare = spare_of(room);
    int64_t before = worth(&spare, mix, asked);
    int64_t best = INT64_MAX;
    for (uint64_t left = gpus_different(room, asked->gpu_milli); left != 0; left &= left - 1) {
        uint32_t gpu = (uint32_t)__builtin_ctzll(left);
        int64_t score = score_gpu(room, before, mix, asked, gpu);
        if (score < best || (score == best && room->free_milli[gpu] < room->free_milli[*ret_gpu])) {
            best = score;
            *ret_gpu = gpu;
        }
    }
    must(best != INT64_MAX);
    return best;
}

static int64_t score_whole(const struct mix *mix, const struct room *room, const struct mix_class *asked,
                           uint32_t count)
{
    struct spare spare = spare_of(room);
    struct spare left = spare;
    must(asked->gpus * count <= bits_of(room->whole));
    for (uint32_t taken = 0; taken < asked->gpus * count; taken++)
        left.whole &= left.whole - 1; /* which ones makes no difference here */
    left.cpu_milli -= asked->cpu_milli * (int64_t)count;
    left.memory_mib -= asked->memory_mib * (int64_t)count;
    int64_t lost = worth(&spare, mix, asked) - worth(&left, mix, asked);
    return score_of(lost + lost_in_time(room, gaps_wasted(room, asked->gpus * count), PLANNER_GPU_MILLI), &left);
}

int64_t fragmentation_score(const struct mix *mix, const struct room *room, const struct planner_shape *shape,
                            uint32_t count)
{
    struct mix_class asked = mix_class_of(shape, 1);
    uint32_t gpu;
    return shape->gpus > 0 ? score_whole(mix, room, &asked, count) : score_share(mix, room, &asked, &gpu);
}

int64_t fragmentation_demand(const struct model *model, const struct planner_shape *shape, uint32_t count)
{
    int64_t milli = shape->gpus > 0 ? (int64_t)shape->gpus * PLANNER_GPU_MILLI : (int64_t)shape->gpu_milli;
    int64_t held = model->mix.held_milli; /* over all of time: it may be more than there is at once */
    if (held == 0)
        return 0; /* perhaps it has no GPUs at all */
    return milli * count * held / (held + model->gpu_milli) * STEPS_PER_MILLI * TIES;
}

uint32_t fragmentation_gpu(const struct mix *mix, const struct room *room, const struct planner_shape *shape)
{
    struct mix_class asked = mix_class_of(shape, 1);
    uint32_t gpu = 0;
    (void)score_share(mix, room, &asked, &gpu); /* only which GPU matters here */
    return gpu;
}
