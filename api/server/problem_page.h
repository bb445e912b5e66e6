/* The page of problem codes, from the table that answers by them: docs/errors.md, and GET /docs/errors, which is where
 * the `type` of a problem points. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/json_out.h"

/* Each appends the whole page to out. */
void problem_page_markdown(struct json_out *out);
void problem_page_html(struct json_out *out);
