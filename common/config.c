/* Reading settings. All sources are read first and checked for unknown keys; then each setting takes its value from
 * the strongest source that has one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include "common/alloc.h"
#include "common/config_print.h"
#include "common/config_setting.h"
#include "common/db.h"
#include "common/must.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct setting config_common_settings[] = {
    // clang-format off
    {"database_url", SETTING_TEXT, offsetof(struct config_common, database_url), NULL, 0, 0, NULL, true,
     "PostgreSQL, as a libpq connection string or URI; the user in it is not used"},
    {"log_level", SETTING_TEXT, offsetof(struct config_common, log_level), "info", 0, 0, NULL, false,
     "the least level that is logged: debug, info, warning or error"},
    {"admin_listen", SETTING_TEXT, offsetof(struct config_common, admin_listen), "", 0, 0, NULL, false,
     "host:port or unix:/path of /livez, /readyz and /metrics; empty: none"},
    {"check_statements", SETTING_BOOL, offsetof(struct config_common, check_statements), "false", 0, 0, NULL, false,
     "instead of running, say of each statement whether it fits the database's schema and privileges; fails where one does not"},
    SETTINGS_END,
    // clang-format on
};

/* A value somebody gave. */
struct entry {
    char *key;
    char *value;
};

struct entries {
    struct entry *list;
    size_t count;
};

enum request { REQUEST_RUN, REQUEST_HELP, REQUEST_VERSION, REQUEST_CHECK, REQUEST_PRINT, REQUEST_DOCS };

struct command_line {
    enum request request;
    const char *file; /* --config; NULL: none */
    struct entries flags;
};

/* ---- Entries ---- */

static void entries_add(struct entries *entries, const char *key, const char *value)
{
    entries->list = alloc_resize(entries->list, entries->count + 1, sizeof *entries->list);
    entries->list[entries->count++] = (struct entry){.key = alloc_text(key), .value = alloc_text(value)};
}

static void entries_clear(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->list[i].key);
        OPENSSL_cleanse(entries->list[i].value, strlen(entries->list[i].value)); /* it may be a secret */
        free(entries->list[i].value);
    }
    free(entries->list);
    *entries = (struct entries){0};
}

static void command_line_clear(struct command_line *line)
{
    entries_clear(&line->flags);
}

/* The last one counts; NULL: none. */
static const char *entries_find(const struct entries *entries, const char *key)
{
    for (size_t i = entries->count; i > 0; i--) {
        if (strcmp(entries->list[i - 1].key, key) == 0)
            return entries->list[i - 1].value;
    }
    return NULL;
}

/* ---- Settings ---- */

static const struct setting *find_setting(const struct config_part *parts, const char *key)
{
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++) {
            if (strcmp(setting->key, key) == 0)
                return setting;
        }
    }
    return NULL;
}

static const char *environment_value(const char *key)
{
    char upper[SETTING_KEY_SIZE];
    char name[sizeof "SLUICE_" + SETTING_KEY_SIZE];
    setting_spell(key, false, upper);
    (void)snprintf(name, sizeof name, "SLUICE_%s", upper);
    return getenv(name); /* NOLINT(concurrency-mt-unsafe): read before any thread is started */
}

static enum err_kind resolve(const struct setting *setting, void *target, const struct entries *flags,
                             const struct entries *file, struct err *reterr)
{
    const char *candidates[] = {entries_find(flags, setting->key), environment_value(setting->key),
                                entries_find(file, setting->key), setting->fallback};
    for (size_t i = 0; i < COUNT_OF(candidates); i++) {
        if (candidates[i] != NULL)
            return setting_store(setting, target, candidates[i], reterr);
    }
    char flag[SETTING_KEY_SIZE];
    char upper[SETTING_KEY_SIZE];
    setting_spell(setting->key, true, flag);
    setting_spell(setting->key, false, upper);
    return err_set(reterr, ERR_INVALID,
                   "setting '%s' is missing: give --%s, SLUICE_%s or a line in the file of --config", setting->key,
                   flag, upper);
}

/* ---- The file ---- */

static char *trim(char *text)
{
    while (isspace((unsigned char)*text) != 0)
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]) != 0)
        length--;
    text[length] = '\0';
    return text;
}

static enum err_kind read_line(char *line, const struct config_part *parts, struct entries *entries, struct err *reterr)
{
    char *key = trim(line);
    if (key[0] == '\0' || key[0] == '#')
        return ERR_NONE;
    char *equals = strchr(key, '=');
    if (equals == NULL)
        return err_set(reterr, ERR_INVALID, "the line is not of the form 'key = value'");
    *equals = '\0';
    key = trim(key);
    if (find_setting(parts, key) == NULL)
        return err_set(reterr, ERR_INVALID, "unknown setting '%s'", key);
    entries_add(entries, key, trim(equals + 1));
    return ERR_NONE;
}

static void file_closep(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file); /* it was only read */
    *file = NULL;
}

static enum err_kind read_file(const char *path, const struct config_part *parts, struct entries *entries,
                               struct err *reterr)
{
    char reason[128];
    CLEANUP(file_closep) FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_set(reterr, ERR_INVALID, "cannot read '%s': %s", path, strerror_r(errno, reason, sizeof reason));
    }
    CLEANUP(text_freep) char *line = NULL;
    size_t capacity = 0;
    struct err err = {0};
    for (int number = 1; getline(&line, &capacity, file) >= 0; number++) {
        enum err_kind kind = read_line(line, parts, entries, &err);
        if (kind != ERR_NONE)
            return err_set(reterr, kind, "file '%s' line %d: %s", path, number, err.text);
    }
    if (ferror(file) != 0)
        return err_set(reterr, ERR_INVALID, "cannot read '%s' to its end", path);
    return ERR_NONE;
}

