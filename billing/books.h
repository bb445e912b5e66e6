/* The books: what sluice-billing does each time it wakes up as the leader. It takes no input, looks at the tables, and
 * does whatever is due: meters events, closes the days that are over, in order, and then the months.
 *
 * A day's close is a row of steps, each repeatable and in transactions of its own, so that a crash between any two
 * loses and doubles nothing: cut usage at midnight, rate, depreciate and attribute, post and note the day, issue what
 * is due. The cut is noted too: what comes between two attempts counts with the next day, for both attempts. One
 * thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "billing/leader.h"
#include "billing/provisional.h"
#include "common/clock.h"

#define BOOKS_COMPONENT "billing" /* of the lease and of the virtual clock */

struct books_settings {
    int64_t lease_ttl_ms;
    int64_t close_delay_s;   /* real clock: how long after midnight a day is closed */
    int64_t reading_grace_s; /* how long after its end a billing period with billed meters is closed, at the least */
};

struct books {
    struct leader leader;
    struct books_settings settings;

    bool loaded;            /* whether what follows is known; forgotten after any error */
    bool begun;             /* whether there is anything to keep books of */
    int64_t first_open_day; /* days since 1970-01-01, if begun */
    bool is_cut;            /* the close of that day has begun: nothing is taken in before it has ended */
    int64_t acknowledged;   /* tick of the virtual clock */
    bool is_virtual;        /* the clock, as far as is known */
    struct provisional provisional;
    int64_t market_prices; /* in force on the first open day, which warnings were looked for by; -1: none yet */
    bool has_hidden;       /* events come into view soon, without a notification: look again in a moment */
};

void books_init(struct books *books, struct db *db, const struct books_settings *settings);

/* Does everything due. Only while the lease is held. After an error call it again: it starts from the tables. */
MUST_CHECK enum err_kind books_keep(struct books *books, struct err *reterr);

void books_register_metrics(void);

extern const struct db_stmt *const books_statements[];
