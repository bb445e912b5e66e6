/* Buckets under one lock, by the random end of the object's id. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/changes.h"

#include "common/alloc.h"
#include "common/must.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024U /* a power of two */

struct changes {
    pthread_mutex_t lock;
    struct change_waiter *buckets[BUCKETS];
    int64_t count;
};

struct changes *changes_new(void)
{
    struct changes *changes = alloc_zero(1, sizeof *changes);
    must(pthread_mutex_init(&changes->lock, NULL) == 0);
    return changes;
}

void changes_free(struct changes *changes)
{
    must(changes->count == 0); /* whoever was suspended has been answered */
    (void)pthread_mutex_destroy(&changes->lock);
    free(changes);
}

static struct change_waiter **bucket_of(struct changes *changes, struct identity object)
{
    uint64_t random = 0;
    memcpy(&random, object.bytes + 8, sizeof random);
    return &changes->buckets[random & (BUCKETS - 1)];
}

void changes_watch(struct changes *changes, struct change_waiter *waiter)
{
    (void)pthread_mutex_lock(&changes->lock);
    struct change_waiter **bucket = bucket_of(changes, waiter->object);
    waiter->next = *bucket;
    waiter->is_watching = true;
    *bucket = waiter;
    changes->count++;
    (void)pthread_mutex_unlock(&changes->lock);
}

/* Takes the waiter that the link leads to off. */
static struct change_waiter *take(struct changes *changes, struct change_waiter **link)
{
    struct change_waiter *waiter = *link;
    *link = waiter->next;
    waiter->is_watching = false;
    changes->count--;
    return waiter;
}

bool changes_unwatch(struct changes *changes, struct change_waiter *waiter)
{
    (void)pthread_mutex_lock(&changes->lock);
    bool was_watching = waiter->is_watching;
    struct change_waiter **link = bucket_of(changes, waiter->object);
    while (was_watching && *link != waiter)
        link = &(*link)->next; /* ends: it is registered */
    if (was_watching)
        (void)take(changes, link);
    (void)pthread_mutex_unlock(&changes->lock);
    return was_watching;
}

bool changes_is_idle(struct changes *changes)
{
    (void)pthread_mutex_lock(&changes->lock);
    bool is_idle = changes->count == 0;
    (void)pthread_mutex_unlock(&changes->lock);
    return is_idle;
}

void changes_tell(struct changes *changes, struct identity object)
{
    struct change_waiter *told = NULL;
    (void)pthread_mutex_lock(&changes->lock);
    for (struct change_waiter **link = bucket_of(changes, object); *link != NULL;) {
        if (memcmp(&(*link)->object, &object, sizeof object) != 0) {
            link = &(*link)->next;
            continue;
        }
        struct change_waiter *waiter = take(changes, link);
        waiter->next = told;
        told = waiter;
    }
    (void)pthread_mutex_unlock(&changes->lock);
    while (told != NULL) {
        struct change_waiter *next = told->next;
        told->changed(told);
        told = next;
    }
}
