/* What configuration promises: one table, a clear order of sources, and errors that say what to write instead. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/alloc.h"
#include "common/config.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct example {
    char *name;
    char *password;
    int64_t port;
    bool verbose;
};

static const struct setting settings[] = {
    {"name", SETTING_TEXT, offsetof(struct example, name), "nobody", 0, 0, NULL, false, "who"},
    {"pass_word", SETTING_TEXT, offsetof(struct example, password), "", 0, 0, NULL, true, "a secret"},
    {"port", SETTING_INT, offsetof(struct example, port), "8080", 1, 65535, NULL, false, "where"},
    {"verbose", SETTING_BOOL, offsetof(struct example, verbose), "false", 0, 0, NULL, false, "how"},
    SETTINGS_END,
};

static struct example example;
static const struct config_part parts[] = {{settings, &example}, {0}};
static struct err err;
static bool done;
static int status;

#define LOAD(...) load((const char *const[]){"test", ##__VA_ARGS__, NULL})

/* main's arguments are not const, so they are copied. */
static enum err_kind load(const char *const *arguments)
{
    char *argv[16] = {0};
    int argc = 0;
    for (; arguments[argc] != NULL; argc++)
        argv[argc] = alloc_text(arguments[argc]);
    err = (struct err){0};
    enum err_kind kind = config_load("test", "tests", parts, argc, argv, &done, &status, &err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return kind;
}

static char file_path[] = "/tmp/sluice-config-XXXXXX";

static char *file_of(const char *text)
{
    memcpy(file_path + strlen(file_path) - 6, "XXXXXX", 6);
    int fd = mkstemp(file_path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return file_path;
}

START_TEST(without_sources_the_defaults_hold)
{
    ck_assert_int_eq(LOAD(), ERR_NONE);
    ck_assert(!done);
    ck_assert_str_eq(example.name, "nobody");
    ck_assert_int_eq(example.port, 8080);
    ck_assert(!example.verbose);
    config_release(parts);
    ck_assert_ptr_null(example.name);
}
END_TEST

START_TEST(a_flag_beats_the_environment_beats_the_file)
{
    char *file = file_of("# a comment\n\n name = file  \nport=1\nverbose = on\n");
    ck_assert_int_eq(setenv("SLUICE_PORT", "2", 1), 0);
    ck_assert_int_eq(setenv("SLUICE_PASS_WORD", "env", 1), 0);
    ck_assert_int_eq(LOAD("--config", file, "--pass-word=flag=1"), ERR_NONE);
    ck_assert_str_eq(example.name, "file");
    ck_assert_int_eq(example.port, 2);
    ck_assert_str_eq(example.password, "flag=1");
    ck_assert(example.verbose);
    config_release(parts);
    ck_assert_int_eq(LOAD("--port", "3", "--port", "4", "--verbose"), ERR_NONE);
    ck_assert_int_eq(example.port, 4);
    ck_assert(example.verbose);
    config_release(parts);
    unsetenv("SLUICE_PORT");
    unsetenv("SLUICE_PASS_WORD");
    unlink(file);
}
END_TEST

START_TEST(a_bad_value_says_what_is_wanted)
{
    static const char *const values[] = {"abc", "", "0", "65536", "1x", " 1", "99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        ck_assert_int_eq(LOAD("--port", values[i]), ERR_INVALID);
        char text[128];
        snprintf(text, sizeof text, "setting 'port': '%s' is not a whole number from 1 to 65535", values[i]);
        ck_assert_str_eq(err.text, text);
        ck_assert_ptr_null(example.name); /* nothing is left behind */
    }
    ck_assert_int_eq(LOAD("--verbose", "maybe"), ERR_INVALID);
}
END_TEST

START_TEST(an_unknown_key_stops_the_start)
{
    ck_assert_int_eq(LOAD("--prot", "1"), ERR_INVALID);
    ck_assert_str_eq(err.text, "unknown flag '--prot': see --help");
    ck_assert_int_eq(LOAD("port"), ERR_INVALID);
    ck_assert_int_eq(LOAD("--port"), ERR_INVALID);
    char *file = file_of("port = 1\nprot = 2\n");
    ck_assert_int_eq(LOAD("--config", file), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "line 2: unknown setting 'prot'"));
    unlink(file);
    file = file_of("port\n");
    ck_assert_int_eq(LOAD("--config", file), ERR_INVALID);
    unlink(file);
    ck_assert_int_eq(LOAD("--config", "/nowhere/at/all"), ERR_INVALID);
}
END_TEST

START_TEST(a_required_setting_names_its_three_doors)
{
    static struct config_common common;
    static const struct config_part common_parts[] = {{config_common_settings, &common}, {0}};
    char name[] = "test";
    char *argv[] = {name, NULL};
    unsetenv("SLUICE_DATABASE_URL");
    ck_assert_int_eq(config_load("test", "tests", common_parts, 1, argv, &done, &status, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "--database-url"));
    ck_assert_ptr_nonnull(strstr(err.text, "SLUICE_DATABASE_URL"));
}
END_TEST

/* What LOAD prints. */
static const char *printed(const char *const *argv)
{
    static char text[8192];
    FILE *out = tmpfile();
    ck_assert_ptr_nonnull(out);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    enum err_kind kind = load(argv);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    ck_assert_int_eq(kind, ERR_NONE);
    ck_assert(done);
    ck_assert_int_eq(status, 0);
    return text;
}

START_TEST(printing_masks_secrets_and_help_comes_from_the_table)
{
    const char *const print[] = {"test", "--print-config", "--pass-word", "hunter2", NULL};
    const char *text = printed(print);
    ck_assert_ptr_null(strstr(text, "hunter2"));
    ck_assert_ptr_nonnull(strstr(text, "port = 8080\n"));
    ck_assert_ptr_nonnull(strstr(text, "verbose = false\n"));
    config_release(parts);

    const char *const help[] = {"test", "--help", NULL};
    text = printed(help);
    ck_assert_ptr_nonnull(strstr(text, "--pass-word TEXT"));
    ck_assert_ptr_nonnull(strstr(text, "1 to 65535"));

    const char *const version[] = {"test", "--version", NULL};
    text = printed(version);
    ck_assert_ptr_eq(strstr(text, "test "), text);
    ck_assert_ptr_nonnull(strstr(text, " (knows schema ")); /* deploy/migrate reads it */
    const char *const check[] = {"test", "--check-config", NULL};
    ck_assert_str_eq(printed(check), "the configuration is valid\n");
    config_release(parts);
}
END_TEST

Suite *unit_suite(void)
{
    TCase *tests = tcase_create("config");
    tcase_add_test(tests, without_sources_the_defaults_hold);
    tcase_add_test(tests, a_flag_beats_the_environment_beats_the_file);
    tcase_add_test(tests, a_bad_value_says_what_is_wanted);
    tcase_add_test(tests, an_unknown_key_stops_the_start);
    tcase_add_test(tests, a_required_setting_names_its_three_doors);
    tcase_add_test(tests, printing_masks_secrets_and_help_comes_from_the_table);
    Suite *suite = suite_create("config");
    suite_add_tcase(suite, tests);
    return suite;
}
