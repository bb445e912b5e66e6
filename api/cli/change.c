/* The key of a change, and its way to the API. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/change.h"

#include "common/arena.h"
#include "common/hex.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define KEY_BYTES      16
#define KEY_LENGTH_MAX 255

const char *change_random_key(struct arena *arena)
{
    unsigned char bytes[KEY_BYTES];
    must(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes); /* so few bytes come whole */
    char *key = arena_alloc(arena, HEX_TEXT_SIZE(sizeof bytes));
    hex_print(bytes, sizeof bytes, key);
    return key;
}

enum err_kind change_key(struct session *session, const char **ret, struct err *reterr)
{
    const char *given = arguments_text(session->arguments, OPTION_IDEMPOTENCY_KEY);
    if (given == NULL) {
        *ret = change_random_key(session->arena);
        return ERR_NONE;
    }
    size_t length = strlen(given);
    bool fine = length <= KEY_LENGTH_MAX;
    for (size_t i = 0; i < length; i++)
        fine = fine && given[i] > ' ' && given[i] < 0x7f && given[i] != '"' && given[i] != '\\';
    if (!fine)
        return err_set(reterr, ERR_MALFORMED, "--idempotency-key wants 1 to %d printable ASCII characters",
                       KEY_LENGTH_MAX);
    *ret = given;
    return ERR_NONE;
}

enum err_kind change_send(struct session *session, const struct client_request *request, json_t **ret,
                          struct err *reterr)
{
    enum err_kind kind = session_call(session, request, ret, reterr);
    if ((kind == ERR_UNAVAILABLE || kind == ERR_TIMEOUT) && reterr->hint[0] == '\0') {
        (void)snprintf(reterr->hint, sizeof reterr->hint,
                       "Repeat it with '--idempotency-key %s'%s%s: if it took effect, that finds it.",
                       request->idempotency_key, session->settled == NULL ? "" : " and ",
                       session->settled == NULL ? "" : session->settled);
    }
    return kind;
}

const char *change_path(const struct session *session, const char *path)
{
    bool only_validates = arguments_have(session->arguments, OPTION_VALIDATE_ONLY);
    return only_validates ? arena_format(session->arena, "%s?validate_only=true", path) : path;
}
