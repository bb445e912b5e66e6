/* The sealer of the audit's chain: a thread of each sluice-api, of which the leader of "audit" works. It seals what was
 * written, in the order of the log, four times a second, and writes signed checkpoints where it was given a key. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"

struct audit_key;
struct audit_sealer;

struct audit_sealer_options {
    const char *database_url;
    const struct audit_key *key; /* NULL: no checkpoints; outlives the sealer */
    const char *checkpoint_file;
    int64_t checkpoint_period_ms;
};

struct audit_sealer *audit_sealer_start(const struct audit_sealer_options *options);
/* After shutdown_request(): seals what is there, writes a last checkpoint, gives the lease back. */
void audit_sealer_stop(struct audit_sealer *sealer); /* NULL is fine */

extern const struct db_stmt *const audit_sealer_statements[];
