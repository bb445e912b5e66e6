/* Reading a command line: options first, whatever the command, since a name means the same in all of them; then the
 * words, which name the command; then whether the one takes the other. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/arguments.h"

#include "api/cli/suggest.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 4 /* "help", two of the command, one argument */

struct words {
    const char *text[WORDS_MAX];
    int count;
    const char *no_option; /* what was written where an option stands, and is none */
};

/* What was meant where there is no such command. */
static void suggest(const struct arguments *arguments, const struct words *words, char meant[SUGGESTION_SIZE])
{
    const int second = arguments->group != NULL; /* a group is there: what is not is the word behind it */
    if (words->count > second)
        suggest_command(arguments->group, words->text[second], meant);
    if (meant[0] == '\0' && arguments->group == NULL && words->count > 1)
        suggest_turned(words->text[0], words->text[1], meant);
}

static enum err_kind wrong(struct err *reterr, const struct arguments *arguments, const struct words *words,
                           enum err_kind kind)
{
    if (reterr == NULL || reterr->hint[0] != '\0')
        return kind;
    char meant[SUGGESTION_SIZE] = "";
    if (words->no_option != NULL)
        suggest_option(arguments->command, words->no_option, meant);
    else if (arguments->command == NULL)
        suggest(arguments, words, meant);
    const char *path = arguments->command != NULL ? arguments->command->path : arguments->group;
    (void)snprintf(reterr->hint, sizeof reterr->hint, "%s%s%sSee 'sluice%s%s --help'.",
                   meant[0] == '\0' ? "" : "Did you mean '", meant, meant[0] == '\0' ? "" : "'? ",
                   path == NULL ? "" : " ", path == NULL ? "" : path);
    return kind;
}

static enum err_kind add_value(struct arguments *arguments, enum option_id option, const char *text, struct err *reterr)
{
    if (arguments->value_count == ARGUMENTS_MAX)
        return err_set(reterr, ERR_MALFORMED, "there are more than %d options", ARGUMENTS_MAX);
    enum err_kind kind = text == NULL ? ERR_NONE : option_check(option, text, reterr);
    if (kind == ERR_NONE)
        arguments->values[arguments->value_count++] = (struct option_value){option, text};
    return kind;
}

/* How many words of the path the words begin with, if they have all of it; else 0. */
static int match(const char *path, const struct words *words)
{
    const char *space = strchr(path, ' ');
    size_t first = space == NULL ? strlen(path) : (size_t)(space - path);
    if (words->count < 1 || strlen(words->text[0]) != first || memcmp(words->text[0], path, first) != 0)
        return 0;
    if (space == NULL)
        return 1;
    return words->count >= 2 && strcmp(words->text[1], space + 1) == 0 ? 2 : 0;
}

static const struct command *command_so_far(const struct words *words)
{
    for (const struct command *command = commands; command->path != NULL; command++) {
        if (match(command->path, words) > 0)
            return command;
    }
    return NULL;
}

/* "--name", "--name=value", "--name value", "-o value", "-ovalue". *index is moved past a value that stands apart. */
static enum err_kind read_option(int argc, const char *const *argv, int *index, struct arguments *arguments,
                                 struct words *words, struct err *reterr)
{
    const char *word = argv[*index];
    const char *value = NULL;
    const struct command *command = command_so_far(words);
    int option = option_of_word(word, command == NULL ? NULL : command->options, &value);
    if (option < 0) {
        int length = word[1] == '-' ? (int)strcspn(word, "=") : 2;
        words->no_option = word;
        return err_set(reterr, ERR_MALFORMED, "there is no option '%.*s'", length, word);
    }
    const struct option_row *row = &options[option];
    if (row->type == VALUE_FLAG && value != NULL)
        return err_set(reterr, ERR_MALFORMED, "--%s takes no value", row->name);
    if (option_wants_value((enum option_id)option) && value == NULL) {
        if (*index + 1 >= argc)
            return err_set(reterr, ERR_MALFORMED, "--%s wants a value", row->name);
        value = argv[++*index];
    }
    return add_value(arguments, (enum option_id)option, value, reterr);
}

static enum err_kind read_word(struct words *words, const char *word, struct err *reterr)
{
    if (words->count == WORDS_MAX)
        return err_set(reterr, ERR_MALFORMED, "'%s' is one word too many", word);
    words->text[words->count++] = word;
    return ERR_NONE;
}

static enum err_kind read_all(int argc, const char *const *argv, struct arguments *arguments, struct words *words,
                              struct err *reterr)
{
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        enum err_kind kind = ERR_NONE;
        if (!options_end && strcmp(argv[i], "--") == 0)
            options_end = true;
        else if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0')
            kind = read_option(argc, argv, &i, arguments, words, reterr);
        else
            kind = read_word(words, argv[i], reterr);
        if (kind != ERR_NONE)
            return kind;
    }
    return ERR_NONE;
}

