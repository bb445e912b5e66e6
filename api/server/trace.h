/* What a client says of the work that its request belongs to: Request-Id, and W3C Trace Context. Pure. */
/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#define REQUEST_ID_SIZE  65 /* 64 characters and 0 */
#define TRACE_ID_SIZE    33
#define TRACEPARENT_SIZE 56

/* May it stand in a log line and an answer: 1 to 64 of letters, digits and ._:- ? */
bool request_id_is_sane(const char *text);

/* "00-<trace id>-<span>-<flags>" (www.w3.org/TR/trace-context, 3.2). False where it is none: then it is as if the
 * header were absent. *ret_id becomes the trace id; *ret_answer the same with our span instead of the client's. */
bool trace_read(const char *traceparent, char ret_id[static TRACE_ID_SIZE], char ret_answer[static TRACEPARENT_SIZE]);