/* ---- The command line ---- */

static bool read_request(const char *argument, enum request *ret)
{
    static const struct {
        const char *flag;
        enum request request;
    } rows[] = {
        {"--help", REQUEST_HELP},          {"-h", REQUEST_HELP},
        {"--version", REQUEST_VERSION},    {"--check-config", REQUEST_CHECK},
        {"--print-config", REQUEST_PRINT}, {"--print-docs", REQUEST_DOCS},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(argument, rows[i].flag) == 0) {
            *ret = rows[i].request;
            return true;
        }
    }
    return false;
}

/* "--some-key=..." gives some_key; false where it is no flag or too long for one. */
static bool read_key(const char *argument, char ret[static SETTING_KEY_SIZE])
{
    size_t length = strcspn(argument, "=");
    if (strncmp(argument, "--", 2) != 0 || length < 3 || length - 2 >= SETTING_KEY_SIZE)
        return false;
    for (size_t i = 2; i < length; i++)
        ret[i - 2] = argument[i] == '-' ? '_' : argument[i];
    ret[length - 2] = '\0';
    return true;
}

/* Reads the flag at argv[*index], and its value, which may be the next argument. */
static enum err_kind read_flag(const struct config_part *parts, int argc, char **argv, int *index,
                               struct command_line *line, struct err *reterr)
{
    const char *argument = argv[*index];
    char key[SETTING_KEY_SIZE];
    if (!read_key(argument, key))
        return err_set(reterr, ERR_INVALID, "unexpected argument '%s': see --help", argument);
    bool is_file = strcmp(key, "config") == 0;
    const struct setting *setting = is_file ? NULL : find_setting(parts, key);
    if (!is_file && setting == NULL)
        return err_set(reterr, ERR_INVALID, "unknown flag '%.*s': see --help", (int)strcspn(argument, "="), argument);

    const char *equals = strchr(argument, '=');
    const char *value = equals == NULL ? NULL : equals + 1;
    bool takes_next = value == NULL && *index + 1 < argc && strncmp(argv[*index + 1], "--", 2) != 0;
    if (takes_next)
        value = argv[++*index];
    if (value == NULL && setting != NULL && setting->type == SETTING_BOOL)
        value = "true";
    if (value == NULL)
        return err_set(reterr, ERR_INVALID, "flag '%s' wants a value", argument);
    if (is_file)
        line->file = value;
    else
        entries_add(&line->flags, key, value);
    return ERR_NONE;
}

static enum err_kind read_command_line(const struct config_part *parts, int argc, char **argv,
                                       struct command_line *line, struct err *reterr)
{
    for (int i = 1; i < argc; i++) {
        enum request request = REQUEST_RUN;
        if (read_request(argv[i], &request)) {
            line->request = request;
            continue;
        }
        enum err_kind kind = read_flag(parts, argc, argv, &i, line, reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}

/* ---- Loading ---- */

static void forget_texts(const struct config_part *parts)
{
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++) {
            if (setting->type == SETTING_TEXT)
                *(char **)setting_field(setting, part->target) = NULL;
        }
    }
}

static enum err_kind resolve_all(const struct config_part *parts, const struct entries *flags,
                                 const struct entries *file, struct err *reterr)
{
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++) {
            enum err_kind kind = resolve(setting, part->target, flags, file, reterr);
            if (kind != ERR_NONE)
                return kind;
        }
    }
    return ERR_NONE;
}

static enum err_kind load_values(const struct config_part *parts, const struct command_line *line, struct err *reterr)
{
    CLEANUP(entries_clear) struct entries file = {0};
    const char *path = line->file != NULL ? line->file : environment_value("config");
    enum err_kind kind = path == NULL ? ERR_NONE : read_file(path, parts, &file, reterr);
    if (kind == ERR_NONE)
        kind = resolve_all(parts, &line->flags, &file, reterr);
    if (kind != ERR_NONE)
        config_release(parts);
    return kind;
}

enum err_kind config_load(const char *program, const char *summary, const struct config_part *parts, int argc,
                          char **argv, bool *ret_done, int *ret_status, struct err *reterr)
{
    *ret_done = false;
    *ret_status = EXIT_SUCCESS;
    forget_texts(parts);
    CLEANUP(command_line_clear) struct command_line line = {0};
    enum err_kind kind = read_command_line(parts, argc, argv, &line, reterr);
    if (kind != ERR_NONE)
        return kind;
    *ret_done = line.request != REQUEST_RUN;
    if (line.request == REQUEST_HELP)
        config_print_help(program, summary, parts);
    if (line.request == REQUEST_VERSION)
        printf("%s %s (knows schema %d)\n", program, SLUICE_VERSION, DB_SCHEMA_KNOWN);
    if (line.request == REQUEST_DOCS)
        config_print_docs(program, parts);
    if (line.request == REQUEST_HELP || line.request == REQUEST_VERSION || line.request == REQUEST_DOCS)
        return ERR_NONE;

    kind = load_values(parts, &line, reterr);
    if (kind != ERR_NONE) {
        *ret_done = false;
        return kind;
    }
    if (line.request == REQUEST_CHECK)
        printf("the configuration is valid\n");
    if (line.request == REQUEST_PRINT)
        config_print_values(parts);
    return ERR_NONE;
}

void config_release(const struct config_part *parts)
{
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++) {
            char **text = setting->type == SETTING_TEXT ? setting_field(setting, part->target) : NULL;
            if (text == NULL || *text == NULL)
                continue;
            if (setting->secret)
                OPENSSL_cleanse(*text, strlen(*text));
            text_freep(text);
        }
    }
}
