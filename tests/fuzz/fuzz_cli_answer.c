/* Whatever JSON a server answers: the command line shows it as tables and as a problem, and no character of it that
 * moves a terminal's cursor or turns its text reaches the terminal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/noun.h"
#include "api/cli/problem.h"
#include "common/arena.h"
#include "common/cleanup.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static const struct noun *const nouns[] = {&noun_reservation, &noun_instance, &noun_node,         &noun_invoice,
                                           &noun_usage,       &noun_zone,     &noun_instance_type};

static void check_shown(const char *text)
{
    static const char *const turning[] = {"\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xaa", "\xe2\x80\xab",
                                          "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x81\xa6",
                                          "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9"};
    for (size_t i = 0; i < COUNT_OF(turning); i++)
        must(strstr(text, turning[i]) == NULL);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        must((*at >= 0x20 || *at == '\n') && *at != 0x7f);
        must(at[0] != 0xc2 || at[1] < 0x80 || at[1] > 0x9f);
    }
}

static void show(FILE *out, struct arena *arena, const json_t *answer)
{
    const json_t *items = json_object_get(answer, "items");
    for (size_t i = 0; i < COUNT_OF(nouns); i++) {
        table_print(out, arena, nouns[i]->columns, items);
        if (nouns[i]->details != NULL)
            table_print_one(out, arena, nouns[i]->details, answer);
    }
    problem_print(out, arena, answer, NULL, NULL);
    problem_print(out, arena, answer, items, "fits");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(json_release) json_t *answer = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (answer == NULL)
        return 0;
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    CLEANUP(text_freep) char *shown = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&shown, &length);
    must(out != NULL);
    show(out, arena, answer);
    must(fclose(out) == 0);
    must(strlen(shown) == length);
    check_shown(shown);

    struct err err = {0};
    must(problem_to_err(arena, 409, answer, &err) == ERR_CONFLICT && err.text[0] != '\0');
    check_shown(err.text);
    check_shown(err.code);
    return 0;
}
