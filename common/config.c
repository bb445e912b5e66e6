/* Reading settings. All sources are read first and checked for unknown keys; then each setting takes its value from
 * the strongest source that has one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include "common/alloc.h"
#include "common/db.h"
#include "common/must.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE 64 /* of a setting, with SLUICE_ before it */

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

/* database_url as DATABASE_URL or database-url. */
static void spell(const char *key, bool as_flag, char ret[static KEY_SIZE])
{
    size_t length = strlen(key);
    must(length < KEY_SIZE);
    for (size_t i = 0; i < length; i++) {
        if (as_flag)
            ret[i] = key[i] == '_' ? '-' : key[i];
        else
            ret[i] = (char)toupper((unsigned char)key[i]);
    }
    ret[length] = '\0';
}

static const char *environment_value(const char *key)
{
    char upper[KEY_SIZE];
    char name[sizeof "SLUICE_" + KEY_SIZE];
    spell(key, false, upper);
    (void)snprintf(name, sizeof name, "SLUICE_%s", upper);
    return getenv(name); /* NOLINT(concurrency-mt-unsafe): read before any thread is started */
}

static void *field_of(const struct setting *setting, void *target)
{
    return (char *)target + setting->offset;
}

static bool read_bool(const char *text, bool *ret)
{
    static const char *const texts[][2] = {{"false", "true"}, {"off", "on"}, {"no", "yes"}, {"0", "1"}};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        bool is_true = strcmp(text, texts[i][1]) == 0;
        if (is_true || strcmp(text, texts[i][0]) == 0) {
            *ret = is_true;
            return true;
        }
    }
    return false;
}

static bool read_int(const char *text, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool starts_well = isdigit((unsigned char)text[0]) != 0 || text[0] == '-'; /* strtoll would skip spaces */
    if (!starts_well || errno != 0 || end == text || *end != '\0')
        return false;
    *ret = value;
    return true;
}

static const char *shown(const struct setting *setting, const char *value)
{
    return setting->secret && value[0] != '\0' ? "********" : value;
}

static enum err_kind store_value(const struct setting *setting, void *target, const char *text, struct err *reterr)
{
    void *field = field_of(setting, target);
    if (setting->type == SETTING_TEXT) {
        *(char **)field = alloc_text(text);
        return ERR_NONE;
    }
    if (setting->type == SETTING_BOOL) {
        if (!read_bool(text, field))
            return err_set(reterr, ERR_INVALID, "setting '%s': '%s' is neither 'true' nor 'false'", setting->key,
                           shown(setting, text));
        return ERR_NONE;
    }
    int64_t number = 0;
    if (!read_int(text, &number) || number < setting->least || number > setting->most) {
        return err_set(reterr, ERR_INVALID,
                       "setting '%s': '%s' is not a whole number from %" PRId64 " to %" PRId64 "%s%s", setting->key,
                       shown(setting, text), setting->least, setting->most, setting->unit == NULL ? "" : " ",
                       setting->unit == NULL ? "" : setting->unit);
    }
    *(int64_t *)field = number;
    return ERR_NONE;
}

