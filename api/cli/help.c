/* Help and reference. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/help.h"

#include "api/cli/declaration.h"
#include "api/cli/problem.h"
#include "api/cli/time_text.h"

#include <string.h>

/* X(code, meaning) */
#define EXIT_CODES(X)                                                                                                  \
    X(0, "done")                                                                                                       \
    X(1, "an error that none of the others tells")                                                                     \
    X(2, "the command line is wrong, or a file that it names")                                                         \
    X(3, "no token, or one that may not do this")                                                                      \
    X(4, "there is no such thing")                                                                                     \
    X(5, "a conflict, or no capacity")                                                                                 \
    X(6, "not in time")                                                                                                \
    X(EXIT_DIFFERS, "something would change: 'apply --dry-run --detailed-exitcode'")

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

static bool takes_times(const enum option_id *list)
{
    for (; list != NULL && *list != OPTIONS_END; list++) {
        if (options[*list].type == VALUE_TIME || options[*list].type == VALUE_START)
            return true;
    }
    return false;
}

static void print_command(FILE *out, const struct command *command)
{
    fputs("Usage: ", out);
    print_usage(out, command);
    fprintf(out, "\n\n%s\n\nOptions:\n", command->help);
    print_options(out, command->options);
    print_options(out, options_everywhere);
    if (takes_times(command->options))
        fputs("\nTIME is " TIME_TEXT_FORMS ".\n", out);
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
    const char *group = arguments->group;
    fprintf(out, "sluice: the command line of a GPU cloud\n\nUsage: sluice %s%sCOMMAND [OPTION]...\n\nCommands:\n",
            group == NULL ? "" : group, group == NULL ? "" : " ");
    if (group == NULL)
        print_nouns(out);
    for (const struct command *command = commands; command->path != NULL; command++) {
        if (group != NULL && belongs_to(command, group))
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

/* Declarative files, by the table of kinds. */
static void print_declarations_docs(FILE *out)
{
    fputs(
        "\n## Declarative files\n\n"
        "`sluice apply -f FILE` makes and changes things until they are as YAML or JSON files declare them. `-f` may be\n"
        "repeated, `-` is standard input, of a directory its files `*.yaml`, `*.yml` and `*.json` are taken by name. A file\n"
        "has up to 10,000 documents, 32 levels deep, of kind, name and spec, the body that the API's POST takes, without\n"
        "client_token and quote:\n\n"
        "```yaml\n"
        "kind: project\n"
        "name: research\n"
        "spec:\n"
        "  labels: {team: pretrain}\n"
        "---\n"
        "kind: reservation\n"
        "name: llama\n"
        "spec:\n"
        "  project: research\n"
        "  instance_type: h100.8x\n"
        "  count: 16\n"
        "  zone: us-east-1a\n"
        "  starts_at: 2026-12-01T00:00:00Z\n"
        "  ends_at: 2026-12-08T00:00:00Z\n"
        "```\n\n"
        "- First everything is planned, and tried with `validate_only`: what would change is printed (`+` is new, `~` is\n"
        "  changed), and if anything is refused nothing is changed. `--dry-run` ends there; with `--detailed-exitcode` its\n"
        "  exit code is 7 where something would change, 0 where at most secrets would be sent again. What names something\n"
        "  that is only made by the same files is checked once that is there.\n"
        "- A thing is found by its name, and of some kinds what it belongs to. What is not there is made (POST, under an\n"
        "  idempotency key); what is otherwise is replaced (PUT) as it was compared (`If-Match`): what the spec leaves out\n"
        "  becomes its default. A second time all is unchanged. Secrets are never shown, so they are sent again each time.\n"
        "- What the files do not name stays: nothing is deleted.\n"
        "- Things are made in the order of the table, whatever the order of the files. The first that fails ends it; what\n"
        "  was done before it is told, and found unchanged the next time.\n"
        "- A reservation that had its time as declared is done. One that was rejected, has expired or was cancelled is asked\n"
        "  for again, and so is one whose spec is another since. Its verdict is waited for, a minute at most.\n"
        "- With `-o json` one report of all: each document with its `action` (`create`, `change`, `none`, `refuse`),\n"
        "  `differences`, the `preview` or the `problem`, and once it is `done` the `object`.\n"
        "- A text that begins with `{` or `[` is JSON, any other YAML: plain `null`, `true`, `false` and numbers as JSON has\n"
        "  them are values, all else is text, `no` and times too. Anchors and aliases are read, tags and merge keys are not.\n"
        "  A list at the top is one of documents.\n"
        "- What is wrong with a file is told with its line and ends with 2; else the exit code is that of the first refusal.\n\n"
        "| kind | found by | tenants make it | the provider does |\n|--|--|--|--|\n",
        out);
    for (const struct kind *kind = kinds; kind->name != NULL; kind++) {
        fprintf(out, "| `%s` | ", kind->name);
        const char *fields[KIND_FIELDS_MAX];
        const char *before = "";
        kind_fields(kind, fields);
        for (size_t i = 0; i < COUNT_OF(fields) && fields[i] != NULL; i++) {
            fprintf(out, "%s`%s`", before, fields[i]);
            before = ", ";
        }
        fprintf(out, " | %s | %s |\n", kind->tenant_path == NULL ? "" : "yes", kind->system_path == NULL ? "" : "yes");
    }
    fputs("\n| no kind | why: it ... |\n|--|--|\n", out);
    for (const struct no_kind *made = no_kinds; made->name != NULL; made++)
        fprintf(out, "| `%s` | %s |\n", made->name, made->why);
}

void help_print_docs(FILE *out)
{
    fputs(
        "# The command line\n\n"
        "`sluice` is a client of the REST API and nothing more. This page is printed by `sluice --print-docs`.\n\n"
        "`sluice login` keeps an address and a token in a profile: `$XDG_CONFIG_HOME/sluice/profiles`, else\n"
        "`~/.config/sluice/profiles`, which only its owner may read (a file that others can read is refused).\n"
        "`sluice profile use` makes one of several the one that is taken.\n"
        "`SLUICE_URL` and `SLUICE_TOKEN` stand over the profile, unless `--profile` names it, and `--url` over all;\n"
        "`SSL_CERT_FILE` names the certificates of an authority of your own, as that of a door which made its own. A token\n"
        "is never an argument, because every process can see those. Tokens of the provider's roles see the same nouns of\n"
        "all tenants.\n\n"
        "Answers go to standard output, as a table or with `-o json` as the API gave them, a refusal too; what a "
        "person\n"
        "should know goes to standard error. Lists follow the API's pages up to `--limit`, and come with `-o csv` as the\n"
        "API's CSV (RFC 4180), all its fields, under one head.\n\n"
        "A request is sent again after a lost connection, when the API says that it may be, and when a proxy says (502, 503)\n"
        "that the API is away; every change carries an idempotency key, so that it takes effect once. Where even that ends\n"
        "without an answer, the key is printed: the same command with `--idempotency-key` asks again instead of asking twice.\n\n"
        "`sluice help COMMAND` is `sluice COMMAND --help`. What a word may have been meant for is said where it is none.\n\n"
        "## Times\n\n"
        "A TIME is " TIME_TEXT_FORMS ".\n\n"
        "- The zone of this machine means nothing: a line means the same wherever it runs. Answers are in UTC.\n"
        "- Now is the API's, also where its clock is virtual; of tokens and of the audit it is real time. A day from now has\n"
        "  24 hours. Where `now` is what an option left out means, it is left to the API, which knows it best.\n"
        "- `sluice margin` counts whole days: there a time from now is the day that has it.\n"
        "- A time from now is another one each time: with an `--idempotency-key` of your own, give times that stay.\n\n"
        "## Completion\n\n"
        "In `~/.bashrc`, and in `~/.zshrc` behind `autoload -Uz bashcompinit && bashcompinit`:\n\n"
        "```\ncomplete -o default -C 'sluice --complete' sluice\n```\n\n"
        "In `~/.config/fish/completions/sluice.fish`:\n\n"
        "```\ncomplete -c sluice -a '(COMP_LINE=(commandline -cp) sluice --complete)'\n```\n\n"
        "Names (`sluice reservation cancel my<TAB>`, `--zone us<TAB>`) are those that the API tells within a second;\n"
        "where it does not, or there is no token, nothing is offered.\n\n"
        "## Exit codes\n\n| code | meaning |\n|--|--|\n",
        out);
#define X(code, meaning) fprintf(out, "| %d | %s |\n", code, meaning);
    EXIT_CODES(X)
#undef X
    print_declarations_docs(out);
    fputs("\n## Options of every command\n", out);
    print_option_docs(out, options_everywhere);
    for (const struct command *command = commands; command->path != NULL; command++)
        print_command_docs(out, command);
}
