/* A JSON object of addresses. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/issuer/discovery.h"

#include "api/outgoing/target.h"

#include <jansson.h>
#include <string.h>

/* An issuer is the operator's choice, and may be a neighbour. Who is asked over TLS leads to TLS only. */
static enum err_kind read_endpoint(const json_t *document, const char *name, bool is_https, char *ret,
                                   struct err *reterr)
{
    const char *url = json_string_value(json_object_get(document, name));
    const struct target_rules rules = {.allows_http = !is_https, .allows_private = true};
    struct err ignored = {0};
    ret[0] = '\0';
    if (url == NULL)
        return ERR_NONE;
    if (strlen(url) >= ENDPOINT_SIZE || target_check(url, &rules, &ignored) != ERR_NONE)
        return err_set(reterr, ERR_INVALID, "its %s is none that is used here", name);
    memcpy(ret, url, strlen(url) + 1);
    return ERR_NONE;
}

static enum err_kind read_document(const json_t *document, const char *issuer, struct discovery *ret,
                                   struct err *reterr)
{
    const char *named = json_string_value(json_object_get(document, "issuer"));
    if (named == NULL || strcmp(named, issuer) != 0)
        return err_set(reterr, ERR_INVALID, "it is not the document of '%.200s'", issuer);
    bool is_https = strncmp(issuer, "https:", strlen("https:")) == 0;
    enum err_kind kind =
        read_endpoint(document, "authorization_endpoint", is_https, ret->authorization_endpoint, reterr);
    if (kind == ERR_NONE)
        kind = read_endpoint(document, "token_endpoint", is_https, ret->token_endpoint, reterr);
    if (kind == ERR_NONE)
        kind = read_endpoint(document, "jwks_uri", is_https, ret->jwks_uri, reterr);
    if (kind == ERR_NONE && ret->jwks_uri[0] == '\0')
        return err_set(reterr, ERR_INVALID, "it names no jwks_uri");
    return kind;
}

enum err_kind discovery_parse(const char *text, const char *issuer, struct discovery *ret, struct err *reterr)
{
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    enum err_kind kind = read_document(document, issuer, ret, reterr);
    json_decref(document);
    return kind;
}
