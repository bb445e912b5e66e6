/* Where reads go: over connections that a test answers, breaks and holds up as it likes. No database. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/reader_side.h"
#include "common/clock.h"
#include "common/db_lane.h"
#include "common/must.h"
#include "tests/unit/suite.h"

#include <string.h>

#define CONNECTIONS 1
#define LANES       (2 * CONNECTIONS + READER_STUCK_MAX)
#define LATE_MS     25 /* more than a read may be under way */

/* ---- Connections that do as they are told (in place of common/db_lane.c) ---- */

struct db_lane {
    enum db_lane_state state;
    struct err error;
    void *under_way[DB_LANE_DEPTH_MAX];
    struct db_lane_answer answers[DB_LANE_DEPTH_MAX]; /* of the oldest, so many as have_come */
    int depth, have_come;
    int64_t busy_since_ms;
};

static struct db_lane lanes[LANES];
static int lane_count;
static bool is_unreachable; /* nothing connects */

struct db_lane *db_lane_new(const struct db_options *options)
{
    (void)options;
    must(lane_count < LANES);
    lanes[lane_count] = (struct db_lane){.state = DB_LANE_CLOSED};
    return &lanes[lane_count++];
}

void db_lane_free(struct db_lane *lane)
{
    must(lane->depth == 0);
}

void db_lane_open(struct db_lane *lane)
{
    must(lane->state == DB_LANE_CLOSED && lane->depth == 0);
    lane->state = DB_LANE_OPENING;
}

static void come(struct db_lane *lane, struct db_lane_answer answer)
{
    must(lane->have_come < lane->depth);
    answer.context = lane->under_way[lane->have_come];
    lane->answers[lane->have_come++] = answer;
}

void db_lane_close(struct db_lane *lane)
{
    lane->state = DB_LANE_CLOSED;
    while (lane->have_come < lane->depth)
        come(lane, (struct db_lane_answer){.kind = ERR_UNAVAILABLE, .err.kind = ERR_UNAVAILABLE, .is_lost = true});
}

enum db_lane_state db_lane_state(const struct db_lane *lane)
{
    return lane->state;
}

const struct err *db_lane_error(const struct db_lane *lane)
{
    return &lane->error;
}

int db_lane_fd(const struct db_lane *lane)
{
    (void)lane;
    return -1;
}

short db_lane_events(const struct db_lane *lane)
{
    (void)lane;
    return POLLIN;
}

void db_lane_step(struct db_lane *lane, short revents)
{
    (void)revents;
    if (lane->state != DB_LANE_OPENING)
        return;
    lane->state = is_unreachable ? DB_LANE_CLOSED : DB_LANE_OPEN;
    lane->error = (struct err){.kind = ERR_UNAVAILABLE};
}

void db_lane_send(struct db_lane *lane, const char *tenant_id, const struct db_stmt *stmt, const char *const *params,
                  void *context)
{
    (void)tenant_id;
    (void)stmt;
    (void)params;
    must(lane->state == DB_LANE_OPEN && lane->depth < DB_LANE_DEPTH_MAX);
    lane->busy_since_ms = lane->depth == 0 ? clock_monotonic_ms() : lane->busy_since_ms;
    lane->under_way[lane->depth++] = context;
}

bool db_lane_receive(struct db_lane *lane, struct db_lane_answer *ret)
{
    if (lane->have_come == 0)
        return false;
    *ret = lane->answers[0];
    lane->depth--;
    lane->have_come--;
    memmove(lane->under_way, lane->under_way + 1, sizeof lane->under_way - sizeof lane->under_way[0]);
    memmove(lane->answers, lane->answers + 1, sizeof lane->answers - sizeof lane->answers[0]);
    lane->busy_since_ms = clock_monotonic_ms();
    return true;
}

int db_lane_depth(const struct db_lane *lane)
{
    return lane->depth;
}

void *db_lane_context(const struct db_lane *lane, int number)
{
    return lane->under_way[number];
}

int64_t db_lane_busy_since_ms(const struct db_lane *lane)
{
    return lane->busy_since_ms;
}

/* ---- Reads that note what becomes of them ---- */

static const struct db_stmt quick = {.name = "quick"}, slow = {.name = "slow"};

