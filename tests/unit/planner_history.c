/* Runs histories, each in a child process, and shrinks the one that fails. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/planner_history.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCHES_MAX      256
#define HISTORIES_EACH   1000 /* numbers of a promise's histories begin at a multiple of this */
#define SHRINK_TRIES_MAX 300
#define VERIFIED_EVERY   8

static struct {
    const struct promise *promise;
    uint64_t seed;
    uint32_t history;
    bool kept[BATCHES_MAX];
    uint32_t *tally; /* shared with the children */
} run;

/* A seed for one batch; what the others draw does not matter. */
static struct property seed_of(uint64_t seed, uint32_t history, uint32_t batch)
{
    uint64_t state = seed + history * UINT64_C(0x9e3779b97f4a7c15) + batch * UINT64_C(0xbf58476d1ce4e5b9);
    struct property property = {state == 0 ? 1 : state};
    for (int i = 0; i < 8; i++) /* neighbours shall not look alike */
        (void)property_next(&property);
    return property;
}

/* Returns the number of its last state. */
static uint64_t play(void)
{
    struct world *world = world_new(seed_of(run.seed, run.history, 0), run.tally);
    for (uint32_t i = 0; i < run.promise->batches; i++) {
        if (!run.kept[i])
            continue;
        world->random = seed_of(run.seed, run.history, i + 1);
        batch(world, run.promise->step);
        between_batches(world);
        if (i % VERIFIED_EVERY == 0)
            world_check(world);
    }
    world_check(world);
    uint64_t fingerprint = planner_fingerprint(world->planner, INT64_MIN);
    world_free(world);
    return fingerprint;
}

START_TEST(history)
{
    uint64_t fingerprint = play();
    if (run.history % HISTORIES_EACH == 0) /* the same calls give the same answers */
        ck_assert_uint_eq(play(), fingerprint);
}
END_TEST

static bool run_here(void)
{
    Suite *suite = suite_create(run.promise->name);
    TCase *tests = tcase_create("histories");
    tcase_add_test(tests, history);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    bool failed = srunner_ntests_failed(runner) > 0;
    if (failed)
        srunner_print(runner, CK_NORMAL);
    srunner_free(runner);
    return !failed;
}

/* Quiet: what it prints is lost. */
static bool run_apart(bool quiet)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        int nowhere = quiet ? open("/dev/null", O_WRONLY) : -1;
        if (nowhere >= 0) {
            (void)dup2(nowhere, STDOUT_FILENO);
            (void)dup2(nowhere, STDERR_FILENO);
        }
        if (run_here())
            exit(0); /* where leaks are looked for; after a failure there are some */
        (void)fflush(stdout);
        _exit(1);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Leaves out ever smaller runs of batches, as long as it fails without them. */
static void shrink(void)
{
    uint32_t tries = 0;
    for (uint32_t size = run.promise->batches / 2; size > 0 && tries < SHRINK_TRIES_MAX; size /= 2) {
        for (uint32_t first = 0; first < run.promise->batches && tries < SHRINK_TRIES_MAX; first += size) {
            bool before[BATCHES_MAX];
            memcpy(before, run.kept, sizeof before);
            bool any = false;
            for (uint32_t i = first; i < first + size && i < run.promise->batches; i++) {
                any |= run.kept[i];
                run.kept[i] = false;
            }
            if (any && tries++ < SHRINK_TRIES_MAX && run_apart(true))
                memcpy(run.kept, before, sizeof before); /* it was needed */
        }
    }
}

static void tell(void)
{
    const char *separator = "";
    printf("%s fails; this repeats it:\nSLUICE_SEED=%llu SLUICE_HISTORY=%u SLUICE_STEPS=", run.promise->name,
           (unsigned long long)run.seed, run.history);
    for (uint32_t i = 0; i < run.promise->batches; i++) {
        if (run.kept[i])
            printf("%s%u", separator, i);
        separator = run.kept[i] ? "," : separator;
    }
    printf("\n");
}

static void keep_all(void)
{
    for (uint32_t i = 0; i < BATCHES_MAX; i++)
        run.kept[i] = true;
}

/* What SLUICE_STEPS says, or all. */
static void keep_listed(const char *steps)
{
    keep_all();
    if (steps == NULL)
        return;
    memset(run.kept, 0, sizeof run.kept);
    for (char *end = NULL; *steps != 0; steps = *end == ',' ? end + 1 : end) {
        unsigned long step = strtoul(steps, &end, 10);
        if (end == steps)
            return;
        run.kept[step % BATCHES_MAX] = true;
    }
}

static bool promise_kept(const struct promise *promise, uint32_t number)
{
    static const char *const names[] = {
#define X(name) #name,
        TALLIES(X)
#undef X
    };
    run.promise = promise;
    memset(run.tally, 0, TALLY_COUNT * sizeof run.tally[0]);
    keep_all();
    for (uint32_t i = 0; i < promise->histories; i++) {
        run.history = number * HISTORIES_EACH + i;
        if (run_apart(false))
            continue;
        shrink();
        tell();
        (void)run_apart(false); /* to say what is wrong with it */
        return false;
    }
    bool tried = true;
    printf("%s:", promise->name);
    for (const enum tally *tally = promise->happened; *tally != TALLY_COUNT; tally++) {
        printf(" %u %s", run.tally[*tally], names[*tally]);
        tried &= run.tally[*tally] > 0;
    }
    printf("%s\n", tried ? "" : " (not all of it was tried)");
    return tried;
}

int promises_kept(const char *program, const struct promise promises[], size_t count)
{
    const char *chosen = getenv("SLUICE_HISTORY");
    run.tally =
        mmap(NULL, TALLY_COUNT * sizeof run.tally[0], PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.tally == MAP_FAILED)
        return 1;
    run.seed = property_seed(program);
    if (chosen != NULL) {
        run.history = (uint32_t)strtoul(chosen, NULL, 10);
        run.promise = &promises[run.history / HISTORIES_EACH % count];
        keep_listed(getenv("SLUICE_STEPS"));
        return run_apart(false) ? 0 : 1;
    }
    bool kept = true;
    for (uint32_t i = 0; i < count; i++)
        kept &= promise_kept(&promises[i], i);
    return kept ? 0 : 1;
}
