/* Webhooks' URLs: whatever is taken is https with a host that libcurl reads again, without user, password and fragment,
 * and neither an address that is not public nor a name that is local. The oracles are libcurl's parser, asked again for
 * what it makes of the URL, and the system's own reading of addresses, which takes all that others may take for one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outgoing/address.h"
#include "api/outgoing/host.h"
#include "api/outgoing/target.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static char *part_of(CURLU *url, CURLUPart which)
{
    char *part = NULL;
    return curl_url_get(url, which, &part, 0) == CURLUE_OK ? part : NULL;
}

/* "localhost", with whatever stands before it, in any letters, the root's dot behind it or not. */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t length = strlen(host), letters = sizeof name - 1;
    length -= length > 0 && host[length - 1] == '.';
    return length >= letters && strncasecmp(host + length - letters, name, letters) == 0 &&
           (length == letters || host[length - letters - 1] == '.');
}

static void check_host(const char *host)
{
    struct in_addr v4;
    must(!is_localhost(host) && strchr(host, '.') != host);
    must(address_is_text(host) ? address_text_is_public(host) : inet_aton(host, &v4) == 0 && strchr(host, '.') != NULL);
    must(host_problem(host, true) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct target_rules strict = {0}, loose = {.allows_http = true, .allows_private = true};
    char *text = input_text(data, size);
    struct err err = {0};
    bool is_fine = target_check(text, &strict, &err) == ERR_NONE;
    must(is_fine || strcmp(err.code, "webhook_url_refused") == 0);
    must(!is_fine || target_check(text, &loose, &err) == ERR_NONE);
    if (is_fine) {
        CURLU *url = curl_url();
        must(url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK);
        char *scheme = part_of(url, CURLUPART_SCHEME), *host = part_of(url, CURLUPART_HOST);
        must(scheme != NULL && strcmp(scheme, "https") == 0 && host != NULL && host[0] != '\0');
        must(part_of(url, CURLUPART_USER) == NULL && part_of(url, CURLUPART_FRAGMENT) == NULL);
        check_host(host);
        curl_free(scheme);
        curl_free(host);
        curl_url_cleanup(url);
    }
    free(text);
    return 0;
}
