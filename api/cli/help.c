/* Help and reference. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/help.h"

#include <string.h>

/* X(code, meaning) */
#define EXIT_CODES(X)                                                                                                  \
    X(0, "done")                                                                                                       \
    X(1, "an error that none of the others tells")                                                                     \
    X(2, "the command line is wrong")                                                                                  \
    X(3, "no token, or one that may not do this")                                                                      \
    X(4, "there is no such thing")                                                                                     \
    X(5, "a conflict, or no capacity")                                                                                 \
    X(6, "not in time")

static void print_usage(FILE *out, const struct command *command)
{
    fprintf(out, "sluice %s%s%s [OPTION]...", command->path, command->argument == NULL ? "" : " ",
            command->argument == NULL ? "" : command->argument);
}

/* "-o, --output FORMAT" */
static int print_option_name(FILE *out, enum option_id option)
{
    const struct option_row *row = &options[option];
    int width = 0;
    if (row->letter != 0)
        width += fprintf(out, "-%c, ", row->letter);
    width += fprintf(out, "--%s", row->name);
    if (row->type == VALUE_WAIT)
        width += fprintf(out, "[=%s]", row->argument);
    else if (row->argument != NULL)
        width += fprintf(out, " %s", row->argument);
    return width;
}

static void print_options(FILE *out, const enum option_id *list)
{
    for (; list != NULL && *list != OPTIONS_END; list++) {
        fputs("  ", out);
        int width = print_option_name(out, *list);
        fprintf(out, "%*s%s\n", width < 24 ? 24 - width : 1, "", options[*list].help);
    }
}

static void print_command(FILE *out, const struct command *command)
{
    fputs("Usage: ", out);
    print_usage(out, command);
    fprintf(out, "\n\n%s\n\nOptions:\n", command->help);
    print_options(out, command->options);
    print_options(out, options_everywhere);
    if (command->example != NULL)
        fprintf(out, "\nExample:\n  %s\n", command->example);
}

static bool belongs_to(const struct command *command, const char *group)
{
    size_t length = strlen(group);
    return strncmp(command->path, group, length) == 0 && command->path[length] == ' ';
}

static size_t first_word(const struct command *command)
{
    return strcspn(command->path, " ");
}

/* One line for each noun, with what can be done to it; the table has the commands of a noun one behind the other. */
static void print_nouns(FILE *out)
{
    size_t longest = 0;
    for (const struct command *command = commands; command->path != NULL; command++)
        longest = first_word(command) > longest ? first_word(command) : longest;
    const char *noun = NULL;
    for (const struct command *command = commands; command->path != NULL; command++) {
        size_t length = first_word(command);
        bool goes_on = noun != NULL && strncmp(noun, command->path, length + 1) == 0 && command->path[length] == ' ';
        if (!goes_on)
            fprintf(out, "%s  %-*.*s", noun == NULL ? "" : "\n", (int)longest + 2, (int)length, command->path);
        fprintf(out, "%s%s", goes_on ? ", " : "",
                command->path[length] == ' ' ? command->path + length + 1 : command->help);
        noun = command->path;
    }
    fputc('\n', out);
}

/* The longest name of a command, and two spaces. */
static int name_width(void)
{
    size_t longest = 0;
    for (const struct command *command = commands; command->path != NULL; command++)
        longest = strlen(command->path) > longest ? strlen(command->path) : longest;
    return (int)longest + 2;
}

void help_print(FILE *out, const struct arguments *arguments)
{
    if (arguments->command != NULL) {
        print_command(out, arguments->command);
        return;
    }
    fputs("sluice: the command line of a GPU cloud\n\nUsage: sluice COMMAND [OPTION]...\n\nCommands:\n", out);
    if (arguments->group == NULL)
        print_nouns(out);
    for (const struct command *command = commands; command->path != NULL; command++) {
        if (arguments->group != NULL && belongs_to(command, arguments->group))
            fprintf(out, "  %-*s%s\n", name_width(), command->path, command->help);
    }
    fputs("\nOptions of every command:\n", out);
    print_options(out, options_everywhere);
    fputs("\n'sluice COMMAND --help' explains one, or what belongs to its first word. 'sluice --version' prints the "
          "version.\n\nExit codes:\n",
          out);
#define X(code, meaning) fprintf(out, "  %d  %s\n", code, meaning);
    EXIT_CODES(X)
#undef X
}

static void print_option_docs(FILE *out, const enum option_id *list)
{
    fputs("\n| option | meaning |\n|--|--|\n", out);
    for (; *list != OPTIONS_END; list++) {
        fputs("| `", out);
        (void)print_option_name(out, *list);
        fprintf(out, "` | %s |\n", options[*list].help);
    }
}

static void print_command_docs(FILE *out, const struct command *command)
{
    fprintf(out, "\n## sluice %s\n\n%s\n\n```\n", command->path, command->help);
    print_usage(out, command);
    fputs("\n```\n", out);
    if (command->options != NULL)
        print_option_docs(out, command->options);
    if (command->example != NULL)
        fprintf(out, "\nExample:\n\n```\n%s\n```\n", command->example);
}

void help_print_docs(FILE *out)
{
    fputs(
        "# The command line\n\n"
        "`sluice` is a client of the REST API and nothing more. This page is printed by `sluice --print-docs`.\n\n"
        "`sluice login` keeps an address and a token in a profile: `$XDG_CONFIG_HOME/sluice/profiles`, else\n"
        "`~/.config/sluice/profiles`, which only its owner may read (a file that others can read is refused).\n"
        "`sluice profile use` makes one of several the one that is taken.\n"
        "`SLUICE_URL` and `SLUICE_TOKEN` stand over the profile, `--url` over both; `SSL_CERT_FILE` names the certificates of\n"
        "an authority of your own, as that of a door which made its own. A token is never an argument, "
        "because\n"
        "every process can see those. Tokens of the provider's roles see the same nouns of all tenants.\n\n"
        "Answers go to standard output, as a table or with `-o json` as the API gave them, a refusal too; what a "
        "person\n"
        "should know goes to standard error. Lists follow the API's pages up to `--limit`, and come with `-o csv` as the\n"
        "API's CSV (RFC 4180), all its fields, under one head.\n\n"
        "A request is sent again after a lost connection or when the API says that it may be; every change carries an\n"
        "idempotency key, so that it takes effect once. Where even that ends without an answer, the key is printed:\n"
        "the same command with `--idempotency-key` asks again instead of asking twice.\n\n"
        "`sluice help COMMAND` is `sluice COMMAND --help`. What a word may have been meant for is said where it is none.\n\n"
        "## Completion\n\n"
        "In `~/.bashrc`, and in `~/.zshrc` behind `autoload -Uz bashcompinit && bashcompinit`:\n\n"
        "```\ncomplete -o default -C 'sluice --complete' sluice\n```\n\n"
        "## Exit codes\n\n| code | meaning |\n|--|--|\n",
        out);
#define X(code, meaning) fprintf(out, "| %d | %s |\n", code, meaning);
    EXIT_CODES(X)
#undef X
    fputs("\n## Options of every command\n", out);
    print_option_docs(out, options_everywhere);
    for (const struct command *command = commands; command->path != NULL; command++)
        print_command_docs(out, command);
}
