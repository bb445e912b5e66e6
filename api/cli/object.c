/* What most nouns have in common: one is made of the command line's options or a document, shown, ended, deleted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/change.h"
#include "api/cli/noun.h"
#include "api/cli/reservation_body.h"
#include "common/arena.h"
#include "common/must.h"

#include <string.h>

/* As a list of one where the noun has no details of its own. */
static void print(struct session *session, const struct noun *noun, const json_t *object)
{
    if (session->json) {
        session_print_json(session, object);
    } else if (noun->details != NULL) {
        table_print_one(session->out, session->arena, noun->details, object);
    } else {
        CLEANUP(json_release) json_t *rows = json_pack("[O]", object);
        must(rows != NULL);
        table_print(session->out, session->arena, noun->columns, rows);
    }
}

enum err_kind command_create(struct session *session, struct err *reterr)
{
    const struct noun *noun = session->arguments->command->noun;
    const char *base = NULL;
    struct client_request request = {.method = "POST"};
    enum err_kind kind = change_key(session, &request.idempotency_key, reterr);
    if (kind == ERR_NONE)
        kind = reservation_body(session->arguments, &session->asked, reterr);
    if (kind == ERR_NONE)
        kind = noun_path(session, noun, &base, reterr);
    if (kind != ERR_NONE)
        return kind;
    request.path = change_path(session, base);
    request.body = session->asked;
    CLEANUP(json_release) json_t *made = NULL;
    kind = change_send(session, &request, &made, reterr);
    if (kind == ERR_NONE)
        print(session, noun, made);
    return kind;
}

static enum err_kind find(struct session *session, const char **ret, struct err *reterr)
{
    const struct noun *noun = session->arguments->command->noun;
    const char *base = NULL;
    enum err_kind kind = noun_path(session, noun, &base, reterr);
    return kind == ERR_NONE ? noun_find(session, noun, base, ret, reterr) : kind;
}

enum err_kind command_delete(struct session *session, struct err *reterr)
{
    struct client_request request = {.method = "DELETE"};
    enum err_kind kind = find(session, &request.path, reterr);
    CLEANUP(json_release) json_t *nothing = NULL;
    return kind == ERR_NONE ? session_call(session, &request, &nothing, reterr) : kind;
}

enum err_kind command_get(struct session *session, struct err *reterr)
{
    const char *path = NULL;
    CLEANUP(json_release) json_t *found = NULL;
    enum err_kind kind = find(session, &path, reterr);
    if (kind == ERR_NONE)
        kind = session_get(session, path, &found, reterr);
    if (kind == ERR_NONE)
        print(session, session->arguments->command->noun, found);
    return kind;
}

/* Merged into what there is: sent twice it does no more than once. */
static enum err_kind merge(struct session *session, const json_t *change, struct err *reterr)
{
    struct client_request request = {.method = "PATCH", .body = change};
    enum err_kind kind = find(session, &request.path, reterr);
    if (kind != ERR_NONE)
        return kind;
    request.path = change_path(session, request.path);
    CLEANUP(json_release) json_t *changed = NULL;
    kind = session_call(session, &request, &changed, reterr);
    if (kind == ERR_NONE)
        print(session, session->arguments->command->noun, changed);
    return kind;
}

enum err_kind command_update(struct session *session, struct err *reterr)
{
    enum err_kind kind = reservation_body(session->arguments, &session->asked, reterr);
    if (kind == ERR_NONE && json_object_size(session->asked) == 0)
        kind = err_set(reterr, ERR_MALFORMED, "nothing is said of what changes");
    return kind == ERR_NONE ? merge(session, session->asked, reterr) : kind;
}

enum err_kind command_retire(struct session *session, struct err *reterr)
{
    CLEANUP(json_release) json_t *change = json_pack("{s:b}", "retired", 1);
    must(change != NULL);
    return merge(session, change, reterr);
}

/* The last word of the command is the last part of the address: "maintenance cancel", "price end". */
enum err_kind command_act(struct session *session, struct err *reterr)
{
    const char *path = NULL;
    struct client_request request = {.method = "POST"};
    enum err_kind kind = change_key(session, &request.idempotency_key, reterr);
    if (kind == ERR_NONE)
        kind = reservation_body(session->arguments, &session->asked, reterr);
    if (kind == ERR_NONE)
        kind = find(session, &path, reterr);
    if (kind != ERR_NONE)
        return kind;
    path = arena_format(session->arena, "%s/%s", path, strrchr(session->arguments->command->path, ' ') + 1);
    request.path = change_path(session, path);
    request.body = session->asked;
    CLEANUP(json_release) json_t *answer = NULL;
    kind = change_send(session, &request, &answer, reterr);
    if (kind == ERR_NONE && answer != NULL)
        print(session, session->arguments->command->noun, answer);
    return kind;
}
