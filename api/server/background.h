/* The API's two small jobs: forgetting revoked tokens (each process), and housekeeping (whoever holds its lease):
 * partitions made and dropped by policy, old idempotency keys deleted. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/token_cache.h"

struct background;

struct background *background_start(const char *database_url, struct token_cache *tokens);
/* After shutdown_request(): the threads end by themselves. */
void background_stop(struct background *background); /* NULL is fine */

extern const struct db_stmt *const background_statements[];
