/* The pool of threads that run what needs the database, each with a connection per role. No listener's thread ever
 * waits for the database. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

#include <stdbool.h>
#include <stdint.h>

struct workers;

/* A worker's own; only the job it runs uses it. */
struct worker {
    struct workers *pool;
    struct db *tenant_db; /* role sluice_api */
    struct db *system_db; /* role sluice_api_system */
};

/* Something to run; part of the struct it works on. */
struct job {
    struct job *next;
    void (*run)(struct job *job, struct worker *worker);
};

struct workers *workers_start(const char *database_url, int threads, int64_t jobs_max, int statement_timeout_ms);
/* Any thread. False where the queue is full or the pool stops: the job is the caller's again. */
bool workers_submit(struct workers *pool, struct job *job);
/* Runs what is queued, then ends the threads. */
void workers_stop(struct workers *pool); /* NULL is fine */
