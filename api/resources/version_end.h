/* Ends what holds from an instant on, a version of a price, a price floor or a discount, without another after it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/answer.h"

struct version_end {
    int64_t valid_until;
};
extern const struct field version_end_fields[];

/* Its end is all that changes of it, so that is its wish revision. alias: the table's. */
#define VERSION_REVISION(alias) "coalesce(extract(epoch FROM upper(" alias ".valid))::bigint, 1) AS wish_revision"

struct version {
    const struct db_stmt *end; /* by id, and the end (null: now); its tenant's id (null: of all), no row: refused */
    const char *kind;          /* of its events: "price_floor" */
    const char *event;         /* "price_floor.ended" */
    const char *refusal;       /* why there was no row */
};

/* Ends request->object, which is locked, and tells it. */
MUST_CHECK enum err_kind version_end(struct request *request, const struct version *version, struct err *reterr);
