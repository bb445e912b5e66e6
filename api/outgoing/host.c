/* Names that the public DNS never has, and texts that are no names. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outgoing/host.h"

#include "api/outgoing/address.h"
#include "common/cleanup.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES  253 /* RFC 1035, 2.3.4, without the last dot */
#define LABEL_MAX_BYTES 63

/* Special-use domains (RFC 6761 and its registry), and .internal, which ICANN keeps for private use (2024). Whatever
 * answers for one of them is a resolver of ours. */
static const char *const local_domains[] = {"localhost", "local", "internal", "home.arpa", "alt",
                                            "onion",     "test",  "invalid",  "example"};

static bool ends_with(const char *name, size_t length, const char *domain)
{
    size_t behind = strlen(domain);
    bool is_longer = length > behind && name[length - behind - 1] == '.';
    return (length == behind || is_longer) && strncasecmp(name + length - behind, domain, behind) == 0;
}

/* One label is looked up in our own domains only. */
static bool is_local(const char *name, size_t length)
{
    if (memchr(name, '.', length) == NULL)
        return true;
    for (size_t i = 0; i < COUNT_OF(local_domains); i++) {
        if (ends_with(name, length, local_domains[i]))
            return true;
    }
    return false;
}

/* A last label that is a number makes an address of the whole, to some (WHATWG URL, "ends in a number"); libcurl has
 * made one of what is one. */
static bool is_number(const char *label, size_t length)
{
    bool is_hex = length >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');
    const char *digits = is_hex ? "0123456789abcdefABCDEF" : "0123456789";
    size_t behind = is_hex ? 2 : 0;
    return behind + strspn(label + behind, digits) >= length;
}

/* Letters, digits, hyphens and what services put before them; others stand in their ASCII form (xn--). */
static bool is_name(const char *name, size_t length)
{
    static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    const char *behind = name + length;
    while (length <= NAME_MAX_BYTES) {
        size_t label = strspn(name, characters);
        if (label == 0 || label > LABEL_MAX_BYTES)
            return false;
        if (name + label == behind)
            return !is_number(name, label);
        if (name[label] != '.')
            return false;
        name += label + 1;
    }
    return false;
}

const char *host_problem(const char *host, bool allows_private)
{
    if (address_is_text(host))
        return allows_private || address_text_is_public(host) ? NULL : "the URL's address is not a public one";
    size_t length = strlen(host);
    if (length > 0 && host[length - 1] == '.') /* the root: the same name */
        length--;
    if (!is_name(host, length))
        return "the URL's host is no name: letters, digits and hyphens, others as xn--";
    return allows_private || !is_local(host, length) ? NULL : "the URL's host is a name that only we could resolve";
}
