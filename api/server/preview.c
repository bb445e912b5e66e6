/* ?validate_only=true: the answer of a change that was rolled back is the object as it would be, with what the change
 * would cost and what to know of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/server.h"
#include "common/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WARNINGS_MAX 16
#define DETAIL_SIZE  256

struct preview {
    const char *cost_delta; /* NULL: no money is involved */
    struct warning {
        const char *code, *detail;
    } warnings[WARNINGS_MAX];
    size_t warning_count;
};

static struct preview *preview_of(struct request_internal *internal)
{
    if (internal->preview == NULL)
        internal->preview = arena_alloc(internal->request.arena, sizeof *internal->preview);
    return internal->preview;
}

void request_cost_delta(struct request *request, const char *json)
{
    preview_of(request->internal)->cost_delta = json;
}

/* A handler that reads is run several times. */
static bool is_told(const struct preview *preview, const char *code, const char *detail)
{
    for (size_t i = 0; i < preview->warning_count; i++) {
        if (strcmp(preview->warnings[i].code, code) == 0 && strcmp(preview->warnings[i].detail, detail) == 0)
            return true;
    }
    return false;
}

void request_warn(struct request *request, const char *code, const char *format, ...)
{
    struct preview *preview = preview_of(request->internal);
    if (preview->warning_count == WARNINGS_MAX)
        return;
    char detail[DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments); /* a long detail is cut */
    va_end(arguments);
    if (is_told(preview, code, detail))
        return;
    preview->warnings[preview->warning_count++] =
        (struct warning){.code = code, .detail = arena_text(request->arena, detail)};
}

/* The members are added to the object that the handler wrote; a change without answer gets one of its own. */
static void open_body(struct json_out *out)
{
    if (out->length == 0) {
        json_out_open(out, '{');
        return;
    }
    must(out->text[0] == '{' && out->text[out->length - 1] == '}');
    out->length--;
    out->needs_comma = out->length > 1;
}

void preview_finish(struct request_internal *internal)
{
    const struct preview *preview = preview_of(internal);
    struct response *response = &internal->response;
    struct json_out *out = &response->body;
    open_body(out);
    if (preview->cost_delta != NULL) {
        json_out_key(out, "cost_delta");
        json_out_raw(out, preview->cost_delta);
    }
    json_out_key(out, "warnings");
    json_out_open(out, '[');
    for (size_t i = 0; i < preview->warning_count; i++) {
        json_out_open(out, '{');
        json_out_key(out, "code");
        json_out_text(out, preview->warnings[i].code);
        json_out_key(out, "detail");
        json_out_text(out, preview->warnings[i].detail);
        json_out_close(out, '}');
    }
    json_out_close(out, ']');
    json_out_close(out, '}');
    response->status = 200;
    response->header_count = 0; /* no ETag and no Location: there is no such version */
}
