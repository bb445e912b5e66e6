/* Rate limits: how many requests of a class a tenant (or, without a token, an address) may make.
 *
 * A token bucket each, in the memory of this replica: two replicas let twice as much through. A bucket is one number,
 * the instant at which it is full again (the generic cell rate algorithm, ITU-T I.371), in a table of a fixed size: no
 * allocation, one short lock. Where more callers than it has places are busy at once, the one who has used least is
 * forgotten, which forgives, and never refuses, wrongly. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(constant, text): what a route costs, and who has shown no token. */
#define RATE_CLASSES(X)                                                                                                \
    X(RATE_READ, "read")                                                                                               \
    X(RATE_WRITE, "write")                                                                                             \
    X(RATE_REPORT, "report")                                                                                           \
    X(RATE_STRANGER, "unauthenticated")

enum rate_class {
#define X(constant, text) constant,
    RATE_CLASSES(X)
#undef X
        RATE_CLASS_COUNT
};

struct rate_limits;

/* per_s: requests a second, 0 for no limit; a bucket that is full holds burst_s seconds' worth. */
struct rate_limits *rate_limits_new(const int64_t per_s[static RATE_CLASS_COUNT], int64_t burst_s);
void rate_limits_free(struct rate_limits *limits); /* NULL is fine */
void rate_metrics_register(void);

/* What an answer says of its limit. */
struct rate_left {
    const char *policy; /* of RateLimit-Policy; lives as the limits do. NULL: there is no limit */
    enum rate_class rate;
    int64_t requests; /* left now */
    int64_t full_s;   /* until the bucket is full, rounded up */
};

/* Takes one request from key's bucket. False: there is none left, for less than a second. now_us: monotonic. */
bool rate_take(struct rate_limits *limits, enum rate_class rate, const char *key, int64_t now_us,
               struct rate_left *ret);
/* Would rate_take succeed? Takes nothing. */
bool rate_has(struct rate_limits *limits, enum rate_class rate, const char *key, int64_t now_us);

#define RATE_FIELD_SIZE 96
/* The value of RateLimit (draft-ietf-httpapi-ratelimit-headers-09): "read";r=99;t=1 */
void rate_print(const struct rate_left *left, char ret[static RATE_FIELD_SIZE]);
