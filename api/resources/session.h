/* Beginning a session: by a token, or by what an identity provider says. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/auth/session_cookie.h"
#include "api/server/response.h"

struct session_of {
    const char *principal_id;
    const char *tenant_id; /* NULL: the provider's */
    const char *token_id;  /* exchanged for it; NULL: none */
};

/* Makes the session request->new_id and gives it to the browser with the response. */
MUST_CHECK enum err_kind session_begin(struct request *request, struct response *response, const struct session_of *of,
                                       char ret_csrf[static CSRF_TEXT_SIZE], struct err *reterr);
