/* Reading Request-Id and traceparent. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/trace.h"

#include "common/hex.h"
#include "common/identity.h"
#include "common/must.h"

#include <stdio.h>
#include <string.h>

#define SPAN_BYTES 8
/* Where the parts of a traceparent begin, and how long they are. */
#define TRACE_AT      3
#define TRACE_LENGTH  32
#define SPAN_AT       36
#define SPAN_LENGTH   16
#define FLAGS_AT      53
#define FLAGS_LENGTH  2
#define PARENT_LENGTH 55

bool request_id_is_sane(const char *text)
{
    static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._:-";
    size_t length = strspn(text, characters);
    return length > 0 && length < REQUEST_ID_SIZE && text[length] == '\0';
}

static bool is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

static bool is_zero(const char *text, size_t length)
{
    return strspn(text, "0") >= length;
}

bool trace_read(const char *traceparent, char ret_id[static TRACE_ID_SIZE], char ret_answer[static TRACEPARENT_SIZE])
{
    size_t length = strlen(traceparent);
    bool is_longer = length > PARENT_LENGTH && traceparent[PARENT_LENGTH] == '-'; /* a version to come */
    if (length != PARENT_LENGTH && !is_longer)
        return false;
    bool is_formed = is_hex(traceparent, 2) && traceparent[2] == '-' && is_hex(traceparent + TRACE_AT, TRACE_LENGTH) &&
                     traceparent[SPAN_AT - 1] == '-' && is_hex(traceparent + SPAN_AT, SPAN_LENGTH) &&
                     traceparent[FLAGS_AT - 1] == '-' && is_hex(traceparent + FLAGS_AT, FLAGS_LENGTH);
    bool is_version_00 = strncmp(traceparent, "00", 2) == 0;
    if (!is_formed || strncmp(traceparent, "ff", 2) == 0 || (is_version_00 && is_longer) ||
        is_zero(traceparent + TRACE_AT, TRACE_LENGTH) || is_zero(traceparent + SPAN_AT, SPAN_LENGTH))
        return false;
    memcpy(ret_id, traceparent + TRACE_AT, TRACE_LENGTH);
    ret_id[TRACE_LENGTH] = '\0';
    struct identity span = identity_new();
    char span_text[HEX_TEXT_SIZE(SPAN_BYTES)];
    hex_print(span.bytes + sizeof span.bytes - SPAN_BYTES, SPAN_BYTES, span_text); /* its random part */
    int written = snprintf(ret_answer, TRACEPARENT_SIZE, "00-%s-%s-%.2s", ret_id, span_text, traceparent + FLAGS_AT);
    must(written == PARENT_LENGTH);
    return true;
}
