/* Credit: what the wishes of tenants with a credit limit may cost is put to billing's function before a piece of work
 * decides, so that a refusal is known like a quota's; and once it has decided, what was held for them becomes what was
 * granted. All of a piece of work in one statement each, in its transaction. Tenants without a limit cost nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/db.h"
#include "provisioner/reconcile/apply.h"

/* Asks for what waits for a verdict and is of a limited tenant, in the world's order; sets `uncovered` where the limit
 * does not bear it. Outside a pipeline. Waits for whoever decides upon the same tenant in another zone. */
MUST_CHECK enum err_kind credit_observe(struct world *world, struct db *db, struct err *reterr);
/* Settles what was asked. A part of apply: behind reservations and amendments. */
MUST_CHECK enum err_kind credit_apply(struct world *world, struct apply_queue *queue, struct err *reterr);

/* What it would be told of it, or of one amendment of it (NULL: of itself), if it were asked now: *ret is the binding, NULL:
 * it is covered. Nothing is held, and nobody waits. Sets is_limited. */
MUST_CHECK enum err_kind credit_look(struct reservation *reservation, const struct amendment *amendment, struct db *db,
                                     const char **ret, struct err *reterr);

extern const struct db_stmt *const credit_statements[];
