/* Pages for people. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server/page_html.h"

#include "common/must.h"

#include <openssl/evp.h>
#include <string.h>

#define SHA256_BYTES       32
#define SHA256_BASE64_SIZE 45

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1.5rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid #8884;padding:.45rem .6rem;text-align:left;vertical-align:top}"
    "td:first-child,code{font-family:ui-monospace,monospace;font-size:13px}"
    "tr:target{background:#fd06}"
    "details{margin:.3rem 0}summary{cursor:pointer}"
    "h2{margin-top:2rem}";

void page_html_open(struct json_out *out, const char *title)
{
    json_out_plain(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Sluice: ");
    page_html_text(out, title);
    json_out_plain(out, "</title>\n<style>");
    json_out_plain(out, style);
    json_out_plain(out, "</style>\n</head>\n<body>\n<h1>");
    page_html_text(out, title);
    json_out_plain(out, "</h1>\n");
}

void page_html_close(struct json_out *out)
{
    json_out_plain(out, "</body>\n</html>\n");
}

void page_html_text(struct json_out *out, const char *text)
{
    for (; *text != '\0'; text++) {
        const char *escaped = *text == '&'   ? "&amp;"
                              : *text == '<' ? "&lt;"
                              : *text == '>' ? "&gt;"
                              : *text == '"' ? "&quot;"
                                             : NULL;
        if (escaped != NULL)
            json_out_plain(out, escaped);
        else
            json_out_bytes(out, text, 1);
    }
}

void page_html_headers(struct request *request, struct response *response)
{
    unsigned char digest[SHA256_BYTES], base64[SHA256_BASE64_SIZE];
    must(EVP_Digest(style, strlen(style), digest, NULL, EVP_sha256(), NULL) == 1);
    (void)EVP_EncodeBlock(base64, digest, SHA256_BYTES);
    response->content_type = "text/html; charset=utf-8";
    response_header(response, "Content-Security-Policy",
                    arena_format(request->arena,
                                 "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none';"
                                 " frame-ancestors 'none'",
                                 (const char *)base64));
}
