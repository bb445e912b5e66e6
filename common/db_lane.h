/* A connection for an event loop: always in pipeline mode, so that many requests are under way on it at a time. Each
 * is one statement and an implicit transaction of its own, with its own sync: its failure touches no other.
 *
 * No call blocks, and one thread uses a lane. What was sent is answered in its order by db_lane_receive, each exactly
 * once, also when the connection breaks. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

#include <stdbool.h>

#define DB_LANE_DEPTH_MAX 16 /* requests under way on one connection */

struct db_lane;

enum db_lane_state { DB_LANE_CLOSED, DB_LANE_OPENING, DB_LANE_OPEN };

struct db_lane_answer {
    void *context;      /* of db_lane_send */
    PGresult *result;   /* on ERR_NONE: the caller's from now on (db_result_clear) */
    enum err_kind kind; /* of err */
    struct err err;
    bool is_lost; /* the connection broke, so it may be sent again elsewhere */
};

/* The strings of the options are copied. Nothing connects before db_lane_open. */
struct db_lane *db_lane_new(const struct db_options *options) __attribute__((returns_nonnull));
void db_lane_free(struct db_lane *lane); /* NULL is fine; nothing may be under way */
/* Of a closed lane with nothing under way: begins to connect. It opens, or closes again (db_lane_error says why). */
void db_lane_open(struct db_lane *lane);
/* Hangs up: what is under way is answered as lost. */
void db_lane_close(struct db_lane *lane);
enum db_lane_state db_lane_state(const struct db_lane *lane);
const struct err *db_lane_error(const struct db_lane *lane); /* why it closed last */

/* For poll(2), unless closed. */
int db_lane_fd(const struct db_lane *lane);
short db_lane_events(const struct db_lane *lane);
/* Takes the next step: poll said so (revents), or time has passed (0): connecting has a limit. */
void db_lane_step(struct db_lane *lane, short revents);

/* On an open lane with less than DB_LANE_DEPTH_MAX under way. tenant_id: sluice.tenant is set for this request alone;
 * NULL: not at all. The parameters are read before it returns. */
void db_lane_send(struct db_lane *lane, const char *tenant_id, const struct db_stmt *stmt, const char *const *params,
                  void *context);
/* The oldest request, if it has been answered. */
bool db_lane_receive(struct db_lane *lane, struct db_lane_answer *ret);
int db_lane_depth(const struct db_lane *lane);
void *db_lane_context(const struct db_lane *lane, int number); /* of the request so far behind the oldest, 0 */
/* When the server turned to the oldest request: it was sent then, or the one before it was answered. Monotonic. */
int64_t db_lane_busy_since_ms(const struct db_lane *lane);

extern const struct db_stmt *const db_lane_statements[];