struct asked {
    struct read read;
    int answered, failed, released;
    enum err_kind kind;
};

static void answered(struct read *read, PGresult *result, const struct err *err)
{
    struct asked *asked = (struct asked *)(void *)read;
    asked->answered += err == NULL;
    asked->failed += err != NULL;
    asked->kind = err == NULL ? ERR_NONE : err->kind;
    ck_assert_int_eq(asked->released, 0);
    PQclear(result);
}

static void released(struct read *read)
{
    ((struct asked *)(void *)read)->released++;
}

struct scene {
    struct reader_side *side;
    _Atomic int64_t waiting;
    struct asked asked[8];
    int asked_count;
};

static void begin(struct scene *scene)
{
    static const struct reader_options options = {.database_url = "", .name = "point", .connections = CONNECTIONS};
    *scene = (struct scene){0};
    lane_count = 0;
    is_unreachable = false;
    scene->side = reader_side_new(&options, "sluice_api", &scene->waiting);
}

static struct asked *ask(struct scene *scene, const struct db_stmt *stmt)
{
    struct asked *asked = &scene->asked[scene->asked_count++];
    asked->read = (struct read){.stmt = stmt, .answered = answered, .released = released};
    (void)atomic_fetch_add(&scene->waiting, 1);
    reader_side_add(scene->side, &asked->read);
    return asked;
}

/* Rounds of the loop, as many as it takes to connect and to send. */
static void turn(struct scene *scene)
{
    struct pollfd sockets[LANES] = {0};
    for (int i = 0; i < 3; i++) {
        reader_side_dispatch(scene->side);
        (void)reader_side_watch(scene->side, sockets);
        reader_side_step(scene->side, sockets);
    }
    reader_side_dispatch(scene->side);
}

static struct db_lane *lane_of(const struct asked *asked, const struct db_lane *but)
{
    for (int i = 0; i < lane_count; i++) {
        for (int j = 0; j < lanes[i].depth; j++) {
            if (lanes[i].under_way[j] == &asked->read && &lanes[i] != but)
                return &lanes[i];
        }
    }
    return NULL;
}

static void answer(struct db_lane *lane)
{
    come(lane, (struct db_lane_answer){.result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK)});
}

/* Each read was answered or failed at most once, and given back once. */
static void end(struct scene *scene)
{
    reader_side_free(scene->side);
    ck_assert_int_eq(atomic_load(&scene->waiting), 0);
    for (int i = 0; i < scene->asked_count; i++) {
        ck_assert_int_le(scene->asked[i].answered + scene->asked[i].failed, 1);
        ck_assert_int_eq(scene->asked[i].released, 1);
    }
}

/* ---- What is promised ---- */

START_TEST(a_read_is_answered_once_and_given_back)
{
    struct scene scene;
    begin(&scene);
    struct asked *asked = ask(&scene, &quick);
    turn(&scene);
    answer(lane_of(asked, NULL));
    turn(&scene);
    ck_assert_int_eq(asked->answered, 1);
    ck_assert_int_eq(asked->released, 1);
    end(&scene);
}
END_TEST

/* The late one holds its connection, and nothing else. */
START_TEST(what_stands_behind_a_late_read_is_sent_elsewhere_and_the_first_answer_counts)
{
    struct scene scene;
    begin(&scene);
    struct asked *late = ask(&scene, &slow);
    struct asked *behind = ask(&scene, &quick);
    turn(&scene);
    struct db_lane *stuck = lane_of(late, NULL);
    ck_assert_ptr_eq(lane_of(behind, NULL), stuck);
    stuck->busy_since_ms -= LATE_MS;
    turn(&scene);
    struct db_lane *other = lane_of(behind, stuck);
    ck_assert_ptr_nonnull(other);
    ck_assert_ptr_null(lane_of(late, stuck));
    answer(other);
    turn(&scene);
    ck_assert_int_eq(behind->answered, 1);
    ck_assert_int_eq(behind->released, 0);
    answer(stuck);
    answer(stuck);
    turn(&scene);
    ck_assert_int_eq(late->answered, 1);
    ck_assert_int_eq(behind->answered, 1);
    end(&scene);
}
END_TEST

