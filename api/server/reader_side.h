/* One database role of a reader: its queues, its connections, and the statements that it suspects. For reader.c alone;
 * all of it on the loop's thread. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/reader.h"

#include <poll.h>

#define READER_STUCK_MAX 8 /* stuck connections that were replaced by others */

struct reader_side;

/* waiting counts the reads that are not answered yet; a side lowers it. */
struct reader_side *reader_side_new(const struct reader_options *options, const char *role, _Atomic int64_t *waiting);
void reader_side_free(struct reader_side *side); /* what is left gets its error */
void reader_side_add(struct reader_side *side, struct read *read);
/* Sends what can be sent. */
void reader_side_dispatch(struct reader_side *side);
int reader_side_sockets(const struct reader_side *side); /* how many reader_side_watch fills */
/* Fills in what poll is to wait for. How long it may wait; -1: for ever. */
int reader_side_watch(const struct reader_side *side, struct pollfd *sockets);
/* After poll: takes what came, and looks after what is stuck. */
void reader_side_step(struct reader_side *side, const struct pollfd *sockets);
