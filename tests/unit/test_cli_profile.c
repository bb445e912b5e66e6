/* What profiles promise: tokens stay with their owner, and no profile is lost. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/profile.h"
#include "common/arena.h"
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static char root[] = "/tmp/sluice-profile-XXXXXX";
static const char *directory;
static const char *file;
static struct profile profile;
static struct err err;

static void begin(void)
{
    arena = arena_new();
    memcpy(root + sizeof root - sizeof "XXXXXX", "XXXXXX", sizeof "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    directory = arena_format(arena, "%s/a/b/sluice", root);
    file = arena_format(arena, "%s/profiles", directory);
    profile = (struct profile){0};
    err = (struct err){0};
}

static void end(void)
{
    static const char *const left[] = {"a/b/sluice/profiles", "a/b/sluice/profiles.new", "a/b/sluice/other"};
    for (size_t i = 0; i < COUNT_OF(left); i++)
        (void)unlink(arena_format(arena, "%s/%s", root, left[i]));
    static const char *const folders[] = {"/a/b/sluice", "/a/b", "/a", ""};
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        (void)rmdir(arena_format(arena, "%s%s", root, folders[i]));
    arena_free(arena);
}

static void store(const char *name, const char *url, const char *token)
{
    const struct profile stored = {.url = url, .token = token};
    ck_assert_msg(profile_store(arena, directory, name, &stored, &err) == ERR_NONE, "%s", err.text);
}

static enum err_kind load(const char *name)
{
    return profile_load(arena, directory, name, &profile, &err);
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    ck_assert_int_eq(lstat(path, &status), 0);
    return status.st_mode & 07777U;
}

static void write_file(const char *text)
{
    FILE *out = fopen(file, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
    ck_assert_int_eq(chmod(file, 0600), 0);
}

START_TEST(what_is_stored_is_found_again_and_others_stay)
{
    store("default", "http://127.0.0.1:7070", "slu_a");
    store("work", "https://gpu.example", "slu_b");
    store("default", "http://127.0.0.1:7071", "slu_c");
    ck_assert_int_eq(load("work"), ERR_NONE);
    ck_assert_str_eq(profile.url, "https://gpu.example");
    ck_assert_str_eq(profile.token, "slu_b");
    ck_assert_int_eq(load("default"), ERR_NONE);
    ck_assert_str_eq(profile.url, "http://127.0.0.1:7071");
    ck_assert_str_eq(profile.token, "slu_c");
}
END_TEST

START_TEST(only_the_owner_can_read_whatever_the_umask)
{
    mode_t before = umask(0);
    store("default", "http://127.0.0.1:7070", "slu_a");
    umask(before);
    ck_assert_uint_eq(mode_of(file), 0600);
    ck_assert_uint_eq(mode_of(directory), 0700);
}
END_TEST

START_TEST(a_file_that_others_can_read_is_refused)
{
    static const mode_t modes[] = {0640, 0604, 0660, 0610, 0601, 0602};
    store("default", "http://127.0.0.1:7070", "slu_a");
    const struct profile other = {.url = "http://127.0.0.1:1", .token = "slu_b"};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        ck_assert_int_eq(chmod(file, modes[i]), 0);
        ck_assert_int_eq(load("default"), ERR_FORBIDDEN);
        ck_assert_ptr_nonnull(strstr(err.hint, "chmod 600"));
        ck_assert_int_eq(profile_store(arena, directory, "x", &other, &err), ERR_FORBIDDEN);
    }
    ck_assert_ptr_null(profile.token);
    ck_assert_int_eq(chmod(file, 0400), 0);
    ck_assert_int_eq(load("default"), ERR_NONE);
}
END_TEST

START_TEST(what_is_no_plain_file_is_refused)
{
    store("default", "http://127.0.0.1:7070", "slu_a");
    const char *other = arena_format(arena, "%s/other", directory);
    ck_assert_int_eq(rename(file, other), 0);
    ck_assert_int_eq(symlink(other, file), 0);
    ck_assert_int_ne(load("default"), ERR_NONE);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    ck_assert_int_eq(load("default"), ERR_FORBIDDEN); /* and it does not wait for a writer */
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    ck_assert_int_eq(load("default"), ERR_NOT_FOUND);
    store("default", "http://127.0.0.1:7070", "slu_a");
    ck_assert_int_eq(load("work"), ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_broken_file_is_said_and_not_overwritten)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{\"default\": 1}",
                                        "{\"default\": {\"url\": \"http://a\"}}",
                                        "{\"default\": {\"url\": \"http://a\", \"token\": \"a\\r\\nHost: b\"}}"};
    store("default", "http://127.0.0.1:7070", "slu_a");
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        write_file(texts[i]);
        ck_assert_int_eq(load("default"), ERR_INVALID);
    }
    write_file("{");
    const struct profile other = {.url = "http://127.0.0.1:1", .token = "slu_b"};
    ck_assert_int_eq(profile_store(arena, directory, "x", &other, &err), ERR_INVALID);
    ck_assert_int_eq(load("default"), ERR_INVALID);
}
END_TEST

START_TEST(what_a_crash_left_is_in_nobodys_way)
{
    store("default", "http://127.0.0.1:7070", "slu_a");
    const char *left = arena_format(arena, "%s.new", file);
    FILE *out = fopen(left, "w");
    fputs("{", out);
    fclose(out);
    store("work", "http://127.0.0.1:7070", "slu_b");
    ck_assert_int_ne(access(left, F_OK), 0);
    ck_assert_int_eq(load("work"), ERR_NONE);
    ck_assert_uint_eq(mode_of(file), 0600);
}
END_TEST

START_TEST(the_directory_follows_the_environment)
{
    const char *found = NULL;
    ck_assert_int_eq(profile_directory(arena, "/x", "/home/ana", &found, &err), ERR_NONE);
    ck_assert_str_eq(found, "/x/sluice");
    ck_assert_int_eq(profile_directory(arena, "relative", "/home/ana", &found, &err), ERR_NONE);
    ck_assert_str_eq(found, "/home/ana/.config/sluice");
    ck_assert_int_eq(profile_directory(arena, NULL, NULL, &found, &err), ERR_INVALID);
}
END_TEST

START_TEST(names_and_tokens_are_plain_words)
{
    ck_assert(profile_name_is_valid("work-2.eu_west"));
    ck_assert(!profile_name_is_valid(""));
    ck_assert(!profile_name_is_valid("../x"));
    ck_assert(profile_token_is_valid("slu_user_0123_abcDEF"));
    ck_assert(!profile_token_is_valid(""));
    ck_assert(!profile_token_is_valid("slu_a\r\nHost: b"));
    ck_assert(!profile_token_is_valid("slu a"));
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("cli_profile");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, what_is_stored_is_found_again_and_others_stay);
    tcase_add_test(tests, only_the_owner_can_read_whatever_the_umask);
    tcase_add_test(tests, a_file_that_others_can_read_is_refused);
    tcase_add_test(tests, what_is_no_plain_file_is_refused);
    tcase_add_test(tests, what_is_not_there_is_not_found);
    tcase_add_test(tests, a_broken_file_is_said_and_not_overwritten);
    tcase_add_test(tests, what_a_crash_left_is_in_nobodys_way);
    tcase_add_test(tests, the_directory_follows_the_environment);
    tcase_add_test(tests, names_and_tokens_are_plain_words);
    Suite *suite = suite_create("cli_profile");
    suite_add_tcase(suite, tests);
    return suite;
}
