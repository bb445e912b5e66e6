/* Where a daemon listens: the API reaches no further than this machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/listen.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err_kind try_listen(const char *listen_at, enum listen_reach reach)
{
    struct err err = {0};
    int fd = -1;
    enum err_kind kind = listen_open(listen_at, reach, &fd, &err);
    if (kind == ERR_NONE)
        ck_assert_int_eq(close(fd), 0);
    return kind;
}

START_TEST(loopback_is_local_and_the_network_is_not)
{
    ck_assert_int_eq(try_listen("127.0.0.1:0", LISTEN_LOCAL), ERR_NONE);
    ck_assert_int_eq(try_listen("127.9.9.9:0", LISTEN_LOCAL), ERR_NONE);
    ck_assert_int_eq(try_listen("0.0.0.0:0", LISTEN_LOCAL), ERR_INVALID);
    ck_assert_int_eq(try_listen("10.0.0.1:0", LISTEN_LOCAL), ERR_INVALID);
    ck_assert_int_eq(try_listen("[::]:0", LISTEN_LOCAL), ERR_INVALID);
    ck_assert_int_eq(try_listen("0.0.0.0:0", LISTEN_ANY), ERR_NONE);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const wrong[] = {"",
                                        ":",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        ":7070",
                                        "127.0.0.1:http",
                                        "127.0.0.1:65536x",
                                        "unix:",
                                        "unix:relative/path"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(try_listen(wrong[i], LISTEN_ANY) == ERR_INVALID, "'%s' was not refused", wrong[i]);
}
END_TEST

START_TEST(a_socket_that_was_left_is_replaced_and_closed_to_others)
{
    char directory[] = "/tmp/sluice-listen-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    char listen_at[64];
    (void)snprintf(listen_at, sizeof listen_at, "unix:%s/socket", directory);
    ck_assert_int_eq(try_listen(listen_at, LISTEN_LOCAL), ERR_NONE);
    ck_assert_int_eq(try_listen(listen_at, LISTEN_LOCAL), ERR_NONE); /* closing does not remove the path */
    struct stat status;
    ck_assert_str_eq(listen_unix_path(listen_at), listen_at + 5);
    ck_assert_int_eq(stat(listen_unix_path(listen_at), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777U, 0660);
    ck_assert_int_eq(unlink(listen_unix_path(listen_at)), 0);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("listen");
    tcase_add_test(tests, loopback_is_local_and_the_network_is_not);
    tcase_add_test(tests, what_is_no_address_is_refused);
    tcase_add_test(tests, a_socket_that_was_left_is_replaced_and_closed_to_others);
    Suite *suite = suite_create("listen");
    suite_add_tcase(suite, tests);
    return suite;
}
