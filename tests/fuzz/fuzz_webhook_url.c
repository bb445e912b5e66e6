/* Webhooks' URLs: whatever is taken is https with a host that libcurl reads again, without user, password and fragment,
 * and is no address that is not public. The oracle is libcurl's parser, asked again for what it makes of the URL. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outgoing/address.h"
#include "api/outgoing/target.h"
#include "tests/fuzz/fuzz.h"

#include <curl/curl.h>

static char *part_of(CURLU *url, CURLUPart which)
{
    char *part = NULL;
    return curl_url_get(url, which, &part, 0) == CURLUE_OK ? part : NULL;
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
        must(!address_text_is_private(host));
        curl_free(scheme);
        curl_free(host);
        curl_url_cleanup(url);
    }
    free(text);
    return 0;
}
