/* An event loop: one thread serves its share of an address's connections, and the reads that their requests wait for.
 *
 * Both on one thread, since a read that is handed from one thread to another and back costs more in wake-ups than it
 * costs to answer it. libmicrohttpd runs without threads of its own and tells by its epoll descriptor that it has
 * something to do; so do the readers' connections. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/reader.h"

#include <microhttpd.h>

struct loop;

/* Makes a loop without connections; they come by loop_run. The options are those of readers of the two classes. */
struct loop *loop_new(const struct reader_options *point, const struct reader_options *list);
/* Starts the thread. The daemon is the loop's from now on. */
void loop_run(struct loop *loop, struct MHD_Daemon *daemon);
struct MHD_Daemon *loop_daemon(const struct loop *loop); /* NULL: it was not run */
/* Any thread: a suspended connection of the loop goes on. It, and its request, may be gone afterwards. */
void loop_resume(struct loop *loop, struct MHD_Connection *connection);
/* On the loop's thread. */
struct reader *loop_reader(const struct loop *loop, bool is_list);
/* Ends the thread, closes the connections (none may be suspended), and answers what is left of reads. */
void loop_free(struct loop *loop); /* NULL is fine */
