/* reservation create, get, cancel, amend; quote create, get, confirm. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cli/change.h"
#include "api/cli/noun.h"
#include "api/cli/reservation_body.h"
#include "common/arena.h"
#include "common/calendar.h"
#include "common/least.h"
#include "common/must.h"

#include <inttypes.h>
#include <string.h>

#define WAIT_DEFAULT_S  60
#define QUOTE_TTL_S     900
#define QUOTE_TTL_MAX_S 86400
#define POLL_WAIT_S     25 /* what one request asks the server to wait; a proxy between cuts at 30 */
#define POLL_PAUSE_MS   INT64_C(500)

/* From these a reservation moves on by itself soon; in any other state it is settled. */
static const char *const moving_states[] = {"pending", "activating", "ending"};
static const char *const refused_states[] = {"rejected", "expired"};

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (strcmp(text, list[i]) == 0)
            return true;
    }
    return false;
}

static bool is_moving(const json_t *reservation)
{
    return is_one_of(json_text_at(reservation, "status.state"), moving_states, COUNT_OF(moving_states));
}

static void print_reservation(struct session *session, const json_t *reservation)
{
    if (session->json) {
        session_print_json(session, reservation);
        return;
    }
    const struct noun *noun = session->arguments->command->noun;
    table_print_one(session->out, session->arena, noun->details, reservation);
    const json_t *instances = json_at(reservation, "instances");
    if (json_array_size(instances) == 0)
        return;
    fputc('\n', session->out);
    table_print(session->out, session->arena, instance_of_reservation_columns, instances);
}

/* ---- Waiting ---- */

/* Seconds to wait in all; 0: not asked for. */
static int64_t wait_asked_s(const struct session *session)
{
    if (!arguments_have(session->arguments, OPTION_WAIT))
        return 0;
    return arguments_int(session->arguments, OPTION_WAIT, WAIT_DEFAULT_S);
}

static int64_t at_most(int64_t value, int64_t most)
{
    return value < most ? value : most;
}

/* Asks again until the reservation is settled. *reservation is replaced by what it became, also where the time is up.
 */
static enum err_kind wait_until_settled(struct session *session, const char *path, int64_t deadline_ms,
                                        json_t **reservation, struct err *reterr)
{
    while (is_moving(*reservation)) {
        int64_t asked_ms = client_monotonic_ms();
        int64_t left_ms = deadline_ms - asked_ms;
        if (left_ms <= 0)
            return err_set(reterr, ERR_TIMEOUT, "the reservation is still '%s'",
                           text_printable(session->arena, json_text_at(*reservation, "status.state")));
        json_t *now = NULL;
        const struct client_request request = {
            .method = "GET", .path = path, .wait_s = at_most((left_ms + 999) / 1000, POLL_WAIT_S)};
        enum err_kind kind = session_call(session, &request, &now, reterr);
        if (kind != ERR_NONE)
            return kind;
        json_decref(*reservation);
        *reservation = now;
        if (is_moving(now) && client_monotonic_ms() - asked_ms < POLL_PAUSE_MS)
            client_pause_ms(at_most(POLL_PAUSE_MS, left_ms));
    }
    return ERR_NONE;
}

/* A reservation that was not granted is an object like any other, but to who asked for it a refusal. */
static enum err_kind verdict_of(struct session *session, const json_t *reservation, struct err *reterr)
{
    if (!is_one_of(json_text_at(reservation, "status.state"), refused_states, COUNT_OF(refused_states)))
        return ERR_NONE;
    json_decref(session->problem);
    session->problem = json_incref(json_object_get(reservation, "status"));
    session->problem_is_shown = true;
    /* The codes that the API gives where it tells the same by its status. */
    const char *state = json_text_at(reservation, "status.state");
    const char *reason = json_text_at(reservation, "status.reason");
    return err_set_code(reterr, ERR_NO_CAPACITY, strcmp(state, "rejected") == 0 ? "capacity_unavailable" : state,
                        "the reservation was %s%s%s", state, reason == NULL ? "" : ": ",
                        reason == NULL ? "" : text_printable(session->arena, reason));
}

