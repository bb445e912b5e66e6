/* Errors and refusals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/tell.h"

#include "api/cli/problem.h"

void tell_error(FILE *out, const struct err *err)
{
    fprintf(out, "sluice: %s", err->text);
    if (err->code[0] != '\0')
        fprintf(out, " (%s)", err->code);
    fputc('\n', out);
    if (err->hint[0] != '\0')
        fprintf(out, "%s\n", err->hint);
}

void tell_refusal(struct session *session, const struct err *err)
{
    tell_error(session->log, err);
    if (session->problem == NULL)
        return;
    problem_print(session->log, session->arena, session->problem, session->asked);
    if (session->json && !session->problem_is_shown)
        session_print_json(session, session->problem);
}
