/* The frame of the few pages that the API itself writes for people (/docs, /docs/errors): no script, one style sheet
 * within the page, which its policy allows by hash. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "api/server/json_out.h"
#include "api/server/response.h"

void page_html_open(struct json_out *out, const char *title);
void page_html_close(struct json_out *out);
/* What stands between tags or quotes, escaped. */
void page_html_text(struct json_out *out, const char *text);
/* The answer's type, policy and life in caches. */
void page_html_headers(struct request *request, struct response *response);
