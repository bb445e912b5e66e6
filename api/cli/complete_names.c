/* Somebody has pressed a key and waits: one page of the list, its newest where it can be had so, and little time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/complete_names.h"

#include "api/cli/noun.h"
#include "api/cli/profile.h"
#include "api/cli/text.h"
#include "common/arena.h"

#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_WITHIN_S 1
#define NAMES_MAX       1000

static void give_up(int number)
{
    (void)number;
    _exit(0);
}

/* The client's own limits are for who waits on purpose; looking an address up has none. */
static void limit_time(int64_t seconds)
{
    struct sigaction action = {.sa_handler = give_up};
    struct itimerval timer = {.it_value.tv_sec = seconds};
    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* A shell takes it as one word as it stands. */
static bool is_plain(const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@/+";
    return name != NULL && name[0] != '\0' && name[0] != '-' && name[strspn(name, plain)] == '\0';
}

static void offer(FILE *out, const json_t *items, const char *member, const char *typed)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *name = member == NULL ? NULL : json_text_at(item, member);
        if (!is_plain(name))
            name = json_text_at(item, "id");
        if (is_plain(name) && strncmp(name, typed, strlen(typed)) == 0)
            fprintf(out, "%s\n", name);
    }
}

static enum err_kind read_profiles(struct session *session, json_t **ret, struct err *reterr)
{
    enum err_kind kind = session_find_directory(session, reterr);
    if (kind == ERR_NONE && session->directory == NULL)
        return err_set(reterr, ERR_NOT_FOUND, "there are no profiles");
    return kind == ERR_NONE ? profile_list(session->arena, session->directory, ret, reterr) : kind;
}

static enum err_kind read_items(struct session *session, const struct noun *noun, json_t **ret, struct err *reterr)
{
    const char *path = NULL, *next = NULL;
    enum err_kind kind = session_find_token(session, reterr);
    if (kind == ERR_NONE)
        kind = session_open(session, reterr);
    if (kind == ERR_NONE)
        kind = noun_path(session, noun, &path, reterr);
    if (kind == ERR_NONE)
        kind = noun_items(session, path, noun->by_age ? "order=newest" : "", NAMES_MAX, ret, &next, reterr);
    return kind;
}

void complete_names_print(FILE *out, const struct command *list, const struct arguments *given, const char *typed)
{
    CLEANUP(arena_freep) struct arena *arena = arena_new();
    CLEANUP(json_release) json_t *items = NULL;
    struct session session = {.arguments = given, .arena = arena, .out = out, .log = stderr};
    struct err ignored = {0};
    const struct noun *noun = list->noun;
    limit_time(ANSWER_WITHIN_S);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return;
    enum err_kind kind =
        noun == NULL ? read_profiles(&session, &items, &ignored) : read_items(&session, noun, &items, &ignored);
    session_clear(&session);
    curl_global_cleanup();
    limit_time(0);
    if (kind == ERR_NONE)
        offer(out, items, noun == NULL ? "name" : noun->lookup, typed);
}
