/* An answer in the form that the client accepts. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/server.h"

/* Sets request->form; ERR_INVALID (not_acceptable, unsupported_media_type). */
MUST_CHECK enum err_kind form_read(struct request_internal *internal, struct err *reterr);
/* A list that was written as JSON becomes CSV, where the client wants that: with a Link to the next page. */
void form_apply(struct request_internal *internal);
