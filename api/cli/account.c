/* login and me: who one is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/profile.h"
#include "api/cli/session.h"
#include "api/cli/table.h"
#include "api/cli/token_input.h"
#include "common/arena.h"

#include <string.h>

static const struct column me_details[] = {
    {.title = "principal", .path = "principal", .text = text_of_value},
    {.title = "role", .path = "role", .text = text_of_value},
    {.title = "tenant", .path = "tenant", .text = text_of_value},
    {.title = "domain time (UTC)", .path = "domain_time", .text = text_of_time},
    {.title = "virtual clock", .path = "virtual_clock", .text = text_of_value},
    COLUMNS_END,
};

enum err_kind command_me(struct session *session, struct err *reterr)
{
    CLEANUP(json_release) json_t *me = NULL;
    enum err_kind kind = session_get(session, "/v1/me", &me, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->json)
        session_print_json(session, me);
    else
        table_print_one(session->out, session->arena, me_details, me);
    return ERR_NONE;
}

static enum err_kind check_and_store(struct session *session, struct err *reterr)
{
    enum err_kind kind = session_open(session, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (client_is_exposed(session->client))
        fprintf(session->log, "sluice: warning: '%s' is not encrypted: the token travels in the open\n", session->url);
    bool is_tenants = false;
    kind = session_is_tenants(session, &is_tenants, reterr);
    if (kind != ERR_NONE)
        return kind;
    const struct profile profile = {.url = session->url, .token = session->token};
    kind = profile_store(session->arena, session->directory, session->profile, &profile, reterr);
    if (kind != ERR_NONE)
        return kind;
    fprintf(session->log, "sluice: profile '%s' holds %s token for '%s'\n", session->profile,
            is_tenants ? "a tenant's" : "a provider's", session->url);
    return ERR_NONE;
}

enum err_kind command_login(struct session *session, struct err *reterr)
{
    enum err_kind kind = session_find_url(session, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->directory == NULL)
        return err_set(reterr, ERR_INVALID, "neither XDG_CONFIG_HOME nor HOME says where profiles are");
    char token[TOKEN_INPUT_SIZE] = "";
    kind = token_input_read(session->log, token, reterr);
    session->token = token;
    if (kind == ERR_NONE)
        kind = check_and_store(session, reterr);
    session->token = NULL;
    explicit_bzero(token, sizeof token);
    return kind;
}