static enum err_kind wait_and_print(struct session *session, const char *path, int64_t wait_s, json_t **reservation,
                                    struct err *reterr)
{
    enum err_kind kind = ERR_NONE;
    if (wait_s > 0)
        kind = wait_until_settled(session, path, client_monotonic_ms() + wait_s * 1000, reservation, reterr);
    if (kind == ERR_NONE || kind == ERR_TIMEOUT)
        print_reservation(session, *reservation);
    return kind;
}

/* ---- Commands ---- */

/* A quote holds that long where nothing says: sent, so that the API counts with the same. */
static int64_t ttl_of(json_t *quote)
{
    if (json_object_get(quote, "ttl_s") == NULL)
        must(json_object_set_new(quote, "ttl_s", json_integer(QUOTE_TTL_S)) == 0);
    int64_t ttl_s = json_integer_value(json_object_get(quote, "ttl_s"));
    return least_of(greatest_of(ttl_s, 0), QUOTE_TTL_MAX_S); /* the API says what is wrong */
}

/* Where the window of a length begins: a reservation's now where nothing says, a quote's once its hold is over. False:
 * it cannot be told, and the API says what is wrong. */
static enum err_kind find_start(struct session *session, bool *ret_known, int64_t *ret_s, struct err *reterr)
{
    const json_t *starts_at = json_object_get(session->asked, "starts_at");
    bool is_open = starts_at == NULL || json_is_null(starts_at);
    bool ignored = false;
    *ret_known =
        json_is_string(starts_at) && calendar_time_parse(json_string_value(starts_at), ret_s, NULL) == ERR_NONE;
    if (!is_open)
        return ERR_NONE;
    *ret_known = true;
    enum err_kind kind = session_domain_time(session, ret_s, &ignored, reterr);
    if (kind == ERR_NONE && session->arguments->command->noun != &noun_reservation)
        *ret_s += ttl_of(session->asked);
    return kind;
}

/* A start and a length are a window: what the API knows of is its end. */
static enum err_kind complete_window(struct session *session, struct err *reterr)
{
    json_t *body = session->asked;
    int64_t starts_s = 0;
    bool is_known = false;
    const json_t *duration = json_object_get(body, "duration_s");
    bool has_other = json_is_string(json_object_get(body, "ends_at")) || json_object_get(body, "start_range") != NULL;
    if (has_other || !json_is_integer(duration))
        return ERR_NONE;
    enum err_kind kind = find_start(session, &is_known, &starts_s, reterr);
    int64_t duration_s = json_integer_value(duration);
    if (kind != ERR_NONE || !is_known || duration_s < 1 || duration_s > CALENDAR_TIME_MAX_S - starts_s)
        return kind; /* the API says what is wrong */
    char ends_at[CALENDAR_TIME_SIZE];
    calendar_time_print(starts_s + duration_s, ends_at);
    if (!json_is_string(json_object_get(body, "starts_at")))
        session_note_settled(session, arena_format(session->arena, "--ends-at %s instead of --duration", ends_at));
    must(json_object_set_new(body, "ends_at", json_string(ends_at)) == 0 && json_object_del(body, "duration_s") == 0);
    return ERR_NONE;
}