static bool is_group(const char *word)
{
    size_t length = strlen(word);
    for (const struct command *command = commands; command->path != NULL; command++) {
        if (strncmp(command->path, word, length) == 0 && command->path[length] == ' ')
            return true;
    }
    return false;
}

/* "help reservation get" asks for what "reservation get --help" does. */
static enum err_kind read_help(struct arguments *arguments, struct words *words, struct err *reterr)
{
    if (words->count == 0 || strcmp(words->text[0], "help") != 0)
        return ERR_NONE;
    memmove(&words->text[0], &words->text[1], (size_t)--words->count * sizeof words->text[0]);
    return add_value(arguments, OPTION_HELP, NULL, reterr);
}

/* Sets command or group, and positional; leaves *ret_left, the number of words that nothing wanted. */
static enum err_kind find_command(struct arguments *arguments, const struct words *words, int *ret_left,
                                  struct err *reterr)
{
    *ret_left = 0;
    for (const struct command *command = commands; command->path != NULL; command++) {
        int used = match(command->path, words);
        if (used == 0)
            continue;
        arguments->command = command;
        if (command->argument != NULL && words->count > used)
            arguments->positional = words->text[used++];
        *ret_left = words->count - used;
        return ERR_NONE;
    }
    if (words->count == 0)
        return ERR_NONE;
    if (!is_group(words->text[0]))
        return err_set(reterr, ERR_MALFORMED, "there is no command '%s'", words->text[0]);
    arguments->group = words->text[0];
    if (words->count > 1)
        return err_set(reterr, ERR_MALFORMED, "there is no command '%s %s'", words->text[0], words->text[1]);
    return ERR_NONE;
}

static enum err_kind check_fit(const struct arguments *arguments, const struct words *words, int left,
                               struct err *reterr)
{
    const struct command *command = arguments->command;
    if (command == NULL && arguments->group != NULL)
        return err_set(reterr, ERR_MALFORMED, "'%s' needs another word: what to do", arguments->group);
    if (command == NULL)
        return err_set(reterr, ERR_MALFORMED, "the command is missing");
    if (left > 0)
        return err_set(reterr, ERR_MALFORMED, "'%s' is one word too many", words->text[words->count - left]);
    if (command->argument != NULL && (arguments->positional == NULL || arguments->positional[0] == '\0'))
        return err_set(reterr, ERR_MALFORMED, "'%s' needs one more word: %s", command->path, command->argument);
    const char *output = arguments_text(arguments, OPTION_OUTPUT);
    if (output != NULL && strcmp(output, "csv") == 0 && !command_gives_csv(command))
        return err_set(reterr, ERR_MALFORMED, "'%s' gives no CSV: lists do", command->path);
    for (int i = 0; i < arguments->value_count; i++) {
        enum option_id option = arguments->values[i].option;
        if (!options_have(command->options, option) && !options_have(options_everywhere, option))
            return err_set(reterr, ERR_MALFORMED, "'%s' does not take --%s", command->path, options[option].name);
    }
    return ERR_NONE;
}

enum err_kind arguments_parse(int argc, const char *const *argv, struct arguments *ret, struct err *reterr)
{
    must(argc >= 0);
    *ret = (struct arguments){0};
    struct words words = {0};
    int left = 0;
    enum err_kind kind = read_all(argc, argv, ret, &words, reterr);
    if (kind == ERR_NONE)
        kind = read_help(ret, &words, reterr);
    if (kind == ERR_NONE)
        kind = find_command(ret, &words, &left, reterr);
    else
        (void)find_command(ret, &words, &left, NULL); /* the words so far: whose --help the hint names */
    if (kind == ERR_NONE && !arguments_have(ret, OPTION_HELP))
        kind = check_fit(ret, &words, left, reterr);
    return kind == ERR_NONE ? ERR_NONE : wrong(reterr, ret, &words, kind);
}

static const struct option_value *last_value(const struct arguments *arguments, enum option_id option)
{
    for (int i = arguments->value_count - 1; i >= 0; i--) {
        if (arguments->values[i].option == option)
            return &arguments->values[i];
    }
    return NULL;
}

bool arguments_have(const struct arguments *arguments, enum option_id option)
{
    return last_value(arguments, option) != NULL;
}

const char *arguments_text(const struct arguments *arguments, enum option_id option)
{
    const struct option_value *value = last_value(arguments, option);
    return value == NULL ? NULL : value->text;
}

int64_t arguments_int(const struct arguments *arguments, enum option_id option, int64_t otherwise)
{
    const char *text = arguments_text(arguments, option);
    int64_t value = otherwise;
    if (text != NULL)
        must(option_number(text, &value)); /* option_check has seen it */
    return value;
}
