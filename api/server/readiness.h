/* Whether the database is there, and one for this program. Asked on a thread of its own: a database that stands still
 * holds up nobody who asks how we fare, or for metrics. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct readiness;

struct readiness *readiness_start(const char *database_url);
/* After shutdown_request(): the thread ends by itself. */
void readiness_stop(struct readiness *readiness);
/* For the admin listener, whose context is a struct readiness: writes a line, and says whether we are ready. */
bool readiness_write(void *context, FILE *out);