static enum err_kind resolve(const struct setting *setting, void *target, const struct entries *flags,
                             const struct entries *file, struct err *reterr)
{
    const char *candidates[] = {entries_find(flags, setting->key), environment_value(setting->key),
                                entries_find(file, setting->key), setting->fallback};
    for (size_t i = 0; i < COUNT_OF(candidates); i++) {
        if (candidates[i] != NULL)
            return store_value(setting, target, candidates[i], reterr);
    }
    char flag[KEY_SIZE];
    char upper[KEY_SIZE];
    spell(setting->key, true, flag);
    spell(setting->key, false, upper);
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
static bool read_key(const char *argument, char ret[static KEY_SIZE])
{
    size_t length = strcspn(argument, "=");
    if (strncmp(argument, "--", 2) != 0 || length < 3 || length - 2 >= KEY_SIZE)
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
    char key[KEY_SIZE];
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

/* ---- Printing ---- */

static void print_setting_help(const struct setting *setting)
{
    static const char *const types[] = {
        [SETTING_TEXT] = "TEXT", [SETTING_INT] = "NUMBER", [SETTING_BOOL] = "true|false"};
    char flag[KEY_SIZE];
    spell(setting->key, true, flag);
    printf("  --%s %s\n        %s", flag, types[setting->type], setting->help);
    if (setting->type == SETTING_INT) {
        printf("; %" PRId64 " to %" PRId64 "%s%s", setting->least, setting->most, setting->unit == NULL ? "" : " ",
               setting->unit == NULL ? "" : setting->unit);
    }
    if (setting->fallback == NULL)
        printf(" (required)\n");
    else
        printf(" (default: %s)\n", setting->fallback[0] == '\0' ? "none" : setting->fallback);
}

static void print_help(const char *program, const char *summary, const struct config_part *parts)
{
    printf("%s: %s\n\nUsage: %s [--config FILE] [--<setting> <value>]...\n\n", program, summary, program);
    printf("A setting's value comes from its flag, else from the environment (SLUICE_<SETTING>, in capitals and\n"
           "underscores), else from the file of --config (lines of 'setting = value'), else it is the default.\n\n"
           "Settings:\n");
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++)
            print_setting_help(setting);
    }
    printf(
        "\nInstead of running:\n"
        "  --check-config  say whether the configuration is valid, and what in it is weak (--strict: fail if anything is)\n"
        "  --print-config  print every setting's value, secrets masked\n"
        "  --print-docs    print the settings as docs/configuration.md has them\n"
        "  --version       print the version, and the schema that it knows\n"
        "  --help          print this\n");
}

/* A row of docs/configuration.md. */
static void print_setting_row(const struct setting *setting)
{
    const char *fallback = setting->fallback == NULL ? "required" : setting->fallback;
    printf("| `%s` | %s | ", setting->key, fallback[0] == '\0' ? "none" : fallback);
    if (setting->type == SETTING_INT) {
        printf("%" PRId64 " to %" PRId64 "%s%s", setting->least, setting->most, setting->unit == NULL ? "" : " ",
               setting->unit == NULL ? "" : setting->unit);
    } else {
        printf("%s", setting->type == SETTING_BOOL ? "true, false" : "text");
    }
    printf(" | %s |\n", setting->help);
}

static void print_docs(const char *program, const struct config_part *parts)
{
    printf("\n## %s\n\n| setting | default | values | meaning |\n|--|--|--|--|\n", program);
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++)
            print_setting_row(setting);
    }
}

static void print_value(const struct setting *setting, void *target)
{
    const void *field = field_of(setting, target);
    printf("%s = ", setting->key);
    if (setting->type == SETTING_INT)
        printf("%" PRId64 "\n", *(const int64_t *)field);
    else if (setting->type == SETTING_BOOL)
        printf("%s\n", *(const bool *)field ? "true" : "false");
    else
        printf("%s\n", shown(setting, *(char *const *)field));
}

static void print_values(const struct config_part *parts)
{
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++)
            print_value(setting, part->target);
    }
}

/* ---- Loading ---- */

static void forget_texts(const struct config_part *parts)
{
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++) {
            if (setting->type == SETTING_TEXT)
                *(char **)field_of(setting, part->target) = NULL;
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
        print_help(program, summary, parts);
    if (line.request == REQUEST_VERSION)
        printf("%s %s (knows schema %d)\n", program, SLUICE_VERSION, DB_SCHEMA_KNOWN);
    if (line.request == REQUEST_DOCS)
        print_docs(program, parts);
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
        print_values(parts);
    return ERR_NONE;
}

void config_release(const struct config_part *parts)
{
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++) {
            char **text = setting->type == SETTING_TEXT ? field_of(setting, part->target) : NULL;
            if (text == NULL || *text == NULL)
                continue;
            if (setting->secret)
                OPENSSL_cleanse(*text, strlen(*text));
            text_freep(text);
        }
    }
}
