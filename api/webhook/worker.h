/* Brings events to webhooks: a thread of each sluice-api, of which the leader of "webhooks" works. It makes deliveries
 * out of the event log by cursor, sends those that are due, several at a time, and notes how they ended. What it had
 * under way when it died is sent again by the next one: every event arrives at least once. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/outgoing/target.h"
#include "api/server/stream.h"

struct secret_keys;
struct webhook_worker;

struct webhook_worker_options {
    const char *database_url;
    const struct secret_keys *keys; /* outlives the worker */
    struct target_rules rules;
    int64_t timeout_ms;    /* of one attempt */
    int64_t attempts_max;  /* then a delivery has failed */
    int64_t retry_base_ms; /* before the second attempt */
    int64_t disable_after_s;
    stream_format *show; /* writes an event */
};

struct webhook_worker *webhook_worker_start(const struct webhook_worker_options *options);
/* After shutdown_request(): what is under way is left to the next leader. */
void webhook_worker_stop(struct webhook_worker *worker); /* NULL is fine */
