/* What would become of what is asked of an invoice, without asking for it. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

/* For ?validate_only, once the request (request->new_id, of that kind) and its lines are written: whether
 * sluice-billing would carry it out as the invoice stands, and what is owed more or less by it (cost_delta).
 * ERR_CONFLICT with the code of the refusal. */
MUST_CHECK enum err_kind invoice_request_preview(struct request *request, const char *kind, struct err *reterr);

extern const struct db_stmt *const invoice_request_preview_statements[];