START_TEST(a_statement_that_was_late_runs_apart_until_it_is_quick_again)
{
    struct scene scene;
    begin(&scene);
    struct asked *late = ask(&scene, &slow);
    turn(&scene);
    struct db_lane *stuck = lane_of(late, NULL);
    stuck->busy_since_ms -= LATE_MS;
    turn(&scene);
    struct asked *suspected[] = {ask(&scene, &slow), ask(&scene, &slow)};
    struct asked *ordinary = ask(&scene, &quick);
    turn(&scene);
    struct db_lane *apart = lane_of(suspected[0], NULL);
    ck_assert_int_lt(apart - lanes, CONNECTIONS); /* those of suspects come first */
    ck_assert_int_eq(apart->depth, 1);
    ck_assert_ptr_null(lane_of(suspected[1], NULL)); /* one at a time */
    ck_assert_int_ge(lane_of(ordinary, NULL) - lanes, CONNECTIONS);
    answer(apart);
    turn(&scene);
    answer(lane_of(suspected[1], NULL));
    turn(&scene);
    struct asked *acquitted = ask(&scene, &slow);
    turn(&scene);
    ck_assert_int_ge(lane_of(acquitted, NULL) - lanes, CONNECTIONS);
    end(&scene);
}
END_TEST

START_TEST(a_read_whose_connection_breaks_is_sent_again_but_not_for_ever)
{
    struct scene scene;
    begin(&scene);
    struct asked *asked = ask(&scene, &quick);
    int sends = 0;
    turn(&scene);
    for (struct db_lane *lane = lane_of(asked, NULL); lane != NULL && sends < 100; lane = lane_of(asked, NULL)) {
        sends++;
        db_lane_close(lane);
        turn(&scene);
    }
    ck_assert_int_gt(sends, 1);
    ck_assert_int_lt(sends, 10);
    ck_assert_int_eq(asked->failed, 1);
    ck_assert_int_eq(asked->kind, ERR_UNAVAILABLE);
    end(&scene);
}
END_TEST

START_TEST(without_a_database_reads_are_told_so)
{
    struct scene scene;
    begin(&scene);
    is_unreachable = true;
    struct asked *asked[] = {ask(&scene, &quick), ask(&scene, &slow)};
    turn(&scene);
    for (size_t i = 0; i < COUNT_OF(asked); i++)
        ck_assert_int_eq(asked[i]->failed, 1);
    ck_assert_int_eq(asked[0]->kind, ERR_UNAVAILABLE);
    end(&scene);
}
END_TEST

START_TEST(who_waits_no_more_is_not_answered)
{
    struct scene scene;
    begin(&scene);
    struct asked *sent = ask(&scene, &quick);
    turn(&scene);
    atomic_store(&sent->read.is_abandoned, true);
    struct asked *unsent = ask(&scene, &quick);
    atomic_store(&unsent->read.is_abandoned, true);
    answer(lane_of(sent, NULL));
    turn(&scene);
    ck_assert_int_eq(sent->answered + sent->failed + unsent->answered + unsent->failed, 0);
    ck_assert_int_eq(sent->released + unsent->released, 2);
    end(&scene);
}
END_TEST

START_TEST(the_end_answers_whoever_still_waits)
{
    struct scene scene;
    begin(&scene);
    struct asked *sent = ask(&scene, &quick);
    turn(&scene);
    struct asked *queued = ask(&scene, &slow);
    end(&scene);
    ck_assert_int_eq(sent->failed + queued->failed, 2);
    ck_assert_int_eq(queued->kind, ERR_OVERLOADED);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("reader_side");
    TCase *all = tcase_create("reader_side");
    tcase_add_test(all, a_read_is_answered_once_and_given_back);
    tcase_add_test(all, what_stands_behind_a_late_read_is_sent_elsewhere_and_the_first_answer_counts);
    tcase_add_test(all, a_statement_that_was_late_runs_apart_until_it_is_quick_again);
    tcase_add_test(all, a_read_whose_connection_breaks_is_sent_again_but_not_for_ever);
    tcase_add_test(all, without_a_database_reads_are_told_so);
    tcase_add_test(all, who_waits_no_more_is_not_answered);
    tcase_add_test(all, the_end_answers_whoever_still_waits);
    suite_add_tcase(suite, all);
    return suite;
}
