/* The table of buckets: stripes of a few places, each with its lock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/rate.h"

#include "common/alloc.h"
#include "common/metrics.h"
#include "common/must.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STRIPES  2048U /* a power of two */
#define WAYS     8U
#define KEY_SIZE 48 /* the class, then a UUID or an address */
#define NS_PER_S INT64_C(1000000000)

static const char *const class_texts[] = {
#define X(constant, text) [constant] = text,
    RATE_CLASSES(X)
#undef X
};

static struct metric refused[RATE_CLASS_COUNT] = {
#define X(constant, text)                                                                                              \
    [constant] = {.name = "sluice_api_rate_limited_total",                                                             \
                  .type = METRIC_COUNTER,                                                                              \
                  .labels = "class=\"" text "\"",                                                                      \
                  .help = "Requests refused because their caller had made too many"},
    RATE_CLASSES(X)
#undef X
};

struct bucket {
    char key[KEY_SIZE]; /* "": nobody's */
    int64_t full_at_ns; /* monotonic; past: it is full, and as good as nobody's */
};

struct stripe {
    pthread_mutex_t lock;
    struct bucket buckets[WAYS];
};

struct policy {
    int64_t each_ns; /* what a request costs; 0: no limit */
    int64_t whole_ns;
    char text[RATE_FIELD_SIZE];
};

struct rate_limits {
    uint64_t seed; /* of the hash, so that nobody can choose whom to share a stripe with */
    struct policy policies[RATE_CLASS_COUNT];
    struct stripe stripes[STRIPES];
};

void rate_metrics_register(void)
{
    struct metric *metrics[RATE_CLASS_COUNT];
    for (int i = 0; i < RATE_CLASS_COUNT; i++)
        metrics[i] = &refused[i];
    metric_register(metrics, RATE_CLASS_COUNT);
}

struct rate_limits *rate_limits_new(const int64_t per_s[static RATE_CLASS_COUNT], int64_t burst_s)
{
    struct rate_limits *limits = alloc_zero(1, sizeof *limits);
    must(RAND_bytes((uint8_t *)&limits->seed, sizeof limits->seed) == 1);
    for (int i = 0; i < RATE_CLASS_COUNT; i++) {
        if (per_s[i] == 0)
            continue;
        struct policy *policy = &limits->policies[i];
        policy->each_ns = NS_PER_S / per_s[i];
        policy->whole_ns = policy->each_ns * per_s[i] * burst_s;
        (void)snprintf(policy->text, sizeof policy->text, "\"%s\";q=%" PRId64 ";w=%" PRId64, class_texts[i],
                       per_s[i] * burst_s, burst_s);
    }
    for (size_t i = 0; i < STRIPES; i++)
        must(pthread_mutex_init(&limits->stripes[i].lock, NULL) == 0);
    return limits;
}

void rate_limits_free(struct rate_limits *limits)
{
    if (limits == NULL)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        (void)pthread_mutex_destroy(&limits->stripes[i].lock);
    free(limits);
}

/* FNV-1a, seeded, and its high bits folded in. */
static struct stripe *stripe_of(struct rate_limits *limits, const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ limits->seed;
    for (; *key != '\0'; key++)
        hash = (hash ^ (uint8_t)*key) * UINT64_C(1099511628211);
    return &limits->stripes[(hash ^ hash >> 32) % STRIPES];
}

/* The key's bucket, or the place of the one who has used least. Under the stripe's lock. */
static struct bucket *bucket_of(struct stripe *stripe, const char *key)
{
    struct bucket *least = &stripe->buckets[0];
    for (size_t i = 0; i < WAYS; i++) {
        struct bucket *bucket = &stripe->buckets[i];
        if (strcmp(bucket->key, key) == 0)
            return bucket;
        if (bucket->full_at_ns < least->full_at_ns)
            least = bucket;
    }
    (void)snprintf(least->key, sizeof least->key, "%s", key);
    least->full_at_ns = 0;
    return least;
}

static bool take(struct rate_limits *limits, enum rate_class rate, const char *key, int64_t now_us, bool takes,
                 struct rate_left *ret)
{
    const struct policy *policy = &limits->policies[rate];
    if (policy->each_ns == 0)
        return true;
    char name[KEY_SIZE];
    must(snprintf(name, sizeof name, "%d%s", (int)rate, key) < KEY_SIZE);
    int64_t now_ns = now_us * 1000;
    struct stripe *stripe = stripe_of(limits, name);
    (void)pthread_mutex_lock(&stripe->lock);
    struct bucket *bucket = bucket_of(stripe, name);
    int64_t used_ns = bucket->full_at_ns > now_ns ? bucket->full_at_ns - now_ns : 0;
    bool may = used_ns + policy->each_ns <= policy->whole_ns;
    if (may && takes) {
        used_ns += policy->each_ns;
        bucket->full_at_ns = now_ns + used_ns;
    }
    (void)pthread_mutex_unlock(&stripe->lock);
    if (ret != NULL)
        *ret = (struct rate_left){policy->text, rate, (policy->whole_ns - used_ns) / policy->each_ns,
                                  (used_ns + NS_PER_S - 1) / NS_PER_S};
    return may;
}

bool rate_take(struct rate_limits *limits, enum rate_class rate, const char *key, int64_t now_us, struct rate_left *ret)
{
    *ret = (struct rate_left){0};
    bool may = take(limits, rate, key, now_us, true, ret);
    if (!may)
        metric_add(&refused[rate], 1);
    return may;
}

bool rate_has(struct rate_limits *limits, enum rate_class rate, const char *key, int64_t now_us)
{
    return take(limits, rate, key, now_us, false, NULL);
}

void rate_print(const struct rate_left *left, char ret[static RATE_FIELD_SIZE])
{
    (void)snprintf(ret, RATE_FIELD_SIZE, "\"%s\";r=%" PRId64 ";t=%" PRId64, class_texts[left->rate], left->requests,
                   left->full_s);
}