enum err_kind command_reservation_create(struct session *session, struct err *reterr)
{
    const char *base = session->arguments->command->noun->tenant_path;
    int64_t wait_s = wait_asked_s(session);
    struct client_request request = {
        .method = "POST", .path = change_path(session, base), .wait_s = at_most(wait_s, CLIENT_WAIT_S_MAX)};
    enum err_kind kind = change_key(session, &request.idempotency_key, reterr);
    if (kind == ERR_NONE)
        kind = reservation_body(session->arguments, &session->asked, reterr);
    if (kind == ERR_NONE)
        kind = complete_window(session, reterr);
    if (kind != ERR_NONE)
        return kind;
    request.body = session->asked;
    int64_t sent_ms = client_monotonic_ms();
    CLEANUP(json_release) json_t *made = NULL;
    kind = change_send(session, &request, &made, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (arguments_have(session->arguments, OPTION_VALIDATE_ONLY)) {
        print_reservation(session, made);
        return ERR_NONE;
    }
    const char *id = json_text_at(made, "id");
    if (id == NULL)
        return err_set(reterr, ERR_INTERNAL, "'%s' answered without a reservation", session->url);
    const char *path = arena_format(session->arena, "%s/%s", base, client_escape(session->client, session->arena, id));
    int64_t left_s = wait_s - (client_monotonic_ms() - sent_ms) / 1000;
    kind = wait_and_print(session, path, wait_s > 0 && left_s < 1 ? 1 : left_s, &made, reterr);
    return kind == ERR_NONE ? verdict_of(session, made, reterr) : kind;
}

enum err_kind command_reservation_get(struct session *session, struct err *reterr)
{
    const struct noun *noun = session->arguments->command->noun;
    const char *base = NULL;
    const char *path = NULL;
    enum err_kind kind = noun_path(session, noun, &base, reterr);
    if (kind == ERR_NONE)
        kind = noun_find(session, noun, base, &path, reterr);
    if (kind != ERR_NONE)
        return kind;
    CLEANUP(json_release) json_t *found = NULL;
    kind = session_get(session, path, &found, reterr);
    return kind == ERR_NONE ? wait_and_print(session, path, wait_asked_s(session), &found, reterr) : kind;
}

enum err_kind command_reservation_cancel(struct session *session, struct err *reterr)
{
    const struct noun *noun = session->arguments->command->noun;
    const char *base = NULL;
    const char *path = NULL;
    struct client_request request = {.method = "POST"};
    enum err_kind kind = change_key(session, &request.idempotency_key, reterr);
    if (kind == ERR_NONE)
        kind = noun_path(session, noun, &base, reterr);
    if (kind == ERR_NONE)
        kind = noun_find(session, noun, base, &path, reterr);
    if (kind != ERR_NONE)
        return kind;
    request.path = change_path(session, arena_format(session->arena, "%s/cancel", path));
    CLEANUP(json_release) json_t *ended = NULL;
    kind = change_send(session, &request, &ended, reterr);
    if (kind == ERR_NONE)
        print_reservation(session, ended);
    return kind;
}

/* What was granted is shown, or with --validate-only what would be. */
enum err_kind command_reservation_amend(struct session *session, struct err *reterr)
{
    const struct noun *noun = session->arguments->command->noun;
    const char *base = NULL;
    const char *path = NULL;
    struct client_request request = {.method = "POST"};
    enum err_kind kind = change_key(session, &request.idempotency_key, reterr);
    if (kind == ERR_NONE)
        kind = reservation_body(session->arguments, &session->asked, reterr);
    if (kind == ERR_NONE)
        kind = noun_path(session, noun, &base, reterr);
    if (kind == ERR_NONE)
        kind = noun_find(session, noun, base, &path, reterr);
    if (kind != ERR_NONE)
        return kind;
    request.path = change_path(session, arena_format(session->arena, "%s/amendments", path));
    request.body = session->asked;
    CLEANUP(json_release) json_t *amendment = NULL;
    kind = change_send(session, &request, &amendment, reterr);
    if (kind != ERR_NONE)
        return kind;
    if (session->json)
        session_print_json(session, amendment);
    else
        table_print_one(session->out, session->arena, amendment_details, amendment);
    return ERR_NONE;
}

/* The quote becomes a reservation, which is what is shown. */
enum err_kind command_quote_confirm(struct session *session, struct err *reterr)
{
    const char *path = NULL;
    struct client_request request = {.method = "POST", .path = noun_reservation.tenant_path};
    enum err_kind kind = change_key(session, &request.idempotency_key, reterr);
    if (kind == ERR_NONE)
        kind = noun_find(session, &noun_quote, noun_quote.tenant_path, &path, reterr);
    if (kind != ERR_NONE)
        return kind;
    session->asked = json_pack("{s:s}", "quote", strrchr(path, '/') + 1);
    must(session->asked != NULL);
    request.body = session->asked;
    CLEANUP(json_release) json_t *firm = NULL;
    kind = change_send(session, &request, &firm, reterr);
    if (kind == ERR_NONE)
        print_reservation(session, firm);
    return kind;
}
