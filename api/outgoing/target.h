/* Where a webhook may lead: a URL as libcurl reads it, the same that connects to it later. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "common/err.h"

struct target_rules {
    bool allows_http;    /* else https only */
    bool allows_private; /* addresses that only we can reach; a name that others may have is resolved, and judged, when
                            it is connected to */
};

/* ERR_INVALID with the code webhook_url_refused, and why. */
MUST_CHECK enum err_kind target_check(const char *url, const struct target_rules *rules, struct err *reterr);
