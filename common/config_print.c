/* Settings for people: as help, as a page of docs/configuration.md, and as they are now. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config_print.h"

#include "common/config_setting.h"

#include <inttypes.h>
#include <stdio.h>

static void print_setting_help(const struct setting *setting)
{
    static const char *const types[] = {
        [SETTING_TEXT] = "TEXT", [SETTING_INT] = "NUMBER", [SETTING_BOOL] = "true|false"};
    char flag[SETTING_KEY_SIZE];
    setting_spell(setting->key, true, flag);
    printf("  --%s %s\n        %s", flag, types[setting->type], setting->help);
    if (setting->type == SETTING_INT) {
        char range[SETTING_RANGE_SIZE];
        setting_range(setting, range);
        printf("; %s", range);
    }
    if (setting->fallback == NULL)
        printf(" (required)\n");
    else
        printf(" (default: %s)\n", setting->fallback[0] == '\0' ? "none" : setting->fallback);
}

void config_print_help(const char *program, const char *summary, const struct config_part *parts)
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
        char range[SETTING_RANGE_SIZE];
        setting_range(setting, range);
        printf("%s", range);
    } else {
        printf("%s", setting->type == SETTING_BOOL ? "true, false" : "text");
    }
    printf(" | %s |\n", setting->help);
}

void config_print_docs(const char *program, const struct config_part *parts)
{
    printf("\n## %s\n\n| setting | default | values | meaning |\n|--|--|--|--|\n", program);
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++)
            print_setting_row(setting);
    }
}

static void print_value(const struct setting *setting, void *target)
{
    const void *field = setting_field(setting, target);
    printf("%s = ", setting->key);
    if (setting->type == SETTING_INT)
        printf("%" PRId64 "\n", *(const int64_t *)field);
    else if (setting->type == SETTING_BOOL)
        printf("%s\n", *(const bool *)field ? "true" : "false");
    else
        printf("%s\n", setting_shown(setting, *(char *const *)field));
}

void config_print_values(const struct config_part *parts)
{
    for (const struct config_part *part = parts; part->settings != NULL; part++) {
        for (const struct setting *setting = part->settings; setting->key != NULL; setting++)
            print_value(setting, part->target);
    }
}
