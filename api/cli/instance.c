/* instance stop, start, reboot, actions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/change.h"
#include "api/cli/csv_list.h"
#include "api/cli/noun.h"
#include "common/arena.h"
#include "common/must.h"

#include <string.h>

#define LIMIT_DEFAULT 1000

static enum err_kind find_actions(struct session *session, const char **ret, struct err *reterr)
{
    const char *base = NULL;
    const char *path = NULL;
    enum err_kind kind = noun_path(session, &noun_instance, &base, reterr);
    if (kind == ERR_NONE)
        kind = noun_find(session, &noun_instance, base, &path, reterr);
    if (kind == ERR_NONE)
        *ret = arena_format(session->arena, "%s/actions", path);
    return kind;
}

/* The last word of the command is what is asked. */
enum err_kind command_instance_ask(struct session *session, struct err *reterr)
{
    struct client_request request = {.method = "POST"};
    enum err_kind kind = change_key(session, &request.idempotency_key, reterr);
    if (kind == ERR_NONE)
        kind = find_actions(session, &request.path, reterr);
    if (kind != ERR_NONE)
        return kind;
    request.path = change_path(session, request.path);
    session->asked = json_pack("{s:s}", "action", strrchr(session->arguments->command->path, ' ') + 1);
    must(session->asked != NULL);
    request.body = session->asked;
    CLEANUP(json_release) json_t *action = NULL;
    kind = change_send(session, &request, &action, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->json)
        session_print_json(session, action);
    else
        table_print_one(session->out, session->arena, instance_action_details, action);
    return ERR_NONE;
}

enum err_kind command_instance_actions(struct session *session, struct err *reterr)
{
    const char *path = NULL;
    const char *next = NULL;
    CLEANUP(json_release) json_t *items = NULL;
    int64_t limit = arguments_int(session->arguments, OPTION_LIMIT, LIMIT_DEFAULT);
    enum err_kind kind = find_actions(session, &path, reterr);
    if (kind == ERR_NONE && session->csv)
        return csv_list_print(session, path, "", limit, reterr);
    if (kind == ERR_NONE)
        kind = noun_items(session, path, "", limit, &items, &next, reterr);
    if (kind == ERR_NONE)
        noun_print(session, instance_action_columns, items, next);
    return kind;
}
