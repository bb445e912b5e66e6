/* Errors and refusals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/tell.h"

#include "api/cli/problem.h"
#include "common/arena.h"

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

void tell_refusal(struct session *session, const struct err *err)
{
    (void)fflush(session->out); /* what came before it stands before it; a failed write is seen at the end */
    tell_error(session->log, err);
    if (session->problem == NULL)
        return;
    problem_print(session->log, session->arena, session->problem, session->asked, use_of(session));
    if (session->json && !session->problem_is_shown)
        session_print_json(session, session->problem);
}
