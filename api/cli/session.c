/* Where the API is, who asks, and how refusals become errors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/session.h"

#include "api/cli/problem.h"
#include "api/cli/profile.h"
#include "api/cli/text.h"
#include "common/arena.h"
#include "common/calendar.h"
#include "common/must.h"

#include <stdlib.h>
#include <string.h>

/* NULL where it is not set or empty. */
static const char *environment(const char *name)
{
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): there is one thread */
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static const char *first_of(const char *a, const char *b, const char *c)
{
    if (a != NULL)
        return a;
    return b != NULL ? b : c;
}

enum err_kind session_find_directory(struct session *session, struct err *reterr)
{
    const char *given = arguments_text(session->arguments, OPTION_PROFILE);
    session->profile = first_of(given, environment("SLUICE_PROFILE"), NULL);
    if (session->profile != NULL && !profile_name_is_valid(session->profile))
        return err_set(reterr, ERR_MALFORMED, "'%s' is no name of a profile: want letters, digits, '.', '_', '-'",
                       session->profile);
    /* Without a home there is no profile; the environment may have all that is needed. */
    if (profile_directory(session->arena, environment("XDG_CONFIG_HOME"), environment("HOME"), &session->directory,
                          NULL) != ERR_NONE)
        session->directory = NULL;
    return ERR_NONE;
}

/* Which profile it is where nothing says: the one in use. */
static enum err_kind choose_profile(struct session *session, struct err *reterr)
{
    const char *in_use = NULL;
    enum err_kind kind = session->profile != NULL || session->directory == NULL
                             ? ERR_NONE
                             : profile_in_use(session->arena, session->directory, &in_use, reterr);
    session->profile = first_of(session->profile, in_use, DEFAULT_PROFILE);
    return kind;
}

/* The profile if there is one; *ret stays empty where there is none. */
static enum err_kind load_profile(struct session *session, struct profile *ret, struct err *reterr)
{
    enum err_kind kind = choose_profile(session, reterr);
    if (kind == ERR_NONE && session->directory != NULL)
        kind = profile_load(session->arena, session->directory, session->profile, ret, reterr);
    return kind == ERR_NOT_FOUND ? ERR_NONE : kind;
}

enum err_kind session_find_url(struct session *session, struct err *reterr)
{
    enum err_kind kind = session_find_directory(session, reterr);
    if (kind == ERR_NONE)
        kind = choose_profile(session, reterr);
    struct profile profile = {0};
    bool is_named = arguments_have(session->arguments, OPTION_PROFILE);
    const char *given = arguments_text(session->arguments, OPTION_URL);
    const char *around = environment("SLUICE_URL");
    if (kind == ERR_NONE && given == NULL && (is_named || around == NULL))
        kind = load_profile(session, &profile, reterr);
    session->url = is_named ? first_of(given, profile.url, around) : first_of(given, around, profile.url);
    session->url = first_of(session->url, DEFAULT_URL, NULL);
    return kind;
}

/* What may help is to take a profile that there is, else to make one. */
static enum err_kind no_token(struct session *session, bool is_named, struct err *reterr)
{
    CLEANUP(json_release) json_t *profiles = NULL;
    const char *names = "";
    bool are_listed =
        session->directory != NULL && profile_list(session->arena, session->directory, &profiles, NULL) == ERR_NONE;
    for (size_t i = 0; are_listed && i < json_array_size(profiles); i++)
        names = arena_format(session->arena, "%s%s%s", names, names[0] == '\0' ? "" : ", ",
                             json_text_at(json_array_get(profiles, i), "name"));
    enum err_kind kind = err_set(reterr, ERR_UNAUTHENTICATED, "no token: there is no profile '%s'%s", session->profile,
                                 is_named ? "" : " and SLUICE_TOKEN is not set");
    if (names[0] == '\0')
        (void)snprintf(reterr->hint, sizeof reterr->hint, "Run 'sluice login --url URL' first.");
    else
        (void)snprintf(reterr->hint, sizeof reterr->hint,
                       "Run 'sluice login' first, or 'sluice profile use NAME' takes one of: %s", names);
    return kind;
}

enum err_kind session_find_token(struct session *session, struct err *reterr)
{
    enum err_kind kind = session_find_directory(session, reterr);
    if (kind != ERR_NONE)
        return kind;
    struct profile profile = {0};
    bool is_named = arguments_have(session->arguments, OPTION_PROFILE); /* then the environment is of another one */
    const char *token = is_named ? NULL : environment("SLUICE_TOKEN");
    const char *url =
        first_of(arguments_text(session->arguments, OPTION_URL), is_named ? NULL : environment("SLUICE_URL"), NULL);
    bool told_all = token != NULL && url != NULL;
    kind = told_all ? ERR_NONE : load_profile(session, &profile, reterr);
    if (kind != ERR_NONE)
        return kind;
    session->url = first_of(url, profile.url, DEFAULT_URL);
    session->token = first_of(token, profile.token, NULL);
    if (session->token == NULL)
        return no_token(session, is_named, reterr);
    if (!profile_token_is_valid(session->token))
        return err_set(reterr, ERR_UNAUTHENTICATED, "SLUICE_TOKEN is not a token: one looks like slu_...");
    return ERR_NONE;
}

