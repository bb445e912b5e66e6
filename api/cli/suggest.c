/* Suggestions: by the number of slips of the fingers between two words, and by what other command lines call a thing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/suggest.h"

#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define WORD_LENGTH_MAX  32U /* what is longer is no slip of ours */
#define SHORT_LENGTH_MAX 3U  /* of so short a word two slips leave nothing */
#define BEGINNING_LEAST  2U  /* letters that are taken for the beginning of a word */

static const struct {
    const char *theirs, *ours;
} synonyms[] = {
    {"describe", "get"}, {"show", "get"},     {"ls", "list"},      {"rm", "delete"},      {"remove", "delete"},
    {"add", "create"},   {"new", "create"},   {"edit", "update"},  {"set", "update"},     {"rename", "update"},
    {"extend", "amend"}, {"resize", "amend"}, {"logs", "console"}, {"restart", "reboot"},
};

/* The best so far. */
struct search {
    const char *typed;
    size_t length;
    const char *found; /* not terminated: found_length */
    size_t found_length;
    size_t slips; /* fewer than this are needed to be better */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters added, left out, replaced or swapped with the next: the optimal string alignment distance (Damerau 1964,
 * restricted), by three rows of its matrix. Both lengths are at most WORD_LENGTH_MAX. */
static size_t slips_between(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][WORD_LENGTH_MAX + 1];
    must(a_length <= WORD_LENGTH_MAX && b_length <= WORD_LENGTH_MAX);
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

static struct search search_for(const char *typed, size_t length)
{
    return (struct search){.typed = typed, .length = length, .slips = length <= SHORT_LENGTH_MAX ? 2 : 3};
}

static void consider(struct search *search, const char *word, size_t length)
{
    if (search->length > WORD_LENGTH_MAX || length > WORD_LENGTH_MAX)
        return;
    size_t slips = slips_between(search->typed, search->length, word, length);
    bool begins = search->length >= BEGINNING_LEAST && search->length < length &&
                  memcmp(search->typed, word, search->length) == 0;
    if (begins)
        slips = 1;
    if (slips >= search->slips)
        return;
    search->found = word;
    search->found_length = length;
    search->slips = slips;
}

static void consider_options(struct search *search, const enum option_id *list)
{
    for (; list != NULL && *list != OPTIONS_END; list++)
        consider(search, options[*list].name, strlen(options[*list].name));
}

void suggest_option(const struct command *command, const char *typed, char ret[SUGGESTION_SIZE])
{
    typed += strspn(typed, "-");
    struct search search = search_for(typed, strcspn(typed, "="));
    for (int i = 0; command == NULL && i < OPTIONS_TOTAL; i++)
        consider(&search, options[i].name, strlen(options[i].name));
    if (command != NULL) {
        consider_options(&search, command->options);
        consider_options(&search, options_everywhere);
    }
    if (search.found != NULL)
        (void)snprintf(ret, SUGGESTION_SIZE, "--%.*s", (int)search.found_length, search.found);
}

static const char *ours(const char *typed)
{
    for (size_t i = 0; i < COUNT_OF(synonyms); i++) {
        if (strcmp(typed, synonyms[i].theirs) == 0)
            return synonyms[i].ours;
    }
    return typed;
}

void suggest_command(const char *group, const char *typed, char ret[SUGGESTION_SIZE])
{
    size_t skipped = group == NULL ? 0 : strlen(group) + 1;
    typed = group == NULL ? typed : ours(typed);
    struct search search = search_for(typed, strlen(typed));
    for (const struct command *command = commands; command->path != NULL; command++) {
        bool is_of_group =
            group == NULL || (strncmp(command->path, group, skipped - 1) == 0 && command->path[skipped - 1] == ' ');
        if (is_of_group)
            consider(&search, command->path + skipped, strcspn(command->path + skipped, " "));
    }
    if (search.found != NULL)
        (void)snprintf(ret, SUGGESTION_SIZE, "%s%s%.*s", group == NULL ? "" : group, group == NULL ? "" : " ",
                       (int)search.found_length, search.found);
}

void suggest_turned(const char *verb, const char *noun, char ret[SUGGESTION_SIZE])
{
    char group[SUGGESTION_SIZE] = "";
    suggest_command(NULL, noun, group);
    for (const struct command *command = commands; group[0] != '\0' && command->path != NULL; command++) {
        size_t length = strlen(group);
        bool is_it = strncmp(command->path, group, length) == 0 && command->path[length] == ' ' &&
                     strcmp(command->path + length + 1, ours(verb)) == 0;
        if (is_it)
            (void)snprintf(ret, SUGGESTION_SIZE, "%s", command->path);
    }
}
