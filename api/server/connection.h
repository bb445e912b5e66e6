/* Connections, and how long each may take for what it is at.
 *
 * libmicrohttpd 0.9.75 counts idle time only: a header that drips, a byte a second, lived for as long as it liked
 * (measured). So each connection has an absolute deadline for headers, for the body, for taking its answer, and for
 * being idle; one that passes it is shut down. While a request is worked on it has none: that is ours (suspension.h).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/* X(constant, text): what a connection is at. */
#define CONNECTION_PHASES(X)                                                                                           \
    X(CONNECTION_IDLE, "idle")                                                                                         \
    X(CONNECTION_HEADERS, "headers")                                                                                   \
    X(CONNECTION_BODY, "body")                                                                                         \
    X(CONNECTION_ANSWER, "answer")                                                                                     \
    X(CONNECTION_WORK, "work")

enum connection_phase {
#define X(constant, text) constant,
    CONNECTION_PHASES(X)
#undef X
        CONNECTION_PHASE_COUNT
};

struct connection_limits {
    int64_t phase_ms[CONNECTION_PHASE_COUNT]; /* 0: none */
    int64_t requests_max;
};

struct connections;
struct connection;
struct loop;
struct request_internal;

struct connections *connections_start(const struct connection_limits *limits);
void connections_stop(struct connections *all); /* none may be left; NULL is fine */

/* Where libmicrohttpd tells of connections' beginning and end (MHD_OPTION_NOTIFY_CONNECTION): all of one loop. */
struct connection_entry {
    struct connections *all;
    struct loop *loop; /* which serves them */
    bool is_proxy;     /* it is the proxy's socket */
};
void connection_notify(void *entry, struct MHD_Connection *of, void **socket_context,
                       enum MHD_ConnectionNotificationCode what);
struct connection *connection_of(struct MHD_Connection *of);

/* The connection is at something else from now on, with that one's time. */
void connection_enter(struct connection *connection, enum connection_phase phase);
/* Its request line is there: CONNECTION_HEADERS, unless they have their time already. */
void connection_begin_request(struct connection *connection);
/* What it is at from now on; NULL: nothing. Returns what it was at: libmicrohttpd (0.9.75) does not tell the end of a
 * request whose cookies are more than a connection's memory holds. */
struct request_internal *connection_take_request(struct connection *connection, struct request_internal *request);
/* Whether it has had as many requests as it may: the answer closes it. */
bool connection_is_used_up(const struct connection *connection);
bool connection_is_proxys(const struct connection *connection);
struct loop *connection_loop(const struct connection *connection);
/* Any thread: a suspended one goes on. It, and its request, may be gone afterwards. */
void connection_resume(struct MHD_Connection *of);
