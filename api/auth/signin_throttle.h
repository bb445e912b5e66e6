/* Patience with signing in: after a few failures in a row, of an address or for an account, each further try waits
 * twice as long as the one before. In the memory of this replica, as rate limits are (api/server/rate.h): a table of a
 * fixed size, whose least troubled key makes room for a new one. Thread-safe. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* X(constant, failures that cost nothing, longest wait in seconds). Many people may share an address, so it has more
 * tries; anybody can fail for an account, so its owner waits a minute at most. */
#define SIGNIN_SUBJECTS(X)                                                                                             \
    X(SIGNIN_ADDRESS, 20, 900)                                                                                         \
    X(SIGNIN_ACCOUNT, 5, 60)

enum signin_subject {
#define X(constant, free, most_s) constant,
    SIGNIN_SUBJECTS(X)
#undef X
};

#define SIGNIN_FORGOTTEN_S 3600 /* after the last failure */

struct signin_throttle;

struct signin_throttle *signin_throttle_new(void);
void signin_throttle_free(struct signin_throttle *throttle); /* NULL is fine */
/* Seconds until another try is heard, rounded up; 0: now. now_us: monotonic. */
int64_t signin_throttle_wait_s(struct signin_throttle *throttle, enum signin_subject subject, const char *key,
                               int64_t now_us);
void signin_throttle_failed(struct signin_throttle *throttle, enum signin_subject subject, const char *key,
                            int64_t now_us);
void signin_throttle_succeeded(struct signin_throttle *throttle, enum signin_subject subject, const char *key);
