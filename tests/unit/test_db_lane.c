/* A connection for an event loop: how long it may take to open. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/db_lane.h"
#include "tests/unit/suite.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BY_DEFAULT_MS 3000

static char directory[] = "/tmp/sluice-lane-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int server_fd;

/* A server that takes connections and never says a word. */
static void start_silent_server(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", directory);
    server_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(server_fd, 0);
    ck_assert_int_eq(bind(server_fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(server_fd, 8), 0);
}

static void stop_silent_server(void)
{
    ck_assert_int_eq(close(server_fd), 0);
    ck_assert_int_eq(unlink(address.sun_path), 0);
    ck_assert_int_eq(rmdir(directory), 0);
    memcpy(strrchr(directory, '-') + 1, "XXXXXX", 6);
}

static struct db_lane *open_lane(const char *parameters)
{
    char url[256];
    (void)snprintf(url, sizeof url, "postgresql:///sluice?host=%s%s", directory, parameters);
    struct db_lane *lane = db_lane_new(&(struct db_options){
        .url = url, .role = "sluice_api", .application_name = "test", .statement_timeout_ms = 1000});
    db_lane_open(lane);
    ck_assert_int_eq(db_lane_state(lane), DB_LANE_OPENING);
    return lane;
}

/* As the loop does it, for so long at most: how long it was opening. */
static int64_t opening_ms(struct db_lane *lane, int64_t most_ms)
{
    int64_t began_ms = clock_monotonic_ms();
    while (db_lane_state(lane) == DB_LANE_OPENING && clock_monotonic_ms() - began_ms < most_ms) {
        struct pollfd ready = {.fd = db_lane_fd(lane), .events = db_lane_events(lane)};
        db_lane_step(lane, poll(&ready, 1, 10) > 0 ? ready.revents : 0);
    }
    return clock_monotonic_ms() - began_ms;
}

START_TEST(a_server_that_says_nothing_is_given_up)
{
    struct db_lane *lane = open_lane("");
    ck_assert_int_ge(opening_ms(lane, INT64_MAX), BY_DEFAULT_MS);
    ck_assert_int_eq(db_lane_state(lane), DB_LANE_CLOSED);
    ck_assert_int_eq(db_lane_error(lane)->kind, ERR_UNAVAILABLE);
    db_lane_free(lane);
}
END_TEST

START_TEST(it_is_waited_for_as_long_as_the_url_says)
{
    struct db_lane *patient = open_lane("&connect_timeout=600");
    struct db_lane *forever = open_lane("&connect_timeout=0");
    struct db_lane *brief = open_lane("&connect_timeout=1"); /* libpq takes it for 2 */
    ck_assert_int_ge(opening_ms(brief, INT64_MAX), 2000);
    ck_assert_int_eq(db_lane_state(brief), DB_LANE_CLOSED);
    (void)opening_ms(patient, BY_DEFAULT_MS);
    db_lane_step(forever, 0);
    ck_assert_int_eq(db_lane_state(patient), DB_LANE_OPENING);
    ck_assert_int_eq(db_lane_state(forever), DB_LANE_OPENING);
    db_lane_free(brief);
    db_lane_free(patient);
    db_lane_free(forever);
}
END_TEST

START_TEST(what_the_environment_says_holds_where_the_url_says_nothing)
{
    ck_assert_int_eq(setenv("PGCONNECT_TIMEOUT", "600", true), 0);
    struct db_lane *patient = open_lane("");
    struct db_lane *brief = open_lane("&connect_timeout=2");
    ck_assert_int_lt(opening_ms(brief, INT64_MAX), INT64_C(600) * 1000);
    ck_assert_int_eq(db_lane_state(brief), DB_LANE_CLOSED);
    (void)opening_ms(patient, BY_DEFAULT_MS);
    ck_assert_int_eq(db_lane_state(patient), DB_LANE_OPENING);
    ck_assert_int_eq(unsetenv("PGCONNECT_TIMEOUT"), 0);
    db_lane_free(brief);
    db_lane_free(patient);
}
END_TEST

Suite *unit_suite(void)
{
    const TTest *const promises[] = {a_server_that_says_nothing_is_given_up, it_is_waited_for_as_long_as_the_url_says,
                                     what_the_environment_says_holds_where_the_url_says_nothing};
    Suite *suite = suite_create("db_lane");
    TCase *tests = tcase_create("promises");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, start_silent_server, stop_silent_server);
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++)
        tcase_add_test(tests, promises[i]);
    suite_add_tcase(suite, tests);
    return suite;
}
