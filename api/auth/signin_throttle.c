/* Stripes of a few places each, found by a seeded hash. Signing in is rare: one lock is enough. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth/signin_throttle.h"

#include "common/alloc.h"
#include "common/must.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STRIPES  512U /* a power of two */
#define WAYS     8U
#define KEY_SIZE 64
#define US_PER_S INT64_C(1000000)

static const struct {
    int failures_free;
    int64_t most_s;
} rules[] = {
#define X(constant, free, most_s) [constant] = {free, most_s},
    SIGNIN_SUBJECTS(X)
#undef X
};

struct record {
    char key[KEY_SIZE]; /* "": nobody's */
    int failures;
    int64_t failed_at_us; /* the last */
    int64_t heard_at_us;  /* when the next try is */
};

struct signin_throttle {
    pthread_mutex_t lock;
    uint64_t seed; /* so that nobody can choose whose place to take */
    struct record records[STRIPES][WAYS];
};

struct signin_throttle *signin_throttle_new(void)
{
    struct signin_throttle *throttle = alloc_zero(1, sizeof *throttle);
    must(RAND_bytes((uint8_t *)&throttle->seed, sizeof throttle->seed) == 1);
    must(pthread_mutex_init(&throttle->lock, NULL) == 0);
    return throttle;
}

void signin_throttle_free(struct signin_throttle *throttle)
{
    if (throttle == NULL)
        return;
    (void)pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

/* FNV-1a, seeded, and its high bits folded in. */
static struct record *stripe_of(struct signin_throttle *throttle, const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ throttle->seed;
    for (; *key != '\0'; key++)
        hash = (hash ^ (uint8_t)*key) * UINT64_C(1099511628211);
    return throttle->records[(hash ^ hash >> 32) % STRIPES];
}

static void name(enum signin_subject subject, const char *key, char ret[static KEY_SIZE])
{
    must(snprintf(ret, KEY_SIZE, "%d%s", (int)subject, key) < KEY_SIZE);
}

/* NULL where nothing is held against the key. Under the lock. */
static struct record *find(struct signin_throttle *throttle, const char *key)
{
    struct record *stripe = stripe_of(throttle, key);
    for (size_t i = 0; i < WAYS; i++) {
        if (strcmp(stripe[i].key, key) == 0)
            return &stripe[i];
    }
    return NULL;
}

/* The key's record, or the place of the one that is heard soonest. Under the lock. */
static struct record *find_or_take(struct signin_throttle *throttle, const char *key)
{
    struct record *found = find(throttle, key);
    if (found != NULL)
        return found;
    struct record *stripe = stripe_of(throttle, key), *least = &stripe[0];
    for (size_t i = 1; i < WAYS; i++) {
        if (stripe[i].heard_at_us < least->heard_at_us)
            least = &stripe[i];
    }
    *least = (struct record){0};
    (void)snprintf(least->key, sizeof least->key, "%s", key);
    return least;
}

/* 1, 2, 4 ... seconds after the first failure that costs something. */
static int64_t penalty_s(enum signin_subject subject, int failures)
{
    int beyond = failures - rules[subject].failures_free;
    if (beyond < 0)
        return 0;
    int64_t wait_s = INT64_C(1) << (beyond < 30 ? beyond : 30);
    return wait_s < rules[subject].most_s ? wait_s : rules[subject].most_s;
}

int64_t signin_throttle_wait_s(struct signin_throttle *throttle, enum signin_subject subject, const char *key,
                               int64_t now_us)
{
    char full[KEY_SIZE];
    name(subject, key, full);
    (void)pthread_mutex_lock(&throttle->lock);
    const struct record *record = find(throttle, full);
    int64_t left_us = record == NULL ? 0 : record->heard_at_us - now_us;
    (void)pthread_mutex_unlock(&throttle->lock);
    return left_us <= 0 ? 0 : (left_us + US_PER_S - 1) / US_PER_S;
}

void signin_throttle_failed(struct signin_throttle *throttle, enum signin_subject subject, const char *key,
                            int64_t now_us)
{
    char full[KEY_SIZE];
    name(subject, key, full);
    (void)pthread_mutex_lock(&throttle->lock);
    struct record *record = find_or_take(throttle, full);
    if (now_us - record->failed_at_us > SIGNIN_FORGOTTEN_S * US_PER_S)
        record->failures = 0;
    record->failures++;
    record->failed_at_us = now_us;
    record->heard_at_us = now_us + penalty_s(subject, record->failures) * US_PER_S;
    (void)pthread_mutex_unlock(&throttle->lock);
}

void signin_throttle_succeeded(struct signin_throttle *throttle, enum signin_subject subject, const char *key)
{
    char full[KEY_SIZE];
    name(subject, key, full);
    (void)pthread_mutex_lock(&throttle->lock);
    struct record *record = find(throttle, full);
    if (record != NULL)
        *record = (struct record){0};
    (void)pthread_mutex_unlock(&throttle->lock);
}
