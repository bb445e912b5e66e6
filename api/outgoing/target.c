/* Parts of a URL, by libcurl's own parser. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outgoing/target.h"

#include "api/outgoing/host.h"

#include <curl/curl.h>
#include <string.h>

#define URL_BYTES_MAX 2048

static void url_cleanup(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void part_free(char **part)
{
    curl_free(*part);
}

static bool has(CURLU *url, CURLUPart which)
{
    CLEANUP(part_free) char *part = NULL;
    return curl_url_get(url, which, &part, 0) == CURLUE_OK;
}

static enum err_kind refuse(const char *why, struct err *reterr)
{
    return err_set_code(reterr, ERR_INVALID, "webhook_url_refused", "%s", why);
}

static enum err_kind check_host(CURLU *url, const struct target_rules *rules, struct err *reterr)
{
    CLEANUP(part_free) char *host = NULL;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK || host[0] == '\0')
        return refuse("the URL names no host", reterr);
    const char *problem = host_problem(host, rules->allows_private);
    return problem == NULL ? ERR_NONE : refuse(problem, reterr);
}

static bool names_port_zero(CURLU *url)
{
    CLEANUP(part_free) char *port = NULL;
    return curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK && port[strspn(port, "0")] == '\0';
}

enum err_kind target_check(const char *text, const struct target_rules *rules, struct err *reterr)
{
    CLEANUP(url_cleanup) CURLU *url = curl_url();
    CLEANUP(part_free) char *scheme = NULL;
    bool is_url = url != NULL && strlen(text) <= URL_BYTES_MAX &&
                  curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                  curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
    if (!is_url)
        return refuse("this is no URL of at most 2048 bytes, as https://example.com/hooks", reterr);
    bool is_http = strcmp(scheme, "http") == 0;
    if (is_http && !rules->allows_http)
        return refuse("the URL must begin with https://", reterr);
    if (!is_http && strcmp(scheme, "https") != 0)
        return refuse("the URL's scheme is neither https nor http", reterr);
    if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
        return refuse("the URL must not hold a user or password: deliveries are signed", reterr);
    if (has(url, CURLUPART_FRAGMENT))
        return refuse("the URL must not have a fragment", reterr);
    if (names_port_zero(url))
        return refuse("nothing can be reached at port 0", reterr);
    return check_host(url, rules, reterr);
}
