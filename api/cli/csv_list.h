/* Lists and the items of reports as CSV, as the API gives them. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/cli/session.h"

/* At most `limit` rows, page below page under one head; limit 0: of a report, which has no pages. path and query as
 * noun_items has them. A terminal gets no character that could steer it, a file what was sent, byte by byte. */
MUST_CHECK enum err_kind csv_list_print(struct session *session, const char *path, const char *query, int64_t limit,
                                        struct err *reterr);
