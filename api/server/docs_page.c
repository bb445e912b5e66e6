/* The page of the API's document. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/docs_page.h"

#include "api/server/page_html.h"

#include <unistd.h>

/* Where the console's build puts Swagger UI (api/console/CMakeLists.txt), and how it is addressed. */
#define VIEWER_FILE "/docs/swagger-ui-bundle.js"
#define VIEWER_URL  "/console/docs/"

/* Scripts and styles of our own origin only, none within the page; pictures may stand within the style sheet. */
#define VIEWER_POLICY                                                                                                  \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "              \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* ---- With Swagger UI ---- */

static bool has_viewer(const struct request *request)
{
    const char *folder = request->internal->server->settings->console_dir;
    return folder[0] != '\0' && access(arena_format(request->arena, "%s" VIEWER_FILE, folder), R_OK) == 0;
}

static void write_viewer(struct response *response)
{
    response->content_type = "text/html; charset=utf-8";
    response_header(response, "Content-Security-Policy", VIEWER_POLICY);
    json_out_plain(&response->body, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                                    "<title>Sluice: the API</title>\n"
                                    "<link rel=\"icon\" href=\"data:,\">\n"
                                    "<link rel=\"stylesheet\" href=\"" VIEWER_URL "swagger-ui.css\">\n</head>\n<body>\n"
                                    "<div id=\"viewer\"></div>\n"
                                    "<script src=\"" VIEWER_URL "swagger-ui-bundle.js\"></script>\n"
                                    "<script src=\"" VIEWER_URL "start.js\"></script>\n</body>\n</html>\n");
}

/* ---- Without ---- */

static void write_roles(struct json_out *out, const struct route *route)
{
    bool is_first = true;
    for (unsigned bit = 0; bit < 16; bit++) {
        if ((route->roles >> bit & 1) == 0)
            continue;
        json_out_plain(out, is_first ? "" : ", ");
        json_out_plain(out, role_text((enum role)(1U << bit)));
        is_first = false;
    }
    json_out_plain(out, is_first ? "anybody" : "");
}

static void write_route(struct json_out *out, const struct route *route)
{
    json_out_plain(out, "<tr><td>");
    json_out_plain(out, method_texts[route->method]);
    json_out_plain(out, " ");
    page_html_text(out, route->path);
    json_out_plain(out, "</td><td>");
    page_html_text(out, route->summary);
    json_out_plain(out, "</td><td>");
    write_roles(out, route);
    json_out_plain(out, "</td></tr>\n");
}

static void write_resource(struct json_out *out, const struct resource *resource)
{
    if (resource->help != NULL) { /* else it goes on with what is above */
        json_out_plain(out, "<h2>");
        page_html_text(out, resource->name);
        json_out_plain(out, "</h2>\n<p>");
        page_html_text(out, resource->help);
        json_out_plain(out, "</p>\n");
    }
    json_out_plain(out, "<table>\n<thead><tr><th>operation</th><th>what it does</th><th>who may</th></tr></thead>\n"
                        "<tbody>\n");
    for (const struct route *route = resource->routes; route->path != NULL; route++)
        write_route(out, route);
    json_out_plain(out, "</tbody>\n</table>\n");
}

static void write_table(struct json_out *out, const struct resource *const *resources)
{
    page_html_open(out, "The API");
    json_out_plain(
        out,
        "<p>In full: <a href=\"/openapi.json\">OpenAPI 3.1</a>, <a href=\"/openapi-3.0.json\">3.0.3</a>. What can go "
        "wrong: <a href=\"/docs/errors\">the codes of problems</a>.</p>\n");
    for (; *resources != NULL; resources++)
        write_resource(out, *resources);
    page_html_close(out);
}

void docs_page(struct request *request, struct response *response)
{
    response->status = 200;
    if (has_viewer(request)) {
        write_viewer(response);
        return;
    }
    page_html_headers(request, response);
    write_table(&response->body, request->internal->server->resources);
}
