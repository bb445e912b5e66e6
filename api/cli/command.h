/* The commands, one table: the parser, --help and docs/cli.md come from it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/options.h"

struct session;
struct noun;

struct command {
    const char *path;              /* one or two words: "login", "reservation create" */
    const char *argument;          /* the one positional argument, which is required; NULL: takes none */
    const enum option_id *options; /* beside options_everywhere */
    enum err_kind (*run)(struct session *session, struct err *reterr);
    const struct noun *noun; /* what it is about; NULL where run knows */
    const char *help;        /* a sentence */
    const char *example;     /* a whole command line, or NULL */
};

extern const struct command commands[]; /* ends with a NULL path */

/* Does it ask nobody, or find its own token? */
bool command_needs_no_token(const struct command *command);
enum command_times {
    TIMES_ARE_DOMAINS, /* instants of the domain, whose clock may be virtual */
    TIMES_ARE_REAL,    /* instants of the world */
    TIMES_ARE_DAYS,    /* days of the domain */
};
enum command_times command_times(const struct command *command);
/* Does it list what the API gives as CSV, too? */
bool command_gives_csv(const struct command *command);

/* Implemented in account.c, apply.c, instance.c, instance_console.c, noun.c, object.c, reservation.c, planning.c, profiles.c and
 * report.c. */
MUST_CHECK enum err_kind command_login(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_apply(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_profile_list(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_profile_use(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_profile_delete(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_me(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_list(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_create(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_get(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_delete(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_act(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_update(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_retire(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_instance_ask(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_instance_actions(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_instance_console(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_reservation_create(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_reservation_get(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_reservation_cancel(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_reservation_amend(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_quote_confirm(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_invoice_get(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_availability(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_offer(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_capacity(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_simulate(struct session *session, struct err *reterr);
MUST_CHECK enum err_kind command_margin(struct session *session, struct err *reterr);
