/* Random cases for property tests. The seed is printed, and SLUICE_SEED=<number> runs the same cases again. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct property {
    uint64_t state; /* never 0 */
};

static inline uint64_t property_seed(const char *promise)
{
    const char *given = getenv("SLUICE_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("%s: SLUICE_SEED=%llu\n", promise, (unsigned long long)seed);
    return seed;
}

static inline struct property property_begin(const char *promise)
{
    struct property property = {property_seed(promise) ^ UINT64_C(0x9e3779b97f4a7c15)};
    if (property.state == 0)
        property.state = 1;
    return property;
}

/* Marsaglia's xorshift64: a whole period of 2^64 - 1 from three shifts. */
static inline uint64_t property_next(struct property *property)
{
    uint64_t x = property->state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    property->state = x;
    return x;
}

/* Uniform enough within [least, most]. */
static inline int64_t property_between(struct property *property, int64_t least, int64_t most)
{
    uint64_t width = (uint64_t)((__int128)most - least);
    uint64_t offset = width == UINT64_MAX ? property_next(property) : property_next(property) % (width + 1);
    return (int64_t)(__int128)((__int128)least + (__int128)offset);
}

/* An amount of any size: small ones, middling ones and the extremes are about equally frequent. */
static inline int64_t property_amount(struct property *property)
{
    switch (property_next(property) % 8) {
    case 0:
        return INT64_MAX;
    case 1:
        return INT64_MIN;
    case 2:
        return 0;
    default: {
        int bits = (int)property_between(property, 1, 62);
        return property_between(property, -(INT64_C(1) << bits), INT64_C(1) << bits);
    }
    }
}
