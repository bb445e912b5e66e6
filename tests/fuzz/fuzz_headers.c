/* Whatever stands in Accept, Content-Type, Request-Id, traceparent and Origin: a form is one that was offered, an id
 * and a trace are texts that may stand in a header and a log, a trace's answer is a trace of the same id, and an origin
 * that is let in stands on the list. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/headers.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>

static void check_form(const char *text)
{
    for (unsigned offered = 1; offered < FORM_MASK(FORM_COUNT); offered++) {
        enum form form = form_choose(text, offered);
        must(form == FORM_COUNT || (offered & FORM_MASK(form)) != 0);
    }
    must(!form_is_readable(text, false) || form_is_readable(text, true)); /* a PATCH reads more, never less */
}

static void check_trace(const char *text)
{
    char id[TRACE_ID_SIZE], again_id[TRACE_ID_SIZE], answer[TRACEPARENT_SIZE], again[TRACEPARENT_SIZE];
    if (!trace_read(text, id, answer))
        return;
    must(strlen(id) == TRACE_ID_SIZE - 1 && strlen(answer) == TRACEPARENT_SIZE - 1);
    must(trace_read(answer, again_id, again) && strcmp(id, again_id) == 0);
}

static void check_id(const char *text)
{
    if (!request_id_is_sane(text))
        return;
    must(text[0] != '\0' && strlen(text) < REQUEST_ID_SIZE);
    for (; *text != '\0'; text++)
        must(isgraph((unsigned char)*text) && strchr("\"\\<>&,;", *text) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(text_freep) char *text = input_text(data, size);
    check_form(text);
    check_trace(text);
    check_id(text);
    must(!cors_allows("https://a.example,https://b.example", text) || strcmp(text, "https://a.example") == 0 ||
         strcmp(text, "https://b.example") == 0);
    return 0;
}
