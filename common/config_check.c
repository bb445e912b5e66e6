/* Weak settings, told by --check-config. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config_check.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHECK_FLAG  "--check-config"
#define STRICT_FLAG "--strict"

/* Is it "host:port" of this machine alone, or unix:/path? */
static bool config_is_local(const char *listen_at)
{
    static const char *const local[] = {"unix:", "127.", "[::1]:", "localhost:"};
    for (size_t i = 0; i < COUNT_OF(local); i++) {
        if (strncmp(listen_at, local[i], strlen(local[i])) == 0)
            return true;
    }
    return false;
}

/* ---- The database ---- */

static void options_freep(PQconninfoOption **options)
{
    PQconninfoFree(*options);
}

static const char *option_of(const PQconninfoOption *options, const char *name)
{
    for (; options != NULL && options->keyword != NULL; options++) {
        if (strcmp(options->keyword, name) == 0)
            return options->val == NULL ? "" : options->val;
    }
    return "";
}

static bool is_this_machine(const char *host)
{
    return host[0] == '\0' || host[0] == '/' || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", strlen("127.")) == 0;
}

/* libpq's default, prefer, is content without TLS; require takes any certificate. */
static bool may_be_read_on_the_way(const void *target)
{
    const struct config_common *common = target;
    CLEANUP(options_freep) PQconninfoOption *options = PQconninfoParse(common->database_url, NULL);
    const char *mode = option_of(options, "sslmode");
    if (mode[0] == '\0')
        mode = getenv("PGSSLMODE"); /* NOLINT(concurrency-mt-unsafe): read before any thread is started */
    bool is_verified = mode != NULL && strncmp(mode, "verify-", strlen("verify-")) == 0;
    return !is_this_machine(option_of(options, "host")) && !is_verified;
}

static bool has_password(const void *target)
{
    const struct config_common *common = target;
    CLEANUP(options_freep) PQconninfoOption *options = PQconninfoParse(common->database_url, NULL);
    return option_of(options, "password")[0] != '\0';
}

/* ---- What all have ---- */

static bool logs_everything(const void *target)
{
    return strcmp(((const struct config_common *)target)->log_level, "debug") == 0;
}

static bool shows_metrics_to_all(const void *target)
{
    const char *listen_at = ((const struct config_common *)target)->admin_listen;
    return listen_at[0] != '\0' && !config_is_local(listen_at);
}

static bool has_token_in_environment(const void *target)
{
    (void)target;
    return getenv("SLUICE_TOKEN") != NULL; /* NOLINT(concurrency-mt-unsafe): read before any thread is started */
}

// clang-format off
const struct config_check config_common_checks[] = {
    {"database_url", may_be_read_on_the_way, "goes to another machine without sslmode=verify-full: whoever is on the way can read and change everything"},
    {"database_url", has_password, "has a password in it, which is in the environment of the process: use PGPASSFILE"},
    {"log_level", logs_everything, "debug logs every request, with its address and who made it"},
    {"admin_listen", shows_metrics_to_all, "lets the network read metrics: listen on loopback or a unix socket"},
    {"SLUICE_TOKEN", has_token_in_environment, "is in the environment: the daemon needs no token, and everything that it starts would inherit it"},
    CONFIG_CHECKS_END,
};
// clang-format on

/* ---- Where secrets came from ---- */

/* Is the argument the flag of that setting, alone or with its value? */
static bool is_flag_of(const char *argument, const char *key)
{
    if (strncmp(argument, "--", 2) != 0)
        return false;
    argument += 2;
    for (; *key != '\0'; key++, argument++) {
        if (*argument != (*key == '_' ? '-' : *key))
            return false;
    }
    return *argument == '\0' || *argument == '=';
}

static bool is_an_argument(const char *key, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (is_flag_of(argv[i], key))
            return true;
    }
    return false;
}

static int warn_of_arguments(const struct setting *settings, int argc, char **argv)
{
    int count = 0;
    for (const struct setting *setting = settings; setting->key != NULL; setting++) {
        if (!setting->secret || !is_an_argument(setting->key, argc, argv))
            continue;
        printf("weak: %s is an argument, which every process of the machine can read: use the environment or a file\n",
               setting->key);
        count++;
    }
    return count;
}

static const char *file_of(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!is_flag_of(argv[i], "config"))
            continue;
        const char *value = strchr(argv[i], '=');
        return value != NULL ? value + 1 : argv[i + 1]; /* argv ends with NULL */
    }
    return getenv("SLUICE_CONFIG"); /* NOLINT(concurrency-mt-unsafe): read before any thread is started */
}

static int warn_of_file(int argc, char **argv)
{
    struct stat status;
    const char *path = file_of(argc, argv);
    if (path == NULL || stat(path, &status) != 0 || (status.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) == 0)
        return 0;
    printf("weak: the file '%s' can be read by all, or written by more than its owner: chmod 0640\n", path);
    return 1;
}

/* ---- Checking ---- */

static int warn(const struct config_part *parts, const struct config_check *const *checks, int argc, char **argv)
{
    int count = warn_of_file(argc, argv);
    for (; parts->settings != NULL; parts++, checks++) {
        count += warn_of_arguments(parts->settings, argc, argv);
        for (const struct config_check *check = *checks; check != NULL && check->key != NULL; check++) {
            if (!check->is_weak(parts->target))
                continue;
            printf("weak: %s %s\n", check->key, check->warning);
            count++;
        }
    }
    return count;
}

/* Takes the flag out of the arguments; was it there? */
static bool take_flag(const char *flag, int *argc, char **argv)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], flag) != 0)
            argv[kept++] = argv[i];
    }
    bool was_there = kept < *argc;
    *argc = kept;
    argv[kept] = NULL;
    return was_there;
}

enum err_kind config_load_checked(const char *program, const char *summary, const struct config_part *parts,
                                  const struct config_check *const *checks, int argc, char **argv, bool *ret_done,
                                  int *ret_status, struct err *reterr)
{
    bool is_check = false;
    for (int i = 1; i < argc; i++)
        is_check |= strcmp(argv[i], CHECK_FLAG) == 0;
    bool is_strict = is_check && take_flag(STRICT_FLAG, &argc, argv);
    enum err_kind kind = config_load(program, summary, parts, argc, argv, ret_done, ret_status, reterr);
    if (kind != ERR_NONE || !*ret_done || !is_check)
        return kind;
    int weak = warn(parts, checks, argc, argv);
    if (weak > 0 && is_strict)
        *ret_status = EXIT_FAILURE;
    return ERR_NONE;
}
