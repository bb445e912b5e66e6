/* sluice: reads the command line, runs the command, tells how it went. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/complete_names.h"
#include "api/cli/help.h"
#include "api/cli/problem.h"
#include "api/cli/session.h"
#include "api/cli/tell.h"
#include "api/cli/times.h"
#include "common/arena.h"

#include <curl/curl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err_kind run(struct session *session, struct arguments *arguments, struct err *reterr)
{
    const struct command *command = arguments->command;
    enum err_kind kind = ERR_NONE;
    if (!command_needs_no_token(command)) {
        kind = session_find_token(session, reterr);
        if (kind == ERR_NONE)
            kind = session_open(session, reterr);
        if (kind == ERR_NONE)
            kind = times_settle(session, arguments, reterr);
    }
    return kind == ERR_NONE ? command->run(session, reterr) : kind;
}

/* What was printed must have arrived: a full disk is an error of the command. */
static int finish(FILE *out, int code)
{
    if (fflush(out) == 0 && ferror(out) == 0)
        return code;
    fputs("sluice: cannot write to standard output\n", stderr);
    return code == 0 ? 1 : code;
}

static int run_command(struct arguments *arguments)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    const char *output = arguments_text(arguments, OPTION_OUTPUT);
    struct session session = {.arguments = arguments,
                              .arena = arena,
                              .out = stdout,
                              .log = stderr,
                              .json = output != NULL && strcmp(output, "json") == 0,
                              .csv = output != NULL && strcmp(output, "csv") == 0};
    struct err err = {0};
    enum err_kind kind = run(&session, arguments, &err);
    if (kind != ERR_NONE)
        tell_refusal(&session, &err);
    int code = kind == ERR_NONE && session.differs ? EXIT_DIFFERS : exit_code_of(kind);
    session_clear(&session);
    return code;
}

/* bash gives the line and the cursor's place in bytes by its environment, and three words that say the same. */
static void complete(void)
{
    const char *line = getenv("COMP_LINE");   /* NOLINT(concurrency-mt-unsafe): there is one thread */
    const char *point = getenv("COMP_POINT"); /* NOLINT(concurrency-mt-unsafe) */
    int64_t length = INT32_MAX;
    if (line != NULL && (point == NULL || option_number(point, &length)))
        complete_print(stdout, line, (size_t)length, complete_names_print);
}

/* What needs no command and no table of options: true where it was asked for. */
static bool tell_about_itself(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (argc == 2 && strcmp(word, "--print-docs") == 0)
        help_print_docs(stdout);
    else if (argc == 2 && (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0))
        printf("sluice %s\n", SLUICE_VERSION);
    else if (strcmp(word, "--complete") == 0)
        complete();
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* as the API's texts are; without it columns may not line up */
    if (tell_about_itself(argc, argv))
        return finish(stdout, 0);
    struct arguments arguments;
    struct err err = {0};
    enum err_kind kind = arguments_parse(argc, (const char *const *)argv, &arguments, &err);
    if (kind != ERR_NONE) {
        tell_error(stderr, &err);
        return exit_code_of(kind);
    }
    if (arguments_have(&arguments, OPTION_HELP)) {
        help_print(stdout, &arguments);
        return finish(stdout, 0);
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fputs("sluice: cannot start libcurl\n", stderr);
        return 1;
    }
    int code = run_command(&arguments);
    curl_global_cleanup();
    return finish(stdout, code);
}