enum err_kind session_open(struct session *session, struct err *reterr)
{
    must(session->client == NULL);
    return client_new(session->url, session->token, environment("SSL_CERT_FILE"), &session->client, reterr);
}

void session_clear(struct session *session)
{
    client_free(session->client);
    json_decref(session->me);
    json_decref(session->asked);
    json_decref(session->problem);
    *session = (struct session){0};
}

enum err_kind session_send(struct session *session, const struct client_request *request, struct client_answer *ret,
                           struct err *reterr)
{
    struct client_answer answer = {0};
    enum err_kind kind = client_send(session->client, request, &answer, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (answer.status < 400) {
        *ret = answer;
        return ERR_NONE;
    }
    json_decref(session->problem);
    session->problem = answer.body;
    return problem_to_err(session->arena, answer.status, answer.body, reterr);
}

enum err_kind session_call(struct session *session, const struct client_request *request, json_t **ret,
                           struct err *reterr)
{
    struct client_answer answer = {0};
    enum err_kind kind = session_send(session, request, &answer, reterr);
    *ret = answer.body;
    return kind;
}

enum err_kind session_get(struct session *session, const char *path, json_t **ret, struct err *reterr)
{
    return session_call(session, &(struct client_request){.method = "GET", .path = path}, ret, reterr);
}

static enum err_kind ask_who(struct session *session, struct err *reterr)
{
    enum err_kind kind = session->me == NULL ? session_get(session, "/v1/me", &session->me, reterr) : ERR_NONE;
    if (kind == ERR_NONE && json_text_at(session->me, "role") == NULL)
        return err_set(reterr, ERR_INTERNAL, "'%s' does not say who the token stands for: is it the API?",
                       session->url);
    return kind;
}

enum err_kind session_is_tenants(struct session *session, bool *ret, struct err *reterr)
{
    enum err_kind kind = ask_who(session, reterr);
    *ret = kind == ERR_NONE && json_is_string(json_at(session->me, "tenant"));
    return kind;
}

enum err_kind session_domain_time(struct session *session, int64_t *ret_s, bool *ret_virtual, struct err *reterr)
{
    enum err_kind kind = ask_who(session, reterr);
    if (kind != ERR_NONE)
        return kind;
    const char *text = json_text_at(session->me, "domain_time");
    *ret_virtual = json_is_true(json_at(session->me, "virtual_clock"));
    if (text == NULL || calendar_time_parse(text, ret_s, NULL) != ERR_NONE)
        return err_set(reterr, ERR_INTERNAL, "'%s' does not say what time it is there", session->url);
    return ERR_NONE;
}

void session_note_settled(struct session *session, const char *option)
{
    const char *before = session->settled;
    session->settled = before == NULL ? option : arena_format(session->arena, "%s and %s", before, option);
}

static const char *instant_of(struct arena *arena, const char *text)
{
    return strchr(text, 'T') == NULL ? arena_format(arena, "%sT00:00:00Z", text) : text;
}

const char *session_query(struct session *session)
{
    bool takes_days = command_times(session->arguments->command) == TIMES_ARE_DAYS;
    const struct arguments *arguments = session->arguments;
    const char *query = "";
    for (int i = 0; i < arguments->value_count; i++) {
        const struct option_value *value = &arguments->values[i];
        const char *field = options[value->option].field;
        if (field == NULL || value->text == NULL)
            continue;
        bool becomes_instant = !takes_days && options[value->option].type == VALUE_TIME;
        const char *text = becomes_instant ? instant_of(session->arena, value->text) : value->text;
        query = arena_format(session->arena, "%s%s%s=%s", query, query[0] == '\0' ? "" : "&", field,
                             client_escape(session->client, session->arena, text));
    }
    return query;
}

const char *session_path(struct session *session, const char *path, const char *a, const char *b)
{
    if (a[0] == '\0' && b[0] == '\0')
        return path;
    return arena_format(session->arena, "%s?%s%s%s", path, a, a[0] == '\0' || b[0] == '\0' ? "" : "&", b);
}

void session_print_json(struct session *session, const json_t *value)
{
    (void)json_dumpf(value, session->out, JSON_INDENT(2) | JSON_ENCODE_ANY); /* a failed write is seen at the end */
    fputc('\n', session->out);
}
