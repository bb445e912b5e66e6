/* The answer to what was asked of sluice-billing, for who asks. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/route.h"

extern const struct schema invoice_request_schema;

/* For .replay: a repetition joins the wait. */
enum err_kind invoice_request_replay(struct request *request, struct response *response, struct err *reterr);
/* The request, inserted with request->new_id, is to be waited for; or, where it was only validated, is answered as it
 * would begin (invoice_request_preview.h says whether it can be carried out). */
enum err_kind invoice_request_ask(struct request *request, struct response *response, struct err *reterr);
