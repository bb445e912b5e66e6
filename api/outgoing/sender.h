/* Our own requests to other servers, many at a time, on one thread by libcurl's multi interface. Follows no redirect,
 * uses no proxy, keeps no cookie, and connects to public addresses only, unless its rules say otherwise: each address
 * is judged where the socket is made for it, so what a name resolves to later does not matter. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/outgoing/target.h"

#include <curl/curl.h>
#include <stdint.h>

struct sender;

struct sender_options {
    struct target_rules rules;
    const char *user_agent;
    const char *ca_file; /* whose certificates are believed; NULL: the system's authorities */
    int64_t timeout_ms;  /* of a whole request */
    size_t body_max;     /* bytes of an answer's body that are kept, and given to ended */
    bool needs_whole;    /* an answer that is longer is none; else its beginning is enough */
    /* On the thread that polls, once for each request: how it ended. status is 0 where there was no answer, and error
     * then says why; else error is NULL. Texts live as long as the call. */
    void (*ended)(void *context, int status, const char *error, const char *body);
};

struct sender_request {
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end */
    const char *content_type;   /* of the body */
    const char *body;           /* of a POST; NULL: a GET */
};

struct sender *sender_new(const struct sender_options *options);
/* Aborts what is under way, without a word. NULL is fine. */
void sender_free(struct sender *sender);
/* Begins a request. Everything is copied, and what was sent is cleansed when it is over. */
void sender_start(struct sender *sender, const struct sender_request *request, void *context);
/* Waits for something to happen, for wake_fd, or for the time to pass; then tells of what has ended. */
void sender_poll(struct sender *sender, int wake_fd, int timeout_ms);
/* Forgets all that is under way, without a word. */
void sender_abort(struct sender *sender);

/* The judgement of an address, as libcurl asks for it; its context is a struct sender_gate. For tests. */
struct sender_gate {
    bool allows_private;
    bool has_refused;
};
curl_socket_t sender_open_socket(void *gate, curlsocktype purpose, struct curl_sockaddr *address);
