/* profile list, use, delete: the file of profiles alone, nobody is asked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/profile.h"
#include "api/cli/session.h"
#include "api/cli/table.h"
#include "common/arena.h"

// clang-format off
static const struct column profile_columns[] = {
    {"NAME",   "name",   NULL, text_of_value, .right = false},
    {"IN USE", "in_use", NULL, text_of_value, .right = false},
    {"URL",    "url",    NULL, text_of_value, .right = false},
    COLUMNS_END,
};
// clang-format on

static enum err_kind find_directory(struct session *session, struct err *reterr)
{
    enum err_kind kind = session_find_directory(session, reterr);
    if (kind == ERR_NONE && session->directory == NULL)
        kind = err_set(reterr, ERR_INVALID, "neither XDG_CONFIG_HOME nor HOME says where profiles are");
    return kind;
}

enum err_kind command_profile_list(struct session *session, struct err *reterr)
{
    CLEANUP(json_release) json_t *profiles = NULL;
    enum err_kind kind = find_directory(session, reterr);
    if (kind == ERR_NONE)
        kind = profile_list(session->arena, session->directory, &profiles, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->json)
        session_print_json(session, profiles);
    else
        table_print(session->out, session->arena, profile_columns, profiles);
    return ERR_NONE;
}

static enum err_kind find_named(struct session *session, const char **ret, struct err *reterr)
{
    *ret = session->arguments->positional;
    if (!profile_name_is_valid(*ret))
        return err_set(reterr, ERR_MALFORMED, "'%s' is no name of a profile", *ret);
    return find_directory(session, reterr);
}

enum err_kind command_profile_use(struct session *session, struct err *reterr)
{
    const char *name = NULL;
    enum err_kind kind = find_named(session, &name, reterr);
    return kind == ERR_NONE ? profile_use(session->arena, session->directory, name, reterr) : kind;
}

enum err_kind command_profile_delete(struct session *session, struct err *reterr)
{
    const char *name = NULL;
    enum err_kind kind = find_named(session, &name, reterr);
    return kind == ERR_NONE ? profile_delete(session->arena, session->directory, name, reterr) : kind;
}
