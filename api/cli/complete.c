/* Completion: reads the words before the one that is typed as the parser would, and tells what can follow. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/complete.h"

#include "api/cli/command.h"

#include <string.h>

#define LINE_SIZE 4096
#define WORDS_MAX 2 /* what names a command; what comes behind them is an argument, of which we know none */

struct typed {
    const char *words[WORDS_MAX];
    int count;        /* one more once the argument is there, too */
    const char *last; /* what is being typed, maybe nothing yet */
    int wants_value;  /* the option whose value that is; -1: none */
    struct arguments given;
};

/* By whom, and where, names are asked for. */
static void keep(struct typed *typed, int option, const char *value)
{
    struct arguments *given = &typed->given;
    if ((option == OPTION_PROFILE || option == OPTION_URL) && given->value_count < ARGUMENTS_MAX)
        given->values[given->value_count++] = (struct option_value){(enum option_id)option, value};
}

static const struct command *command_of(const struct typed *typed)
{
    for (const struct command *command = commands; command->path != NULL; command++) {
        size_t first = strcspn(command->path, " ");
        bool has_two = command->path[first] == ' ';
        if (typed->count > 0 && strlen(typed->words[0]) == first &&
            memcmp(typed->words[0], command->path, first) == 0 &&
            (!has_two || (typed->count > 1 && strcmp(typed->words[1], command->path + first + 1) == 0)))
            return command;
    }
    return NULL;
}

/* The word before the last is known by then: an option may make the last one its value. */
static void take(struct typed *typed, const char *word)
{
    const char *value = NULL;
    const struct command *command = command_of(typed);
    const enum option_id *list = command == NULL ? NULL : command->options;
    int option = word[0] == '-' && word[1] != '\0' ? option_of_word(word, list, &value) : -1;
    int wanted = typed->wants_value;
    typed->wants_value = -1;
    keep(typed, wanted >= 0 ? wanted : option, wanted >= 0 ? word : value);
    if (wanted >= 0)
        return;
    if (option >= 0 && value == NULL && option_wants_value((enum option_id)option))
        typed->wants_value = option;
    else if (typed->count == 0 && strcmp(word, "help") == 0)
        return; /* what follows is a command all the same */
    else if (word[0] != '-' && typed->count < WORDS_MAX)
        typed->words[typed->count++] = word;
    else if (word[0] != '-' && typed->count == WORDS_MAX)
        typed->count++;
}

static struct typed read_line(char *line)
{
    struct typed typed = {.last = "", .wants_value = -1};
    size_t length = strlen(line);
    bool is_open = length > 0 && strchr(" \t", line[length - 1]) == NULL;
    char *rest = NULL;
    char *word = strtok_r(line, " \t", &rest); /* the program's name */
    for (word = word == NULL ? NULL : strtok_r(NULL, " \t", &rest); word != NULL;) {
        char *next = strtok_r(NULL, " \t", &rest);
        if (next == NULL && is_open)
            typed.last = word;
        else
            take(&typed, word);
        word = next;
    }
    return typed;
}

static void offer(FILE *out, const char *typed, const char *before, const char *word, size_t length)
{
    char whole[64];
    int written = snprintf(whole, sizeof whole, "%s%.*s", before, (int)length, word);
    if (written > 0 && (size_t)written < sizeof whole && strncmp(whole, typed, strlen(typed)) == 0)
        fprintf(out, "%s\n", whole);
}

static void offer_options(FILE *out, const char *typed, const enum option_id *list)
{
    for (; list != NULL && *list != OPTIONS_END; list++)
        offer(out, typed, "--", options[*list].name, strlen(options[*list].name));
}

/* The table has the commands of a group one behind the other. */
static void offer_first_words(FILE *out, const char *typed)
{
    const char *before = "";
    size_t before_length = 0;
    for (const struct command *command = commands; command->path != NULL; command++) {
        size_t length = strcspn(command->path, " ");
        bool is_new = length != before_length || memcmp(before, command->path, length) != 0;
        before = command->path;
        before_length = length;
        if (is_new)
            offer(out, typed, "", command->path, length);
    }
}

static void offer_second_words(FILE *out, const char *typed, const char *first)
{
    size_t length = strlen(first);
    for (const struct command *command = commands; command->path != NULL; command++) {
        if (strncmp(command->path, first, length) == 0 && command->path[length] == ' ')
            offer(out, typed, "", command->path + length + 1, strlen(command->path + length + 1));
    }
}

/* "zone list" of --zone, "quote list" of "quote confirm": the things of a name are listed by the command of that name. */
static const struct command *list_of(const char *what, size_t length)
{
    for (const struct command *command = commands; command->path != NULL; command++) {
        if (strncmp(command->path, what, length) == 0 && strcmp(command->path + length, " list") == 0)
            return command;
    }
    return NULL;
}

static void offer_names(FILE *out, const struct typed *typed, const char *what, complete_names *names)
{
    const struct command *list = list_of(what, strcspn(what, " "));
    if (list != NULL && names != NULL)
        names(out, list, &typed->given, typed->last);
}

static void offer_values(FILE *out, const struct typed *typed, const struct command *command, complete_names *names)
{
    const struct option_row *option = &options[typed->wants_value];
    if (option->type != VALUE_FORMAT) {
        offer_names(out, typed, option->name, names);
        return;
    }
    offer(out, typed->last, "", "table", strlen("table"));
    offer(out, typed->last, "", "json", strlen("json"));
    if (command != NULL && command_gives_csv(command))
        offer(out, typed->last, "", "csv", strlen("csv"));
}

void complete_print(FILE *out, const char *line, size_t point, complete_names *names)
{
    char copy[LINE_SIZE];
    size_t length = strnlen(line, point);
    if (length >= sizeof copy)
        return;
    memcpy(copy, line, length);
    copy[length] = '\0';
    const struct typed typed = read_line(copy);
    const struct command *command = command_of(&typed);
    if (typed.wants_value >= 0) {
        offer_values(out, &typed, command, names);
    } else if (typed.last[0] == '-') {
        if (command != NULL)
            offer_options(out, typed.last, command->options);
        offer_options(out, typed.last, options_everywhere);
    } else if (typed.count == 0) {
        offer_first_words(out, typed.last);
    } else if (typed.count == 1) {
        offer_second_words(out, typed.last, typed.words[0]);
    } else if (typed.count == WORDS_MAX && command != NULL && command->argument != NULL) {
        offer_names(out, &typed, command->path, names);
    }
}
