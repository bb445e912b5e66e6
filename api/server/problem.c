/* Answers of errors: RFC 9457, with the code that programs go by and every error of a body. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/page_html.h"
#include "api/server/server.h"

#include <string.h>

/* A refusal for one reason begins with the field that it is about, as what is said of a list of one does:
 * "/project: there is none". It is listed like others, so that programs need not read sentences. */
static void list_the_one(struct request *request, const char *code, const char *detail)
{
    size_t length = strcspn(detail, ": ");
    if (request->problems.listed > 0 || detail[0] != '/' || length < 2 || strncmp(detail + length, ": ", 2) != 0)
        return;
    field_problem_add(&request->problems, arena_format(request->arena, "%.*s", (int)length, detail), code, "%s",
                      detail + length + 2);
}

static void write_problems(const struct field_problems *problems, struct json_out *out)
{
    if (problems->listed == 0)
        return;
    json_out_key(out, "errors");
    json_out_open(out, '[');
    for (size_t i = 0; i < problems->listed; i++) {
        json_out_open(out, '{');
        json_out_key(out, "pointer");
        json_out_text(out, problems->items[i].pointer);
        json_out_key(out, "code");
        json_out_text(out, problems->items[i].code);
        json_out_key(out, "detail");
        json_out_text(out, problems->items[i].detail);
        json_out_close(out, '}');
    }
    json_out_close(out, ']');
}

/* A person in a browser reads no JSON. */
static bool is_for_a_person(const struct request_internal *internal)
{
    const struct request *request = &internal->request;
    if (request->route == NULL || !request->route->leads_to_console)
        return false;
    const char *accept = request_header(request, MHD_HTTP_HEADER_ACCEPT);
    return accept != NULL && strstr(accept, "text/html") != NULL;
}

static void lead_to_console(struct request_internal *internal, const char *code)
{
    struct response *response = &internal->response;
    *response = (struct response){.status = 303, .content_type = "text/plain"};
    json_out_init(&response->body, internal->request.arena);
    response_header(response, "Location",
                    arena_format(internal->request.arena, "%s?problem=%s", console_start(internal->server), code));
}

/* Where there is no console to say it. */
static void write_page(struct request_internal *internal, const char *code, const char *title, const char *detail)
{
    struct request *request = &internal->request;
    struct json_out *out = &internal->response.body;
    json_out_init(out, request->arena);
    page_html_headers(request, &internal->response);
    page_html_open(out, title);
    json_out_plain(out, "<p>");
    page_html_text(out, detail);
    json_out_plain(out,
                   arena_format(request->arena, "</p>\n<p><a href=\"/docs/errors#%s\">%s</a>, request ", code, code));
    page_html_text(out, request->id);
    json_out_plain(out, "</p>\n");
    page_html_close(out);
}

void problem_write(struct request_internal *internal, const struct err *err)
{
    struct request *request = &internal->request;
    const char *code = problem_code_of(err);
    /* What the database says of itself or of our mistakes is for the log, not for clients. */
    bool is_private = err->kind == ERR_INTERNAL || (err->code[0] == '\0' && err_http_status(err->kind) >= 500);
    const char *detail =
        is_private ? "nothing more is known here; the server's log has it under this request's id" : err->text;
    struct response *response = &internal->response;
    *response =
        (struct response){.status = problem_status(err->kind, code), .content_type = "application/problem+json"};
    json_out_init(&response->body, request->arena);
    struct json_out *out = &response->body;
    json_out_open(out, '{');
    json_out_key(out, "type");
    json_out_text(out, arena_format(request->arena, "/docs/errors#%s", code));
    json_out_key(out, "title");
    json_out_text(out, problem_title(err->kind, code));
    json_out_key(out, "status");
    json_out_int(out, response->status);
    json_out_key(out, "detail");
    json_out_text(out, is_private || err->hint[0] == '\0' ? detail
                                                          : arena_format(request->arena, "%s. %s", detail, err->hint));
    json_out_key(out, "instance");
    json_out_text(out, request->path == NULL ? "/" : request->path);
    json_out_key(out, "code");
    json_out_text(out, code);
    json_out_key(out, "request_id");
    json_out_text(out, request->id);
    json_out_key(out, "retryable");
    json_out_bool(out, err_retryable(err->kind));
    if (err->kind == ERR_INVALID || err->kind == ERR_FORBIDDEN || err->kind == ERR_CONFLICT)
        list_the_one(request, code, detail);
    write_problems(&request->problems, out);
    if (internal->problem_members != NULL)
        json_out_raw(out, internal->problem_members);
    json_out_close(out, '}');
    if (problem_has_retry_after(response->status))
        response_header(response, "Retry-After",
                        internal->retry_after_s == 0 ? RETRY_AFTER_S : request_int(request, internal->retry_after_s));
    if (response->status == 401)
        response_header(response, "WWW-Authenticate", "Bearer realm=\"sluice\"");
    bool has_console = internal->server->settings->console_dir[0] != '\0';
    if (is_for_a_person(internal) && has_console)
        lead_to_console(internal, code);
    else if (is_for_a_person(internal))
        write_page(internal, code, problem_title(err->kind, code), detail);
    internal->outcome = err->kind;
    (void)memcpy(internal->code, code, strnlen(code, sizeof internal->code - 1) + 1);
}
