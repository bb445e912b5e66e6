/* A thread that asks again and again, and what it heard last. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/readiness.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/db.h"
#include "common/must.h"
#include "common/shutdown.h"

#include <pthread.h>

#define PERIOD_MS 500
#define LATE_MS   5000 /* a statement's limit, too: what takes longer is no answer */

struct readiness {
    struct db *db; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    int64_t heard_ms;     /* monotonic, of the last answer; before: when we began */
    bool is_fine;
    struct err trouble; /* else why not */
};

static void *ask(void *context)
{
    struct readiness *readiness = context;
    while (!shutdown_requested()) {
        struct err err = {0};
        bool is_fine = db_check_schema(readiness->db, &err) == ERR_NONE;
        (void)pthread_mutex_lock(&readiness->lock);
        readiness->heard_ms = clock_monotonic_ms();
        readiness->is_fine = is_fine;
        readiness->trouble = err;
        (void)pthread_mutex_unlock(&readiness->lock);
        (void)shutdown_wait(PERIOD_MS);
    }
    return NULL;
}

struct readiness *readiness_start(const char *database_url)
{
    struct readiness *readiness = alloc_zero(1, sizeof *readiness);
    readiness->db = db_new(&(struct db_options){.url = database_url,
                                                .role = "sluice_api_system",
                                                .application_name = "sluice-api check",
                                                .statement_timeout_ms = LATE_MS});
    readiness->heard_ms = clock_monotonic_ms();
    (void)err_set(&readiness->trouble, ERR_UNAVAILABLE, "not asked yet");
    must(pthread_mutex_init(&readiness->lock, NULL) == 0);
    must(pthread_create(&readiness->thread, NULL, ask, readiness) == 0);
    return readiness;
}

void readiness_stop(struct readiness *readiness)
{
    must(shutdown_requested());
    (void)pthread_join(readiness->thread, NULL);
    (void)pthread_mutex_destroy(&readiness->lock);
    db_free(readiness->db);
    free(readiness);
}

bool readiness_write(void *context, FILE *out)
{
    struct readiness *readiness = context;
    (void)pthread_mutex_lock(&readiness->lock);
    int64_t silent_ms = clock_monotonic_ms() - readiness->heard_ms;
    bool is_silent = silent_ms > LATE_MS && !shutdown_requested();
    bool is_fine = readiness->is_fine && !is_silent;
    if (is_fine)
        fprintf(out, "database ok\n");
    else if (is_silent)
        fprintf(out, "database has not answered for %lld s\n", (long long)(silent_ms / 1000));
    else
        fprintf(out, "database %s\n", readiness->trouble.text);
    (void)pthread_mutex_unlock(&readiness->lock);
    return is_fine;
}
