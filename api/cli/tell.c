/* Errors and refusals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/tell.h"

#include "api/cli/problem.h"
#include "api/cli/text.h"
#include "common/arena.h"

#include <string.h>

void tell_error(FILE *out, const struct err *err)
{
    fprintf(out, "sluice: %s", err->text);
    if (err->code[0] != '\0')
        fprintf(out, " (%s)", err->code);
    fputc('\n', out);
    if (err->hint[0] != '\0')
        fprintf(out, "%s\n", err->hint);
}

/* What is to be done with an alternative to what was asked. */
static const char *use_of(struct session *session)
{
    const struct command *command = session->arguments->command;
    if (command->run == command_apply)
        return "can be the spec instead";
    return options_have(command->options, OPTION_BODY)
               ? arena_format(session->arena, "can be given to 'sluice %s --body -'", command->path)
               : NULL;
}

/* The API says what is missing by the body's field: which option fills that is told too, " --zone NAME". */
static const char *missing_options(struct session *session)
{
    const struct command *command = session->arguments->command;
    const json_t *errors = json_at(session->problem, "errors");
    const char *missing = "";
    for (size_t i = 0; i < json_array_size(errors); i++) {
        const char *pointer = json_text_at(json_array_get(errors, i), "pointer");
        const char *code = json_text_at(json_array_get(errors, i), "code");
        if (pointer == NULL || pointer[0] != '/' || code == NULL || strcmp(code, "missing_field") != 0)
            continue;
        for (const enum option_id *taken = command->options; taken != NULL && *taken != OPTIONS_END; taken++) {
            const struct option_row *option = &options[*taken];
            if (option->field != NULL && strcmp(option->field, pointer + 1) == 0)
                missing = arena_format(session->arena, "%s --%s %s", missing, option->name, option->argument);
        }
    }
    return missing;
}

void tell_refusal(struct session *session, const struct err *err)
{
    (void)fflush(session->out); /* what came before it stands before it; a failed write is seen at the end */
    tell_error(session->log, err);
    if (session->problem == NULL)
        return;
    const char *missing = missing_options(session);
    if (missing[0] != '\0')
        fprintf(session->log, "Give%s.\n", missing);
    problem_print(session->log, session->arena, session->problem, session->asked, use_of(session));
    if (session->json && !session->problem_is_shown)
        session_print_json(session, session->problem);
}
